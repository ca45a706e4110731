//! Files that are large, or say that they are, or change while they are read: memory stays within its limits, and no row is judged
//! by what another reading found.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::{
    io::{self, Read as _},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use boarding::{Depth, Fault, Judged, Pieces, ROWS_AT_ONCE, Rules, open, read};
use credit::ProductCatalog;
use parquet::{
    basic::{Compression, Encoding},
    data_type::{ByteArray, ByteArrayType},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

mod common;

use common::SAMPLE;

/// The names of the sample, and its first row.
fn sample() -> (&'static str, &'static str) {
    let mut lines = SAMPLE.lines();
    (lines.next().unwrap(), lines.next().unwrap())
}

/// The first row of the sample under so many references.
fn many(count: usize) -> String {
    let (names, row) = sample();
    let rows: Vec<String> =
        (1..=count).map(|n| row.replacen("HL-10001", &format!("M-{n}"), 1)).collect();
    format!("{names}\n{}\n", rows.join("\n"))
}

fn catalog() -> ProductCatalog {
    ProductCatalog::embedded().unwrap()
}

fn rules(catalog: &ProductCatalog) -> Rules<'_> {
    Rules { catalog, today: "2026-11-23".parse().unwrap() }
}

/// A file that counts what is read of it, and can become another one.
#[derive(Default)]
struct Counted {
    bytes: Mutex<Vec<u8>>,
    read: AtomicU64,
    largest: AtomicUsize,
}

impl Counted {
    fn of(bytes: impl Into<Vec<u8>>) -> Arc<Self> {
        Arc::new(Self { bytes: Mutex::new(bytes.into()), ..Self::default() })
    }

    fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

impl Pieces for Counted {
    fn length(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.bytes.lock().unwrap();
        let from = usize::try_from(offset).unwrap().min(bytes.len());
        let read = (&bytes[from..]).read(into)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        self.largest.fetch_max(into.len(), Ordering::Relaxed);
        Ok(read)
    }
}

/// What is said of a file as a whole.
fn refusal(file: &Arc<Counted>) -> Fault {
    let catalog = catalog();
    let pieces: Arc<dyn Pieces> = Arc::<Counted>::clone(file);
    let said = open(pieces, rules(&catalog)).and_then(|file| file.survey(Depth::Sums, |_| {}));
    said.err().unwrap().remove(0)
}

#[test]
fn a_long_file_is_read_twice_in_small_pieces_and_handed_on_in_batches() {
    let text = many(3 * ROWS_AT_ONCE + 7);
    let (file, catalog) = (Counted::of(text.clone()), catalog());
    let pieces: Arc<dyn Pieces> = Arc::<Counted>::clone(&file);
    let portfolio = open(pieces, rules(&catalog)).unwrap();
    let survey = portfolio.survey(Depth::Sums, |_| {}).unwrap();
    let mut judged = portfolio.judged(&survey).unwrap();
    let mut sizes = Vec::new();
    while let Some(batch) = judged.next_batch().unwrap() {
        assert!(batch.iter().all(|row| row.verdict.is_ok()), "{:?}", batch[0].verdict);
        sizes.push(batch.len());
    }
    assert_eq!(sizes, [ROWS_AT_ONCE, ROWS_AT_ONCE, ROWS_AT_ONCE, 7]);
    assert_eq!(survey.totals.rows, 1_507);
    assert!(file.largest.load(Ordering::Relaxed) <= 64 * 1024);
    let twice = 2 * text.len() as u64;
    assert!(file.read() >= twice && file.read() < twice + 50_000, "{} of {twice}", file.read());
}

#[test]
fn long_rows_go_together_in_smaller_batches() {
    let (names, row) = sample();
    let said = "x".repeat(60_000);
    let rows: Vec<String> = (0..300)
        .map(|n| format!("{},{said}", row.replacen("HL-10001", &format!("M-{n}"), 1)))
        .collect();
    let text = format!("{names},refused_because\n{}\n", rows.join("\n"));
    let catalog = catalog();
    let portfolio = open(Arc::new(text.into_bytes()), rules(&catalog)).unwrap();
    let survey = portfolio.survey(Depth::Verdicts, |_| {}).unwrap();
    assert!(survey.all_good);
    let mut judged = portfolio.judged(&survey).unwrap();
    let first = judged.next_batch().unwrap().unwrap();
    assert!((60..80).contains(&first.len()), "{}", first.len());
}

#[test]
fn a_quotation_mark_that_is_never_closed_ends_the_reading_there() {
    let (names, row) = sample();
    let text = format!("{names}\n{row}\nA-2,\"Ann\n{}", "no end,\n".repeat(2_000_000));
    let file = Counted::of(text);
    let said = refusal(&file);
    assert_eq!((said.row, said.line), (Some(2), Some(3)), "{said}");
    assert!(said.wrong.contains("64 KiB") && said.to_do.contains("quotation mark"), "{said}");
    assert!(file.read() < 200_000, "{} bytes were read", file.read());
    let names = Counted::of(format!("\"{}", "reference,".repeat(1_000_000)));
    assert!(refusal(&names).wrong.contains("64 KiB"));
    assert!(refusal(&Counted::of("a,".repeat(300))).wrong.contains("256 columns"));
}

#[test]
fn a_file_that_changes_between_the_readings_boards_no_row_that_was_not_read_before() {
    type Change = fn(&str) -> String;
    let text = many(1_200);
    let catalog = catalog();
    let changes: [(&str, Change); 3] = [
        ("another figure", |text| text.replacen("M-700,", "M-7OO,", 1)),
        ("cut short", |text| text.split_inclusive('\n').take(701).collect()),
        ("gone on", |text| format!("{text}{}", many(1).lines().nth(1).unwrap())),
    ];
    for (what, change) in changes {
        let file = Counted::of(text.clone());
        let pieces: Arc<dyn Pieces> = Arc::<Counted>::clone(&file);
        let portfolio = open(pieces, rules(&catalog)).unwrap();
        let survey = portfolio.survey(Depth::Sums, |_| {}).unwrap();
        *file.bytes.lock().unwrap() = change(&text).into_bytes();
        let mut judged = portfolio.judged(&survey).unwrap();
        let first = judged.next_batch().unwrap().unwrap();
        assert!(first.len() == ROWS_AT_ONCE && first.iter().all(|row| row.verdict.is_ok()));
        let said = std::iter::repeat_with(|| judged.next_batch()).take(3).find_map(Result::err);
        assert!(said.unwrap()[0].wrong.contains("changed while it was being read"), "{what}");
    }
}

#[test]
fn references_that_stand_there_twice_are_found_across_batches() {
    let mut text = many(1_200).replacen("M-1100,", "M-3,", 1);
    text.push_str(&text.lines().nth(3).unwrap().replacen("M-3,", " M-3 ,", 1));
    let catalog = catalog();
    let portfolio = read(text.as_bytes(), rules(&catalog)).unwrap();
    let bad: Vec<&Judged> = portfolio.rows.iter().filter(|row| row.verdict.is_err()).collect();
    let numbers: Vec<u64> = bad.iter().map(|row| row.number).collect();
    assert_eq!(numbers, [3, 1_100, 1_201]);
    for row in bad {
        let said = &row.verdict.as_ref().unwrap_err().faults[0];
        assert_eq!(said.wrong, "rows 3, 1100, 1201 have the same reference");
        assert_eq!((said.row, said.line), (Some(row.number), Some(row.number + 1)));
    }
    let file = open(Arc::new(text.into_bytes()), rules(&catalog)).unwrap();
    assert!(!file.survey(Depth::Sums, |_| {}).unwrap().all_good);
}

#[test]
fn a_file_is_the_same_with_another_mark_and_other_line_ends_and_utf_16_is_none() {
    let catalog = catalog();
    let text = many(3);
    let plain = read(text.as_bytes(), rules(&catalog)).unwrap();
    for same in [
        format!("\u{feff}{text}"),
        text.replace('\n', "\r\n"),
        text.replace('\n', "\r"),
        format!("\u{feff}{}", text.replace('\n', "\r\n").trim_end()),
    ] {
        let other = read(same.as_bytes(), rules(&catalog)).unwrap();
        assert_eq!(other.columns, plain.columns);
        for (one, other) in plain.rows.iter().zip(&other.rows) {
            assert_eq!(one.verdict.as_ref().unwrap().cells, other.verdict.as_ref().unwrap().cells);
        }
    }
    let wide = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(bytes).collect()
    };
    for bytes in [wide(u16::to_le_bytes), wide(u16::to_be_bytes)] {
        assert!(refusal(&Counted::of(bytes.clone())).wrong.contains("UTF-16"));
        // Without the mark nothing says so, and no name is one.
        assert!(read(&bytes[2..], rules(&catalog)).is_err());
    }
}

/// A Parquet file of these values in the column `name`, with pages as large as they come.
fn parquet(values: &[ByteArray], dictionary: bool, encoding: Encoding) -> Vec<u8> {
    let [names, _] = common::sample("HL-10001");
    let columns: Vec<String> =
        names.iter().map(|name| format!("required binary {name} (UTF8);")).collect();
    let schema = parse_message_type(&format!("message rows {{ {} }}", columns.join(" "))).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(dictionary)
        .set_dictionary_page_size_limit(1 << 30)
        .set_data_page_size_limit(1 << 30)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None);
    let properties =
        if dictionary { properties } else { properties.set_encoding(encoding) }.build();
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let few = vec![ByteArray::from("x"); values.len()];
    for name in &names {
        let mut column = group.next_column().unwrap().unwrap();
        let values = if name == "name" { values } else { &few };
        column.typed::<ByteArrayType>().write_batch(values, None, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn a_parquet_page_that_would_not_fit_is_refused_by_its_size_before_it_is_read() {
    // Three times as many of one letter: a small file that unpacks to a large one.
    let values = ["a", "b", "c"].map(|one| ByteArray::from(one.repeat(5_700_000).as_str()));
    for (dictionary, kind) in [(true, "dictionary"), (false, "page")] {
        let file = Counted::of(parquet(&values, dictionary, Encoding::PLAIN));
        let said = refusal(&file);
        assert!(said.wrong.contains(&format!("a {kind} of column `name`")), "{said}");
        assert!(said.wrong.contains("16 MiB") && said.to_do.contains("smaller pages"), "{said}");
        assert!(file.read() < 400_000, "{} bytes were read", file.read());
    }
    // Within the limit of a page, and a row that no lender writes.
    let one = [ByteArray::from("a".repeat(1_000_000).as_str())];
    assert!(refusal(&Counted::of(parquet(&one, true, Encoding::PLAIN))).wrong.contains("64 KiB"));
    let delta = Counted::of(parquet(&one, false, Encoding::DELTA_LENGTH_BYTE_ARRAY));
    assert!(refusal(&delta).wrong.contains("neither plainly nor by dictionary"));
}

#[test]
fn a_parquet_file_that_announces_more_than_it_has_is_refused() {
    let good = parquet(&[ByteArray::from("Ann"), ByteArray::from("Bo")], true, Encoding::PLAIN);
    let catalog = catalog();
    assert_eq!(read(&good, rules(&catalog)).unwrap().rows.len(), 2);
    let mut long = good.clone();
    let at = good.len() - 8;
    long[at..at + 4].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    assert!(refusal(&Counted::of(long)).wrong.contains("the limit is 8 MiB"));
    assert!(refusal(&Counted::of(&good[..good.len() - 1])).wrong.contains("cut short"));
    // One byte of it otherwise, here and there: refused, or read as something, and never more than there is.
    for at in (4..good.len()).step_by(4) {
        let mut spoilt = good.clone();
        spoilt[at] = [0x00, 0x7f, 0xff][at / 4 % 3];
        if let Ok(read) = read(&spoilt, rules(&catalog)) {
            assert!(read.rows.len() <= 2);
        }
    }
}

#[test]
fn cents_and_days_at_the_edge_of_what_can_be_are_read_or_refused() {
    let catalog = catalog();
    let says = |column: &str, value: &str| -> Vec<Fault> {
        let [mut names, mut cells] = common::sample("HL-10001");
        let plain = column.strip_suffix("_cents").unwrap_or(column);
        let at = names.iter().position(|name| name == plain).unwrap();
        value.clone_into(&mut cells[at]);
        column.clone_into(&mut names[at]);
        let text = common::file(&[names, cells]);
        let rows = read(text.as_bytes(), rules(&catalog)).unwrap().rows;
        rows[0].verdict.as_ref().err().map(|bad| bad.faults.clone()).unwrap_or_default()
    };
    assert_eq!(says("credit_limit_cents", "200000"), []);
    let cents = [
        "-1",
        "-9223372036854775808",
        "9223372036854775807",
        "9223372036854775808",
        "1e3",
        "12.5",
        "0x10",
        "1,000",
    ];
    let dollars = [
        "-0.01",
        "92233720368547758.07",
        "92233720368547758.08",
        "1e3",
        "0.001",
        "NaN",
        "--5",
        "1 000",
    ];
    let days = [
        "0001-01-01",
        "1969-12-31",
        "2200-01-01",
        "9999-12-31",
        "2026-02-30",
        "2025-02-29",
        "+12026-01-01",
        "2026-1-2",
        "20260102",
    ];
    let cases =
        [("credit_limit_cents", &cents[..]), ("credit_limit", &dollars), ("opened_on", &days)];
    for (column, values) in cases {
        for value in values {
            let said = says(column, value);
            let plain = column.strip_suffix("_cents").unwrap_or(column);
            assert!(
                said.iter().any(|one| one.column.as_deref() == Some(plain)),
                "{column} {value}: {said:?}"
            );
        }
    }
}
