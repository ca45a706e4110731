//! One chunk: lines taken, read, worked out and written in one transaction.
//!
//! It waits for nobody: lines and streams that somebody else holds are passed over, so that no chunk can stand in a circle of
//! waiting writers. Fifteen statements at most, whatever the number of lines: begin; the lines' heads locked; the lines loaded;
//! their streams taken; events, postings with their entries, and snapshots; accruals, read and told; leaves; outbox; what is due
//! next; lines put aside, where there are any, and taken back; commit.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use audit::{LeafBody, Stream};
use chrono::{DateTime, NaiveDate, Utc};
use credit::{LineEventBody, Recorded};
use identity::{CreditLineId, chain};
use store::{
    Tx,
    closing::{self, Place, Wanted},
    credit_lines::{self, Settled, UnreadLine},
};

use super::{LineCounts, log_put_aside};
use crate::{
    Lender, Servicing, ServicingError,
    lines::{Due, Line, tell_accruals, write_all},
    work::{Mark, Told},
};

/// What became of a chunk.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// In order. Empty: nothing is left behind where it looked.
    pub(super) taken: Vec<Place>,
    pub(super) counts: LineCounts,
    pub(super) put_aside: Vec<CreditLineId>,
}

/// A chunk that came to nothing.
#[derive(Debug)]
pub(super) struct Broken {
    /// The first of its lines, if it had any.
    pub(super) first: Option<Place>,
    pub(super) error: ServicingError,
}

impl Broken {
    fn before(error: impl Into<ServicingError>) -> Self {
        Self { first: None, error: error.into() }
    }
}

/// A line with what it is to be given.
struct Worked {
    line: Line,
    due: Due,
}

/// What was found of each line of a chunk.
#[derive(Default)]
struct Found {
    worked: Vec<Worked>,
    failed: Vec<(CreditLineId, String)>,
}

impl Servicing {
    /// Takes the next lines with something due and works them off.
    pub(super) async fn close_chunk(&self, wanted: Wanted<'_>) -> Result<Chunk, Broken> {
        let mut tx = self.store.app().begin().await.map_err(Broken::before)?;
        let taken = closing::take_due(&mut tx, &wanted).await.map_err(Broken::before)?;
        let Some(first) = taken.first().copied() else { return Ok(Chunk::default()) };
        let closed = self.close_taken(tx, taken, wanted.by).await;
        closed.map_err(|error| Broken { first: Some(first), error })
    }

    async fn close_taken(
        &self,
        mut tx: Tx<'static>,
        taken: Vec<Place>,
        on: NaiveDate,
    ) -> Result<Chunk, ServicingError> {
        let ids: Vec<CreditLineId> = taken.iter().map(|place| place.id).collect();
        let mut unread = credit_lines::load_many(&mut tx, &ids, on).await?;
        // Its day was read before it was held: somebody may have worked it off in between.
        unread.retain(|line| line.row.settles_next_on <= on);
        let at = self.now();
        // A thread for what takes a processor: whoever waits for the database is not kept waiting by it.
        let lender = Arc::clone(&self.lender);
        let found = tokio::task::spawn_blocking(move || work_out_all(unread, (on, at), &lender));
        let found = found.await;
        let found = found.map_err(ServicingError::engine)?;
        self.write_chunk(tx, taken, found, at).await
    }

    async fn write_chunk(
        &self,
        mut tx: Tx<'static>,
        taken: Vec<Place>,
        found: Found,
        at: DateTime<Utc>,
    ) -> Result<Chunk, ServicingError> {
        let Found { mut worked, failed } = found;
        let told_of = worked.iter().filter(|one| !one.due.marks.is_empty());
        let streams: Vec<Stream> = told_of.map(|one| Stream::CreditLine(one.line.row.id)).collect();
        let held = audit::take_free(&mut tx, &streams).await?;
        // Somebody is writing about the line this moment: the next pass finds it.
        worked.retain(|one| {
            one.due.marks.is_empty() || held.holds(Stream::CreditLine(one.line.row.id))
        });
        let counts = counts_of(&worked, &failed);
        let mut batch: Vec<(&mut Line, &[Recorded])> =
            worked.iter_mut().map(|Worked { line, due }| (line, due.recorded.as_slice())).collect();
        write_all(&mut tx, &mut batch).await?;
        let mut changed: Vec<(&mut Line, &Due)> =
            worked.iter_mut().map(|Worked { line, due }| (line, &*due)).collect();
        tell_accruals(&mut tx, &mut changed, at).await?;
        let settled: Vec<Settled> = worked.iter().filter_map(|one| one.due.settled).collect();
        let done: Vec<CreditLineId> = worked.iter().map(|one| one.line.row.id).collect();
        let (leaves, told) = records(worked, at);
        audit::append_held(&mut tx, &held, leaves).await?;
        Told::tell(&mut tx, &told, at).await?;
        credit_lines::set_settled(&mut tx, &settled).await?;
        closing::put_aside(&mut tx, &with_places(&taken, &failed), at).await?;
        closing::take_back(&mut tx, &done).await?;
        tx.commit().await?;
        for (id, reason) in &failed {
            log_put_aside(*id, reason);
        }
        let put_aside = failed.into_iter().map(|(id, _)| id).collect();
        Ok(Chunk { taken, counts, put_aside })
    }
}

fn work_out_all(
    unread: Vec<UnreadLine>,
    when: (NaiveDate, DateTime<Utc>),
    lender: &Lender,
) -> Found {
    let mut found = Found::default();
    for line in unread {
        let id = line.row.id;
        // One line that cannot be worked out must not keep the others from being settled, not even by a fault of ours.
        match catch_unwind(AssertUnwindSafe(|| work_out(line, when, lender))) {
            Ok(Ok(worked)) => found.worked.push(worked),
            Ok(Err(error)) => found.failed.push((id, chain(&error))),
            Err(_) => found.failed.push((id, "the engine stopped at a fault".to_owned())),
        }
    }
    // Written in the order of their streams' heads, whoever else writes.
    found.worked.sort_by_key(|one| one.line.row.id);
    found
}

fn work_out(
    unread: UnreadLine,
    when: (NaiveDate, DateTime<Utc>),
    lender: &Lender,
) -> Result<Worked, ServicingError> {
    let mut line = Line::read(unread)?;
    let due = line.work_out(when, lender)?;
    Ok(Worked { line, due })
}

fn counts_of(worked: &[Worked], failed: &[(CreditLineId, String)]) -> LineCounts {
    let mut counts = LineCounts {
        lines: count(worked.len()),
        failed: count(failed.len()),
        ..LineCounts::default()
    };
    for Worked { due, .. } in worked {
        for one in &due.recorded {
            match one.event.body {
                LineEventBody::StatementIssued { .. } => counts.statements_issued += 1,
                LineEventBody::FeeAssessed { .. } => counts.fees_assessed += 1,
                _ => counts.adjustments += 1,
            }
        }
        let standing = due.settled.and_then(|settled| settled.standing);
        counts.standings_changed += u64::from(standing.is_some());
    }
    counts
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// What the log and the outside world get.
fn records(worked: Vec<Worked>, at: DateTime<Utc>) -> (Vec<(Stream, Vec<LeafBody>)>, Vec<Told>) {
    let (mut leaves, mut told) = (Vec::new(), Vec::new());
    for Worked { line, due } in worked {
        if due.marks.is_empty() {
            continue;
        }
        let stream = Stream::CreditLine(line.row.id);
        let (of_line, telling) = Mark::split(stream, due.marks, at);
        leaves.push((stream, of_line));
        told.extend(telling);
    }
    (leaves, told)
}

fn with_places(taken: &[Place], failed: &[(CreditLineId, String)]) -> Vec<(Place, String)> {
    let of = |id: CreditLineId| taken.iter().find(|place| place.id == id).copied();
    failed.iter().filter_map(|(id, reason)| Some((of(*id)?, reason.clone()))).collect()
}
