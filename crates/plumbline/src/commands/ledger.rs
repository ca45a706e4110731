//! `plumbline ledger`: the books, their months, and the interest that runs.

mod accruals;
mod balance;
mod entries;

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use ledger::{Chart, LedgerAccount};
use serde::Serialize;
use servicing::{
    AccrualReport, Caller, ServicingError,
    books::{self, Checked},
    periods::PeriodClosed,
};
use store::{
    Store,
    periods::{AsOf, ByDate},
};

use crate::{
    context::Context,
    exit::{Exit, UsageError},
    house, output,
};

#[derive(clap::Subcommand)]
pub(crate) enum Ledger {
    /// Check that every posting balances, that all debits equal all credits, that the books show for each credit line what
    /// its history comes to, that closed months are as they were kept, and that interest is accrued as the lines tell.
    Check,
    /// Print the chart of accounts.
    Chart,
    /// Print what every account came to: the last closed month, and what moved since.
    TrialBalance(TrialBalance),
    /// List the entries of one credit line, from its events to the accounts, and check that they come to what its history comes to.
    /// Interest that runs is posted for all lines together and is not among them.
    Entries(entries::Entries),
    /// Post the interest that ran, day by day, for all days that are not accrued yet.
    Accrue(Accrue),
    /// List what was accrued day by day, of all lines together: what was posted for each day, and what it left unbilled.
    Accruals(accruals::Accruals),
    /// Close an accounting month that is over. Nothing is booked into it from then on.
    Close(Close),
}

#[derive(clap::Args)]
pub(crate) struct TrialBalance {
    /// With all of this day. Without it, today.
    #[arg(long, value_name = "DATE")]
    as_of: Option<NaiveDate>,

    /// Which date of an entry counts.
    #[arg(long, value_enum, default_value_t)]
    by: By,

    /// As it was known then: an instant such as 2026-11-01T08:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    known_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// The accounting date: what fell into a closed month counts on the first day of the open one.
    #[default]
    Booked,
    /// The value date: when it took effect.
    Value,
}

impl From<By> for ByDate {
    fn from(by: By) -> Self {
        match by {
            By::Booked => Self::Booked,
            By::Value => Self::Value,
        }
    }
}

#[derive(clap::Args)]
pub(crate) struct Accrue {
    /// The last day to accrue.
    #[arg(long, value_name = "DATE")]
    through: NaiveDate,
}

#[derive(clap::Args)]
pub(crate) struct Close {
    /// The month, such as 2026-10.
    #[arg(long, value_name = "YYYY-MM", value_parser = month)]
    period: NaiveDate,
}

/// The first day of a month that is named by its year and number.
fn month(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d")
        .map_err(|_| "a month is written as its year and number, such as 2026-10".to_owned())
}

pub(super) async fn run(ledger: &Ledger, context: &Context) -> anyhow::Result<Exit> {
    match ledger {
        Ledger::Check => check(context).await,
        Ledger::Chart => {
            let chart = Chart::embedded()?;
            let accounts = chart.accounts().into_iter().cloned().collect();
            context.output.answer(&Accounts { accounts }).map(|()| Exit::Done)
        }
        Ledger::TrialBalance(args) => trial_balance(args, context).await,
        Ledger::Entries(args) => entries::run(args, context).await,
        Ledger::Accrue(args) => accrue(args, context).await,
        Ledger::Accruals(args) => accruals::run(args, context).await,
        Ledger::Close(args) => close(args, context).await,
    }
}

async fn check(context: &Context) -> anyhow::Result<Exit> {
    let store = Store::open(&context.config.location()?).await?;
    let checked = books::check(&store).await;
    store.close().await;
    let checked: Checked = checked?;
    context.output.answer(&checked)?;
    Ok(if checked.ok { Exit::Done } else { Exit::NotRight })
}

#[derive(Serialize)]
struct Accounts {
    accounts: Vec<LedgerAccount>,
}

impl fmt::Display for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<5} {:<28} {:<10} {:<8} title", "code", "name", "class", "by line")?;
        for account in &self.accounts {
            let LedgerAccount { code, name, title, class, control } = account;
            let class = format!("{class:?}").to_lowercase();
            let control = if *control { "yes" } else { "" };
            write!(f, "\n{:<5} {name:<28} {class:<10} {control:<8} {title}", code.to_string())?;
        }
        Ok(())
    }
}

async fn trial_balance(args: &TrialBalance, context: &Context) -> anyhow::Result<Exit> {
    let servicing = house::books(&context.config).await?;
    let on = args.as_of.unwrap_or_else(|| servicing.today());
    let as_of = AsOf { on, by: args.by.into(), known_at: args.known_at };
    let balance = servicing.trial_balance(Caller::system(), as_of).await;
    servicing.store().close().await;
    let balance = balance::Shown { balance: balance.map_err(refused)?, by: args.by };
    context.output.answer(&balance)?;
    Ok(if balance.adds_up() { Exit::Done } else { Exit::NotRight })
}

#[derive(Serialize)]
#[serde(transparent)]
struct RanUp(AccrualReport);

impl fmt::Display for RanUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AccrualReport { days, through, deltas, groups, accrued, trued_up } = self.0;
        let through = through.map_or_else(|| "no day".to_owned(), |day| day.to_string());
        if days == 0 {
            return write!(f, "interest is accrued through {through} already: nothing to do");
        }
        writeln!(f, "{days} days accrued, through {through}")?;
        writeln!(f, "changes of lines taken up: {deltas}; groups carried on: {groups}")?;
        write!(f, "interest posted: {accrued}; billed beyond what was estimated: {trued_up}")
    }
}

async fn accrue(args: &Accrue, context: &Context) -> anyhow::Result<Exit> {
    let servicing = house::books(&context.config).await?;
    output::progress(format_args!("accruing interest through {}", args.through));
    let report = servicing.accrue(Caller::system(), args.through).await;
    servicing.store().close().await;
    context.output.answer(&RanUp(report.map_err(refused)?))?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Closed(PeriodClosed);

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PeriodClosed { month, resumed, lines_checked } = self.0;
        let month = month.format("%Y-%m");
        if resumed {
            return write!(f, "{month} was closed before: its balances are kept now");
        }
        write!(f, "{month} is closed: the books add up, {lines_checked} credit lines replayed")
    }
}

async fn close(args: &Close, context: &Context) -> anyhow::Result<Exit> {
    let servicing = house::books(&context.config).await?;
    output::progress("checking the books; every line's history is replayed");
    let closed = servicing.close_period(Caller::system(), args.period).await;
    servicing.store().close().await;
    context.output.answer(&Closed(closed.map_err(refused)?))?;
    Ok(Exit::Done)
}

/// What the business says no to is the caller's to put right.
fn refused(error: ServicingError) -> anyhow::Error {
    match error.refusal() {
        Some(refusal) => UsageError(refusal.sentence.clone()).into(),
        None => error.into(),
    }
}
