//! The sealed bundle of a conversation, checked by the program alone: no server, no database, no settings.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

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
