//! A sentence encoder: all-MiniLM-L6-v2, bytes in, vectors out.
//!
//! The forward pass is ours (six layers of 384 wide, twelve heads, exact GELU, mean pooling, unit length), in
//! safe Rust and without a library of matrices. Invariants: the vector of a text does not depend on the texts encoded beside it; every vector
//! has unit length. Absent on purpose: files, network, caches and threads.
#![expect(
    clippy::float_arithmetic,
    reason = "a neural network is floating-point arithmetic; no money passes here"
)]

mod error;
mod forward;
mod linear;
mod safetensors;
mod tokenizer;

pub use error::EncoderError;

use forward::Network;
use tokenizer::Tokenizer;

/// How many numbers an embedding has.
pub const DIMENSIONS: usize = forward::HIDDEN;

/// Longest text in tokens, the two framing tokens included; what follows is not read.
pub const TOKENS_MAX: usize = 256;

/// How many texts share one pass: enough to fill the matrix kernels, few enough to stay in cache.
const BATCH: usize = 16;

/// A loaded model. About 70 MB; share it behind an `Arc`.
#[derive(Debug)]
pub struct Encoder {
    tokenizer: Tokenizer,
    network: Network,
}

impl Encoder {
    /// Reads the weights (`model.safetensors`, f32) and the vocabulary (`tokenizer.json`, `WordPiece`).
    ///
    /// # Errors
    /// When either file is not of its format, or a tensor is missing or has another shape.
    pub fn parse(model: &[u8], tokenizer: &[u8]) -> Result<Self, EncoderError> {
        Ok(Self { tokenizer: Tokenizer::parse(tokenizer)?, network: Network::parse(model)? })
    }

    /// The embedding of one text: [`DIMENSIONS`] numbers of unit length.
    pub fn encode(&self, text: &str) -> Vec<f32> {
        self.encode_all(&[text]).pop().unwrap_or_default()
    }

    /// The embeddings of several texts, in their order.
    pub fn encode_all<T: AsRef<str>>(&self, texts: &[T]) -> Vec<Vec<f32>> {
        texts
            .chunks(BATCH)
            .flat_map(|batch| {
                let ids: Vec<Vec<u32>> = batch
                    .iter()
                    .map(|text| self.tokenizer.encode(text.as_ref(), TOKENS_MAX))
                    .collect();
                self.network.forward(&ids)
            })
            .collect()
    }

    /// How many tokens a text has for this model, the two framing tokens included, at most [`TOKENS_MAX`].
    pub fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.encode(text, TOKENS_MAX).len()
    }
}

/// The cosine of two vectors of unit length, −1 to 1; 0 when their lengths differ.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    if a.len() != b.len() {
        return 0.0;
    }
    forward::dot(a, b)
}
