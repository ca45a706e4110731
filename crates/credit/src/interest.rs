//! Interest: what a day costs, and the one rounding per feature and cycle (12 CFR 1026.14(b); docs/engine.md).

use chrono::NaiveDate;
use money::{Cents, Rounding, divide};
use serde::{Deserialize, Serialize};

use crate::{
    Terms,
    product::{BalanceMethod, Compounding, Feature, InterestTerms, Period},
    rate::{self, DENOMINATOR},
    state::{Accrual, Balance, DaySum, Segment, State},
};

/// Which part of a cycle's balances bears interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraceOutcome {
    /// All of it: the feature has no grace, or it was lost earlier.
    Charged,
    /// None of it: the last statement was paid in full by its due date.
    Spared,
    /// Grace was lost in this cycle: all, but what was paid by the due date counts as paid on the first day.
    Lost,
    /// Grace came back in this cycle: all but the draws of the cycle.
    Regained,
}

/// Nano-cents: as fine as interest on interest is kept within a cycle.
const NANO: i128 = 1_000_000_000;

impl State {
    /// Adds the interest of the day that ends.
    pub(crate) fn accrue_day(&mut self, terms: &Terms) {
        let (day, cycle) = (self.day, self.cycle.number);
        for at in 0..self.balances.len() {
            let extra = self.bearing_charges(terms, at);
            let Some(balance) = self.balances.get_mut(at) else { continue };
            balance.accrue_day(terms, day, cycle, extra);
        }
    }

    /// Unpaid interest and fees that bear interest with balance `at`, where the product says so.
    fn bearing_charges(&self, terms: &Terms, at: usize) -> Cents {
        let interest = &terms.product.interest;
        let mut extra = Cents::ZERO;
        if interest.on_billed_interest {
            let mine = self.interest.iter().filter(|billed| billed.balance == at);
            extra += mine.map(|billed| billed.unpaid).sum();
        }
        if interest.on_fees {
            extra += self.fees.iter().filter(|fee| fee.balance == at).map(|fee| fee.unpaid).sum();
        }
        extra
    }

    /// What became of grace for a balance, as far as it can be known on the day being lived.
    pub(crate) fn grace_outcome(&self, terms: &Terms, balance: &Balance) -> GraceOutcome {
        if !terms.has_grace(balance) {
            return GraceOutcome::Charged;
        }
        let may_still_pay = self.day <= self.grace.due_on && self.day <= self.cycle.closes_on;
        let paid = self.grace.paid_in_full();
        let rule = &terms.product.grace;
        match (self.grace.held, paid) {
            (true, true) => GraceOutcome::Spared,
            (true, false) if may_still_pay => GraceOutcome::Spared,
            (true, false) if rule.credits_partial_payment => GraceOutcome::Lost,
            (false, true)
                if rule.spares_new_draws_on_regain
                    && self.grace.streak + 1 >= rule.regained_after_cycles =>
            {
                GraceOutcome::Regained
            }
            _ => GraceOutcome::Charged,
        }
    }

    /// Interest of the open cycle through the day before, in cents, less what of it is already paid.
    pub(crate) fn accrued(&self, terms: &Terms) -> Cents {
        self.balances.iter().map(|balance| self.accrued_on(terms, balance)).sum()
    }

    pub(crate) fn accrued_on(&self, terms: &Terms, balance: &Balance) -> Cents {
        let outcome = self.grace_outcome(terms, balance);
        let numerator = balance.numerator(&terms.product.interest, outcome)
            + balance.deferred_due(self.day, self.cycle.number);
        let accrued = rate::to_cents(numerator, terms.product.interest.rounding);
        (accrued - balance.prepaid).or_zero()
    }

    /// What the day being lived will cost if nothing more happens, in `DENOMINATOR`ths of a cent.
    pub(crate) fn per_diem(&self, terms: &Terms) -> i128 {
        let spared =
            |balance: &&Balance| self.grace_outcome(terms, balance) != GraceOutcome::Spared;
        self.balances
            .iter()
            .filter(spared)
            .map(|balance| {
                let apr = balance.apr_on(terms, self.day, self.cycle.number);
                let interest = &terms.product.interest;
                let daily = rate::daily(apr, interest.day_basis, interest.rate_digits, self.day);
                let feature = terms.product.features.get(balance.feature);
                day_cost(balance.principal(), daily, feature, interest, self.day)
            })
            .sum()
    }
}

impl Balance {
    fn accrue_day(&mut self, terms: &Terms, day: NaiveDate, cycle: u32, extra: Cents) {
        let interest = &terms.product.interest;
        let apr = self.apr_on(terms, day, cycle);
        let daily = rate::daily(apr, interest.day_basis, interest.rate_digits, day);
        let principal = if interest.new_draws { self.principal() } else { self.carried };
        let bearing = principal + extra;
        let feature = terms.product.features.get(self.feature);
        let mut cost = day_cost(bearing, daily, feature, interest, day);
        if interest.compounding == Compounding::Daily {
            cost += self.accrual.all.numerator / (DENOMINATOR / NANO) * daily / NANO;
        }
        let cost = round_day(cost, interest.daily_decimals);
        self.accrual.all.add(bearing, cost);
        if self.fresh.is_positive() && interest.new_draws {
            let fresh = day_cost(self.fresh, daily, None, interest, day);
            self.accrual.fresh.add(self.fresh, fresh);
        }
        self.defer(interest, day, cycle);
        self.accrual.rates += daily;
        self.accrual.days += 1;
        match self.segments.last_mut() {
            Some(last) if last.balance == bearing && last.apr == apr => {
                last.through = day;
                last.numerator += cost;
            }
            _ => self.segments.push(Segment {
                from: day,
                through: day,
                balance: bearing,
                apr,
                numerator: cost,
            }),
        }
    }

    /// Keeps in mind what the day would have cost without a promotion that defers; forgets it all once nothing is owed.
    fn defer(&mut self, interest: &InterestTerms, day: NaiveDate, cycle: u32) {
        let Some(promotion) = self.promotion.filter(|promotion| promotion.deferred) else { return };
        if !promotion.holds(day, cycle) {
            return;
        }
        if self.principal().is_zero() {
            self.deferred = 0;
            return;
        }
        let apr = self.contract_apr(day);
        let daily = rate::daily(apr, interest.day_basis, interest.rate_digits, day);
        self.deferred += i128::from(self.principal().get()) * daily;
    }

    /// Interest of the days accrued so far, in `DENOMINATOR`ths of a cent.
    pub(crate) fn numerator(&self, interest: &InterestTerms, outcome: GraceOutcome) -> i128 {
        let Accrual { all, fresh, relief, rates, days } = self.accrual;
        let less = match outcome {
            GraceOutcome::Spared => return 0,
            GraceOutcome::Charged => DaySum::default(),
            GraceOutcome::Lost => relief,
            GraceOutcome::Regained => fresh,
        };
        let sum = DaySum {
            numerator: (all.numerator - less.numerator).max(0),
            balance: (all.balance - less.balance).max(0),
        };
        let days = i128::from(days.max(1));
        let average_rate = match interest.period {
            Period::Daily => rates,
            Period::Monthly => self.monthly_rate(interest),
        };
        let on = |balance: Cents| i128::from(balance.or_zero().get()) * average_rate;
        match (interest.balance, interest.period) {
            (BalanceMethod::PreviousBalance, _) => on(self.opening),
            (BalanceMethod::AdjustedBalance, _) => on(self.opening - self.repaid),
            (BalanceMethod::EndingBalance, _) => on(self.principal()),
            (BalanceMethod::AverageDailyBalance, _) if interest.round_average => {
                divide(sum.balance, days, Rounding::HalfUp).unwrap_or_default() * average_rate
            }
            (_, Period::Daily) => sum.numerator,
            (_, Period::Monthly) => {
                divide(sum.balance * average_rate, days, Rounding::HalfUp).unwrap_or_default()
            }
        }
    }

    fn monthly_rate(&self, interest: &InterestTerms) -> i128 {
        let apr = self.segments.last().map_or(self.apr, |segment| segment.apr);
        rate::monthly(apr, interest.rate_digits)
    }

    /// The balance on which the statement says that interest was computed: what grace spares is left out.
    pub(crate) fn average(&self, outcome: GraceOutcome) -> Cents {
        let Accrual { all, fresh, relief, days, .. } = self.accrual;
        let bearing = match outcome {
            GraceOutcome::Spared => 0,
            GraceOutcome::Charged => all.balance,
            GraceOutcome::Lost => all.balance - relief.balance,
            GraceOutcome::Regained => all.balance - fresh.balance,
        };
        Cents::from_ratio(bearing.max(0), i128::from(days.max(1)), Rounding::HalfUp)
            .unwrap_or_default()
    }
}

impl DaySum {
    fn add(&mut self, balance: Cents, numerator: i128) {
        self.balance += i128::from(balance.get());
        self.numerator += numerator;
    }

    /// Adds `amount` for each of the days whose rates sum to `rates`.
    pub(crate) fn add_days(&mut self, amount: Cents, rates: i128, days: u32) {
        self.balance += i128::from(amount.get()) * i128::from(days);
        self.numerator += i128::from(amount.get()) * rates;
    }
}

/// One day's interest on a balance: at one rate, or slice by slice where the feature has tiers.
fn day_cost(
    balance: Cents,
    daily: i128,
    feature: Option<&Feature>,
    interest: &InterestTerms,
    day: NaiveDate,
) -> i128 {
    let tiers = feature.map(|feature| feature.tiers.as_slice()).unwrap_or_default();
    if tiers.is_empty() {
        return i128::from(balance.get()) * daily;
    }
    let mut below = Cents::ZERO;
    let mut cost = 0;
    for tier in tiers {
        let top = tier.up_to.map_or(balance, |up_to| up_to.min(balance));
        let slice = (top - below).or_zero();
        let rate = rate::daily(tier.apr, interest.day_basis, interest.rate_digits, day);
        cost += i128::from(slice.get()) * rate;
        below = below.max(top);
    }
    cost
}

fn round_day(numerator: i128, decimals: Option<u32>) -> i128 {
    let Some(decimals) = decimals.filter(|decimals| *decimals >= 2) else { return numerator };
    let unit = DENOMINATOR / 10_i128.pow((decimals - 2).min(8));
    divide(numerator, unit, Rounding::HalfUp).unwrap_or_default() * unit
}
