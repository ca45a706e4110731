//! The commands as a person or a script runs them: the built program, its output and its exit status.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use serde_json::Value;
use store::testing::TestDatabase;

fn plumbline(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
    command.args(args).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    for (name, _) in std::env::vars() {
        let ours = name.starts_with("PLUMBLINE_") || name.starts_with("OPENAI_");
        if ours || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
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
    // What a rule cites can be looked up: in the law, or in this repository.
    let derivations = line["derivations"].to_string();
    assert!(derivations.contains("12 CFR 1026.7(b)") && derivations.contains("docs/engine.md"));
    assert!(!derivations.contains("SPEC"), "{derivations}");
}

#[test]
fn who_stops_reading_has_read_enough() {
    let quiet = |args: &[&str]| {
        let piped = plumbline(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = piped.unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{args:?}");
    };
    quiet(&["simulate", SCENARIO, "--json"]);
    quiet(&["simulate", SCENARIO]);
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

    // Elsewhere: it names the whole path, and what to do.
    let elsewhere = tempfile::tempdir().unwrap();
    let here = elsewhere.path().canonicalize().unwrap();
    for (args, named, todo) in [
        (&["prompt", "show"][..], "prompts", "PLUMBLINE_ROOT"),
        (&["policy", "search", "late fee"], "prompts", "checkout"),
        (&["simulate", SCENARIO], SCENARIO, "could not read"),
    ] {
        let output = plumbline(args).current_dir(&here).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        let path = here.join(named);
        assert!(said.contains(path.to_str().unwrap()) && said.contains(todo), "{said}");
    }

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

#[test]
fn what_is_served_unattested_is_named_part_by_part() {
    let state = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(state.path().join("models/minilm")).unwrap();
    let show = |args: &[&str]| {
        plumbline(args)
            .env("PLUMBLINE_STATE", state.path())
            .env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
            .env("PLUMBLINE_MODEL", "another-model")
            .output()
            .unwrap()
    };
    let shown = json(&show(&["prompt", "show", "--json"]));
    let serving = &shown["serving"];
    assert_eq!(
        (&serving["attested"], &serving["unattested"]["reason"]),
        (&false.into(), &"differs".into())
    );
    let differences = serving["unattested"]["differences"].as_array().unwrap();
    let of = |part: &str| differences.iter().find(|one| one["part"] == part);
    let model = of("model").unwrap();
    assert_eq!(
        (&model["served"], &model["judged"]),
        (&"another-model".into(), &"understudy-1".into())
    );
    assert_eq!(of("embedder").unwrap()["served"], "none", "its files are not here");
    assert!(of("prompt").is_none(), "what is promoted is what was judged");

    let text = String::from_utf8(show(&["prompt", "show"]).stdout).unwrap();
    assert!(text.contains("UNATTESTED"), "{text}");
    let row = text.lines().find(|line| line.trim_start().starts_with("model ")).unwrap();
    assert!(row.contains("another-model") && row.contains("understudy-1"), "{text}");
}

/// All that a live server must be told.
const LENDER: [(&str, &str); 16] = [
    ("PLUMBLINE_ZONE", "America/New_York"),
    ("PLUMBLINE_BANK_URL", "http://127.0.0.1:1"),
    ("PLUMBLINE_ACH_COMPANY_NAME", "HARBOR LENDING"),
    ("PLUMBLINE_ACH_COMPANY_ID", "0987654321"),
    ("PLUMBLINE_ACH_ROUTING", "011000015"),
    ("PLUMBLINE_ACH_BANK_ROUTING", "021000021"),
    ("PLUMBLINE_ACH_BANK_NAME", "FIRST HARBOR BANK"),
    (
        "PLUMBLINE_BANK_NUMBER_KEYS",
        concat!("2026-1:", "00112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeff"),
    ),
    ("PLUMBLINE_LENDER_NAME", "Harbor Lending"),
    ("PLUMBLINE_LENDER_ADDRESS", "2 Harbor Street; Boston, MA 02110"),
    ("PLUMBLINE_LENDER_PHONE", "18005550123"),
    ("PLUMBLINE_CREDIT_COUNSELING_PHONE", "18005550142"),
    ("PLUMBLINE_LENDER_REGULATOR", "Federal Trade Commission, Equal Credit Opportunity"),
    ("PLUMBLINE_LENDER_REGULATOR_ADDRESS", "Washington, DC 20580"),
    ("PLUMBLINE_MAIL_URL", "smtp://127.0.0.1:9"),
    ("PLUMBLINE_MAIL_FROM", "Lender <service@lender.example>"),
];

#[test]
fn a_live_server_does_not_start_before_it_is_told_whose_it_is_and_names_all_that_is_missing() {
    let state = tempfile::tempdir().unwrap();
    let serve = |settings: &[(&str, &str)]| {
        let mut command = plumbline(&["serve", "--port", "0"]);
        command.env("PLUMBLINE_STATE", state.path()).envs(settings.iter().copied());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        stderr(&output)
    };
    let named = |said: &str| -> Vec<&str> {
        LENDER.iter().map(|(name, _)| *name).filter(|name| said.contains(*name)).collect()
    };
    let all: Vec<&str> = LENDER.iter().map(|(name, _)| *name).collect();
    assert_eq!(named(&serve(&[])), all);

    // The stand-in answers where it is asked for, and nowhere else.
    let said = serve(&LENDER);
    assert!(said.contains("OPENAI_BASE_URL") && said.contains("PLUMBLINE_STAND_IN"), "{said}");
    assert!(named(&said).is_empty(), "{said}");
    let unnamed = [&LENDER[..], &[("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")]].concat();
    assert!(serve(&unnamed).contains("PLUMBLINE_MODEL"));
    let asked_for = serve(&[("PLUMBLINE_STAND_IN", "true")]);
    assert!(!asked_for.contains("OPENAI_BASE_URL"), "{asked_for}");

    // What is there is not asked for again, what is wrong is: a zone that is none, an address without its scheme, a check
    // digit that does not fit.
    let mut settings = LENDER;
    settings[0].1 = "Mars/Olympus_Mons";
    settings[1].1 = "ach.bank.example:9100";
    settings[3].1 = "";
    settings[5].1 = "021000022";
    settings[7].1 = "2026-1:0011223344556677";
    let said = serve(&settings);
    let wrong = [LENDER[0].0, LENDER[1].0, LENDER[3].0, LENDER[5].0, LENDER[7].0];
    assert!(!said.contains("0011223344556677"), "{said}");
    assert_eq!(named(&said), wrong, "{said}");

    let mut settings = [&LENDER[..], &[("PLUMBLINE_STAND_IN", "true")]].concat();
    settings[2].1 = "HARBOR LENDING COMPANY";
    assert!(serve(&settings).contains("company name"));
    assert!(std::fs::read_dir(state.path()).unwrap().next().is_none(), "nothing was begun");
}

#[tokio::test]
async fn a_live_server_reckons_by_what_it_was_told() {
    let database = store::testing::database().await;
    let state = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(state.path().join("models/minilm")).unwrap();
    let mut server = plumbline(&["serve", "--port", "0", "--json"])
        .env("PLUMBLINE_STATE", state.path())
        .env("DATABASE_URL", database.url())
        .env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
        .env("PLUMBLINE_MODEL", "nobody")
        .envs(LENDER)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (ready, mut rest) = first_line(&mut server);
    let address = ready["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request =
        format!("GET /v1/status HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    let mut more = String::new();
    rest.read_to_string(&mut more).unwrap();
    assert_eq!(more, "", "one line and nothing else");
    assert_eq!((&ready["mode"], &ready["released"]), (&"live".into(), &false.into()));
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let told = (&body["mode"], &body["zone"], &body["clock"]);
    assert_eq!(told, (&"live".into(), &"America/New_York".into(), &"system".into()));
}

#[test]
fn a_file_that_is_no_bundle_is_the_callers_mistake_and_not_a_failed_verification() {
    let folder = tempfile::tempdir().unwrap();
    let verify = |text: &str| {
        let file = folder.path().join("file.json");
        std::fs::write(&file, text).unwrap();
        let output = run(&["audit", "verify", file.to_str().unwrap()]);
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr(&output),
        )
    };
    for (text, found) in [
        ("", "it is empty"),
        ("{}", "JSON of another form"),
        ("id,name\n1,Ann\n", "line 1 cannot be read"),
    ] {
        let (code, answer, said) = verify(text);
        assert_eq!((code, answer.as_str()), (Some(1), ""), "{said}");
        assert!(said.contains("is not an audit bundle") && said.contains(found), "{said}");
        assert!(
            said.contains("plumbline-audit-bundle/1") && said.contains("audit export"),
            "{said}"
        );
    }
    // What was one and is broken is one that does not verify.
    let (code, answer, _) = verify("{\"format\": \"plumbline-audit-bundle/1\", ");
    assert_eq!(code, Some(10));
    assert!(answer.contains("NOT verified"), "{answer}");
}

#[tokio::test]
async fn a_conversation_that_is_not_on_record_is_the_callers_mistake() {
    let database = store::testing::database().await;
    let state = tempfile::tempdir().unwrap();
    let id = "01a20990-9500-7278-8d4b-1a73989c2c8b";
    let output = plumbline(&["audit", "export", id])
        .env("PLUMBLINE_STATE", state.path())
        .env("DATABASE_URL", database.url())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains(&format!("no conversation {id}")), "{}", stderr(&output));
}

/// The one line that a server prints once it listens, and what follows it.
fn first_line(server: &mut Child) -> (Value, BufReader<ChildStdout>) {
    let mut out = BufReader::new(server.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    (serde_json::from_str(&line).unwrap(), out)
}

#[test]
fn a_counterpart_tells_a_script_where_it_listens_in_one_line() {
    for (what, base_url) in [("bank", false), ("model", true)] {
        let mut server = plumbline(&["sandbox", what, "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (ready, mut rest) = first_line(&mut server);
        let url = ready["url"].as_str().unwrap();
        TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
        let mut more = String::new();
        rest.read_to_string(&mut more).unwrap();
        assert_eq!((ready["what"].as_str(), more.as_str()), (Some(what), ""));
        assert_eq!(ready["openai_base_url"] == format!("{url}/v1"), base_url, "{ready}");
    }
}

#[test]
fn a_talk_for_a_script_has_to_be_told_what_to_say() {
    let output = run(&["chat", "--as", "Maria Alvarez", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(error["error"].as_str().unwrap().contains("--say"), "{error}");
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

    // Balanced, and on a line without the history that it should have, past the database's own checks.
    sqlx::raw_sql(
        "SET session_replication_role = replica;
         INSERT INTO line_heads VALUES ('01900000-0000-7000-8000-000000000001', 1);
         RESET session_replication_role;
         WITH p AS (
             INSERT INTO postings (id, kind, effective_on, booked_on, recorded_at)
             VALUES ('01900000-0000-7000-8000-000000000002', 'forged', '2026-10-01', '2026-10-01', now())
         )
         INSERT INTO entries (posting_id, n, account_code, side, amount_cents, credit_line_id, effective_on, booked_on)
         VALUES ('01900000-0000-7000-8000-000000000002', 0, 1100, 'debit', 500,
                 '01900000-0000-7000-8000-000000000001', '2026-10-01', '2026-10-01'),
                ('01900000-0000-7000-8000-000000000002', 1, 1000, 'credit', 500, NULL, '2026-10-01', '2026-10-01')",
    )
    .execute(database.owner())
    .await
    .unwrap();
    let (code, checked) = check(&database);
    assert_eq!(code, Some(10));
    assert_eq!(checked["differences"][0]["ledger_cents"], 500);
    assert_eq!(checked["unbalanced"], Value::Array(Vec::new()), "by itself the posting balances");
}

#[tokio::test]
async fn a_month_is_accrued_closed_and_read_from_the_command_line() {
    let database = store::testing::database().await;
    let state = tempfile::tempdir().unwrap();
    sqlx::raw_sql(
        "INSERT INTO sandbox_clock (now_at) VALUES ('2026-11-03T18:00:00Z');
         WITH p AS (
             INSERT INTO postings (id, kind, effective_on, booked_on, recorded_at)
             VALUES ('01900000-0000-7000-8000-000000000002', 'moved', '2026-10-05', '2026-10-05', '2026-10-05T12:00:00Z')
         )
         INSERT INTO entries (posting_id, n, account_code, side, amount_cents, effective_on, booked_on)
         VALUES ('01900000-0000-7000-8000-000000000002', 0, 1000, 'debit', 500, '2026-10-05', '2026-10-05'),
                ('01900000-0000-7000-8000-000000000002', 1, 4190, 'credit', 500, '2026-10-05', '2026-10-05')",
    )
    .execute(database.owner())
    .await
    .unwrap();
    let ledger = |args: &[&str]| {
        let mut command = plumbline(&["ledger"]);
        command.args(args).env("DATABASE_URL", database.url()).env("PLUMBLINE_STATE", state.path());
        command.output().unwrap()
    };

    let chart = String::from_utf8(ledger(&["chart"]).stdout).unwrap();
    assert!(chart.contains("4030") && chart.contains("interest_true_ups"), "{chart}");

    let accrued = ledger(&["accrue", "--through", "2026-10-31", "--json"]);
    assert_eq!(accrued.status.code(), Some(0), "{}", stderr(&accrued));
    assert_eq!(json(&accrued)["through"], "2026-10-31");

    let days = json(&ledger(&["accruals", "--from", "2026-10-31", "--json"]));
    let days = days["days"].as_array().unwrap();
    assert_eq!(
        (days.len(), &days[0]["day"], &days[0]["accrued_cents"]),
        (1, &"2026-10-31".into(), &0.into())
    );
    assert_eq!(
        ledger(&["accruals", "--from", "2026-10-31", "--through", "2026-10-01"]).status.code(),
        Some(1)
    );

    let early = ledger(&["close", "--period", "2026-11"]);
    assert_eq!(early.status.code(), Some(1));
    assert!(stderr(&early).contains("is not over"), "{}", stderr(&early));
    let closed = ledger(&["close", "--period", "2026-10", "--json"]);
    assert_eq!(closed.status.code(), Some(0), "{}", stderr(&closed));
    assert!(stderr(&ledger(&["close", "--period", "2026-10"])).contains("was closed"));
    assert_eq!(ledger(&["close", "--period", "2026-13"]).status.code(), Some(1));

    let balance = ledger(&["trial-balance", "--json"]);
    assert_eq!(balance.status.code(), Some(0), "{}", stderr(&balance));
    let balance = json(&balance);
    assert_eq!(balance["brought_forward_from"], "2026-10-01");
    assert_eq!(balance["accounts"][0]["brought_forward_cents"], 500);
    let before = ledger(&["trial-balance", "--known-at", "2026-10-04T00:00:00Z", "--json"]);
    assert_eq!(json(&before)["accounts"], Value::Array(Vec::new()));
}
