//! A penalty rate as it comes and is cured (12 CFR 1026.55(b)(4)).
//!
//! Invariant: it is decided each morning on what is known of the minimums, so that a payment that was made in time after all, or
//! that came back, moves it in replay as it moves everything else. What is absent: the notice itself.

use chrono::{Days, NaiveDate};
use money::Apr;
use serde::{Deserialize, Serialize};

use crate::{
    Terms,
    product::{Feature, PenaltyDay, PenaltyRate},
    state::{OpenCycle, State},
};

/// A penalty rate that has been brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Penalty {
    pub(crate) from: NaiveDate,
    /// Its last day, once it is cured.
    pub(crate) through: Option<NaiveDate>,
    /// Minimums in a row paid in time since.
    in_time: u32,
    /// One was missed where none may be.
    for_good: bool,
}

/// A minimum whose last timely day has not passed, and that day.
pub(crate) type Awaited = (u32, NaiveDate);

impl State {
    /// The morning of a day: what the day before decided.
    pub(crate) fn turn_penalty(&mut self, terms: &Terms) {
        let Some(rule) = terms.product.penalty_rate.as_ref() else {
            self.cycle.penalty = None;
            self.awaited.clear();
            return;
        };
        if self.cycle.penalty.is_some_and(|one| one.through.is_some_and(|last| last < self.day)) {
            self.cycle.penalty = None;
        }
        self.count_minimums_in_time(rule);
        let late = self.days_past_due(terms, self.day) > rule.after_days_past_due;
        if late && self.cycle.penalty.is_none() {
            let noticed = self.day.checked_add_days(Days::new(rule.notice_days.into()));
            let from = self.takes_effect(rule, noticed.unwrap_or(NaiveDate::MAX));
            let penalty = Penalty { from, through: None, in_time: 0, for_good: false };
            self.cycle.penalty = Some(penalty);
        }
    }

    fn takes_effect(&self, rule: &PenaltyRate, day: NaiveDate) -> NaiveDate {
        if rule.takes_effect == PenaltyDay::OnTheDay || day == self.cycle.starts_on {
            return day;
        }
        let mut closes_on = self.cycle.closes_on;
        while closes_on < day.pred_opt().unwrap_or(day) {
            let Some(starts_on) = closes_on.succ_opt() else { return closes_on };
            closes_on = self.schedule.close_of(starts_on);
        }
        closes_on.succ_opt().unwrap_or(closes_on)
    }

    /// Each minimum that falls due after the rate came, on the morning after its last timely day.
    fn count_minimums_in_time(&mut self, rule: &PenaltyRate) {
        let judged: Vec<Awaited> =
            self.awaited.iter().filter(|(_, timely)| *timely < self.day).copied().collect();
        self.awaited.retain(|(_, timely)| *timely >= self.day);
        for (cycle, timely) in judged {
            let owes =
                self.obligations.iter().any(|due| due.cycle <= cycle && due.owed.is_positive());
            let Some(mut penalty) = self.cycle.penalty.filter(|one| one.from <= timely) else {
                continue;
            };
            penalty.for_good |= owes && rule.cured_at_once_or_never;
            penalty.in_time = if owes { 0 } else { penalty.in_time + 1 };
            let cured = rule.cured_after_minimums.is_some_and(|most| penalty.in_time >= most);
            if cured && !penalty.for_good && penalty.through.is_none() {
                penalty.through = self.takes_effect(rule, self.day).pred_opt();
            }
            self.cycle.penalty = Some(penalty);
        }
        if self.cycle.penalty.is_some_and(|one| one.through.is_some_and(|last| last < self.day)) {
            self.cycle.penalty = None;
        }
    }
}

impl OpenCycle {
    /// The rate that a feature pays instead of its own on a day, if the penalty is in force.
    pub(crate) fn penalty_apr(
        &self,
        terms: &Terms,
        feature: Option<&Feature>,
        day: NaiveDate,
    ) -> Option<Apr> {
        let standing = self.penalty?;
        let rule = terms.product.penalty_rate.as_ref()?;
        let named = feature.is_some_and(|feature| rule.features.contains(&feature.name));
        let in_force =
            standing.from <= day && standing.through.is_none_or(|through| day <= through);
        (in_force && (rule.features.is_empty() || named)).then_some(rule.apr)
    }
}
