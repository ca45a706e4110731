//! Notifications of change: what a bank says of an entry's account that we should know better (C01 to C13).

use nacha::RoutingNumber;

use crate::{AccountKind, BankDetails};

/// What a notification says.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// The account is to be written so from now on. A part that is not named stays.
    Account {
        routing_number: Option<RoutingNumber>,
        account_number: Option<String>,
        kind: Option<AccountKind>,
    },
    /// A name or an id of ours: nothing that money finds its way by.
    Noted,
    /// A person has to look: our own data, an international entry, or what cannot be read.
    Desk,
}

impl Change {
    /// Reads the corrected data of a notification, field by field where Nacha puts them.
    #[must_use]
    pub fn read(code: &str, corrected: &str) -> Self {
        let field = |from: usize, width: usize| {
            let to = corrected.len().min(from + width);
            corrected.get(from.min(to)..to).map(str::trim).unwrap_or_default()
        };
        let routing = |text: &str| text.parse::<RoutingNumber>().ok();
        let read = match code {
            "C01" => account(None, number(field(0, 17)), None),
            "C02" => account(routing(field(0, 9)), None, None),
            "C03" => both(routing(field(0, 9)), number(field(12, 17)), None),
            "C05" => account(None, None, kind(field(0, 2))),
            "C06" => {
                let kind = kind(field(20, 2));
                number(field(0, 17))
                    .zip(kind)
                    .and_then(|(number, kind)| account(None, Some(number), Some(kind)))
            }
            "C07" => {
                let kind = kind(field(26, 2));
                kind.and_then(|kind| both(routing(field(0, 9)), number(field(9, 17)), Some(kind)))
            }
            "C04" | "C09" => return Self::Noted,
            _ => None,
        };
        read.unwrap_or(Self::Desk)
    }

    /// The details as they are from now on; nothing where they stay.
    #[must_use]
    pub fn applied_to(&self, before: &BankDetails) -> Option<BankDetails> {
        let Self::Account { routing_number, account_number, kind } = self else { return None };
        let after = BankDetails {
            kind: kind.unwrap_or(before.kind),
            routing_number: routing_number.clone().unwrap_or_else(|| before.routing_number.clone()),
            account_number: account_number.clone().unwrap_or_else(|| before.account_number.clone()),
        };
        (after != *before).then_some(after)
    }
}

fn account(
    routing_number: Option<RoutingNumber>,
    account_number: Option<String>,
    kind: Option<AccountKind>,
) -> Option<Change> {
    let something = routing_number.is_some() || account_number.is_some() || kind.is_some();
    something.then_some(Change::Account { routing_number, account_number, kind })
}

/// Both or neither: half of a correction would send money astray.
fn both(
    routing_number: Option<RoutingNumber>,
    account_number: Option<String>,
    kind: Option<AccountKind>,
) -> Option<Change> {
    let (routing_number, account_number) = routing_number.zip(account_number)?;
    account(Some(routing_number), Some(account_number), kind)
}

/// The number of an account as we keep it: digits, so that its last four can be shown.
fn number(text: &str) -> Option<String> {
    let fits = (4..=17).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.to_owned())
}

/// The kind of account that a transaction code speaks of.
fn kind(text: &str) -> Option<AccountKind> {
    match text.as_bytes() {
        [b'2', b'0'..=b'9'] => Some(AccountKind::Checking),
        [b'3', b'0'..=b'9'] => Some(AccountKind::Savings),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before() -> BankDetails {
        BankDetails {
            kind: AccountKind::Checking,
            routing_number: "021000021".parse().unwrap(),
            account_number: "000111229401".to_owned(),
        }
    }

    /// What a notification makes of the account, as text.
    fn after(code: &str, corrected: &str) -> Option<String> {
        let details = Change::read(code, corrected).applied_to(&before())?;
        Some(format!("{} {} {:?}", details.routing_number, details.account_number, details.kind))
    }

    #[test]
    fn each_code_changes_what_it_speaks_of_and_nothing_else() {
        let cases = [
            ("C01", "000111224242", "021000021 000111224242 Checking"),
            ("C02", "011000015", "011000015 000111229401 Checking"),
            ("C03", "011000015   000111224242", "011000015 000111224242 Checking"),
            ("C05", "37", "021000021 000111229401 Savings"),
            ("C06", "000111224242        37", "021000021 000111224242 Savings"),
            ("C07", "011000015000111224242     32", "011000015 000111224242 Savings"),
        ];
        for (code, corrected, expected) in cases {
            assert_eq!(after(code, corrected).as_deref(), Some(expected), "{code}");
        }
    }

    #[test]
    fn what_cannot_be_read_whole_changes_nothing_and_goes_to_the_desk() {
        let unreadable = [
            ("C01", ""),
            ("C01", "12-345"),
            ("C01", "123"),
            ("C02", "011000016"),
            ("C03", "011000015"),
            ("C03", "            000111224242"),
            ("C05", "99"),
            ("C06", "000111224242"),
            ("C07", "011000015000111224242     "),
            ("C08", "x"),
            ("C13", ""),
            ("C99", ""),
            ("", "é"),
        ];
        for (code, corrected) in unreadable {
            assert!(Change::read(code, corrected) == Change::Desk, "{code} {corrected}");
            assert_eq!(after(code, corrected), None, "{code}");
        }
        assert!(Change::read("C04", "ANN EXAMPLE") == Change::Noted);
        assert_eq!(after("C01", "000111229401"), None, "it is so already");
    }
}
