//! Parquet: plain columns of text, decimals, dates and whole numbers, uncompressed or with Snappy; read row by row.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ::parquet::{
    basic::{ConvertedType, Type as Physical},
    errors::ParquetError,
    file::{
        metadata::ParquetMetaData,
        reader::{FileReader as _, SerializedFileReader},
    },
    record::{Field, reader::RowIter},
    schema::types::ColumnDescriptor,
};

use crate::{
    limits::ROW_MAX,
    pages::{VALUES_AT_ONCE, damaged, look_at_footer, look_at_pages, too_many_rows},
    row::{Fault, shown},
    source::Source,
    table::{CellKind, Entry, Names, Record, too_long},
};

/// The first bytes of such a file.
pub(crate) const MAGIC: &[u8] = b"PAR1";

/// Digits of a decimal at most, and bytes: what is longer is no amount.
const DIGITS_MAX: i32 = 38;
const DECIMAL_MAX: usize = 16;

/// A file whose announcements were looked at.
pub(crate) struct ParquetFile {
    source: Source,
    pub(crate) names: Names,
}

/// Its rows, from the first on.
pub(crate) struct ParquetRows {
    rows: RowIter<'static>,
    number: u64,
}

/// The library panics on some files that are none.
fn guarded<T>(read: impl FnOnce() -> Result<T, Vec<Fault>>) -> Result<T, Vec<Fault>> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(vec![damaged("it contradicts itself")]))
}

fn refuse(error: &ParquetError) -> Vec<Fault> {
    vec![damaged(&error.to_string())]
}

impl ParquetFile {
    pub(crate) fn open(source: Source) -> Result<Self, Vec<Fault>> {
        let (_, names) = looked_at(&source)?;
        Ok(Self { source, names })
    }

    pub(crate) fn rows(&self) -> Result<ParquetRows, Vec<Fault>> {
        let (reader, _) = looked_at(&self.source)?;
        let rows = RowIter::from_file_into(Box::new(reader)).with_batch_size(VALUES_AT_ONCE);
        Ok(ParquetRows { rows, number: 0 })
    }
}

/// Whenever a file is opened, it is looked at before the library acts on it.
fn looked_at(source: &Source) -> Result<(SerializedFileReader<Source>, Names), Vec<Fault>> {
    look_at_footer(source)?;
    guarded(|| {
        let reader = SerializedFileReader::new(source.clone()).map_err(|e| refuse(&e))?;
        let names = names_of(reader.metadata())?;
        look_at_pages(source, reader.metadata())?;
        Ok((reader, names))
    })
}

impl ParquetRows {
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, Vec<Fault>> {
        let Self { rows, number } = self;
        let mut garbled = false;
        let cells: Option<Vec<String>> = guarded(|| {
            let row = rows.next().transpose().map_err(|error| refuse(&error))?;
            let texts = |(_, field)| text_of(field, &mut garbled);
            Ok(row.map(|row| row.into_columns().into_iter().map(texts).collect()))
        })?;
        let Some(cells) = cells else { return Ok(None) };
        *number += 1;
        if cells.iter().map(String::len).sum::<usize>() > ROW_MAX {
            return Err(vec![too_long(*number, None)]);
        }
        Ok(Some(Entry::Row(Record { number: *number, line: None, cells, garbled })))
    }
}

fn names_of(metadata: &ParquetMetaData) -> Result<Names, Vec<Fault>> {
    let metadata = metadata.file_metadata();
    if u64::try_from(metadata.num_rows()).map_or(true, |rows| rows > crate::limits::ROWS_MAX) {
        return Err(vec![too_many_rows()]);
    }
    let columns = metadata.schema_descr().columns();
    let nested: Vec<&str> = columns
        .iter()
        .filter(|column| column.path().parts().len() > 1 || column.max_rep_level() > 0)
        .map(|column| column.name())
        .collect();
    if !nested.is_empty() {
        let wrong = format!("these columns are nested: {}", shown(&nested.join(", ")));
        return Err(vec![Fault::of_file(&wrong, "make a plain column of each")]);
    }
    let mut decimals =
        columns.iter().filter(|column| column.converted_type() == ConvertedType::DECIMAL);
    let endless =
        decimals.find(|column| column.type_precision().max(column.type_scale()) > DIGITS_MAX);
    if let Some(column) = endless {
        let wrong = format!("column `{}` has more than {DIGITS_MAX} digits", shown(column.name()));
        return Err(vec![Fault::of_file(
            &wrong,
            "store it as a decimal of 18 digits, 2 of them cents",
        )]);
    }
    Ok(Names {
        names: columns.iter().map(|column| column.name().to_owned()).collect(),
        kinds: columns.iter().map(|column| kind_of(column)).collect(),
    })
}

fn kind_of(column: &ColumnDescriptor) -> CellKind {
    match (column.physical_type(), column.converted_type()) {
        (_, ConvertedType::DECIMAL) => CellKind::Decimal,
        (Physical::FLOAT | Physical::DOUBLE, _) => CellKind::Floating,
        (_, ConvertedType::DATE) => CellKind::Text,
        (Physical::INT32 | Physical::INT64 | Physical::INT96, _) => CellKind::Whole,
        _ => CellKind::Text,
    }
}

fn text_of(field: Field, garbled: &mut bool) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text,
        Field::Bytes(bytes) => {
            let text = String::from_utf8_lossy(bytes.data());
            *garbled |= text.contains('\u{fffd}');
            text.into_owned()
        }
        Field::Bool(yes) => if yes { "yes" } else { "no" }.to_owned(),
        Field::Decimal(decimal) if decimal.data().len() > DECIMAL_MAX => {
            format!("a number of {} bytes", decimal.data().len())
        }
        Field::Decimal(_) => field.to_string().trim_end_matches('.').to_owned(),
        other => other.to_string(),
    }
}
