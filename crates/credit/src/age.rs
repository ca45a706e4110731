//! How old a line is that came in from another lender: what was promised from its opening is counted from there.
//!
//! Invariants: a line of our own is as old as its books; the age is known from the first day of the books on, since what is charged
//! on that day may go by it; cycles and statements are numbered from the first of ours all the same. What is absent: what happened
//! before, of which a row says only what is left.

use chrono::{Days, NaiveDate};
use money::Cents;

use crate::{
    BroughtForward, CreditError, LineEvent, LineEventBody, Terms,
    state::OpenCycle,
    terms::{CycleSchedule, MOVED_DAYS},
};

/// What a line was when its books began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Age {
    pub(crate) opened_on: NaiveDate,
    /// Cycles that had closed.
    pub(crate) cycles: u32,
    /// What is known of the fees charged before, penalties included.
    pub(crate) fees: Cents,
}

impl Age {
    /// Of a line whose books begin on `begins_on`.
    pub(crate) fn of(
        events: &[LineEvent],
        terms: &Terms,
        begins_on: NaiveDate,
    ) -> Result<Self, CreditError> {
        let none = Self { opened_on: begins_on, cycles: 0, fees: Cents::ZERO };
        let Some((event, balances)) = events.iter().find_map(brought_forward) else {
            return Ok(none);
        };
        let refused =
            |message: &str| Err(CreditError::Terms { seq: event.seq, message: message.to_owned() });
        let Some(opened_on) = balances.opened_on else {
            let repayment = terms.product.repayment.as_ref();
            if repayment.is_some_and(|rule| rule.begins_after_months.is_some()) {
                return refused(
                    "what is brought forward needs `opened_on`: the draw period of the product counts from there",
                );
            }
            return Ok(none);
        };
        if opened_on > begins_on {
            return refused(
                "`opened_on` of what is brought forward lies after the first day of the line's books",
            );
        }
        if event.effective_on != begins_on {
            return refused(
                "what is brought forward with `opened_on` comes in on the first day of the line's books",
            );
        }
        let before = last_elsewhere(&terms.cycles, begins_on);
        let cycles = CycleSchedule::monthly(terms.cycles.close_day).closes(opened_on, before);
        Ok(Self { opened_on, cycles, fees: balances.fees.max(balances.fees_this_year) })
    }
}

/// Closes up to this day were another lender's: the close of the open cycle, or as much before as it may have been moved.
pub(crate) fn last_elsewhere(cycles: &CycleSchedule, begins_on: NaiveDate) -> NaiveDate {
    let closes_on = cycles.close_of(begins_on);
    closes_on.checked_sub_days(Days::new(MOVED_DAYS)).unwrap_or(closes_on)
}

fn brought_forward(event: &LineEvent) -> Option<(&LineEvent, &BroughtForward)> {
    match &event.body {
        LineEventBody::BalanceBroughtForward { balances } => Some((event, balances)),
        _ => None,
    }
}

/// Draws that the events up to a day bring with them, of a line that was so many cycles old.
pub(crate) fn draws_before(events: &[LineEvent], on: NaiveDate, cycles: u32) -> u32 {
    let brought = events.iter().find_map(brought_forward);
    let known = brought.filter(|(event, _)| event.effective_on <= on);
    known.map_or(0, |(_, balances)| balances.draws_before(cycles))
}

impl OpenCycle {
    /// The first cycle of the line is 1, wherever that was lived.
    pub(crate) const fn since_opening(&self) -> u32 {
        self.number + self.elsewhere
    }
}
