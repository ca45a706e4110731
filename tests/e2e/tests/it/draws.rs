//! Money to the customer, over HTTP.

use std::fs;

use serde_json::{Value, json};

use crate::app::{App, Person, key, shared};

async fn draws(app: &App, customer: &Person) -> Vec<Value> {
    app.get(customer, "/v1/draws").await.ok()["items"].as_array().unwrap().clone()
}

async fn principal(app: &App, customer: &Person) -> i64 {
    app.get(customer, "/v1/position").await.ok()["principal_balance_cents"].as_i64().unwrap()
}

#[tokio::test]
async fn an_instant_draw_is_there_and_one_by_file_is_on_its_way() {
    let app = shared();
    let customer = app.customer("revolving").await;
    let account = app.bank_account(&customer, "checking").await;
    let before = principal(app, &customer).await;
    let earlier = draws(app, &customer).await.len();

    let ask = json!({ "amount_cents": 5_000, "bank_account_id": account, "rail": "instant" });
    let key = key();
    let receipt = app.post_with(&customer, "/v1/draws", &key, &ask).await.ok();
    assert_eq!(receipt["kind"], "draw");
    let again = app.post_with(&customer, "/v1/draws", &key, &ask).await.ok();
    assert_eq!(again, receipt, "one key, one draw");
    let made = draws(app, &customer).await;
    assert_eq!(made.len(), earlier + 1);
    assert_eq!((&made[0]["status"], &made[0]["amount_cents"]), (&json!("settled"), &json!(5_000)));
    assert_eq!(principal(app, &customer).await, before + 5_000);

    let ask = json!({ "amount_cents": 2_000, "bank_account_id": account });
    let receipt = app.post(&customer, "/v1/draws", &ask).await.ok();
    let text = receipt["text"].as_str().unwrap();
    assert!(text.ends_with("is on its way, available on November 24, 2026."), "{text}");
    let all = draws(app, &customer).await;
    let held = all.iter().find(|draw| draw["rail"] == "standard").unwrap();
    assert_eq!((&held["amount_cents"], &held["drawn_on"]), (&json!(2_000), &Value::Null));
    assert_eq!(principal(app, &customer).await, before + 5_000, "nothing is owed for it yet");
}

#[tokio::test]
async fn nobody_draws_on_anothers_line_or_to_anothers_account_or_beyond_the_line() {
    let app = shared();
    let (ann, bob) = (app.customer("revolving").await, app.looked_at("transactor", 0).await);
    let account = app.bank_account(&ann, "checking").await;
    let others = app.bank_account(&bob, "checking").await;
    let before = app.money(&ann).await;
    let ask = |cents: i64, account: &str| json!({ "amount_cents": cents, "bank_account_id": account, "rail": "instant" });
    let refused =
        async |who: &Person, body: Value| app.post(who, "/v1/draws", &body).await.problem();
    let unknown = (404, "bank_account_unknown".to_owned());
    assert_eq!(refused(&ann, ask(5_000, &others)).await, unknown);
    assert_eq!(refused(&ann, ask(99_999_999, &account)).await, (422, "over_limit".to_owned()));
    for amount in [0, -5_000, 1, i64::MIN] {
        let (status, code) = refused(&ann, ask(amount, &account)).await;
        assert_eq!((status, code.as_str()), (400, "amount_not_positive"), "{amount}");
    }
    let staff = app.staff("representative").await;
    assert_eq!(refused(&staff, ask(5_000, &account)).await.0, 403);
    let known = app.at_level(&ann, "customer", "L1").await;
    assert_eq!(refused(&known, ask(5_000, &account)).await, (403, "level_too_low".to_owned()));
    assert_eq!(app.money(&ann).await, before);

    let receipt = app.post(&ann, "/v1/draws", &ask(5_000, &account)).await;
    receipt.ok();
    let id = draws(app, &ann).await[0]["id"].as_str().unwrap().to_owned();
    let cancel = format!("/v1/draws/{id}/cancel");
    assert_eq!(app.post(&bob, &cancel, &json!({})).await.problem(), (404, "not_found".to_owned()));
    let late = app.post(&ann, &cancel, &json!({})).await.problem();
    assert_eq!(late, (422, "cannot_cancel".to_owned()));
}

#[tokio::test]
async fn no_account_number_is_in_any_answer_bundle_or_log() {
    let app = shared();
    let customer = app.customer("subscription").await;
    let world = fs::read_to_string(app.state.join("project/worlds/subscription.toml")).unwrap();
    let number = world.split("account_number = \"").nth(1).unwrap().split('"').next().unwrap();
    let account = app.bank_account(&customer, "checking").await;
    let conversation = app.conversation(&customer).await;
    app.say(&customer, &conversation, "pay $20 next Friday from my checking account").await;
    let ask = json!({ "amount_cents": 2_000, "bank_account_id": account, "rail": "instant" });
    let drawn = app.post(&customer, "/v1/draws", &ask).await.text;
    let compliance = app.staff("compliance").await;
    let mut answers = vec![drawn];
    for path in ["bank-accounts", "draws", "payments", "position", "transactions", "statements"] {
        answers.push(app.get(&customer, &format!("/v1/{path}")).await.text);
    }
    answers.push(app.get(&customer, &format!("/v1/conversations/{conversation}")).await.text);
    let record = format!("/v1/audit/conversations/{conversation}");
    for path in [record.clone(), format!("{record}/bundle")] {
        answers.push(app.get(&compliance, &path).await.text);
    }
    answers.push(app.send("GET", "/metrics", &[], None).await.text);
    answers.push(fs::read_to_string(app.state.join("log")).unwrap());
    assert!(answers.iter().any(|answer| answer.contains(&number[number.len() - 4..])));
    for answer in answers {
        assert!(!answer.contains(number), "{answer}");
    }
}
