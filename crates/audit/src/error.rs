//! What can break. A bundle that fails verification is not an error but a report.

use identity::LeafId;

/// Somebody acts differently on each of these.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("the audit log could not be read or written")]
    Database(#[from] sqlx::Error),

    /// The caller's fault: a kind or stream too long for the leaf format.
    #[error("a leaf's {0} is longer than the format allows")]
    TooLong(&'static str),

    /// What the database holds does not add up to what was signed. A person must act.
    #[error("the audit log has been tampered with: {0}")]
    Tampered(String),

    /// The database shows less than this process, or one before it, has signed. A person must act.
    #[error("the audit log was rolled back from {signed} to {found} leaves")]
    RolledBack { signed: u64, found: u64 },

    /// The database shows another history than the one this process, or one before it, has signed.
    #[error("the audit log no longer extends the signed checkpoint of {signed} leaves")]
    Forked { signed: u64 },

    #[error("the log's key could not be used: {0}")]
    Key(String),

    #[error("the state folder could not be used")]
    State(#[from] std::io::Error),

    #[error("there is no leaf in stream {0}")]
    UnknownStream(String),

    #[error("there is no checkpoint of {0} leaves")]
    UnknownCheckpoint(u64),

    #[error("leaf {0} has no payload to erase")]
    NothingToErase(LeafId),

    /// Leaves committed but not yet sequenced: ask again, or run the sequencer.
    #[error("stream {0} has leaves that are not yet sequenced")]
    NotYetSequenced(String),
}
