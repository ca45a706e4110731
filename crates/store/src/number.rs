//! Between our unsigned numbers and PostgreSQL's signed ones.

use crate::StoreError;

/// Refuses what the column cannot hold.
pub(crate) fn to_column(value: u64, what: &'static str) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::OutOfRange { what })
}

/// Refuses a negative number.
pub(crate) fn from_column(value: i64, what: &'static str) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::OutOfRange { what })
}
