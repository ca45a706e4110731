//! Double entry: the chart of accounts as data, postings that balance, and the arithmetic of a trial balance.
//!
//! Invariants: a `Posting` has at least one entry, every amount is positive, debits equal credits, and an entry names a credit
//! line exactly when its account is a control account. What is absent: storage, dates and events; a posting is dated by whoever
//! records it.

mod chart;
mod error;
mod posting;
mod trial_balance;

pub use chart::{AccountCode, Chart, Class, LedgerAccount};
pub use error::{ChartError, PostingError};
pub use posting::{Entry, Leg, Posting, PostingBuilder, Side};
pub use trial_balance::{Total, TrialBalance};
