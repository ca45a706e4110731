//! Minimums still unpaid: what a payment counts for, days past due and the late fee (docs/engine.md; V24 of `tests/vectors.rs`).

use chrono::{Days, NaiveDate};
use money::{Cents, Rounding};

use crate::{
    Charge, CycleRecord, FeeKind, FlagKind, Terms,
    payment::Counted,
    product::{LateFee, LateFeeBase, PlanFeeDay, Promotion, ReturnPolicy},
    state::{Fee, LateFeeRecord, Obligation, State},
    timeline::Timeline,
};

impl Obligation {
    /// Paid so far that it no longer counts for days past due.
    pub(crate) fn as_good_as_paid(&self, terms: &Terms) -> bool {
        let share = terms.product.delinquency.full_payment.ppm().min(1_000_000);
        let tolerated = self.amount.mul_ppm(1_000_000 - share, Rounding::Down).unwrap_or_default();
        self.owed <= tolerated
    }
}

impl State {
    /// Counts an amount to the oldest unpaid minimum; a surplus prepays nothing.
    pub(crate) fn count_to_minimums(&mut self, terms: &Terms, amount: Cents) -> Vec<Counted> {
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
                counted.push(Counted { cycle: due.cycle, due_on: due.due_on, amount: part });
            }
        }
        self.keep_minimums_to_what_is_owed(terms);
        counted
    }

    /// Nobody is late with more than is owed and not disputed, by the terms of the minimum: after a waiver or a credit the newest
    /// give way first.
    pub(crate) fn keep_minimums_to_what_is_owed(&mut self, terms: &Terms) {
        let with_penalties =
            self.minimum_terms(terms).cap_includes_penalty_fees || self.all_has_fallen_due(terms);
        let apart = if with_penalties {
            self.disputed()
        } else {
            self.fees(true) + self.disputed_but_penalties()
        };
        let owed = (self.balance() - apart).or_zero();
        let sum = |of: fn(&Obligation) -> Cents, dues: &[Obligation]| dues.iter().map(of).sum();
        let unpaid: Cents = sum(|due| due.unpaid, &self.obligations);
        let enforced: Cents = sum(|due| due.owed, &self.obligations);
        let mut excess = ((unpaid - owed).or_zero(), (enforced - owed).or_zero());
        for due in self.obligations.iter_mut().rev() {
            let part = due.unpaid.min(excess.0).or_zero();
            due.unpaid -= part;
            excess.0 -= part;
            let part = due.owed.min(excess.1).or_zero();
            due.owed -= part;
            excess.1 -= part;
        }
        let open =
            |due: &Obligation| due.owed.is_positive() || due.unpaid.is_positive() || !due.tested;
        // Where a returned payment counts until it comes back, what it met is asked for again.
        if terms.product.returns == ReturnPolicy::FromReturnDate {
            self.met.extend(self.obligations.iter().filter(|due| !open(due)).cloned());
        }
        self.obligations.retain(open);
    }

    /// What was asked for by statements that never left, or left after a later one had to be paid, is asked for again by that one,
    /// and late with it: at one late fee.
    pub(crate) fn enforce_what_never_left(&mut self, enforceable_on: NaiveDate) {
        let all = self.obligations.iter_mut().chain(&mut self.met);
        let late =
            |due: &Obligation| due.enforceable_on > enforceable_on && due.due_on <= enforceable_on;
        for due in all.filter(|due| late(due)) {
            (due.enforceable_on, due.tested) = (enforceable_on, true);
        }
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

    /// The day after the close, the day on which a late fee is decided, or on which the line is later than before, whichever comes
    /// first; never the day being lived or one before it.
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
        let next = tests.chain(self.standing_changes_on(terms));
        next.fold(after(self.cycle.closes_on, 1), Ord::min).max(after(self.day, 1))
    }

    /// The morning of a day: minimums missed the day before, late fees whose time has come, the plan fee of a first day.
    pub(crate) fn begin_day(&mut self, timeline: &Timeline<'_>) {
        let terms = self.terms_today(timeline);
        self.turn_repayment(terms);
        for due in &mut self.obligations {
            if !due.missed && due.enforceable_on < self.day && due.owed.is_positive() {
                due.missed = true;
                if !self.missed.contains(&due.cycle) {
                    self.missed.push(due.cycle);
                }
            }
        }
        self.note_lateness(terms);
        self.settle_late_grace(&timeline.versions, self.day);
        self.lose_promotions(terms);
        self.turn_penalty(terms);
        self.test_late_fees(terms, timeline);
        // What comes in with the line on the day comes before its fee.
        if timeline.last_brought_on(self.day).is_none() {
            self.charge_first_day(terms);
        }
    }

    pub(crate) fn charge_first_day(&mut self, terms: &Terms) {
        if self.day == self.cycle.starts_on {
            self.charge_plan_fee(terms, PlanFeeDay::FirstDay);
        }
    }

    /// Promotions that end with days past due are over the day before.
    fn lose_promotions(&mut self, terms: &Terms) {
        let days = self.days_past_due(terms, self.day);
        let yesterday = self.day.pred_opt();
        for balance in &mut self.balances {
            let lost = |promotion: &Promotion| {
                promotion.lost_when_days_past_due.is_some_and(|most| most > 0 && days >= most)
            };
            if let Some(promotion) = balance.promotion.as_mut().filter(|one| lost(one)) {
                promotion.through = promotion.through.min(yesterday).or(yesterday);
            }
        }
    }

    /// Decides the late fee of each minimum whose day has come, on what was unpaid at the end of the day before.
    fn test_late_fees(&mut self, terms: &Terms, timeline: &Timeline<'_>) {
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
            let (cycle, minimum, fell_due_on) = (due.cycle, due.minimum, due.enforceable_on);
            // What was disputed, or left late, is of no later statement and due later all the same.
            let late = |due: &&Obligation| due.cycle <= cycle && due.enforceable_on <= fell_due_on;
            let unpaid: Cents = self.obligations.iter().filter(late).map(|due| due.owed).sum();
            // What an earlier minimum lacks again, since its payment came back, this statement had not asked for.
            let unpaid = unpaid.min(minimum);
            let late = (cycle, unpaid, minimum);
            let spared = self.late_fee_this_cycle()
                || self.cost_a_return_fee(terms, cycle, &timeline.returned_at_a_fee);
            let (uncapped, amount) =
                if spared { (Cents::ZERO, Cents::ZERO) } else { self.late_fee(rule, late) };
            if amount.is_positive() && rule.first_free && !self.late_fee_forgiven {
                self.late_fee_forgiven = true;
            } else if amount.is_positive() {
                let unpaid_minimum = unpaid;
                let on = self.day;
                self.late_fees.push(LateFeeRecord { cycle, on, amount, uncapped, unpaid_minimum });
                self.charge_by_terms(timeline, &Charge::LateFee { cycle }, FeeKind::Late, amount);
            }
        }
    }

    /// One is charged in the billing cycle already: where mail was late or the close moved, two due dates can have their day in one.
    fn late_fee_this_cycle(&self) -> bool {
        self.late_fees.iter().any(|fee| fee.on >= self.cycle.starts_on)
    }

    /// A payment for the statement came back at a fee, however much later: one event costs one penalty (12 CFR 1026.52(b)(2)(ii)).
    fn cost_a_return_fee(&self, terms: &Terms, cycle: u32, returned: &[NaiveDate]) -> bool {
        let record = self.records.iter().find(|record| record.number == cycle);
        let closed_on = record.map_or(self.begins_on, |record| record.closes_on);
        let charged =
            |fee: &Fee| fee.kind == FeeKind::ReturnedPayment && fee.assessed_on > closed_on;
        terms.product.fees.one_penalty_per_event
            && (self.fees.iter().any(charged)
                || returned.iter().any(|paid_on| closed_on < *paid_on && *paid_on < self.day))
    }

    /// Before its caps, and after.
    fn late_fee(
        &self,
        rule: &LateFee,
        (cycle, unpaid, minimum): (u32, Cents, Cents),
    ) -> (Cents, Cents) {
        let disputed = !self.disputes.is_empty() && rule.suppressed_by.contains(&FlagKind::Dispute);
        let record = self.records.iter().find(|record| record.number == cycle);
        if self.flagged(&rule.suppressed_by) || disputed || self.capped_by_law() {
            return (Cents::ZERO, Cents::ZERO);
        }
        let charged_before = self
            .late_fees
            .iter()
            .any(|fee| fee.cycle < cycle && fee.cycle + rule.repeat_within_cycles >= cycle);
        let repeated = rule.repeat_amount.filter(|_| charged_before);
        let interest = |record: &CycleRecord| record.interest.iter().map(|line| line.amount).sum();
        rule.on(&Lateness {
            unpaid,
            minimum,
            balance: record.map(|record| record.balance).unwrap_or_default(),
            interest: record.map(interest).unwrap_or_default(),
            repeated,
        })
    }
}

impl LateFee {
    /// The most that a late payment can cost.
    pub(crate) fn up_to(&self) -> Cents {
        let amounts = self.brackets.iter().map(|bracket| bracket.amount);
        let most = amounts.chain(self.repeat_amount).fold(self.amount, Ord::max);
        self.most.unwrap_or(most)
    }

    /// Before its caps, and after.
    fn on(&self, late: &Lateness) -> (Cents, Cents) {
        if !late.unpaid.is_positive() || late.unpaid < self.none_below {
            return (Cents::ZERO, Cents::ZERO);
        }
        let reached = |top: Option<Cents>| top.is_none_or(|top| late.balance <= top);
        let bracket = self.brackets.iter().find(|bracket| reached(bracket.up_to));
        let amount = bracket.map_or(self.amount, |bracket| bracket.amount);
        let base = match self.percent_of {
            LateFeeBase::UnpaidMinimum => late.unpaid,
            LateFeeBase::Minimum => late.minimum,
            LateFeeBase::BilledInterest => late.interest,
        };
        let share = base.mul_ppm(self.percent.ppm(), Rounding::HalfUp).unwrap_or_default();
        let fee = late.repeated.unwrap_or(amount).max(share);
        let caps = [
            self.most,
            self.capped_by_unpaid_minimum.then_some(late.unpaid),
            self.capped_by_minimum.then_some(late.minimum),
        ];
        (fee, caps.into_iter().flatten().fold(fee, Ord::min))
    }
}

/// What a late fee is computed from.
struct Lateness {
    unpaid: Cents,
    /// Of the statement.
    minimum: Cents,
    balance: Cents,
    interest: Cents,
    /// The amount of a repeated violation, where it is one.
    repeated: Option<Cents>,
}
