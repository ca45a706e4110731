//! Checking the whole log from the inside: every leaf, payload, tile and checkpoint against the log's key and memory.
//!
//! Reads every leaf, in pieces; of the tree only the edge is in memory. It is what a person runs who does not trust the
//! database's owner; a bundle is what a person checks who does not trust us.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use crate::{
    AuditError, Checkpoint, Entry, Hash, Log, TILE_WIDTH, TileId, Tiles, append::ERASED,
    leaf::commitment, sequencer::load_tiles, tree::range_hash,
};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogReport {
    pub ok: bool,
    /// Leaves with an index.
    pub leaves: u64,
    /// Leaves committed but not yet sequenced.
    pub unsequenced: u64,
    pub erased: u64,
    pub checkpoints: u64,
    pub problems: Vec<LogProblem>,
}

/// What does not add up, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogProblem {
    pub fault: LogFault,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFault {
    LeafEdited,
    LeafDropped,
    /// A leaf is not where its stream says it should be.
    LeafReordered,
    PayloadEdited,
    /// A payload is gone and no later leaf of its stream says that it was erased.
    PayloadWithheld,
    TileEdited,
    CheckpointEdited,
    RolledBack,
    Forked,
}

/// Checks the whole log. Needs the pool of `plumbline_audit`, or any role that may read the log.
pub async fn check(pool: &PgPool, log: &Log) -> Result<LogReport, AuditError> {
    let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
    let mut found = Found::default();
    let checkpoints = read_checkpoints(&mut tx, log, &mut found).await?;
    let size = read_leaves(&mut tx, &checkpoints, &mut found).await?;
    compare_with_memory(log, &checkpoints, size, &mut found)?;
    let report = &mut found.report;
    report.ok = report.problems.is_empty();
    Ok(found.report)
}

#[derive(Default)]
struct Found {
    report: LogReport,
    /// The newest leaf seen of each stream.
    heads: BTreeMap<String, (u64, Hash)>,
    /// The index of each leaf without its payload, by stream and number, until a later leaf says that it was erased.
    withheld: BTreeMap<(String, u64), u64>,
}

impl Found {
    fn add(&mut self, fault: LogFault, message: String) {
        self.report.problems.push(LogProblem { fault, message });
    }

    /// Takes the log's word, a payload of the kind [`ERASED`], that a payload of the same stream was erased.
    fn told(&mut self, stream: &str, payload: &str) {
        let said: Option<Value> = serde_json::from_str(payload).ok();
        let n = said.as_ref().and_then(|said| said.get("n")).and_then(Value::as_u64);
        if n.is_some_and(|n| self.withheld.remove(&(stream.to_owned(), n)).is_some()) {
            self.report.erased += 1;
        }
    }

    fn tell_withheld(&mut self) {
        for ((stream, n), index) in std::mem::take(&mut self.withheld) {
            let message = format!(
                "the payload of leaf {index}, number {n} of {stream}, is gone, and no leaf says it was erased"
            );
            self.add(LogFault::PayloadWithheld, message);
        }
    }
}

/// The root signed at each size; `None` where the note is not as it was signed.
type Checkpoints = BTreeMap<u64, Option<Hash>>;

async fn read_checkpoints(
    conn: &mut PgConnection,
    log: &Log,
    found: &mut Found,
) -> Result<Checkpoints, AuditError> {
    let key = log.verifier();
    let rows = sqlx::query!("SELECT tree_size, note FROM audit_checkpoints ORDER BY tree_size")
        .fetch_all(conn)
        .await?;
    let mut checkpoints = BTreeMap::new();
    for row in rows {
        found.report.checkpoints += 1;
        let size = row.tree_size.unsigned_abs();
        let opened = key.open(&row.note).ok().and_then(Checkpoint::parse);
        let root = opened.map(|it| it.head).filter(|head| head.size == size).map(|head| head.root);
        if root.is_none() {
            let message = format!("the checkpoint of {size} leaves is not as it was signed");
            found.add(LogFault::CheckpointEdited, message);
        }
        checkpoints.insert(size, root);
    }
    Ok(checkpoints)
}

/// The tree as the leaves make it, beside the tiles as they are stored.
#[derive(Default)]
struct Rebuilt {
    tiles: Tiles,
    size: u64,
    /// Whether the leaves lead to another root than was signed.
    broken: bool,
    dropped: BTreeSet<u64>,
    /// Where a stored tile holds another hash than the leaves make.
    differing: BTreeSet<(TileId, u64)>,
}

const PAGE: i64 = 4096;

/// Rebuilds the tree from the leaves, and compares it with the tiles, and with each checkpoint as it passes its size.
async fn read_leaves(
    conn: &mut PgConnection,
    checkpoints: &Checkpoints,
    found: &mut Found,
) -> Result<u64, AuditError> {
    let unsequenced =
        sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM audit_leaves WHERE idx IS NULL"#)
            .fetch_one(&mut *conn)
            .await?;
    found.report.unsequenced = unsequenced.unsigned_abs();
    let signed = checkpoints.last_key_value().map_or(0, |(size, _)| *size);
    let mut rebuilt = Rebuilt::default();
    let mut from = 0_i64;
    loop {
        let page = sqlx::query!(
            r#"SELECT l.idx AS "idx!", l.stream, l.n, l.entry, p.salt AS "salt?", p.payload AS "payload?"
               FROM audit_leaves l LEFT JOIN audit_payloads p ON p.leaf_id = l.id
               WHERE l.idx >= $1 ORDER BY l.idx LIMIT $2"#,
            from,
            PAGE
        )
        .fetch_all(&mut *conn)
        .await?;
        let Some(last) = page.last() else { break };
        from = last.idx.saturating_add(1);
        for row in &page {
            let index = row.idx.unsigned_abs();
            found.report.leaves += 1;
            check_leaf(found, index, (&row.stream, row.n.unsigned_abs()), &row.entry);
            let place = (row.stream.as_str(), row.n.unsigned_abs());
            check_payload(
                found,
                index,
                place,
                &row.entry,
                row.salt.as_deref(),
                row.payload.as_deref(),
            );
            if index >= signed {
                let message = format!("leaf {index} has an index that was never signed");
                found.add(LogFault::LeafReordered, message);
                continue;
            }
            rebuilt.skip_to(index, checkpoints)?;
            rebuilt.push(Hash::of_leaf(&row.entry), checkpoints)?;
        }
        rebuilt.compare_tiles(conn).await?;
    }
    rebuilt.skip_to(signed, checkpoints)?;
    rebuilt.tell(found);
    read_late_erasures(conn, found).await?;
    found.tell_withheld();
    Ok(rebuilt.size - rebuilt.missing_tail())
}

/// Erasures whose leaf is not sequenced yet.
async fn read_late_erasures(conn: &mut PgConnection, found: &mut Found) -> Result<(), AuditError> {
    let late = sqlx::query!(
        "SELECT l.stream, p.payload FROM audit_leaves l JOIN audit_payloads p ON p.leaf_id = l.id
         WHERE l.idx IS NULL AND l.kind = $1",
        ERASED
    )
    .fetch_all(conn)
    .await?;
    for leaf in late {
        found.told(&leaf.stream, &leaf.payload);
    }
    Ok(())
}

impl Rebuilt {
    fn push(&mut self, hash: Hash, checkpoints: &Checkpoints) -> Result<(), AuditError> {
        self.tiles.push(self.size, hash).map_err(|torn| AuditError::Tampered(torn.to_string()))?;
        self.size += 1;
        let signed = checkpoints.get(&self.size).copied().flatten();
        self.broken |=
            signed.is_some_and(|root| range_hash(&self.tiles, 0..self.size) != Some(root));
        Ok(())
    }

    /// Leaves out what is missing before `index`.
    fn skip_to(&mut self, index: u64, checkpoints: &Checkpoints) -> Result<(), AuditError> {
        while self.size < index {
            self.dropped.insert(self.size);
            self.push(Hash::ZERO, checkpoints)?;
        }
        Ok(())
    }

    /// How many leaves are missing at the end.
    fn missing_tail(&self) -> u64 {
        (0..self.size)
            .rev()
            .zip(1..)
            .take_while(|(n, _)| self.dropped.contains(n))
            .map(|(_, k)| k)
            .last()
            .unwrap_or(0)
    }

    async fn compare_tiles(&mut self, conn: &mut PgConnection) -> Result<(), AuditError> {
        let touched = self.tiles.take_touched();
        let ids: Vec<TileId> = touched.iter().map(|(id, _)| *id).collect();
        let stored = load_tiles(conn, &ids).await?;
        for (id, made) in touched {
            let kept = stored.get(id).unwrap_or_default();
            for (place, hash) in (0..).zip(made) {
                if usize::try_from(place).ok().and_then(|place| kept.get(place)) != Some(hash) {
                    self.differing.insert((id, place));
                }
            }
        }
        self.tiles.keep_edge(self.size);
        Ok(())
    }

    /// Tells what is missing and what differs. If the leaves lead to what was signed, a differing tile was changed; if they do
    /// not, the tiles still remember the leaves.
    fn tell(&self, found: &mut Found) {
        let mut missing = self.dropped.iter().copied().peekable();
        while let Some(first) = missing.next() {
            let mut end = first;
            while let Some(next) = missing.next_if(|next| *next == end + 1) {
                end = next;
            }
            let message = format!("the leaves from index {first} to {end} are missing");
            found.add(LogFault::LeafDropped, message);
        }
        for (id, place) in &self.differing {
            let index = id.n * TILE_WIDTH + place;
            if !self.broken {
                let message = format!("hash {place} of {} was changed", id.path(256));
                found.add(LogFault::TileEdited, message);
            } else if id.level == 0 && !self.dropped.contains(&index) {
                let message = format!("leaf {index} is not the leaf that was sequenced");
                found.add(LogFault::LeafEdited, message);
            }
        }
        if self.broken && self.differing.is_empty() && self.dropped.is_empty() {
            let message = "leaves and tiles agree, and do not lead to what was signed";
            found.add(LogFault::Forked, message.to_owned());
        }
    }
}

fn check_leaf(found: &mut Found, index: u64, (stream, n): (&str, u64), bytes: &[u8]) {
    let Some(entry) = Entry::decode(bytes).filter(|e| e.stream == stream && e.n == n) else {
        let message = format!("leaf {index} does not say what its row says");
        return found.add(LogFault::LeafEdited, message);
    };
    let head = found.heads.insert(entry.stream, (n, Hash::of_leaf(bytes)));
    let follows = match head {
        None => n == 0 && entry.previous == Hash::ZERO,
        Some((before, hash)) => before.checked_add(1) == Some(n) && entry.previous == hash,
    };
    if !follows {
        let message =
            format!("leaf {index}, number {n} of {stream}, does not follow the one before");
        found.add(LogFault::LeafReordered, message);
    }
}

fn check_payload(
    found: &mut Found,
    index: u64,
    (stream, n): (&str, u64),
    bytes: &[u8],
    salt: Option<&[u8]>,
    payload: Option<&str>,
) {
    let (Some(salt), Some(payload)) = (salt, payload) else {
        found.withheld.insert((stream.to_owned(), n), index);
        return;
    };
    let Some(entry) = Entry::decode(bytes) else { return };
    if commitment(salt, payload) != entry.commitment {
        found.add(LogFault::PayloadEdited, format!("the payload of leaf {index} was changed"));
    } else if entry.kind == ERASED {
        found.told(stream, payload);
    }
}

fn compare_with_memory(
    log: &Log,
    checkpoints: &Checkpoints,
    size: u64,
    found: &mut Found,
) -> Result<(), AuditError> {
    let Some(remembered) = log.last_signed()? else { return Ok(()) };
    if size < remembered.size || !checkpoints.contains_key(&remembered.size) {
        let message = format!("the log held {} leaves before and shows {}", remembered.size, size);
        found.add(LogFault::RolledBack, message);
    } else if checkpoints
        .get(&remembered.size)
        .copied()
        .flatten()
        .is_some_and(|root| root != remembered.root)
    {
        let message =
            format!("the log shows another history of its first {} leaves", remembered.size);
        found.add(LogFault::Forked, message);
    }
    Ok(())
}
