//! What a turn costs in statements. A binary of its own: who listens to statements, listens to the whole process, and other
//! tests at the same time would decide what is heard.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "it/house.rs"]
#[expect(dead_code, reason = "the house of all tests")]
mod house;
#[path = "it/statements.rs"]
mod statements;
