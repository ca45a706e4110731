//! The JSON schema the model sees: generated from `Args`, worded by the manifest.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value};

use crate::{Manifest, ManifestError};

/// The schema of `T`, without references, titles or dialect marks.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    strip_titles(&mut schema);
    schema
}

fn strip_titles(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("title").is_some_and(Value::is_string) {
                members.remove("title");
            }
            members.values_mut().for_each(strip_titles);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_titles),
        _ => {}
    }
}

/// The parameters the model sees: the schema of `Args` with the manifest's words, member for member.
pub(crate) fn parameters<T: JsonSchema>(manifest: &Manifest) -> Result<Value, ManifestError> {
    let mut schema = schema_of::<T>();
    if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Err(manifest.misfit("its arguments must refuse unknown members"));
    }
    let object =
        schema.as_object_mut().ok_or_else(|| manifest.misfit("arguments are an object"))?;
    let properties = object
        .entry("properties")
        .or_insert_with(|| Value::Object(Map::new()))
        .as_object_mut()
        .ok_or_else(|| manifest.misfit("arguments have properties"))?;
    for name in manifest.arguments.keys() {
        if !properties.contains_key(name) {
            return Err(manifest.misfit(&format!("describes `{name}`, which is no argument")));
        }
    }
    for (name, property) in properties.iter_mut() {
        let words = manifest
            .arguments
            .get(name)
            .ok_or_else(|| manifest.misfit(&format!("says nothing about the argument `{name}`")))?;
        if let Some(property) = property.as_object_mut() {
            property.insert("description".into(), Value::String(words.clone()));
        }
    }
    Ok(schema)
}

/// Whether an output type has a member of this name.
pub(crate) fn has_member(schema: &Value, name: &str) -> bool {
    schema.pointer("/properties").and_then(|properties| properties.get(name)).is_some()
}
