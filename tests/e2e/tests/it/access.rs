//! Who may open what.

use serde_json::json;

use crate::{
    app::{key, shared},
    interface::operations,
};

/// Open to everybody; the last three stand only in a sandbox.
const OPEN: [&str; 6] = [
    "/v1/status",
    "/v1/session",
    "/v1/passages/{citation}",
    "/v1/sandbox/people",
    "/v1/sandbox/sign-in",
    "/v1/sandbox/clock",
];

const SOME_ID: &str = "00000000-0000-7000-8000-000000000000";

fn filled_in(path: &str) -> String {
    path.replace("{id}", SOME_ID)
        .replace("{number}", "1")
        .replace("{citation}", "none")
        .replace("{flag}", "fraud")
        .replace("{form}", "html")
}

/// The answers of every route that is not open, to one who sends these headers.
async fn knock(headers: &[(&str, &str)]) -> Vec<(String, String, u16, String)> {
    let mut answers = Vec::new();
    for (method, path) in operations().await {
        if OPEN.contains(&path.as_str()) || path == "/v1/session/sign-out" {
            continue;
        }
        let key = key();
        let mut headers = headers.to_vec();
        headers.push(("idempotency-key", &key));
        headers.push(("content-type", "application/json"));
        let body = (method == "POST").then(|| "{}".to_owned());
        let answer = shared().send(&method, &filled_in(&path), &headers, body).await;
        let code = if answer.status >= 400 { answer.problem().1 } else { String::new() };
        answers.push((method, path, answer.status, code));
    }
    answers
}

#[tokio::test]
async fn without_a_session_every_door_but_the_open_ones_is_closed() {
    for headers in [
        &[][..],
        &[("authorization", "Bearer nonsense")],
        &[("authorization", "Basic YWRtaW46YWRtaW4=")],
        &[("cookie", "plumbline_session=nonsense")],
    ] {
        let answers = knock(headers).await;
        assert!(answers.len() > 25, "only {} routes", answers.len());
        for answer in answers {
            assert_eq!((answer.2, answer.3.as_str()), (401, "signed_out"), "{answer:?}");
        }
    }
    let sign_out = shared().send("POST", "/v1/session/sign-out", &[], None).await;
    assert_eq!(sign_out.problem(), (401, "signed_out".to_owned()));
}

/// Whether a role may knock at a path at all: what stands behind may still say that there is nothing.
fn opens(role: &str, method: &str, path: &str) -> bool {
    let group = path.split('/').nth(2).unwrap_or_default();
    match (role, group) {
        (_, "session")
        | ("representative", "desk" | "ledger")
        | ("engineer", "evals" | "prompts") => true,
        ("customer", group) => !["desk", "ledger", "audit", "evals", "prompts"].contains(&group),
        ("compliance", "desk" | "ledger" | "evals" | "prompts" | "audit") => method == "GET",
        _ => false,
    }
}

#[tokio::test]
async fn each_role_opens_its_own_doors_and_no_others() {
    let app = shared();
    let people = [
        ("customer", app.customer("new").await),
        ("representative", app.staff("representative").await),
        ("compliance", app.staff("compliance").await),
        ("engineer", app.staff("engineer").await),
    ];
    for (role, person) in people {
        let bearer = format!("Bearer {}", person.token);
        for (method, path, status, code) in knock(&[("authorization", &bearer)]).await {
            let turned_away = (status, code.as_str()) == (403, "not_allowed");
            let open = opens(role, &method, &path);
            assert_eq!(turned_away, !open, "{role}: {method} {path} answers {status} {code}");
            assert_ne!(status, 401, "{role}: {method} {path}");
            assert!(status < 500, "{role}: {method} {path} answers {status} {code}");
        }
    }
}

#[tokio::test]
async fn nobody_signs_in_under_another_role() {
    let app = shared();
    let (customer, compliance) = (app.customer("transactor").await, app.staff("compliance").await);
    for (role, id) in [
        ("representative", &compliance.id),
        ("engineer", &compliance.id),
        ("customer", &compliance.id),
        ("compliance", &customer.id),
    ] {
        let body = json!({ "role": role, "id": id }).to_string();
        let headers = [("content-type", "application/json")];
        let answer = app.send("POST", "/v1/sandbox/sign-in", &headers, Some(body)).await;
        let (status, code) = answer.problem();
        assert!([403, 404].contains(&status), "{role}: {status} {code}");
    }
}

#[tokio::test]
async fn whoever_asks_is_told_who_is_signed_in_and_that_nobody_is_is_no_error() {
    let app = shared();
    let nobody = json!({ "actor": null, "level": "L0", "credit_line_id": null });
    for headers in [&[][..], &[("cookie", "plumbline_session=nonsense")]] {
        assert_eq!(app.send("GET", "/v1/session", headers, None).await.ok(), nobody);
    }
    let owner = app.customer("revolving").await;
    let session = app.get(&owner, "/v1/session").await.ok();
    assert_eq!(session["actor"]["id"], owner.id.as_str());
    let position = app.get(&owner, "/v1/position").await.ok();
    assert_eq!(session["credit_line_id"], position["credit_line"]["id"]);
    let applicant = app.customer("declined").await;
    assert!(app.get(&applicant, "/v1/session").await.ok()["credit_line_id"].is_null());
}

#[tokio::test]
async fn a_session_that_was_signed_out_opens_nothing() {
    let app = shared();
    let customer = app.customer("paid off").await;
    app.get(&customer, "/v1/position").await.ok();
    let out = app.post(&customer, "/v1/session/sign-out", &json!({})).await;
    assert_eq!(out.status, 204, "{out:?}");
    let after = app.get(&customer, "/v1/position").await;
    assert_eq!(after.problem(), (401, "signed_out".to_owned()));
}

#[tokio::test]
async fn what_is_somebody_elses_is_not_there() {
    let app = shared();
    let (owner, other) = (app.customer("revolving").await, app.looked_at("transactor", 0).await);
    let conversation = app.conversation(&owner).await;
    let view = app.say(&owner, &conversation, "pay $50 next Friday from my checking account").await;
    let intent = view["messages"][1]["intents"][0]["id"].as_str().unwrap().to_owned();
    let account = app.bank_account(&owner, "checking").await;
    let before = app.money(&owner).await;

    for path in [format!("/v1/conversations/{conversation}"), format!("/v1/intents/{intent}")] {
        assert_eq!(app.get(&other, &path).await.problem(), (404, "not_found".to_owned()));
    }
    for (path, body) in [
        (format!("/v1/conversations/{conversation}/messages"), json!({ "text": "hello" })),
        (format!("/v1/conversations/{conversation}/hand-off"), json!({})),
        (format!("/v1/intents/{intent}/confirm"), json!({})),
        (format!("/v1/intents/{intent}/refuse"), json!({})),
    ] {
        let answer = app.post(&other, &path, &body).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{path}");
    }
    let payment = json!({
        "amount": { "kind": "exact", "cents": 5000 },
        "on": "2026-12-04",
        "bank_account_id": account,
    });
    let answer = app.post(&other, "/v1/payments", &payment).await;
    assert_eq!(answer.problem(), (404, "bank_account_unknown".to_owned()));

    app.post(&owner, "/v1/payments", &payment).await.ok();
    let payments = app.get(&owner, "/v1/payments").await.ok();
    let made = payments["items"][0]["id"].as_str().unwrap();
    let answer = app.post(&other, &format!("/v1/payments/{made}/cancel"), &json!({})).await;
    assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    app.post(&owner, &format!("/v1/payments/{made}/cancel"), &json!({})).await.ok();

    let after = app.money(&owner).await;
    assert_eq!(after["position"], before["position"]);
    assert_eq!(after["transactions"], before["transactions"]);
}
