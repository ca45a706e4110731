//! The grammar of a conversation: each tool request answered once, directly, and no answer without its request.
//!
//! Hosted endpoints refuse what breaks it; so do we, so that a fault in packing the context is found here first.

use crate::wire::{Message, Role};

/// What is wrong with a conversation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    #[error("there is no message")]
    Empty,
    #[error("tool call `{0}` has no tool message")]
    Unanswered(String),
    #[error("tool call `{0}` is answered or requested more than once")]
    Repeated(String),
    #[error("a tool message answers `{0}`, which the message before did not request")]
    Orphaned(String),
    #[error("a tool message without `tool_call_id`")]
    Nameless,
}

/// Checks a whole conversation.
pub fn check(messages: &[Message]) -> Result<(), GrammarError> {
    if messages.is_empty() {
        return Err(GrammarError::Empty);
    }
    let mut seen: Vec<&str> = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        if message.role == Role::Tool {
            let id = message.tool_call_id.as_deref().ok_or(GrammarError::Nameless)?;
            match open.iter().position(|open| *open == id) {
                Some(at) => drop(open.swap_remove(at)),
                None if seen.contains(&id) => return Err(GrammarError::Repeated(id.to_owned())),
                None => return Err(GrammarError::Orphaned(id.to_owned())),
            }
            continue;
        }
        if let Some(id) = open.first() {
            return Err(GrammarError::Unanswered((*id).to_owned()));
        }
        for call in message.calls() {
            if seen.contains(&call.id.as_str()) {
                return Err(GrammarError::Repeated(call.id.clone()));
            }
            seen.push(&call.id);
            open.push(&call.id);
        }
    }
    open.first().map_or(Ok(()), |id| Err(GrammarError::Unanswered((*id).to_owned())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(messages: serde_json::Value) -> Result<(), GrammarError> {
        check(&serde_json::from_value::<Vec<Message>>(messages).unwrap())
    }

    fn asks(ids: &[&str]) -> serde_json::Value {
        let calls: Vec<_> = ids
            .iter()
            .map(|id| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}))
            .collect();
        json!({"role": "assistant", "content": null, "tool_calls": calls})
    }

    fn answers(id: &str) -> serde_json::Value {
        json!({"role": "tool", "tool_call_id": id, "content": "{}"})
    }

    #[test]
    fn each_request_is_answered_once_and_none_is_orphaned() {
        let user = json!({"role": "user", "content": "hi"});
        assert_eq!(
            verdict(json!([user, asks(&["a", "b"]), answers("b"), answers("a"), user])),
            Ok(())
        );
        assert_eq!(verdict(json!([])), Err(GrammarError::Empty));
        assert_eq!(
            verdict(json!([user, asks(&["a"]), user])),
            Err(GrammarError::Unanswered("a".into()))
        );
        assert_eq!(verdict(json!([user, asks(&["a"])])), Err(GrammarError::Unanswered("a".into())));
        assert_eq!(verdict(json!([user, answers("a")])), Err(GrammarError::Orphaned("a".into())));
        let twice = json!([user, asks(&["a"]), answers("a"), answers("a")]);
        assert_eq!(verdict(twice), Err(GrammarError::Repeated("a".into())));
        let again = json!([user, asks(&["a"]), answers("a"), asks(&["a"]), answers("a")]);
        assert_eq!(verdict(again), Err(GrammarError::Repeated("a".into())));
    }
}
