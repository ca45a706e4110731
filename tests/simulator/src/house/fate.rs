//! When the process dies: at the n-th of its steps, before it is taken or after.
//!
//! A step is a statement to the database (a commit among them) or a request to the bank.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// What the step asks for never arrives.
    Before,
    /// It is done, and the process does not learn that.
    After,
}

/// The fate of one process.
#[derive(Debug)]
pub struct Fate {
    inner: Mutex<Inner>,
    dead: CancellationToken,
}

#[derive(Debug)]
struct Inner {
    steps: u64,
    dies_at: Option<(u64, Moment)>,
}

impl Fate {
    /// Of a process that does not die by itself.
    #[must_use]
    pub fn new() -> Self {
        let inner = Mutex::new(Inner { steps: 0, dies_at: None });
        Self { inner, dead: CancellationToken::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u64 {
        self.inner().steps
    }

    /// Dies at the `n`-th step from now.
    pub fn dies_in(&self, n: u64, moment: Moment) {
        let mut inner = self.inner();
        inner.dies_at = Some((inner.steps + n.max(1), moment));
    }

    /// What was to come does not.
    pub fn is_spared(&self) {
        self.inner().dies_at = None;
    }

    /// Counts a step; says where the process dies at this one.
    pub fn step(&self) -> Option<Moment> {
        let mut inner = self.inner();
        inner.steps += 1;
        let steps = inner.steps;
        inner.dies_at.filter(|(at, _)| *at == steps).map(|(_, moment)| moment)
    }

    pub fn die(&self) {
        self.dead.cancel();
    }

    pub fn is_dead(&self) -> bool {
        self.dead.is_cancelled()
    }

    /// Comes when the process is dead.
    pub async fn death(&self) {
        self.dead.cancelled().await;
    }
}

impl Default for Fate {
    fn default() -> Self {
        Self::new()
    }
}
