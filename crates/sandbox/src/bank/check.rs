//! What a bank looks at in a file that is a Nacha file: the rules between its records, beyond the totals.

use nacha::{Batch, File, Sec, TransactionCode};

/// The most that one entry may move.
const MOST_CENTS: i64 = 100_000_000;

/// The first rule that a file breaks, in words.
pub(super) fn check(file: &File) -> Result<(), String> {
    for (number, batch) in (1..).zip(&file.batches) {
        check_batch(batch).map_err(|rule| format!("batch {number}: {rule}"))?;
    }
    Ok(())
}

fn check_batch(batch: &Batch) -> Result<(), String> {
    if batch.entries.is_empty() {
        return Err("it has no entries".to_owned());
    }
    if batch.sec == Sec::Cor {
        return Err("an originator sends no notifications of change".to_owned());
    }
    if let Sec::Other(_) = batch.sec {
        return Err("its entry class is none that we take".to_owned());
    }
    let mut last = None;
    for entry in &batch.entries {
        let trace = entry.trace;
        if !matches!(
            entry.code,
            TransactionCode::CreditChecking
                | TransactionCode::DebitChecking
                | TransactionCode::CreditSavings
                | TransactionCode::DebitSavings
        ) {
            return Err(format!("entry {trace} has the transaction code of a return"));
        }
        if batch.sec == Sec::Web && !entry.code.is_debit() {
            return Err(format!("entry {trace} is a credit in a batch of debits made online"));
        }
        if !trace.to_string().starts_with(batch.originator.prefix()) {
            return Err(format!("entry {trace} has the trace number of another originator"));
        }
        if last.is_some_and(|last| trace <= last) {
            return Err(format!("entry {trace} is out of order"));
        }
        last = Some(trace);
        if !(1..=MOST_CENTS).contains(&entry.amount.get()) {
            return Err(format!("entry {trace} moves nothing, or more than an entry may"));
        }
        if entry.account_number.is_empty() || entry.name.is_empty() {
            return Err(format!("entry {trace} has no account number or no name"));
        }
    }
    Ok(())
}
