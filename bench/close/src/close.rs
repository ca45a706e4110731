//! One close of one day, and the same rows once more without anything that makes them.

use std::{fs, time::Instant};

use serde::Serialize;
use servicing::{
    Caller,
    close::{Close, CloseAsk, CloseReport, Pace},
};

use crate::{
    bare, debits,
    portfolio::{Portfolio, due_on},
};

#[derive(Serialize)]
pub(crate) struct Closed {
    pub(crate) lines_loaded: u64,
    pub(crate) loading_ms: u128,
    pub(crate) lines_due: u64,
    pub(crate) close_ms: u128,
    pub(crate) micros_per_line_due: u128,
    /// The most memory that this process held while it closed.
    pub(crate) memory_kb: u64,
    pub(crate) rows: u64,
    pub(crate) rows_per_second: u128,
    pub(crate) bare_ms: u128,
    pub(crate) bare_rows_per_second: u128,
    /// The close's rate of rows, in hundredths of the bare insert's.
    pub(crate) percent_of_bare: u128,
    /// Debits of the day, sent and credited, and what one of them took.
    pub(crate) debits: u32,
    pub(crate) micros_per_debit: u128,
}

pub(crate) async fn run(portfolio: &Portfolio, ask: CloseAsk) -> anyhow::Result<CloseReport> {
    match portfolio.servicing.close_day(Caller::system(), ask, |_| {}).await? {
        Close::Ran(report) if report.whole() => Ok(report),
        other => anyhow::bail!("the close did not do its work: {other:?}"),
    }
}

pub(crate) async fn measure(lines: u64) -> anyhow::Result<Closed> {
    let portfolio = Portfolio::load(lines).await?;
    eprintln!(
        "  loaded in {} s; now the close, and the same rows inserted again",
        portfolio.loaded_ms / 1_000
    );
    let ask = CloseAsk { on: due_on(), workers: None, pace: Pace::Full, payments: false };
    // From here on the most is counted anew.
    fs::write("/proc/self/clear_refs", "5")?;
    let began = Instant::now();
    let report = run(&portfolio, ask).await?;
    let took = began.elapsed();
    let memory_kb = memory_high_water()?;
    let lines_due = report.lines.lines;
    let bare = bare::insert_again(&portfolio).await?;
    portfolio_closed(portfolio, lines, (lines_due, took.as_micros(), memory_kb), bare).await
}

async fn portfolio_closed(
    portfolio: Portfolio,
    lines: u64,
    (lines_due, micros, memory_kb): (u64, u128, u64),
    bare: bare::Bare,
) -> anyhow::Result<Closed> {
    let loading_ms = portfolio.loaded_ms;
    eprintln!("  now the debits of the day");
    let (debits, micros_per_debit) = debits::measure(&portfolio).await?;
    portfolio.close().await;
    let rate = |micros: u128| u128::from(bare.rows) * 1_000_000 / micros.max(1);
    let (ours, theirs) = (rate(micros), rate(bare.micros));
    Ok(Closed {
        lines_loaded: lines,
        loading_ms,
        lines_due,
        close_ms: micros / 1000,
        micros_per_line_due: micros / u128::from(lines_due.max(1)),
        memory_kb,
        rows: bare.rows,
        rows_per_second: ours,
        bare_ms: bare.micros / 1000,
        bare_rows_per_second: theirs,
        percent_of_bare: ours * 100 / theirs.max(1),
        debits,
        micros_per_debit,
    })
}

fn memory_high_water() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.split_whitespace().next()).and_then(|kb| kb.parse().ok());
    kb.ok_or_else(|| anyhow::anyhow!("the system does not say how much memory there was"))
}
