//! What a use case can answer instead of its result.

use audit::AuditError;
use store::StoreError;

use crate::{Refusal, RefusalCode};

/// A refusal, or something that broke.
#[derive(Debug, thiserror::Error)]
pub enum ServicingError {
    /// The business said no; nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),

    #[error("could not use the database")]
    Store(#[source] StoreError),

    #[error("could not record what was done")]
    Audit(#[from] AuditError),

    /// The history of a line does not make sense to the engine.
    #[error("could not work out the credit line")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The rail could not be used; what was asked for stays as it was.
    #[error("could not use the payment rail")]
    Rail(#[from] rails::RailError),

    #[error("the system gave no randomness for a token")]
    NoRandomness(#[source] getrandom::Error),

    /// Something stored does not have the form this version expects.
    #[error("the stored {what} cannot be read")]
    Stored {
        what: &'static str,
        #[source]
        source: Option<serde_json::Error>,
    },
}

impl ServicingError {
    pub(crate) fn engine(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Engine(Box::new(error))
    }

    /// The refusal, where it is one.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl From<StoreError> for ServicingError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::KeyReused { .. } => Self::Refused(Refusal::new(
                RefusalCode::KeyReused,
                "This key was used before for another request.",
            )),
            other => Self::Store(other),
        }
    }
}

impl From<sqlx::Error> for ServicingError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
