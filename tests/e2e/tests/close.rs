//! The day close of the built program, killed with SIGKILL in the middle and started again: each line-day exactly once.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;
use servicing::testing::{boarded, day};
use store::testing::TestDatabase;
use tempfile::TempDir;

/// A sandbox's first morning; the sandbox lives on it.
const DUE_ON: &str = "2026-11-23";

const LINES: i64 = 900;

/// A database, and a state folder that goes with the test.
struct Stage {
    database: TestDatabase,
    state: TempDir,
}

impl Stage {
    fn program(&self, args: &[&str]) -> Command {
        let mut command = Command::new(e2e::program());
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("PLUMBLINE_")) {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .arg("--json")
            .current_dir(e2e::project())
            .env("PLUMBLINE_STATE", self.state.path())
            .env("DATABASE_URL", self.database.url())
            .stdin(Stdio::null());
        command
    }

    fn close(&self, date: &str, pace: &str) -> Command {
        let close = ["close", "--sandbox", "--sandbox", "--date", date];
        self.program(&[&close[..], &["--pace", pace, "--workers", "1"]].concat())
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.database.owner()).await.unwrap()
    }
}

/// Killed as soon as it says that it has done some lines and not all.
fn kill_in_the_middle(mut child: Child) -> bool {
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok) {
        let done = line.strip_suffix(" lines").and_then(|line| line.split_once(" of "));
        if done.is_some_and(|(done, all)| done != "0" && done != all) {
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        said.push_str(&line);
        said.push('\n');
    }
    let ended = child.wait().unwrap();
    assert!(ended.success(), "{said}");
    false
}

fn answer(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[tokio::test]
async fn closes_that_are_killed_are_taken_up_and_each_line_is_worked_off_once() {
    let (database, folder) = (store::testing::database().await, tempfile::tempdir().unwrap());
    let stage = Stage { database, state: folder };
    let mut models = boarded::models(day(DUE_ON));
    models.retain(|model| model.settles_next_on == day(DUE_ON));
    let mut owner = stage.database.owner().acquire().await.unwrap();
    boarded::board(&mut owner, &models, LINES.unsigned_abs()).await.unwrap();

    // Two at a time, one of which is killed.
    let mut killed = 0;
    for _ in 0..2 {
        let start = |pace| {
            let mut command = stage.close(DUE_ON, pace);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let (one, other) = (start("gentle"), start("gentle"));
        let other = std::thread::spawn(move || kill_in_the_middle(other));
        killed += i32::from(kill_in_the_middle(one)) + i32::from(other.join().unwrap());
    }
    assert!(killed > 0, "none was killed in the middle");
    answer(&stage.close(DUE_ON, "full").output().unwrap());
    for sql in [
        "SELECT count(*) FROM line_events WHERE kind = 'statement_issued'",
        "SELECT count(DISTINCT credit_line_id) FROM line_events WHERE kind = 'statement_issued'",
        "SELECT count(*) FROM audit_leaves WHERE kind = 'statement.issued'",
        "SELECT count(DISTINCT stream) FROM outbox WHERE kind = 'statement.issued'",
        "SELECT count(*) FROM outbox WHERE kind = 'statement.issued'",
    ] {
        assert_eq!(stage.count(sql).await, LINES, "{sql}");
    }
    let checked = stage.program(&["ledger", "check"]).output().unwrap();
    assert_eq!(answer(&checked)["ok"], true);

    let again = answer(&stage.close(DUE_ON, "gentle").output().unwrap());
    assert_eq!(again["outcome"], "before");
    let early = stage.close("2026-11-24", "gentle").output().unwrap();
    assert_eq!(early.status.code(), Some(1));
    let said = String::from_utf8_lossy(&early.stderr);
    assert!(said.contains("2026-11-24 has not come: today is 2026-11-23."), "{said}");
}
