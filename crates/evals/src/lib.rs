//! Evals: suites of conversations in worlds, graders on facts, and the gate without whose verdict no prompt goes live.
//!
//! Invariants: a hard rule broken is never weighed against anything; a suite that could not fail or could not pass is
//! refused; what could not be run counts for nobody. What is absent: serving (`server`) and signing keys (`plumbline`).

mod case;
mod error;
pub mod gate;
pub mod grade;
pub mod statistics;
mod suite;

pub use case::{Case, CaseStep, Expectations, ExpectedIntent, ExpectedPayment};
pub use error::EvalError;
pub use suite::{Declaration, Suite};
