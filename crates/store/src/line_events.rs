//! The event stream of each credit line: gapless, only added to, under an optimistic lock.

use chrono::{DateTime, NaiveDate, Utc};
use credit::LineEvent;
use identity::CreditLineId;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

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

/// Events that continue one line.
#[derive(Clone, Copy, Debug)]
pub struct Continuation<'a> {
    pub credit_line: CreditLineId,
    /// The event at which the line stands; 0: it has none yet.
    pub expected_seq: u64,
    pub events: &'a [LineEvent],
}

impl Continuation<'_> {
    fn conflict(&self) -> StoreError {
        let Self { credit_line, expected_seq, .. } = *self;
        StoreError::Conflict { credit_line, expected_seq }
    }
}

/// As [`append_all`], to one line.
pub async fn append(
    conn: &mut PgConnection,
    credit_line: CreditLineId,
    expected_seq: u64,
    events: &[LineEvent],
) -> Result<(), StoreError> {
    append_all(conn, &[Continuation { credit_line, expected_seq, events }]).await
}

/// Appends to lines that still stand where they are expected, in one statement whatever their number. A line may come once.
///
/// # Errors
/// [`StoreError::Conflict`] when one does not stand there, or when its events do not continue it without a gap.
pub async fn append_all(
    conn: &mut PgConnection,
    lines: &[Continuation<'_>],
) -> Result<(), StoreError> {
    let mut heads = Heads::default();
    let mut columns = Columns::default();
    for line in lines {
        let Some(newest) = line.events.last() else { continue };
        let next = (line.expected_seq..).skip(1).take(line.events.len());
        if !line.events.iter().map(|event| event.seq).eq(next) {
            return Err(line.conflict());
        }
        heads.lines.push(line.credit_line.as_uuid());
        heads.expected.push(to_column(line.expected_seq, "event seq")?);
        heads.newest.push(to_column(newest.seq, "event seq")?);
        columns.add(line)?;
    }
    let Some(first) = lines.iter().find(|line| !line.events.is_empty()) else { return Ok(()) };
    let written = sqlx::query!(
        "WITH head AS (
             SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS head (id, expected, newest)
         ), opened AS (
             INSERT INTO line_heads (credit_line_id, seq) SELECT id, newest FROM head WHERE expected = 0
             ON CONFLICT DO NOTHING RETURNING credit_line_id
         ), moved AS (
             UPDATE line_heads h SET seq = head.newest FROM head
              WHERE h.credit_line_id = head.id AND h.seq = head.expected RETURNING h.credit_line_id
         )
         INSERT INTO line_events (credit_line_id, seq, effective_on, recorded_at, body)
         SELECT new.* FROM unnest($4::uuid[], $5::bigint[], $6::date[], $7::timestamptz[], $8::jsonb[])
             AS new (credit_line_id, seq, effective_on, recorded_at, body)
          WHERE new.credit_line_id IN (SELECT credit_line_id FROM opened UNION ALL SELECT credit_line_id FROM moved)",
        &heads.lines,
        &heads.expected,
        &heads.newest,
        &columns.lines,
        &columns.seqs,
        &columns.effective_on,
        &columns.recorded_at,
        &columns.bodies as &[Text],
    )
    .execute(conn)
    .await?;
    let whole = written.rows_affected() == columns.seqs.len() as u64;
    if whole { Ok(()) } else { Err(first.conflict()) }
}

#[derive(Default)]
struct Heads {
    lines: Vec<Uuid>,
    expected: Vec<i64>,
    newest: Vec<i64>,
}

/// Events of any number of lines, column by column.
#[derive(Default)]
struct Columns {
    lines: Vec<Uuid>,
    seqs: Vec<i64>,
    effective_on: Vec<NaiveDate>,
    recorded_at: Vec<DateTime<Utc>>,
    bodies: Vec<Text>,
}

impl Columns {
    fn add(&mut self, line: &Continuation<'_>) -> Result<(), StoreError> {
        for event in line.events {
            self.lines.push(line.credit_line.as_uuid());
            self.seqs.push(to_column(event.seq, "event seq")?);
            self.effective_on.push(event.effective_on);
            self.recorded_at.push(event.recorded_at);
            self.bodies.push(to_json(&event.body, "line event")?);
        }
        Ok(())
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
    save_snapshots(conn, &[(credit_line, snapshot)]).await
}

/// Keeps snapshots, in one statement whatever their number.
pub async fn save_snapshots<S: Serialize + Sync>(
    conn: &mut PgConnection,
    snapshots: &[(CreditLineId, &StoredSnapshot<S>)],
) -> Result<(), StoreError> {
    if snapshots.is_empty() {
        return Ok(());
    }
    let (mut lines, mut closes, mut seqs, mut bodies) = (vec![], vec![], vec![], vec![]);
    for (line, snapshot) in snapshots {
        lines.push(line.as_uuid());
        closes.push(snapshot.closed_on);
        seqs.push(to_column(snapshot.seq, "event seq")?);
        bodies.push(to_json(&snapshot.body, "snapshot")?);
    }
    sqlx::query!(
        "INSERT INTO line_snapshots (credit_line_id, closed_on, seq, body)
         SELECT * FROM unnest($1::uuid[], $2::date[], $3::bigint[], $4::jsonb[]) ON CONFLICT DO NOTHING",
        &lines,
        &closes,
        &seqs,
        &bodies as &[Text],
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

/// Written as text at once, as it is read.
fn to_json(value: &impl Serialize, what: &'static str) -> Result<Text, StoreError> {
    serde_json::value::to_raw_value(value)
        .map(Json)
        .map_err(|source| StoreError::Stored { what, source })
}

/// Read as what it holds at once: a history is long, and a tree of values in between is twice the work.
pub(crate) type Text = Json<Box<RawValue>>;

fn from_json<T: DeserializeOwned>(text: &Text, what: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text.get()).map_err(|source| StoreError::Stored { what, source })
}
