//! How customers are reached, what they said of it, and whether they still agree to electronic records. But for the address
//! that counts now, rows are added and never changed.

use chrono::{DateTime, NaiveTime, Utc};
use identity::{Actor, ContactChangeId, CustomerId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

use crate::StoreError;

text_enum! {
    /// Why consent to electronic records no longer stands.
    ConsentEnd {
        /// The customer took it back.
        Withdrawn = "withdrawn",
        /// Mail came back: whether the address is theirs is in doubt.
        Bounced = "bounced",
    }
}

/// A change of how a customer is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactChange {
    pub id: ContactChangeId,
    pub customer_id: CustomerId,
    pub changed_at: DateTime<Utc>,
    pub changed_by: Actor,
    pub former_email: String,
    pub email: String,
    pub former_phone: String,
    pub phone: String,
    /// The mailing address before it, where one was known.
    pub former_postal: Option<Vec<String>>,
    /// Another mailing address, where one came with it.
    pub postal: Option<Vec<String>>,
}

/// What a customer said about being asked for money.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactLimits {
    /// Not between these hours of their wall clock.
    pub hours: Vec<(NaiveTime, NaiveTime)>,
    /// The e-mail address is an employer's.
    pub at_work: bool,
}

pub async fn end_consent(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    at: DateTime<Utc>,
    why: ConsentEnd,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO consent_ends (customer_id, ended_at, why) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT consent_ends_pkey DO NOTHING",
        customer_id.as_uuid(),
        at,
        why.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How consent ended last, whether or not it was given again.
pub async fn last_consent_end(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Option<(DateTime<Utc>, ConsentEnd)>, StoreError> {
    let found = sqlx::query!(
        r#"SELECT ended_at, why AS "why: ConsentEnd" FROM consent_ends
           WHERE customer_id = $1 ORDER BY ended_at DESC, why LIMIT 1"#,
        customer_id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| (row.ended_at, row.why)))
}

/// Records the change, and makes the new address and telephone the ones that count.
pub async fn change(conn: &mut PgConnection, change: &ContactChange) -> Result<(), StoreError> {
    let changed_by = serde_json::to_value(change.changed_by)
        .map_err(|source| StoreError::Stored { what: "actor", source })?;
    sqlx::query!(
        "INSERT INTO contact_changes (id, customer_id, changed_at, changed_by, former_email, email, former_phone, phone,
                                      former_postal, postal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        change.id.as_uuid(),
        change.customer_id.as_uuid(),
        change.changed_at,
        changed_by,
        change.former_email,
        change.email,
        change.former_phone,
        change.phone,
        change.former_postal.as_deref(),
        change.postal.as_deref(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE customers SET email = $2, phone = $3 WHERE id = $1",
        change.customer_id.as_uuid(),
        change.email,
        change.phone,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// When it was changed last.
pub async fn last_change(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT max(changed_at) FROM contact_changes WHERE customer_id = $1",
        customer_id.as_uuid(),
    )
    .fetch_one(conn)
    .await?)
}

pub async fn find_change(
    conn: &mut PgConnection,
    id: ContactChangeId,
) -> Result<Option<ContactChange>, StoreError> {
    let found = sqlx::query!(
        r#"SELECT customer_id, changed_at, changed_by AS "changed_by: Value", former_email, email, former_phone, phone,
                  former_postal, postal
           FROM contact_changes WHERE id = $1"#,
        id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    found
        .map(|row| {
            Ok(ContactChange {
                id,
                customer_id: CustomerId::from_uuid(row.customer_id),
                changed_at: row.changed_at,
                changed_by: serde_json::from_value(row.changed_by)
                    .map_err(|source| StoreError::Stored { what: "actor", source })?,
                former_email: row.former_email,
                email: row.email,
                former_phone: row.former_phone,
                phone: row.phone,
                former_postal: row.former_postal,
                postal: row.postal,
            })
        })
        .transpose()
}

pub async fn insert_postal_address(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    lines: &[String],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO postal_addresses (customer_id, recorded_at, lines) VALUES ($1, $2, $3)",
        customer_id.as_uuid(),
        at,
        lines,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where paper goes, line by line.
pub async fn find_postal_address(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Option<Vec<String>>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT lines FROM postal_addresses WHERE customer_id = $1 ORDER BY n DESC LIMIT 1",
        customer_id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?)
}

/// Adds hours at which they must not be asked for money; without hours, that the address is an employer's.
pub async fn insert_limit(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    hours: Option<(NaiveTime, NaiveTime)>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO contact_limits (customer_id, recorded_at, not_from, not_until) VALUES ($1, $2, $3, $4)",
        customer_id.as_uuid(),
        at,
        hours.map(|(from, _)| from),
        hours.map(|(_, until)| until),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn limits(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<ContactLimits, StoreError> {
    let rows = sqlx::query!(
        "SELECT not_from, not_until FROM contact_limits WHERE customer_id = $1 ORDER BY n",
        customer_id.as_uuid(),
    )
    .fetch_all(conn)
    .await?;
    let mut limits = ContactLimits::default();
    for row in rows {
        match (row.not_from, row.not_until) {
            (Some(from), Some(until)) => limits.hours.push((from, until)),
            _ => limits.at_work = true,
        }
    }
    Ok(limits)
}
