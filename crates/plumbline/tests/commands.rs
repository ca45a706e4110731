//! The commands as a person or a script runs them: the built program, its output and its exit status.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use store::testing::TestDatabase;

fn plumbline(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
    command.args(args).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    command.env_remove("DATABASE_URL").env_remove("PLUMBLINE_STATE");
    command
}

fn run(args: &[&str]) -> Output {
    plumbline(args).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const SCENARIO: &str = "docs/scenarios/plain-line.toml";

#[test]
fn a_scenario_is_lived_without_a_database_and_each_figure_explained() {
    let report = run(&["simulate", SCENARIO, "--json"]);
    assert_eq!(report.status.code(), Some(0), "{}", stderr(&report));
    let line = &json(&report)["lines"][0];
    assert_eq!(line["statements"][0]["new_balance_cents"], 97_876);

    let explained = run(&["simulate", SCENARIO, "--explain", "statement.1.interest"]);
    let text = String::from_utf8(explained.stdout).unwrap();
    assert!(text.contains("$22.76") && text.contains("daily rate"), "{text}");
}

#[test]
fn the_callers_mistakes_exit_with_one_and_say_what_to_do() {
    let figure = run(&["simulate", SCENARIO, "--explain", "nonsense"]);
    assert_eq!(figure.status.code(), Some(1));
    assert!(stderr(&figure).contains("statement.1.interest"), "it names those there are");

    let file = run(&["simulate", "no-such-file.toml", "--json"]);
    assert_eq!(file.status.code(), Some(1));
    let error: Value = serde_json::from_slice(&file.stderr).unwrap();
    assert!(error["error"].as_str().unwrap().contains("no-such-file.toml"));

    assert_eq!(run(&["no-such-command"]).status.code(), Some(1));
    let setting = plumbline(&["migrate"]).env("PLUMBLINE_STAET", "x").output().unwrap();
    assert_eq!(setting.status.code(), Some(1));
    assert!(stderr(&setting).to_lowercase().contains("staet"));
}

#[test]
fn a_database_that_is_not_there_exits_with_two_and_never_shows_the_password() {
    let url = "postgres://ann:hunter2@127.0.0.1:1/plumbline";
    let output = plumbline(&["migrate"]).env("DATABASE_URL", url).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!stderr(&output).contains("hunter2"));
}

#[test]
fn a_private_cluster_is_made_migrated_and_left_stopped() {
    let state = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let output = plumbline(&["migrate", "--json"])
            .env("PLUMBLINE_STATE", state.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(json(&output)["schema_version"], store::schema_version());
    }
    let pid_file = state.path().join("postgres/server/data/postmaster.pid");
    assert!(!pid_file.exists(), "the last one out stops the server");
}

#[test]
fn the_doctor_names_what_is_here_and_what_is_missing() {
    let state = tempfile::tempdir().unwrap();
    // A folder of its own, so that what the system's state folder has does not count.
    std::fs::create_dir_all(state.path().join("models/minilm")).unwrap();
    let output =
        plumbline(&["doctor", "--json"]).env("PLUMBLINE_STATE", state.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(10), "an empty state folder has no embedding model");
    let diagnosis = json(&output);
    let needs = diagnosis["needs"].as_array().unwrap();
    let state = |name: &str| {
        needs.iter().find(|need| need["name"] == name).map(|need| need["state"].clone()).unwrap()
    };
    assert_eq!(state("cargo"), "found");
    assert_eq!(state("embedding model"), "missing");
}

fn check(database: &TestDatabase) -> (Option<i32>, Value) {
    let output = plumbline(&["ledger", "check", "--json"])
        .env("DATABASE_URL", database.url())
        .output()
        .unwrap();
    assert!(!output.stdout.is_empty(), "{}", stderr(&output));
    (output.status.code(), json(&output))
}

#[tokio::test]
async fn the_ledger_check_finds_money_that_no_history_explains() {
    let database = store::testing::database().await;
    let (code, checked) = check(&database);
    assert_eq!((code, &checked["ok"]), (Some(0), &Value::Bool(true)));

    // Balanced, and on a line whose history cannot be replayed.
    sqlx::raw_sql(
        "INSERT INTO line_heads VALUES ('01900000-0000-7000-8000-000000000001', 1);
         INSERT INTO postings (id, kind, effective_on, recorded_at)
         VALUES ('01900000-0000-7000-8000-000000000002', 'forged', now(), now());
         INSERT INTO entries (posting_id, n, account_code, side, amount_cents, credit_line_id, effective_on)
         VALUES ('01900000-0000-7000-8000-000000000002', 0, 1100, 'debit', 500,
                 '01900000-0000-7000-8000-000000000001', now()),
                ('01900000-0000-7000-8000-000000000002', 1, 1000, 'credit', 500, NULL, now())",
    )
    .execute(database.owner())
    .await
    .unwrap();
    let (code, checked) = check(&database);
    assert_eq!(code, Some(10));
    assert_eq!(checked["differences"][0]["ledger_cents"], 500);
    assert_eq!(checked["unbalanced"], Value::Array(Vec::new()), "by itself the posting balances");
}
