//! What is served: the prompt with everything around it that changes an answer.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Digest;

/// Named in every leaf. A change to any part, a policy document included, is another configuration and needs its own
/// verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServedConfiguration {
    /// Of the bundle.
    pub prompt: Digest,
    /// The model's name as the wire gives it.
    pub model: String,
    /// Of the policy corpus.
    pub corpus: String,
    pub embedder: String,
    /// Version of the guards.
    pub guards: String,
}

impl ServedConfiguration {
    pub fn digest(&self) -> Digest {
        Digest::of_json(&json!({
            "version": 1,
            "prompt": self.prompt,
            "model": self.model,
            "corpus": self.corpus,
            "embedder": self.embedder,
            "guards": self.guards,
        }))
    }
}
