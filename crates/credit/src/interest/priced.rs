//! The days of a cycle, priced: by day, by the average of the days at one rate, or as one balance at the rates of the cycle.
//!
//! Invariant: days at different rates bear each their own (docs/engine.md); an average is of the days at one rate.

use chrono::NaiveDate;
use money::{Apr, Cents, Rounding, divide};
use serde::{Deserialize, Serialize};

use super::{GraceOutcome, MOST, NANO};
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
    /// Sum of the rates of the days.
    rates: i128,
    pub(crate) days: u32,
    /// Into how many parts a day's rate is still to be divided: of a monthly rate, the days of the cycle.
    parts: i128,
    pub(crate) segments: Vec<Segment>,
    /// The days again, by rate.
    at_rates: Vec<AtRate>,
}

/// Days of a cycle at one rate.
#[derive(Clone, Debug, Default)]
struct AtRate {
    rate: DayRate,
    /// Whether they fall in a leap year, where a day is a part of the year that it falls in.
    leap: bool,
    days: Vec<NaiveDate>,
    /// Sum of the daily balances, in nano-cents.
    balances: i128,
    /// What they cost day by day.
    numerator: i128,
}

/// The average of the days of a cycle at one rate, rounded, and what it bears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AverageAtRate {
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    pub days: u32,
    #[serde(rename = "average_balance_cents")]
    pub average: Cents,
    /// The periodic rates of the days, added up, in `rate::DENOMINATOR`ths.
    #[serde(with = "crate::units::wide")]
    pub rates: i128,
    /// In `rate::DENOMINATOR`ths of a cent.
    #[serde(with = "crate::units::wide")]
    pub numerator: i128,
}

impl AtRate {
    fn holds(&self, rate: DayRate, leap: bool) -> bool {
        let apr = |of: DayRate| (!of.tiered).then_some(of.apr);
        let tiers = |of: DayRate| of.tiered.then_some((of.cap, of.discount, of.index));
        (apr(self.rate), tiers(self.rate), self.leap) == (apr(rate), tiers(rate), leap)
    }

    /// The periodic rates of the days at a yearly rate, added up.
    fn rates(&self, interest: &InterestTerms, apr: Apr) -> i128 {
        self.days.iter().map(|day| interest.rate_of(apr, *day)).sum()
    }

    fn average(&self, rounding: Rounding) -> Cents {
        average(self.balances, self.days.len(), rounding)
    }

    /// A balance in nano-cents at the rates of the days.
    fn cost(&self, terms: &Terms, feature: usize, nano: i128) -> i128 {
        let interest = terms.product.interest_of(feature);
        let of = |apr| self.rates(&interest, apr);
        cost(nano, self.rate, terms.product.features.get(feature), of)
    }

    /// The average of the days at their rates.
    fn cost_of_average(&self, terms: &Terms, feature: usize) -> i128 {
        let interest = &terms.product.interest_of(feature);
        let days = i128::try_from(self.days.len()).unwrap_or(1).max(1);
        if interest.round_average {
            let average = i128::from(self.average(interest.average_rounding).get());
            return self.cost(terms, feature, average * NANO);
        }
        if self.rate.tiered {
            return self.cost(terms, feature, self.balances / days);
        }
        let mut each = self.days.iter().map(|day| interest.rate_of(self.rate.apr, *day));
        let first = each.next().unwrap_or_default();
        let exact = self.balances.checked_mul(self.rates(interest, self.rate.apr));
        match exact {
            _ if each.all(|one| one == first) => self.numerator,
            Some(exact) => divide(exact, days * NANO, Rounding::HalfUp).unwrap_or_default(),
            None => self.cost(terms, feature, self.balances / days),
        }
    }
}

fn average(balances: i128, days: usize, rounding: Rounding) -> Cents {
    let days = i128::try_from(days).unwrap_or(1).max(1);
    Cents::from_ratio(balances.max(0), days * NANO, rounding).unwrap_or_default()
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
        average(self.balances, usize::try_from(self.days).unwrap_or(1), rounding)
    }

    fn count(
        &mut self,
        basis: DayBasis,
        (day, rate): (NaiveDate, DayRate),
        (nano, cost): (i128, i128),
    ) {
        let leap = basis == DayBasis::Actual && day.leap_year();
        if let Some(one) = self.at_rates.iter_mut().find(|one| one.holds(rate, leap)) {
            one.days.push(day);
            one.balances += nano;
            one.numerator += cost;
        } else {
            let days = vec![day];
            self.at_rates.push(AtRate { rate, leap, days, balances: nano, numerator: cost });
        }
    }

    pub(crate) fn tiered(&self) -> bool {
        self.at_rates.iter().any(|one| one.rate.tiered)
    }

    /// Where one rounded average at one rate bears the interest of the cycle.
    pub(crate) fn one_average(&self, rounding: Rounding) -> Option<Cents> {
        let one = self.at_rates.len() <= 1 && !self.tiered();
        one.then(|| self.average(rounding))
    }

    /// Where rounded averages at several rates do: each of them.
    pub(crate) fn averages(&self, terms: &Terms, feature: usize) -> Vec<AverageAtRate> {
        let interest = &terms.product.interest_of(feature);
        if !interest.round_average || self.at_rates.len() < 2 || self.tiered() {
            return Vec::new();
        }
        let parts = self.parts.max(1);
        let of = |one: &AtRate| AverageAtRate {
            apr: one.rate.apr,
            days: u32::try_from(one.days.len()).unwrap_or_default(),
            average: one.average(interest.average_rounding),
            rates: divide(one.rates(interest, one.rate.apr), parts, Rounding::HalfUp)
                .unwrap_or_default(),
            numerator: divide(one.cost_of_average(terms, feature), parts, Rounding::HalfUp)
                .unwrap_or_default(),
        };
        self.at_rates.iter().map(of).collect()
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

    fn add(
        &mut self,
        basis: DayBasis,
        day: NaiveDate,
        (nano, rate, daily): (i128, DayRate, i128),
        cost: i128,
    ) {
        let (apr, autopay_discount) = (rate.apr, rate.discount);
        self.numerator = (self.numerator + cost).min(MOST);
        self.balances += nano;
        self.rates += daily;
        self.days += 1;
        let balance = Cents::from_ratio(nano, NANO, Rounding::HalfUp).unwrap_or_default();
        let same_part = |last: &Segment| {
            basis != DayBasis::Actual || last.through.leap_year() == day.leap_year()
        };
        match self.segments.last_mut() {
            Some(last)
                if (last.balance, last.apr, last.autopay_discount)
                    == (balance, apr, autopay_discount)
                    && same_part(last)
                    && !last.rounded =>
            {
                last.through = day;
                last.numerator += cost;
            }
            _ => self.segments.push(Segment {
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
                if interest.compounding == Compounding::Daily {
                    let joined = (priced.numerator + span.fell_due) / (DENOMINATOR / NANO);
                    nano += (joined - i128::from(span.prepaid.get()) * NANO).max(0);
                }
                let of = |apr| interest.rate_of(apr, day);
                let cost = cost(nano, span.rate, feature, of);
                let cost = round_day(cost, interest);
                if interest.balance != BalanceMethod::DailyBalance {
                    priced.count(interest.day_basis, (day, span.rate), (nano, cost));
                }
                priced.add(interest.day_basis, day, (nano, span.rate, of(span.rate.apr)), cost);
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
        (priced.at_rates, priced.rates) = (Vec::new(), 0);
        for day in days {
            let rate = self.rate_for_the_close(terms, day, cycle);
            priced.rates += terms.product.interest.rate_of(rate.apr, day);
            priced.count(terms.product.interest.day_basis, (day, rate), (0, 0));
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
            // Where payments round, the days before them are whole cents already.
            BalanceMethod::AverageDailyBalance
                if !interest.round_average
                    && interest.rounded_at == RoundedAt::Payments
                    && !priced.tiered() =>
            {
                priced.numerator
            }
            BalanceMethod::AverageDailyBalance => of_averages(),
            BalanceMethod::PreviousBalance
            | BalanceMethod::AdjustedBalance
            | BalanceMethod::EndingBalance => {
                let base = self.one_balance(interest, outcome).0;
                let nano = i128::from(base.or_zero().get()) * NANO;
                priced.at_rates.iter().map(|one| one.cost(terms, self.feature, nano)).sum()
            }
        };
        divide(sum, priced.parts.max(1), Rounding::HalfUp).unwrap_or_default()
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
}

/// Interest on a balance in nano-cents, in `DENOMINATOR`ths of a cent: at one rate, or by the tiers of the feature.
pub(super) fn cost(
    nano: i128,
    rate: DayRate,
    feature: Option<&Feature>,
    of: impl Fn(Apr) -> i128,
) -> i128 {
    let tiered = feature.filter(|feature| rate.tiered && !feature.tiers.is_empty());
    let at = |nano: i128, apr: Apr| (nano.saturating_mul(of(apr)) / NANO).min(MOST);
    let Some(feature) = tiered else { return at(nano, rate.apr) };
    let of_tier = |tier: &Tier| {
        let apr = discounted(tier.apr_at(Some(feature), rate.index), rate.discount);
        rate.cap.map_or(apr, |cap| apr.min(cap))
    };
    let top = |up_to: Option<Cents>| up_to.map_or(i128::MAX, |top| i128::from(top.get()) * NANO);
    let mut below = 0;
    let mut sum = 0;
    for tier in &feature.tiers {
        let upper = top(tier.up_to).min(nano);
        if feature.tiers_on == TiersOn::Whole && nano <= top(tier.up_to) {
            return at(nano, of_tier(tier));
        }
        sum += at((upper - below).max(0), of_tier(tier));
        below = below.max(upper);
    }
    sum
}

fn round_day(numerator: i128, interest: &InterestTerms) -> i128 {
    let decimals = interest.daily_decimals;
    let Some(decimals) = decimals.filter(|decimals| *decimals >= 2) else { return numerator };
    let unit = DENOMINATOR / 10_i128.pow((decimals - 2).min(8));
    divide(numerator, unit, interest.daily_rounding).unwrap_or_default() * unit
}
