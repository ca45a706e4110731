//! Principal of one feature at one set of rates, with the days of the open cycle as they were lived.

use chrono::NaiveDate;
use identity::PaymentId;
use money::{Apr, Cents, Rounding};
use serde::{Deserialize, Serialize};

use crate::{
    Terms,
    discount::discounted,
    product::{Feature, Promotion, RateStep, TakesEffect, Tier, Variable},
    rate,
    state::OpenCycle,
    statement::Deferred,
};

/// Principal of one feature at one set of rates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Balance {
    pub(crate) name: String,
    /// Index into the product's features.
    pub(crate) feature: usize,
    pub(crate) apr: Apr,
    pub(crate) rates: Vec<RateStep>,
    pub(crate) variable: Option<Variable>,
    pub(crate) promotion: Option<Promotion>,
    pub(crate) caps: Vec<RateCap>,
    /// Later draws go to another balance of the feature.
    pub(crate) full: bool,
    /// Drawn before this cycle.
    pub(crate) carried: Cents,
    /// Drawn in this cycle.
    pub(crate) fresh: Cents,
    /// At the start of the cycle.
    pub(crate) opening: Cents,
    /// Payments and credits of this cycle.
    pub(crate) repaid: Cents,
    /// Interest of the open cycle that is already paid.
    pub(crate) prepaid: Cents,
    /// Interest that a promotion defers, in `DENOMINATOR`ths of a cent.
    #[serde(with = "crate::units::wide")]
    pub(crate) deferred: i128,
    /// Of it, from before the open cycle.
    #[serde(default, with = "crate::units::wide")]
    pub(crate) deferred_before: i128,
    /// Of earlier cycles, spared at their close and owed after all, in `DENOMINATOR`ths of a cent.
    #[serde(default, with = "crate::units::wide")]
    pub(crate) spared_before: i128,
    /// Paid in this cycle within grace: were grace lost, it would count as paid on the first day.
    pub(crate) reliefs: Vec<Relief>,
    /// The days of the open cycle.
    pub(crate) spans: Vec<Span>,
    /// Where it is repaid by level payments.
    #[serde(default)]
    pub(crate) plan: Option<Plan>,
    /// A payment counted since the last of them.
    #[serde(default)]
    pub(crate) rounds: bool,
}

/// Level payments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) payment: Cents,
    /// Payments that no statement has asked for.
    pub(crate) left: u32,
    /// Principal that statements have asked for and nobody has paid.
    pub(crate) due: Cents,
    /// Asked for by the last statement, interest included.
    pub(crate) asked: Cents,
    /// Of each statement to come that asks for a payment; the last one holds on.
    pub(crate) fees: Vec<Cents>,
}

/// Consecutive days that were alike, as they were lived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) from: NaiveDate,
    pub(crate) through: NaiveDate,
    pub(crate) carried: Cents,
    pub(crate) fresh: Cents,
    /// Unpaid interest and fees that bear interest.
    pub(crate) charges: Cents,
    pub(crate) prepaid: Cents,
    /// Deferred interest that is deferred no longer, in `DENOMINATOR`ths of a cent.
    #[serde(default, with = "crate::units::wide")]
    pub(crate) fell_due: i128,
    pub(crate) rate: DayRate,
    /// A payment counts on the first of them, and the product rounds the interest of the days before.
    #[serde(default)]
    pub(crate) rounds: bool,
    /// The rate that no promotion replaces.
    pub(crate) contract: DayRate,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DayRate {
    /// Where there are tiers: of the tier that the balance reaches.
    pub(crate) apr: Apr,
    pub(crate) tiered: bool,
    /// The most that a tier may cost.
    pub(crate) cap: Option<Apr>,
    /// Where tiers add each its margin to an index: what that is.
    #[serde(default)]
    pub(crate) index: Apr,
    /// What automatic payments took of the rate; where there are tiers: what they take of each.
    pub(crate) discount: Apr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Relief {
    pub(crate) payment: Option<PaymentId>,
    pub(crate) on: NaiveDate,
    pub(crate) amount: Cents,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RateCap {
    pub(crate) from: NaiveDate,
    pub(crate) through: Option<NaiveDate>,
    pub(crate) apr: Apr,
}

impl Balance {
    /// The first balance of a feature.
    pub(crate) fn of(feature: &Feature, at: usize) -> Self {
        Self {
            rates: feature.rates.clone(),
            variable: feature.variable.clone(),
            promotion: feature.promotion,
            ..Self::empty(feature.name.clone(), at, feature.apr.unwrap_or_default())
        }
    }

    pub(crate) fn empty(name: String, feature: usize, apr: Apr) -> Self {
        Self {
            name,
            feature,
            apr,
            rates: Vec::new(),
            variable: None,
            promotion: None,
            caps: Vec::new(),
            full: false,
            carried: Cents::ZERO,
            fresh: Cents::ZERO,
            opening: Cents::ZERO,
            repaid: Cents::ZERO,
            prepaid: Cents::ZERO,
            deferred: 0,
            deferred_before: 0,
            spared_before: 0,
            reliefs: Vec::new(),
            spans: Vec::new(),
            plan: None,
            rounds: false,
        }
    }

    pub(crate) fn principal(&self) -> Cents {
        self.carried + self.fresh
    }

    /// The rate that no promotion replaces, less the discount for automatic payments and within the caps: where there are tiers, of
    /// the one that the principal reaches.
    pub(crate) fn contract_rate(
        &self,
        principal: Cents,
        terms: &Terms,
        (day, cycle): (NaiveDate, &OpenCycle),
    ) -> DayRate {
        let feature = terms.product.features.get(self.feature);
        let (full, tiered, index) = self.agreed_rate(principal, feature, (day, cycle));
        let (discount, cap) = (cycle.discount(terms, day), self.cap_on(terms, day));
        let taken = if tiered { discount } else { Apr::ZERO };
        let apr = discounted(full, discount);
        let apr = cap.map_or(apr, |cap| apr.min(cap));
        DayRate { apr, tiered, cap, index, discount: taken }
    }

    /// The most that the law and the product let a day bear.
    fn cap_on(&self, terms: &Terms, day: NaiveDate) -> Option<Apr> {
        self.capped(day).chain(terms.product.limits.apr_cap).min()
    }

    /// As the contract has it, whether by a tier, and the index that the margins of tiers are added to.
    fn agreed_rate(
        &self,
        principal: Cents,
        feature: Option<&Feature>,
        (day, cycle): (NaiveDate, &OpenCycle),
    ) -> (Apr, bool, Apr) {
        let reached = |top: Option<Cents>| top.is_none_or(|top| principal <= top);
        let tier = feature.and_then(|of| of.tiers.iter().find(|tier| reached(tier.up_to)));
        let Some(tier) = tier else { return (self.agreed_apr(day, cycle), false, Apr::ZERO) };
        let index = self.variable.as_ref().map(|variable| variable.index_on(day, cycle));
        let index = index.unwrap_or_default();
        (tier.apr_at(feature, index), true, index)
    }

    fn agreed_apr(&self, day: NaiveDate, cycle: &OpenCycle) -> Apr {
        if let Some(variable) = &self.variable {
            return variable.apr_on(day, cycle);
        }
        let step = self.rates.iter().rev().find(|step| step.from <= day);
        step.map_or(self.apr, |step| step.apr)
    }

    /// Deferred interest that is no longer deferred on a day of a cycle.
    pub(crate) fn deferred_due(&self, day: NaiveDate, cycle: u32) -> i128 {
        let holds = self.promotion.is_some_and(|promotion| promotion.holds(day, cycle));
        if holds { 0 } else { self.deferred }
    }

    /// Deferred interest that goes on being deferred on a day of a cycle.
    pub(crate) fn still_deferred(&self, day: NaiveDate, cycle: u32) -> Option<Deferred> {
        let promotion = self.promotion.filter(|promotion| promotion.holds(day, cycle))?;
        let amount = rate::to_cents(self.deferred, Rounding::HalfUp);
        (self.deferred > 0).then_some(Deferred { amount, through: promotion.through })
    }

    /// The rate in force on a day of a cycle.
    pub(crate) fn apr_on(&self, terms: &Terms, day: NaiveDate, cycle: &OpenCycle) -> Apr {
        self.rate_on(terms, day, cycle).apr
    }

    pub(crate) fn rate_on(&self, terms: &Terms, day: NaiveDate, cycle: &OpenCycle) -> DayRate {
        self.rate_of(self.principal(), terms, (day, cycle))
    }

    /// The rate with that principal.
    pub(crate) fn rate_of(
        &self,
        principal: Cents,
        terms: &Terms,
        (day, cycle): (NaiveDate, &OpenCycle),
    ) -> DayRate {
        let cap = self.cap_on(terms, day);
        let promotion =
            self.promotion.filter(|promotion| promotion.holds(day, cycle.since_opening()));
        let feature = terms.product.features.get(self.feature);
        let penalty = cycle.penalty_apr(terms, feature, day);
        let spared = terms.product.penalty_rate.as_ref().is_some_and(|rule| rule.spares_promotions);
        let penalty = penalty.filter(|_| promotion.is_none() || !spared);
        let promotion = promotion.filter(|_| penalty.is_none());
        let discount = cycle.discount(terms, day);
        let (full, by_tier, index) = match promotion {
            Some(promotion) => (promotion.apr, false, Apr::ZERO),
            None => self.agreed_rate(principal, feature, (day, cycle)),
        };
        let own = if promotion.is_some() { full } else { discounted(full, discount) };
        let raised = penalty.filter(|penalty| *penalty > own);
        let apr = raised.unwrap_or(own);
        let apr = cap.map_or(apr, |cap| apr.min(cap));
        let tiered = by_tier && raised.is_none();
        let taken = if apr == own { discounted(full, own) } else { Apr::ZERO };
        DayRate { apr, tiered, cap, index, discount: if tiered { discount } else { taken } }
    }

    /// The caps that the law sets on a day.
    pub(crate) fn capped(&self, day: NaiveDate) -> impl Iterator<Item = Apr> {
        let holds = move |cap: &&RateCap| {
            cap.from <= day && cap.through.is_none_or(|through| day <= through)
        };
        self.caps.iter().filter(holds).map(|cap| cap.apr)
    }
}

impl Tier {
    /// Of a feature, where its index has that value.
    #[must_use]
    pub fn apr_at(&self, feature: Option<&Feature>, index: Apr) -> Apr {
        let variable = feature.and_then(|of| of.variable.as_ref());
        match (variable, self.margin) {
            (Some(variable), Some(margin)) => variable.with(margin, index),
            _ => self.apr.unwrap_or_default(),
        }
    }
}

impl Variable {
    pub(crate) fn apr_on(&self, day: NaiveDate, cycle: &OpenCycle) -> Apr {
        self.with(self.margin, self.index_on(day, cycle))
    }

    fn index_on(&self, day: NaiveDate, cycle: &OpenCycle) -> Apr {
        let on = match self.takes_effect {
            TakesEffect::OnTheDay => day,
            TakesEffect::ThisCycle => cycle.closes_on,
            TakesEffect::NextCycle => cycle.starts_on,
        };
        let known = self.index.iter().rev().find(|step| step.from <= on).or(self.index.first());
        known.map(|step| step.apr).unwrap_or_default()
    }

    /// A margin over the index, between the floor and the cap.
    #[must_use]
    pub fn with(&self, margin: i32, index: Apr) -> Apr {
        let sum = i64::from(index.ppm()) + i64::from(margin);
        let sum = u32::try_from(sum.max(0)).unwrap_or(u32::MAX);
        let apr = self.floor.map_or(Apr::from_ppm(sum), |floor| floor.max(Apr::from_ppm(sum)));
        self.cap.map_or(apr, |cap| cap.min(apr))
    }

    pub(crate) fn change_index(&mut self, step: RateStep) {
        let at = self.index.partition_point(|known| known.from <= step.from);
        self.index.insert(at, step);
    }
}

impl Promotion {
    /// Draws of the day have no part in it.
    pub(crate) fn is_over(&self, day: NaiveDate) -> bool {
        self.draws_through.is_some_and(|last| day > last)
    }

    /// With the end that it has for a draw of the day.
    pub(crate) fn ending_for_draw(self, day: NaiveDate, cycle: u32) -> Self {
        let months = |months: u32| {
            let months = i32::try_from(months).unwrap_or(i32::MAX);
            calendar::add_months(day, months).pred_opt().unwrap_or(day)
        };
        Self {
            through: self.months_from_draw.map(months).or(self.through),
            cycles: self
                .cycles_from_draw
                .map(|cycles| cycle + cycles.saturating_sub(1))
                .or(self.cycles),
            cycles_from_draw: None,
            months_from_draw: None,
            ..self
        }
    }

    pub(crate) fn holds(&self, day: NaiveDate, cycle: u32) -> bool {
        match (self.through, self.cycles) {
            (None, None) => false,
            (through, cycles) => {
                through.is_none_or(|through| day <= through)
                    && cycles.is_none_or(|cycles| cycle <= cycles)
            }
        }
    }
}
