//! What can be wrong with the two files a model consists of.

/// Why a model could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// The weights are not a safetensors file.
    #[error("read the header of the weights: {0}")]
    Header(String),
    /// A tensor the network needs is absent, of another shape or type, or beyond the end of the file.
    #[error("read tensor `{name}`: {reason}")]
    Tensor { name: String, reason: String },
    /// The tokenizer file is not JSON of the expected form.
    #[error("read the tokenizer")]
    Tokenizer(#[from] serde_json::Error),
    /// The vocabulary lacks a token that frames every text.
    #[error("find `{0}` in the vocabulary")]
    Vocabulary(&'static str),
}
