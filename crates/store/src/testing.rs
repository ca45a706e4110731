//! A database of its own for every test, in about twenty milliseconds.
//!
//! All tests of a run share one throw-away cluster, in memory where the system allows it and never synced; processes
//! find it through its lock files, so that it does not matter whether a runner starts one process or hundreds. The
//! schema is migrated once, into a template named after the migrations' digest; a test's database is a copy of it and
//! is dropped with its [`TestDatabase`]. A watcher stops the cluster and removes it a few seconds after the last test.

use std::{
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::OnceCell,
};

use crate::{
    Store, StoreError,
    cluster::{Cluster, Durability},
    migrations,
    roles::Entrance,
};

pub mod boarded;
mod watcher;

/// A migrated, otherwise empty database that lives as long as this value.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    options: PgConnectOptions,
    store: Store,
    owner: PgPool,
}

/// A new database.
///
/// # Panics
/// When PostgreSQL cannot be started here, saying why.
#[expect(clippy::panic, reason = "a test without its database has failed")]
pub async fn database() -> TestDatabase {
    match try_database().await {
        Ok(database) => database,
        Err(error) => panic!("no database to test with: {}", identity::chain(&error)),
    }
}

/// The same for a program, which says what went wrong and goes on.
pub async fn try_database() -> Result<TestDatabase, StoreError> {
    TestDatabase::create().await
}

impl TestDatabase {
    async fn create() -> Result<Self, StoreError> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);

        let cluster = cluster().await?;
        let template = template(cluster).await?;
        let name = format!("test_{}_{}", process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let mut admin = admin(cluster).await?;
        // Left over from a killed process that had our number.
        execute(&mut admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        execute(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
        admin.close().await?;

        let options = cluster.options().database(&name);
        let store = Store::over(&options, Entrance::LogIn, None);
        let owner = PgPool::connect_lazy_with(options.clone());
        Ok(Self { name, options, store, owner })
    }

    /// The database by role, as the program sees it.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The database by role, as a program sees it whose connections go through the socket in another folder.
    #[must_use]
    pub fn store_through(&self, socket_dir: &Path) -> Store {
        let options = self.options.clone().socket(socket_dir).ssl_mode(PgSslMode::Disable);
        Store::over(&options, Entrance::LogIn, None)
    }

    /// The server's unix socket.
    #[must_use]
    pub fn socket(&self) -> Option<PathBuf> {
        Some(self.socket_dir()?.join(format!(".s.PGSQL.{}", self.options.get_port())))
    }

    /// With the owner's rights: to look behind the scenes, and to break things on purpose.
    pub const fn owner(&self) -> &PgPool {
        &self.owner
    }

    /// For `DATABASE_URL`, when a test runs the program itself.
    pub fn url(&self) -> String {
        let socket = self.options.get_socket().map_or("", |path| path.to_str().unwrap_or_default());
        format!("postgres:///{}?host={}&user={}", self.name, socket, Cluster::OWNER)
    }

    /// The folder of the server's unix socket.
    pub fn socket_dir(&self) -> Option<&Path> {
        self.options.get_socket().map(PathBuf::as_path)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let name = self.name.clone();
        let options = self.options.clone().database("postgres");
        // `drop` cannot wait on the test's own runtime.
        let dropped = thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build().map(|runtime| {
                runtime.block_on(async {
                    let mut admin = options.connect().await?;
                    execute(&mut admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                        .await?;
                    admin.close().await.map_err(StoreError::from)
                })
            })
        });
        // A database that could not be dropped goes with its cluster. The server drops it once every backend of the cluster has
        // taken note, and one that waits for the rest of a COPY takes none: whoever sends it may be a task of this very thread.
        let wait = move || drop(dropped.join());
        match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
            _ => wait(),
        }
    }
}

/// Started or joined once per process, and never left: the operating system lets go of the lock at exit.
async fn cluster() -> Result<&'static Cluster, StoreError> {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    CLUSTER
        .get_or_try_init(|| async {
            let started = tokio::task::spawn_blocking(|| {
                let dir = folder();
                let cluster = Cluster::start_with(&dir, Durability::ThrowAway)?;
                watcher::spawn(cluster.dir())?;
                Ok(cluster)
            });
            started
                .await
                .unwrap_or(Err(crate::cluster::ClusterError::Interrupted))
                .map_err(StoreError::from)
        })
        .await
}

/// One per account: whoever runs tests as another account cannot enter ours.
fn folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    let account = crate::cluster::own_uid().unwrap_or_default();
    base.join(format!("plumbline-test-{account}"))
}

/// The migrated database that tests copy, made by whoever comes first.
async fn template(cluster: &Cluster) -> Result<&'static str, StoreError> {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE
        .get_or_try_init(|| async {
            let digest: String = migrations::digest().chars().take(24).collect();
            let name = format!("template_{digest}");
            let mut admin = admin(cluster).await?;
            admin.execute("SELECT pg_advisory_lock(7264002)").await?;
            let exists: bool =
                sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
                    .bind(&name)
                    .fetch_one(&mut admin)
                    .await?;
            if !exists {
                make_template(cluster, &mut admin, &name).await?;
            }
            admin.close().await?;
            Ok(name)
        })
        .await
        .map(String::as_str)
}

/// Under another name until it is whole.
async fn make_template(
    cluster: &Cluster,
    admin: &mut PgConnection,
    name: &str,
) -> Result<(), StoreError> {
    execute(admin, "DROP DATABASE IF EXISTS draft WITH (FORCE)".to_owned()).await?;
    execute(admin, "CREATE DATABASE draft".to_owned()).await?;
    let mut draft = cluster.options().database("draft").connect().await?;
    migrations::run(&mut draft).await?;
    draft.close().await?;
    execute(admin, format!("ALTER DATABASE draft RENAME TO {name}")).await
}

async fn admin(cluster: &Cluster) -> Result<PgConnection, StoreError> {
    Ok(cluster.options().database("postgres").connect().await?)
}

/// Only for statements about databases, whose names cannot be bound; ours are made of letters and digits.
async fn execute(conn: &mut PgConnection, sql: String) -> Result<(), StoreError> {
    conn.execute(AssertSqlSafe(sql)).await?;
    Ok(())
}
