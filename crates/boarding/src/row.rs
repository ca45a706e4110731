//! A row that can be boarded, and a fault of one that cannot.

use std::fmt;

use chrono::NaiveDate;
use credit::{BroughtForward, CycleSchedule, FlagKind, ProductCatalog, Terms};
use money::{Apr, Cents};
use nacha::RoutingNumber;
use serde::Serialize;

/// Characters of a value that a fault repeats at most.
const SHOWN_MAX: usize = 40;

/// Characters of what is said of a file at most.
const SAID_MAX: usize = 200;

/// A customer and a line of another lender. As JSON it is what tells one boarding of it from another: without the account
/// number, and without its place in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// 1 for the first row after the names.
    #[serde(skip)]
    pub number: u64,
    /// Where it begins in a text file.
    #[serde(skip)]
    pub line: Option<u64>,
    /// The other lender's name of the line.
    pub reference: String,
    pub name: String,
    pub email: String,
    pub phone: String,
    /// Two letters.
    pub state: String,
    /// `en` or `es`.
    pub language: String,
    /// Where paper goes, line by line; empty where that is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub postal: Vec<String>,
    /// What stands against writing to them or asking them for money.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<FlagKind>,
    pub product: String,
    pub credit_limit: Cents,
    pub apr: Apr,
    /// By the other lender.
    pub opened_on: NaiveDate,
    /// A covered borrower (32 CFR 232).
    pub covered_borrower: bool,
    /// When its cycles close with us.
    pub cycles: CycleSchedule,
    /// The day after the last close: where our books begin.
    pub begins_on: NaiveDate,
    /// The file's figures are those of the start of this day.
    pub as_of: NaiveDate,
    pub balances: BroughtForward,
    /// Since the last close, not yet billed.
    pub accrued_interest: Cents,
    /// When the other lender gave the account-opening record, where it did.
    pub opening_record_given_on: Option<NaiveDate>,
    #[serde(skip)]
    pub bank: Option<Bank>,
    #[serde(skip)]
    pub cells: Cells,
}

/// The cells of a row as they stood in the file. No `Debug` that shows them: the account number is among them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Cells(pub(crate) Vec<String>);

impl Cells {
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Debug for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cells", self.0.len())
    }
}

impl Row {
    /// The line's terms, copied from its product.
    #[must_use]
    pub(crate) fn terms(&self, catalog: &ProductCatalog) -> Option<Terms> {
        let product = catalog.get(&self.product)?;
        let mut terms = Terms::open(product, self.credit_limit, self.apr, self.cycles.close_day);
        terms.cycles = self.cycles.clone();
        terms.covered_borrower = self.covered_borrower;
        Some(terms.in_state(&self.state, self.opened_on))
    }
}

/// Where the customer banks. No number in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Bank {
    pub name: String,
    pub kind: BankKind,
    pub routing_number: RoutingNumber,
    pub account_number: String,
}

impl fmt::Debug for Bank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bank").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BankKind {
    Checking,
    Savings,
}

/// What is wrong, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// 1 for the first row after the names; nothing where it is about the file.
    pub row: Option<u64>,
    /// Where the row begins in a text file.
    pub line: Option<u64>,
    pub column: Option<String>,
    /// Cut short, and of a bank account hidden.
    pub value: Option<String>,
    pub wrong: String,
    pub to_do: String,
}

impl Fault {
    pub(crate) fn of_file(wrong: &str, to_do: &str) -> Self {
        let (wrong, to_do) = (wrong.to_owned(), to_do.to_owned());
        Self { row: None, line: None, column: None, value: None, wrong, to_do }
    }

    /// Without its place, as it stands beside the row in the file of refused rows.
    #[must_use]
    pub fn reason(&self) -> String {
        let column = self.column.as_deref().map(|name| format!("{name}: ")).unwrap_or_default();
        format!("{column}{}; {}", self.wrong, self.to_do)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.row, self.line) {
            (Some(row), Some(line)) => write!(f, "row {row} (line {line})")?,
            (Some(row), None) => write!(f, "row {row}")?,
            _ => f.write_str("file")?,
        }
        if let Some(column) = &self.column {
            write!(f, ", {column}")?;
        }
        if let Some(value) = &self.value {
            write!(f, " `{value}`")?;
        }
        write!(f, ": {}; {}", self.wrong, self.to_do)
    }
}

/// A value as it may stand in a message: short, and without what moves a terminal's cursor.
pub(crate) fn shown(value: &str) -> String {
    cut(value, SHOWN_MAX)
}

/// What a library says of a file, in which the file's own words may stand.
pub(crate) fn said(sentence: &str) -> String {
    cut(sentence, SAID_MAX)
}

fn cut(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let short: String = text.chars().take(most).map(plain).collect();
    if text.chars().nth(most).is_some() { format!("{short}...") } else { short }
}

/// Digits of an account, hidden.
pub(crate) fn masked(value: &str) -> String {
    format!("{} characters, hidden", value.chars().count())
}
