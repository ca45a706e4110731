//! Cases: a right that was invoked, recorded with the customer's words and the day by which it must be answered.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{Actor, CaseId, ConversationId, CreditLineId, CustomerId};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, types::Json};

use crate::StoreError;

text_enum! {
    CaseStatus {
        Open = "open",
        Closed = "closed",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRow {
    pub id: CaseId,
    pub reference: String,
    pub customer_id: CustomerId,
    pub credit_line_id: Option<CreditLineId>,
    pub conversation_id: Option<ConversationId>,
    pub kind: String,
    /// What the customer said or the desk is to look into, and on further lines what came to it while it was open.
    pub words: String,
    pub status: CaseStatus,
    pub opened_by: Actor,
    pub opened_at: DateTime<Utc>,
    pub due_on: NaiveDate,
    pub note: Option<String>,
    pub closed_by: Option<Actor>,
    pub closed_at: Option<DateTime<Utc>>,
}

macro_rules! select_cases {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, reference, customer_id, credit_line_id, conversation_id, kind,
                      words || coalesce((SELECT string_agg(E'\n' || m.words, '' ORDER BY m.n) FROM case_matters m
                                         WHERE m.case_id = cases.id), '') AS "words!",
                      status AS "status: CaseStatus", opened_by AS "opened_by: Json<Actor>", opened_at, due_on, note,
                      closed_by AS "closed_by: Json<Actor>", closed_at
               FROM cases "# + $tail
            $(, $arg)*
        )
        .map(|row| CaseRow {
            id: CaseId::from_uuid(row.id),
            reference: row.reference,
            customer_id: CustomerId::from_uuid(row.customer_id),
            credit_line_id: row.credit_line_id.map(CreditLineId::from_uuid),
            conversation_id: row.conversation_id.map(ConversationId::from_uuid),
            kind: row.kind,
            words: row.words,
            status: row.status,
            opened_by: row.opened_by.0,
            opened_at: row.opened_at,
            due_on: row.due_on,
            note: row.note,
            closed_by: row.closed_by.map(|actor| actor.0),
            closed_at: row.closed_at,
        })
    };
}

/// Opens a case; `false` where one of its kind is open for the customer already.
pub async fn insert(conn: &mut PgConnection, case: &CaseRow) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO cases (id, reference, customer_id, credit_line_id, conversation_id, kind, words, status, opened_by,
                            opened_at, due_on)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (customer_id, kind) WHERE status = 'open' DO NOTHING",
        case.id.as_uuid(),
        case.reference,
        case.customer_id.as_uuid(),
        case.credit_line_id.map(CreditLineId::as_uuid),
        case.conversation_id.map(ConversationId::as_uuid),
        case.kind,
        case.words,
        case.status.as_str(),
        Json(case.opened_by) as _,
        case.opened_at,
        case.due_on,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Adds to a case what came to it while it was open, unless the same stands there; `false` where it does.
pub async fn add_matter(
    conn: &mut PgConnection,
    id: CaseId,
    words: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO case_matters (case_id, words, told_at)
         SELECT $1, $2, $3
          WHERE NOT EXISTS (SELECT FROM cases WHERE id = $1 AND words = $2)
            AND NOT EXISTS (SELECT FROM case_matters WHERE case_id = $1 AND words = $2)",
        id.as_uuid(),
        words,
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn find(conn: &mut PgConnection, id: CaseId) -> Result<Option<CaseRow>, StoreError> {
    Ok(select_cases!("WHERE id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

pub async fn find_open(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    kind: &str,
) -> Result<Option<CaseRow>, StoreError> {
    Ok(select_cases!(
        "WHERE customer_id = $1 AND kind = $2 AND status = 'open'",
        customer_id.as_uuid(),
        kind
    )
    .fetch_optional(conn)
    .await?)
}

pub async fn list_of_customer(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Vec<CaseRow>, StoreError> {
    Ok(select_cases!("WHERE customer_id = $1 ORDER BY opened_at, id", customer_id.as_uuid())
        .fetch_all(conn)
        .await?)
}

/// The open ones, most urgent first.
pub async fn list_open(conn: &mut PgConnection, limit: i64) -> Result<Vec<CaseRow>, StoreError> {
    Ok(select_cases!("WHERE status = 'open' ORDER BY due_on, id LIMIT $1", limit)
        .fetch_all(conn)
        .await?)
}

/// Closes an open case; `false` where it was not open.
pub async fn close(
    conn: &mut PgConnection,
    id: CaseId,
    note: &str,
    by: Actor,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE cases SET status = 'closed', note = $2, closed_by = $3, closed_at = $4
         WHERE id = $1 AND status = 'open'",
        id.as_uuid(),
        note,
        Json(by) as _,
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
