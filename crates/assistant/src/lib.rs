//! The assistant: the tools' bodies, their dispatch, the guards, the packing of context, the hand-off and the driver of a turn.
//!
//! Invariants: the customer is who the session says, never an argument; what is released was checked and is final; a right
//! that was invoked is on record in the same turn, whatever the model does; a proposal is minted and shown by the server and
//! confirmed where no model reaches; each turn is recorded so that it resumes where it stopped. What is absent: HTTP, and
//! any way to confirm, post or move money.

mod assistant;
pub mod claims;
mod clauses;
mod context;
mod error;
pub mod figures;
pub mod flags;
mod guards;
mod heard;
mod plain;
mod release;
pub mod rights;
mod run;
mod stream;
pub mod tools;

pub use assistant::{Assistant, Watch};
pub use error::AssistantError;
pub use release::{PROMPT, Release, Serving, Source, guards_digest};
pub use stream::StreamPart;
pub use tools::Means;
