//! The shape of the house, as data: which crate stands on which floor. Keep in step with ARCHITECTURE.md.
//!
//! The rules themselves are in `tests/`.

/// Crates by floor, from the ground up. A crate uses only crates of lower floors, never of its own.
pub const FLOORS: &[&[&str]] = &[
    &["money", "calendar", "identity"],
    &["ledger", "toolkit", "decisioning", "nacha", "encoder"],
    &["classifier", "credit", "orchestrator"],
    &["store", "llm", "prompts", "documents", "boarding"],
    &["audit", "knowledge", "rails", "sandbox", "understudy"],
    &["servicing"],
    &["assistant"],
    &["evals", "server"],
    &["plumbline"],
];

/// Floors below this one do no IO, read no clock and know no runtime.
pub const PURE_BELOW: usize = 3;

/// The crates in which SQL may stand.
pub const SQL: &[&str] = &["store", "audit", "knowledge"];

/// Arrows that the floors would allow, and that are forbidden all the same, with the reason.
pub const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("servicing", "llm", "a use case never asks a model"),
    ("servicing", "understudy", "the stand-in is reached over its wire"),
    ("servicing", "sandbox", "a counterpart is reached over its wire, through `rails`"),
    ("servicing", "axum", "a use case knows no HTTP"),
    ("assistant", "understudy", "the stand-in is reached over its wire, through `llm`"),
    ("assistant", "sandbox", "a counterpart is reached over its wire"),
    ("assistant", "axum", "the assistant knows no HTTP"),
    ("assistant", "rails", "no tool reaches a rail: money moves in `servicing`"),
    ("audit", "llm", "the record asks no model"),
    ("llm", "minijinja", "prompts are `prompts`' business"),
    ("sandbox", "store", "a counterpart keeps its own books"),
    ("understudy", "prompts", "the stand-in learns from the request alone"),
];

/// The floor a crate stands on.
#[must_use]
pub fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|crates| crates.contains(&name))
}
