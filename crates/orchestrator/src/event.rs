//! What happened, as the driver records it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Limits;

/// One recorded fact of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A customer's message arrived and was stored.
    Received { text: String, limits: Limits },
    /// The guards have judged the message.
    Guarded { outcome: Guarded },
    /// The context was packed; `prompt_tokens` is what an ask will cost before its reply.
    Planned { prompt_tokens: u64 },
    /// A whole clause came from ask number `ask`.
    Drafted { ask: u32, text: String },
    /// The guards have judged a drafted clause.
    Judged { clause: u32, judgment: Judgment },
    /// The model's reply of ask `ask` ended.
    Replied { ask: u32, requests: Vec<ToolRequest>, usage: Option<Usage> },
    /// The ask failed or its stream was cut.
    ModelFailed { ask: u32, failure: ModelFailure, usage: Option<Usage> },
    /// Every call of the round has an outcome, in call order.
    Ran { results: Vec<ToolResult> },
    /// Clauses up to and including number `through` were committed and shown.
    Released { through: u32 },
    /// The server's own sentence was committed and shown.
    Said,
    /// The hand-off stands.
    HandedOff { reference: String },
    /// The customer went away or asked to stop.
    Cancelled,
    /// The time allowed is over.
    TimedOut,
}

/// What the guards before the model found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "guarded", rename_all = "snake_case")]
pub enum Guarded {
    Proceed,
    /// The server answers by itself; the model is not asked.
    Answer {
        text: String,
    },
    HandOff {
        reason: HandOff,
    },
}

/// Why a person takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandOff {
    /// A flag routes the customer to a person.
    Flag,
    Asked,
    /// A tool of ours opened it.
    Tool,
}

/// A guard's verdict on one clause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "judgment", rename_all = "snake_case")]
pub enum Judgment {
    /// `text` is what the customer will read, figures written in.
    Pass { text: String },
    /// Nothing to show, such as a clause whose only reference has no value.
    Drop,
    /// The clause must be written again; `reason` is for the model.
    Repair { reason: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolRequest {
    pub id: String,
    pub tool: String,
    /// As the model wrote it: perhaps not JSON.
    pub arguments: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    pub request_id: String,
    pub outcome: ToolOutcome,
    /// What the model reads.
    pub content: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolOutcome {
    Answered,
    Proposed,
    Refused,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelFailure {
    /// Refused before anything was said: 429, 5xx, no connection. The client has retried already.
    Unavailable,
    /// The stream ended before the reply did.
    Cut,
    /// No word for too long.
    Stalled,
    /// What came is not the protocol.
    Broken,
    /// The request itself is at fault; trying again is no use.
    Rejected,
}
