//! The chart of accounts, read from TOML.

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use identity::CreditLineId;
use serde::{Deserialize, Serialize};

use crate::{ChartError, Leg, Side};

/// The number an account is known by in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountCode(u16);

impl AccountCode {
    #[must_use]
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for AccountCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Asset,
    Liability,
    Equity,
    Income,
    Expense,
}

impl Class {
    /// The side on which accounts of the class grow.
    #[must_use]
    pub const fn normal_side(self) -> Side {
        match self {
            Self::Asset | Self::Expense => Side::Debit,
            Self::Liability | Self::Equity | Self::Income => Side::Credit,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerAccount {
    pub code: AccountCode,
    /// What postings call it, e.g. `principal`.
    pub name: String,
    /// What the books print.
    pub title: String,
    pub class: Class,
    /// Stands for a sub-ledger: each entry names a credit line.
    #[serde(default)]
    pub control: bool,
}

impl LedgerAccount {
    /// A leg on the sub-ledger of `credit_line`.
    #[must_use]
    pub fn of(&self, credit_line: CreditLineId) -> Leg<'_> {
        Leg { account: self, credit_line: Some(credit_line) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    by_name: BTreeMap<String, LedgerAccount>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChartFile {
    accounts: Vec<LedgerAccount>,
}

impl Chart {
    /// The chart that is compiled in (`products/chart.toml`), read once.
    pub fn embedded() -> Result<Self, ChartError> {
        static EMBEDDED: LazyLock<Result<Chart, ChartError>> =
            LazyLock::new(|| Chart::parse(include_str!("../../../products/chart.toml")));
        EMBEDDED.clone()
    }

    pub fn parse(text: &str) -> Result<Self, ChartError> {
        let file: ChartFile =
            toml::from_str(text).map_err(|error| ChartError::Malformed(error.to_string()))?;
        let mut by_name = BTreeMap::new();
        let mut codes = BTreeMap::new();
        for account in file.accounts {
            if codes.insert(account.code, account.name.clone()).is_some() {
                return Err(ChartError::Duplicate(account.code.to_string()));
            }
            if let Some(earlier) = by_name.insert(account.name.clone(), account) {
                return Err(ChartError::Duplicate(earlier.name));
            }
        }
        Ok(Self { by_name })
    }

    pub fn account(&self, name: &str) -> Result<&LedgerAccount, ChartError> {
        self.by_name.get(name).ok_or_else(|| ChartError::Missing(name.to_owned()))
    }

    #[must_use]
    pub fn by_code(&self, code: AccountCode) -> Option<&LedgerAccount> {
        self.by_name.values().find(|account| account.code == code)
    }

    /// Every account, in the order of the codes.
    #[must_use]
    pub fn accounts(&self) -> Vec<&LedgerAccount> {
        let mut accounts: Vec<_> = self.by_name.values().collect();
        accounts.sort_by_key(|account| account.code);
        accounts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_that_is_compiled_in_reads() {
        let chart = Chart::embedded().unwrap();
        let principal = chart.account("principal").unwrap();
        assert!(principal.control);
        assert_eq!(principal.class.normal_side(), Side::Debit);
        assert_eq!(chart.by_code(principal.code), Some(principal));
        assert_eq!(chart.account("nothing"), Err(ChartError::Missing("nothing".into())));
        assert_eq!(chart.accounts().len(), chart.by_name.len());
    }

    #[test]
    fn two_accounts_of_one_name_or_code_are_refused() {
        let entry = |code: u16, name: &str| {
            format!(
                "[[accounts]]\ncode = {code}\nname = \"{name}\"\ntitle = \"x\"\nclass = \"asset\"\n"
            )
        };
        let names = Chart::parse(&(entry(1, "cash") + &entry(2, "cash")));
        assert_eq!(names, Err(ChartError::Duplicate("cash".into())));
        let codes = Chart::parse(&(entry(1, "cash") + &entry(1, "fees")));
        assert_eq!(codes, Err(ChartError::Duplicate("0001".into())));
        assert!(matches!(Chart::parse("accounts = 3"), Err(ChartError::Malformed(_))));
    }
}
