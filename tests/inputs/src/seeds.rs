//! The files from which mutation starts.

use std::{io::Write, sync::Arc};

use chrono::NaiveDate;
use money::Cents;
use nacha::{Addenda, Batch, Entry, File, Header, ReturnCode, Sec, TraceNumber, TransactionCode};
use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

/// Scenario files of the documentation.
#[must_use]
pub fn scenario_seeds() -> Vec<Vec<u8>> {
    let texts: [&str; 5] = [
        include_str!("../../../docs/scenarios/plain-line.toml"),
        include_str!("../../../docs/scenarios/card-grace.toml"),
        include_str!("../../../docs/scenarios/military-service.toml"),
        include_str!("../../../docs/scenarios/returned-payment.toml"),
        include_str!("../../../docs/scenarios/repayment-period.toml"),
    ];
    texts.into_iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// The sample of the documentation; its first row with a trailer; a row by feature; the same in whole cents, with another mark and other
/// line ends; and Parquet, uncompressed and with Snappy, by dictionary and without.
#[must_use]
pub fn boarding_seeds() -> Vec<Vec<u8>> {
    let lines: Vec<&str> = SAMPLE.lines().take(3).collect();
    let [names, first, second] = lines[..] else { return Vec::new() };
    let cents = names.replace(",principal,", ",principal_cents,");
    let in_cents = first.replacen(",800.00,", ",80000,", 1);
    let table = cells(&[names, first, second].join("\n"));
    let table: Vec<Vec<&str>> =
        table.iter().map(|line| line.iter().map(String::as_str).collect()).collect();
    let parquet = [(false, false), (true, false), (false, true), (true, true)]
        .into_iter()
        .filter_map(|(snappy, dictionary)| parquet(&table, snappy, dictionary));
    let texts = [
        SAMPLE.to_owned(),
        format!("{names}\n{first}\nTOTAL,rows=1,principal=800.00,interest=16.31,fees=0.00\n"),
        format!("\u{feff}{cents}\r\n{in_cents}\r\n"),
        format!("{names},refused_because\n{first},\"a reason, of old\"\n{second},\"\"\n"),
    ];
    texts.into_iter().map(String::into_bytes).chain(parquet).collect()
}

/// The cells of each line of a text.
#[must_use]
pub fn cells(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let lines = reader.records().flatten();
    lines.map(|line| line.iter().map(str::to_owned).collect()).collect()
}

/// Names and rows as a Parquet file of text.
fn parquet(table: &[Vec<&str>], snappy: bool, dictionary: bool) -> Option<Vec<u8>> {
    let (names, rows) = table.split_first()?;
    let compression = if snappy { Compression::SNAPPY } else { Compression::UNCOMPRESSED };
    let mut bytes = Vec::new();
    let mut writer =
        ParquetText::with(&mut bytes, &names.join(","), compression, dictionary).ok()?;
    writer.group(rows).ok()?;
    writer.close().ok()?;
    Some(bytes)
}

/// Writes Parquet files whose columns are text.
pub struct ParquetText<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: usize,
}

impl<W: Write + Send> ParquetText<W> {
    /// With Snappy; `names` are parted by commas.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create(out: W, names: &str, dictionary: bool) -> Result<Self, ParquetError> {
        Self::with(out, names, Compression::SNAPPY, dictionary)
    }

    fn with(
        out: W,
        names: &str,
        compression: Compression,
        dictionary: bool,
    ) -> Result<Self, ParquetError> {
        let columns: Vec<String> =
            names.split(',').map(|name| format!("optional binary {name} (UTF8);")).collect();
        let schema = parse_message_type(&format!("message rows {{ {} }}", columns.join(" ")))?;
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_dictionary_enabled(dictionary)
            .build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
        Ok(Self { writer, columns: columns.len() })
    }

    /// A row group of these rows; an empty cell is none.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn group(&mut self, rows: &[Vec<&str>]) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for at in 0..self.columns {
            let cells = || rows.iter().map(|row| row.get(at).copied().unwrap_or_default());
            let there: Vec<i16> = cells().map(|cell| i16::from(!cell.is_empty())).collect();
            let cells: Vec<ByteArray> =
                cells().filter(|cell| !cell.is_empty()).map(ByteArray::from).collect();
            let Some(mut column) = group.next_column()? else { break };
            column.typed::<ByteArrayType>().write_batch(&cells, Some(&there), None)?;
            column.close()?;
        }
        group.close().map(drop)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn close(self) -> Result<(), ParquetError> {
        self.writer.close().map(drop)
    }
}

const SAMPLE: &str = include_str!("../../../docs/boarding-sample.csv");

/// The names of the columns of the sample in the documentation, parted by commas.
pub fn sample_names() -> &'static str {
    SAMPLE.lines().next().unwrap_or_default()
}

/// Its first row.
pub fn sample_row() -> &'static str {
    SAMPLE.lines().nth(1).unwrap_or_default()
}

/// Files of payments, of draws, of returns, of changes, and one of many batches.
#[must_use]
pub fn nacha_seeds() -> Vec<Vec<u8>> {
    let payments = || batch(Sec::Web, TransactionCode::DebitChecking, 3, |_| None);
    let draws = || batch(Sec::Ppd, TransactionCode::CreditSavings, 2, |_| None);
    let returned = |entry: &Entry| {
        Some(Addenda::Return {
            code: ReturnCode::new(1)?,
            original_trace: entry.trace,
            original_prefix: entry.routing.prefix().to_owned(),
            information: String::new(),
        })
    };
    let changed = |entry: &Entry| {
        Some(Addenda::Change {
            code: "C01".to_owned(),
            original_trace: entry.trace,
            original_prefix: entry.routing.prefix().to_owned(),
            corrected: "000111224242".to_owned(),
        })
    };
    let returns = batch(Sec::Web, TransactionCode::ReturnedDebitChecking, 2, returned);
    let notices = batch(Sec::Cor, TransactionCode::ReturnedDebitChecking, 1, changed);
    let files = [
        vec![payments()],
        vec![draws()],
        vec![returns],
        vec![notices],
        vec![payments(), draws(), payments()],
        Vec::new(),
    ];
    files
        .into_iter()
        .filter_map(|batches| written(batches.into_iter().flatten().collect()))
        .collect()
}

fn written(batches: Vec<Batch>) -> Option<Vec<u8>> {
    let header = Header {
        destination: "021000021".parse().ok()?,
        destination_name: "SANDBOX BANK".to_owned(),
        origin: "011000015".parse().ok()?,
        origin_name: "PLUMBLINE".to_owned(),
        created_at: NaiveDate::from_ymd_opt(2026, 11, 20)?.and_hms_opt(9, 0, 0)?,
        modifier: 'A',
        reference: "1".to_owned(),
    };
    File { header, batches }.write().ok().map(String::into_bytes)
}

fn batch(
    sec: Sec,
    code: TransactionCode,
    entries: u32,
    addenda: impl Fn(&Entry) -> Option<Addenda>,
) -> Option<Batch> {
    let originator = "011000015".parse().ok()?;
    let entry = |sequence: u32| -> Option<Entry> {
        let plain = Entry {
            code,
            routing: "021000021".parse().ok()?,
            account_number: "000111224242".to_owned(),
            amount: if sec == Sec::Cor {
                Cents::ZERO
            } else {
                Cents::new(i64::from(sequence) * 2_500)
            },
            individual_id: format!("PAY-{sequence}"),
            name: "ANN EXAMPLE".to_owned(),
            trace: TraceNumber::of(&originator, sequence),
            addenda: None,
        };
        Some(Entry { addenda: addenda(&plain), ..plain })
    };
    let entries = (1..=entries).map(entry).collect::<Option<_>>()?;
    Some(Batch {
        company_name: "PLUMBLINE".to_owned(),
        company_id: "1234567890".to_owned(),
        sec,
        description: "PAYMENT".to_owned(),
        effective_on: NaiveDate::from_ymd_opt(2026, 11, 23)?,
        originator: "011000015".parse().ok()?,
        entries,
    })
}
