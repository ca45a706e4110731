//! Text embeddings over the same wire.

use async_openai::types::embeddings::{CreateEmbeddingRequest, EmbeddingInput};
use tokio::time::timeout;

use crate::{
    Config, LlmError,
    wire::{self, OpenAiClient},
};

/// An embedding model at an address.
#[derive(Clone)]
pub struct Embeddings {
    client: OpenAiClient,
    config: Config,
}

impl Embeddings {
    pub fn new(config: Config) -> Result<Self, LlmError> {
        Ok(Self { client: wire::client(&config)?, config })
    }

    pub fn model(&self) -> &str {
        &self.config.model
    }

    /// One vector per text, in order.
    pub async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, LlmError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let request = CreateEmbeddingRequest {
            model: self.config.model.clone(),
            input: EmbeddingInput::StringArray(texts.to_vec()),
            ..CreateEmbeddingRequest::default()
        };
        let embeddings = self.client.embeddings();
        let answer = timeout(self.config.reply_timeout, embeddings.create(request))
            .await
            .map_err(|_| LlmError::Stalled)?
            .map_err(wire::failure)?;
        let mut vectors: Vec<_> =
            answer.data.into_iter().map(|item| (item.index, item.embedding)).collect();
        vectors.sort_by_key(|(index, _)| *index);
        if vectors.len() != texts.len() {
            let message = format!("{} vectors for {} texts", vectors.len(), texts.len());
            return Err(LlmError::Broken(message.into()));
        }
        Ok(vectors.into_iter().map(|(_, vector)| vector).collect())
    }
}
