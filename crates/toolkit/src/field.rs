//! Labels: each value a tool returns, with its name, its kind, the words that may stand beside it, and its text.
//!
//! Figures reach a customer only as one of these. The wire form of a money value is integer cents, of a rate parts per
//! million, of a date `YYYY-MM-DD`; the text is how statements print it.

use chrono::NaiveDate;
use money::{Apr, Cents};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ListItem, ResultField};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    Money,
    Date,
    Rate,
    Count,
    Text,
    Id,
    /// Lines of items, each written from its own fields.
    List,
}

/// A value with its type, so that a literal in a draft can be compared with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "lowercase")]
pub enum FieldValue {
    Money(Cents),
    Date(NaiveDate),
    /// Parts per million.
    Rate(u32),
    Count(i64),
    Text(String),
}

/// One labelled value of one tool result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// As in the output, a list's items as `payments.1.amount`.
    pub name: String,
    pub label: String,
    pub kind: FieldKind,
    pub text: String,
    /// Words one of which stands beside the value wherever it is spoken of.
    pub nouns: Vec<String>,
    /// The text came from somebody else (a memo, a letter): it is shown, and proves nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub third_party: bool,
    pub value: FieldValue,
}

/// The labelled fields of an output. A member that is null or absent has no field.
///
/// # Errors
/// The name of the member whose value does not have the kind its manifest declares.
pub fn label(declared: &[ResultField], output: &Value) -> Result<Vec<Field>, String> {
    let mut fields = Vec::new();
    for field in declared {
        let Some(value) = output.get(&field.name).filter(|value| !value.is_null()) else {
            continue;
        };
        if field.kind == FieldKind::List {
            label_list(field, value, &mut fields)?;
        } else {
            fields.push(label_one(field, &field.name, value)?);
        }
    }
    Ok(fields)
}

fn label_one(declared: &ResultField, name: &str, value: &Value) -> Result<Field, String> {
    let value = read(declared.kind, value).ok_or_else(|| name.to_owned())?;
    Ok(Field {
        name: name.to_owned(),
        label: declared.label.clone(),
        kind: declared.kind,
        text: value.text(),
        nouns: declared.nouns.clone(),
        third_party: declared.third_party,
        value,
    })
}

fn label_list(
    declared: &ResultField,
    value: &Value,
    fields: &mut Vec<Field>,
) -> Result<(), String> {
    let items = value.as_array().ok_or_else(|| declared.name.clone())?;
    let mut lines = Vec::new();
    let mut item_fields = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let absent = |name: &str| item.get(name).is_none_or(Value::is_null);
        let template = declared.item.as_deref().unwrap_or_default();
        let mut line = without_absent(template, &declared.items, absent);
        for part in &declared.items {
            let name = format!("{}.{}.{}", declared.name, at + 1, part.name);
            let slot = format!("{{{}}}", part.name);
            let Some(value) = item.get(&part.name).filter(|value| !value.is_null()) else {
                line = line.replace(&slot, "-");
                continue;
            };
            let field = label_one(&part.as_result_field(), &name, value)?;
            line = line.replace(&slot, &field.text);
            item_fields.push(field);
        }
        lines.push(format!("- {line}"));
    }
    let text = if lines.is_empty() {
        declared.empty.clone().unwrap_or_else(|| "none".to_owned())
    } else {
        lines.join("\n")
    };
    fields.push(Field {
        name: declared.name.clone(),
        label: declared.label.clone(),
        kind: FieldKind::List,
        text: text.clone(),
        nouns: declared.nouns.clone(),
        third_party: declared.items.iter().any(|item| item.third_party),
        value: FieldValue::Text(text),
    });
    fields.push(Field {
        name: format!("{}.count", declared.name),
        label: format!("number of {}", declared.label),
        kind: FieldKind::Count,
        text: items.len().to_string(),
        nouns: declared.nouns.clone(),
        third_party: false,
        value: FieldValue::Count(i64::try_from(items.len()).unwrap_or(i64::MAX)),
    });
    fields.append(&mut item_fields);
    Ok(())
}

/// The template of an item without its brackets: a part in brackets is left out where a member it names is absent.
fn without_absent(template: &str, items: &[ListItem], absent: impl Fn(&str) -> bool) -> String {
    let mut kept = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('[') {
        kept.push_str(before);
        let (part, after) = after.split_once(']').unwrap_or((after, ""));
        let names = |item: &&ListItem| part.contains(&format!("{{{}}}", item.name));
        if !items.iter().filter(names).any(|item| absent(&item.name)) {
            kept.push_str(part);
        }
        rest = after;
    }
    kept + rest
}

fn read(kind: FieldKind, value: &Value) -> Option<FieldValue> {
    match kind {
        FieldKind::Money => value.as_i64().map(|cents| FieldValue::Money(Cents::new(cents))),
        FieldKind::Date => value.as_str()?.parse().ok().map(FieldValue::Date),
        FieldKind::Rate => u32::try_from(value.as_u64()?).ok().map(FieldValue::Rate),
        FieldKind::Count => value.as_i64().map(FieldValue::Count),
        FieldKind::Text | FieldKind::Id => value.as_str().map(|text| FieldValue::Text(text.into())),
        FieldKind::List => None,
    }
}

impl FieldValue {
    /// As a statement prints it.
    pub fn text(&self) -> String {
        match self {
            Self::Money(amount) => amount.to_string(),
            Self::Date(date) => date.format("%B %-d, %Y").to_string(),
            Self::Rate(ppm) => Apr::from_ppm(*ppm).to_string(),
            Self::Count(count) => count.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl ListItem {
    fn as_result_field(&self) -> ResultField {
        ResultField {
            name: self.name.clone(),
            kind: self.kind,
            label: self.label.clone(),
            nouns: self.nouns.clone(),
            third_party: self.third_party,
            item: None,
            empty: None,
            items: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_of_an_item_in_brackets_is_written_where_all_that_it_names_is_there() {
        let item = |name: &str| ListItem {
            name: name.to_owned(),
            kind: FieldKind::Text,
            label: name.to_owned(),
            nouns: Vec::new(),
            third_party: false,
        };
        let declared = ResultField {
            name: "all".to_owned(),
            kind: FieldKind::List,
            label: "all".to_owned(),
            nouns: Vec::new(),
            third_party: false,
            item: Some("{a}[, then {b}][, {b} and {c}]: {c}".to_owned()),
            empty: None,
            items: vec![item("a"), item("b"), item("c")],
        };
        let items = json!({"all": [
            {"a": "[1]", "b": "2", "c": "3"}, {"a": "1", "b": "2", "c": null}, {"a": "1", "c": "3"},
        ]});
        let fields = label(&[declared], &items).unwrap();
        assert_eq!(fields[0].text, "- [1], then 2, 2 and 3: 3\n- 1, then 2: -\n- 1: 3");
    }
}
