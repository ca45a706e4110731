//! The days of a cycle, priced: by day, by the average of the days at one rate, or as one balance at the rates of the cycle.
//!
//! Invariant: days at different rates bear each their own (docs/engine.md); an average is of the days at one rate.

use chrono::NaiveDate;
use money::{Apr, Cents, Rounding, divide};

use super::{
    GraceOutcome, MOST, NANO,
    averages::{self, AtRate, average},
};
use crate::{
    Terms,
    balance::{Balance, DayRate, Relief, Span},
    discount::discounted,
    product::{
        BalanceAt, BalanceMethod, Compounding, Feature, InterestTerms, RoundedAt, Tier, TiersOn,
    },
    rate::{self, DENOMINATOR, DayBasis},
    state::{OpenCycle, Segment},
};

/// The days of a cycle, priced.
#[derive(Clone, Debug, Default)]
pub(crate) struct Priced {
    /// In `DENOMINATOR`ths of a cent.
    pub(crate) numerator: i128,
    /// Sum of the daily balances, in nano-cents.
    balances: i128,
    pub(crate) days: u32,
    /// Into how many parts a day's rate is still to be divided: of a monthly rate, the days of the cycle.
    pub(super) parts: i128,
    pub(super) segments: Vec<Segment>,
    /// The days again, by rate; of daily balances only where tiers slice them, by the rate of the tier.
    pub(super) at_rates: Vec<AtRate>,
}

impl Priced {
    pub(crate) fn sum_of_balances(&self) -> Cents {
        Cents::from_ratio(self.balances, NANO, Rounding::HalfUp).unwrap_or_default()
    }

    pub(crate) fn average(&self, rounding: Rounding) -> Cents {
        average(self.balances, usize::try_from(self.days).unwrap_or(1), rounding)
    }

    pub(super) fn tiered(&self) -> bool {
        self.at_rates.iter().any(|one| one.rate.tiered)
    }

    /// Where one rounded average at one rate bears the interest of the cycle.
    pub(crate) fn one_average(&self, rounding: Rounding) -> Option<Cents> {
        let one = self.at_rates.len() <= 1 && !self.tiered();
        one.then(|| self.average(rounding))
    }

    /// The days come to what is charged, each on all of its balance.
    pub(super) fn bears_by_day(&self, terms: &Terms, feature: usize) -> bool {
        let interest = &terms.product.interest_of(feature);
        let by_payments = interest.rounded_at == RoundedAt::Payments;
        match interest.balance {
            BalanceMethod::DailyBalance => self.at_rates.is_empty(),
            // Where payments round, the days before them are whole cents already.
            BalanceMethod::AverageDailyBalance => {
                let days = |one: &AtRate| one.cost_of_average(terms, feature) == one.numerator;
                let exact = by_payments || self.at_rates.iter().all(days);
                !interest.round_average && !self.tiered() && exact
            }
            _ => false,
        }
    }

    fn count(
        &mut self,
        interest: &InterestTerms,
        feature: Option<&Feature>,
        (day, rate): (NaiveDate, DayRate),
        (nano, cost): (i128, i128),
    ) {
        let (groups, basis) = (&mut self.at_rates, interest.day_basis);
        if interest.balance != BalanceMethod::DailyBalance {
            averages::count(groups, basis, (day, rate), (nano, cost));
        } else if feature.is_some_and(Feature::slices_by_tiers) {
            let mut parts: Vec<(Apr, i128, i128)> = Vec::new();
            each_slice(nano, rate, feature, |apr, part| {
                let cost = at(part, interest.rate_of(apr, day));
                match parts.iter_mut().find(|(of, ..)| *of == apr) {
                    Some((_, all, costs)) => (*all, *costs) = (*all + part, *costs + cost),
                    None => parts.push((apr, part, cost)),
                }
            });
            for (apr, part, cost) in parts {
                let rate = DayRate { apr, ..DayRate::default() };
                averages::count(groups, basis, (day, rate), (part, cost));
            }
        }
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

    fn add(&mut self, basis: DayBasis, day: NaiveDate, (nano, rate, cost): (i128, DayRate, i128)) {
        self.numerator = (self.numerator + cost).min(MOST);
        self.balances += nano;
        self.days += 1;
        let balance = Cents::from_ratio(nano, NANO, Rounding::HalfUp).unwrap_or_default();
        Segment::add(&mut self.segments, basis, day, (balance, rate, cost));
    }
}

impl Segment {
    /// A day more, with its balance, its rate and what it costs.
    pub(super) fn add(
        segments: &mut Vec<Self>,
        basis: DayBasis,
        day: NaiveDate,
        (balance, rate, cost): (Cents, DayRate, i128),
    ) {
        let (apr, autopay_discount) = (rate.apr, rate.discount);
        let same_part =
            |last: &Self| basis != DayBasis::Actual || last.through.leap_year() == day.leap_year();
        match segments.last_mut() {
            Some(last)
                if (last.balance, last.apr, last.autopay_discount)
                    == (balance, apr, autopay_discount)
                    && same_part(last)
                    && !last.rounded =>
            {
                last.through = day;
                last.numerator += cost;
            }
            _ => segments.push(Self {
                rounded: false,
                from: day,
                through: day,
                balance,
                apr,
                autopay_discount,
                numerator: cost,
            }),
        }
    }
}

impl Balance {
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
        // A payment is still in the balance with which its day began.
        let counts = |one: &&Relief| match interest.balance_at {
            BalanceAt::EndOfDay => one.on > day,
            BalanceAt::StartOfDay => one.on >= day,
        };
        let relieved = || self.reliefs.iter().filter(counts).map(|one| one.amount).sum::<Cents>();
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
        let interest = &terms.product.interest_of(self.feature);
        let feature = terms.product.features.get(self.feature);
        let mut priced = Priced { parts: interest.parts(cycle), ..Priced::default() };
        for span in &self.spans {
            if span.rounds {
                priced.round(interest.rounding);
            }
            for day in span.days() {
                let mut nano = i128::from(self.bearing(interest, span, day, outcome).get()) * NANO;
                // A cycle that grace spares has no interest that could bear any; what falls due in it is owed as it is.
                if interest.compounding == Compounding::Daily && outcome != GraceOutcome::Spared {
                    let joined = (priced.numerator + span.fell_due) / (DENOMINATOR / NANO);
                    nano += (joined - i128::from(span.prepaid.get()) * NANO).max(0);
                }
                let of = |apr| interest.rate_of(apr, day);
                let cost = round_day(cost(nano, span.rate, feature, of), interest);
                priced.count(interest, feature, (day, span.rate), (nano, cost));
                let apr = reached(nano, span.rate, feature);
                priced.add(interest.day_basis, day, (nano, DayRate { apr, ..span.rate }, cost));
            }
        }
        for segment in &mut priced.segments {
            segment.numerator /= priced.parts;
        }
        if interest.balance == BalanceMethod::EndingBalance {
            self.rate_the_whole_cycle(terms, &mut priced, cycle);
        }
        priced
    }

    /// What is owed at the close bears the rates of the whole cycle, of the days before it was drawn too.
    fn rate_the_whole_cycle(&self, terms: &Terms, priced: &mut Priced, cycle: &OpenCycle) {
        let Some(last) = self.spans.last().map(|span| span.through) else { return };
        let days = cycle.starts_on.iter_days().take_while(|day| *day <= last);
        priced.at_rates.clear();
        for day in days {
            let rate = self.rate_for_the_close(terms, day, cycle);
            averages::count(
                &mut priced.at_rates,
                terms.product.interest.day_basis,
                (day, rate),
                (0, 0),
            );
        }
    }

    /// As the day was lived; before a balance was, as it would have been.
    fn rate_for_the_close(&self, terms: &Terms, day: NaiveDate, cycle: &OpenCycle) -> DayRate {
        let lived = self.spans.iter().find(|span| span.from <= day && day <= span.through);
        let of = terms.product.features.get(self.feature);
        let by_draw = of.and_then(|of| of.promotion).is_some_and(|one| one.ends_by_draw());
        // Only its draw gave the balance the promotion.
        let before_draw = |span: &&Span| by_draw && (span.carried + span.fresh).is_zero();
        match lived.filter(|span| !before_draw(span)) {
            Some(span) => span.rate,
            None => self.rate_on(terms, day, cycle),
        }
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
        let interest = &terms.product.interest_of(self.feature);
        let of_averages =
            || priced.at_rates.iter().map(|one| one.cost_of_average(terms, self.feature)).sum();
        let sum = match interest.balance {
            BalanceMethod::DailyBalance => priced.numerator,
            _ if priced.bears_by_day(terms, self.feature) => priced.numerator,
            BalanceMethod::AverageDailyBalance => of_averages(),
            BalanceMethod::PreviousBalance
            | BalanceMethod::AdjustedBalance
            | BalanceMethod::EndingBalance => {
                let nano = i128::from(self.base(interest, outcome).get()) * NANO;
                priced.at_rates.iter().map(|one| one.cost(terms, self.feature, nano)).sum()
            }
        };
        divide(sum, priced.parts.max(1), Rounding::HalfUp).unwrap_or_default()
    }

    /// The balance of a moment that bears the interest of the cycle.
    pub(crate) fn base(&self, interest: &InterestTerms, outcome: GraceOutcome) -> Cents {
        let spared = outcome == GraceOutcome::Spared;
        if spared { Cents::ZERO } else { self.one_balance(interest, outcome).0 }
    }

    /// The same in a cycle that is not spared, and what it would be without grace.
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
}

/// Interest on a balance in nano-cents, in `DENOMINATOR`ths of a cent: at one rate, or by the tiers of the feature.
pub(super) fn cost(
    nano: i128,
    rate: DayRate,
    feature: Option<&Feature>,
    of: impl Fn(Apr) -> i128,
) -> i128 {
    let mut sum = 0;
    each_slice(nano, rate, feature, |apr, part| sum += at(part, of(apr)));
    sum
}

/// The rate of the highest tier that the balance reaches.
fn reached(nano: i128, rate: DayRate, feature: Option<&Feature>) -> Apr {
    let mut apr = rate.apr;
    if nano > 0 && rate.tiered {
        each_slice(nano, rate, feature, |of, _| apr = of);
    }
    apr
}

pub(super) fn at(nano: i128, rate: i128) -> i128 {
    (nano.saturating_mul(rate) / NANO).min(MOST)
}

/// The rates that a balance in nano-cents bears, each with the part that bears it.
pub(super) fn each_slice(
    nano: i128,
    rate: DayRate,
    feature: Option<&Feature>,
    mut bears: impl FnMut(Apr, i128),
) {
    let tiered = feature.filter(|feature| rate.tiered && !feature.tiers.is_empty());
    let Some(feature) = tiered else { return bears(rate.apr, nano) };
    let of_tier = |tier: &Tier| {
        let apr = discounted(tier.apr_at(Some(feature), rate.index), rate.discount);
        rate.cap.map_or(apr, |cap| apr.min(cap))
    };
    let top = |up_to: Option<Cents>| up_to.map_or(i128::MAX, |top| i128::from(top.get()) * NANO);
    if feature.tiers_on == TiersOn::Whole {
        let reached = feature.tiers.iter().find(|tier| nano <= top(tier.up_to));
        return bears(reached.map_or(rate.apr, of_tier), nano);
    }
    let mut below = 0;
    for tier in &feature.tiers {
        let upper = top(tier.up_to).min(nano);
        if upper > below {
            bears(of_tier(tier), upper - below);
            below = upper;
        }
    }
}

fn round_day(numerator: i128, interest: &InterestTerms) -> i128 {
    let decimals = interest.daily_decimals;
    let Some(decimals) = decimals.filter(|decimals| *decimals >= 2) else { return numerator };
    let unit = DENOMINATOR / 10_i128.pow((decimals - 2).min(8));
    divide(numerator, unit, interest.daily_rounding).unwrap_or_default() * unit
}
