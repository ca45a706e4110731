//! The test accounts: what happens to an entry is read from the last four digits of its account number.

use nacha::ReturnCode;

/// What becomes of an entry.
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
}

/// `90nn` comes back as `Rnn`, `9101` comes back as R01 the first time only, and everything else settles. Most codes take two banking days;
/// the ones a customer brings about by going to the bank (R05, R07, R10, R11) take twenty.
#[must_use]
pub fn outcome_of(account_number: &str) -> Outcome {
    let digits: String = account_number.chars().filter(char::is_ascii_digit).collect();
    let last_four = digits.len().checked_sub(4).and_then(|from| digits.get(from..)).unwrap_or("");
    let code = |digits: &str| digits.parse().ok().and_then(ReturnCode::new);
    if last_four == "9101"
        && let Some(code) = ReturnCode::new(1)
    {
        return Outcome::ReturnsOnce { code, after_banking_days: 2 };
    }
    match last_four.strip_prefix("90").and_then(code) {
        Some(code) => {
            let late = matches!(code.number(), 5 | 7 | 10 | 11);
            Outcome::Returns { code, after_banking_days: if late { 20 } else { 2 } }
        }
        None => Outcome::Settles,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_four_digits_say_what_happens() {
        let returns = |number, after_banking_days| Outcome::Returns {
            code: ReturnCode::new(number).unwrap(),
            after_banking_days,
        };
        let cases = [
            ("000111229001", returns(1, 2)),
            ("000111229010", returns(10, 20)),
            ("000111229000", Outcome::Settles),
            ("000111229099", Outcome::Settles),
            ("000111224242", Outcome::Settles),
            ("12", Outcome::Settles),
            ("", Outcome::Settles),
        ];
        for (account, expected) in cases {
            assert_eq!(outcome_of(account), expected, "{account}");
        }
    }
}
