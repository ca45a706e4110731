//! A draw that was in a file which arrived after it was given up: its credit is let go only on the bank's word.

use identity::CustomerId;
use servicing::Caller;
use store::draws::{DrawReview, DrawStatus};

use crate::{
    faults::{desk, draw, draws_by_file, run, set_aside},
    house::{House, Person, Says, Wire, cents, day},
    service::position,
};

/// A draw that was set aside after two files, one after the other: over Thanksgiving nothing leaves.
async fn set_aside_twice(number: &str) -> (House, Person) {
    let house = House::on("2026-11-25").await;
    let bob = house.person_with_account("Bob", number).await;
    draws_by_file(&house, bob, 5_000).await;
    for (lost_on, given_up_on) in [("2026-11-25", "2026-11-26"), ("2026-11-27", "2026-11-28")] {
        house.cut(Wire::LosesRequests);
        house.live_until(lost_on).await;
        run(&house).await;
        house.cut(Wire::Fine);
        house.live_until(given_up_on).await;
        assert_eq!(draw(&house, bob).await.status, DrawStatus::Held);
    }
    house.let_through().await;
    run(&house).await;
    assert_eq!(house.file_keys().await.len(), 2);
    assert_eq!(draw(&house, bob).await.review, Some(DrawReview::SetAside));
    (house, bob)
}

/// Its credit is held, and nobody was told more than this often that nothing is known of it.
async fn still_held(house: &House, bob: Person, told: usize) {
    assert_eq!(draw(house, bob).await.status, DrawStatus::Held);
    assert_eq!(position(house, bob).await.held_credit, cents(5_000));
    let words = told_of(house, bob.id).await;
    assert_eq!(words.matches("does not say what became of draw").count(), told, "{words}");
}

async fn told_of(house: &House, customer: CustomerId) -> String {
    let staff = house.representative("Rae").await;
    let queue = house.servicing.queue(staff).await.unwrap();
    let of = queue.cases.into_iter().filter(|(case, _)| case.customer_id == customer);
    of.map(|(case, _)| case.words).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_the_bank_knows_nothing_of_stays_held_and_a_person_is_told_once() {
    for says in [Says::Unknown, Says::Empty, Says::ReturnedWithoutCode] {
        let (house, bob) = set_aside("000111224242").await;
        house.bank_says(&house.file_keys().await[0], says);
        // Three banking days are a person's.
        house.live_until("2026-11-25").await;
        still_held(&house, bob, 0).await;
        house.live_until("2026-11-30").await;
        run(&house).await;
        still_held(&house, bob, 1).await;
        assert_eq!(desk(&house).await, [("operations".to_owned(), bob.id)], "{says:?}");
        let repeated = "SELECT count(*) FROM audit_leaves WHERE kind = 'case.repeated'";
        assert_eq!(house.count(repeated).await, 1, "{says:?}");
        // Each run asks again, and the bank's word ends it.
        house.bank_says_what_it_has();
        run(&house).await;
        assert_eq!(draw(&house, bob).await.drawn_on, Some(day("2026-11-23")), "{says:?}");
        house.books_agree(bob).await;
    }
}

#[tokio::test]
async fn what_is_not_on_record_of_its_files_lets_no_credit_go() {
    let (house, bob) = set_aside("000111224242").await;
    house
        .sabotage("UPDATE outbox SET payload = payload - 'file_key' WHERE kind = 'draw.given_back'")
        .await;
    house.live_until("2026-11-30").await;
    still_held(&house, bob, 1).await;
}

/// The desk has the keys of both files.
async fn told_that_it_may_be_paid_twice(house: &House, bob: Person) {
    let words = told_of(house, bob.id).await;
    let told = words.lines().find(|line| line.contains("may be paid twice")).unwrap();
    for key in house.file_keys().await {
        assert!(told.contains(&key), "{told}");
    }
}

#[tokio::test]
async fn a_draw_that_was_paid_in_two_files_is_owed_once_and_the_desk_has_both() {
    let (house, bob) = set_aside_twice("000111224242").await;
    house.live_until("2026-12-04").await;
    assert_eq!(draw(&house, bob).await.status, DrawStatus::Settled);
    told_that_it_may_be_paid_twice(&house, bob).await;
    house.books_agree(bob).await;
}

#[tokio::test]
async fn a_bank_that_cannot_be_asked_for_days_keeps_no_day_open_and_the_desk_is_told() {
    let (house, bob) = set_aside("000111224242").await;
    house.bank_says(&house.file_keys().await[0], Says::Nothing);
    // The wait ends on November 25, and five banking days after it on December 3.
    let report = house.live_until("2026-12-03").await.payments;
    assert!(report.unreached > 0, "{report:?}");
    still_held(&house, bob, 0).await;
    house.live_until("2026-12-04").await;
    let report = run(&house).await;
    assert_eq!((report.unreached, report.with_the_desk), (0, 1), "{report:?}");
    still_held(&house, bob, 1).await;
    house.bank_says_what_it_has();
    run(&house).await;
    assert_eq!(draw(&house, bob).await.status, DrawStatus::Settled);
    house.books_agree(bob).await;
}

#[tokio::test]
async fn while_nothing_is_known_of_a_draw_a_case_stands_open_that_names_it() {
    let (house, bob) = set_aside("000111224242").await;
    house.bank_says(&house.file_keys().await[0], Says::Unknown);
    house.live_until("2026-11-30").await;
    still_held(&house, bob, 1).await;
    // The case that stands open is of another matter of the same customer.
    for change in ["DELETE FROM case_matters", "UPDATE cases SET words = 'Another matter.'"] {
        house.sabotage(change).await;
    }
    still_held(&house, bob, 0).await;
    for _ in 0..2 {
        run(&house).await;
        still_held(&house, bob, 1).await;
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_asked_for_keeps_no_other_from_ending_the_draw() {
    let (house, bob) = set_aside_twice("000111224242").await;
    house.bank_says(&house.file_keys().await[0], Says::Nothing);
    let report = house.live_until("2026-12-02").await.payments;
    assert!(report.unreached > 0, "{report:?}");
    let paid = draw(&house, bob).await;
    assert_eq!((paid.status, paid.drawn_on), (DrawStatus::Settled, Some(day("2026-11-30"))));
    told_that_it_may_be_paid_twice(&house, bob).await;
    house.books_agree(bob).await;
}

#[tokio::test]
async fn credit_is_let_go_only_on_the_banks_word_on_every_file() {
    for says in [Says::Nothing, Says::Unknown] {
        // Sent back from both.
        let (house, bob) = set_aside_twice("000111229203").await;
        house.bank_says(&house.file_keys().await[0], says);
        house.live_until("2026-12-04").await;
        still_held(&house, bob, usize::from(says == Says::Unknown)).await;
        house.bank_says_what_it_has();
        house.servicing.run_payments(Caller::system()).await.unwrap();
        let ended = draw(&house, bob).await;
        assert_eq!((ended.status, ended.refusal.as_deref()), (DrawStatus::Refused, Some("R03")));
        assert_eq!(position(&house, bob).await.held_credit, cents(0));
        house.books_agree(bob).await;
    }
}
