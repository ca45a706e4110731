//! What it costs to post: batches next to a bare SQL script that writes the same rows, and single postings next to pgbench running
//! the same statements, on one cluster and in one run. `docs/performance.md` says what each side does and does not do.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the bench's voice")]

mod ours;
mod pgbench;
mod report;

use std::{fs, path::Path, time::Duration};

use anyhow::Context as _;
use clap::Parser;
use store::{Location, Store};

use crate::{
    pgbench::PgBench,
    report::{Comparison, Report},
};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures postings per second on both sides.
#[derive(Parser)]
struct Args {
    /// How long each side posts at a time.
    #[arg(long, default_value_t = 5)]
    seconds: u64,

    /// How often both sides take their turn.
    #[arg(long, default_value_t = 3)]
    rounds: u32,

    /// Postings of a batch.
    #[arg(long, default_value_t = 1_000)]
    batch: usize,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Each posting is a row of its own and two entries.
const ROWS: u64 = 3;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let folder = tempfile::tempdir().context("could not make a folder for the cluster")?;
    let store = Store::open(&Location::Private { state_dir: folder.path().to_owned() }).await?;
    let report = measure(&args, &store, folder.path()).await;
    store.close().await;
    let report = report?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{report}");
    }
    Ok(())
}

async fn measure(args: &Args, store: &Store, folder: &Path) -> anyhow::Result<Report> {
    let rival = PgBench::beside(store, folder, args.batch).await?;
    let time = Duration::from_secs(args.seconds);
    let load_before = load();
    let mut batch = Comparison::new(format!("batches of {}, rows a second", args.batch));
    let mut one = Comparison::new("single postings a second, 1 client".to_owned());
    let mut twenty = Comparison::new("single postings a second, 20 clients".to_owned());
    for round in 1..=args.rounds {
        eprintln!("round {round} of {}", args.rounds);
        let postings = ours::batches(store, args.batch, time).await?;
        let scripted = rival.batches(args.seconds).await?;
        batch.add(postings * ROWS, scripted * u64::try_from(args.batch)? * ROWS);
        for (clients, compared) in [(1, &mut one), (20, &mut twenty)] {
            let postings = ours::singles(store, clients, time).await?;
            compared.add(postings, rival.singles(clients, args.seconds, round).await?);
        }
    }
    Ok(Report {
        machine: machine(),
        load_before,
        load_after: load(),
        seconds: args.seconds,
        rounds: args.rounds,
        comparisons: vec![
            batch.done(args.seconds),
            one.done(args.seconds),
            twenty.done(args.seconds),
        ],
    })
}

fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("unknown");
    format!("{cpus} × {model}")
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}
