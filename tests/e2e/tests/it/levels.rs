//! Levels of identity (docs/api.md): a session does what its level opens, and is told of the step-up where it does not.

use serde_json::json;

use crate::app::shared;

#[tokio::test]
async fn who_is_known_by_one_channel_only_sees_no_figure_and_moves_nothing() {
    let app = shared();
    let signed_in = app.customer("revolving").await;
    let known = app.at_level(&signed_in, "customer", "L1").await;
    let account = app.bank_account(&signed_in, "checking").await;
    let conversation = app.conversation(&signed_in).await;
    let proposed =
        app.say(&signed_in, &conversation, "pay $50 next Friday from my checking account").await;
    let intent = proposed["messages"][1]["intents"][0]["id"].as_str().unwrap().to_owned();
    let before = app.money(&signed_in).await;
    assert_eq!(app.get(&known, "/v1/session").await.ok()["level"], "L1");

    for path in [
        "/v1/position",
        "/v1/transactions",
        "/v1/statements",
        "/v1/statements/1",
        "/v1/statements/1/pdf",
        "/v1/opening-record",
        "/v1/trace?figure=interest",
        "/v1/quotes/payoff?on=2026-12-01",
        "/v1/bank-accounts",
        "/v1/payments",
        "/v1/decision",
        &format!("/v1/intents/{intent}"),
    ] {
        let answer = app.get(&known, path).await;
        assert_eq!(answer.problem(), (403, "level_too_low".to_owned()), "{path}");
        assert!(answer.text.contains("step-up") && answer.text.contains("L2"), "{}", answer.text);
    }
    let payment = json!({
        "amount": { "kind": "exact", "cents": 5000 }, "on": "2026-12-04", "bank_account_id": account,
    });
    for (path, body) in [
        ("/v1/payments".to_owned(), payment),
        (format!("/v1/intents/{intent}/confirm"), json!({})),
        (format!("/v1/intents/{intent}/refuse"), json!({})),
    ] {
        let answer = app.post(&known, &path, &body).await;
        assert_eq!(answer.problem(), (403, "level_too_low".to_owned()), "{path}");
    }
    assert_eq!(app.money(&signed_in).await, before);
    app.get(&signed_in, "/v1/position").await.ok();
}

#[tokio::test]
async fn at_a_known_channel_a_right_is_heard_and_what_was_said_above_it_is_not_shown() {
    let app = shared();
    let signed_in = app.customer("revolving").await;
    let known = app.at_level(&signed_in, "customer", "L1").await;
    let conversation = app.conversation(&signed_in).await;
    let above = app.say(&signed_in, &conversation, "What's my balance?").await;
    let told = above["messages"][1]["text"].as_str().unwrap();
    assert!(told.contains('$'), "{told}");

    let asked = app.say(&known, &conversation, "What's my balance?").await;
    assert!(!asked.to_string().contains('$'), "{asked}");
    assert_eq!(asked["messages"].as_array().unwrap().len(), 2, "{asked}");
    let answer = asked["messages"][1]["text"].as_str().unwrap();
    assert!(answer.contains("step-up") || answer.contains("person"), "{answer}");
    let heard = app.say(&known, &conversation, "Somebody stole my identity").await;
    let last = heard["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(last["cases"][0]["kind"], "identity_theft", "{last}");
    let person = format!("/v1/conversations/{conversation}/hand-off");
    assert_eq!(app.post(&known, &person, &json!({})).await.ok()["status"], "waiting");

    let stranger = app.at_level(&signed_in, "customer", "L0").await;
    let path = format!("/v1/conversations/{conversation}");
    assert_eq!(app.get(&stranger, &path).await.problem(), (403, "level_too_low".to_owned()));
    assert_eq!(app.post(&stranger, &person, &json!({})).await.problem().0, 403);
    let all = app.get(&signed_in, &path).await.ok();
    assert!(all["messages"].as_array().unwrap().len() >= 6, "{all}");
}

#[tokio::test]
async fn staff_below_a_second_factor_open_nothing() {
    let app = shared();
    for (role, path) in [
        ("representative", "/v1/desk/queue"),
        ("compliance", "/v1/audit/conversations"),
        ("engineer", "/v1/evals/runs"),
    ] {
        let staff = app.staff(role).await;
        let known = app.at_level(&staff, role, "L1").await;
        app.get(&staff, path).await.ok();
        let answer = app.get(&known, path).await;
        assert_eq!(answer.problem(), (403, "level_too_low".to_owned()), "{role}");
    }
}
