//! Revocations: a customer took back leave to debit. Added, never changed: no closing of a case brings a payment back.

use chrono::{DateTime, Utc};
use identity::CustomerId;
use sqlx::PgConnection;

use crate::StoreError;

/// Records that nothing authorised up to `at` may be taken; said twice at one instant, it is one fact.
pub async fn insert(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    at: DateTime<Utc>,
    source: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO revocations (customer_id, revoked_at, source) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT revocations_pkey DO NOTHING",
        customer_id.as_uuid(),
        at,
        source,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The instant up to which everything the customer authorised is revoked.
pub async fn last(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT max(revoked_at) FROM revocations WHERE customer_id = $1",
        customer_id.as_uuid(),
    )
    .fetch_one(conn)
    .await?)
}
