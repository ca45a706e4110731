//! The sequencer: gives committed leaves their index, folds them into the tiles and signs the new checkpoint.
//!
//! One at a time, by advisory lock; any number of processes may try, and wait for their turn. Per batch of up to 4,096 leaves: seven
//! statements, whatever the size of the log. It signs nothing that does not extend what was signed before.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    AuditError, Checkpoint, Hash, Log, TileId, Tiles, TreeHead,
    append::stored_hash,
    leaf::to_the_microsecond,
    tiles::{edge_tiles, tiles_of},
    tree::range_hash,
};

const BATCH: i64 = 4096;

/// Sequences until nothing is left: whatever was committed before the call has its index after it. Tells how many leaves
/// got theirs here. Needs the pool of `plumbline_audit`.
pub async fn sequence(audit: &PgPool, log: &Log, now: DateTime<Utc>) -> Result<u64, AuditError> {
    let mut sequenced = 0_u64;
    loop {
        let added = sequence_batch(audit, log, now).await?;
        if added == 0 {
            return Ok(sequenced);
        }
        sequenced += added;
    }
}

async fn sequence_batch(audit: &PgPool, log: &Log, now: DateTime<Utc>) -> Result<u64, AuditError> {
    let mut tx = audit.begin().await?;
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('audit sequencer', 6962))")
        .execute(&mut *tx)
        .await?;
    let old = latest_head(&mut tx, log).await?;
    compare_with_memory(&mut tx, log, old).await?;
    let pending = sqlx::query!(
        "SELECT id, entry FROM audit_leaves WHERE idx IS NULL ORDER BY arrival LIMIT $1",
        BATCH
    )
    .fetch_all(&mut *tx)
    .await?;
    if pending.is_empty() {
        return Ok(0);
    }

    let mut tiles = load_tiles(&mut tx, &edge_tiles(old.size)).await?;
    tiles.truncate_edge(old.size);
    if range_hash(&tiles, 0..old.size).is_some_and(|root| root != old.root) {
        return Err(AuditError::Tampered("the tiles do not lead to the checkpoint".into()));
    }
    let mut new = TreeHead { size: old.size, root: old.root };
    let (mut ids, mut indices) = (Vec::new(), Vec::new());
    for leaf in &pending {
        tiles
            .push(new.size, Hash::of_leaf(&leaf.entry))
            .map_err(|torn| AuditError::Tampered(torn.to_string()))?;
        ids.push(leaf.id);
        indices.push(signed(new.size)?);
        new.size += 1;
    }
    new.root = range_hash(&tiles, 0..new.size)
        .ok_or_else(|| AuditError::Tampered("tiles are missing".into()))?;

    give_indices(&mut tx, &ids, &indices).await?;
    store_tiles(&mut tx, &mut tiles).await?;
    let origin = log.verifier().name().to_owned();
    let note = log.sign(&Checkpoint { origin, head: new }.to_string());
    sqlx::query!(
        "INSERT INTO audit_checkpoints (tree_size, root, note, recorded_at) VALUES ($1, $2, $3, $4)",
        signed(new.size)?,
        &new.root.0[..],
        note,
        to_the_microsecond(now)
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    log.remember(&new, &note)?;
    tracing::debug!(audit.tree_size = new.size, "sequenced {} leaves", ids.len());
    Ok(new.size - old.size)
}

async fn give_indices(
    conn: &mut PgConnection,
    ids: &[Uuid],
    indices: &[i64],
) -> Result<(), AuditError> {
    sqlx::query!(
        "UPDATE audit_leaves l SET idx = given.idx
         FROM unnest($1::uuid[], $2::bigint[]) AS given (id, idx) WHERE l.id = given.id",
        ids,
        indices
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn store_tiles(conn: &mut PgConnection, tiles: &mut Tiles) -> Result<(), AuditError> {
    let (mut levels, mut numbers, mut contents) = (Vec::new(), Vec::new(), Vec::new());
    for (id, hashes) in tiles.take_touched() {
        levels.push(i16::from(id.level));
        numbers.push(signed(id.n)?);
        contents.push(hashes.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>());
    }
    sqlx::query!(
        "INSERT INTO audit_tiles (level, n, hashes)
         SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])
         ON CONFLICT (level, n) DO UPDATE SET hashes = EXCLUDED.hashes",
        &levels,
        &numbers,
        &contents
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The tiles with these places, as far as they are stored.
pub(crate) async fn load_tiles(
    conn: &mut PgConnection,
    ids: &[TileId],
) -> Result<Tiles, AuditError> {
    let levels: Vec<i16> = ids.iter().map(|id| i16::from(id.level)).collect();
    let numbers = ids.iter().map(|id| signed(id.n)).collect::<Result<Vec<_>, _>>()?;
    let rows = sqlx::query!(
        "SELECT t.level, t.n, t.hashes FROM audit_tiles t
         JOIN unnest($1::smallint[], $2::bigint[]) AS wanted (level, n) USING (level, n)",
        &levels,
        &numbers
    )
    .fetch_all(conn)
    .await?;
    let mut tiles = Tiles::default();
    for row in rows {
        let level = u8::try_from(row.level).unwrap_or(u8::MAX);
        let hashes = row.hashes.chunks(32).map(|bytes| stored_hash(bytes, "a tile"));
        tiles.insert(
            TileId { level, n: row.n.unsigned_abs() },
            hashes.collect::<Result<Vec<_>, _>>()?,
        );
    }
    Ok(tiles)
}

/// What the database says was signed last, if this log's key did sign it; the empty tree before the first time.
async fn latest_head(conn: &mut PgConnection, log: &Log) -> Result<TreeHead, AuditError> {
    match latest_checkpoint(conn).await? {
        None => Ok(TreeHead { size: 0, root: Hash::of(&[]) }),
        Some(note) => {
            let text = log.verifier().open(&note).ok();
            let checkpoint = text.and_then(Checkpoint::parse).ok_or_else(|| {
                AuditError::Tampered("the newest checkpoint is not signed by this log".into())
            })?;
            Ok(checkpoint.head)
        }
    }
}

/// The newest checkpoint's note.
pub async fn latest_checkpoint(conn: &mut PgConnection) -> Result<Option<String>, AuditError> {
    Ok(sqlx::query_scalar!("SELECT note FROM audit_checkpoints ORDER BY tree_size DESC LIMIT 1")
        .fetch_optional(conn)
        .await?)
}

/// Refuses a database that shows less, or another history, than this machine has signed.
async fn compare_with_memory(
    conn: &mut PgConnection,
    log: &Log,
    found: TreeHead,
) -> Result<(), AuditError> {
    let Some(remembered) = log.last_signed()? else { return Ok(()) };
    if found.size < remembered.size {
        return Err(AuditError::RolledBack { signed: remembered.size, found: found.size });
    }
    let root = if found.size == remembered.size {
        Some(found.root)
    } else {
        let tiles = load_tiles(conn, &tiles_of(std::iter::once(0..remembered.size))).await?;
        range_hash(&tiles, 0..remembered.size)
    };
    if root == Some(remembered.root) {
        Ok(())
    } else {
        Err(AuditError::Forked { signed: remembered.size })
    }
}

/// A count as PostgreSQL keeps it.
pub(crate) fn signed(count: u64) -> Result<i64, AuditError> {
    i64::try_from(count)
        .map_err(|_| AuditError::Tampered(format!("{count} is past any log's size")))
}
