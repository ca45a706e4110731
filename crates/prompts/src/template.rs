//! Rendering: a strict minijinja template with role marks that supplied text cannot write.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, value::Serde};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{PromptError, bundle::Prompt};

/// Around a role mark. Removed from every supplied value, so only a template can write one.
const OPEN: char = '\u{f0000}';
const CLOSE: char = '\u{f0001}';

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    System,
    Customer,
    Assistant,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderedMessage {
    pub role: Role,
    pub text: String,
}

/// A rendered prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    pub messages: Vec<RenderedMessage>,
    /// Before which message the conversation goes; at the end where the template does not say.
    pub history_at: usize,
}

impl Prompt {
    /// Renders with these values. `{{ role("system") }}` opens a message, `{{ history() }}` marks where the conversation
    /// goes.
    ///
    /// # Errors
    /// A value the template names is missing, or a value is supplied that the head does not declare.
    pub fn render(&self, values: &BTreeMap<String, Value>) -> Result<Rendered, PromptError> {
        let name = &self.head.name;
        if let Some(stray) = values.keys().find(|key| !self.head.input.schema.contains_key(*key)) {
            let problem = format!("it is given `{stray}`, which its head does not declare");
            return Err(PromptError::Syntax { path: name.clone(), problem });
        }
        let broken = |source| PromptError::Render { name: name.clone(), source: Box::new(source) };
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.add_function("role", |role: String| format!("{OPEN}{role}{CLOSE}"));
        environment.add_function("history", || format!("{OPEN}history{CLOSE}"));
        for (include, text) in &self.includes {
            environment.add_template(include, text).map_err(broken)?;
        }
        environment.add_template(name, &self.template).map_err(broken)?;
        let values: BTreeMap<&String, Value> =
            values.iter().map(|(key, value)| (key, without_marks(value))).collect();
        let template = environment.get_template(name).map_err(broken)?;
        let text = template.render(Serde(&values)).map_err(broken)?;
        self.parted(&text)
    }

    fn parted(&self, text: &str) -> Result<Rendered, PromptError> {
        let problem =
            |problem: String| PromptError::Syntax { path: self.head.name.clone(), problem };
        let mut parts = text.split(OPEN);
        if parts.next().is_some_and(|before| !before.trim().is_empty()) {
            return Err(problem("text stands before the first role".into()));
        }
        let (mut messages, mut history_at) = (Vec::new(), None);
        for part in parts {
            let (mark, text) =
                part.split_once(CLOSE).ok_or_else(|| problem("a role mark does not end".into()))?;
            let role = match mark {
                "history" => {
                    history_at = Some(messages.len());
                    if text.trim().is_empty() {
                        continue;
                    }
                    return Err(problem("text follows `history()` without a role".into()));
                }
                "system" => Role::System,
                "customer" => Role::Customer,
                "assistant" => Role::Assistant,
                other => return Err(problem(format!("there is no role `{other}`"))),
            };
            messages.push(RenderedMessage { role, text: text.trim().to_owned() });
        }
        let history_at = history_at.unwrap_or(messages.len());
        Ok(Rendered { messages, history_at })
    }
}

fn without_marks(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace([OPEN, CLOSE], "")),
        Value::Array(items) => items.iter().map(without_marks).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.replace([OPEN, CLOSE], ""), without_marks(value)))
            .collect(),
        other => other.clone(),
    }
}
