//! Refunds of a credit balance: asked for, handed to the bank, sent.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{BankAccountId, CreditLineId, CustomerId, RefundId};
use money::Cents;
use serde::Serialize;
use sqlx::PgConnection;

use crate::StoreError;

text_enum! {
    RefundStatus {
        Requested = "requested",
        /// The bank was asked, and what it did is not known.
        Pending = "pending",
        Sent = "sent",
        Refused = "refused",
    }
}

text_enum! {
    /// Why it is refunded.
    RefundCause {
        Asked = "asked",
        /// The balance stood for six months (12 CFR 1026.11(a)(3)).
        SixMonths = "six_months",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefundRow {
    pub id: RefundId,
    pub credit_line_id: CreditLineId,
    pub customer_id: CustomerId,
    pub bank_account_id: BankAccountId,
    pub reference: String,
    pub amount: Cents,
    pub cause: RefundCause,
    pub status: RefundStatus,
    pub requested_at: DateTime<Utc>,
    pub pay_by: NaiveDate,
    pub handed_at: Option<DateTime<Utc>>,
    /// The line event that charged it.
    pub event_seq: Option<i64>,
    pub refusal: Option<String>,
    pub changed_at: DateTime<Utc>,
}

macro_rules! select_refunds {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, credit_line_id, customer_id, bank_account_id, reference, amount_cents, cause AS "cause: RefundCause",
                      status AS "status: RefundStatus", requested_at, pay_by, handed_at, event_seq, refusal, changed_at
               FROM refunds "# + $tail
            $(, $arg)*
        )
        .map(|row| RefundRow {
            id: RefundId::from_uuid(row.id),
            credit_line_id: CreditLineId::from_uuid(row.credit_line_id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            bank_account_id: BankAccountId::from_uuid(row.bank_account_id),
            reference: row.reference,
            amount: Cents::new(row.amount_cents),
            cause: row.cause,
            status: row.status,
            requested_at: row.requested_at,
            pay_by: row.pay_by,
            handed_at: row.handed_at,
            event_seq: row.event_seq,
            refusal: row.refusal,
            changed_at: row.changed_at,
        })
    };
}

/// Adds a refund that is asked for. The database refuses a second one while it is underway.
pub async fn insert(conn: &mut PgConnection, refund: &RefundRow) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO refunds (id, credit_line_id, customer_id, bank_account_id, reference, amount_cents, cause, status,
                              requested_at, pay_by, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        refund.id.as_uuid(),
        refund.credit_line_id.as_uuid(),
        refund.customer_id.as_uuid(),
        refund.bank_account_id.as_uuid(),
        refund.reference,
        refund.amount.get(),
        refund.cause.as_str(),
        refund.status.as_str(),
        refund.requested_at,
        refund.pay_by,
        refund.changed_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find_for_update(
    conn: &mut PgConnection,
    id: RefundId,
) -> Result<Option<RefundRow>, StoreError> {
    Ok(select_refunds!("WHERE id = $1 FOR UPDATE", id.as_uuid()).fetch_optional(conn).await?)
}

/// A line's, newest first.
pub async fn list_of_line(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
) -> Result<Vec<RefundRow>, StoreError> {
    Ok(select_refunds!(
        "WHERE credit_line_id = $1 ORDER BY requested_at DESC, id DESC",
        credit_line_id.as_uuid()
    )
    .fetch_all(conn)
    .await?)
}

/// Those that are underway, the most urgent first.
pub async fn list_underway(conn: &mut PgConnection) -> Result<Vec<RefundRow>, StoreError> {
    Ok(select_refunds!("WHERE status IN ('requested', 'pending') ORDER BY pay_by, id")
        .fetch_all(conn)
        .await?)
}

pub async fn update(conn: &mut PgConnection, refund: &RefundRow) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE refunds SET status = $2, handed_at = $3, event_seq = $4, refusal = $5, changed_at = $6 WHERE id = $1",
        refund.id.as_uuid(),
        refund.status.as_str(),
        refund.handed_at,
        refund.event_seq,
        refund.refusal,
        refund.changed_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks the day on which old credit balances are looked for; `false` where that was done.
pub async fn begin_day(conn: &mut PgConnection, today: NaiveDate) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO refund_days (looked_on) VALUES ($1) ON CONFLICT ON CONSTRAINT refund_days_pkey DO NOTHING",
        today,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The lines whose credit balance is to go back today without being asked for, longest first.
pub async fn lines_to_refund(
    conn: &mut PgConnection,
    today: NaiveDate,
) -> Result<Vec<CreditLineId>, StoreError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM credit_lines WHERE refund_on <= $1 ORDER BY refund_on, id",
        today,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(CreditLineId::from_uuid).collect())
}

/// One more try to send the line's credit balance back, and when to look again; answers how many that makes.
pub async fn count_try(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
    look_again_on: NaiveDate,
) -> Result<i16, StoreError> {
    let tries = sqlx::query_scalar!(
        "UPDATE credit_lines SET refund_tries = refund_tries + 1, refund_on = $2 WHERE id = $1 RETURNING refund_tries",
        credit_line_id.as_uuid(),
        look_again_on,
    )
    .fetch_one(conn)
    .await?;
    Ok(tries)
}

/// A person has the line's credit balance: it is not looked at again before it moves.
pub async fn leave_to_a_person(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE credit_lines SET refund_on = NULL WHERE id = $1",
        credit_line_id.as_uuid(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
