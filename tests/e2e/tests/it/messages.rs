//! What a customer is told outside the conversations: read from the mailbox of the sandbox, as its reader would.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::app::{App, Person, shared};

/// Messages leave within seconds of what they tell of; on a machine that is at much else a wire may be away for a moment, and is
/// tried again by the clock on the wall.
const LEAVES_WITHIN: Duration = Duration::from_mins(4);

/// Asks until there is an answer.
async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    const STEP: Duration = Duration::from_millis(200);
    let began = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(began.elapsed() < LEAVES_WITHIN, "{what}: not after {:?}", began.elapsed());
        sleep(STEP);
    }
}

/// The mail to an address with these words in its subject.
async fn mail(app: &App, to: &str, about: &str) -> Value {
    until(about, async || {
        let mail = app.mailbox("/mail").await;
        let all = mail["mail"].as_array().unwrap();
        let found = all
            .iter()
            .find(|mail| mail["to"] == to && mail["subject"].as_str().unwrap().contains(about));
        found.cloned()
    })
    .await
}

/// The customer's newest message of a kind, once it is in this state.
async fn message(app: &App, person: &Person, kind: &str, state: &str) -> Value {
    until(kind, async || {
        let all = app.get(person, "/v1/messages?limit=200").await.ok();
        let items = all["items"].as_array().unwrap();
        items.iter().find(|one| one["kind"] == kind && one["state"] == state).cloned()
    })
    .await
}

async fn pays(app: &App, person: &Person) {
    let account = app.bank_account(person, "checking").await;
    let payment = json!({
        "amount": { "kind": "exact", "cents": 5000 }, "on": "2026-12-18", "bank_account_id": account,
    });
    app.post(person, "/v1/payments", &payment).await.ok();
}

#[tokio::test]
async fn a_payment_is_told_by_mail_and_after_a_bounce_by_letter() {
    let app = shared();
    let customer = app.customer("past due").await;
    let contact = app.get(&customer, "/v1/contact").await.ok();
    let address = contact["email"].as_str().unwrap().to_owned();
    pays(app, &customer).await;
    let told = mail(app, &address, "A payment is scheduled").await;
    let text = told["text"].as_str().unwrap();
    for said in
        [customer.name.as_str(), "Amount: $50.00", "December 18, 2026", "To stop these e-mails"]
    {
        assert!(text.contains(said), "{text}");
    }
    assert_eq!(told["duplicate"], false);

    let listed = message(app, &customer, "payment_scheduled", "sent").await;
    let path = format!("/v1/messages/{}", listed["id"].as_str().unwrap());
    let whole = app.get(&customer, &path).await.ok();
    assert_eq!(whole["text"].as_str().unwrap().trim(), text.trim());
    let other = app.looked_at("revolving", 0).await;
    assert_eq!(app.get(&other, &path).await.problem(), (404, "not_found".to_owned()));
    let known = app.at_level(&customer, "customer", "L1").await;
    assert_eq!(app.get(&known, "/v1/messages").await.problem(), (403, "level_too_low".to_owned()));

    let new = json!({ "email": "bounce+past-due@example.com" });
    let refused = app.post(&customer, "/v1/contact", &new).await;
    assert_eq!(refused.problem(), (403, "level_too_low".to_owned()));
    let sure = app.at_level(&customer, "customer", "L3").await;
    let changed = app.post(&sure, "/v1/contact", &new).await.ok();
    assert_eq!(changed["email"], new["email"]);
    let warned = mail(app, &address, "Your contact details changed").await;
    assert!(
        !warned.to_string().contains("bounce"),
        "the old address learns nothing of the new one"
    );
    let bounced = message(app, &customer, "contact_changed", "on_paper").await;
    let letter = format!("/v1/messages/{}/letter", bounced["id"].as_str().unwrap());
    assert_eq!(app.get(&customer, &letter).await.content_type, "application/pdf");
    let contact = app.get(&customer, "/v1/contact").await.ok();
    assert_eq!((&contact["agreed_at"], &contact["ended"]), (&Value::Null, &"bounced".into()));
    pays(app, &customer).await;
    let on_paper = message(app, &customer, "payment_scheduled", "on_paper").await;
    assert_eq!(on_paper["why"], "mail_came_back");
}

#[tokio::test]
async fn who_speaks_spanish_is_told_in_spanish_and_chooses_paper() {
    let app = shared();
    let customer = app.customer("returned payment").await;
    let contact = app.get(&customer, "/v1/contact").await.ok();
    pays(app, &customer).await;
    let address = contact["email"].as_str().unwrap();
    let told = mail(app, address, "Un pago está programado").await;
    let text = told["text"].as_str().unwrap();
    for said in ["Monto: $50.00", "18 de diciembre de 2026", "Para no recibir más estos correos"] {
        assert!(text.contains(said), "{text}");
    }
    let paper =
        app.post(&customer, "/v1/contact/electronic-records", &json!({"agree": false})).await;
    assert_eq!(paper.ok()["ended"], "withdrawn");
    message(app, &customer, "consent_withdrawn", "on_paper").await;
    let mail = app.post(&customer, "/v1/contact/electronic-records", &json!({"agree": true})).await;
    assert!(mail.ok()["agreed_at"].is_string());
}

#[tokio::test]
async fn staff_keep_what_a_customer_told_them_and_only_the_customer_agrees_to_mail() {
    let app = shared();
    let customer = app.customer("revolving").await;
    let (staff, compliance) = (app.staff("representative").await, app.staff("compliance").await);
    let base = format!("/v1/desk/customers/{}/contact", customer.id);
    let limits = format!("{base}/limits");
    let noon = json!({ "not_from": "12:00", "not_until": "13:30" });
    let kept = app.post(&staff, &limits, &noon).await.ok();
    assert_eq!(kept["not_between"], json!([{ "from": "12:00:00", "until": "13:30:00" }]));
    let known = app.at_level(&customer, "customer", "L1").await;
    app.post(&known, "/v1/contact/limits", &json!({ "at_work": true })).await.ok();
    for wrong in [
        json!({}),
        json!({ "not_from": "12:00" }),
        json!({ "not_from": "noon", "not_until": "13:30" }),
        json!({ "not_from": "13:30", "not_until": "12:00" }),
        json!({ "not_from": "12:00", "not_until": "13:30", "at_work": true }),
    ] {
        let refused = app.post(&staff, &limits, &wrong).await;
        assert_eq!(refused.problem(), (400, "text_invalid".to_owned()), "{wrong}");
    }
    let seen = app.get(&compliance, &base).await.ok();
    assert_eq!((&seen["limits"]["at_work"], &seen["ended"]), (&true.into(), &Value::Null));
    let paper = format!("{base}/paper");
    let refused = app.post(&compliance, &paper, &json!({})).await;
    assert_eq!(refused.problem(), (403, "not_allowed".to_owned()));
    assert_eq!(app.post(&staff, &paper, &json!({})).await.ok()["ended"], "withdrawn");
}
