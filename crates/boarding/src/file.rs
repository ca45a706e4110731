//! A portfolio's file, read twice: once to see what it comes to and which references stand in it twice, and once more to judge its
//! rows a few hundred at a time. What is held meanwhile does not grow with it, but for sixteen bytes a row.

use std::{io, sync::Arc};

use sha2::{Digest as _, Sha256};

use crate::{
    ControlTotals, Judged, Refused, Rules, Totals,
    columns::Header,
    judge::{judge, weigh},
    limits::{BYTES_AT_ONCE, COLUMNS_MAX, ROWS_AT_ONCE, ROWS_MAX},
    pages::too_many_rows,
    row::{Fault, said, shown},
    source::{Pieces, Source},
    table::{Entry, Record, Rows, Table},
    twins::{References, Twins},
};

/// A file whose columns are those that are needed.
pub struct PortfolioFile<'a> {
    table: Table,
    header: Header,
    rules: Rules<'a>,
}

/// How closely the first reading looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What the rows come to.
    Sums,
    /// Whether each can be boarded as well.
    Verdicts,
}

/// What the first reading found.
pub struct Survey {
    /// What all rows come to, refused ones included.
    pub totals: Totals,
    /// What the last row says of the others.
    pub trailer: Option<ControlTotals>,
    /// No row is refused, as far as was looked.
    pub all_good: bool,
    twins: Twins,
    /// Of each batch of rows, by which it is known the second time.
    digests: Vec<[u8; 16]>,
}

/// Opens a file: Parquet where it begins as one, else CSV.
///
/// # Errors
/// What is wrong with the file as a whole, all of it: then no row was looked at.
pub fn open(pieces: Arc<dyn Pieces>, rules: Rules<'_>) -> Result<PortfolioFile<'_>, Vec<Fault>> {
    let unread = |error: io::Error| {
        let wrong = format!("the file cannot be read: {}", said(&error.to_string()));
        vec![Fault::of_file(&wrong, "look whether it is there")]
    };
    let table = Table::open(Source::of(pieces).map_err(unread)?)?;
    let names = table.names();
    if names.names.len() > COLUMNS_MAX {
        let wrong = format!("the file has more than {COLUMNS_MAX} columns");
        return Err(vec![Fault::of_file(&wrong, "leave those out that are none of ours")]);
    }
    let header = Header::read(&names.names, &names.kinds, rules.catalog)?;
    Ok(PortfolioFile { table, header, rules })
}

impl<'a> PortfolioFile<'a> {
    /// The names of its columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.table.names().names
    }

    /// Reads it for the first time; `progress` is told how many rows were read.
    ///
    /// # Errors
    /// What is wrong with the file as a whole.
    pub fn survey(
        &self,
        depth: Depth,
        mut progress: impl FnMut(u64),
    ) -> Result<Survey, Vec<Fault>> {
        let mut batches = Batches::of(&self.table)?;
        let mut totals = Totals::default();
        let (mut references, mut digests) = (References::default(), Vec::new());
        let mut all_good = true;
        while let Some(batch) = batches.next()? {
            for record in batch.records {
                references.note(self.header.reference(&record.cells), record.number);
                totals = totals.and(match depth {
                    Depth::Sums => weigh(&self.header, &record, self.rules),
                    Depth::Verdicts => {
                        let judged = judge(&self.header, record, self.rules);
                        all_good &= judged.verdict.is_ok();
                        judged.totals
                    }
                });
            }
            digests.push(batch.digest);
            progress(totals.rows);
        }
        let trailer = batches.trailer.as_deref().map(ControlTotals::read).transpose()?;
        let twins = references.twins();
        all_good &= twins.none();
        Ok(Survey { totals, trailer, all_good, twins, digests })
    }

    /// Reads it once more, and judges its rows a batch at a time.
    ///
    /// # Errors
    /// What is wrong with the file as a whole.
    pub fn judged<'s>(&'s self, survey: &'s Survey) -> Result<JudgedRows<'s, 'a>, Vec<Fault>> {
        let batches = Batches::of(&self.table)?;
        let digests = survey.digests.iter();
        Ok(JudgedRows { file: self, survey, batches, digests })
    }
}

/// The rows of a file, judged.
pub struct JudgedRows<'s, 'a> {
    file: &'s PortfolioFile<'a>,
    survey: &'s Survey,
    batches: Batches,
    digests: std::slice::Iter<'s, [u8; 16]>,
}

impl JudgedRows<'_, '_> {
    /// The next rows of the file, [`ROWS_AT_ONCE`] or fewer.
    ///
    /// # Errors
    /// Where they are not those that were read the first time: none of them may be boarded.
    pub fn next_batch(&mut self) -> Result<Option<Vec<Judged>>, Vec<Fault>> {
        let changed = || {
            let to_do = "run it again once nobody writes to the file: what was boarded stays, and is not boarded twice";
            vec![Fault::of_file("the file changed while it was being read", to_do)]
        };
        let batch = self.batches.next().map_err(|_| changed())?;
        let known = self.digests.next();
        let Some(batch) = batch else {
            return if known.is_none() { Ok(None) } else { Err(changed()) };
        };
        if known != Some(&batch.digest) {
            return Err(changed());
        }
        let PortfolioFile { header, rules, .. } = self.file;
        let judged = batch.records.into_iter().map(|record| {
            let twins = self.survey.twins.of(header.reference(&record.cells));
            let judged = judge(header, record, *rules);
            match twins {
                Some(rows) => refuse_twin(judged, header, &rows),
                None => judged,
            }
        });
        Ok(Some(judged.collect()))
    }
}

/// Which of two rows with one reference is right cannot be told from here: neither is boarded.
fn refuse_twin(judged: Judged, header: &Header, rows: &str) -> Judged {
    let (cells, line, mut faults) = match judged.verdict {
        Ok(good) => (good.cells, good.line, Vec::new()),
        Err(bad) => {
            let line = bad.faults.first().and_then(|fault| fault.line);
            (bad.cells, line, bad.faults)
        }
    };
    faults.push(Fault {
        row: Some(judged.number),
        line,
        column: Some("reference".to_owned()),
        value: Some(shown(header.reference(cells.as_slice()))),
        wrong: format!("rows {rows} have the same reference"),
        to_do: "keep the one that is right".to_owned(),
    });
    Judged { verdict: Err(Refused { cells, faults }), ..judged }
}

/// Rows that are held together.
struct Batch {
    records: Vec<Record>,
    digest: [u8; 16],
}

/// A file in batches: so many rows, or fewer where they are long.
struct Batches {
    rows: Rows,
    trailer: Option<Vec<String>>,
}

impl Batches {
    fn of(table: &Table) -> Result<Self, Vec<Fault>> {
        Ok(Self { rows: table.rows()?, trailer: None })
    }

    fn next(&mut self) -> Result<Option<Batch>, Vec<Fault>> {
        let (mut records, mut held, mut digest) = (Vec::new(), 0, Sha256::new());
        while records.len() < ROWS_AT_ONCE && held < BYTES_AT_ONCE {
            let Some(entry) = self.rows.next()? else { break };
            if self.trailer.is_some() {
                return Err(vec![Fault::of_file(
                    "rows stand below the row that begins with TOTAL",
                    "make it the last one",
                )]);
            }
            match entry {
                Entry::Row(record) if record.number > ROWS_MAX => {
                    return Err(vec![too_many_rows()]);
                }
                Entry::Row(record) => {
                    held += taken_in(&mut digest, &record.cells);
                    records.push(record);
                }
                Entry::Trailer(cells) => {
                    taken_in(&mut digest, &cells);
                    self.trailer = Some(cells);
                }
            }
        }
        let (mut half, whole) = ([0; 16], digest.finalize());
        half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
        Ok((!records.is_empty()).then_some(Batch { records, digest: half }))
    }
}

/// Adds cells to a digest; answers what memory they take.
fn taken_in(digest: &mut Sha256, cells: &[String]) -> usize {
    digest.update((cells.len() as u64).to_le_bytes());
    let mut held = size_of::<Record>();
    for cell in cells {
        digest.update((cell.len() as u64).to_le_bytes());
        digest.update(cell);
        held += size_of::<String>() + cell.len();
    }
    held
}
