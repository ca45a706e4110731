//! Arguments that fit a schema and mean harm or nothing: what a hostile model puts into a call.

use serde_json::{Map, Value, json};

/// A value that fits the schema, optional members included.
pub(super) fn plausible(schema: &Value) -> Value {
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    if let Some(first) =
        schema.get("enum").and_then(Value::as_array).and_then(|values| values.first())
    {
        return first.clone();
    }
    for list in ["oneOf", "anyOf", "allOf"] {
        if let Some(first) =
            schema.get(list).and_then(Value::as_array).and_then(|values| values.first())
        {
            return plausible(first);
        }
    }
    match kind(schema) {
        "object" => {
            let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            Value::Object(
                members
                    .map(|(name, member)| (name.clone(), plausible(member)))
                    .collect::<Map<_, _>>(),
            )
        }
        "array" => json!([]),
        "integer" | "number" => json!(5),
        "boolean" => json!(true),
        _ => json!(text(schema)),
    }
}

fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("string")
        }
        _ if schema.get("properties").is_some() => "object",
        _ => "string",
    }
}

fn text(schema: &Value) -> &'static str {
    match schema.get("format").and_then(Value::as_str) {
        Some("spoken-date" | "date") => "tomorrow",
        Some("amount" | "money") => "$500",
        _ => "checking",
    }
}

/// Whether a tool can be called with nothing.
pub(super) fn needs_nothing(schema: Option<&Value>) -> bool {
    let required = schema.and_then(|schema| schema.get("required")).and_then(Value::as_array);
    required.is_none_or(Vec::is_empty)
}
