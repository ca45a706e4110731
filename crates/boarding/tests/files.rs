//! Files as lenders send them, and as nobody should: what is boarded of them, and what is said of the rest.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::sync::Arc;

use boarding::{Fault, Row, Rules, read, read_rows};
use chrono::{DateTime, NaiveDate, Utc};
use credit::{CreditLine, ProductCatalog};
use identity::CreditLineId;
use money::Cents;
use parquet::{
    data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use proptest::prelude::*;

mod common;

const NAMES: [&str; 23] = [
    "reference",
    "name",
    "email",
    "phone",
    "state",
    "product",
    "credit_limit",
    "apr",
    "opened_on",
    "close_day",
    "as_of",
    "principal",
    "billed_interest",
    "accrued_interest",
    "fees",
    "penalty_fees",
    "credit_balance",
    "minimum_due",
    "due_on",
    "past_due",
    "days_past_due",
    "bank_routing",
    "bank_account_number",
];
const GOOD: [&str; 23] = [
    "A-1",
    "Ann Lee",
    "ann@example.com",
    "415-555-0100",
    "CA",
    "CASHLINE-STD-1",
    "2000.00",
    "24%",
    "2025-01-02",
    "5",
    "2026-11-20",
    "800.00",
    "16.31",
    "7.36",
    "0.00",
    "0.00",
    "0.00",
    "35.00",
    "2026-11-30",
    "",
    "",
    "",
    "",
];

fn catalog() -> ProductCatalog {
    ProductCatalog::embedded().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn judge(bytes: &[u8]) -> Result<Vec<Result<Row, Vec<Fault>>>, Vec<Fault>> {
    read_rows(bytes, Rules { catalog: &catalog(), today: day("2026-11-23") })
}

/// The good row with some cells otherwise.
fn with(changes: &[(&str, &str)]) -> Vec<String> {
    let mut cells: Vec<String> = GOOD.iter().map(|cell| (*cell).to_owned()).collect();
    for (name, value) in changes {
        let at = NAMES.iter().position(|known| known == name).unwrap();
        (*value).clone_into(&mut cells[at]);
    }
    cells
}

fn file(rows: &[Vec<String>]) -> String {
    format!("{}\n{}", NAMES.join(","), common::file(rows))
}

/// What is said of one row.
fn faults(changes: &[(&str, &str)]) -> Vec<Fault> {
    let rows = judge(file(&[with(changes)]).as_bytes()).unwrap();
    rows.into_iter().next().unwrap().err().unwrap_or_default()
}

#[test]
fn a_good_row_is_boarded_with_its_own_figures() {
    let rows = judge(file(&[with(&[])]).as_bytes()).unwrap();
    let row = rows[0].as_ref().unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!((row.begins_on, row.as_of), (day("2026-11-06"), day("2026-11-20")));
    assert_eq!(row.accrued_interest, Cents::new(736));
    assert_eq!(row.apr.ppm(), 240_000);
}

#[test]
fn the_sample_in_the_documentation_is_boarded_whole() {
    let bytes = include_bytes!("../../../docs/boarding-sample.csv");
    let portfolio = read(bytes, Rules { catalog: &catalog(), today: day("2026-11-23") }).unwrap();
    for row in &portfolio.rows {
        assert!(row.verdict.is_ok(), "{:?}", row.verdict);
    }
    assert_eq!(portfolio.trailer.unwrap().differences(&portfolio.totals()), Vec::<String>::new());
}

/// The cells that are written, the column that is told of, and what is said of it.
type Case = (&'static [(&'static str, &'static str)], &'static str, &'static str);

#[test]
fn the_oldest_due_date_is_of_something_past_due_and_of_this_line() {
    let said = |oldest: &str| {
        let text = file(&[with(&[])]);
        let (names, row) = text.trim_end().split_once('\n').unwrap();
        let rows = judge(format!("{names},oldest_due_on\n{row},{oldest}\n").as_bytes()).unwrap();
        let faults = rows.into_iter().next().unwrap().err().unwrap_or_default();
        faults.into_iter().map(|fault| fault.wrong).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(said(""), "");
    assert!(said("2015-01-10").contains("before the line was opened"), "{}", said("2015-01-10"));
    assert!(said("2027-01-01").contains("nothing is past due"), "{}", said("2027-01-01"));
}

#[test]
fn each_fault_names_its_column_and_what_to_do() {
    let cases: [Case; 38] = [
        (&[("reference", "")], "reference", "it is empty"),
        (&[("name", "=HYPERLINK(1)")], "name", "formula"),
        (&[("name", "A\u{0}nn")], "name", "control character"),
        (&[("email", "ann.example.com")], "email", "no e-mail address"),
        (&[("phone", "555")], "phone", "no telephone number"),
        (&[("state", "XX")], "state", "no state"),
        (&[("product", "CASHLINE")], "product", "no such product"),
        (&[("credit_limit", "")], "credit_limit", "it is empty"),
        (&[("credit_limit", "0.00")], "credit_limit", "a line has a limit"),
        (&[("apr", "0.24")], "apr", "cannot be told"),
        (&[("apr", "abc")], "apr", "not a rate"),
        (&[("apr", "99%")], "apr", "above"),
        (&[("opened_on", "01/02/2025")], "opened_on", "not a day"),
        (&[("opened_on", "2026-12-24")], "opened_on", "after the day of the file"),
        (&[("close_day", "32")], "close_day", "up to 31"),
        (&[("close_day", "")], "close_day", "neither"),
        (&[("as_of", "2027-01-01")], "as_of", "after today"),
        (&[("principal", "800.001")], "principal", "fraction of a cent"),
        (&[("principal", "-800.00")], "principal", "below zero"),
        (&[("principal", "8e2")], "principal", "not an amount"),
        (&[("principal", "99999999999999999999")], "principal", "too large"),
        (&[("accrued_interest", "7.35")], "accrued_interest", "$7.36"),
        (&[("credit_balance", "5.00")], "credit_balance", "something is owed"),
        (&[("minimum_due", "2000.00")], "minimum_due", "more is due than is owed"),
        (&[("due_on", "")], "due_on", "no day on which it is"),
        (&[("past_due", "50.00")], "past_due", "a part of minimum_due"),
        (&[("past_due", "10.00")], "oldest_due_on", "since when"),
        (&[("days_past_due", "40")], "past_due", "how much"),
        (&[("due_on", "2026-11-10"), ("past_due", "5.00")], "past_due", "all of minimum_due"),
        (
            &[("minimum_due", "0.00"), ("due_on", ""), ("days_past_due", "40")],
            "days_past_due",
            "nothing is past due",
        ),
        (&[("due_on", "2015-01-10")], "due_on", "before the line was opened"),
        (&[("due_on", "2026-11-10"), ("days_past_due", "0")], "days_past_due", "on 2026-11-10"),
        (&[("due_on", "2026-11-10"), ("days_past_due", "3")], "days_past_due", "on 2026-11-10"),
        (
            &[("due_on", "2026-11-10"), ("days_past_due", "x")],
            "days_past_due",
            "not a whole number",
        ),
        (&[("bank_routing", "021000021")], "bank_account_number", "a part of the bank account"),
        (
            &[("bank_routing", "021000022"), ("bank_account_number", "12345678")],
            "bank_routing",
            "no routing number",
        ),
        (
            &[("bank_routing", "021000021"), ("bank_account_number", "1234-5678")],
            "bank_account_number",
            "no account number",
        ),
        (&[("principal", "900000000000.00")], "principal", "too large"),
    ];
    for (changes, column, words) in cases {
        let said = faults(changes);
        let found = said.iter().any(|fault| {
            fault.column.as_deref().unwrap_or_default() == column && fault.wrong.contains(words)
        });
        assert!(found, "{changes:?}: {said:?}");
        assert!(said.iter().all(|fault| !fault.to_do.is_empty() && fault.row == Some(1)));
        assert!(said.iter().all(|fault| fault.line == Some(2)), "{said:?}");
    }
}

#[test]
fn every_fault_of_a_row_is_told_at_once_and_the_account_number_never() {
    let said = faults(&[
        ("name", ""),
        ("apr", "x"),
        ("fees", "1.234"),
        ("bank_routing", "021000021"),
        ("bank_account_number", "98x76543"),
    ]);
    let columns: Vec<_> = said.iter().filter_map(|fault| fault.column.as_deref()).collect();
    for column in ["name", "apr", "fees", "bank_account_number", "bank_account_kind"] {
        assert!(columns.contains(&column), "{columns:?}");
    }
    assert!(!format!("{said:?}").contains("98x76543"));
}

#[test]
fn a_line_past_due_is_so_with_us_for_as_many_days() {
    let row = with(&[
        ("minimum_due", "35.00"),
        ("past_due", "20.00"),
        ("days_past_due", "21"),
        ("due_on", "2026-11-30"),
    ]);
    let rows = judge(file(&[row]).as_bytes()).unwrap();
    let row = rows[0].as_ref().unwrap_or_else(|faults| panic!("{faults:?}"));
    let (line, _) = row
        .open(&catalog(), CreditLineId::mint(DateTime::UNIX_EPOCH), DateTime::UNIX_EPOCH)
        .unwrap();
    let position = line.position(row.as_of).unwrap();
    assert_eq!((position.days_past_due, position.past_due), (21, Cents::new(2_000)));
    assert_eq!(position.minimum_due, Cents::new(3_500));
}

#[test]
fn names_that_are_none_and_names_that_are_missing_are_told_at_once() {
    let text =
        file(&[with(&[])]).replace("billed_interest", "billed_intrest").replace("email", "e_mail");
    let said = judge(text.as_bytes()).unwrap_err();
    let said: Vec<String> = said.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|one| one.contains("did you mean `billed_interest`")), "{said:?}");
    assert!(said.iter().any(|one| one.contains("did you mean `email`")), "{said:?}");
    assert!(said.iter().any(|one| one.contains("missing: email, billed_interest")), "{said:?}");
    let semicolons = file(&[with(&[])]).replace(',', ";");
    let said = judge(semicolons.as_bytes()).unwrap_err();
    assert!(said.iter().any(|fault| fault.to_do.contains("commas")), "{said:?}");
}

#[test]
fn rows_with_one_reference_are_refused_all_of_them() {
    let text = file(&[with(&[]), with(&[("reference", "A-2")]), with(&[("name", "Bo Lee")])]);
    let rows = judge(text.as_bytes()).unwrap();
    assert!(rows[0].is_err() && rows[1].is_ok() && rows[2].is_err());
    assert!(rows[0].as_ref().unwrap_err()[0].wrong.contains("rows 1, 3"));
}

#[test]
fn what_a_hostile_file_does_to_others_it_does_not_do_to_us() {
    let good = file(&[with(&[])]);
    let (names, row) = good.trim_end().split_once('\n').unwrap();
    // Told apart from what is wrong: these are fine.
    for fine in [format!("\u{feff}{good}"), good.replace('\n', "\r\n"), format!("{good}\n\n")] {
        assert!(judge(fine.as_bytes()).unwrap()[0].is_ok());
    }
    let long = with(&[("name", &"x".repeat(60_000))]);
    let said = judge(file(&[long]).as_bytes()).unwrap();
    let said = said[0].as_ref().unwrap_err();
    assert!(said[0].wrong.contains("longer") && said[0].value.as_ref().unwrap().len() < 100);
    let open = format!("{names}\n{}\n{row}\n", row.replacen("\"Ann Lee\"", "\"Ann Lee", 1));
    assert!(judge(open.as_bytes()).unwrap().iter().any(Result::is_err));
    let short = format!("{names}\nA-1,Ann\n");
    assert!(judge(short.as_bytes()).unwrap()[0].as_ref().unwrap_err()[0].wrong.contains("2 cells"));
    let mut bytes = good.clone().into_bytes();
    let at = good.find("Ann Lee").unwrap();
    bytes[at] = 0xff;
    assert!(judge(&bytes).unwrap()[0].as_ref().unwrap_err()[0].wrong.contains("UTF-8"));
    assert!(judge(b"").is_err());
    assert!(judge(&[0xff, 0xfe, 0x61, 0]).unwrap_err()[0].wrong.contains("UTF-16"));
    assert!(judge(b"PAR1 and then nothing PAR1").is_err());
}

#[test]
fn sums_that_were_announced_are_held_against_the_rows() {
    let text = format!("{}TOTAL,rows=2,principal=800.00,interest=1.00\n", file(&[with(&[])]));
    let portfolio =
        read(text.as_bytes(), Rules { catalog: &catalog(), today: day("2026-11-23") }).unwrap();
    let said = portfolio.trailer.unwrap().differences(&portfolio.totals());
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("2 rows") && said[1].contains("$16.31"), "{said:?}");
}

/// A Parquet file of one row: text, but principal as the type says.
fn parquet_file(principal: &str) -> Vec<u8> {
    let name = if principal == "cents" { "principal_cents" } else { "principal" };
    let columns: Vec<String> = NAMES
        .iter()
        .map(|one| match (*one, principal) {
            ("principal", "double") => "required double principal;".to_owned(),
            ("principal", "cents" | "whole") => format!("required int64 {name};"),
            ("principal", _) => "required int64 principal (DECIMAL(18,4));".to_owned(),
            (other, _) => format!("optional binary {other} (UTF8);"),
        })
        .collect();
    let schema = parse_message_type(&format!("message rows {{ {} }}", columns.join(" "))).unwrap();
    let mut bytes = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(schema), properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (known, value) in NAMES.iter().zip(GOOD) {
        let mut column = group.next_column().unwrap().unwrap();
        match (*known, principal) {
            ("principal", "double") => {
                column.typed::<DoubleType>().write_batch(&[800.0], None, None).unwrap();
            }
            ("principal", kind) => {
                let amount = if kind == "decimal" { 8_000_000 } else { 80_000 };
                column.typed::<Int64Type>().write_batch(&[amount], None, None).unwrap();
            }
            _ if value.is_empty() => {
                column.typed::<ByteArrayType>().write_batch(&[], Some(&[0]), None).unwrap();
            }
            _ => {
                let value = ByteArray::from(value);
                column.typed::<ByteArrayType>().write_batch(&[value], Some(&[1]), None).unwrap();
            }
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn parquet_is_read_as_csv_is_and_an_inexact_column_is_refused() {
    let csv = judge(file(&[with(&[])]).as_bytes()).unwrap();
    for kind in ["decimal", "cents"] {
        let rows = judge(&parquet_file(kind)).unwrap();
        let row = rows[0].as_ref().unwrap_or_else(|faults| panic!("{faults:?}"));
        assert_eq!(row.balances, csv[0].as_ref().unwrap().balances, "{kind}");
    }
    let said = judge(&parquet_file("double")).unwrap_err();
    assert!(said.iter().any(|fault| fault.wrong.contains("floating-point")), "{said:?}");
    let said = judge(&parquet_file("whole")).unwrap_err();
    assert!(said.iter().any(|fault| fault.to_do.contains("_cents")), "{said:?}");
}

fn dollars(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_position_of_a_boarded_line_is_its_row(
        principal in 0_i64..500_000, interest in 0_i64..9_000, fees in 0_i64..4_000, penalty in 0_i64..4_000,
        close_day in 1_u32..32, share in 0_i64..101,
    ) {
        let owed = principal + interest + fees + penalty;
        let minimum = owed * share / 100;
        let as_of = day("2026-11-20");
        let row = with(&[
            ("principal", &dollars(principal)), ("billed_interest", &dollars(interest)), ("fees", &dollars(fees)),
            ("penalty_fees", &dollars(penalty)), ("close_day", &close_day.to_string()),
            ("minimum_due", &dollars(minimum)), ("accrued_interest", "0.00"), ("due_on", "2026-11-27"),
        ]);
        let first = judge(file(std::slice::from_ref(&row)).as_bytes()).unwrap().remove(0);
        // What the days since the close cost, worked out apart: simple interest on principal, half a cent upward.
        let begins = (1..32).map(|back| as_of - chrono::Days::new(back)).find(|day| {
            credit::CycleSchedule::monthly(close_day).close_of(*day) == *day
        }).unwrap() + chrono::Days::new(1);
        let days = (as_of - begins).num_days();
        let cost = (i128::from(principal) * 24 * i128::from(days) * 2 + 36_500) / (2 * 36_500);
        let accrued = i64::try_from(cost).unwrap();
        let mut mended = row;
        mended[13] = dollars(accrued);
        if accrued > 0 {
            prop_assert!(first.is_err());
        }
        let row = judge(file(&[mended]).as_bytes()).unwrap().remove(0);
        let row = row.unwrap_or_else(|faults| panic!("{faults:?}"));
        let at: DateTime<Utc> = DateTime::UNIX_EPOCH;
        let id = CreditLineId::mint(at);
        let (line, recorded) = row.open(&catalog(), id, at).unwrap();
        let line: CreditLine = line;
        let position = line.position(as_of).unwrap();
        prop_assert_eq!(position.principal_balance, Cents::new(principal));
        prop_assert_eq!(position.current_balance, Cents::new(owed));
        prop_assert_eq!(position.total_owed, Cents::new(owed + accrued));
        prop_assert_eq!(position.minimum_due, Cents::new(minimum));
        let posted: i64 = recorded.iter().filter_map(|one| one.posting.as_ref())
            .flat_map(|posting| posting.entries().iter()).map(|entry| entry.signed().get()).sum();
        prop_assert_eq!(posted, 0);
    }

    #[test]
    fn no_bytes_bring_the_reader_down(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        drop(judge(&bytes));
        let mut under_names = file(&[]).into_bytes();
        under_names.extend(&bytes);
        drop(judge(&under_names));
    }
}
