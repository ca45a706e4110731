//! The tests of `knowledge` against its real policies, and of its indexes against one contract.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "similarities, grades and shares of questions"
)]
#![expect(clippy::print_stdout, reason = "tables of recall, and what was skipped")]

mod cache;
mod conformance;
mod hostile;
mod policies;
mod retrieval;
mod stand_in;
mod support;
