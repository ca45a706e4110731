//! The close of a cycle: interest billed, fees billed, the minimum, and the next cycle.

use chrono::{Days, NaiveDate};
use money::Cents;
use serde::{Deserialize, Serialize};

use crate::{
    FeeKind, Terms,
    interest::GraceOutcome,
    mapr::{CycleCharges, Waived},
    minimum::Minimum,
    rate,
    state::{Accrual, BilledInterest, Fee, Obligation, OpenCycle, Segment, State},
    timeline::Printed,
};
use money::Apr;

/// What a closed cycle comes to, with all that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleRecord {
    pub number: u32,
    pub starts_on: NaiveDate,
    pub closes_on: NaiveDate,
    pub due_on: NaiveDate,
    pub interest: Vec<InterestLine>,
    #[serde(rename = "plan_fee_cents")]
    pub plan_fee: Cents,
    #[serde(rename = "principal_cents")]
    pub principal: Cents,
    #[serde(rename = "billed_interest_cents")]
    pub billed_interest: Cents,
    #[serde(rename = "fees_cents")]
    pub fees: Cents,
    #[serde(rename = "penalty_fees_cents")]
    pub penalty_fees: Cents,
    #[serde(rename = "credit_balance_cents")]
    pub credit_balance: Cents,
    /// All of the above: the new balance.
    #[serde(rename = "balance_cents")]
    pub balance: Cents,
    pub minimum: Minimum,
    #[serde(rename = "credit_limit_cents")]
    pub credit_limit: Cents,
}

/// Interest of one cycle on one balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterestLine {
    pub feature: String,
    /// The rate at the close.
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    pub days: u32,
    /// The balance subject to interest: the average of the daily balances, less what grace spares.
    #[serde(rename = "average_balance_cents")]
    pub average_balance: Cents,
    #[serde(rename = "sum_of_daily_balances_cents")]
    pub sum_of_daily_balances: Cents,
    /// In `rate::DENOMINATOR`ths of a cent, before the one rounding.
    #[serde(with = "crate::units::wide")]
    pub numerator: i128,
    /// Of it, deferred by a promotion that ended.
    #[serde(with = "crate::units::wide")]
    pub deferred: i128,
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
    /// Paid of it before it was billed.
    #[serde(rename = "prepaid_cents")]
    pub prepaid: Cents,
    pub grace: GraceOutcome,
    pub segments: Vec<Segment>,
}

impl InterestLine {
    /// Of every day of the cycle, grace or not.
    #[must_use]
    pub fn average_daily_balance(&self) -> Cents {
        let sum = i128::from(self.sum_of_daily_balances.get());
        Cents::from_ratio(sum, i128::from(self.days.max(1)), money::Rounding::HalfUp)
            .unwrap_or_default()
    }
}

impl State {
    /// Ends the cycle that closes on the day being lived.
    pub(crate) fn close_cycle(&mut self, terms: &Terms, printed: Option<&Printed>) {
        let plan_fee = self.charge_plan_fee(terms);
        let (lines, waived) = self.bill_interest(terms);
        let plan_fee = plan_fee - waived.fees;
        let cycle = self.cycle.number;
        for fee in self.fees.iter_mut().filter(|fee| fee.billed_in.is_none()) {
            fee.billed_in = Some(cycle);
        }
        let due_on = terms.product.dates.due_on(self.cycle.closes_on);
        let minimum = self.minimum(terms, &lines);
        let last_timely = self.oblige(terms, &minimum, due_on, printed);
        self.turn_grace(terms, last_timely);
        self.records.push(CycleRecord {
            number: cycle,
            starts_on: self.cycle.starts_on,
            closes_on: self.cycle.closes_on,
            due_on,
            interest: lines,
            plan_fee,
            principal: self.principal(),
            billed_interest: self.billed_interest(),
            fees: self.fees(false),
            penalty_fees: self.fees(true),
            credit_balance: self.credit_balance,
            balance: self.balance(),
            minimum,
            credit_limit: self.credit_limit,
        });
        self.open_next_cycle();
    }

    fn charge_plan_fee(&mut self, terms: &Terms) -> Cents {
        let Some(rule) = terms.product.fees.plan else { return Cents::ZERO };
        let Some(nth) = self.cycle.number.checked_sub(rule.free_cycles + 1) else {
            return Cents::ZERO;
        };
        let stopped = rule.stops_when_past_due
            && (self.past_due(self.day).is_positive() || self.flagged(&[crate::FlagKind::Frozen]));
        if nth % rule.every_cycles.max(1) != 0 || stopped || self.closed_on.is_some() {
            return Cents::ZERO;
        }
        self.fees.push(Fee {
            kind: FeeKind::Plan,
            balance: 0,
            assessed_on: self.day,
            amount: rule.amount,
            unpaid: rule.amount,
            billed_in: None,
        });
        rule.amount
    }

    fn bill_interest(&mut self, terms: &Terms) -> (Vec<InterestLine>, Waived) {
        let mut lines: Vec<InterestLine> =
            self.balances.iter().map(|balance| self.interest_line(terms, balance)).collect();
        raise_to_minimum_charge(&mut lines, terms.product.interest.minimum_charge);
        let waived = self.keep_to_mapr(terms, &mut lines);
        let cycle = self.cycle.number;
        let mut overpaid = Cents::ZERO;
        for (at, (line, balance)) in lines.iter_mut().zip(&mut self.balances).enumerate() {
            line.prepaid = balance.prepaid.min(line.amount);
            overpaid += balance.prepaid - line.prepaid;
            balance.prepaid = Cents::ZERO;
            let unpaid = line.amount - line.prepaid;
            if unpaid.is_positive() {
                self.interest.push(BilledInterest { cycle, balance: at, unpaid });
            }
        }
        if overpaid.is_positive() {
            self.allocate(terms, overpaid);
        }
        self.settle_from_credit();
        (lines, waived)
    }

    /// A covered borrower's cycle is kept to the cap of 32 CFR 232.4: fees are waived before interest.
    fn keep_to_mapr(&mut self, terms: &Terms, lines: &mut [InterestLine]) -> Waived {
        if !terms.covered_borrower {
            return Waived::default();
        }
        let cycle_fees = |fee: &&Fee| fee.billed_in.is_none() && !fee.kind.penalty();
        let fees = self.fees.iter().filter(cycle_fees);
        let recent = self.records.iter().rev().take(11).map(|record| record.plan_fee);
        let charges = CycleCharges {
            interest: lines.iter().map(|line| line.amount).sum(),
            fees: fees.map(|fee| fee.amount).sum(),
            denominator: lines.iter().map(InterestLine::average_daily_balance).sum(),
            apr: lines.iter().map(|line| line.apr).max().unwrap_or_default(),
            participation_fees_before: recent.sum(),
        };
        let waived = charges.waived();
        let plan = self.fees.iter_mut().rev().find(|fee| fee.kind == FeeKind::Plan);
        let mut kept = Waived { fees: Cents::ZERO, interest: waived.interest };
        if let Some(fee) = plan.filter(|fee| fee.billed_in.is_none()) {
            kept.fees = waived.fees.min(fee.unpaid);
            fee.amount -= kept.fees;
            fee.unpaid -= kept.fees;
        }
        let mut left = waived.interest;
        for line in lines.iter_mut().rev() {
            let less = line.amount.min(left);
            line.amount -= less;
            left -= less;
        }
        kept
    }

    /// A credit balance pays what is billed.
    fn settle_from_credit(&mut self) {
        for billed in &mut self.interest {
            let paid = billed.unpaid.min(self.credit_balance);
            billed.unpaid -= paid;
            self.credit_balance -= paid;
        }
        self.interest.retain(|billed| !billed.unpaid.is_zero());
        for fee in &mut self.fees {
            let paid = fee.unpaid.min(self.credit_balance);
            fee.unpaid -= paid;
            self.credit_balance -= paid;
        }
    }

    fn interest_line(&self, terms: &Terms, balance: &crate::state::Balance) -> InterestLine {
        let interest = &terms.product.interest;
        let grace = self.grace_outcome(terms, balance);
        let next = self.day.checked_add_days(Days::new(1)).unwrap_or(self.day);
        let deferred = balance.deferred_due(next, self.cycle.number + 1);
        let numerator = balance.numerator(interest, grace) + deferred;
        let sum = Cents::new(i64::try_from(balance.accrual.all.balance).unwrap_or(i64::MAX));
        InterestLine {
            feature: balance.name.clone(),
            apr: balance.apr_on(terms, self.day, self.cycle.number),
            days: balance.accrual.days,
            average_balance: balance.average(grace),
            sum_of_daily_balances: sum,
            numerator,
            deferred,
            amount: rate::to_cents(numerator, interest.rounding),
            prepaid: Cents::ZERO,
            grace,
            segments: balance.segments.clone(),
        }
    }

    /// Gives the last day on which a payment is timely.
    fn oblige(
        &mut self,
        terms: &Terms,
        minimum: &Minimum,
        due_on: NaiveDate,
        printed: Option<&Printed>,
    ) -> NaiveDate {
        let closed_on = self.cycle.closes_on;
        let (due_on, sent_on) =
            printed.map_or((due_on, closed_on), |printed| (printed.due_on, printed.sent_on));
        let owed = printed.map_or(minimum.own, |printed| printed.own_minimum.min(minimum.own));
        let enforceable_on = terms.product.dates.enforceable_due_on(due_on, sent_on);
        let obligation = Obligation {
            cycle: self.cycle.number,
            due_on,
            enforceable_on,
            unpaid: minimum.own,
            owed,
            amount: owed,
            tested: false,
        };
        // A statement that only repeats what is past due has its own due date and late fee all the same.
        if minimum.due.is_positive() {
            self.obligations.push(obligation);
        }
        enforceable_on
    }

    /// Settles what became of grace in the cycle, and what the next one begins with.
    fn turn_grace(&mut self, terms: &Terms, due_on: NaiveDate) {
        let paid = self.grace.paid_in_full();
        let regained = terms.product.grace.regained_after_cycles;
        self.grace.streak = if self.grace.held || !paid { 0 } else { self.grace.streak + 1 };
        self.grace.held = paid && (self.grace.held || self.grace.streak >= regained);
        self.grace.statement_balance = self.balance();
        self.grace.due_on = due_on;
        self.grace.paid = Cents::ZERO;
    }

    fn open_next_cycle(&mut self) {
        let starts_on =
            self.cycle.closes_on.checked_add_days(Days::new(1)).unwrap_or(self.cycle.closes_on);
        for balance in &mut self.balances {
            if balance.deferred_due(starts_on, self.cycle.number + 1) != 0 {
                balance.deferred = 0;
            }
            balance.carried += balance.fresh;
            balance.fresh = Cents::ZERO;
            balance.opening = balance.carried;
            balance.repaid = Cents::ZERO;
            balance.accrual = Accrual::default();
            balance.segments.clear();
        }
        self.cycle = OpenCycle {
            number: self.cycle.number + 1,
            starts_on,
            closes_on: self.schedule.close_of(starts_on),
        };
    }
}

fn raise_to_minimum_charge(lines: &mut [InterestLine], least: Cents) {
    let total: Cents = lines.iter().map(|line| line.amount).sum();
    if !total.is_positive() || total >= least {
        return;
    }
    if let Some(largest) = lines.iter_mut().max_by_key(|line| line.amount) {
        largest.amount += least - total;
    }
}
