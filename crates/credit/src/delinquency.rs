//! Minimums still unpaid: what a payment counts for, days past due and the late fee (docs/engine.md; V24 of `tests/vectors.rs`).

use chrono::{Days, NaiveDate};
use money::{Cents, Rounding};

use crate::{
    FeeKind, Terms,
    product::LateFee,
    state::{Fee, LateFeeRecord, Obligation, State},
};

impl Obligation {
    /// Paid so far that it no longer counts for days past due.
    fn as_good_as_paid(&self, terms: &Terms) -> bool {
        let share = terms.product.delinquency.full_payment.ppm().min(1_000_000);
        let tolerated = self.amount.mul_ppm(1_000_000 - share, Rounding::Down).unwrap_or_default();
        self.owed <= tolerated
    }
}

impl State {
    /// Counts an amount to the oldest unpaid minimum; a surplus prepays nothing.
    pub(crate) fn count_to_minimums(&mut self, amount: Cents) -> Vec<(u32, Cents)> {
        let (mut recomputed, mut enforced) = (amount, amount);
        let mut counted = Vec::new();
        for due in &mut self.obligations {
            let part = due.unpaid.min(recomputed).or_zero();
            due.unpaid -= part;
            recomputed -= part;
            let part = due.owed.min(enforced).or_zero();
            due.owed -= part;
            enforced -= part;
            if part.is_positive() {
                counted.push((due.cycle, part));
            }
        }
        self.forgive_minimums_when_nothing_is_owed();
        counted
    }

    fn forgive_minimums_when_nothing_is_owed(&mut self) {
        if !self.balance().is_positive() {
            for due in &mut self.obligations {
                due.unpaid = Cents::ZERO;
                due.owed = Cents::ZERO;
            }
        }
        let counts = |due: &Obligation| due.owed.is_positive() || !due.tested;
        self.obligations.retain(|due| counts(due) || due.unpaid.is_positive());
    }

    /// Minimums unpaid after their enforceable due date.
    pub(crate) fn past_due(&self, on: NaiveDate) -> Cents {
        let late = self.obligations.iter().filter(|due| due.enforceable_on < on);
        late.map(|due| due.owed).sum()
    }

    /// Days since the oldest minimum that is still unpaid could be enforced.
    pub(crate) fn days_past_due(&self, terms: &Terms, on: NaiveDate) -> u32 {
        self.obligations
            .iter()
            .filter(|due| due.enforceable_on < on && due.owed.is_positive())
            .filter(|due| !due.as_good_as_paid(terms))
            .map(|due| (on - due.enforceable_on).num_days())
            .max()
            .and_then(|days| u32::try_from(days).ok())
            .unwrap_or_default()
    }

    /// The day after the close, or the day on which a late fee is decided, whichever comes first.
    pub(crate) fn settles_next_on(&self, terms: &Terms) -> NaiveDate {
        let after = |day: NaiveDate, days: u32| {
            day.checked_add_days(Days::new(days.into())).unwrap_or(NaiveDate::MAX)
        };
        let rule = terms.product.fees.late.as_ref();
        let tests = self
            .obligations
            .iter()
            .filter(|due| !due.tested)
            .filter_map(|due| Some(after(due.enforceable_on, rule?.after_days + 1)));
        tests.fold(after(self.cycle.closes_on, 1), Ord::min)
    }

    /// Decides the late fee of each minimum whose day has come, on what was unpaid at the end of the day before.
    pub(crate) fn test_late_fees(&mut self, terms: &Terms) {
        let Some(rule) = terms.product.fees.late.as_ref() else {
            for due in &mut self.obligations {
                due.tested = true;
            }
            return;
        };
        let last_day = |due: &Obligation| {
            due.enforceable_on.checked_add_days(Days::new(rule.after_days.into()))
        };
        for at in 0..self.obligations.len() {
            let Some(due) = self.obligations.get_mut(at) else { continue };
            if due.tested || last_day(due).is_none_or(|last| self.day <= last) {
                continue;
            }
            due.tested = true;
            let cycle = due.cycle;
            let unpaid: Cents =
                self.obligations.iter().filter(|due| due.cycle <= cycle).map(|due| due.owed).sum();
            let amount = self.late_fee(rule, cycle, unpaid);
            if amount.is_positive() {
                self.charge_late_fee(cycle, amount, unpaid);
            }
        }
    }

    fn late_fee(&self, rule: &LateFee, cycle: u32, unpaid: Cents) -> Cents {
        let charged_before = self
            .late_fees
            .iter()
            .any(|fee| fee.cycle < cycle && fee.cycle + rule.repeat_within_cycles >= cycle);
        let repeated = rule.repeat_amount.filter(|_| charged_before);
        late_fee(rule, repeated.unwrap_or(rule.amount), unpaid, self.flagged(&rule.suppressed_by))
    }

    fn charge_late_fee(&mut self, cycle: u32, amount: Cents, unpaid_minimum: Cents) {
        let on = self.day;
        self.late_fees.push(LateFeeRecord { cycle, on, amount, unpaid_minimum });
        self.fees.push(Fee {
            kind: FeeKind::Late,
            balance: 0,
            assessed_on: on,
            amount,
            unpaid: amount,
            billed_in: None,
        });
    }
}

/// The fee for an unpaid minimum: none where nothing is unpaid or a flag suppresses it.
fn late_fee(rule: &LateFee, amount: Cents, unpaid: Cents, suppressed: bool) -> Cents {
    if suppressed || !unpaid.is_positive() {
        Cents::ZERO
    } else if rule.capped_by_unpaid_minimum {
        amount.min(unpaid)
    } else {
        amount
    }
}
