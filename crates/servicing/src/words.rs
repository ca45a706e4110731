//! How values are written where a person reads them.

use chrono::NaiveDate;
use store::{bank_accounts::BankAccount, intents::ShownField};

/// `November 27, 2026`.
#[must_use]
pub fn date_text(date: NaiveDate) -> String {
    date.format("%B %-d, %Y").to_string()
}

/// `checking account ending in 1234`.
#[must_use]
pub fn bank_account_text(account: &BankAccount) -> String {
    format!("{} account ending in {}", account.kind, account.ending)
}

pub(crate) fn shown(name: &str, label: &str, text: String) -> ShownField {
    ShownField { name: name.to_owned(), label: label.to_owned(), text }
}
