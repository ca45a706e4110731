//! Logins. Only the digest of a token is kept.

use chrono::{DateTime, Utc};
use identity::{CustomerId, RepresentativeId};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    StoreError,
    customers::{Customer, Language},
    representatives::{Representative, StaffRole},
};

text_enum! {
    SessionRole {
        Customer = "customer",
        Representative = "representative",
        Compliance = "compliance",
        Engineer = "engineer",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionRow {
    pub role: SessionRole,
    /// A customer or a representative, by the role.
    pub actor_id: Uuid,
    /// Identity level 0 to 3 (docs/api.md).
    pub level: i16,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// Whose session it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    Customer(Customer),
    Staff(Representative),
}

pub async fn insert(
    conn: &mut PgConnection,
    token_digest: &[u8; 32],
    session: &SessionRow,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO sessions (token_digest, role, actor_id, level, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        token_digest,
        session.role.as_str(),
        session.actor_id,
        session.level,
        session.created_at,
        session.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The session of a token that has neither ended nor expired, and whose it is: every request asks this first.
pub async fn find_live(
    conn: &mut PgConnection,
    token_digest: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<(SessionRow, Who)>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT s.role AS "role: SessionRole", s.actor_id, s.level, s.created_at, s.expires_at,
                  c.name AS "customer_name?", c.email AS "email?", c.phone AS "phone?", c.state AS "state?",
                  c.language AS "language?: Language", c.archetype, c.summary, c.created_at AS "customer_since?",
                  r.name AS "staff_name?", r.role AS "staff_role?: StaffRole", r.created_at AS "staff_since?"
           FROM sessions s
           LEFT JOIN customers c ON s.role = 'customer' AND c.id = s.actor_id
           LEFT JOIN representatives r ON s.role <> 'customer' AND r.id = s.actor_id
           WHERE s.token_digest = $1 AND s.ended_at IS NULL AND s.expires_at > $2"#,
        token_digest,
        now,
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let customer = || {
        Some(Customer {
            id: CustomerId::from_uuid(row.actor_id),
            name: row.customer_name?,
            email: row.email?,
            phone: row.phone?,
            state: row.state?,
            language: row.language?,
            archetype: row.archetype,
            summary: row.summary,
            created_at: row.customer_since?,
        })
    };
    let staff = || {
        Some(Representative {
            id: RepresentativeId::from_uuid(row.actor_id),
            name: row.staff_name?,
            role: row.staff_role?,
            created_at: row.staff_since?,
        })
    };
    let who = customer().map(Who::Customer).or_else(|| staff().map(Who::Staff));
    let session = SessionRow {
        role: row.role,
        actor_id: row.actor_id,
        level: row.level,
        created_at: row.created_at,
        expires_at: row.expires_at,
    };
    Ok(who.map(|who| (session, who)))
}

pub async fn end(
    conn: &mut PgConnection,
    token_digest: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE sessions SET ended_at = $2 WHERE token_digest = $1 AND ended_at IS NULL",
        token_digest,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes sessions that expired before `before`, so many at most; answers how many. Where there is none, nothing is written.
pub async fn purge(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64, StoreError> {
    let digests = sqlx::query_scalar!(
        "SELECT token_digest FROM sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2",
        before,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    if digests.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query!("DELETE FROM sessions WHERE token_digest = ANY($1)", &digests)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
