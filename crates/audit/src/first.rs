//! The first leaves of many streams at once.

use sqlx::PgConnection;

use crate::{
    AuditError, Stream,
    append::{Chained, chain},
    leaf::LeafBody,
};

/// Adds the first leaf of each stream, in the caller's transaction and in one statement. The streams must be those of things
/// made in this very transaction, so that nobody else can write to them; one that has a leaf already is refused by the database.
pub async fn append_first(
    conn: &mut PgConnection,
    leaves: Vec<(Stream, LeafBody)>,
) -> Result<(), AuditError> {
    let mut streams = Vec::with_capacity(leaves.len());
    let mut all: Option<Chained> = None;
    for (stream, leaf) in leaves {
        let one = chain(stream, None, &[leaf])?;
        streams.push(one.stream.clone());
        match &mut all {
            None => all = Some(one),
            Some(all) => all.join(one),
        }
    }
    let Some(all) = all else { return Ok(()) };
    sqlx::query!(
        "WITH leaf AS (
             INSERT INTO audit_leaves (id, stream, n, kind, recorded_at, entry, leaf_hash)
             SELECT new.id, new.stream, 0, new.kind, new.recorded_at, new.entry, new.leaf_hash
             FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bytea[], $6::bytea[])
                  AS new (id, stream, kind, recorded_at, entry, leaf_hash))
         INSERT INTO audit_payloads (leaf_id, salt, payload) SELECT * FROM unnest($1::uuid[], $7::bytea[], $8::text[])",
        &all.ids,
        &streams,
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
