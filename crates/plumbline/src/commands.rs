//! The commands, one file each.

mod audit;
mod board;
mod chat;
mod close;
mod doctor;
mod eval;
mod find;
mod ledger;
mod line;
mod mailbox;
mod message;
mod migrate;
mod policy;
mod prompt;
mod sandbox;
mod serve;
mod simulate;
mod statement;

use crate::{context::Context, exit::Exit};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Tell what this machine has, what is missing, and what to do about it.
    Doctor(doctor::Args),
    /// Start the server: the interface, the pages and everything behind them.
    Serve(serve::Args),
    /// Close a day: payments, statements, late fees and whatever else falls due on it.
    Close(close::Args),
    /// Talk to the assistant as a sandbox customer.
    Chat(chat::Args),
    /// Search the policies.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Play the suites of evals/, and hold a change of the prompt against what is promoted.
    #[command(subcommand)]
    Eval(eval::Eval),
    /// The prompt that is served, and the one that stands in prompts/.
    #[command(subcommand)]
    Prompt(prompt::Prompt),
    /// Start a simulated counterpart by itself: the bank, or the stand-in model.
    #[command(subcommand)]
    Sandbox(sandbox::Sandbox),
    /// Bring the database to this version's schema. Every command that needs the database does so by itself.
    Migrate,
    /// Live a scenario day by day and show every figure. Needs no database.
    Simulate(simulate::Args),
    /// A sandbox customer's statements.
    #[command(subcommand)]
    Statement(statement::Statements),
    /// What staff do to a sandbox customer's line: terms, service periods, disputes.
    #[command(subcommand)]
    Line(line::Lines),
    /// What a sandbox customer was told by e-mail or letter.
    #[command(subcommand)]
    Message(message::Messages),
    /// The mail and the letters of the sandbox, as they arrived.
    Mailbox(mailbox::Args),
    /// Prove what was said and done: take a conversation out, check a proof, check the whole log.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Take in a portfolio of another lender, CSV or Parquet, and tell of every row that is refused and why.
    Board(board::Args),
    /// Check the books.
    #[command(subcommand)]
    Ledger(ledger::Ledger),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Exit> {
        match self {
            Self::Doctor(args) => doctor::run(&args, context),
            Self::Serve(args) => serve::run(&args, context).await,
            Self::Close(args) => close::run(&args, context).await,
            Self::Chat(args) => chat::run(&args, context).await,
            Self::Policy(policy) => policy::run(&policy, context).await,
            Self::Eval(eval) => eval::run(&eval, context).await,
            Self::Prompt(prompt) => prompt::run(&prompt, context).await,
            Self::Sandbox(sandbox) => sandbox::run(&sandbox, context).await,
            Self::Migrate => migrate::run(context).await,
            Self::Simulate(args) => simulate::run(&args, context),
            Self::Statement(statements) => statement::run(&statements, context).await,
            Self::Line(lines) => line::run(&lines, context).await,
            Self::Message(messages) => message::run(&messages, context).await,
            Self::Mailbox(args) => mailbox::run(&args, context),
            Self::Audit(audit) => audit::run(&audit, context).await,
            Self::Board(args) => board::run(&args, context).await,
            Self::Ledger(ledger) => ledger::run(&ledger, context).await,
        }
    }
}
