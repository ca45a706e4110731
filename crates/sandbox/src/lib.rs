//! Counterparts for development: simulated outside parties as loopback servers that speak the real wire.
//!
//! Invariants: nothing of the product calls into this crate but to start a server; what is simulated says so in its answers.
//! What is absent: any knowledge of credit lines or customers.

pub mod bank;
pub mod post;
