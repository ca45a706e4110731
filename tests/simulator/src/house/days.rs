//! A day in the house: the jobs after midnight, what people ask for, and the jobs once more.

use anyhow::{Context as _, ensure};
use servicing::{Caller, jobs::JobReport};

use super::{House, bank::lock};

/// After so many days at rest nothing can be on its way any more: the bank has sixty to send an entry back.
const REST_MAX: u32 = 100;

/// Quiet days at the end, on which everything is worked off that is still with us.
const QUIET: u32 = 12;

impl House {
    pub(super) async fn day(&mut self) -> anyhow::Result<()> {
        self.next_day();
        let early = 5 + self.dice.between(0, 20);
        self.at(early);
        self.jobs(120).await?;
        let mut minute = 30;
        for who in 0..self.people.len() {
            minute += self.dice.between(1, 1_000 / i64::try_from(self.people.len())?);
            self.at(minute);
            if let Some(ask) = self.wish(who).await? {
                self.ask(who, &ask).await?;
            }
        }
        if self.dice.chance(400) {
            let late = minute + self.dice.between(1, 200);
            self.at(late);
            self.jobs(120).await?;
        }
        if self.dice.chance(100) {
            self.sequence(200).await?;
        }
        Ok(())
    }

    fn next_day(&mut self) {
        self.today = self.today.succ_opt().unwrap_or(self.today);
    }

    /// Runs the jobs until a run comes to its end; the process may die over them, more than once.
    async fn jobs(&mut self, per_mille: u64) -> anyhow::Result<JobReport> {
        let mut often = per_mille;
        loop {
            let death = self.death(often, 160);
            often /= 2;
            let run = self
                .attempt(death, async |servicing| {
                    let report = servicing.run_jobs(Caller::system()).await;
                    servicing.number_outbox().await.map(|_| ())?;
                    report
                })
                .await?;
            if let Some(report) = run {
                let report = report.context("the jobs broke off")?;
                ensure!(report.failed == 0, "{} pieces of work failed", report.failed);
                ensure!(report.payments.failed == 0, "{} failed", report.payments.failed);
                return Ok(report);
            }
        }
    }

    async fn sequence(&mut self, per_mille: u64) -> anyhow::Result<()> {
        let mut often = per_mille;
        loop {
            let death = self.death(often, 12);
            often /= 2;
            let (log, now) = (self.log.clone(), self.clock.now());
            let run = self
                .attempt(death, async |servicing| {
                    audit::sequence(servicing.store().audit(), &log, now).await
                })
                .await?;
            if let Some(done) = run {
                done.context("the log could not be sequenced")?;
                return Ok(());
            }
        }
    }

    /// The bank becomes honest, nobody asks for anything, and all that is on its way arrives.
    pub(super) async fn comes_to_rest(&mut self) -> anyhow::Result<()> {
        lock(&self.ledger).becomes_honest();
        let mut quiet = 0;
        for _ in 0..REST_MAX {
            self.next_day();
            self.at(10);
            let report = self.jobs(0).await?;
            // A file that never arrived is given back after a while, and leaves anew.
            self.at(600);
            self.jobs(0).await?;
            let waiting = lock(&self.ledger).has_more_to_say() || report.payments.pending > 0;
            quiet = if waiting { 0 } else { quiet + 1 };
            if quiet >= QUIET && !self.closes_today() {
                self.sequence(0).await?;
                return Ok(());
            }
        }
        anyhow::bail!("after {REST_MAX} days something is still on its way")
    }

    /// Lines are compared at the end of a day on which no cycle closes.
    fn closes_today(&self) -> bool {
        self.people.iter().any(|one| {
            let schedule = credit::CycleSchedule::monthly(one.agreed.close_day);
            schedule.close_of(self.today) == self.today
        })
    }
}
