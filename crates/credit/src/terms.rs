//! The terms of one line: its product, copied at opening, with the rate, limit and dates agreed for this customer.

use calendar::last_day_of_month;
use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use money::{Apr, Cents};
use serde::{Deserialize, Serialize};

use crate::{
    product::{CountsOn, DateTerms, Product},
    versions::keep_rates,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    pub product: Product,
    #[serde(rename = "credit_limit_cents")]
    pub credit_limit: Cents,
    pub cycles: CycleSchedule,
    /// Two letters; state overrides of the product have been applied for it.
    #[serde(default)]
    pub state: Option<String>,
    /// Found to be a covered borrower (32 CFR 232) when the line opened.
    #[serde(default)]
    pub covered_borrower: bool,
}

/// A close that was moved by fewer days stands for the day of the month from which it was moved.
pub(crate) const MOVED_DAYS: u64 = 15;

/// When cycles close.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CycleSchedule {
    /// Day of the month, or the last day of a shorter month.
    pub close_day: u32,
    /// Closing dates that take the place of the day of the month, in order, as far as they go.
    #[serde(default, with = "crate::units::dates")]
    pub closes_on: Vec<NaiveDate>,
    /// Due dates that take the place of the product's rule, in order, as far as they go.
    #[serde(default, with = "crate::units::dates")]
    pub due_on: Vec<NaiveDate>,
}

impl CycleSchedule {
    #[must_use]
    pub const fn monthly(close_day: u32) -> Self {
        Self { close_day, closes_on: Vec::new(), due_on: Vec::new() }
    }

    /// As it goes on after a cycle that closed on `closed_on`, whether that was its day or the day was moved: a close stands for
    /// the day of the month that is nearest.
    #[must_use]
    pub fn monthly_after(close_day: u32, closed_on: NaiveDate) -> Self {
        let monthly = Self::monthly(close_day);
        let after = |day: NaiveDate| day.succ_opt().unwrap_or(day);
        let next = monthly.close_of(after(closed_on));
        let moved = closed_on.checked_add_days(Days::new(MOVED_DAYS)).is_some_and(|day| next < day);
        if !moved {
            return monthly;
        }
        Self { closes_on: vec![monthly.close_of(after(next))], ..monthly }
    }

    /// Days of the month on which cycles close, from `from` on and before `until`.
    pub(crate) fn closes(&self, from: NaiveDate, until: NaiveDate) -> u32 {
        let month = |day: NaiveDate| day.year() * 12 + i32::try_from(day.month0()).unwrap_or(0);
        let months = month(self.close_of(until)) - month(self.close_of(from));
        u32::try_from(months).unwrap_or(0)
    }

    /// The due date printed on the statement of a cycle that closed on `closed_on`.
    #[must_use]
    pub fn due_on(&self, closed_on: NaiveDate, rule: &DateTerms) -> NaiveDate {
        let next = closed_on.checked_add_days(Days::new(1)).unwrap_or(closed_on);
        let listed = self.due_on.iter().find(|due| **due > closed_on);
        let before_next_close = |due: &&NaiveDate| **due <= self.close_of(next);
        listed.filter(before_next_close).copied().unwrap_or_else(|| rule.due_on(closed_on))
    }

    /// The close of the cycle that starts on `starts_on`.
    #[must_use]
    pub fn close_of(&self, starts_on: NaiveDate) -> NaiveDate {
        if let Some(close) = self.closes_on.iter().find(|close| **close >= starts_on) {
            return *close;
        }
        let this_month = day_in_month(starts_on, self.close_day);
        if this_month >= starts_on {
            return this_month;
        }
        let next = last_day_of_month(starts_on).succ_opt().unwrap_or(starts_on);
        day_in_month(next, self.close_day)
    }
}

fn day_in_month(month: NaiveDate, day: u32) -> NaiveDate {
    month.with_day(day.max(1)).unwrap_or_else(|| last_day_of_month(month))
}

impl DateTerms {
    /// The day for which a payment counts that was completed at a local time: after the cut-off, the next one.
    #[must_use]
    pub fn credited_on(&self, on: NaiveDate, at: NaiveTime) -> NaiveDate {
        self.counts_on(if at > self.cut_off { on.succ_opt().unwrap_or(on) } else { on })
    }

    /// The day for which a payment counts that was to count for a day.
    #[must_use]
    pub fn counts_on(&self, day: NaiveDate) -> NaiveDate {
        match self.payments_count_on {
            CountsOn::CalendarDays => day,
            CountsOn::BankingDays => calendar::banking_day_on_or_after(day),
        }
    }

    /// The due date printed on the statement of a cycle that closed on `closed_on`.
    #[must_use]
    pub fn due_on(&self, closed_on: NaiveDate) -> NaiveDate {
        let after =
            |days: u32| closed_on.checked_add_days(Days::new(days.into())).unwrap_or(closed_on);
        let Some(due_day) = self.due_day else { return after(self.due_days_after_close) };
        let earliest = after(self.statement_window_days);
        let this_month = day_in_month(earliest, due_day);
        if this_month >= earliest {
            return this_month;
        }
        let next = last_day_of_month(earliest).succ_opt().unwrap_or(earliest);
        day_in_month(next, due_day)
    }

    /// The last day on which a payment is still timely (V48): the latest of the printed due date, the end of the statement
    /// window, and the next banking day where the printed date is not one.
    #[must_use]
    pub fn enforceable_due_on(&self, printed: NaiveDate, sent_on: NaiveDate) -> NaiveDate {
        let window = sent_on
            .checked_add_days(Days::new(self.statement_window_days.into()))
            .unwrap_or(sent_on);
        self.met_by(printed).max(window)
    }

    /// The last day on which a payment meets a due date.
    pub(crate) fn met_by(&self, due_on: NaiveDate) -> NaiveDate {
        if self.due_moves_to_banking_day {
            calendar::banking_day_on_or_after(due_on)
        } else {
            due_on
        }
    }
}

impl Terms {
    /// A line of `product` with one rate for every feature that states none of its own.
    #[must_use]
    pub fn open(product: &Product, credit_limit: Cents, apr: Apr, close_day: u32) -> Self {
        let mut product = product.clone();
        for feature in &mut product.features {
            feature.apr.get_or_insert(apr);
        }
        Self {
            product,
            credit_limit,
            cycles: CycleSchedule::monthly(close_day),
            state: None,
            covered_borrower: false,
        }
    }

    /// Applies what `state` imposes on a line that opens on `opened_on`.
    #[must_use]
    pub fn in_state(mut self, state: &str, opened_on: NaiveDate) -> Self {
        let imposed: Vec<_> = self
            .product
            .state_overrides
            .iter()
            .filter(|rule| rule.state.eq_ignore_ascii_case(state) && rule.from <= opened_on)
            .filter(|rule| rule.through.is_none_or(|through| opened_on <= through))
            .cloned()
            .collect();
        for rule in imposed {
            if let Some(cap) = rule.apr_cap {
                let standing = self.product.limits.apr_cap.unwrap_or(cap);
                self.product.limits.apr_cap = Some(standing.min(cap));
            }
            if let (Some(amount), Some(late)) = (rule.late_fee, self.product.fees.late.as_mut()) {
                late.amount = late.amount.min(amount);
            }
            if let Some(fee) = rule.returned_payment_fee {
                let returned = &mut self.product.fees.returned_payment;
                *returned = fee.min(*returned);
            }
            if let Some(basis) = rule.day_basis {
                self.product.interest.day_basis = basis;
            }
            // What a file says of a state was checked when it was read.
            if let Ok(mut product) = self.product.with(&rule.terms) {
                keep_rates(&self.product, &mut product);
                self.product = product;
            }
        }
        self.state = Some(state.to_owned());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_cycle_closes_on_its_day_or_on_the_last_of_a_shorter_month() {
        let cases = [
            (5, "2026-09-06", "2026-10-05"),
            (5, "2026-09-05", "2026-09-05"),
            (31, "2026-09-01", "2026-09-30"),
            (31, "2027-02-01", "2027-02-28"),
            (14, "2027-12-15", "2028-01-14"),
        ];
        for (close_day, starts, closes) in cases {
            assert_eq!(CycleSchedule::monthly(close_day).close_of(day(starts)), day(closes));
        }
        let listed =
            CycleSchedule { closes_on: vec![day("2026-09-12")], ..CycleSchedule::monthly(1) };
        assert_eq!(listed.close_of(day("2026-08-10")), day("2026-09-12"));
        assert_eq!(listed.close_of(day("2026-09-13")), day("2026-10-01"));
    }

    #[test]
    fn a_close_that_was_moved_stands_for_the_nearest_day_on_which_cycles_close() {
        let cases = [
            ("2026-10-25", "2026-11-25"),
            ("2026-10-23", "2026-11-25"),
            ("2026-10-11", "2026-11-25"),
            ("2026-10-10", "2026-10-25"),
            ("2026-10-27", "2026-11-25"),
        ];
        for (closed, next) in cases {
            let schedule = CycleSchedule::monthly_after(25, day(closed));
            let begins_on = day(closed).succ_opt().unwrap();
            assert_eq!(schedule.close_of(begins_on), day(next), "{closed}");
            let then = day(next).succ_opt().unwrap();
            assert_eq!(schedule.close_of(then), CycleSchedule::monthly(25).close_of(then));
        }
    }

    #[test]
    fn closes_are_counted_as_they_come() {
        for close_day in [1, 14, 28, 30, 31] {
            let schedule = CycleSchedule::monthly(close_day);
            for days in (0..1_200).step_by(7) {
                let (from, until) = (day("2023-12-30"), day("2023-12-30") + Days::new(days));
                let mut count = 0;
                let mut close = schedule.close_of(from);
                while close < until {
                    (count, close) = (count + 1, schedule.close_of(close.succ_opt().unwrap()));
                }
                assert_eq!(schedule.closes(from, until), count, "{close_day}: {until}");
            }
        }
    }

    #[test]
    fn v48_a_statement_sent_late_cannot_be_enforced_early() {
        let line = DateTerms::default();
        let card = DateTerms { statement_window_days: 21, ..line };
        let (sent, printed) = (day("2026-10-08"), day("2026-10-20"));
        assert_eq!(line.enforceable_due_on(printed, sent), day("2026-10-22"));
        assert_eq!(card.enforceable_due_on(printed, sent), day("2026-10-29"));
    }

    #[test]
    fn a_due_date_on_thanksgiving_is_met_the_day_after() {
        let terms = DateTerms::default();
        let enforced = terms.enforceable_due_on(day("2026-11-26"), day("2026-11-02"));
        assert_eq!(enforced, day("2026-11-27"));
    }

    #[test]
    fn a_due_day_is_the_first_one_after_the_statement_window() {
        let terms =
            DateTerms { due_day: Some(1), statement_window_days: 21, ..DateTerms::default() };
        assert_eq!(terms.due_on(day("2026-09-05")), day("2026-10-01"));
        assert_eq!(terms.due_on(day("2026-09-20")), day("2026-11-01"));
    }
}
