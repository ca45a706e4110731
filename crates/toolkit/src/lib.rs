//! The tool contract: what a model may ask for, in which words, and how far it gets.
//!
//! Invariants: a tool that would write has no function to run, it can only *propose*; no policy answers `Allow` to a write;
//! the words the model reads stand in manifests under `tools/`, and a manifest that does not fit its tool's types is
//! refused at load; a protected argument comes from what the person said or from a verified field; every value a tool
//! returns is labelled with its source. What is absent: credit, SQL, time-outs and the record (they belong to the caller).

mod conversation;
mod effect;
mod error;
mod field;
mod manifest;
mod policy;
mod proposal;
mod provenance;
pub mod reading;
mod registry;
mod schema;
mod tool;

pub use conversation::{Conversation, Level, Surface};
pub use effect::{Effect, EffectClass};
pub use error::{ToolError, ToolErrorKind};
pub use field::{Field, FieldKind, FieldValue, label};
pub use manifest::{
    Example, Limits, ListItem, Manifest, ManifestError, Protection, ResultField, Reveals, Sheet,
    SheetField,
};
pub use policy::{Policy, PolicyFile, Verdict};
pub use proposal::{Proposal, Proposed, ShownField};
pub use provenance::{Evidence, Unsourced, check as check_provenance};
pub use registry::{Answered, Call, Outcome, Registry, ToolSpec};
pub use tool::{Answers, Attachment, Case, Findings, Notice, Passage, Proposes, Tool};
