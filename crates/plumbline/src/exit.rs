//! How the program ends, and the caller's mistakes, which end it otherwise than ours.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    /// The caller asked for something that makes no sense.
    Usage,
    /// Something broke.
    Internal,
    /// The command did its work, and what it looked at is not right.
    NotRight,
    /// It could not be told.
    Inconclusive,
    /// A hard rule was broken.
    HardRule,
    /// It costs too much, or takes too long.
    Budget,
    /// What is asked for needs a verdict that is not there.
    Attestation,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Usage => 1,
            Exit::Internal => 2,
            Exit::Inconclusive => 3,
            Exit::NotRight => 10,
            Exit::HardRule => 11,
            Exit::Budget => 12,
            Exit::Attestation => 13,
        })
    }
}

/// The caller's mistake, in words for the caller.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);
