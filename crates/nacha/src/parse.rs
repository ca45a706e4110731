//! Reading a file, with every total checked.
//!
//! Invariants: batch numbers rise, as the format has them, from wherever they begin. An entry that cannot be read is set apart where its
//! amount and its bank can be, so that the totals still hold for the rest; `parse` refuses a file with one.

use money::Cents;

use crate::{
    Addenda, Batch, Entry, File, Header, NachaError, ReturnCode, RoutingNumber, Sec, TraceNumber,
    TransactionCode, fields::Record, file::Totals,
};

impl File {
    /// Reads a whole file: one record a line; counts, hashes and totals have to be true.
    ///
    /// # Errors
    /// The first thing wrong, with its line and column.
    pub fn parse(text: &str) -> Result<Self, NachaError> {
        let (file, unread) = Self::parse_apart(text)?;
        unread.into_iter().next().map_or(Ok(file), |unread| Err(unread.error))
    }

    /// Reads a file, and sets apart the entries that cannot be read, which are not in it. All totals have to be true with them.
    ///
    /// # Errors
    /// The first thing wrong outside of an entry.
    pub fn parse_apart(text: &str) -> Result<(Self, Vec<Unread>), NachaError> {
        let records = (1..)
            .zip(text.lines())
            .map(|(line, text)| Record::new(text, line))
            .collect::<Result<Vec<_>, _>>()?;
        Reader { records: &records, unread: Vec::new() }.file(records.len())
    }
}

/// An entry that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The number of the entry of which it tells; its own where it tells of none.
    pub trace: TraceNumber,
    pub error: NachaError,
}

struct Reader<'a, 'r> {
    records: &'r [Record<'a>],
    unread: Vec<Unread>,
}

impl<'a> Reader<'a, '_> {
    fn next(&mut self, missing: &'static str) -> Result<Record<'a>, NachaError> {
        let (first, rest) = self.records.split_first().ok_or(NachaError::Truncated { missing })?;
        self.records = rest;
        Ok(*first)
    }

    fn peek(&self) -> &str {
        self.records.first().map_or("", |record| record.kind())
    }

    fn file(mut self, lines: usize) -> Result<(File, Vec<Unread>), NachaError> {
        let header = header(self.next("file header")?)?;
        let mut batches = Vec::new();
        let (mut totals, mut number) = (Totals::default(), 0);
        while self.peek() == "5" {
            let (batch, of_batch, its_number) = self.batch(number)?;
            (totals, number) = (totals.plus(of_batch), its_number);
            batches.push(batch);
        }
        let control = self.next("file control")?;
        control.expect(1, "9")?;
        control.check_total("batch count", control.number(2, 6)?, batches.len() as u64)?;
        control.check_total("block count", control.number(8, 6)?, lines.div_ceil(10) as u64)?;
        check(control, [(14, 8), (22, 10), (32, 12), (44, 12)], totals)?;
        for padding in self.records {
            if padding.raw(1, 94).bytes().any(|byte| byte != b'9') {
                return Err(padding.unexpected(1, "padding of nines"));
            }
        }
        if !lines.is_multiple_of(10) {
            return Err(NachaError::Truncated { missing: "padding to blocks of ten records" });
        }
        Ok((File { header, batches }, self.unread))
    }

    /// A batch, what its entries come to, and its number, which is above `last`.
    fn batch(&mut self, last: u64) -> Result<(Batch, Totals, u64), NachaError> {
        let record = self.next("batch header")?;
        let mut batch = batch_header(record)?;
        let number = record.number(88, 7)?;
        if number <= last {
            return Err(record.unexpected(88, "a batch number above that of the batch before"));
        }
        let mut totals = Totals::default();
        while self.peek() == "6" {
            totals = totals.plus(self.entry(&mut batch.entries)?);
        }
        let control = self.next("batch control")?;
        control.expect(1, "8")?;
        same_company(record, control, &batch)?;
        check(control, [(5, 6), (11, 10), (21, 12), (33, 12)], totals)?;
        control.check_total("batch number", control.number(88, 7)?, number)?;
        Ok((batch, totals, number))
    }

    /// Puts an entry with its addenda among those of the batch, or sets it apart; answers what it comes to.
    fn entry(&mut self, entries: &mut Vec<Entry>) -> Result<Totals, NachaError> {
        let record = self.next("entry")?;
        let follow = self.records.iter().take_while(|record| record.kind() == "7").count();
        let (addenda, rest) = self.records.split_at(follow);
        self.records = rest;
        match entry_with(record, addenda) {
            Ok(entry) => {
                let totals = Totals::of(&entry);
                entries.push(entry);
                Ok(totals)
            }
            Err(error) => {
                let totals = unread_totals(record, addenda)?;
                let told = addenda.first().and_then(|addenda| trace(*addenda, 7).ok());
                let trace = told.map_or_else(|| trace(record, 80), Ok)?;
                self.unread.push(Unread { trace, error });
                Ok(totals)
            }
        }
    }
}

/// An entry and the one record of addenda that it may have, as its indicator says.
fn entry_with(record: Record<'_>, follow: &[Record<'_>]) -> Result<Entry, NachaError> {
    let entry = entry_detail(record)?;
    let addenda = match (record.raw(79, 1), follow) {
        ("0", []) => None,
        ("1", [one]) => Some(addenda(*one)?),
        _ => return Err(record.unexpected(79, "how many records of addenda follow, 0 or 1")),
    };
    Ok(Entry { addenda, ..entry })
}

/// What an entry that cannot be read comes to. Where its code is not known, neither is the side of its amount.
fn unread_totals(record: Record<'_>, addenda: &[Record<'_>]) -> Result<Totals, NachaError> {
    let (records, amount) = (1 + addenda.len() as u64, record.number(30, 10)?);
    let totals = Totals { records, hash: record.number(4, 8)?, ..Totals::default() };
    Ok(match TransactionCode::parse(record.raw(2, 2)) {
        Some(code) if code.is_debit() => Totals { debit: amount, ..totals },
        Some(_) => Totals { credit: amount, ..totals },
        None => Totals { either: amount, ..totals },
    })
}

/// The service class fits the entries, and the control record repeats what the header says of the company.
fn same_company(header: Record<'_>, control: Record<'_>, batch: &Batch) -> Result<(), NachaError> {
    let debits = batch.entries.iter().any(|entry| entry.code.is_debit());
    let credits = batch.entries.iter().any(|entry| !entry.code.is_debit());
    let fits = match header.raw(2, 3) {
        "200" => true,
        "220" => !debits,
        "225" => !credits,
        _ => false,
    };
    if !fits {
        return Err(header.unexpected(2, "a service class that fits the entries: 200, 220 or 225"));
    }
    for (there, here, width, what) in [
        (2, 2, 3, "the service class of the batch header"),
        (41, 45, 10, "the company id of the batch header"),
        (80, 80, 8, "the originator of the batch header"),
    ] {
        if header.raw(there, width) != control.raw(here, width) {
            return Err(control.unexpected(here, what));
        }
    }
    Ok(())
}

/// Checks the four totals that stand at these columns and widths: records, hash, debit, credit.
fn check(record: Record<'_>, at: [(usize, usize); 4], totals: Totals) -> Result<(), NachaError> {
    let [_, _, (column, width), _] = at;
    let totals = totals.sided(record.number(column, width)?);
    let counted = [totals.records, totals.hash, totals.debit, totals.credit];
    let names = ["entry count", "entry hash", "total debit", "total credit"];
    for (((column, width), counted), name) in at.into_iter().zip(counted).zip(names) {
        record.check_total(name, record.number(column, width)?, counted)?;
    }
    Ok(())
}

fn routing(record: Record<'_>, column: usize) -> Result<RoutingNumber, NachaError> {
    record.raw(column, 9).parse().map_err(|_| record.unexpected(column, "a routing number"))
}

/// A routing number of which only the first eight digits stand in the record.
fn routing_prefix(record: Record<'_>, column: usize) -> Result<RoutingNumber, NachaError> {
    let prefix = record.raw(column, 8);
    (0..10)
        .find_map(|check| format!("{prefix}{check}").parse().ok())
        .ok_or_else(|| record.unexpected(column, "eight digits of a routing number"))
}

fn header(record: Record<'_>) -> Result<Header, NachaError> {
    record.expect(1, "101 ")?;
    record.expect(35, "094101")?;
    Ok(Header {
        destination: routing(record, 5)?,
        origin: routing(record, 15)?,
        created_at: record.date(24)?.and_time(record.time(30)?),
        modifier: record.raw(34, 1).chars().next().unwrap_or(' '),
        destination_name: record.text(41, 23),
        origin_name: record.text(64, 23),
        reference: record.text(87, 8),
    })
}

fn batch_header(record: Record<'_>) -> Result<Batch, NachaError> {
    Ok(Batch {
        company_name: record.text(5, 16),
        company_id: record.text(41, 10),
        sec: Sec::parse(record.raw(51, 3))
            .ok_or_else(|| record.unexpected(51, "an entry class of three letters"))?,
        description: record.text(54, 10),
        effective_on: record.date(70)?,
        originator: routing_prefix(record, 80)?,
        entries: Vec::new(),
    })
}

fn trace(record: Record<'_>, column: usize) -> Result<TraceNumber, NachaError> {
    TraceNumber::new(record.number(column, 15)?)
        .ok_or_else(|| record.unexpected(column, "a trace number"))
}

fn entry_detail(record: Record<'_>) -> Result<Entry, NachaError> {
    Ok(Entry {
        code: TransactionCode::parse(record.raw(2, 2))
            .ok_or_else(|| record.unexpected(2, "a transaction code we know"))?,
        routing: routing(record, 4)?,
        account_number: record.text(13, 17),
        amount: i64::try_from(record.number(30, 10)?)
            .map(Cents::new)
            .map_err(|_| record.unexpected(30, "an amount"))?,
        individual_id: record.text(40, 15),
        name: record.text(55, 22),
        trace: trace(record, 80)?,
        addenda: None,
    })
}

fn addenda(record: Record<'_>) -> Result<Addenda, NachaError> {
    let original_trace = trace(record, 7)?;
    let original_prefix = record.text(28, 8);
    match record.raw(2, 2) {
        "99" => returned(record, original_trace, original_prefix),
        "98" => Ok(Addenda::Change {
            code: record.text(4, 3),
            original_trace,
            original_prefix,
            corrected: record.text(36, 29),
        }),
        _ => Err(record.unexpected(2, "addenda of type 98 or 99")),
    }
}

/// A return, also one whose code is of a later edition than ours.
fn returned(
    record: Record<'_>,
    original_trace: TraceNumber,
    original_prefix: String,
) -> Result<Addenda, NachaError> {
    let (code, information) = (record.raw(4, 3), record.text(36, 44));
    if let Ok(code) = code.parse::<ReturnCode>() {
        return Ok(Addenda::Return { code, original_trace, original_prefix, information });
    }
    let digits = code.strip_prefix('R').filter(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    if digits.is_none() {
        return Err(record.unexpected(4, "a return code, R and two digits"));
    }
    let code = code.to_owned();
    Ok(Addenda::UnknownReturn { code, original_trace, original_prefix, information })
}

#[cfg(test)]
mod tests;
