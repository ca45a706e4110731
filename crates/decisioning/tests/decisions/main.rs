//! The decision, from the outside: cases in business words, and what holds for every application (docs/decisioning.md).
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod applicants;
mod cases;
mod properties;
