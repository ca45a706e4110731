//! What protects a customer runs at once, under the role of a model's turn.

use credit::FlagKind;
use identity::CustomerId;
use servicing::{Caller, CaseKind, Closing, Level, NewCase, RefusalCode, testing::new_customer};
use store::{cases::CaseStatus, payments::PaymentStatus};

use crate::house::{House, Person, code, day, key};

const fn closing(note: &str) -> Closing<'_> {
    Closing { note, clear_flag: false }
}

fn case(person: Person, kind: CaseKind) -> NewCase {
    NewCase {
        customer_id: person.id,
        conversation_id: None,
        kind,
        words: "I've filed for bankruptcy".to_owned(),
    }
}

#[tokio::test]
async fn a_bankruptcy_told_in_passing_is_a_case_a_flag_and_no_more_debits() {
    let (house, ann) = House::with_ann().await;
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
    assert_eq!(code(house.pays(ann, 5_000, "2026-11-27").await), RefusalCode::DebitsStopped);
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
    let left = service
        .clear_flag(staff, ann.id, FlagKind::Bankruptcy, "filed in error", &key("clear"))
        .await
        .unwrap();
    assert_eq!(left, []);
    house.pays(ann, 5_000, "2026-11-27").await.unwrap();
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
    house.servicing.add_customer(Caller::system(), id, new_customer("Dee")).await.unwrap();
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
    let (house, ann) = House::with_ann().await;
    let service = &house.servicing;
    house.pays(ann, 5_000, "2026-11-27").await.unwrap();
    house.hand.advance(chrono::TimeDelta::minutes(1));
    let assistant = Caller::assistant(ann.id);
    service.open_case(assistant, case(ann, CaseKind::StopPayment)).await.unwrap();
    let seen = service.list_payments(ann.caller(), ann.id).await.unwrap();
    assert_eq!(seen[0].payment.status, PaymentStatus::Cancelled);

    house.hand.advance(chrono::TimeDelta::minutes(1));
    house.pays(ann, 5_000, "2026-11-27").await.unwrap();
    let report = house.live_until("2026-11-30").await;
    assert_eq!((report.payments.released, report.payments.held_back), (1, 1));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn closing_a_stop_payment_case_brings_no_payment_back() {
    let (house, ann) = House::with_ann().await;
    let staff = house.representative("Rae").await;
    let service = &house.servicing;
    house.pays(ann, 5_000, "2026-11-27").await.unwrap();
    house.hand.advance(chrono::TimeDelta::minutes(1));
    let assistant = Caller::assistant(ann.id);
    let opened = service.open_case(assistant, case(ann, CaseKind::StopPayment)).await.unwrap();
    service.close_case(staff, opened.id, closing("told her so"), &key("close")).await.unwrap();
    let seen = service.list_payments(ann.caller(), ann.id).await.unwrap();
    assert_eq!(seen[0].payment.status, PaymentStatus::Cancelled);
    let report = house.live_until("2026-11-30").await;
    assert_eq!((report.payments.released, report.payments.held_back), (0, 1));
    assert_eq!(house.submitted(), 0);
}

#[tokio::test]
async fn stop_said_again_stops_what_was_scheduled_since() {
    let (house, ann) = House::with_ann().await;
    let service = &house.servicing;
    let assistant = Caller::assistant(ann.id);
    let first = service.open_case(assistant, case(ann, CaseKind::StopPayment)).await.unwrap();
    house.hand.advance(chrono::TimeDelta::minutes(1));
    house.pays(ann, 5_000, "2026-11-27").await.unwrap();
    house.hand.advance(chrono::TimeDelta::minutes(1));
    let again = service.open_case(assistant, case(ann, CaseKind::StopPayment)).await.unwrap();
    assert_eq!(again.id, first.id);
    let repeated =
        house.count("SELECT count(*) FROM audit_leaves WHERE kind = 'case.repeated'").await;
    assert_eq!(repeated, 1);
    let report = house.live_until("2026-11-30").await;
    assert_eq!((report.payments.released, report.payments.held_back), (0, 1));
}

#[tokio::test]
async fn a_flag_that_was_cleared_is_raised_again_when_the_right_is_invoked_again() {
    let (house, ann) = House::with_ann().await;
    let staff = house.representative("Rae").await;
    let service = &house.servicing;
    let assistant = Caller::assistant(ann.id);
    service.open_case(assistant, case(ann, CaseKind::Bankruptcy)).await.unwrap();
    let kind = FlagKind::Bankruptcy;
    service.clear_flag(staff, ann.id, kind, "not filed", &key("clear")).await.unwrap();
    service.open_case(assistant, case(ann, CaseKind::Bankruptcy)).await.unwrap();
    let flags = service.standing_flags(ann.caller(), ann.id).await.unwrap();
    assert_eq!(flags.iter().map(|flag| flag.kind).collect::<Vec<_>>(), [FlagKind::Bankruptcy]);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn after_stop_the_same_debt_can_be_paid_by_a_new_payment() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 5_000).await;
    house.pays(ann, 5_000, "2026-11-27").await.unwrap();
    house.hand.advance(chrono::TimeDelta::minutes(1));
    let assistant = Caller::assistant(ann.id);
    let stop = case(ann, CaseKind::StopPayment);
    house.servicing.open_case(assistant, stop).await.unwrap();
    house.hand.advance(chrono::TimeDelta::minutes(1));
    house.pays(ann, 5_000, "2026-11-27").await.unwrap();
}

#[tokio::test]
async fn who_is_not_to_be_contacted_still_makes_the_payment_they_chose() {
    for kind in [CaseKind::CeaseContact, CaseKind::Attorney, CaseKind::LegalAction] {
        let (house, ann) = House::with_ann().await;
        house.pays(ann, 5_000, "2026-11-27").await.unwrap();
        house.servicing.open_case(Caller::assistant(ann.id), case(ann, kind)).await.unwrap();
        let report = house.live_until("2026-11-27").await;
        assert_eq!((report.payments.released, report.payments.held_back), (1, 0), "{kind:?}");
    }
}

#[tokio::test]
async fn a_payment_that_a_flag_holds_back_is_listed_as_held_back_before_and_on_its_day() {
    let (house, ann) = House::with_ann().await;
    let service = &house.servicing;
    house.pays(ann, 5_000, "2026-11-27").await.unwrap();
    let fraud = case(ann, CaseKind::Unauthorised);
    service.open_case(Caller::assistant(ann.id), fraud).await.unwrap();
    for _ in 0..2 {
        let seen = service.list_payments(ann.caller(), ann.id).await.unwrap();
        assert_eq!(seen[0].payment.status, PaymentStatus::HeldBack);
        assert_eq!(seen[0].payment.cancel_reason.as_deref(), Some("flag:fraud"));
        house.live_until("2026-11-27").await;
    }
    let held = house.count("SELECT count(*) FROM audit_leaves WHERE kind = 'payment.held_back'");
    assert_eq!(held.await, 1);
}

#[tokio::test]
async fn a_case_and_a_confirmation_in_one_conversation_do_not_wait_for_each_other_for_ever() {
    let (house, ann) = House::with_ann().await;
    let service = &house.servicing;
    let surface = store::conversations::Surface::Consumer;
    let conversation =
        service.start_conversation(ann.caller(), ann.id, surface, &key("talk")).await.unwrap().id;
    for n in 0..12 {
        let kind = CaseKind::ALL[n];
        if kind.flag().is_some_and(servicing::flags::stops_debits) {
            continue;
        }
        let mut proposal = crate::intents::proposal(&house, ann, 100).await;
        proposal.conversation_id = Some(conversation);
        let intent = service.propose(Caller::assistant(ann.id), proposal).await.unwrap();
        let request = NewCase { conversation_id: Some(conversation), ..case(ann, kind) };
        let name = key(&format!("confirm-{n}"));
        let (confirmed, opened) = tokio::join!(
            service.confirm(ann.caller(), intent.id, &name),
            service.open_case(Caller::assistant(ann.id), request),
        );
        confirmed.unwrap();
        opened.unwrap();
    }
}

#[tokio::test]
async fn every_effect_on_a_line_is_told_on_its_stream_wherever_it_happened_and_is_numbered() {
    let (house, ann) = House::with_ann().await;
    let service = &house.servicing;
    let surface = store::conversations::Surface::Consumer;
    let conversation =
        service.start_conversation(ann.caller(), ann.id, surface, &key("talk")).await.unwrap().id;
    let assistant = Caller::assistant(ann.id);
    let mut proposal = crate::intents::proposal(&house, ann, 100).await;
    proposal.conversation_id = Some(conversation);
    let intent = service.propose(assistant, proposal).await.unwrap();
    service.confirm(ann.caller(), intent.id, &key("yes")).await.unwrap();
    let complaint =
        NewCase { conversation_id: Some(conversation), ..case(ann, CaseKind::Complaint) };
    service.open_case(assistant, complaint).await.unwrap();
    while service.number_outbox().await.unwrap() > 0 {}

    let told: Vec<(String, String)> =
        sqlx::query_as("SELECT stream, kind FROM outbox WHERE position > 0 ORDER BY position")
            .fetch_all(house.database.owner())
            .await
            .unwrap();
    let line = format!("credit_line:{}", ann.line);
    let on_line: Vec<_> =
        told.iter().filter(|(stream, _)| *stream == line).map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(
        on_line,
        [
            "line.opened",
            "line.disclosure_made",
            "line.disclosed",
            "draw.held",
            "draw.handed_over",
            "draw.made",
            "draw.settled",
            "intent.proposed",
            "intent.confirmed",
            "payment.scheduled",
            "case.opened"
        ]
    );
    assert_eq!(house.count("SELECT count(*) FROM outbox WHERE position IS NULL").await, 0);
    // What she said is in the log, where it can be erased, and nowhere else.
    let said = "SELECT count(*) FROM outbox WHERE payload::text LIKE '%filed for bankruptcy%'";
    assert_eq!(house.count(said).await, 0);
}

#[tokio::test]
async fn a_case_is_closed_by_staff_with_a_note_and_once() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let staff = house.representative("Rae").await;
    let service = &house.servicing;
    let opened = service.open_case(ann.caller(), case(ann, CaseKind::Complaint)).await.unwrap();
    let by_ann = service.close_case(ann.caller(), opened.id, closing("done"), &key("close")).await;
    assert_eq!(code(by_ann), RefusalCode::NotAllowed);
    for none in ["", " \n", "nul\0"] {
        let unsaid = service.close_case(staff, opened.id, closing(none), &key("unsaid")).await;
        assert_eq!(code(unsaid), RefusalCode::TextInvalid);
    }
    let closed =
        service.close_case(staff, opened.id, closing("apologised"), &key("close")).await.unwrap();
    assert_eq!((closed.status, closed.note.as_deref()), (CaseStatus::Closed, Some("apologised")));
    let again = service.close_case(staff, opened.id, closing("again"), &key("close-2")).await;
    assert_eq!(code(again), RefusalCode::CaseClosed);
    // A new complaint is a new case.
    let next = service.open_case(ann.caller(), case(ann, CaseKind::Complaint)).await.unwrap();
    assert_ne!(next.id, opened.id);
}
