//! What can go wrong between us and a model, by what one does about it.

#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// Refused or unreachable before the reply began, after every retry.
    #[error("reach the model")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request is at fault: a wrong key, an unknown model, a context too long.
    #[error("the model rejects the request with status {status}")]
    Rejected { status: u16 },
    /// The stream ended before the reply did.
    #[error("the model's stream was cut")]
    Cut,
    /// Nothing came for too long.
    #[error("the model has stalled")]
    Stalled,
    /// What came is not the protocol.
    #[error("read the model's reply")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("build a client for the model")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}
