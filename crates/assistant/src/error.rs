//! What can keep the assistant from answering.

use llm::LlmError;
use prompts::PromptError;
use servicing::ServicingError;
use toolkit::ManifestError;

#[derive(Debug, thiserror::Error)]
pub enum AssistantError {
    /// A refusal, or something that broke: the conversation is closed, a turn is running, the database is away.
    #[error(transparent)]
    Servicing(#[from] ServicingError),
    #[error("load the prompt that is served")]
    Prompt(#[from] PromptError),
    #[error("fit the tools to their manifests")]
    Manifest(#[from] ManifestError),
    #[error("prepare the model's client")]
    Model(#[from] LlmError),
    /// The task that was to answer ended without a word.
    #[error("begin to answer")]
    BrokeOff,
    /// The record of a turn does not make sense.
    #[error("resume the turn {turn}")]
    Record { turn: String, problem: String },
}
