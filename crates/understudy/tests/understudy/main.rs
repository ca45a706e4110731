//! The stand-in over its own routes, taught by the prompt of a fictitious parcel office.
//!
//! The office is far from any real use on purpose: what works here was learned from the request.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may panic and speak"
)]

mod behaviour;
mod honesty;
mod office;
mod prompt;
mod scripted;
mod wire;
