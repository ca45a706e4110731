//! Accounting months: what is closed stays as it is, whoever posts at the same moment.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use identity::PostingId;
use ledger::{Chart, Posting};
use money::Cents;
use proptest::prelude::*;
use sqlx::{AssertSqlSafe, PgPool};
use store::{
    StoreError,
    periods::{self, AsOf, ByDate, Sums},
    postings::{self, NewPosting},
    testing::TestDatabase,
};
use tokio::task::JoinSet;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn moved(cents: i64) -> Posting {
    let chart = Chart::embedded().unwrap();
    Posting::of("cash_moved")
        .debit(chart.account("cash").unwrap(), Cents::new(cents))
        .credit(chart.account("draws_clearing").unwrap(), Cents::new(cents))
        .balanced()
        .unwrap()
}

fn new(posting: &Posting, effective_on: NaiveDate, recorded_at: DateTime<Utc>) -> NewPosting<'_> {
    let id = PostingId::mint(recorded_at);
    NewPosting { id, posting, credit_line: None, event_seq: None, effective_on, recorded_at }
}

async fn post(pool: &PgPool, cents: i64, on: &str) {
    let mut tx = pool.begin().await.unwrap();
    postings::post(&mut tx, &[new(&moved(cents), day(on), now())]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn close(pool: &PgPool, month: &str) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    periods::close(&mut tx, day(month), now()).await?;
    tx.commit().await?;
    periods::keep_balances(&mut *pool.acquire().await?, day(month), now()).await
}

/// When entries of that amount count, and when they were booked.
async fn dates(database: &TestDatabase, cents: i64) -> Vec<(NaiveDate, NaiveDate)> {
    sqlx::query_as(
        "SELECT DISTINCT effective_on, booked_on FROM entries WHERE amount_cents = $1 ORDER BY 1",
    )
    .bind(cents)
    .fetch_all(database.owner())
    .await
    .unwrap()
}

/// Until that many ask for the months' lock and do not have it.
async fn until_waiting(database: &TestDatabase, wanted: i64) {
    loop {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .fetch_one(database.owner())
        .await
        .unwrap();
        if waiting == wanted {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_takes_effect_in_a_closed_month_is_booked_on_the_first_day_of_the_open_one() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    post(pool, 1, "2026-10-31").await;
    close(pool, "2026-10-01").await.unwrap();
    for (cents, on) in [(2, "2026-10-31"), (3, "2026-08-02"), (4, "2026-11-07")] {
        post(pool, cents, on).await;
    }
    let (first, october) = (day("2026-11-01"), day("2026-10-31"));
    assert_eq!(dates(&database, 1).await, [(october, october)]);
    assert_eq!(dates(&database, 2).await, [(october, first)]);
    assert_eq!(dates(&database, 3).await, [(day("2026-08-02"), first)]);
    assert_eq!(dates(&database, 4).await, [(day("2026-11-07"), day("2026-11-07"))]);
}

/// Past our own code, with the owner's rights.
#[tokio::test]
async fn postgresql_refuses_what_is_booked_into_a_closed_month() {
    let database = store::testing::database().await;
    post(database.store().app(), 1, "2026-10-05").await;
    close(database.store().app(), "2026-10-01").await.unwrap();
    let id = PostingId::mint(now());
    let forged = format!(
        "WITH p AS (INSERT INTO postings (id, kind, effective_on, booked_on, recorded_at)
                    VALUES ('{id}', 'forged', '2026-10-06', '2026-10-06', now()))
         INSERT INTO entries (posting_id, n, account_code, side, amount_cents, effective_on, booked_on)
         VALUES ('{id}', 0, 1000, 'debit', 5, '2026-10-06', '2026-10-06'),
                ('{id}', 1, 1020, 'credit', 5, '2026-10-06', '2026-10-06')"
    );
    let refused = sqlx::raw_sql(AssertSqlSafe(forged.clone())).execute(database.owner()).await;
    let refused = StoreError::from(refused.unwrap_err());
    assert_eq!(refused.constraint(), Some("entries_month_open"));

    // An answer that is older than the lock is no answer.
    let strict = format!("BEGIN ISOLATION LEVEL REPEATABLE READ; {forged}; COMMIT");
    let mut conn = database.owner().acquire().await.unwrap();
    let refused = sqlx::raw_sql(AssertSqlSafe(strict)).execute(&mut *conn).await.unwrap_err();
    assert!(refused.to_string().contains("read committed"), "{refused}");
}

#[tokio::test]
async fn a_close_waits_for_who_is_posting_and_who_comes_after_it_books_into_the_next_month() {
    let database = store::testing::database().await;
    let pool = database.store().app().clone();
    let mut first = pool.begin().await.unwrap();
    postings::post(&mut first, &[new(&moved(1), day("2026-10-05"), now())]).await.unwrap();

    let closer = pool.clone();
    let mut closing = JoinSet::new();
    closing.spawn(async move { close(&closer, "2026-10-01").await });
    until_waiting(&database, 1).await;
    let poster = pool.clone();
    let mut posting = JoinSet::new();
    posting.spawn(async move { post(&poster, 2, "2026-10-05").await });
    until_waiting(&database, 2).await;

    first.commit().await.unwrap();
    closing.join_next().await.unwrap().unwrap().unwrap();
    posting.join_next().await.unwrap().unwrap();
    let (october, november) = (day("2026-10-05"), day("2026-11-01"));
    assert_eq!(dates(&database, 1).await, [(october, october)]);
    assert_eq!(dates(&database, 2).await, [(october, november)]);
    let as_of = AsOf { on: day("2026-10-31"), by: ByDate::Booked, known_at: None };
    let balances = periods::trial_balance(&mut pool.acquire().await.unwrap(), as_of).await.unwrap();
    let one = Sums { debits: Cents::new(1), credits: Cents::ZERO };
    assert_eq!(balances.accounts[0].brought_forward, one);
    assert_eq!(balances.accounts[0].moved, Sums::default());
}

/// Two who close the same month at the same moment, and many who post meanwhile: nothing is booked into it afterwards.
#[tokio::test]
async fn closers_and_posters_at_once_leave_one_close_and_balances_that_hold() {
    let database = store::testing::database().await;
    let pool = database.store().app().clone();
    post(&pool, 1, "2026-10-01").await;
    let mut tasks = JoinSet::new();
    for n in 0..24 {
        let pool = pool.clone();
        tasks.spawn(async move {
            if n % 8 == 3 {
                return close(&pool, "2026-10-01").await.is_ok();
            }
            post(&pool, 100 + n, "2026-10-20").await;
            false
        });
    }
    let closed = tasks.join_all().await.into_iter().filter(|closed| *closed).count();
    assert_eq!(closed, 1);
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(periods::find_wrong(&mut conn).await.unwrap(), []);
    let entries: i64 = sqlx::query_scalar("SELECT count(*) FROM entries")
        .fetch_one(database.owner())
        .await
        .unwrap();
    assert_eq!(entries, 2 * 22);
}

#[tokio::test]
async fn months_are_closed_one_after_the_other() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    post(pool, 1, "2026-09-30").await;
    let refused =
        |result: Result<(), StoreError>| result.unwrap_err().constraint().map(ToOwned::to_owned);
    let in_order = Some(periods::IN_ORDER.to_owned());
    assert_eq!(refused(close(pool, "2026-10-01").await), in_order, "September is open");
    close(pool, "2026-09-01").await.unwrap();
    assert_eq!(refused(close(pool, "2026-11-01").await), in_order, "October is open");
    assert_eq!(refused(close(pool, "2026-09-01").await), in_order, "closed already");
    assert_eq!(refused(close(pool, "2026-10-15").await), in_order, "no month");
    close(pool, "2026-10-01").await.unwrap();
    // What a killed close left is done once.
    let mut conn = pool.acquire().await.unwrap();
    periods::keep_balances(&mut conn, day("2026-10-01"), now()).await.unwrap();
    assert_eq!(periods::find_wrong(&mut conn).await.unwrap(), []);
}

fn counts(by: ByDate, effective_on: NaiveDate, booked_on: NaiveDate) -> NaiveDate {
    match by {
        ByDate::Booked => booked_on,
        ByDate::Value => effective_on,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// As of any day, by either date and as known at any instant: what is kept and moved comes to what all entries come to.
    #[test]
    fn a_balance_is_the_last_closed_month_and_what_moved_since(
        posted in prop::collection::vec((0_u64..150, 1_i64..1_000, 0_u64..40), 1..40),
        asked in prop::collection::vec((0_u64..160, any::<bool>(), prop::option::of(0_u64..200)), 12)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let database = store::testing::database().await;
            let pool = database.store().app();
            let start = day("2026-08-01");
            let at = |days: u64| now() + TimeDelta::days(i64::try_from(days).unwrap());
            let mut facts: Vec<_> = posted.iter().map(|(offset, cents, late)| (offset + late, *offset, *cents)).collect();
            facts.sort_unstable();
            let mut booked = Vec::new();
            let (mut open_from, mut next) = (None, start);
            for (known, offset, cents) in facts {
                // Each month is closed a month after its end.
                while start + Days::new(known) > next + chrono::Months::new(2) {
                    close(pool, &next.to_string()).await.unwrap();
                    next = next + chrono::Months::new(1);
                    open_from = Some(next);
                }
                let effective_on = start + Days::new(offset);
                let mut tx = pool.begin().await.unwrap();
                postings::post(&mut tx, &[new(&moved(cents), effective_on, at(known))]).await.unwrap();
                tx.commit().await.unwrap();
                booked.push((effective_on, open_from.map_or(effective_on, |open| effective_on.max(open)), at(known), cents));
            }
            let mut conn = database.store().audit().acquire().await.unwrap();
            for (offset, by_value, known) in asked {
                let by = if by_value { ByDate::Value } else { ByDate::Booked };
                let as_of = AsOf { on: start + Days::new(offset), by, known_at: known.map(at) };
                let expected: i64 = booked
                    .iter()
                    .filter(|(effective, booked, _, _)| counts(by, *effective, *booked) <= as_of.on)
                    .filter(|(_, _, recorded, _)| as_of.known_at.is_none_or(|known| *recorded <= known))
                    .map(|(_, _, _, cents)| cents)
                    .sum();
                let balances = periods::trial_balance(&mut conn, as_of).await.unwrap();
                let by_account: BTreeMap<_, _> = balances
                    .accounts
                    .iter()
                    .map(|one| (one.account.get(), (
                        one.brought_forward.debits + one.moved.debits,
                        one.brought_forward.credits + one.moved.credits,
                    )))
                    .collect();
                let of = |code| by_account.get(&code).copied().unwrap_or_default();
                assert_eq!(of(1000), (Cents::new(expected), Cents::ZERO), "{as_of:?}");
                assert_eq!(of(1020), (Cents::ZERO, Cents::new(expected)), "{as_of:?}");
            }
            assert_eq!(periods::find_wrong(&mut conn).await.unwrap(), []);
        });
    }
}
