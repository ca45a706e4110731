//! The part of the `OpenAI` chat-completions and embeddings wire that is spoken here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request to `POST /v1/chat/completions`. Members not named here are accepted and not read.
#[derive(Clone, Debug, Deserialize)]
pub struct ChatRequest {
    #[serde(default)]
    pub model: String,
    pub messages: Vec<Message>,
    #[serde(default)]
    pub tools: Option<Vec<ToolOffer>>,
    #[serde(default)]
    pub stream: Option<bool>,
    #[serde(default)]
    pub stream_options: Option<StreamOptions>,
    #[serde(default)]
    pub tool_choice: Option<Value>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct StreamOptions {
    #[serde(default)]
    pub include_usage: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Message {
    pub role: Role,
    #[serde(default)]
    pub content: Option<Content>,
    #[serde(default)]
    pub tool_calls: Option<Vec<ToolCall>>,
    #[serde(default)]
    pub tool_call_id: Option<String>,
}

/// A message's content: one text or its parts.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Clone, Debug, Deserialize)]
pub struct Part {
    #[serde(default)]
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    pub id: String,
    pub function: FunctionCall,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCall {
    pub name: String,
    /// JSON, as text.
    pub arguments: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ToolOffer {
    pub function: FunctionOffer,
}

#[derive(Clone, Debug, Deserialize)]
pub struct FunctionOffer {
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub parameters: Option<Value>,
}

impl Message {
    pub fn text(&self) -> String {
        match &self.content {
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => {
                parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n")
            }
        }
    }

    pub fn calls(&self) -> &[ToolCall] {
        self.tool_calls.as_deref().unwrap_or_default()
    }

    /// Whether it instructs the model rather than speaks in the conversation.
    pub(crate) fn instructs(&self) -> bool {
        matches!(self.role, Role::System | Role::Developer)
    }
}

impl ChatRequest {
    pub(crate) fn offers(&self) -> &[ToolOffer] {
        self.tools.as_deref().unwrap_or_default()
    }

    /// Whether the caller forbids tools in this reply.
    pub(crate) fn without_tools(&self) -> bool {
        self.tool_choice.as_ref().and_then(Value::as_str) == Some("none")
    }
}

/// A request to `POST /v1/embeddings`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct EmbeddingsRequest {
    pub(crate) input: Input,
    #[serde(default)]
    pub(crate) encoding_format: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Input {
    One(String),
    Many(Vec<String>),
}

/// What a model answers: words, calls, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub calls: Vec<FunctionCall>,
}

impl Reply {
    pub fn says(text: impl Into<String>) -> Self {
        Self { text: text.into(), calls: Vec::new() }
    }

    pub fn calls(calls: Vec<FunctionCall>) -> Self {
        Self { text: String::new(), calls }
    }
}
