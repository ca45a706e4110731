//! Events for the outside world, written in the transaction of what they tell of.
//!
//! Writers never wait for each other: an event gets its *position* after it is committed, from one sequencer at a time.
//! Positions have no gaps, and within a stream they follow the order of the stream's own lock. A consumer reads on
//! from its cursor and moves it when it has delivered: at least once, in order.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::{
    StoreError,
    number::{from_column, to_column},
};

/// An event to be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NewEvent<'a> {
    /// Events of one stream keep their order: `credit_line:<id>`.
    pub stream: &'a str,
    pub kind: &'a str,
    pub payload: &'a Value,
    pub recorded_at: DateTime<Utc>,
}

/// An event with its place in the order of all.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxEvent {
    /// 1 for the first.
    pub position: u64,
    pub stream: String,
    pub kind: String,
    pub payload: Value,
    pub recorded_at: DateTime<Utc>,
}

pub async fn append(conn: &mut PgConnection, event: &NewEvent<'_>) -> Result<(), StoreError> {
    append_all(conn, &[*event]).await
}

/// Appends events in their order, in one statement whatever their number.
pub async fn append_all(
    conn: &mut PgConnection,
    events: &[NewEvent<'_>],
) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let streams: Vec<&str> = events.iter().map(|event| event.stream).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind).collect();
    let payloads: Vec<&Value> = events.iter().map(|event| event.payload).collect();
    let instants: Vec<DateTime<Utc>> = events.iter().map(|event| event.recorded_at).collect();
    sqlx::query!(
        "INSERT INTO outbox (stream, kind, payload, recorded_at)
         SELECT stream, kind, payload, recorded_at
           FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::timestamptz[]) WITH ORDINALITY
             AS new (stream, kind, payload, recorded_at, place) ORDER BY place",
        &streams as &[&str],
        &kinds as &[&str],
        &payloads as &[&Value],
        &instants,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives committed events their positions, at most `limit` of them; says how many. To be called in a transaction:
/// it holds the sequencer's lock until the end.
pub async fn sequence(conn: &mut PgConnection, limit: u32) -> Result<u64, StoreError> {
    sqlx::query!("SELECT pg_advisory_xact_lock(7264003)").fetch_one(&mut *conn).await?;
    let done = sqlx::query!(
        "WITH next AS (
             SELECT id, row_number() OVER (ORDER BY id) AS n
               FROM (SELECT id FROM outbox WHERE position IS NULL ORDER BY id LIMIT $1) AS waiting
         )
         UPDATE outbox SET position = (SELECT coalesce(max(position), 0) FROM outbox) + next.n
           FROM next WHERE outbox.id = next.id",
        i64::from(limit),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The sequenced events after a position, in order.
pub async fn read_after(
    conn: &mut PgConnection,
    position: u64,
    limit: u32,
) -> Result<Vec<OutboxEvent>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT position AS "position!", stream, kind, payload, recorded_at FROM outbox
            WHERE position > $1 ORDER BY position LIMIT $2"#,
        to_column(position, "outbox position")?,
        i64::from(limit),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(OutboxEvent {
                position: from_column(row.position, "outbox position")?,
                stream: row.stream,
                kind: row.kind,
                payload: row.payload,
                recorded_at: row.recorded_at,
            })
        })
        .collect()
}

/// The event at a position.
pub async fn find(
    conn: &mut PgConnection,
    position: u64,
) -> Result<Option<OutboxEvent>, StoreError> {
    let before = position.saturating_sub(1);
    let next = read_after(conn, before, 1).await?.pop();
    Ok(next.filter(|event| event.position == position))
}

/// How far the consumer has come, held for it until the transaction ends; 0 for a new one.
pub async fn cursor(conn: &mut PgConnection, consumer: &str) -> Result<u64, StoreError> {
    let position = sqlx::query_scalar!(
        "INSERT INTO outbox_cursors (consumer, position) VALUES ($1, 0)
         ON CONFLICT (consumer) DO UPDATE SET position = outbox_cursors.position
         RETURNING position",
        consumer,
    )
    .fetch_one(conn)
    .await?;
    from_column(position, "outbox position")
}

/// Says that everything up to the position was delivered. A cursor never goes back.
pub async fn advance(
    conn: &mut PgConnection,
    consumer: &str,
    position: u64,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE outbox_cursors SET position = greatest(position, $2) WHERE consumer = $1",
        consumer,
        to_column(position, "outbox position")?,
    )
    .execute(conn)
    .await?;
    Ok(())
}
