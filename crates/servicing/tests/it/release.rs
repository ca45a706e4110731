//! Files go to the bank, and what comes back is believed.

use credit::FlagKind;
use servicing::{AmountAsk, BankAccountAsk, Caller, PaymentAsk, RefusalCode, release::RunReport};
use store::payments::{PaymentRow, PaymentStatus};

use crate::house::{House, Person, Wire, cents, code, day, key};

async fn pays(house: &House, person: Person, on: &str, name: &str) {
    let ask = PaymentAsk {
        amount: AmountAsk::Exact { cents: cents(5_000) },
        on: day(on),
        from: BankAccountAsk::Only,
    };
    let service = &house.servicing;
    service.schedule_payment(person.caller(), person.id, &ask, &key(name)).await.unwrap();
}

async fn payment(house: &House, person: Person) -> PaymentRow {
    let payments = house.servicing.list_payments(person.caller(), person.id).await.unwrap();
    payments[0].payment.clone()
}

async fn principal(house: &House, person: Person) -> money::Cents {
    let view = house.servicing.position(person.caller(), person.id).await.unwrap();
    view.position.principal_balance
}

async fn run(house: &House) -> RunReport {
    house.servicing.run_payments(Caller::system()).await.unwrap()
}

#[tokio::test]
async fn a_payment_is_released_on_its_banking_day_credited_for_the_chosen_day_and_settles() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    pays(&house, ann, "2026-11-26", "pay").await;
    house.live_until("2026-11-26").await;
    assert_eq!(payment(&house, ann).await.status, PaymentStatus::Scheduled);
    let report = house.live_until("2026-11-27").await;
    assert_eq!(report.payments.released, 1);
    let released = payment(&house, ann).await;
    assert_eq!(released.status, PaymentStatus::Released);
    assert_eq!(principal(&house, ann).await, cents(75_000));
    let items = house.servicing.transactions(ann.caller(), ann.id, None, 10).await.unwrap().items;
    assert_eq!((items[0].kind, items[0].effective_on), ("payment", day("2026-11-26")));
    let gone = house.servicing.cancel_payment(ann.caller(), ann.id, released.id, &key("c")).await;
    assert_eq!(code(gone), RefusalCode::CannotCancel);

    house.live_until("2026-12-01").await;
    assert_eq!(payment(&house, ann).await.status, PaymentStatus::Settled);
    assert_eq!(house.submitted(), 1);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_returned_payment_is_taken_back_and_may_be_tried_once_more() {
    let house = House::on("2026-11-20").await;
    let ann = house.person_with_account("Ann", "000111229001").await;
    house.draws(ann, 80_000).await;
    pays(&house, ann, "2026-11-23", "pay").await;
    let report = house.live_until("2026-11-30").await;
    assert_eq!((report.payments.released, report.payments.returned), (1, 1));
    let returned = payment(&house, ann).await;
    assert_eq!(returned.return_code.as_deref(), Some("R01"));
    let earliest = returned.returned_on.unwrap() + chrono::Days::new(5);
    assert_eq!(returned.retry_on, Some(earliest));
    assert_eq!(principal(&house, ann).await, cents(80_000));
    assert_eq!(run(&house).await, RunReport::default());
    house.books_agree(ann).await;
}

#[tokio::test]
async fn after_two_failed_debits_in_a_row_only_a_payment_authorised_since_is_tried() {
    let house = House::on("2026-11-02").await;
    let ann = house.person_with_account("Ann", "000111229001").await;
    house.draws(ann, 80_000).await;
    pays(&house, ann, "2026-11-03", "one").await;
    pays(&house, ann, "2026-11-09", "two").await;
    // Authorised before the failures: never tried.
    pays(&house, ann, "2026-11-19", "three").await;
    let report = house.live_until("2026-11-20").await;
    assert_eq!((report.payments.returned, report.payments.held_back), (2, 1));
    pays(&house, ann, "2026-11-23", "four").await;
    let ask = PaymentAsk {
        amount: AmountAsk::Exact { cents: cents(100) },
        on: day("2026-11-23"),
        from: BankAccountAsk::Only,
    };
    let fifth = house.servicing.schedule_payment(ann.caller(), ann.id, &ask, &key("five")).await;
    assert_eq!(code(fifth), RefusalCode::BankAccountDisabled);
    let report = house.live_until("2026-11-23").await;
    assert_eq!(report.payments.released, 1);
}

#[tokio::test]
async fn a_closed_account_is_not_debited_again_and_a_death_raises_its_flag() {
    let house = House::on("2026-11-20").await;
    let ann = house.person_with_account("Ann", "000111229002").await;
    let bob = house.person_with_account("Bob", "000111229015").await;
    for person in [ann, bob] {
        house.draws(person, 80_000).await;
        pays(&house, person, "2026-11-23", &format!("pay-{}", person.id)).await;
    }
    house.live_until("2026-11-30").await;
    assert_eq!(payment(&house, ann).await.retry_on, None);
    let ask = PaymentAsk {
        amount: AmountAsk::Exact { cents: cents(5_000) },
        on: day("2026-12-04"),
        from: BankAccountAsk::Id(ann.checking),
    };
    let again = house.servicing.schedule_payment(ann.caller(), ann.id, &ask, &key("a")).await;
    assert_eq!(code(again), RefusalCode::BankAccountDisabled);
    let flags = house.servicing.standing_flags(bob.caller(), bob.id).await.unwrap();
    assert_eq!(flags[0].kind, FlagKind::Deceased);
}

#[tokio::test]
async fn a_flag_raised_after_scheduling_stops_the_debit() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    pays(&house, ann, "2026-11-23", "pay").await;
    let assistant = Caller::assistant(ann.id);
    house
        .servicing
        .raise_flag(assistant, ann.id, FlagKind::Bankruptcy, "case CAS-1")
        .await
        .unwrap();
    let report = house.live_until("2026-11-23").await;
    assert_eq!((report.payments.released, report.payments.held_back), (0, 1));
    assert_eq!(payment(&house, ann).await.cancel_reason.as_deref(), Some("flag:bankruptcy"));
    assert_eq!(house.submitted(), 0);
}

#[tokio::test]
async fn an_unknown_outcome_stays_pending_and_is_read_back_before_anything_is_sent_again() {
    for wire in [Wire::LosesRequests, Wire::LosesAnswers] {
        let house = House::on("2026-11-20").await;
        let ann = house.person("Ann").await;
        house.draws(ann, 80_000).await;
        pays(&house, ann, "2026-11-23", "pay").await;
        house.cut(wire);
        let report = house.live_until("2026-11-23").await;
        assert_eq!((report.payments.released, report.payments.pending), (0, 1), "{wire:?}");
        assert_eq!(payment(&house, ann).await.status, PaymentStatus::Pending);
        // Neither paid nor unpaid: nothing is credited, and nothing more is sent while we cannot ask.
        assert_eq!(principal(&house, ann).await, cents(80_000));
        assert_eq!(run(&house).await.pending, 1);

        house.cut(Wire::Fine);
        assert_eq!(run(&house).await.released, 1);
        assert_eq!(payment(&house, ann).await.status, PaymentStatus::Released);
        assert_eq!(principal(&house, ann).await, cents(75_000));
        assert_eq!(house.submitted(), 1, "{wire:?}");
        house.books_agree(ann).await;
    }
}

#[tokio::test]
async fn a_refused_file_gives_its_payments_back_for_the_next_banking_day() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    pays(&house, ann, "2026-11-23", "pay").await;
    house.cut(Wire::Refuses);
    house.live_until("2026-11-23").await;
    let waiting = payment(&house, ann).await;
    assert_eq!((waiting.status, waiting.debit_on), (PaymentStatus::Scheduled, day("2026-11-24")));
    house.cut(Wire::Fine);
    house.live_until("2026-11-24").await;
    let items = house.servicing.transactions(ann.caller(), ann.id, None, 10).await.unwrap().items;
    assert_eq!((items[0].kind, items[0].effective_on), ("payment", day("2026-11-23")));
}

#[tokio::test]
async fn two_processes_release_each_payment_once() {
    let house = House::on("2026-11-20").await;
    let mut people = Vec::new();
    for n in 0..6 {
        let person = house.person(&format!("P{n}")).await;
        house.draws(person, 80_000).await;
        pays(&house, person, "2026-11-20", &format!("pay-{n}")).await;
        people.push(person);
    }
    let (one, other) = tokio::join!(
        house.servicing.run_payments(Caller::system()),
        house.servicing.run_payments(Caller::system())
    );
    assert_eq!(one.unwrap().released + other.unwrap().released, 6);
    assert_eq!(
        house.count("SELECT count(*) FROM line_events WHERE kind = 'payment_received'").await,
        6
    );
    for person in people {
        house.books_agree(person).await;
    }
}

/// What is left of a day, in what must not depend on how often the process died.
async fn outcome(house: &House, person: Person) -> String {
    let payment = payment(house, person).await;
    let received =
        house.count("SELECT count(*) FROM line_events WHERE kind = 'payment_received'").await;
    let credited =
        house.count("SELECT count(*) FROM audit_leaves WHERE kind = 'payment.credited'").await;
    let settled =
        house.count("SELECT count(*) FROM audit_leaves WHERE kind = 'payment.settled'").await;
    let files = house.count("SELECT count(*) FROM rail_files WHERE status = 'accepted'").await;
    let principal = principal(house, person).await;
    house.books_agree(person).await;
    format!("{:?} {received} {credited} {settled} {files} {principal}", payment.status)
}

#[tokio::test]
async fn a_process_that_dies_at_any_request_to_the_bank_leaves_what_one_that_lives_leaves() {
    let lived = async |deaths: Option<Wire>| {
        let house = House::on("2026-11-20").await;
        let ann = house.person("Ann").await;
        house.draws(ann, 80_000).await;
        pays(&house, ann, "2026-11-23", "pay").await;
        house.live_until("2026-11-22").await;
        house.cut_from_now(deaths.unwrap_or(Wire::Fine));
        for day in ["2026-11-23", "2026-11-24", "2026-11-25"] {
            let died = tokio::select! {
                () = house.bank.died.notified() => true,
                _ = house.live_until(day) => false,
            };
            if died {
                house.cut(Wire::Fine);
                house.servicing.run_jobs(Caller::system()).await.unwrap();
            }
        }
        let requests = house.requests();
        (outcome(&house, ann).await, requests)
    };
    let (expected, requests) = lived(None).await;
    assert!(expected.starts_with("Settled 1 1 1 1"), "{expected}");
    for n in 1..=requests {
        for death in [Wire::DiesBefore(n), Wire::DiesAfter(n)] {
            assert_eq!(lived(Some(death)).await.0, expected, "{death:?}");
        }
    }
}
