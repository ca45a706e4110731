//! The desk: a flag is cleared with a note, a case closes with its flag or without, a conversation changes hands.

use serde_json::{Value, json};

use crate::app::{App, Person, shared};

const ASK: &str = "pay $50 next Friday from my checking account";

async fn desk(app: &App, staff: &Person, conversation: &str) -> Value {
    app.get(staff, &format!("/v1/desk/conversations/{conversation}")).await.ok()
}

fn flags(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|flag| flag["kind"].as_str().unwrap()).collect()
}

fn clearing(customer: &Person, flag: &str) -> String {
    format!("/v1/desk/customers/{}/flags/{flag}/clear", customer.id)
}

/// The kinds of the leaves of a conversation, in order.
async fn leaves(app: &App, conversation: &str) -> Vec<Value> {
    let compliance = app.staff("compliance").await;
    let path = format!("/v1/audit/conversations/{conversation}/bundle");
    app.get(&compliance, &path).await.ok()["streams"][0]["leaves"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_false_alarm_is_cleared_with_a_note_and_the_customer_has_the_assistant_and_payments_back()
{
    let app = shared();
    let customer = app.customer("revolving").await;
    let staff = app.staff("representative").await;
    let conversation = app.conversation(&customer).await;
    app.say(&customer, &conversation, "I have filed for bankruptcy").await;
    let view = app.say(&customer, &conversation, ASK).await;
    let last = view["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(last["intents"], json!([]), "nothing is prepared under a bankruptcy: {last}");

    let seen = desk(app, &staff, &conversation).await;
    assert_eq!(flags(&seen["flags"]), ["bankruptcy"]);
    let case = &seen["open_cases"][0];
    assert_eq!(case["flag"], "bankruptcy", "{case}");
    let source = seen["flags"][0]["source"].as_str().unwrap();
    assert_eq!(source, format!("case {}", case["reference"].as_str().unwrap()));

    let path = clearing(&customer, "bankruptcy");
    let note = json!({ "note": "It was a neighbour's." });
    for (body, code) in [
        (json!({}), (422, "body_invalid")),
        (json!({ "note": " " }), (400, "text_invalid")),
        (json!({ "note": "x", "more": 1 }), (422, "body_invalid")),
    ] {
        let answer = app.post(&staff, &path, &body).await.problem();
        assert_eq!((answer.0, answer.1.as_str()), code, "{body}");
    }
    let unknown = app.post(&staff, &clearing(&customer, "sleepy"), &note).await;
    assert_eq!(unknown.problem(), (400, "flag_unknown".to_owned()));
    let absent = app.post(&staff, &clearing(&customer, "fraud"), &note).await;
    assert_eq!(absent.problem(), (409, "flag_not_standing".to_owned()));
    for nobody in [&customer, &app.staff("compliance").await, &app.staff("engineer").await] {
        let answer = app.post(nobody, &path, &note).await;
        assert_eq!(answer.problem(), (403, "not_allowed".to_owned()));
    }

    let key = crate::app::key();
    let cleared = app.post_with(&staff, &path, &key, &note).await.ok();
    assert_eq!(cleared, json!({ "items": [] }));
    assert_eq!(app.post_with(&staff, &path, &key, &note).await.ok(), cleared);
    let again = app.post(&staff, &path, &note).await;
    assert_eq!(again.problem(), (409, "flag_not_standing".to_owned()));
    let other = app.post_with(&staff, &path, &key, &json!({ "note": "Another." })).await;
    assert_eq!(other.problem(), (409, "key_reused".to_owned()));

    let view = app.say(&customer, &conversation, ASK).await;
    let last = view["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(last["intents"][0]["status"], "awaiting_confirmation", "{last}");
    assert_eq!(desk(app, &staff, &conversation).await["open_cases"][0]["status"], "open");
}

#[tokio::test]
async fn a_flag_on_a_customer_who_never_talked_is_found_and_cleared_at_the_desk() {
    let app = shared();
    let customer = app.customer("frozen").await;
    let staff = app.staff("representative").await;
    let listed = |found: Value| -> Vec<(String, Value)> {
        let items = found["items"].as_array().unwrap().clone();
        items
            .into_iter()
            .map(|one| (one["customer"]["id"].as_str().unwrap().to_owned(), one["flags"].clone()))
            .collect()
    };
    let here = (customer.id.clone(), json!(["fraud"]));
    let flagged = listed(app.get(&staff, "/v1/desk/customers").await.ok());
    assert!(flagged.contains(&here), "{flagged:?}");
    let surname = customer.name.split(' ').next_back().unwrap().to_uppercase();
    let found = app.get(&staff, &format!("/v1/desk/customers?q={surname}")).await.ok();
    assert!(listed(found).contains(&here));
    let nobody = app.get(&staff, "/v1/desk/customers?q=%25").await.ok();
    assert_eq!(nobody, json!({ "items": [] }), "a name holds no wildcard");

    let path = format!("/v1/desk/customers/{}", customer.id);
    let seen = app.get(&staff, &path).await.ok();
    assert_eq!(flags(&seen["flags"]), ["fraud"]);
    assert!(seen["latest_conversation_id"].is_null() && seen["position"].is_object(), "{seen}");
    let note = json!({ "note": "It was the customer." });
    app.post(&staff, &clearing(&customer, "fraud"), &note).await.ok();
    assert_eq!(app.get(&staff, &path).await.ok()["flags"], json!([]));
    let flagged = listed(app.get(&staff, "/v1/desk/customers").await.ok());
    assert!(flagged.iter().all(|(id, _)| *id != customer.id), "{flagged:?}");

    let conversation = app.conversation(&customer).await;
    assert_eq!(app.get(&staff, &path).await.ok()["latest_conversation_id"], conversation.as_str());
}

#[tokio::test]
async fn closing_a_case_clears_its_flag_only_where_that_is_asked_for() {
    let app = shared();
    let customer = app.customer("revolving").await;
    let staff = app.staff("representative").await;
    let conversation = app.conversation(&customer).await;
    for clear in [false, true] {
        app.say(&customer, &conversation, "I have filed for bankruptcy").await;
        let seen = desk(app, &staff, &conversation).await;
        let case = seen["open_cases"][0].clone();
        let queue = app.get(&staff, "/v1/desk/queue").await.ok();
        let queued = queue["items"].as_array().unwrap().iter().find(|one| one["id"] == case["id"]);
        assert_eq!(queued.unwrap()["flag"], "bankruptcy");
        let path = format!("/v1/desk/cases/{}/close", case["id"].as_str().unwrap());
        let body = if clear {
            json!({ "note": "withdrawn", "clear_flag": true })
        } else {
            json!({ "note": "counsel is told" })
        };
        assert_eq!(app.post(&staff, &path, &body).await.ok()["status"], "closed");
        let left = desk(app, &staff, &conversation).await;
        assert_eq!(flags(&left["flags"]).is_empty(), clear);
    }
}

#[tokio::test]
async fn a_conversation_is_taken_over_from_the_one_who_has_it_and_both_names_are_on_record() {
    let app = shared();
    let customer = app.customer("revolving").await;
    let (first, second) =
        (app.staff("representative").await, app.staff_n("representative", 1).await);
    let conversation = app.conversation(&customer).await;
    app.post(&customer, &format!("/v1/conversations/{conversation}/hand-off"), &json!({}))
        .await
        .ok();
    let path = format!("/v1/desk/conversations/{conversation}");
    let claimed = app.post(&first, &format!("{path}/claim"), &json!({})).await.ok();
    assert_eq!(claimed["claimed_by_id"], first.id.as_str());
    let barred = app.post(&second, &format!("{path}/claim"), &json!({})).await;
    assert_eq!(barred.problem(), (409, "already_claimed".to_owned()));

    let take = format!("{path}/take-over");
    let wrong = app.post(&second, &take, &json!({ "from": second.id })).await;
    assert_eq!(wrong.problem(), (409, "already_claimed".to_owned()));
    let customer_takes = app.post(&customer, &take, &json!({ "from": first.id })).await;
    assert_eq!(customer_takes.problem(), (403, "not_allowed".to_owned()));
    let taken = app.post(&second, &take, &json!({ "from": first.id })).await.ok();
    assert_eq!(taken["claimed_by_id"], second.id.as_str());
    let late = app.post(&first, &format!("{path}/reply"), &json!({ "text": "I am back" })).await;
    assert_eq!(late.problem(), (409, "already_claimed".to_owned()));
    app.post(&second, &format!("{path}/reply"), &json!({ "text": "Hello." })).await.ok();

    let leaves = leaves(app, &conversation).await;
    let taken = leaves.iter().find(|leaf| leaf["kind"] == "hand_off.taken_over").unwrap();
    let payload = taken["payload"].to_string();
    for name in [&first, &second].map(|staff| staff.name.as_str()) {
        assert!(payload.contains(name), "{payload}");
    }
}
