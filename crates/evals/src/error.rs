use std::path::PathBuf;

/// Why an eval could not be carried out. A candidate that fails is no error: it is a verdict.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    #[error("could not read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path}: {reason}")]
    Malformed { path: PathBuf, reason: String },
    /// The suite cannot give a verdict whatever the candidate does.
    #[error("{0}")]
    Usage(String),
    #[error("could not write {path}")]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The world, the model or the store failed.
    #[error("could not run the suite: {reason}")]
    Infrastructure { reason: String },
}
