//! A file as names and rows of text, whatever its format; CSV here, Parquet beside it.

use std::borrow::Cow;

use crate::row::{Fault, shown};

/// The first cell of a last row that says what the others come to.
const TRAILER: &str = "TOTAL";

/// How a column's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellKind {
    Text,
    Decimal,
    Whole,
    Floating,
}

pub(crate) struct Table {
    pub(crate) names: Vec<String>,
    pub(crate) kinds: Vec<CellKind>,
    pub(crate) records: Vec<Record>,
    /// The cells of the last row, where it is a trailer, without the first.
    pub(crate) trailer: Option<Vec<String>>,
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

pub(crate) fn read_csv(bytes: &[u8]) -> Result<Table, Vec<Fault>> {
    let refuse = |wrong: &str, to_do: &str| vec![Fault::of_file(wrong, to_do)];
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(refuse("the file is UTF-16", "save it as UTF-8"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let names = reader
        .headers()
        .map_err(|_| refuse("the names of the columns are not UTF-8", "save the file as UTF-8"))?;
    let names: Vec<String> = names.iter().map(str::to_owned).collect();
    if names.is_empty() {
        return Err(refuse(
            "the file is empty",
            "put the names of the columns into its first line",
        ));
    }
    let mut table = Table {
        kinds: vec![CellKind::Text; names.len()],
        names,
        records: Vec::new(),
        trailer: None,
    };
    for (number, record) in (1..).zip(reader.byte_records()) {
        let record = record.map_err(|error| {
            refuse(
                &format!("the file cannot be read: {}", shown(&error.to_string())),
                "export it again",
            )
        })?;
        if table.trailer.is_some() {
            return Err(refuse(
                "rows stand below the row that begins with TOTAL",
                "make it the last one",
            ));
        }
        let mut garbled = false;
        let cells: Vec<String> = record
            .iter()
            .map(|cell| {
                let text = String::from_utf8_lossy(cell);
                // Borrowed: nothing had to be put in another's place.
                garbled |= matches!(text, Cow::Owned(_));
                text.into_owned()
            })
            .collect();
        if cells.first().is_some_and(|cell| cell == TRAILER) {
            table.trailer = Some(cells.into_iter().skip(1).collect());
            continue;
        }
        let line = record.position().map(csv::Position::line);
        table.records.push(Record { number, line, cells, garbled });
    }
    Ok(table)
}
