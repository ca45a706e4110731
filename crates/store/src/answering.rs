//! Who is answering which turn: a lock of the database for each, held by the process that drives it.
//!
//! Invariants: a turn has one driver among all processes; a process that goes away holds nothing, whatever its clock says
//! (a sandbox's stands still). All locks of a process hang on one connection of its own.
//! What is absent: who may answer, and what becomes of a turn that nobody answers.

use std::{collections::HashSet, sync::Arc};

use identity::TurnId;
use sqlx::{PgConnection, PgPool};
use tokio::{runtime::Handle, sync::Mutex};

use crate::{Store, StoreError};

/// The turns this process answers.
#[derive(Debug)]
pub struct Answering {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pool: PgPool,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    connection: Option<PgConnection>,
    turns: HashSet<TurnId>,
}

/// A turn that is answered here, until it is given back or let go of.
#[derive(Debug)]
#[must_use = "a turn that is let go of is answered by nobody"]
pub struct Taken {
    turn: TurnId,
    /// None once it was given back.
    shared: Option<Arc<Shared>>,
}

impl Answering {
    pub fn new(store: &Store) -> Self {
        let (pool, held) = (store.app().clone(), Mutex::default());
        Self { shared: Arc::new(Shared { pool, held }) }
    }

    /// Takes a turn; `None` while somebody answers it, here or in another process.
    pub async fn take(&self, turn: TurnId) -> Result<Option<Taken>, StoreError> {
        let taken = self.shared.take(turn).await?;
        Ok(taken.then(|| Taken { turn, shared: Some(Arc::clone(&self.shared)) }))
    }
}

impl Taken {
    #[must_use]
    pub const fn turn(&self) -> TurnId {
        self.turn
    }

    /// Whether it is still ours, as far as is known here: the connection on which it was held may have been lost.
    pub async fn held(&self) -> bool {
        match &self.shared {
            Some(shared) => shared.held.lock().await.turns.contains(&self.turn),
            None => false,
        }
    }

    /// Gives the turn back, and waits until others can take it.
    pub async fn give_back(mut self) {
        if let Some(shared) = &self.shared {
            shared.give_back(self.turn).await;
        }
        self.shared = None;
    }
}

/// Whoever goes away in the middle of it holds it no longer.
impl Drop for Taken {
    fn drop(&mut self) {
        // Without a runtime the process is at its end, and its connection with it.
        if let (Some(shared), Ok(runtime)) = (self.shared.take(), Handle::try_current()) {
            let turn = self.turn;
            runtime.spawn(async move { shared.give_back(turn).await });
        }
    }
}

impl Shared {
    async fn take(&self, turn: TurnId) -> Result<bool, StoreError> {
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
    async fn give_back(&self, turn: TurnId) {
        let mut held = self.held.lock().await;
        if !held.turns.contains(&turn) {
            return;
        }
        if let Some(connection) = &mut held.connection
            && unlock(connection, turn).await.is_err()
        {
            // Its locks went with it.
            held.connection = None;
        }
        held.turns.remove(&turn);
    }

    /// On a new connection, where the one before is lost: what was held is taken again first. What somebody else has taken
    /// meanwhile is theirs.
    async fn lock_anew(&self, held: &mut Held, turn: TurnId) -> Result<bool, StoreError> {
        let mut connection = self.pool.acquire().await?.detach();
        let mut kept = HashSet::new();
        for before in &held.turns {
            if lock(&mut connection, *before).await? {
                kept.insert(*before);
            } else {
                tracing::warn!(turn.id = %before, "turn {before} is answered elsewhere by now");
            }
        }
        let taken = lock(&mut connection, turn).await?;
        held.turns = kept;
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
