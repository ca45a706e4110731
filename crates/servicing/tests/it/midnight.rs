//! A file is of its day: what is still being filled when the day is over leaves with the next one.

use chrono::TimeDelta;
use credit::FlagKind;
use servicing::Caller;
use store::payments::PaymentStatus;

use crate::{
    chosen::{FILES, WRONG, a_flag_keeps_what_is_chosen, chosen, hold, runs, status, three_pay},
    faults::run,
    house::{House, Person, day, noon},
};

const GIVEN_BACK: &str =
    "SELECT count(*) FROM outbox o JOIN rail_files f ON f.key = o.payload ->> 'file_key'
     WHERE o.kind = 'payment.given_back' AND f.effective_on = '2026-11-24'";
const LEFT: &str = "SELECT coalesce(sum(entries), 0)::bigint FROM rail_files
     WHERE effective_on = '2026-11-24' AND status = 'accepted'";

#[tokio::test]
async fn the_run_of_the_day_before_takes_nothing_out_of_todays_file() {
    let house = House::on("2026-11-23").await;
    let mut people = Vec::new();
    for (name, number) in
        [("Ann", "000111224242"), ("Bob", "000111227777"), ("Cat", "000111226666")]
    {
        let person = house.person_with_account(name, number).await;
        house.draws(person, 50_000).await;
        people.push(person);
    }
    let [ann, bob, cat] = people[..] else { panic!("three people") };
    for (person, on) in [(ann, "2026-11-23"), (bob, "2026-11-23"), (cat, "2026-11-24")] {
        house.pays(person, 5_000, on).await.unwrap();
    }
    let (holds_ann, holds_cat) = (hold(&house, ann).await, hold(&house, cat).await);
    let older = runs(&house);
    chosen(&house, 1).await;
    // Past midnight; Ann's line keeps both waiting, and Cat's the newer one only.
    house.hand.set(noon(day("2026-11-24")) - TimeDelta::hours(11));
    house.bank_lives(day("2026-11-24")).await;
    let newer = runs(&house);
    let in_newer = "SELECT count(*) FROM payments p JOIN rail_files f ON f.key = p.file_key
                    WHERE f.effective_on = '2026-11-24'";
    while house.count(in_newer).await < 1 {
        tokio::task::yield_now().await;
    }
    holds_ann.rollback().await.unwrap();
    older.await.unwrap().unwrap();
    assert_eq!(house.count(GIVEN_BACK).await, 0, "it is in the file of its day");
    holds_cat.rollback().await.unwrap();
    let report = newer.await.unwrap().unwrap();
    assert_eq!((report.released, report.failed), (3, 0), "{report:?}");
    assert_eq!((house.count(LEFT).await, house.count(WRONG).await), (3, 0));
    assert_eq!(house.submitted(), 1);
    for person in people {
        house.books_agree(person).await;
    }
}

/// The bank has refused a file with the payment of a person, so that it goes in one of its own.
async fn goes_alone(house: &House, person: Person) {
    let refused = format!("UPDATE payments SET refusals = 1 WHERE customer_id = '{}'", person.id);
    house.sabotage(&refused).await;
}

#[tokio::test]
async fn a_file_that_was_not_finished_on_friday_does_not_leave_on_saturday() {
    let (house, [ann, bob, cat]) = three_pay().await;
    goes_alone(&house, bob).await;
    let holder = hold(&house, ann).await;
    let running = runs(&house);
    chosen(&house, 2).await;
    house.hand.set(noon(day("2026-11-21")) - TimeDelta::hours(11));
    holder.rollback().await.unwrap();
    let report = running.await.unwrap().unwrap();
    assert_eq!((house.submitted(), report.released), (0, 0), "{report:?}");
    assert_eq!(report.failed, 3, "they were due, and the day is not done: {report:?}");
    for person in [ann, bob, cat] {
        assert_eq!(status(&house, person).await, PaymentStatus::Scheduled);
    }
    assert_eq!(house.live_until("2026-11-23").await.payments.released, 3);
    let sent = "SELECT sum(entries)::bigint FROM rail_files WHERE status = 'accepted' AND effective_on = '2026-11-23'";
    assert_eq!((house.count(sent).await, house.count(WRONG).await), (3, 0));
}

#[tokio::test]
async fn what_goes_alone_is_looked_at_again_before_it_leaves() {
    let (house, people) = three_pay().await;
    let [_, bob, _] = people;
    goes_alone(&house, bob).await;
    a_flag_keeps_what_is_chosen(&house, people).await;
    assert_eq!((house.submitted(), house.count(WRONG).await), (1, 0));
}

#[tokio::test]
async fn what_is_taken_out_last_is_held_back_in_the_same_run() {
    let (house, [ann, bob, cat]) = three_pay().await;
    let holder = hold(&house, ann).await;
    let running = runs(&house);
    chosen(&house, 2).await;
    for person in [bob, cat] {
        let assistant = Caller::assistant(person.id);
        let flag = (FlagKind::Bankruptcy, "CAS-1");
        house.servicing.raise_flag(assistant, person.id, flag.0, flag.1).await.unwrap();
    }
    // Nothing is due any more, and nothing is left in the file.
    let cancelled = "UPDATE payments SET status = 'cancelled', cancel_reason = 'sabotage'
                     WHERE status = 'scheduled'";
    house.sabotage(cancelled).await;
    holder.rollback().await.unwrap();
    let report = running.await.unwrap().unwrap();
    assert_eq!((report.released, report.held_back, report.failed), (0, 2, 0), "{report:?}");
    for person in [bob, cat] {
        assert_eq!(status(&house, person).await, PaymentStatus::HeldBack);
    }
    assert_eq!((house.submitted(), house.count(FILES).await), (0, 1));
    assert_eq!(run(&house).await.failed, 0);
}
