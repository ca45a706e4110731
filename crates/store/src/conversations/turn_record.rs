//! What a turn writes: its beginning and each of its records are one statement, and so one transaction, each.
//!
//! Invariants: a statement holds the conversation, then the stream of its leaves, and writes only if nothing was recorded in the
//! conversation since the newest leaf that its caller knows; else nothing is written and the caller looks again. What is
//! absent: the chaining of leaves (`audit`).

use chrono::{DateTime, Utc};
use identity::{ConversationId, CustomerId, TurnId};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{Message, StepRow, TurnRow, TurnStatus};
use crate::{StoreError, idempotency::Request};

/// The newest leaf of a conversation: its number and hash.
pub type Tip = (i64, Vec<u8>);

/// Leaves that continue a conversation's newest, chained and sealed, column by column as `audit_append` takes them.
#[derive(Clone, Copy, Debug)]
pub struct Leaves<'a> {
    /// What they continue.
    pub tip: Option<(i64, &'a [u8])>,
    pub ids: &'a [Uuid],
    pub numbers: &'a [i64],
    pub kinds: &'a [String],
    pub instants: &'a [DateTime<Utc>],
    pub entries: &'a [Vec<u8>],
    pub hashes: &'a [Vec<u8>],
    pub salts: &'a [Vec<u8>],
    pub payloads: &'a [String],
}

/// What became of a statement that writes only where nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// All of it, committed.
    Whole,
    /// Nothing: something was recorded in the conversation since.
    GoneOn,
    /// Nothing: the key was used before, or there is no such turn, or it has ended, or somebody else recorded these steps.
    Nothing,
}

/// Where a turn stands: whose it is, and the newest leaf of its conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnFooting {
    pub conversation_id: ConversationId,
    pub customer_id: CustomerId,
    pub tip: Option<Tip>,
}

/// What a turn records at once. Messages are numbered in their order.
#[derive(Clone, Copy, Debug)]
pub struct TurnWriting<'a> {
    pub steps: &'a [StepRow],
    pub messages: &'a [Message],
    /// Ends the turn, if it still runs.
    pub ends: Option<(TurnStatus, DateTime<Utc>)>,
    pub leaves: Leaves<'a>,
}

/// Claims and answers the key, and begins the turn with the message that asks for it, while the assistant has the conversation.
/// Waits for a transaction that holds the key, as [`crate::idempotency::claim`] does.
pub async fn begin(
    conn: &mut PgConnection,
    (request, answer): (&Request, &Value),
    turn: &TurnRow,
    message: &Message,
    leaves: Leaves<'_>,
) -> Result<Written, StoreError> {
    let (tip_n, tip_hash) = leaves.tip.unzip();
    let done = sqlx::query!(
        r#"WITH claimed AS (
               INSERT INTO idempotency_keys (scope, key, body_digest, answer, recorded_at)
               VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (scope, key) DO NOTHING RETURNING $6::uuid AS conversation_id
           ), held AS (
               SELECT conversation_id AS id, conversation_goes_on(conversation_id, 'assistant', NULL, $7, $8) AS message_n
               FROM claimed
           ), turn AS (
               INSERT INTO turns (id, conversation_id, n, status, served_configuration, attested, level, started_at)
               SELECT $9, id, $10, $11, $12, $13, $14, $5 FROM held
           ), message AS (
               INSERT INTO messages (id, conversation_id, n, turn_id, role, text, citations, notices, cases, at)
               SELECT $15, id, message_n, $9, $16, $17, $18, $19, $20, $5 FROM held
           )
           SELECT audit_append('conversation:' || id, $21, $22, $23, $24, $25, $26, $27, $28) AS "appended: ()"
           FROM held"#,
        request.scope,
        request.key,
        request.body_digest.as_slice(),
        answer,
        turn.started_at,
        turn.conversation_id.as_uuid(),
        tip_n,
        tip_hash,
        turn.id.as_uuid(),
        turn.n,
        turn.status.as_str(),
        turn.served_configuration,
        turn.attested,
        turn.level,
        message.id.as_uuid(),
        message.role.as_str(),
        message.text,
        message.citations,
        message.notices,
        message.cases,
        leaves.ids,
        leaves.numbers,
        leaves.kinds,
        leaves.instants,
        leaves.entries,
        leaves.hashes,
        leaves.salts,
        leaves.payloads,
    )
    .fetch_optional(conn)
    .await;
    written(done.map(|row| row.is_some()))
}

/// Records what a turn did.
pub async fn record(
    conn: &mut PgConnection,
    turn_id: TurnId,
    writing: &TurnWriting<'_>,
) -> Result<Written, StoreError> {
    let steps = StepColumns::of(writing.steps);
    let messages = MessageColumns::of(writing.messages);
    let (status, ended_at) = writing.ends.unzip();
    let leaves = writing.leaves;
    let (tip_n, tip_hash) = leaves.tip.unzip();
    let done = sqlx::query!(
        r#"WITH held AS (
               SELECT t.conversation_id AS id, conversation_goes_on(t.conversation_id, NULL, t.id, $2, $3) AS message_n
               FROM turns t WHERE t.id = $1
           ), step AS (
               INSERT INTO steps (turn_id, n, kind, body, recorded_at)
               SELECT $1, s.* FROM held, unnest($4::integer[], $5::text[], $6::jsonb[], $7::timestamptz[]) s
           ), message AS (
               INSERT INTO messages (id, conversation_id, n, turn_id, role, text, citations, notices, cases, evidence,
                                     at)
               SELECT m.id, held.id, held.message_n + m.place - 1, $1, m.role, m.text, m.citations, m.notices, m.cases,
                      m.evidence, m.at
               FROM held,
                    unnest($8::uuid[], $9::text[], $10::text[], $11::jsonb[], $12::jsonb[], $13::jsonb[], $14::jsonb[],
                           $15::timestamptz[])
                        WITH ORDINALITY m (id, role, text, citations, notices, cases, evidence, at, place)
           ), ended AS (
               UPDATE turns SET status = $16, ended_at = $17
               FROM held WHERE turns.id = $1 AND turns.status = 'running' AND $16::text IS NOT NULL
           )
           SELECT audit_append('conversation:' || id, $18, $19, $20, $21, $22, $23, $24, $25) AS "appended: ()"
           FROM held"#,
        turn_id.as_uuid(),
        tip_n,
        tip_hash,
        &steps.ns,
        &steps.kinds as _,
        &steps.bodies as _,
        &steps.instants,
        &messages.ids,
        &messages.roles as _,
        &messages.texts as _,
        &messages.citations as _,
        &messages.notices as _,
        &messages.cases as _,
        &messages.evidence as _,
        &messages.instants,
        status.map(TurnStatus::as_str),
        ended_at,
        leaves.ids,
        leaves.numbers,
        leaves.kinds,
        leaves.instants,
        leaves.entries,
        leaves.hashes,
        leaves.salts,
        leaves.payloads,
    )
    .fetch_optional(conn)
    .await;
    written(done.map(|row| row.is_some()))
}

/// Where a turn stands now. Waits for whoever records in its conversation.
pub async fn footing(
    conn: &mut PgConnection,
    turn_id: TurnId,
) -> Result<Option<TurnFooting>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT t.conversation_id, c.customer_id, h.n AS "n?", h.leaf_hash AS "leaf_hash?"
           FROM turns t JOIN conversations c ON c.id = t.conversation_id
           LEFT JOIN LATERAL audit_stream_head('conversation:' || c.id) h ON true
           WHERE t.id = $1"#,
        turn_id.as_uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| TurnFooting {
        conversation_id: ConversationId::from_uuid(row.conversation_id),
        customer_id: CustomerId::from_uuid(row.customer_id),
        tip: row.n.zip(row.leaf_hash),
    }))
}

/// How `conversation_goes_on` says that the conversation is no longer as it was known.
const SERIALIZATION_FAILURE: &str = "40001";

/// How it says that the turn has ended.
const NOT_RUNNING: &str = "55000";

/// A step is recorded once: whoever comes second with it does not drive the turn.
const STEP_ONCE: &str = "steps_pkey";

fn written(done: Result<bool, sqlx::Error>) -> Result<Written, StoreError> {
    match done {
        Ok(true) => Ok(Written::Whole),
        Ok(false) => Ok(Written::Nothing),
        Err(sqlx::Error::Database(error)) => match error.code().as_deref() {
            Some(SERIALIZATION_FAILURE) => Ok(Written::GoneOn),
            Some(NOT_RUNNING) => Ok(Written::Nothing),
            _ if error.constraint() == Some(STEP_ONCE) => Ok(Written::Nothing),
            _ => Err(sqlx::Error::Database(error).into()),
        },
        Err(error) => Err(error.into()),
    }
}

#[derive(Default)]
struct StepColumns<'a> {
    ns: Vec<i32>,
    kinds: Vec<&'a str>,
    bodies: Vec<Json<&'a Value>>,
    instants: Vec<DateTime<Utc>>,
}

impl<'a> StepColumns<'a> {
    fn of(steps: &'a [StepRow]) -> Self {
        let mut columns = Self::default();
        for step in steps {
            columns.ns.push(step.n);
            columns.kinds.push(&step.kind);
            columns.bodies.push(Json(&step.body));
            columns.instants.push(step.recorded_at);
        }
        columns
    }
}

#[derive(Default)]
struct MessageColumns<'a> {
    ids: Vec<Uuid>,
    roles: Vec<&'a str>,
    texts: Vec<&'a str>,
    citations: Vec<Json<&'a Value>>,
    notices: Vec<Json<&'a Value>>,
    cases: Vec<Json<&'a Value>>,
    evidence: Vec<Option<Json<&'a Value>>>,
    instants: Vec<DateTime<Utc>>,
}

impl<'a> MessageColumns<'a> {
    fn of(messages: &'a [Message]) -> Self {
        let mut columns = Self::default();
        for message in messages {
            columns.ids.push(message.id.as_uuid());
            columns.roles.push(message.role.as_str());
            columns.texts.push(&message.text);
            columns.citations.push(Json(&message.citations));
            columns.notices.push(Json(&message.notices));
            columns.cases.push(Json(&message.cases));
            columns.evidence.push(message.evidence.as_ref().map(Json));
            columns.instants.push(message.at);
        }
        columns
    }
}
