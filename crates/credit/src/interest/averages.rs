//! The days of a cycle by rate, and what of a balance bore which rate (12 CFR 1026.7(b)(4)-(5)).

use chrono::NaiveDate;
use money::{Apr, Cents, Rounding, divide};
use serde::{Deserialize, Serialize};

use super::{
    GraceOutcome, NANO,
    priced::{self, Priced, each_slice},
};
use crate::{
    Terms,
    balance::{Balance, DayRate},
    product::{BalanceMethod, InterestTerms},
    rate::DayBasis,
    state::Segment,
};

/// Days of a cycle at one rate.
#[derive(Clone, Debug, Default)]
pub(super) struct AtRate {
    pub(super) rate: DayRate,
    /// Whether they fall in a leap year, where a day is a part of the year that it falls in.
    leap: bool,
    days: Vec<NaiveDate>,
    /// Sum of the daily balances, in nano-cents.
    balances: i128,
    /// What they cost day by day.
    pub(super) numerator: i128,
}

/// What bore one rate of a cycle: the average of the days at it, the one balance of the method, or a tier's part of either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AverageAtRate {
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    pub days: u32,
    #[serde(rename = "average_balance_cents")]
    pub average: Cents,
    /// The same in billionths of a cent, as it was multiplied: whole cents where the terms round the average.
    #[serde(rename = "exact_nano_cents", with = "crate::units::wide")]
    pub exact: i128,
    /// What it is a tier's part of; else the same.
    #[serde(rename = "whole_cents")]
    pub whole: Cents,
    /// The periodic rates of the days, added up, in `rate::DENOMINATOR`ths.
    #[serde(with = "crate::units::wide")]
    pub rates: i128,
    /// In `rate::DENOMINATOR`ths of a cent.
    #[serde(with = "crate::units::wide")]
    pub numerator: i128,
}

impl AverageAtRate {
    /// Whole cents bore the rate.
    pub(crate) const fn is_whole(&self) -> bool {
        self.exact % NANO == 0
    }
}

/// Adds a day and its balance to the days at its rate.
pub(super) fn count(
    groups: &mut Vec<AtRate>,
    basis: DayBasis,
    (day, rate): (NaiveDate, DayRate),
    (nano, cost): (i128, i128),
) {
    let leap = basis == DayBasis::Actual && day.leap_year();
    if let Some(one) = groups.iter_mut().find(|one| one.holds(rate, leap)) {
        one.days.push(day);
        one.balances += nano;
        one.numerator += cost;
    } else {
        let days = vec![day];
        groups.push(AtRate { rate, leap, days, balances: nano, numerator: cost });
    }
}

pub(super) fn average(balances: i128, days: usize, rounding: Rounding) -> Cents {
    let days = i128::try_from(days).unwrap_or(1).max(1);
    in_cents(balances.max(0), days, rounding)
}

fn in_cents(nano: i128, parts: i128, rounding: Rounding) -> Cents {
    Cents::from_ratio(nano, parts * NANO, rounding).unwrap_or_default()
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

    /// The average of the days in nano-cents.
    fn average(&self, interest: &InterestTerms) -> i128 {
        if interest.round_average {
            let average = average(self.balances, self.days.len(), interest.average_rounding);
            return i128::from(average.get()) * NANO;
        }
        self.balances / i128::try_from(self.days.len()).unwrap_or(1).max(1)
    }

    /// A balance in nano-cents at the rates of the days.
    pub(super) fn cost(&self, terms: &Terms, feature: usize, nano: i128) -> i128 {
        let interest = terms.product.interest_of(feature);
        let of = |apr| self.rates(&interest, apr);
        priced::cost(nano, self.rate, terms.product.features.get(feature), of)
    }

    /// The average of the days at their rates.
    pub(super) fn cost_of_average(&self, terms: &Terms, feature: usize) -> i128 {
        let interest = &terms.product.interest_of(feature);
        if interest.round_average || self.rate.tiered {
            return self.cost(terms, feature, self.average(interest));
        }
        let mut each = self.days.iter().map(|day| interest.rate_of(self.rate.apr, *day));
        let first = each.next().unwrap_or_default();
        let exact = self.balances.checked_mul(self.rates(interest, self.rate.apr));
        let days = i128::try_from(self.days.len()).unwrap_or(1).max(1);
        match exact {
            _ if each.all(|one| one == first) => self.numerator,
            Some(exact) => divide(exact, days * NANO, Rounding::HalfUp).unwrap_or_default(),
            None => self.cost(terms, feature, self.average(interest)),
        }
    }

    /// A balance in nano-cents by the rates that its parts bear, each rate once and that of the highest tier last.
    fn slices(&self, terms: &Terms, feature: usize, nano: i128) -> Vec<AverageAtRate> {
        let interest = &terms.product.interest_of(feature);
        let told = |nano: i128| in_cents(nano, 1, interest.average_rounding);
        let mut slices: Vec<AverageAtRate> = Vec::new();
        each_slice(nano, self.rate, terms.product.features.get(feature), |apr, part| {
            let rates = self.rates(interest, apr);
            let same = slices.iter().position(|one| one.apr == apr).map(|at| slices.remove(at));
            let (exact, numerator) = same.map_or((0, 0), |one| (one.exact, one.numerator));
            let exact = exact + part;
            slices.push(AverageAtRate {
                apr,
                days: u32::try_from(self.days.len()).unwrap_or_default(),
                average: told(exact),
                exact,
                whole: told(nano),
                rates,
                numerator: numerator + priced::at(part, rates),
            });
        });
        slices
    }
}

/// The days of a cycle and what bore its rates, as a statement and a derivation tell them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// Where one balance bears the interest, each day has that balance; where an average does, each day has its share of that interest.
    pub(crate) segments: Vec<Segment>,
    /// Empty where each day bears its own rate on all of its balance.
    pub(crate) averages: Vec<AverageAtRate>,
    /// The rate of the tier that what bears interest reaches on the last day, where it is not the day's own balance.
    pub(crate) reached: Option<Apr>,
}

/// Days at one rate, and what of their balance bore it.
struct Bore<'a> {
    group: &'a AtRate,
    slices: Vec<AverageAtRate>,
}

impl Bore<'_> {
    /// The rate of the highest tier that is reached.
    fn apr(&self) -> Apr {
        self.slices.last().map_or(self.group.rate.apr, |one| one.apr)
    }

    fn numerator(&self) -> i128 {
        self.slices.iter().map(|one| one.numerator).sum()
    }
}

impl Balance {
    pub(crate) fn told(&self, terms: &Terms, priced: Priced, outcome: GraceOutcome) -> Told {
        let interest = &terms.product.interest_of(self.feature);
        if priced.bears_by_day(terms, self.feature) {
            return Told { segments: priced.segments, ..Told::default() };
        }
        let base = (!interest.by_day()).then(|| self.base(interest, outcome));
        let bore: Vec<_> =
            priced.at_rates.iter().map(|group| self.bore(terms, group, base)).collect();
        let segments = match base {
            Some(base) => self.by_rate(terms, &bore, (base, priced.parts)),
            None if interest.balance == BalanceMethod::DailyBalance => priced.segments.clone(),
            None => by_balance(&bore, &priced, interest),
        };
        let at_the_end = bore.iter().max_by_key(|one| one.group.days.last());
        let reached = at_the_end.filter(|one| one.group.rate.tiered);
        let reached = reached.and_then(|one| one.slices.last().filter(|one| one.exact > 0));
        let reached = reached.map(|one| one.apr);
        let part = |of| divide(of, priced.parts.max(1), Rounding::HalfUp).unwrap_or_default();
        let averages = bore.into_iter().flat_map(|one| one.slices);
        let averages = averages.map(|one| AverageAtRate {
            rates: part(one.rates),
            numerator: part(one.numerator),
            ..one
        });
        Told { segments, averages: averages.collect(), reached }
    }

    fn bore<'a>(&self, terms: &Terms, group: &'a AtRate, base: Option<Cents>) -> Bore<'a> {
        let interest = &terms.product.interest_of(self.feature);
        let base = base.map(|base| i128::from(base.get()) * NANO);
        let nano = base.unwrap_or_else(|| group.average(interest));
        let mut slices = group.slices(terms, self.feature, nano);
        if let ([only], None, false) = (&mut *slices, base, group.rate.tiered) {
            only.numerator = match interest.balance {
                BalanceMethod::DailyBalance => group.numerator,
                _ => group.cost_of_average(terms, self.feature),
            };
        }
        Bore { group, slices }
    }

    /// Each day with the one balance, and its part of what that bears.
    fn by_rate(
        &self,
        terms: &Terms,
        bore: &[Bore<'_>],
        (base, parts): (Cents, i128),
    ) -> Vec<Segment> {
        let interest = &terms.product.interest_of(self.feature);
        let feature = terms.product.features.get(self.feature);
        let nano = i128::from(base.get()) * NANO;
        let days = bore.iter().flat_map(|one| one.group.days.iter().map(move |day| (*day, one)));
        let mut days: Vec<_> = days.collect();
        days.sort_by_key(|(day, _)| *day);
        let mut segments = Vec::new();
        for (day, one) in days {
            let of = |apr| interest.rate_of(apr, day);
            let share = priced::cost(nano, one.group.rate, feature, of) / parts.max(1);
            let rate = DayRate { apr: one.apr(), ..one.group.rate };
            Segment::add(&mut segments, interest.day_basis, day, (base, rate, share));
        }
        segments
    }
}

/// Each day with its balance, and its part of what the average bears.
fn by_balance(bore: &[Bore<'_>], priced: &Priced, interest: &InterestTerms) -> Vec<Segment> {
    let days = |of: &Segment| of.from.iter_days().take(usize::try_from(of.days()).unwrap_or(0));
    let mut segments = Vec::new();
    for segment in &priced.segments {
        for day in days(segment) {
            let Some(one) = bore.iter().find(|one| one.group.days.contains(&day)) else { continue };
            let all = (one.group.balances / NANO).max(1) * priced.parts.max(1);
            let (whole, rest) = (one.numerator() / all, one.numerator() % all);
            let cents = i128::from(segment.balance.get());
            let share = whole * cents + rest * cents / all;
            let discount = segment.autopay_discount;
            let rate = DayRate { apr: one.apr(), discount, ..one.group.rate };
            Segment::add(&mut segments, interest.day_basis, day, (segment.balance, rate, share));
        }
    }
    segments
}
