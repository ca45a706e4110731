//! The day close: every line-day exactly once, whoever works, whoever dies, whoever pays meanwhile.

use std::collections::BTreeMap;

use credit::{CreditLine, LineEventBody};
use identity::CreditLineId;
use servicing::{
    AmountAsk, BankAccountAsk, Caller, DrawAsk, PaymentAsk, RefusalCode, Servicing,
    close::{Close, CloseAsk, CloseReport, Pace, Progress},
    portfolio::sandbox_creditor,
    testing::{
        at_once,
        boarded::{Ids, Model, board, models},
    },
};
use store::{credit_lines, draws::DrawRail, line_events};
use tokio::task::JoinSet;

use crate::{
    counted::Statements,
    house::{House, cents, code, day, key, noon},
};

/// Lines whose cycle ended on November 22.
const DUE_ON: &str = "2026-11-23";

fn ask(workers: usize) -> CloseAsk {
    CloseAsk { on: day(DUE_ON), workers: Some(workers), pace: Pace::Full, payments: false }
}

/// The model whose statement is due.
fn due_model() -> Vec<Model> {
    let mut all = models(day(DUE_ON));
    all.retain(|model| model.settles_next_on == day(DUE_ON));
    assert_eq!(all.len(), 1);
    all
}

/// A lender with that many lines, all of them due.
async fn with_due(count: u64) -> House {
    let house = House::on(DUE_ON).await;
    boards(&house, &due_model(), count).await;
    house
}

async fn boards(house: &House, models: &[Model], count: u64) {
    let mut owner = house.database.owner().acquire().await.unwrap();
    board(&mut owner, models, count).await.unwrap();
}

async fn close(servicing: &Servicing, ask: CloseAsk) -> CloseReport {
    match servicing.close_day(Caller::system(), ask, |_| {}).await.unwrap() {
        Close::Ran(report) => report,
        before @ Close::Before { .. } => panic!("closed before: {before:?}"),
    }
}

/// Statement, leaf and event for the outside world: each line has each of them once, and the books balance.
async fn each_once(house: &House, lines: i64) {
    for sql in [
        "SELECT count(*) FROM line_events WHERE kind = 'statement_issued'",
        "SELECT count(DISTINCT credit_line_id) FROM line_events WHERE kind = 'statement_issued'",
        "SELECT count(*) FROM audit_leaves WHERE kind = 'statement.issued'",
        "SELECT count(DISTINCT stream) FROM audit_leaves WHERE kind = 'statement.issued'",
        "SELECT count(*) FROM audit_payloads p JOIN audit_leaves l ON l.id = p.leaf_id WHERE l.kind = 'statement.issued'",
        "SELECT count(*) FROM outbox WHERE kind = 'statement.issued'",
        "SELECT count(DISTINCT stream) FROM outbox WHERE kind = 'statement.issued'",
        "SELECT count(*) FROM line_snapshots",
        "SELECT count(*) FROM postings p JOIN line_events e ON e.credit_line_id = p.credit_line_id AND e.seq = p.event_seq
          WHERE e.kind = 'statement_issued'",
        "SELECT count(*) FROM credit_lines WHERE settles_next_on > '2026-11-23'",
        "SELECT count(*) FROM line_heads h WHERE seq = (SELECT max(seq) FROM line_events e
          WHERE e.credit_line_id = h.credit_line_id) AND seq = (SELECT count(*) FROM line_events e
          WHERE e.credit_line_id = h.credit_line_id)",
    ] {
        assert_eq!(house.count(sql).await, lines, "{sql}");
    }
    let mut conn = house.database.store().app().acquire().await.unwrap();
    assert!(store::postings::find_unbalanced(&mut conn).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_with_several_workers_work_each_line_off_once() {
    let house = with_due(300).await;
    let mut processes = JoinSet::new();
    for _ in 0..3 {
        let servicing = house.servicing.clone();
        processes.spawn(async move { servicing.close_day(Caller::system(), ask(2), |_| {}).await });
    }
    let mut lines = 0;
    for closed in processes.join_all().await {
        if let Close::Ran(report) = closed.unwrap() {
            assert!(report.whole(), "{report:?}");
            lines += report.lines.lines;
        }
    }
    assert_eq!(lines, 300);
    each_once(&house, 300).await;
}

#[tokio::test]
async fn only_what_is_due_is_touched_and_closing_twice_does_nothing_and_says_so() {
    let house = House::on(DUE_ON).await;
    boards(&house, &models(day(DUE_ON)), 28 * 3).await;
    let report = close(&house.servicing, ask(1)).await;
    assert_eq!((report.lines.lines, report.lines.statements_issued), (3, 3));
    each_once_of(&house, 3).await;
    let again = house.servicing.close_day(Caller::system(), ask(1), |_| {}).await.unwrap();
    let Close::Before { closed_with, lines, .. } = again else { panic!("ran again: {again:?}") };
    assert_eq!((closed_with, lines.lines), (day(DUE_ON), 3));
    // A day before it is closed with it.
    let earlier = CloseAsk { on: day("2026-11-20"), ..ask(1) };
    let earlier = house.servicing.close_day(Caller::system(), earlier, |_| {}).await.unwrap();
    assert!(matches!(earlier, Close::Before { .. }));
    let tomorrow = CloseAsk { on: day("2026-11-24"), ..ask(1) };
    let refused = house.servicing.close_day(Caller::system(), tomorrow, |_| {}).await;
    assert_eq!(code(refused), RefusalCode::DateTooFar);
}

/// What the bank has of a day's payments, when the program that closes it is run again.
#[tokio::test]
async fn payments_that_failed_keep_the_day_open_and_closing_it_again_sends_them() {
    let house = with_due(3).await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    house.pays(ann, 5_000, DUE_ON).await.unwrap();
    let with_payments = CloseAsk { payments: true, ..ask(1) };
    let again =
        async || house.servicing.close_day(Caller::system(), with_payments, |_| {}).await.unwrap();
    owner_says(&house, "REVOKE INSERT ON rail_files FROM plumbline_app").await;
    let report = close(&house.servicing, with_payments).await;
    assert_eq!((report.lines.lines, report.closed, report.whole()), (3, false, false));
    assert_eq!(house.submitted(), 0);
    assert!(!again().await.whole(), "it is as it was");
    owner_says(&house, "GRANT INSERT ON rail_files TO plumbline_app").await;
    let report = close(&house.servicing, with_payments).await;
    assert!(report.closed && report.whole(), "{report:?}");
    assert_eq!(house.submitted(), 1);

    // Of a closed day too; and what is well is not done twice.
    assert!(matches!(again().await, Close::Before { .. }) && house.submitted() == 1);
    house.pays(ann, 6_000, DUE_ON).await.unwrap();
    owner_says(&house, "REVOKE INSERT ON rail_files FROM plumbline_app").await;
    assert!(!again().await.whole());
    owner_says(&house, "GRANT INSERT ON rail_files TO plumbline_app").await;
    assert!(again().await.whole());
    assert_eq!(house.submitted(), 2);
    each_once_of(&house, 3).await;
}

async fn each_once_of(house: &House, statements: i64) {
    let sql = "SELECT count(*) FROM line_events WHERE kind = 'statement_issued'";
    assert_eq!(house.count(sql).await, statements);
}

async fn owner_says(house: &House, sql: &'static str) {
    sqlx::raw_sql(sql).execute(house.database.owner()).await.unwrap();
}

#[tokio::test]
async fn a_worker_that_dies_between_any_two_statements_leaves_nothing_half_done() {
    let house = with_due(20).await;
    owner_says(
        &house,
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
             $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
    )
    .await;
    // The last one at commit.
    for (place, drop) in [
        ("AFTER INSERT ON line_events", "line_events"),
        ("AFTER UPDATE ON line_heads", "line_heads"),
        ("AFTER INSERT ON postings", "postings"),
        ("AFTER INSERT ON entries", "entries"),
        ("AFTER INSERT ON line_snapshots", "line_snapshots"),
        ("AFTER INSERT ON audit_leaves", "audit_leaves"),
        ("AFTER INSERT ON audit_payloads", "audit_payloads"),
        ("AFTER INSERT ON outbox", "outbox"),
        ("AFTER UPDATE ON credit_lines", "credit_lines"),
        ("AFTER DELETE ON lines_put_aside", "lines_put_aside"),
    ] {
        let trigger = format!("CREATE TRIGGER dies {place} EXECUTE FUNCTION die()");
        sqlx::raw_sql(sqlx::AssertSqlSafe(trigger)).execute(house.database.owner()).await.unwrap();
        let died = house.servicing.close_day(Caller::system(), ask(1), |_| {}).await;
        assert!(died.is_err(), "{place}: {died:?}");
        assert_eq!(house.count("SELECT count(*) FROM line_events WHERE seq > 2").await, 0);
        assert_eq!(house.count("SELECT count(*) FROM outbox").await, 0);
        assert_eq!(house.count("SELECT count(*) FROM lines_put_aside").await, 0);
        let drop = format!("DROP TRIGGER dies ON {drop}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(house.database.owner()).await.unwrap();
    }
    owner_says(
        &house,
        "CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION die()",
    )
    .await;
    assert!(house.servicing.close_day(Caller::system(), ask(1), |_| {}).await.is_err());
    owner_says(&house, "DROP TRIGGER dies ON outbox").await;
    let report = close(&house.servicing, ask(1)).await;
    assert!(report.whole());
    each_once(&house, 20).await;
}

/// Whoever is connected as the use cases are.
const KILL_ALL: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE usename = 'plumbline_app' AND datname = current_database()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_killed_at_any_moment_are_taken_up_where_they_were() {
    let house = with_due(400).await;
    let mut deaths = 0;
    let lines = loop {
        let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
        let watch = move |progress: Progress| {
            told.send(progress.done).ok();
        };
        let gentle = CloseAsk { pace: Pace::Gentle, ..ask(3) };
        let closing = house.servicing.close_day(Caller::system(), gentle, watch);
        let mut closing = std::pin::pin!(closing);
        // Killed when it is first heard to have done something, three times.
        let closed = loop {
            tokio::select! {
                closed = &mut closing => break closed,
                Some(done) = hears.recv() => {
                    if done > 0 && deaths < 3 {
                        deaths += i32::from(house.count(KILL_ALL).await > 0);
                    }
                }
            }
        };
        match closed {
            Ok(Close::Ran(report)) => break report.lines,
            Ok(before) => panic!("nobody closed it: {before:?}"),
            Err(error) => assert!(deaths > 0, "{error:?}"),
        }
    };
    assert!(deaths > 0, "nobody was killed");
    assert_eq!(lines.failed, 0);
    each_once(&house, 400).await;
}

#[tokio::test]
async fn a_line_that_cannot_be_worked_out_is_put_aside_and_keeps_nobody_else() {
    let house = with_due(12).await;
    let (unreadable, unwritable) = (Ids::of(3).line, Ids::of(7).line);
    let spoil = "UPDATE line_events SET body = jsonb_set(body, '{kind}', '\"nonsense\"')
                  WHERE credit_line_id = $1 AND seq = 2";
    sqlx::query(spoil).bind(unreadable.as_uuid()).execute(house.database.owner()).await.unwrap();
    let refuse = format!(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'not this one' USING ERRCODE = 'check_violation'; END $$;
         CREATE TRIGGER no BEFORE INSERT ON line_events FOR EACH ROW
             WHEN (NEW.credit_line_id = '{unwritable}') EXECUTE FUNCTION no()"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(refuse)).execute(house.database.owner()).await.unwrap();

    let report = close(&house.servicing, ask(1)).await;
    assert_eq!((report.lines.lines, report.lines.failed, report.closed), (10, 2, true));
    assert!(!report.whole());
    let why: BTreeMap<CreditLineId, (u32, String)> = report
        .put_aside
        .iter()
        .map(|one| (one.credit_line_id, (one.attempts, one.reason.clone())))
        .collect();
    assert!(why[&unreadable].1.contains("nonsense"), "{why:?}");
    assert!(why[&unwritable].1.contains("not this one"), "{why:?}");

    // The next run tries again.
    let report = close(&house.servicing, ask(1)).await;
    assert_eq!((report.lines.lines, report.lines.failed), (0, 2));
    assert!(report.put_aside.iter().all(|one| one.attempts == 2));
    let mend =
        "UPDATE line_events SET body = jsonb_set(body, '{kind}', '\"balance_brought_forward\"')
                 WHERE credit_line_id = $1 AND seq = 2";
    sqlx::query(mend).bind(unreadable.as_uuid()).execute(house.database.owner()).await.unwrap();
    owner_says(&house, "DROP TRIGGER no ON line_events").await;
    let report = close(&house.servicing, ask(1)).await;
    assert_eq!((report.lines.lines, report.lines.failed), (2, 0));
    assert!(report.whole(), "{report:?}");
    each_once(&house, 12).await;
}

#[tokio::test]
async fn the_jobs_pass_over_a_line_in_somebody_elses_hands_and_a_close_waits_for_it() {
    let house = with_due(5).await;
    let mut holder = house.database.store().app().begin().await.unwrap();
    line_events::lock(&mut holder, Ids::of(2).line).await.unwrap();
    let report = house.servicing.run_jobs(Caller::system()).await.unwrap();
    assert_eq!((report.statements_issued, report.failed), (4, 0));

    let servicing = house.servicing.clone();
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let mut closing = JoinSet::new();
    closing.spawn(async move {
        let watch = move |progress: Progress| {
            told.send(progress).ok();
        };
        servicing.close_day(Caller::system(), ask(1), watch).await
    });
    // It has looked, and found the one line held.
    let progress = hears.recv().await.unwrap();
    assert_eq!((progress.done, progress.all), (0, 1));
    holder.rollback().await.unwrap();
    let Close::Ran(report) = closing.join_next().await.unwrap().unwrap().unwrap() else {
        panic!("it was closed before")
    };
    assert_eq!(report.lines.lines, 1);
    each_once(&house, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_are_taken_while_a_close_runs() {
    let house = with_due(120).await;
    let mut payers = JoinSet::new();
    for n in (0..120).step_by(6) {
        let servicing = house.servicing.clone();
        payers.spawn(async move {
            let customer = Ids::of(n).customer;
            let ask = PaymentAsk {
                amount: AmountAsk::Exact { cents: cents(5_000) },
                on: day("2026-11-25"),
                from: BankAccountAsk::Only,
            };
            let key = key(&format!("pays-{n}"));
            servicing.schedule_payment(Caller::customer(customer), customer, &ask, &key).await
        });
    }
    let report = close(&house.servicing, ask(2)).await;
    for paid in payers.join_all().await {
        paid.unwrap();
    }
    assert!(report.whole(), "{report:?}");
    assert_eq!(house.count("SELECT count(*) FROM payments").await, 20);
    each_once(&house, 120).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn draws_are_taken_while_a_close_runs() {
    let house = with_due(120).await;
    owner_says(
        &house,
        "SET session_replication_role = replica;
         INSERT INTO opening_deliveries (credit_line_id, consent_id, delivered_at)
         SELECT id, id, created_at FROM credit_lines;
         RESET session_replication_role",
    )
    .await;
    let mut drawers = JoinSet::new();
    for n in (0..120).step_by(6) {
        let servicing = house.servicing.clone();
        drawers.spawn(async move {
            let Ids { customer, bank_account, .. } = Ids::of(n);
            let ask = DrawAsk { rail: DrawRail::Standard, ..at_once(5_000, bank_account) };
            let key = key(&format!("draws-{n}"));
            servicing.draw(Caller::customer(customer), customer, ask, &key).await
        });
    }
    let report = close(&house.servicing, ask(2)).await;
    for drawn in drawers.join_all().await {
        drawn.unwrap();
    }
    assert!(report.whole(), "{report:?}");
    assert_eq!(house.count("SELECT count(*) FROM draws WHERE status = 'held'").await, 20);
    each_once(&house, 120).await;
}

#[tokio::test]
async fn a_chunk_posts_what_each_line_by_itself_comes_to() {
    let house = with_due(10).await;
    let report = close(&house.servicing, ask(1)).await;
    assert_eq!(report.lines.lines, 10);
    let model = due_model().remove(0);
    let mut conn = house.database.store().app().acquire().await.unwrap();
    for n in 0..10 {
        let id = Ids::of(n).line;
        let mut alone = CreditLine::from_history(id, model.events.clone(), Vec::new()).unwrap();
        alone.issued_by(sandbox_creditor().issuer());
        let (expected, position) = alone.settle_and_look(day(DUE_ON), noon(day(DUE_ON))).unwrap();
        let stored = line_events::load(&mut conn, id).await.unwrap();
        let expected: Vec<_> = expected.into_iter().map(|one| one.event).collect();
        assert_eq!(stored[model.events.len()..], expected);
        let LineEventBody::StatementIssued { statement } = &stored.last().unwrap().body else {
            panic!("no statement at the end")
        };
        assert!(statement.off_by().is_zero());
        let row = credit_lines::load::<credit::Snapshot>(&mut conn, id, day(DUE_ON)).await.unwrap();
        let whole = row.unwrap();
        assert_eq!(whole.row.settles_next_on, position.settles_next_on);
        assert!(whole.snapshot.is_some());
    }
}

/// What the first chunk handed to the database, from its beginning to its commit.
fn of_the_chunk(statements: &Statements) -> usize {
    let heard = statements.heard();
    let takes = |one: &String| one.starts_with("SELECT l.id, l.settles_next_on");
    let from = heard.iter().position(takes).unwrap();
    let until = heard[from..].iter().position(|one| one == "COMMIT").unwrap();
    // A connection that is opened meanwhile says something of its own; of a transaction's beginning nothing is heard.
    heard[from..=from + until].iter().filter(|one| !one.starts_with("SET ")).count() + 1
}

#[tokio::test]
async fn the_number_of_statements_does_not_depend_on_the_size_of_the_chunk() {
    let mut counted = Vec::new();
    // The first is not counted: a place that speaks is heard only once it is known.
    for lines in [1, 1, 10, 120] {
        let house = with_due(lines).await;
        let statements = Statements::listen();
        let report = close(&house.servicing, ask(1)).await;
        assert_eq!(report.lines.lines, lines);
        counted.push(of_the_chunk(&statements));
    }
    assert_eq!(counted[1..], [14; 3], "of 1, 10 and 120 lines, none of which is put aside");
}

#[tokio::test]
async fn how_a_line_stands_is_told_once_when_it_changes() {
    let house = House::on("2026-09-06").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 100_000).await;
    // The statement of October 5 is due on October 29; nothing is paid.
    let report = house.live_until("2026-12-05").await;
    let told: Vec<serde_json::Value> = sqlx::query_scalar(
        "SELECT payload FROM outbox WHERE kind = 'line.standing_changed' ORDER BY id",
    )
    .fetch_all(house.database.owner())
    .await
    .unwrap();
    let to: Vec<(&str, bool, &str)> = told
        .iter()
        .map(|payload| {
            let to = &payload["to"];
            let text = |name: &str| to[name].as_str().unwrap();
            (text("bucket"), to["frozen"].as_bool().unwrap(), text("since"))
        })
        .collect();
    assert_eq!(
        to,
        [
            ("1-29", false, "2026-10-31"),
            ("1-29", true, "2026-11-10"),
            ("30-59", true, "2026-11-29"),
        ]
    );
    assert_eq!(report.standings_changed, 3);
    assert_eq!(told[0]["customer_id"], serde_json::json!(ann.id));
    let leaves = "SELECT count(*) FROM audit_leaves WHERE kind = 'line.standing_changed'";
    assert_eq!(house.count(leaves).await, 3);

    house.pays(ann, 30_000, "2026-12-07").await.unwrap();
    house.live_until("2026-12-09").await;
    let last: serde_json::Value = sqlx::query_scalar(
        "SELECT payload FROM outbox WHERE kind = 'line.standing_changed' ORDER BY id DESC LIMIT 1",
    )
    .fetch_one(house.database.owner())
    .await
    .unwrap();
    assert_eq!(last["to"]["bucket"], "current");
    assert_eq!(last["to"]["since"], "2026-12-07");
    assert_eq!(house.count(leaves).await, 4);
    house.books_agree(ann).await;
}
