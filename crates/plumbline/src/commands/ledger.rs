//! `plumbline ledger check`: do the books add up?

use std::fmt;

use money::Cents;
use serde::Serialize;
use store::{Store, postings};

use super::{Context, Exit};

#[derive(clap::Subcommand)]
pub(crate) enum Ledger {
    /// Check that every posting balances and that all debits equal all credits.
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
}

#[derive(Serialize)]
struct Account {
    code: String,
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
    // One snapshot: nothing may be posted between the questions.
    let mut tx =
        store.audit().begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let totals = postings::account_totals(&mut tx).await?;
    let unbalanced = postings::find_unbalanced(&mut tx).await?;
    let debits_cents: Cents = totals.iter().map(|total| total.debits).sum();
    let credits_cents: Cents = totals.iter().map(|total| total.credits).sum();
    Ok(Checked {
        ok: unbalanced.is_empty() && debits_cents == credits_cents,
        accounts: totals
            .into_iter()
            .map(|total| Account {
                code: total.account.to_string(),
                debits_cents: total.debits,
                credits_cents: total.credits,
            })
            .collect(),
        debits_cents,
        credits_cents,
        unbalanced: unbalanced.iter().map(ToString::to_string).collect(),
    })
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "account          debits          credits")?;
        for Account { code, debits_cents, credits_cents } in &self.accounts {
            writeln!(
                f,
                "{code:<7} {:>15} {:>16}",
                debits_cents.to_string(),
                credits_cents.to_string()
            )?;
        }
        let Self { debits_cents, credits_cents, .. } = self;
        writeln!(f, "total   {:>15} {:>16}", debits_cents.to_string(), credits_cents.to_string())?;
        for posting in &self.unbalanced {
            writeln!(f, "posting {posting} does not balance")?;
        }
        f.write_str(if self.ok { "the books add up" } else { "the books do NOT add up" })
    }
}
