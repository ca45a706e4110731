//! Taking a conversation out of the log as a bundle.

use identity::ConversationId;
use serde_json::value::RawValue;
use sqlx::{PgConnection, PgPool};

use crate::{
    AuditError, Bundle, Checkpoint, Consistency, Entry, LeafRecord, Log, Seal, Stream,
    StreamRecord, TreeHead,
    bundle::{BUNDLE_FORMAT, Hex},
    sequencer::{latest_checkpoint, load_tiles, signed},
    tiles::tiles_of,
    tree::{consistency_ranges, inclusion_ranges, range_hash},
};

/// The bundle of a conversation, sealed with the log's key. `since` asks for the proof that the log extends its
/// checkpoint of that many leaves. Any role that may read the log will do.
///
/// Leaves that are not yet sequenced make [`AuditError::NotYetSequenced`]: run [`crate::sequence`] first.
pub async fn export(
    pool: &PgPool,
    log: &Log,
    conversation_id: ConversationId,
    since: Option<u64>,
) -> Result<Bundle, AuditError> {
    // One snapshot: leaves, tiles and checkpoint belong together.
    let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
    let stream = Stream::Conversation(conversation_id).to_string();
    let mut leaves = load_leaves(&mut tx, &stream).await?;
    let checkpoint = latest_checkpoint(&mut tx)
        .await?
        .ok_or_else(|| AuditError::NotYetSequenced(stream.clone()))?;
    let head = read_head(log, &checkpoint)?;
    prove(&mut tx, head, &mut leaves).await?;
    let consistency = match since {
        None => None,
        Some(old) => Some(prove_consistency(&mut tx, log, old, head).await?),
    };

    let mut bundle = Bundle {
        format: BUNDLE_FORMAT.to_owned(),
        conversation_id,
        public_key: log.verifier().to_string(),
        checkpoint,
        seal: String::new(),
        consistency,
        streams: vec![StreamRecord { stream, leaves }],
    };
    bundle.seal = log.sign(&Seal::of(&bundle, head).text());
    Ok(bundle)
}

fn read_head(log: &Log, note: &str) -> Result<TreeHead, AuditError> {
    let text = log.verifier().open(note).ok();
    text.and_then(Checkpoint::parse)
        .map(|checkpoint| checkpoint.head)
        .ok_or_else(|| AuditError::Tampered("a checkpoint is not signed by this log".into()))
}

/// The stream's leaves without their proofs.
async fn load_leaves(conn: &mut PgConnection, stream: &str) -> Result<Vec<LeafRecord>, AuditError> {
    let rows = sqlx::query!(
        r#"SELECT l.n, l.idx, l.entry, p.salt AS "salt?", p.payload AS "payload?"
           FROM audit_leaves l LEFT JOIN audit_payloads p ON p.leaf_id = l.id
           WHERE l.stream = $1 ORDER BY l.n"#,
        stream
    )
    .fetch_all(conn)
    .await?;
    if rows.is_empty() {
        return Err(AuditError::UnknownStream(stream.to_owned()));
    }
    let mut leaves = Vec::with_capacity(rows.len());
    for row in rows {
        let broken = |what| AuditError::Tampered(format!("{what} of leaf {} of {stream}", row.n));
        let index = row.idx.ok_or_else(|| AuditError::NotYetSequenced(stream.to_owned()))?;
        let entry = Entry::decode(&row.entry).ok_or_else(|| broken("the entry"))?;
        let payload = row.payload.map(RawValue::from_string).transpose();
        leaves.push(LeafRecord {
            n: entry.n,
            index: index.unsigned_abs(),
            id: entry.id,
            at: entry.at,
            kind: entry.kind,
            previous: entry.previous,
            commitment: entry.commitment,
            salt: row.salt.map(Hex),
            payload: payload.map_err(|_| broken("the payload"))?,
            entry: Hex(row.entry),
            proof: Vec::new(),
        });
    }
    Ok(leaves)
}

async fn prove(
    conn: &mut PgConnection,
    head: TreeHead,
    leaves: &mut [LeafRecord],
) -> Result<(), AuditError> {
    let plans: Vec<_> = leaves.iter().map(|l| inclusion_ranges(l.index, head.size)).collect();
    let tiles = load_tiles(conn, &tiles_of(plans.iter().flatten().cloned())).await?;
    for (leaf, plan) in leaves.iter_mut().zip(plans) {
        let hashes = plan.into_iter().map(|range| range_hash(&tiles, range));
        leaf.proof = hashes.collect::<Option<_>>().ok_or_else(missing_tiles)?;
    }
    Ok(())
}

async fn prove_consistency(
    conn: &mut PgConnection,
    log: &Log,
    old: u64,
    head: TreeHead,
) -> Result<Consistency, AuditError> {
    let note = sqlx::query_scalar!(
        "SELECT note FROM audit_checkpoints WHERE tree_size = $1",
        signed(old)?
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(AuditError::UnknownCheckpoint(old))?;
    let from = read_head(log, &note)?;
    let plan = consistency_ranges(from.size, head.size);
    let tiles = load_tiles(conn, &tiles_of(plan.iter().cloned())).await?;
    let hashes = plan.into_iter().map(|range| range_hash(&tiles, range));
    let proof = hashes.collect::<Option<_>>().ok_or_else(missing_tiles)?;
    Ok(Consistency { checkpoint: note, proof })
}

fn missing_tiles() -> AuditError {
    AuditError::Tampered("tiles are missing".into())
}
