//! What the bank says of an entry that has not left is not about that entry.

use credit::FlagKind;
use servicing::{Caller, release::RunReport};
use store::{draws::DrawStatus, payments::PaymentStatus};

use crate::{
    chosen::{chosen, hold, runs},
    faults::{draw, draws_by_file, run},
    house::{Altering, House, Person, Says, Wire, day, noon},
    service::told,
};

/// Ann and Bob, who owe $800.00 each; a debit of Bob's comes back after two banking days, and so does a draw.
async fn two(number: &str) -> (House, [Person; 2]) {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let bob = house.person_with_account("Bob", number).await;
    for person in [ann, bob] {
        house.draws(person, 80_000).await;
    }
    (house, [ann, bob])
}

/// Kills a run of a day that has chosen what is Bob's and waits for Ann's line, and lets the bank send back what of Bob's left
/// before, under the number of what has not left.
async fn told_of_what_has_not_left(
    house: &House,
    [ann, bob]: [Person; 2],
    (table, on): (&str, &str),
) {
    let holder = hold(house, ann).await;
    let killed = runs(house);
    chosen(house, 1).await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    holder.rollback().await.unwrap();
    let swap = format!(
        "UPDATE {table} SET trace_number = CASE WHEN status = 'pending'
           THEN (SELECT trace_number FROM {table} WHERE customer_id = '{id}' AND status = 'settled' AND trace_number IS NOT NULL)
           ELSE left(trace_number, 8) || '9999999' END
         WHERE customer_id = '{id}' AND trace_number IS NOT NULL",
        id = bob.id
    );
    house.sabotage(&swap).await;
    house.bank_lives(day(on)).await;
}

async fn newest(house: &House, person: Person) -> PaymentStatus {
    house.payments(person).await[0].status
}

/// Bob's payment of November 24 is chosen, and one of his of November 20 comes back under its number.
async fn payment_not_left(alone: bool) -> (House, [Person; 2]) {
    let (house, people) = two("000222229001").await;
    let [ann, bob] = people;
    house.pays(bob, 5_000, "2026-11-20").await.unwrap();
    run(&house).await;
    house.live_until("2026-11-23").await;
    for person in [ann, bob] {
        house.pays(person, 5_000, "2026-11-24").await.unwrap();
    }
    if alone {
        let refused = format!(
            "UPDATE payments SET refusals = 1 WHERE status = 'scheduled' AND customer_id = '{}'",
            bob.id
        );
        house.sabotage(&refused).await;
    }
    house.hand.set(noon(day("2026-11-24")));
    told_of_what_has_not_left(&house, people, ("payments", "2026-11-24")).await;
    (house, people)
}

/// It left, it is told of once that somebody's came back, and nothing is undone or tried again.
async fn it_leaves(house: &House, bob: Person, report: RunReport) {
    assert_eq!((report.returned, report.released, report.failed), (0, 2, 0), "{report:?}");
    assert_eq!(newest(house, bob).await, PaymentStatus::Released);
    let unknown = told(house, "return.unknown").await;
    assert!(unknown.len() == 1 && unknown[0]["reference"].is_null(), "{unknown:?}");
    assert!(house.payments(bob).await.iter().all(|one| one.retry_on.is_none()));
    house.books_agree(bob).await;
}

#[tokio::test]
async fn a_debit_that_has_not_left_does_not_come_back_and_later_it_does() {
    let as_it_is: Altering = str::to_owned;
    let disowned: Altering = |text| text.replace("799R01", "799R10");
    for arrives_as in [as_it_is, disowned] {
        let (house, [_, bob]) = payment_not_left(false).await;
        house.returns_arrive_as(arrives_as);
        let report = run(&house).await;
        it_leaves(&house, bob, report).await;
        house.returns_arrive_as(str::to_owned);
        // There on the 24th, and back two banking days later.
        assert_eq!(house.live_until("2026-12-01").await.payments.returned, 1);
        assert_eq!(newest(&house, bob).await, PaymentStatus::Returned);
        house.books_agree(bob).await;
    }
}

#[tokio::test]
async fn what_is_told_of_a_debit_that_has_not_left_is_not_in_the_way_of_what_holds_it_back() {
    let (house, [_, bob]) = payment_not_left(false).await;
    house.cut(Wire::LosesFinds);
    let assistant = Caller::assistant(bob.id);
    house.servicing.raise_flag(assistant, bob.id, FlagKind::Bankruptcy, "CAS-1").await.unwrap();
    let report = run(&house).await;
    assert_eq!((report.released, report.held_back, report.failed), (1, 1, 0), "{report:?}");
    assert_eq!(newest(&house, bob).await, PaymentStatus::HeldBack);
}

#[tokio::test]
async fn a_debit_that_goes_alone_and_has_not_left_does_not_come_back() {
    let (house, [_, bob]) = payment_not_left(true).await;
    // The bank cannot say that it has no such file, so that it waits.
    house.cut(Wire::LosesFinds);
    assert_eq!(run(&house).await.returned, 0);
    assert_eq!(newest(&house, bob).await, PaymentStatus::Pending);
    assert_eq!(told(&house, "return.unknown").await.len(), 1);
    house.cut(Wire::Fine);
    // The bank takes no number twice.
    house
        .sabotage(
            "UPDATE payments SET trace_number = left(trace_number, 8) || '9999998'
             WHERE status = 'pending'",
        )
        .await;
    run(&house).await;
    assert_eq!((newest(&house, bob).await, house.submitted()), (PaymentStatus::Released, 3));
    house.books_agree(bob).await;
}

#[tokio::test]
async fn a_draw_that_has_not_left_is_not_refused() {
    let (house, people) = two("000222229203").await;
    let [ann, bob] = people;
    draws_by_file(&house, bob, 5_000).await;
    run(&house).await;
    house.live_until("2026-11-24").await;
    house.hand.set(noon(day("2026-11-25")));
    for person in [ann, bob] {
        draws_by_file(&house, person, 5_000).await;
    }
    told_of_what_has_not_left(&house, people, ("draws", "2026-11-25")).await;
    let report = run(&house).await;
    assert_eq!((report.draws_refused, report.draws_sent, report.failed), (0, 2, 0), "{report:?}");
    assert_eq!(draw(&house, bob).await.status, DrawStatus::Released);
    assert_eq!(told(&house, "return.unknown").await.len(), 1);
    house.books_agree(bob).await;
}

/// The next entry of all has this number.
async fn numbered(house: &House, number: u32) {
    house.sabotage(&format!("SELECT setval('rail_entry_numbers', {number}, false)")).await;
}

/// Bob's payment of November 20 has left under a number that is free again: the bank sends it back, to nobody, on the 24th.
async fn returned_to_nobody() -> (House, [Person; 2]) {
    let (house, people) = two("000222229001").await;
    numbered(&house, 5_000).await;
    house.pays(people[1], 5_000, "2026-11-20").await.unwrap();
    run(&house).await;
    house.sabotage("UPDATE payments SET trace_number = left(trace_number, 8) || '9999999'").await;
    house.bank_says(&house.file_keys().await[0], Says::Empty);
    numbered(&house, 5_000).await;
    (house, people)
}

#[tokio::test]
async fn a_return_to_nobody_does_not_hide_that_of_an_entry_that_had_the_number_later() {
    let (house, [_, bob]) = returned_to_nobody().await;
    house.live_until("2026-11-24").await;
    assert_eq!(told(&house, "return.unknown").await.len(), 1);
    house.hand.set(noon(day("2026-11-25")));
    house.bank_lives(day("2026-11-25")).await;
    house.pays(bob, 5_100, "2026-11-25").await.unwrap();
    numbered(&house, 5_000).await;
    house.cut(Wire::LosesRequests);
    assert_eq!(run(&house).await.pending, 1);
    house.cut(Wire::Fine);
    // A holiday: it is given up, nothing leaves, and the bank tells of that number anew.
    house.live_until("2026-11-26").await;
    assert_eq!(newest(&house, bob).await, PaymentStatus::Scheduled);
    house.sabotage("DELETE FROM rail_cursors WHERE name = 'bank_returns'").await;
    run(&house).await;
    let known = told(&house, "return.unknown").await;
    assert_eq!(known.len(), 2, "{known:?}");
    assert!(!known[1]["reference"].is_null(), "{known:?}");
}

#[tokio::test]
async fn what_a_bank_calls_its_refusal_hides_nothing_that_was_in_the_file() {
    let (house, [ann, _]) = returned_to_nobody().await;
    house.hand.set(noon(day("2026-11-23")));
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.cut(Wire::RefusesAs("never finished"));
    run(&house).await;
    house.cut(Wire::Fine);
    assert_eq!(newest(&house, ann).await, PaymentStatus::Scheduled);
    house.live_until("2026-11-25").await;
    let known = told(&house, "return.unknown").await;
    assert_eq!(known.len(), 1, "{known:?}");
    assert_eq!(known[0]["reference"], house.payments(ann).await[0].reference.as_str());
}
