//! `cargo run -p simulator`: many seeds, or one again.
#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
#[cfg(feature = "house")]
use simulator::house::{self, Plan};
use simulator::pure;
#[cfg(feature = "house")]
use tokio::runtime::Runtime;

/// Lives random credit lines and compares every figure with the oracle's.
#[derive(Parser)]
struct Args {
    /// The engine alone, or the whole house on PostgreSQL.
    #[arg(long, value_enum, default_value = "pure")]
    level: Level,
    /// How many seeds, from the first one on.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// This seed only.
    #[arg(long)]
    seed: Option<u64>,
    #[arg(long, default_value_t = 3)]
    years: u64,
    /// Credit lines in a house.
    #[cfg(feature = "house")]
    #[arg(long, default_value_t = 3)]
    lines: u64,
    /// In place of years.
    #[arg(long)]
    days: Option<u64>,
    /// Stop after so many failing seeds.
    #[arg(long, default_value_t = 3)]
    failures: usize,
    /// Pure lives are compared every so many days.
    #[arg(long, default_value_t = 1)]
    every: u64,
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Pure,
    #[cfg(feature = "house")]
    House,
}

/// What all seeds came to, at either level.
#[derive(Default, Serialize)]
struct Total {
    line_days: u64,
    /// Facts of pure lives; line events of houses.
    facts: u64,
    /// Deaths of the process, and requests and answers that the bank lost, was late with or told twice.
    deaths: u64,
    troubles: u64,
    /// Payments of houses that came back.
    returned: u64,
    /// Lines of houses that were compared with the oracle.
    compared: u64,
    failures: Vec<Failed>,
}

#[derive(Serialize)]
struct Failed {
    seed: u64,
    why: String,
    again: String,
}

impl Total {
    fn pure(&mut self, seed: u64, days: u64, every: u64) {
        match pure::run(seed, days, every) {
            Ok(lived) => {
                self.line_days += lived.days;
                self.facts += lived.happenings;
            }
            Err(failure) => {
                let again = format!("cargo run -p simulator -- --seed {seed} --days {days}");
                self.failures.push(Failed { seed, why: failure.to_string(), again });
            }
        }
    }

    #[cfg(feature = "house")]
    fn house(&mut self, runtime: &Runtime, plan: Plan) {
        match runtime.block_on(house::run(plan)) {
            Ok(report) => {
                self.line_days += report.days * report.lines;
                self.compared += report.compared;
                self.returned += report.returned;
                self.facts += report.events;
                self.deaths += report.deaths;
                self.troubles += report.troubles;
            }
            Err(error) => {
                let Plan { seed, days, lines } = shorter(runtime, plan);
                let again = format!(
                    "cargo run -p simulator -- --level house --seed {seed} --days {days} --lines {lines}"
                );
                self.failures.push(Failed { seed, why: format!("{error:#}"), again });
            }
        }
    }
}

#[cfg(feature = "house")]
/// The fewest days, as far as halving finds them, at which a house still fails.
fn shorter(runtime: &Runtime, plan: Plan) -> Plan {
    let (mut short, mut long) = (0, plan.days);
    while short < long {
        let days = u64::midpoint(short, long);
        let fails = runtime.block_on(house::run(Plan { days, ..plan })).is_err();
        if fails { long = days } else { short = days + 1 }
    }
    Plan { days: long, ..plan }
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let days = args.days.unwrap_or(args.years * 365);
    let seeds = match args.seed {
        Some(seed) => seed..seed + 1,
        None => args.first..args.first + args.seeds,
    };
    #[cfg(feature = "house")]
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bar = ProgressBar::new(seeds.end - seeds.start);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {eta} to go {msg}")?);
    let mut total = Total::default();
    for seed in seeds {
        let before = total.failures.len();
        match args.level {
            Level::Pure => total.pure(seed, days, args.every),
            #[cfg(feature = "house")]
            Level::House => total.house(&runtime, Plan { seed, days, lines: args.lines }),
        }
        if let Some(Failed { seed, why, again }) = total.failures.get(before)
            && !args.json
        {
            bar.suspend(|| println!("seed {seed}: {why}\nagain: {again}\n"));
        }
        bar.inc(1);
        if total.failures.len() >= args.failures {
            break;
        }
    }
    bar.finish_and_clear();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&total)?);
    } else {
        let Total { line_days, facts, deaths, troubles, failures, .. } = &total;
        println!(
            "{} line-years, {facts} facts, {deaths} deaths, {troubles} troubles with the bank; {} seeds failed",
            line_days / 365,
            failures.len()
        );
    }
    Ok(if total.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
