//! Clients of any OpenAI-compatible model: streamed chat with tool calls, and embeddings.
//!
//! Invariants: a request is sent again only while nothing of its reply has been passed on, so a retry can repeat nothing;
//! a stream that ends without saying why it ended is a cut stream, never a short answer; every wait has a time-out; a
//! reply is text, without control characters, and has a largest size; keys and message text are never logged. What is absent: prompts, budgets (they are the turn's), and any model.

mod chat;
mod config;
mod embeddings;
mod error;
mod message;
mod retry;
mod tokens;
mod wire;

pub use chat::{Chat, ReplyStream};
pub use config::Config;
pub use embeddings::Embeddings;
pub use error::LlmError;
pub use message::{ChatRequest, Finish, Message, Piece, ToolCall, ToolSpec, Tools, Usage};
pub use tokens::{count_messages, count_text, count_tools};
