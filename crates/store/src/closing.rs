//! The day close: taking lines with something due, putting aside those that cannot be worked out, and which days are closed.
//!
//! The lease of a line is the lock on its head, the same that every other writer of the line takes: it ends with the
//! transaction, however that ends.

use chrono::{DateTime, NaiveDate, Utc};
use identity::CreditLineId;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::StoreError;

/// Where a line stands among those that are due: by the day, then by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub due_on: NaiveDate,
    pub id: CreditLineId,
}

impl Place {
    /// Before all others.
    pub const FIRST: Self =
        Self { due_on: NaiveDate::MIN, id: CreditLineId::from_uuid(Uuid::nil()) };
}

/// Which lines to take.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Something may have to be posted by the start of this day.
    pub by: NaiveDate,
    pub after: Place,
    pub but: &'a [CreditLineId],
    pub limit: u32,
}

/// Holds the next lines with something due until the transaction ends, in order; lines that somebody else holds are passed over.
pub async fn take_due(
    conn: &mut PgConnection,
    wanted: &Wanted<'_>,
) -> Result<Vec<Place>, StoreError> {
    // PostgreSQL knows no day as early as chrono's first.
    let after = wanted.after.due_on.max(EARLIEST);
    let rows = sqlx::query!(
        "SELECT l.id, l.settles_next_on
           FROM credit_lines l JOIN line_heads h ON h.credit_line_id = l.id
          WHERE l.settles_next_on <= $1 AND (l.settles_next_on, l.id) > ($2, $3) AND l.id <> ALL ($4)
          ORDER BY l.settles_next_on, l.id LIMIT $5
            FOR NO KEY UPDATE OF h SKIP LOCKED",
        wanted.by,
        after,
        wanted.after.id.as_uuid(),
        &uuids(wanted.but),
        i64::from(wanted.limit),
    )
    .fetch_all(conn)
    .await?;
    let place = |id, due_on| Place { due_on, id: CreditLineId::from_uuid(id) };
    Ok(rows.into_iter().map(|row| place(row.id, row.settles_next_on)).collect())
}

/// A day before every line of ours.
pub(crate) const EARLIEST: NaiveDate = match NaiveDate::from_ymd_opt(1900, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// How many lines have something due by the start of the day, those left out that are named.
pub async fn count_due(
    conn: &mut PgConnection,
    by: NaiveDate,
    but: &[CreditLineId],
) -> Result<u64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM credit_lines WHERE settles_next_on <= $1 AND id <> ALL ($2)"#,
        by,
        &uuids(but),
    )
    .fetch_one(conn)
    .await?;
    Ok(count.unsigned_abs())
}

fn uuids(ids: &[CreditLineId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.as_uuid()).collect()
}

/// A line that could not be worked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PutAside {
    pub credit_line_id: CreditLineId,
    pub due_on: NaiveDate,
    pub reason: String,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    /// Runs that tried.
    pub attempts: u32,
}

/// Puts lines aside, or says that they still cannot be worked out, and why now; in one statement whatever their number.
pub async fn put_aside(
    conn: &mut PgConnection,
    lines: &[(Place, String)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = lines.iter().map(|(place, _)| place.id.as_uuid()).collect();
    let days: Vec<NaiveDate> = lines.iter().map(|(place, _)| place.due_on).collect();
    let reasons: Vec<&str> = lines.iter().map(|(_, reason)| reason.as_str()).collect();
    sqlx::query!(
        "INSERT INTO lines_put_aside AS p (credit_line_id, due_on, reason, first_at, last_at)
         SELECT new.id, new.due_on, new.reason, $4, $4
           FROM unnest($1::uuid[], $2::date[], $3::text[]) AS new (id, due_on, reason)
         ON CONFLICT (credit_line_id) DO UPDATE
            SET due_on = excluded.due_on, reason = excluded.reason, last_at = excluded.last_at,
                attempts = p.attempts + 1",
        &ids,
        &days,
        &reasons as &[&str],
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// These lines were worked out.
pub async fn take_back(conn: &mut PgConnection, ids: &[CreditLineId]) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM lines_put_aside WHERE credit_line_id = ANY ($1)", &uuids(ids))
        .execute(conn)
        .await?;
    Ok(())
}

/// The lines that are put aside, longest first.
pub async fn list_put_aside(
    conn: &mut PgConnection,
    limit: u32,
) -> Result<Vec<PutAside>, StoreError> {
    let rows = sqlx::query!(
        "SELECT credit_line_id, due_on, reason, first_at, last_at, attempts FROM lines_put_aside
          ORDER BY first_at, credit_line_id LIMIT $1",
        i64::from(limit),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PutAside {
            credit_line_id: CreditLineId::from_uuid(row.credit_line_id),
            due_on: row.due_on,
            reason: row.reason,
            first_at: row.first_at,
            last_at: row.last_at,
            attempts: row.attempts.unsigned_abs(),
        })
        .collect())
}

/// A day that was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayClosed<R> {
    pub on: NaiveDate,
    pub at: DateTime<Utc>,
    pub report: R,
}

/// The day itself or the next later one that was closed, and closed it too.
pub async fn find_closed<R: DeserializeOwned>(
    conn: &mut PgConnection,
    on: NaiveDate,
) -> Result<Option<DayClosed<R>>, StoreError> {
    let row = sqlx::query!(
        "SELECT closed_on, closed_at, report FROM days_closed WHERE closed_on >= $1 ORDER BY closed_on LIMIT 1",
        on,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let report = serde_json::from_value(row.report)
            .map_err(|source| StoreError::Stored { what: "report of a day", source })?;
        Ok(DayClosed { on: row.closed_on, at: row.closed_at, report })
    })
    .transpose()
}

/// Says that the day is closed, and what the run did that found nothing more to do.
pub async fn close_day<R: Serialize + Sync>(
    conn: &mut PgConnection,
    day: &DayClosed<R>,
) -> Result<(), StoreError> {
    let report = serde_json::to_value(&day.report)
        .map_err(|source| StoreError::Stored { what: "report of a day", source })?;
    sqlx::query!(
        "INSERT INTO days_closed (closed_on, closed_at, report) VALUES ($1, $2, $3)
         ON CONFLICT (closed_on) DO UPDATE SET closed_at = excluded.closed_at, report = excluded.report",
        day.on,
        day.at,
        report,
    )
    .execute(conn)
    .await?;
    Ok(())
}
