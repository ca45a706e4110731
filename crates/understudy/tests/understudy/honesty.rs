//! What is learned is learned from the request, and nothing of the business stands in the crate.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use axum::Router;
use serde_json::{Value, json};

use crate::office::{Counter, PROMPT, routers, tools};

const QUESTIONS: [&str; 11] = [
    "where is my parcel?",
    "what do I owe you for storage?",
    "collect a parcel worth $80 on the 9th",
    "call off my collection CL-5555",
    "may I send perfume by air?",
    "I want to speak to somebody",
    "thank you",
    "¿dónde está mi paquete?",
    "at what hours is the office open?",
    "at what hours does it close?",
    "what is the customs duty and the total to pay?",
];

/// What is called and said for every question, each in a conversation of its own.
async fn record(router: &Router, prompt: &str, tools: &Value) -> Vec<String> {
    let mut record = Vec::new();
    for question in QUESTIONS {
        let turn = Counter::taught(router.clone(), prompt, tools.clone()).say(question).await;
        record.push(format!("{turn:?}"));
    }
    record
}

fn blanked(tools: &Value, at: usize) -> Value {
    let mut tools = tools.clone();
    tools[at]["function"]["description"] = json!("");
    tools
}

#[tokio::test]
async fn blanking_any_description_changes_an_answer() {
    for router in routers() {
        let before = record(&router, PROMPT, &tools()).await;
        for at in 0..tools().as_array().unwrap().len() {
            let after = record(&router, PROMPT, &blanked(&tools(), at)).await;
            assert_ne!(before, after, "description {at} is not felt");
        }
    }
}

#[tokio::test]
async fn blanking_any_example_changes_an_answer() {
    let examples: Vec<&str> = PROMPT
        .split("<example>")
        .skip(1)
        .map(|part| part.split("</example>").next().unwrap())
        .collect();
    for router in routers() {
        let before = record(&router, PROMPT, &tools()).await;
        for example in &examples {
            let after = record(&router, &PROMPT.replace(example, ""), &tools()).await;
            assert_ne!(before, after, "not felt: {example}");
        }
    }
}

#[tokio::test]
async fn swapping_names_and_descriptions_swaps_which_tool_is_called() {
    for router in routers() {
        let pairs = [("opening_hours", "fetch_clerk"), ("trace_parcel", "show_charges")];
        for (one, other) in pairs {
            let question = if one == "opening_hours" {
                "at what hours is the office open?"
            } else {
                "where is my parcel?"
            };
            let called =
                |turn: crate::office::Turn| turn.calls.first().map(|(name, _)| name.clone());
            let straight = Counter::new(router.clone()).say(question).await;
            assert_eq!(called(straight).as_deref(), Some(one));
            // The two change places everywhere they are named, their descriptions with them.
            let swap =
                |text: &str| text.replace(one, "\u{1}").replace(other, one).replace('\u{1}', other);
            let swapped: Value = serde_json::from_str(&swap(&tools().to_string())).unwrap();
            let crossed =
                Counter::taught(router.clone(), &swap(PROMPT), swapped).say(question).await;
            assert_eq!(called(crossed).as_deref(), Some(other));
        }
    }
}

#[tokio::test]
async fn without_any_lesson_it_can_do_nothing() {
    for router in routers() {
        for question in QUESTIONS {
            let turn = Counter::taught(router.clone(), "", json!([])).say(question).await;
            assert_eq!(turn.calls, []);
            assert!(
                turn.reply.contains("cannot help") || turn.reply.contains("no puedo ayudar"),
                "{}",
                turn.reply
            );
        }
    }
}

/// Files of the repository's own tree below a folder; none when it does not exist yet.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn even(text: &str) -> String {
    let lower = text.to_lowercase();
    lower
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Sentences and lines of prose long enough to be somebody's wording.
fn wordings(text: &str) -> BTreeSet<String> {
    let pieces = text.split(['\n', '.', '?', '!', '"', '<', '>']).map(even);
    pieces.filter(|piece| piece.split(' ').count() >= 5).collect()
}

#[test]
fn nothing_of_the_business_stands_in_the_crate() {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source: Vec<(PathBuf, String)> = files(&crate_root.join("src"))
        .into_iter()
        .map(|path| (path.clone(), even(&std::fs::read_to_string(path).unwrap())))
        .collect();
    assert!(source.len() > 10);
    let root = crate_root.join("../..");
    let manifests = files(&root.join("tools"));
    let names = manifests
        .iter()
        .filter_map(|path| path.file_stem()?.to_str())
        .filter(|name| name.contains('_'));
    for name in names {
        for (path, text) in &source {
            assert!(
                !text.split(' ').any(|word| word == name),
                "{} names the tool `{name}`",
                path.display()
            );
        }
    }
    let folders = ["tools", "prompts", "policies", "evals"];
    let lessons = folders.iter().flat_map(|folder| files(&root.join(folder)));
    let lessons = lessons.filter(|path| {
        path.extension()
            .is_some_and(|kind| ["toml", "md", "json", "yaml", "jsonl"].iter().any(|k| kind == *k))
    });
    for lesson in lessons {
        let Ok(words) = std::fs::read_to_string(&lesson) else { continue };
        for wording in wordings(&words) {
            for (path, text) in &source {
                assert!(
                    !text.contains(&wording),
                    "{} holds words of {}: {wording}",
                    path.display(),
                    lesson.display()
                );
            }
        }
    }
}
