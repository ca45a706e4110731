//! Credit balances that go back by cheque: asked for, sent, and void where nobody cashed them.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{Actor, CaseId, CreditLineId, CustomerId, RefundId};
use money::Cents;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, types::Json};

use crate::StoreError;

text_enum! {
    ChequeStatus {
        /// For a second person.
        Waiting = "waiting",
        Sent = "sent",
        /// The second person said no: it was never sent.
        Refused = "refused",
        /// Nobody cashed it.
        Voided = "voided",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChequeRow {
    pub id: RefundId,
    /// The case in which the desk works on it.
    pub case_id: CaseId,
    pub credit_line_id: CreditLineId,
    pub customer_id: CustomerId,
    /// What is printed on it.
    pub number: String,
    pub amount: Cents,
    /// Of one that waits: the day it was asked for.
    pub sent_on: NaiveDate,
    pub status: ChequeStatus,
    pub recorded_by: Actor,
    pub recorded_at: DateTime<Utc>,
    /// The line event that charged it.
    pub event_seq: Option<i64>,
    /// The one that gave it back.
    pub void_seq: Option<i64>,
    pub void_reason: Option<String>,
    pub changed_at: DateTime<Utc>,
}

macro_rules! select_cheques {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, case_id, credit_line_id, customer_id, number, amount_cents, sent_on, status AS "status: ChequeStatus",
                      recorded_by AS "recorded_by: Json<Actor>", recorded_at, event_seq, void_seq, void_reason, changed_at
               FROM refund_cheques "# + $tail
            $(, $arg)*
        )
        .map(|row| ChequeRow {
            id: RefundId::from_uuid(row.id),
            case_id: CaseId::from_uuid(row.case_id),
            credit_line_id: CreditLineId::from_uuid(row.credit_line_id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            number: row.number,
            amount: Cents::new(row.amount_cents),
            sent_on: row.sent_on,
            status: row.status,
            recorded_by: row.recorded_by.0,
            recorded_at: row.recorded_at,
            event_seq: row.event_seq,
            void_seq: row.void_seq,
            void_reason: row.void_reason,
            changed_at: row.changed_at,
        })
    };
}

/// Adds a cheque; `false` where one of its number is recorded, or another of its line waits.
pub async fn insert(conn: &mut PgConnection, cheque: &ChequeRow) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO refund_cheques (id, case_id, credit_line_id, customer_id, number, amount_cents, sent_on, status,
                                     recorded_by, recorded_at, event_seq, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
        cheque.id.as_uuid(),
        cheque.case_id.as_uuid(),
        cheque.credit_line_id.as_uuid(),
        cheque.customer_id.as_uuid(),
        cheque.number,
        cheque.amount.get(),
        cheque.sent_on,
        cheque.status.as_str(),
        Json(cheque.recorded_by) as _,
        cheque.recorded_at,
        cheque.event_seq,
        cheque.changed_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn find(conn: &mut PgConnection, id: RefundId) -> Result<Option<ChequeRow>, StoreError> {
    Ok(select_cheques!("WHERE id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

/// A customer's, the newest first.
pub async fn list_of_customer(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Vec<ChequeRow>, StoreError> {
    Ok(select_cheques!(
        "WHERE customer_id = $1 ORDER BY recorded_at DESC, id DESC",
        customer_id.as_uuid()
    )
    .fetch_all(conn)
    .await?)
}

pub async fn update(conn: &mut PgConnection, cheque: &ChequeRow) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE refund_cheques SET status = $2, sent_on = $3, event_seq = $4, void_seq = $5, void_reason = $6, changed_at = $7
          WHERE id = $1",
        cheque.id.as_uuid(),
        cheque.status.as_str(),
        cheque.sent_on,
        cheque.event_seq,
        cheque.void_seq,
        cheque.void_reason,
        cheque.changed_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What one person alone sent the customer since an instant, void cheques included.
pub async fn sent_alone(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    since: DateTime<Utc>,
) -> Result<Cents, StoreError> {
    let cents = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(amount_cents), 0)::bigint AS "cents!" FROM refund_cheques q
            WHERE customer_id = $1 AND recorded_at >= $2 AND status IN ('sent', 'voided')
              AND NOT EXISTS (SELECT FROM countersignatures c WHERE c.cheque_id = q.id AND c.outcome = 'done')"#,
        customer_id.as_uuid(),
        since,
    )
    .fetch_one(conn)
    .await?;
    Ok(Cents::new(cents))
}
