//! Accrual by deltas: what a line's unbilled interest is made of, as steps of principal, and the sum of many lines' steps.
//!
//! A line is told to the sum as the steps of its interest-bearing principal since its last statement. What changes those steps (an
//! event, a late one, a statement, a rate that will end) is a `Delta`: the new steps less the old ones. A group (product, owner, day
//! basis, rate) keeps one base and one numerator; a day costs it one multiplication, however many lines it has.
//!
//! Invariants: integers only; where a product's interest is linear in principal the numerators of the groups are the sum of the lines'
//! own, to the last digit, after late events as after any (tests/accrual.rs). Where it is not (grace, compounding, tiers, least
//! charges) the steps are an estimate, and a statement says by how much it was off. What is absent: storage and postings.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use money::{Apr, Cents, Rounding};
use serde::{Deserialize, Serialize};

use crate::{
    CreditError, LineEvent, LineEventBody, Snapshot, Terms,
    interest::GraceOutcome,
    product::{BalanceMethod, Compounding, GraceKind, Period, RoundedAt, TakesEffect, Variable},
    rate::{self, DENOMINATOR, DayBasis, RateDigits},
    state::State,
    timeline::Timeline,
};

/// Who owns the receivables, as long as none is sold.
const LENDER: &str = "lender";

/// How far ahead a change of rate is looked for that will come by itself. Longer than a cycle: each statement looks again.
const AHEAD_DAYS: u64 = 70;

/// Principal that costs the same each day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Group {
    pub product: String,
    pub owner: String,
    /// `360`, `365`, `actual` or `30/360`; with the rounding of the daily rate where there is one: `365:5:half_up`.
    pub day_basis: String,
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
}

/// Principal of a group that is more (or less) from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub group: Group,
    pub from: NaiveDate,
    pub change: Cents,
}

/// What a line tells the sum of all lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    pub group: Group,
    /// May lie in the past (a late fact) and in the future (a rate that will change).
    pub effective_on: NaiveDate,
    /// Of principal, from that day on.
    pub change: Cents,
    /// Billed beyond what was estimated, in `rate::DENOMINATOR`ths of a cent.
    pub true_up: i128,
}

/// The interest-bearing principal of a line on the days that no statement has billed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accrual {
    /// The first of these days.
    pub since: NaiveDate,
    /// One a group and day at most, none of them zero.
    pub steps: Vec<Step>,
    /// Interest is linear in principal: the steps are no estimate.
    pub exact: bool,
    /// The group of what is drawn now: there a statement's true-up goes.
    pub group: Group,
}

/// What a statement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The last day it billed.
    pub through: NaiveDate,
    pub billed: Cents,
}

impl Renewed {
    /// What the statements among these events ended; nothing where there are none.
    pub fn by<'a>(events: impl IntoIterator<Item = &'a LineEvent>) -> Option<Self> {
        events.into_iter().fold(None, |renewed: Option<Self>, event| match &event.body {
            LineEventBody::StatementIssued { statement } => {
                let before = renewed.map_or(Cents::ZERO, |renewed| renewed.billed);
                let billed = before + statement.interest_total;
                Some(Self { through: statement.closed_on, billed })
            }
            _ => renewed,
        })
    }
}

/// A rate per day, with how it is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DailyRate {
    basis: DayBasis,
    digits: Option<RateDigits>,
}

impl DailyRate {
    fn text(self) -> String {
        let basis = match self.basis {
            DayBasis::D360 => "360",
            DayBasis::D365 => "365",
            DayBasis::Actual => "actual",
            DayBasis::Months30 => "30/360",
        };
        let Some(RateDigits { decimals, rounding }) = self.digits else { return basis.to_owned() };
        let rounding = match rounding {
            Rounding::HalfUp => "half_up",
            Rounding::HalfEven => "half_even",
            Rounding::Down => "down",
            Rounding::Up => "up",
        };
        format!("{basis}:{decimals}:{rounding}")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let basis = match parts.next()? {
            "360" => DayBasis::D360,
            "365" => DayBasis::D365,
            "actual" => DayBasis::Actual,
            "30/360" => DayBasis::Months30,
            _ => return None,
        };
        let Some(decimals) = parts.next() else { return Some(Self { basis, digits: None }) };
        let rounding = match parts.next()? {
            "half_up" => Rounding::HalfUp,
            "half_even" => Rounding::HalfEven,
            "down" => Rounding::Down,
            "up" => Rounding::Up,
            _ => return None,
        };
        let digits = Some(RateDigits { decimals: decimals.parse().ok()?, rounding });
        Some(Self { basis, digits })
    }
}

impl Group {
    /// What the days from `from` through `through` cost of each cent, in `rate::DENOMINATOR`ths; none where `from` is later.
    ///
    /// Nothing at all where the day basis is not one of ours.
    #[must_use]
    pub fn rates(&self, from: NaiveDate, through: NaiveDate) -> Option<i128> {
        let DailyRate { basis, digits } = DailyRate::parse(&self.day_basis)?;
        let mut sum = 0;
        let mut from = from;
        while from <= through {
            let year_end = NaiveDate::from_ymd_opt(from.year(), 12, 31)?;
            let last = through.min(year_end);
            sum +=
                i128::from(basis.counted(from, last)) * rate::daily(self.apr, basis, digits, from);
            from = last.succ_opt()?;
        }
        Some(sum)
    }
}

/// What steps cost through the end of a day, in `rate::DENOMINATOR`ths of a cent.
fn cost(steps: &[Step], through: NaiveDate) -> i128 {
    let of = |step: &Step| {
        let rates = step.group.rates(step.from, through).unwrap_or_default();
        i128::from(step.change.get()) * rates
    };
    steps.iter().map(of).sum()
}

impl Accrual {
    pub(crate) fn of(
        snapshots: &[Snapshot],
        events: &[LineEvent],
        on: NaiveDate,
    ) -> Result<Self, CreditError> {
        let timeline = Timeline::of(events)?;
        let last_billed = timeline.printed.values().map(|printed| printed.closed_on).max();
        let since = last_billed.and_then(|on| on.succ_opt()).unwrap_or(timeline.opened_on);
        let on = on.max(since);
        let mut state = State::begin(snapshots, &timeline, on);
        let mut walk = Walk::default();
        loop {
            state.live_but_end(&timeline)?;
            if state.day >= since {
                walk.take(&state, state.terms_today(&timeline));
            }
            if state.day >= on {
                break;
            }
            state.end_day(&timeline)?;
        }
        let terms = state.terms_today(&timeline);
        let exact = linear(terms);
        let spared: Vec<bool> = state
            .balances
            .iter()
            .map(|balance| state.grace_outcome(terms, balance) == GraceOutcome::Spared)
            .collect();
        let apr = state.balances.last().map(|balance| balance.apr_on(terms, on, &state.cycle));
        let group = group_of(terms, apr.unwrap_or_default());
        let until = horizon(&state, &timeline, on);
        walk.look_ahead(&mut state, &timeline, until);
        Ok(Self { since, steps: walk.steps(&spared), exact, group })
    }

    /// What is to be told: these steps less what was told before; and where a statement billed what was only estimated, by how much
    /// it was off.
    #[must_use]
    pub fn deltas(&self, told: &[Step], statement: Option<Renewed>) -> Vec<Delta> {
        let mut changes: BTreeMap<(&Group, NaiveDate), Cents> = BTreeMap::new();
        for step in &self.steps {
            *changes.entry((&step.group, step.from)).or_default() += step.change;
        }
        for step in told {
            *changes.entry((&step.group, step.from)).or_default() -= step.change;
        }
        changes.retain(|_, change| !change.is_zero());
        let mut deltas: Vec<Delta> = changes
            .into_iter()
            .map(|((group, effective_on), change)| Delta {
                group: group.clone(),
                effective_on,
                change,
                true_up: 0,
            })
            .collect();
        if let Some(Renewed { through, billed }) = statement.filter(|_| !self.exact) {
            let true_up = i128::from(billed.get()) * DENOMINATOR - cost(told, through);
            if true_up != 0 {
                let (group, change) = (self.group.clone(), Cents::ZERO);
                deltas.push(Delta { group, effective_on: through, change, true_up });
            }
        }
        deltas
    }
}

/// The days as they are lived, balance by balance.
#[derive(Default)]
struct Walk {
    /// By balance, where it changes.
    balances: Vec<Vec<(NaiveDate, Cents, Group)>>,
}

impl Walk {
    fn take(&mut self, state: &State, terms: &Terms) {
        let rate = DailyRate {
            basis: terms.product.interest.day_basis,
            digits: terms.product.interest.rate_digits,
        };
        self.balances.resize_with(state.balances.len().max(self.balances.len()), Vec::new);
        for (at, (balance, taken)) in state.balances.iter().zip(&mut self.balances).enumerate() {
            // Where the day began with its interest, what bore it stands there already.
            let amount = match balance.spans.last().filter(|span| span.through == state.day) {
                Some(span) => span.carried + span.fresh + span.charges,
                None => balance.principal() + state.bearing_charges(terms, at),
            };
            let apr = balance.apr_on(terms, state.day, &state.cycle);
            let amount = if apr == Apr::default() { Cents::ZERO } else { amount };
            let same = match taken.last() {
                Some((_, before, group)) => {
                    *before == amount
                        && (amount.is_zero()
                            || (group.apr == apr && group.day_basis == rate.text()))
                }
                None => amount.is_zero(),
            };
            if !same {
                taken.push((state.day, amount, group_of(terms, apr)));
            }
        }
    }

    /// Goes on until a later day as if nothing more happened. A line that cannot be lived so far is told as it stands.
    fn look_ahead(&mut self, state: &mut State, timeline: &Timeline<'_>, until: NaiveDate) {
        while state.day < until {
            let lived = state.end_day(timeline).and_then(|_| state.live_but_end(timeline));
            if lived.is_err() {
                return;
            }
            self.take(state, state.terms_today(timeline));
        }
    }

    /// Without the balances that grace spares, as it stands.
    fn steps(self, spared: &[bool]) -> Vec<Step> {
        let mut sums: BTreeMap<(Group, NaiveDate), Cents> = BTreeMap::new();
        for (at, taken) in self.balances.into_iter().enumerate() {
            if spared.get(at).copied().unwrap_or_default() {
                continue;
            }
            let mut before: Option<(Group, Cents)> = None;
            for (day, amount, group) in taken {
                if let Some((group, amount)) = before.take() {
                    *sums.entry((group, day)).or_default() -= amount;
                }
                *sums.entry((group.clone(), day)).or_default() += amount;
                before = Some((group, amount));
            }
        }
        sums.retain(|_, change| !change.is_zero());
        let step = |((group, from), change)| Step { group, from, change };
        sums.into_iter().map(step).collect()
    }
}

fn group_of(terms: &Terms, apr: Apr) -> Group {
    let interest = &terms.product.interest;
    let rate = DailyRate { basis: interest.day_basis, digits: interest.rate_digits };
    Group {
        product: terms.product.name.clone(),
        owner: LENDER.to_owned(),
        day_basis: rate.text(),
        apr,
    }
}

/// Whether a cycle's interest is the sum of its days' principal, each at its rate.
fn linear(terms: &Terms) -> bool {
    let (product, interest) = (&terms.product, &terms.product.interest);
    let by_day = match interest.balance {
        BalanceMethod::DailyBalance => true,
        BalanceMethod::AverageDailyBalance => {
            let alike = matches!(interest.day_basis, DayBasis::D360 | DayBasis::D365);
            !interest.round_average && alike
        }
        _ => false,
    };
    let plain = product.features.iter().all(|feature| {
        let again = |one: &Variable| one.takes_effect == TakesEffect::ThisCycle;
        feature.tiers.is_empty()
            && feature.balance.is_none()
            && feature.new_draws.is_none()
            && !feature.variable.as_ref().is_some_and(again)
            && feature.promotion.is_none_or(|promotion| !promotion.deferred)
    });
    by_day
        && plain
        && interest.period == Period::Daily
        && interest.compounding == Compounding::None
        && interest.daily_decimals.is_none()
        && interest.rounded_at == RoundedAt::Close
        && interest.new_draws
        && !interest.on_billed_interest
        && !interest.on_fees
        && interest.minimum_charge.is_zero()
        && interest.waived_below.is_zero()
        && product.grace.kind == GraceKind::None
        && !terms.covered_borrower
}

/// Until when something may change though nothing happens.
fn horizon(state: &State, timeline: &Timeline<'_>, on: NaiveDate) -> NaiveDate {
    let penalty = state.terms_today(timeline).product.penalty_rate.is_some();
    let moving = penalty
        || state.balances.iter().any(|balance| {
            balance.variable.is_some()
                || balance.promotion.is_some()
                || balance.rates.iter().any(|step| step.from > on)
                || balance.caps.iter().any(|cap| cap.through.is_some_and(|through| through >= on))
        });
    // The day on which a discount ends still has it.
    let waits = |body: &LineEventBody| {
        matches!(
            body,
            LineEventBody::TermsChanged { .. } | LineEventBody::AutopayDiscountEnded { .. }
        )
    };
    let starts_on = state.cycle.starts_on;
    let pending =
        timeline.actions.iter().any(|action| action.on >= starts_on && waits(action.body));
    if moving || pending {
        return on.checked_add_days(Days::new(AHEAD_DAYS)).unwrap_or(on);
    }
    timeline.actions.last().map_or(on, |action| action.on.max(on))
}

/// One group as its days go by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// Principal at the end of the last day.
    pub base: Cents,
    /// Interest of all days so far that is not billed, in `rate::DENOMINATOR`ths of a cent.
    pub unbilled: i128,
    /// Of it, what is in the books.
    pub posted: Cents,
    /// Billed so far beyond what was estimated, in `rate::DENOMINATOR`ths of a cent.
    pub true_up: i128,
    pub trued_up: Cents,
}

/// What a day adds to the books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accrued {
    pub interest: Cents,
    pub true_up: Cents,
}

impl Running {
    /// Adds the day after the last one, with all that was learned since and takes effect by then.
    ///
    /// Nothing at all where the group's day basis is not one of ours.
    #[must_use]
    pub fn add_day(
        &mut self,
        group: &Group,
        day: NaiveDate,
        deltas: impl IntoIterator<Item = (NaiveDate, Cents, i128)>,
    ) -> Option<Accrued> {
        self.unbilled += i128::from(self.base.get()) * group.rates(day, day)?;
        for (effective_on, change, true_up) in deltas {
            self.unbilled += i128::from(change.get()) * group.rates(effective_on, day)?;
            self.base += change;
            self.true_up += true_up;
        }
        let interest = rate::to_cents(self.unbilled, Rounding::HalfUp) - self.posted;
        let true_up = rate::to_cents(self.true_up, Rounding::HalfUp) - self.trued_up;
        self.posted += interest;
        self.trued_up += true_up;
        Some(Accrued { interest, true_up })
    }

    /// There is nothing left to carry on.
    #[must_use]
    pub fn ended(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(day_basis: &str) -> Group {
        let (product, owner) = ("X".to_owned(), LENDER.to_owned());
        Group { product, owner, day_basis: day_basis.to_owned(), apr: Apr::from_ppm(240_000) }
    }

    #[test]
    fn a_day_basis_reads_as_it_was_written() {
        for text in [
            "360",
            "365",
            "actual",
            "30/360",
            "30/360:5:half_up",
            "365:5:half_up",
            "actual:4:half_even",
            "360:8:down",
        ] {
            assert_eq!(DailyRate::parse(text).map(DailyRate::text).as_deref(), Some(text));
        }
        for text in ["", "364", "365:", "365:x:up", "365:5:sideways"] {
            assert_eq!(DailyRate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_leap_years_days_cost_less_on_the_actual_basis() {
        let day = |text: &str| text.parse().unwrap();
        let year = DENOMINATOR * 24 / 100;
        let (from, through) = (day("2027-12-31"), day("2028-12-31"));
        assert_eq!(group("actual").rates(from, through), Some(year / 365 + year));
        assert_eq!(group("365").rates(from, through), Some(year / 365 * 367));
        assert_eq!(group("365").rates(through, from), Some(0));
        assert_eq!(group("never").rates(from, from), None);
    }

    #[test]
    fn what_was_learned_late_is_made_good_on_the_next_day() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let group = group("365");
        let mut running = Running::default();
        let drew = [(day("2026-10-01"), Cents::new(100_000), 0)];
        let first = running.add_day(&group, day("2026-10-01"), drew).unwrap();
        assert_eq!(first.interest, Cents::new(66), "65.75 cents a day");
        let second = running.add_day(&group, day("2026-10-02"), []).unwrap();
        assert_eq!(second.interest, Cents::new(66), "131.51 so far");
        let paid_yesterday = [(day("2026-10-02"), Cents::new(-100_000), 0)];
        let third = running.add_day(&group, day("2026-10-03"), paid_yesterday).unwrap();
        assert_eq!(third.interest, Cents::new(-66));
        let billed = [
            (day("2026-10-01"), Cents::new(-100_000), 0),
            (day("2026-10-02"), Cents::new(100_000), 0),
        ];
        let fourth = running.add_day(&group, day("2026-10-04"), billed).unwrap();
        assert_eq!(fourth.interest, Cents::new(-66));
        assert!(running.ended());
    }
}
