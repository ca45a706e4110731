//! The assistant against PostgreSQL, with the stand-in and with models that mean harm.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod flags;
mod hostile;
mod house;
mod policies;
mod taken_up;
mod turns;
