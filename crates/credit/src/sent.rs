//! When a statement really left, where that is not the day it names (12 CFR 1026.5(b)(2)(ii); V48).
//!
//! Invariant: what is known of the latest day counts, whatever the order in which it was learned; of one day, that nothing left.
//! Each such fact corrects those before it: a copy that came back was none.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::{CreditError, LineEvent, LineEventBody, Statement};

/// What is known of statements, by number.
#[derive(Default)]
pub(crate) struct Departures {
    closed_on: BTreeMap<u32, NaiveDate>,
    /// The latest day of which something is known, and whether by its end no copy had left.
    latest: BTreeMap<u32, (NaiveDate, bool)>,
}

impl Departures {
    /// `false` where it is of a statement that was not issued.
    pub(crate) fn note(&mut self, event: &LineEvent) -> bool {
        let (cycle, known) = match &event.body {
            LineEventBody::StatementIssued { statement } => {
                self.closed_on.insert(statement.number, statement.closed_on);
                return true;
            }
            LineEventBody::StatementSent { cycle } => (*cycle, (event.effective_on, false)),
            LineEventBody::StatementNotSent { cycle } => (*cycle, (event.effective_on, true)),
            _ => return true,
        };
        let latest = self.latest.entry(cycle).or_insert(known);
        *latest = known.max(*latest);
        self.closed_on.contains_key(&cycle)
    }

    pub(crate) fn closed_on(&self, cycle: u32) -> Option<NaiveDate> {
        self.closed_on.get(&cycle).copied()
    }

    /// A close is not moved whose statement is issued.
    pub(crate) fn check_cycles(&self, changed: &LineEvent) -> Result<(), CreditError> {
        let LineEvent { seq, effective_on, .. } = *changed;
        match self.closed_on.values().next_back().copied() {
            Some(closed_on) if effective_on <= closed_on => {
                Err(CreditError::CycleIsTold { seq, effective_on, closed_on })
            }
            _ => Ok(()),
        }
    }

    /// When a statement left that names a day; `None` where it has not. What is known of an earlier day says nothing of it.
    pub(crate) fn of(&self, cycle: u32, named: NaiveDate) -> Option<NaiveDate> {
        match self.latest.get(&cycle) {
            Some((on, not_sent)) if *on >= named => (!not_sent).then_some(*on),
            _ => Some(named),
        }
    }
}

/// When a statement left, with all that is known; `None` where it has not.
#[must_use]
pub fn statement_left_on(events: &[LineEvent], statement: &Statement) -> Option<NaiveDate> {
    let mut departures = Departures::default();
    for event in events {
        departures.note(event);
    }
    departures.of(statement.number, statement.sent_on)
}
