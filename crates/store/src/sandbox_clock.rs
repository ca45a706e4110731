//! Where the hand of the sandbox's manual clock stood last, so that a restart does not turn time back.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::StoreError;

pub async fn load(conn: &mut PgConnection) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT now_at FROM sandbox_clock").fetch_optional(conn).await?)
}

/// Remembers where the hand stands; never earlier than it stood.
pub async fn save(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO sandbox_clock (now_at) VALUES ($1)
         ON CONFLICT (only_row) DO UPDATE SET now_at = greatest(sandbox_clock.now_at, excluded.now_at)",
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
