//! Token counts for `usage`: pieces of at most four letters and single marks, close to what common tokenizers count.

use crate::wire::{ChatRequest, Reply};

pub(crate) fn count(text: &str) -> u64 {
    let pieces = |word: &str| {
        let letters = word.chars().filter(|c| c.is_alphanumeric()).count();
        let marks = word.chars().count() - letters;
        letters.div_ceil(4) + marks
    };
    text.split_whitespace()
        .map(pieces)
        .map(|pieces| u64::try_from(pieces).unwrap_or(u64::MAX))
        .sum()
}

/// What the request costs: its texts, calls and tools, and a frame per message.
pub(crate) fn prompt(request: &ChatRequest) -> u64 {
    let of_message = |message: &crate::wire::Message| {
        let calls = message
            .calls()
            .iter()
            .map(|call| count(&call.function.name) + count(&call.function.arguments));
        4 + count(&message.text()) + calls.sum::<u64>()
    };
    let of_tool = |tool: &crate::wire::ToolOffer| {
        let schema = tool.function.parameters.as_ref().map(ToString::to_string).unwrap_or_default();
        count(&tool.function.name)
            + count(tool.function.description.as_deref().unwrap_or_default())
            + count(&schema)
    };
    request.messages.iter().map(of_message).sum::<u64>()
        + request.offers().iter().map(of_tool).sum::<u64>()
}

pub(crate) fn completion(reply: &Reply) -> u64 {
    let calls = reply.calls.iter().map(|call| count(&call.name) + count(&call.arguments));
    count(&reply.text) + calls.sum::<u64>()
}
