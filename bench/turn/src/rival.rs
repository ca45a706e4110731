//! The other side: the `OpenAI` Agents SDK in a process of its own (`rival/turn.py`), asked over a pipe.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{
    cpu,
    figures::{Span, Timed},
    model::Model,
    platform::QUESTION,
};

/// The same answer, its figures written out: nobody renders them here.
const ANSWER: &str = "You owe $1,042.17 in total. Your available credit is $2,957.83.";

pub(crate) struct Rival {
    pub(crate) model: Model,
    process: Child,
    pid: u32,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    next_conversation: u32,
    folder: tempfile::TempDir,
}

impl Rival {
    /// Starts with the prompt and the tools that a request of ours held, and the figures that our tool reads.
    pub(crate) async fn start(
        python: &Path,
        script: &Path,
        request: &Value,
        figures: &Value,
    ) -> anyhow::Result<Self> {
        let model = Model::start(ANSWER).await?;
        let folder = tempfile::Builder::new().prefix("plumbline-rival-").tempdir()?;
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("could not start {}", python.display()))?;
        let pid = process.id().context("it ended at once")?;
        let input = process.stdin.take().context("no input")?;
        let output = BufReader::new(process.stdout.take().context("no output")?).lines();
        let mut rival = Self { model, process, pid, input, output, next_conversation: 0, folder };
        let database = rival.folder.path().join("rival.sqlite");
        let ready = rival
            .ask(&json!({
                "base_url": rival.model.base_url(), "instructions": instructions(request),
                "tools": request["tools"], "figures": figures, "database": database,
            }))
            .await?;
        ensure!(ready["ready"] == true, "it did not start: {ready}");
        Ok(rival)
    }

    async fn ask(&mut self, line: &Value) -> anyhow::Result<Value> {
        self.input.write_all(format!("{line}\n").as_bytes()).await?;
        let answer = self.output.next_line().await?.context("the rival ended")?;
        Ok(serde_json::from_str(&answer)?)
    }

    pub(crate) async fn open(&mut self) -> anyhow::Result<String> {
        self.next_conversation += 1;
        let conversation = format!("conversation-{}", self.next_conversation);
        self.ask(&json!({ "open": conversation })).await?;
        Ok(conversation)
    }

    /// One turn, from the line written to the line read.
    pub(crate) async fn turn(&mut self, conversation: &str) -> anyhow::Result<Timed> {
        self.model.take_spans();
        let line = json!({"conversation": conversation, "text": QUESTION});
        let begun = Instant::now();
        let answer = self.ask(&line).await?;
        let turn = Span { begun, ended: Instant::now() };
        let spans = self.model.take_spans();
        ensure!(
            answer["text"] == ANSWER && spans.len() == 2,
            "this was no turn with one tool and its answer ({} asks): {answer}",
            spans.len()
        );
        Ok(Timed::of(turn, &spans))
    }

    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        cpu::of(self.pid)
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.input);
        self.process.wait().await?;
        self.folder.close()?;
        Ok(())
    }
}

/// The system text of a request.
fn instructions(request: &Value) -> String {
    let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let system = messages.iter().filter(|message| message["role"] == "system");
    system.filter_map(|message| message["content"].as_str()).collect::<Vec<_>>().join("\n\n")
}
