//! The calls of one reply, sorted into what runs and what is settled at once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{Budget, ToolOutcome, ToolRequest, ToolResult};

pub(crate) struct Sorted {
    /// Every call that is answered, with ids of our own where the model's repeat.
    pub(crate) requests: Vec<ToolRequest>,
    /// Results that need no run.
    pub(crate) settled: Vec<ToolResult>,
    pub(crate) runnable: Vec<ToolRequest>,
    /// Nothing in this round is new.
    pub(crate) idle: bool,
}

/// Sorts the calls of a reply: what is not JSON, was made before or is beyond the budget does not run.
pub(crate) fn sort(
    requests: Vec<ToolRequest>,
    round: usize,
    answers: &BTreeMap<String, Value>,
    budget: &mut Budget,
) -> Sorted {
    let requests = renamed(requests, round);
    let (mut settled, mut runnable, mut keys) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (at, request) in requests.iter().enumerate() {
        let settle =
            |outcome, content| ToolResult { request_id: request.id.clone(), outcome, content };
        let failed = |kind: &str, words: &str| {
            let content =
                json!({"tool": request.tool, "outcome": "failed", "error": kind, "message": words});
            settle(ToolOutcome::Failed, content)
        };
        let key = key(request);
        if arguments(request).is_none() {
            settled
                .push(failed("invalid_args", "the arguments are not a JSON object of plain text"));
        } else if let Some(content) = answers.get(&key) {
            settled.push(settle(ToolOutcome::Answered, content.clone()));
        } else if !keys.insert(key) {
            settled.push(failed("exhausted", "the same call stands beside this one"));
        } else if at >= budget.limits.calls_per_reply as usize || !budget.take_call() {
            settled.push(failed("exhausted", "too many calls in this turn"));
        } else {
            runnable.push(request.clone());
        }
    }
    Sorted { idle: runnable.is_empty(), requests, settled, runnable }
}

/// A call's identity: the tool and its arguments in canonical form.
pub(crate) fn key(request: &ToolRequest) -> String {
    let arguments = arguments(request).map(canonical).unwrap_or_default();
    format!("{} {arguments}", request.tool)
}

/// Members in order of their names, whatever order the map at hand keeps.
fn canonical(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<String, Value> =
                members.into_iter().map(|(name, value)| (name, canonical(value))).collect();
            sorted.into_iter().collect()
        }
        Value::Array(items) => items.into_iter().map(canonical).collect(),
        other => other,
    }
}

/// The arguments, if they are an object of text that can be kept. No arguments at all are an empty one.
fn arguments(request: &ToolRequest) -> Option<Value> {
    if request.arguments.trim().is_empty() {
        return Some(json!({}));
    }
    let arguments = serde_json::from_str(&request.arguments).ok();
    arguments.filter(|arguments: &Value| arguments.is_object() && !holds_controls(arguments))
}

/// `\u0000` and its like: escaped in the JSON, a control character in what it says.
fn holds_controls(value: &Value) -> bool {
    let control = |text: &str| text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    match value {
        Value::String(text) => control(text),
        Value::Array(items) => items.iter().any(holds_controls),
        Value::Object(members) => {
            members.iter().any(|(name, value)| control(name) || holds_controls(value))
        }
        _ => false,
    }
}

/// Ids that are empty or used twice would leave a result without its call.
fn renamed(mut requests: Vec<ToolRequest>, round: usize) -> Vec<ToolRequest> {
    let mut seen = BTreeSet::new();
    for (at, request) in requests.iter_mut().enumerate() {
        if request.id.is_empty() || !seen.insert(request.id.clone()) {
            request.id = format!("call_{round}_{at}");
            seen.insert(request.id.clone());
        }
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_an_object_of_plain_text() {
        let read = |arguments: &str| {
            let request =
                ToolRequest { id: "c".into(), tool: "t".into(), arguments: arguments.into() };
            super::arguments(&request)
        };
        assert_eq!(read(""), Some(json!({})));
        assert_eq!(read("{\"on\": \"a\\nb\"}"), Some(json!({"on": "a\nb"})));
        for bad in ["[]", "{", "{\"on\": \"\\u0000\"}", "{\"a\": [{\"\\u0007\": 1}]}"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
