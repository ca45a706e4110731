//! Who is answering which turn: a lock of the database for each, held by the process that drives it.
//!
//! Invariants: a turn has one driver among all processes; a process that goes away holds nothing, whatever its clock says
//! (a sandbox's stands still). All locks of a process hang on one connection of its own.
//! What is absent: who may answer, and what becomes of a turn that nobody answers.

use std::collections::HashSet;

use identity::TurnId;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Mutex;

use crate::{Store, StoreError};

/// The turns this process answers.
#[derive(Debug)]
pub struct Answering {
    pool: PgPool,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    connection: Option<PgConnection>,
    turns: HashSet<TurnId>,
}

impl Answering {
    pub fn new(store: &Store) -> Self {
        Self { pool: store.app().clone(), held: Mutex::default() }
    }

    /// Takes a turn; `false` while somebody answers it, here or in another process.
    pub async fn take(&self, turn: TurnId) -> Result<bool, StoreError> {
        let mut held = self.held.lock().await;
        if held.turns.contains(&turn) {
            return Ok(false);
        }
        let taken = match &mut held.connection {
            Some(connection) => lock(connection, turn).await.ok(),
            None => None,
        };
        let taken = match taken {
            Some(taken) => taken,
            None => self.lock_anew(&mut held, turn).await?,
        };
        if taken {
            held.turns.insert(turn);
        }
        Ok(taken)
    }

    /// Lets go of a turn that is no longer answered here.
    pub async fn give_back(&self, turn: TurnId) {
        let mut held = self.held.lock().await;
        if !held.turns.remove(&turn) {
            return;
        }
        if let Some(connection) = &mut held.connection
            && unlock(connection, turn).await.is_err()
        {
            // Its locks went with it.
            held.connection = None;
        }
    }

    /// On a new connection, where the one before is lost: what was held is taken again first.
    async fn lock_anew(&self, held: &mut Held, turn: TurnId) -> Result<bool, StoreError> {
        let mut connection = self.pool.acquire().await?.detach();
        for before in &held.turns {
            lock(&mut connection, *before).await?;
        }
        let taken = lock(&mut connection, turn).await?;
        held.connection = Some(connection);
        Ok(taken)
    }
}

async fn lock(connection: &mut PgConnection, turn: TurnId) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock(hashtextextended('answering:' || $1::uuid::text, 0)) AS "taken!""#,
        turn.as_uuid()
    )
    .fetch_one(connection)
    .await?)
}

async fn unlock(connection: &mut PgConnection, turn: TurnId) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT pg_advisory_unlock(hashtextextended('answering:' || $1::uuid::text, 0)) AS "given!""#,
        turn.as_uuid()
    )
    .fetch_one(connection)
    .await?)
}
