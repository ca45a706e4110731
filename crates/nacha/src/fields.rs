//! Fixed-width fields: writing them into a record and reading them from one.

use chrono::{NaiveDate, NaiveTime};

use crate::NachaError;

pub(crate) const WIDTH: usize = 94;

/// A record being written.
#[derive(Default)]
pub(crate) struct Writer(String);

impl Writer {
    /// Text, left-justified and padded with spaces. Whatever is not printable ASCII is refused.
    pub(crate) fn text(
        mut self,
        field: &'static str,
        width: usize,
        value: &str,
    ) -> Result<Self, NachaError> {
        let fits = value.len() <= width && value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        if !fits {
            return Err(NachaError::DoesNotFit { field, width });
        }
        self.0.push_str(value);
        Ok(self.spaces(width - value.len()))
    }

    /// A number, right-justified and padded with zeros.
    pub(crate) fn number(
        mut self,
        field: &'static str,
        width: usize,
        value: u64,
    ) -> Result<Self, NachaError> {
        let digits = format!("{value:0width$}");
        if digits.len() > width {
            return Err(NachaError::DoesNotFit { field, width });
        }
        self.0.push_str(&digits);
        Ok(self)
    }

    pub(crate) fn literal(mut self, text: &str) -> Self {
        self.0.push_str(text);
        self
    }

    pub(crate) fn spaces(mut self, count: usize) -> Self {
        self.0.push_str(&" ".repeat(count));
        self
    }

    pub(crate) fn date(self, date: NaiveDate) -> Self {
        self.literal(&date.format("%y%m%d").to_string())
    }

    pub(crate) fn finish(self) -> String {
        debug_assert_eq!(self.0.len(), WIDTH, "a record has 94 characters");
        self.0
    }
}

/// A record being read, with its place in the file.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    text: &'a str,
    pub(crate) line: usize,
}

impl<'a> Record<'a> {
    pub(crate) fn new(text: &'a str, line: usize) -> Result<Self, NachaError> {
        let length = text.chars().count();
        if length != WIDTH {
            return Err(NachaError::WrongLength { line, length });
        }
        let record = Self { text, line };
        match text.chars().position(|c| c != ' ' && !c.is_ascii_graphic()) {
            Some(at) => Err(NachaError::Unexpected {
                line,
                column: at + 1,
                record: record.name(),
                expected: "a printable ASCII character",
            }),
            None => Ok(record),
        }
    }

    pub(crate) fn kind(&self) -> &'a str {
        self.raw(1, 1)
    }

    /// The characters from a column, counted from one.
    pub(crate) fn raw(&self, column: usize, width: usize) -> &'a str {
        self.text.get(column - 1..column - 1 + width).unwrap_or_default()
    }

    pub(crate) fn text(&self, column: usize, width: usize) -> String {
        self.raw(column, width).trim_end().to_owned()
    }

    pub(crate) fn number(&self, column: usize, width: usize) -> Result<u64, NachaError> {
        let raw = self.digits(column, width).ok_or_else(|| self.unexpected(column, "digits"))?;
        raw.parse().map_err(|_| self.unexpected(column, "a number"))
    }

    pub(crate) fn date(&self, column: usize) -> Result<NaiveDate, NachaError> {
        let date = self
            .digits(column, 6)
            .and_then(|raw| NaiveDate::parse_from_str(&format!("20{raw}"), "%Y%m%d").ok());
        date.ok_or_else(|| self.unexpected(column, "a date, YYMMDD"))
    }

    pub(crate) fn time(&self, column: usize) -> Result<NaiveTime, NachaError> {
        let time =
            self.digits(column, 4).and_then(|raw| NaiveTime::parse_from_str(raw, "%H%M").ok());
        time.ok_or_else(|| self.unexpected(column, "a time, HHMM"))
    }

    /// Nothing where anything else stands there: a parser of dates takes blanks for digits that are left out.
    fn digits(&self, column: usize, width: usize) -> Option<&'a str> {
        let raw = self.raw(column, width);
        raw.bytes().all(|byte| byte.is_ascii_digit()).then_some(raw)
    }

    pub(crate) fn expect(&self, column: usize, text: &'static str) -> Result<(), NachaError> {
        if self.raw(column, text.len()) == text {
            Ok(())
        } else {
            Err(self.unexpected(column, text))
        }
    }

    /// What kind of record it is, for a person.
    const fn name(&self) -> &'static str {
        match self.text.as_bytes() {
            [b'1', ..] => "file header",
            [b'5', ..] => "batch header",
            [b'6', ..] => "entry",
            [b'7', ..] => "addenda",
            [b'8', ..] => "batch control",
            [b'9', ..] => "file control or padding",
            _ => "record",
        }
    }

    pub(crate) const fn unexpected(&self, column: usize, expected: &'static str) -> NachaError {
        NachaError::Unexpected { line: self.line, column, record: self.name(), expected }
    }

    pub(crate) fn check_total(
        &self,
        total: &'static str,
        stated: u64,
        counted: u64,
    ) -> Result<(), NachaError> {
        if stated == counted {
            Ok(())
        } else {
            Err(NachaError::WrongTotal { line: self.line, record: self.name(), total })
        }
    }
}
