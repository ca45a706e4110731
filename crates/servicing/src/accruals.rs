//! Accrual: the interest that has run and that no statement has billed, posted day by day for all lines together.
//!
//! Each change of a line tells the sum what it changed (`Servicing::tell_accrual`, in the change's own transaction). A day takes
//! up what it was told, group by group, and posts the difference between what has run in all and what is in the books. A day
//! is one transaction of a fixed number of statements; one that was killed did nothing, one that is done is not done again, and
//! any number of processes may try. What is absent: the arithmetic (`credit::Accrual`, `credit::Running`).

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use credit::{Group, Running};
use identity::PostingId;
use ledger::{Chart, Posting};
use money::Cents;
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use store::{
    accruals::{self, DayEnd},
    postings::{self, NewPosting},
};

use crate::{
    Caller, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise, work::Trail,
};

/// What a run accrued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccrualReport {
    /// Days that were not accrued before.
    pub days: u32,
    /// The last accrued day, whoever accrued it.
    pub through: Option<NaiveDate>,
    /// Changes of lines that were taken up.
    pub deltas: i64,
    /// Groups with something to carry on.
    pub groups: usize,
    /// Posted as income; negative where statements billed more than ran.
    #[serde(rename = "accrued_cents")]
    pub accrued: Cents,
    /// Billed beyond what was estimated.
    #[serde(rename = "trued_up_cents")]
    pub trued_up: Cents,
}

/// What was accrued for one day, of all lines together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AccruedDay {
    pub day: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    /// Groups (lines of one product, owner, day basis and rate) with something to carry on.
    pub groups: i64,
    /// What bore interest that day; without the lines whose statement closed on it and has billed it.
    #[serde(rename = "principal_cents")]
    pub principal: Cents,
    /// Posted for this day; negative where statements billed more than ran.
    #[serde(rename = "accrued_cents")]
    pub accrued: Cents,
    /// Billed beyond what was estimated, posted for this day.
    #[serde(rename = "trued_up_cents")]
    pub trued_up: Cents,
    /// Run and not billed at its end: what the day left on 1150.
    #[serde(rename = "unbilled_cents")]
    pub unbilled: Cents,
}

impl Servicing {
    /// What was accrued day by day, from one accrued day through another, the earliest first. Without them, all.
    pub async fn accrued_days(
        &self,
        caller: Caller,
        (from, through): (Option<NaiveDate>, Option<NaiveDate>),
    ) -> Result<Vec<AccruedDay>, ServicingError> {
        authorise(caller, UseCase::Oversee, None, self.now())?;
        // With the day before, from which the first goes on.
        let before = from.map(|from| from.pred_opt().unwrap_or(from));
        let mut conn = self.store.audit().acquire().await?;
        let ends = accruals::list_days(&mut conn, (before, through)).await?;
        let (mut posted, mut trued_up) = (Cents::ZERO, Cents::ZERO);
        let mut days = Vec::with_capacity(ends.len());
        for end in ends {
            let DayEnd { day, recorded_at, groups, base: principal, .. } = end;
            let (accrued, truing) = (end.posted - posted, end.trued_up - trued_up);
            (posted, trued_up) = (end.posted, end.trued_up);
            if from.is_none_or(|from| from <= day) {
                let unbilled = end.posted;
                let trued_up = truing;
                days.push(AccruedDay {
                    day,
                    recorded_at,
                    groups,
                    principal,
                    accrued,
                    trued_up,
                    unbilled,
                });
            }
        }
        Ok(days)
    }

    /// Accrues every day up to the end of `through` that is not accrued yet. To be right at the end of a day it comes after
    /// what is due on the morning after (statements); what comes later is made good by the next day.
    pub async fn accrue(
        &self,
        caller: Caller,
        through: NaiveDate,
    ) -> Result<AccrualReport, ServicingError> {
        authorise(caller, UseCase::Operate, None, self.now())?;
        if through > self.today() {
            return Err(Refusal::new(
                RefusalCode::DateTooFar,
                "A day that has not come is not accrued.",
            )
            .into());
        }
        let chart = Chart::embedded().map_err(ServicingError::engine)?;
        let mut report = AccrualReport::default();
        loop {
            let (last, next) = self.next_to_accrue(through).await?;
            report.through = last;
            let Some(day) = next.filter(|day| *day <= through) else { return Ok(report) };
            self.accrue_day(&chart, (day, last), &mut report).await?;
        }
    }

    /// The last accrued day and the day after it; at the very first, the day of the first change, or the month's first where
    /// that lies before. It is looked up anew for each day: others accrue as well.
    async fn next_to_accrue(
        &self,
        through: NaiveDate,
    ) -> Result<(Option<NaiveDate>, Option<NaiveDate>), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        if let Some(last) = accruals::last_day(&mut conn).await? {
            return Ok((Some(last), last.succ_opt()));
        }
        let first = accruals::first_waiting(&mut conn).await?;
        let month = through.with_day(1).unwrap_or(through);
        Ok((None, Some(first.map_or(through, |first| first.max(month)))))
    }

    async fn accrue_day(
        &self,
        chart: &Chart,
        (day, last): (NaiveDate, Option<NaiveDate>),
        report: &mut AccrualReport,
    ) -> Result<(), ServicingError> {
        let mut tx = self.store.app().begin().await?;
        if !accruals::claim(&mut tx, (day, last), self.now()).await? {
            return Ok(());
        }
        let before = day.pred_opt().unwrap_or(day);
        let mut groups: BTreeMap<Group, Running> =
            accruals::running(&mut tx, before).await?.into_iter().collect();
        let mut learned: BTreeMap<Group, Vec<_>> = BTreeMap::new();
        let mut deltas = 0;
        for taken in accruals::take(&mut tx, day).await? {
            deltas += taken.deltas;
            groups.entry(taken.group.clone()).or_default();
            let one = (taken.effective_on, taken.change, taken.true_up);
            learned.entry(taken.group).or_default().push(one);
        }
        let mut posted = Vec::new();
        let (mut accrued, mut trued_up) = (Cents::ZERO, Cents::ZERO);
        for (group, running) in &mut groups {
            let of_group = learned.remove(group).unwrap_or_default();
            let today = running
                .add_day(group, day, of_group)
                .ok_or(ServicingError::Stored { what: "day basis of an accrual", source: None })?;
            accrued += today.interest;
            trued_up += today.true_up;
            posted.extend(posting(chart, today)?);
        }
        let groups: Vec<_> = groups.into_iter().filter(|(_, running)| !running.ended()).collect();
        accruals::keep(&mut tx, day, &groups).await?;
        self.post_accruals(&mut tx, day, &posted).await?;
        let payload = json!({
            "day": day, "groups": groups.len(), "deltas": deltas, "accrued_cents": accrued, "trued_up_cents": trued_up,
        });
        self.trail(&mut tx, Trail::stream(None, None), "accrual.posted", payload).await?;
        tx.commit().await?;
        report.days += 1;
        report.deltas += deltas;
        report.groups = groups.len();
        report.accrued += accrued;
        report.trued_up += trued_up;
        Ok(())
    }

    async fn post_accruals(
        &self,
        conn: &mut PgConnection,
        day: NaiveDate,
        posted: &[Posting],
    ) -> Result<(), ServicingError> {
        let recorded_at = self.now();
        let new: Vec<NewPosting<'_>> = posted
            .iter()
            .map(|posting| NewPosting {
                id: PostingId::mint(recorded_at),
                posting,
                credit_line: None,
                event_seq: None,
                effective_on: day,
                recorded_at,
            })
            .collect();
        Ok(postings::post(conn, &new).await?)
    }
}

/// Interest that ran, against income; and what statements billed beyond the estimate, against the account that shows how far off
/// it was. Nothing where no cent moves.
fn posting(chart: &Chart, today: credit::Accrued) -> Result<Option<Posting>, ServicingError> {
    let account = |name| chart.account(name).map_err(ServicingError::engine);
    Posting::of("interest_accrued")
        .change(account("accrued_interest")?, today.interest)
        .change(account("interest_accruals")?, today.true_up - today.interest)
        .change(account("interest_true_ups")?, -today.true_up)
        .balanced_or_empty()
        .map_err(ServicingError::engine)
}

#[cfg(test)]
mod tests {
    use credit::Accrued;

    use super::*;

    #[test]
    fn a_true_up_moves_income_and_leaves_what_is_receivable() {
        let chart = Chart::embedded().unwrap();
        let entries = |interest, true_up| {
            let today = Accrued { interest: Cents::new(interest), true_up: Cents::new(true_up) };
            let posting = posting(&chart, today).unwrap();
            posting.map_or(Vec::new(), |posting| {
                let name =
                    |entry: &ledger::Entry| chart.by_code(entry.account).unwrap().name.clone();
                posting.entries().iter().map(|entry| (name(entry), entry.signed().get())).collect()
            })
        };
        let named = |name: &str, cents| (name.to_owned(), cents);
        assert_eq!(
            entries(70, 0),
            [named("accrued_interest", 70), named("interest_accruals", -70)]
        );
        assert_eq!(
            entries(-500, 30),
            [
                named("accrued_interest", -500),
                named("interest_accruals", 530),
                named("interest_true_ups", -30)
            ]
        );
        assert_eq!(entries(0, 0), []);
    }
}
