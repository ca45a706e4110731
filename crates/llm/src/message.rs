//! What is sent to a model and what comes back, in our words.

use std::sync::Arc;

use async_openai::types::chat::{ChatCompletionTool, ChatCompletionTools, FunctionObject};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    System { text: String },
    Customer { text: String },
    Assistant { text: String, calls: Vec<ToolCall> },
    ToolResult { call_id: String, content: String },
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    pub id: String,
    pub tool: String,
    /// As the model wrote it: perhaps not JSON.
    pub arguments: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSpec {
    pub name: String,
    pub description: String,
    /// JSON schema.
    pub parameters: Value,
}

/// The tools of a request, in the form of the wire. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tools(pub(crate) Arc<[ChatCompletionTools]>);

impl Tools {
    pub fn new(tools: impl IntoIterator<Item = ToolSpec>) -> Self {
        let on_the_wire = |tool: ToolSpec| {
            ChatCompletionTools::Function(ChatCompletionTool {
                function: FunctionObject {
                    name: tool.name,
                    description: Some(tool.description),
                    parameters: Some(tool.parameters),
                    strict: None,
                },
            })
        };
        Self(tools.into_iter().map(on_the_wire).collect())
    }
}

#[derive(Clone, Debug)]
pub struct ChatRequest {
    pub messages: Vec<Message>,
    pub tools: Tools,
    pub max_tokens: u32,
    pub temperature: f32,
}

/// A piece of a streamed reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// The last piece: whole tool calls, in order.
    End {
        calls: Vec<ToolCall>,
        finish: Finish,
        usage: Option<Usage>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    Stop,
    ToolCalls,
    /// The reply reached its length limit: its last sentence is not whole.
    Length,
    Filtered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}
