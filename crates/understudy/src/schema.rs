//! A JSON schema as far as arguments need it: members, what is required, choices, variants and formats.

use serde_json::Value;

use crate::spans::Kind;

/// A place in a schema. A place that is not described answers nothing.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a>(Option<&'a Value>);

/// The tag of a tagged choice, and per variant its name and its only other member.
pub(crate) type Variants = (String, Vec<(String, Option<String>)>);

impl<'a> Node<'a> {
    pub(crate) fn new(schema: &'a Value) -> Self {
        Self(Some(schema))
    }

    fn get(self, key: &str) -> Option<&'a Value> {
        self.0?.get(key)
    }

    /// The alternatives, `null` left out.
    fn alternatives(self) -> impl Iterator<Item = Node<'a>> {
        let lists = ["oneOf", "anyOf", "allOf"]
            .into_iter()
            .filter_map(move |key| self.get(key)?.as_array());
        let null = |value: &&Value| value.get("type").and_then(Value::as_str) == Some("null");
        lists.flatten().filter(move |value| !null(value)).map(Self::new)
    }

    /// The described members.
    pub(crate) fn members(self) -> impl Iterator<Item = (&'a String, Node<'a>)> {
        let members = self.get("properties").and_then(Value::as_object).into_iter().flatten();
        members.map(|(name, value)| (name, Self::new(value)))
    }

    pub(crate) fn member(self, name: &str) -> Self {
        let direct = self.get("properties").and_then(|members| members.get(name));
        Self(direct.or_else(|| self.alternatives().find_map(|node| node.member(name).0)))
    }

    pub(crate) fn items(self) -> Self {
        Self(self.get("items"))
    }

    pub(crate) fn requires(self, name: &str) -> bool {
        let listed = |node: Self| {
            let names = node.get("required").and_then(Value::as_array).into_iter().flatten();
            names.filter_map(Value::as_str).any(|required| required == name)
        };
        listed(self) || self.alternatives().any(listed)
    }

    /// The words it may be, when the schema lists them.
    pub(crate) fn choices(self) -> Option<Vec<&'a str>> {
        let listed = self.get("enum").and_then(Value::as_array);
        let mut choices: Vec<&str> =
            listed.into_iter().flatten().filter_map(Value::as_str).collect();
        choices.extend(self.get("const").and_then(Value::as_str));
        for alternative in self.alternatives() {
            choices.extend(alternative.choices().unwrap_or_default());
        }
        (!choices.is_empty()).then_some(choices)
    }

    /// The variants of a choice tagged by a constant member.
    pub(crate) fn variants(self) -> Option<Variants> {
        let mut found: Option<Variants> = None;
        for variant in self.alternatives() {
            let (tag, name) = variant
                .members()
                .find_map(|(name, node)| {
                    Some((name.clone(), node.get("const")?.as_str()?.to_owned()))
                })
                .or_else(|| {
                    variant.members().find_map(|(name, node)| match node.choices()?.as_slice() {
                        [only] => Some((name.clone(), (*only).to_owned())),
                        _ => None,
                    })
                })?;
            let other =
                variant.members().find(|(name, _)| **name != tag).map(|(name, _)| name.clone());
            let (_, variants) = found.get_or_insert_with(|| (tag, Vec::new()));
            variants.push((name, other));
        }
        found
    }

    fn format(self) -> Option<&'a str> {
        self.get("format")
            .and_then(Value::as_str)
            .or_else(|| self.alternatives().find_map(Self::format))
    }

    /// The kind of span its format asks for.
    pub(crate) fn span_kind(self) -> Option<Kind> {
        match self.format()? {
            "spoken-date" | "date" => Some(Kind::Date),
            "amount" | "money" => Some(Kind::Amount),
            "reference" | "id" | "uuid" => Some(Kind::Reference),
            "bank-account" => Some(Kind::Account),
            _ => None,
        }
    }

    fn kind(self) -> Option<&'a str> {
        match self.get("type") {
            Some(Value::String(kind)) => Some(kind),
            Some(Value::Array(kinds)) => {
                kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null")
            }
            _ => self.alternatives().find_map(Self::kind),
        }
    }

    pub(crate) fn is_integer(self) -> bool {
        self.kind() == Some("integer")
    }

    /// Words of the customer's own choosing.
    pub(crate) fn free_text(self) -> bool {
        self.format() == Some("text")
    }

    /// A text about which nothing more is said.
    pub(crate) fn any_text(self) -> bool {
        self.free_text()
            || (self.kind() == Some("string")
                && self.format().is_none()
                && self.choices().is_none())
    }

    /// How to speak of it: its description, else its name.
    pub(crate) fn wording(self, name: &str) -> String {
        let described = self
            .get("description")
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty());
        let first =
            described.map(|text| crate::words::sentences(text).into_iter().next().unwrap_or(text));
        first.map_or_else(|| name.replace('_', " "), |text| text.trim_end_matches('.').to_owned())
    }
}

/// The value of a member that can only be one thing.
pub(crate) fn only_choice(node: Node<'_>) -> Option<Value> {
    match node.choices()?.as_slice() {
        [only] => Some(Value::String((*only).to_owned())),
        _ => None,
    }
}
