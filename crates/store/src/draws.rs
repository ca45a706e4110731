//! Draws: money to the customer, from the hold on the line until the bank has made it available or never will.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{BankAccountId, CreditLineId, CustomerId, DrawId};
use money::Cents;
use serde::Serialize;
use sqlx::PgConnection;

use crate::{
    StoreError,
    rail_files::{Place, Wanted},
};

text_enum! {
    DrawRail {
        /// An ACH credit in the next file.
        Standard = "standard",
        /// The bank's request and response.
        Instant = "instant",
    }
}

text_enum! {
    DrawStatus {
        /// Credit is set aside for it; nothing has left.
        Held = "held",
        /// In a file, or asked of the bank, of which we do not know whether the bank has it.
        Pending = "pending",
        /// The bank has it, and has not made the money available yet.
        Released = "released",
        /// The money is there.
        Settled = "settled",
        /// The bank refused it or sent it back: it is taken never to have happened.
        Refused = "refused",
        /// Given up before it left, by the customer or by us.
        Voided = "voided",
    }
}

text_enum! {
    /// A second look at a draw before it leaves.
    DrawReview {
        /// A person has to look at it; nothing leaves.
        Waiting = "waiting",
        /// The same, because it was in a file that arrived after it was given up: it may have been paid.
        SetAside = "set_aside",
        /// A person let it go.
        Passed = "passed",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DrawRow {
    pub id: DrawId,
    pub credit_line_id: CreditLineId,
    pub customer_id: CustomerId,
    pub bank_account_id: BankAccountId,
    pub reference: String,
    pub amount: Cents,
    pub fee: Cents,
    pub rail: DrawRail,
    pub status: DrawStatus,
    /// None where nobody had to look at it.
    pub review: Option<DrawReview>,
    pub held_on: NaiveDate,
    /// The day of the file that is to take it up.
    pub leaves_on: NaiveDate,
    /// The day the customer was told to expect the money.
    pub available_on: NaiveDate,
    pub file_key: Option<String>,
    pub trace_number: Option<String>,
    /// When the bank was first asked for it on the instant rail.
    pub handed_at: Option<DateTime<Utc>>,
    /// The day the money was made available, from which it bears interest.
    pub drawn_on: Option<NaiveDate>,
    /// The line event that says so.
    pub drew_seq: Option<i64>,
    pub return_code: Option<String>,
    /// Why the bank refused it, or why it was given up.
    pub refusal: Option<String>,
    /// How often the bank refused a file with it.
    pub refusals: i32,
    pub held_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
}

macro_rules! select_draws {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, credit_line_id, customer_id, bank_account_id, reference, amount_cents, fee_cents,
                      rail AS "rail: DrawRail", status AS "status: DrawStatus", review AS "review: DrawReview",
                      held_on, leaves_on, available_on, file_key, trace_number, handed_at, drawn_on, drew_seq,
                      return_code, refusal, refusals, held_at, changed_at
               FROM draws "# + $tail
            $(, $arg)*
        )
        .map(|row| DrawRow {
            id: DrawId::from_uuid(row.id),
            credit_line_id: CreditLineId::from_uuid(row.credit_line_id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            bank_account_id: BankAccountId::from_uuid(row.bank_account_id),
            reference: row.reference,
            amount: Cents::new(row.amount_cents),
            fee: Cents::new(row.fee_cents),
            rail: row.rail,
            status: row.status,
            review: row.review,
            held_on: row.held_on,
            leaves_on: row.leaves_on,
            available_on: row.available_on,
            file_key: row.file_key,
            trace_number: row.trace_number,
            handed_at: row.handed_at,
            drawn_on: row.drawn_on,
            drew_seq: row.drew_seq,
            return_code: row.return_code,
            refusal: row.refusal,
            refusals: row.refusals,
            held_at: row.held_at,
            changed_at: row.changed_at,
        })
    };
}

/// Adds a draw that is held, or one of a history as it ended.
pub async fn insert(conn: &mut PgConnection, draw: &DrawRow) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO draws (id, credit_line_id, customer_id, bank_account_id, reference, amount_cents, fee_cents, rail,
                            status, held_on, leaves_on, available_on, drawn_on, drew_seq, refusal, held_at, changed_at,
                            review)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        draw.id.as_uuid(),
        draw.credit_line_id.as_uuid(),
        draw.customer_id.as_uuid(),
        draw.bank_account_id.as_uuid(),
        draw.reference,
        draw.amount.get(),
        draw.fee.get(),
        draw.rail.as_str(),
        draw.status.as_str(),
        draw.held_on,
        draw.leaves_on,
        draw.available_on,
        draw.drawn_on,
        draw.drew_seq,
        draw.refusal,
        draw.held_at,
        draw.changed_at,
        draw.review.map(DrawReview::as_str),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what may change of a draw: its status and all that came with it.
pub async fn update(conn: &mut PgConnection, draw: &DrawRow) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE draws
         SET status = $2, leaves_on = $3, available_on = $4, file_key = $5, trace_number = $6, handed_at = $7,
             drawn_on = $8, drew_seq = $9, return_code = $10, refusal = $11, changed_at = $12, review = $13
         WHERE id = $1",
        draw.id.as_uuid(),
        draw.status.as_str(),
        draw.leaves_on,
        draw.available_on,
        draw.file_key,
        draw.trace_number,
        draw.handed_at,
        draw.drawn_on,
        draw.drew_seq,
        draw.return_code,
        draw.refusal,
        draw.changed_at,
        draw.review.map(DrawReview::as_str),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find(conn: &mut PgConnection, id: DrawId) -> Result<Option<DrawRow>, StoreError> {
    Ok(select_draws!("WHERE id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

/// The same, held until the end of the transaction.
pub async fn find_for_update(
    conn: &mut PgConnection,
    id: DrawId,
) -> Result<Option<DrawRow>, StoreError> {
    Ok(select_draws!("WHERE id = $1 FOR UPDATE", id.as_uuid()).fetch_optional(conn).await?)
}

/// The line's draws, newest first.
pub async fn list_of_line(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
) -> Result<Vec<DrawRow>, StoreError> {
    Ok(select_draws!(
        "WHERE credit_line_id = $1 ORDER BY held_at DESC, id DESC",
        credit_line_id.as_uuid()
    )
    .fetch_all(conn)
    .await?)
}

/// Whether a draw of the line is on its way.
pub async fn any_underway(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM draws
                          WHERE credit_line_id = $1 AND status IN ('held', 'pending', 'released')) AS "any!""#,
        credit_line_id.as_uuid(),
    )
    .fetch_one(conn)
    .await?)
}

/// Holds the lines of the next held draws that today's file is to take up, until the end of the transaction; lines that somebody else
/// holds are passed over. Answers where the draws stand, in order.
pub async fn take_due(
    conn: &mut PgConnection,
    wanted: &Wanted<'_>,
) -> Result<Vec<Place>, StoreError> {
    let but: Vec<_> = wanted.but.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        "SELECT d.leaves_on, d.credit_line_id, d.id
           FROM draws d JOIN line_heads h ON h.credit_line_id = d.credit_line_id
          WHERE d.status = 'held' AND d.rail = 'standard' AND (d.review IS NULL OR d.review = 'passed')
            AND d.leaves_on <= $1 AND (d.leaves_on, d.credit_line_id, d.id) > ($2, $3, $4)
            AND d.bank_account_id <> ALL ($5)
          ORDER BY d.leaves_on, d.credit_line_id, d.id LIMIT $6
            FOR NO KEY UPDATE OF h SKIP LOCKED",
        wanted.by,
        wanted.after.due_on,
        wanted.after.credit_line_id.as_uuid(),
        wanted.after.id,
        &but,
        i64::from(wanted.limit),
    )
    .fetch_all(conn)
    .await?;
    let place =
        |(due_on, line, id)| Place { due_on, credit_line_id: CreditLineId::from_uuid(line), id };
    Ok(rows.into_iter().map(|row| place((row.leaves_on, row.credit_line_id, row.id))).collect())
}

/// Those of these draws that are still held and not set aside, and at which nobody else is looking; held until the end of the transaction.
pub async fn claim(
    conn: &mut PgConnection,
    by: NaiveDate,
    places: &[Place],
) -> Result<Vec<DrawRow>, StoreError> {
    let ids: Vec<_> = places.iter().map(|place| place.id).collect();
    Ok(select_draws!(
        "WHERE id = ANY ($1) AND leaves_on <= $2 AND status = 'held' AND (review IS NULL OR review = 'passed')
         ORDER BY leaves_on, credit_line_id, id FOR UPDATE SKIP LOCKED",
        &ids,
        by
    )
    .fetch_all(conn)
    .await?)
}

/// How many held draws there are that today's file is to take up, but to these accounts.
pub async fn count_due(
    conn: &mut PgConnection,
    by: NaiveDate,
    but: &[BankAccountId],
) -> Result<u64, StoreError> {
    let but: Vec<_> = but.iter().map(|id| id.as_uuid()).collect();
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM draws
           WHERE status = 'held' AND rail = 'standard' AND (review IS NULL OR review = 'passed')
             AND leaves_on <= $1 AND bank_account_id <> ALL ($2)"#,
        by,
        &but,
    )
    .fetch_one(conn)
    .await?;
    Ok(count.unsigned_abs())
}

/// Puts draws into a file, each under its trace number, of which the money is there on one day; in one statement whatever their number.
pub async fn put_in_file(
    conn: &mut PgConnection,
    file_key: &str,
    entries: &[(DrawId, String)],
    (available_on, at): (NaiveDate, DateTime<Utc>),
) -> Result<(), StoreError> {
    let ids: Vec<_> = entries.iter().map(|(id, _)| id.as_uuid()).collect();
    let traces: Vec<&str> = entries.iter().map(|(_, trace)| trace.as_str()).collect();
    sqlx::query!(
        "UPDATE draws d
            SET status = 'pending', file_key = $1, trace_number = new.trace_number, changed_at = $4, available_on = $5
           FROM unnest($2::uuid[], $3::text[]) AS new (id, trace_number) WHERE d.id = new.id",
        file_key,
        &ids,
        &traces as &[&str],
        at,
        available_on,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Draws on the instant rail that are not decided, oldest first.
pub async fn list_instant_open(conn: &mut PgConnection) -> Result<Vec<DrawId>, StoreError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM draws WHERE rail = 'instant' AND status IN ('held', 'pending')
           AND (review IS NULL OR review = 'passed')
         ORDER BY held_at, id",
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(DrawId::from_uuid).collect())
}

/// Draws of files that the bank has, which are not yet marked so, in order of their files.
pub async fn list_accepted(conn: &mut PgConnection) -> Result<Vec<DrawId>, StoreError> {
    let ids = sqlx::query_scalar!(
        "SELECT d.id FROM draws d JOIN rail_files f ON f.key = d.file_key
         WHERE d.status = 'pending' AND f.status = 'accepted' ORDER BY f.number, d.trace_number",
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(DrawId::from_uuid).collect())
}

/// The files with draws whose money may be there.
pub async fn files_to_settle(
    conn: &mut PgConnection,
    today: NaiveDate,
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT file_key AS "file_key!" FROM draws
           WHERE status = 'released' AND file_key IS NOT NULL AND available_on <= $1 ORDER BY 1"#,
        today,
    )
    .fetch_all(conn)
    .await?)
}

/// What went or is to go to a bank account, all its draws together.
pub async fn total_to_account(
    conn: &mut PgConnection,
    bank_account_id: BankAccountId,
) -> Result<Cents, StoreError> {
    let total = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(amount_cents), 0)::bigint AS "total!" FROM draws
           WHERE bank_account_id = $1 AND status NOT IN ('refused', 'voided')"#,
        bank_account_id.as_uuid(),
    )
    .fetch_one(conn)
    .await?;
    Ok(Cents::new(total))
}

/// What was drawn on a line or is to be, of what was asked for since an instant.
pub async fn total_since(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
    since: DateTime<Utc>,
) -> Result<Cents, StoreError> {
    let total = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(amount_cents), 0)::bigint AS "total!" FROM draws
           WHERE credit_line_id = $1 AND held_at >= $2 AND status NOT IN ('refused', 'voided')"#,
        credit_line_id.as_uuid(),
        since,
    )
    .fetch_one(conn)
    .await?;
    Ok(Cents::new(total))
}

/// Draws that wait for a person's second look, oldest first.
pub async fn list_waiting(conn: &mut PgConnection) -> Result<Vec<DrawRow>, StoreError> {
    Ok(select_draws!(
        "WHERE status = 'held' AND review IN ('waiting', 'set_aside') ORDER BY held_at, id"
    )
    .fetch_all(conn)
    .await?)
}

/// Draws with the bank whose money was to be there before a day, and of which the desk was not told.
pub async fn list_overdue(
    conn: &mut PgConnection,
    before: NaiveDate,
) -> Result<Vec<DrawId>, StoreError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM draws WHERE status IN ('pending', 'released') AND available_on < $1 AND told_at IS NULL
         ORDER BY available_on, id",
        before,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(DrawId::from_uuid).collect())
}

/// The desk was told of a draw; `false` where it was told before.
pub async fn mark_told(
    conn: &mut PgConnection,
    id: DrawId,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let told = sqlx::query!(
        "UPDATE draws SET told_at = $2 WHERE id = $1 AND told_at IS NULL",
        id.as_uuid(),
        at,
    )
    .execute(conn)
    .await?;
    Ok(told.rows_affected() == 1)
}

/// The draws of a file, in the order of their entries.
pub async fn list_of_file(
    conn: &mut PgConnection,
    file_key: &str,
) -> Result<Vec<DrawRow>, StoreError> {
    Ok(select_draws!("WHERE file_key = $1 ORDER BY trace_number", file_key).fetch_all(conn).await?)
}

/// Counts one more refusal of a file with this draw; answers how many there were.
pub async fn count_refusal(conn: &mut PgConnection, id: DrawId) -> Result<i32, StoreError> {
    Ok(sqlx::query_scalar!(
        "UPDATE draws SET refusals = refusals + 1 WHERE id = $1 RETURNING refusals",
        id.as_uuid(),
    )
    .fetch_one(conn)
    .await?)
}
