//! `plumbline close`: the day close (docs/close.md).

use std::{
    fmt,
    io::IsTerminal as _,
    sync::{Mutex, PoisonError},
};

use chrono::NaiveDate;
use serde::Serialize;
use servicing::{
    Caller, Servicing, ServicingError,
    close::{Close, CloseAsk, CloseReport, DayPayments, LineCounts, Pace, Progress},
};

use crate::{
    context::Context,
    exit::{Exit, UsageError},
    house,
    output::Meter,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The day to close, such as 2026-11-30: what falls due on it, and what was left from days before.
    #[arg(long)]
    date: NaiveDate,

    /// Chunks of lines worked on at a time. Without it one, or with --pace full one for each processor.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=64))]
    workers: Option<u16>,

    /// How hard it works: gentle rests as long as it works, and longer while the database is busy.
    #[arg(long, value_enum, default_value_t)]
    pace: PaceArg,

    /// The sandbox's lines. Where a sandbox server is running, its payments are left to it. With a `DATABASE_URL` it has to
    /// be said twice.
    #[arg(long, action = clap::ArgAction::Count)]
    sandbox: u8,
}

#[derive(Clone, Copy, Default, clap::ValueEnum)]
enum PaceArg {
    #[default]
    Gentle,
    Full,
}

impl From<PaceArg> for Pace {
    fn from(pace: PaceArg) -> Self {
        match pace {
            PaceArg::Gentle => Self::Gentle,
            PaceArg::Full => Self::Full,
        }
    }
}

pub(super) async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let sandbox = house::sandbox_is_meant(args.sandbox, &context.config)?;
    let work = house::day_work(&context.config, sandbox).await?;
    let ask = CloseAsk {
        on: args.date,
        workers: args.workers.map(usize::from),
        pace: args.pace.into(),
        payments: work.has_bank,
    };
    let closed = close(&work.servicing, ask).await;
    work.close().await;
    let answer = Answer(closed?);
    context.output.answer(&answer)?;
    Ok(if answer.0.whole() { Exit::Done } else { Exit::NotRight })
}

async fn close(servicing: &Servicing, ask: CloseAsk) -> anyhow::Result<Close> {
    let bar = Bar::default();
    let closed = servicing.close_day(Caller::system(), ask, |progress| bar.show(progress)).await;
    match closed {
        Err(ServicingError::Refused(refusal)) => {
            Err(UsageError(format!("{} Close that day, or an earlier one.", refusal.sentence))
                .into())
        }
        other => Ok(other?),
    }
}

/// A bar on a terminal, a line for every tenth anywhere else.
#[derive(Default)]
struct Bar(Mutex<Option<(Meter, u64)>>);

impl Bar {
    fn show(&self, Progress { done, all }: Progress) {
        if all == 0 {
            return;
        }
        let size = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (meter, told) = shown.get_or_insert_with(|| (Meter::new(size(all)), u64::MAX));
        if std::io::stderr().is_terminal() {
            // At the end there may be more than there were at the beginning.
            meter.show(size(done.min(all)), "lines");
        } else if done * 10 / all != *told {
            meter.line(&format!("{done} of {all} lines"));
        }
        *told = done * 10 / all;
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Answer(Close);

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Close::Ran(report) => tell(f, report),
            Close::Before { on, closed_with, closed_at, lines, payments } => {
                write!(f, "{on} was closed already")?;
                if on != closed_with {
                    write!(f, ", with {closed_with}")?;
                }
                writeln!(f, ", at {closed_at}: no line has anything due. That close:")?;
                tell_lines(f, lines)?;
                write!(f, "\nThis run:")?;
                tell_payments(f, payments)
            }
        }
    }
}

fn tell_lines(f: &mut fmt::Formatter<'_>, lines: &LineCounts) -> fmt::Result {
    writeln!(f, "  lines worked off     {}", lines.lines)?;
    writeln!(f, "  statements           {}", lines.statements_issued)?;
    writeln!(f, "  fees                 {}", lines.fees_assessed)?;
    writeln!(f, "  adjustments          {}", lines.adjustments)?;
    writeln!(f, "  standings changed    {}", lines.standings_changed)?;
    write!(f, "  lines put aside      {}", lines.failed)
}

fn tell_payments(f: &mut fmt::Formatter<'_>, of: &DayPayments) -> fmt::Result {
    match (&of.report, &of.broke) {
        (Some(payments), _) => {
            write!(
                f,
                "\n  payments             {} credited, {} settled, {} returned, {} held back, {} with the bank, {} failed",
                payments.released,
                payments.settled,
                payments.returned,
                payments.held_back,
                payments.pending,
                payments.failed
            )?;
            if payments.with_the_desk > 0 {
                write!(
                    f,
                    ", {} left to the desk, which has a case of each",
                    payments.with_the_desk
                )?;
            }
            if payments.unreached > 0 {
                write!(
                    f,
                    "\n                       the bank did not answer, {} times",
                    payments.unreached
                )?;
            }
        }
        (None, Some(why)) => write!(f, "\n  payments             could not be worked off: {why}")?,
        (None, None) => write!(f, "\n  payments             left to the server that runs")?,
    }
    if of.whole() {
        return Ok(());
    }
    write!(f, "\n                       run it again when that is mended")
}

fn tell(f: &mut fmt::Formatter<'_>, report: &CloseReport) -> fmt::Result {
    let on = report.on;
    tell_lines(f, &report.lines)?;
    tell_payments(f, &report.payments)?;
    let accrual = &report.accrual;
    write!(f, "\n  interest accrued     {} over {} days", accrual.accrued, accrual.days)?;
    if let Some(through) = accrual.through {
        write!(f, ", through {through}")?;
    }
    for line in &report.put_aside {
        write!(
            f,
            "\nline {} is put aside since {} (tried {} times): {}",
            line.credit_line_id, line.first_at, line.attempts, line.reason
        )?;
    }
    if report.held > 0 {
        return write!(
            f,
            "\n{on} is NOT closed: {} lines are in somebody else's hands; run it again",
            report.held
        );
    }
    if !report.closed {
        return write!(
            f,
            "\n{on} is NOT closed: not all payments could be worked off; run it again"
        );
    }
    write!(f, "\n{on} is closed")?;
    if report.put_aside.is_empty() {
        return Ok(());
    }
    write!(f, ", but for the lines put aside: a run after their mending works them off")
}
