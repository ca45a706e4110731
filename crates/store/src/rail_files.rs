//! Files for the bank: filled, numbered, sent under one key, and never sent again before the bank was asked what became of them.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{BankAccountId, CreditLineId, DrawId, PaymentId};
use money::Cents;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{StoreError, closing};

text_enum! {
    RailFileStatus {
        /// It is being filled, chunk by chunk; nobody sends it.
        Choosing = "choosing",
        /// Its payments are chosen; it has not left us.
        Building = "building",
        /// It was handed to the bank; the outcome is not known.
        Pending = "pending",
        Accepted = "accepted",
        Refused = "refused",
        /// It never reached the bank and never will; its payments were given back.
        Abandoned = "abandoned",
        /// The bank has it although its payments were given back; the desk was told.
        Late = "late",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RailFileRow {
    /// The key under which the bank knows it.
    pub key: String,
    pub number: i32,
    pub created_at: DateTime<Utc>,
    pub effective_on: NaiveDate,
    pub entries: i32,
    pub debit: Cents,
    pub credit: Cents,
    pub digest: Option<Vec<u8>>,
    pub status: RailFileStatus,
    /// When it was last handed to the bank.
    pub handed_at: Option<DateTime<Utc>>,
    pub bank_reference: Option<String>,
    pub refusal: Option<String>,
}

macro_rules! select_rail_files {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT key, number, created_at, effective_on, entries, debit_cents, credit_cents, digest,
                      status AS "status: RailFileStatus", handed_at, bank_reference, refusal
               FROM rail_files "# + $tail
            $(, $arg)*
        )
        .map(|row| RailFileRow {
            key: row.key,
            number: row.number,
            created_at: row.created_at,
            effective_on: row.effective_on,
            entries: row.entries,
            debit: Cents::new(row.debit_cents),
            credit: Cents::new(row.credit_cents),
            digest: row.digest,
            status: row.status,
            handed_at: row.handed_at,
            bank_reference: row.bank_reference,
            refusal: row.refusal,
        })
    };
}

/// The next file's number; numbers of files that came to nothing are not used again.
pub async fn next_number(conn: &mut PgConnection) -> Result<i32, StoreError> {
    let number =
        sqlx::query_scalar!(r#"SELECT nextval('rail_file_numbers')::integer AS "number!""#)
            .fetch_one(conn)
            .await?;
    Ok(number)
}

/// The next numbers of entries, in the order in which they are given. After the last comes the first again.
pub async fn next_entries(conn: &mut PgConnection, count: i64) -> Result<Vec<i32>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT nextval('rail_entry_numbers')::integer AS "number!" FROM generate_series(1, $1::bigint)"#,
        count,
    )
    .fetch_all(conn)
    .await?)
}

/// Those of these trace numbers that an entry has of which the bank may still have something to say: one on its way, or one that was
/// put into a file, or given back from one, since.
pub async fn traces_in_use(
    conn: &mut PgConnection,
    trace_numbers: &[String],
    since: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT p.trace_number AS "trace_number!" FROM payments p JOIN rail_files f ON f.key = p.file_key
           WHERE p.trace_number = ANY ($1) AND (f.created_at > $2 OR p.status IN ('pending', 'released'))
           UNION
           SELECT d.trace_number FROM draws d JOIN rail_files f ON f.key = d.file_key
           WHERE d.trace_number = ANY ($1) AND (f.created_at > $2 OR d.status IN ('held', 'pending', 'released'))
           UNION
           SELECT payload ->> 'trace_number' FROM outbox
           WHERE kind IN ('payment.given_back', 'draw.given_back') AND payload ->> 'trace_number' = ANY ($1)
             AND recorded_at > $2"#,
        trace_numbers,
        since,
    )
    .fetch_all(conn)
    .await?)
}

/// A payment or a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryId {
    Payment(PaymentId),
    Draw(DrawId),
}

/// The entry of this trace number in a file that was handed to the bank: numbers come round again, so it is the newest that was in
/// such a file by that day, or, where none was, the newest. Nothing where that one was given back and has it no more.
pub async fn find_entry(
    conn: &mut PgConnection,
    trace_number: &str,
    by: NaiveDate,
) -> Result<Option<EntryId>, StoreError> {
    let found = sqlx::query!(
        r#"SELECT e.payment_id AS "payment_id?", e.draw_id AS "draw_id?"
           FROM (SELECT id AS payment_id, NULL::uuid AS draw_id, file_key FROM payments WHERE trace_number = $1
                 UNION ALL
                 SELECT NULL, id, file_key FROM draws WHERE trace_number = $1
                 UNION ALL
                 SELECT NULL, NULL, payload ->> 'file_key' FROM outbox
                 WHERE kind IN ('payment.given_back', 'draw.given_back') AND payload ->> 'trace_number' = $1
                   AND (payload ->> 'handed_over')::boolean) e
           JOIN rail_files f ON f.key = e.file_key
           WHERE f.handed_at IS NOT NULL
           ORDER BY (f.effective_on <= $2) DESC, f.number DESC, e.payment_id, e.draw_id
           LIMIT 1"#,
        trace_number,
        by,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.and_then(|found| match (found.payment_id, found.draw_id) {
        (Some(id), _) => Some(EntryId::Payment(PaymentId::from_uuid(id))),
        (None, Some(id)) => Some(EntryId::Draw(DrawId::from_uuid(id))),
        (None, None) => None,
    }))
}

/// Where an entry stands among those that are due: by the day, then by its line and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub due_on: NaiveDate,
    pub credit_line_id: CreditLineId,
    pub id: Uuid,
}

impl Place {
    /// Before all others.
    pub const FIRST: Self = Self {
        due_on: closing::EARLIEST,
        credit_line_id: CreditLineId::from_uuid(Uuid::nil()),
        id: Uuid::nil(),
    };
}

/// Which entries to take for a file.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub by: NaiveDate,
    pub after: Place,
    /// Nothing to or from these.
    pub but: &'a [BankAccountId],
    pub limit: u32,
}

/// The file of that day that is being filled, with payments or with draws; held until the end of the transaction.
pub async fn find_choosing_for_update(
    conn: &mut PgConnection,
    effective_on: NaiveDate,
    debit: bool,
) -> Result<Option<RailFileRow>, StoreError> {
    Ok(select_rail_files!(
        "WHERE status = 'choosing' AND effective_on = $1 AND (debit_cents > 0) = $2 FOR NO KEY UPDATE",
        effective_on,
        debit
    )
    .fetch_optional(conn)
    .await?)
}

/// Files that are being filled, or that a run left so that was killed; oldest first.
pub async fn list_choosing(conn: &mut PgConnection) -> Result<Vec<RailFileRow>, StoreError> {
    Ok(select_rail_files!("WHERE status = 'choosing' ORDER BY number").fetch_all(conn).await?)
}

/// Entries were added to a file that is being filled, or taken out of it (below zero).
pub async fn add_entries(
    conn: &mut PgConnection,
    key: &str,
    entries: i32,
    (debit, credit): (Cents, Cents),
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE rail_files
         SET entries = entries + $2, debit_cents = debit_cents + $3, credit_cents = credit_cents + $4
         WHERE key = $1 AND status = 'choosing'",
        key,
        entries,
        debit.get(),
        credit.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nothing more goes into the file of that day that is being filled: it is made now, and can be sent. Answers its key, if there is
/// one.
pub async fn finish_choosing(
    conn: &mut PgConnection,
    effective_on: NaiveDate,
    debit: bool,
    at: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        "UPDATE rail_files SET status = 'building', created_at = $3
         WHERE status = 'choosing' AND effective_on = $1 AND (debit_cents > 0) = $2 RETURNING key",
        effective_on,
        debit,
        at,
    )
    .fetch_optional(conn)
    .await?)
}

/// Adds a file; `false` where it is one to be filled and there is such a one already.
pub async fn insert(conn: &mut PgConnection, file: &RailFileRow) -> Result<bool, StoreError> {
    let inserted = sqlx::query!(
        "INSERT INTO rail_files (key, number, created_at, effective_on, entries, debit_cents, credit_cents, status)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (effective_on, (debit_cents > 0)) WHERE status = 'choosing' DO NOTHING",
        file.key,
        file.number,
        file.created_at,
        file.effective_on,
        file.entries,
        file.debit.get(),
        file.credit.get(),
        file.status.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Writes what may change of a file, but what it holds ([`add_entries`]).
pub async fn update(
    conn: &mut PgConnection,
    file: &RailFileRow,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let open = matches!(
        file.status,
        RailFileStatus::Choosing | RailFileStatus::Building | RailFileStatus::Pending
    );
    let settled_at = (!open).then_some(at);
    sqlx::query!(
        "UPDATE rail_files SET digest = $2, status = $3, bank_reference = $4, refusal = $5, settled_at = $6,
                handed_at = $7
         WHERE key = $1",
        file.key,
        file.digest,
        file.status.as_str(),
        file.bank_reference,
        file.refusal,
        settled_at,
        file.handed_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A file, held until the end of the transaction.
pub async fn find_for_update(
    conn: &mut PgConnection,
    key: &str,
) -> Result<Option<RailFileRow>, StoreError> {
    Ok(select_rail_files!("WHERE key = $1 FOR UPDATE", key).fetch_optional(conn).await?)
}

pub async fn find(conn: &mut PgConnection, key: &str) -> Result<Option<RailFileRow>, StoreError> {
    Ok(select_rail_files!("WHERE key = $1", key).fetch_optional(conn).await?)
}

/// Files of which the outcome is not known, oldest first.
pub async fn list_open(conn: &mut PgConnection) -> Result<Vec<RailFileRow>, StoreError> {
    Ok(select_rail_files!("WHERE status IN ('building', 'pending') ORDER BY number")
        .fetch_all(conn)
        .await?)
}

/// The keys of files that were handed to the bank and given up since.
pub async fn list_abandoned(
    conn: &mut PgConnection,
    since: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        "SELECT key FROM rail_files WHERE status = 'abandoned' AND handed_at IS NOT NULL AND settled_at > $1
         ORDER BY number",
        since,
    )
    .fetch_all(conn)
    .await?)
}

/// An entry that was given back from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenBackEntry {
    pub file_key: String,
    pub payment_id: Option<PaymentId>,
    pub draw_id: Option<DrawId>,
}

macro_rules! select_given_back {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT f.key AS file_key, (o.payload ->> 'payment_id')::uuid AS payment_id,
                      (o.payload ->> 'draw_id')::uuid AS draw_id
               FROM outbox o JOIN rail_files f ON f.key = o.payload ->> 'file_key'
               WHERE o.kind IN ('payment.given_back', 'draw.given_back')
                 AND (o.payload ->> 'handed_over')::boolean AND "# + $tail
            $(, $arg)*
        )
        .map(|row| GivenBackEntry {
            file_key: row.file_key,
            payment_id: row.payment_id.map(PaymentId::from_uuid),
            draw_id: row.draw_id.map(DrawId::from_uuid),
        })
    };
}

/// The entries that were given back from a file, which no longer name it; none that was taken out before the file was handed over,
/// and so never in what was sent.
pub async fn list_given_back(
    conn: &mut PgConnection,
    key: &str,
) -> Result<Vec<GivenBackEntry>, StoreError> {
    Ok(select_given_back!("o.payload ->> 'file_key' = $1 ORDER BY o.id", key)
        .fetch_all(conn)
        .await?)
}

/// The entry that had this trace number in a file that was handed over and given up: as [`find_entry`], the newest by that day.
pub async fn find_given_back(
    conn: &mut PgConnection,
    trace_number: &str,
    by: NaiveDate,
) -> Result<Option<GivenBackEntry>, StoreError> {
    Ok(select_given_back!(
        "o.payload ->> 'trace_number' = $1 ORDER BY (f.effective_on <= $2) DESC, o.id DESC LIMIT 1",
        trace_number,
        by
    )
    .fetch_optional(conn)
    .await?)
}

/// Under which number an entry was in a file that was handed over and given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUpFile {
    pub file_key: String,
    /// Empty where it is not on record, which is no entry's.
    pub trace_number: String,
}

/// The files with a draw that the bank has or may have although its entries were given back, oldest first: one that the bank
/// refused is none of them.
pub async fn list_given_up_of_draw(
    conn: &mut PgConnection,
    draw_id: DrawId,
) -> Result<Vec<GivenUpFile>, StoreError> {
    Ok(sqlx::query_as!(
        GivenUpFile,
        r#"SELECT f.key AS file_key, coalesce(o.payload ->> 'trace_number', '') AS "trace_number!"
           FROM outbox o JOIN rail_files f ON f.key = o.payload ->> 'file_key'
           WHERE o.kind = 'draw.given_back' AND o.payload ->> 'draw_id' = $1
             AND (o.payload ->> 'handed_over')::boolean AND (f.status = 'late' OR f.status = 'abandoned')
           ORDER BY o.id"#,
        draw_id.to_string(),
    )
    .fetch_all(conn)
    .await?)
}

/// All files, newest first.
pub async fn list(conn: &mut PgConnection, limit: i64) -> Result<Vec<RailFileRow>, StoreError> {
    Ok(select_rail_files!("ORDER BY number DESC LIMIT $1", limit).fetch_all(conn).await?)
}

/// How far the bank's list called `name` has been read.
pub async fn cursor(conn: &mut PgConnection, name: &str) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT cursor FROM rail_cursors WHERE name = $1 FOR UPDATE", name)
        .fetch_optional(conn)
        .await?)
}

pub async fn set_cursor(
    conn: &mut PgConnection,
    name: &str,
    cursor: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO rail_cursors (name, cursor) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor",
        name,
        cursor,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes what a bank told of an entry of this reference, or this trace number where we know none of it, or what we told of what came
/// back, once (`return.alarm NAME` and a day); `false` where it was noted before.
pub async fn note_once(
    conn: &mut PgConnection,
    entry: &str,
    code: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let noted = sqlx::query!(
        "INSERT INTO rail_notices (entry, code, told_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        entry,
        code,
        at,
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Whether something was noted of an entry whose code begins with this word.
pub async fn noted(conn: &mut PgConnection, entry: &str, word: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM rail_notices WHERE entry = $1 AND starts_with(code, $2)) AS "noted!""#,
        entry,
        word,
    )
    .fetch_one(conn)
    .await?)
}
