//! What a day close costs: next to a bare insert of the same rows, next to payments that come meanwhile, and by itself for one
//! line. `docs/performance.md` says what each figure is.
#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench may panic, and prints what it finds"
)]

mod bare;
mod close;
mod debits;
mod figures;
mod keys;
mod payments;
mod portfolio;
mod replay;

use clap::Parser;
use serde::Serialize;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Times the day close.
#[derive(Parser)]
struct Args {
    /// Lines to load; may be said several times. Without it, 10000 and 100000.
    #[arg(long)]
    lines: Vec<u64>,

    /// Lines of the portfolio in which payments are timed.
    #[arg(long, default_value_t = 100_000)]
    payments_among: u64,

    /// JSON instead of tables.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    closes: Vec<close::Closed>,
    payments: payments::Payments,
    replay: replay::Replay,
    one_key: keys::OneKey,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // What fails says why.
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter("error").init();
    let sizes = if args.lines.is_empty() { vec![10_000, 100_000] } else { args.lines };
    let replay = replay::measure()?;
    let one_key = keys::measure().await?;
    let mut closes = Vec::new();
    for lines in sizes {
        eprintln!("a close among {lines} lines");
        closes.push(close::measure(lines).await?);
    }
    eprintln!("payments during a close among {} lines", args.payments_among);
    let payments = Box::pin(payments::measure(args.payments_among)).await?;
    let report = Report { closes, payments, replay, one_key };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", figures::table(&report));
    }
    Ok(())
}
