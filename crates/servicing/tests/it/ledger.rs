//! Interest that runs, and months that close.

use chrono::NaiveDate;
use money::Cents;
use servicing::{
    Caller, RefusalCode,
    books::{self, Checked},
    testing::{Person, noon},
};
use store::periods::{AsOf, ByDate};

use crate::house::{House, code, day, refusal};

async fn checked(house: &House) -> Checked {
    let checked = books::check(house.database.store()).await.unwrap();
    assert!(checked.ok, "{checked}");
    checked
}

/// On the side on which the account grows.
async fn balance(house: &House, account: &str, on: NaiveDate) -> Cents {
    let as_of = AsOf { on, by: ByDate::Value, known_at: None };
    let balance = house.servicing.trial_balance(Caller::system(), as_of).await.unwrap();
    assert_eq!(balance.debits, balance.credits);
    let found = balance.accounts.iter().find(|one| one.name == account);
    found.map_or(Cents::ZERO, |one| one.balance)
}

/// Interest income on a day, as the books have it: billed, and run since.
async fn income(house: &House, on: NaiveDate) -> Cents {
    let mut sum = Cents::ZERO;
    for account in
        ["interest_income", "interest_adjustments", "interest_accruals", "interest_true_ups"]
    {
        sum += balance(house, account, on).await;
    }
    sum
}

/// A day with its jobs, then the accrual of the day before.
async fn lives(house: &House, to: &str) {
    while house.servicing.today() < day(to) {
        let next = house.servicing.today().succ_opt().unwrap();
        house.live_until(&next.to_string()).await;
        let report =
            house.servicing.accrue(Caller::system(), next.pred_opt().unwrap()).await.unwrap();
        assert_eq!(report.through, next.pred_opt());
    }
}

async fn position(house: &House, person: Person) -> credit::Position {
    house.servicing.position(Caller::system(), person.id).await.unwrap().position
}

#[tokio::test]
async fn income_is_right_at_the_end_of_every_day_through_statements_and_late_facts() {
    let house = House::on("2026-09-06").await;
    let (ann, bea) = (house.person("Ann").await, house.person("Bea").await);
    house.draws(ann, 100_000).await;
    house.draws(bea, 33_333).await;
    for to in ["2026-09-20", "2026-10-05", "2026-10-06", "2026-10-20", "2026-11-10"] {
        lives(&house, to).await;
        let yesterday = day(to).pred_opt().unwrap();
        let (of_ann, of_bea) = (position(&house, ann).await, position(&house, bea).await);
        // One group, one rounding: exact before it.
        let run: i128 = [&of_ann, &of_bea]
            .iter()
            .flat_map(|position| &position.features)
            .flat_map(|feature| &feature.segments)
            .map(|segment| segment.numerator)
            .sum();
        let run = credit::rate::to_cents(run, money::Rounding::HalfUp);
        assert_eq!(
            balance(&house, "accrued_interest", yesterday).await,
            run,
            "at the end of {yesterday}"
        );
        let billed: Cents = [&of_ann, &of_bea]
            .iter()
            .flat_map(|position| &position.cycles)
            .flat_map(|cycle| &cycle.interest)
            .map(|line| line.amount)
            .sum();
        assert_eq!(income(&house, yesterday).await, billed + run);
        if to == "2026-10-20" {
            house.pays(bea, 20_000, "2026-10-20").await.unwrap();
            house.draws(ann, 5_000).await;
        }
    }
    assert_eq!(balance(&house, "interest_true_ups", day("2026-11-09")).await, Cents::ZERO);
    checked(&house).await;
}

#[tokio::test]
async fn each_day_is_accrued_once_whoever_runs_and_whatever_is_killed() {
    let house = House::on("2026-09-06").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 100_000).await;
    // Without the jobs, which accrue too.
    house.hand.set(noon(day("2026-09-16")));
    let through = day("2026-09-15");

    // Killed while it waits for what it is to take up.
    let mut holder = house.database.owner().begin().await.unwrap();
    sqlx::query("SELECT FROM accrual_deltas FOR UPDATE").execute(&mut *holder).await.unwrap();
    let servicing = house.servicing.clone();
    let killed = tokio::spawn(async move { servicing.accrue(Caller::system(), through).await });
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while house.count(kill).await == 0 {
        tokio::task::yield_now().await;
    }
    killed.await.unwrap().unwrap_err();
    holder.rollback().await.unwrap();
    assert_eq!(house.count("SELECT count(*) FROM accrual_runs").await, 0);

    let one = || house.servicing.accrue(Caller::system(), through);
    let (a, b, c) = tokio::join!(one(), one(), one());
    let days: u32 = [a, b, c].into_iter().map(|report| report.unwrap().days).sum();
    assert_eq!(days, 10);
    assert_eq!(house.count("SELECT count(*) FROM accrual_days").await, 10);
    assert_eq!(
        house.count("SELECT count(*) FROM postings WHERE kind = 'interest_accrued'").await,
        10
    );
    assert_eq!(one().await.unwrap().days, 0);
    assert_eq!(
        balance(&house, "accrued_interest", through).await,
        position(&house, ann).await.accrued_interest
    );
    assert_eq!(
        code(house.servicing.accrue(Caller::system(), day("2026-09-17")).await),
        RefusalCode::DateTooFar
    );
    assert_eq!(code(house.servicing.accrue(ann.caller(), through).await), RefusalCode::NotAllowed);
    checked(&house).await;
}

#[tokio::test]
async fn a_delta_that_was_lost_or_made_up_is_found() {
    let house = House::on("2026-09-06").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 100_000).await;
    lives(&house, "2026-09-10").await;
    checked(&house).await;
    sqlx::query("UPDATE accrual_deltas SET change_cents = change_cents + 1")
        .execute(house.database.owner())
        .await
        .unwrap();
    let found = books::check(house.database.store()).await.unwrap();
    assert!(!found.ok);
    assert_eq!(found.accruals_off.len(), 2, "the group, and the line: {found}");
}

#[tokio::test]
async fn a_month_is_closed_once_it_is_over_and_nothing_of_it_is_left_to_do() {
    let house = House::on("2026-09-06").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 100_000).await;
    let close = |month: &'static str| house.servicing.close_period(Caller::system(), day(month));
    lives(&house, "2026-09-30").await;
    assert_eq!(code(close("2026-09-30").await), RefusalCode::DateTooFar);

    // Before the jobs of the day have run.
    house.hand.set(noon(day("2026-10-01")));
    assert!(
        refusal(close("2026-09-01").await).sentence.contains("ledger accrue --through 2026-09-30")
    );
    lives(&house, "2026-11-06").await;
    assert!(refusal(close("2026-10-01").await).sentence.contains("2026-09 is still open"));
    assert_eq!(
        code(house.servicing.close_period(ann.caller(), day("2026-09-01")).await),
        RefusalCode::NotAllowed
    );
    let closed = close("2026-09-01").await.unwrap();
    assert_eq!((closed.resumed, closed.lines_checked), (false, 1));
    assert!(refusal(close("2026-09-01").await).sentence.contains("was closed"));

    // Killed between the close and its balances.
    sqlx::raw_sql("DELETE FROM ledger_balances; UPDATE ledger_periods SET balanced_at = NULL, known_at = NULL")
        .execute(house.database.owner())
        .await
        .unwrap();
    assert!(close("2026-09-01").await.unwrap().resumed);

    let before = balance(&house, "principal", day("2026-11-05")).await;
    house.pays(ann, 30_000, "2026-11-06").await.unwrap();
    lives(&house, "2026-11-16").await;
    close("2026-10-01").await.unwrap();
    assert!(balance(&house, "principal", day("2026-11-15")).await < before);
    checked(&house).await;
}

#[tokio::test]
async fn books_that_do_not_add_up_are_not_closed() {
    let house = House::on("2026-09-06").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 100_000).await;
    lives(&house, "2026-10-06").await;
    sqlx::raw_sql(
        "UPDATE entries SET amount_cents = amount_cents + 1 WHERE credit_line_id IS NOT NULL",
    )
    .execute(house.database.owner())
    .await
    .unwrap();
    let refused = refusal(house.servicing.close_period(Caller::system(), day("2026-09-01")).await);
    assert!(refused.sentence.contains("plumbline ledger check"), "{refused}");
    assert_eq!(house.count("SELECT count(*) FROM ledger_periods").await, 0);
}

#[tokio::test]
async fn a_close_does_not_wait_for_long_for_somebody_who_is_posting() {
    let house = House::on("2026-09-06").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 100_000).await;
    lives(&house, "2026-10-06").await;
    let mut posting = house.database.owner().begin().await.unwrap();
    // As whoever posts finds out what is open.
    sqlx::raw_sql("SELECT ledger_open_from()").execute(&mut *posting).await.unwrap();
    let close = || house.servicing.close_period(Caller::system(), day("2026-09-01"));
    let refused = refusal(close().await);
    assert!(refused.sentence.contains("try again"), "{refused}");
    posting.rollback().await.unwrap();
    close().await.unwrap();
}

/// What the entries of a day moved on an account, on the side on which it grows.
async fn moved(house: &House, account: &str, on: NaiveDate) -> Cents {
    balance(house, account, on).await - balance(house, account, on.pred_opt().unwrap()).await
}

#[tokio::test]
async fn what_was_accrued_is_listed_day_by_day_as_the_books_have_it() {
    let house = House::on("2026-09-06").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 100_000).await;
    lives(&house, "2026-10-10").await;
    let list = async |from: Option<&str>, through: Option<&str>| {
        let days = (from.map(day), through.map(day));
        house.servicing.accrued_days(Caller::system(), days).await.unwrap()
    };
    let all = list(None, None).await;
    assert_eq!(all.last().unwrap().day, day("2026-10-09"));
    for one in &all {
        assert_eq!(one.accrued, moved(&house, "accrued_interest", one.day).await, "{one:?}");
        assert_eq!(one.trued_up, -moved(&house, "interest_true_ups", one.day).await, "{one:?}");
        assert_eq!(one.unbilled, balance(&house, "accrued_interest", one.day).await);
        // The statement of October 5 billed what had run, that day included.
        let billed = one.day == day("2026-10-05");
        assert_eq!(one.accrued.is_negative(), billed, "{one:?}");
        let bears = if billed { (0, Cents::ZERO) } else { (1, Cents::new(100_000)) };
        assert_eq!((one.groups, one.principal), bears, "{one:?}");
    }
    let some = list(Some("2026-09-20"), Some("2026-09-22")).await;
    let wanted = [day("2026-09-20"), day("2026-09-21"), day("2026-09-22")];
    assert_eq!(
        some,
        all.iter().filter(|one| wanted.contains(&one.day)).copied().collect::<Vec<_>>()
    );
    assert_eq!(list(Some("2026-10-10"), None).await, []);
}
