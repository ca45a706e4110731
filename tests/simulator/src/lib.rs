//! Deterministic simulation: random lines lived for years, and an oracle that says what should have come of them.
//!
//! Two levels. *Pure*: the engine alone, thousands of lines in seconds. *House*: the use cases on PostgreSQL, with a bank that is
//! hard to deal with and a process that dies between any two statements. A seed is a run: the same facts, ids, hours and
//! deaths each time. See docs/simulator.md.

pub mod dice;
pub mod history;
#[cfg(feature = "house")]
pub mod house;
pub mod judge;
pub mod life;
pub mod living;
pub mod pure;
mod shrink;
