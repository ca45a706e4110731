//! What the model is sent: the served prompt, as much of the conversation as fits, this turn, and what was wrong.

use std::slice;

use identity::TurnId;
use llm::{Message, ToolCall};
use orchestrator::{Ask, Turn};
use servicing::conversations::ConversationView;
use store::conversations::MessageRole;

use crate::release::Shown;

/// Tokens of the conversation before this turn, at most.
const HISTORY_TOKENS: u64 = 3_000;

/// Stands before the words of a representative.
const BY_A_REPRESENTATIVE: &str = "A representative, not the assistant, wrote to the customer";

/// The conversation before a turn, oldest first, cut to its newest part that fits, and the tokens of that.
pub(crate) fn history(view: &ConversationView, turn: TurnId) -> (Vec<Message>, u64) {
    let mut kept = Vec::new();
    let mut left = HISTORY_TOKENS;
    let before = view.messages.iter().map(|row| &row.message).rev();
    for message in before.filter(|message| message.turn_id != Some(turn)) {
        let text = message.text.clone();
        let said = match message.role {
            MessageRole::Customer => Message::Customer { text },
            MessageRole::Assistant | MessageRole::System => {
                Message::Assistant { text, calls: Vec::new() }
            }
            // What a person of ours wrote is nothing the model said, promised or may go on from.
            MessageRole::Representative => Message::Assistant {
                text: format!("[{BY_A_REPRESENTATIVE}: \"{text}\"]"),
                calls: Vec::new(),
            },
        };
        let Some(rest) = left.checked_sub(llm::count_messages(slice::from_ref(&said))) else {
            break;
        };
        left = rest;
        kept.push(said);
    }
    kept.reverse();
    (kept, HISTORY_TOKENS - left)
}

/// The messages of one ask.
pub(crate) fn messages(shown: &Shown, history: &[Message], turn: &Turn, ask: &Ask) -> Vec<Message> {
    let mut messages = [&shown.before, history, &shown.after].concat();
    messages.push(Message::Customer { text: turn.text.clone() });
    messages.extend(exchanges(turn));
    let said = turn.released_drafts().join(" ");
    let note = ask.repair.as_ref().map(|reason| {
        format!("Your draft was sent back. {reason} Write the answer again without it, citing fields by reference.")
    });
    let note = match (note, said.is_empty()) {
        (Some(note), _) => Some(note),
        (None, false) if turn.exchanges.last().is_none_or(|last| last.text != said) => {
            Some("Go on after what you have said. Do not say it again.".to_owned())
        }
        _ => None,
    };
    if let Some(note) = note {
        if !said.is_empty() {
            messages.push(Message::Assistant { text: said, calls: Vec::new() });
        }
        messages.push(Message::System { text: note });
    }
    messages
}

fn exchanges(turn: &Turn) -> Vec<Message> {
    let mut messages = Vec::new();
    for exchange in &turn.exchanges {
        let calls = exchange.requests.iter().map(|request| ToolCall {
            id: request.id.clone(),
            tool: request.tool.clone(),
            arguments: request.arguments.clone(),
        });
        messages.push(Message::Assistant { text: exchange.text.clone(), calls: calls.collect() });
        messages.extend(exchange.results.iter().map(|result| Message::ToolResult {
            call_id: result.request_id.clone(),
            content: result.content.to_string(),
        }));
    }
    messages
}

/// The tokens of this turn's part of an ask.
pub(crate) fn turn_tokens(turn: &Turn) -> u64 {
    let mut messages = exchanges(turn);
    messages.push(Message::Customer { text: turn.text.clone() });
    llm::count_messages(&messages)
}
