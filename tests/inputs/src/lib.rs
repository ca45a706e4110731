//! What is done with a file that comes from outside, as one function per kind of file: the body of each `cargo fuzz` target, and
//! of the tests that run it over seeds and mutations of them.
//!
//! Each takes any bytes. It panics where a promise of the parser is broken; a refusal is no fault.

pub mod mutate;
mod seeds;

use credit::{ProductCatalog, scenario};
use nacha::File;

pub use seeds::{nacha_seeds, scenario_seeds};

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

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes.get(..bytes.len().min(LONGEST))?).ok()
}
