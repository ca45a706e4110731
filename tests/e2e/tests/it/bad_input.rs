//! Whatever is sent, the answer is a problem with a stable code, and nothing has moved.

use serde_json::{Value, json};

use crate::app::{App, Person, key, shared};

/// A payment that would be taken, with some members replaced.
fn payment(account: &str, changes: &Value) -> Value {
    let mut body = json!({
        "amount": { "kind": "exact", "cents": 5000 },
        "on": "2026-12-04",
        "bank_account_id": account,
    });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn payer(app: &App) -> (Person, String) {
    let customer = app.customer("revolving").await;
    let account = app.bank_account(&customer, "checking").await;
    (customer, account)
}

#[tokio::test]
async fn a_payment_that_cannot_be_is_refused_by_name() {
    let app = shared();
    let (customer, account) = payer(app).await;
    let before = app.money(&customer).await;
    let exact = |cents: Value| json!({ "amount": { "kind": "exact", "cents": cents } });
    for (changes, status, code) in [
        (exact(json!(0)), 400, "amount_not_positive"),
        (exact(json!(-1)), 400, "amount_not_positive"),
        (exact(json!(i64::MIN)), 400, "amount_not_positive"),
        (exact(json!(i64::MAX)), 400, "amount_too_large"),
        (exact(json!(u64::MAX)), 422, "body_invalid"),
        (exact(json!(1e25)), 422, "body_invalid"),
        (exact(json!(50.5)), 422, "body_invalid"),
        (exact(json!("50")), 422, "body_invalid"),
        (exact(Value::Null), 422, "body_invalid"),
        (json!({ "amount": { "kind": "exact", "cents": 50, "more": 1 } }), 422, "body_invalid"),
        (json!({ "amount": { "kind": "everything" } }), 422, "body_invalid"),
        (json!({ "amount": 5000 }), 422, "body_invalid"),
        (json!({ "confirmed": true }), 422, "body_invalid"),
        (json!({ "customer_id": customer.id }), 422, "body_invalid"),
        (json!({ "on": "2026-11-22" }), 400, "date_in_past"),
        (json!({ "on": "1970-01-01" }), 400, "date_in_past"),
        (json!({ "on": "2036-12-04" }), 400, "date_too_far"),
        (json!({ "on": "2026-02-30" }), 422, "body_invalid"),
        (json!({ "on": "next Friday" }), 422, "body_invalid"),
        (json!({ "on": 20_261_204 }), 422, "body_invalid"),
        (json!({ "bank_account_id": "checking" }), 422, "body_invalid"),
        (
            json!({ "bank_account_id": "00000000-0000-7000-8000-000000000000" }),
            404,
            "bank_account_unknown",
        ),
    ] {
        let answer = app.post(&customer, "/v1/payments", &payment(&account, &changes)).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{changes}");
    }
    assert_eq!(app.money(&customer).await, before);
}

#[tokio::test]
async fn a_body_that_is_none_is_refused() {
    let app = shared();
    let (customer, _) = payer(app).await;
    let before = app.money(&customer).await;
    let bearer = format!("Bearer {}", customer.token);
    let json = "application/json";
    for (kind, body, status) in [
        (json, "{not json".to_owned(), 400),
        (json, String::new(), 400),
        (json, "[]".to_owned(), 422),
        (json, "null".to_owned(), 422),
        (json, "[".repeat(10_000), 422),
        (json, " ".repeat(100_000), 413),
        ("text/plain", "{}".to_owned(), 415),
    ] {
        let key = key();
        let headers =
            [("authorization", bearer.as_str()), ("idempotency-key", &key), ("content-type", kind)];
        let answer = app.send("POST", "/v1/payments", &headers, Some(body)).await;
        assert_eq!(answer.problem(), (status, "body_invalid".to_owned()), "{headers:?}");
    }
    assert_eq!(app.money(&customer).await, before);
}

#[tokio::test]
async fn a_path_query_or_method_that_does_not_fit_is_refused() {
    let app = shared();
    let (customer, _) = payer(app).await;
    for (path, status, code) in [
        ("/v1/transactions?limit=-1", 400, "query_invalid"),
        ("/v1/transactions?limit=many", 400, "query_invalid"),
        ("/v1/quotes/payoff", 400, "query_invalid"),
        ("/v1/quotes/payoff?on=soon", 400, "query_invalid"),
        ("/v1/quotes/payoff?on=2020-01-01", 400, "date_in_past"),
        ("/v1/statements/x", 400, "path_invalid"),
        ("/v1/statements/-1", 400, "path_invalid"),
        ("/v1/statements/999", 404, "not_found"),
        ("/v1/trace?figure=luck", 400, "query_invalid"),
        ("/v1/conversations/x", 400, "path_invalid"),
        ("/v1/intents/00000000-0000-7000-8000-000000000000", 404, "not_found"),
        ("/v1/passages/none", 404, "not_found"),
        ("/v1/nothing", 404, "not_found"),
    ] {
        assert_eq!(app.get(&customer, path).await.problem(), (status, code.to_owned()), "{path}");
    }
    let bearer = format!("Bearer {}", customer.token);
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = app.send(method, "/v1/payments", &[("authorization", &bearer)], None).await;
        assert_eq!(answer.problem(), (405, "method_not_allowed".to_owned()), "{method}");
    }
}

#[tokio::test]
async fn a_request_that_writes_needs_a_key_of_its_own() {
    let app = shared();
    let (customer, account) = payer(app).await;
    let body = payment(&account, &json!({}));
    for bad in ["", "short", "with a space", &"x".repeat(129)] {
        let answer = app.post_with(&customer, "/v1/payments", bad, &body).await;
        assert_eq!(answer.problem(), (400, "key_invalid".to_owned()), "{bad:?}");
    }
    let bearer = format!("Bearer {}", customer.token);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let answer = app.send("POST", "/v1/payments", &headers, Some(body.to_string())).await;
    assert_eq!(answer.problem(), (400, "key_invalid".to_owned()));

    let (count, key) = (payments(app, &customer).await, key());
    let first = app.post_with(&customer, "/v1/payments", &key, &body).await.ok();
    let again = app.post_with(&customer, "/v1/payments", &key, &body).await.ok();
    assert_eq!(first, again, "the same request again is answered as it was");
    let other = payment(&account, &json!({ "on": "2026-12-07" }));
    let reused = app.post_with(&customer, "/v1/payments", &key, &other).await;
    assert_eq!(reused.problem(), (409, "key_reused".to_owned()));
    assert_eq!(payments(app, &customer).await, count + 1);
}

#[tokio::test]
async fn one_key_sent_many_times_at_once_makes_one_payment() {
    let app = shared();
    let (customer, account) = payer(app).await;
    let (count, key) = (payments(app, &customer).await, key());
    let body = payment(&account, &json!({}));
    let send = || app.post_with(&customer, "/v1/payments", &key, &body);
    let (a, b, c, d) = tokio::join!(send(), send(), send(), send());
    let receipt = a.ok();
    for answer in [b, c, d] {
        assert_eq!(answer.ok(), receipt);
    }
    assert_eq!(payments(app, &customer).await, count + 1);
}

#[tokio::test]
async fn a_message_that_is_none_is_refused() {
    let app = shared();
    let (customer, _) = payer(app).await;
    let conversation = app.conversation(&customer).await;
    let path = format!("/v1/conversations/{conversation}/messages");
    for (body, status, code) in [
        (json!({ "text": "" }), 400, "text_invalid"),
        (json!({ "text": "  \n" }), 400, "text_invalid"),
        (json!({ "text": "x".repeat(4_001) }), 400, "text_invalid"),
        (json!({ "text": 5 }), 422, "body_invalid"),
        (json!({ "text": "hi", "role": "system" }), 422, "body_invalid"),
        (json!({}), 422, "body_invalid"),
    ] {
        let answer = app.post(&customer, &path, &body).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{body}");
    }
    let view = app.get(&customer, &format!("/v1/conversations/{conversation}")).await.ok();
    assert_eq!(view["messages"], json!([]));
}

#[tokio::test]
async fn the_clock_does_not_run_back_or_away() {
    let app = shared();
    for body in [
        json!({}),
        json!({ "to": "2020-01-01" }),
        json!({ "advance_days": 4_000_000_000_u32 }),
        json!({ "advance_days": 1, "to": "2026-12-01" }),
    ] {
        let headers = [("content-type", "application/json")];
        let answer = app.send("POST", "/v1/sandbox/clock", &headers, Some(body.to_string())).await;
        assert_eq!(answer.problem(), (400, "clock_invalid".to_owned()), "{body}");
    }
}

#[tokio::test]
async fn a_query_that_is_none_of_the_routes_is_refused() {
    let app = shared();
    let (customer, _) = payer(app).await;
    let compliance = app.staff("compliance").await;
    let conversation = app.conversation(&customer).await;
    let said = format!("/v1/conversations/{conversation}");
    for (person, path, code) in [
        (&customer, "/v1/transactions?cursor=garbage".to_owned(), "cursor_invalid"),
        (&customer, "/v1/transactions?cursor=".to_owned(), "cursor_invalid"),
        (&customer, "/v1/transactions?cursor=-1".to_owned(), "cursor_invalid"),
        (&customer, "/v1/transactions?limit=0".to_owned(), "limit_invalid"),
        (&customer, "/v1/transactions?limit=201".to_owned(), "limit_invalid"),
        (&customer, "/v1/transactions?limit=-1".to_owned(), "query_invalid"),
        (&customer, "/v1/transactions?limit=many".to_owned(), "query_invalid"),
        (&customer, "/v1/transactions?limit=1&limit=2".to_owned(), "query_invalid"),
        (&customer, "/v1/transactions?page=2".to_owned(), "query_invalid"),
        (&customer, "/v1/transactions?%FF=2".to_owned(), "query_invalid"),
        (&customer, "/v1/trace".to_owned(), "query_invalid"),
        (&customer, "/v1/trace?figure=luck".to_owned(), "query_invalid"),
        (&customer, "/v1/trace?figure=interest&statement=last".to_owned(), "query_invalid"),
        (&customer, "/v1/trace?figure=interest&statement=-1".to_owned(), "query_invalid"),
        (&customer, "/v1/trace?figure=interest&cycle=1".to_owned(), "query_invalid"),
        (&customer, "/v1/quotes/payoff".to_owned(), "query_invalid"),
        (&customer, "/v1/quotes/payoff?on=tomorrow".to_owned(), "query_invalid"),
        (&customer, "/v1/quotes/payoff?on=2026-02-30".to_owned(), "query_invalid"),
        (&customer, "/v1/quotes/payoff?on=1970-01-01".to_owned(), "date_in_past"),
        (&customer, "/v1/quotes/payoff?on=9999-12-31".to_owned(), "date_too_far"),
        (&customer, format!("{said}?after=first"), "query_invalid"),
        (&customer, format!("{said}?after=-1"), "query_invalid"),
        (&customer, format!("{said}?before=1"), "query_invalid"),
        (&customer, "/v1/position?as_of=2020-01-01".to_owned(), "query_invalid"),
        (&compliance, "/v1/audit/conversations?cursor=garbage".to_owned(), "cursor_invalid"),
        (
            &compliance,
            "/v1/audit/conversations?cursor=00000000-0000-7000-8000-000000000000".to_owned(),
            "cursor_invalid",
        ),
        (&compliance, "/v1/audit/conversations?q=%00".to_owned(), "query_invalid"),
        (&compliance, "/v1/audit/conversations?query=x".to_owned(), "query_invalid"),
        (&compliance, "/v1/desk/queue?status=open".to_owned(), "query_invalid"),
    ] {
        let answer = app.get(person, &path).await;
        assert_eq!(answer.problem(), (400, code.to_owned()), "{path}");
    }
    let posted = app.post(&customer, &format!("{said}/hand-off?now=1"), &json!({})).await;
    assert_eq!(posted.problem(), (400, "query_invalid".to_owned()));
}

#[tokio::test]
async fn pages_follow_each_other_and_end() {
    let app = shared();
    let (customer, _) = payer(app).await;
    let whole = app.get(&customer, "/v1/transactions").await.ok();
    let mut path = "/v1/transactions?limit=3".to_owned();
    let mut items = Vec::new();
    loop {
        let page = app.get(&customer, &path).await.ok();
        items.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/transactions?limit=3&cursor={cursor}");
    }
    assert_eq!(json!(items), whole["items"]);
}

async fn payments(app: &App, customer: &Person) -> usize {
    let payments = app.get(customer, "/v1/payments").await.ok();
    payments["items"].as_array().unwrap().len()
}
