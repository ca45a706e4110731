//! Do the books add up? Every posting, every line, every closed month and every accrual, from nothing.
//!
//! Of 500 lines at a time four statements (ids, events, balances, what was told of accrual), of everything else seven in all; the
//! replay of each line's whole history is most of the work. One snapshot: nothing is posted between the questions. One line by itself
//! is in `entries`.

mod accrued;
mod clearing;
mod entries;
mod lines;

use std::{collections::BTreeMap, fmt};

use ledger::{AccountCode, Chart};
use money::Cents;
use serde::Serialize;
use store::{
    Store, Tx,
    periods::{self, WrongBalance},
    postings::{self, AccountTotal},
};

pub use entries::{Days, EventPosted, LineEntries, LineEntry, LinePosting, WhichLine};
pub use lines::Difference;

use crate::ServicingError;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    pub ok: bool,
    pub accounts: Vec<Account>,
    #[serde(rename = "debits_cents")]
    pub debits: Cents,
    #[serde(rename = "credits_cents")]
    pub credits: Cents,
    /// Postings that do not balance or have no entries.
    pub unbalanced: Vec<String>,
    pub lines_replayed: u64,
    /// What the books and the lines' histories do not agree on.
    pub differences: Vec<Difference>,
    /// Control accounts that are not the sum of their lines.
    pub control_accounts_off: Vec<String>,
    /// Balances of closed months that are not the sum of their entries.
    pub months_off: Vec<String>,
    /// What is wrong with the accrual of interest.
    pub accruals_off: Vec<String>,
    /// Clearing accounts that are not what is in transit.
    pub clearing_off: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    pub code: String,
    pub name: String,
    #[serde(rename = "debits_cents")]
    pub debits: Cents,
    #[serde(rename = "credits_cents")]
    pub credits: Cents,
}

/// Looks at everything; changes nothing.
pub async fn check(store: &Store) -> Result<Checked, ServicingError> {
    let chart = Chart::embedded().map_err(ServicingError::engine)?;
    let mut tx =
        store.audit().begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let totals = postings::account_totals(&mut tx).await?;
    let unbalanced = postings::find_unbalanced(&mut tx).await?;
    let lines = lines::check(&mut tx, &chart).await?;
    let months_off = months_off(&mut tx, &chart).await?;
    let mut accruals_off = accrued::check(&mut tx, &chart, &totals).await?;
    let clearing_off = clearing::check(&mut tx, &chart, &totals).await?;
    tx.rollback().await?;

    accruals_off.extend(lines.accruals_off);
    let control_accounts_off = control_accounts_off(&chart, &totals, &lines.totals);
    let (debits, credits) = (
        totals.iter().map(|total| total.debits).sum(),
        totals.iter().map(|total| total.credits).sum(),
    );
    Ok(Checked {
        ok: debits == credits
            && unbalanced.is_empty()
            && lines.differences.is_empty()
            && control_accounts_off.is_empty()
            && months_off.is_empty()
            && accruals_off.is_empty()
            && clearing_off.is_empty(),
        accounts: totals
            .into_iter()
            .map(|total| Account {
                code: total.account.to_string(),
                name: name(&chart, total.account),
                debits: total.debits,
                credits: total.credits,
            })
            .collect(),
        debits,
        credits,
        unbalanced: unbalanced.iter().map(ToString::to_string).collect(),
        lines_replayed: lines.checked,
        differences: lines.differences,
        control_accounts_off,
        months_off,
        accruals_off,
        clearing_off,
    })
}

fn name(chart: &Chart, code: AccountCode) -> String {
    chart.by_code(code).map_or_else(|| "unknown".to_owned(), |account| account.name.clone())
}

fn control_accounts_off(
    chart: &Chart,
    totals: &[AccountTotal],
    of_lines: &BTreeMap<AccountCode, Cents>,
) -> Vec<String> {
    totals
        .iter()
        .filter(|total| chart.by_code(total.account).is_none_or(|account| account.control))
        .filter(|total| {
            of_lines.get(&total.account).copied().unwrap_or_default()
                != total.debits - total.credits
        })
        .map(|total| name(chart, total.account))
        .collect()
}

async fn months_off(tx: &mut Tx<'_>, chart: &Chart) -> Result<Vec<String>, ServicingError> {
    let wrong = periods::find_wrong(tx).await?;
    let said = |WrongBalance { month, account }| {
        format!("{} of {}", name(chart, account), month.format("%Y-%m"))
    };
    Ok(wrong.into_iter().map(said).collect())
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, debits: Cents, credits: Cents| {
            writeln!(f, "{name:<36} {:>18} {:>18}", debits.to_string(), credits.to_string())
        };
        writeln!(f, "{:<36} {:>18} {:>18}", "account", "debits", "credits")?;
        for Account { code, name, debits, credits } in &self.accounts {
            row(f, &format!("{code} {name}"), *debits, *credits)?;
        }
        row(f, "total", self.debits, self.credits)?;
        for posting in &self.unbalanced {
            writeln!(f, "posting {posting} does not balance")?;
        }
        for difference in &self.differences {
            writeln!(f, "{difference}")?;
        }
        for account in &self.control_accounts_off {
            writeln!(f, "account {account} is not the sum of its lines")?;
        }
        for balance in &self.months_off {
            writeln!(f, "the closed balance {balance} is not the sum of its entries")?;
        }
        for problem in self.accruals_off.iter().chain(&self.clearing_off) {
            writeln!(f, "{problem}")?;
        }
        writeln!(f, "{} credit lines replayed", self.lines_replayed)?;
        f.write_str(if self.ok { "the books add up" } else { "the books do NOT add up" })
    }
}
