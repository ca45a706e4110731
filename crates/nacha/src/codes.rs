//! The codes of the format.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The standard entry class: how the customer authorised the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Sec {
    /// Authorised in writing.
    Ppd,
    /// Authorised over the internet.
    Web,
    /// To or from a company's account.
    Ccd,
    /// Notifications of change: nothing moves.
    Cor,
    /// Three letters that we do not know.
    Other([u8; 3]),
}

impl Sec {
    /// As it stands in a file.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ppd => "PPD",
            Self::Web => "WEB",
            Self::Ccd => "CCD",
            Self::Cor => "COR",
            Self::Other(letters) => str::from_utf8(letters).unwrap_or_default(),
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let known = [Self::Ppd, Self::Web, Self::Ccd, Self::Cor];
        if let Some(sec) = known.into_iter().find(|sec| sec.as_str() == text) {
            return Some(sec);
        }
        let letters = <[u8; 3]>::try_from(text.as_bytes()).ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self::Other(letters))
    }
}

/// What an entry does to which kind of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionCode {
    CreditChecking,
    DebitChecking,
    CreditSavings,
    DebitSavings,
    /// A returned credit, or a notification of change for one.
    ReturnedCreditChecking,
    ReturnedDebitChecking,
    ReturnedCreditSavings,
    ReturnedDebitSavings,
}

impl TransactionCode {
    const ALL: [(Self, &'static str); 8] = [
        (Self::ReturnedCreditChecking, "21"),
        (Self::CreditChecking, "22"),
        (Self::ReturnedDebitChecking, "26"),
        (Self::DebitChecking, "27"),
        (Self::ReturnedCreditSavings, "31"),
        (Self::CreditSavings, "32"),
        (Self::ReturnedDebitSavings, "36"),
        (Self::DebitSavings, "37"),
    ];

    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(code, _)| *code == self).map_or("", |(_, text)| text)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == text).map(|(code, _)| *code)
    }

    /// Whether the entry, or the entry it returns, takes money from the account.
    #[must_use]
    pub const fn is_debit(self) -> bool {
        matches!(
            self,
            Self::DebitChecking
                | Self::DebitSavings
                | Self::ReturnedDebitChecking
                | Self::ReturnedDebitSavings
        )
    }

    /// The code under which an entry of this code comes back.
    #[must_use]
    pub const fn returned(self) -> Self {
        match self {
            Self::CreditChecking | Self::ReturnedCreditChecking => Self::ReturnedCreditChecking,
            Self::DebitChecking | Self::ReturnedDebitChecking => Self::ReturnedDebitChecking,
            Self::CreditSavings | Self::ReturnedCreditSavings => Self::ReturnedCreditSavings,
            Self::DebitSavings | Self::ReturnedDebitSavings => Self::ReturnedDebitSavings,
        }
    }
}

/// Why an entry came back: `R01` to `R85`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReturnCode(u8);

impl ReturnCode {
    /// The code `R` followed by `number`; `None` outside 1 to 85.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if matches!(number, 1..=85) { Some(Self(number)) } else { None }
    }

    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl FromStr for ReturnCode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_prefix('R')
            .filter(|digits| digits.len() == 2)
            .and_then(|digits| digits.parse().ok())
            .and_then(Self::new)
            .ok_or_else(|| format!("`{text}` is not a return code, R01 to R85"))
    }
}

impl TryFrom<String> for ReturnCode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ReturnCode> for String {
    fn from(code: ReturnCode) -> Self {
        code.to_string()
    }
}

impl fmt::Display for ReturnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "R{:02}", self.0)
    }
}
