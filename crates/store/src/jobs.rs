//! Durable jobs: work for later, taken by one worker, done in the transaction of its effects.
//!
//! A worker takes a job in a transaction, does its work in it and completes the job before it commits: both happened or
//! neither. While it works the row is locked and others skip it; when it dies the lock goes and the job is there again.

use chrono::{DateTime, Utc};
use identity::JobId;
use serde_json::Value;
use sqlx::PgConnection;

use crate::StoreError;

/// Work to be done, not before `run_at`.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob<'a> {
    pub id: JobId,
    pub kind: &'a str,
    /// Where given, only the first job of the kind with this key is ever kept.
    pub key: Option<&'a str>,
    pub payload: &'a Value,
    pub run_at: DateTime<Utc>,
    pub recorded_at: DateTime<Utc>,
}

/// A job in a worker's hands.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub id: JobId,
    pub kind: String,
    pub key: Option<String>,
    pub payload: Value,
    pub run_at: DateTime<Utc>,
    /// How often it has failed before.
    pub attempts: u32,
}

/// What becomes of a job that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    RetryAt(DateTime<Utc>),
    GiveUp,
}

/// Keeps a job; `false` where one of its kind and key is kept already.
pub async fn enqueue(conn: &mut PgConnection, job: &NewJob<'_>) -> Result<bool, StoreError> {
    let kept = sqlx::query!(
        "INSERT INTO jobs (id, kind, key, payload, run_at, recorded_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT ON CONSTRAINT jobs_key_unique DO NOTHING",
        job.id.as_uuid(),
        job.kind,
        job.key,
        job.payload,
        job.run_at,
        job.recorded_at,
    )
    .execute(conn)
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// The job that is due longest, of one of the kinds, that nobody works on. To be called in the transaction in which
/// its effects will be written; the job is ours until that ends.
pub async fn take(
    conn: &mut PgConnection,
    kinds: &[&str],
    now: DateTime<Utc>,
) -> Result<Option<Job>, StoreError> {
    let kinds: Vec<String> = kinds.iter().map(|&kind| kind.to_owned()).collect();
    let found = sqlx::query!(
        "SELECT id, kind, key, payload, run_at, attempts FROM jobs
          WHERE finished_at IS NULL AND run_at <= $2 AND kind = ANY ($1)
          ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED",
        &kinds,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| Job {
        id: JobId::from_uuid(row.id),
        kind: row.kind,
        key: row.key,
        payload: row.payload,
        run_at: row.run_at,
        attempts: row.attempts.unsigned_abs(),
    }))
}

/// Marks a taken job as done, in the transaction of its effects.
///
/// # Errors
/// [`StoreError::JobLost`] when it is done already: nothing of this transaction may be committed.
pub async fn complete(
    conn: &mut PgConnection,
    job: JobId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE jobs SET finished_at = $2 WHERE id = $1 AND finished_at IS NULL",
        job.as_uuid(),
        now,
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::JobLost { job }) }
}

/// Records a failure, in a transaction after the one that was rolled back. Nothing happens to a job that somebody
/// else has finished meanwhile: then the answer is `false`.
pub async fn fail(
    conn: &mut PgConnection,
    job: JobId,
    error: &str,
    then: AfterFailure,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (run_at, finished_at) = match then {
        AfterFailure::RetryAt(at) => (Some(at), None),
        AfterFailure::GiveUp => (None, Some(now)),
    };
    let failed = sqlx::query!(
        "UPDATE jobs SET attempts = attempts + 1, last_error = $2, run_at = coalesce($3, run_at),
                finished_at = $4, failed = $5
          WHERE id = $1 AND finished_at IS NULL",
        job.as_uuid(),
        error,
        run_at,
        finished_at,
        finished_at.is_some(),
    )
    .execute(conn)
    .await?;
    Ok(failed.rows_affected() == 1)
}

/// How many jobs wait, of those due at `now`: for a person who looks, and for tests that wait for none.
pub async fn count_due(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM jobs WHERE finished_at IS NULL AND run_at <= $1"#,
        now,
    )
    .fetch_one(conn)
    .await?;
    Ok(count.unsigned_abs())
}
