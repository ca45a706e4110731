//! The ledger's tables: nothing that does not balance, in any number.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use identity::{CreditLineId, PostingId};
use ledger::{Chart, Posting};
use money::Cents;
use proptest::prelude::*;
use sqlx::{AssertSqlSafe, PgPool};
use store::{
    StoreError, entries,
    postings::{self, NewPosting},
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn on() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, 1).unwrap()
}

fn draw(line: CreditLineId, cents: i64) -> Posting {
    let chart = Chart::embedded().unwrap();
    Posting::of("drew")
        .debit(chart.account("principal").unwrap().of(line), Cents::new(cents))
        .credit(chart.account("draws_clearing").unwrap(), Cents::new(cents))
        .balanced()
        .unwrap()
}

fn payment(line: CreditLineId, cents: i64) -> Posting {
    let chart = Chart::embedded().unwrap();
    Posting::of("payment_received")
        .debit(chart.account("payments_clearing").unwrap(), Cents::new(cents))
        .credit(chart.account("principal").unwrap().of(line), Cents::new(cents))
        .balanced()
        .unwrap()
}

fn new(posting: &Posting, line: CreditLineId) -> NewPosting<'_> {
    NewPosting {
        id: PostingId::mint(now()),
        posting,
        credit_line: Some(line),
        event_seq: None,
        effective_on: on(),
        recorded_at: now(),
    }
}

async fn post(pool: &PgPool, new: &[NewPosting<'_>]) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    postings::post(&mut tx, new).await?;
    tx.commit().await?;
    Ok(())
}

/// A line's first event, of this kind and without a body: a posting asks only that there is one.
async fn first_event(pool: &PgPool, line: CreditLineId, kind: &str) {
    sqlx::raw_sql(AssertSqlSafe(format!(
        "WITH h AS (INSERT INTO line_heads VALUES ('{line}', 1))
         INSERT INTO line_events (credit_line_id, seq, effective_on, recorded_at, body)
         VALUES ('{line}', 1, now(), now(), '{{\"kind\": \"{kind}\"}}')"
    )))
    .execute(pool)
    .await
    .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn any_batch_adds_up_and_each_lines_balance_is_its_own(moves in prop::collection::vec((0_usize..3, any::<bool>(), 1_i64..1_000_000), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let database = store::testing::database().await;
            let lines = [(); 3].map(|()| CreditLineId::mint(now()));
            let mut owed = BTreeMap::new();
            let batch: Vec<(Posting, CreditLineId)> = moves
                .iter()
                .map(|&(n, out, cents)| {
                    *owed.entry(n).or_insert(0) += if out { cents } else { -cents };
                    let posting = if out { draw(lines[n], cents) } else { payment(lines[n], cents) };
                    (posting, lines[n])
                })
                .collect();
            let batch: Vec<_> = batch.iter().map(|(posting, line)| new(posting, *line)).collect();
            post(database.store().app(), &batch).await.unwrap();

            let mut conn = database.store().audit().acquire().await.unwrap();
            let totals = postings::account_totals(&mut conn).await.unwrap();
            let debits: Cents = totals.iter().map(|total| total.debits).sum();
            let credits: Cents = totals.iter().map(|total| total.credits).sum();
            assert_eq!(debits, credits);
            assert_eq!(postings::find_unbalanced(&mut conn).await.unwrap(), []);
            for (n, line) in lines.into_iter().enumerate() {
                let balances = postings::line_balances(&mut conn, line).await.unwrap();
                let total: i64 = balances.iter().map(|balance| balance.balance.get()).sum();
                assert_eq!(total, owed.get(&n).copied().unwrap_or_default());
            }
        });
    }
}

#[tokio::test]
async fn a_batch_takes_one_statement_whatever_its_size() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let line = CreditLineId::mint(now());
    let mut counts = Vec::new();
    for size in [1_i64, 1_000] {
        let batch: Vec<Posting> = (1..=size).map(|cents| draw(line, cents)).collect();
        let batch: Vec<_> = batch.iter().map(|posting| new(posting, line)).collect();
        let mut tx = pool.begin().await.unwrap();
        let before = statements(&mut tx).await;
        postings::post(&mut tx, &batch).await.unwrap();
        counts.push(statements(&mut tx).await - before - 1);
        tx.commit().await.unwrap();
    }
    assert_eq!(counts, [1, 1]);
}

/// How many times this connection has run a prepared statement; to ask is one of them.
async fn statements(tx: &mut store::Tx<'_>) -> i64 {
    sqlx::query_scalar(
        "SELECT coalesce(sum(generic_plans + custom_plans), 0)::bigint FROM pg_prepared_statements",
    )
    .fetch_one(&mut **tx)
    .await
    .unwrap()
}

#[tokio::test]
async fn one_event_posts_one_posting_of_a_kind() {
    let database = store::testing::database().await;
    let line = CreditLineId::mint(now());
    first_event(database.owner(), line, "drew").await;
    let posting = draw(line, 500);
    let of_event = |seq| NewPosting { event_seq: Some(seq), ..new(&posting, line) };
    post(database.store().app(), &[of_event(1)]).await.unwrap();
    let again = post(database.store().app(), &[of_event(1)]).await.unwrap_err();
    assert_eq!(again.constraint(), Some("postings_event_unique"));
    let unknown = post(database.store().app(), &[of_event(2)]).await.unwrap_err();
    assert_eq!(unknown.constraint(), Some("postings_event_known"));
}

#[tokio::test]
async fn a_lines_postings_are_read_back_whole_and_found_by_its_own_keys() {
    let database = store::testing::database().await;
    let (line, other) = (CreditLineId::mint(now()), CreditLineId::mint(now()));
    first_event(database.owner(), line, "payment_received").await;
    let chart = Chart::embedded().unwrap();
    let (drawn, paid, others) = (draw(line, 500), payment(line, 200), draw(other, 300));
    // No entry of it names the line: the event does.
    let settled = Posting::of("payment_settled")
        .debit(chart.account("cash").unwrap(), Cents::new(200))
        .credit(chart.account("payments_clearing").unwrap(), Cents::new(200))
        .balanced()
        .unwrap();
    let later = on().succ_opt().unwrap();
    let batch = [
        NewPosting { effective_on: later, event_seq: Some(1), ..new(&settled, line) },
        NewPosting { event_seq: Some(1), ..new(&paid, line) },
        NewPosting { effective_on: on().pred_opt().unwrap(), ..new(&drawn, line) },
        new(&others, other),
    ];
    post(database.store().app(), &batch).await.unwrap();

    let mut conn = database.store().audit().acquire().await.unwrap();
    let found = entries::of_line(&mut conn, line).await.unwrap();
    let read: Vec<_> =
        found.iter().map(|one| (one.id, one.event_seq, one.entries.as_slice())).collect();
    assert_eq!(
        read,
        [
            (batch[2].id, None, drawn.entries()),
            (batch[1].id, Some(1), paid.entries()),
            (batch[0].id, Some(1), settled.entries()),
        ]
    );
    assert_eq!(found[2].effective_on, later);

    // Not by reading all of the books, in the plan for any line.
    sqlx::raw_sql("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
        .execute(&mut *conn)
        .await
        .unwrap();
    let name: String = sqlx::query_scalar(
        "SELECT name FROM pg_prepared_statements WHERE statement LIKE 'WITH own AS%'",
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    let explain = format!("EXPLAIN EXECUTE \"{name}\" ('{line}')");
    let plan: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *conn).await.unwrap();
    let plan = plan.join("\n");
    for index in ["postings_event_unique", "entries_by_line", "postings_pkey", "entries_pkey"] {
        assert!(plan.contains(index), "{index}: {plan}");
    }
    assert!(!plan.contains("Seq Scan"), "{plan}");
}

/// Past our own types, straight into the tables, with the owner's rights.
#[tokio::test]
async fn postgresql_refuses_a_posting_that_does_not_balance() {
    let database = store::testing::database().await;
    let id = PostingId::mint(now());
    let header = format!(
        "INSERT INTO postings (id, kind, effective_on, booked_on, recorded_at)
         VALUES ('{id}', 'forged', '2026-10-01', '2026-10-01', now())"
    );
    let entry = |n: u32, side: &str, cents: i64, on: &str| {
        format!("('{id}', {n}, 1000, '{side}', {cents}, '{on}', '{on}')")
    };
    let entries = |rows: &[String]| {
        format!(
            "INSERT INTO entries (posting_id, n, account_code, side, amount_cents, effective_on, booked_on)
             VALUES {}",
            rows.join(", ")
        )
    };
    let at_once = |rows: &[String]| format!("WITH p AS ({header}) {};", entries(rows));
    let on = "2026-10-01";
    let both = [entry(0, "debit", 500, on), entry(1, "credit", 500, on)];
    let other_day = [entry(0, "debit", 500, on), entry(1, "credit", 500, "2026-10-02")];
    let cases = [
        ("one leg", at_once(&[entry(0, "debit", 500, on)]), "entries_balance"),
        ("no legs", format!("{header};"), "postings_have_entries"),
        ("legs that come later", format!("{header};{};", entries(&both)), "postings_have_entries"),
        ("legs without a posting", format!("{};", entries(&both)), "entries_posting_known"),
        (
            "a leg added to a balanced posting",
            format!("{}{};", at_once(&both), entries(&[entry(2, "debit", 1, on)])),
            "entries_balance",
        ),
        ("a negative leg", at_once(&[entry(0, "debit", -500, on)]), "entries_amount_cents_check"),
        ("legs of two days", at_once(&other_day), "entries_dated_as_posting"),
    ];
    let mut conn = database.owner().acquire().await.unwrap();
    for (name, sql, constraint) in cases {
        let refused =
            sqlx::raw_sql(AssertSqlSafe(format!("BEGIN;{sql}COMMIT;"))).execute(&mut *conn).await;
        let refused = StoreError::from(refused.unwrap_err());
        assert_eq!(refused.constraint(), Some(constraint), "{name}");
        sqlx::raw_sql("ROLLBACK").execute(&mut *conn).await.unwrap();
    }
    let balanced = AssertSqlSafe(format!("BEGIN;{}COMMIT;", at_once(&both)));
    sqlx::raw_sql(balanced).execute(database.owner()).await.unwrap();
}
