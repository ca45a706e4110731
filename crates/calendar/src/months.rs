//! Months: of unequal length, and by their names, English and Spanish.

use chrono::{Datelike, Months, NaiveDate};

const ENGLISH: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const SPANISH: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

/// The number of the month that a lower-case word names: in full, or as English shortens it. What Spanish shortens is left
/// out, because `ago` is a word of English too.
#[must_use]
pub fn month_named(word: &str) -> Option<u32> {
    let short = |full: &str| full.get(..3) == Some(word) || full == "september" && word == "sept";
    (1..)
        .zip(ENGLISH.into_iter().zip(SPANISH))
        .find(|(_, (english, spanish))| *english == word || *spanish == word || short(english))
        .map(|(number, _)| number)
}

/// A date as Spanish writes it: `5 de enero de 2027`.
#[must_use]
pub fn spanish_date(date: NaiveDate) -> String {
    let month = SPANISH.get(date.month0() as usize).copied().unwrap_or_default();
    format!("{} de {month} de {}", date.day(), date.year())
}

/// The same day `months` later (or earlier), or the last day of that month where it has no such day.
#[must_use]
pub fn add_months(date: NaiveDate, months: i32) -> NaiveDate {
    let by = Months::new(months.unsigned_abs());
    let moved = if months < 0 { date.checked_sub_months(by) } else { date.checked_add_months(by) };
    moved.unwrap_or(if months < 0 { NaiveDate::MIN } else { NaiveDate::MAX })
}

#[must_use]
pub fn last_day_of_month(date: NaiveDate) -> NaiveDate {
    let first = date.with_day(1).unwrap_or(date);
    add_months(first, 1).pred_opt().unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_known_by_its_names_and_by_its_english_short_form() {
        for (word, number) in [
            ("january", 1),
            ("enero", 1),
            ("mar", 3),
            ("may", 5),
            ("mayo", 5),
            ("sep", 9),
            ("sept", 9),
            ("septiembre", 9),
            ("diciembre", 12),
        ] {
            assert_eq!(month_named(word), Some(number), "{word}");
        }
        for word in ["", "ago", "janu", "sixth"] {
            assert_eq!(month_named(word), None, "{word}");
        }
    }

    #[test]
    fn a_date_is_written_in_spanish() {
        assert_eq!(spanish_date("2027-01-05".parse().unwrap()), "5 de enero de 2027");
        assert_eq!(spanish_date("2026-12-31".parse().unwrap()), "31 de diciembre de 2026");
    }

    #[test]
    fn a_month_without_the_day_gives_its_last() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(add_months(day("2026-01-31"), 1), day("2026-02-28"));
        assert_eq!(add_months(day("2028-01-31"), 1), day("2028-02-29"));
        assert_eq!(add_months(day("2026-03-31"), -1), day("2026-02-28"));
        assert_eq!(last_day_of_month(day("2026-12-05")), day("2026-12-31"));
    }
}
