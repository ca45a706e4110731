//! Evals: suites of conversations in worlds, graders on facts, and the gate without whose verdict no prompt goes live.
//!
//! A [`Suite`] is played by a [`Bench`], [`gate::judge`] makes a report of the two runs, and [`report`] writes it down.
//!
//! Invariants: a hard rule broken is never weighed against anything; a suite that could not fail or could not pass is
//! refused; what could not be run counts for nobody. What is absent: serving (`server`) and signing keys (`plumbline`).

mod case;
mod error;
pub mod gate;
pub mod grade;
pub mod report;
mod run;
pub mod statistics;
mod suite;

pub use case::{Case, CaseStep, Expectations, ExpectedIntent, ExpectedPayment};
pub use error::EvalError;
pub use run::{Bench, Played, Progress, Setup, opens_at};
pub use suite::{Declaration, Suite};
