//! Scripted models that speak the same wire: for tests, as adversaries, and with no delay for benches.
//!
//! Each request is checked before it is answered: the grammar of the conversation, what its text must not hold, how long it may
//! be. A breach is recorded for [`Watch`] and answered with an error, so that no test passes over it.

mod persona;
mod plausible;

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use futures::{StreamExt as _, stream};
use tokio::net::TcpListener;

pub use persona::Persona;

use crate::{
    UnderstudyError,
    completion::{self, Envelope, event_stream, invalid, respond},
    http::{BODY_BYTES_MAX, read, require_loopback},
    tokens,
    wire::{ChatRequest, FunctionCall, Reply, Role},
};

/// The scripted models' name on the wire.
pub const MODEL: &str = "scripted-1";

/// What a scripted model does with one request.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Reply(Reply),
    Fault(Fault),
    /// What a persona would do with it.
    Persona(Persona),
}

/// How a model fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Calls the first tool with arguments that are not JSON.
    BrokenArguments,
    /// Calls a tool that was not offered.
    UnknownTool,
    /// Says a NUL character.
    NulCharacter,
    /// Calls the first tool with a NUL character, escaped, in its arguments.
    NulArgument,
    /// Says letters without a blank, and no end of them.
    EndlessWord,
    /// Says a few words and then nothing, the connection open.
    Stall,
    /// Says a few words and drops the connection.
    CutStream,
    /// 429 with `retry-after: 0`.
    RateLimited,
    /// 500.
    ServerError,
}

/// Which step answers a request.
#[derive(Clone, Debug)]
enum Plan {
    /// In order of arrival; the last is repeated.
    Sequence(Vec<Step>),
    /// By the number of tool rounds the turn already has; the last is repeated.
    PerTurn(Vec<Step>),
    Persona(Persona),
}

/// A scripted model: what it does, and what it will not be sent.
#[derive(Clone, Debug)]
pub struct Script {
    plan: Plan,
    forbidden: Vec<String>,
    prompt_tokens_max: Option<u64>,
    watch: Watch,
}

/// What a scripted model was sent.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<Mutex<Record>>);

#[derive(Debug, Default)]
struct Record {
    requests: Vec<serde_json::Value>,
    breaches: Vec<String>,
}

impl Step {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Reply(Reply::says(text))
    }

    /// One call; its arguments are written as JSON.
    pub fn call(name: &str, args: &serde_json::Value) -> Self {
        Self::Reply(Reply::calls(vec![FunctionCall {
            name: name.to_owned(),
            arguments: args.to_string(),
        }]))
    }
}

impl Script {
    /// Answers request after request; the last step is repeated.
    pub fn sequence(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::new(Plan::Sequence(steps.into_iter().collect()))
    }

    /// Answers by how many tool rounds the turn at hand has had: one script for any number of turns at once.
    pub fn per_turn(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::new(Plan::PerTurn(steps.into_iter().collect()))
    }

    /// A hostile or foolish model.
    pub fn persona(persona: Persona) -> Self {
        Self::new(Plan::Persona(persona))
    }

    fn new(plan: Plan) -> Self {
        Self { plan, forbidden: Vec::new(), prompt_tokens_max: None, watch: Watch::default() }
    }

    /// Texts no request may hold: secrets, other customers' ids.
    #[must_use]
    pub fn forbidding<T: Into<String>>(mut self, texts: impl IntoIterator<Item = T>) -> Self {
        self.forbidden.extend(texts.into_iter().map(Into::into));
        self
    }

    /// The largest prompt it may be sent, in tokens.
    #[must_use]
    pub fn with_prompt_tokens_max(mut self, tokens: u64) -> Self {
        self.prompt_tokens_max = Some(tokens);
        self
    }

    /// A view of what the model is sent, to be kept by the test.
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// The routes, for mounting in process.
    pub fn router(self) -> Router {
        Router::new()
            .route("/v1/chat/completions", post(complete))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(Arc::new(self))
    }

    fn reply(&self, request: &ChatRequest, n: usize) -> Result<Reply, Fault> {
        let nth = |steps: &[Step], n: usize| steps.get(n).or(steps.last()).cloned();
        let step = match &self.plan {
            Plan::Sequence(steps) => nth(steps, n),
            Plan::PerTurn(steps) => nth(steps, rounds(request)),
            Plan::Persona(persona) => Some(Step::Persona(*persona)),
        };
        match step.unwrap_or_else(|| Step::text("")) {
            Step::Reply(reply) => Ok(reply),
            Step::Persona(persona) => Ok(persona.reply(request)),
            Step::Fault(fault) => Err(fault),
        }
    }

    /// What is wrong with a request, if anything.
    fn breach(&self, body: &str, request: &ChatRequest) -> Option<String> {
        let forbidden = self.forbidden.iter().find(|text| body.contains(text.as_str()));
        let tokens = tokens::prompt(request);
        let long = self.prompt_tokens_max.filter(|most| tokens > *most);
        forbidden.map(|text| format!("the prompt holds the forbidden text `{text}`")).or_else(
            || long.map(|most| format!("the prompt has {tokens} tokens, more than {most}")),
        )
    }
}

impl Watch {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every request so far, as it was sent.
    pub fn requests(&self) -> Vec<serde_json::Value> {
        self.record().requests.clone()
    }

    /// What was wrong with the requests so far: a test asserts that this is empty.
    pub fn breaches(&self) -> Vec<String> {
        self.record().breaches.clone()
    }
}

/// Serves a scripted model until `shutdown` is ready; connections that stall are dropped then.
///
/// # Errors
/// When the listener is not on a loopback address, or breaks.
pub async fn serve(
    listener: TcpListener,
    script: Script,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), UnderstudyError> {
    require_loopback(&listener)?;
    let served = axum::serve(listener, script.router());
    tokio::select! {
        outcome = async { served.await } => outcome.map_err(UnderstudyError::from),
        () = shutdown => Ok(()),
    }
}

/// How many tool rounds follow the last thing the customer said.
fn rounds(request: &ChatRequest) -> usize {
    let since = request.messages.iter().rev().take_while(|message| message.role != Role::User);
    since.filter(|message| !message.calls().is_empty()).count()
}

async fn complete(State(script): State<Arc<Script>>, body: Bytes) -> Response {
    let text = String::from_utf8_lossy(&body);
    let n = {
        let mut record = script.watch.record();
        record.requests.push(serde_json::from_slice(&body).unwrap_or_default());
        record.requests.len() - 1
    };
    let request = match read(&body) {
        Ok(request) => request,
        Err(refusal) => {
            let broken = serde_json::from_slice::<ChatRequest>(&body)
                .map_err(|error| error.to_string())
                .and_then(|request| {
                    crate::check_grammar(&request.messages).map_err(|error| error.to_string())
                });
            script.watch.record().breaches.extend(broken.err());
            return *refusal;
        }
    };
    if let Some(breach) = script.breach(&text, &request) {
        let refusal = invalid(&breach);
        script.watch.record().breaches.push(breach);
        return refusal;
    }
    // The number of the request keeps ids apart that a repeated request would share.
    let salted = [body.as_ref(), &n.to_be_bytes()].concat();
    let envelope = Envelope::new(&salted, &request, MODEL, "scripted");
    match script.reply(&request, n) {
        Ok(reply) => respond(&envelope, &request, &reply),
        Err(fault) => fail(fault, &envelope, &request),
    }
}

fn fail(fault: Fault, envelope: &Envelope, request: &ChatRequest) -> Response {
    let first = request.offers().first().map_or("nothing", |tool| &tool.function.name);
    let call = |name: &str, arguments: &str| {
        let call = FunctionCall { name: name.to_owned(), arguments: arguments.to_owned() };
        respond(envelope, request, &Reply::calls(vec![call]))
    };
    match fault {
        Fault::BrokenArguments => call(first, "{\"amount\": "),
        Fault::UnknownTool => call("open_the_vault", "{}"),
        Fault::NulCharacter => respond(envelope, request, &Reply::says("You owe\0 nothing.")),
        Fault::NulArgument => call(first, "{\"on\": \"\\u0000\"}"),
        Fault::EndlessWord => endless(envelope),
        Fault::Stall => partial(envelope, false),
        Fault::CutStream => partial(envelope, true),
        Fault::RateLimited => {
            let refusal =
                completion::error(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "slow down");
            ([("retry-after", "0")], refusal).into_response()
        }
        Fault::ServerError => {
            completion::error(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "it broke")
        }
    }
}

/// A stream of letters that never ends by itself.
fn endless(envelope: &Envelope) -> Response {
    let begun = envelope.events(&Reply::says("a".repeat(1_024)), false);
    let letters: Vec<String> = begun.into_iter().take(2).collect();
    let (first, again) = (letters.first().cloned(), letters.last().cloned());
    let letters = stream::iter(first).chain(stream::repeat(again.unwrap_or_default()));
    event_stream(Body::from_stream(
        letters.map(|event| Ok::<_, std::convert::Infallible>(Bytes::from(event))),
    ))
}

/// The beginning of a stream, and then the connection cut or silence.
fn partial(envelope: &Envelope, cut: bool) -> Response {
    let reply = Reply::says("One moment, I am looking at");
    let mut events = envelope.events(&reply, false);
    events.truncate(4);
    let begun = stream::iter(events.into_iter().map(|event| Ok(Bytes::from(event))));
    if cut {
        // A pause lets the beginning leave before the connection goes.
        let dropped = stream::once(async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
        });
        return event_stream(Body::from_stream(begun.chain(dropped)));
    }
    let silent = stream::pending::<Result<Bytes, std::io::Error>>();
    event_stream(Body::from_stream(begun.chain(silent)))
}
