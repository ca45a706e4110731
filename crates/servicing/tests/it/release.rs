//! Files go to the bank, and what comes back is believed.

use credit::FlagKind;
use servicing::{AmountAsk, BankAccountAsk, Caller, PaymentAsk, RefusalCode, release::RunReport};
use store::payments::{PaymentRow, PaymentStatus};

use crate::house::{House, Person, Wire, cents, code, day, key};

async fn payment(house: &House, person: Person) -> PaymentRow {
    house.payments(person).await.remove(0)
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
    let (house, ann) = House::with_ann().await;
    house.pays(ann, 5_000, "2026-11-26").await.unwrap();
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
async fn a_returned_payment_is_taken_back() {
    let (house, ann) = House::with_ann_banking_at("000111229001").await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    let report = house.live_until("2026-11-27").await;
    assert_eq!((report.payments.released, report.payments.returned), (1, 1));
    assert_eq!(payment(&house, ann).await.return_code.as_deref(), Some("R01"));
    assert_eq!(principal(&house, ann).await, cents(80_000));
    assert_eq!(run(&house).await, RunReport::default());
    house.books_agree(ann).await;
}

#[tokio::test]
async fn after_two_failed_debits_in_a_row_only_a_payment_authorised_since_is_tried() {
    let house = House::on("2026-11-02").await;
    let ann = house.person_with_account("Ann", "000111229001").await;
    house.draws(ann, 80_000).await;
    house.pays(ann, 5_000, "2026-11-03").await.unwrap();
    house.pays(ann, 5_000, "2026-11-04").await.unwrap();
    // Authorised before the failures: never tried.
    house.pays(ann, 5_000, "2026-11-19").await.unwrap();
    let report = house.live_until("2026-11-20").await;
    assert_eq!((report.payments.returned, report.payments.held_back), (2, 1));
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
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
        house.pays(person, 5_000, "2026-11-23").await.unwrap();
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
    let (house, ann) = House::with_ann().await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
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
        let (house, ann) = House::with_ann().await;
        house.pays(ann, 5_000, "2026-11-23").await.unwrap();
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
async fn a_file_the_bank_never_had_is_not_sent_again_over_a_flag_raised_in_between() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let bob = house.person_with_account("Bob", "000111227777").await;
    for person in [ann, bob] {
        house.draws(person, 80_000).await;
        house.pays(person, 5_000, "2026-11-23").await.unwrap();
    }
    house.cut(Wire::LosesRequests);
    house.live_until("2026-11-23").await;
    let assistant = Caller::assistant(ann.id);
    let told = "case CAS-1";
    house.servicing.raise_flag(assistant, ann.id, FlagKind::Bankruptcy, told).await.unwrap();

    house.cut(Wire::Fine);
    // What was handed over a moment ago may still arrive, whatever the bank says now.
    assert_eq!(run(&house).await.pending, 2);
    house.hand.advance(chrono::TimeDelta::minutes(15));
    let report = run(&house).await;
    assert_eq!((report.released, report.held_back, report.pending), (1, 1, 0));
    assert_eq!(payment(&house, ann).await.status, PaymentStatus::HeldBack);
    assert_eq!(payment(&house, bob).await.status, PaymentStatus::Released);
    assert_eq!(principal(&house, ann).await, cents(80_000));
    let abandoned = house.count("SELECT count(*) FROM rail_files WHERE status = 'abandoned'").await;
    assert_eq!(abandoned, 1);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn what_never_arrived_goes_out_on_a_later_day_in_a_file_of_that_day() {
    let (house, ann) = House::with_ann().await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.cut(Wire::LosesRequests);
    house.live_until("2026-11-23").await;
    let before = payment(&house, ann).await.file_key;
    house.cut(Wire::Fine);
    assert_eq!(house.live_until("2026-11-24").await.payments.released, 1);
    assert_ne!(payment(&house, ann).await.file_key, before);
    let stale =
        "SELECT count(*) FROM rail_files WHERE status = 'accepted' AND effective_on < '2026-11-24'";
    assert_eq!(house.count(stale).await, 0);
}

#[tokio::test]
async fn a_return_is_believed_although_the_bank_cannot_say_what_became_of_the_file() {
    let (house, ann) = House::with_ann_banking_at("000111229001").await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.cut(Wire::LosesAnswers);
    house.live_until("2026-11-23").await;
    assert_eq!(payment(&house, ann).await.status, PaymentStatus::Pending);
    house.cut(Wire::LosesFinds);
    house.live_until("2026-11-27").await;
    let returned = payment(&house, ann).await;
    assert_eq!(
        (returned.status, returned.return_code.as_deref()),
        (PaymentStatus::Returned, Some("R01"))
    );
    assert_eq!(principal(&house, ann).await, cents(80_000));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn returns_that_cannot_be_read_are_read_again_and_keep_no_line_from_being_settled() {
    let house = House::on("2026-11-02").await;
    let ann = house.person_with_account("Ann", "000111229001").await;
    house.draws(ann, 80_000).await;
    house.pays(ann, 5_000, "2026-11-03").await.unwrap();
    house.live_until("2026-11-03").await;
    house.cut(Wire::GarblesReturns);
    let report = house.live_until("2026-11-06").await;
    assert!(report.payments.failed > 0);
    assert_eq!(report.statements_issued, 1);
    house.cut(Wire::Fine);
    house.live_until("2026-11-07").await;
    assert_eq!(payment(&house, ann).await.status, PaymentStatus::Returned);
}

#[tokio::test]
async fn a_payment_that_cannot_be_written_is_held_back_and_stops_nobody_elses() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let bob = house.person_with_account("Bob", "000111227777").await;
    for person in [ann, bob] {
        house.draws(person, 80_000).await;
        house.pays(person, 5_000, "2026-11-23").await.unwrap();
    }
    // Bob's number in Ann's row: it was sealed for him, and does not open for her.
    let swap = format!(
        "UPDATE bank_account_numbers SET sealed = (SELECT sealed FROM bank_account_numbers WHERE bank_account_id = '{}')
         WHERE bank_account_id = '{}'",
        bob.checking, ann.checking
    );
    sqlx::query(sqlx::AssertSqlSafe(swap)).execute(house.database.owner()).await.unwrap();
    let report = house.live_until("2026-11-23").await;
    assert_eq!((report.payments.released, report.payments.failed), (1, 1));
    assert_eq!(payment(&house, ann).await.cancel_reason.as_deref(), Some("cannot_be_written"));
    assert_eq!(payment(&house, bob).await.status, PaymentStatus::Released);
    let staff = house.representative("Rae").await;
    let queue = house.servicing.queue(staff).await.unwrap();
    assert_eq!(queue.cases[0].0.kind, "operations");
    // It is our work, not a case of hers.
    assert!(house.servicing.list_cases(ann.caller(), ann.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_payment_the_bank_refuses_three_times_is_held_back_and_the_desk_is_told() {
    let (house, ann) = House::with_ann().await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.cut(Wire::Refuses);
    house.live_until("2026-11-24").await;
    assert_eq!(payment(&house, ann).await.status, PaymentStatus::Scheduled);
    house.live_until("2026-11-25").await;
    let held = payment(&house, ann).await;
    assert_eq!(held.status, PaymentStatus::HeldBack);
    assert_eq!(held.cancel_reason.as_deref(), Some("refused_by_the_bank"));
    let given = "SELECT count(*) FROM outbox WHERE kind = 'payment.given_back'";
    assert_eq!(house.count(given).await, 3);
    let staff = house.representative("Rae").await;
    assert_eq!(house.servicing.queue(staff).await.unwrap().cases[0].0.kind, "operations");
}

#[tokio::test]
async fn a_stopped_payment_closes_no_account_and_a_revoked_one_revokes_what_came_before() {
    let house = House::on("2026-11-20").await;
    let ann = house.person_with_account("Ann", "000111229008").await;
    let bob = house.person_with_account("Bob", "000111229007").await;
    let cat = house.person_with_account("Cat", "000111229016").await;
    for person in [ann, bob, cat] {
        house.draws(person, 80_000).await;
        house.pays(person, 5_000, "2026-11-23").await.unwrap();
        house.pays(person, 5_000, "2027-01-15").await.unwrap();
    }
    // The bank tells of an authorisation that was revoked after twenty banking days.
    house.live_until("2026-12-30").await;
    let later = async |person: Person| {
        let on = day("2027-01-15");
        let payments = house.payments(person).await;
        payments.iter().find(|one| one.authorised_on == on).unwrap().status
    };
    assert_eq!(later(ann).await, PaymentStatus::Scheduled);
    assert_eq!(later(bob).await, PaymentStatus::Cancelled);
    assert_eq!(later(cat).await, PaymentStatus::HeldBack);
    let staff = house.representative("Rae").await;
    let queue = house.servicing.queue(staff).await.unwrap();
    assert!(queue.cases.iter().any(|(c, _)| c.kind == "compliance" && c.customer_id == cat.id));
}

#[tokio::test]
async fn a_refused_file_gives_its_payments_back_for_the_next_banking_day() {
    let (house, ann) = House::with_ann().await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
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
        house.pays(person, 5_000, "2026-11-20").await.unwrap();
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
        let (house, ann) = House::with_ann().await;
        house.pays(ann, 5_000, "2026-11-23").await.unwrap();
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
