//! Token counts by a common encoding: an estimate for models with another one, good enough to reserve by.

use crate::{Message, ToolSpec};

/// What the wire adds around one message.
const PER_MESSAGE: u64 = 4;

pub fn count_text(text: &str) -> u64 {
    let tokens = tiktoken_rs::o200k_base_singleton().encode_ordinary(text).len();
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

pub fn count_messages(messages: &[Message]) -> u64 {
    messages.iter().map(|message| PER_MESSAGE + count_message(message)).sum()
}

pub fn count_tools(tools: &[ToolSpec]) -> u64 {
    let count = |tool: &ToolSpec| {
        PER_MESSAGE
            + count_text(&tool.name)
            + count_text(&tool.description)
            + count_text(&tool.parameters.to_string())
    };
    tools.iter().map(count).sum()
}

fn count_message(message: &Message) -> u64 {
    match message {
        Message::System { text } | Message::Customer { text } => count_text(text),
        Message::Assistant { text, calls } => {
            let calls: u64 =
                calls.iter().map(|call| count_text(&call.tool) + count_text(&call.arguments)).sum();
            count_text(text) + calls
        }
        Message::ToolResult { content, .. } => count_text(content),
    }
}
