//! The rows that were refused, written beside the file so that they can be mended and boarded again.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, ErrorKind, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use boarding::{Fault, REFUSED_BECAUSE, Refused};

use crate::exit::UsageError;

/// `FILE.refused.csv`, for its owner only: account numbers are in it. It is written as `FILE.refused.csv.part` and gets its name when it
/// is whole. Where nothing was refused, there is none. One of before becomes `FILE.refused.csv.bak`: somebody may be mending it. A
/// check touches none and writes only where there is none.
pub(super) struct RefusedFile {
    path: PathBuf,
    columns: Vec<String>,
    /// Where the reasons of an earlier run stand.
    old: Option<usize>,
    untouched: bool,
    open: Option<csv::Writer<File>>,
}

/// Every fault as a line of JSON, whatever their number.
pub(super) struct FaultLines(Option<BufWriter<File>>);

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

impl RefusedFile {
    pub(super) fn beside(file: &Path, columns: &[String], check: bool) -> Self {
        let path = with(file, ".refused.csv");
        let untouched = check && fs::symlink_metadata(&path).is_ok();
        let old = columns.iter().position(|name| name.trim() == REFUSED_BECAUSE);
        Self { path, columns: columns.to_vec(), old, untouched, open: None }
    }

    pub(super) fn add(&mut self, row: &Refused) -> io::Result<()> {
        if self.untouched {
            return Ok(());
        }
        let mut cells = self.kept(row.cells.as_slice());
        // The reason stands in its own column, even where the row is too short; one that is too long shows itself.
        let width = self.columns.len() - usize::from(self.old.is_some());
        cells.resize(cells.len().max(width), String::new());
        let reasons: Vec<String> = row.faults.iter().map(Fault::reason).collect();
        cells.push(reasons.join(" | "));
        self.writer()?.write_record(&cells)?;
        Ok(())
    }

    fn kept(&self, cells: &[String]) -> Vec<String> {
        let cells = cells.iter().enumerate().filter(|(at, _)| Some(*at) != self.old);
        cells.map(|(_, cell)| harmless(cell)).collect()
    }

    fn writer(&mut self) -> io::Result<&mut csv::Writer<File>> {
        if self.open.is_none() {
            let out = exclusive(&with(&self.path, ".part"))?;
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(out);
            let mut names = self.kept(&self.columns);
            names.push(REFUSED_BECAUSE.to_owned());
            writer.write_record(&names)?;
            self.open = Some(writer);
        }
        self.open.as_mut().ok_or_else(|| io::Error::other("it was closed"))
    }

    /// Gives it its name; answers that, where there is one.
    pub(super) fn end(mut self) -> io::Result<Option<PathBuf>> {
        if self.untouched {
            return Ok(None);
        }
        match fs::rename(&self.path, with(&self.path, ".bak")) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let Some(mut writer) = self.open.take() else { return Ok(None) };
        writer.flush()?;
        fs::rename(with(&self.path, ".part"), &self.path)?;
        Ok(Some(self.path.clone()))
    }
}

/// A run that failed leaves no half of it.
impl Drop for RefusedFile {
    fn drop(&mut self) {
        if self.open.take().is_some() {
            // What is still there is written anew by the next run.
            drop(fs::remove_file(with(&self.path, ".part")));
        }
    }
}

/// A file that nobody else writes meanwhile, empty, for its owner only. One that a killed run left is written anew.
fn exclusive(path: &Path) -> io::Result<File> {
    let busy = || {
        let sentence = "another run is boarding the same file: wait for its end, it boards what this one would";
        io::Error::new(ErrorKind::ResourceBusy, sentence)
    };
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.try_lock().map_err(|_| busy())?;
    // Whoever held it before may have given it its name since.
    if fs::symlink_metadata(path).ok().map(|there| there.ino()) != Some(file.metadata()?.ino()) {
        return Err(busy());
    }
    file.set_len(0)?;
    Ok(file)
}

impl FaultLines {
    /// A file that is there already is left as it is: it might be the portfolio.
    pub(super) fn of(path: Option<&Path>) -> Result<Self, UsageError> {
        let open = |path: &Path| {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            file.map_err(|error| {
                let path = path.display();
                UsageError(format!("could not write the faults into a new file {path}: {error}"))
            })
        };
        Ok(Self(path.map(open).transpose()?.map(BufWriter::new)))
    }

    pub(super) fn add(&mut self, fault: &Fault) -> io::Result<()> {
        let Some(out) = &mut self.0 else { return Ok(()) };
        serde_json::to_writer(&mut *out, fault)?;
        out.write_all(b"\n")
    }

    pub(super) fn end(self) -> io::Result<()> {
        self.0.map_or(Ok(()), |mut out| out.flush())
    }
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

    #[test]
    fn two_runs_over_one_file_do_not_write_into_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("harbor.csv.refused.csv.part");
        let one = exclusive(&path).unwrap();
        let refused = exclusive(&path).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ResourceBusy);
        drop(one);
        exclusive(&path).unwrap();
    }
}
