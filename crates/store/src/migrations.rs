//! The schema, forward only, compiled into the program.

use sqlx::{PgConnection, migrate::Migrator};

use crate::StoreError;

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Brings the database to this version's schema. Safe to run from several processes at once.
pub(crate) async fn run(conn: &mut PgConnection) -> Result<(), StoreError> {
    Ok(MIGRATOR.run_direct(None, conn, false).await?)
}

/// The number of the newest migration that this program knows.
pub fn schema_version() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// Changes when any migration does.
#[cfg(feature = "testing")]
pub(crate) fn digest() -> String {
    use sha2::{Digest, Sha256};

    let mut hasher = Sha256::new();
    for migration in MIGRATOR.iter() {
        hasher.update(migration.version.to_be_bytes());
        hasher.update(&migration.checksum);
    }
    hex::encode(hasher.finalize())
}
