//! The log in PostgreSQL: rights, writers, the sequencer, bundles, and every kind of tampering with the database.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod fixture;
mod rights;
mod sequencing;
mod tampering;
mod writers;
