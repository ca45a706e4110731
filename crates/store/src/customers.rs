//! The people who owe, and those who asked.

use chrono::{DateTime, Utc};
use identity::CustomerId;
use serde::Serialize;
use sqlx::PgConnection;

use crate::StoreError;

text_enum! {
    /// A language in which we serve.
    Language {
        English = "en",
        Spanish = "es",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Customer {
    pub id: CustomerId,
    pub name: String,
    pub email: String,
    pub phone: String,
    /// Two letters.
    pub state: String,
    pub language: Language,
    /// Sandbox portfolio only.
    pub archetype: Option<String>,
    pub summary: Option<String>,
    pub created_at: DateTime<Utc>,
}

macro_rules! select_customers {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, name, email, phone, state, language AS "language: Language", archetype, summary, created_at
               FROM customers "# + $tail
            $(, $arg)*
        )
        .map(|row| Customer {
            id: CustomerId::from_uuid(row.id),
            name: row.name,
            email: row.email,
            phone: row.phone,
            state: row.state,
            language: row.language,
            archetype: row.archetype,
            summary: row.summary,
            created_at: row.created_at,
        })
    };
}

pub async fn insert(conn: &mut PgConnection, customer: &Customer) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO customers (id, name, email, phone, state, language, archetype, summary, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        customer.id.as_uuid(),
        customer.name,
        customer.email,
        customer.phone,
        customer.state,
        customer.language.as_str(),
        customer.archetype,
        customer.summary,
        customer.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find(conn: &mut PgConnection, id: CustomerId) -> Result<Option<Customer>, StoreError> {
    Ok(select_customers!("WHERE id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

/// Those whose name holds the words, by name; without words those on whom a flag stands or of whom a case is open, what was
/// raised or opened last first.
pub async fn search(
    conn: &mut PgConnection,
    words: Option<&str>,
    limit: i64,
) -> Result<Vec<Customer>, StoreError> {
    Ok(select_customers!(
        "c WHERE CASE WHEN $1::text IS NULL
                 THEN EXISTS (SELECT FROM flags f WHERE f.customer_id = c.id AND f.cleared_on IS NULL)
                      OR EXISTS (SELECT FROM cases k WHERE k.customer_id = c.id AND k.status = 'open')
                 ELSE position(lower($1) IN lower(c.name)) > 0
                 END
         ORDER BY CASE WHEN $1::text IS NULL
                       THEN GREATEST((SELECT max(f.raised_at) FROM flags f WHERE f.customer_id = c.id AND f.cleared_on IS NULL),
                                     (SELECT max(k.opened_at) FROM cases k WHERE k.customer_id = c.id AND k.status = 'open'))
                       END DESC NULLS LAST, name, id
         LIMIT $2",
        words,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Everybody, by name.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<Customer>, StoreError> {
    Ok(select_customers!("ORDER BY name, id").fetch_all(conn).await?)
}
