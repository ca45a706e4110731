//! The day close: everything that falls due on a day, for every line with something due and for no other (docs/close.md).
//!
//! Invariants: each line-day is worked off exactly once, by any number of processes, whoever is killed and whenever: what a
//! chunk of lines comes to is one transaction under the locks of their heads, and a line that was settled is no longer due. A
//! line that cannot be worked out is put aside with its reason and keeps nobody else. What is absent: the rules (`credit`).

mod chunk;
mod pace;
mod run;

use chrono::{DateTime, NaiveDate, Utc};
use identity::{CreditLineId, chain};
use serde::{Deserialize, Serialize};
use store::closing::{self, DayClosed, PutAside};

pub use pace::Pace;
pub(crate) use pace::Throttle;
pub(crate) use run::{LOOKS_EVERY, WAITS_AT_MOST, Wish};

use crate::{
    Caller, Refusal, RefusalCode, Servicing, ServicingError, UseCase, accruals::AccrualReport,
    authorise, release::RunReport,
};

/// Lines put aside that a report names.
const NAMED_AT_MOST: u32 = 100;

/// Which day is to be closed, and how.
#[derive(Clone, Copy, Debug)]
pub struct CloseAsk {
    pub on: NaiveDate,
    /// Chunks worked on at a time; nothing: as the pace has it.
    pub workers: Option<usize>,
    pub pace: Pace,
    /// Whether the day's payments are worked off too, or left to another process that does that.
    pub payments: bool,
}

/// How far a run has come: lines worked off, and all that were due when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub all: u64,
}

/// What was done to lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineCounts {
    /// Lines worked off.
    pub lines: u64,
    pub statements_issued: u64,
    pub fees_assessed: u64,
    pub adjustments: u64,
    pub standings_changed: u64,
    /// Lines that could not be worked out, and are put aside.
    pub failed: u64,
}

impl LineCounts {
    pub(crate) fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.statements_issued += other.statements_issued;
        self.fees_assessed += other.fees_assessed;
        self.adjustments += other.adjustments;
        self.standings_changed += other.standings_changed;
        self.failed += other.failed;
    }
}

/// What became of the day's payments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DayPayments {
    /// Nothing where they are left to somebody else, or where they broke.
    #[serde(rename = "payments")]
    pub report: Option<RunReport>,
    /// Why they could not be worked off.
    #[serde(rename = "payments_broke")]
    pub broke: Option<String>,
}

impl DayPayments {
    /// Nothing is left that running them again could do: what the desk has in hand keeps no day open.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.broke.is_none() && self.report.is_none_or(|report| report.whole())
    }
}

/// What a run of the close did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CloseReport {
    pub on: NaiveDate,
    #[serde(flatten)]
    pub lines: LineCounts,
    /// Lines that somebody else holds and that are still due: the day is not closed.
    pub held: u64,
    /// Whether the day is closed by this run: no line is left, and its payments are whole.
    pub closed: bool,
    /// Lines that cannot be worked out, with the reason; a later run tries them again.
    pub put_aside: Vec<PutAside>,
    pub accrual: AccrualReport,
    #[serde(flatten)]
    pub payments: DayPayments,
}

impl CloseReport {
    /// Nothing is left that a person has to look at.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.closed && self.lines.failed == 0
    }
}

/// What became of the wish to close a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Close {
    Ran(CloseReport),
    /// No line has anything due any more: it was closed at that time, by itself or with a later day. Payments were worked off all
    /// the same.
    Before {
        on: NaiveDate,
        closed_with: NaiveDate,
        closed_at: DateTime<Utc>,
        lines: LineCounts,
        #[serde(flatten)]
        payments: DayPayments,
    },
}

impl Close {
    /// Nothing is left that a person has to look at.
    #[must_use]
    pub fn whole(&self) -> bool {
        match self {
            Self::Ran(report) => report.whole(),
            Self::Before { payments, .. } => payments.whole(),
        }
    }
}

impl Servicing {
    /// Works off everything that falls due on a day or was left from days before: payments, then statements, late fees,
    /// adjustments and standings of every line with something due.
    ///
    /// Closing a day again does nothing but try the payments, and the lines that were put aside. A run that fails leaves what it
    /// has done; the next one goes on from there.
    ///
    /// # Errors
    /// A refusal where the day has not come yet.
    pub async fn close_day(
        &self,
        caller: Caller,
        ask: CloseAsk,
        watch: impl Fn(Progress) + Send + Sync,
    ) -> Result<Close, ServicingError> {
        authorise(caller, UseCase::Operate, None, self.now())?;
        let today = self.today();
        if ask.on > today {
            let sentence = format!("{} has not come: today is {today}.", ask.on);
            return Err(Refusal::new(RefusalCode::DateTooFar, sentence).into());
        }
        // Of a closed day too: what broke of them after it was closed is mended by closing it again.
        let payments = self.payments_of_the_day(caller, ask.payments).await;
        if let Some(day) = self.closed_before(ask.on).await? {
            let DayClosed { on: closed_with, at: closed_at, report: lines } = day;
            return Ok(Close::Before { on: ask.on, closed_with, closed_at, lines, payments });
        }
        let ran = self.settle_due(Wish::close(ask), &watch).await?;
        let accrual = self.accrue_before(caller, ask.on).await?;
        let closed = ran.held == 0 && payments.whole();
        if closed {
            self.mark_closed(ask.on, ran.counts).await?;
        }
        let put_aside = self.list_put_aside(caller).await?;
        Ok(Close::Ran(CloseReport {
            on: ask.on,
            lines: ran.counts,
            held: ran.held,
            closed,
            put_aside,
            accrual,
            payments,
        }))
    }

    /// Accrues the days that are over on the morning of `on`, after what fell due on it: statements take out what they bill.
    pub(crate) async fn accrue_before(
        &self,
        caller: Caller,
        on: NaiveDate,
    ) -> Result<AccrualReport, ServicingError> {
        self.accrue(caller, on.pred_opt().unwrap_or(on)).await
    }

    /// What is the matter with the bank's files must not keep the lines from being settled.
    async fn payments_of_the_day(&self, caller: Caller, wanted: bool) -> DayPayments {
        if !wanted {
            return DayPayments::default();
        }
        match self.run_payments(caller).await {
            Ok(report) => DayPayments { report: Some(report), broke: None },
            Err(error) => {
                let cause = chain(&error);
                tracing::error!(error = %cause, "payments could not be worked off: {cause}");
                DayPayments { report: None, broke: Some(cause) }
            }
        }
    }

    /// The close after which no line has anything due by that day.
    async fn closed_before(
        &self,
        on: NaiveDate,
    ) -> Result<Option<DayClosed<LineCounts>>, ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let Some(day) = closing::find_closed(&mut conn, on).await? else { return Ok(None) };
        let due = closing::count_due(&mut conn, on, &[]).await?;
        Ok((due == 0).then_some(day))
    }

    async fn mark_closed(&self, on: NaiveDate, report: LineCounts) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        Ok(closing::close_day(&mut conn, &DayClosed { on, at: self.now(), report }).await?)
    }

    /// Lines that could not be worked out, longest first, a hundred at most.
    pub async fn list_put_aside(&self, caller: Caller) -> Result<Vec<PutAside>, ServicingError> {
        authorise(caller, UseCase::Operate, None, self.now())?;
        let mut conn = self.store.app().acquire().await?;
        Ok(closing::list_put_aside(&mut conn, NAMED_AT_MOST).await?)
    }
}

/// A line that could not be worked out, as the log has it.
fn log_put_aside(id: CreditLineId, reason: &str) {
    tracing::error!(credit_line.id = %id, error = %reason, "could not settle line {id}: {reason}");
}
