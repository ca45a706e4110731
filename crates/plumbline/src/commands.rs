//! The commands, one file each.

mod audit;
mod chat;
mod doctor;
mod eval;
mod ledger;
mod migrate;
mod policy;
mod prompt;
mod sandbox;
mod serve;
mod simulate;

use std::process::ExitCode;

use crate::{config::Config, output::Output};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Tell what this machine has, what is missing, and what to do about it.
    Doctor(doctor::Args),
    /// Start the server: the interface, the pages and everything behind them.
    Serve(serve::Args),
    /// Talk to the assistant as a sandbox customer.
    Chat(chat::Args),
    /// Ask the policies.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Play the suites, and hold a change against what is promoted.
    #[command(subcommand)]
    Eval(eval::Eval),
    /// What is served, and what stands in the working tree.
    #[command(subcommand)]
    Prompt(prompt::Prompt),
    /// Start a simulated counterpart by itself: the bank, or the stand-in model.
    #[command(subcommand)]
    Sandbox(sandbox::Sandbox),
    /// Bring the database to this version's schema.
    Migrate,
    /// Live a scenario day by day and show every figure. Needs no database.
    Simulate(simulate::Args),
    /// Prove what was said and done.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Look after the books.
    #[command(subcommand)]
    Ledger(ledger::Ledger),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self {
            Self::Doctor(args) => doctor::run(&args, context),
            Self::Serve(args) => serve::run(&args, context).await,
            Self::Chat(args) => chat::run(&args, context).await,
            Self::Policy(policy) => policy::run(&policy, context).await,
            Self::Eval(eval) => eval::run(&eval, context).await,
            Self::Prompt(prompt) => prompt::run(&prompt, context).await,
            Self::Sandbox(sandbox) => sandbox::run(&sandbox, context).await,
            Self::Migrate => migrate::run(context).await,
            Self::Simulate(args) => simulate::run(&args, context),
            Self::Audit(audit) => audit::run(&audit, context).await,
            Self::Ledger(ledger) => ledger::run(&ledger, context).await,
        }
    }
}

/// What every command is given.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) output: Output,
}

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    /// The caller asked for something that makes no sense.
    Usage,
    /// Something broke.
    Internal,
    /// The command did its work, and what it looked at is not right.
    NotRight,
    /// It could not be told.
    Inconclusive,
    /// A hard rule was broken.
    HardRule,
    /// It costs too much, or takes too long.
    Budget,
    /// What is asked for needs a verdict that is not there.
    Attestation,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Usage => 1,
            Exit::Internal => 2,
            Exit::Inconclusive => 3,
            Exit::NotRight => 10,
            Exit::HardRule => 11,
            Exit::Budget => 12,
            Exit::Attestation => 13,
        })
    }
}

/// The caller's mistake, in words for the caller.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);
