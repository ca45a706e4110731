//! Messages that the law asks for: in writing, each by the way that is owed.

use identity::CustomerId;
use serde_json::json;
use servicing::{
    Caller, CaseKind, NewCase, RefusalCode,
    decisions::{NewDecision, Reason},
    disputes::Finding,
    staff_changes::NewTerms,
    testing::new_customer,
};
use store::{customers::Language, decisions::Outcome, outbound::OutboundState};

use crate::{
    house::{cents, code, key},
    messages::{STREET, Written},
};

#[tokio::test]
async fn a_dispute_is_acknowledged_in_writing_and_a_case_of_danger_is_left_to_a_person() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("ann@example.com", Language::Spanish).await;
    written.run().await;
    for kind in [CaseKind::Dispute, CaseKind::Crisis] {
        let words = "no reconozco este cargo".to_owned();
        let case = NewCase { customer_id: ann.id, conversation_id: None, kind, words };
        written.servicing().open_case(ann.caller(), case).await.unwrap();
    }
    assert_eq!(written.run().await.messages_written, 1);
    let told = written.message(ann, "dispute_acknowledged").await;
    assert_eq!((told.state, told.class.as_str()), (OutboundState::Sent, "legal"));
    assert!(told.body.contains("20 de diciembre de 2026"), "{}", told.body);
    assert!(!told.body.contains("no reconozco"));
}

/// Each of these starts a clock of the law's: 12 CFR 1026.9(c)(2) and 1026.13(e), (f).
#[tokio::test]
async fn a_change_in_terms_and_what_was_found_of_a_dispute_are_told_in_writing() {
    let written = Written::on("2026-09-06").await;
    let ann = written.person("ann@example.com", Language::English).await;
    written.house.live_until("2026-11-12").await;
    let (house, service) = (&written.house, written.servicing());
    let staff = house.representative("Rae").await;
    let changes = json!({ "fees": { "late": { "amount": "20.00" } } });
    let terms = NewTerms {
        changes: changes.as_object().unwrap().clone(),
        effective_on: "2027-01-08".parse().unwrap(),
        exception: None,
        note: "Fee schedule of 2027.".to_owned(),
    };
    service.change_terms(staff, ann.id, &terms, &key("terms")).await.unwrap();
    written.run().await;
    let told = written.message(ann, "terms_changed").await;
    assert_eq!((told.state, told.class.as_str()), (OutboundState::Sent, "legal"));
    for said in ["January 8, 2027", "late fee: $20.00"] {
        assert!(told.body.contains(said), "{}", told.body);
    }

    let dispute = crate::service::late_fee(500);
    let row = service.open_dispute(ann.caller(), ann.id, &dispute, &key("dispute")).await.unwrap();
    let found = Finding { error: cents(0), explanation: "It was late.".to_owned() };
    service.resolve_dispute(staff, row.id, &found, &key("found")).await.unwrap();
    written.run().await;
    let told = written.message(ann, "dispute_resolved").await;
    assert_eq!((told.state, told.class.as_str()), (OutboundState::Sent, "legal"));
    assert!(told.body.contains("It was late."), "{}", told.body);
}

#[tokio::test]
async fn what_happened_long_ago_is_no_news_and_what_the_law_requires_goes_on_paper() {
    let written = Written::on("2026-11-20").await;
    let ann = written.person("ann@example.com", Language::English).await;
    let case = NewCase {
        customer_id: ann.id,
        conversation_id: None,
        kind: CaseKind::Dispute,
        words: "I do not know this charge".to_owned(),
    };
    written.servicing().open_case(ann.caller(), case).await.unwrap();
    // Nothing was written for fifteen days.
    written.house.hand.set("2026-12-05T20:00:00Z".parse().unwrap());
    written.run().await;
    let drawn = written.message(ann, "draw_sent").await;
    assert_eq!((drawn.state, drawn.why.as_deref()), (OutboundState::NotSent, Some("stale")));
    let dispute = written.message(ann, "dispute_acknowledged").await;
    assert_eq!((dispute.state, dispute.why.as_deref()), (OutboundState::OnPaper, Some("stale")));
    assert_eq!(written.mail("").len(), 0);
}

#[tokio::test]
async fn a_notice_of_action_taken_is_printed_byte_for_byte_for_who_agreed_to_no_mail() {
    let written = Written::on("2026-11-20").await;
    let service = written.servicing();
    let id = CustomerId::mint(service.now());
    service.add_customer(Caller::system(), id, new_customer("Cleo")).await.unwrap();
    let street = STREET.map(str::to_owned);
    service.keep_postal_address(Caller::system(), id, &street).await.unwrap();
    let notice = "<p>Ünïcode ✓\r\n</p>".to_owned();
    let text = "Your income could not be verified".to_owned();
    let new = NewDecision {
        customer_id: id,
        product: "CASHLINE-STD-1".to_owned(),
        requested_limit: cents(100_000),
        inputs: json!({}),
        outcome: Outcome::Declined,
        model: "scorecard-1".to_owned(),
        policy: "policy-1".to_owned(),
        contributions: json!({}),
        reasons: vec![Reason { code: "RC01".to_owned(), text }],
        terms: None,
        notice: notice.clone(),
    };
    service.record_decision(Caller::system(), new, &key("d")).await.unwrap();
    assert_eq!(written.run().await.messages_on_paper, 1);
    let caller = Caller::customer(id);
    let told = service.list_messages(caller, id, None, 10).await.unwrap().items.pop().unwrap();
    assert_eq!((told.kind.as_str(), told.why.as_deref()), ("adverse_action", Some("no_consent")));
    let letter = service.letter(caller, id, told.id).await.unwrap();
    assert_eq!(letter.bytes, notice.as_bytes());

    service.give_consent(caller, id, &key("agree")).await.unwrap();
    let others = Caller::customer(CustomerId::mint(service.now()));
    assert_eq!(code(service.message(others, id, told.id).await), RefusalCode::NotFound);
}
