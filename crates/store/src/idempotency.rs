//! The caller's key: the same request sent again has one effect and one answer.
//!
//! A use case claims the key first and stores its answer last, in the transaction of its effects. Somebody else with
//! the same key waits at the claim until that transaction ends: then it finds the answer, or, if the first one failed,
//! the key is free and it takes its place. A key that would commit without an answer is refused by the database.

use chrono::{DateTime, Utc};
use identity::Actor;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::StoreError;

/// A request as its key sees it: who asks, under which key, and a digest of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(crate) scope: String,
    pub(crate) key: String,
    pub(crate) body_digest: [u8; 32],
}

impl Request {
    /// `use_case` belongs to the body: one key cannot ask for two different things.
    pub fn new(
        actor: &Actor,
        key: &str,
        use_case: &str,
        body: &impl Serialize,
    ) -> Result<Self, StoreError> {
        let body = serde_json::to_vec(body)
            .map_err(|source| StoreError::Stored { what: "request body", source })?;
        let mut hasher = Sha256::new();
        hasher.update(use_case);
        hasher.update([0]);
        hasher.update(&body);
        Ok(Self { scope: scope(actor), key: key.to_owned(), body_digest: hasher.finalize().into() })
    }

    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Keys of different people never meet; an assistant's are not those of the person it works for.
fn scope(actor: &Actor) -> String {
    match actor {
        Actor::Customer { id } => format!("customer:{id}"),
        Actor::Representative { id } => format!("representative:{id}"),
        Actor::Assistant { on_behalf_of } => format!("assistant:{on_behalf_of}"),
        Actor::System => "system".to_owned(),
    }
}

/// What became of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim<A> {
    /// Ours: do the work, then [`answer`] in the same transaction.
    Fresh,
    /// It was done before: this is the answer that was given.
    Answered(A),
}

/// Takes the key, or finds its answer. Waits for a transaction that holds it.
///
/// One statement for a fresh key, two for a known one.
///
/// # Errors
/// [`StoreError::KeyReused`] when the key was used for another body.
pub async fn claim<A: DeserializeOwned>(
    conn: &mut PgConnection,
    request: &Request,
    now: DateTime<Utc>,
) -> Result<Claim<A>, StoreError> {
    let taken = sqlx::query!(
        "INSERT INTO idempotency_keys (scope, key, body_digest, recorded_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (scope, key) DO NOTHING",
        request.scope,
        request.key,
        request.body_digest.as_slice(),
        now,
    )
    .execute(&mut *conn)
    .await?;
    if taken.rows_affected() == 1 {
        return Ok(Claim::Fresh);
    }
    match kept(conn, request).await? {
        Some(Some(answer)) => Ok(Claim::Answered(answer)),
        // Only when this very transaction claimed the key before.
        Some(None) => Ok(Claim::Fresh),
        None => Err(sqlx::Error::RowNotFound.into()),
    }
}

/// The answer that a key was given, if it was given one.
///
/// # Errors
/// [`StoreError::KeyReused`] when the key was used for another body.
pub async fn find<A: DeserializeOwned>(
    conn: &mut PgConnection,
    request: &Request,
) -> Result<Option<A>, StoreError> {
    Ok(kept(conn, request).await?.flatten())
}

/// What is kept under a key, answered or not.
async fn kept<A: DeserializeOwned>(
    conn: &mut PgConnection,
    request: &Request,
) -> Result<Option<Option<A>>, StoreError> {
    let found = sqlx::query!(
        "SELECT body_digest, answer FROM idempotency_keys WHERE scope = $1 AND key = $2",
        request.scope,
        request.key,
    )
    .fetch_optional(conn)
    .await?;
    let Some(found) = found else { return Ok(None) };
    if found.body_digest != request.body_digest {
        return Err(StoreError::KeyReused { key: request.key.clone() });
    }
    let answer = found.answer.map(serde_json::from_value).transpose();
    answer.map(Some).map_err(|source| StoreError::Stored { what: "answer", source })
}

/// Stores the answer of a claimed key.
pub async fn answer<A: Serialize + Sync>(
    conn: &mut PgConnection,
    request: &Request,
    answer: &A,
) -> Result<(), StoreError> {
    let answer = serde_json::to_value(answer)
        .map_err(|source| StoreError::Stored { what: "answer", source })?;
    sqlx::query!(
        "UPDATE idempotency_keys SET answer = $3 WHERE scope = $1 AND key = $2 AND answer IS NULL",
        request.scope,
        request.key,
        answer,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes keys that were recorded before `before`, so many at most; answers how many. Where there is none, nothing is
/// written.
pub async fn purge(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64, StoreError> {
    let old = sqlx::query!(
        "SELECT scope, key FROM idempotency_keys WHERE recorded_at < $1 LIMIT $2",
        before,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    if old.is_empty() {
        return Ok(0);
    }
    let (scopes, keys): (Vec<String>, Vec<String>) =
        old.into_iter().map(|row| (row.scope, row.key)).unzip();
    let done = sqlx::query!(
        "DELETE FROM idempotency_keys
         WHERE (scope, key) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND recorded_at < $3",
        &scopes,
        &keys,
        before,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
