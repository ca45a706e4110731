//! Portfolios of other lenders: a file's bytes in, rows that can be boarded and the faults of those that cannot out.
//!
//! Invariants: memory is bounded whatever the file (`limits`): it is read a piece at a time, and what would take more is refused with
//! the limit it breaks; a row is judged by itself, and every fault of it is told; an amount is read digit by digit, never through a
//! floating-point number; a good row is one of which the engine, asked for the file's day, gives back the row's own figures.
//! An account number is in no fault, no digest and no debug output. What is absent: the database (`servicing::board`).

mod cells;
mod columns;
mod days;
mod dues;
mod engine;
mod file;
mod judge;
mod limits;
mod pages;
mod parquet;
mod reach;
mod row;
mod source;
mod table;
mod thrift;
mod twins;

use std::sync::Arc;

use chrono::NaiveDate;
use credit::ProductCatalog;
use money::Cents;
use serde::Serialize;

pub use columns::{REFUSED_BECAUSE, column_names};
pub use file::{Depth, JudgedRows, PortfolioFile, Survey, open};
pub use limits::ROWS_AT_ONCE;
pub use row::{Bank, BankKind, Cells, Fault, Row};
pub use source::Pieces;

use crate::table::Record;

/// What rows are held against.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    pub catalog: &'a ProductCatalog,
    /// The business date: no file is of a later day.
    pub today: NaiveDate,
}

/// What a row, or several, come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub rows: u64,
    #[serde(rename = "principal_cents")]
    pub principal: Cents,
    #[serde(rename = "interest_cents")]
    pub interest: Cents,
    /// Penalty fees among them.
    #[serde(rename = "fees_cents")]
    pub fees: Cents,
}

impl Totals {
    /// What both come to; an amount stops at the most that can be held.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let sum = |one: Cents, two: Cents| Cents::new(one.get().saturating_add(two.get()));
        Self {
            rows: self.rows + other.rows,
            principal: sum(self.principal, other.principal),
            interest: sum(self.interest, other.interest),
            fees: sum(self.fees, other.fees),
        }
    }
}

/// What the sender says that a file comes to: its last row, or the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ControlTotals {
    pub rows: Option<u64>,
    #[serde(rename = "principal_cents")]
    pub principal: Option<Cents>,
    #[serde(rename = "interest_cents")]
    pub interest: Option<Cents>,
    #[serde(rename = "fees_cents")]
    pub fees: Option<Cents>,
}

impl ControlTotals {
    /// Where the file does not come to them, in words.
    #[must_use]
    pub fn differences(&self, found: &Totals) -> Vec<String> {
        let mut said = Vec::new();
        if let Some(rows) = self.rows.filter(|rows| *rows != found.rows) {
            said.push(format!("{rows} rows were announced and {} are there", found.rows));
        }
        let amounts = [
            ("principal", self.principal, found.principal),
            ("billed interest", self.interest, found.interest),
            ("fees", self.fees, found.fees),
        ];
        for (what, announced, found) in amounts {
            if let Some(announced) = announced.filter(|announced| *announced != found) {
                said.push(format!("{what} of {announced} was announced and {found} is there"));
            }
        }
        said
    }
}

/// A row of the file, and what is thought of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// 1 for the first row after the names.
    pub number: u64,
    /// What it comes to, as far as it could be read.
    pub totals: Totals,
    pub verdict: Result<Row, Refused>,
}

/// A row that is not boarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub cells: Cells,
    pub faults: Vec<Fault>,
}

/// A file that could be read, with all of its rows.
#[derive(Clone, Debug)]
pub struct Portfolio {
    /// The names of its columns.
    pub columns: Vec<String>,
    pub rows: Vec<Judged>,
    /// What its last row says of the others.
    pub trailer: Option<ControlTotals>,
}

impl Portfolio {
    /// What all rows come to, refused ones included.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.rows.iter().fold(Totals::default(), |sum, row| sum.and(row.totals))
    }
}

/// Reads and judges a file that is at hand, and holds all of its rows.
///
/// # Errors
/// What is wrong with the file as a whole, all of it: then no row was looked at.
pub fn read(bytes: &[u8], rules: Rules<'_>) -> Result<Portfolio, Vec<Fault>> {
    let file = open(Arc::new(bytes.to_vec()), rules)?;
    let survey = file.survey(Depth::Sums, |_| {})?;
    let (mut judged, mut rows) = (file.judged(&survey)?, Vec::new());
    while let Some(batch) = judged.next_batch()? {
        rows.extend(batch);
    }
    Ok(Portfolio { columns: file.columns().to_vec(), rows, trailer: survey.trailer })
}

/// The rows of a file alone, for whoever wants no more.
///
/// # Errors
/// As [`read`].
pub fn read_rows(
    bytes: &[u8],
    rules: Rules<'_>,
) -> Result<Vec<Result<Row, Vec<Fault>>>, Vec<Fault>> {
    let rows = read(bytes, rules)?.rows;
    Ok(rows.into_iter().map(|row| row.verdict.map_err(|refused| refused.faults)).collect())
}

impl ControlTotals {
    /// The cells of a last row after `TOTAL`: `rows=3`, `principal=1234.56`, `interest=...`, `fees=...`.
    fn read(cells: &[String]) -> Result<Self, Vec<Fault>> {
        let mut totals = Self::default();
        let mut faults = Vec::new();
        for cell in cells.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()) {
            let (name, value) = cell.split_once('=').unwrap_or((cell, ""));
            let amount = cells::amount(value);
            let rows = value.trim().parse().ok();
            match (name.trim(), rows, amount) {
                ("rows", Some(rows), _) => totals.rows = Some(rows),
                ("principal", _, Ok(amount)) => totals.principal = Some(amount),
                ("interest", _, Ok(amount)) => totals.interest = Some(amount),
                ("fees", _, Ok(amount)) => totals.fees = Some(amount),
                _ => faults.push(Fault::of_file(
                    &format!("the last row announces `{}`, which cannot be read", row::shown(cell)),
                    "write TOTAL,rows=120,principal=1234.56,interest=12.34,fees=0.00, or leave the row out",
                )),
            }
        }
        if faults.is_empty() { Ok(totals) } else { Err(faults) }
    }
}

impl Record {
    fn fault(&self, column: Option<&str>, wrong: &str, to_do: &str) -> Fault {
        Fault {
            row: Some(self.number),
            line: self.line,
            column: column.map(str::to_owned),
            value: None,
            wrong: wrong.to_owned(),
            to_do: to_do.to_owned(),
        }
    }
}
