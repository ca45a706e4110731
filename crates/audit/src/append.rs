//! Writing a leaf in the transaction whose effect it records.

use chrono::{DateTime, Utc};
use identity::LeafId;
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    AuditError,
    canonical::canonical_json,
    hash::Hash,
    leaf::{Entry, Leaf, Salt, Stream, commitment, to_the_microsecond},
};

/// The kind of the leaf that says another leaf's payload was erased.
pub const ERASED: &str = "audit.payload_erased";

/// Adds a leaf to its stream, not yet sequenced, in the caller's transaction. Two round trips.
///
/// Writers of one stream wait for each other until commit, writers of different streams never do. A transaction that
/// writes to several streams takes them first in the order conversation, credit line, system, or two such transactions may
/// deadlock. The isolation level is read committed: under a stricter one a writer that waited fails and must retry.
pub async fn append(conn: &mut PgConnection, leaf: Leaf) -> Result<LeafId, AuditError> {
    let stream = leaf.stream.to_string();
    let head = sqlx::query!(
        r#"SELECT n AS "n!", leaf_hash AS "leaf_hash!" FROM audit_stream_head($1)"#,
        stream
    )
    .fetch_optional(&mut *conn)
    .await?;
    let (n, previous) = match head {
        Some(head) => (head.n.saturating_add(1), stored_hash(&head.leaf_hash, &stream)?),
        None => (0, Hash::ZERO),
    };

    let payload = canonical_json(&leaf.payload);
    let salt: Salt = rand::random();
    let entry = Entry {
        id: LeafId::mint(leaf.at),
        at: to_the_microsecond(leaf.at),
        stream,
        n: n.unsigned_abs(),
        previous,
        kind: leaf.kind.into_owned(),
        commitment: commitment(&salt, &payload),
    };
    let bytes = entry.encode()?;
    sqlx::query!(
        "WITH leaf AS (
             INSERT INTO audit_leaves (id, stream, n, kind, recorded_at, entry, leaf_hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7))
         INSERT INTO audit_payloads (leaf_id, salt, payload) VALUES ($1, $8, $9)",
        entry.id.as_uuid(),
        entry.stream,
        n,
        entry.kind,
        entry.at,
        bytes,
        &Hash::of_leaf(&bytes).0[..],
        &salt[..],
        payload,
    )
    .execute(conn)
    .await?;
    Ok(entry.id)
}

/// Destroys a leaf's salt and payload, for good, and says so in a leaf of the same stream. Needs `plumbline_audit`.
///
/// The tree stays as it is: what is left proves that something was said at that time and place, not what.
pub async fn erase(
    conn: &mut PgConnection,
    id: LeafId,
    reason: &str,
    at: DateTime<Utc>,
) -> Result<LeafId, AuditError> {
    let erased = sqlx::query!(
        "WITH gone AS (DELETE FROM audit_payloads WHERE leaf_id = $1 RETURNING leaf_id)
         SELECT l.stream, l.n FROM audit_leaves l JOIN gone ON gone.leaf_id = l.id",
        id.as_uuid()
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(AuditError::NothingToErase(id))?;
    let stream: Stream = erased.stream.parse().map_err(AuditError::Tampered)?;
    let payload = json!({"leaf_id": id, "n": erased.n, "reason": reason});
    append(conn, Leaf::new(stream, ERASED, at, payload)).await
}

pub(crate) fn stored_hash(bytes: &[u8], place: &str) -> Result<Hash, AuditError> {
    Hash::from_slice(bytes)
        .ok_or_else(|| AuditError::Tampered(format!("{place} carries a hash that is none")))
}
