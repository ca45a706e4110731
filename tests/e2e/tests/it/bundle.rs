//! The sealed bundle of a conversation, checked by the program alone: no server, no database, no settings.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::app::shared;

/// Checks a bundle in an empty folder with nothing in the environment.
fn verify(bundle: &str, folder: &Path) -> Output {
    fs::write(folder.join("bundle.json"), bundle).unwrap();
    Command::new(e2e::program().canonicalize().unwrap())
        .args(["--json", "audit", "verify", "bundle.json"])
        .env_clear()
        .current_dir(folder)
        .output()
        .unwrap()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The bundle with one letter of a text in it replaced.
fn edited(bundle: &str, from: &str, to: &str) -> String {
    assert!(bundle.contains(from), "the bundle does not hold {from}");
    bundle.replacen(from, to, 1)
}

#[tokio::test]
async fn it_verifies_by_itself_and_a_changed_byte_is_named() {
    let app = shared();
    let customer = app.customer("revolving").await;
    let conversation = app.conversation(&customer).await;
    app.say(&customer, &conversation, "What's my balance and when is my next payment due?").await;
    let compliance = app.staff("compliance").await;
    let path = format!("/v1/audit/conversations/{conversation}");
    let checked = app.get(&compliance, &format!("{path}/verification")).await.ok();
    assert_eq!(checked["ok"], true, "{checked}");
    let bundle = app.get(&compliance, &format!("{path}/bundle")).await;
    assert_eq!(bundle.status, 200);
    let bundle = bundle.text;

    let folder = tempfile::tempdir().unwrap();
    let whole = verify(&bundle, folder.path());
    assert!(whole.status.success(), "{whole:?}");
    let found = report(&whole);
    assert_eq!(found["ok"], true);
    assert_eq!(found["conversation_id"], conversation.as_str());
    assert!(found["checked"]["leaves"].as_u64().unwrap() >= 3, "{found}");

    for changed in [
        edited(&bundle, "What's my balance", "What's my Balance"),
        edited(&bundle, "\\nroot ", "\\nr00t "),
        edited(&bundle, &conversation, "00000000-0000-7000-8000-000000000000"),
    ] {
        let broken = verify(&changed, folder.path());
        assert!(!broken.status.success(), "an edited bundle passed");
        let found = report(&broken);
        assert_eq!(found["ok"], false);
        let problems = found["problems"].as_array().unwrap();
        assert!(
            problems.iter().all(|problem| problem["at"].as_str().is_some_and(|at| !at.is_empty()))
                && !problems.is_empty(),
            "{found}"
        );
    }
}

/// What a compliance user takes away of a payment that was asked for in words: the proposal, the customer's yes, and the
/// receipt as it was given. And the case that was opened in the same conversation.
#[tokio::test]
async fn receipts_and_cases_are_in_the_bundle_and_a_changed_byte_of_one_is_named() {
    let app = shared();
    let customer = app.customer("revolving").await;
    let conversation = app.conversation(&customer).await;
    let view =
        app.say(&customer, &conversation, "pay $50 next Friday from my checking account").await;
    let intent = view["messages"].as_array().unwrap().last().unwrap()["intents"][0]["id"].clone();
    let confirm = format!("/v1/intents/{}/confirm", intent.as_str().unwrap());
    let receipt = app.post(&customer, &confirm, &json!({})).await.ok();
    let view = app.say(&customer, &conversation, "by the way I have filed for bankruptcy").await;
    let case = &view["messages"].as_array().unwrap().last().unwrap()["cases"][0]["reference"];

    let compliance = app.staff("compliance").await;
    let path = format!("/v1/audit/conversations/{conversation}/bundle");
    let bundle = app.get(&compliance, &path).await;
    assert_eq!(bundle.status, 200, "{bundle:?}");
    let leaves = bundle.ok()["streams"][0]["leaves"].as_array().unwrap().clone();
    let place = |kind: &str| leaves.iter().position(|leaf| leaf["kind"] == kind).unwrap();
    let given = &leaves[place("receipt.given")]["payload"];
    for member in ["reference", "text", "fields", "kind", "intent_id"] {
        assert_eq!(given[member], receipt[member], "{member}");
    }
    assert_eq!(&leaves[place("case.opened")]["payload"]["reference"], case);

    let folder = tempfile::tempdir().unwrap();
    assert!(verify(&bundle.text, folder.path()).status.success());
    for (kind, text) in [("receipt.given", &receipt["reference"]), ("case.opened", case)] {
        let text = text.as_str().unwrap();
        let whole = &leaves[place(kind)]["payload"].to_string();
        assert!(bundle.text.contains(whole), "{kind} is not spelt as it was committed to");
        let other = whole.replace(text, &text.replace('-', "+"));
        let broken = verify(&bundle.text.replace(whole, &other), folder.path());
        assert!(!broken.status.success(), "an edited {kind} passed");
        let at = format!("streams[0].leaves[{}].payload", place(kind));
        let problems = report(&broken)["problems"].as_array().unwrap().clone();
        assert_eq!(problems.iter().map(|one| &one["at"]).collect::<Vec<_>>(), [at.as_str()]);
    }
}
