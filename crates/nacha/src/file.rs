//! A file, its batches and their entries.

use std::fmt;

use chrono::{NaiveDate, NaiveDateTime};
use money::Cents;
use serde::{Deserialize, Serialize};

use crate::{ReturnCode, RoutingNumber, Sec, TransactionCode};

/// One ACH file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub header: Header,
    pub batches: Vec<Batch>,
}

/// Who sends the file to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub destination: RoutingNumber,
    pub destination_name: String,
    pub origin: RoutingNumber,
    pub origin_name: String,
    /// Local time of creation, to the minute.
    pub created_at: NaiveDateTime,
    /// `A` to `Z`, `0` to `9`: tells apart the files of one day.
    pub modifier: char,
    /// Up to eight characters of the sender's own.
    pub reference: String,
}

/// Entries of one company, one class and one effective date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub company_name: String,
    pub company_id: String,
    pub sec: Sec,
    /// What the customer reads on the bank statement, up to ten characters.
    pub description: String,
    pub effective_on: NaiveDate,
    pub originator: RoutingNumber,
    pub entries: Vec<Entry>,
}

/// One movement of money, or the return of one.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    pub code: TransactionCode,
    pub routing: RoutingNumber,
    /// Up to 17 characters. Kept out of `Debug`.
    pub account_number: String,
    pub amount: Cents,
    /// The sender's own id for the customer, up to 15 characters.
    pub individual_id: String,
    pub name: String,
    pub trace: TraceNumber,
    pub addenda: Option<Addenda>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("code", &self.code)
            .field("amount", &self.amount)
            .field("trace", &self.trace)
            .field("addenda", &self.addenda)
            .finish_non_exhaustive()
    }
}

/// The record that says why an entry came back.
#[derive(Clone, PartialEq, Eq)]
pub enum Addenda {
    /// Type 99.
    Return {
        code: ReturnCode,
        original_trace: TraceNumber,
        original_prefix: String,
        information: String,
    },
    /// Type 99 with a code that we do not know.
    UnknownReturn {
        code: String,
        original_trace: TraceNumber,
        original_prefix: String,
        information: String,
    },
    /// Type 98, a notification of change: `C01` to `C13` and the corrected data.
    Change { code: String, original_trace: TraceNumber, original_prefix: String, corrected: String },
}

/// Without what the bank wrote: the corrected data is an account number.
impl fmt::Debug for Addenda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, code, trace) = match self {
            Self::Return { code, original_trace, .. } => {
                ("Return", code.to_string(), original_trace)
            }
            Self::UnknownReturn { code, original_trace, .. } => {
                ("UnknownReturn", code.clone(), original_trace)
            }
            Self::Change { code, original_trace, .. } => ("Change", code.clone(), original_trace),
        };
        let mut shown = f.debug_struct(name);
        shown.field("code", &code).field("original_trace", trace).finish_non_exhaustive()
    }
}

/// Fifteen digits: the originator's eight, then a sequence number. Unique among the entries of an originator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TraceNumber(u64);

impl TraceNumber {
    const LIMIT: u64 = 1_000_000_000_000_000;

    /// The trace number of the originator's `sequence`-th entry (modulo ten million).
    #[must_use]
    pub fn of(originator: &RoutingNumber, sequence: u32) -> Self {
        Self(originator.prefix_number() * 10_000_000 + u64::from(sequence % 10_000_000))
    }

    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number < Self::LIMIT { Some(Self(number)) } else { None }
    }

    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TraceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:015}", self.0)
    }
}

/// What the control records state of a set of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) records: u64,
    /// Sum of the eight-digit routing prefixes; the last ten digits of it are written.
    pub(crate) hash: u64,
    pub(crate) debit: u64,
    pub(crate) credit: u64,
    /// Of entries whose code is not known: either side may have it.
    pub(crate) either: u64,
}

impl Totals {
    pub(crate) fn of(entry: &Entry) -> Self {
        let amount = entry.amount.get().unsigned_abs();
        let debit = entry.code.is_debit();
        Self {
            records: 1 + u64::from(entry.addenda.is_some()),
            hash: entry.routing.prefix_number(),
            debit: if debit { amount } else { 0 },
            credit: if debit { 0 } else { amount },
            either: 0,
        }
    }

    pub(crate) fn of_all(entries: &[Entry]) -> Self {
        entries.iter().map(Self::of).fold(Self::default(), Self::plus)
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            records: self.records + other.records,
            hash: (self.hash + other.hash) % 10_000_000_000,
            debit: self.debit + other.debit,
            credit: self.credit + other.credit,
            either: self.either + other.either,
        }
    }

    /// With what either side may have on the sides where a record that states so many debits has it.
    pub(crate) fn sided(self, stated_debit: u64) -> Self {
        let debit = stated_debit.saturating_sub(self.debit).min(self.either);
        let credit = self.either - debit;
        Self { debit: self.debit + debit, credit: self.credit + credit, either: 0, ..self }
    }
}
