//! The registry of reasons: the only words a notice may use.

use serde::{Deserialize, Serialize};

use crate::{DecisioningError, Feature};

/// Wording that comment 9(b)(2)-6 calls insufficient, and what may never reach a consumer.
const FORBIDDEN: [&str; 5] =
    ["score", "internal standard", "internal policy", "internal policies", "algorithm"];

/// Where a reason's fact comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Bureau,
    Application,
    ApplicationAndBureau,
    Verification,
    BankAccount,
    OwnFile,
    Policy,
    Law,
    Process,
}

/// One entry of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonCode {
    pub code: String,
    pub name: String,
    pub source: Source,
    /// May hold slots in braces.
    pub text: String,
    pub features: Vec<Feature>,
}

/// A reason given: its words are final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    pub code: String,
    pub text: String,
    pub source: Source,
}

/// All reasons there are, in their fixed order.
#[derive(Clone, Debug)]
pub struct Registry(Vec<ReasonCode>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    reason: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: String,
    name: String,
    features: Vec<String>,
    source: Source,
    text: String,
}

impl Registry {
    pub(crate) fn parse(toml: &str) -> Result<Self, DecisioningError> {
        let wrong = DecisioningError::Registry;
        let file: File = toml::from_str(toml).map_err(|error| wrong(error.to_string()))?;
        let mut codes: Vec<ReasonCode> = Vec::new();
        for row in file.reason {
            let Row { code, name, features, source, text } = row;
            let features = features
                .iter()
                .map(|feature| {
                    Feature::from_name(feature)
                        .ok_or_else(|| wrong(format!("{code} names an unknown feature {feature}")))
                })
                .collect::<Result<Vec<_>, _>>()?;
            if FORBIDDEN.iter().any(|words| text.to_lowercase().contains(words)) {
                return Err(wrong(format!("the wording of {code} says nothing specific")));
            }
            let taken = |other: &ReasonCode| {
                other.code == code || other.features.iter().any(|f| features.contains(f))
            };
            if codes.iter().any(taken) {
                return Err(wrong(format!("{code} or one of its features stands there twice")));
            }
            codes.push(ReasonCode { code, name, source, text, features });
        }
        Ok(Self(codes))
    }

    /// In fixed order.
    pub fn codes(&self) -> impl Iterator<Item = &ReasonCode> {
        self.0.iter()
    }

    pub fn get(&self, code: &str) -> Option<&ReasonCode> {
        self.0.iter().find(|reason| reason.code == code)
    }

    /// The code under which a feature's shortfall is counted.
    pub fn code_of(&self, feature: Feature) -> Option<&ReasonCode> {
        self.0.iter().find(|reason| reason.features.contains(&feature))
    }

    /// The reason of this code, its slots filled.
    pub fn reason(&self, code: &str, slots: &[(&str, &str)]) -> Result<Reason, DecisioningError> {
        let wrong = |why: &str| DecisioningError::Registry(format!("{code} {why}"));
        let found = self.get(code).ok_or_else(|| wrong("is not in the registry"))?;
        let mut text = found.text.clone();
        for (slot, words) in slots {
            text = text.replace(&format!("{{{slot}}}"), words);
        }
        if text.contains('{') {
            return Err(wrong("has a slot that nothing fills"));
        }
        Ok(Reason { code: found.code.clone(), text, source: found.source })
    }
}
