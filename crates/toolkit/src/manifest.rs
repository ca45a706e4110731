//! A tool's manifest: every word the model and the customer read about it, its effect, its surfaces and its limits.
//!
//! One TOML file per tool under `tools/`. The schema is generated from the tool's types, never written here; what is
//! written here is held against those types at load ([`crate::Registry`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{EffectClass, FieldKind, Level, Surface};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub name: String,
    pub version: String,
    pub effect: EffectClass,
    pub surfaces: Vec<Surface>,
    pub level: Level,
    #[serde(default)]
    pub reveals: Reveals,
    /// What the model is told the tool is for.
    pub description: String,
    /// What the model is told about each argument, by its path in `Args`.
    #[serde(default)]
    pub arguments: BTreeMap<String, String>,
    /// Arguments that must come from the person's words or from a verified field.
    #[serde(default)]
    pub protected: BTreeMap<String, Protection>,
    #[serde(default)]
    pub result: Vec<ResultField>,
    /// The confirmation sheet, for a tool that writes.
    pub sheet: Option<Sheet>,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub example: Vec<Example>,
}

/// Whose facts a read reveals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reveals {
    #[default]
    CustomerData,
    Public,
}

/// How a protected argument is traced to its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// A sum of money.
    Amount,
    /// A date, however it is said.
    Date,
    /// Words or an id.
    Words,
}

/// A member of the output that becomes a labelled field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultField {
    pub name: String,
    pub kind: FieldKind,
    pub label: String,
    #[serde(default)]
    pub nouns: Vec<String>,
    #[serde(default)]
    pub third_party: bool,
    /// For a list: how one item is written, with `{name}` for its fields; a part in `[` brackets `]` is written where all
    /// that it names is there.
    pub item: Option<String>,
    /// For a list: what is written when there is none.
    pub empty: Option<String>,
    #[serde(default)]
    pub items: Vec<ListItem>,
}

/// A member of a list's items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListItem {
    pub name: String,
    pub kind: FieldKind,
    pub label: String,
    #[serde(default)]
    pub nouns: Vec<String>,
    #[serde(default)]
    pub third_party: bool,
}

/// The confirmation sheet: title, lines in order, and one sentence that says what will happen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    pub title: String,
    pub effect: String,
    pub fields: Vec<SheetField>,
    pub expires_minutes: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SheetField {
    pub name: String,
    pub label: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub calls_per_turn: u32,
    pub timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { calls_per_turn: 3, timeout_ms: 5_000 }
    }
}

/// A worked call: the words and the arguments they lead to. Parsed by the tool's own type at load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    pub says: String,
    pub arguments: serde_json::Value,
}

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("read a tool manifest")]
    Syntax(#[from] toml::de::Error),
    #[error("tool `{tool}`: {problem}")]
    Misfit { tool: String, problem: String },
    #[error("tool `{0}` has no manifest")]
    Missing(String),
}

impl Manifest {
    /// Reads one manifest; whether it fits a tool is settled when the tool is registered.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = toml::from_str(text)?;
        manifest.check_alone()?;
        Ok(manifest)
    }

    fn check_alone(&self) -> Result<(), ManifestError> {
        let writes = matches!(self.effect, EffectClass::Writes | EffectClass::MovesMoney);
        if writes != self.sheet.is_some() {
            return Err(self.misfit("a tool that writes has a sheet, and no other has one"));
        }
        if self.description.trim().is_empty() || self.surfaces.is_empty() {
            return Err(self.misfit("a description and a surface are required"));
        }
        for field in &self.result {
            let list = field.kind == FieldKind::List;
            if list != field.item.is_some() || (list == field.items.is_empty()) {
                return Err(
                    self.misfit(&format!("`{}`: `item` and `items` are for lists", field.name))
                );
            }
        }
        if let Some(sheet) = &self.sheet
            && let Some(stray) =
                sheet.fields.iter().find(|line| !self.result.iter().any(|f| f.name == line.name))
        {
            return Err(self.misfit(&format!("the sheet shows `{}`, no result has it", stray.name)));
        }
        if let Some(stray) = self.protected.keys().find(|path| !self.arguments.contains_key(*path))
        {
            return Err(self.misfit(&format!("protects `{stray}`, no argument has that name")));
        }
        Ok(())
    }

    pub(crate) fn misfit(&self, problem: &str) -> ManifestError {
        ManifestError::Misfit { tool: self.name.clone(), problem: problem.to_owned() }
    }
}
