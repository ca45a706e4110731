use chrono::DateTime;

use super::*;

fn account(kind: bank_accounts::BankAccountKind, bank_name: &str, ending: &str) -> BankAccount {
    let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    BankAccount {
        id: BankAccountId::mint(now),
        customer_id: CustomerId::mint(now),
        kind,
        bank_name: bank_name.to_owned(),
        ending: ending.to_owned(),
        status: BankAccountStatus::Verified,
        added_at: now,
    }
}

fn two() -> [BankAccount; 2] {
    [
        account(bank_accounts::BankAccountKind::Checking, "First Harbor Bank", "1234"),
        account(bank_accounts::BankAccountKind::Savings, "Elm Credit Union", "9876"),
    ]
}

#[test]
fn a_bank_account_is_known_by_its_kind_its_ending_or_its_bank() {
    let accounts = two();
    for (words, ending) in [
        ("checking", "1234"),
        ("my Checking account", "1234"),
        ("savings", "9876"),
        ("cuenta de ahorros", "9876"),
        ("the one ending in 9876", "9876"),
        ("First Harbor Bank", "1234"),
        ("x1234", "1234"),
        ("my checking account 1", "1234"),
        ("my 2 accounts: the one ending in 9876", "9876"),
    ] {
        let ask = BankAccountAsk::Named(words.to_owned());
        assert_eq!(choose_bank_account(&accounts, &ask).unwrap().ending, ending, "{words}");
    }
}

#[test]
fn who_names_no_account_means_the_one_checking_account() {
    let accounts = two();
    let chosen = choose_bank_account(&accounts, &BankAccountAsk::Only).unwrap();
    assert_eq!(chosen.kind, BankAccountKind::Checking);
    let both_checking: Vec<BankAccount> = accounts
        .into_iter()
        .map(|account| BankAccount { kind: BankAccountKind::Checking, ..account })
        .collect();
    let refused = choose_bank_account(&both_checking, &BankAccountAsk::Only).unwrap_err();
    assert_eq!(refused.code, RefusalCode::BankAccountAmbiguous);
}

#[test]
fn an_account_that_is_not_there_is_not_guessed() {
    let accounts = two();
    let code = |ask: BankAccountAsk| choose_bank_account(&accounts, &ask).unwrap_err().code;
    for words in ["5555", "my sister's account", "checking 9876"] {
        let ask = BankAccountAsk::Named(words.to_owned());
        assert_eq!(code(ask), RefusalCode::BankAccountUnknown, "{words}");
    }
    assert_eq!(choose_bank_account(&accounts[..1], &BankAccountAsk::Only).unwrap().ending, "1234");
}

#[test]
fn an_amount_is_positive_and_within_reason() {
    assert_eq!(check_amount(Cents::new(1)), Ok(()));
    for (cents, code) in [
        (0, RefusalCode::AmountNotPositive),
        (-5_000, RefusalCode::AmountNotPositive),
        (i64::MAX, RefusalCode::AmountTooLarge),
    ] {
        assert_eq!(check_amount(Cents::new(cents)).unwrap_err().code, code);
    }
}

#[test]
fn a_day_lies_within_the_next_year() {
    let today: NaiveDate = "2026-11-21".parse().unwrap();
    let code = |day: &str| check_day(day.parse().unwrap(), today).err().map(|refusal| refusal.code);
    assert_eq!(code("2026-11-21"), None);
    assert_eq!(code("2027-11-21"), None);
    assert_eq!(code("2027-11-22"), Some(RefusalCode::DateTooFar));
    assert_eq!(code("2026-11-20"), Some(RefusalCode::DateInPast));
}
