//! What a cycle bills on one balance, with what it is computed from.

use chrono::Days;
use money::{Apr, Cents};
use serde::{Deserialize, Serialize};

use crate::{
    Terms,
    balance::Balance,
    interest::{AverageAtRate, GraceOutcome, Priced},
    product::{BalanceMethod, InterestTerms},
    rate,
    state::{Segment, State},
    statement::Deferred,
};

/// Interest of one cycle on one balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterestLine {
    pub feature: String,
    /// The rate at the close; by tiers that of the one which is reached by what bears interest.
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    pub days: u32,
    /// The balance subject to interest, less what grace spares: the average of the daily balances, or the one balance of the method.
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
    /// Of it, of earlier cycles: spared at their close, for a statement was still to be paid, and owed after all.
    #[serde(default, with = "crate::units::wide")]
    pub spared_before: i128,
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
    /// Of it: what its share of the feature's one rounding is beyond its own rounding.
    #[serde(default, rename = "shared_cents")]
    pub shared: Cents,
    /// Kept in mind by a promotion that still runs.
    pub promotion_deferred: Option<Deferred>,
    /// Paid of it before it was billed.
    #[serde(rename = "prepaid_cents")]
    pub prepaid: Cents,
    pub grace: GraceOutcome,
    pub segments: Vec<Segment>,
    /// What bore which rate of the cycle, where it is not each day by itself, or the slices that tiers make of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub averages: Vec<AverageAtRate>,
    /// The one balance that bears the interest of the cycle, where there is one...
    #[serde(default, rename = "base_cents")]
    pub base: Option<Cents>,
    /// ...and what it would be without grace.
    #[serde(default, rename = "unspared_cents")]
    pub unspared: Cents,
    #[serde(default, rename = "opening_cents")]
    pub opening: Cents,
    /// Payments and credits of the cycle.
    #[serde(default, rename = "repaid_cents")]
    pub repaid: Cents,
}

impl InterestLine {
    /// Something was owed on the balance in the cycle, or is charged for it.
    #[must_use]
    pub fn bears_interest(&self) -> bool {
        self.amount.is_positive() || self.sum_of_daily_balances.is_positive()
    }

    /// The highest rate that was charged, or is in force at the close.
    pub(crate) fn highest_rate(&self) -> Apr {
        let charged = self.averages.iter().filter(|one| one.numerator > 0).map(|one| one.apr);
        let by_day = self.segments.iter().filter(|one| one.numerator > 0).map(|one| one.apr);
        charged.chain(by_day).fold(self.apr, Apr::max)
    }

    /// All of the base bore all of the rates: no tier divides it.
    pub(crate) fn borne_by_base(&self) -> bool {
        self.averages.iter().all(|one| one.is_whole() && Some(one.average) == self.base)
    }

    /// The balances of the days on which the periodic rate was imposed: where one balance bears it, that one on each day.
    pub(crate) fn sum_bearing_interest(&self, interest: &InterestTerms, days: u32) -> Cents {
        if !interest.by_day() {
            return Cents::new(self.unspared.or_zero().get().saturating_mul(days.into()));
        }
        self.sum_of_daily_balances
    }
}

impl State {
    pub(crate) fn interest_line(&self, terms: &Terms, balance: &Balance) -> InterestLine {
        let interest = &terms.product.interest_of(balance.feature);
        let grace = self.grace_outcome_at_close(terms, balance);
        let next = self.day.checked_add_days(Days::new(1)).unwrap_or(self.day);
        let deferred = balance.deferred_due(next, self.cycle.since_opening() + 1);
        let priced = balance.price(terms, grace, &self.cycle);
        let own = if grace == GraceOutcome::Spared {
            0
        } else {
            balance.numerator_of(terms, &priced, grace)
        };
        let numerator = own + deferred + balance.spared_before;
        let (base, unspared) = base_of(terms, balance, &priced, grace);
        let (days, average) = (priced.days, priced.average(interest.average_rounding));
        let told = balance.told(terms, priced, grace);
        // Of one balance also the days before it began.
        let of_one: i64 = told.segments.iter().map(Segment::days).sum();
        let days = if interest.by_day() { days } else { u32::try_from(of_one).unwrap_or(days) };
        let all = balance.price(terms, GraceOutcome::Charged, &self.cycle).sum_of_balances();
        InterestLine {
            feature: balance.name.clone(),
            apr: told.reached.unwrap_or_else(|| balance.apr_on(terms, self.day, &self.cycle)),
            days,
            average_balance: base.unwrap_or(average),
            sum_of_daily_balances: all,
            numerator,
            deferred,
            spared_before: balance.spared_before,
            amount: rate::to_cents(numerator, interest.rounding),
            shared: Cents::ZERO,
            promotion_deferred: balance.still_deferred(next, self.cycle.since_opening() + 1),
            prepaid: Cents::ZERO,
            base,
            unspared,
            opening: balance.opening,
            repaid: balance.repaid,
            averages: told.averages,
            grace,
            segments: told.segments,
        }
    }
}

/// The one balance that bears the interest of the cycle, where there is one, with and without what grace spares.
fn base_of(
    terms: &Terms,
    balance: &Balance,
    priced: &Priced,
    outcome: GraceOutcome,
) -> (Option<Cents>, Cents) {
    let interest = &terms.product.interest_of(balance.feature);
    let average = priced.average(interest.average_rounding);
    let rounded = interest.round_average.then(|| priced.one_average(interest.average_rounding));
    match interest.balance {
        BalanceMethod::DailyBalance => (None, Cents::ZERO),
        BalanceMethod::AverageDailyBalance => (rounded.flatten(), average),
        _ => {
            let unspared = balance.one_balance(interest, outcome).1;
            (Some(balance.base(interest, outcome)), unspared)
        }
    }
}
