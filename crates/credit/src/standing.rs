//! How a line stands with its minimums: current, or past due for how long.
//!
//! A function of the history like everything else: a late fact that changes how it stood changes what this says, and since when.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::{
    Terms,
    state::{Obligation, State},
};

/// Days past due by the rule book's ladder.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum PastDueBucket {
    #[default]
    #[serde(rename = "current")]
    Current,
    #[serde(rename = "1-29")]
    Days1,
    #[serde(rename = "30-59")]
    Days30,
    #[serde(rename = "60-89")]
    Days60,
    #[serde(rename = "90-119")]
    Days90,
    #[serde(rename = "120-149")]
    Days120,
    #[serde(rename = "150-179")]
    Days150,
    #[serde(rename = "180+")]
    Days180,
}

/// How a line stands, and since when it has stood so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub bucket: PastDueBucket,
    /// A minimum is so late that the line is frozen until it is paid; never where lateness does not stop draws.
    pub frozen: bool,
    pub since: NaiveDate,
}

impl Standing {
    /// Of a line that was just opened.
    #[must_use]
    pub const fn opened(on: NaiveDate) -> Self {
        Self { bucket: PastDueBucket::Current, frozen: false, since: on }
    }
}

/// How a line is reported to consumer reporting agencies: the account status of Metro 2 (12 CFR 1022.42). What is charged off, in
/// collection or deleted has others, which no line comes to yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FurnishedStatus {
    /// 0 to 29 days past due.
    #[serde(rename = "11")]
    Current,
    /// Closed, and nothing is owed.
    #[serde(rename = "13")]
    PaidOrClosed,
    #[serde(rename = "71")]
    Days30,
    #[serde(rename = "78")]
    Days60,
    #[serde(rename = "80")]
    Days90,
    #[serde(rename = "82")]
    Days120,
    #[serde(rename = "83")]
    Days150,
    #[serde(rename = "84")]
    Days180,
}

impl FurnishedStatus {
    pub(crate) const fn of(
        bucket: PastDueBucket,
        closed_on: Option<NaiveDate>,
        owes: bool,
    ) -> Self {
        match bucket {
            _ if closed_on.is_some() && !owes => Self::PaidOrClosed,
            PastDueBucket::Current | PastDueBucket::Days1 => Self::Current,
            PastDueBucket::Days30 => Self::Days30,
            PastDueBucket::Days60 => Self::Days60,
            PastDueBucket::Days90 => Self::Days90,
            PastDueBucket::Days120 => Self::Days120,
            PastDueBucket::Days150 => Self::Days150,
            PastDueBucket::Days180 => Self::Days180,
        }
    }
}

/// From how many days past due a line is frozen: more than ten days late (rule book 5.2).
const FROZEN_FROM_DAYS: u32 = 11;

/// The days past due on which a standing begins.
const STEPS: [(u32, PastDueBucket); 8] = [
    (1, PastDueBucket::Days1),
    (FROZEN_FROM_DAYS, PastDueBucket::Days1),
    (30, PastDueBucket::Days30),
    (60, PastDueBucket::Days60),
    (90, PastDueBucket::Days90),
    (120, PastDueBucket::Days120),
    (150, PastDueBucket::Days150),
    (180, PastDueBucket::Days180),
];

fn after(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_add_days(Days::new(days.into())).unwrap_or(NaiveDate::MAX)
}

impl State {
    /// On the day being lived, with what happened on it so far.
    pub(crate) fn standing(&self, terms: &Terms) -> Standing {
        let days = self.days_past_due(terms, self.day);
        let step = STEPS.iter().rev().find(|(from, _)| *from <= days);
        match step {
            Some((from, bucket)) => {
                let since = self.day.checked_sub_days(Days::new((days - from).into()));
                let stops = terms.product.limits.draws_stop_when_past_due;
                let frozen = stops && *from >= FROZEN_FROM_DAYS;
                Standing { bucket: *bucket, frozen, since: since.unwrap_or(self.begins_on) }
            }
            None if self.late => Standing::opened(self.day),
            None => Standing::opened(self.current_since.unwrap_or(self.begins_on)),
        }
    }

    /// The morning of a day: keeps when the line became current again, which was the day before.
    pub(crate) fn note_lateness(&mut self, terms: &Terms) {
        let late = self.days_past_due(terms, self.day) > 0;
        if self.late && !late {
            self.current_since = self.day.pred_opt();
        }
        self.late = late;
    }

    /// The next day on which the standing changes if nothing is paid.
    pub(crate) fn standing_changes_on(&self, terms: &Terms) -> Option<NaiveDate> {
        let unpaid = |due: &&Obligation| due.owed.is_positive() && !due.as_good_as_paid(terms);
        let oldest = self.obligations.iter().filter(unpaid).map(|due| due.enforceable_on).min()?;
        STEPS.iter().map(|(from, _)| after(oldest, *from)).find(|day| *day > self.day)
    }
}
