//! How documents spell things.

use chrono::NaiveDate;

/// `November 20, 2026`.
pub(crate) fn long_date(date: NaiveDate) -> String {
    date.format("%B %-d, %Y").to_string()
}

/// `Nov 20, 2026`.
pub(crate) fn short_date(date: NaiveDate) -> String {
    date.format("%b %-d, %Y").to_string()
}
