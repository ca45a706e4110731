//! `plumbline board` as a person runs it: the sample, the sample again, a file with faults, and the books afterwards.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use store::testing::TestDatabase;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A sandbox without people, and a folder of its own.
struct Sandbox {
    database: TestDatabase,
    folder: tempfile::TempDir,
}

impl Sandbox {
    async fn new() -> Self {
        let database = store::testing::database().await;
        let mut conn = database.store().app().acquire().await.unwrap();
        let morning = "2026-11-23T18:00:00Z".parse().unwrap();
        store::sandbox_clock::save(&mut conn, morning).await.unwrap();
        drop(conn);
        let folder = tempfile::tempdir().unwrap();
        for name in ["prompts", "tools"] {
            symlink(Path::new(PROJECT).join(name), folder.path().join(name)).unwrap();
        }
        fs::create_dir(folder.path().join("worlds")).unwrap();
        Self { database, folder }
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
        for (name, _) in std::env::vars() {
            if name.starts_with("PLUMBLINE_") || name.starts_with("OPENAI_") {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("DATABASE_URL", self.database.url())
            .env("PLUMBLINE_STATE", self.folder.path().join("state"))
            .output()
            .unwrap()
    }

    fn board(&self, file: &str, more: &[&str]) -> (Option<i32>, Value) {
        let named = ["--portfolio", "harbor"];
        let args = [&["board", file, "--sandbox", "--json"][..], &named, more].concat();
        let output = self.run(&args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.stdout.is_empty(), "{said}");
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
    }

    /// `ledger entries` of a line: its exit status, what it answers and what else it says.
    fn entries(&self, line: &[&str]) -> (Option<i32>, String, String) {
        let output = self.run(&[&["ledger", "entries", "--line"][..], line].concat());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    async fn sql(&self, statement: &str) {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        sqlx::raw_sql(statement).execute(self.database.owner()).await.unwrap();
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

const SAMPLE: &str = include_str!("../../../docs/boarding-sample.csv");

fn sample() -> String {
    SAMPLE.to_owned()
}

#[tokio::test]
async fn the_sample_is_boarded_once_and_the_books_add_up() {
    let sandbox = Sandbox::new().await;
    sandbox.file("harbor.csv", &sample());
    let (code, checked) = sandbox.board("harbor.csv", &["--check"]);
    assert_eq!((code, &checked["boarded"]["rows"]), (Some(0), &0.into()), "{checked}");
    let (code, first) = sandbox.board("harbor.csv", &[]);
    assert_eq!((code, &first["boarded"]["rows"]), (Some(0), &5.into()), "{first}");
    assert_eq!(first["boarded"]["principal_cents"], 419_075);
    let (code, again) = sandbox.board("harbor.csv", &[]);
    assert_eq!((code, &again["boarded"]["rows"]), (Some(0), &0.into()));
    assert_eq!(again["boarded_before"]["rows"], 5);
    for args in [["ledger", "check"], ["audit", "check"]] {
        let output = sandbox.run(&args);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
    }
}

#[tokio::test]
async fn a_boarded_line_is_followed_from_its_events_to_the_general_ledger() {
    let sandbox = Sandbox::new().await;
    sandbox.file("harbor.csv", &sample());
    sandbox.board("harbor.csv", &[]);
    sandbox.sql("UPDATE sandbox_clock SET now_at = '2026-12-06T18:00:00Z'").await;
    let closed = sandbox.run(&["close", "--date", "2026-12-06", "--sandbox", "--sandbox"]);
    assert!(closed.status.success(), "{}", String::from_utf8_lossy(&closed.stderr));

    let (code, text, said) = sandbox.entries(&["harbor/HL-10001"]);
    assert_eq!(code, Some(0), "{said}");
    let rows: Vec<Vec<&str>> = text.lines().map(|row| row.split_whitespace().collect()).collect();
    let has = |row: &[&str]| rows.iter().any(|one| one.as_slice() == row);
    for row in [
        &["1100", "principal", "$800.00"][..],
        &["1110", "billed_interest", "$16.31"],
        &["3100", "boarding", "$816.31"],
        &["1110", "billed_interest", "$15.78"],
        &["4000", "interest_income", "$15.78"],
        &["1110", "billed_interest", "$0.00", "$32.09", "$0.00", "$32.09", "Dr"],
    ] {
        assert!(has(row), "{row:?} in {text}");
    }
    assert!(text.contains("statement_issued, event 3, statement"), "{text}");
    assert!(text.contains("the line's entries come to what replaying its"), "{text}");
    assert!(text.ends_with("is none of these entries\n"), "{text}");

    let (code, day, _) =
        sandbox.entries(&["harbor/HL-10001", "--from", "2026-12-05", "--by", "value", "--json"]);
    let day: Value = serde_json::from_str(&day).unwrap();
    assert_eq!((code, &day["ok"], &day["by"]), (Some(0), &true.into(), &"value".into()));
    let posting = &day["postings"][0];
    assert_eq!(posting["event"]["kind"], "statement_issued", "{day}");
    assert_eq!(
        (&posting["entries"][1]["code"], &posting["entries"][1]["credit_cents"]),
        (&"4000".into(), &1_578.into())
    );
    let line = day["credit_line"].as_str().unwrap();
    let (code, none, _) = sandbox.entries(&[line, "--through", "2026-01-31"]);
    assert_eq!(code, Some(0));
    assert!(none.contains("postings booked through 2026-01-31: none"), "{none}");

    let unnamed = sandbox.run(&["ledger", "entries"]);
    let said = String::from_utf8_lossy(&unnamed.stderr).into_owned();
    assert!(unnamed.status.code() == Some(1) && said.contains("--as"), "{said}");
    for (which, why) in [
        ("harbor/HL-9", "boarded under reference HL-9"),
        ("01a20990-9500-7278-8d4b-1a73989c2c8b", "no credit line 01a20990"),
        ("HL-10001", "PORTFOLIO/REFERENCE"),
    ] {
        let (code, _, said) = sandbox.entries(&[which]);
        assert_eq!(code, Some(1));
        assert!(said.contains(why), "{said}");
    }
}

#[tokio::test]
async fn an_entry_of_a_line_that_no_event_explains_is_named_with_both_figures() {
    let sandbox = Sandbox::new().await;
    sandbox.file("harbor.csv", &sample());
    sandbox.board("harbor.csv", &[]);
    let (_, before, _) = sandbox.entries(&["harbor/HL-10001", "--json"]);
    let before: Value = serde_json::from_str(&before).unwrap();
    let line = before["credit_line"].as_str().unwrap();
    // Balanced, and no event of the line.
    sandbox
        .sql(&format!(
            "WITH p AS (
                 INSERT INTO postings (id, kind, effective_on, booked_on, recorded_at)
                 VALUES ('01900000-0000-7000-8000-000000000002', 'forged', '2026-12-01', '2026-12-01', now())
             )
             INSERT INTO entries (posting_id, n, account_code, side, amount_cents, credit_line_id, effective_on, booked_on)
             VALUES ('01900000-0000-7000-8000-000000000002', 0, 1100, 'debit', 500, '{line}', '2026-12-01', '2026-12-01'),
                    ('01900000-0000-7000-8000-000000000002', 1, 1000, 'credit', 500, NULL, '2026-12-01', '2026-12-01')"
        ))
        .await;
    let (code, text, _) = sandbox.entries(&[line]);
    assert_eq!(code, Some(10));
    assert!(
        text.contains("principal is $805.00 in the books and $800.00 by its history"),
        "{text}"
    );
    assert!(text.contains("forged, of no event") && text.contains("do NOT come to"), "{text}");
}

#[tokio::test]
async fn refused_rows_stand_beside_the_file_and_come_in_once_they_are_mended() {
    let sandbox = Sandbox::new().await;
    let spoilt = sample().replacen("800.00,16.31,7.36", "800.00,16.31,7.30", 1);
    sandbox.file("harbor.csv", &spoilt);
    let (code, whole) = sandbox.board("harbor.csv", &["--all-or-nothing"]);
    assert_eq!((code, &whole["boarded"]["rows"]), (Some(10), &0.into()), "{whole}");
    let (code, report) = sandbox.board("harbor.csv", &[]);
    assert_eq!(
        (code, &report["boarded"]["rows"], &report["refused"]["rows"]),
        (Some(10), &4.into(), &1.into())
    );
    assert_eq!(report["faults"][0]["column"], "accrued_interest");

    let refused = sandbox.folder.path().join("harbor.csv.refused.csv");
    assert_eq!(fs::metadata(&refused).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&refused).unwrap();
    assert!(text.contains("refused_because") && text.contains("HL-10001"), "{text}");
    fs::write(&refused, text.replace("7.30", "7.36")).unwrap();
    sandbox.board("harbor.csv", &["--check"]);
    let kept = fs::read_to_string(&refused).unwrap();
    assert!(kept.contains("7.36"), "a check leaves alone what somebody mends: {kept}");
    let (code, mended) = sandbox.board("harbor.csv.refused.csv", &[]);
    assert_eq!(
        (code, &mended["boarded"]["rows"], &mended["portfolio"]),
        (Some(0), &1.into(), &"harbor".into()),
        "{mended}"
    );
}

#[tokio::test]
async fn a_file_by_another_name_boards_nothing_twice_and_none_boards_without_a_portfolio() {
    let sandbox = Sandbox::new().await;
    sandbox.file("harbor.csv", &sample());
    sandbox.file("harbor-copy.csv", &sample());
    let nameless = sandbox.run(&["board", "harbor.csv", "--sandbox", "--json"]);
    assert_eq!(nameless.status.code(), Some(1));
    let said = String::from_utf8_lossy(&nameless.stderr).into_owned();
    assert!(said.contains("--portfolio"), "{said}");
    let (_, first) = sandbox.board("harbor.csv", &[]);
    assert_eq!(first["boarded"]["rows"], 5, "{first}");
    let (_, again) = sandbox.board("harbor-copy.csv", &[]);
    assert_eq!(
        (&again["boarded"]["rows"], &again["boarded_before"]["rows"]),
        (&0.into(), &5.into())
    );
}

#[tokio::test]
async fn sums_that_are_not_those_announced_board_nothing() {
    let sandbox = Sandbox::new().await;
    sandbox.file("harbor.csv", &sample());
    for more in [["--expect-rows", "6"], ["--expect-principal", "4190.76"]] {
        let (code, report) = sandbox.board("harbor.csv", &more);
        assert_eq!((code, &report["boarded"]["rows"]), (Some(10), &0.into()));
        assert_eq!(report["control"].as_array().unwrap().len(), 1, "{report}");
    }
    sandbox.file("cut.csv", &sample().replacen("HL-10002", "TOTAL", 1));
    let (code, report) = sandbox.board("cut.csv", &[]);
    assert_eq!((code, &report["stopped"]), (Some(10), &true.into()), "{report}");
}

#[tokio::test]
async fn two_lines_of_one_person_become_two_customers_and_one_reference_twice_becomes_none() {
    let sandbox = Sandbox::new().await;
    let (names, rest) = SAMPLE.split_once('\n').unwrap();
    let row = rest.lines().next().unwrap();
    let other = row.replacen("HL-10001", "HL-10001-B", 1);
    let twin = row.replacen("HL-10001", "HL-7", 1);
    sandbox.file("harbor.csv", &format!("{names}\n{row}\n{twin}\n{other}\n{twin}\n"));
    let (code, report) = sandbox.board("harbor.csv", &[]);
    assert_eq!((code, &report["boarded"]["rows"]), (Some(10), &2.into()), "{report}");
    assert_eq!(report["refused"]["rows"], 2);
    assert_eq!(report["faults"][0]["wrong"], "rows 2, 4 have the same reference");
    let customers = "SELECT count(*) FROM customers WHERE name = 'Rosa Delgado'";
    let people: i64 =
        sqlx::query_scalar(customers).fetch_one(sandbox.database.owner()).await.unwrap();
    assert_eq!(people, 2);
}

#[tokio::test]
async fn of_a_hundred_thousand_bad_rows_a_few_are_shown_and_all_are_written_down() {
    const ROWS: usize = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let (names, rest) = SAMPLE.split_once('\n').unwrap();
    let row = rest.lines().next().unwrap().replacen("24.00%", "0.24", 1);
    let write = |name: &str, rows: usize| {
        let mut text = format!("{names}\n");
        for n in 1..=rows {
            writeln!(text, "{}", row.replacen("HL-10001", &format!("B-{n}"), 1)).unwrap();
        }
        fs::write(folder.path().join(name), text).unwrap();
    };
    let run = |file: &str, more: &[&str]| {
        let args = [&["board", file, "--check"][..], more].concat();
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
        command.args(args).current_dir(folder.path()).env("PLUMBLINE_STATE", folder.path());
        command.output().unwrap()
    };
    write("bad.csv", ROWS);
    let output = run("bad.csv", &["--faults", "faults.jsonl", "--json"]);
    assert_eq!(output.status.code(), Some(10), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.len() < 1_000_000, "{} bytes", output.stdout.len());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["refused"]["rows"], ROWS);
    assert_eq!(report["faults"].as_array().unwrap().len(), 1_000);
    let lines = fs::File::open(folder.path().join("faults.jsonl")).unwrap();
    let mut found = 0;
    let mut rows = std::collections::BTreeSet::new();
    for line in BufReader::new(lines).lines() {
        let fault: Value = serde_json::from_str(&line.unwrap()).unwrap();
        rows.insert(fault["row"].as_u64().unwrap());
        found += 1;
    }
    assert_eq!((rows.len(), &report["faults_found"]), (ROWS, &found.into()));
    let refused = fs::read_to_string(folder.path().join("bad.csv.refused.csv")).unwrap();
    assert_eq!(refused.lines().count(), ROWS + 1);
    let mode = fs::metadata(folder.path().join("faults.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let taken = run("bad.csv", &["--faults", "bad.csv"]);
    assert_eq!(taken.status.code(), Some(1), "the portfolio is not written over");
    write("few.csv", 60);
    let shown = run("few.csv", &[]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.lines().count() < 70 && shown.contains("... and 10 more faults"), "{shown}");
}

#[tokio::test]
async fn a_pipe_is_refused_since_a_file_is_read_twice() {
    let output = Command::new(env!("CARGO_BIN_EXE_plumbline"))
        .args(["board", "/dev/stdin", "--check"])
        .current_dir(std::env::temp_dir())
        .stdin(std::process::Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("it is read twice"));
}
