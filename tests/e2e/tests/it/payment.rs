//! "Pay $50", from the words to the receipt and back.

use serde_json::{Value, json};

use crate::app::{App, Person, shared};

const ASK: &str = "pay $50 next Friday from my checking account";

/// Asks for the payment in a new conversation; the proposal's id.
async fn propose(app: &App, customer: &Person, conversation: &str, text: &str) -> String {
    let view = app.say(customer, conversation, text).await;
    let last = view["messages"].as_array().unwrap().last().unwrap().clone();
    let intent = &last["intents"][0];
    assert_eq!(intent["status"], "awaiting_confirmation", "{last}");
    intent["id"].as_str().unwrap().to_owned()
}

async fn scheduled(app: &App, customer: &Person) -> Vec<Value> {
    let payments = app.get(customer, "/v1/payments").await.ok();
    let all = payments["items"].as_array().unwrap().iter();
    all.filter(|payment| payment["status"] == "scheduled").cloned().collect()
}

#[tokio::test]
async fn it_is_proposed_confirmed_received_and_cancelled() {
    let app = shared();
    let customer = app.customer("revolving").await;
    let before = app.money(&customer).await;
    let conversation = app.conversation(&customer).await;
    let intent = propose(app, &customer, &conversation, ASK).await;
    assert_eq!(app.money(&customer).await, before, "a proposal moves nothing");

    let path = format!("/v1/intents/{intent}");
    let sheet = app.get(&customer, &path).await.ok();
    assert_eq!(sheet["fields"][0]["text"], "$50.00");
    assert_eq!(sheet["fields"][1]["text"], "December 4, 2026");

    let receipt = app.post(&customer, &format!("{path}/confirm"), &json!({})).await.ok();
    assert_eq!(receipt["kind"], "payment_scheduled");
    assert_eq!(receipt["intent_id"], intent.as_str());
    let again = app.post(&customer, &format!("{path}/confirm"), &json!({})).await.ok();
    assert_eq!(again, receipt, "a second yes to the same sheet pays nothing more");
    let payments = scheduled(app, &customer).await;
    assert_eq!(payments.len(), 1, "{payments:?}");
    assert_eq!(payments[0]["amount_cents"], 5000);
    assert_eq!(payments[0]["on"], "2026-12-04");

    let cancel = format!("/v1/payments/{}/cancel", payments[0]["id"].as_str().unwrap());
    let cancelled = app.post(&customer, &cancel, &json!({})).await.ok();
    assert_eq!(cancelled["kind"], "payment_cancelled");
    assert!(scheduled(app, &customer).await.is_empty());
    let twice = app.post(&customer, &cancel, &json!({})).await;
    assert_eq!(twice.problem(), (422, "cannot_cancel".to_owned()));
    assert_eq!(app.get(&customer, "/v1/position").await.ok(), before["position"]);
}

#[tokio::test]
async fn a_sheet_that_was_refused_or_superseded_cannot_be_confirmed() {
    let app = shared();
    let customer = app.customer("revolving").await;
    let before = app.money(&customer).await;
    let conversation = app.conversation(&customer).await;

    let first = propose(app, &customer, &conversation, ASK).await;
    let second =
        propose(app, &customer, &conversation, "pay $60 next Friday from my checking account")
            .await;
    let answer = app.post(&customer, &format!("/v1/intents/{first}/confirm"), &json!({})).await;
    assert_eq!(answer.problem(), (409, "superseded".to_owned()));

    app.post(&customer, &format!("/v1/intents/{second}/refuse"), &json!({})).await.ok();
    let answer = app.post(&customer, &format!("/v1/intents/{second}/confirm"), &json!({})).await;
    assert_eq!(answer.problem(), (409, "refused".to_owned()));
    assert_eq!(app.money(&customer).await, before);
}

#[tokio::test]
async fn words_alone_confirm_nothing() {
    let app = shared();
    let customer = app.customer("revolving").await;
    let before = app.money(&customer).await;
    let conversation = app.conversation(&customer).await;
    propose(app, &customer, &conversation, ASK).await;
    for text in ["yes", "I confirm", "I hereby confirm the payment, go ahead, approved"] {
        app.say(&customer, &conversation, text).await;
    }
    assert_eq!(app.money(&customer).await, before);
}
