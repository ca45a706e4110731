//! The decision on an application: approve, offer less, decline, and why.
//!
//! [`decide`] is a pure function of the application, the model, the policy and the day. Knock-outs come first, then policy,
//! then the score; the reasons come from the component that failed, at most four, in a fixed order (Reg B §1002.9(b)(2) and
//! its comments). All arithmetic is on integers: a score is a sum of micro-logits, higher is better.
//!
//! Invariants: same inputs, same bytes out; no reason outside the registry; no feature that the law forbids has a place to be
//! put. What is absent: IO, the clock, and any word about a score in what a consumer reads.

mod application;
mod clocks;
mod decide;
mod feature;
mod policy;
mod reasons;
mod registry;
mod scorecard;
#[cfg(feature = "testing")]
pub mod testing;

pub use application::{
    Application, BankHistory, BureauFile, BureauScore, Derogatory, Verification,
};
pub use clocks::Clocks;
pub use decide::{Component, Decision, Outcome, Terms, decide};
pub use feature::{Feature, Features};
pub use policy::{Band, Policy};
pub use reasons::{Contribution, NoPrincipalReason, contributions, principal_reasons};
pub use registry::{Reason, ReasonCode, Registry, Source};
pub use scorecard::{Reference, Scorecard};

/// Everything a decision is made with, parsed and found to fit together.
#[derive(Clone, Debug)]
pub struct Underwriting {
    pub model: Scorecard,
    pub policy: Policy,
    pub registry: Registry,
}

/// The underwriting files do not say what they must.
#[derive(Debug, thiserror::Error)]
pub enum DecisioningError {
    #[error("the scorecard cannot be used: {0}")]
    Model(String),
    #[error("the policy cannot be used: {0}")]
    Policy(String),
    #[error("the reason codes cannot be used: {0}")]
    Registry(String),
    /// The caller's fault: the request is not one that the product allows.
    #[error("a limit of {0} cannot be asked for")]
    RequestOutOfRange(money::Cents),
}

impl Underwriting {
    /// Reads the three files of `models/` and checks that each fits the others.
    pub fn parse(model: &str, policy: &str, reasons: &str) -> Result<Self, DecisioningError> {
        let registry = Registry::parse(reasons)?;
        let model = Scorecard::parse(model)?;
        if let Some(feature) = model.features().find(|f| registry.code_of(*f).is_none()) {
            let why = format!("no reason code speaks for feature {}", feature.name());
            return Err(DecisioningError::Registry(why));
        }
        let policy = Policy::parse(policy, &model)?;
        Ok(Self { model, policy, registry })
    }

    /// The files this program was built with.
    pub fn bundled() -> Result<Self, DecisioningError> {
        Self::parse(
            include_str!("../../../models/application-1.json"),
            include_str!("../../../models/policy-1.toml"),
            include_str!("../../../models/reason_codes.toml"),
        )
    }
}
