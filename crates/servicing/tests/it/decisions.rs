//! Decisions are told from the record, byte for byte.

use credit::Terms;
use identity::CreditLineId;
use money::Apr;
use serde_json::json;
use servicing::{
    Caller, RefusalCode,
    decisions::{NewDecision, Reason},
    originate::Opening,
};
use store::decisions::Outcome;

use crate::house::{self, House, cents, code, key};

fn reason(code: &str, text: &str) -> Reason {
    Reason { code: code.to_owned(), text: text.to_owned() }
}

fn denial(customer_id: identity::CustomerId, reasons: Vec<Reason>) -> NewDecision {
    NewDecision {
        customer_id,
        product: "CASHLINE-STD-1".to_owned(),
        requested_limit: cents(100_000),
        inputs: json!({"dti_ppm": 410_000}),
        outcome: Outcome::Declined,
        model: "scorecard-1".to_owned(),
        policy: "policy-1".to_owned(),
        contributions: json!({"dti": -120}),
        reasons,
        terms: None,
        notice: "<p>Ünïcode ✓\r\n</p>".to_owned(),
    }
}

#[tokio::test]
async fn a_decision_is_kept_as_it_was_sent_and_shown_to_its_subject_alone() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let bob = house.person_with_account("Bob", "000111227777").await;
    let service = &house.servicing;
    let reasons =
        vec![reason("RC15", "Your monthly debt payments are high compared with your income")];
    let new = denial(ann.id, reasons.clone());
    let id = service.record_decision(Caller::system(), new.clone(), &key("d")).await.unwrap();
    assert_eq!(service.record_decision(Caller::system(), new, &key("d")).await.unwrap(), id);

    let told = service.decision(ann.caller(), ann.id).await.unwrap();
    assert_eq!((told.id, &told.reasons), (id, &reasons));
    assert_eq!(told.notice, "<p>Ünïcode ✓\r\n</p>".as_bytes());
    assert_eq!(code(service.decision_by_id(bob.caller(), id).await), RefusalCode::NotFound);
    assert_eq!(code(service.decision(bob.caller(), bob.id).await), RefusalCode::NotFound);

    sqlx::query("UPDATE decisions SET notice = 'other'")
        .execute(house.database.owner())
        .await
        .unwrap();
    assert!(service.decision(ann.caller(), ann.id).await.is_err());
}

#[tokio::test]
async fn an_approval_opens_one_line_on_the_terms_that_were_approved() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let service = &house.servicing;
    let approved = NewDecision {
        outcome: Outcome::Approved,
        terms: Some(json!({
            "product": house::product().name, "limit": 100_000, "apr_ppm": 240_000, "band": "B",
        })),
        ..denial(ann.id, Vec::new())
    };
    let id = service.record_decision(Caller::system(), approved, &key("d")).await.unwrap();
    let open = async |limit, apr, name: &str| {
        let terms = Terms::open(&house::product(), cents(limit), Apr::from_ppm(apr), 5);
        let opening = Opening { customer_id: ann.id, decision_id: Some(id), terms };
        let line = CreditLineId::mint(service.now());
        service.open_line(Caller::system(), line, opening, &key(name)).await
    };
    assert_eq!(code(open(200_000, 240_000, "more").await), RefusalCode::NotAllowed);
    assert_eq!(code(open(100_000, 250_000, "dearer").await), RefusalCode::NotAllowed);
    open(100_000, 240_000, "one").await.unwrap();
    let second = open(100_000, 240_000, "two").await;
    assert_eq!(code(second), RefusalCode::NotAllowed);
}

#[tokio::test]
async fn a_denial_names_one_to_four_reasons() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    for count in [0, 5] {
        let reasons = (0..count).map(|n| reason(&format!("RC0{n}"), "text")).collect();
        let new = denial(ann.id, reasons);
        let recorded = house.servicing.record_decision(Caller::system(), new, &key("bad")).await;
        assert_eq!(code(recorded), RefusalCode::NotAllowed);
    }
}
