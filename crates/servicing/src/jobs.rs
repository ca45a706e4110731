//! What is done by itself: cycles close, unpaid minimums cost a fee, payments go out and come back, and what is kept no
//! longer is deleted.
//!
//! A run that is killed is taken up by the next one, and running twice does nothing the second time. Lines are settled as a
//! close of today settles them (`close`), but nobody is waited for.

use identity::chain;
use serde::Serialize;

use crate::{
    Caller, Servicing, ServicingError, UseCase, authorise,
    close::{LineCounts, Wish},
    messages::MessageReport,
    release::RunReport,
};

/// What a run of the jobs did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JobReport {
    pub statements_issued: u32,
    pub fees_assessed: u32,
    pub adjustments: u32,
    pub standings_changed: u32,
    /// Lines that could not be settled, and runs of the payments that broke; the log says why.
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
        // What is the matter with the bank's files must not keep the lines from being settled.
        match self.run_payments(caller).await {
            Ok(payments) => report.payments = payments,
            Err(error) => {
                let cause = chain(&error);
                tracing::error!(error = %cause, "payments could not be worked off: {cause}");
                report.failed += 1;
            }
        }
        let lines = self.settle_due(Wish::jobs(self.today()), &|_| {}).await?;
        report.keep(lines.counts);
        self.accrue_before(caller, self.today()).await?;
        self.messages_of_jobs(&mut report).await;
        match self.purge().await {
            Ok((sessions, keys)) => {
                report.sessions_purged = sessions;
                report.keys_purged = keys;
            }
            Err(error) => {
                let cause = chain(&error);
                tracing::error!(error = %cause, "sessions and keys could not be purged: {cause}");
                report.failed += 1;
            }
        }
        Ok(report)
    }
}
