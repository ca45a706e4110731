//! The one executable: reads its configuration, wires the crates together and hands over to a command.
//!
//! Each command is one file under `commands/`. What is absent: logic; a command calls what the crates below offer.

mod commands;
mod config;
mod context;
mod exit;
mod house;
mod lender;
mod output;
mod post;

use std::{process::ExitCode, time::Duration};

use clap::Parser;

use crate::{
    commands::Command,
    config::Config,
    context::Context,
    exit::{Exit, UsageError},
    output::Output,
};

/// Servicing for a consumer line of credit, with a model that can neither move money nor make up a number.
#[derive(Parser)]
#[command(version, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    /// Settings, in TOML. Without it, `plumbline.toml` in this folder, if there is one. The environment overrides both.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<std::path::PathBuf>,

    /// Answer in JSON on standard output: one document; of a server, one line with its address once it listens.
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

/// Where to begin, what is set where, and what the exit status says.
const AFTER_HELP: &str = "\
Begin with `plumbline doctor --install`, then `plumbline serve --sandbox`, in the folder of the checkout.
Settings: plumbline.toml or the environment (PLUMBLINE_STATE, DATABASE_URL, OPENAI_BASE_URL...); README.md lists them.
Exit status: 0 done; 1 the call makes no sense; 2 something broke; 10 what was looked at is not right; 3, 11, 12, 13 \
are the gate's (docs/gate.md).";

/// How long a computation that nobody waits for may hold up the end of the program.
const LEFT_BEHIND_TIMEOUT: Duration = Duration::from_millis(500);

/// A turn is many small allocations on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error).into(),
    };
    let output = Output::new(cli.json);
    match start(cli, output) {
        Ok(exit) => exit.into(),
        Err(error) => {
            output.error(&error);
            exit_of(&error).into()
        }
    }
}

fn start(cli: Cli, output: Output) -> anyhow::Result<Exit> {
    let config = Config::load(cli.config.as_deref())?;
    output::trace(&config.log)?;
    // Two providers come with our dependencies, and a TLS client wants to know which one; a second call changes nothing.
    drop(rustls::crypto::ring::default_provider().install_default());
    let context = Context { config, output };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let exit = runtime.block_on(cli.command.run(&context));
    // A thread that still computes what nobody waits for does not hold up the end.
    runtime.shutdown_timeout(LEFT_BEHIND_TIMEOUT);
    exit
}

/// What the caller did wrong exits otherwise than what went wrong with us.
fn exit_of(error: &anyhow::Error) -> Exit {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error.as_ref());
    while let Some(error) = cause {
        if error.is::<UsageError>() || error.is::<figment::Error>() {
            return Exit::Usage;
        }
        cause = error.source();
    }
    Exit::Internal
}
