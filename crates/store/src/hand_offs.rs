//! Hand-offs: a conversation that waits for a person of ours.

use chrono::{DateTime, Utc};
use identity::{ConversationId, CustomerId, HandOffId, RepresentativeId};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::StoreError;

text_enum! {
    HandOffStatus {
        Waiting = "waiting",
        Claimed = "claimed",
        Released = "released",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOffRow {
    pub id: HandOffId,
    pub reference: String,
    pub customer_id: CustomerId,
    pub conversation_id: ConversationId,
    pub reason: String,
    /// What the person who takes over should know first.
    pub summary: String,
    pub status: HandOffStatus,
    pub opened_at: DateTime<Utc>,
    pub claimed_by: Option<RepresentativeId>,
    pub claimed_at: Option<DateTime<Utc>>,
    pub released_at: Option<DateTime<Utc>>,
}

macro_rules! select_hand_offs {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, reference, customer_id, conversation_id, reason, summary,
                      status AS "status: HandOffStatus", opened_at, claimed_by, claimed_at, released_at
               FROM hand_offs "# + $tail
            $(, $arg)*
        )
        .map(|row| HandOffRow {
            id: HandOffId::from_uuid(row.id),
            reference: row.reference,
            customer_id: CustomerId::from_uuid(row.customer_id),
            conversation_id: ConversationId::from_uuid(row.conversation_id),
            reason: row.reason,
            summary: row.summary,
            status: row.status,
            opened_at: row.opened_at,
            claimed_by: row.claimed_by.map(RepresentativeId::from_uuid),
            claimed_at: row.claimed_at,
            released_at: row.released_at,
        })
    };
}

/// Opens a hand-off; `false` where the conversation has one already.
pub async fn insert(conn: &mut PgConnection, hand_off: &HandOffRow) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO hand_offs (id, reference, customer_id, conversation_id, reason, summary, status, opened_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (conversation_id) WHERE status <> 'released' DO NOTHING",
        hand_off.id.as_uuid(),
        hand_off.reference,
        hand_off.customer_id.as_uuid(),
        hand_off.conversation_id.as_uuid(),
        hand_off.reason,
        hand_off.summary,
        hand_off.status.as_str(),
        hand_off.opened_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The hand-off of the conversation that is not over yet.
pub async fn find_open(
    conn: &mut PgConnection,
    conversation_id: ConversationId,
) -> Result<Option<HandOffRow>, StoreError> {
    Ok(select_hand_offs!(
        "WHERE conversation_id = $1 AND status <> 'released'",
        conversation_id.as_uuid()
    )
    .fetch_optional(conn)
    .await?)
}

/// Those that are not over, longest waiting first.
pub async fn list_open(conn: &mut PgConnection, limit: i64) -> Result<Vec<HandOffRow>, StoreError> {
    Ok(select_hand_offs!("WHERE status <> 'released' ORDER BY opened_at, id LIMIT $1", limit)
        .fetch_all(conn)
        .await?)
}

/// Takes a waiting hand-off; `false` where somebody has it.
pub async fn claim(
    conn: &mut PgConnection,
    id: HandOffId,
    by: RepresentativeId,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE hand_offs SET status = 'claimed', claimed_by = $2, claimed_at = $3
         WHERE id = $1 AND status = 'waiting'",
        id.as_uuid(),
        by.as_uuid(),
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a claimed hand-off from the representative who has it; `false` where that one does not have it.
pub async fn take_over(
    conn: &mut PgConnection,
    id: HandOffId,
    from: RepresentativeId,
    (by, at): (RepresentativeId, DateTime<Utc>),
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE hand_offs SET claimed_by = $3, claimed_at = $4
         WHERE id = $1 AND status = 'claimed' AND claimed_by = $2",
        id.as_uuid(),
        from.as_uuid(),
        by.as_uuid(),
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a hand-off back; `false` where it was over.
pub async fn release(
    conn: &mut PgConnection,
    id: HandOffId,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE hand_offs SET status = 'released', released_at = $2 WHERE id = $1 AND status <> 'released'",
        id.as_uuid(),
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
