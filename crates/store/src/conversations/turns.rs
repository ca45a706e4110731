//! Turns, and the recorded steps each is a fold of.

use chrono::{DateTime, Utc};
use identity::{ConversationId, CustomerId, TurnId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

use crate::StoreError;

text_enum! {
    TurnStatus {
        Running = "running",
        Done = "done",
        HandedOff = "handed_off",
        Cancelled = "cancelled",
        OutOfBudget = "out_of_budget",
        Faulted = "faulted",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnRow {
    pub id: TurnId,
    pub conversation_id: ConversationId,
    pub n: i32,
    pub status: TurnStatus,
    pub served_configuration: Value,
    pub attested: bool,
    /// How well the customer was known who began it: 0 to 3 (docs/api.md).
    pub level: i16,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    pub n: i32,
    pub kind: String,
    pub body: Value,
    pub recorded_at: DateTime<Utc>,
}

/// Where a turn belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldTurn {
    pub conversation_id: ConversationId,
    pub customer_id: CustomerId,
    /// The identity level at which it acts.
    pub level: i16,
}

macro_rules! select_turns {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, conversation_id, n, status AS "status: TurnStatus", served_configuration, attested,
                      level, started_at, ended_at
               FROM turns "# + $tail
            $(, $arg)*
        )
        .map(|row| TurnRow {
            id: TurnId::from_uuid(row.id),
            conversation_id: ConversationId::from_uuid(row.conversation_id),
            n: row.n,
            status: row.status,
            served_configuration: row.served_configuration,
            attested: row.attested,
            level: row.level,
            started_at: row.started_at,
            ended_at: row.ended_at,
        })
    };
}

/// Ends a running turn; `false` where it had ended.
pub async fn end_turn(
    conn: &mut PgConnection,
    id: TurnId,
    status: TurnStatus,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE turns SET status = $2, ended_at = $3 WHERE id = $1 AND status = 'running'",
        id.as_uuid(),
        status.as_str(),
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// As `lock`, for the conversation of a turn; tells whose it is.
pub async fn hold_turn(
    conn: &mut PgConnection,
    id: TurnId,
) -> Result<Option<HeldTurn>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT t.conversation_id, c.customer_id, t.level,
                  pg_advisory_xact_lock(hashtextextended('conversation:' || c.id::text, 0)) AS "locked: ()"
           FROM turns t JOIN conversations c ON c.id = t.conversation_id WHERE t.id = $1"#,
        id.as_uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| HeldTurn {
        conversation_id: ConversationId::from_uuid(row.conversation_id),
        customer_id: CustomerId::from_uuid(row.customer_id),
        level: row.level,
    }))
}

/// Turns that were running when the process went away, oldest first.
pub async fn list_running(conn: &mut PgConnection) -> Result<Vec<TurnRow>, StoreError> {
    Ok(select_turns!("WHERE status = 'running' ORDER BY started_at, id").fetch_all(conn).await?)
}

pub async fn list_steps(
    conn: &mut PgConnection,
    turn_id: TurnId,
) -> Result<Vec<StepRow>, StoreError> {
    Ok(sqlx::query_as!(
        StepRow,
        "SELECT n, kind, body, recorded_at FROM steps WHERE turn_id = $1 ORDER BY n",
        turn_id.as_uuid(),
    )
    .fetch_all(conn)
    .await?)
}
