//! A request as the stand-in reads it: lessons, tools, what was said before, what is asked now, and what tools answered.

use serde_json::Value;

use crate::{
    prompt::{Lessons, plain_description},
    wire::{ChatRequest, Message, Role},
};

/// A request, taken apart. Everything in it was in the request: nothing is remembered between requests.
pub(crate) struct Reading {
    pub(crate) lessons: Lessons,
    pub(crate) tools: Vec<OfferedTool>,
    /// What the customer said before, oldest first.
    pub(crate) earlier: Vec<String>,
    /// The last thing said to the customer before the message at hand.
    pub(crate) last_reply: String,
    /// Every text of the conversation before and after the message at hand, newest first: where ids are looked for.
    pub(crate) trail: Vec<String>,
    pub(crate) customer: String,
    /// Results of this turn, in order.
    pub(crate) results: Vec<ToolResult>,
    /// What was already called in this turn.
    pub(crate) called: Vec<(String, Value)>,
    /// Instructions that came after the conversation began to be answered: a repair.
    pub(crate) repair: Option<String>,
}

pub(crate) struct OfferedTool {
    pub(crate) name: String,
    /// As sent, worked calls included.
    pub(crate) described: String,
    /// Without the worked calls.
    pub(crate) description: String,
    pub(crate) schema: Value,
}

/// A tool message. What cannot be read as our form is an answer without fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct ToolResult {
    pub(crate) reference: String,
    pub(crate) tool: String,
    pub(crate) outcome: String,
    pub(crate) error: Option<String>,
    pub(crate) fields: Vec<Field>,
    pub(crate) passages: Vec<Passage>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) nouns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) reference: String,
    pub(crate) title: String,
    pub(crate) text: String,
}

impl Reading {
    pub(crate) fn of(request: &ChatRequest) -> Self {
        let (instructions, mut spoken) = part(&request.messages);
        let repair = take_repair(&mut spoken);
        let asked = spoken.iter().rposition(|message| message.role == Role::User);
        let (before, after) = spoken.split_at(asked.unwrap_or(0));
        let mut after = after.iter();
        let customer = if asked.is_some() {
            after.next().map(|m| m.text()).unwrap_or_default()
        } else {
            String::new()
        };
        let after: Vec<&Message> = after.copied().collect();
        let (called, results) = rounds(&after);
        let texts = |message: &&Message| message.text();
        let said = |role| before.iter().filter(move |message| message.role == role).map(texts);
        Self {
            lessons: Lessons::read(&instructions),
            tools: request.offers().iter().map(OfferedTool::of).collect(),
            earlier: said(Role::User).collect(),
            last_reply: said(Role::Assistant).rfind(|text| !text.is_empty()).unwrap_or_default(),
            trail: after.iter().chain(before).rev().map(texts).collect(),
            customer,
            results,
            called,
            repair,
        }
    }

    pub(crate) fn tool(&self, name: &str) -> Option<&OfferedTool> {
        self.tools.iter().find(|tool| tool.name == name)
    }
}

impl OfferedTool {
    fn of(offer: &crate::wire::ToolOffer) -> Self {
        let described = offer.function.description.clone().unwrap_or_default();
        Self {
            name: offer.function.name.clone(),
            description: plain_description(&described).trim().to_owned(),
            described,
            schema: offer.function.parameters.clone().unwrap_or(Value::Null),
        }
    }
}

/// The instructions at the head of the request in one text, and the rest of it.
fn part(messages: &[Message]) -> (String, Vec<&Message>) {
    let began = messages.iter().position(|message| !message.instructs()).unwrap_or(messages.len());
    let (head, rest) = messages.split_at(began);
    let head = head.iter().map(Message::text).collect::<Vec<_>>().join("\n");
    (head, rest.iter().collect())
}

/// Takes a repair off the end: a closing instruction, or words in the customer's place that say which clause was refused. What
/// stands between the conversation and it, a refused draft, goes too.
fn take_repair(spoken: &mut Vec<&Message>) -> Option<String> {
    let last = spoken.last()?;
    let marked = last.role == Role::User && last.text().contains("<refused>");
    if !(last.instructs() || marked) {
        spoken.retain(|message| !message.instructs());
        return None;
    }
    let repair = spoken.pop().map(Message::text);
    if spoken
        .last()
        .is_some_and(|message| message.role == Role::Assistant && message.calls().is_empty())
    {
        spoken.pop();
    }
    spoken.retain(|message| !message.instructs());
    repair
}

/// The calls made after the message at hand, and their results.
fn rounds(after: &[&Message]) -> (Vec<(String, Value)>, Vec<ToolResult>) {
    let calls = || after.iter().flat_map(|message| message.calls());
    let called = calls()
        .map(|call| {
            let args = serde_json::from_str(&call.function.arguments).unwrap_or(Value::Null);
            (call.function.name.clone(), args)
        })
        .collect();
    let results = after.iter().filter(|message| message.role == Role::Tool).map(|message| {
        let call = calls().find(|call| Some(&call.id) == message.tool_call_id.as_ref());
        ToolResult::read(&message.text(), call.map_or("", |call| &call.function.name))
    });
    (called, results.collect())
}

impl ToolResult {
    fn read(text: &str, called: &str) -> Self {
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            return Self {
                tool: called.to_owned(),
                outcome: "failed".into(),
                error: Some(text.to_owned()),
                ..Self::default()
            };
        };
        let word = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let error = ["error", "message", "refusal", "reason", "detail"].iter().find_map(|name| {
            word(name).or_else(|| value.get(name)?.get("message")?.as_str().map(str::to_owned))
        });
        let fields = value.get("fields").and_then(Value::as_object);
        let passages = value.get("passages").and_then(Value::as_array);
        Self {
            reference: word("ref").unwrap_or_default(),
            tool: word("tool").unwrap_or_else(|| called.to_owned()),
            outcome: word("outcome")
                .unwrap_or_else(|| if error.is_some() { "failed" } else { "answered" }.to_owned()),
            error,
            fields: fields
                .into_iter()
                .flatten()
                .map(|(name, field)| Field::read(name, field))
                .collect(),
            passages: passages.into_iter().flatten().map(Passage::read).collect(),
        }
    }

    pub(crate) fn answered(&self) -> bool {
        let failed = matches!(self.outcome.as_str(), "refused" | "failed" | "denied" | "error");
        // Awaiting a person's confirmation is an answer too: it has fields to show.
        !failed && (self.error.is_none() || !self.fields.is_empty())
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

fn word_of(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Field {
    fn read(name: &str, value: &Value) -> Self {
        let nouns = value.get("nouns").and_then(Value::as_array).into_iter().flatten();
        Self {
            name: name.to_owned(),
            label: word_of(value, "label"),
            kind: word_of(value, "kind"),
            text: value.as_str().map_or_else(|| word_of(value, "text"), str::to_owned),
            nouns: nouns.filter_map(Value::as_str).map(str::to_owned).collect(),
        }
    }
}

impl Passage {
    fn read(value: &Value) -> Self {
        Self {
            reference: word_of(value, "ref"),
            title: word_of(value, "title"),
            text: word_of(value, "text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(messages: &Value) -> Reading {
        Reading::of(&serde_json::from_value(json!({"messages": messages})).unwrap())
    }

    #[test]
    fn a_turn_is_read_with_its_calls_and_results() {
        let reading = read(&json!([
            {"role": "system", "content": "Rules."},
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "Hi. What now?"},
            {"role": "user", "content": [{"type": "text", "text": "my shelf"}]},
            {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "shelf", "arguments": "{\"n\": 1}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content":
                "{\"ref\":\"r1\",\"outcome\":\"answered\",\"fields\":{\"n\":{\"label\":\"books\",\"kind\":\"count\",\"text\":\"2\"}}}"},
        ]));
        assert_eq!(reading.customer, "my shelf");
        assert_eq!(reading.earlier, ["hello"]);
        assert_eq!(reading.last_reply, "Hi. What now?");
        assert_eq!(reading.called, [("shelf".to_owned(), json!({"n": 1}))]);
        assert_eq!(reading.results[0].field("n").unwrap().text, "2");
        assert_eq!(
            (reading.results[0].tool.as_str(), reading.results[0].answered()),
            ("shelf", true)
        );
        assert_eq!(reading.repair, None);
    }

    #[test]
    fn a_closing_instruction_is_a_repair_and_the_refused_draft_is_set_aside() {
        let reading = read(&json!([
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "You owe $5."},
            {"role": "system", "content": "Refused: You owe $5."},
        ]));
        assert_eq!(reading.customer, "hello");
        assert_eq!(reading.repair.as_deref(), Some("Refused: You owe $5."));
    }

    #[test]
    fn a_result_that_is_not_json_is_a_failure_in_its_own_words() {
        let result = ToolResult::read("the shelf is closed", "shelf");
        assert_eq!(
            (result.answered(), result.error.as_deref()),
            (false, Some("the shelf is closed"))
        );
        let nested = ToolResult::read(
            r#"{"outcome":"refused","error":{"kind":"x","message":"not now"}}"#,
            "shelf",
        );
        assert_eq!(nested.error.as_deref(), Some("not now"));
    }
}
