//! The use cases against PostgreSQL and the sandbox bank's wire.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod board;
mod cases;
mod decisions;
mod draws;
mod flags;
mod hand_offs;
mod house;
mod intents;
mod lines;
mod numbers;
mod payments;
mod portfolio;
mod release;
mod retries;
mod rights;
mod sessions;
mod statements;
mod worlds;
