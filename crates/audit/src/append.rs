//! Writing a leaf in the transaction whose effect it records.

use chrono::{DateTime, Utc};
use identity::LeafId;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    AuditError,
    canonical::canonical_json,
    hash::Hash,
    leaf::{Entry, Leaf, LeafBody, Salt, Stream, commitment, to_the_microsecond},
};

/// The kind of the leaf that says another leaf's payload was erased.
pub const ERASED: &str = "audit.payload_erased";

/// Adds a leaf to its stream, not yet sequenced, in the caller's transaction. Two round trips.
///
/// Writers of one stream wait for each other until commit, writers of different streams never do. A transaction that
/// writes to several streams takes them first in the order conversation, credit line, system, or two such transactions may
/// deadlock. The isolation level is read committed: under a stricter one a writer that waited fails and must retry.
pub async fn append(conn: &mut PgConnection, leaf: Leaf) -> Result<LeafId, AuditError> {
    let stream = leaf.stream;
    let body = LeafBody { kind: leaf.kind, at: leaf.at, payload: leaf.payload };
    let ids = append_all(conn, stream, vec![body]).await?;
    ids.first().copied().ok_or_else(|| AuditError::Tampered("a leaf was not written".into()))
}

/// Adds leaves to one stream, in order, as [`append`] adds one. Two round trips, however many there are.
pub async fn append_all(
    conn: &mut PgConnection,
    stream: Stream,
    leaves: Vec<LeafBody>,
) -> Result<Vec<LeafId>, AuditError> {
    let stream = stream.to_string();
    let head = sqlx::query!(
        r#"SELECT n AS "n!", leaf_hash AS "leaf_hash!" FROM audit_stream_head($1)"#,
        stream
    )
    .fetch_optional(&mut *conn)
    .await?;
    let (mut n, mut previous) = match head {
        Some(head) => (head.n.saturating_add(1), stored_hash(&head.leaf_hash, &stream)?),
        None => (0, Hash::ZERO),
    };
    let mut columns = Columns::default();
    for leaf in leaves {
        let payload = canonical_json(&leaf.payload);
        let salt: Salt = rand::random();
        let entry = Entry {
            id: LeafId::mint(leaf.at),
            at: to_the_microsecond(leaf.at),
            stream: stream.clone(),
            n: n.unsigned_abs(),
            previous,
            kind: leaf.kind.into_owned(),
            commitment: commitment(&salt, &payload),
        };
        previous = columns.push(n, entry, salt, payload)?;
        n = n.saturating_add(1);
    }
    columns.insert(conn, &stream).await
}

/// Leaves of one stream, column by column.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    numbers: Vec<i64>,
    kinds: Vec<String>,
    instants: Vec<DateTime<Utc>>,
    entries: Vec<Vec<u8>>,
    hashes: Vec<Vec<u8>>,
    salts: Vec<Vec<u8>>,
    payloads: Vec<String>,
}

impl Columns {
    /// Adds a leaf and answers its hash.
    fn push(
        &mut self,
        n: i64,
        entry: Entry,
        salt: Salt,
        payload: String,
    ) -> Result<Hash, AuditError> {
        let bytes = entry.encode()?;
        let hash = Hash::of_leaf(&bytes);
        self.ids.push(entry.id.as_uuid());
        self.numbers.push(n);
        self.kinds.push(entry.kind);
        self.instants.push(entry.at);
        self.entries.push(bytes);
        self.hashes.push(hash.0.to_vec());
        self.salts.push(salt.to_vec());
        self.payloads.push(payload);
        Ok(hash)
    }

    /// In the order of their numbers: the database lets no leaf come before its predecessor.
    async fn insert(
        self,
        conn: &mut PgConnection,
        stream: &str,
    ) -> Result<Vec<LeafId>, AuditError> {
        sqlx::query!(
            "WITH leaf AS (
                 INSERT INTO audit_leaves (id, stream, n, kind, recorded_at, entry, leaf_hash)
                 SELECT id, $2, n, kind, recorded_at, entry, leaf_hash
                 FROM unnest($1::uuid[], $3::bigint[], $4::text[], $5::timestamptz[], $6::bytea[], $7::bytea[])
                      AS new (id, n, kind, recorded_at, entry, leaf_hash)
                 ORDER BY n)
             INSERT INTO audit_payloads (leaf_id, salt, payload)
             SELECT * FROM unnest($1::uuid[], $8::bytea[], $9::text[])",
            &self.ids,
            stream,
            &self.numbers,
            &self.kinds,
            &self.instants,
            &self.entries,
            &self.hashes,
            &self.salts,
            &self.payloads,
        )
        .execute(conn)
        .await?;
        Ok(self.ids.into_iter().map(LeafId::from_uuid).collect())
    }
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
