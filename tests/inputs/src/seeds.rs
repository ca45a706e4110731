//! The files from which mutation starts.

use chrono::NaiveDate;
use money::Cents;
use nacha::{Addenda, Batch, Entry, File, Header, ReturnCode, Sec, TraceNumber, TransactionCode};

/// Scenario files of the documentation.
#[must_use]
pub fn scenario_seeds() -> Vec<Vec<u8>> {
    let texts: [&str; 4] = [
        include_str!("../../../docs/scenarios/plain-line.toml"),
        include_str!("../../../docs/scenarios/card-grace.toml"),
        include_str!("../../../docs/scenarios/military-service.toml"),
        include_str!("../../../docs/scenarios/returned-payment.toml"),
    ];
    texts.into_iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Files of payments, of draws, of returns, of changes, and one of many batches.
#[must_use]
pub fn nacha_seeds() -> Vec<Vec<u8>> {
    let payments = || batch(Sec::Web, TransactionCode::DebitChecking, 3, |_| None);
    let draws = || batch(Sec::Ppd, TransactionCode::CreditSavings, 2, |_| None);
    let returned = |entry: &Entry| {
        Some(Addenda::Return {
            code: ReturnCode::new(1)?,
            original_trace: entry.trace,
            original_prefix: entry.routing.prefix().to_owned(),
            information: String::new(),
        })
    };
    let changed = |entry: &Entry| {
        Some(Addenda::Change {
            code: "C01".to_owned(),
            original_trace: entry.trace,
            original_prefix: entry.routing.prefix().to_owned(),
            corrected: "000111224242".to_owned(),
        })
    };
    let returns = batch(Sec::Web, TransactionCode::ReturnedDebitChecking, 2, returned);
    let notices = batch(Sec::Cor, TransactionCode::ReturnedDebitChecking, 1, changed);
    let files = [
        vec![payments()],
        vec![draws()],
        vec![returns],
        vec![notices],
        vec![payments(), draws(), payments()],
        Vec::new(),
    ];
    files
        .into_iter()
        .filter_map(|batches| written(batches.into_iter().flatten().collect()))
        .collect()
}

fn written(batches: Vec<Batch>) -> Option<Vec<u8>> {
    let header = Header {
        destination: "021000021".parse().ok()?,
        destination_name: "SANDBOX BANK".to_owned(),
        origin: "011000015".parse().ok()?,
        origin_name: "PLUMBLINE".to_owned(),
        created_at: NaiveDate::from_ymd_opt(2026, 11, 20)?.and_hms_opt(9, 0, 0)?,
        modifier: 'A',
        reference: "1".to_owned(),
    };
    File { header, batches }.write().ok().map(String::into_bytes)
}

fn batch(
    sec: Sec,
    code: TransactionCode,
    entries: u32,
    addenda: impl Fn(&Entry) -> Option<Addenda>,
) -> Option<Batch> {
    let originator = "011000015".parse().ok()?;
    let entry = |sequence: u32| -> Option<Entry> {
        let plain = Entry {
            code,
            routing: "021000021".parse().ok()?,
            account_number: "000111224242".to_owned(),
            amount: if sec == Sec::Cor {
                Cents::ZERO
            } else {
                Cents::new(i64::from(sequence) * 2_500)
            },
            individual_id: format!("PAY-{sequence}"),
            name: "ANN EXAMPLE".to_owned(),
            trace: TraceNumber::of(&originator, sequence),
            addenda: None,
        };
        Some(Entry { addenda: addenda(&plain), ..plain })
    };
    let entries = (1..=entries).map(entry).collect::<Option<_>>()?;
    Some(Batch {
        company_name: "PLUMBLINE".to_owned(),
        company_id: "1234567890".to_owned(),
        sec,
        description: "PAYMENT".to_owned(),
        effective_on: NaiveDate::from_ymd_opt(2026, 11, 23)?,
        originator: "011000015".parse().ok()?,
        entries,
    })
}
