//! A log over a database of its own.

pub(crate) use audit::ORIGIN;
use audit::{Bundle, Leaf, Log, Report, Stream, Trust, append, export, sequence, verify};
use chrono::{DateTime, TimeDelta, Utc};
use identity::{ConversationId, LeafId};
use serde_json::{Value, json};
use sqlx::PgPool;
use store::testing::{TestDatabase, database};
use tempfile::TempDir;

pub(crate) struct Fixture {
    pub(crate) db: TestDatabase,
    pub(crate) folder: TempDir,
    pub(crate) log: Log,
    pub(crate) conversation: ConversationId,
}

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(1_795_000_000_123_456_789)
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let log = Log::open(folder.path(), ORIGIN).unwrap();
        let conversation = ConversationId::mint(now());
        Self { db: database().await, folder, log, conversation }
    }

    pub(crate) fn app(&self) -> &PgPool {
        self.db.store().app()
    }

    pub(crate) fn stream(&self) -> Stream {
        Stream::Conversation(self.conversation)
    }

    pub(crate) async fn write(&self, payload: Value) -> LeafId {
        self.write_to(self.stream(), payload).await
    }

    pub(crate) async fn write_to(&self, stream: Stream, payload: Value) -> LeafId {
        let mut tx = self.app().begin().await.unwrap();
        let leaf = Leaf::new(stream, "message.received", now(), payload);
        let id = append(&mut tx, leaf).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// So many leaves, every third of them of the conversation.
    pub(crate) async fn fill(&self, leaves: u32) {
        let mut tx = self.app().begin().await.unwrap();
        for n in 0..leaves {
            let stream = if n % 3 == 0 { self.stream() } else { Stream::System };
            let at = now() + TimeDelta::seconds(i64::from(n));
            append(&mut tx, Leaf::new(stream, "test.leaf", at, json!({"n": n}))).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    pub(crate) async fn sequence(&self) -> u64 {
        sequence(self.db.store().audit(), &self.log, now()).await.unwrap()
    }

    pub(crate) async fn bundle(&self) -> Bundle {
        export(self.db.store().audit(), &self.log, self.conversation, None).await.unwrap()
    }

    pub(crate) fn verify(&self, bundle: &Bundle) -> Report {
        let trust = Trust { key: Some(self.log.verifier()), checkpoint: None };
        verify(bundle.to_json().unwrap().as_bytes(), &trust)
    }

    /// As the owner of the database, with every guard off: what no role of the program can do.
    pub(crate) async fn tamper(&self, sql: &'static str) -> u64 {
        let mut tx = self.db.owner().begin().await.unwrap();
        sqlx::query("SET LOCAL session_replication_role = replica")
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query("ALTER TABLE audit_leaves DROP CONSTRAINT IF EXISTS audit_leaves_hash")
            .execute(&mut *tx)
            .await
            .unwrap();
        let done = sqlx::query(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        done.rows_affected()
    }
}
