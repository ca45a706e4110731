//! What a person saw, in order.

use chrono::{DateTime, Utc};
use identity::{ConversationId, MessageId, TurnId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::StoreError;

text_enum! {
    MessageRole {
        Customer = "customer",
        Assistant = "assistant",
        Representative = "representative",
        System = "system",
    }
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
