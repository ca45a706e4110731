//! The head of a prompt file: YAML with the key names of dotprompt.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::PromptError;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Head {
    /// `area/name`.
    pub name: String,
    #[serde(default)]
    pub description: String,
    /// Which model it was written for; `default` means the one that is configured.
    pub model: String,
    /// Parameters of the model: `temperature`, `maxOutputTokens`.
    #[serde(default)]
    pub config: Map<String, Value>,
    #[serde(default)]
    pub input: Input,
    #[serde(default)]
    pub output: Output,
    /// Tools the model is shown, by name.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Other files of `prompts/` the template includes.
    #[serde(default)]
    pub includes: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The values the template is given, by name, and what they are.
    #[serde(default)]
    pub schema: Map<String, Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    #[serde(default)]
    pub format: String,
    #[serde(default)]
    pub schema: Value,
}

impl Head {
    /// The most tokens of one reply.
    pub fn max_output_tokens(&self) -> Option<u32> {
        self.config.get("maxOutputTokens")?.as_u64()?.try_into().ok()
    }

    pub fn temperature(&self) -> Option<f64> {
        self.config.get("temperature")?.as_f64()
    }
}

/// Parts a prompt file into its head and its template.
pub(crate) fn split<'a>(path: &str, text: &'a str) -> Result<(Head, &'a str), PromptError> {
    let problem =
        |problem: &str| PromptError::Syntax { path: path.into(), problem: problem.into() };
    let rest =
        text.strip_prefix("---\n").ok_or_else(|| problem("it does not begin with a head"))?;
    let (head, body) =
        rest.split_once("\n---\n").ok_or_else(|| problem("its head does not end"))?;
    let head = serde_yaml_ng::from_str(head).map_err(|error| problem(&error.to_string()))?;
    Ok((head, body))
}
