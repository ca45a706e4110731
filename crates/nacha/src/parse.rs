//! Reading a file, with every total checked.

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
        let records = (1..)
            .zip(text.lines())
            .map(|(line, text)| Record::new(text, line))
            .collect::<Result<Vec<_>, _>>()?;
        Reader { records: &records }.file(records.len())
    }
}

struct Reader<'a, 'r> {
    records: &'r [Record<'a>],
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

    fn file(mut self, lines: usize) -> Result<File, NachaError> {
        let header = header(self.next("file header")?)?;
        let mut batches = Vec::new();
        let mut totals = Totals::default();
        while self.peek() == "5" {
            let number = batches.len() as u64 + 1;
            let batch = self.batch(number)?;
            totals = totals.plus(Totals::of(&batch.entries));
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
        Ok(File { header, batches })
    }

    fn batch(&mut self, number: u64) -> Result<Batch, NachaError> {
        let record = self.next("batch header")?;
        let mut batch = batch_header(record)?;
        record.check_total("batch number", record.number(88, 7)?, number)?;
        while self.peek() == "6" {
            let mut entry = entry_detail(self.next("entry")?)?;
            if self.peek() == "7" {
                entry.addenda = Some(addenda(self.next("addenda")?)?);
            }
            batch.entries.push(entry);
        }
        let control = self.next("batch control")?;
        control.expect(1, "8")?;
        same_company(record, control, &batch)?;
        check(control, [(5, 6), (11, 10), (21, 12), (33, 12)], Totals::of(&batch.entries))?;
        control.check_total("batch number", control.number(88, 7)?, number)?;
        Ok(batch)
    }
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

/// Checks the four totals that stand at these columns and widths.
fn check(record: Record<'_>, at: [(usize, usize); 4], totals: Totals) -> Result<(), NachaError> {
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
