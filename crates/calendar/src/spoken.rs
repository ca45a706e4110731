//! Dates as people say them, in English and Spanish, resolved against today.
//!
//! A plain or "this" weekday is the first one after today; "next" puts it in the following week (weeks begin on Monday). A
//! day of the month is the first such day from today on. Whatever could be two days, or none, is an error that says so:
//! nothing is guessed, and the confirmation sheet shows the date that came out.

mod words;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{add_months, last_day_of_month};

/// A date in the speaker's own words: "next Friday", "the 20th", "el 3 de diciembre", "2026-12-01".
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("format" = "spoken-date"))]
pub struct SpokenDate(pub String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpokenDateError {
    #[error("`{0}` is not a date; say a day such as \"December 1\" or \"next Friday\"")]
    NotADate(String),
    #[error("`{0}` could be more than one day; name the day")]
    Ambiguous(String),
    #[error("there is no such day as `{0}`")]
    NoSuchDay(String),
}

impl SpokenDate {
    /// The calendar date meant by someone who speaks on `today`. The past is resolved like the future: whether a past date
    /// will do is for the caller to say.
    pub fn resolve(&self, today: NaiveDate) -> Result<NaiveDate, SpokenDateError> {
        if let Ok(date) = self.0.trim().parse::<NaiveDate>() {
            return Ok(date);
        }
        let tokens = words::tokens(&self.0);
        let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
        let meaning = numeric(&tokens)
            .or_else(|| relative(&tokens))
            .or_else(|| weekday(&tokens))
            .or_else(|| day_and_month(&tokens))
            .or_else(|| day_of_month(&tokens))
            .or_else(|| numbered(&self.0));
        let said = || self.0.trim().to_owned();
        match meaning {
            None => Err(SpokenDateError::NotADate(said())),
            Some(Meaning::Vague) => Err(SpokenDateError::Ambiguous(said())),
            Some(meaning) => {
                meaning.on_calendar(today).ok_or_else(|| SpokenDateError::NoSuchDay(said()))
            }
        }
    }
}

/// What was said, before it is laid on a calendar.
enum Meaning {
    Days(i64),
    Months(i32),
    Weekday {
        day: Weekday,
        weeks_on: u64,
    },
    /// The first such weekday of the week after this one.
    NextWeek(Weekday),
    DayOfMonth(u32),
    LastOfMonth {
        months_on: i32,
    },
    DayOfComingMonth {
        day: u32,
        months_on: i32,
    },
    MonthAndDay {
        month: u32,
        day: u32,
        year: Option<i32>,
    },
    Vague,
}

impl Meaning {
    fn on_calendar(&self, today: NaiveDate) -> Option<NaiveDate> {
        match *self {
            Self::Days(days) if days < 0 => today.checked_sub_days(Days::new(days.unsigned_abs())),
            Self::Days(days) => today.checked_add_days(Days::new(days.unsigned_abs())),
            Self::Months(months) => Some(add_months(today, months)),
            Self::Weekday { day, weeks_on } => {
                let first = today.iter_days().skip(1).find(|date| date.weekday() == day)?;
                first.checked_add_days(Days::new(7 * weeks_on))
            }
            Self::NextWeek(day) => {
                let to_monday = 7 - u64::from(today.weekday().num_days_from_monday());
                let monday = today.checked_add_days(Days::new(to_monday))?;
                monday.checked_add_days(Days::new(u64::from(day.num_days_from_monday())))
            }
            Self::DayOfMonth(day) => (0..=2)
                .filter_map(|months| add_months(today.with_day(1)?, months).with_day(day))
                .find(|date| *date >= today),
            Self::LastOfMonth { months_on } => {
                Some(last_day_of_month(add_months(today.with_day(1)?, months_on)))
            }
            Self::DayOfComingMonth { day, months_on } => {
                add_months(today.with_day(1)?, months_on).with_day(day)
            }
            Self::MonthAndDay { month, day, year: Some(year) } => {
                NaiveDate::from_ymd_opt(year, month, day)
            }
            Self::MonthAndDay { month, day, year: None } => (0..=4)
                .filter_map(|years| NaiveDate::from_ymd_opt(today.year() + years, month, day))
                .find(|date| *date >= today),
            Self::Vague => None,
        }
    }
}

/// `12/1`, `12/1/26`, `12/01/2026`: month first, as Americans write it.
fn numeric(tokens: &[&str]) -> Option<Meaning> {
    let [only] = tokens else { return None };
    let separator = only.chars().find(|c| matches!(c, '/' | '-'))?;
    let parts: Vec<u32> =
        only.split(separator).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match *parts.as_slice() {
        [month, day] => Some(Meaning::MonthAndDay { month, day, year: None }),
        [month, day, year] => {
            let year = i32::try_from(if year < 100 { 2_000 + year } else { year }).ok()?;
            Some(Meaning::MonthAndDay { month, day, year: Some(year) })
        }
        _ => None,
    }
}

/// Days counted from today.
fn relative(tokens: &[&str]) -> Option<Meaning> {
    let meaning = match tokens {
        ["today" | "tonight" | "now" | "hoy" | "ahora"] | ["right", "now"] | ["ahora", "mismo"] => {
            Meaning::Days(0)
        }
        ["tomorrow" | "manana" | "tmrw" | "tomorow" | "tommorow"] => Meaning::Days(1),
        ["yesterday" | "ayer"] => Meaning::Days(-1),
        ["day", "after", "tomorrow"] | ["pasado", "manana"] => Meaning::Days(2),
        ["next" | "proxima" | "proximo", "week" | "semana" | "month" | "mes"]
        | ["semana" | "mes", "que", "viene"]
        | ["this", "week" | "month" | "weekend"]
        | ["weekend" | "soon"] => Meaning::Vague,
        ["in" | "en" | "dentro", rest @ ..] => return span(strip(rest, "de")),
        [rest @ .., "from", "now" | "today"] | [rest @ .., "later"] => return span(rest),
        _ => return None,
    };
    Some(meaning)
}

fn strip<'a, 'b>(tokens: &'a [&'b str], word: &str) -> &'a [&'b str] {
    match tokens {
        [first, rest @ ..] if *first == word => rest,
        _ => tokens,
    }
}

/// "3 days", "a week", "dos semanas".
fn span(tokens: &[&str]) -> Option<Meaning> {
    let (count, unit) = match tokens {
        ["a" | "an" | "un" | "una", unit] => (1, unit),
        [count, unit] => (words::cardinal(count)?, unit),
        ["a", "couple", "of", unit] | ["a", "couple", unit] => (2, unit),
        _ => return None,
    };
    match *unit {
        "day" | "days" | "dia" | "dias" => Some(Meaning::Days(i64::from(count))),
        "week" | "weeks" | "semana" | "semanas" => Some(Meaning::Days(i64::from(count) * 7)),
        "fortnight" | "fortnights" => Some(Meaning::Days(i64::from(count) * 14)),
        "month" | "months" | "mes" | "meses" => i32::try_from(count).ok().map(Meaning::Months),
        _ => None,
    }
}

fn weekday(tokens: &[&str]) -> Option<Meaning> {
    let (day, next) = match tokens {
        [day] | ["this" | "coming" | "este" | "esta", day] | ["this", "coming", day] => {
            (day, false)
        }
        ["next" | "proximo" | "siguiente", day]
        | [day, "next", "week"]
        | ["next", "week", day]
        | [day, "of", "next", "week"]
        | [day, "proximo" | "siguiente"]
        | [day, "que", "viene"]
        | [day, "de", "la", "proxima", "semana"] => (day, true),
        ["a" | "one", "week", "from", day] => {
            return Some(Meaning::Weekday { day: words::weekday(day)?, weeks_on: 1 });
        }
        _ => return None,
    };
    let day = words::weekday(day)?;
    Some(if next { Meaning::NextWeek(day) } else { Meaning::Weekday { day, weeks_on: 0 } })
}

/// "December 20", "20th of December 2026", "3 de diciembre", with or without a weekday before it.
fn day_and_month(tokens: &[&str]) -> Option<Meaning> {
    let tokens = match tokens {
        [first, rest @ ..] if !rest.is_empty() && words::weekday(first).is_some() => rest,
        _ => tokens,
    };
    let (tokens, year) = match tokens {
        [rest @ .., "of" | "de" | "del", year] | [rest @ .., year]
            if year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            (rest, year.parse::<i32>().ok())
        }
        _ => (tokens, None),
    };
    let (month, day) = match tokens {
        ["last", "day", "of", month] => {
            let first = NaiveDate::from_ymd_opt(year.unwrap_or(2_001), words::month(month)?, 1)?;
            (first.month(), last_day_of_month(first).day())
        }
        [day, "of" | "de", month] | [month, "the", day] => (words::month(month)?, words::day(day)?),
        [one, other] => match (words::month(one), words::month(other)) {
            (Some(month), _) => (month, words::day(other)?),
            (None, Some(month)) => (month, words::day(one)?),
            (None, None) => return None,
        },
        _ => return None,
    };
    Some(Meaning::MonthAndDay { month, day, year })
}

/// `el 20`, `the 20`: an article makes a number a day.
fn numbered(text: &str) -> Option<Meaning> {
    let lower = text.trim().to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let number = match words.as_slice() {
        ["el" | "the", number] | ["para" | "on" | "by", "el" | "the", number] => *number,
        _ => return None,
    };
    let digits = number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    words::day(number).filter(|_| digits).map(Meaning::DayOfMonth)
}

/// "the 20th", "the first", "the end of the month", "the 5th of next month".
fn day_of_month(tokens: &[&str]) -> Option<Meaning> {
    let (day, months_on) = match tokens {
        ["last" | "ultimo", "day" | "dia", rest @ ..]
        | ["end" | "fin" | "final" | "finales", rest @ ..] => {
            let months_on = match rest {
                []
                | ["of" | "de" | "del", "month" | "mes"]
                | ["of", "the" | "this", "month"]
                | ["de", "este", "mes"] => 0,
                ["of", "next", "month"] | ["del", "proximo", "mes"] => 1,
                _ => return None,
            };
            return Some(Meaning::LastOfMonth { months_on });
        }
        [day, "of", "next", "month"] | [day, "del", "proximo", "mes"] => (day, Some(1)),
        [day, "of", "this", "month"] | [day, "de", "este", "mes"] => (day, Some(0)),
        [day, "of", "the", "month"] | [day, "of", "month"] | [day, "del" | "de", "mes"] => {
            (day, None)
        }
        ["day" | "dia", day] | [day] => (day, None),
        _ => return None,
    };
    // A bare number is no date: "20" may as well be an amount.
    let bare = tokens.len() == 1 && day.bytes().all(|byte| byte.is_ascii_digit());
    let day = words::day(day).filter(|_| !bare)?;
    Some(match months_on {
        Some(months_on) => Meaning::DayOfComingMonth { day, months_on },
        None => Meaning::DayOfMonth(day),
    })
}

#[cfg(test)]
mod tests;
