//! A payment that came back comes back again, with another code.

use servicing::Caller;
use store::payments::{PaymentRow, PaymentStatus};

use crate::{
    house::{Altering, House, Person},
    service::told,
};

/// What the desk's open cases say, with their kinds.
async fn desk(house: &House) -> Vec<(String, String)> {
    let staff = house.representative("Rae").await;
    let queue = house.servicing.queue(staff).await.unwrap();
    queue.cases.into_iter().map(|(case, _)| (case.kind, case.words)).collect()
}

/// The bank lists all that came back anew, as it now tells of it.
async fn told_anew(house: &House, as_it_is_now: Altering) {
    house.returns_arrive_as(as_it_is_now);
    house.sabotage("DELETE FROM rail_cursors WHERE name = 'bank_returns'").await;
    let report = house.servicing.run_payments(Caller::system()).await.unwrap();
    assert_eq!((report.returned, report.failed), (0, 0));
}

/// A customer whose payment of $50.00 came back for want of funds and would be taken once more.
async fn short_of_funds(until: &str) -> (House, Person) {
    let (house, ann) = House::with_ann_banking_at("000111229101").await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.live_until(until).await;
    (house, ann)
}

async fn flags(house: &House) -> i64 {
    house.count("SELECT count(*) FROM flags WHERE kind = 'fraud' AND cleared_at IS NULL").await
}

#[tokio::test]
async fn who_disowns_a_debit_that_was_returned_unpaid_is_not_debited_again() {
    let (house, ann) = short_of_funds("2026-11-27").await;
    assert!(house.payments(ann).await[0].retry_on.is_some());
    for _ in 0..2 {
        told_anew(&house, |text| text.replace("799R01", "799R10")).await;
        assert_eq!(flags(&house).await, 1);
        let disabled = "SELECT count(*) FROM bank_accounts WHERE status = 'disabled'";
        assert_eq!(house.count(disabled).await, 1);
        let [(kind, words)] = &desk(&house).await[..] else { panic!("one case") };
        assert_eq!(kind, "fraud_review");
        assert!(words.contains("came back with R10") && words.contains("with R01"), "{words}");
        assert_eq!(words.lines().count(), 1, "it is told once: {words}");
        assert_eq!(told(&house, "return.again").await.len(), 1);
        assert_eq!(house.payments(ann).await[0].retry_on, None, "nor is it foretold");
    }
    // Nor does the first code, told again, say anything new.
    told_anew(&house, str::to_owned).await;
    assert_eq!(told(&house, "return.again").await.len(), 1);
    house.live_until("2026-12-08").await;
    assert_eq!(house.submitted(), 1);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn leave_that_was_taken_back_is_so_also_by_a_second_return() {
    let (house, ann) = short_of_funds("2026-11-27").await;
    house.pays(ann, 1_000, "2026-12-10").await.unwrap();
    house.hand.advance(chrono::TimeDelta::minutes(1));
    told_anew(&house, |text| text.replace("799R01", "799R07")).await;
    let cases = desk(&house).await;
    assert!(cases.iter().any(|(_, words)| words.contains("came back with R07")), "{cases:?}");
    house.live_until("2026-12-14").await;
    assert_eq!(house.payments(ann).await[0].status, PaymentStatus::Cancelled);
    assert_eq!(house.submitted(), 1);
}

#[tokio::test]
async fn a_return_that_was_dishonoured_or_misrouted_is_for_the_desk_and_stops_the_retry() {
    let as_r69: Altering = |text| text.replace("799R01", "799R69");
    let as_r61: Altering = |text| text.replace("799R01", "799R61");
    for (code, altered) in [("R69", as_r69), ("R61", as_r61)] {
        // Before the retry is scheduled, and when it is and has not left.
        for (until, scheduled) in [("2026-11-27", false), ("2026-11-30", true)] {
            let (house, ann) = short_of_funds(until).await;
            assert_eq!(house.payments(ann).await.len(), if scheduled { 2 } else { 1 });
            told_anew(&house, altered).await;
            let [(kind, words)] = &desk(&house).await[..] else { panic!("one case: {code}") };
            assert_eq!(kind, "operations");
            assert!(words.contains(&format!("came back with {code}")), "{words}");
            house.live_until("2026-12-08").await;
            assert_eq!(house.submitted(), 1, "{code} {until}");
            let payments = house.payments(ann).await;
            let left = payments.iter().any(|one| one.status == PaymentStatus::Settled);
            assert!(!left, "{code} {until}");
            house.books_agree(ann).await;
        }
    }
}

#[tokio::test]
async fn a_debit_that_is_disowned_after_it_came_back_unpaid_counts_as_unauthorised_and_is_looked_at()
 {
    let (house, ann) = House::with_ann_banking_at("000111229101").await;
    for cents in 1..=20 {
        house.pays(ann, 100 + cents, "2026-11-23").await.unwrap();
    }
    house.live_until("2026-11-27").await;
    assert_eq!(told(&house, "return.alarm").await.len(), 0, "one of twenty, for want of funds");
    told_anew(&house, |text| text.replace("799R01", "799R10")).await;
    let rates = house.servicing.return_rates(Caller::system()).await.unwrap();
    let counted = rates.named().map(|(class, rate)| (class, rate.returns));
    assert_eq!(counted, [("unauthorised", 1), ("administrative", 0), ("overall", 1)]);
    assert_eq!(rates.last_on, Some(house.servicing.today()), "the day on which it was read");
    let [alarm] = &told(&house, "return.alarm").await[..] else { panic!("one alarm") };
    assert_eq!((&alarm["rate"], &alarm["what"]["returns"]), (&"unauthorised".into(), &1.into()));
    house.live_until("2026-11-30").await;
    assert_eq!(told(&house, "return.alarm").await.len(), 1, "nothing came back since");
}

#[tokio::test]
async fn an_alarm_is_raised_once_by_whichever_run_comes_to_it() {
    let (house, ann) = House::with_ann_banking_at("000111229001").await;
    for cents in 1..=20 {
        house.pays(ann, 100 + cents, "2026-11-23").await.unwrap();
    }
    let not_yet =
        "ALTER TABLE rail_notices ADD CONSTRAINT no_alarm CHECK (entry NOT LIKE 'return.alarm %')";
    house.sabotage(not_yet).await;
    house.live_until("2026-11-27").await;
    let returned = |one: &&PaymentRow| one.status == PaymentStatus::Returned;
    assert_eq!(house.payments(ann).await.iter().filter(returned).count(), 20);
    let ended = house.servicing.run_payments(Caller::system()).await;
    assert!(ended.is_err(), "the run dies when it would raise the alarm");
    assert_eq!(told(&house, "return.alarm").await.len(), 0);
    house.sabotage("ALTER TABLE rail_notices DROP CONSTRAINT no_alarm").await;
    let run = || house.servicing.run_payments(Caller::system());
    let (one, two, three) = tokio::join!(run(), run(), run());
    assert!([one, two, three].iter().all(Result::is_ok));
    let [alarm] = &told(&house, "return.alarm").await[..] else { panic!("one alarm") };
    assert_eq!((&alarm["rate"], &alarm["what"]["returns"]), (&"overall".into(), &20.into()));
}
