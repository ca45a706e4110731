//! Messages to customers: written once for each cause and recipient, then sent, put on paper, or not, with the reason.

use chrono::{DateTime, Utc};
use identity::{CreditLineId, CustomerId, DecisionId, OutboundId};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    StoreError,
    documents::Kept,
    number::{from_column, to_column},
};

text_enum! {
    /// What became of a message.
    OutboundState {
        Waiting = "waiting",
        /// Handed over, and the answer is not known yet.
        Sending = "sending",
        Sent = "sent",
        /// The mail server put it off.
        Deferred = "deferred",
        /// It came back, and there is no other way.
        Bounced = "bounced",
        OnPaper = "on_paper",
        NotSent = "not_sent",
    }
}

text_enum! {
    /// At which of a customer's addresses.
    Recipient {
        Customer = "customer",
        FormerAddress = "former_address",
        NewAddress = "new_address",
        /// By letter, whatever becomes of the e-mail.
        FormerStreet = "former_street",
        NewStreet = "new_street",
    }
}

/// A message, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutboundRow {
    pub id: OutboundId,
    pub customer_id: CustomerId,
    pub credit_line_id: Option<CreditLineId>,
    /// The position in the outbox of what it tells of.
    pub cause: u64,
    pub recipient: Recipient,
    pub address: String,
    /// Where paper of it goes, line by line: nowhere where there are no lines, and to the newest street where this is nothing.
    pub street: Option<Vec<String>>,
    pub kind: String,
    pub class: String,
    pub language: String,
    pub template: String,
    pub subject: String,
    pub body: String,
    pub html: String,
    /// SHA-256 of subject, body and page, with line feeds between them.
    pub digest: Vec<u8>,
    pub statement: Option<i64>,
    pub decision_id: Option<DecisionId>,
    /// What it says, by the names of its template.
    pub said: Value,
    pub state: OutboundState,
    pub why: Option<String>,
    pub code: Option<String>,
    pub next_at: Option<DateTime<Utc>>,
    pub attempts: i32,
    pub written_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
}

/// A letter on its way to the printer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterRow {
    pub message_id: OutboundId,
    pub address: Vec<String>,
    pub kept: Kept,
    pub printed_at: Option<DateTime<Utc>>,
}

macro_rules! select_messages {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query!(
            r#"SELECT id, customer_id, credit_line_id, cause, recipient AS "recipient: Recipient", address, street, kind, class,
                      language, template, subject, body, html, digest, statement, decision_id, said,
                      state AS "state: OutboundState", why, code, next_at, attempts, written_at, changed_at, sent_at
               FROM outbound_messages "# + $tail
            $(, $arg)*
        )
        .map(|row| OutboundRow {
            id: OutboundId::from_uuid(row.id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            credit_line_id: row.credit_line_id.map(CreditLineId::from_uuid),
            cause: row.cause.unsigned_abs(),
            recipient: row.recipient,
            address: row.address,
            street: row.street,
            kind: row.kind,
            class: row.class,
            language: row.language,
            template: row.template,
            subject: row.subject,
            body: row.body,
            html: row.html,
            digest: row.digest,
            statement: row.statement,
            decision_id: row.decision_id.map(DecisionId::from_uuid),
            said: row.said,
            state: row.state,
            why: row.why,
            code: row.code,
            next_at: row.next_at,
            attempts: row.attempts,
            written_at: row.written_at,
            changed_at: row.changed_at,
            sent_at: row.sent_at,
        })
    };
}

/// Only one process at a time delivers: whether this one may, until the transaction ends.
pub async fn try_deliver(conn: &mut PgConnection) -> Result<bool, StoreError> {
    let taken =
        sqlx::query_scalar!("SELECT pg_try_advisory_xact_lock(7264010)").fetch_one(conn).await?;
    Ok(taken.unwrap_or(false))
}

/// Writes a message down; `false` where the recipient is told of the cause already.
pub async fn insert(conn: &mut PgConnection, message: &OutboundRow) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO outbound_messages (id, customer_id, credit_line_id, cause, recipient, address, kind, class, language,
                                        template, subject, body, html, digest, statement, decision_id, said, state, why,
                                        next_at, attempts, written_at, changed_at, street)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, 0, $21, $21, $22)
         ON CONFLICT ON CONSTRAINT outbound_messages_once DO NOTHING",
        message.id.as_uuid(),
        message.customer_id.as_uuid(),
        message.credit_line_id.map(CreditLineId::as_uuid),
        to_column(message.cause, "outbox position")?,
        message.recipient.as_str(),
        message.address,
        message.kind,
        message.class,
        message.language,
        message.template,
        message.subject,
        message.body,
        message.html,
        message.digest,
        message.statement,
        message.decision_id.map(DecisionId::as_uuid),
        message.said,
        message.state.as_str(),
        message.why,
        message.next_at,
        message.written_at,
        message.street.as_deref(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores what became of a message.
pub async fn update(conn: &mut PgConnection, message: &OutboundRow) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE outbound_messages SET state = $2, why = $3, code = $4, next_at = $5, attempts = $6, changed_at = $7,
                                      sent_at = $8, address = $9
         WHERE id = $1",
        message.id.as_uuid(),
        message.state.as_str(),
        message.why,
        message.code,
        message.next_at,
        message.attempts,
        message.changed_at,
        message.sent_at,
        message.address,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The ids of what is to be looked at by now, the longest waiting first and in the order in which it came about, without
/// those of `but`.
pub async fn list_due(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    but: &[OutboundId],
    limit: i64,
) -> Result<Vec<OutboundId>, StoreError> {
    let but: Vec<Uuid> = but.iter().map(|id| id.as_uuid()).collect();
    let found = sqlx::query_scalar!(
        "SELECT id FROM outbound_messages WHERE next_at <= $1 AND id <> ALL($2)
         ORDER BY next_at, cause, recipient, id LIMIT $3",
        now,
        &but,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(OutboundId::from_uuid).collect())
}

pub async fn find(
    conn: &mut PgConnection,
    id: OutboundId,
) -> Result<Option<OutboundRow>, StoreError> {
    Ok(select_messages!("WHERE id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

pub async fn find_for_update(
    conn: &mut PgConnection,
    id: OutboundId,
) -> Result<Option<OutboundRow>, StoreError> {
    Ok(select_messages!("WHERE id = $1 FOR UPDATE", id.as_uuid()).fetch_optional(conn).await?)
}

/// The customer's messages, newest first, at most `limit` of them after the one of `before`.
pub async fn list_of_customer(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    before: Option<OutboundId>,
    limit: i64,
) -> Result<Vec<OutboundRow>, StoreError> {
    Ok(select_messages!(
        "m WHERE customer_id = $1
           AND ($2::uuid IS NULL OR (written_at, id) < (SELECT o.written_at, o.id FROM outbound_messages o WHERE o.id = $2))
         ORDER BY written_at DESC, id DESC LIMIT $3",
        customer_id.as_uuid(),
        before.map(OutboundId::as_uuid),
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// When messages of a class were sent to a customer since then, the earliest first.
pub async fn sent_since(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    class: &str,
    since: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT sent_at AS "sent_at!" FROM outbound_messages
           WHERE customer_id = $1 AND class = $2 AND sent_at > $3 ORDER BY sent_at"#,
        customer_id.as_uuid(),
        class,
        since,
    )
    .fetch_all(conn)
    .await?)
}

/// Whether mail to this very address of theirs came back.
pub async fn came_back(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    address: &str,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM outbound_messages WHERE customer_id = $1 AND address = $2
                          AND why = 'mail_came_back' AND code IS NOT NULL) AS "came_back!""#,
        customer_id.as_uuid(),
        address,
    )
    .fetch_one(conn)
    .await?)
}

/// Queues a letter; a message is put on paper once.
pub async fn insert_letter(conn: &mut PgConnection, letter: &LetterRow) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO letters (message_id, address, template, media_type, bytes, digest, queued_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT ON CONSTRAINT letters_pkey DO NOTHING",
        letter.message_id.as_uuid(),
        &letter.address,
        letter.kept.template,
        letter.kept.media_type,
        letter.kept.bytes,
        letter.kept.digest,
        letter.kept.rendered_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

macro_rules! select_letters {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query!(
            "SELECT message_id, address, template, media_type, bytes, digest, queued_at, printed_at FROM letters "
                + $tail
            $(, $arg)*
        )
        .map(|row| LetterRow {
            message_id: OutboundId::from_uuid(row.message_id),
            address: row.address,
            kept: Kept {
                template: row.template,
                media_type: row.media_type,
                bytes: row.bytes,
                digest: row.digest,
                rendered_at: row.queued_at,
            },
            printed_at: row.printed_at,
        })
    };
}

/// The letters that the printer does not have yet, oldest first; those that it did not take come after the others, and of them the one
/// that waits longest.
pub async fn list_unprinted(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<LetterRow>, StoreError> {
    Ok(select_letters!(
        "WHERE printed_at IS NULL
           AND EXISTS (SELECT FROM outbound_messages m WHERE m.id = message_id AND m.state = 'on_paper')
         ORDER BY refused_at NULLS FIRST, queued_at, message_id LIMIT $1",
        limit
    )
    .fetch_all(conn)
    .await?)
}

pub async fn find_letter(
    conn: &mut PgConnection,
    id: OutboundId,
) -> Result<Option<LetterRow>, StoreError> {
    Ok(select_letters!("WHERE message_id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

/// Puts a letter that the printer did not take behind the others.
pub async fn put_letter_off(
    conn: &mut PgConnection,
    id: OutboundId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE letters SET refused_at = $2 WHERE message_id = $1", id.as_uuid(), at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Records that the printer has a letter; `false` where that was recorded before.
pub async fn mark_printed(
    conn: &mut PgConnection,
    id: OutboundId,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE letters SET printed_at = $2 WHERE message_id = $1 AND printed_at IS NULL",
        id.as_uuid(),
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How far the reports of mail that came back were read, held until the transaction ends; 0 at first.
pub async fn bounce_cursor(conn: &mut PgConnection) -> Result<u64, StoreError> {
    let sequence = sqlx::query_scalar!(
        "INSERT INTO mail_cursors (name, sequence) VALUES ('bounces', 0)
         ON CONFLICT (name) DO UPDATE SET sequence = mail_cursors.sequence RETURNING sequence",
    )
    .fetch_one(conn)
    .await?;
    from_column(sequence, "sequence of bounces")
}

pub async fn move_bounce_cursor(conn: &mut PgConnection, to: u64) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE mail_cursors SET sequence = greatest(sequence, $1) WHERE name = 'bounces'",
        to_column(to, "sequence of bounces")?,
    )
    .execute(conn)
    .await?;
    Ok(())
}
