//! What can be wrong with a prompt, a bundle or a verdict.

use crate::Digest;

#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    #[error("read {path}")]
    File { path: String, source: std::io::Error },
    #[error("{path}: {problem}")]
    Syntax { path: String, problem: String },
    #[error("render {name}")]
    Render { name: String, source: Box<minijinja::Error> },
    #[error("read a tool manifest of the bundle")]
    Manifest(#[from] toolkit::ManifestError),
    /// The bytes are not those that were promoted.
    #[error("the bundle is named {named} and holds {found}")]
    Altered { named: Digest, found: Digest },
    #[error("the envelope cannot be read: {0}")]
    Envelope(String),
    /// No signature of a trusted key.
    #[error("no trusted key has signed the verdict")]
    Untrusted,
    /// The verdict is about something else.
    #[error("the verdict is about {about}, not {wanted}")]
    OtherSubject { about: Digest, wanted: Digest },
    #[error("the verdict is not a pass")]
    NotPassed,
}
