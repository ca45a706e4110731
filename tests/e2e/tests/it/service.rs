//! What a customer has done to their line, over HTTP: automatic payments, the due day, the limit, a refund, a dispute.

use serde_json::{Value, json};

use crate::app::{App, Person, key, shared};

async fn autopay(app: &App, customer: &Person) -> Value {
    app.get(customer, "/v1/autopay").await.ok()
}

#[tokio::test]
async fn automatic_payments_are_read_signed_planned_and_cancelled_with_one_word() {
    let app = shared();
    let customer = app.customer("past due").await;
    let stranger = app.looked_at("transactor", 0).await;
    let account = app.bank_account(&customer, "checking").await;
    assert_eq!(autopay(app, &customer).await["standing"], Value::Null);
    let offer = format!("/v1/autopay/offer?amount=minimum&bank_account_id={account}");
    let offered = app.get(&customer, &offer).await.ok();
    let text = offered["html"].as_str().unwrap();
    assert!(text.contains("not required to get or keep this credit line"), "{text}");
    assert_eq!(app.get(&stranger, &offer).await.problem().0, 404);

    let ask = |amount: &str, digest: &Value| json!({ "amount": amount, "bank_account_id": account, "digest": digest });
    let minimum = ask("minimum", &offered["digest"]);
    let other = ask("statement", &offered["digest"]);
    let refused = app.post(&customer, "/v1/autopay", &other).await.problem();
    assert_eq!(refused, (409, "intent_changed".to_owned()), "only what was shown is signed");
    let nothing = app.post(&customer, "/v1/autopay", &ask("fixed", &offered["digest"])).await;
    assert_eq!(nothing.problem(), (400, "amount_not_positive".to_owned()));
    assert_eq!(app.post(&stranger, "/v1/autopay", &minimum).await.problem().0, 404);
    let known = app.at_level(&customer, "customer", "L1").await;
    let low = app.post(&known, "/v1/autopay", &minimum).await.problem();
    assert_eq!(low, (403, "level_too_low".to_owned()));

    let key = key();
    let receipt = app.post_with(&customer, "/v1/autopay", &key, &minimum).await.ok();
    assert_eq!(receipt["kind"], "autopay_enrolled");
    assert_eq!(app.post_with(&customer, "/v1/autopay", &key, &minimum).await.ok(), receipt);
    let stands = autopay(app, &customer).await;
    assert_eq!(stands["standing"]["amount"], "minimum");
    assert_eq!(stands["debits"][0]["status"], "planned", "{stands}");
    let copy = stands["standing"]["authorization_url"].as_str().unwrap();
    assert_eq!(app.get(&customer, copy).await.text, text, "the copy is what was shown");
    assert_eq!(app.get(&stranger, copy).await.problem().0, 404);
    let staff = app.staff("representative").await;
    let desk = format!("/v1/desk/customers/{}/autopay", customer.id);
    assert_eq!(app.get(&staff, &desk).await.ok()["standing"]["amount"], "minimum");

    let skipped = app.post(&customer, "/v1/autopay/skip", &json!({})).await.ok();
    assert!(skipped["text"].as_str().unwrap().contains("is still due on"), "{skipped}");
    // A known channel is enough to stop it, and learns no figure by that.
    let cancelled = app.post(&known, "/v1/autopay/cancel", &json!({})).await;
    assert!(!cancelled.text.contains('$'), "{}", cancelled.text);
    assert_eq!(cancelled.ok()["kind"], "autopay_cancelled");
    let ended = autopay(app, &customer).await;
    assert_eq!((&ended["standing"], &ended["ended"]["why"]), (&Value::Null, &json!("customer")));
    let again = app.post(&customer, "/v1/autopay/cancel", &json!({})).await.problem();
    assert_eq!(again, (404, "not_found".to_owned()));
}

#[tokio::test]
async fn a_due_day_is_seen_before_it_is_chosen_and_a_limit_is_lowered_after_a_step_up() {
    let app = shared();
    let customer = app.customer("military").await;
    let seen = app.get(&customer, "/v1/due-day?day=15").await.ok();
    assert!(seen["due_on"].as_str().unwrap().ends_with("-15"), "{seen}");
    assert_eq!(app.get(&customer, "/v1/due-day?day=31").await.problem().1, "due_day_invalid");
    let receipt = app.post(&customer, "/v1/due-day", &json!({ "day": 15 })).await.ok();
    assert_eq!(receipt["kind"], "due_day_changed");
    let twice = app.post(&customer, "/v1/due-day", &json!({ "day": 16 })).await.problem();
    assert_eq!(twice, (422, "changed_lately".to_owned()));

    let lower = json!({ "credit_limit_cents": 50_000 });
    let low = app.post(&customer, "/v1/limit", &lower).await.problem();
    assert_eq!(low, (403, "level_too_low".to_owned()));
    let sure = app.at_level(&customer, "customer", "L3").await;
    app.post(&sure, "/v1/limit", &lower).await.ok();
    let position = app.get(&customer, "/v1/position").await.ok();
    assert_eq!(position["credit_line"]["credit_limit_cents"], 50_000);
    let more = app.post(&sure, "/v1/limit", &json!({ "credit_limit_cents": 60_000 })).await;
    assert_eq!(more.problem(), (422, "limit_not_lower".to_owned()));
}

#[tokio::test]
async fn a_credit_balance_is_asked_for_once() {
    let app = shared();
    let customer = app.customer("paid off").await;
    let account = app.bank_account(&customer, "checking").await;
    let owed = app.get(&customer, "/v1/position").await.ok()["credit_balance_cents"].clone();
    assert!(owed.as_i64().unwrap() > 0);
    let ask = json!({ "bank_account_id": account });
    let sure = app.at_level(&customer, "customer", "L3").await;
    let receipt = app.post(&sure, "/v1/refunds", &ask).await.ok();
    assert_eq!(receipt["kind"], "refund_requested");
    let refunds = app.get(&customer, "/v1/refunds").await.ok();
    assert_eq!(refunds["items"][0]["amount_cents"], owed);
    let twice = app.post(&sure, "/v1/refunds", &ask).await.problem();
    assert_eq!(twice, (422, "no_credit_balance".to_owned()));
}

#[tokio::test]
async fn a_credit_balance_goes_back_by_cheque_and_is_back_where_nobody_cashes_it() {
    let app = shared();
    let customer = app.customer("paid off").await;
    let staff = app.staff("representative").await;
    let position = app.get(&customer, "/v1/position").await.ok();
    let owed = &position["credit_balance_cents"];
    let today = app.get(&staff, "/v1/status").await.ok()["today"].clone();
    let cheques = format!("/v1/desk/customers/{}/cheques", customer.id);
    let sent = json!({ "number": "900100245", "amount_cents": owed, "sent_on": today });
    assert_eq!(app.post(&customer, &cheques, &sent).await.problem().0, 403);
    let compliance = app.staff("compliance").await;
    assert_eq!(app.post(&compliance, &cheques, &sent).await.problem().0, 403);
    let less = json!({ "number": "900100245", "amount_cents": 1, "sent_on": today });
    let wrong = app.post(&staff, &cheques, &less).await.problem();
    assert_eq!(wrong, (400, "cheque_invalid".to_owned()));
    let key = key();
    let made = app.post_with(&staff, &cheques, &key, &sent).await.ok();
    assert_eq!(app.post_with(&staff, &cheques, &key, &sent).await.ok(), made);
    assert_eq!((&made["status"], &made["amount_cents"]), (&json!("sent"), owed));
    let listed = app.get(&compliance, &cheques).await.ok();
    assert_eq!(listed["items"], json!([made]));
    let after = app.get(&customer, "/v1/position").await.ok();
    assert_eq!(after["credit_balance_cents"], 0);

    let void = format!("/v1/desk/cheques/{}/void", made["id"].as_str().unwrap());
    let reason = json!({ "reason": "Never cashed." });
    assert_eq!(app.post(&customer, &void, &reason).await.problem().0, 403);
    assert_eq!(app.post(&staff, &void, &reason).await.ok()["status"], "voided");
    assert_eq!(app.post(&staff, &void, &reason).await.problem(), (409, "case_closed".to_owned()));
    let back = app.get(&customer, "/v1/position").await.ok();
    assert_eq!(&back["credit_balance_cents"], owed);
    let desk = app.get(&staff, &format!("/v1/desk/customers/{}", customer.id)).await.ok();
    let open = desk["open_cases"].as_array().unwrap();
    assert!(open.iter().any(|case| case["kind"] == "refund_by_cheque"), "{desk}");
    let twice = app.post(&staff, &cheques, &sent).await.problem();
    assert_eq!(twice, (400, "cheque_invalid".to_owned()));
}

#[tokio::test]
async fn a_dispute_goes_from_the_customers_words_to_the_desks_finding_and_terms_wait_for_their_notice()
 {
    let app = shared();
    let customer = app.customer("returned payment").await;
    let stranger = app.looked_at("transactor", 0).await;
    let notice = json!({ "subject": { "kind": "other" }, "amount_cents": 2_000, "words": "I paid $20.00 more." });
    let key = key();
    let opened = app.post_with(&customer, "/v1/disputes", &key, &notice).await.ok();
    assert_eq!(app.post_with(&customer, "/v1/disputes", &key, &notice).await.ok(), opened);
    let staff = app.staff("representative").await;
    let waiting = app.get(&staff, "/v1/desk/disputes").await.ok();
    let ids: Vec<_> = waiting["items"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert!(ids.contains(&&opened["id"]), "{waiting}");
    let of_customer = format!("/v1/desk/customers/{}", customer.id);
    let listed = app.get(&staff, &format!("{of_customer}/disputes")).await.ok();
    assert_eq!(listed["items"][0]["words"], "I paid $20.00 more.");
    assert_eq!(app.get(&stranger, "/v1/disputes").await.ok()["items"], json!([]));

    let settle = format!("/v1/desk/disputes/{}/resolve", opened["id"].as_str().unwrap());
    let found = json!({ "error_cents": 2_000, "explanation": "You were right." });
    assert_eq!(app.post(&customer, &settle, &found).await.problem().0, 403);
    let settled = app.post(&staff, &settle, &found).await.ok();
    assert_eq!(settled["error_cents"], 2_000);
    let seen = app.get(&customer, "/v1/disputes").await.ok();
    assert_eq!(seen["items"][0]["explanation"], "You were right.");

    let change = |on: &str| {
        let changes = json!({ "fees": { "late": { "amount": "20.00" } } });
        json!({ "changes": changes, "effective_on": on, "note": "Fee schedule." })
    };
    let terms = format!("{of_customer}/terms");
    let early = app.post(&staff, &terms, &change("2026-12-31")).await.problem();
    assert_eq!(early, (422, "notice_too_short".to_owned()));
    let changed = app.post(&staff, &terms, &change("2027-03-01")).await.ok();
    assert!(changed["notice_on"].is_string(), "{changed}");
    let service = json!({ "from": "2026-09-01", "through": null, "note": "Orders." });
    let relief = app.post(&staff, &format!("{of_customer}/service"), &service).await.ok();
    assert!(relief["forgiven_cents"].as_i64().unwrap() > 0, "{relief}");
}

#[tokio::test]
async fn a_large_finding_takes_two_members_of_staff_over_http() {
    let app = shared();
    let customer = app.customer("revolving").await;
    let notice = json!({ "subject": { "kind": "other" }, "amount_cents": 10_001, "words": "That is not mine." });
    let opened = app.post(&customer, "/v1/disputes", &notice).await.ok();
    let (first, second) =
        (app.staff_n("representative", 0).await, app.staff_n("representative", 1).await);
    let settle = format!("/v1/desk/disputes/{}/resolve", opened["id"].as_str().unwrap());
    let found = json!({ "error_cents": 10_001, "explanation": "You were right." });
    let asked = app.post(&first, &settle, &found).await.ok();
    assert_eq!(
        (&asked["resolved_at"], &asked["waiting"]["error_cents"]),
        (&Value::Null, &json!(10_001))
    );
    let seen = app.get(&customer, "/v1/disputes").await.ok();
    assert_eq!(seen["items"][0].get("waiting"), None, "no customer sees what is not decided");
    let waiting = app.get(&second, "/v1/desk/countersignatures").await.ok();
    let waits = |one: &&Value| one["id"] == asked["waiting"]["id"];
    let item = waiting["items"].as_array().unwrap().iter().find(waits).unwrap();
    assert_eq!(
        (&item["act"], &item["customer"]["id"]),
        (&json!("credit_dispute"), &json!(customer.id))
    );
    assert!(item["asked_by"]["name"].is_string(), "{item}");

    let decide = format!("/v1/desk/countersignatures/{}/decide", item["id"].as_str().unwrap());
    let yes = json!({ "approve": true, "note": "Seen." });
    assert_eq!(app.post(&first, &decide, &yes).await.problem(), (403, "not_allowed".to_owned()));
    let compliance = app.staff("compliance").await;
    assert_eq!(app.post(&compliance, &decide, &yes).await.problem().0, 403);
    assert_eq!(app.post(&second, &decide, &yes).await.ok()["outcome"], "done");
    let seen = app.get(&customer, "/v1/disputes").await.ok();
    assert_eq!(seen["items"][0]["error_cents"], 10_001);
}

#[tokio::test]
async fn the_trial_balance_is_read_by_both_dates_and_as_it_was_known() {
    let app = shared();
    let staff = app.staff("compliance").await;
    let customer = app.looked_at("transactor", 0).await;
    let books = "/v1/ledger/trial-balance";
    assert_eq!(app.get(&customer, books).await.problem().0, 403);
    let now = app.get(&staff, books).await.ok();
    assert_eq!((&now["adds_up"], &now["debits_cents"]), (&json!(true), &now["credits_cents"]));
    let principal = |balance: &Value| {
        let accounts = balance["accounts"].as_array().unwrap();
        accounts
            .iter()
            .find(|one| one["name"] == "principal")
            .map(|one| one["balance_cents"].clone())
    };
    assert!(principal(&now).unwrap().as_i64().unwrap() > 0, "{now}");
    // Before the first entry of either date there is nothing, and nothing was known.
    for by in ["booked", "value"] {
        let early = app.get(&staff, &format!("{books}?as_of=2020-01-01&by={by}")).await.ok();
        assert_eq!((&early["as_of"], &early["debits_cents"]), (&json!("2020-01-01"), &json!(0)));
    }
    let then = app.get(&staff, &format!("{books}?known_at=2020-01-01T00:00:00Z")).await.ok();
    assert_eq!((principal(&then), &then["debits_cents"]), (None, &json!(0)));
    for wrong in ["by=luck", "as_of=tomorrow", "known_at=noon", "on=2026-11-23"] {
        assert_eq!(app.get(&staff, &format!("{books}?{wrong}")).await.problem().0, 400, "{wrong}");
    }
}
