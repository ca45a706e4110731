//! What is done with a file that comes from outside, as one function per kind of file: the body of each `cargo fuzz` target, and
//! of the tests that run it over seeds and mutations of them.
//!
//! Each takes any bytes. It panics where a promise of the parser is broken; a refusal is no fault.

pub mod mutate;
mod seeds;

use boarding::{Depth, Fault, Judged, Rules};
use chrono::{DateTime, NaiveDate};
use credit::{ProductCatalog, scenario};
use identity::CreditLineId;
use nacha::File;

pub use seeds::{
    ParquetText, boarding_seeds, cells, nacha_seeds, sample_names, sample_row, scenario_seeds,
};

/// Longer inputs find nothing that shorter ones do not.
const LONGEST: usize = 20_000;

/// What was read is written, and what was written reads back equal.
///
/// # Panics
/// Where that is not so.
pub fn nacha(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(file) = File::parse(text) else { return };
    let written = file.write();
    assert!(written.is_ok(), "what was read cannot be written: {written:?}");
    let Ok(written) = written else { return };
    assert_eq!(File::parse(&written).as_ref(), Ok(&file), "it reads back as another file");
    assert_eq!(file.write().as_ref(), Ok(&written), "it is written in two ways");
}

/// A scenario is refused with its place, or lived, and its books add up.
///
/// # Panics
/// Where the statement identity does not hold, or living it twice does not come to the same.
pub fn scenario(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let catalog = ProductCatalog::embedded();
    assert!(catalog.is_ok(), "the catalogue of the house cannot be read");
    let Ok(scenario) = catalog.map_err(drop).and_then(|catalog| {
        scenario::parse(text, &catalog).map_err(|error| {
            assert!(!error.to_string().is_empty(), "a refusal without a word");
        })
    }) else {
        return;
    };
    let Ok(report) = scenario::run(&scenario) else { return };
    for statement in report.lines.iter().flat_map(|line| &line.statements) {
        assert!(statement.off_by().is_zero(), "statement {} does not add up", statement.number);
    }
    assert!(!report.text().is_empty(), "a report without a word");
    let again = scenario::run(&scenario).map(|report| report.text());
    assert_eq!(again.ok(), Some(report.text()), "lived twice, it comes to something else");
}

/// The day on which boarded files are held to come.
const BOARDED_ON: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 11, 23);

/// A portfolio is refused as a whole, or each row of it with its faults; a good row is a line that owes what the row says, and as a
/// file of its own it is the same row again.
///
/// # Panics
/// Where that is not so, or a second reading finds something else.
pub fn boarding(bytes: &[u8]) {
    let bytes = bytes.get(..bytes.len().min(LONGEST)).unwrap_or_default();
    let (Ok(catalog), Some(today)) = (ProductCatalog::embedded(), BOARDED_ON) else { return };
    let rules = Rules { catalog: &catalog, today };
    let portfolio = match boarding::read(bytes, rules) {
        Ok(portfolio) => portfolio,
        Err(faults) => return told(&faults, None),
    };
    let mut totals = boarding::Totals::default();
    for judged in &portfolio.rows {
        totals = totals.and(judged.totals);
        match &judged.verdict {
            Ok(row) => {
                let at = DateTime::UNIX_EPOCH;
                let opened = row.open(&catalog, CreditLineId::mint(at), at);
                let owed = opened.and_then(|(line, _)| line.position(row.as_of));
                let owed = owed.map(|position| position.minimum_due);
                assert_eq!(owed.ok(), Some(row.balances.minimum_unpaid), "another line");
                assert_eq!(alone(&portfolio.columns, judged, rules), Some(row.reference.clone()));
            }
            Err(refused) => told(&refused.faults, Some(judged.number)),
        }
    }
    let survey = boarding::open(std::sync::Arc::new(bytes.to_vec()), rules)
        .and_then(|file| file.survey(Depth::Verdicts, |_| {}));
    let survey = survey.ok().map(|survey| (survey.totals, survey.all_good));
    let all_good = portfolio.rows.iter().all(|row| row.verdict.is_ok());
    assert_eq!(survey, Some((totals, all_good)), "read twice, it is two files");
}

/// A refusal says what is wrong and what to do, and of which row.
fn told(faults: &[Fault], row: Option<u64>) {
    assert!(!faults.is_empty(), "a refusal without a word");
    for fault in faults {
        assert!(!fault.wrong.is_empty() && !fault.to_do.is_empty(), "{fault:?}");
        assert!(row.is_none() || fault.row == row, "{fault:?} of row {row:?}");
        assert!(fault.to_string().len() < 2_000 && fault.reason().len() < 2_000, "it does not end");
    }
}

/// The reference of a row that stands alone in a CSV file.
fn alone(columns: &[String], judged: &Judged, rules: Rules<'_>) -> Option<String> {
    let cells = judged.verdict.as_ref().ok()?.cells.as_slice();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns).and_then(|()| writer.write_record(cells)).ok()?;
    let rows = boarding::read_rows(&writer.into_inner().ok()?, rules).ok()?;
    rows.into_iter().next()?.ok().map(|row| row.reference)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes.get(..bytes.len().min(LONGEST))?).ok()
}
