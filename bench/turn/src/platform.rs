//! Our side: the shipped program in sandbox mode, asked over HTTP as a page asks it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::{
    cpu,
    figures::{Span, Timed},
    model::Model,
};

/// How long a start may take: a cluster is made, and customers live through their histories.
const STARTS_WITHIN: Duration = Duration::from_mins(5);

/// The words of the scripted model's answer; the server writes the figures.
const ANSWER: &str =
    "You owe [[r1.total_owed]] in total. Your available credit is [[r1.available_credit]].";

/// What the customer says in each turn.
pub(crate) const QUESTION: &str = "What is my balance?";

/// The program, signed in to as one customer.
pub(crate) struct Platform {
    pub(crate) model: Model,
    program: Child,
    postgres: u32,
    http: reqwest::Client,
    base: String,
    token: String,
    next_key: u32,
    /// Gone when this is, after the program.
    _state: tempfile::TempDir,
}

impl Platform {
    pub(crate) async fn start(program: &Path, root: &Path) -> anyhow::Result<Self> {
        let model = Model::start(ANSWER).await?;
        let state = tempfile::Builder::new().prefix("plumbline-bench-").tempdir()?;
        let log = state.path().join("log");
        let mut program = Command::new(program)
            .args(["serve", "--sandbox", "--port", "0"])
            .env_remove("DATABASE_URL")
            .env("PLUMBLINE_STATE", state.path())
            .env("PLUMBLINE_ROOT", root)
            .env("PLUMBLINE_MODEL", understudy::scripted::MODEL)
            .env("OPENAI_BASE_URL", model.base_url())
            .env("OPENAI_API_KEY", "none")
            .stdin(Stdio::null())
            .stdout(fs::File::create(&log)?)
            .stderr(fs::OpenOptions::new().append(true).open(&log)?)
            .spawn()
            .with_context(|| format!("could not start {}", program.display()))?;
        let base = address(&log, &mut program).await?;
        let postgres = postmaster(state.path())?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let mut platform = Self {
            model,
            program,
            postgres,
            http,
            base,
            token: String::new(),
            next_key: 0,
            _state: state,
        };
        platform.token = platform.sign_in().await?;
        Ok(platform)
    }

    async fn sign_in(&mut self) -> anyhow::Result<String> {
        let people = self.get("/v1/sandbox/people").await?;
        let customers = people["customers"].as_array().context("no customers")?;
        let customer = customers
            .iter()
            .find(|customer| customer["archetype"] == "revolving")
            .context("no revolving customer")?;
        let body = json!({"role": "customer", "id": customer["id"]});
        let session = self.post("/v1/sandbox/sign-in", &body).await?;
        Ok(session["token"].as_str().context("no token")?.to_owned())
    }

    /// What the tool reads, for the other side's table: cents, parts per million, and the day.
    pub(crate) async fn figures(&self) -> anyhow::Result<Value> {
        let position = self.get("/v1/position").await?;
        let line = &position["credit_line"];
        let as_of = position["as_of"].as_str().and_then(|at| at.get(..10));
        Ok(json!({
            "total_owed": position["total_owed_cents"],
            "principal_balance": position["principal_balance_cents"],
            "billed_interest": position["billed_interest_cents"],
            "accrued_interest": position["accrued_interest_cents"],
            "fees": position["fees_cents"],
            "available_credit": position["available_credit_cents"],
            "credit_limit": line["credit_limit_cents"],
            "apr": line["apr_ppm"],
            "as_of": as_of.context("no day")?,
        }))
    }

    pub(crate) async fn open(&mut self) -> anyhow::Result<String> {
        let conversation = self.post("/v1/conversations", &json!({})).await?;
        Ok(conversation["id"].as_str().context("no conversation")?.to_owned())
    }

    /// One turn, from the first byte sent to the last one read.
    pub(crate) async fn turn(&mut self, conversation: &str) -> anyhow::Result<Timed> {
        let key = self.key();
        let request = self
            .http
            .post(format!("{}/v1/conversations/{conversation}/messages", self.base))
            .bearer_auth(&self.token)
            .header("idempotency-key", key)
            .json(&json!({ "text": QUESTION }))
            .build()?;
        self.model.take_spans();
        let begun = Instant::now();
        let response = self.http.execute(request).await?;
        let status = response.status();
        let stream = response.text().await?;
        let turn = Span { begun, ended: Instant::now() };
        let spans = self.model.take_spans();
        ensure!(status.is_success(), "a turn was refused: {status} {stream}");
        ensure!(
            stream.trim_end().ends_with("data: [DONE]")
                && stream.contains("\"get_balance\"")
                && stream.contains("You owe $")
                && spans.len() == 2,
            "this was no turn with one tool and its answer ({} asks): {stream}",
            spans.len()
        );
        Ok(Timed::of(turn, &spans))
    }

    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        cpu::of(self.program.id())
    }

    pub(crate) fn postgres_cpu(&self) -> anyhow::Result<Duration> {
        cpu::with_children(self.postgres)
    }

    fn key(&mut self) -> String {
        self.next_key += 1;
        format!("bench-key-{:08}", self.next_key)
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.token);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    async fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let key = self.key();
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.token);
        let request = request.header("idempotency-key", key).json(body);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

/// However the bench ends, the program is told to stop, and leaves its cluster in order before its folder goes.
impl Drop for Platform {
    fn drop(&mut self) {
        let asked = Command::new("kill").arg(self.program.id().to_string()).status();
        if asked.is_ok_and(|status| status.success()) {
            self.program.wait().ok();
        }
    }
}

/// The address in the log, once the server is ready.
async fn address(log: &Path, program: &mut Child) -> anyhow::Result<String> {
    let begun = Instant::now();
    while begun.elapsed() < STARTS_WITHIN {
        let text = fs::read_to_string(log)?;
        let line = text.lines().find_map(|line| line.trim().strip_prefix("interface"));
        if let Some(address) = line.filter(|_| text.contains("Ctrl-C")) {
            return Ok(address.trim().trim_end_matches("/openapi.json").to_owned());
        }
        if program.try_wait()?.is_some() {
            bail!("the program did not start:\n{text}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the program is not ready after {STARTS_WITHIN:?}")
}

/// The server process of the private cluster.
fn postmaster(state: &Path) -> anyhow::Result<u32> {
    let path: PathBuf = state.join("postgres/server/data/postmaster.pid");
    let text = fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().trim().parse()?)
}
