//! The state of a turn: the fold of its events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Budget, Effect, ToolRequest, ToolResult};

/// One customer message and everything done to answer it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    pub phase: Phase,
    pub text: String,
    pub budget: Option<Budget>,
    /// Rounds of calls and their results, in order.
    pub exchanges: Vec<Exchange>,
    /// Clauses of the answer; dropped ones keep their number.
    pub clauses: Vec<Clause>,
    /// How many clauses, from the first, are final.
    pub released: u32,
    /// The ask under way or the last one.
    pub ask: u32,
    /// Results by tool and canonical arguments: the same call is not made twice.
    pub(crate) answers: BTreeMap<String, Value>,
    /// The reply under way has ended, and what it asked for.
    pub(crate) reply: Option<Vec<ToolRequest>>,
    /// What is wrong with the last draft, for the next ask.
    pub(crate) repair: Option<String>,
    /// Rounds in which every call was a repeat or could not be read.
    pub(crate) idle_rounds: u32,
    pub(crate) outstanding: Vec<Effect>,
    /// How the turn will have ended once the server has said its sentence.
    pub(crate) ending: Option<Ended>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    #[default]
    New,
    Received,
    /// The context is being packed and the budget reserved.
    Planning,
    Asking,
    Running,
    /// The reply has ended; its clauses are being checked and released.
    Releasing,
    /// The server says a sentence of its own, then the turn ends.
    Saying,
    HandingOff,
    Ended(Ended),
}

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    Done,
    HandedOff,
    Cancelled,
    OutOfBudget,
    Faulted,
}

/// What the model asked for in one reply, and what came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What the model said before it asked.
    pub text: String,
    pub requests: Vec<ToolRequest>,
    pub results: Vec<ToolResult>,
}

/// One clause of the draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clause {
    pub draft: String,
    /// What the customer reads, once it has passed. `Some("")` is dropped.
    pub text: Option<String>,
}

impl Turn {
    /// What is pending: on resuming, exactly this is done again.
    pub fn outstanding(&self) -> &[Effect] {
        &self.outstanding
    }

    pub const fn ended(&self) -> Option<Ended> {
        match self.phase {
            Phase::Ended(ended) => Some(ended),
            _ => None,
        }
    }

    /// The clauses that are final, as the customer read them.
    pub fn released_text(&self) -> Vec<&str> {
        self.clauses
            .iter()
            .take(self.released as usize)
            .filter_map(|clause| clause.text.as_deref())
            .filter(|text| !text.is_empty())
            .collect()
    }

    /// The drafts behind the released clauses: what the model is told it has said already.
    pub fn released_drafts(&self) -> Vec<&str> {
        self.clauses
            .iter()
            .take(self.released as usize)
            .filter(|clause| clause.text.as_deref().is_some_and(|text| !text.is_empty()))
            .map(|clause| clause.draft.as_str())
            .collect()
    }

    pub fn results(&self) -> impl Iterator<Item = (&ToolRequest, &ToolResult)> {
        self.exchanges.iter().flat_map(|exchange| exchange.requests.iter().zip(&exchange.results))
    }
}
