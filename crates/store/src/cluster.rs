//! A private PostgreSQL cluster: a server of our own, reached over a unix socket and by nothing else.
//!
//! Invariants: it never listens on the network; it syncs to disk, unless it is a throw-away for tests; every process
//! that uses it holds a shared lock, and the last one out stops it; a server left behind by a killed process is adopted.
//! PostgreSQL refuses to run as root, so root runs it as an unprivileged user.

mod account;
mod binaries;
mod error;
mod folder;
mod lock;
mod server;

use std::path::{Path, PathBuf};

use sqlx::postgres::PgConnectOptions;

#[cfg(feature = "testing")]
pub(crate) use account::own_uid;
pub use account::{default_state_dir, running_as_root};
pub use binaries::{Binaries, find as find_binaries};
pub use error::ClusterError;
pub(crate) use folder::let_pass;

use folder::Folder;
use lock::{Gate, InUse};

/// Whether losing the machine may lose data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Every commit reaches the disk.
    Synced,
    /// Nothing is synced: for data that dies with the test run.
    ThrowAway,
}

/// How a cluster stands before anybody of this process comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is none yet: the first start makes it.
    New,
    Stopped,
    /// Somebody else uses it, or a killed process left it behind.
    Running,
}

/// Looks at the cluster in `dir` and touches nothing.
#[must_use]
pub fn standing(dir: &Path) -> Standing {
    let Ok(root) = dir.canonicalize() else { return Standing::New };
    if server::answers(&folder::socket_dir(&root)) {
        return Standing::Running;
    }
    if folder::data_of(&root).is_dir() { Standing::Stopped } else { Standing::New }
}

/// A cluster in use by this process, which keeps it running.
#[derive(Debug)]
pub struct Cluster {
    folder: Folder,
    in_use: Option<InUse>,
}

impl Cluster {
    /// The role that owns the schema, and the cluster's superuser.
    pub const OWNER: &'static str = "plumbline_owner";

    /// Starts the cluster in `dir`, makes it if there is none, or joins the one that runs there.
    ///
    /// Blocks for a second on the first start, a tenth later.
    pub fn start(dir: &Path) -> Result<Self, ClusterError> {
        Self::start_with(dir, Durability::Synced)
    }

    pub(crate) fn start_with(dir: &Path, durability: Durability) -> Result<Self, ClusterError> {
        let gate = Gate::pass(dir)?;
        let folder = Folder::prepare(dir)?;
        let in_use = InUse::take(folder.root())?;
        server::ensure_running(&folder, durability)?;
        drop(gate);
        Ok(Self { folder, in_use: Some(in_use) })
    }

    /// [`Cluster::start`] off the async threads.
    pub(crate) async fn start_in_background(dir: PathBuf) -> Result<Self, ClusterError> {
        match tokio::task::spawn_blocking(move || Self::start(&dir)).await {
            Ok(started) => started,
            Err(_) => Err(ClusterError::Interrupted),
        }
    }

    pub fn dir(&self) -> &Path {
        self.folder.root()
    }

    /// How the owner reaches the cluster; the caller names the database.
    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(self.folder.sockets())
            .port(server::PORT)
            .username(Self::OWNER)
            .ssl_mode(sqlx::postgres::PgSslMode::Disable)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let Some(in_use) = self.in_use.take() else { return };
        // While the gate is ours nobody can come in, so "the last one" cannot change under our feet.
        let left = Gate::pass(self.folder.root())
            .and_then(|_gate| if in_use.leave()? { server::stop(&self.folder) } else { Ok(()) });
        if let Err(error) = left {
            tracing::warn!(error = %error, "could not leave the private database cluster in order");
        }
    }
}

#[cfg(test)]
mod tests;
