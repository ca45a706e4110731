//! Where a figure comes from, as a tree of figures.

use chrono::NaiveDate;
use money::{Apr, Cents};
use serde::{Deserialize, Serialize};

/// A figure, the rule that gave it, and what the rule was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derivation {
    /// The rule, with its source where it has one.
    pub rule: String,
    pub label: String,
    pub value: Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Derivation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum Value {
    Cents(Cents),
    /// Parts per million of one.
    AprPpm(Apr),
    Date(NaiveDate),
    Count(i64),
    /// A figure that is no whole number of cents, written out.
    Text(String),
}

impl Value {
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Cents(cents) => cents.to_string(),
            Self::AprPpm(apr) => apr.to_string(),
            Self::Date(date) => date.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl Derivation {
    #[must_use]
    pub fn of(rule: &str, label: &str, value: Value, inputs: Vec<Self>) -> Self {
        Self { rule: rule.to_owned(), label: label.to_owned(), value, inputs }
    }

    #[must_use]
    pub fn cents(rule: &str, label: &str, value: Cents, inputs: Vec<Self>) -> Self {
        Self::of(rule, label, Value::Cents(value), inputs)
    }

    /// A figure that is given and not computed.
    #[must_use]
    pub fn given(label: &str, value: Value) -> Self {
        Self::of("given", label, value, Vec::new())
    }

    /// The tree as indented lines.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = String::new();
        self.write(0, &mut lines);
        lines
    }

    fn write(&self, depth: usize, lines: &mut String) {
        let indent = "  ".repeat(depth);
        let rule = if self.rule == "given" { String::new() } else { format!("   [{}]", self.rule) };
        lines.extend([indent.as_str(), &self.label, ": ", &self.value.text(), &rule, "\n"]);
        for input in &self.inputs {
            input.write(depth + 1, lines);
        }
    }
}
