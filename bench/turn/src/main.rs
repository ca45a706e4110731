//! The platform's own time in one chat turn, next to the same turn through a well-known agent framework.
//!
//! Own time is the turn as its customer sees it, less the union of the spans in which the model was at work. The model is a
//! scripted one without delay, in this process, the same for both sides; each side has an endpoint of it to itself. The sides
//! take turns, block by block, so that whatever else the machine does falls on both. `docs/performance.md` says what each
//! side does and does not do.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::struct_field_names,
    reason = "a bench may panic, ends with its servers, and keeps the unit in each figure's name"
)]

mod cpu;
mod figures;
mod model;
mod platform;
mod report;
mod rival;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, ensure};
use clap::Parser;

use crate::{
    figures::{Percentiles, Timed, micros},
    platform::Platform,
    report::{Ratios, Report, Side},
    rival::Rival,
};

/// Times one chat turn on both sides.
#[derive(Parser)]
struct Args {
    /// The program, built for release.
    #[arg(long, default_value = "target/release/plumbline")]
    program: PathBuf,

    /// The project's folder.
    #[arg(long, default_value = ".")]
    root: PathBuf,

    /// A Python that has `bench/turn/rival/requirements.txt`.
    #[arg(long, default_value = "target/bench/venv/bin/python")]
    python: PathBuf,

    /// Timed conversations of each side.
    #[arg(long, default_value_t = 60)]
    conversations: u32,

    /// Turns of a conversation.
    #[arg(long, default_value_t = 5)]
    turns: u32,

    /// Conversations before, which are not timed.
    #[arg(long, default_value_t = 6)]
    warm_up: u32,

    /// Times our side alone.
    #[arg(long)]
    alone: bool,

    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// What a side took.
#[derive(Default)]
struct Tally {
    turns: Vec<Timed>,
    cpu: Duration,
    postgres_cpu: Duration,
}

impl Tally {
    fn side(&self, name: &str) -> Side {
        Side {
            name: name.to_owned(),
            own: Percentiles::of(self.turns.iter().map(|turn| turn.own)),
            total: Percentiles::of(self.turns.iter().map(|turn| turn.total)),
            cpu_us_per_turn: self.each(self.cpu),
        }
    }

    fn each(&self, sum: Duration) -> u64 {
        micros(sum).checked_div(self.turns.len() as u64).unwrap_or_default()
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the report is what the bench is for")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    rustls::crypto::ring::default_provider().install_default().ok();
    let report = run(&args).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}

async fn run(args: &Args) -> anyhow::Result<Report> {
    let mut ours = Platform::start(&args.program, &args.root).await?;
    let (mut our_tally, mut rival_tally) = (Tally::default(), Tally::default());
    for _ in 0..args.warm_up {
        ask_us(&mut ours, args.turns, &mut Tally::default()).await?;
    }
    let mut rival = if args.alone { None } else { Some(rival_of(args, &ours).await?) };
    if let Some(rival) = &mut rival {
        for _ in 0..args.warm_up {
            ask_rival(rival, args.turns, &mut Tally::default()).await?;
        }
    }
    let load_before = cpu::load();
    for _ in 0..args.conversations {
        ask_us(&mut ours, args.turns, &mut our_tally).await?;
        if let Some(rival) = &mut rival {
            ask_rival(rival, args.turns, &mut rival_tally).await?;
        }
    }
    let breaches = ours.model.breaches();
    ensure!(breaches.is_empty(), "the model was sent what it must not be: {breaches:?}");
    drop(ours);
    if let Some(rival) = rival {
        rival.stop().await?;
    }
    let platform = our_tally.side("plumbline");
    let rival = rival_tally.side("openai-agents");
    let postgres_cpu_us_per_turn = our_tally.each(our_tally.postgres_cpu);
    Ok(Report {
        machine: cpu::machine(),
        load_before,
        load_after: cpu::load(),
        turns: args.conversations * args.turns,
        turns_per_conversation: args.turns,
        ratios: Ratios::of(&platform, postgres_cpu_us_per_turn, &rival),
        platform,
        postgres_cpu_us_per_turn,
        rival,
    })
}

/// The rival, with the prompt, the tools and the figures of our side.
async fn rival_of(args: &Args, ours: &Platform) -> anyhow::Result<Rival> {
    let request = ours.model.last_request().context("nothing was asked in the warm-up")?;
    let script = args.root.join("bench/turn/rival/turn.py");
    Rival::start(&args.python, &script, &request, &ours.figures().await?).await
}

async fn ask_us(ours: &mut Platform, turns: u32, tally: &mut Tally) -> anyhow::Result<()> {
    let conversation = ours.open().await?;
    let (cpu, postgres_cpu) = (ours.cpu()?, ours.postgres_cpu()?);
    for _ in 0..turns {
        tally.turns.push(ours.turn(&conversation).await?);
    }
    tally.cpu += ours.cpu()?.saturating_sub(cpu);
    tally.postgres_cpu += ours.postgres_cpu()?.saturating_sub(postgres_cpu);
    Ok(())
}

async fn ask_rival(rival: &mut Rival, turns: u32, tally: &mut Tally) -> anyhow::Result<()> {
    let conversation = rival.open().await?;
    let cpu = rival.cpu()?;
    for _ in 0..turns {
        tally.turns.push(rival.turn(&conversation).await?);
    }
    tally.cpu += rival.cpu()?.saturating_sub(cpu);
    Ok(())
}
