//! The rows that were refused, written beside the file so that they can be mended and boarded again.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use boarding::{Portfolio, REFUSED_BECAUSE};

/// Writes `FILE.refused.csv`, for its owner only: account numbers are in it. Where nothing was refused, none is written. One of
/// before becomes `FILE.refused.csv.bak`: somebody may be mending it. A check touches none and writes only where there is none.
pub(super) fn write(
    file: &Path,
    portfolio: &Portfolio,
    check: bool,
) -> io::Result<Option<PathBuf>> {
    let mut name = file.as_os_str().to_owned();
    name.push(".refused.csv");
    let mut aside = name.clone();
    aside.push(".bak");
    let path = PathBuf::from(name);
    let mut refused = portfolio.rows.iter().filter_map(|row| row.verdict.as_ref().err()).peekable();
    if check && fs::symlink_metadata(&path).is_ok() {
        return Ok(None);
    }
    match fs::rename(&path, aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if refused.peek().is_none() {
        return Ok(None);
    }
    let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(out);
    let old = portfolio.columns.iter().position(|name| name.trim() == REFUSED_BECAUSE);
    let kept = |cells: &[String]| -> Vec<String> {
        let cells = cells.iter().enumerate().filter(|(at, _)| Some(*at) != old);
        cells.map(|(_, cell)| harmless(cell)).collect()
    };
    let mut names = kept(&portfolio.columns);
    names.push(REFUSED_BECAUSE.to_owned());
    writer.write_record(&names)?;
    for row in refused {
        let mut cells = kept(row.cells.as_slice());
        // The reason stands in its own column, even where the row is too short; one that is too long shows itself.
        cells.resize(cells.len().max(names.len() - 1), String::new());
        let reasons: Vec<String> = row.faults.iter().map(boarding::Fault::reason).collect();
        cells.push(reasons.join(" | "));
        writer.write_record(&cells)?;
    }
    writer.flush()?;
    Ok(Some(path))
}

/// A cell that a spreadsheet would take for a formula is text to it.
fn harmless(cell: &str) -> String {
    let number = cell.bytes().all(|byte| byte.is_ascii_digit() || b"+-., ()".contains(&byte));
    if cell.starts_with(['=', '@', '+', '-', '\t', '\r']) && !number {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_text_and_a_telephone_number_stays() {
        assert_eq!(harmless("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(harmless("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(harmless("+1 415-555-0100"), "+1 415-555-0100");
        assert_eq!(harmless("-5.00"), "-5.00");
        assert_eq!(harmless("Ann"), "Ann");
    }
}
