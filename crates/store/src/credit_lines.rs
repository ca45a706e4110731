//! The head of each credit line: whose it is, its terms as copied at opening, and what the jobs look for. Its history
//! is in `line_events`.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{CreditLineId, CustomerId, DecisionId};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use crate::StoreError;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreditLineRow {
    pub id: CreditLineId,
    pub customer_id: CustomerId,
    pub decision_id: Option<DecisionId>,
    pub product: String,
    pub terms: Value,
    pub opened_on: NaiveDate,
    /// The next morning on which something may have to be posted.
    pub settles_next_on: NaiveDate,
    pub created_at: DateTime<Utc>,
}

macro_rules! select_credit_lines {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            "SELECT id, customer_id, decision_id, product, terms, opened_on, settles_next_on, created_at
             FROM credit_lines " + $tail
            $(, $arg)*
        )
        .map(|row| CreditLineRow {
            id: CreditLineId::from_uuid(row.id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            decision_id: row.decision_id.map(DecisionId::from_uuid),
            product: row.product,
            terms: row.terms,
            opened_on: row.opened_on,
            settles_next_on: row.settles_next_on,
            created_at: row.created_at,
        })
    };
}

pub async fn insert(conn: &mut PgConnection, line: &CreditLineRow) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO credit_lines (id, customer_id, decision_id, product, terms, opened_on, settles_next_on,
                                   created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        line.id.as_uuid(),
        line.customer_id.as_uuid(),
        line.decision_id.map(DecisionId::as_uuid),
        line.product,
        line.terms,
        line.opened_on,
        line.settles_next_on,
        line.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find(
    conn: &mut PgConnection,
    id: CreditLineId,
) -> Result<Option<CreditLineRow>, StoreError> {
    Ok(select_credit_lines!("WHERE id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

/// The customer's newest line.
pub async fn find_of_customer(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Option<CreditLineRow>, StoreError> {
    Ok(select_credit_lines!(
        "WHERE customer_id = $1 ORDER BY opened_on DESC, id DESC LIMIT 1",
        customer_id.as_uuid()
    )
    .fetch_optional(conn)
    .await?)
}

/// Lines on which something may have to be posted by the start of `today`, a page at a time, in the order of their ids.
pub async fn list_due(
    conn: &mut PgConnection,
    today: NaiveDate,
    after: Option<CreditLineId>,
    limit: i64,
) -> Result<Vec<CreditLineId>, StoreError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM credit_lines WHERE settles_next_on <= $1 AND ($2::uuid IS NULL OR id > $2)
         ORDER BY id LIMIT $3",
        today,
        after.map(CreditLineId::as_uuid),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(CreditLineId::from_uuid).collect())
}

/// Sets what the jobs look for.
pub async fn set_settles_next(
    conn: &mut PgConnection,
    id: CreditLineId,
    settles_next_on: NaiveDate,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE credit_lines SET settles_next_on = $2 WHERE id = $1",
        id.as_uuid(),
        settles_next_on,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose line is which, for lists of people.
pub async fn list_owners(
    conn: &mut PgConnection,
) -> Result<Vec<(CustomerId, CreditLineId)>, StoreError> {
    let rows = sqlx::query!("SELECT customer_id, id FROM credit_lines ORDER BY id")
        .fetch_all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (CustomerId::from_uuid(row.customer_id), CreditLineId::from_uuid(row.id)))
        .collect())
}
