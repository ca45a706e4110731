//! `plumbline migrate`.

use std::fmt;

use serde::Serialize;
use store::Store;

use crate::{context::Context, exit::Exit};

#[derive(Serialize)]
struct Migrated {
    schema_version: i64,
    /// Where a private cluster keeps its data.
    cluster: Option<String>,
}

pub(super) async fn run(context: &Context) -> anyhow::Result<Exit> {
    let store = Store::open(&context.config.location()?).await?;
    let cluster = store.private_dir().map(|dir| dir.display().to_string());
    store.close().await;
    context.output.answer(&Migrated { schema_version: store::schema_version(), cluster })?;
    Ok(Exit::Done)
}

impl fmt::Display for Migrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cluster {
            Some(dir) => write!(
                f,
                "the private cluster in {dir} is at schema version {}",
                self.schema_version
            ),
            None => write!(
                f,
                "the database at DATABASE_URL is at schema version {}",
                self.schema_version
            ),
        }
    }
}
