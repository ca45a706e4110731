//! Proposed effects, the permission for exactly one of them, and the proof that it happened.

use chrono::{DateTime, Utc};
use identity::{
    Actor, ConversationId, CreditLineId, CustomerId, GrantId, IntentId, ReceiptId, TurnId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};

use crate::StoreError;

text_enum! {
    IntentStatus {
        AwaitingConfirmation = "awaiting_confirmation",
        Confirmed = "confirmed",
        Refused = "refused",
        Expired = "expired",
        Superseded = "superseded",
    }
}

/// One line of a confirmation sheet or of a receipt, in the server's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownField {
    pub name: String,
    pub label: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntentRow {
    pub id: IntentId,
    pub customer_id: CustomerId,
    pub credit_line_id: Option<CreditLineId>,
    pub conversation_id: Option<ConversationId>,
    pub turn_id: Option<TurnId>,
    pub tool: String,
    pub tool_version: String,
    /// Proposals of one subject supersede each other.
    pub subject: String,
    /// What would be done, resolved.
    pub arguments: Value,
    /// SHA-256 of the arguments as canonical JSON.
    pub arguments_digest: Vec<u8>,
    pub title: String,
    pub effect: String,
    pub fields: Vec<ShownField>,
    pub limits: Value,
    pub status: IntentStatus,
    pub superseded_by: Option<IntentId>,
    pub proposed_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub settled_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRow {
    pub id: GrantId,
    pub intent_id: IntentId,
    pub actor: Actor,
    pub level: i16,
    pub arguments_digest: Vec<u8>,
    pub granted_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRow {
    pub id: ReceiptId,
    pub customer_id: CustomerId,
    pub credit_line_id: Option<CreditLineId>,
    pub intent_id: Option<IntentId>,
    pub kind: String,
    pub reference: String,
    pub text: String,
    pub fields: Vec<ShownField>,
    pub at: DateTime<Utc>,
}

macro_rules! select_intents {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, customer_id, credit_line_id, conversation_id, turn_id, tool, tool_version, subject,
                      arguments, arguments_digest, title, effect,
                      fields AS "fields: Json<Vec<ShownField>>", limits, status AS "status: IntentStatus",
                      superseded_by, proposed_at, expires_at, settled_at
               FROM intents "# + $tail
            $(, $arg)*
        )
        .map(|row| IntentRow {
            id: IntentId::from_uuid(row.id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            credit_line_id: row.credit_line_id.map(CreditLineId::from_uuid),
            conversation_id: row.conversation_id.map(ConversationId::from_uuid),
            turn_id: row.turn_id.map(TurnId::from_uuid),
            tool: row.tool,
            tool_version: row.tool_version,
            subject: row.subject,
            arguments: row.arguments,
            arguments_digest: row.arguments_digest,
            title: row.title,
            effect: row.effect,
            fields: row.fields.0,
            limits: row.limits,
            status: row.status,
            superseded_by: row.superseded_by.map(IntentId::from_uuid),
            proposed_at: row.proposed_at,
            expires_at: row.expires_at,
            settled_at: row.settled_at,
        })
    };
}

macro_rules! select_receipts {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, customer_id, credit_line_id, intent_id, kind, reference, text,
                      fields AS "fields: Json<Vec<ShownField>>", at
               FROM receipts "# + $tail
            $(, $arg)*
        )
        .map(|row| ReceiptRow {
            id: ReceiptId::from_uuid(row.id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            credit_line_id: row.credit_line_id.map(CreditLineId::from_uuid),
            intent_id: row.intent_id.map(IntentId::from_uuid),
            kind: row.kind,
            reference: row.reference,
            text: row.text,
            fields: row.fields.0,
            at: row.at,
        })
    };
}

pub async fn insert(conn: &mut PgConnection, intent: &IntentRow) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO intents (id, customer_id, credit_line_id, conversation_id, turn_id, tool, tool_version, subject,
                              arguments, arguments_digest, title, effect, fields, limits, status, proposed_at,
                              expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        intent.id.as_uuid(),
        intent.customer_id.as_uuid(),
        intent.credit_line_id.map(CreditLineId::as_uuid),
        intent.conversation_id.map(ConversationId::as_uuid),
        intent.turn_id.map(TurnId::as_uuid),
        intent.tool,
        intent.tool_version,
        intent.subject,
        intent.arguments,
        intent.arguments_digest,
        intent.title,
        intent.effect,
        Json(&intent.fields) as _,
        intent.limits,
        intent.status.as_str(),
        intent.proposed_at,
        intent.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find(conn: &mut PgConnection, id: IntentId) -> Result<Option<IntentRow>, StoreError> {
    Ok(select_intents!("WHERE id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

/// The same, held until the end of the transaction.
pub async fn find_for_update(
    conn: &mut PgConnection,
    id: IntentId,
) -> Result<Option<IntentRow>, StoreError> {
    Ok(select_intents!("WHERE id = $1 FOR UPDATE", id.as_uuid()).fetch_optional(conn).await?)
}

/// The one proposal on this subject, in this conversation, that still awaits the customer; held.
pub async fn find_awaiting(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    conversation_id: Option<ConversationId>,
    subject: &str,
) -> Result<Option<IntentRow>, StoreError> {
    Ok(select_intents!(
        "WHERE customer_id = $1 AND conversation_id IS NOT DISTINCT FROM $2 AND subject = $3
           AND status = 'awaiting_confirmation' FOR UPDATE",
        customer_id.as_uuid(),
        conversation_id.map(ConversationId::as_uuid),
        subject
    )
    .fetch_optional(conn)
    .await?)
}

/// Every intent of a conversation, in order of proposal.
pub async fn list_of_conversation(
    conn: &mut PgConnection,
    conversation_id: ConversationId,
) -> Result<Vec<IntentRow>, StoreError> {
    Ok(select_intents!(
        "WHERE conversation_id = $1 ORDER BY proposed_at, id",
        conversation_id.as_uuid()
    )
    .fetch_all(conn)
    .await?)
}

/// Settles an awaiting intent; `false` where it was settled already. A successor may be named before it is inserted.
pub async fn settle(
    conn: &mut PgConnection,
    id: IntentId,
    status: IntentStatus,
    superseded_by: Option<IntentId>,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE intents SET status = $2, superseded_by = $3, settled_at = $4
         WHERE id = $1 AND status = 'awaiting_confirmation'",
        id.as_uuid(),
        status.as_str(),
        superseded_by.map(IntentId::as_uuid),
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn insert_grant(conn: &mut PgConnection, grant: &GrantRow) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO grants (id, intent_id, actor, level, arguments_digest, granted_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        grant.id.as_uuid(),
        grant.intent_id.as_uuid(),
        Json(grant.actor) as _,
        grant.level,
        grant.arguments_digest,
        grant.granted_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert_receipt(
    conn: &mut PgConnection,
    receipt: &ReceiptRow,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO receipts (id, customer_id, credit_line_id, intent_id, kind, reference, text, fields, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        receipt.id.as_uuid(),
        receipt.customer_id.as_uuid(),
        receipt.credit_line_id.map(CreditLineId::as_uuid),
        receipt.intent_id.map(IntentId::as_uuid),
        receipt.kind,
        receipt.reference,
        receipt.text,
        Json(&receipt.fields) as _,
        receipt.at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find_receipt_of(
    conn: &mut PgConnection,
    intent_id: IntentId,
) -> Result<Option<ReceiptRow>, StoreError> {
    Ok(select_receipts!("WHERE intent_id = $1", intent_id.as_uuid()).fetch_optional(conn).await?)
}

/// The receipts of a conversation's intents.
pub async fn list_receipts_of_conversation(
    conn: &mut PgConnection,
    conversation_id: ConversationId,
) -> Result<Vec<ReceiptRow>, StoreError> {
    Ok(select_receipts!(
        "WHERE intent_id IN (SELECT i.id FROM intents i WHERE i.conversation_id = $1)",
        conversation_id.as_uuid()
    )
    .fetch_all(conn)
    .await?)
}

/// The customer's receipts, newest first.
pub async fn list_receipts(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    limit: i64,
) -> Result<Vec<ReceiptRow>, StoreError> {
    Ok(select_receipts!(
        "WHERE customer_id = $1 ORDER BY at DESC, id DESC LIMIT $2",
        customer_id.as_uuid(),
        limit
    )
    .fetch_all(conn)
    .await?)
}
