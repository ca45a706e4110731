//! The rows that a close added, inserted once more by `INSERT ... SELECT unnest` and nothing else.
//!
//! Into tables of the same columns, keys, indexes and checks, without triggers and without references. As many rows to a
//! transaction and as many connections as the close had. What the close changed in rows that were there (two of each line,
//! and the deltas of accrual that it took up) is left out here.

use std::time::Instant;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::{PgConnection, types::Json, types::Uuid};
use tokio::task::JoinSet;

use crate::portfolio::Portfolio;

pub(crate) struct Bare {
    pub(crate) rows: u64,
    pub(crate) micros: u128,
}

/// As many lines as a chunk of the close has at full pace.
const LINES_AT_ONCE: usize = 256;

const TABLES: &str = "
    CREATE SCHEMA bare;
    CREATE TABLE bare.line_events (LIKE line_events INCLUDING ALL);
    CREATE TABLE bare.line_snapshots (LIKE line_snapshots INCLUDING ALL);
    CREATE TABLE bare.postings (LIKE postings INCLUDING ALL);
    CREATE TABLE bare.entries (LIKE entries INCLUDING ALL);
    CREATE TABLE bare.audit_leaves (LIKE audit_leaves INCLUDING ALL);
    CREATE TABLE bare.audit_payloads (LIKE audit_payloads INCLUDING ALL);
    CREATE TABLE bare.accrual_deltas (LIKE accrual_deltas INCLUDING ALL);
    CREATE TABLE bare.outbox (LIKE outbox INCLUDING ALL)";

/// Declares a table's rows, column by column, how they are read for the lines of a chunk, and how they are inserted.
macro_rules! rows {
    ($name:ident, $read:literal, $insert:literal, $($column:ident: $type:ty),+) => {
        struct $name { $($column: Vec<$type>),+ }

        impl $name {
            async fn read(conn: &mut PgConnection, lines: &[Uuid]) -> anyhow::Result<Self> {
                let rows: Vec<($($type,)+)> =
                    sqlx::query_as($read).bind(lines).fetch_all(conn).await?;
                let mut read = Self { $($column: Vec::with_capacity(rows.len())),+ };
                for ($($column,)+) in rows {
                    $(read.$column.push($column);)+
                }
                Ok(read)
            }

            async fn insert(&self, conn: &mut PgConnection) -> anyhow::Result<u64> {
                let query = sqlx::query($insert)$(.bind(&self.$column))+;
                Ok(query.execute(conn).await?.rows_affected())
            }
        }
    };
}

rows!(Events,
    "SELECT credit_line_id, seq, effective_on, recorded_at, body FROM line_events
      WHERE credit_line_id = ANY ($1) AND seq > 2",
    "INSERT INTO bare.line_events (credit_line_id, seq, effective_on, recorded_at, body)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::date[], $4::timestamptz[], $5::jsonb[])",
    line: Uuid, seq: i64, on: NaiveDate, at: DateTime<Utc>, body: Json<Value>);

rows!(Snapshots,
    "SELECT credit_line_id, closed_on, seq, body FROM line_snapshots WHERE credit_line_id = ANY ($1)",
    "INSERT INTO bare.line_snapshots SELECT * FROM unnest($1::uuid[], $2::date[], $3::bigint[], $4::jsonb[])",
    line: Uuid, on: NaiveDate, seq: i64, body: Json<Value>);

rows!(Postings,
    "SELECT id, kind, credit_line_id, event_seq, effective_on, booked_on, recorded_at FROM postings
      WHERE credit_line_id = ANY ($1) AND event_seq > 2",
    "INSERT INTO bare.postings (id, kind, credit_line_id, event_seq, effective_on, booked_on, recorded_at)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::date[], $6::date[], $7::timestamptz[])",
    id: Uuid, kind: String, line: Uuid, seq: i64, on: NaiveDate, booked: NaiveDate, at: DateTime<Utc>);

rows!(Entries,
    "SELECT e.posting_id, e.n, e.account_code, e.side, e.amount_cents, e.credit_line_id, e.effective_on, e.booked_on
       FROM entries e JOIN postings p ON p.id = e.posting_id
      WHERE p.credit_line_id = ANY ($1) AND p.event_seq > 2",
    "INSERT INTO bare.entries (posting_id, n, account_code, side, amount_cents, credit_line_id, effective_on, booked_on)
     SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::text[], $5::bigint[], $6::uuid[], $7::date[], $8::date[])",
    id: Uuid, n: i16, account: i16, side: String, amount: i64, line: Option<Uuid>, on: NaiveDate, booked: NaiveDate);

rows!(Leaves,
    "SELECT id, stream, n, kind, recorded_at, entry, leaf_hash FROM audit_leaves
      WHERE stream = ANY (SELECT 'credit_line:' || line FROM unnest($1::uuid[]) AS line)",
    "INSERT INTO bare.audit_leaves (id, stream, n, kind, recorded_at, entry, leaf_hash)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[], $6::bytea[], $7::bytea[])",
    id: Uuid, stream: String, n: i64, kind: String, at: DateTime<Utc>, entry: Vec<u8>, hash: Vec<u8>);

rows!(Payloads,
    "SELECT p.leaf_id, p.salt, p.payload FROM audit_payloads p JOIN audit_leaves l ON l.id = p.leaf_id
      WHERE l.stream = ANY (SELECT 'credit_line:' || line FROM unnest($1::uuid[]) AS line)",
    "INSERT INTO bare.audit_payloads SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::text[])",
    id: Uuid, salt: Vec<u8>, payload: String);

rows!(Told,
    "SELECT stream, kind, payload, recorded_at FROM outbox
      WHERE stream = ANY (SELECT 'credit_line:' || line FROM unnest($1::uuid[]) AS line)",
    "INSERT INTO bare.outbox (stream, kind, payload, recorded_at)
     SELECT * FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::timestamptz[])",
    stream: String, kind: String, payload: Json<Value>, at: DateTime<Utc>);

rows!(Deltas,
    "SELECT credit_line_id, product, owner, day_basis, apr_ppm, effective_on, change_cents, true_up::text, recorded_at
       FROM accrual_deltas WHERE credit_line_id = ANY ($1)",
    "INSERT INTO bare.accrual_deltas (credit_line_id, product, owner, day_basis, apr_ppm, effective_on, change_cents, true_up,
                                      recorded_at)
     SELECT line, product, owner, basis, apr, effective_on, change, true_up::numeric, at
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::date[], $7::bigint[], $8::text[],
                   $9::timestamptz[])
            AS n (line, product, owner, basis, apr, effective_on, change, true_up, at)",
    line: Uuid, product: String, owner: String, basis: String, apr: i32, on: NaiveDate, change: i64, true_up: String,
    at: DateTime<Utc>);

struct Chunk {
    events: Events,
    snapshots: Snapshots,
    postings: Postings,
    entries: Entries,
    leaves: Leaves,
    payloads: Payloads,
    deltas: Deltas,
    told: Told,
}

impl Chunk {
    async fn read(conn: &mut PgConnection, lines: &[Uuid]) -> anyhow::Result<Self> {
        Ok(Self {
            events: Events::read(conn, lines).await?,
            snapshots: Snapshots::read(conn, lines).await?,
            postings: Postings::read(conn, lines).await?,
            entries: Entries::read(conn, lines).await?,
            leaves: Leaves::read(conn, lines).await?,
            payloads: Payloads::read(conn, lines).await?,
            deltas: Deltas::read(conn, lines).await?,
            told: Told::read(conn, lines).await?,
        })
    }

    async fn insert(&self, conn: &mut PgConnection) -> anyhow::Result<u64> {
        let mut rows = 0;
        sqlx::query("BEGIN").execute(&mut *conn).await?;
        rows += self.events.insert(conn).await?;
        rows += self.snapshots.insert(conn).await?;
        rows += self.postings.insert(conn).await?;
        rows += self.entries.insert(conn).await?;
        rows += self.leaves.insert(conn).await?;
        rows += self.payloads.insert(conn).await?;
        rows += self.deltas.insert(conn).await?;
        rows += self.told.insert(conn).await?;
        sqlx::query("COMMIT").execute(conn).await?;
        Ok(rows)
    }
}

/// Reads what the close wrote, then inserts it again and times that alone.
pub(crate) async fn insert_again(portfolio: &Portfolio) -> anyhow::Result<Bare> {
    let mut owner = portfolio.owner().await?;
    sqlx::raw_sql(TABLES).execute(&mut owner).await?;
    let lines: Vec<Uuid> =
        sqlx::query_scalar("SELECT credit_line_id FROM line_snapshots ORDER BY credit_line_id")
            .fetch_all(&mut owner)
            .await?;
    let connections = std::thread::available_parallelism().map_or(2, usize::from);
    let mut shares: Vec<Vec<Chunk>> = (0..connections).map(|_| Vec::new()).collect();
    for (n, lines) in lines.chunks(LINES_AT_ONCE).enumerate() {
        shares[n % connections].push(Chunk::read(&mut owner, lines).await?);
    }
    sqlx::query("CHECKPOINT").execute(&mut owner).await?;
    let mut ready = Vec::new();
    for share in shares {
        ready.push((share, portfolio.owner().await?));
    }
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for (share, mut conn) in ready {
        workers.spawn(async move {
            let mut rows = 0;
            for chunk in &share {
                rows += chunk.insert(&mut conn).await?;
            }
            anyhow::Ok(rows)
        });
    }
    let mut rows = 0;
    for share in workers.join_all().await {
        rows += share?;
    }
    Ok(Bare { rows, micros: began.elapsed().as_micros() })
}
