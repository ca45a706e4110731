//! What a statement tells of the terms, as data at its close (12 CFR 1026.7(b)(4), (5), (8), (11)): of the terms that its cycle
//! closed with, so that no later change of terms is read into it.

use money::{Apr, Cents};
use serde::{Deserialize, Serialize};

use crate::{
    InterestLine, Terms,
    balance::Balance,
    discount::discounted,
    product::{
        BalanceMethod, Compounding, Feature, GraceKind, InterestTerms, Period, Product, Tier,
    },
    rate,
    state::State,
};

/// The terms of a statement's cycle, as far as its document tells of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementTerms {
    pub product_title: String,
    pub balance: BalanceTerms,
    /// Of each feature, where they differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub balances: Vec<FeatureBalance>,
    pub grace: GraceTold,
    /// Days after the due date that pass before paying late costs its fee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_after_days: Option<u32>,
    /// What paying late can raise a rate to (1026.7(b)(11)(i)(B)).
    #[serde(default, rename = "penalty_apr_ppm", skip_serializing_if = "Option::is_none")]
    pub penalty_apr: Option<Apr>,
}

/// Which balance bears interest (1026.7(b)(5)).
#[expect(clippy::struct_excessive_bools, reason = "each is a sentence of the document")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceTerms {
    pub method: BalanceMethod,
    pub period: Period,
    pub new_draws: bool,
    pub on_billed_interest: bool,
    pub on_fees: bool,
    pub compounds_daily: bool,
}

/// How a feature finds its balance where another does it in another way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureBalance {
    pub feature: String,
    #[serde(flatten)]
    pub balance: BalanceTerms,
}

/// When interest begins (1026.7(b)(8)); no feature on either side: none is ever charged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraceTold {
    /// Features that are spared interest while each statement is paid in full.
    pub spared: Vec<String>,
    /// Features that bear it from the day of the draw.
    pub charged: Vec<String>,
    /// Days from a close to its due date, at least.
    pub window_days: u32,
}

/// Who issues statements, as they name them (1026.7(b)(9), (b)(12)(i)(E)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    pub name: String,
    /// Where notices of errors are taken, line by line.
    pub address: Vec<String>,
    pub phone: String,
    /// Toll-free, of whoever tells of credit counselling.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub credit_counseling_phone: String,
}

/// A rate that could have been used in a cycle and was not, for nothing was owed at it (1026.7(b)(4)(i), comment 7(b)(4)-1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnusedRate {
    pub feature: String,
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    /// As a percentage with six decimals.
    pub periodic_rate: String,
    /// Of a tier: the most that it is for; absent on the last.
    #[serde(default, rename = "up_to_cents", skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Cents>,
}

impl StatementTerms {
    #[must_use]
    pub fn of(terms: &Terms) -> Self {
        let product = &terms.product;
        let late = product.fees.late.as_ref();
        Self {
            product_title: product.title.clone(),
            balance: BalanceTerms::of(&product.interest),
            balances: FeatureBalance::all(product),
            grace: GraceTold::of(terms),
            late_after_days: late.map(|late| late.after_days),
            penalty_apr: product.penalty_rate.as_ref().map(|rule| rule.apr),
        }
    }
}

impl BalanceTerms {
    #[must_use]
    pub const fn of(interest: &InterestTerms) -> Self {
        Self {
            method: interest.balance,
            period: interest.period,
            new_draws: interest.new_draws,
            on_billed_interest: interest.on_billed_interest,
            on_fees: interest.on_fees,
            compounds_daily: matches!(interest.compounding, Compounding::Daily),
        }
    }
}

impl FeatureBalance {
    /// None where all do it as the product does.
    fn all(product: &Product) -> Vec<Self> {
        let own = |of: &Feature| product.interest.of(of);
        if product.features.iter().all(|of| own(of) == product.interest) {
            return Vec::new();
        }
        let one =
            |of: &Feature| Self { feature: of.name.clone(), balance: BalanceTerms::of(&own(of)) };
        product.features.iter().map(one).collect()
    }
}

impl GraceTold {
    fn of(terms: &Terms) -> Self {
        let product = &terms.product;
        let has_grace = product.grace.kind == GraceKind::PaidInFull;
        let names = |spared: bool| {
            let bearing = product.features.iter().filter(|one| bears_interest(one));
            let of = bearing.filter(|one| (one.grace && has_grace) == spared);
            of.map(|one| one.name.clone()).collect()
        };
        let window_days = product.dates.statement_window_days;
        Self { spared: names(true), charged: names(false), window_days }
    }
}

fn bears_interest(feature: &Feature) -> bool {
    let later = feature.rates.iter().map(|step| step.apr);
    let tiers = feature.tiers.iter().filter_map(|tier| tier.apr);
    feature.variable.is_some()
        || feature.apr.into_iter().chain(later).chain(tiers).any(|apr| apr > Apr::ZERO)
}

impl State {
    /// The rates that a draw of the cycle's last day would have had, where nothing was owed at them in the cycle; promotions aside,
    /// which are told only where they are applied (12 CFR 1026.7(b)(4)(ii)).
    pub(crate) fn unused_rates(&self, terms: &Terms, lines: &[InterestLine]) -> Vec<UnusedRate> {
        if self.closed_on.is_some() {
            return Vec::new();
        }
        let features = 0..terms.product.features.len();
        let rates = features.flat_map(|feature| self.unused_of(terms, lines, feature));
        rates.filter(|rate| rate.apr > Apr::ZERO).collect()
    }

    fn unused_of(&self, terms: &Terms, lines: &[InterestLine], feature: usize) -> Vec<UnusedRate> {
        let of_feature =
            || self.balances.iter().zip(lines).filter(|(one, _)| one.feature == feature);
        if let Some((open, line)) = of_feature().find(|(balance, _)| !balance.full) {
            return if line.bears_interest() { Vec::new() } else { self.offered(terms, open) };
        }
        let used = |rate: &UnusedRate| {
            of_feature().any(|(_, line)| line.bears_interest() && line.apr == rate.apr)
        };
        let offered = self.offered(terms, &self.further_balance(terms, feature));
        offered.into_iter().filter(|rate| !used(rate)).collect()
    }

    fn offered(&self, terms: &Terms, balance: &Balance) -> Vec<UnusedRate> {
        let plain = Balance { promotion: None, ..balance.clone() };
        let in_force = plain.rate_on(terms, self.day, &self.cycle);
        let feature = terms.product.features.get(balance.feature);
        let name = feature.map(|feature| feature.name.clone()).unwrap_or_default();
        let of = |up_to: Option<Cents>, apr: Apr| {
            let apr = in_force.cap.map_or(apr, |cap| apr.min(cap));
            let periodic = terms.product.interest.periodic_rate(apr, self.day);
            let periodic_rate = rate::to_percent_text(periodic, 6);
            UnusedRate { feature: name.clone(), apr, periodic_rate, up_to }
        };
        match feature.filter(|_| in_force.tiered) {
            Some(feature) => {
                let apr = |tier: &Tier| tier.apr_at(Some(feature), in_force.index);
                let own = |tier: &Tier| discounted(apr(tier), in_force.discount);
                feature.tiers.iter().map(|tier| of(tier.up_to, own(tier))).collect()
            }
            None => vec![of(None, in_force.apr)],
        }
    }
}
