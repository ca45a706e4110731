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
