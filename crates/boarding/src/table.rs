//! A file as names and rows of text, whatever its format; CSV here, Parquet beside it. A row is read when it is asked for.

use std::{
    borrow::Cow,
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use csv::ByteRecord;

use crate::{
    limits::ROW_MAX,
    parquet::{MAGIC, ParquetFile, ParquetRows},
    row::{Fault, said},
    source::{At, Source},
};

/// The first cell of a last row that says what the others come to.
const TRAILER: &str = "TOTAL";

/// The mark that some programs put before text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a column's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellKind {
    Text,
    Decimal,
    Whole,
    Floating,
}

/// The names of the columns, and how each is stored.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) names: Vec<String>,
    pub(crate) kinds: Vec<CellKind>,
}

/// A row as it was read.
pub(crate) struct Record {
    /// 1 for the first row after the names.
    pub(crate) number: u64,
    pub(crate) line: Option<u64>,
    pub(crate) cells: Vec<String>,
    /// Not every byte of it is text.
    pub(crate) garbled: bool,
}

/// What follows in a file.
pub(crate) enum Entry {
    Row(Record),
    /// The cells of a last row that sums up, without the first.
    Trailer(Vec<String>),
}

/// A file whose names were read.
pub(crate) enum Table {
    Csv { source: Source, names: Names },
    Parquet(ParquetFile),
}

/// Its rows, from the first on.
pub(crate) enum Rows {
    Csv(Box<CsvRows>),
    Parquet(Box<ParquetRows>),
}

impl Table {
    /// Parquet where the file begins as one, else CSV.
    pub(crate) fn open(source: Source) -> Result<Self, Vec<Fault>> {
        let begins = source.piece(0, MAGIC.len()).map_err(|error| vec![unread(&error)])?;
        if begins == MAGIC {
            return ParquetFile::open(source).map(Self::Parquet);
        }
        let (_, names) = CsvRows::open(&source)?;
        Ok(Self::Csv { source, names })
    }

    pub(crate) const fn names(&self) -> &Names {
        match self {
            Self::Csv { names, .. } => names,
            Self::Parquet(file) => &file.names,
        }
    }

    pub(crate) fn rows(&self) -> Result<Rows, Vec<Fault>> {
        match self {
            Self::Csv { source, .. } => {
                CsvRows::open(source).map(|(rows, _)| Rows::Csv(Box::new(rows)))
            }
            Self::Parquet(file) => file.rows().map(|rows| Rows::Parquet(Box::new(rows))),
        }
    }
}

impl Rows {
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, Vec<Fault>> {
        match self {
            Self::Csv(rows) => rows.next().map_err(|fault| vec![*fault]),
            Self::Parquet(rows) => rows.next(),
        }
    }
}

/// A row that no lender writes.
pub(crate) fn too_long(number: u64, line: Option<u64>) -> Fault {
    let wrong = format!("the row is longer than {} KiB", ROW_MAX / 1024);
    let to_do =
        "look for a quotation mark that is not closed; the rows behind it cannot be told apart";
    Fault { row: Some(number), line, ..Fault::of_file(&wrong, to_do) }
}

fn unread(error: &io::Error) -> Fault {
    let wrong = format!("the file cannot be read: {}", said(&error.to_string()));
    Fault::of_file(&wrong, "export it again")
}

/// Hands on so many bytes and then no more, until it is told to go on.
struct Metered {
    from: At,
    left: Arc<AtomicUsize>,
}

impl Read for Metered {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(io::Error::other("the row is too long"));
        }
        let read = self.from.read(into)?;
        self.left.store(left.saturating_sub(read), Ordering::Relaxed);
        Ok(read)
    }
}

/// The rows of a CSV file. At no time more of it is held than a row may be long.
pub(crate) struct CsvRows {
    reader: csv::Reader<Metered>,
    left: Arc<AtomicUsize>,
    record: ByteRecord,
    number: u64,
}

impl CsvRows {
    fn open(source: &Source) -> Result<(Self, Names), Vec<Fault>> {
        let refuse = |wrong: &str, to_do: &str| vec![Fault::of_file(wrong, to_do)];
        let begins =
            source.piece(0, BYTE_ORDER_MARK.len()).map_err(|error| vec![unread(&error)])?;
        if begins.starts_with(&[0xff, 0xfe]) || begins.starts_with(&[0xfe, 0xff]) {
            return Err(refuse("the file is UTF-16", "save it as UTF-8"));
        }
        let from = if begins == BYTE_ORDER_MARK { BYTE_ORDER_MARK.len() as u64 } else { 0 };
        let left = Arc::new(AtomicUsize::new(ROW_MAX));
        let metered = Metered { from: source.from(from), left: Arc::clone(&left) };
        let mut builder = csv::ReaderBuilder::new();
        let reader = builder.flexible(true).has_headers(false).from_reader(metered);
        let mut rows = Self { reader, left, record: ByteRecord::new(), number: 0 };
        if !rows.advance().map_err(|fault| vec![Fault { row: None, ..*fault }])? {
            return Err(refuse(
                "the file is empty",
                "put the names of the columns into its first line",
            ));
        }
        let names: Result<Vec<String>, _> =
            rows.record.iter().map(|name| std::str::from_utf8(name).map(str::to_owned)).collect();
        let names = names.map_err(|_| {
            refuse("the names of the columns are not UTF-8", "save the file as UTF-8")
        })?;
        let kinds = vec![CellKind::Text; names.len()];
        Ok((rows, Names { names, kinds }))
    }

    /// Reads one; whether there is one.
    fn advance(&mut self) -> Result<bool, Box<Fault>> {
        self.left.store(ROW_MAX, Ordering::Relaxed);
        let line = self.reader.position().line();
        match self.reader.read_byte_record(&mut self.record) {
            Ok(there) if self.record.as_slice().len() <= ROW_MAX => Ok(there),
            Ok(_) => Err(Box::new(too_long(self.number + 1, Some(line)))),
            Err(_) if self.left.load(Ordering::Relaxed) == 0 => {
                Err(Box::new(too_long(self.number + 1, Some(line))))
            }
            Err(error) => Err(Box::new(unread(&io::Error::other(error)))),
        }
    }

    fn next(&mut self) -> Result<Option<Entry>, Box<Fault>> {
        if !self.advance()? {
            return Ok(None);
        }
        self.number += 1;
        let mut garbled = false;
        let cells: Vec<String> = self
            .record
            .iter()
            .map(|cell| {
                let text = String::from_utf8_lossy(cell);
                // Borrowed: nothing had to be put in another's place.
                garbled |= matches!(text, Cow::Owned(_));
                text.into_owned()
            })
            .collect();
        if cells.first().is_some_and(|cell| cell == TRAILER) {
            return Ok(Some(Entry::Trailer(cells.into_iter().skip(1).collect())));
        }
        let line = self.record.position().map(csv::Position::line);
        Ok(Some(Entry::Row(Record { number: self.number, line, cells, garbled })))
    }
}
