//! A trial balance as a person reads it.

use std::fmt;

use ledger::Side;
use serde::Serialize;
use servicing::periods::{AccountBalance, TrialBalance};

use super::By;

#[derive(Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    pub(super) balance: TrialBalance,
    #[serde(skip)]
    pub(super) by: By,
}

impl Shown {
    pub(super) fn adds_up(&self) -> bool {
        self.balance.debits == self.balance.credits
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TrialBalance { as_of, known_at, brought_forward_from, accounts, debits, credits } =
            &self.balance;
        let by = match self.by {
            By::Booked => "booked",
            By::Value => "effective",
        };
        write!(f, "trial balance of what was {by} by {as_of}")?;
        if let Some(known_at) = known_at {
            write!(f, ", as known at {known_at}")?;
        }
        match brought_forward_from {
            Some(month) => writeln!(f, "; brought forward from {}", month.format("%Y-%m"))?,
            None => writeln!(f, "; no month is closed")?,
        }
        write_accounts(f, ("account", "brought forward"), accounts)?;
        writeln!(f, "all debits {debits}, all credits {credits}")?;
        f.write_str(if self.adds_up() { "it adds up" } else { "it does NOT add up" })
    }
}

/// The accounts under these words for the account and for its balance before.
pub(super) fn write_accounts(
    f: &mut fmt::Formatter<'_>,
    (account, before): (&str, &str),
    accounts: &[AccountBalance],
) -> fmt::Result {
    writeln!(f, "{account:<34} {before:>18} {:>18} {:>18} {:>18}", "debits", "credits", "balance")?;
    for account in accounts {
        let side = match account.side {
            Side::Debit => "Dr",
            Side::Credit => "Cr",
        };
        writeln!(
            f,
            "{:<34} {:>18} {:>18} {:>18} {:>18} {side}",
            format!("{} {}", account.code, account.name),
            account.brought_forward.to_string(),
            account.debits.to_string(),
            account.credits.to_string(),
            account.balance.to_string(),
        )?;
    }
    Ok(())
}
