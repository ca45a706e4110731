//! Interest: what a day costs, and the one rounding per feature and cycle (12 CFR 1026.14(b); docs/engine.md).
//!
//! Days are kept as they were lived (`Span`) and priced when they are asked for, because what grace spares is known only later.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use money::{Apr, Cents, Rounding, divide};
use serde::{Deserialize, Serialize};

use crate::{
    Terms,
    balance::{Balance, DayRate, Span},
    product::{
        BalanceMethod, Compounding, Feature, InterestTerms, Period, RoundedAt, RoundedPer, TiersOn,
    },
    rate::{self, DENOMINATOR},
    state::{OpenCycle, Segment, State},
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
    /// Both, of two statements: all but the draws of the cycle, and what was paid by the first due date counts as paid on the first day.
    LostAndRegained,
}

/// Nano-cents: as fine as balances are kept where interest joins them.
const NANO: i128 = 1_000_000_000;

/// A billion dollars: what is beyond is no interest that anybody charges, and the line is refused at the close.
const MOST: i128 = 100_000_000_000 * DENOMINATOR;

/// The days of a cycle, priced.
#[derive(Clone, Debug, Default)]
pub(crate) struct Priced {
    /// In `DENOMINATOR`ths of a cent.
    pub(crate) numerator: i128,
    /// Sum of the daily balances, in nano-cents.
    balances: i128,
    /// Sum of the rates of the days.
    rates: i128,
    pub(crate) days: u32,
    /// Into how many parts a day's rate is still to be divided: of a monthly rate, the days of the cycle.
    parts: i128,
    pub(crate) segments: Vec<Segment>,
}

impl Priced {
    /// The periodic rates of the days, added up.
    pub(crate) fn rates(&self) -> i128 {
        divide(self.rates, self.parts.max(1), Rounding::HalfUp).unwrap_or_default()
    }

    pub(crate) fn sum_of_balances(&self) -> Cents {
        Cents::from_ratio(self.balances, NANO, Rounding::HalfUp).unwrap_or_default()
    }

    pub(crate) fn average(&self, rounding: Rounding) -> Cents {
        let days = i128::from(self.days.max(1));
        Cents::from_ratio(self.balances.max(0), days * NANO, rounding).unwrap_or_default()
    }

    /// What the days so far come to, in whole cents.
    fn round(&mut self, rounding: Rounding) {
        let whole = i128::from(rate::to_cents(self.numerator, rounding).get()) * DENOMINATOR;
        if let Some(last) = self.segments.last_mut() {
            last.numerator += whole - self.numerator;
            last.rounded = true;
        }
        self.numerator = whole;
    }

    fn add(&mut self, day: NaiveDate, (nano, apr, daily): (i128, Apr, i128), cost: i128) {
        self.numerator = (self.numerator + cost).min(MOST);
        self.balances += nano;
        self.rates += daily;
        self.days += 1;
        let balance = Cents::from_ratio(nano, NANO, Rounding::HalfUp).unwrap_or_default();
        match self.segments.last_mut() {
            Some(last) if last.balance == balance && last.apr == apr && !last.rounded => {
                last.through = day;
                last.numerator += cost;
            }
            _ => self.segments.push(Segment {
                rounded: false,
                from: day,
                through: day,
                balance,
                apr,
                numerator: cost,
            }),
        }
    }
}

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
            rate: balance.rate_on(terms, self.day, &self.cycle),
            contract_apr: balance.contract_apr(self.day, &self.cycle),
        })
    }

    /// Unpaid interest and fees that bear interest with balance `at`, where the product says so.
    pub(crate) fn bearing_charges(&self, terms: &Terms, at: usize) -> Cents {
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
            + balance.deferred_due(self.day, self.cycle.number)
            + balance.spared_before
    }

    /// The days of the open cycle, as grace stands.
    pub(crate) fn priced(&self, terms: &Terms, balance: &Balance) -> Priced {
        balance.price(terms, self.grace_outcome(terms, balance), &self.cycle)
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
        self.defer(&terms.product.interest, &today, cycle);
        self.rounds = false;
        match self.spans.last_mut() {
            Some(last) if last.continues(&today) => last.through = today.through,
            _ => self.spans.push(today),
        }
    }

    /// Keeps in mind what the day would have cost without a promotion that defers, interest on it included where interest
    /// compounds; forgets it all once nothing is owed.
    fn defer(&mut self, interest: &InterestTerms, today: &Span, cycle: &OpenCycle) {
        let Some(promotion) = self.promotion.filter(|promotion| promotion.deferred) else { return };
        if !promotion.holds(today.from, cycle.number) {
            return;
        }
        if self.principal().is_zero() {
            self.deferred = 0;
            return;
        }
        let mut nano = i128::from((self.principal() + today.charges).get()) * NANO;
        if interest.compounding == Compounding::Daily {
            nano += self.deferred / (DENOMINATOR / NANO);
        }
        let cost = nano * interest.rate_of(today.contract_apr, today.from) / NANO;
        self.deferred = (self.deferred + cost / interest.parts(cycle)).min(MOST);
    }

    /// What a day's balance is, in cents, once it is known what grace spares.
    fn bearing(
        &self,
        interest: &InterestTerms,
        span: &Span,
        day: NaiveDate,
        outcome: GraceOutcome,
    ) -> Cents {
        let fresh = if interest.new_draws { span.fresh } else { Cents::ZERO };
        let all = span.carried + span.charges + fresh;
        let relieved =
            || self.reliefs.iter().filter(|one| one.on > day).map(|one| one.amount).sum::<Cents>();
        let less = match outcome {
            GraceOutcome::Spared => all,
            GraceOutcome::Charged => Cents::ZERO,
            GraceOutcome::Lost => relieved(),
            GraceOutcome::Regained => fresh,
            GraceOutcome::LostAndRegained => fresh + relieved(),
        };
        (all - less).or_zero()
    }

    pub(crate) fn price(&self, terms: &Terms, outcome: GraceOutcome, cycle: &OpenCycle) -> Priced {
        let interest = &terms.product.interest;
        let feature = terms.product.features.get(self.feature);
        let mut priced = Priced { parts: interest.parts(cycle), ..Priced::default() };
        for span in &self.spans {
            if span.rounds {
                priced.round(interest.rounding);
            }
            for day in span.days() {
                let mut nano = i128::from(self.bearing(interest, span, day, outcome).get()) * NANO;
                if interest.compounding == Compounding::Daily {
                    let joined = priced.numerator / (DENOMINATOR / NANO);
                    nano += (joined - i128::from(span.prepaid.get()) * NANO).max(0);
                }
                let of = |apr| interest.rate_of(apr, day);
                let cost = cost(nano, span.rate, feature, of);
                let cost = round_day(cost, interest.daily_decimals);
                priced.add(day, (nano, span.rate.apr, of(span.rate.apr)), cost);
            }
        }
        for segment in &mut priced.segments {
            segment.numerator /= priced.parts;
        }
        priced
    }

    /// Interest of the days accrued so far, in `DENOMINATOR`ths of a cent.
    pub(crate) fn numerator(
        &self,
        terms: &Terms,
        outcome: GraceOutcome,
        cycle: &OpenCycle,
    ) -> i128 {
        if outcome == GraceOutcome::Spared {
            return 0;
        }
        self.numerator_of(terms, &self.price(terms, outcome, cycle), outcome)
    }

    pub(crate) fn numerator_of(
        &self,
        terms: &Terms,
        priced: &Priced,
        outcome: GraceOutcome,
    ) -> i128 {
        let interest = &terms.product.interest;
        let rate = self.spans.last().map_or_else(DayRate::default, |span| span.rate);
        let base = match interest.balance {
            BalanceMethod::PreviousBalance
            | BalanceMethod::AdjustedBalance
            | BalanceMethod::EndingBalance => self.one_balance(interest, outcome).0,
            BalanceMethod::AverageDailyBalance if interest.round_average => {
                priced.average(interest.average_rounding)
            }
            BalanceMethod::AverageDailyBalance if rate.tiered => {
                let average = priced.balances / i128::from(priced.days.max(1));
                return self.at_all_rates(terms, priced, average, rate);
            }
            BalanceMethod::DailyBalance | BalanceMethod::AverageDailyBalance => {
                return divide(priced.numerator, priced.parts, Rounding::HalfUp)
                    .unwrap_or_default();
            }
        };
        let nano = i128::from(base.or_zero().get()) * NANO;
        self.at_all_rates(terms, priced, nano, rate)
    }

    /// The balance of a moment that bears the interest of the cycle, less what grace spares, and with it.
    pub(crate) fn one_balance(
        &self,
        interest: &InterestTerms,
        outcome: GraceOutcome,
    ) -> (Cents, Cents) {
        let lost = matches!(outcome, GraceOutcome::Lost | GraceOutcome::LostAndRegained);
        let regained = matches!(outcome, GraceOutcome::Regained | GraceOutcome::LostAndRegained);
        let relieved = self.reliefs.iter().map(|one| one.amount).sum();
        let relieved = if lost { relieved } else { Cents::ZERO };
        let fresh = if regained { self.fresh } else { Cents::ZERO };
        let (all, spared) = match interest.balance {
            BalanceMethod::PreviousBalance => (self.opening, relieved),
            BalanceMethod::AdjustedBalance => (self.opening - self.repaid, Cents::ZERO),
            _ => {
                let charges = self.spans.last().map(|span| span.charges).unwrap_or_default();
                (self.principal() + charges, fresh)
            }
        };
        ((all - spared).or_zero(), all)
    }

    /// A balance in nano-cents at the rates of all days of the cycle.
    fn at_all_rates(&self, terms: &Terms, priced: &Priced, nano: i128, rate: DayRate) -> i128 {
        let interest = &terms.product.interest;
        let days = || self.spans.iter().flat_map(Span::days);
        let of = |apr: Apr| {
            if rate.tiered {
                days().map(|day| interest.rate_of(apr, day)).sum()
            } else {
                priced.rates
            }
        };
        let cost = cost(nano, rate, terms.product.features.get(self.feature), of);
        divide(cost, priced.parts, Rounding::HalfUp).unwrap_or_default()
    }
}

impl InterestTerms {
    fn rounds_features(&self) -> bool {
        let average = self.balance == BalanceMethod::AverageDailyBalance && !self.round_average;
        self.rounded_per == RoundedPer::Feature
            && self.rounded_at == RoundedAt::Close
            && (average || self.balance == BalanceMethod::DailyBalance)
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

    /// As a statement names it (App. G-1).
    pub(crate) fn method_text(&self) -> String {
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

impl Span {
    fn days(&self) -> impl Iterator<Item = NaiveDate> {
        let through = self.through;
        self.from.iter_days().take_while(move |day| *day <= through)
    }

    fn continues(&self, today: &Self) -> bool {
        let same = Self { from: self.from, through: self.through, ..today.clone() };
        *self == same
    }
}

/// Interest on a balance in nano-cents, in `DENOMINATOR`ths of a cent: at one rate, or by the tiers of the feature.
fn cost(nano: i128, rate: DayRate, feature: Option<&Feature>, of: impl Fn(Apr) -> i128) -> i128 {
    let tiered = feature.filter(|feature| rate.tiered && !feature.tiers.is_empty());
    let at = |nano: i128, apr: Apr| (nano.saturating_mul(of(apr)) / NANO).min(MOST);
    let Some(feature) = tiered else { return at(nano, rate.apr) };
    let capped = |apr: Apr| rate.cap.map_or(apr, |cap| apr.min(cap));
    let top = |up_to: Option<Cents>| up_to.map_or(i128::MAX, |top| i128::from(top.get()) * NANO);
    let mut below = 0;
    let mut sum = 0;
    for tier in &feature.tiers {
        let upper = top(tier.up_to).min(nano);
        if feature.tiers_on == TiersOn::Whole && nano <= top(tier.up_to) {
            return at(nano, capped(tier.apr));
        }
        sum += at((upper - below).max(0), capped(tier.apr));
        below = below.max(upper);
    }
    sum
}

fn round_day(numerator: i128, decimals: Option<u32>) -> i128 {
    let Some(decimals) = decimals.filter(|decimals| *decimals >= 2) else { return numerator };
    let unit = DENOMINATOR / 10_i128.pow((decimals - 2).min(8));
    divide(numerator, unit, Rounding::HalfUp).unwrap_or_default() * unit
}
