//! `plumbline ledger check`: do the books add up?

mod lines;

use std::fmt;

use ledger::Chart;
use money::Cents;
use serde::Serialize;
use store::{Store, postings};

use crate::{context::Context, exit::Exit};
use lines::Difference;

#[derive(clap::Subcommand)]
pub(crate) enum Ledger {
    /// Check that every posting balances, that all debits equal all credits, and that the books show for each credit
    /// line what its history comes to.
    Check,
}

#[derive(Serialize)]
struct Checked {
    ok: bool,
    accounts: Vec<Account>,
    debits_cents: Cents,
    credits_cents: Cents,
    /// Postings that do not balance or have no entries.
    unbalanced: Vec<String>,
    lines_replayed: u64,
    /// What the books and the lines' histories do not agree on.
    differences: Vec<Difference>,
    /// Control accounts that are not the sum of their lines.
    control_accounts_off: Vec<String>,
}

#[derive(Serialize)]
struct Account {
    code: String,
    name: String,
    debits_cents: Cents,
    credits_cents: Cents,
}

pub(super) async fn run(ledger: &Ledger, context: &Context) -> anyhow::Result<Exit> {
    let Ledger::Check = ledger;
    let store = Store::open(&context.config.location()?).await?;
    let checked = check(&store).await?;
    store.close().await;
    context.output.answer(&checked)?;
    Ok(if checked.ok { Exit::Done } else { Exit::NotRight })
}

async fn check(store: &Store) -> anyhow::Result<Checked> {
    let chart = Chart::embedded()?;
    // One snapshot: nothing may be posted between the questions.
    let mut tx =
        store.audit().begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let totals = postings::account_totals(&mut tx).await?;
    let unbalanced = postings::find_unbalanced(&mut tx).await?;
    let lines = lines::check(&mut tx, &chart).await?;
    tx.rollback().await?;

    let debits_cents: Cents = totals.iter().map(|total| total.debits).sum();
    let credits_cents: Cents = totals.iter().map(|total| total.credits).sum();
    let name = |code| {
        chart.by_code(code).map_or_else(|| "unknown".to_owned(), |account| account.name.clone())
    };
    let control_accounts_off: Vec<String> = totals
        .iter()
        .filter(|total| chart.by_code(total.account).is_none_or(|account| account.control))
        .filter(|total| {
            lines.totals.get(&total.account).copied().unwrap_or_default()
                != total.debits - total.credits
        })
        .map(|total| name(total.account))
        .collect();
    Ok(Checked {
        ok: debits_cents == credits_cents
            && unbalanced.is_empty()
            && lines.differences.is_empty()
            && control_accounts_off.is_empty(),
        accounts: totals
            .into_iter()
            .map(|total| Account {
                code: total.account.to_string(),
                name: name(total.account),
                debits_cents: total.debits,
                credits_cents: total.credits,
            })
            .collect(),
        debits_cents,
        credits_cents,
        unbalanced: unbalanced.iter().map(ToString::to_string).collect(),
        lines_replayed: lines.checked,
        differences: lines.differences,
        control_accounts_off,
    })
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, debits: Cents, credits: Cents| {
            writeln!(f, "{name:<36} {:>18} {:>18}", debits.to_string(), credits.to_string())
        };
        writeln!(f, "{:<36} {:>18} {:>18}", "account", "debits", "credits")?;
        for Account { code, name, debits_cents, credits_cents } in &self.accounts {
            row(f, &format!("{code} {name}"), *debits_cents, *credits_cents)?;
        }
        row(f, "total", self.debits_cents, self.credits_cents)?;
        for posting in &self.unbalanced {
            writeln!(f, "posting {posting} does not balance")?;
        }
        for difference in &self.differences {
            writeln!(f, "{difference}")?;
        }
        for account in &self.control_accounts_off {
            writeln!(f, "account {account} is not the sum of its lines")?;
        }
        writeln!(f, "{} credit lines replayed", self.lines_replayed)?;
        f.write_str(if self.ok { "the books add up" } else { "the books do NOT add up" })
    }
}
