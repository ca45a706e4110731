//! A pool per database role: what a caller may do is decided by which pool it is handed.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use log::LevelFilter;
use sqlx::{
    ConnectOptions, Connection, Executor, PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    StoreError,
    cluster::{self, Cluster},
    migrations,
};

/// A database transaction, rolled back unless committed.
pub type Tx<'c> = Transaction<'c, Postgres>;

/// Where the database is.
#[derive(Clone)]
pub enum Location {
    /// A private cluster below this folder, started and stopped by us.
    Private { state_dir: PathBuf },
    /// Somebody's PostgreSQL. The address must name a user who may create roles or is a member of ours.
    Url(String),
}

impl Location {
    /// How the private cluster stands, before it is opened; nothing where the database is somebody else's.
    #[must_use]
    pub fn standing(&self) -> Option<cluster::Standing> {
        match self {
            Self::Private { state_dir } => Some(cluster::standing(&cluster_dir(state_dir))),
            Self::Url(_) => None,
        }
    }
}

fn cluster_dir(state_dir: &Path) -> PathBuf {
    state_dir.join("postgres")
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Private { state_dir } => {
                write!(f, "a private cluster below {}", state_dir.display())
            }
            // An address may carry a password.
            Self::Url(_) => f.write_str("the database at DATABASE_URL"),
        }
    }
}

/// A database role, least privilege for one kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Use cases.
    App,
    /// Model turns: may read, and insert only what protects the customer.
    Turn,
    /// The sequencer and whoever reads the record.
    Audit,
    /// Opens sealed bank account numbers.
    Rails,
    /// Deletes sessions and keys whose time is over, and can do nothing else.
    Purge,
}

impl Role {
    pub const ALL: [Self; 5] = [Self::App, Self::Turn, Self::Audit, Self::Rails, Self::Purge];

    pub const fn name(self) -> &'static str {
        match self {
            Self::App => "plumbline_app",
            Self::Turn => "plumbline_turn",
            Self::Audit => "plumbline_audit",
            Self::Rails => "plumbline_rails",
            Self::Purge => "plumbline_purge",
        }
    }

    const fn set_role(self) -> &'static str {
        match self {
            Self::App => "SET ROLE plumbline_app",
            Self::Turn => "SET ROLE plumbline_turn",
            Self::Audit => "SET ROLE plumbline_audit",
            Self::Rails => "SET ROLE plumbline_rails",
            Self::Purge => "SET ROLE plumbline_purge",
        }
    }

    const fn connections_max(self) -> u32 {
        match self {
            Self::App => 16,
            Self::Turn => 8,
            Self::Audit => 4,
            Self::Rails => 2,
            Self::Purge => 1,
        }
    }
}

/// How a role comes to its connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// Log in as the role: the private socket asks for no password.
    LogIn,
    /// Log in as the address says, then become the role.
    SetRole,
}

/// The database, by role. Cheap to clone; the private cluster, if any, stops when the last clone of the last
/// process is gone.
#[derive(Clone, Debug)]
pub struct Store {
    app: PgPool,
    turn: PgPool,
    audit: PgPool,
    rails: PgPool,
    purge: PgPool,
    // Last: pools close before the cluster is let go.
    cluster: Option<Arc<Cluster>>,
}

impl Store {
    /// Starts or finds the database, migrates it and opens the pools.
    pub async fn open(location: &Location) -> Result<Self, StoreError> {
        let (cluster, owner) = reach(location).await?;
        // A migration is long and may take long: neither is worth a line in the log.
        let mut conn = owner.clone().disable_statement_logging().connect().await?;
        migrations::run(&mut conn).await?;
        conn.close().await?;
        let entrance = if cluster.is_some() { Entrance::LogIn } else { Entrance::SetRole };
        Ok(Self::over(&owner, entrance, cluster))
    }

    /// Pools over a database that is migrated already.
    pub(crate) fn over(
        owner: &PgConnectOptions,
        entrance: Entrance,
        cluster: Option<Arc<Cluster>>,
    ) -> Self {
        let pool = |role| pool(owner, entrance, role);
        Self {
            app: pool(Role::App),
            turn: pool(Role::Turn),
            audit: pool(Role::Audit),
            rails: pool(Role::Rails),
            purge: pool(Role::Purge),
            cluster,
        }
    }

    /// For use cases.
    pub const fn app(&self) -> &PgPool {
        &self.app
    }

    /// For model turns.
    pub const fn turn(&self) -> &PgPool {
        &self.turn
    }

    /// For the sequencer and readers of the record.
    pub const fn audit(&self) -> &PgPool {
        &self.audit
    }

    /// For sending money: opens sealed bank account numbers.
    pub const fn rails(&self) -> &PgPool {
        &self.rails
    }

    /// For deleting what is kept no longer.
    pub const fn purge(&self) -> &PgPool {
        &self.purge
    }

    pub const fn pool(&self, role: Role) -> &PgPool {
        match role {
            Role::App => &self.app,
            Role::Turn => &self.turn,
            Role::Audit => &self.audit,
            Role::Rails => &self.rails,
            Role::Purge => &self.purge,
        }
    }

    /// A transaction of a use case.
    pub async fn begin(&self) -> Result<Tx<'static>, StoreError> {
        Ok(self.app.begin().await?)
    }

    /// A transaction of a model's turn.
    pub async fn begin_turn(&self) -> Result<Tx<'static>, StoreError> {
        Ok(self.turn.begin().await?)
    }

    /// Where the private cluster keeps its data, if there is one.
    pub fn private_dir(&self) -> Option<&std::path::Path> {
        self.cluster.as_deref().map(Cluster::dir)
    }

    /// Waits until every connection is closed, so that a private cluster can be left in order.
    pub async fn close(&self) {
        for role in Role::ALL {
            self.pool(role).close().await;
        }
    }
}

/// The owner's way into the database, with the cluster that must live as long.
async fn reach(
    location: &Location,
) -> Result<(Option<Arc<Cluster>>, PgConnectOptions), StoreError> {
    match location {
        Location::Private { state_dir } => {
            cluster::let_pass(state_dir)?;
            let private = Cluster::start_in_background(cluster_dir(state_dir)).await?;
            create_database(&private).await?;
            let owner = private.options().database(DATABASE);
            Ok((Some(Arc::new(private)), owner))
        }
        Location::Url(url) => Ok((None, url.parse()?)),
    }
}

const DATABASE: &str = "plumbline";

async fn create_database(cluster: &Cluster) -> Result<(), StoreError> {
    // Written once, and as slow as the disk.
    let options = cluster.options().database("postgres").disable_statement_logging();
    let mut conn = options.connect().await?;
    // Two processes may come at once, and CREATE DATABASE cannot run in a transaction.
    conn.execute("SELECT pg_advisory_lock(7264001)").await?;
    let exists =
        sqlx::query_scalar!("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE)
            .fetch_one(&mut conn)
            .await?;
    if exists != Some(true) {
        conn.execute("CREATE DATABASE plumbline").await?;
    }
    Ok(conn.close().await?)
}

/// A connection that was used a moment ago is taken to be alive: to ask first would be a round trip for each checkout.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// Every lock of ours is taken to look again at what its holder committed: a transaction that went on seeing what it saw before
/// would not. Whatever the server or the database has as its default, it is this.
const ISOLATION: &str = "SET default_transaction_isolation TO 'read committed'";

/// A statement that takes longer is logged for whoever looks into it, and is no warning to whoever runs a command.
const SLOW_AFTER: Duration = Duration::from_secs(1);

fn pool(owner: &PgConnectOptions, entrance: Entrance, role: Role) -> PgPool {
    let pool = PgPoolOptions::new()
        .max_connections(role.connections_max())
        .acquire_timeout(Duration::from_secs(10))
        .acquire_slow_level(LevelFilter::Debug)
        .test_before_acquire(false)
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                // One that does not answer is not handed out; the pool takes another.
                Ok(meta.idle_for < TRUSTED_FOR || conn.ping().await.is_ok())
            })
        });
    let options = owner.clone().application_name(role.name());
    let options = options.log_slow_statements(LevelFilter::Debug, SLOW_AFTER);
    let options = match entrance {
        Entrance::LogIn => options.username(role.name()),
        Entrance::SetRole => options,
    };
    pool.after_connect(move |conn: &mut PgConnection, _| {
        Box::pin(async move {
            if entrance == Entrance::SetRole {
                conn.execute(role.set_role()).await?;
            }
            conn.execute(ISOLATION).await.map(drop)
        })
    })
    .connect_lazy_with(options)
}
