//! How much, as a customer says it.

use money::Cents;
use schemars::JsonSchema;
use serde::Deserialize;
use servicing::AmountAsk;
use toolkit::{
    ToolError, ToolErrorKind,
    reading::{Reading, figures},
};

/// A spoken amount: resolved by the server, never by the model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Amount {
    Exact {
        #[schemars(extend("format" = "amount"))]
        value: String,
    },
    Minimum,
    Statement,
    Payoff,
}

impl Amount {
    pub(crate) fn ask(&self) -> Result<AmountAsk, ToolError> {
        Ok(match self {
            Self::Exact { value } => AmountAsk::Exact { cents: cents(value)? },
            Self::Minimum => AmountAsk::Minimum,
            Self::Statement => AmountAsk::Statement,
            Self::Payoff => AmountAsk::Payoff,
        })
    }
}

/// The one amount a text names.
pub(crate) fn cents(text: &str) -> Result<Cents, ToolError> {
    let unclear = || ToolError::refused("The amount is not clear. Name it in dollars.");
    if let Ok(amount) = Cents::parse_dollars(text) {
        return Ok(amount);
    }
    match figures(text).as_slice() {
        [figure] => match &figure.value {
            Reading::Money(amount) => Ok(*amount),
            Reading::Number(micros) if micros % 10_000 == 0 => i64::try_from(micros / 10_000)
                .map(Cents::new)
                .map_err(|error| ToolError::new(ToolErrorKind::InvalidArgs, error.to_string())),
            _ => Err(unclear()),
        },
        _ => Err(unclear()),
    }
}
