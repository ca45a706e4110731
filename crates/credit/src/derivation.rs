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
    /// How the inputs alone give the value, where they do: anybody can do the sum again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<How>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Derivation>,
}

/// An operation on the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    Sum,
    /// Of days, balance and periodic rate.
    Product,
    /// The first divided by the second.
    Quotient,
    Greatest,
    Least,
    /// The one input, to cents.
    Rounded,
    /// Their sum, to cents.
    RoundedSum,
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
    pub(crate) const fn cents(&self) -> Option<Cents> {
        match self {
            Self::Cents(cents) => Some(*cents),
            _ => None,
        }
    }

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
        Self { rule: rule.to_owned(), label: label.to_owned(), value, how: None, inputs }
    }

    /// The same, with the operation that gives the value.
    #[must_use]
    pub fn by(self, how: How) -> Self {
        Self { how: Some(how), ..self }
    }

    /// The sum of its inputs, and said to be so where they add up.
    #[must_use]
    pub fn sum(rule: &str, label: &str, value: Cents, inputs: Vec<Self>) -> Self {
        let all: Cents = inputs.iter().filter_map(|input| input.value.cents()).sum();
        let node = Self::cents(rule, label, value, inputs);
        if all == value { node.by(How::Sum) } else { node }
    }

    /// The sum of its inputs, or nothing where they come to less.
    #[must_use]
    pub fn at_least_zero(rule: &str, label: &str, value: Cents, inputs: Vec<Self>) -> Self {
        let all: Cents = inputs.iter().filter_map(|input| input.value.cents()).sum();
        if all == value || !all.is_negative() {
            return Self::sum(rule, label, value, inputs);
        }
        let all = Self::sum("sum", "before the floor", all, inputs);
        let none = Self::given("the least it can be", Value::Cents(Cents::ZERO));
        Self::cents(rule, label, value, vec![all, none]).by(How::Greatest)
    }

    /// An amount that is given and not computed.
    #[must_use]
    pub fn amount(label: &str, value: Cents) -> Self {
        Self::given(label, Value::Cents(value))
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
