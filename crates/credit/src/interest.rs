//! Interest: what a day costs, and the one rounding per feature and cycle (12 CFR 1026.14(b); docs/engine.md).
//!
//! Days are kept as they were lived (`Span`) and priced when they are asked for, because what grace spares is known only later.

mod averages;
mod priced;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use money::{Apr, Cents};
use serde::{Deserialize, Serialize};

use crate::{
    Product, Terms,
    balance::{Balance, Span},
    product::{BalanceMethod, Compounding, Feature, InterestTerms, Period, RoundedAt, RoundedPer},
    rate::{self, DENOMINATOR},
    state::{OpenCycle, State},
};

pub use averages::AverageAtRate;
pub(crate) use averages::Told;
pub(crate) use priced::Priced;

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
    /// Both, of two statements: all but the draws of the cycle, and what was paid by the first due date counts as paid on the first day.
    LostAndRegained,
}

/// Nano-cents: as fine as balances are kept where interest joins them.
pub(crate) const NANO: i128 = 1_000_000_000;

/// A billion dollars: what is beyond is no interest that anybody charges, and the line is refused at the close.
const MOST: i128 = 100_000_000_000 * DENOMINATOR;

impl State {
    /// Adds the day being lived to the days that bear interest.
    pub(crate) fn accrue_day(&mut self, terms: &Terms) {
        for at in 0..self.balances.len() {
            if let Some(span) = self.span_of_today(terms, at)
                && let Some(balance) = self.balances.get_mut(at)
            {
                balance.accrue(terms, span, &self.cycle);
            }
        }
    }

    /// A balance that begins within a cycle has nothing on the days before: its average is of the whole cycle, as that of any other.
    pub(crate) fn begin_balance(&mut self, terms: &Terms, balance: Balance) {
        let at = self.balances.len();
        self.balances.push(balance);
        let (from, before) = (self.cycle.starts_on, self.day.pred_opt());
        let before = before.filter(|before| *before >= from);
        let span = before.zip(self.span_of_today(terms, at));
        if let Some((through, span)) = span
            && let Some(balance) = self.balances.get_mut(at)
        {
            balance.keep(Span { from, through, ..span });
        }
    }

    /// A further balance of a feature, at the rates of its last one.
    pub(crate) fn further_balance(&self, terms: &Terms, feature: usize) -> Balance {
        let mut before = self.balances.iter().filter(|balance| balance.feature == feature);
        let nth = before.clone().count() + 1;
        let last =
            before.next_back().map(|last| (last.apr, last.rates.clone(), last.variable.clone()));
        let (apr, rates, variable) = last.unwrap_or_default();
        let of = terms.product.features.get(feature);
        let name = format!("{} {nth}", of.map(|of| of.name.as_str()).unwrap_or_default());
        let promotion = terms.promotion_of(feature, self.day);
        Balance { rates, variable, promotion, ..Balance::empty(name, feature, apr) }
    }

    fn span_of_today(&self, terms: &Terms, at: usize) -> Option<Span> {
        let balance = self.balances.get(at)?;
        Some(Span {
            from: self.day,
            through: self.day,
            carried: balance.carried,
            fresh: balance.fresh,
            charges: self.bearing_charges(terms, at),
            prepaid: balance.prepaid,
            rounds: balance.rounds,
            fell_due: balance.deferred_due(self.day, self.cycle.since_opening()),
            rate: balance.rate_on(terms, self.day, &self.cycle),
            contract: balance.contract_rate(balance.principal(), terms, (self.day, &self.cycle)),
        })
    }

    /// Unpaid interest and fees that bear interest with balance `at`, where the product says so. What a credit balance covers bears
    /// none: it pays them at the close, in the order of the balances.
    pub(crate) fn bearing_charges(&self, terms: &Terms, at: usize) -> Cents {
        let own = self.unpaid_charges(terms, at);
        if own.is_zero() || self.credit_balance.is_zero() {
            return own;
        }
        let before: Cents = (0..at).map(|earlier| self.unpaid_charges(terms, earlier)).sum();
        (own - (self.credit_balance - before).or_zero()).or_zero()
    }

    fn unpaid_charges(&self, terms: &Terms, at: usize) -> Cents {
        let interest = &terms.product.interest;
        let mut extra = Cents::ZERO;
        if interest.on_billed_interest {
            let mine = self.interest.iter().filter(|billed| billed.balance == at);
            extra += mine.map(|billed| billed.unpaid).sum();
        }
        if interest.on_fees {
            let mine = self.fees.iter().filter(|fee| fee.balance == at);
            extra += mine
                .filter(|fee| interest.on_new_fees || fee.billed_in.is_some())
                .map(|fee| fee.unpaid)
                .sum();
        }
        extra
    }

    pub(crate) fn charges_by_balance(&self, terms: &Terms) -> Vec<Cents> {
        (0..self.balances.len()).map(|at| self.bearing_charges(terms, at)).collect()
    }

    /// Interest of the open cycle through the day before, in cents, less what of it is already paid.
    pub(crate) fn accrued(&self, terms: &Terms) -> Cents {
        self.accrued_by_balance(terms).into_iter().sum()
    }

    /// The same by balance, in their order.
    pub(crate) fn accrued_by_balance(&self, terms: &Terms) -> Vec<Cents> {
        let of = |balance: &Balance| self.accrued_numerator(terms, balance);
        let numerators: Vec<i128> = self.balances.iter().map(of).collect();
        let shares = self.rounded(terms, &numerators);
        let groups = self.rounded_together(terms);
        let mut left: BTreeMap<_, Cents> = BTreeMap::new();
        for ((group, share), balance) in groups.iter().zip(&shares).zip(&self.balances) {
            *left.entry(*group).or_default() += *share - balance.prepaid;
        }
        let accrued = groups.iter().zip(&shares).zip(&self.balances);
        accrued
            .map(|((group, share), balance)| {
                let left = left.entry(*group).or_default();
                let part = (*share - balance.prepaid).min(*left).or_zero();
                *left -= part;
                part
            })
            .collect()
    }

    /// Interest in cents, by balance: what the one rounding of a feature grows by with each, so that they sum to it.
    pub(crate) fn rounded(&self, terms: &Terms, numerators: &[i128]) -> Vec<Cents> {
        let rounding = terms.product.interest.rounding;
        let mut sums: BTreeMap<_, i128> = BTreeMap::new();
        let groups = self.rounded_together(terms).into_iter().zip(numerators);
        groups
            .map(|(group, numerator)| {
                let sum = sums.entry(group).or_default();
                let before = rate::to_cents(*sum, rounding);
                *sum += numerator;
                rate::to_cents(*sum, rounding) - before
            })
            .collect()
    }

    /// By balance: equal ones are rounded as one. A draw with instalments or a promotion of its own is a balance of its own.
    fn rounded_together(&self, terms: &Terms) -> Vec<(bool, usize)> {
        let as_one = terms.product.interest.rounds_features();
        let by_draw = |at: usize| {
            let of = terms.product.features.get(at);
            of.is_some_and(|of| {
                of.instalments.is_some() || of.promotion.is_some_and(|one| one.ends_by_draw())
            })
        };
        let group = |(at, balance): (usize, &Balance)| {
            let alone = !as_one || by_draw(balance.feature);
            (alone, if alone { at } else { balance.feature })
        };
        self.balances.iter().enumerate().map(group).collect()
    }

    pub(crate) fn accrued_numerator(&self, terms: &Terms, balance: &Balance) -> i128 {
        let outcome = self.grace_outcome(terms, balance);
        balance.numerator(terms, outcome, &self.cycle)
            + balance.deferred_due(self.day, self.cycle.since_opening())
            + balance.spared_before
    }

    /// The days of the open cycle, as grace stands.
    pub(crate) fn told(&self, terms: &Terms, balance: &Balance) -> Told {
        let outcome = self.grace_outcome(terms, balance);
        balance.told(terms, balance.price(terms, outcome, &self.cycle), outcome)
    }

    /// What the day being lived will cost if nothing more happens, in `DENOMINATOR`ths of a cent. Where grace ends with the day,
    /// that is a day without grace: the days before are no part of it.
    pub(crate) fn per_diem(&self, terms: &Terms) -> i128 {
        let tomorrow = self.day.succ_opt().unwrap_or(self.day).min(self.cycle.closes_on);
        // Where a day of the calendar counts as none or as several, a counted day is told.
        let basis = terms.product.interest.day_basis;
        let mut ahead = self.day.iter_days().take(4);
        let counted = ahead.find(|day| basis.counted(*day, *day) == 1).unwrap_or(self.day);
        let of = |at: usize| -> Option<i128> {
            let balance = self.balances.get(at)?;
            let outcome = self.grace_outcome_on(tomorrow, terms, balance);
            let before = balance.numerator(terms, outcome, &self.cycle);
            let today = self.span_of_today(terms, at)?;
            let rounding = terms.product.interest.rounding;
            let whole = || i128::from(rate::to_cents(before, rounding).get()) * DENOMINATOR;
            // Of a day before which a payment rounds, the rounding is no part.
            let before = if today.rounds { whole() } else { before };
            let mut after = balance.clone();
            after.spans.push(Span { from: counted, through: counted, ..today });
            Some((after.numerator(terms, outcome, &self.cycle) - before).max(0))
        };
        (0..self.balances.len()).filter_map(of).sum()
    }
}

impl Balance {
    fn accrue(&mut self, terms: &Terms, today: Span, cycle: &OpenCycle) {
        self.defer(terms, (today.from, &today), cycle);
        self.rounds = false;
        self.keep(today);
    }

    fn keep(&mut self, day: Span) {
        self.begin_at(&day);
        match self.spans.last_mut() {
            Some(last) if last.continues(&day) => last.through = day.through,
            _ => self.spans.push(day),
        }
    }

    /// On the first day with a balance: the empty ones of the cycle before it were at no other rate, so that the average is one of the
    /// whole cycle though a promotion begins with the draw.
    fn begin_at(&mut self, day: &Span) {
        let begins = day.is_owed() && !day.rate.tiered && self.opening.is_zero();
        if begins && self.spans.iter().all(Span::is_empty) {
            for span in &mut self.spans {
                (span.rate, span.contract) = (day.rate, day.contract);
            }
            let through = self.spans.last().map(|last| last.through);
            self.spans.truncate(1);
            if let Some((only, through)) = self.spans.first_mut().zip(through) {
                only.through = through;
            }
        }
    }

    /// Keeps in mind what the day would have cost without a promotion that defers, interest on it included where interest
    /// compounds.
    fn defer(&mut self, terms: &Terms, (day, span): (NaiveDate, &Span), cycle: &OpenCycle) {
        let Some(promotion) = self.promotion.filter(|promotion| promotion.deferred) else { return };
        let principal = span.carried + span.fresh;
        if !promotion.holds(day, cycle.since_opening()) || principal.is_zero() {
            return;
        }
        let interest = &terms.product.interest;
        let mut nano = i128::from((principal + span.charges).get()) * NANO;
        if interest.compounding == Compounding::Daily {
            nano += self.deferred / (DENOMINATOR / NANO);
        }
        let feature = terms.product.features.get(self.feature);
        let cost = priced::cost(nano, span.contract, feature, |apr| interest.rate_of(apr, day));
        self.deferred = (self.deferred + cost / interest.parts(cycle)).min(MOST);
    }

    /// At the end of a day: what is deferred is forgotten once nothing is owed.
    pub(crate) fn forget_deferred(&mut self, day: NaiveDate, cycle: u32) {
        if self.may_forget(day, cycle) && self.principal().is_zero() {
            self.deferred = 0;
            self.deferred_before = 0;
        }
    }

    /// What is deferred has not fallen due yet.
    fn may_forget(&self, day: NaiveDate, cycle: u32) -> bool {
        self.promotion.is_some_and(|one| one.deferred && one.holds(day, cycle))
    }

    /// The days of the open cycle again, at the rates that an index gives them that was not known when they were lived.
    pub(crate) fn rate_again(&mut self, terms: &Terms, cycle: &OpenCycle) {
        self.deferred = self.deferred_before;
        for span in std::mem::take(&mut self.spans) {
            for day in span.days() {
                let principal = span.carried + span.fresh;
                let again = Span {
                    from: day,
                    through: day,
                    rate: self.rate_of(principal, terms, (day, cycle)),
                    contract: self.contract_rate(principal, terms, (day, cycle)),
                    rounds: span.rounds && day == span.from,
                    ..span.clone()
                };
                if self.may_forget(day, cycle.since_opening()) && principal.is_zero() {
                    self.deferred = 0;
                }
                self.defer(terms, (day, &again), cycle);
                self.keep(again);
            }
        }
    }
}

impl InterestTerms {
    fn rounds_features(&self) -> bool {
        self.rounded_per == RoundedPer::Feature && self.rounded_at == RoundedAt::Close
    }

    /// Draws of a cycle are in the balance that bears its interest.
    pub(crate) const fn bears_on_new_draws(&self) -> bool {
        match self.balance {
            BalanceMethod::DailyBalance | BalanceMethod::AverageDailyBalance => self.new_draws,
            BalanceMethod::EndingBalance => true,
            BalanceMethod::PreviousBalance | BalanceMethod::AdjustedBalance => false,
        }
    }

    /// What a day costs, or a month that is to be divided into `parts`.
    pub(crate) fn rate_of(&self, apr: Apr, day: NaiveDate) -> i128 {
        match self.period {
            Period::Daily => rate::of_day(apr, self.day_basis, self.rate_digits, day),
            Period::Monthly => rate::monthly(apr, self.rate_digits),
        }
    }

    /// The periodic rate as it is told: of a counted day, or of a month.
    pub(crate) fn periodic_rate(&self, apr: Apr, day: NaiveDate) -> i128 {
        match self.period {
            Period::Daily => rate::daily(apr, self.day_basis, self.rate_digits, day),
            Period::Monthly => rate::monthly(apr, self.rate_digits),
        }
    }

    /// With the balance of a feature, where it has its own.
    pub(crate) fn of(&self, feature: &Feature) -> Self {
        let balance = feature.balance.unwrap_or(self.balance);
        let new_draws = feature.new_draws.unwrap_or(self.new_draws);
        Self { balance, new_draws, ..*self }
    }

    /// As a statement names it (App. G-1).
    fn method_text(&self) -> String {
        let method = match self.balance {
            BalanceMethod::DailyBalance => "daily balance",
            BalanceMethod::AverageDailyBalance => "average daily balance",
            BalanceMethod::PreviousBalance => return "previous balance".to_owned(),
            BalanceMethod::AdjustedBalance => return "adjusted balance".to_owned(),
            BalanceMethod::EndingBalance => return "ending balance".to_owned(),
        };
        let which = if self.new_draws { "including" } else { "excluding" };
        format!("{method} ({which} current transactions)")
    }

    fn parts(&self, cycle: &OpenCycle) -> i128 {
        match self.period {
            Period::Daily => 1,
            Period::Monthly => {
                i128::from((cycle.closes_on - cycle.starts_on).num_days() + 1).max(1)
            }
        }
    }
}

impl Product {
    /// New draws are no part of the balance that bears interest, on every feature whose draws bear a fee: on all, where none is
    /// said to. Where such features differ, none counts as apart, which holds the charges to the lower base.
    pub(crate) fn leaves_fee_draws_out(&self) -> bool {
        let some = self.features.iter().any(|one| one.fee.is_some());
        let mut concerned = self.features.iter().filter(|one| one.fee.is_some() || !some);
        concerned.all(|one| !self.interest.of(one).bears_on_new_draws())
    }

    /// How the balances that bear interest are found, as a statement names it (App. G-1): by feature, where they differ.
    pub(crate) fn method_text(&self) -> String {
        let own = |of: &Feature| self.interest.of(of).method_text();
        let differ = self.features.iter().any(|of| self.interest.of(of) != self.interest);
        if !differ {
            return self.interest.method_text();
        }
        let named = |of: &Feature| format!("{}: {}", of.name.replace('_', " "), own(of));
        self.features.iter().map(named).collect::<Vec<_>>().join("; ")
    }
}

impl Span {
    fn days(&self) -> impl Iterator<Item = NaiveDate> {
        let through = self.through;
        self.from.iter_days().take_while(move |day| *day <= through)
    }

    fn is_owed(&self) -> bool {
        (self.carried + self.fresh + self.charges).is_positive()
    }

    fn is_empty(&self) -> bool {
        !self.is_owed() && self.prepaid.is_zero() && self.fell_due == 0 && !self.rounds
    }

    fn continues(&self, today: &Self) -> bool {
        let same = Self { from: self.from, through: self.through, ..today.clone() };
        *self == same
    }
}
