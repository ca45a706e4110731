//! What the driver must do next.

use serde::{Deserialize, Serialize};

use crate::{Ended, HandOff, ToolRequest};

/// Outstanding until the event that settles it has been recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Judge the message. Settled by `Guarded`.
    Guard,
    /// Pack the context and count its tokens. Settled by `Planned`.
    Plan,
    /// Ask the model. Settled by `Replied` or `ModelFailed` with the same number.
    Ask(Ask),
    /// Judge a clause. Settled by `Judged`.
    Check { clause: u32, text: String },
    /// Run these calls, in parallel where they read. Settled by `Ran`.
    Run { requests: Vec<ToolRequest>, proposals_left: u32 },
    /// Commit and show the clauses up to `through`. Settled by `Released`.
    Release { through: u32 },
    /// Commit and show the server's own words. Settled by `Said`.
    Say { plain: Plain },
    /// Open the hand-off. Settled by `HandedOff`.
    HandOff { reason: HandOff },
    /// The turn is over: nothing settles it.
    Finish { ended: Ended },
}

/// One request to the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// 1, 2, 3... within the turn. What comes from an earlier ask is stale.
    pub number: u32,
    /// What was wrong with the last draft, for the model.
    pub repair: Option<String>,
}

/// Which of the server's own sentences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "plain", rename_all = "snake_case")]
pub enum Plain {
    /// A guard's own answer.
    Guard { text: String },
    /// No draft passed the checks: the facts found this turn, worded by the server.
    Facts,
    /// The model cannot be reached.
    Unavailable,
    /// The turn ran out of budget.
    OutOfBudget,
}
