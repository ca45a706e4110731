//! The shipped program, driven over HTTP and by its commands: nothing here knows its insides.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

mod access;
mod app;
mod bad_input;
mod bundle;
mod desk;
mod draws;
mod hostile;
mod interface;
mod levels;
mod messages;
mod payment;
mod service;
mod statements;
