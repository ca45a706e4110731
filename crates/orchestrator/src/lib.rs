//! One turn of a conversation as a pure state machine: `step(state, event) -> (state, effects)`.
//!
//! ```text
//! received -> guarded -> planned (budget reserved) -> asking <-> tool calls
//! asking -> drafted -> checked clause by clause -> released -> done
//! any -> handed off | cancelled | out of budget | faulted
//! ```
//!
//! Invariants: a state is the fold of its events, so a turn resumes from its record; an effect stays outstanding until the
//! event that settles it, so resuming re-emits what is pending and nothing that came before; a released clause is final,
//! and neither a repair nor a retry can say it again; budgets are reserved before and settled after in one place; a turn
//! ends, whatever the model does. What is absent: IO, time, credit, and the words of any guard.

mod budget;
mod calls;
mod effect;
mod event;
mod step;
mod turn;

pub use budget::{Budget, Limits, Spent};
pub use effect::{Ask, Effect, Plain};
pub use event::{
    Event, Guarded, HandOff, Judgment, ModelFailure, ToolOutcome, ToolRequest, ToolResult, Usage,
};
pub use step::{StepError, fold, step};
pub use turn::{Clause, Ended, Exchange, Phase, Turn};
