//! What a call would change.

use money::Cents;
use serde::{Deserialize, Serialize};

/// What one call would change, resolved against today's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "class", content = "amount_cents", rename_all = "snake_case")]
pub enum Effect {
    Reads,
    /// Only ever safer for the customer, and a person can undo it.
    Protects,
    Writes,
    MovesMoney(Cents),
}

/// The effect a manifest declares for every call of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectClass {
    Reads,
    Protects,
    Writes,
    MovesMoney,
}

impl Effect {
    pub const fn class(self) -> EffectClass {
        match self {
            Self::Reads => EffectClass::Reads,
            Self::Protects => EffectClass::Protects,
            Self::Writes => EffectClass::Writes,
            Self::MovesMoney(_) => EffectClass::MovesMoney,
        }
    }
}

impl EffectClass {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Protects => "protects",
            Self::Writes => "writes",
            Self::MovesMoney => "moves_money",
        }
    }
}
