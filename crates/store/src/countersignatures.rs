//! What takes two people: asked for by one member of staff, done or refused by another.

use chrono::{DateTime, Utc};
use identity::{CaseId, CreditLineId, CustomerId, PaymentId, RefundId, RepresentativeId};
use money::Cents;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::StoreError;

text_enum! {
    Outcome {
        Done = "done",
        Refused = "refused",
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// A payment is taken back as our own mistake.
    ReversePayment { payment_id: PaymentId },
    /// So much of a dispute was our error.
    CreditDispute { dispute_id: CaseId },
    /// A credit balance goes back by cheque.
    SendCheque { cheque_id: RefundId },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountersignatureRow {
    pub id: CaseId,
    #[serde(flatten)]
    pub act: Act,
    pub customer_id: CustomerId,
    pub credit_line_id: CreditLineId,
    pub amount: Cents,
    /// With what goes back beside it: interest and fees that came of an error.
    pub in_all: Cents,
    /// Of a dispute: what the customer is told.
    pub reason: String,
    pub asked_by: RepresentativeId,
    pub asked_at: DateTime<Utc>,
    pub decided_by: Option<RepresentativeId>,
    pub decided_at: Option<DateTime<Utc>>,
    pub outcome: Option<Outcome>,
    pub note: Option<String>,
}

macro_rules! select_countersignatures {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, payment_id, dispute_id, coalesce(cheque_id, dispute_id, payment_id) AS "about!", customer_id,
                      credit_line_id, amount_cents, in_all_cents, reason, asked_by, asked_at, decided_by, decided_at, outcome AS "outcome: Outcome", note
               FROM countersignatures "# + $tail
            $(, $arg)*
        )
        .map(|row| CountersignatureRow {
            id: CaseId::from_uuid(row.id),
            act: match (row.payment_id, row.dispute_id) {
                (Some(id), _) => Act::ReversePayment { payment_id: PaymentId::from_uuid(id) },
                (_, Some(id)) => Act::CreditDispute { dispute_id: CaseId::from_uuid(id) },
                (None, None) => Act::SendCheque { cheque_id: RefundId::from_uuid(row.about) },
            },
            customer_id: CustomerId::from_uuid(row.customer_id),
            credit_line_id: CreditLineId::from_uuid(row.credit_line_id),
            amount: Cents::new(row.amount_cents),
            in_all: Cents::new(row.in_all_cents),
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

/// Asks; `false` where the same waits or was done.
pub async fn insert(
    conn: &mut PgConnection,
    row: &CountersignatureRow,
) -> Result<bool, StoreError> {
    let (payment, dispute, cheque) = match row.act {
        Act::ReversePayment { payment_id } => (Some(payment_id.as_uuid()), None, None),
        Act::CreditDispute { dispute_id } => (None, Some(dispute_id.as_uuid()), None),
        Act::SendCheque { cheque_id } => (None, None, Some(cheque_id.as_uuid())),
    };
    let done = sqlx::query!(
        "INSERT INTO countersignatures (id, payment_id, dispute_id, cheque_id, customer_id, credit_line_id, amount_cents,
                                        in_all_cents, reason, asked_by, asked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        row.id.as_uuid(),
        payment,
        dispute,
        cheque,
        row.customer_id.as_uuid(),
        row.credit_line_id.as_uuid(),
        row.amount.get(),
        row.in_all.get(),
        row.reason,
        row.asked_by.as_uuid(),
        row.asked_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn find(
    conn: &mut PgConnection,
    id: CaseId,
) -> Result<Option<CountersignatureRow>, StoreError> {
    Ok(select_countersignatures!("WHERE id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

/// Those that wait for a second person, the oldest first.
pub async fn list_waiting(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<CountersignatureRow>, StoreError> {
    Ok(select_countersignatures!("WHERE outcome IS NULL ORDER BY asked_at, id LIMIT $1", limit)
        .fetch_all(conn)
        .await?)
}

/// A customer's, the newest first.
pub async fn list_of_customer(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Vec<CountersignatureRow>, StoreError> {
    Ok(select_countersignatures!(
        "WHERE customer_id = $1 ORDER BY asked_at DESC, id DESC",
        customer_id.as_uuid()
    )
    .fetch_all(conn)
    .await?)
}

/// Decides what waits; `false` where it is decided. The database refuses who asked as the one who does it.
pub async fn decide(
    conn: &mut PgConnection,
    id: CaseId,
    (outcome, note): (Outcome, &str),
    by: RepresentativeId,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE countersignatures SET outcome = $2, note = $3, decided_by = $4, decided_at = $5
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
