//! The shipped program, driven over HTTP and by its commands: nothing here knows its insides.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod access;
mod app;
mod bad_input;
mod bundle;
mod interface;
mod payment;
