//! Conversations: their turns, the recorded steps a turn is a fold of, and the messages a person saw.

mod messages;
mod turn_record;
mod turns;

use chrono::{DateTime, Utc};
use identity::{ConversationId, CustomerId};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, types::Json};

use crate::{StoreError, hand_offs::HandOffRow};

pub use messages::{Message, MessageRole, MessageRow, append_message};
pub use turn_record::{Leaves, Tip, TurnFooting, TurnWriting, Written, begin, footing, record};
pub use turns::{
    HeldTurn, StepRow, TurnRow, TurnStatus, end_turn, hold_turn, list_running, list_steps,
};

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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationRow {
    pub id: ConversationId,
    pub customer_id: CustomerId,
    pub surface: Surface,
    pub status: ConversationStatus,
    pub started_at: DateTime<Utc>,
}

/// A conversation with what was said in it, as one moment shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub conversation: ConversationRow,
    pub turns: Vec<TurnRow>,
    pub messages: Vec<MessageRow>,
    /// The hand-off that is not over yet.
    pub hand_off: Option<HandOffRow>,
    /// Whether anything was proposed in it.
    pub proposed: bool,
    /// Its newest leaf.
    pub tip: Option<Tip>,
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

/// A conversation with its turns and its messages after number `after`, beside each its evidence where that is asked for. One
/// statement: of a turn that is seen to have ended, the answer is seen too.
pub async fn see(
    conn: &mut PgConnection,
    id: ConversationId,
    after: i32,
    evidence: bool,
) -> Result<Option<Seen>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT c.id, c.customer_id, c.surface AS "surface: Surface", c.status AS "status: ConversationStatus",
                  c.started_at,
                  (SELECT json_agg(t ORDER BY t.n) FROM turns t
                    WHERE t.conversation_id = c.id) AS "turns: Json<Vec<TurnRow>>",
                  (SELECT json_agg(m ORDER BY m.n)
                     FROM (SELECT id, conversation_id, n, turn_id, role, author_id, text, citations, notices, cases,
                                  CASE WHEN $3::boolean THEN evidence END AS evidence, at
                           FROM messages WHERE conversation_id = c.id AND n > $2) m
                  ) AS "messages: Json<Vec<MessageRow>>",
                  (SELECT to_json(h) FROM hand_offs h
                    WHERE h.conversation_id = c.id AND h.status <> 'released') AS "hand_off: Json<HandOffRow>",
                  EXISTS (SELECT FROM intents i WHERE i.conversation_id = c.id) AS "proposed!",
                  tip.n AS "tip_n?", tip.leaf_hash AS "tip_hash?"
           FROM conversations c LEFT JOIN LATERAL audit_stream_tip('conversation:' || c.id) tip ON true
           WHERE c.id = $1"#,
        id.as_uuid(),
        after,
        evidence,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Seen {
        conversation: ConversationRow {
            id: ConversationId::from_uuid(row.id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            surface: row.surface,
            status: row.status,
            started_at: row.started_at,
        },
        turns: row.turns.map(|turns| turns.0).unwrap_or_default(),
        messages: row.messages.map(|messages| messages.0).unwrap_or_default(),
        hand_off: row.hand_off.map(|hand_off| hand_off.0),
        proposed: row.proposed,
        tip: row.tip_n.zip(row.tip_hash),
    }))
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
