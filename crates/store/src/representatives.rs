//! Our staff.

use chrono::{DateTime, Utc};
use identity::RepresentativeId;
use serde::Serialize;
use sqlx::PgConnection;

use crate::StoreError;

text_enum! {
    StaffRole {
        Representative = "representative",
        Compliance = "compliance",
        Engineer = "engineer",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Representative {
    pub id: RepresentativeId,
    pub name: String,
    pub role: StaffRole,
    pub created_at: DateTime<Utc>,
}

pub async fn insert(conn: &mut PgConnection, staff: &Representative) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO representatives (id, name, role, created_at) VALUES ($1, $2, $3, $4)",
        staff.id.as_uuid(),
        staff.name,
        staff.role.as_str(),
        staff.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find(
    conn: &mut PgConnection,
    id: RepresentativeId,
) -> Result<Option<Representative>, StoreError> {
    Ok(list(conn).await?.into_iter().find(|staff| staff.id == id))
}

/// All of them, by name.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<Representative>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT id, name, role AS "role: StaffRole", created_at FROM representatives ORDER BY name, id"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Representative {
            id: RepresentativeId::from_uuid(row.id),
            name: row.name,
            role: row.role,
            created_at: row.created_at,
        })
        .collect())
}
