//! What is due is chosen for the day's file a little at a time: nobody waits for it, nobody is left out, and who is killed is followed.

use std::time::Duration;

use credit::FlagKind;
use servicing::{Caller, DrawAsk, ServicingError, release::RunReport, testing::at_once};
use store::{
    draws::{DrawRail, DrawStatus},
    line_events,
    payments::PaymentStatus,
};
use tokio::task::JoinHandle;

use crate::{
    faults::{draw, draws_by_file, run},
    house::{House, Person, day, key, noon},
};

/// Somebody else holds a line.
pub(crate) type Holder = store::Tx<'static>;

const ENTRIES: &str =
    "SELECT coalesce(sum(entries), 0)::bigint FROM rail_files WHERE effective_on = '2026-11-20'";
pub(crate) const FILES: &str = "SELECT count(*) FROM rail_files WHERE effective_on = '2026-11-20'";

/// Files whose totals are not those of their entries.
pub(crate) const WRONG: &str = "SELECT count(*) FROM rail_files f,
       LATERAL (SELECT count(*) AS entries, coalesce(sum(debit), 0) AS debit, coalesce(sum(credit), 0) AS credit
                  FROM (SELECT amount_cents AS debit, 0 AS credit FROM payments WHERE file_key = f.key
                        UNION ALL SELECT 0, amount_cents FROM draws WHERE file_key = f.key) AS entry) AS have
     WHERE f.status <> 'abandoned'
       AND (f.entries <> have.entries OR f.debit_cents <> have.debit OR f.credit_cents <> have.credit)";

/// Three customers who owe $500.00 each.
async fn three() -> (House, [Person; 3]) {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let bob = house.person_with_account("Bob", "000111227777").await;
    let cat = house.person_with_account("Cat", "000111226666").await;
    for person in [ann, bob, cat] {
        house.draws(person, 50_000).await;
    }
    (house, [ann, bob, cat])
}

/// The same, and each pays $50.00 today.
pub(crate) async fn three_pay() -> (House, [Person; 3]) {
    let (house, people) = three().await;
    for person in people {
        house.pays(person, 5_000, "2026-11-20").await.unwrap();
    }
    (house, people)
}

pub(crate) async fn hold(house: &House, person: Person) -> Holder {
    let mut holder = house.database.store().app().begin().await.unwrap();
    line_events::lock(&mut holder, person.line).await.unwrap();
    holder
}

pub(crate) fn runs(house: &House) -> JoinHandle<Result<RunReport, ServicingError>> {
    let servicing = house.servicing.clone();
    tokio::spawn(async move { servicing.run_payments(Caller::system()).await })
}

/// Waits until so many are chosen, while a run is on.
pub(crate) async fn chosen(house: &House, count: i64) {
    let sql = "SELECT (SELECT count(*) FROM payments WHERE status = 'pending')
                    + (SELECT count(*) FROM draws WHERE status = 'pending')";
    let chosen = async {
        while house.count(sql).await < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(4), chosen).await.unwrap();
}

pub(crate) async fn status(house: &House, person: Person) -> PaymentStatus {
    house.payments(person).await.pop().unwrap().status
}

#[tokio::test]
async fn a_line_in_somebody_elses_hands_keeps_no_other_and_its_debit_follows_into_the_same_file() {
    let (house, [ann, bob, _]) = three_pay().await;
    let holder = hold(&house, ann).await;
    let running = runs(&house);
    chosen(&house, 2).await;
    // Bob is chosen already, and his line is free: he pays and draws meanwhile.
    house.pays(bob, 1_000, "2026-11-23").await.unwrap();
    let ask = DrawAsk { rail: DrawRail::Standard, ..at_once(2_000, bob.checking) };
    house.servicing.draw(bob.caller(), bob.id, ask, &key("meanwhile")).await.unwrap();
    assert_eq!((status(&house, ann).await, house.submitted()), (PaymentStatus::Scheduled, 0));
    holder.rollback().await.unwrap();
    let report = running.await.unwrap().unwrap();
    assert_eq!((report.released, report.failed), (3, 0), "{report:?}");
    assert_eq!(house.count(ENTRIES).await, 4, "with the draw");
    assert_eq!((house.count(FILES).await, house.count(WRONG).await), (2, 0));
}

#[tokio::test]
async fn draws_are_chosen_as_payments_are() {
    let (house, people) = three().await;
    for person in people {
        draws_by_file(&house, person, 5_000).await;
    }
    let [ann, bob, _] = people;
    let holder = hold(&house, bob).await;
    let running = runs(&house);
    chosen(&house, 2).await;
    house.pays(ann, 1_000, "2026-11-23").await.unwrap();
    assert_eq!(draw(&house, bob).await.status, DrawStatus::Held);
    holder.rollback().await.unwrap();
    let report = running.await.unwrap().unwrap();
    assert_eq!((report.draws_sent, report.failed), (3, 0), "{report:?}");
    assert_eq!((house.count(FILES).await, house.count(ENTRIES).await), (1, 3));
    assert_eq!(house.count(WRONG).await, 0);
}

/// A run that is killed when it has chosen Bob's and Cat's payments and not yet Ann's.
async fn killed_while_it_chose() -> (House, [Person; 3]) {
    let (house, people) = three_pay().await;
    let holder = hold(&house, people[0]).await;
    let killed = runs(&house);
    chosen(&house, 2).await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    holder.rollback().await.unwrap();
    assert_eq!((house.count(FILES).await, house.submitted()), (1, 0));
    (house, people)
}

#[tokio::test]
async fn who_is_killed_while_it_chooses_is_followed_by_the_next_run_in_the_same_file() {
    let (house, people) = killed_while_it_chose().await;
    let report = run(&house).await;
    assert_eq!((report.released, report.failed), (3, 0), "{report:?}");
    assert_eq!((house.count(FILES).await, house.count(ENTRIES).await), (1, 3));
    assert_eq!((house.count(WRONG).await, house.submitted()), (0, 1));
    for person in people {
        house.books_agree(person).await;
    }
}

#[tokio::test]
async fn what_was_chosen_by_who_was_killed_is_not_sent_over_a_flag_raised_in_between() {
    let (house, [_, bob, cat]) = killed_while_it_chose().await;
    let assistant = Caller::assistant(bob.id);
    house.servicing.raise_flag(assistant, bob.id, FlagKind::Bankruptcy, "CAS-1").await.unwrap();
    let report = run(&house).await;
    assert_eq!((report.released, report.held_back), (2, 1), "{report:?}");
    assert_eq!(status(&house, bob).await, PaymentStatus::HeldBack);
    assert_eq!(status(&house, cat).await, PaymentStatus::Released);
    assert_eq!((house.count(FILES).await, house.count(ENTRIES).await), (1, 2));
    assert_eq!(house.count(WRONG).await, 0);
}

/// Two are chosen while the line of the first is held; a flag is raised over the second before the run goes on.
pub(crate) async fn a_flag_keeps_what_is_chosen(house: &House, [ann, bob, cat]: [Person; 3]) {
    let holder = hold(house, ann).await;
    let running = runs(house);
    chosen(house, 2).await;
    let assistant = Caller::assistant(bob.id);
    house.servicing.raise_flag(assistant, bob.id, FlagKind::Bankruptcy, "CAS-1").await.unwrap();
    holder.rollback().await.unwrap();
    let report = running.await.unwrap().unwrap();
    assert_eq!((report.released, report.held_back), (2, 1), "{report:?}");
    assert_eq!(status(house, bob).await, PaymentStatus::HeldBack);
    assert_eq!(status(house, cat).await, PaymentStatus::Released);
}

#[tokio::test]
async fn a_flag_raised_while_the_file_fills_keeps_what_is_chosen_already() {
    let (house, people) = three_pay().await;
    a_flag_keeps_what_is_chosen(&house, people).await;
    assert_eq!((house.count(FILES).await, house.count(ENTRIES).await), (1, 2));
    assert_eq!((house.count(WRONG).await, house.submitted()), (0, 1));
}

#[tokio::test]
async fn what_was_chosen_by_who_was_killed_goes_into_the_next_days_file() {
    let (house, _) = killed_while_it_chose().await;
    house.hand.set(noon(day("2026-11-23")));
    house.bank_lives(day("2026-11-23")).await;
    assert_eq!(run(&house).await.released, 3);
    let sent = "SELECT sum(entries)::bigint FROM rail_files WHERE status = 'accepted' AND effective_on = '2026-11-23'";
    let open = "SELECT count(*) FROM rail_files WHERE status NOT IN ('accepted', 'abandoned')";
    assert_eq!((house.count(sent).await, house.count(open).await), (3, 0));
    assert_eq!((house.submitted(), house.count(WRONG).await), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_fill_one_file() {
    let (house, people) = three_pay().await;
    for person in people {
        house.pays(person, 1_000, "2026-11-20").await.unwrap();
    }
    let (one, two) = (runs(&house), runs(&house));
    let (one, two) = (one.await.unwrap().unwrap(), two.await.unwrap().unwrap());
    assert_eq!((one.failed, two.failed), (0, 0), "{one:?} {two:?}");
    assert_eq!(one.released + two.released, 6, "{one:?} {two:?}");
    assert_eq!((house.count(FILES).await, house.count(ENTRIES).await), (1, 6));
    assert_eq!(house.count(WRONG).await, 0);
}
