//! The sandbox bank: takes ACH files, settles them on banking days and returns what its test accounts say; sends instant
//! transfers at any hour.
//!
//! Invariants: a file id is one file for ever; money moves once per entry; the same files and dates give the same returns.
//! Its calendar is moved by hand (`POST /sandbox/clock`), never by a wall clock.

mod accounts;
mod check;
mod instant;
mod server;
mod state;

pub use accounts::{InstantOutcome, Outcome, instant_outcome_of, outcome_of};
pub use server::{BankError, router, serve};
pub use state::Bank;
