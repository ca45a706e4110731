//! What can be wrong with a chart or a posting.

use money::Cents;

use crate::AccountCode;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostingError {
    #[error("posting `{kind}` has no entries")]
    Empty { kind: &'static str },
    #[error("posting `{kind}` has an entry that is not positive: {amount}")]
    NotPositive { kind: &'static str, amount: Cents },
    #[error("posting `{kind}` is off balance by {off_by}")]
    Unbalanced { kind: &'static str, off_by: Cents },
    #[error("posting `{kind}` names no credit line on control account {account}")]
    MissingCreditLine { kind: &'static str, account: AccountCode },
    #[error("posting `{kind}` names a credit line on account {account}, which has no sub-ledger")]
    UnexpectedCreditLine { kind: &'static str, account: AccountCode },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    #[error("could not read the chart of accounts: {0}")]
    Malformed(String),
    #[error("the chart of accounts has two accounts `{0}`")]
    Duplicate(String),
    #[error("the chart of accounts has no account `{0}`")]
    Missing(String),
}
