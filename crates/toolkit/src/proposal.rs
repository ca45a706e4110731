//! What a write would do, before anybody has said yes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Effect, Field, Manifest};

/// What a tool proposes, resolved against today's state. Nothing has changed.
#[derive(Clone, Debug)]
pub struct Proposal {
    pub effect: Effect,
    /// The resolved arguments, as the write will take them. Canonical: what is hashed and granted.
    pub arguments: Value,
    /// The values the sheet shows and the model may cite; labelled by the manifest.
    pub shown: Value,
    /// Proposals with the same subject supersede each other: a changed payment replaces the earlier one.
    pub subject: String,
}

/// A proposal judged and worded, ready to be minted as an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    pub tool: String,
    pub version: String,
    pub effect: Effect,
    pub arguments: Value,
    pub subject: String,
    /// The sheet, from the manifest: its title, its lines in order, and one sentence on what will happen.
    pub title: String,
    pub shown: Vec<ShownField>,
    pub effect_line: String,
    pub expires_minutes: u32,
    /// The same values as the model may cite.
    pub fields: Vec<Field>,
}

/// One line of the confirmation sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownField {
    pub name: String,
    pub label: String,
    pub text: String,
}

impl Proposed {
    pub(crate) fn worded(manifest: &Manifest, proposal: Proposal, fields: Vec<Field>) -> Self {
        let sheet = manifest.sheet.clone().unwrap_or_default();
        let text_of = |name: &str| {
            fields.iter().find(|field| field.name == name).map(|field| field.text.clone())
        };
        let shown = sheet
            .fields
            .iter()
            .filter_map(|line| {
                let text = text_of(&line.name)?;
                Some(ShownField { name: line.name.clone(), label: line.label.clone(), text })
            })
            .collect();
        let effect_line = fields.iter().fold(sheet.effect, |line, field| {
            line.replace(&format!("{{{}}}", field.name), &field.text)
        });
        Self {
            tool: manifest.name.clone(),
            version: manifest.version.clone(),
            effect: proposal.effect,
            arguments: proposal.arguments,
            subject: proposal.subject,
            title: sheet.title,
            shown,
            effect_line,
            expires_minutes: sheet.expires_minutes,
            fields,
        }
    }
}
