//! The built-in stand-in for a language model, served over the `OpenAI` wire on loopback.
//!
//! It learns only in context: from the worked examples in the system prompt and from the descriptions and schemas of the tools
//! in the request. It follows the nearest example, fills the call from what was said, and words an answer from results and
//! passages, by reference. Invariants: the same request has the same reply; nothing is remembered between requests; it never
//! writes a figure. Absent on purpose: any tool's name, any intent, any policy; `tests/honesty.rs` holds it to that.
//! `docs/understudy.md` describes what it reads.

mod answer;
mod choose;
mod completion;
mod error;
mod fill;
mod grammar;
mod http;
mod likeness;
mod phrases;
mod prompt;
mod quote;
mod reading;
mod repair;
mod schema;
pub mod scripted;
mod spans;
mod think;
mod tokens;
mod wire;
mod words;

pub use error::UnderstudyError;
pub use grammar::{GrammarError, check as check_grammar};
pub use http::{EMBEDDER, router, serve};
pub use wire::{ChatRequest, FunctionCall, Message, Reply, Role, ToolCall};

/// The stand-in's name on the wire.
pub const MODEL: &str = "understudy-1";
