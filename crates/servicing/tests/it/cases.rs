//! What protects a customer runs at once, under the role of a model's turn.

use credit::FlagKind;
use identity::CustomerId;
use servicing::{
    AmountAsk, BankAccountAsk, Caller, CaseKind, Level, NewCase, PaymentAsk, RefusalCode,
    originate::NewCustomer,
};
use store::{cases::CaseStatus, customers::Language, payments::PaymentStatus};

use crate::house::{House, Person, cents, code, day, key};

fn case(person: Person, kind: CaseKind) -> NewCase {
    NewCase {
        customer_id: person.id,
        conversation_id: None,
        kind,
        words: "I've filed for bankruptcy".to_owned(),
    }
}

async fn pays(house: &House, person: Person, name: &str) -> Result<(), servicing::ServicingError> {
    let ask = PaymentAsk {
        amount: AmountAsk::Exact { cents: cents(5_000) },
        on: day("2026-11-27"),
        from: BankAccountAsk::Only,
    };
    house.servicing.schedule_payment(person.caller(), person.id, &ask, &key(name)).await.map(drop)
}

#[tokio::test]
async fn a_bankruptcy_told_in_passing_is_a_case_a_flag_and_no_more_debits() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    let service = &house.servicing;
    let assistant = Caller::assistant(ann.id);

    let opened = service.open_case(assistant, case(ann, CaseKind::Bankruptcy)).await.unwrap();
    assert!(opened.reference.starts_with("CAS-"));
    assert_eq!(opened.due_on, day("2026-11-23"));
    let again = service.open_case(assistant, case(ann, CaseKind::Bankruptcy)).await.unwrap();
    assert_eq!(again, opened);
    let flags = service.standing_flags(ann.caller(), ann.id).await.unwrap();
    assert_eq!(flags.iter().map(|flag| flag.kind).collect::<Vec<_>>(), [FlagKind::Bankruptcy]);
    let position = service.position(ann.caller(), ann.id).await.unwrap();
    assert!(position.position.flagged(FlagKind::Bankruptcy));
    assert_eq!(code(pays(&house, ann, "no").await), RefusalCode::DebitsStopped);
    assert_eq!(
        house.count("SELECT count(*) FROM audit_leaves WHERE kind = 'case.opened'").await,
        1
    );
    house.books_agree(ann).await;

    // Only staff clear it, and then payments are possible again.
    let cleared = service
        .clear_flag(ann.caller(), ann.id, FlagKind::Bankruptcy, "withdrawn", &key("clear"))
        .await;
    assert_eq!(code(cleared), RefusalCode::NotAllowed);
    let staff = house.representative("Rae").await;
    assert!(
        service
            .clear_flag(staff, ann.id, FlagKind::Bankruptcy, "filed in error", &key("clear"))
            .await
            .unwrap()
    );
    pays(&house, ann, "yes").await.unwrap();
}

#[tokio::test]
async fn every_kind_of_case_opens_at_the_lowest_level_of_identity() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let known_channel = Caller { level: Level::L1, ..ann.caller() };
    for kind in CaseKind::ALL {
        let opened = house.servicing.open_case(known_channel, case(ann, kind)).await.unwrap();
        assert_eq!((opened.kind.as_str(), opened.status), (kind.as_str(), CaseStatus::Open));
    }
    assert_eq!(house.servicing.list_cases(ann.caller(), ann.id).await.unwrap().len(), 16);
}

#[tokio::test]
async fn an_applicant_without_a_line_has_cases_too() {
    let house = House::on("2026-11-20").await;
    let id = CustomerId::mint(house.servicing.now());
    let new = NewCustomer {
        name: "Dee".to_owned(),
        email: "dee@example.com".to_owned(),
        phone: "+1 555 0101".to_owned(),
        state: "CA".to_owned(),
        language: Language::English,
        archetype: None,
        summary: None,
    };
    house.servicing.add_customer(Caller::system(), id, new).await.unwrap();
    let request = NewCase {
        customer_id: id,
        conversation_id: None,
        kind: CaseKind::CreditReportError,
        words: "that report is wrong".to_owned(),
    };
    let opened = house.servicing.open_case(Caller::assistant(id), request).await.unwrap();
    assert_eq!(opened.credit_line_id, None);
    let flags = house.servicing.standing_flags(Caller::customer(id), id).await.unwrap();
    assert_eq!(flags[0].kind, FlagKind::Dispute);
}

#[tokio::test]
async fn stop_taking_money_stops_what_was_scheduled_and_not_what_is_asked_for_afterwards() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    let service = &house.servicing;
    pays(&house, ann, "before").await.unwrap();
    house.hand.advance(chrono::TimeDelta::minutes(1));
    let assistant = Caller::assistant(ann.id);
    service.open_case(assistant, case(ann, CaseKind::StopPayment)).await.unwrap();
    let seen = service.list_payments(ann.caller(), ann.id).await.unwrap();
    assert_eq!(seen[0].payment.status, PaymentStatus::Cancelled);

    house.hand.advance(chrono::TimeDelta::minutes(1));
    pays(&house, ann, "after").await.unwrap();
    let report = house.live_until("2026-11-30").await;
    assert_eq!((report.payments.released, report.payments.held_back), (1, 1));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_case_is_closed_by_staff_with_a_note_and_once() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let staff = house.representative("Rae").await;
    let service = &house.servicing;
    let opened = service.open_case(ann.caller(), case(ann, CaseKind::Complaint)).await.unwrap();
    let by_ann = service.close_case(ann.caller(), opened.id, "done", &key("close")).await;
    assert_eq!(code(by_ann), RefusalCode::NotAllowed);
    for none in ["", " \n", "nul\0"] {
        let unsaid = service.close_case(staff, opened.id, none, &key("unsaid")).await;
        assert_eq!(code(unsaid), RefusalCode::TextInvalid);
    }
    let closed = service.close_case(staff, opened.id, "apologised", &key("close")).await.unwrap();
    assert_eq!((closed.status, closed.note.as_deref()), (CaseStatus::Closed, Some("apologised")));
    let again = service.close_case(staff, opened.id, "again", &key("close-2")).await;
    assert_eq!(code(again), RefusalCode::CaseClosed);
    // A new complaint is a new case.
    let next = service.open_case(ann.caller(), case(ann, CaseKind::Complaint)).await.unwrap();
    assert_ne!(next.id, opened.id);
}
