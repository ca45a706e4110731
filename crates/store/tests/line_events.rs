//! Event streams: gapless, only added to, one writer at a time.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{DateTime, NaiveDate, Utc};
use credit::{FlagKind, LineEvent, LineEventBody};
use identity::{CreditLineId, CustomerId};
use proptest::prelude::*;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use store::{
    StoreError,
    credit_lines::{self, CreditLineRow},
    customers::{self, Customer, Language},
    line_events::{self, StoredSnapshot},
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn on(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, day).unwrap()
}

fn event(seq: u64, day: u32) -> LineEvent {
    let body = LineEventBody::FlagRaised { flag: FlagKind::Hardship, note: format!("note {seq}") };
    LineEvent { seq, effective_on: on(day), recorded_at: now(), body }
}

fn events(seqs: std::ops::RangeInclusive<u64>) -> Vec<LineEvent> {
    seqs.map(|seq| event(seq, 1)).collect()
}

async fn append(
    pool: &PgPool,
    line: CreditLineId,
    expected_seq: u64,
    events: &[LineEvent],
) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    line_events::append(&mut tx, line, expected_seq, events).await?;
    tx.commit().await?;
    Ok(())
}

/// A line of somebody's, which has no history yet.
async fn opened(conn: &mut PgConnection) -> CreditLineId {
    let customer = Customer {
        id: CustomerId::mint(now()),
        name: "Ada".to_owned(),
        email: "ada@example.com".to_owned(),
        phone: "+15550100".to_owned(),
        state: "CA".to_owned(),
        language: Language::English,
        archetype: None,
        summary: None,
        created_at: now(),
    };
    customers::insert(conn, &customer).await.unwrap();
    let row = CreditLineRow {
        id: CreditLineId::mint(now()),
        customer_id: customer.id,
        decision_id: None,
        product: "cashline-std-1".to_owned(),
        opened_on: on(1),
        settles_next_on: on(1),
        standing: None,
        credit: money::Cents::ZERO,
        created_at: now(),
    };
    credit_lines::insert(conn, &row).await.unwrap();
    row.id
}

async fn load(pool: &PgPool, line: CreditLineId) -> Vec<LineEvent> {
    line_events::load(&mut pool.acquire().await.unwrap(), line).await.unwrap()
}

#[tokio::test]
async fn what_was_appended_is_loaded_as_it_was() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let (line, other) = (CreditLineId::mint(now()), CreditLineId::mint(now()));
    append(pool, line, 0, &events(1..=3)).await.unwrap();
    append(pool, other, 0, &events(1..=1)).await.unwrap();
    append(pool, line, 3, &[event(4, 9)]).await.unwrap();

    let mut expected = events(1..=3);
    expected.push(event(4, 9));
    assert_eq!(load(pool, line).await, expected);
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(line_events::load_after(&mut conn, line, 3).await.unwrap(), [event(4, 9)]);
    assert_eq!(line_events::head(&mut conn, line).await.unwrap(), 4);
    assert_eq!(line_events::head(&mut conn, CreditLineId::mint(now())).await.unwrap(), 0);
}

#[tokio::test]
async fn an_append_that_does_not_continue_the_stream_is_a_conflict_and_writes_nothing() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let line = CreditLineId::mint(now());
    append(pool, line, 0, &events(1..=2)).await.unwrap();
    let cases = [
        ("opened twice", 0, events(1..=1)),
        ("behind", 1, events(2..=2)),
        ("ahead", 5, events(6..=6)),
        ("with a gap", 2, events(4..=4)),
        ("out of order", 2, vec![event(4, 1), event(3, 1)]),
    ];
    for (name, expected_seq, new) in cases {
        let refused = append(pool, line, expected_seq, &new).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{name}: {refused:?}");
    }
    assert_eq!(load(pool, line).await, events(1..=2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_writers_that_saw_the_same_history_one_wins() {
    let database = store::testing::database().await;
    let line = CreditLineId::mint(now());
    append(database.store().app(), line, 0, &events(1..=1)).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let pool = database.store().app().clone();
        writers.spawn(async move { append(&pool, line, 1, &events(2..=3)).await });
    }
    let results = writers.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(
        results.iter().all(|result| matches!(result, Ok(()) | Err(StoreError::Conflict { .. })))
    );
    assert_eq!(load(database.store().app(), line).await, events(1..=3));
}

#[tokio::test]
async fn a_snapshot_serves_until_a_later_event_reaches_into_its_cycle() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let mut conn = pool.acquire().await.unwrap();
    let line = opened(&mut conn).await;
    append(pool, line, 0, &[event(1, 1), event(2, 5)]).await.unwrap();
    let first = StoredSnapshot { closed_on: on(10), seq: 2, body: "first".to_owned() };
    let second = StoredSnapshot { closed_on: on(20), seq: 2, body: "second".to_owned() };
    for snapshot in [&first, &second] {
        line_events::save_snapshot(&mut conn, line, snapshot).await.unwrap();
    }
    let mut usable = async |through| -> Option<StoredSnapshot<String>> {
        let whole = credit_lines::load(&mut conn, line, through).await.unwrap().unwrap();
        assert_eq!(whole.events, load(pool, line).await);
        whole.snapshot
    };
    assert_eq!(usable(on(9)).await, None);
    assert_eq!(usable(on(19)).await, Some(first.clone()));
    assert_eq!(usable(on(25)).await, Some(second.clone()));

    // Effective after both cycles: nothing changes.
    append(pool, line, 2, &[event(3, 21)]).await.unwrap();
    assert_eq!(usable(on(25)).await, Some(second));
    // Learned late, effective in the second cycle: its snapshot no longer serves, the first one still does.
    append(pool, line, 3, &[event(4, 15)]).await.unwrap();
    assert_eq!(usable(on(25)).await, Some(first.clone()));
    append(pool, line, 4, &[event(5, 10)]).await.unwrap();
    assert_eq!(usable(on(25)).await, None);
    // And what replay finds then is added beside the old one.
    let again = StoredSnapshot { closed_on: on(10), seq: 5, body: "again".to_owned() };
    line_events::save_snapshot(&mut conn, line, &again).await.unwrap();
    let whole = credit_lines::load(&mut conn, line, on(25)).await.unwrap().unwrap();
    assert_eq!(whole.snapshot, Some(again));
}

#[tokio::test]
async fn who_holds_the_line_is_alone_with_it() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let line = CreditLineId::mint(now());
    append(pool, line, 0, &events(1..=1)).await.unwrap();
    let mut holder = pool.begin().await.unwrap();
    assert_eq!(line_events::lock(&mut holder, line).await.unwrap(), 1);

    let mut other = pool.begin().await.unwrap();
    sqlx::query("SET LOCAL lock_timeout = '50ms'").execute(&mut *other).await.unwrap();
    assert!(line_events::append(&mut other, line, 1, &events(2..=2)).await.is_err());
    line_events::append(&mut holder, line, 1, &events(2..=2)).await.unwrap();
    holder.commit().await.unwrap();
    assert_eq!(load(pool, line).await.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// However a history is cut into batches, and however often a batch is sent again, the stream is the history.
    #[test]
    fn a_history_in_any_batches_with_any_repeats_is_stored_once(cuts in prop::collection::vec((1_u64..4, 0_u32..3), 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let database = store::testing::database().await;
            let pool = database.store().app();
            let line = CreditLineId::mint(now());
            let mut seq = 0;
            for (length, repeats) in cuts {
                let batch = events(seq + 1..=seq + length);
                append(pool, line, seq, &batch).await.unwrap();
                for _ in 0..repeats {
                    assert!(matches!(append(pool, line, seq, &batch).await, Err(StoreError::Conflict { .. })));
                }
                seq += length;
            }
            assert_eq!(load(pool, line).await, events(1..=seq));
        });
    }
}

/// A statement that adds an event of that seq to a line, as those who write to it are let.
fn adds(line: CreditLineId, seq: u64) -> String {
    format!(
        "INSERT INTO line_events (credit_line_id, seq, effective_on, recorded_at, body)
         VALUES ('{line}', {seq}, now(), now(), '{{\"kind\": \"flag_raised\"}}')"
    )
}

/// A line that stood elsewhere could never be continued: neither a model's turn nor a use case brings that about.
#[tokio::test]
async fn a_line_stands_at_its_newest_event_whoever_writes() {
    let database = store::testing::database().await;
    let line = CreditLineId::mint(now());
    append(database.store().app(), line, 0, &events(1..=2)).await.unwrap();
    let moves =
        |seq: u64| format!("UPDATE line_heads SET seq = {seq} WHERE credit_line_id = '{line}'");
    let both = |seq: u64| format!("WITH m AS ({}) {}", moves(seq), adds(line, seq));
    let unknown = CreditLineId::mint(now());
    let (head, event) = ("line_heads_at_newest_event", "line_events_without_gap");
    let cases = [
        ("ahead of its events", moves(3), head),
        ("behind its events", moves(1), head),
        ("every line", "UPDATE line_heads SET seq = seq + 1".to_owned(), head),
        ("without events", format!("INSERT INTO line_heads VALUES ('{unknown}', 1)"), head),
        ("an event that nobody looks for", adds(line, 3), event),
        ("a gap", both(4), event),
    ];
    for pool in [database.store().turn(), database.store().app(), database.owner()] {
        for (name, sql, constraint) in &cases {
            let done = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(pool).await;
            let refused = StoreError::from(done.expect_err(name));
            assert_eq!(refused.constraint(), Some(*constraint), "{name}");
        }
    }
    sqlx::raw_sql(AssertSqlSafe(both(3))).execute(database.store().turn()).await.unwrap();
    append(database.store().app(), line, 3, &events(4..=5)).await.unwrap();
}

#[tokio::test]
async fn nobody_gives_a_lines_place_to_another_line() {
    let database = store::testing::database().await;
    for role in store::Role::ALL {
        let renamed = sqlx::query("UPDATE line_heads SET credit_line_id = credit_line_id")
            .execute(database.store().pool(role))
            .await;
        assert!(renamed.is_err_and(|error| StoreError::from(error).lacks_privilege()), "{role:?}");
    }
}
