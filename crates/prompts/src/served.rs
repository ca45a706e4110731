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

/// A part in which what is served is not what was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `prompt`, `model`, `corpus`, `embedder` or `guards`.
    pub part: &'static str,
    /// Digest or name of the part that is served.
    pub served: String,
    /// And of the one the verdict is about.
    pub judged: String,
}

impl ServedConfiguration {
    /// Every part, with the name it is told by.
    fn parts(&self) -> [(&'static str, &str); 5] {
        [
            ("prompt", self.prompt.as_str()),
            ("model", &self.model),
            ("corpus", &self.corpus),
            ("embedder", &self.embedder),
            ("guards", &self.guards),
        ]
    }

    /// The parts in which it is not the configuration that was judged.
    #[must_use]
    pub fn differences(&self, judged: &Self) -> Vec<Difference> {
        let pairs = self.parts().into_iter().zip(judged.parts());
        pairs
            .filter(|((_, served), (_, judged))| served != judged)
            .map(|((part, served), (_, judged))| Difference {
                part,
                served: served.to_owned(),
                judged: judged.to_owned(),
            })
            .collect()
    }

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
