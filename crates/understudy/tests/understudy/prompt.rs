//! The shipped consumer prompt, as far as the stand-in feels it: every example said back leads to its own calls.
//!
//! Absent when `prompts/` and `tools/` are: this crate is built apart from them.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};
use toolkit::{Manifest, Protection};

use crate::office::{Counter, post, routers};

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn lessons() -> Option<String> {
    let text = std::fs::read_to_string(root().join("prompts/consumer/examples.md")).ok();
    if text.is_none() {
        eprintln!("SKIPPED: there is no consumer prompt");
    }
    text
}

/// The tools as the model sees them, with as much of their schemas as the manifests tell.
fn offers() -> Value {
    let mut offers = Vec::new();
    for entry in std::fs::read_dir(root().join("tools")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let Ok(manifest) = Manifest::parse(&text) else { continue };
        let property = |(name, words): (&String, &String)| {
            let format = match manifest.protected.get(name) {
                Some(Protection::Amount) => json!("amount"),
                Some(Protection::Date) => json!("spoken-date"),
                _ => Value::Null,
            };
            (name.clone(), json!({"type": "string", "format": format, "description": words}))
        };
        // The one argument that is a choice: a sum, or one of the sums the server knows.
        let sum = json!({"oneOf": [
            {"type": "object", "required": ["kind", "value"], "properties": {"kind": {"type": "string", "const": "exact"}, "value": {"type": "string"}}},
            {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string", "const": "minimum"}}},
            {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string", "const": "statement"}}},
            {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string", "const": "payoff"}}}]});
        let property = |entry: (&String, &String)| match property(entry) {
            (name, _)
                if name == "amount"
                    && manifest.sheet.is_some()
                    && manifest.arguments.contains_key("from") =>
            {
                (name, sum.clone())
            }
            other => other,
        };
        let properties: serde_json::Map<String, Value> =
            manifest.arguments.iter().map(property).collect();
        let described =
            manifest.example.iter().fold(manifest.description.clone(), |text, example| {
                format!("{text}\nExample: \"{}\" -> {}", example.says, example.arguments)
            });
        offers.push(
            json!({"type": "function", "function": {"name": manifest.name, "description": described,
            "parameters": {"type": "object", "properties": properties}}}),
        );
    }
    offers.sort_by_key(|offer| offer["function"]["name"].as_str().unwrap().to_owned());
    Value::Array(offers)
}

/// What the customer says in each example, and the tools it calls.
fn worked(prompt: &str) -> Vec<(String, BTreeSet<String>)> {
    let between = |text: &str, open: &str, close: &str| -> Vec<String> {
        text.split(open)
            .skip(1)
            .filter_map(|part| Some(part.split_once(close)?.0.to_owned()))
            .collect()
    };
    let examples = between(prompt, "<example>", "</example>");
    let one = |example: &String| {
        let said = between(example, "<customer>", "</customer>").remove(0);
        (said, between(example, "<call tool=\"", "\">").into_iter().collect())
    };
    examples.iter().map(one).collect()
}

#[tokio::test]
async fn every_example_said_back_leads_to_its_own_calls() {
    let Some(prompt) = lessons() else { return };
    let offers = offers();
    for router in &routers() {
        for (said, tools) in worked(&prompt) {
            let mut counter = Counter::taught(router.clone(), &prompt, offers.clone());
            counter.messages.push(json!({"role": "user", "content": said}));
            let (_, seen) = post(router, "/v1/understudy/explain", &counter.body()).await;
            let chosen = seen["choices"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|choice| choice["calls"].as_array().unwrap());
            let chosen: BTreeSet<String> =
                chosen.map(|call| call.as_str().unwrap().to_owned()).collect();
            assert_eq!(chosen, tools, "{said}: {seen}");
        }
    }
}
