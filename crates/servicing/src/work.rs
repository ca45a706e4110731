//! One transaction: the caller's key claimed first, its answer stored last, and the trail of what was done in between.

use audit::{Leaf, LeafBody, Stream};
use chrono::{DateTime, Utc};
use identity::{ConversationId, CreditLineId};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use store::{
    Tx,
    idempotency::{self, Claim, Request},
    outbox::{self, NewEvent},
};

use crate::{Authorised, Caller, Key, Servicing, ServicingError};

/// Events of the outbox numbered in one go.
const OUTBOX_AT_ONCE: u32 = 1_000;

/// A transaction under the caller's key, rolled back unless finished.
pub(crate) struct Work {
    tx: Tx<'static>,
    request: Request,
}

/// Either the answer that was given before, or work to be done.
pub(crate) enum Begun<A> {
    Before(A),
    Now(Box<Work>),
}

impl Work {
    pub(crate) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Stores the answer and commits.
    pub(crate) async fn finish<A: Serialize + Sync>(
        mut self: Box<Self>,
        answer: A,
    ) -> Result<A, ServicingError> {
        idempotency::answer(&mut self.tx, &self.request, &answer).await?;
        self.tx.commit().await?;
        Ok(answer)
    }
}

/// Where the record of something stands.
pub(crate) struct Trail;

impl Trail {
    /// With the conversation in which it happened, else with the line, else with what belongs to nobody.
    pub(crate) fn stream(
        conversation_id: Option<ConversationId>,
        credit_line_id: Option<CreditLineId>,
    ) -> Stream {
        match (conversation_id, credit_line_id) {
            (Some(id), _) => Stream::Conversation(id),
            (None, Some(id)) => Stream::CreditLine(id),
            (None, None) => Stream::System,
        }
    }
}

/// Whether the outside world is told: of effects, not of what was said in a conversation and how it was answered.
fn told(kind: &str) -> bool {
    const EFFECTS: [&str; 21] = [
        "intent",
        "payment",
        "draw",
        "case",
        "flag",
        "hand_off",
        "line",
        "statement",
        "fee",
        "charge",
        "decision",
        "application",
        "rail_file",
        "return",
        "bank_account",
        "autopay",
        "dispute",
        "refund",
        "terms",
        "contact",
        "consent",
    ];
    kind.split_once('.').is_some_and(|(of, _)| EFFECTS.contains(&of))
}

/// The payload with one field more.
pub(crate) fn with(mut payload: Value, field: &str, value: Value) -> Value {
    if let Value::Object(fields) = &mut payload {
        fields.insert(field.to_owned(), value);
    }
    payload
}

/// What people said stays in the log, where it can be erased.
fn without_words(payload: &Value) -> Value {
    let mut payload = payload.clone();
    if let Value::Object(fields) = &mut payload {
        for said in ["words", "summary", "note", "reason", "fields", "evidence"] {
            fields.remove(said);
        }
    }
    payload
}

/// What is about a line is told on the line's stream, wherever its leaf stands.
fn told_on(stream: &Stream, payload: &Value) -> String {
    payload
        .get("credit_line_id")
        .and_then(|id| serde_json::from_value(id.clone()).ok())
        .map_or_else(|| stream.to_string(), |id| Stream::CreditLine(id).to_string())
}

impl Servicing {
    /// Numbers what is to be told to the outside world; answers how much that was.
    pub async fn number_outbox(&self) -> Result<u64, ServicingError> {
        let mut tx = self.store.audit().begin().await?;
        let numbered = outbox::sequence(&mut tx, OUTBOX_AT_ONCE).await?;
        if numbered > 0 {
            tx.commit().await?;
        }
        Ok(numbered)
    }

    /// Opens a transaction under the caller's key. Whoever sends the same key meanwhile waits for its end.
    pub(crate) async fn begin<A: DeserializeOwned>(
        &self,
        permit: Authorised,
        key: &Key,
        request: &(impl Serialize + Sync),
    ) -> Result<Begun<A>, ServicingError> {
        let request = Request::new(&permit.actor, key.as_str(), "servicing", request)?;
        let mut tx = self.store.app().begin().await?;
        match idempotency::claim(&mut tx, &request, self.now()).await? {
            Claim::Answered(answer) => Ok(Begun::Before(answer)),
            Claim::Fresh => Ok(Begun::Now(Box::new(Work { tx, request }))),
        }
    }

    /// Under whose rights a caller's statements run: what a model asks for runs under the role of model turns.
    pub(crate) fn pool_for(&self, caller: Caller) -> &PgPool {
        if caller.model() { self.store.turn() } else { self.store.app() }
    }

    /// Records what was done: a leaf, and an event for the outside world, in the transaction of the effect.
    pub(crate) async fn trail(
        &self,
        conn: &mut PgConnection,
        stream: Stream,
        kind: impl Into<String>,
        payload: Value,
    ) -> Result<(), ServicingError> {
        let (kind, now) = (kind.into(), self.now());
        let told = Told::of(stream, &kind, &payload);
        // The leaf first: it holds the stream until commit, and the event's place in the outbox follows that order.
        audit::append(conn, Leaf::new(stream, kind, now, payload)).await?;
        Told::tell(conn, told.as_slice(), now).await
    }

    /// As [`Self::trail`], of several things on one stream, in order and at once.
    pub(crate) async fn trail_all(
        &self,
        conn: &mut PgConnection,
        stream: Stream,
        marks: Vec<Mark>,
    ) -> Result<(), ServicingError> {
        if marks.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let (leaves, told) = Mark::split(stream, marks, now);
        audit::append_all(conn, stream, leaves).await?;
        Told::tell(conn, &told, now).await
    }
}

/// Something that was done, before it is put on record.
#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) kind: &'static str,
    pub(crate) payload: Value,
}

impl Mark {
    /// What the log keeps of it, and what is told of it.
    pub(crate) fn split(
        stream: Stream,
        marks: Vec<Self>,
        at: DateTime<Utc>,
    ) -> (Vec<LeafBody>, Vec<Told>) {
        let told =
            marks.iter().filter_map(|mark| Told::of(stream, mark.kind, &mark.payload)).collect();
        let leaf = |Self { kind, payload }| LeafBody { kind: kind.into(), at, payload };
        (marks.into_iter().map(leaf).collect(), told)
    }
}

/// What the outside world is told of something.
#[derive(Debug)]
pub(crate) struct Told {
    stream: String,
    kind: String,
    payload: Value,
}

impl Told {
    fn of(stream: Stream, kind: &str, payload: &Value) -> Option<Self> {
        told(kind).then(|| Self {
            stream: told_on(&stream, payload),
            kind: kind.to_owned(),
            payload: without_words(payload),
        })
    }

    /// In one statement.
    pub(crate) async fn tell(
        conn: &mut PgConnection,
        all: &[Self],
        recorded_at: DateTime<Utc>,
    ) -> Result<(), ServicingError> {
        let events: Vec<NewEvent<'_>> = all
            .iter()
            .map(|Self { stream, kind, payload }| NewEvent { stream, kind, payload, recorded_at })
            .collect();
        Ok(outbox::append_all(conn, &events).await?)
    }
}
