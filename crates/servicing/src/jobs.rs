//! What is done by itself: cycles close, unpaid minimums cost a fee, payments go out and come back, and what is kept no
//! longer is deleted.
//!
//! Each line is settled in a transaction of its own under its lock; a run that is killed is taken up by the next one,
//! and running twice does nothing the second time.

use credit::LineEventBody;
use identity::{CreditLineId, chain};
use serde::Serialize;
use store::credit_lines;

use crate::{
    Caller, Servicing, ServicingError, UseCase, authorise, messages::MessageReport,
    release::RunReport,
};

/// Lines looked at in one go.
const LINES_AT_ONCE: i64 = 500;

/// What a run of the jobs did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JobReport {
    pub statements_issued: u32,
    pub fees_assessed: u32,
    pub adjustments: u32,
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
    /// Adds what another run did.
    pub fn add(&mut self, other: Self) {
        self.statements_issued += other.statements_issued;
        self.fees_assessed += other.fees_assessed;
        self.adjustments += other.adjustments;
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
        self.settle_due_lines(&mut report).await?;
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

    async fn settle_due_lines(&self, report: &mut JobReport) -> Result<(), ServicingError> {
        let mut after = None;
        loop {
            let mut conn = self.store.app().acquire().await?;
            let due = credit_lines::list_due(&mut conn, self.today(), after, LINES_AT_ONCE).await?;
            drop(conn);
            let Some(last) = due.last().copied() else { return Ok(()) };
            after = Some(last);
            for id in due {
                // One line that cannot be worked out must not keep the others from being settled.
                if let Err(error) = self.settle_one_line(id, report).await {
                    tracing::error!(credit_line.id = %id, error = %chain(&error), "could not settle line {id}");
                    report.failed += 1;
                }
            }
        }
    }

    async fn settle_one_line(
        &self,
        id: CreditLineId,
        report: &mut JobReport,
    ) -> Result<(), ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let mut line = self.hold_and_load(&mut tx, id).await?;
        let posted = self.settle_line(&mut tx, &mut line).await?;
        tx.commit().await?;
        for event in posted {
            match event.body {
                LineEventBody::StatementIssued { .. } => report.statements_issued += 1,
                LineEventBody::FeeAssessed { .. } => report.fees_assessed += 1,
                _ => report.adjustments += 1,
            }
        }
        Ok(())
    }
}
