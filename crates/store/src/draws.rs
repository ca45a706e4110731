//! Draws: money to the customer.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{BankAccountId, CreditLineId, CustomerId, DrawId};
use money::Cents;
use serde::Serialize;
use sqlx::PgConnection;

use crate::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DrawRow {
    pub id: DrawId,
    pub credit_line_id: CreditLineId,
    pub customer_id: CustomerId,
    pub bank_account_id: BankAccountId,
    pub reference: String,
    pub amount: Cents,
    pub drawn_on: NaiveDate,
    /// The line event that charged it.
    pub drew_seq: i64,
    pub drawn_at: DateTime<Utc>,
}

pub async fn insert(conn: &mut PgConnection, draw: &DrawRow) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO draws (id, credit_line_id, customer_id, bank_account_id, reference, amount_cents, drawn_on,
                            drew_seq, drawn_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        draw.id.as_uuid(),
        draw.credit_line_id.as_uuid(),
        draw.customer_id.as_uuid(),
        draw.bank_account_id.as_uuid(),
        draw.reference,
        draw.amount.get(),
        draw.drawn_on,
        draw.drew_seq,
        draw.drawn_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The line's draws of one day, in order.
pub async fn list_on(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
    on: NaiveDate,
) -> Result<Vec<DrawRow>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, credit_line_id, customer_id, bank_account_id, reference, amount_cents, drawn_on, drew_seq, drawn_at
         FROM draws WHERE credit_line_id = $1 AND drawn_on = $2 ORDER BY drew_seq",
        credit_line_id.as_uuid(),
        on,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DrawRow {
            id: DrawId::from_uuid(row.id),
            credit_line_id: CreditLineId::from_uuid(row.credit_line_id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            bank_account_id: BankAccountId::from_uuid(row.bank_account_id),
            reference: row.reference,
            amount: Cents::new(row.amount_cents),
            drawn_on: row.drawn_on,
            drew_seq: row.drew_seq,
            drawn_at: row.drawn_at,
        })
        .collect())
}
