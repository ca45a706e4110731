//! The sub-ledgers against the lines: what the books show for a line is what replaying its history comes to.

use std::{collections::BTreeMap, fmt};

use credit::{Buckets, CreditLine};
use identity::CreditLineId;
use ledger::{AccountCode, Chart};
use money::Cents;
use serde::Serialize;
use store::{Tx, line_events, postings};

const PAGE: u32 = 500;

/// What was found, line by line and over all of them.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) checked: u64,
    pub(super) differences: Vec<Difference>,
    /// The sum of all lines' balances, by control account.
    pub(super) totals: BTreeMap<AccountCode, Cents>,
}

/// A figure of a line that the books and the history do not agree on. Positive: owed by the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    credit_line: CreditLineId,
    account: String,
    ledger_cents: Cents,
    /// Nothing where the history could not be replayed: then `problem` says why.
    replayed_cents: Option<Cents>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Loads every line once, a page of ids at a time.
pub(super) async fn check(tx: &mut Tx<'_>, chart: &Chart) -> anyhow::Result<Lines> {
    let mut lines = Lines::default();
    let mut after = None;
    loop {
        let page = postings::lines_after(tx, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(lines) };
        after = Some(*last);
        for id in page {
            check_line(tx, chart, id, &mut lines).await?;
        }
    }
}

async fn check_line(
    tx: &mut Tx<'_>,
    chart: &Chart,
    id: CreditLineId,
    lines: &mut Lines,
) -> anyhow::Result<()> {
    let mut booked = BTreeMap::new();
    for balance in postings::line_balances(tx, id).await? {
        booked.insert(balance.account, balance.balance);
        *lines.totals.entry(balance.account).or_default() += balance.balance;
    }
    lines.checked += 1;
    match CreditLine::from_history(id, line_events::load(tx, id).await?, Vec::new()) {
        Ok(line) => lines.differences.extend(compare(
            id,
            &by_account(chart, line.posted())?,
            &booked,
            chart,
        )),
        Err(error) => lines.differences.push(Difference {
            credit_line: id,
            account: "all".to_owned(),
            ledger_cents: booked.values().copied().sum(),
            replayed_cents: None,
            problem: Some(error.to_string()),
        }),
    }
    Ok(())
}

/// The buckets as debit balances of the control accounts.
fn by_account(chart: &Chart, buckets: &Buckets) -> anyhow::Result<BTreeMap<AccountCode, Cents>> {
    let named = [
        ("principal", buckets.principal),
        ("billed_interest", buckets.billed_interest),
        ("fees", buckets.fees),
        ("penalty_fees", buckets.penalty_fees),
        ("credit_balances", -buckets.credit_balance),
    ];
    named.into_iter().map(|(name, amount)| Ok((chart.account(name)?.code, amount))).collect()
}

/// Both ways: an account that only one side knows counts as zero on the other.
fn compare(
    credit_line: CreditLineId,
    replayed: &BTreeMap<AccountCode, Cents>,
    booked: &BTreeMap<AccountCode, Cents>,
    chart: &Chart,
) -> Vec<Difference> {
    let mut codes: Vec<AccountCode> = replayed.keys().chain(booked.keys()).copied().collect();
    codes.sort_unstable();
    codes.dedup();
    let amount =
        |side: &BTreeMap<AccountCode, Cents>, code| side.get(&code).copied().unwrap_or_default();
    codes
        .into_iter()
        .filter(|code| amount(replayed, *code) != amount(booked, *code))
        .map(|code| Difference {
            credit_line,
            account: chart
                .by_code(code)
                .map_or_else(|| code.to_string(), |account| account.name.clone()),
            ledger_cents: amount(booked, code),
            replayed_cents: Some(amount(replayed, code)),
            problem: None,
        })
        .collect()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { credit_line, account, ledger_cents, .. } = self;
        write!(f, "line {credit_line}: {account} is {ledger_cents} in the books")?;
        match (&self.replayed_cents, &self.problem) {
            (Some(replayed), _) => write!(f, " and {replayed} by its history"),
            (None, Some(problem)) => write!(f, ", and its history cannot be replayed: {problem}"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cent_that_only_one_side_knows_is_a_difference() {
        let chart = Chart::embedded().unwrap();
        let id = CreditLineId::mint(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let buckets = Buckets {
            principal: Cents::new(5_000),
            credit_balance: Cents::new(7),
            ..Buckets::default()
        };
        let replayed = by_account(&chart, &buckets).unwrap();
        let mut booked = replayed.clone();
        booked.retain(|_, amount| !amount.is_zero());
        assert_eq!(compare(id, &replayed, &booked, &chart), []);

        let cash = chart.account("cash").unwrap().code;
        booked.insert(cash, Cents::new(1));
        booked.remove(&chart.account("credit_balances").unwrap().code);
        let found: Vec<_> = compare(id, &replayed, &booked, &chart)
            .into_iter()
            .map(|one| (one.account, one.ledger_cents))
            .collect();
        assert_eq!(
            found,
            [("cash".to_owned(), Cents::new(1)), ("credit_balances".to_owned(), Cents::ZERO)]
        );
    }
}
