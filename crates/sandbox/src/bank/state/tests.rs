use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A file with one debit of 50 dollars for each account, effective on the Friday after Thanksgiving.
fn file(accounts: &[&str], first_sequence: u32) -> String {
    let origin: nacha::RoutingNumber = "011000015".parse().unwrap();
    let entries = (first_sequence..)
        .zip(accounts)
        .map(|(sequence, account)| Entry {
            code: TransactionCode::DebitChecking,
            routing: "021000021".parse().unwrap(),
            account_number: (*account).to_owned(),
            amount: Cents::new(5_000),
            individual_id: "P".into(),
            name: "ANA".into(),
            trace: TraceNumber::of(&origin, sequence),
            addenda: None,
        })
        .collect();
    let header = Header {
        destination: "021000021".parse().unwrap(),
        destination_name: "SANDBOX BANK".into(),
        origin: origin.clone(),
        origin_name: "PLUMBLINE".into(),
        created_at: "2026-11-21T09:30:00".parse().unwrap(),
        modifier: 'A',
        reference: String::new(),
    };
    let batch = Batch {
        company_name: "PLUMBLINE".into(),
        company_id: "1234567890".into(),
        sec: Sec::Web,
        description: "PAYMENT".into(),
        effective_on: day("2026-11-27"),
        originator: origin,
        entries,
    };
    File { header, batches: vec![batch] }.write().unwrap()
}

fn states(bank: &Bank, file_id: &str) -> Vec<(EntryState, Option<NaiveDate>)> {
    let status = bank.find_file(file_id).unwrap();
    status.entries.iter().map(|entry| (entry.state, entry.settled_on)).collect()
}

#[test]
fn a_good_account_settles_on_its_day_and_stays_settled() {
    let mut bank = Bank::opened_on(day("2026-11-21"));
    assert_eq!(bank.receive("f1", &file(&["000111224242"], 1)), Ok(Taken::New));
    assert_eq!(states(&bank, "f1"), [(EntryState::Pending, None)]);
    bank.advance_to(day("2026-11-27"));
    assert_eq!(states(&bank, "f1"), [(EntryState::Settled, Some(day("2026-11-27")))]);
    bank.advance_to(day("2027-02-01"));
    assert!(bank.returns_after(0).is_empty());
}

#[test]
fn an_account_without_funds_comes_back_two_banking_days_later() {
    let mut bank = Bank::opened_on(day("2026-11-21"));
    bank.receive("f1", &file(&["000111229001"], 1)).unwrap();
    bank.advance_to(day("2026-11-30"));
    assert!(bank.returns_after(0).is_empty());
    bank.advance_to(day("2026-12-01"));
    let returns = bank.returns_after(0);
    let returned = File::parse(&returns[0].contents).unwrap();
    let entry = &returned.batches[0].entries[0];
    assert_eq!(entry.amount, Cents::new(5_000));
    let Some(Addenda::Return { code, original_trace, .. }) = &entry.addenda else {
        panic!("not a return")
    };
    assert_eq!(code.to_string(), "R01");
    assert_eq!(original_trace.to_string(), "011000010000001");
    assert!(bank.returns_after(1).is_empty());
}

#[test]
fn an_account_that_bounces_once_settles_the_second_time() {
    let mut bank = Bank::opened_on(day("2026-11-21"));
    bank.receive("f1", &file(&["000111229101"], 1)).unwrap();
    bank.advance_to(day("2026-12-08"));
    assert_eq!(states(&bank, "f1")[0].0, EntryState::Returned);
    bank.receive("f2", &file(&["000111229101"], 2)).unwrap();
    bank.advance_to(day("2027-01-08"));
    assert_eq!(states(&bank, "f2")[0].0, EntryState::Settled);
}

#[test]
fn a_file_sent_twice_is_one_file() {
    let mut bank = Bank::opened_on(day("2026-11-21"));
    let contents = file(&["000111224242"], 1);
    assert_eq!(bank.receive("f1", &contents), Ok(Taken::New));
    assert_eq!(bank.receive("f1", &contents), Ok(Taken::Known));
    assert_eq!(bank.receive("f1", &file(&["000111224243"], 2)), Err(Refused::OtherFile));
    assert!(matches!(bank.receive("f2", &contents), Err(Refused::TraceUsed(_))));
    assert!(matches!(bank.receive("f3", "hello"), Err(Refused::NotNacha(_))));
    assert_eq!(bank.receive("f4", &file(&[], 1)), Err(Refused::Empty));
    // Numbers come round again.
    bank.advance_to(day("2027-02-19"));
    assert_eq!(bank.receive("f2", &contents), Ok(Taken::New));
}

#[test]
fn moving_day_by_day_or_at_once_is_the_same() {
    let accounts = ["000111229001", "000111229010", "000111224242", "000111229101"];
    let mut at_once = Bank::opened_on(day("2026-11-21"));
    at_once.receive("f1", &file(&accounts, 1)).unwrap();
    let mut by_day = at_once.clone();
    at_once.advance_to(day("2027-02-01"));
    while by_day.today < day("2027-02-01") {
        let next = by_day.today.succ_opt().unwrap();
        by_day.advance_to(next);
    }
    assert_eq!(at_once, by_day);
}

/// The file with other bytes in it, every total as it was.
fn refused_for(change: impl Fn(&mut Batch)) -> String {
    let mut parsed = File::parse(&file(&["000111224242", "000111224243"], 1)).unwrap();
    change(&mut parsed.batches[0]);
    let text = parsed.write().unwrap();
    let mut bank = Bank::opened_on(day("2026-11-21"));
    bank.receive("f1", &text).unwrap_err().to_string()
}

#[test]
fn a_file_that_breaks_a_rule_between_its_records_is_refused_with_the_rule() {
    let origin: nacha::RoutingNumber = "021000021".parse().unwrap();
    let said = refused_for(|batch| batch.entries.swap(0, 1));
    assert!(said.contains("out of order"), "{said}");
    let said = refused_for(|batch| batch.entries[0].trace = TraceNumber::of(&origin, 1));
    assert!(said.contains("another originator"), "{said}");
    let said = refused_for(|batch| batch.entries[0].code = TransactionCode::CreditChecking);
    assert!(said.contains("made online"), "{said}");
    let said = refused_for(|batch| batch.entries[0].code = TransactionCode::ReturnedDebitChecking);
    assert!(said.contains("of a return"), "{said}");
    let said = refused_for(|batch| batch.entries[0].amount = Cents::ZERO);
    assert!(said.contains("moves nothing"), "{said}");
    let said = refused_for(|batch| batch.entries[0].name.clear());
    assert!(said.contains("no name"), "{said}");
    let said = refused_for(|batch| batch.sec = Sec::Cor);
    assert!(said.contains("notifications"), "{said}");
}

#[test]
fn a_notification_of_change_comes_two_banking_days_after_the_money_moved_and_once() {
    let mut bank = Bank::opened_on(day("2026-11-21"));
    bank.receive("f1", &file(&["000111229401"], 1)).unwrap();
    bank.advance_to(day("2026-11-30"));
    assert!(bank.returns_after(0).is_empty());
    bank.advance_to(day("2027-01-30"));
    assert_eq!(states(&bank, "f1"), [(EntryState::Settled, Some(day("2026-11-27")))]);
    let told = bank.returns_after(0);
    assert_eq!(told.len(), 1);
    let batch = &File::parse(&told[0].contents).unwrap().batches[0];
    assert_eq!((batch.sec, batch.entries[0].amount), (Sec::Cor, Cents::ZERO));
    let Some(Addenda::Change { code, original_trace, corrected, .. }) = &batch.entries[0].addenda
    else {
        panic!("no notification")
    };
    assert_eq!((code.as_str(), corrected.as_str()), ("C01", "000111224242"));
    assert_eq!(original_trace.to_string(), "011000010000001");
}
