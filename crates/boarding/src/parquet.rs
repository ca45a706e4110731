//! Parquet: plain columns of text, decimals, dates and whole numbers, uncompressed or with Snappy.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ::parquet::{
    basic::{ConvertedType, Type as Physical},
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
    schema::types::ColumnDescriptor,
};

use crate::{
    row::{Fault, shown},
    table::{CellKind, Record, Table},
};

/// The first bytes of such a file.
pub(crate) const MAGIC: &[u8] = b"PAR1";

/// Rows of one file at most: a few bytes can announce more than any memory holds.
const ROWS_MAX: i64 = 5_000_000;

pub(crate) fn read(bytes: &[u8]) -> Result<Table, Vec<Fault>> {
    let refuse = |why: &str| {
        vec![Fault::of_file(
            &format!("the Parquet file cannot be read: {}", shown(why)),
            "write it anew, uncompressed or with Snappy, or send CSV",
        )]
    };
    // The library panics on some files that are none.
    let read = catch_unwind(AssertUnwindSafe(|| table(bytes)));
    match read {
        Ok(Ok(table)) => table,
        Ok(Err(error)) => Err(refuse(&error.to_string())),
        Err(_) => Err(refuse("it contradicts itself")),
    }
}

fn table(bytes: &[u8]) -> Result<Result<Table, Vec<Fault>>, ParquetError> {
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes))?;
    let metadata = reader.metadata().file_metadata();
    if metadata.num_rows() > ROWS_MAX {
        return Ok(Err(vec![Fault::of_file("the file has more than 5,000,000 rows", "part it")]));
    }
    let columns = metadata.schema_descr().columns();
    let nested: Vec<&str> = columns
        .iter()
        .filter(|column| column.path().parts().len() > 1 || column.max_rep_level() > 0)
        .map(|column| column.name())
        .collect();
    if !nested.is_empty() {
        let wrong = format!("these columns are nested: {}", shown(&nested.join(", ")));
        return Ok(Err(vec![Fault::of_file(&wrong, "make a plain column of each")]));
    }
    let names: Vec<String> = columns.iter().map(|column| column.name().to_owned()).collect();
    let kinds = columns.iter().map(|column| kind_of(column)).collect();
    let mut records = Vec::new();
    for (number, row) in (1..).zip(reader.get_row_iter(None)?) {
        let mut garbled = false;
        let cells = row?
            .into_columns()
            .into_iter()
            .map(|(_, field)| text_of(field, &mut garbled))
            .collect();
        records.push(Record { number, line: None, cells, garbled });
    }
    Ok(Ok(Table { names, kinds, records, trailer: None }))
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
        Field::Decimal(_) => field.to_string().trim_end_matches('.').to_owned(),
        other => other.to_string(),
    }
}
