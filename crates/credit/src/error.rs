//! What can be wrong with a history, and why a draw is refused.

use chrono::NaiveDate;
use money::Cents;

/// A history that cannot be replayed: a person has to look.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreditError {
    #[error("the line has no opening event")]
    NotOpened,
    #[error("event {seq} is a second opening")]
    OpenedTwice { seq: u64 },
    #[error("event {seq} is effective on {effective_on}, before the line opened on {opened_on}")]
    BeforeOpening { seq: u64, effective_on: NaiveDate, opened_on: NaiveDate },
    #[error("event {seq} refers to a {what} that the line does not have")]
    Unknown { seq: u64, what: &'static str },
    #[error("event {seq} repeats a {what} that the line already has")]
    Repeated { seq: u64, what: &'static str },
    #[error("event {seq} is about a draw that was refused")]
    DrawWasRefused { seq: u64 },
    #[error("event {seq} has an amount that cannot be: {amount}")]
    Amount { seq: u64, amount: Cents },
    #[error("event {seq} names feature `{feature}`, which the product does not have")]
    UnknownFeature { seq: u64, feature: String },
    #[error("{on} lies before the line opened on {opened_on}")]
    DateBeforeOpening { on: NaiveDate, opened_on: NaiveDate },
    #[error("on {on} an amount is beyond {most}, which is more than a line can come to")]
    TooLarge { on: NaiveDate, most: Cents },
    #[error("event {found} follows event {after}")]
    Sequence { after: u64, found: u64 },
    #[error(
        "event {seq} changes terms on {effective_on}; with the notice given it can be no earlier than {earliest} (or state an exception)"
    )]
    NoticeTooLate { seq: u64, effective_on: NaiveDate, earliest: NaiveDate },
    #[error("event {seq} changes no term: `terms` is empty")]
    ChangesNothing { seq: u64 },
    #[error("event {seq} changes terms and states neither when notice was given nor an exception")]
    NoNotice { seq: u64 },
    #[error(
        "event {seq} moves the close from {effective_on} on, but the statement of {closed_on} is issued: its cycle stays what it was (say a day after it)"
    )]
    CycleIsTold { seq: u64, effective_on: NaiveDate, closed_on: NaiveDate },
    #[error("event {seq} states terms that cannot be: {message}")]
    Terms { seq: u64, message: String },
    #[error("could not post")]
    Posting(#[from] ledger::PostingError),
    #[error("could not use the chart of accounts")]
    Chart(#[from] ledger::ChartError),
}

/// Why a draw is not permitted. Data for the customer, not a failure.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    #[error("the amount must be at least {least}")]
    BelowLeastDraw { least: Cents },
    #[error("only {available} is available")]
    OverAvailable { available: Cents },
    #[error("at most {most} can be drawn in one day")]
    OverDailyAmount { most: Cents },
    #[error("at most {most} draws can be made in one day")]
    OverDailyCount { most: u32 },
    #[error("a draw is still open")]
    DrawStillOpen,
    #[error("a payment is past due")]
    PastDue,
    #[error("the draw period is over: no draws from {from} on")]
    DrawPeriodOver { from: NaiveDate },
    #[error("the line is frozen")]
    Frozen,
    #[error("the line is closed")]
    Closed,
}
