//! What became of a portfolio, for a person and for a program.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use boarding::{Fault, Judged, Totals};
use chrono::NaiveDate;
use serde::Serialize;

/// Faults that a person is shown at most.
const SHOWN_MAX: usize = 50;

/// Faults of a report at most. All of them stand beside their rows in the file of refused rows, and in the one that --faults names.
const FAULTS_MAX: usize = 1_000;

#[derive(Debug, Default, Serialize)]
pub(super) struct Header {
    pub(super) file: PathBuf,
    pub(super) portfolio: String,
    pub(super) today: NaiveDate,
    /// Nothing was to be boarded.
    pub(super) checked_only: bool,
    /// Nothing was boarded, because of what was found.
    pub(super) stopped: bool,
    pub(super) refused_file: Option<PathBuf>,
    /// Where the file does not come to what was announced.
    pub(super) control: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    header: Header,
    /// All rows of the file.
    read: Totals,
    /// Rows without a fault.
    good: Totals,
    boarded: Totals,
    /// Good, and there from an earlier run.
    boarded_before: Totals,
    refused: Totals,
    /// The days of the good rows' figures, the first and the last.
    as_of: Option<(NaiveDate, NaiveDate)>,
    /// All of them, those that are left out below too.
    faults_found: usize,
    /// The first of them.
    faults: Vec<Fault>,
}

/// What became of a good row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    Boarded,
    BoardedBefore,
    Nothing,
}

impl Report {
    pub(super) fn under(header: Header, read: Totals) -> Self {
        Self { header, read, ..Self::default() }
    }

    pub(super) fn add(&mut self, row: &Judged, became: Became) {
        match &row.verdict {
            Ok(good) => {
                self.good = self.good.and(row.totals);
                let (first, last) = self.as_of.unwrap_or((good.as_of, good.as_of));
                self.as_of = Some((first.min(good.as_of), last.max(good.as_of)));
            }
            Err(refused) => {
                self.refused = self.refused.and(row.totals);
                self.fault(&refused.faults);
            }
        }
        match became {
            Became::Boarded => self.boarded = self.boarded.and(row.totals),
            Became::BoardedBefore => self.boarded_before = self.boarded_before.and(row.totals),
            Became::Nothing => {}
        }
    }

    fn fault(&mut self, faults: &[Fault]) {
        self.faults_found += faults.len();
        let room = FAULTS_MAX.saturating_sub(self.faults.len());
        self.faults.extend(faults.iter().take(room).cloned());
    }

    /// All or nothing came to nothing.
    pub(super) fn rolled_back(&mut self) {
        self.boarded = Totals::default();
        self.header.stopped = true;
    }

    pub(super) fn refused_into(&mut self, file: Option<PathBuf>) {
        self.header.refused_file = file;
    }

    /// A file of which no row was looked at.
    pub(super) fn of_unreadable(file: &Path, faults: &[Fault]) -> Self {
        let header = Header { file: file.to_owned(), stopped: true, ..Header::default() };
        let mut report = Self::under(header, Totals::default());
        report.fault(faults);
        report
    }

    /// Nothing was refused, and the sums are those that were announced.
    pub(super) fn clean(&self) -> bool {
        self.faults.is_empty() && self.header.control.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in self.faults.iter().take(SHOWN_MAX) {
            writeln!(f, "{fault}")?;
        }
        if self.faults_found > SHOWN_MAX {
            writeln!(f, "... and {} more faults", self.faults_found - SHOWN_MAX)?;
        }
        if self.read.rows == 0 && !self.faults.is_empty() {
            return write!(f, "{}: no row was looked at", self.header.file.display());
        }
        writeln!(
            f,
            "{:<16} {:>10} {:>18} {:>16} {:>16}",
            "", "rows", "principal", "interest", "fees"
        )?;
        let rows = [
            ("read", &self.read),
            ("good", &self.good),
            ("boarded", &self.boarded),
            ("boarded before", &self.boarded_before),
            ("refused", &self.refused),
        ];
        for (name, totals) in rows {
            let (principal, interest, fees) = (
                totals.principal.to_string(),
                totals.interest.to_string(),
                totals.fees.to_string(),
            );
            writeln!(
                f,
                "{name:<16} {:>10} {principal:>18} {interest:>16} {fees:>16}",
                totals.rows
            )?;
        }
        if let Some((first, last)) = self.as_of {
            writeln!(f, "figures of {first} to {last}, today is {}", self.header.today)?;
        }
        for difference in &self.header.control {
            writeln!(f, "control total: {difference}")?;
        }
        if let Some(path) = &self.header.refused_file {
            writeln!(
                f,
                "refused rows are in {}: mend them there and board that file",
                path.display()
            )?;
        }
        f.write_str(self.verdict())
    }
}

impl Report {
    const fn verdict(&self) -> &'static str {
        if self.header.checked_only {
            "judged only: nothing was boarded"
        } else if self.header.stopped {
            "nothing was boarded"
        } else if self.boarded.rows == 0 && self.boarded_before.rows > 0 {
            "all of the good rows were boarded before: nothing was done"
        } else if self.refused.rows > 0 {
            "the good rows are boarded"
        } else {
            "all rows are boarded"
        }
    }
}
