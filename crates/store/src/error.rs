//! What can break between us and the database.

use identity::CreditLineId;

use crate::cluster::ClusterError;

/// Something broke, or somebody else was faster. A business refusal is never one of these.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("could not use the private database cluster")]
    Cluster(#[from] ClusterError),

    #[error("could not bring the database to this version's schema")]
    Migrate(#[from] sqlx::migrate::MigrateError),

    #[error("the database did not carry out a statement")]
    Sql(#[from] sqlx::Error),

    /// Another transaction appended to the line first: load again, decide again.
    #[error("credit line {credit_line} is no longer at event {expected_seq}")]
    Conflict { credit_line: CreditLineId, expected_seq: u64 },

    /// The caller used one idempotency key for two different requests.
    #[error("idempotency key {key} was used before with another body")]
    KeyReused { key: String },

    /// A stored value does not have the form this version expects.
    #[error("could not read the stored {what}")]
    Stored { what: &'static str, source: serde_json::Error },

    /// A value does not fit the column it is meant for.
    #[error("{what} is out of range")]
    OutOfRange { what: &'static str },

    /// The job was finished or taken over by another worker: whatever this one did must not be committed.
    #[error("job {job} is no longer ours")]
    JobLost { job: identity::JobId },
}

impl StoreError {
    /// The name of the violated constraint, if that is what happened.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => error.constraint(),
            _ => None,
        }
    }

    /// PostgreSQL refused for want of a right: the role may not do this.
    pub fn lacks_privilege(&self) -> bool {
        self.has_code("42501")
    }

    /// Others held a lock longer than the transaction wanted to wait for it.
    pub fn waited_too_long(&self) -> bool {
        self.has_code("55P03")
    }

    fn has_code(&self, code: &str) -> bool {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => error.code().as_deref() == Some(code),
            _ => false,
        }
    }
}

/// Turns the violation of one named constraint into an error of the caller's.
pub trait OnConstraint<T> {
    fn on_constraint<E: From<StoreError>>(
        self,
        name: &str,
        refusal: impl FnOnce() -> E,
    ) -> Result<T, E>;
}

impl<T> OnConstraint<T> for Result<T, sqlx::Error> {
    fn on_constraint<E: From<StoreError>>(
        self,
        name: &str,
        refusal: impl FnOnce() -> E,
    ) -> Result<T, E> {
        self.map_err(StoreError::from).on_constraint(name, refusal)
    }
}

impl<T> OnConstraint<T> for Result<T, StoreError> {
    fn on_constraint<E: From<StoreError>>(
        self,
        name: &str,
        refusal: impl FnOnce() -> E,
    ) -> Result<T, E> {
        self.map_err(
            |error| if error.constraint() == Some(name) { refusal() } else { error.into() },
        )
    }
}
