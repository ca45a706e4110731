//! Commands that write in several transactions, killed at each of their commits and run again: `plumbline board` and
//! `plumbline close`. Each row is boarded once, each line worked off once, and the second run's report is whole.

use std::{ffi::OsString, fmt::Write as _, fs, path::PathBuf, sync::Arc};

use serde_json::Value;
use servicing::testing::{boarded, day};
use store::testing::TestDatabase;
use tempfile::TempDir;
use tokio::{task::JoinSet, time::timeout};

use crate::{
    after_each,
    gate::{Cut, Ended, Event, Gate, Socket},
    postgres,
    process::{self, Process},
    run_all,
    stage::{PATIENCE, listen, until},
};

/// A sandbox's first morning.
const TODAY: &str = "2026-11-23";

/// Good rows, rows with a fault, and rows that share a reference.
const GOOD: i64 = 150;
const BAD: i64 = 3;
const TWINS: i64 = 2;

/// Lines with a statement to be issued: three chunks.
const LINES: i64 = 260;

/// A command that is killed.
#[derive(Clone, Copy, Debug)]
enum Work {
    Board,
    BoardWhole,
    Close,
}

/// A database with what the command works on, and a folder that goes with the test.
struct House {
    work: Work,
    database: TestDatabase,
    folder: TempDir,
}

/// What a command said, where it ended by itself.
struct Said {
    passed: Vec<Event>,
    fired: bool,
}

impl House {
    async fn new(work: Work) -> Self {
        let database = store::testing::database().await;
        let folder = process::folder("plumbline-batch-");
        e2e::small_project(&folder.path().join("project"), |_| 0, &[]);
        match work {
            Work::Board | Work::BoardWhole => {
                let mut conn = database.owner().acquire().await.unwrap();
                let morning = format!("{TODAY}T18:00:00Z").parse().unwrap();
                store::sandbox_clock::save(&mut conn, morning).await.unwrap();
                fs::write(folder.path().join("harbor.csv"), portfolio(matches!(work, Work::Board)))
                    .unwrap();
            }
            Work::Close => {
                let mut models = boarded::models(day(TODAY));
                models.retain(|model| model.settles_next_on == day(TODAY));
                let mut owner = database.owner().acquire().await.unwrap();
                boarded::board(&mut owner, &models, LINES.unsigned_abs()).await.unwrap();
            }
        }
        Self { work, database, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn name(&self) -> String {
        self.database.url().split(['/', '?']).nth(3).unwrap().to_owned()
    }

    fn args(&self) -> Vec<OsString> {
        let file = self.path("harbor.csv").into_os_string();
        let board = ["--sandbox", "--json", "--portfolio", "harbor"];
        let more: &[&str] = match self.work {
            Work::Board => &board,
            Work::BoardWhole => &[&board[..], &["--all-or-nothing"]].concat(),
            Work::Close => {
                let close = ["close", "--sandbox", "--sandbox", "--json", "--date", TODAY];
                let close = [&close[..], &["--pace", "full", "--workers", "1"]].concat();
                return close.into_iter().map(OsString::from).collect();
            }
        };
        let mut args = vec![OsString::from("board"), file];
        args.extend(more.iter().map(OsString::from));
        args
    }

    fn env(&self, database_url: &str) -> [(&'static str, OsString); 3] {
        [
            ("PLUMBLINE_STATE", self.path("state").into()),
            ("PLUMBLINE_ROOT", self.path("project").into()),
            ("DATABASE_URL", database_url.into()),
        ]
    }

    /// Runs the command behind the proxy until it ends or is killed.
    async fn run_cut(&self, cut: Option<Cut>) -> Said {
        let gate = Arc::new(Gate::new(cut));
        gate.arm(true);
        let (listener, address) = listen().await;
        let url = format!("postgres://plumbline_owner@{address}/{}?sslmode=disable", self.name());
        gate.guard(Process::spawn(&self.args(), &self.env(&url)));
        // Only now does anybody answer it: whoever is to be killed is known.
        let mut proxies = JoinSet::new();
        let socket = self.database.socket().unwrap();
        proxies.spawn(postgres::proxy(Arc::clone(&gate), listener, socket));
        let ended = until("the command's end", || async { gate.ended() }).await;
        let log = gate.log();
        assert!(gate.fired() || ended == Ended::With(self.good_end()), "{ended:?}: {log}");
        gate.kill().await;
        drop(proxies);
        self.left().await;
        Said { passed: gate.passed(), fired: gate.fired() }
    }

    /// What a run that nobody disturbs ends with: of the portfolio some rows are refused.
    const fn good_end(&self) -> i32 {
        if matches!(self.work, Work::Board) { 10 } else { 0 }
    }

    /// What a killed program left open is rolled back once nobody but us is connected.
    async fn left(&self) {
        let (name, owner) = (self.name(), self.database.owner());
        until("the killed command's connections to end", || async {
            let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1";
            let connected: i64 =
                sqlx::query_scalar(sql).bind(&name).fetch_one(owner).await.unwrap();
            (connected <= i64::from(owner.size())).then_some(())
        })
        .await;
    }

    /// Runs a command undisturbed; its answer.
    async fn run(&self, args: &[OsString], code: i32) -> Value {
        let output = process::command()
            .args(args)
            .envs(self.env(&self.database.url()))
            .current_dir(e2e::project())
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.database.owner()).await.unwrap()
    }

    /// Runs it once more and looks at what stands there then.
    async fn finish(&self) {
        let answer = self.run(&self.args(), self.good_end()).await;
        match self.work {
            Work::Board | Work::BoardWhole => self.check_boarded(&answer).await,
            Work::Close => self.check_closed().await,
        }
        for check in ["ledger", "audit"] {
            let args = [check, "check", "--json"].map(OsString::from);
            self.run(&args, 0).await;
        }
    }

    async fn check_boarded(&self, report: &Value) {
        let rows = |what: &str| report[what]["rows"].as_i64().unwrap();
        let refused = if matches!(self.work, Work::Board) { BAD + TWINS } else { 0 };
        assert_eq!(rows("read"), GOOD + refused);
        assert_eq!(rows("boarded") + rows("boarded_before"), GOOD, "{report}");
        assert_eq!(rows("refused"), refused);
        for (sql, each) in [
            ("SELECT count(*) FROM boarded_lines", 1),
            (
                "SELECT count(DISTINCT reference) FROM boarded_lines b JOIN credit_lines l ON l.id = b.credit_line_id",
                1,
            ),
            ("SELECT count(*) FROM credit_lines", 1),
            ("SELECT count(*) FROM customers", 1),
            ("SELECT count(*) FROM bank_account_numbers", 1),
            ("SELECT count(*) FROM line_events", 2),
            ("SELECT count(*) FROM audit_leaves WHERE kind = 'line.opened'", 1),
            ("SELECT count(*) FROM outbox WHERE kind = 'line.opened'", 1),
        ] {
            assert_eq!(self.count(sql).await, GOOD * each, "{sql}");
        }
        let refused_file = self.path("harbor.csv.refused.csv");
        assert!(!self.path("harbor.csv.refused.csv.part").exists());
        if refused == 0 {
            assert!(!refused_file.exists());
        } else {
            let text = fs::read_to_string(refused_file).unwrap();
            let lines = i64::try_from(text.lines().count()).unwrap();
            assert_eq!(lines, refused + 1, "each refused row, once");
        }
    }

    async fn check_closed(&self) {
        for sql in [
            "SELECT count(*) FROM line_events WHERE kind = 'statement_issued'",
            "SELECT count(DISTINCT credit_line_id) FROM line_events WHERE kind = 'statement_issued'",
            "SELECT count(*) FROM audit_leaves WHERE kind = 'statement.issued'",
            "SELECT count(DISTINCT stream) FROM outbox WHERE kind = 'statement.issued'",
            "SELECT count(*) FROM outbox WHERE kind = 'statement.issued'",
        ] {
            assert_eq!(self.count(sql).await, LINES, "{sql}");
        }
        assert_eq!(self.count("SELECT count(*) FROM days_closed").await, 1);
    }
}

/// Long rows: about seventy go together. The bad ones and the twins stand among the good ones, or are left out.
fn portfolio(with_bad: bool) -> String {
    let sample = fs::read_to_string(e2e::project().join("docs/boarding-sample.csv")).unwrap();
    let mut lines = sample.lines();
    let (names, row) = (lines.next().unwrap(), lines.next().unwrap());
    let padding = "x".repeat(60_000);
    let mut text = format!("{names},refused_because\n");
    let mut write = |reference: &str, row: &str| {
        let row = row.replacen("HL-10001", reference, 1);
        writeln!(text, "{row},{padding}").unwrap();
    };
    for n in 1..=GOOD {
        write(&format!("K-{n}"), row);
        if with_bad && n % (GOOD / BAD) == 7 {
            write(&format!("B-{n}"), &row.replacen("7.36", "7.35", 1));
        }
        if with_bad && (n == 10 || n == GOOD - 1) {
            write("T-1", row);
        }
    }
    text
}

/// One run with a cut, and one to finish it.
async fn cut_run(work: Work, cut: Option<Cut>) -> Result<Vec<Event>, String> {
    let run = async {
        let house = House::new(work).await;
        let said = house.run_cut(cut).await;
        house.finish().await;
        said
    };
    let said = timeout(PATIENCE, run).await.map_err(|_| "it hangs".to_owned())?;
    if cut.is_some() && !said.fired {
        return Err(format!("never came to it: {:#?}", said.passed));
    }
    Ok(said.passed)
}

/// Kills the command after each of its commits, and before the first.
async fn killed_everywhere(work: Work, at_least: usize) {
    let passed = cut_run(work, None).await.unwrap();
    let commits = passed.iter().filter(|event| event.socket == Socket::Postgres).count();
    let names: Vec<&str> = passed.iter().map(|event| event.what.as_str()).collect();
    eprintln!("{work:?}: {} events: {}", passed.len(), names.join(", "));
    assert!(commits >= at_least, "{passed:?}");
    let cuts = after_each(Socket::Postgres, commits).into_iter().map(Some).collect();
    let (done, failures) =
        run_all(cuts, move |cut| async move { cut_run(work, cut).await.map(drop) }).await;
    assert!(failures.is_empty(), "of {done} runs:\n\n{}", failures.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn boarding_that_is_killed_at_any_commit_boards_each_row_once_in_the_end() {
    killed_everywhere(Work::Board, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boarding_all_or_nothing_that_is_killed_has_boarded_all_or_nothing() {
    killed_everywhere(Work::BoardWhole, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_that_is_killed_at_any_commit_works_each_line_off_once_in_the_end() {
    killed_everywhere(Work::Close, 4).await;
}
