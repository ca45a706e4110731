//! Trace numbers come round again after ten million entries.

use servicing::Caller;
use store::payments::PaymentStatus;

use crate::house::{House, cents, day};

/// The next entry of all has the number after this one.
async fn numbered_after(house: &House, number: u32) {
    house.sabotage(&format!("SELECT setval('rail_entry_numbers', {number})")).await;
}

/// What has left so far left two years before.
async fn two_years_pass(house: &House) {
    let aged = "UPDATE rail_files SET created_at = created_at - interval '2 years',
                       effective_on = effective_on - 730";
    house.sabotage(aged).await;
}

/// The numbers of the payments of a day, with which they are in their file.
async fn numbers_of(house: &House, debit_on: &str) -> Vec<String> {
    let numbers = "SELECT right(trace_number, 7) FROM payments WHERE debit_on = $1 ORDER BY 1";
    let numbers = sqlx::query_scalar(numbers).bind(day(debit_on));
    numbers.fetch_all(house.database.owner()).await.unwrap()
}

#[tokio::test]
async fn after_the_last_number_comes_the_first_and_those_in_use_are_passed_over() {
    let house = House::on("2026-11-20").await;
    let mut people = Vec::new();
    for name in ["Ann", "Bob", "Cat"] {
        let person = house.person(name).await;
        house.draws(person, 80_000).await;
        people.push(person);
    }
    numbered_after(&house, 5_000).await;
    house.pays(people[0], 1_000, "2026-11-23").await.unwrap();
    house.live_until("2026-11-24").await;
    let last = "UPDATE payments SET trace_number = left(trace_number, 8) || '9999999'";
    house.sabotage(last).await;
    two_years_pass(&house).await;
    // One of the day before has a number that would come next.
    house.pays(people[0], 1_100, "2026-11-25").await.unwrap();
    house.live_until("2026-11-25").await;
    let second = "UPDATE payments SET trace_number = left(trace_number, 8) || '0000002'
                  WHERE amount_cents = 1100";
    house.sabotage(second).await;

    numbered_after(&house, 9_999_998).await;
    for person in &people {
        house.pays(*person, 2_000, "2026-11-30").await.unwrap();
    }
    house.hand.set(crate::house::noon(day("2026-11-30")));
    house.bank_lives(day("2026-11-30")).await;
    let report = house.servicing.run_payments(Caller::system()).await.unwrap();
    assert_eq!((report.released, report.failed), (3, 0));
    assert_eq!(numbers_of(&house, "2026-11-30").await, ["0000001", "0000003", "9999999"]);
    for person in people {
        house.books_agree(person).await;
    }
}

#[tokio::test]
async fn what_comes_back_under_a_number_is_the_newest_that_had_it() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let bob = house.person_with_account("Bob", "000222229001").await;
    for person in [ann, bob] {
        house.draws(person, 80_000).await;
    }
    numbered_after(&house, 5_000).await;
    house.pays(ann, 50_000, "2026-11-23").await.unwrap();
    house.live_until("2026-11-24").await;
    let other = "UPDATE payments SET trace_number = left(trace_number, 8) || '0000007'";
    house.sabotage(other).await;
    two_years_pass(&house).await;
    numbered_after(&house, 6).await;
    house.pays(bob, 50_000, "2026-11-25").await.unwrap();
    let report = house.live_until("2026-12-01").await.payments;
    assert_eq!((report.returned, report.failed), (1, 0));
    assert_eq!(numbers_of(&house, "2026-11-25").await, numbers_of(&house, "2026-11-23").await);
    assert_eq!(house.payments(ann).await[0].status, PaymentStatus::Settled);
    assert_eq!(house.payments(bob).await[0].status, PaymentStatus::Returned);
    assert_eq!(house.payments(bob).await[0].amount, cents(50_000));
}
