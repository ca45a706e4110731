//! What all runs share: a prepared database to copy, the model, and a way to look behind the scenes.

use std::{
    ffi::{OsStr, OsString},
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use store::testing::TestDatabase;
use tempfile::TempDir;
use tokio::{net::TcpListener, time::Instant};

use crate::{
    process::{Process, Program, SERVES, folder},
    record::{Before, Rows},
};

/// A Sunday: "next Friday" is five days away.
pub(crate) const TODAY: &str = "2026-11-29";

/// How long anything may take that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_mins(4);

/// Between two looks at something that tells nobody when it is done.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(10);

pub(crate) struct Stage {
    /// Migrated, with a portfolio of two, on the morning of [`TODAY`]. Nobody is connected to it.
    prepared: TestDatabase,
    name: String,
    admin: PgPool,
    folder: TempDir,
    model: Process,
    /// What stands in the prepared database.
    pub(crate) before: Before,
    /// Maria, who pays.
    pub(crate) customer: String,
}

/// A copy of the prepared database, dropped when it is done with.
pub(crate) struct Copy {
    pub(crate) name: String,
    /// With the owner's rights, past the proxy.
    pub(crate) pool: PgPool,
}

/// Where a server finds what it needs.
pub(crate) struct Surroundings {
    pub(crate) database_url: String,
    pub(crate) bank: String,
    pub(crate) model: String,
    pub(crate) state: PathBuf,
}

/// Looks until there is something to see.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An empty folder where the embedding model would stand: nothing here is found by meaning, and a start need not read it.
fn without_embedder(state: &Path) {
    fs::create_dir_all(state.join("models/minilm")).unwrap();
}

fn url_of(database: &TestDatabase, name: &str) -> String {
    let socket = database.socket_dir().unwrap().display();
    format!("postgres:///{name}?host={socket}&user=plumbline_owner&application_name=watcher")
}

async fn pool(url: &str) -> PgPool {
    PgPoolOptions::new().max_connections(2).connect(url).await.unwrap()
}

impl Stage {
    pub(crate) async fn set() -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let prepared = store::testing::database().await;
        let name = prepared.url().split(['/', '?']).nth(3).unwrap().to_owned();
        let admin = pool(&url_of(&prepared, "postgres")).await;
        let folder = folder("plumbline-kill-");
        let copies = |name: &str| if name == "revolving.toml" { 2 } else { 0 };
        e2e::small_project(&folder.path().join("project"), copies, &[]);
        let home = folder.path().join("prepared");
        without_embedder(&home);
        let model = Process::start(&Program {
            args: &["sandbox", "model"],
            env: &[("PLUMBLINE_STATE", home.as_os_str())],
            marker: "simulated model at ",
        })
        .await;
        let mut stage = Self {
            prepared,
            name,
            admin,
            folder,
            model,
            before: Before::default(),
            customer: String::new(),
        };
        stage.prepare(home).await;
        stage
    }

    /// Lives up to [`TODAY`] without any proxy.
    async fn prepare(&mut self, state: PathBuf) {
        let url = url_of(&self.prepared, &self.name);
        let bank = self.bank(&state, "2026-11-23").await;
        let server = self
            .serve(&Surroundings {
                database_url: url.clone(),
                bank: bank.address.clone(),
                model: self.model.address.clone(),
                state,
            })
            .await;
        let http = reqwest::Client::new();
        let at = |path: &str| format!("{}{path}", server.address);
        let moved = http.post(at("/v1/sandbox/clock")).json(&json!({ "to": TODAY })).send().await;
        assert_eq!(moved.unwrap().status(), 200);
        let people = http.get(at("/v1/sandbox/people")).send().await.unwrap();
        let people: Value = serde_json::from_str(&people.text().await.unwrap()).unwrap();
        let customers = people["customers"].as_array().unwrap();
        let maria = customers.iter().find(|customer| customer["name"] == "Maria Alvarez").unwrap();
        maria["id"].as_str().unwrap().clone_into(&mut self.customer);
        let pool = pool(&url).await;
        sequenced(&pool).await;
        self.before = Before::of(&Rows::read(&pool).await);
        pool.close().await;
        server.kill().await;
        bank.kill().await;
        self.left(&self.name).await;
    }

    pub(crate) fn model(&self) -> String {
        self.model.address.clone()
    }

    /// A bank of one's own, which keeps its books in the folder.
    pub(crate) async fn bank(&self, folder: &Path, today: &str) -> Process {
        let file = folder.join("bank.json");
        Process::start(&Program {
            args: &["sandbox", "bank", "--today", today, "--file", file.to_str().unwrap()],
            env: &[],
            marker: "simulated bank at ",
        })
        .await
    }

    pub(crate) async fn serve(&self, around: &Surroundings) -> Process {
        let env = self.env(around);
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_os_str())).collect();
        let args = ["serve", "--sandbox", "--sandbox", "--port", "0"];
        let mut server = Process::start(&Program { args: &args, env: &env, marker: SERVES }).await;
        server.address = server.address.trim_end_matches("/openapi.json").to_owned();
        server
    }

    fn env(&self, around: &Surroundings) -> Vec<(&'static str, OsString)> {
        vec![
            ("PLUMBLINE_STATE", around.state.clone().into()),
            ("PLUMBLINE_ROOT", self.folder.path().join("project").into()),
            ("PLUMBLINE_BANK_URL", around.bank.clone().into()),
            ("OPENAI_BASE_URL", format!("{}/v1", around.model).into()),
            ("PLUMBLINE_MODEL", understudy::MODEL.into()),
            ("DATABASE_URL", around.database_url.clone().into()),
            // Mail goes out by a clock of its own; that it survives a kill is shown where it is sent.
            ("PLUMBLINE_SANDBOX_POST", "false".into()),
        ]
    }

    /// A state folder with the log's key and memory, and the key of account numbers, as they were when the database was prepared.
    pub(crate) fn state(&self) -> TempDir {
        let state = tempfile::Builder::new().prefix("run-").tempdir_in(self.folder.path()).unwrap();
        without_embedder(state.path());
        fs::create_dir(state.path().join("audit")).unwrap();
        for entry in fs::read_dir(self.folder.path().join("prepared/audit")).unwrap().flatten() {
            fs::copy(entry.path(), state.path().join("audit").join(entry.file_name())).unwrap();
        }
        let numbers = "bank-numbers.key";
        let prepared = self.folder.path().join("prepared");
        fs::copy(prepared.join(numbers), state.path().join(numbers)).unwrap();
        state
    }

    pub(crate) async fn copy(&self) -> Copy {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{}_run_{}", self.name, NEXT.fetch_add(1, Ordering::Relaxed));
        self.admin(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        self.admin(&format!("CREATE DATABASE {name} TEMPLATE {}", self.name)).await;
        let pool = pool(&url_of(&self.prepared, &name)).await;
        Copy { name, pool }
    }

    pub(crate) async fn drop_copy(&self, copy: Copy) {
        copy.pool.close().await;
        self.admin(&format!("DROP DATABASE {} WITH (FORCE)", copy.name)).await;
    }

    async fn admin(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.admin).await.unwrap();
    }

    /// The database's address past the proxy.
    pub(crate) fn url(&self, name: &str) -> String {
        url_of(&self.prepared, name)
    }

    /// The server's own socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.prepared.socket_dir().unwrap().join(".s.PGSQL.5432")
    }

    /// Waits until nobody but us is connected to a database: what a killed server left open is rolled back by then.
    pub(crate) async fn left(&self, name: &str) {
        until("the killed server's connections to end", || async {
            let connected: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND application_name <> 'watcher'",
            )
            .bind(name)
            .fetch_one(&self.admin)
            .await
            .unwrap();
            (connected == 0).then_some(())
        })
        .await;
    }

    /// Runs a command of the program on a run's database; its answer, and whether it was content.
    pub(crate) async fn check(&self, copy: &Copy, state: &Path, args: &[&str]) -> (bool, String) {
        let output = crate::process::command()
            .args(args)
            .env("PLUMBLINE_STATE", OsStr::new(state))
            .env("DATABASE_URL", self.url(&copy.name))
            .output()
            .await
            .unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        (output.status.success(), said)
    }
}

/// Whether every leaf has its place in the log, and every event its place in the outbox.
pub(crate) async fn all_sequenced(pool: &PgPool) -> Option<()> {
    let left: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM audit_leaves WHERE idx IS NULL)
              + (SELECT count(*) FROM outbox WHERE position IS NULL)",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    (left == 0).then_some(())
}

async fn sequenced(pool: &PgPool) {
    until("the log's sequencer", || all_sequenced(pool)).await;
}
