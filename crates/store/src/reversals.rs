//! Reversals of a payment as our own mistake: asked for by one member of staff, decided by another.

use chrono::{DateTime, Utc};
use identity::{CaseId, CreditLineId, CustomerId, PaymentId, RepresentativeId};
use money::Cents;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::StoreError;

text_enum! {
    ReversalOutcome {
        Done = "done",
        Refused = "refused",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReversalRow {
    pub id: CaseId,
    pub payment_id: PaymentId,
    pub customer_id: CustomerId,
    pub credit_line_id: CreditLineId,
    pub amount: Cents,
    pub reason: String,
    pub asked_by: RepresentativeId,
    pub asked_at: DateTime<Utc>,
    pub decided_by: Option<RepresentativeId>,
    pub decided_at: Option<DateTime<Utc>>,
    pub outcome: Option<ReversalOutcome>,
    pub note: Option<String>,
}

macro_rules! select_reversals {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, payment_id, customer_id, credit_line_id, amount_cents, reason, asked_by, asked_at, decided_by,
                      decided_at, outcome AS "outcome: ReversalOutcome", note
               FROM reversals "# + $tail
            $(, $arg)*
        )
        .map(|row| ReversalRow {
            id: CaseId::from_uuid(row.id),
            payment_id: PaymentId::from_uuid(row.payment_id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            credit_line_id: CreditLineId::from_uuid(row.credit_line_id),
            amount: Cents::new(row.amount_cents),
            reason: row.reason,
            asked_by: RepresentativeId::from_uuid(row.asked_by),
            asked_at: row.asked_at,
            decided_by: row.decided_by.map(RepresentativeId::from_uuid),
            decided_at: row.decided_at,
            outcome: row.outcome,
            note: row.note,
        })
    };
}

/// Asks for a reversal; `false` where one of the payment waits or was done.
pub async fn insert(conn: &mut PgConnection, row: &ReversalRow) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO reversals (id, payment_id, customer_id, credit_line_id, amount_cents, reason, asked_by, asked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (payment_id) WHERE outcome IS DISTINCT FROM 'refused' DO NOTHING",
        row.id.as_uuid(),
        row.payment_id.as_uuid(),
        row.customer_id.as_uuid(),
        row.credit_line_id.as_uuid(),
        row.amount.get(),
        row.reason,
        row.asked_by.as_uuid(),
        row.asked_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn find(conn: &mut PgConnection, id: CaseId) -> Result<Option<ReversalRow>, StoreError> {
    Ok(select_reversals!("WHERE id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

/// Those that wait for a second person, the oldest first.
pub async fn list_waiting(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<ReversalRow>, StoreError> {
    Ok(select_reversals!("WHERE outcome IS NULL ORDER BY asked_at, id LIMIT $1", limit)
        .fetch_all(conn)
        .await?)
}

/// Decides what waits; `false` where it is decided. The database refuses who asked as the one who does it.
pub async fn decide(
    conn: &mut PgConnection,
    id: CaseId,
    (outcome, note): (ReversalOutcome, &str),
    by: RepresentativeId,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE reversals SET outcome = $2, note = $3, decided_by = $4, decided_at = $5
         WHERE id = $1 AND outcome IS NULL",
        id.as_uuid(),
        outcome.as_str(),
        note,
        by.as_uuid(),
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
