//! What is done by itself: cycles close, unpaid minimums cost a fee, payments go out and come back, and what is kept no
//! longer is deleted.
//!
//! A run that is killed is taken up by the next one, and running twice does nothing the second time. Lines are settled as a
//! close of today settles them (`close`), but nobody is waited for.

use chrono::TimeDelta;
use identity::{JobId, chain};
use serde::Serialize;
use store::jobs::{self, AfterFailure};

use crate::{
    Caller, Servicing, ServicingError, UseCase, authorise,
    close::{LineCounts, Wish},
    messages::MessageReport,
    release::RunReport,
};

/// A job that failed is tried again after so long, until it is done.
const FAILED_AGAIN_AFTER: TimeDelta = TimeDelta::hours(1);

/// What a run of the jobs did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JobReport {
    pub statements_issued: u32,
    pub fees_assessed: u32,
    pub adjustments: u32,
    pub standings_changed: u32,
    /// Lines that could not be settled, and whatever else broke of a run; the log says why.
    pub failed: u32,
    /// Sessions and keys that are kept no longer.
    pub sessions_purged: u64,
    pub keys_purged: u64,
    #[serde(flatten)]
    pub payments: RunReport,
    #[serde(flatten)]
    pub messages: MessageReport,
}

impl JobReport {
    fn keep(&mut self, lines: LineCounts) {
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        self.statements_issued += count(lines.statements_issued);
        self.fees_assessed += count(lines.fees_assessed);
        self.adjustments += count(lines.adjustments);
        self.standings_changed += count(lines.standings_changed);
        self.failed += count(lines.failed);
    }

    fn log_undone(&mut self, what: &str, error: &ServicingError) {
        let cause = chain(error);
        tracing::error!(error = %cause, "{what}: {cause}");
        self.failed += 1;
    }

    /// Adds what another run did.
    pub fn add(&mut self, other: Self) {
        self.statements_issued += other.statements_issued;
        self.fees_assessed += other.fees_assessed;
        self.adjustments += other.adjustments;
        self.standings_changed += other.standings_changed;
        self.failed += other.failed;
        self.sessions_purged += other.sessions_purged;
        self.keys_purged += other.keys_purged;
        self.payments.add(other.payments);
        self.messages.add(other.messages);
    }
}

impl Servicing {
    /// Does everything that is due now.
    pub async fn run_jobs(&self, caller: Caller) -> Result<JobReport, ServicingError> {
        authorise(caller, UseCase::Operate, None, self.now())?;
        let mut report = JobReport::default();
        // What is the matter with one of these must not keep the others from being done.
        match self.run_payments(caller).await {
            Ok(payments) => report.payments = payments,
            Err(error) => report.log_undone("payments could not be worked off", &error),
        }
        match self.settle_due(Wish::jobs(self.today()), &|_| {}).await {
            Ok(lines) => report.keep(lines.counts),
            Err(error) => report.log_undone("lines could not be settled", &error),
        }
        if let Err(error) = self.accrue_before(caller, self.today()).await {
            report.log_undone("interest could not be accrued", &error);
        }
        self.messages_of_jobs(&mut report).await;
        match self.purge().await {
            Ok((sessions, keys)) => {
                report.sessions_purged = sessions;
                report.keys_purged = keys;
            }
            Err(error) => report.log_undone("sessions and keys could not be purged", &error),
        }
        Ok(report)
    }

    /// Logs that a kept job failed, whose transaction left nothing, and puts it off; `false` where it could not be put off, so that
    /// it would come again at once.
    pub(crate) async fn put_off_job(&self, id: JobId, error: &ServicingError) -> bool {
        let cause = chain(error);
        tracing::error!(job.id = %id, error = %cause, "could not do job {id}: {cause}");
        let put_off = async {
            let mut conn = self.store.app().acquire().await?;
            let later = AfterFailure::RetryAt(self.now() + FAILED_AGAIN_AFTER);
            Ok::<_, ServicingError>(jobs::fail(&mut conn, id, &cause, later, self.now()).await?)
        };
        let Err(error) = put_off.await else { return true };
        let cause = chain(&error);
        tracing::error!(job.id = %id, error = %cause, "could not put off job {id}: {cause}");
        false
    }
}
