//! The flags that stand now and those that stood: the reading of the lines' flag events, and for a person without a
//! line the record itself.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{CreditLineId, CustomerId};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flag {
    pub customer_id: CustomerId,
    pub credit_line_id: Option<CreditLineId>,
    pub kind: String,
    pub raised_on: NaiveDate,
    pub raised_at: DateTime<Utc>,
    /// Who or what raised it, in a few words.
    pub source: String,
}

/// Raises a flag; `false` where it stood already.
pub async fn raise(conn: &mut PgConnection, flag: &Flag) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO flags (customer_id, credit_line_id, kind, raised_on, raised_at, source)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (customer_id, kind) WHERE cleared_on IS NULL DO NOTHING",
        flag.customer_id.as_uuid(),
        flag.credit_line_id.map(CreditLineId::as_uuid),
        flag.kind,
        flag.raised_on,
        flag.raised_at,
        flag.source,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Clears a flag; `false` where it did not stand.
pub async fn clear(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    kind: &str,
    on: NaiveDate,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE flags SET cleared_on = $3, cleared_at = $4
         WHERE customer_id = $1 AND kind = $2 AND cleared_on IS NULL",
        customer_id.as_uuid(),
        kind,
        on,
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The words of the flags that stand on each of these customers.
pub async fn list_standing_on(
    conn: &mut PgConnection,
    customers: &[CustomerId],
) -> Result<Vec<(CustomerId, String)>, StoreError> {
    let ids: Vec<Uuid> = customers.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        "SELECT customer_id, kind FROM flags WHERE customer_id = ANY($1) AND cleared_on IS NULL
         ORDER BY customer_id, raised_at, kind",
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (CustomerId::from_uuid(row.customer_id), row.kind)).collect())
}

/// The flags that stand, in order of raising.
pub async fn list_standing(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Vec<Flag>, StoreError> {
    let rows = sqlx::query!(
        "SELECT customer_id, credit_line_id, kind, raised_on, raised_at, source FROM flags
         WHERE customer_id = $1 AND cleared_on IS NULL ORDER BY raised_at, kind",
        customer_id.as_uuid(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Flag {
            customer_id: CustomerId::from_uuid(row.customer_id),
            credit_line_id: row.credit_line_id.map(CreditLineId::from_uuid),
            kind: row.kind,
            raised_on: row.raised_on,
            raised_at: row.raised_at,
            source: row.source,
        })
        .collect())
}
