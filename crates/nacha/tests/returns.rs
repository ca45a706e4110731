//! What a bank's file of returns may look like, and what of it is read.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use money::Cents;
use nacha::{
    Addenda, Batch, Entry, File, Header, NachaError, ReturnCode, RoutingNumber, Sec, TraceNumber,
    TransactionCode,
};

fn bank() -> RoutingNumber {
    "021000021".parse().unwrap()
}

fn lender() -> RoutingNumber {
    "011000015".parse().unwrap()
}

/// The number under which our `sequence`-th entry was sent.
fn sent(sequence: u32) -> TraceNumber {
    TraceNumber::of(&lender(), sequence)
}

fn returned(cents: i64, sequence: u32) -> Entry {
    Entry {
        code: TransactionCode::ReturnedDebitChecking,
        routing: bank(),
        account_number: "000123456789".into(),
        amount: Cents::new(cents),
        individual_id: "CUST1".into(),
        name: "ANA RIVERA".into(),
        trace: TraceNumber::of(&bank(), sequence),
        addenda: Some(Addenda::Return {
            code: ReturnCode::new(1).unwrap(),
            original_trace: sent(sequence),
            original_prefix: "02100002".into(),
            information: String::new(),
        }),
    }
}

fn batch(entries: Vec<Entry>) -> Batch {
    Batch {
        company_name: "PLUMBLINE".into(),
        company_id: "1234567890".into(),
        sec: Sec::Web,
        description: "PAYMENT".into(),
        effective_on: "2026-11-27".parse().unwrap(),
        originator: bank(),
        entries,
    }
}

fn file(batches: Vec<Batch>) -> File {
    File {
        header: Header {
            destination: lender(),
            destination_name: "PLUMBLINE".into(),
            origin: bank(),
            origin_name: "SANDBOX BANK".into(),
            created_at: "2026-11-27T09:30:00".parse().unwrap(),
            modifier: 'A',
            reference: "F1".into(),
        },
        batches,
    }
}

/// Three returns in one batch, and where the second one's records begin.
fn three() -> (File, String) {
    let file = file(vec![batch(vec![returned(500, 1), returned(600, 2), returned(700, 3)])]);
    let text = file.write().unwrap();
    (file, text)
}

/// With a line made into another.
fn with_line(text: &str, number: usize, alter: impl Fn(&str) -> String) -> String {
    let line = |(at, line): (usize, &str)| {
        if at + 1 == number { alter(line) } else { line.to_owned() }
    };
    text.lines().enumerate().map(line).map(|line| line + "\n").collect()
}

/// The number at the end of batch headers and controls.
fn numbered(text: &str, numbers: [(usize, &str); 4]) -> String {
    let with = |text: String, (line, number): (usize, &str)| {
        with_line(&text, line, |record| format!("{}{number}", &record[..87]))
    };
    numbers.into_iter().fold(text.to_owned(), with)
}

#[test]
fn batches_are_numbered_upward_from_wherever_a_bank_begins() {
    let file = file(vec![batch(vec![returned(500, 1)]), batch(vec![returned(600, 2)])]);
    let text = file.write().unwrap();
    // Batch headers and controls stand in lines 2, 5, 6 and 9.
    let later = [(2, "0000017"), (5, "0000017"), (6, "0000020"), (9, "0000020")];
    assert_eq!(File::parse(&numbered(&text, later)).unwrap(), file);
    for refused in [
        [(2, "0000017"), (5, "0000017"), (6, "0000017"), (9, "0000017")],
        [(2, "0000017"), (5, "0000017"), (6, "0000016"), (9, "0000016")],
        [(2, "0000017"), (5, "0000018"), (6, "0000020"), (9, "0000020")],
    ] {
        assert!(File::parse(&numbered(&text, refused)).is_err(), "{refused:?}");
    }
}

#[test]
fn an_entry_with_a_transaction_code_we_do_not_know_costs_no_other() {
    let (file, text) = three();
    let unknown = with_line(&text, 5, |record| record.replacen("626", "682", 1));
    let (read, unread) = File::parse_apart(&unknown).unwrap();
    let [first, _, third] = &file.batches[0].entries[..] else { panic!("three entries") };
    assert_eq!(read.batches[0].entries, [first.clone(), third.clone()]);
    assert_eq!(unread.iter().map(|one| one.trace).collect::<Vec<_>>(), [sent(2)]);
    assert_eq!(File::parse(&unknown), Err(unread[0].error.clone()));
    // Where the amounts do not add up with it, nothing is to be believed.
    let forged = with_line(&unknown, 5, |record| record.replacen("0000000600", "0000000601", 1));
    assert!(matches!(File::parse_apart(&forged), Err(NachaError::WrongTotal { .. })));
}

#[test]
fn an_entry_whose_addenda_are_not_as_it_says_costs_no_other() {
    let (_, text) = three();
    let says = |number: char| {
        with_line(&text, 5, |record| format!("{}{number}{}", &record[..78], &record[79..]))
    };
    for wrong in ['0', ' ', '2'] {
        let (read, unread) = File::parse_apart(&says(wrong)).unwrap();
        assert_eq!(read.batches[0].entries.len(), 2);
        assert_eq!(unread.iter().map(|one| one.trace).collect::<Vec<_>>(), [sent(2)]);
        assert!(File::parse(&says(wrong)).is_err());
    }
}

#[test]
fn an_entry_without_the_addenda_it_announces_is_named_by_its_own_number() {
    let (mut file, _) = three();
    file.batches[0].entries[1].addenda = None;
    let text = file.write().unwrap();
    let announced = with_line(&text, 5, |record| format!("{}1{}", &record[..78], &record[79..]));
    let (read, unread) = File::parse_apart(&announced).unwrap();
    assert_eq!(read.batches[0].entries.len(), 2);
    let named: Vec<_> = unread.iter().map(|one| one.trace).collect();
    assert_eq!(named, [TraceNumber::of(&bank(), 2)]);
    assert!(File::parse(&announced).is_err());
}
