//! The policy: knock-outs, caps, and the table of prices and limits.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use money::{Apr, Cents, Rounding};
use serde::Deserialize;

use crate::{
    Application, BureauFile, DecisioningError, Derogatory, Reason, Registry, Scorecard,
    reasons::MOST_REASONS,
};

/// A dated piece of configuration, named in every decision.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    id: String,
    model: String,
    product: String,
    request: Request,
    knock_outs: KnockOuts,
    caps: Caps,
    bands: Vec<Band>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    #[serde(rename = "least_cents")]
    least: Cents,
    #[serde(rename = "most_cents")]
    most: Cents,
    #[serde(rename = "step_cents")]
    step: Cents,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnockOuts {
    closed_states: Vec<String>,
    adult_age: u32,
    adult_age_in: BTreeMap<String, u32>,
    months_late_now: u32,
    bank_history_days: u32,
    bureau_trades: u32,
    bank_history_days_without_bureau: u32,
    declined_again_days: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Caps {
    dti_percent: i64,
    exposure_cents: Cents,
    covered_borrower_apr_ppm: u32,
    payment_to_income_ppm: u32,
    minimum_floor_cents: Cents,
    minimum_principal_ppm: u32,
}

/// What those are offered who score in a band.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    pub name: String,
    apr_ppm: u32,
    limit_cents: Cents,
}

impl Band {
    pub fn apr(&self) -> Apr {
        Apr::from_ppm(self.apr_ppm)
    }

    pub const fn limit(&self) -> Cents {
        self.limit_cents
    }
}

impl Policy {
    pub(crate) fn parse(toml: &str, model: &Scorecard) -> Result<Self, DecisioningError> {
        let wrong = DecisioningError::Policy;
        let policy: Self = toml::from_str(toml).map_err(|error| wrong(error.to_string()))?;
        if policy.model != model.id() {
            return Err(wrong(format!("it is made for {} and not {}", policy.model, model.id())));
        }
        let named = policy.bands.iter().map(|band| &band.name);
        if !named.eq(model.references().iter().map(|reference| &reference.band)) {
            return Err(wrong("its bands are not those of the scorecard".into()));
        }
        if !policy.bands.is_sorted_by(|better, worse| {
            better.apr_ppm <= worse.apr_ppm && better.limit_cents >= worse.limit_cents
        }) {
            return Err(wrong("a better band is priced higher or lent less".into()));
        }
        if !policy.request.step.is_positive() {
            return Err(wrong("the step of a limit must be positive".into()));
        }
        Ok(policy)
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name of the product applied for.
    pub fn product(&self) -> &str {
        &self.product
    }

    pub fn bands(&self) -> &[Band] {
        &self.bands
    }

    /// Whether the product has such a limit.
    pub fn may_be_requested(&self, limit: Cents) -> bool {
        let Request { least, most, step } = &self.request;
        (least..=most).contains(&&limit) && limit.get() % step.get() == 0
    }

    /// The least limit the product has.
    pub const fn least_limit(&self) -> Cents {
        self.request.least
    }

    /// Cuts a limit down to one that the product has; zero if it is below the least.
    pub(crate) fn round_limit(&self, limit: Cents) -> Cents {
        let step = self.request.step.get();
        let rounded = Cents::new(limit.get().div_euclid(step) * step);
        if rounded < self.request.least { Cents::ZERO } else { rounded }
    }

    /// The facts that decide by themselves, at most four, in fixed order.
    pub(crate) fn knock_outs(
        &self,
        application: &Application,
        registry: &Registry,
        today: NaiveDate,
    ) -> Result<Vec<Reason>, DecisioningError> {
        let rules = &self.knock_outs;
        let verified = &application.verification;
        let adult = rules.adult_age_in.get(&application.state).unwrap_or(&rules.adult_age);
        let bureau = application.bureau.as_ref();
        let days = application.bank.map_or(0, |bank| bank.days);
        let unspoken_for = days < rules.bank_history_days_without_bureau;
        let facts = [
            ("RC33", application.age(today) < *adult),
            ("RC32", rules.closed_states.contains(&application.state)),
            ("RC05", bureau.is_some_and(|file| file.bankruptcy)),
            ("RC06", bureau.is_some_and(|file| file.repossession_or_foreclosure)),
            ("RC03", bureau.is_some_and(|file| file.months_late_now >= rules.months_late_now)),
            ("RC19", !verified.identity),
            ("RC36", verified.alert_unresolved),
            ("RC35", verified.contradicted),
            ("RC20", !verified.address),
            ("RC17", !verified.income),
            ("RC26", !verified.bank_account || application.bank.is_none()),
            ("RC25", application.bank.is_some() && days < rules.bank_history_days),
            ("RC10", bureau.is_none() && unspoken_for),
            ("RC09", bureau.is_some_and(|f| f.trades < rules.bureau_trades) && unspoken_for),
        ];
        facts
            .into_iter()
            .filter(|(_, holds)| *holds)
            .take(MOST_REASONS)
            .map(|(code, _)| registry.reason(code, &[]))
            .collect()
    }

    /// The rules that are neither fact nor score, in fixed order.
    pub(crate) fn refusals(
        &self,
        application: &Application,
        registry: &Registry,
        dti_percent: Option<i64>,
        today: NaiveDate,
    ) -> Result<Vec<Reason>, DecisioningError> {
        let days = self.knock_outs.declined_again_days;
        let since = today - Days::new(u64::from(days));
        let mut reasons = Vec::new();
        if application.last_declined_on.is_some_and(|declined| declined > since) {
            reasons.push(registry.reason("RC31", &[("days", &days.to_string())])?);
        }
        if self.round_limit(self.exposure_left(application)) == Cents::ZERO {
            reasons.push(registry.reason("RC30", &[])?);
        }
        if dti_percent.is_some_and(|percent| percent > self.caps.dti_percent) {
            reasons.push(registry.reason("RC15", &[])?);
        }
        Ok(reasons)
    }

    pub(crate) fn exposure_left(&self, application: &Application) -> Cents {
        self.caps.exposure_cents - application.exposure
    }

    /// The band's rate, or less where the law caps it.
    pub(crate) fn apr(&self, band: &Band, application: &Application) -> Apr {
        let cap = if application.covered_borrower {
            self.caps.covered_borrower_apr_ppm
        } else {
            u32::MAX
        };
        Apr::from_ppm(band.apr_ppm.min(cap))
    }

    /// The highest limit whose first minimum, fully drawn, is within the share of income the policy allows.
    pub(crate) fn affordable(&self, income: Cents, apr: Apr) -> Cents {
        let most =
            income.mul_ppm(self.caps.payment_to_income_ppm, Rounding::Down).unwrap_or(Cents::ZERO);
        let step = self.request.step;
        let mut limit = self.request.most;
        while limit.is_positive() && self.first_minimum(limit, apr) > most {
            limit -= step;
        }
        limit
    }

    /// The floor, or the share of principal plus the interest of 31 days.
    fn first_minimum(&self, limit: Cents, apr: Apr) -> Cents {
        let share = limit.mul_ppm(self.caps.minimum_principal_ppm, Rounding::HalfUp);
        let month = i128::from(limit.get()) * i128::from(apr.ppm()) * 31;
        let interest = Cents::from_ratio(month, 365 * 1_000_000, Rounding::HalfUp);
        match (share, interest) {
            (Some(share), Some(interest)) => self.caps.minimum_floor_cents.max(share + interest),
            _ => Cents::new(i64::MAX),
        }
    }
}

/// What the slot of a reason says, where it has one.
pub(crate) fn derogatory_kind(bureau: Option<&BureauFile>) -> &'static str {
    let worst = bureau.and_then(|file| file.derogatories.iter().max());
    worst.copied().map_or("derogatory item", Derogatory::words)
}
