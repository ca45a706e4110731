//! The test accounts: what happens to an entry or a transfer is read from the last four digits of its account number
//! (docs/bank-wire.md).

use nacha::ReturnCode;

/// What becomes of an ACH entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Settles,
    /// It settles, and comes back this many banking days later.
    Returns {
        code: ReturnCode,
        after_banking_days: i32,
    },
    /// The first debit of the account comes back, later ones settle.
    ReturnsOnce {
        code: ReturnCode,
        after_banking_days: i32,
    },
    /// It settles, and two banking days later the bank tells how the account is to be written: `C` and this number.
    TellsOfChange {
        number: u8,
    },
}

/// What becomes of an instant transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstantOutcome {
    Completes,
    Refused,
    /// It completes, and the answer is lost.
    AnswerLost,
    /// It is lost on its way: the bank never hears of it.
    RequestLost,
    /// The bank decides on the next day.
    CompletesNextDay,
    RefusedNextDay,
}

/// A debit, by the last four digits: `90nn` comes back as `Rnn`, `9101` comes back as R01 the first time only, `94nn` brings a
/// notification of change `Cnn`, and everything else settles. Most codes take two banking days; the ones a customer brings
/// about by going to the bank (R05, R07, R10, R11) take twenty.
///
/// A credit: `92nn` comes back as `Rnn` after two banking days, `9023` as `R23`, `94nn` as for a debit, and everything else
/// settles.
#[must_use]
pub fn outcome_of(account_number: &str, debit: bool) -> Outcome {
    let last_four = last_four(account_number);
    let code = |digits: &str| digits.parse().ok().and_then(ReturnCode::new);
    if let Some(number) = last_four.strip_prefix("94").and_then(|digits| digits.parse().ok())
        && matches!(number, 1..=13)
    {
        return Outcome::TellsOfChange { number };
    }
    if !debit {
        let digits = if last_four == "9023" { Some("23") } else { last_four.strip_prefix("92") };
        return digits
            .and_then(code)
            .map_or(Outcome::Settles, |code| Outcome::Returns { code, after_banking_days: 2 });
    }
    if last_four == "9101"
        && let Some(code) = ReturnCode::new(1)
    {
        return Outcome::ReturnsOnce { code, after_banking_days: 2 };
    }
    match last_four.strip_prefix("90").and_then(code) {
        // A receiver refuses credits, not debits.
        Some(code) if code.number() != 23 => {
            let late = matches!(code.number(), 5 | 7 | 10 | 11);
            Outcome::Returns { code, after_banking_days: if late { 20 } else { 2 } }
        }
        _ => Outcome::Settles,
    }
}

/// An instant transfer: `9301` is refused, of `9302` the answer is lost, `9303` never arrives, `9304` and `9305` are decided on
/// the next day, and everything else is there at once.
#[must_use]
pub fn instant_outcome_of(account_number: &str) -> InstantOutcome {
    match last_four(account_number).as_str() {
        "9301" => InstantOutcome::Refused,
        "9302" => InstantOutcome::AnswerLost,
        "9303" => InstantOutcome::RequestLost,
        "9304" => InstantOutcome::CompletesNextDay,
        "9305" => InstantOutcome::RefusedNextDay,
        _ => InstantOutcome::Completes,
    }
}

fn last_four(account_number: &str) -> String {
    let digits: String = account_number.chars().filter(char::is_ascii_digit).collect();
    let from = digits.len().saturating_sub(4);
    if from == 0 && digits.len() < 4 {
        return String::new();
    }
    digits.get(from..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_four_digits_say_what_happens_to_a_debit_and_to_a_credit() {
        let returns = |number, after_banking_days| Outcome::Returns {
            code: ReturnCode::new(number).unwrap(),
            after_banking_days,
        };
        let once =
            Outcome::ReturnsOnce { code: ReturnCode::new(1).unwrap(), after_banking_days: 2 };
        let cases = [
            ("000111229001", returns(1, 2), Outcome::Settles),
            ("000111229010", returns(10, 20), Outcome::Settles),
            ("000111229023", Outcome::Settles, returns(23, 2)),
            ("000111229101", once, Outcome::Settles),
            ("000111229203", Outcome::Settles, returns(3, 2)),
            (
                "000111229401",
                Outcome::TellsOfChange { number: 1 },
                Outcome::TellsOfChange { number: 1 },
            ),
            ("000111229499", Outcome::Settles, Outcome::Settles),
            ("000111229000", Outcome::Settles, Outcome::Settles),
            ("000111229099", Outcome::Settles, Outcome::Settles),
            ("000111224242", Outcome::Settles, Outcome::Settles),
            ("12", Outcome::Settles, Outcome::Settles),
            ("", Outcome::Settles, Outcome::Settles),
        ];
        for (account, debit, credit) in cases {
            assert_eq!(outcome_of(account, true), debit, "a debit of {account}");
            assert_eq!(outcome_of(account, false), credit, "a credit to {account}");
        }
    }

    #[test]
    fn an_instant_transfer_has_test_accounts_of_its_own() {
        assert_eq!(instant_outcome_of("000111229301"), InstantOutcome::Refused);
        assert_eq!(instant_outcome_of("000111229001"), InstantOutcome::Completes);
        assert_eq!(instant_outcome_of(""), InstantOutcome::Completes);
    }
}
