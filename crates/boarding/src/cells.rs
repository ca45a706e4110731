//! A row's cells, one by one: read as what their columns hold, with a fault for each that cannot be.

use chrono::{Datelike, NaiveDate};
use money::{Apr, Cents, MoneyError};

use crate::{
    columns::{Header, Place},
    row::{Fault, masked, shown},
    table::Record,
};

/// Characters of a cell at most.
const CELL_MAX: usize = 200;

/// What no line comes to: a billion dollars.
const MOST: Cents = Cents::new(100_000_000_000);

/// Dates of lines that live: what lies outside is a slip.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2199;

/// An amount of dollars without a sign before it: `1234.56`. Zeros beyond the cents are none.
pub(crate) fn amount(text: &str) -> Result<Cents, &'static str> {
    let text = text.trim();
    let exact = match text.split_once('.') {
        Some((_, decimals)) if decimals.len() > 2 => {
            let zeros = decimals.len() - decimals.trim_end_matches('0').len();
            text.get(..text.len() - zeros.min(decimals.len() - 2)).unwrap_or(text)
        }
        _ => text,
    };
    match Cents::parse_dollars(exact) {
        Ok(amount) if amount.is_negative() => Err("the amount is below zero"),
        Ok(amount) if amount > MOST => Err("the amount is too large"),
        Ok(amount) => Ok(amount),
        Err(MoneyError::FractionOfACent(_)) => Err("the amount has a fraction of a cent"),
        Err(MoneyError::TooLarge(_)) => Err("the amount is too large"),
        Err(MoneyError::NotAnAmount(_)) => Err("this is not an amount of money"),
    }
}

/// A row being read: its cells, and what was found wrong with them.
pub(crate) struct Cells<'a> {
    header: &'a Header,
    record: &'a Record,
    pub(crate) faults: Vec<Fault>,
}

impl<'a> Cells<'a> {
    pub(crate) const fn of(header: &'a Header, record: &'a Record) -> Self {
        Self { header, record, faults: Vec::new() }
    }

    /// Notes that a column is wrong; its value is repeated, of a bank account hidden.
    pub(crate) fn wrong(&mut self, column: &str, wrong: impl AsRef<str>, to_do: &str) {
        let value = self.header.place(column).and_then(|place| self.cell(place));
        let value = value
            .filter(|text| !text.is_empty())
            .map(|text| if column.starts_with("bank_") { masked(text) } else { shown(text) });
        let fault = self.record.fault(Some(column), wrong.as_ref(), to_do);
        self.faults.push(Fault { value, ..fault });
    }

    /// Notes that the row as a whole is wrong.
    pub(crate) fn wrong_row(&mut self, wrong: &str, to_do: &str) {
        self.faults.push(self.record.fault(None, wrong, to_do));
    }

    fn cell(&self, place: Place) -> Option<&'a str> {
        self.record.cells.get(place.at).map(|cell| cell.trim())
    }

    /// What a cell holds; nothing where it is empty or its column is not there.
    fn given(&self, column: &str) -> Option<&'a str> {
        let cell = self.header.place(column).and_then(|place| self.cell(place))?;
        (!cell.is_empty()).then_some(cell)
    }

    /// The row's shape, before any cell is looked at.
    pub(crate) fn look_at_shape(&mut self) {
        let (found, wanted) = (self.record.cells.len(), self.header.width);
        if found != wanted {
            let wrong = format!("the row has {found} cells and the names are {wanted}");
            self.wrong_row(
                &wrong,
                "look for a comma or a quotation mark that is missing or too many",
            );
        }
        if self.record.garbled {
            self.wrong_row("not all of the row is UTF-8", "save the file as UTF-8");
        }
    }

    /// Words that a person wrote: nothing that a terminal or a spreadsheet would act on.
    pub(crate) fn words(&mut self, column: &str) -> Option<String> {
        let text = self.given(column)?;
        if text.chars().any(char::is_control) {
            let to_do =
                "take it out; a line break may come from a quotation mark that is not closed";
            self.wrong(column, "there is a control character in it", to_do);
        } else if text.chars().nth(CELL_MAX).is_some() {
            self.wrong(column, format!("it is longer than {CELL_MAX} characters"), "shorten it");
        } else if text.starts_with(['=', '@', '-']) || (text.starts_with('+') && column != "phone")
        {
            self.wrong(
                column,
                "a spreadsheet would take it for a formula",
                "write it without its first sign",
            );
        } else {
            return Some(text.to_owned());
        }
        None
    }

    /// As [`words`](Self::words), and there must be some.
    pub(crate) fn needed(&mut self, column: &str) -> Option<String> {
        if self.given(column).is_none() {
            self.wrong(column, "it is empty", "fill it in");
            return None;
        }
        self.words(column)
    }

    /// An amount; an empty cell, or none, is nothing owed.
    pub(crate) fn money(&mut self, column: &'static str) -> Option<Cents> {
        let Some(place) = self.header.place(column) else { return Some(Cents::ZERO) };
        self.money_at(column, place)
    }

    /// The same, and something must stand there.
    pub(crate) fn needed_money(&mut self, column: &'static str) -> Option<Cents> {
        if self.given(column).is_none() {
            self.wrong(column, "it is empty", "write 0.00 where it is nothing");
            return None;
        }
        self.money(column)
    }

    fn money_at(&mut self, column: &str, place: Place) -> Option<Cents> {
        let text = self.cell(place).filter(|text| !text.is_empty());
        let Some(text) = text else { return Some(Cents::ZERO) };
        let read = if place.cents {
            match text.parse::<i64>() {
                Ok(cents) if cents < 0 => Err("the amount is below zero"),
                Ok(cents) if cents > MOST.get() => Err("the amount is too large"),
                Ok(cents) => Ok(Cents::new(cents)),
                Err(_) => Err("this is not a whole number of cents"),
            }
        } else {
            amount(text)
        };
        match read {
            Ok(amount) => Some(amount),
            Err(wrong) => {
                let to_do = if place.cents { "write it as 123456" } else { "write it as 1234.56" };
                let value = Some(shown(text));
                let fault = self.record.fault(Some(column), wrong, to_do);
                self.faults.push(Fault { value, ..fault });
                None
            }
        }
    }

    /// Principal, by feature where the file has it so.
    pub(crate) fn principal(&mut self) -> Option<Vec<(String, Cents)>> {
        if self.header.features.is_empty() {
            return Some(vec![(String::new(), self.needed_money("principal")?)]);
        }
        let mut parts = Vec::new();
        let mut all_read = true;
        for (feature, place) in &self.header.features {
            match self.money_at(&format!("principal.{feature}"), *place) {
                Some(amount) if amount.is_zero() => {}
                Some(amount) => parts.push((feature.clone(), amount)),
                None => all_read = false,
            }
        }
        all_read.then_some(parts)
    }

    /// A rate: `24.99%`, or `24.99`.
    pub(crate) fn rate(&mut self, column: &str) -> Option<Apr> {
        const TO_DO: &str = "write it as 24.99%";
        let Some(text) = self.given(column) else {
            self.wrong(column, "it is empty", TO_DO);
            return None;
        };
        let (digits, percent) = match text.strip_suffix('%') {
            Some(digits) => (digits.trim(), true),
            None => (text, false),
        };
        let Some(apr) = percent_ppm(digits) else {
            self.wrong(column, "this is not a rate", TO_DO);
            return None;
        };
        if !percent && apr.ppm() > 0 && apr.ppm() < 10_000 {
            self.wrong(
                column,
                "whether this is a fraction or less than one percent cannot be told",
                TO_DO,
            );
            return None;
        }
        Some(apr)
    }

    /// A day, where one is given: `2026-11-20`.
    pub(crate) fn day(&mut self, column: &str) -> Option<NaiveDate> {
        let text = self.given(column)?;
        let dashed = text.len() == 10;
        match text.parse::<NaiveDate>() {
            Ok(day) if dashed && YEARS.contains(&day.year()) => Some(day),
            _ => {
                self.wrong(column, "this is not a day of the calendar", "write it as 2026-11-20");
                None
            }
        }
    }

    pub(crate) fn needed_day(&mut self, column: &str) -> Option<NaiveDate> {
        if self.given(column).is_none() {
            self.wrong(column, "it is empty", "write it as 2026-11-20");
        }
        self.day(column)
    }

    /// A whole number, where one is given.
    pub(crate) fn count(&mut self, column: &str, most: u32) -> Option<u32> {
        let text = self.given(column)?;
        match text.parse::<u32>() {
            Ok(count) if count <= most => Some(count),
            _ => {
                self.wrong(
                    column,
                    format!("this is not a whole number up to {most}"),
                    "correct it",
                );
                None
            }
        }
    }

    /// Something stands there.
    pub(crate) fn says(&self, column: &str) -> bool {
        self.given(column).is_some()
    }

    /// Yes or no; empty is no.
    pub(crate) fn yes(&mut self, column: &str) -> bool {
        match self.given(column).map(str::to_lowercase).as_deref() {
            None | Some("no" | "false") => false,
            Some("yes" | "true") => true,
            Some(_) => {
                self.wrong(column, "this is neither yes nor no", "write yes or no");
                false
            }
        }
    }
}

/// `24.99` as parts per million; four decimals at most.
fn percent_ppm(digits: &str) -> Option<Apr> {
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let decimals = decimals.trim_end_matches('0');
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || whole.len() > 3
        || decimals.len() > 4
        || !plain(whole)
        || !plain(decimals)
    {
        return None;
    }
    format!("{whole}{decimals:0<4}").parse().ok().map(Apr::from_ppm)
}
