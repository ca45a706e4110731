//! Totals per account and per credit line, and whether they agree.

use std::collections::BTreeMap;

use identity::CreditLineId;
use money::Cents;
use serde::Serialize;

use crate::{AccountCode, Entry, Posting, Side};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Total {
    pub debits: Cents,
    pub credits: Cents,
}

impl Total {
    /// Debits less credits.
    #[must_use]
    pub fn net(self) -> Cents {
        self.debits - self.credits
    }

    fn add(&mut self, entry: &Entry) {
        match entry.side {
            Side::Debit => self.debits += entry.amount,
            Side::Credit => self.credits += entry.amount,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrialBalance {
    accounts: BTreeMap<AccountCode, Total>,
    lines: BTreeMap<(CreditLineId, AccountCode), Total>,
}

impl TrialBalance {
    #[must_use]
    pub fn of<'a>(postings: impl IntoIterator<Item = &'a Posting>) -> Self {
        let mut balance = Self::default();
        for posting in postings {
            balance.add(posting);
        }
        balance
    }

    pub fn add(&mut self, posting: &Posting) {
        for entry in posting.entries() {
            self.add_entry(entry);
        }
    }

    /// Adds one entry, as it is read back from the books.
    pub fn add_entry(&mut self, entry: &Entry) {
        self.accounts.entry(entry.account).or_default().add(entry);
        if let Some(line) = entry.credit_line {
            self.lines.entry((line, entry.account)).or_default().add(entry);
        }
    }

    #[must_use]
    pub fn account(&self, account: AccountCode) -> Total {
        self.accounts.get(&account).copied().unwrap_or_default()
    }

    /// The sub-ledger of one credit line on a control account.
    #[must_use]
    pub fn line(&self, line: CreditLineId, account: AccountCode) -> Total {
        self.lines.get(&(line, account)).copied().unwrap_or_default()
    }

    pub fn accounts(&self) -> impl Iterator<Item = (AccountCode, Total)> + '_ {
        self.accounts.iter().map(|(account, total)| (*account, *total))
    }

    /// Debits equal credits over all accounts.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.accounts.values().map(|total| total.net()).sum::<Cents>().is_zero()
    }

    /// Control accounts whose total is not the sum of their sub-ledger, with the difference.
    #[must_use]
    pub fn untied(&self) -> Vec<(AccountCode, Cents)> {
        let mut sub_ledgers: BTreeMap<AccountCode, Cents> = BTreeMap::new();
        for ((_, account), total) in &self.lines {
            *sub_ledgers.entry(*account).or_default() += total.net();
        }
        sub_ledgers
            .into_iter()
            .map(|(account, sum)| (account, self.account(account).net() - sum))
            .filter(|(_, difference)| !difference.is_zero())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::Chart;

    #[test]
    fn a_control_account_is_the_sum_of_its_lines() {
        let chart = Chart::embedded().unwrap();
        let (cash, principal) =
            (chart.account("cash").unwrap(), chart.account("principal").unwrap());
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let (one, two) = (CreditLineId::mint(now), CreditLineId::mint(now));
        let draw = |line, amount| {
            Posting::of("drew")
                .debit(principal.of(line), Cents::new(amount))
                .credit(cash, Cents::new(amount))
                .balanced()
                .unwrap()
        };
        let mut books = TrialBalance::of(&[draw(one, 500), draw(two, 250)]);
        assert_eq!(books.account(principal.code).net(), Cents::new(750));
        assert_eq!(books.line(two, principal.code).net(), Cents::new(250));
        assert!(books.holds());
        assert_eq!(books.untied(), []);
        books.add_entry(&Entry {
            account: principal.code,
            side: Side::Debit,
            amount: Cents::new(1),
            credit_line: None,
        });
        assert!(!books.holds());
        assert_eq!(books.untied(), [(principal.code, Cents::new(1))]);
    }
}
