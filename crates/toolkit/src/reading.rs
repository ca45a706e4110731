//! Figures as people and models write them: amounts, rates, dates, counts, ordinals and ids, in digits or in words,
//! English or Spanish.
//!
//! Reading is eager: what might be a figure is one, because an unread figure would be an unchecked one. A numeral that
//! cannot be read (other scripts) is [`Reading::Unreadable`], which equals nothing. What is absent: whether a figure is
//! true (the guards of `assistant`) and where it came from ([`crate::check_provenance`]).

mod language;
mod mood;
mod tokens;
mod words;

use calendar::{SpokenDate, month_named};
use chrono::{Datelike, NaiveDate, Weekday};
use money::Cents;

pub use language::spanish;
pub use mood::{Mood, disowned, mood, only_disowns};
pub use tokens::{Token, fold, tokens};
use words::{MICROS, number_words, weekday};

/// A figure found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Byte range in the text.
    pub start: usize,
    pub end: usize,
    /// Range of tokens, as [`tokens`] gives them.
    pub first: usize,
    pub last: usize,
    pub value: Reading,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    Money(Cents),
    /// Parts per million.
    Percent(i128),
    Date {
        year: Option<i32>,
        month: u32,
        day: u32,
    },
    /// `the 24th`.
    Ordinal(i128),
    Weekday(Weekday),
    /// Days from today: `tomorrow`.
    DayFromToday(i64),
    /// A bare number, in millionths.
    Number(i128),
    /// Letters with digits, such as a reference.
    Identifier(String),
    Unreadable,
}

impl Reading {
    /// Whether the figure, read in either way it can be, is this amount.
    pub fn is_amount(&self, amount: Cents) -> bool {
        match self {
            Self::Money(cents) => *cents == amount,
            Self::Number(micros) => *micros == i128::from(amount.get()) * (MICROS / 100),
            _ => false,
        }
    }

    pub fn is_rate(&self, ppm: u32) -> bool {
        match self {
            Self::Percent(read) => *read == i128::from(ppm),
            _ => false,
        }
    }

    pub fn is_count(&self, count: i64) -> bool {
        matches!(self, Self::Number(micros) if *micros == i128::from(count) * MICROS)
    }

    /// Whether the figure names this date, seen from `today`.
    pub fn is_date(&self, date: NaiveDate, today: NaiveDate) -> bool {
        match self {
            Self::Date { year, month, day } => {
                *month == date.month()
                    && *day == date.day()
                    && year.is_none_or(|year| year == date.year())
            }
            Self::Ordinal(nth) => *nth == i128::from(date.day()),
            Self::Weekday(weekday) => *weekday == date.weekday(),
            Self::DayFromToday(days) => (date - today).num_days() == *days,
            _ => false,
        }
    }
}

/// The figures of a text, in order, not overlapping.
pub fn figures(text: &str) -> Vec<Figure> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match figure_at(&tokens, at) {
            Some(figure) => {
                at = figure.last + 1;
                found.push(figure);
            }
            None => at += 1,
        }
    }
    found
}

/// Dates a text speaks of, each resolved from `today` as the calendar resolves what a customer says.
pub fn spoken_dates(text: &str, today: NaiveDate) -> Vec<NaiveDate> {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ';' | '!' | '?' | '(' | ')' | '"'))
        .map(|word| word.trim_matches(|c: char| matches!(c, '.' | ',' | ':')))
        .filter(|word| !word.is_empty())
        .collect();
    let mut dates = Vec::new();
    for start in 0..words.len() {
        for length in 1..=5 {
            let Some(span) = words.get(start..start + length) else { break };
            if let Ok(date) = SpokenDate(span.join(" ")).resolve(today)
                && !dates.contains(&date)
            {
                dates.push(date);
            }
        }
    }
    dates
}

fn figure_at(tokens: &[Token], at: usize) -> Option<Figure> {
    date_at(tokens, at).or_else(|| number_at(tokens, at)).or_else(|| day_word_at(tokens, at)).map(
        |(last, value)| {
            let start = tokens.get(at).map_or(0, |token| token.start);
            let end = tokens.get(last).map_or(start, |token| token.end);
            Figure { start, end, first: at, last, value }
        },
    )
}

type Found = Option<(usize, Reading)>;

fn word(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.norm.as_str())
}

fn whole(tokens: &[Token], at: usize) -> Option<u32> {
    let micros = tokens.get(at)?.number?;
    (micros % MICROS == 0).then(|| u32::try_from(micros / MICROS).ok()).flatten()
}

/// A date with a month in it: `2026-11-24`, `11/24/2026`, `Nov 24th, 2026`, `24 de noviembre`.
fn date_at(tokens: &[Token], at: usize) -> Found {
    numeric_date(tokens, at).or_else(|| month_first(tokens, at)).or_else(|| day_first(tokens, at))
}

fn valid(year: Option<i32>, month: u32, day: u32) -> Option<Reading> {
    NaiveDate::from_ymd_opt(year.unwrap_or(2028), month, day).map(|_| Reading::Date {
        year,
        month,
        day,
    })
}

fn numeric_date(tokens: &[Token], at: usize) -> Found {
    let (first, mark, second) = (whole(tokens, at)?, word(tokens, at + 1), whole(tokens, at + 2)?);
    let third = (word(tokens, at + 3) == mark).then(|| whole(tokens, at + 4)).flatten();
    let reading = match (mark, third) {
        ("-" | "/", Some(day)) if first > 999 => {
            (at + 4, valid(i32::try_from(first).ok(), second, day)?)
        }
        ("/" | "-", Some(year)) => {
            let year = if year < 100 { year + 2000 } else { year };
            (at + 4, valid(i32::try_from(year).ok(), first, second)?)
        }
        ("/", None) => (at + 2, valid(None, first, second)?),
        _ => return None,
    };
    Some(reading)
}

/// A day of the month after or before its month's name, in digits or words; and where it ends.
fn day_number(tokens: &[Token], at: usize) -> Option<(usize, u32)> {
    let (mut last, micros) = match tokens.get(at)?.number {
        Some(micros) => (at, micros),
        None => number_words(tokens, at).map(|read| (read.last, read.micros))?,
    };
    let day = u32::try_from(micros / MICROS).ok().filter(|day| (1..=31).contains(day))?;
    if matches!(word(tokens, last + 1), "st" | "nd" | "rd" | "th") {
        last += 1;
    }
    Some((last, day))
}

fn year_after(tokens: &[Token], last: usize) -> Option<(usize, i32)> {
    let at = match word(tokens, last + 1) {
        "," | "de" | "del" | "of" => last + 2,
        _ => last + 1,
    };
    let year = whole(tokens, at).filter(|year| (1900..=2199).contains(year))?;
    Some((at, i32::try_from(year).ok()?))
}

fn month_first(tokens: &[Token], at: usize) -> Found {
    let month = month_named(word(tokens, at))?;
    let gap = usize::from(matches!(word(tokens, at + 1), "the" | "."));
    let (last, day) = day_number(tokens, at + 1 + gap)?;
    finish_date(tokens, last, month, day)
}

fn day_first(tokens: &[Token], at: usize) -> Found {
    let (last, day) = day_number(tokens, at)?;
    let gap = usize::from(matches!(word(tokens, last + 1), "de" | "of"));
    let month_at = last + 1 + gap;
    let month = month_named(word(tokens, month_at))?;
    finish_date(tokens, month_at, month, day)
}

fn finish_date(tokens: &[Token], last: usize, month: u32, day: u32) -> Found {
    match year_after(tokens, last) {
        Some((last, year)) => Some((last, valid(Some(year), month, day)?)),
        None => Some((last, valid(None, month, day)?)),
    }
}

fn day_word_at(tokens: &[Token], at: usize) -> Found {
    let said = word(tokens, at);
    let before = at.checked_sub(1).map_or("", |before| word(tokens, before));
    let reading = match said {
        "tomorrow" => Reading::DayFromToday(1),
        // `la mañana` is the morning.
        "manana" if before != "la" => Reading::DayFromToday(1),
        "yesterday" | "ayer" => Reading::DayFromToday(-1),
        _ => Reading::Weekday(weekday(said)?),
    };
    Some((at, reading))
}

/// Any other number, with what stands around it.
fn number_at(tokens: &[Token], at: usize) -> Found {
    let token = tokens.get(at)?;
    if token.unreadable {
        return Some((at, Reading::Unreadable));
    }
    if token.identifier {
        return Some((at, Reading::Identifier(token.norm.clone())));
    }
    let dollars_before = matches!(token.norm.as_str(), "$" | "usd");
    let start = if dollars_before { at + 1 } else { at };
    let negative = dollars_before && word(tokens, start) == "-";
    let start = start + usize::from(negative);
    let (last, micros, ordinal) = if let Some(micros) = tokens.get(start)?.number {
        scaled(tokens, start, micros)
    } else {
        let read = number_words(tokens, start)?;
        (read.last, read.micros, read.ordinal)
    };
    let signed = if negative { -micros } else { micros };
    Some(with_unit(tokens, last, signed, dollars_before, ordinal))
}

/// `1.2k`, `3 million`, `24th`.
fn scaled(tokens: &[Token], at: usize, micros: i128) -> (usize, i128, bool) {
    match word(tokens, at + 1) {
        "k" | "thousand" | "grand" | "mil" => (at + 1, micros.saturating_mul(1_000), false),
        "hundred" => (at + 1, micros.saturating_mul(100), false),
        "million" | "millones" => (at + 1, micros.saturating_mul(1_000_000), false),
        "st" | "nd" | "rd" | "th" => (at + 1, micros, true),
        _ => (at, micros, false),
    }
}

fn with_unit(
    tokens: &[Token],
    last: usize,
    micros: i128,
    dollars: bool,
    ordinal: bool,
) -> (usize, Reading) {
    let next = word(tokens, last + 1);
    let cents = |micros: i128| i64::try_from(micros / (MICROS / 100)).map(Cents::new);
    let whole_cents = micros % (MICROS / 100) == 0;
    if dollars
        || matches!(next, "dollar" | "dollars" | "buck" | "bucks" | "usd" | "dolar" | "dolares")
    {
        let last = if dollars { last } else { last + 1 };
        let (last, more) = cents_after(tokens, last);
        let reading = match cents(micros) {
            Ok(amount) if whole_cents => Reading::Money(amount + more),
            _ => Reading::Unreadable,
        };
        return (last, reading);
    }
    match next {
        "cent" | "cents" | "centavo" | "centavos" | "\u{a2}" => {
            let reading = i64::try_from(micros / MICROS)
                .map_or(Reading::Unreadable, |cents| Reading::Money(Cents::new(cents)));
            (last + 1, reading)
        }
        "%" | "percent" => (last + 1, Reading::Percent(micros / 100)),
        "per" | "por" if matches!(word(tokens, last + 2), "cent" | "ciento") => {
            (last + 2, Reading::Percent(micros / 100))
        }
        _ if ordinal => (last, Reading::Ordinal(micros / MICROS)),
        _ => (last, Reading::Number(micros)),
    }
}

/// `... and twenty cents`.
fn cents_after(tokens: &[Token], last: usize) -> (usize, Cents) {
    let at = last + 1 + usize::from(matches!(word(tokens, last + 1), "and" | "con" | "y"));
    let read = match tokens.get(at).and_then(|token| token.number) {
        Some(micros) => Some((at, micros)),
        None => number_words(tokens, at).map(|read| (read.last, read.micros)),
    };
    match read {
        Some((end, micros))
            if matches!(word(tokens, end + 1), "cent" | "cents" | "centavo" | "centavos") =>
        {
            let cents = i64::try_from(micros / MICROS).unwrap_or_default();
            (end + 1, Cents::new(cents))
        }
        _ => (last, Cents::ZERO),
    }
}

#[cfg(test)]
mod tests;
