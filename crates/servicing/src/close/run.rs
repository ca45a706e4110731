//! A run over all lines with something due: workers that take chunk after chunk from one place on, again from the beginning
//! until nothing is left.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::NaiveDate;
use identity::{CreditLineId, chain};
use store::{
    StoreError,
    closing::{self, Place, Wanted},
};
use tokio::task::JoinSet;

use super::{
    CloseAsk, LineCounts, Pace, Progress,
    chunk::{Broken, Chunk},
    log_put_aside,
    pace::Throttle,
};
use crate::{Servicing, ServicingError};

/// How often somebody who watches is told.
const TOLD_EVERY: Duration = Duration::from_millis(100);

/// How long a close waits for lines that somebody else holds, and how often it looks.
pub(crate) const WAITS_AT_MOST: Duration = Duration::from_secs(30);
pub(crate) const LOOKS_EVERY: Duration = Duration::from_millis(50);

/// What is to be worked off, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    by: NaiveDate,
    workers: usize,
    pace: Pace,
    /// Whether to wait for lines that somebody else holds.
    waits: bool,
}

impl Wish {
    pub(super) fn close(ask: CloseAsk) -> Self {
        let workers = ask.workers.unwrap_or_else(|| ask.pace.workers()).max(1);
        Self { by: ask.on, workers, pace: ask.pace, waits: true }
    }

    /// As the jobs do it: what somebody else holds is left for the next minute.
    pub(crate) const fn jobs(today: NaiveDate) -> Self {
        Self { by: today, workers: 1, pace: Pace::Gentle, waits: false }
    }
}

/// What a run came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ran {
    pub(crate) counts: LineCounts,
    /// Lines that are still due, in somebody else's hands.
    pub(crate) held: u64,
}

/// What the workers of a run share.
#[derive(Debug)]
struct Run {
    wish: Wish,
    /// Lines up to here were taken in this pass, by us or somebody else.
    reached: Mutex<Place>,
    counts: Mutex<LineCounts>,
    put_aside: Mutex<Vec<CreditLineId>>,
    done: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Run {
    fn keep(&self, chunk: &Chunk) {
        lock(&self.counts).add(chunk.counts);
        lock(&self.put_aside).extend(&chunk.put_aside);
        self.done.fetch_add(chunk.counts.lines + chunk.counts.failed, Ordering::Relaxed);
    }
}

impl Servicing {
    /// Works off every line with something due that nobody else holds.
    pub(crate) async fn settle_due(
        &self,
        wish: Wish,
        watch: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Ran, ServicingError> {
        let run = Arc::new(Run {
            wish,
            reached: Mutex::new(Place::FIRST),
            counts: Mutex::default(),
            put_aside: Mutex::default(),
            done: AtomicU64::new(0),
        });
        let all = if wish.waits { self.due_but(&run).await? } else { 0 };
        let mut moved_at = Instant::now();
        loop {
            let before = run.done.load(Ordering::Relaxed);
            *lock(&run.reached) = Place::FIRST;
            self.pass(&run, all, watch).await?;
            let done = run.done.load(Ordering::Relaxed);
            if done == before && !wish.waits {
                return Ok(Ran { counts: *lock(&run.counts), held: 0 });
            }
            let held = self.due_but(&run).await?;
            if done > before {
                moved_at = Instant::now();
            } else if held > 0 {
                tokio::time::sleep(LOOKS_EVERY).await;
            }
            if held == 0 || moved_at.elapsed() > WAITS_AT_MOST {
                watch(Progress { done, all: all.max(done) });
                return Ok(Ran { counts: *lock(&run.counts), held });
            }
        }
    }

    async fn due_but(&self, run: &Run) -> Result<u64, ServicingError> {
        let put_aside = lock(&run.put_aside).clone();
        let mut conn = self.store.app().acquire().await?;
        Ok(closing::count_due(&mut conn, run.wish.by, &put_aside).await?)
    }

    /// Every line that is due is taken once, or passed over because somebody holds it.
    async fn pass(
        &self,
        run: &Arc<Run>,
        all: u64,
        watch: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<(), ServicingError> {
        let mut workers = JoinSet::new();
        for _ in 0..run.wish.workers {
            let (servicing, run) = (self.clone(), Arc::clone(run));
            workers.spawn(async move { servicing.work(&run).await });
        }
        let mut ticks = tokio::time::interval(TOLD_EVERY);
        loop {
            tokio::select! {
                ended = workers.join_next() => match ended {
                    None => return Ok(()),
                    Some(ended) => ended.map_err(ServicingError::engine)??,
                },
                _ = ticks.tick() => {
                    let done = run.done.load(Ordering::Relaxed);
                    watch(Progress { done, all: all.max(done) });
                }
            }
        }
    }

    async fn work(&self, run: &Run) -> Result<(), ServicingError> {
        let mut throttle = Throttle::new(run.wish.pace);
        loop {
            let (after, put_aside) = (*lock(&run.reached), lock(&run.put_aside).clone());
            let limit = throttle.lines();
            let wanted = Wanted { by: run.wish.by, after, but: &put_aside, limit };
            let began = Instant::now();
            let chunk = match self.close_chunk(wanted).await {
                Ok(chunk) => chunk,
                Err(Broken { error, .. }) if is_of_the_lines(&error) => {
                    self.work_one_by_one(run, wanted).await?;
                    continue;
                }
                Err(Broken { error, .. }) => return Err(error),
            };
            let Some(last) = chunk.taken.last() else { return Ok(()) };
            {
                let mut reached = lock(&run.reached);
                *reached = (*reached).max(*last);
            }
            run.keep(&chunk);
            let rest = throttle.took(chunk.taken.len(), began.elapsed());
            if chunk.taken.len() < limit as usize {
                continue;
            }
            if !rest.is_zero() {
                tokio::time::sleep(rest).await;
            }
        }
    }

    /// The chunk could not be written: whichever line it was is put aside, and the others are worked off.
    async fn work_one_by_one(&self, run: &Run, wanted: Wanted<'_>) -> Result<(), ServicingError> {
        let mut after = wanted.after;
        for _ in 0..wanted.limit {
            let one = Wanted { after, limit: 1, ..wanted };
            let place = match self.close_chunk(one).await {
                Ok(chunk) => {
                    run.keep(&chunk);
                    chunk.taken.last().copied()
                }
                Err(Broken { first: Some(place), error }) if is_of_the_lines(&error) => {
                    self.put_one_aside(run, place, chain(&error)).await?;
                    Some(place)
                }
                Err(Broken { error, .. }) => return Err(error),
            };
            let Some(place) = place else { break };
            after = place;
            let mut reached = lock(&run.reached);
            *reached = (*reached).max(place);
        }
        Ok(())
    }

    async fn put_one_aside(
        &self,
        run: &Run,
        place: Place,
        reason: String,
    ) -> Result<(), ServicingError> {
        log_put_aside(place.id, &reason);
        let mut conn = self.store.app().acquire().await?;
        closing::put_aside(&mut conn, &[(place, reason)], self.now()).await?;
        let counts = LineCounts { failed: 1, ..LineCounts::default() };
        run.keep(&Chunk { taken: vec![place], counts, put_aside: vec![place.id] });
        Ok(())
    }
}

/// What the database says of the rows it was given, and not of itself or of the way there.
fn is_of_the_lines(error: &ServicingError) -> bool {
    let of_rows = |error: &sqlx::Error| match error {
        sqlx::Error::Database(error) => {
            // Lost connections, transactions undone, want of room, an operator's word: the next try may fare better.
            let class = error.code().map(|code| code.chars().take(2).collect::<String>());
            !matches!(class.as_deref(), Some("08" | "40" | "53" | "55" | "57" | "58" | "XX"))
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => false,
        _ => true,
    };
    match error {
        ServicingError::Store(StoreError::Sql(error)) => of_rows(error),
        ServicingError::Store(StoreError::Cluster(_) | StoreError::Migrate(_)) => false,
        ServicingError::Audit(error) => sql_of(error).is_none_or(of_rows),
        _ => true,
    }
}

fn sql_of(error: &audit::AuditError) -> Option<&sqlx::Error> {
    std::error::Error::source(error)?.downcast_ref()
}
