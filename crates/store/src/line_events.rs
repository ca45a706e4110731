//! The event stream of each credit line: gapless, only added to, under an optimistic lock.

use chrono::{DateTime, NaiveDate, Utc};
use credit::LineEvent;
use identity::CreditLineId;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use sqlx::{PgConnection, types::Json};

use crate::{
    StoreError,
    number::{from_column, to_column},
};

/// What replay found up to the end of a closed cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSnapshot<S> {
    pub closed_on: NaiveDate,
    /// The newest event it has seen.
    pub seq: u64,
    pub body: S,
}

/// Appends to a line that still stands at event `expected_seq` (0: it has none yet), in one statement.
///
/// # Errors
/// [`StoreError::Conflict`] when it does not stand there, or when the events do not continue it without a gap.
pub async fn append(
    conn: &mut PgConnection,
    credit_line: CreditLineId,
    expected_seq: u64,
    events: &[LineEvent],
) -> Result<(), StoreError> {
    let conflict = || StoreError::Conflict { credit_line, expected_seq };
    let Some(newest) = events.last() else { return Ok(()) };
    if !events.iter().map(|event| event.seq).eq((expected_seq..).skip(1).take(events.len())) {
        return Err(conflict());
    }
    let columns = Columns::of(events)?;
    let written = sqlx::query!(
        "WITH opened AS (
             INSERT INTO line_heads (credit_line_id, seq) SELECT $1, $3 WHERE $2::bigint = 0
             ON CONFLICT DO NOTHING RETURNING seq
         ), moved AS (
             UPDATE line_heads SET seq = $3 WHERE credit_line_id = $1 AND seq = $2 RETURNING seq
         )
         INSERT INTO line_events (credit_line_id, seq, effective_on, recorded_at, body)
         SELECT $1, new.* FROM unnest($4::bigint[], $5::date[], $6::timestamptz[], $7::jsonb[]) AS new
          WHERE EXISTS (SELECT FROM opened) OR EXISTS (SELECT FROM moved)",
        credit_line.as_uuid(),
        to_column(expected_seq, "event seq")?,
        to_column(newest.seq, "event seq")?,
        &columns.seqs,
        &columns.effective_on,
        &columns.recorded_at,
        &columns.bodies,
    )
    .execute(conn)
    .await?;
    if written.rows_affected() == 0 { Err(conflict()) } else { Ok(()) }
}

#[derive(Default)]
struct Columns {
    seqs: Vec<i64>,
    effective_on: Vec<NaiveDate>,
    recorded_at: Vec<DateTime<Utc>>,
    bodies: Vec<Value>,
}

impl Columns {
    fn of(events: &[LineEvent]) -> Result<Self, StoreError> {
        let mut columns = Self::default();
        for event in events {
            columns.seqs.push(to_column(event.seq, "event seq")?);
            columns.effective_on.push(event.effective_on);
            columns.recorded_at.push(event.recorded_at);
            columns.bodies.push(to_json(&event.body, "line event")?);
        }
        Ok(columns)
    }
}

/// The seq of the line's newest event, 0 where it has none.
pub async fn head(conn: &mut PgConnection, credit_line: CreditLineId) -> Result<u64, StoreError> {
    let seq = sqlx::query_scalar!(
        "SELECT seq FROM line_heads WHERE credit_line_id = $1",
        credit_line.as_uuid()
    )
    .fetch_optional(conn)
    .await?;
    from_column(seq.unwrap_or_default(), "event seq")
}

/// As [`head`], and nobody else appends to the line until this transaction ends.
pub async fn lock(conn: &mut PgConnection, credit_line: CreditLineId) -> Result<u64, StoreError> {
    let seq = sqlx::query_scalar!(
        "SELECT seq FROM line_heads WHERE credit_line_id = $1 FOR NO KEY UPDATE",
        credit_line.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    from_column(seq.unwrap_or_default(), "event seq")
}

/// All events of the line after `seq` (0: all of them), in the order in which we learned of them.
pub async fn load_after(
    conn: &mut PgConnection,
    credit_line: CreditLineId,
    seq: u64,
) -> Result<Vec<LineEvent>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT seq, effective_on, recorded_at, body AS "body: Text" FROM line_events
           WHERE credit_line_id = $1 AND seq > $2 ORDER BY seq"#,
        credit_line.as_uuid(),
        to_column(seq, "event seq")?,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| event_of(row.seq, row.effective_on, row.recorded_at, &row.body))
        .collect()
}

/// The whole history of the line.
pub async fn load(
    conn: &mut PgConnection,
    credit_line: CreditLineId,
) -> Result<Vec<LineEvent>, StoreError> {
    load_after(conn, credit_line, 0).await
}

/// The whole histories of many lines in one statement, in the order of their ids; a line without events is left out.
pub async fn load_all(
    conn: &mut PgConnection,
    credit_lines: &[CreditLineId],
) -> Result<Vec<(CreditLineId, Vec<LineEvent>)>, StoreError> {
    let ids: Vec<uuid::Uuid> = credit_lines.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT credit_line_id, seq, effective_on, recorded_at, body AS "body: Text" FROM line_events
           WHERE credit_line_id = ANY($1) ORDER BY credit_line_id, seq"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let mut histories: Vec<(CreditLineId, Vec<LineEvent>)> = Vec::with_capacity(ids.len());
    for row in rows {
        let id = CreditLineId::from_uuid(row.credit_line_id);
        let event = event_of(row.seq, row.effective_on, row.recorded_at, &row.body)?;
        match histories.last_mut() {
            Some((last, events)) if *last == id => events.push(event),
            _ => histories.push((id, vec![event])),
        }
    }
    Ok(histories)
}

/// Keeps a snapshot. One that is kept already stays as it is.
pub async fn save_snapshot<S: Serialize + Sync>(
    conn: &mut PgConnection,
    credit_line: CreditLineId,
    snapshot: &StoredSnapshot<S>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO line_snapshots (credit_line_id, closed_on, seq, body) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
        credit_line.as_uuid(),
        snapshot.closed_on,
        to_column(snapshot.seq, "event seq")?,
        to_json(&snapshot.body, "snapshot")?,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An event as its row holds it.
pub(crate) fn event_of(
    seq: i64,
    effective_on: NaiveDate,
    recorded_at: DateTime<Utc>,
    body: &Text,
) -> Result<LineEvent, StoreError> {
    let seq = from_column(seq, "event seq")?;
    Ok(LineEvent { seq, effective_on, recorded_at, body: from_json(body, "line event")? })
}

/// A snapshot as its row holds it.
pub(crate) fn snapshot_of<S: DeserializeOwned>(
    closed_on: NaiveDate,
    seq: i64,
    body: &Text,
) -> Result<StoredSnapshot<S>, StoreError> {
    let seq = from_column(seq, "event seq")?;
    Ok(StoredSnapshot { closed_on, seq, body: from_json(body, "snapshot")? })
}

fn to_json(value: &impl Serialize, what: &'static str) -> Result<Value, StoreError> {
    serde_json::to_value(value).map_err(|source| StoreError::Stored { what, source })
}

/// Read as what it holds at once: a history is long, and a tree of values in between is twice the work.
pub(crate) type Text = Json<Box<RawValue>>;

fn from_json<T: DeserializeOwned>(text: &Text, what: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text.get()).map_err(|source| StoreError::Stored { what, source })
}
