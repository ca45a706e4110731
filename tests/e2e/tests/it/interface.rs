//! The interface others build on: a change to it shows as a change of the snapshot.

use serde_json::Value;

use crate::app::shared;

/// `METHOD path` of each operation, in order.
pub(crate) async fn operations() -> Vec<(String, String)> {
    let described = shared().send("GET", "/openapi.json", &[], None).await.ok();
    let mut found = Vec::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            found.push((method.to_uppercase(), path.clone()));
        }
    }
    found.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
    found
}

#[tokio::test]
async fn the_paths_and_methods_are_these() {
    let lines: Vec<String> =
        operations().await.iter().map(|(method, path)| format!("{method} {path}")).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn every_reference_of_the_description_leads_somewhere() {
    let described = shared().send("GET", "/openapi.json", &[], None).await.ok();
    let mut open = vec![&described];
    let mut followed = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.trim_start_matches('#');
                    assert!(described.pointer(pointer).is_some(), "{reference} is not described");
                    followed += 1;
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(followed > 20, "{followed} references");
}

#[tokio::test]
async fn no_cache_keeps_an_answer_or_a_refusal() {
    let app = shared();
    let customer = app.customer("revolving").await;
    for (path, status) in [
        ("/v1/status", 200),
        ("/v1/position", 200),
        ("/v1/desk/queue", 403),
        ("/v1/conversations?limit=1", 400),
        ("/v1/nothing", 404),
    ] {
        let answer = app.get(&customer, path).await;
        assert_eq!((answer.status, answer.cache_control.as_str()), (status, "no-store"), "{path}");
    }
    let conversation = app.conversation(&customer).await;
    let says = format!("/v1/conversations/{conversation}/messages");
    let turn = app.post(&customer, &says, &serde_json::json!({ "text": "hello" })).await;
    assert_eq!((turn.status, turn.cache_control.as_str()), (200, "no-store"));
}
