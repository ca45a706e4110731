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

/// `cash_advances` as `Cash advances`.
pub(crate) fn title(name: &str) -> String {
    let plain = name.replace('_', " ");
    let mut chars = plain.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// `1 day`, `25 days`.
pub(crate) fn days(count: u32) -> String {
    format!("{count} day{}", if count == 1 { "" } else { "s" })
}

/// `draws`, `draws and fees`, `draws, fees and interest`.
pub(crate) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
