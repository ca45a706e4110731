//! `plumbline audit`: take a conversation out of the log, check a bundle with no server and no database, check the log.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use audit::{AuditError, Log, LogReport, Report, Trust, VerifierKey};
use calendar::Clock;
use identity::ConversationId;
use serde::Serialize;
use store::Store;

use crate::{
    config::whole,
    context::Context,
    exit::{Exit, UsageError},
};

#[derive(clap::Subcommand)]
pub(crate) enum Audit {
    /// Write a conversation's sealed bundle to a file.
    Export(ExportArgs),
    /// Check a bundle and name what was changed. Needs no server and no database. Exits with 0 where nothing was changed, with 10
    /// where something was, with 1 where the file is no bundle.
    Verify(VerifyArgs),
    /// Check every leaf, payload, tile and checkpoint of the log.
    Check,
}

#[derive(clap::Args)]
pub(crate) struct ExportArgs {
    /// Its id: `plumbline chat` ends with it, and it stands on the audit page.
    conversation: ConversationId,

    /// Where to write it [default: conversation-ID.json].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Prove as well that the log extends its checkpoint of so many leaves.
    #[arg(long, value_name = "LEAVES")]
    since: Option<u64>,
}

#[derive(clap::Args)]
pub(crate) struct VerifyArgs {
    /// The file that `plumbline audit export` or the audit page wrote.
    bundle: PathBuf,

    /// The log's public key, or the file it is in (`audit.vkey`). Without it the bundle is checked against the key it
    /// carries: that shows it is whole, not whose it is.
    #[arg(long)]
    key: Option<String>,

    /// A signed checkpoint seen earlier, which the bundle's log must extend.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

pub(super) async fn run(audit: &Audit, context: &Context) -> anyhow::Result<Exit> {
    match audit {
        Audit::Export(args) => export(args, context).await,
        Audit::Verify(args) => verify(args, context),
        Audit::Check => check(context).await,
    }
}

fn open_log(context: &Context) -> anyhow::Result<Log> {
    Ok(Log::open(&context.config.state_dir()?.join("audit"), audit::ORIGIN)?)
}

#[derive(Serialize)]
struct Exported {
    file: PathBuf,
    leaves: usize,
    public_key: String,
}

async fn export(args: &ExportArgs, context: &Context) -> anyhow::Result<Exit> {
    let log = open_log(context)?;
    let store = Store::open(&context.config.location()?).await?;
    audit::sequence(store.audit(), &log, Clock::system().now()).await?;
    let exported = audit::export(store.audit(), &log, args.conversation, args.since).await;
    store.close().await;
    let bundle = match exported {
        Err(AuditError::UnknownStream(_)) => {
            let words = format!("there is no conversation {} on record here", args.conversation);
            return Err(UsageError(words).into());
        }
        Err(error @ AuditError::UnknownCheckpoint(_)) => {
            return Err(UsageError(format!("--since: {error}")).into());
        }
        exported => exported?,
    };
    let file = args
        .output
        .clone()
        .unwrap_or_else(|| format!("conversation-{}.json", args.conversation).into());
    fs::write(&file, bundle.to_json()?)
        .with_context(|| format!("{} could not be written", file.display()))?;
    let leaves = bundle.streams.iter().map(|stream| stream.leaves.len()).sum();
    context.output.answer(&Exported { file, leaves, public_key: bundle.public_key })?;
    Ok(Exit::Done)
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, leaves, public_key } = self;
        write!(f, "{leaves} leaves in {}, signed by {public_key}", file.display())
    }
}

fn verify(args: &VerifyArgs, context: &Context) -> anyhow::Result<Exit> {
    let bytes = fs::read(&args.bundle).map_err(|error| unread(&args.bundle, &error))?;
    let key = match &args.key {
        None => None,
        Some(key) => {
            let text = fs::read_to_string(key).unwrap_or_else(|_| key.clone());
            Some(
                text.trim()
                    .parse::<VerifierKey>()
                    .map_err(|error| UsageError(format!("--key: {error}")))?,
            )
        }
    };
    let checkpoint = match &args.checkpoint {
        None => None,
        Some(file) => Some(fs::read_to_string(file).map_err(|error| unread(file, &error))?),
    };
    if let Some(found) = audit::no_bundle(&bytes) {
        return Err(UsageError(format!(
            "{} is not an audit bundle ({found}): what is checked is a file that `plumbline audit export` or the audit page wrote, JSON with \
             `\"format\": \"{}\"`",
            args.bundle.display(),
            audit::BUNDLE_FORMAT,
        ))
        .into());
    }
    let report = Verified(audit::verify(&bytes, &Trust { key, checkpoint }));
    context.output.answer(&report)?;
    Ok(if report.0.ok { Exit::Done } else { Exit::NotRight })
}

fn unread(file: &Path, error: &std::io::Error) -> UsageError {
    UsageError(format!("could not read {}: {error}", whole(file).display()))
}

#[derive(Serialize)]
#[serde(transparent)]
struct Verified(Report);

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { ok, conversation_id, checked, problems } = &self.0;
        if let Some(id) = conversation_id {
            writeln!(f, "conversation {id}")?;
        }
        write!(f, "{} leaves", checked.leaves)?;
        if checked.erased > 0 {
            write!(f, ", {} of them erased", checked.erased)?;
        }
        if let Some(size) = checked.checkpoint_size {
            write!(f, ", in a log of {size}")?;
        }
        writeln!(f)?;
        if let Some(key) = &checked.key {
            let whose = if checked.trusted { "trusted" } else { "carried by the bundle itself" };
            writeln!(f, "key {key} ({whose})")?;
        }
        for problem in problems {
            writeln!(f, "{}: {}", problem.at, problem.message)?;
        }
        f.write_str(if *ok { "verified: nothing was changed" } else { "NOT verified" })
    }
}

async fn check(context: &Context) -> anyhow::Result<Exit> {
    let log = open_log(context)?;
    let store = Store::open(&context.config.location()?).await?;
    let report = Checked(audit::check(store.audit(), &log).await?);
    store.close().await;
    context.output.answer(&report)?;
    Ok(if report.0.ok { Exit::Done } else { Exit::NotRight })
}

#[derive(Serialize)]
#[serde(transparent)]
struct Checked(LogReport);

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LogReport { ok, leaves, unsequenced, erased, checkpoints, problems } = &self.0;
        writeln!(
            f,
            "{leaves} leaves ({unsequenced} more to be sequenced), {erased} payloads erased"
        )?;
        writeln!(f, "{checkpoints} checkpoints")?;
        for problem in problems {
            writeln!(f, "{}", problem.message)?;
        }
        f.write_str(if *ok { "the log is whole" } else { "the log is NOT whole" })
    }
}
