//! Prompts as released artefacts: parsed, rendered, named by digest, sealed, attested.
//!
//! A prompt's identity is a digest over everything that shapes what the model is told: template, includes, model,
//! parameters, tool manifests, policy and output schema. What is *served* is a [`ServedConfiguration`]: that digest with
//! the model, the policy corpus, the embedder and the guards. It needs a signed [`Verdict`] before it is served outside
//! sandbox mode.
//!
//! Invariants: a template that names a value nobody supplies does not render; text supplied to a template can open no
//! role; a sealed bundle whose bytes do not give the digest it is named by does not open; a verdict counts only under the
//! signature of a trusted key and only for the configuration it names. What is absent: running evals, choosing what is
//! promoted.

mod bundle;
mod digest;
mod error;
mod head;
mod lock;
mod served;
mod template;
mod unattested;
mod verdict;

pub use bundle::{Bundle, Prompt, load_manifests};
pub use digest::{Digest, canonical};
pub use error::PromptError;
pub use head::Head;
pub use lock::{Lock, Promoted};
pub use served::{Difference, ServedConfiguration};
pub use template::{Rendered, RenderedMessage, Role};
pub use unattested::{Reason, Unattested, short};
pub use verdict::{Envelope, EnvelopeSignature, Outcome, Signer, SuiteRef, TrustedKeys, Verdict};
