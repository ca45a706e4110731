//! Why a call failed: one message for the operator, one that is safe for the model.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind:?}: {detail}")]
pub struct ToolError {
    pub kind: ToolErrorKind,
    /// For the audit trail. Never shown to the model.
    pub detail: String,
    /// A sentence of the domain's own that may be shown to the customer and the model, such as why a payment is refused.
    pub refusal: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolErrorKind {
    UnknownTool,
    InvalidArgs,
    /// A protected argument came neither from the person nor from a verified field.
    Unsourced,
    Denied,
    /// The domain said no: over the limit, already paid, line closed.
    Refused,
    /// The same call was made before in this turn, or too many were.
    Exhausted,
    TimedOut,
    Unavailable,
}

impl ToolError {
    pub fn new(kind: ToolErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), refusal: None }
    }

    /// The domain refuses; `sentence` may be read by the model and the customer.
    pub fn refused(sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        Self { kind: ToolErrorKind::Refused, detail: sentence.clone(), refusal: Some(sentence) }
    }

    /// What the model is told.
    pub fn for_model(&self) -> &str {
        self.refusal.as_deref().unwrap_or_else(|| self.kind.for_model())
    }
}

impl ToolErrorKind {
    /// The sentence the model hears for this kind.
    pub const fn for_model(self) -> &'static str {
        match self {
            Self::UnknownTool => "there is no such tool",
            Self::InvalidArgs => "the arguments do not fit the schema",
            Self::Unsourced => "the customer has not said this value; ask for it",
            Self::Denied => "this action is not allowed here; offer a person",
            Self::Refused => "the credit line does not permit this",
            Self::Exhausted => "this was already asked in this turn; use the earlier result",
            Self::TimedOut => "the tool took too long; it may have run, so check before retrying",
            Self::Unavailable => "the service is not reachable right now",
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownTool => "unknown_tool",
            Self::InvalidArgs => "invalid_args",
            Self::Unsourced => "unsourced",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Exhausted => "exhausted",
            Self::TimedOut => "timed_out",
            Self::Unavailable => "unavailable",
        }
    }
}
