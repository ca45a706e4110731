//! Writing a file.

use crate::{
    Addenda, Batch, Entry, File, Header, NachaError,
    fields::{WIDTH, Writer},
    file::Totals,
};

impl File {
    /// The file as its bank reads it: records of 94 characters, one a line, padded to blocks of ten.
    ///
    /// # Errors
    /// When a name or number does not fit its field.
    pub fn write(&self) -> Result<String, NachaError> {
        let mut lines = vec![header(&self.header)?];
        let mut totals = Totals::default();
        for (number, batch) in (1..).zip(&self.batches) {
            let batch_totals = Totals::of_all(&batch.entries);
            lines.push(batch_header(batch, number)?);
            for entry in &batch.entries {
                lines.push(entry_detail(entry)?);
                if let Some(addenda) = &entry.addenda {
                    lines.push(addenda_record(addenda, entry)?);
                }
            }
            lines.push(batch_control(batch, number, batch_totals)?);
            totals = totals.plus(batch_totals);
        }
        let blocks = (lines.len() as u64 + 1).div_ceil(10);
        lines.push(file_control(self.batches.len() as u64, blocks, totals)?);
        while !lines.len().is_multiple_of(10) {
            lines.push("9".repeat(WIDTH));
        }
        Ok(lines.join("\n") + "\n")
    }
}

fn header(header: &Header) -> Result<String, NachaError> {
    let record = Writer::default()
        .literal("101 ")
        .literal(&header.destination.to_string())
        .literal(" ")
        .literal(&header.origin.to_string())
        .date(header.created_at.date())
        .literal(&header.created_at.format("%H%M").to_string())
        .text("file id modifier", 1, &header.modifier.to_string())?
        .literal("094101")
        .text("destination name", 23, &header.destination_name)?
        .text("origin name", 23, &header.origin_name)?
        .text("reference code", 8, &header.reference)?;
    Ok(record.finish())
}

/// 225 when every entry is a debit, 220 when every one is a credit, else 200.
fn service_class(batch: &Batch) -> u64 {
    let debits = batch.entries.iter().filter(|entry| entry.code.is_debit()).count();
    match debits {
        0 => 220,
        all if all == batch.entries.len() => 225,
        _ => 200,
    }
}

fn batch_header(batch: &Batch, number: u64) -> Result<String, NachaError> {
    let record = Writer::default()
        .literal("5")
        .number("service class", 3, service_class(batch))?
        .text("company name", 16, &batch.company_name)?
        .spaces(20)
        .text("company id", 10, &batch.company_id)?
        .literal(batch.sec.as_str())
        .text("entry description", 10, &batch.description)?
        .spaces(6)
        .date(batch.effective_on)
        .spaces(3)
        .literal("1")
        .literal(batch.originator.prefix())
        .number("batch number", 7, number)?;
    Ok(record.finish())
}

fn entry_detail(entry: &Entry) -> Result<String, NachaError> {
    let amount = u64::try_from(entry.amount.get())
        .map_err(|_| NachaError::DoesNotFit { field: "amount", width: 10 })?;
    let record = Writer::default()
        .literal("6")
        .literal(entry.code.as_str())
        .literal(entry.routing.prefix())
        .literal(entry.routing.check_digit())
        .text("account number", 17, &entry.account_number)?
        .number("amount", 10, amount)?
        .text("individual id", 15, &entry.individual_id)?
        .text("individual name", 22, &entry.name)?
        .spaces(2)
        .number("addenda indicator", 1, u64::from(entry.addenda.is_some()))?
        .literal(&entry.trace.to_string());
    Ok(record.finish())
}

fn addenda_record(addenda: &Addenda, entry: &Entry) -> Result<String, NachaError> {
    let record = match addenda {
        Addenda::Return { code, original_trace, original_prefix, information } => Writer::default()
            .literal("799")
            .literal(&code.to_string())
            .literal(&original_trace.to_string())
            .spaces(6)
            .text("original receiving bank", 8, original_prefix)?
            .text("addenda information", 44, information)?,
        Addenda::UnknownReturn { code, original_trace, original_prefix, information } => {
            Writer::default()
                .literal("799")
                .text("return code", 3, code)?
                .literal(&original_trace.to_string())
                .spaces(6)
                .text("original receiving bank", 8, original_prefix)?
                .text("addenda information", 44, information)?
        }
        Addenda::Change { code, original_trace, original_prefix, corrected } => Writer::default()
            .literal("798")
            .text("change code", 3, code)?
            .literal(&original_trace.to_string())
            .spaces(6)
            .text("original receiving bank", 8, original_prefix)?
            .text("corrected data", 29, corrected)?
            .spaces(15),
    };
    Ok(record.literal(&entry.trace.to_string()).finish())
}

fn batch_control(batch: &Batch, number: u64, totals: Totals) -> Result<String, NachaError> {
    let record = Writer::default()
        .literal("8")
        .number("service class", 3, service_class(batch))?
        .number("entry count", 6, totals.records)?
        .number("entry hash", 10, totals.hash)?
        .number("total debit", 12, totals.debit)?
        .number("total credit", 12, totals.credit)?
        .text("company id", 10, &batch.company_id)?
        .spaces(25)
        .literal(batch.originator.prefix())
        .number("batch number", 7, number)?;
    Ok(record.finish())
}

fn file_control(batches: u64, blocks: u64, totals: Totals) -> Result<String, NachaError> {
    let record = Writer::default()
        .literal("9")
        .number("batch count", 6, batches)?
        .number("block count", 6, blocks)?
        .number("entry count", 8, totals.records)?
        .number("entry hash", 10, totals.hash)?
        .number("total debit", 12, totals.debit)?
        .number("total credit", 12, totals.credit)?
        .spaces(39);
    Ok(record.finish())
}
