use proptest::prelude::*;

use super::*;

fn bank() -> RoutingNumber {
    "021000021".parse().unwrap()
}

fn file(entries: Vec<Entry>) -> File {
    File {
        header: Header {
            destination: bank(),
            destination_name: "SANDBOX BANK".into(),
            origin: "011000015".parse().unwrap(),
            origin_name: "PLUMBLINE".into(),
            created_at: "2026-11-21T09:30:00".parse().unwrap(),
            modifier: 'A',
            reference: "F1".into(),
        },
        batches: vec![Batch {
            company_name: "PLUMBLINE".into(),
            company_id: "1234567890".into(),
            sec: Sec::Web,
            description: "PAYMENT".into(),
            effective_on: "2026-11-27".parse().unwrap(),
            originator: "011000015".parse().unwrap(),
            entries,
        }],
    }
}

fn entry(cents: i64, sequence: u32) -> Entry {
    Entry {
        code: TransactionCode::DebitChecking,
        routing: bank(),
        account_number: "000123456789".into(),
        amount: Cents::new(cents),
        individual_id: "CUST1".into(),
        name: "ANA RIVERA".into(),
        trace: TraceNumber::of(&"011000015".parse().unwrap(), sequence),
        addenda: None,
    }
}

fn returned(cents: i64) -> Entry {
    let original = entry(cents, 7);
    Entry {
        code: original.code.returned(),
        addenda: Some(Addenda::Return {
            code: ReturnCode::new(1).unwrap(),
            original_trace: original.trace,
            original_prefix: "02100002".into(),
            information: String::new(),
        }),
        ..original
    }
}

#[test]
fn a_payment_of_fifty_dollars_is_these_records() {
    let text = file(vec![entry(5_000, 1)]).write().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 10);
    assert!(lines.iter().all(|line| line.len() == 94));
    assert_eq!(
        lines[2],
        "627021000021000123456789     0000005000CUST1          ANA RIVERA              0011000010000001"
    );
    assert_eq!(
        lines[3],
        "822500000100021000020000000050000000000000001234567890                         011000010000001"
    );
}

#[test]
fn what_is_written_is_read_back() {
    let sent = file(vec![entry(5_000, 1), returned(123), entry(1, 3)]);
    assert_eq!(File::parse(&sent.write().unwrap()).unwrap(), sent);
}

#[test]
fn a_changed_amount_does_not_pass() {
    let text = file(vec![entry(5_000, 1)]).write().unwrap();
    let forged = text.replacen("0000005000CUST1", "0000005001CUST1", 1);
    assert_eq!(
        File::parse(&forged),
        Err(NachaError::WrongTotal { line: 4, record: "batch control", total: "total debit" })
    );
}

#[test]
fn a_file_that_breaks_off_is_refused_wherever_it_does() {
    let text = file(vec![entry(5_000, 1), returned(20)]).write().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let control = lines.iter().position(|line| line.starts_with('9')).unwrap();
    for kept in 0..=control {
        assert!(kept == 0 || !lines[kept - 1].starts_with('9'));
        assert!(File::parse(&lines[..kept].join("\n")).is_err(), "{kept} lines");
    }
}

#[test]
fn a_draw_of_fifty_dollars_is_a_batch_of_credits_and_no_other_service_class_passes() {
    let credit = Entry { code: TransactionCode::CreditChecking, ..entry(5_000, 1) };
    let mut sent = file(vec![credit]);
    sent.batches[0].sec = Sec::Ppd;
    sent.batches[0].description = "DRAW".into();
    let text = sent.write().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].starts_with("5220PLUMBLINE") && lines[1].contains("1234567890PPDDRAW"));
    assert!(lines[2].starts_with("622021000021000123456789"));
    assert_eq!(
        lines[3],
        "822000000100021000020000000000000000000050001234567890                         011000010000001"
    );
    assert_eq!(File::parse(&text).unwrap(), sent);
    let unexpected = |text: &str| matches!(File::parse(text), Err(NachaError::Unexpected { .. }));
    assert!(unexpected(&text.replace("5220PLUM", "5225PLUM").replace("\n8220", "\n8225")));
    assert!(unexpected(&text.replace("5220PLUM", "5200PLUM")), "header and control differ");
    assert!(unexpected(&text.replace("1234567890PPD", "1234567891PPD")), "another company");
    let both = text.replace("5220PLUM", "5200PLUM").replace("\n8220", "\n8200");
    assert!(File::parse(&both).is_ok());
}

#[test]
fn a_day_or_a_time_is_digits_alone() {
    let text = file(vec![entry(5_000, 1)]).write().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for (line, column) in [(0, 24), (0, 30), (1, 70)] {
        let mut blanked = lines.clone();
        let (before, after) = lines[line].split_at(column - 1);
        let with_blanks = format!("{before}  {}", &after[2..]);
        blanked[line] = &with_blanks;
        let error = File::parse(&(blanked.join("\n") + "\n")).unwrap_err();
        let place = format!("line {}, column {column},", line + 1);
        assert!(error.to_string().starts_with(&place), "{error}");
    }
}

#[test]
fn a_file_that_is_no_whole_blocks_is_refused() {
    let text = file(vec![entry(5_000, 1)]).write().unwrap();
    let nines = "9".repeat(94) + "\n";
    assert!(File::parse(text.strip_suffix(&nines).unwrap()).is_err());
}

#[test]
fn a_name_that_does_not_fit_is_refused_not_cut() {
    let long = Entry { name: "A NAME OF MORE THAN TWENTY-TWO".into(), ..entry(1, 1) };
    assert!(matches!(
        file(vec![long]).write(),
        Err(NachaError::DoesNotFit { field: "individual name", .. })
    ));
    let negative = entry(-1, 1);
    assert!(matches!(
        file(vec![negative]).write(),
        Err(NachaError::DoesNotFit { field: "amount", .. })
    ));
}

#[test]
fn an_account_number_is_not_in_the_debug_text() {
    assert!(!format!("{:?}", file(vec![entry(1, 1)])).contains("000123456789"));
    let corrected = Addenda::Change {
        code: "C01".into(),
        original_trace: entry(1, 1).trace,
        original_prefix: "02100002".into(),
        corrected: "000123456789".into(),
    };
    let told = Entry { addenda: Some(corrected), ..entry(0, 1) };
    assert!(!format!("{:?}", file(vec![told])).contains("000123456789"));
}

/// Whether an error tells the account number of `entry`, or a good part of it, in either text of it.
fn tells_the_number(error: &NachaError) -> bool {
    let texts = [error.to_string(), format!("{error:?}")];
    texts.iter().any(|text| text.contains("123456"))
}

#[test]
fn an_entry_that_stands_after_the_file_control_is_not_quoted() {
    let empty = File { batches: Vec::new(), ..file(Vec::new()) }.write().unwrap();
    let filled = file(vec![entry(5_000, 1)]).write().unwrap();
    let entry = filled.lines().nth(2).unwrap();
    let text = empty.replacen(&"9".repeat(94), entry, 1);
    let error = File::parse(&text).unwrap_err();
    assert_eq!(error.to_string(), "line 3, column 1, in the entry: expected padding of nines");
    assert!(!tells_the_number(&error));
}

#[test]
fn a_number_that_does_not_fit_is_not_quoted() {
    let long = Entry { account_number: "000123456789000123456789".into(), ..entry(1, 1) };
    let error = file(vec![long]).write().unwrap_err();
    assert!(error.to_string().contains("account number") && !tells_the_number(&error));
}

#[test]
fn a_code_or_class_that_we_do_not_know_is_read_with_the_rest() {
    let unknown = Addenda::UnknownReturn {
        code: "R86".into(),
        original_trace: entry(1, 1).trace,
        original_prefix: "02100002".into(),
        information: String::new(),
    };
    let other = Entry { addenda: Some(unknown), ..returned(123) };
    let mut sent = file(vec![other, returned(5)]);
    sent.batches[0].sec = Sec::Other(*b"XYZ");
    let text = sent.write().unwrap();
    assert_eq!(File::parse(&text).unwrap(), sent);
    assert!(File::parse(&text.replace("799R86", "799RX6")).is_err());
    assert!(File::parse(&text.replace("XYZPAYMENT", "XY PAYMENT")).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "(.{0,100}\n){0,12}") {
        let _ = File::parse(&text);
    }

    /// Lines swapped, doubled, left out and given another kind; columns overwritten and shifted.
    #[test]
    fn no_error_tells_an_account_number(
        changes in proptest::collection::vec((0_usize..6, 0_usize..12, 0_usize..94, 0_u8..10), 1..6),
    ) {
        let text = file(vec![entry(5_000, 1), returned(20), entry(7, 3)]).write().unwrap();
        let mut lines: Vec<String> = text.lines().map(String::from).collect();
        for (kind, line, column, digit) in changes {
            let (line, digit) = (line % lines.len(), char::from(b'0' + digit));
            match kind {
                0 => lines.swap(line, column % 10),
                1 => lines[line] = lines[column % 10].clone(),
                2 if lines.len() > 10 => drop(lines.remove(line)),
                2 => lines.insert(line, lines[column % 10].clone()),
                3 => lines[line].replace_range(0..1, &digit.to_string()),
                4 => lines[line].replace_range(column..=column, &digit.to_string()),
                _ => {
                    let shifted = format!("{digit}{}", &lines[line][1..]);
                    lines[line] = format!("{}{}", &shifted[column..], &shifted[..column]);
                }
            }
        }
        if let Err(error) = File::parse(&lines.join("\n")) {
            prop_assert!(!tells_the_number(&error), "{error}");
        }
    }

    #[test]
    fn one_character_changed_in_a_number_is_noticed_or_harmless(
        cents in 1_i64..99_999_999, line in 0_usize..5, column in 0_usize..94, digit in 0_u8..10,
    ) {
        let text = file(vec![entry(cents, 1)]).write().unwrap();
        let mut bytes = text.clone().into_bytes();
        bytes[line * 95 + column] = b'0' + digit;
        if let Ok(parsed) = File::parse(&String::from_utf8(bytes).unwrap()) {
            prop_assert_eq!(parsed.batches[0].entries[0].amount, Cents::new(cents));
        }
    }

    #[test]
    fn any_entries_are_read_back(amounts in proptest::collection::vec(0_i64..9_999_999_999, 0..30)) {
        let entries = (1..).zip(amounts).map(|(n, cents)| entry(cents, n)).collect();
        let sent = file(entries);
        prop_assert_eq!(File::parse(&sent.write().unwrap()).unwrap(), sent);
    }
}
