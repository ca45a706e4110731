//! From application to decision.

use chrono::NaiveDate;
use money::{Apr, Cents};
use serde::{Deserialize, Serialize};

use crate::{
    Application, Band, Contribution, DecisioningError, Feature, Features, Reason, Reference,
    Underwriting, contributions, policy::derogatory_kind, principal_reasons, reasons::MOST_REASONS,
};

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Approved,
    /// Less than was asked for: adverse unless it is accepted.
    Counteroffered,
    Declined,
    /// Items are missing: the applicant is told which.
    Incomplete,
    /// No decision: a person must make it.
    Referred,
}

/// The part that decided against the request, from which the reasons come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    Completeness,
    KnockOut,
    Policy,
    Affordability,
    Score,
}

/// What is offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    pub product: String,
    pub limit: Cents,
    pub apr_ppm: u32,
    pub band: String,
}

impl Terms {
    pub fn apr(&self) -> Apr {
        Apr::from_ppm(self.apr_ppm)
    }
}

/// A decision, with everything it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    pub outcome: Outcome,
    pub decided_on: NaiveDate,
    /// The model and which bytes of it.
    pub model: String,
    pub policy: String,
    /// SHA-256 of the application, hexadecimal.
    pub inputs_digest: String,
    /// What decided against the request; absent if nothing did.
    pub component: Option<Component>,
    /// Absent where the decision came before the score.
    pub score_micrologits: Option<i64>,
    pub contributions: Vec<Contribution>,
    /// At most four, the weightiest first.
    pub reasons: Vec<Reason>,
    pub terms: Option<Terms>,
    /// A consumer report was used (15 USC 1681m(a)).
    pub consumer_report_used: bool,
    /// Data of a bank account was used (15 USC 1681m(b)).
    pub bank_data_used: bool,
}

/// Decides on an application. Pure: the same arguments give the same bytes.
pub fn decide(
    application: &Application,
    underwriting: &Underwriting,
    today: NaiveDate,
) -> Result<Decision, DecisioningError> {
    let Underwriting { model, policy, registry } = underwriting;
    if !policy.may_be_requested(application.requested_limit) {
        return Err(DecisioningError::RequestOutOfRange(application.requested_limit));
    }
    let digest =
        application.digest().map_err(|error| DecisioningError::Model(error.to_string()))?;
    let mut decision = Decision {
        outcome: Outcome::Approved,
        decided_on: today,
        model: model.version(),
        policy: policy.id().to_owned(),
        inputs_digest: hex::encode(digest),
        component: None,
        score_micrologits: None,
        contributions: Vec::new(),
        reasons: Vec::new(),
        terms: None,
        consumer_report_used: false,
        bank_data_used: false,
    };

    let missing = application.missing_items();
    if !missing.is_empty() {
        let items = missing.join(", ");
        let reason = registry.reason("RC34", &[("items", &items)])?;
        return Ok(decision.stop(Outcome::Incomplete, Component::Completeness, vec![reason]));
    }
    decision.consumer_report_used = application.bureau.is_some();
    decision.bank_data_used = application.bank.is_some();
    let knocked_out = policy.knock_outs(application, registry, today)?;
    if !knocked_out.is_empty() {
        return Ok(decision.stop(Outcome::Declined, Component::KnockOut, knocked_out));
    }
    let features = Features::of(application);
    let refusals = policy.refusals(application, registry, features.get(Feature::Dti), today)?;
    if !refusals.is_empty() {
        return Ok(decision.stop(Outcome::Declined, Component::Policy, refusals));
    }

    let score = model.score(&features);
    decision.score_micrologits = Some(score);
    let mut bands = policy.bands().iter().zip(model.references());
    if let Some((band, _)) = bands.find(|(_, reference)| score >= reference.floor) {
        return offer(decision, application, underwriting, &features, band);
    }
    // Below all of them: the reference is that of those who were just accepted.
    let reference = model.references().last();
    fall_short(decision, application, underwriting, &features, reference)
}

/// Prices and sizes the line; what is less than was asked for needs a reason.
fn offer(
    mut decision: Decision,
    application: &Application,
    underwriting: &Underwriting,
    features: &Features,
    band: &Band,
) -> Result<Decision, DecisioningError> {
    let Underwriting { model, policy, registry } = underwriting;
    let apr = policy.apr(band, application);
    let income = application.monthly_income.unwrap_or(Cents::ZERO);
    let caps = [
        (Component::Policy, policy.round_limit(policy.exposure_left(application))),
        (Component::Affordability, policy.round_limit(policy.affordable(income, apr))),
        (Component::Score, policy.round_limit(band.limit())),
    ];
    // The first of equals: policy before score.
    let (component, cap) =
        caps.into_iter().min_by_key(|(_, cap)| *cap).unwrap_or((Component::Policy, Cents::ZERO));
    let limit = application.requested_limit.min(cap);
    if limit.is_positive() {
        decision.terms = Some(Terms {
            product: policy.product().to_owned(),
            limit,
            apr_ppm: apr.ppm(),
            band: band.name.clone(),
        });
    }
    if limit == application.requested_limit {
        decision.contributions = contributions(model, features, None);
        return Ok(decision);
    }
    let outcome = if limit.is_positive() { Outcome::Counteroffered } else { Outcome::Declined };
    let code = match component {
        Component::Affordability => "RC16",
        Component::Score => {
            // The reference of the least band that is lent what was asked for.
            let wanted = policy
                .bands()
                .iter()
                .zip(model.references())
                .rfind(|(band, _)| band.limit() >= application.requested_limit)
                .map(|(_, reference)| reference);
            return fall_short(decision, application, underwriting, features, wanted);
        }
        _ => "RC30",
    };
    decision.contributions = contributions(model, features, None);
    Ok(decision.stop(outcome, component, vec![registry.reason(code, &[])?]))
}

/// Gives the reasons why the score is below a reference, or refers the case where there is no principal one.
fn fall_short(
    mut decision: Decision,
    application: &Application,
    underwriting: &Underwriting,
    features: &Features,
    reference: Option<&Reference>,
) -> Result<Decision, DecisioningError> {
    let Underwriting { model, registry, .. } = underwriting;
    decision.contributions = contributions(model, features, reference);
    let Ok(codes) = principal_reasons(registry, &decision.contributions) else {
        decision.terms = None;
        return Ok(decision.stop(Outcome::Referred, Component::Score, Vec::new()));
    };
    let kind = derogatory_kind(application.bureau.as_ref());
    let reasons = codes
        .into_iter()
        .map(|code| registry.reason(code, &[("kind", kind)]))
        .collect::<Result<Vec<_>, _>>()?;
    let outcome =
        if decision.terms.is_some() { Outcome::Counteroffered } else { Outcome::Declined };
    Ok(decision.stop(outcome, Component::Score, reasons))
}

impl Decision {
    fn stop(mut self, outcome: Outcome, component: Component, mut reasons: Vec<Reason>) -> Self {
        reasons.truncate(MOST_REASONS);
        self.outcome = outcome;
        self.component = Some(component);
        self.reasons = reasons;
        self
    }

    /// Whether the applicant has to be told why (Reg B §1002.2(c), §1002.9).
    pub const fn adverse(&self) -> bool {
        matches!(self.outcome, Outcome::Declined | Outcome::Counteroffered)
    }
}
