//! One run of "pay $50", or of a draw, on a copy of the prepared database, with a cut or without one.
//!
//! The customer does what a page does: a request that was not answered is sent again once the server is back, with the
//! same key; an answer that was cut short is read from the conversation.

use std::{fs, sync::Arc};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    gate::{Cut, Event, Gate, Socket},
    http, postgres,
    process::Process,
    record::{Record, Rows},
    stage::{Copy, LOOK_AGAIN, PATIENCE, Stage, Surroundings, TODAY, all_sequenced, listen, until},
};

/// What the customer types.
pub(crate) const ASK: &str = "pay $50 next Friday from my checking account";

/// That Friday, and the next banking day, by which it has settled.
const DUE: &str = "2026-12-04";
pub(crate) const SETTLED: &str = "2026-12-07";

/// The banking day on which the file of a draw leaves.
const DRAWN: &str = "2026-11-30";

pub(crate) struct Run<'s> {
    stage: &'s Stage,
    copy: Copy,
    state: TempDir,
    gate: Arc<Gate>,
    around: Surroundings,
    bank: Process,
    base: String,
    http: reqwest::Client,
    restarted: bool,
    sequencing: bool,
    _proxies: JoinSet<()>,
}

/// What a run left behind.
pub(crate) struct Left {
    pub(crate) record: Record,
    pub(crate) rows: Rows,
    pub(crate) bank: Value,
    pub(crate) passed: Vec<Event>,
    pub(crate) fired: bool,
}

/// Signed in.
pub(crate) struct Token(String);

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.text).unwrap()
    }

    /// The status and code of a refusal.
    #[track_caller]
    pub(crate) fn problem(&self) -> (u16, String) {
        let problem: Value = serde_json::from_str(&self.text).unwrap();
        (self.status, problem["code"].as_str().unwrap_or_default().to_owned())
    }
}

impl<'s> Run<'s> {
    pub(crate) async fn begin(stage: &'s Stage, cut: Option<Cut>) -> Self {
        let copy = stage.copy().await;
        let home = stage.state();
        let bank = stage.bank(home.path(), TODAY).await;
        let gate = Arc::new(Gate::new(cut));
        let mut proxies = JoinSet::new();
        let (listener, postgres) = listen().await;
        proxies.spawn(postgres::proxy(Arc::clone(&gate), listener, stage.socket()));
        let (listener, to_bank) = listen().await;
        proxies.spawn(http::proxy(Arc::clone(&gate), Socket::Bank, listener, bank.address.clone()));
        let (listener, to_model) = listen().await;
        proxies.spawn(http::proxy(Arc::clone(&gate), Socket::Model, listener, stage.model()));
        let around = Surroundings {
            database_url: format!(
                "postgres://plumbline_owner@{postgres}/{}?sslmode=disable",
                copy.name
            ),
            bank: format!("http://{to_bank}"),
            model: format!("http://{to_model}"),
            state: home.path().to_owned(),
        };
        let server = stage.serve(&around).await;
        let base = server.address.clone();
        gate.guard(server);
        gate.arm(true);
        Self {
            stage,
            copy,
            state: home,
            gate,
            around,
            bank,
            base,
            http: reqwest::Client::new(),
            restarted: false,
            sequencing: cut.is_some_and(|cut| cut.socket == Socket::Sequencer),
            _proxies: proxies,
        }
    }

    /// Starts the server again if it was killed; answers whether it had to.
    async fn restart(&mut self) -> bool {
        if !self.gate.fired() || self.restarted {
            return false;
        }
        self.gate.kill().await;
        self.stage.left(&self.copy.name).await;
        let server = self.stage.serve(&self.around).await;
        self.base.clone_from(&server.address);
        self.gate.guard(server);
        self.restarted = true;
        true
    }

    /// Sends a request until it is answered: twice, if the server dies over it.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        who: Option<&Token>,
        key: &str,
        body: Option<&Value>,
    ) -> Answer {
        loop {
            let url = format!("{}{path}", self.base);
            let mut request = self.http.request(method.clone(), url);
            if let Some(Token(token)) = who {
                request = request.bearer_auth(token);
            }
            if method == Method::POST {
                request = request.header("idempotency-key", key);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            let answered = async {
                let response = request.send().await?;
                let status = response.status().as_u16();
                Ok::<_, reqwest::Error>(Answer { status, text: response.text().await? })
            };
            match answered.await {
                Ok(answer) => return answer,
                Err(error) => {
                    assert!(
                        self.restart().await,
                        "{method} {path}: {error:?}\n{}",
                        self.gate.log()
                    );
                }
            }
        }
    }

    pub(crate) async fn get(&mut self, who: &Token, path: &str) -> Value {
        self.send(Method::GET, path, Some(who), "", None).await.ok()
    }

    pub(crate) async fn post(
        &mut self,
        who: &Token,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Answer {
        self.send(Method::POST, path, Some(who), key, Some(body)).await
    }

    pub(crate) async fn sign_in(&mut self) -> Token {
        let body = json!({ "role": "customer", "id": self.stage.customer });
        let path = "/v1/sandbox/sign-in";
        let signed_in = self.send(Method::POST, path, None, "sign-in", Some(&body)).await.ok();
        Token(signed_in["token"].as_str().unwrap().to_owned())
    }

    /// Asks for the payment; the conversation and the proposal.
    pub(crate) async fn propose(&mut self, who: &Token) -> (String, String) {
        let started =
            self.post(who, "/v1/conversations", "key-conversation", &json!({})).await.ok();
        let conversation = format!("/v1/conversations/{}", started["id"].as_str().unwrap());
        self.step().await;
        let path = format!("{conversation}/messages");
        let turn = self.post(who, &path, "key-message", &json!({ "text": ASK })).await;
        assert_eq!(turn.status, 200, "{turn:?}");
        let mut view = self.get(who, &conversation).await;
        let begun = Instant::now();
        while view["answering"] == true {
            assert!(begun.elapsed() < PATIENCE, "no answer: {view}\n{}", self.gate.log());
            tokio::time::sleep(LOOK_AGAIN).await;
            view = self.get(who, &conversation).await;
        }
        let last = view["messages"].as_array().unwrap().last().unwrap().clone();
        let intent = &last["intents"][0];
        assert_eq!(intent["status"], "awaiting_confirmation", "{view}\n{}", self.gate.log());
        (conversation, intent["id"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn move_clock(&mut self, to: &str) {
        let path = "/v1/sandbox/clock";
        let moved = self.send(Method::POST, path, None, "clock", Some(&json!({ "to": to }))).await;
        moved.ok();
    }

    /// Where the sequencer's commits are counted, each step waits for one.
    async fn step(&mut self) {
        if self.sequencing {
            self.sequenced().await;
        }
    }

    /// Waits until the log is whole, whether or not the server dies meanwhile.
    async fn sequenced(&mut self) {
        let (pool, gate) = (self.copy.pool.clone(), Arc::clone(&self.gate));
        loop {
            let restarted = self.restarted;
            until("the log's sequencer", || async {
                let dead = gate.fired() && !restarted;
                if dead { Some(()) } else { all_sequenced(&pool).await }
            })
            .await;
            if !self.restart().await {
                return;
            }
        }
    }

    /// "Pay $50", from the words to the money.
    pub(crate) async fn pay(mut self) -> Left {
        let who = self.sign_in().await;
        let (conversation, intent) = self.propose(&who).await;
        self.step().await;
        let sheet = self.get(&who, &format!("/v1/intents/{intent}")).await;
        let path = format!("/v1/intents/{intent}/confirm");
        let receipt = self.post(&who, &path, "key-confirm", &json!({})).await.ok();
        self.step().await;
        self.move_clock(DUE).await;
        self.step().await;
        self.move_clock(SETTLED).await;
        self.sequenced().await;
        let mut seen = vec![("seen sheet", sheet), ("seen receipt", receipt)];
        let who = self.sign_in().await;
        for path in ["/v1/payments", "/v1/transactions", "/v1/position", &conversation] {
            seen.push(("seen", self.get(&who, path).await));
        }
        self.end(seen).await
    }

    /// Draws $50 by file, from the request to the money.
    pub(crate) async fn draw(mut self) -> Left {
        let who = self.sign_in().await;
        let accounts = self.get(&who, "/v1/bank-accounts").await;
        let account = &accounts["items"][0]["id"];
        let ask = json!({ "amount_cents": 5_000, "bank_account_id": account });
        let receipt = self.post(&who, "/v1/draws", "key-draw", &ask).await.ok();
        self.step().await;
        self.move_clock(DRAWN).await;
        self.step().await;
        self.move_clock(SETTLED).await;
        self.sequenced().await;
        let mut seen = vec![("seen receipt", receipt)];
        let who = self.sign_in().await;
        for path in ["/v1/draws", "/v1/transactions", "/v1/position"] {
            seen.push(("seen", self.get(&who, path).await));
        }
        self.end(seen).await
    }

    /// Ends the run and reads what it left.
    pub(crate) async fn end(self, mut seen: Vec<(&str, Value)>) -> Left {
        self.gate.arm(false);
        self.gate.kill().await;
        self.bank.kill().await;
        let stage = self.stage;
        stage.left(&self.copy.name).await;
        for args in [["ledger", "check"], ["audit", "check"]] {
            let (content, said) = stage.check(&self.copy, self.state.path(), &args).await;
            assert!(content, "{args:?}: {said}");
        }
        let rows = Rows::read(&self.copy.pool).await.since(&stage.before);
        let bank =
            debits(&fs::read_to_string(self.state.path().join("bank.json")).unwrap_or_default());
        seen.push(("bank", bank.clone()));
        let record = Record::of(&rows, &seen, &stage.before);
        stage.drop_copy(self.copy).await;
        let (passed, fired) = (self.gate.passed(), self.gate.fired());
        Left { record, rows, bank, passed, fired }
    }

    pub(crate) const fn pool(&self) -> &sqlx::PgPool {
        &self.copy.pool
    }
}

/// The entries of every file the bank has: what it was told to take, from whom, and what became of it.
fn debits(books: &str) -> Value {
    let books: Value = serde_json::from_str(books).unwrap_or_else(|_| json!({ "files": {} }));
    let mut found = Vec::new();
    for file in books["files"].as_object().unwrap().values() {
        let lines: Vec<&str> = file["contents"].as_str().unwrap().lines().collect();
        let batch = lines.iter().find(|line| line.starts_with('5')).unwrap();
        for line in lines.iter().filter(|line| line.starts_with('6')) {
            // Kept by number, without the zeros before it.
            let entry = &file["entries"][line[79..94].trim_start_matches('0')];
            found.push(json!({
                "received_on": file["received_on"], "effective": &batch[69..75], "code": &line[1..3],
                "routing": &line[3..12], "account": line[12..29].trim(), "cents": line[29..39].parse::<u64>().unwrap(),
                "name": line[54..76].trim(), "state": entry["state"], "settled_on": entry["settled_on"],
                "return_code": entry["return_code"],
            }));
        }
    }
    Value::Array(found)
}
