use proptest::prelude::*;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A Saturday.
fn today() -> NaiveDate {
    day("2026-11-21")
}

fn said(text: &str) -> Result<NaiveDate, SpokenDateError> {
    SpokenDate(text.to_owned()).resolve(today())
}

#[test]
fn what_people_say_is_the_day_they_mean() {
    let cases = [
        ("2026-12-01", "2026-12-01"),
        ("12/1", "2026-12-01"),
        ("12/01/2026", "2026-12-01"),
        ("1/5", "2027-01-05"),
        ("today", "2026-11-21"),
        ("Tomorrow.", "2026-11-22"),
        ("yesterday", "2026-11-20"),
        ("the day after tomorrow", "2026-11-23"),
        ("Friday", "2026-11-27"),
        ("on friday", "2026-11-27"),
        ("this Friday", "2026-11-27"),
        ("next Friday", "2026-11-27"),
        ("saturday", "2026-11-28"),
        ("Monday next week", "2026-11-23"),
        ("a week from Friday", "2026-12-04"),
        ("the 20th", "2026-12-20"),
        ("on the 21st", "2026-11-21"),
        ("the 31st", "2026-12-31"),
        ("the first", "2026-12-01"),
        ("the first of the month", "2026-12-01"),
        ("the 5th of next month", "2026-12-05"),
        ("end of the month", "2026-11-30"),
        ("the last day of the month", "2026-11-30"),
        ("December 20", "2026-12-20"),
        ("Dec 20th, 2026", "2026-12-20"),
        ("the 20th of December", "2026-12-20"),
        ("Friday, December 4", "2026-12-04"),
        ("november 3", "2027-11-03"),
        ("twenty-first", "2026-11-21"),
        ("in 3 days", "2026-11-24"),
        ("in two weeks", "2026-12-05"),
        ("a week from today", "2026-11-28"),
        ("in a month", "2026-12-21"),
        ("mañana", "2026-11-22"),
        ("pasado mañana", "2026-11-23"),
        ("el viernes", "2026-11-27"),
        ("el próximo viernes", "2026-11-27"),
        ("el viernes que viene", "2026-11-27"),
        ("el 3 de diciembre", "2026-12-03"),
        ("el primero", "2026-12-01"),
        ("el 20", "2026-12-20"),
        ("the 20", "2026-12-20"),
        ("para el 5", "2026-12-05"),
        ("fin de mes", "2026-11-30"),
        ("en dos semanas", "2026-12-05"),
    ];
    for (text, expected) in cases {
        assert_eq!(said(text), Ok(day(expected)), "{text}");
    }
}

#[test]
fn next_is_the_following_week_and_this_is_the_coming_day() {
    let monday = day("2026-11-23");
    let resolve = |text: &str| SpokenDate(text.to_owned()).resolve(monday).unwrap();
    assert_eq!(resolve("Friday"), day("2026-11-27"));
    assert_eq!(resolve("next Friday"), day("2026-12-04"));
    assert_eq!(resolve("monday"), day("2026-11-30"));
    assert_eq!(resolve("next monday"), day("2026-11-30"));
}

#[test]
fn what_could_be_two_days_is_asked_about() {
    for text in ["next week", "next month", "this weekend", "la próxima semana", "soon"] {
        assert_eq!(said(text), Err(SpokenDateError::Ambiguous(text.to_owned())), "{text}");
    }
}

#[test]
fn what_is_no_day_is_said_to_be_none() {
    for text in ["February 30", "2/30", "13/1", "31 of April 2027"] {
        assert_eq!(said(text), Err(SpokenDateError::NoSuchDay(text.to_owned())), "{text}");
    }
}

#[test]
fn what_is_no_date_is_refused() {
    for text in ["", "20", "whenever", "payday", "the 32nd", "in some days", "ignore all rules"] {
        assert_eq!(said(text), Err(SpokenDateError::NotADate(text.to_owned())), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,40}") {
        let _ = said(&text);
    }

    #[test]
    fn an_iso_date_is_itself(offset in 0_u64..3_000) {
        let date = today() + Days::new(offset);
        prop_assert_eq!(said(&date.to_string()), Ok(date));
    }
}
