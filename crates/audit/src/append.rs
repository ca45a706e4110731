//! Writing a leaf in the transaction whose effect it records.

use std::collections::BTreeMap;

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
    let head = sqlx::query!(
        r#"SELECT n AS "n!", leaf_hash AS "leaf_hash!" FROM audit_stream_head($1)"#,
        stream.to_string()
    )
    .fetch_optional(&mut *conn)
    .await?;
    let tip = head.map(|head| Tip::stored(head.n, &head.leaf_hash)).transpose()?;
    let chained = chain(stream, tip, &leaves)?;
    sqlx::query!(
        r#"SELECT audit_append($1, $2, $3, $4, $5, $6, $7, $8, $9) AS "appended: ()""#,
        chained.stream,
        &chained.ids,
        &chained.numbers,
        &chained.kinds,
        &chained.instants,
        &chained.entries,
        &chained.hashes,
        &chained.salts,
        &chained.payloads,
    )
    .execute(conn)
    .await?;
    Ok(chained.ids.into_iter().map(LeafId::from_uuid).collect())
}

/// Streams that a transaction holds, each with its newest leaf. See [`take_free`].
#[derive(Debug, Default)]
pub struct Held(BTreeMap<String, Option<Tip>>);

impl Held {
    /// The streams of things made in this very transaction: nobody else can write to them, and one that has a leaf already is
    /// refused by the database.
    #[must_use]
    pub fn new(streams: impl IntoIterator<Item = Stream>) -> Self {
        Self(streams.into_iter().map(|stream| (stream.to_string(), None)).collect())
    }

    #[must_use]
    pub fn holds(&self, stream: Stream) -> bool {
        self.0.contains_key(&stream.to_string())
    }
}

/// Holds those of the streams that nobody else is writing to, and waits for none. One round trip, however many there are.
pub async fn take_free(conn: &mut PgConnection, streams: &[Stream]) -> Result<Held, AuditError> {
    if streams.is_empty() {
        return Ok(Held::default());
    }
    let names: Vec<String> = streams.iter().map(Stream::to_string).collect();
    let rows = sqlx::query!(
        r#"SELECT stream AS "stream!", n, leaf_hash FROM audit_streams_free($1)"#,
        &names
    )
    .fetch_all(conn)
    .await?;
    let mut held = Held::default();
    for row in rows {
        let tip = row.n.zip(row.leaf_hash).map(|(n, hash)| Tip::stored(n, &hash)).transpose()?;
        held.0.insert(row.stream, tip);
    }
    Ok(held)
}

/// Adds leaves to streams that are held, those of a stream in order. One round trip, however many there are.
pub async fn append_held(
    conn: &mut PgConnection,
    held: &Held,
    leaves: Vec<(Stream, Vec<LeafBody>)>,
) -> Result<(), AuditError> {
    let mut streams = Vec::new();
    let mut all: Option<Chained> = None;
    for (stream, leaves) in leaves {
        let name = stream.to_string();
        let tip = held.0.get(&name).ok_or_else(|| {
            AuditError::Tampered(format!("{name} was to be written to and is not held"))
        })?;
        let chained = chain(stream, *tip, &leaves)?;
        streams.extend(leaves.iter().map(|_| name.clone()));
        match &mut all {
            Some(all) => all.join(chained),
            None => all = Some(chained),
        }
    }
    let Some(all) = all.filter(|all| !all.ids.is_empty()) else { return Ok(()) };
    sqlx::query!(
        r#"SELECT audit_append_many($1, $2, $3, $4, $5, $6, $7, $8, $9) AS "appended: ()""#,
        &streams,
        &all.ids,
        &all.numbers,
        &all.kinds,
        &all.instants,
        &all.entries,
        &all.hashes,
        &all.salts,
        &all.payloads,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest leaf of a stream: what the next one continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    pub n: i64,
    pub hash: Hash,
}

impl Tip {
    /// As the database tells it.
    pub fn stored(n: i64, leaf_hash: &[u8]) -> Result<Self, AuditError> {
        Ok(Self { n, hash: stored_hash(leaf_hash, "the newest leaf of a stream")? })
    }
}

/// Leaves of one stream, chained and sealed, column by column as `audit_append` takes them. They are on record only once a
/// transaction has added them that holds the stream and found its newest leaf to be the one they continue.
#[derive(Clone, Debug)]
pub struct Chained {
    pub stream: String,
    pub ids: Vec<Uuid>,
    pub numbers: Vec<i64>,
    pub kinds: Vec<String>,
    pub instants: Vec<DateTime<Utc>>,
    pub entries: Vec<Vec<u8>>,
    pub hashes: Vec<Vec<u8>>,
    pub salts: Vec<Vec<u8>>,
    pub payloads: Vec<String>,
    /// The newest leaf of the stream once they are added.
    pub tip: Option<Tip>,
}

/// Chains leaves to the newest of their stream.
pub fn chain(stream: Stream, tip: Option<Tip>, leaves: &[LeafBody]) -> Result<Chained, AuditError> {
    let mut chained = Chained {
        stream: stream.to_string(),
        ids: Vec::new(),
        numbers: Vec::new(),
        kinds: Vec::new(),
        instants: Vec::new(),
        entries: Vec::new(),
        hashes: Vec::new(),
        salts: Vec::new(),
        payloads: Vec::new(),
        tip,
    };
    for leaf in leaves {
        chained.push(leaf)?;
    }
    Ok(chained)
}

impl Chained {
    /// Puts another stream's leaves after these, column by column.
    pub(crate) fn join(&mut self, other: Self) {
        self.ids.extend(other.ids);
        self.numbers.extend(other.numbers);
        self.kinds.extend(other.kinds);
        self.instants.extend(other.instants);
        self.entries.extend(other.entries);
        self.hashes.extend(other.hashes);
        self.salts.extend(other.salts);
        self.payloads.extend(other.payloads);
    }

    fn push(&mut self, leaf: &LeafBody) -> Result<(), AuditError> {
        let payload = canonical_json(&leaf.payload);
        let salt: Salt = rand::random();
        let n = self.tip.map_or(0, |tip| tip.n.saturating_add(1));
        let entry = Entry {
            id: LeafId::mint(leaf.at),
            at: to_the_microsecond(leaf.at),
            stream: self.stream.clone(),
            n: n.unsigned_abs(),
            previous: self.tip.map_or(Hash::ZERO, |tip| tip.hash),
            kind: leaf.kind.clone().into_owned(),
            commitment: commitment(&salt, &payload),
        };
        let bytes = entry.encode()?;
        let hash = Hash::of_leaf(&bytes);
        self.tip = Some(Tip { n, hash });
        self.ids.push(entry.id.as_uuid());
        self.numbers.push(n);
        self.kinds.push(entry.kind);
        self.instants.push(entry.at);
        self.entries.push(bytes);
        self.hashes.push(hash.0.to_vec());
        self.salts.push(salt.to_vec());
        self.payloads.push(payload);
        Ok(())
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
