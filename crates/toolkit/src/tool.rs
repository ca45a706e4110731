//! The contract of a tool. What the model may do is decided by which trait a tool *has*.

use std::future::Future;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Conversation, Proposal, ToolError};

/// One thing that the model may ask for.
///
/// The model fills in [`Tool::Args`] and nothing else. Who is asking, and about which credit line, comes from the
/// [`Conversation`]. The words that the model reads stand in the tool's manifest under `tools/`, not here.
pub trait Tool: Send + Sync + 'static {
    /// The name on the wire, in the manifest, in the policy and in the audit trail.
    const NAME: &'static str;

    /// What the model supplies. Untrusted. Unknown members must be refused (`deny_unknown_fields`).
    type Args: DeserializeOwned + JsonSchema + Send;
}

/// A tool that looks, or that protects the customer (hand-off, case, flag, lock, revocation). It runs as soon as it is
/// asked for.
pub trait Answers: Tool {
    /// Whether it protects; a tool that does not protect reads.
    const PROTECTS: bool = false;

    /// What it found; the manifest labels its members.
    type Output: Serialize + JsonSchema + Send;

    fn answer(
        &self,
        conversation: &Conversation,
        args: Self::Args,
    ) -> impl Future<Output = Result<Findings<Self::Output>, ToolError>> + Send;
}

/// A tool that would change terms or move money. It can only say what it would do: there is no function here, or anywhere
/// within the model's reach, that does it.
pub trait Proposes: Tool {
    fn propose(
        &self,
        conversation: &Conversation,
        args: Self::Args,
    ) -> impl Future<Output = Result<Proposal, ToolError>> + Send;
}

/// A tool's output and what goes with it past the model: passages to cite and things only the server words.
#[derive(Clone, Debug)]
pub struct Findings<T> {
    pub output: T,
    pub attachments: Vec<Attachment>,
}

impl<T> From<T> for Findings<T> {
    fn from(output: T) -> Self {
        Self { output, attachments: Vec::new() }
    }
}

impl<T> Findings<T> {
    #[must_use]
    pub fn with(mut self, attachment: Attachment) -> Self {
        self.attachments.push(attachment);
        self
    }
}

/// What a tool hands to the server beside its output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "attachment", rename_all = "snake_case")]
pub enum Attachment {
    /// Policy text that the model reads and may cite.
    Passage(Passage),
    /// Regulated wording: shown by the server byte for byte, never given to the model.
    Notice(Notice),
    /// A case that was opened.
    Case(Case),
    /// A person will take over.
    HandOff { reference: String },
}

/// Retrieved policy text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// `id@version#section`.
    pub citation: String,
    pub title: String,
    pub section: String,
    pub text: String,
    pub digest: String,
}

/// Wording that only the record may supply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub kind: String,
    pub title: String,
    pub html: String,
    /// The same words without markup, for a terminal.
    pub text: String,
    pub digest: String,
}

/// A case reference the customer may keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    pub reference: String,
    pub kind: String,
    pub text: String,
}
