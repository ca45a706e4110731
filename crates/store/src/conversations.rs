//! Conversations: their turns, the recorded steps a turn is a fold of, and the messages a person saw.

use chrono::{DateTime, Utc};
use identity::{ConversationId, CustomerId, MessageId, TurnId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::StoreError;

text_enum! {
    Surface {
        Consumer = "consumer",
        Copilot = "copilot",
    }
}

text_enum! {
    /// Who answers next.
    ConversationStatus {
        Assistant = "assistant",
        Waiting = "waiting",
        Representative = "representative",
        Closed = "closed",
    }
}

text_enum! {
    TurnStatus {
        Running = "running",
        Done = "done",
        HandedOff = "handed_off",
        Cancelled = "cancelled",
        OutOfBudget = "out_of_budget",
        Faulted = "faulted",
    }
}

text_enum! {
    MessageRole {
        Customer = "customer",
        Assistant = "assistant",
        Representative = "representative",
        System = "system",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationRow {
    pub id: ConversationId,
    pub customer_id: CustomerId,
    pub surface: Surface,
    pub status: ConversationStatus,
    pub started_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnRow {
    pub id: TurnId,
    pub conversation_id: ConversationId,
    pub n: i32,
    pub status: TurnStatus,
    pub served_configuration: Value,
    pub attested: bool,
    /// How well the customer was known who began it: 0 to 3 (docs/api.md).
    pub level: i16,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    pub n: i32,
    pub kind: String,
    pub body: Value,
    pub recorded_at: DateTime<Utc>,
}

/// A message, without its number in the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    pub turn_id: Option<TurnId>,
    pub role: MessageRole,
    /// The representative who wrote it, where one did.
    pub author_id: Option<Uuid>,
    pub text: String,
    pub citations: Value,
    pub notices: Value,
    pub cases: Value,
    /// For staff and compliance only.
    pub evidence: Option<Value>,
    pub at: DateTime<Utc>,
}

/// A message at its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageRow {
    pub n: i32,
    #[serde(flatten)]
    pub message: Message,
}

/// Where a turn belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldTurn {
    pub conversation_id: ConversationId,
    pub customer_id: CustomerId,
    /// The identity level at which it acts.
    pub level: i16,
}

macro_rules! select_conversations {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, customer_id, surface AS "surface: Surface", status AS "status: ConversationStatus", started_at
               FROM conversations "# + $tail
            $(, $arg)*
        )
        .map(|row| ConversationRow {
            id: ConversationId::from_uuid(row.id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            surface: row.surface,
            status: row.status,
            started_at: row.started_at,
        })
    };
}

macro_rules! select_turns {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, conversation_id, n, status AS "status: TurnStatus", served_configuration, attested,
                      level, started_at, ended_at
               FROM turns "# + $tail
            $(, $arg)*
        )
        .map(|row| TurnRow {
            id: TurnId::from_uuid(row.id),
            conversation_id: ConversationId::from_uuid(row.conversation_id),
            n: row.n,
            status: row.status,
            served_configuration: row.served_configuration,
            attested: row.attested,
            level: row.level,
            started_at: row.started_at,
            ended_at: row.ended_at,
        })
    };
}

pub async fn insert(
    conn: &mut PgConnection,
    conversation: &ConversationRow,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO conversations (id, customer_id, surface, status, started_at) VALUES ($1, $2, $3, $4, $5)",
        conversation.id.as_uuid(),
        conversation.customer_id.as_uuid(),
        conversation.surface.as_str(),
        conversation.status.as_str(),
        conversation.started_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Waits until nobody else writes to the conversation, and holds it to the end of the transaction.
pub async fn lock(conn: &mut PgConnection, id: ConversationId) -> Result<(), StoreError> {
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended('conversation:' || $1::uuid::text, 0)) AS "locked: ()""#,
        id.as_uuid()
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

pub async fn find(
    conn: &mut PgConnection,
    id: ConversationId,
) -> Result<Option<ConversationRow>, StoreError> {
    Ok(select_conversations!("WHERE id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

/// The customer's conversations, newest first.
pub async fn list_of_customer(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    limit: i64,
) -> Result<Vec<ConversationRow>, StoreError> {
    Ok(select_conversations!(
        "WHERE customer_id = $1 ORDER BY started_at DESC, id DESC LIMIT $2",
        customer_id.as_uuid(),
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Everybody's conversations, newest first, those before `before` where given; `words` must occur in the customer's
/// name or in a message.
pub async fn search(
    conn: &mut PgConnection,
    words: Option<&str>,
    before: Option<ConversationId>,
    limit: i64,
) -> Result<Vec<ConversationRow>, StoreError> {
    Ok(select_conversations!(
        "c WHERE ($1::uuid IS NULL OR (started_at, id) < (SELECT b.started_at, b.id FROM conversations b WHERE b.id = $1))
           AND ($2::text IS NULL
                OR EXISTS (SELECT FROM customers p
                           WHERE p.id = c.customer_id AND position(lower($2) IN lower(p.name)) > 0)
                OR EXISTS (SELECT FROM messages m
                           WHERE m.conversation_id = c.id AND position(lower($2) IN lower(m.text)) > 0))
         ORDER BY started_at DESC, id DESC LIMIT $3",
        before.map(ConversationId::as_uuid),
        words,
        limit
    )
    .fetch_all(conn)
    .await?)
}

pub async fn set_status(
    conn: &mut PgConnection,
    id: ConversationId,
    status: ConversationStatus,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE conversations SET status = $2 WHERE id = $1",
        id.as_uuid(),
        status.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert_turn(conn: &mut PgConnection, turn: &TurnRow) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO turns (id, conversation_id, n, status, served_configuration, attested, level, started_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        turn.id.as_uuid(),
        turn.conversation_id.as_uuid(),
        turn.n,
        turn.status.as_str(),
        turn.served_configuration,
        turn.attested,
        turn.level,
        turn.started_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a running turn; `false` where it had ended.
pub async fn end_turn(
    conn: &mut PgConnection,
    id: TurnId,
    status: TurnStatus,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE turns SET status = $2, ended_at = $3 WHERE id = $1 AND status = 'running'",
        id.as_uuid(),
        status.as_str(),
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// As [`lock`], for the conversation of a turn; tells whose it is.
pub async fn hold_turn(
    conn: &mut PgConnection,
    id: TurnId,
) -> Result<Option<HeldTurn>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT t.conversation_id, c.customer_id, t.level,
                  pg_advisory_xact_lock(hashtextextended('conversation:' || c.id::text, 0)) AS "locked: ()"
           FROM turns t JOIN conversations c ON c.id = t.conversation_id WHERE t.id = $1"#,
        id.as_uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| HeldTurn {
        conversation_id: ConversationId::from_uuid(row.conversation_id),
        customer_id: CustomerId::from_uuid(row.customer_id),
        level: row.level,
    }))
}

/// The newest turn of the conversation.
pub async fn find_last_turn(
    conn: &mut PgConnection,
    conversation_id: ConversationId,
) -> Result<Option<TurnRow>, StoreError> {
    Ok(select_turns!(
        "WHERE conversation_id = $1 ORDER BY n DESC LIMIT 1",
        conversation_id.as_uuid()
    )
    .fetch_optional(conn)
    .await?)
}

pub async fn list_turns(
    conn: &mut PgConnection,
    conversation_id: ConversationId,
) -> Result<Vec<TurnRow>, StoreError> {
    Ok(select_turns!("WHERE conversation_id = $1 ORDER BY n", conversation_id.as_uuid())
        .fetch_all(conn)
        .await?)
}

/// Turns that were running when the process went away, oldest first.
pub async fn list_running(conn: &mut PgConnection) -> Result<Vec<TurnRow>, StoreError> {
    Ok(select_turns!("WHERE status = 'running' ORDER BY started_at, id").fetch_all(conn).await?)
}

/// Adds steps to a turn, in one statement.
pub async fn insert_steps(
    conn: &mut PgConnection,
    turn_id: TurnId,
    steps: &[StepRow],
) -> Result<(), StoreError> {
    let (mut ns, mut kinds) = (Vec::new(), Vec::new());
    let (mut bodies, mut instants) = (Vec::new(), Vec::new());
    for step in steps {
        ns.push(step.n);
        kinds.push(step.kind.clone());
        bodies.push(step.body.clone());
        instants.push(step.recorded_at);
    }
    sqlx::query!(
        "INSERT INTO steps (turn_id, n, kind, body, recorded_at)
         SELECT $1, n, kind, body, recorded_at
         FROM unnest($2::integer[], $3::text[], $4::jsonb[], $5::timestamptz[]) AS s (n, kind, body, recorded_at)",
        turn_id.as_uuid(),
        &ns,
        &kinds,
        &bodies,
        &instants,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn list_steps(
    conn: &mut PgConnection,
    turn_id: TurnId,
) -> Result<Vec<StepRow>, StoreError> {
    Ok(sqlx::query_as!(
        StepRow,
        "SELECT n, kind, body, recorded_at FROM steps WHERE turn_id = $1 ORDER BY n",
        turn_id.as_uuid(),
    )
    .fetch_all(conn)
    .await?)
}

/// Adds a message at the conversation's end, under the conversation's lock; answers its number.
pub async fn append_message(conn: &mut PgConnection, message: &Message) -> Result<i32, StoreError> {
    Ok(sqlx::query_scalar!(
        "INSERT INTO messages (id, conversation_id, n, turn_id, role, author_id, text, citations, notices, cases,
                               evidence, at)
         SELECT $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11
         FROM messages WHERE conversation_id = $2
         RETURNING n",
        message.id.as_uuid(),
        message.conversation_id.as_uuid(),
        message.turn_id.map(TurnId::as_uuid),
        message.role.as_str(),
        message.author_id,
        message.text,
        message.citations,
        message.notices,
        message.cases,
        message.evidence,
        message.at,
    )
    .fetch_one(conn)
    .await?)
}

/// The messages after number `after`, in order.
pub async fn list_messages(
    conn: &mut PgConnection,
    conversation_id: ConversationId,
    after: i32,
) -> Result<Vec<MessageRow>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT id, conversation_id, n, turn_id, role AS "role: MessageRole", author_id, text, citations, notices,
                  cases, evidence, at
           FROM messages WHERE conversation_id = $1 AND n > $2 ORDER BY n"#,
        conversation_id.as_uuid(),
        after,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| MessageRow {
            n: row.n,
            message: Message {
                id: MessageId::from_uuid(row.id),
                conversation_id: ConversationId::from_uuid(row.conversation_id),
                turn_id: row.turn_id.map(TurnId::from_uuid),
                role: row.role,
                author_id: row.author_id,
                text: row.text,
                citations: row.citations,
                notices: row.notices,
                cases: row.cases,
                evidence: row.evidence,
                at: row.at,
            },
        })
        .collect())
}
