//! What lines tell of accrual, and the days that take it up: whole, once, and at the same cost whatever the number.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use credit::{Delta, Group, Running};
use identity::CreditLineId;
use money::{Apr, Cents};
use store::{
    Tx, accruals,
    periods::{self, AsOf, ByDate},
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn group(ppm: u32) -> Group {
    let (product, owner) = ("CASHLINE-STD-1".to_owned(), "lender".to_owned());
    Group { product, owner, day_basis: "365".to_owned(), apr: Apr::from_ppm(ppm) }
}

fn delta(ppm: u32, on: &str, cents: i64) -> Delta {
    Delta { group: group(ppm), effective_on: day(on), change: Cents::new(cents), true_up: 0 }
}

/// How many times this connection has run a prepared statement; to ask is one of them.
async fn statements(tx: &mut Tx<'_>) -> i64 {
    sqlx::query_scalar(
        "SELECT coalesce(sum(generic_plans + custom_plans), 0)::bigint FROM pg_prepared_statements",
    )
    .fetch_one(&mut **tx)
    .await
    .unwrap()
}

#[tokio::test]
async fn telling_and_taking_up_cost_the_same_for_one_line_and_for_a_thousand() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let mut counts = Vec::new();
    let mut last = None;
    for (size, today) in [(1_u32, "2026-10-02"), (1_000, "2026-10-03")] {
        let lines: Vec<_> = (0..size).map(|_| CreditLineId::mint(now())).collect();
        let told: Vec<_> =
            lines.iter().map(|line| (*line, delta(240_000, "2026-10-01", 500))).collect();
        let since: Vec<_> = lines.iter().map(|line| (*line, day("2026-10-01"))).collect();
        let mut tx = pool.begin().await.unwrap();
        let before = statements(&mut tx).await;
        accruals::tell(&mut tx, &told, now()).await.unwrap();
        assert_eq!(accruals::told(&mut tx, &since).await.unwrap().len(), lines.len());
        assert!(accruals::claim(&mut tx, (day(today), last), now()).await.unwrap());
        last = Some(day(today));
        accruals::running(&mut tx, day(today).pred_opt().unwrap()).await.unwrap();
        let taken = accruals::take(&mut tx, day(today)).await.unwrap();
        assert_eq!(taken.len(), 1);
        let running: Vec<_> = (1..=size)
            .map(|ppm| (group(ppm), Running { base: Cents::new(1), ..Running::default() }))
            .collect();
        accruals::keep(&mut tx, day(today), &running).await.unwrap();
        let as_of = AsOf { on: day(today), by: ByDate::Booked, known_at: None };
        periods::trial_balance(&mut tx, as_of).await.unwrap();
        counts.push(statements(&mut tx).await - before - 1);
        tx.commit().await.unwrap();
    }
    assert_eq!(counts, [8, 8], "six of accrual, two of the trial balance");
}

#[tokio::test]
async fn a_delta_waits_for_its_day_and_is_taken_up_once() {
    let database = store::testing::database().await;
    let mut conn = database.store().app().acquire().await.unwrap();
    let line = CreditLineId::mint(now());
    let told = [
        (line, delta(99_900, "2026-10-01", 70_000)),
        (line, delta(99_900, "2026-11-16", -70_000)),
        (line, delta(240_000, "2026-11-16", 70_000)),
    ];
    accruals::tell(&mut conn, &told, now()).await.unwrap();
    assert_eq!(accruals::first_waiting(&mut conn).await.unwrap(), Some(day("2026-10-01")));
    let mut last = None;
    for today in day("2026-10-01").iter_days().take(48) {
        assert!(accruals::claim(&mut conn, (today, last), now()).await.unwrap());
        assert!(!accruals::claim(&mut conn, (today, last), now()).await.unwrap());
        let expected = match (today.month(), today.day()) {
            (10, 1) => 1,
            (11, 16) => 2,
            _ => 0,
        };
        assert_eq!(accruals::take(&mut conn, today).await.unwrap().len(), expected, "{today}");
        last = Some(today);
    }
    assert_eq!(accruals::first_waiting(&mut conn).await.unwrap(), None);
    let told = accruals::told(&mut conn, &[(line, day("2026-11-01"))]).await.unwrap();
    assert_eq!(told.len(), 2, "what was told of the days before is not asked for");
}

/// Two find that nothing is accrued yet. The one takes up all that waits; the other then finds nothing that waits and would begin
/// at the end.
#[tokio::test]
async fn no_day_is_left_out_by_who_came_second_to_the_very_first() {
    let database = store::testing::database().await;
    let mut conn = database.store().app().acquire().await.unwrap();
    let first = day("2026-10-06");
    assert!(accruals::claim(&mut conn, (first, None), now()).await.unwrap());
    assert!(!accruals::claim(&mut conn, (day("2026-10-15"), None), now()).await.unwrap());
    let mut claim_after = async |day, last| accruals::claim(&mut conn, (day, last), now()).await;
    claim_after(day("2026-10-08"), Some(first)).await.unwrap_err();
    claim_after(day("2026-10-08"), Some(day("2026-10-07"))).await.unwrap_err();
    assert!(claim_after(day("2026-10-07"), Some(first)).await.unwrap());
}

#[tokio::test]
async fn numerators_are_kept_to_the_last_digit() {
    let database = store::testing::database().await;
    let mut conn = database.store().app().acquire().await.unwrap();
    let today = day("2026-10-01");
    assert!(accruals::claim(&mut conn, (today, None), now()).await.unwrap());
    let running = Running {
        base: Cents::new(123_456_789_012_345),
        unbilled: 99_999_999_999_999_999_999_999_999_999_999_999_999,
        posted: Cents::new(-1),
        true_up: -88_888_888_888_888_888_888_888_888_888_888_888_888,
        trued_up: Cents::new(7),
    };
    let kept = [(group(1), running)];
    accruals::keep(&mut conn, today, &kept).await.unwrap();
    assert_eq!(accruals::running(&mut conn, today).await.unwrap(), kept);
}
