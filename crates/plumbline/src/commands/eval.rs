//! `plumbline eval`: play the suites, and hold a change against what is promoted.
//!
//! A run has a database of its own, which is thrown away; what it came to stays in the state folder under `evals/runs`.

mod key;
mod shown;

use std::{path::PathBuf, sync::Arc, time::Duration};

use assistant::PROMPT;
use calendar::Clock;
use evals::{
    Bench, Played, Progress, Setup, Suite,
    gate::{self, CaseOutcome, Outcome},
    report::Report,
};
use knowledge::Embedder;

use crate::{
    context::Context,
    exit::{Exit, UsageError},
    house::{self, Tasks},
    lender::invented_originator,
    output::{Meter, progress},
};
use shown::{Judged, Results, Stopped};

pub(super) use key::signer;

/// How often a case is run against a model that does not always say the same.
const REPEATS: u32 = 3;

/// How long what was begun may take to end, once somebody asks to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(clap::Subcommand)]
pub(crate) enum Eval {
    /// Play cases against the prompt as it stands, and say how they went.
    Run(RunArgs),
    /// Play the whole suite against the prompt as it stands and the promoted one, judge, sign, and exit with the verdict:
    /// 0 pass, 3 inconclusive, 10 quality, 11 a hard rule broken, 12 budget.
    Gate(GateArgs),
}

#[derive(clap::Args)]
pub(crate) struct RunArgs {
    /// A folder of evals/suites.
    #[arg(long, value_name = "NAME", default_value = SUITE)]
    suite: String,

    /// Only cases whose id begins so. May be given several times.
    #[arg(long = "case", value_name = "ID")]
    cases: Vec<String>,

    /// Show what was said in cases that pass, too.
    #[arg(long)]
    verbose: bool,
}

#[derive(clap::Args)]
pub(crate) struct GateArgs {
    /// A folder of evals/suites.
    #[arg(long, value_name = "NAME", default_value = SUITE)]
    suite: String,
}

pub(super) async fn run(eval: &Eval, context: &Context) -> anyhow::Result<Exit> {
    match eval {
        Eval::Run(args) => play(args, context).await,
        Eval::Gate(args) => judge(args, context).await,
    }
}

/// The suite whose verdict lets a prompt be promoted.
pub(super) const SUITE: &str = "consumer";

/// Where runs are kept.
pub(super) fn runs(context: &Context) -> anyhow::Result<PathBuf> {
    Ok(context.config.state_dir()?.join("evals").join("runs"))
}

pub(super) fn load(name: &str, context: &Context) -> anyhow::Result<Suite> {
    let root = context.config.root()?;
    let folder = root.join("evals").join("suites").join(name);
    if !folder.join("suite.toml").is_file() {
        return Err(UsageError(format!("there is no suite `{name}` under evals/suites")).into());
    }
    Suite::load(&folder, &root.join("worlds")).map_err(usage)
}

/// A suite that cannot give a verdict is the caller's mistake.
fn usage(error: evals::EvalError) -> anyhow::Error {
    match error {
        evals::EvalError::Usage(words) => UsageError(words).into(),
        error => error.into(),
    }
}

/// The bench, with the configured model or the stand-in started beside it.
pub(super) async fn bench(context: &Context, tasks: &Tasks) -> anyhow::Result<Bench> {
    let model = house::model(&context.config, tasks).await?;
    progress(format!("setting up a throw-away database, with {}", model.name));
    let setup = Setup {
        root: context.config.root()?,
        prompt: PROMPT.to_owned(),
        chat: model.chat,
        embedder: model.embeddings.map(|embeddings| Arc::new(embeddings) as Arc<dyn Embedder>),
        originator: invented_originator()?,
        repeats: if model.stand_in { 1 } else { REPEATS },
    };
    Ok(Box::pin(Bench::set_up(setup)).await?)
}

/// Plays the suite with a bar that follows; nothing if somebody asks to stop. What was begun is given a moment to end.
async fn watched(bench: Bench, tasks: Tasks, suite: &Suite) -> Result<Played, Stopped> {
    progress(format!("playing {} cases", suite.cases.len()));
    let mut bar = Bar::new(suite.cases.len());
    let played = tokio::select! {
        played = bench.run(suite, |played| bar.follow(&played)) => Ok(played),
        () = house::asked_to_stop() => Err(()),
    };
    let closing = async {
        bench.close().await;
        tasks.close().await;
    };
    if let Ok(played) = played {
        closing.await;
        return Ok(played);
    }
    progress("\nstopping");
    // What does not end by then ends with the program.
    drop(tokio::time::timeout(STOP_TIMEOUT, closing).await);
    Err(Stopped { ended_early: true, played: bar.done, cases: suite.cases.len() })
}

/// How far a run has come.
struct Bar {
    meter: Meter,
    done: usize,
    failing: usize,
    not_run: usize,
}

impl Bar {
    fn new(all: usize) -> Self {
        Self { meter: Meter::new(all), done: 0, failing: 0, not_run: 0 }
    }

    fn follow(&mut self, played: &Progress<'_>) {
        let result = played.candidate;
        let broke = played.baseline.is_none_or(|was| was.outcome == CaseOutcome::Pass);
        self.done = played.done;
        match result.outcome {
            CaseOutcome::Fail => {
                self.failing += 1;
                if broke {
                    self.meter.line(&format!("  fails: {}", result.id));
                }
            }
            CaseOutcome::Infrastructure => {
                self.not_run += 1;
                self.meter.line(&format!("  could not be run: {}", result.id));
            }
            CaseOutcome::Pass => {}
        }
        let note = format!("{} fail, {} could not be run", self.failing, self.not_run);
        self.meter.show(played.done, &note);
    }
}

async fn play(args: &RunArgs, context: &Context) -> anyhow::Result<Exit> {
    let mut suite = load(&args.suite, context)?;
    if !args.cases.is_empty() {
        suite.cases.retain(|case| args.cases.iter().any(|id| case.id.starts_with(id.as_str())));
    }
    if suite.cases.is_empty() {
        return Err(UsageError(format!(
            "no case is called {}; the cases are the files of evals/, by their `id`",
            args.cases.join(", ")
        ))
        .into());
    }
    let tasks = Tasks::default();
    let bench = bench(context, &tasks).await?.candidate_only();
    let played = match watched(bench, tasks, &suite).await {
        Ok(played) => played,
        Err(stopped) => return unjudged(&stopped, context),
    };
    let results = Results::of(&suite, played.candidate.results, args.verbose);
    context.output.answer(&results)?;
    Ok(exit_of(results.outcome(&suite)))
}

fn unjudged(stopped: &Stopped, context: &Context) -> anyhow::Result<Exit> {
    context.output.answer(stopped)?;
    Ok(Exit::Inconclusive)
}

async fn judge(args: &GateArgs, context: &Context) -> anyhow::Result<Exit> {
    let suite = load(&args.suite, context)?;
    let signer = signer(context)?;
    let tasks = Tasks::default();
    let bench = bench(context, &tasks).await?;
    let configuration = bench.configuration().clone();
    let played = match watched(bench, tasks, &suite).await {
        Ok(played) => played,
        Err(stopped) => return unjudged(&stopped, context),
    };
    let judged = gate::judge(&suite, &played.candidate, played.baseline.as_ref());
    let report = Report::new(judged, configuration, played, Clock::system().now());
    let folder = runs(context)?.join(&report.id);
    report.write(&folder)?;
    let envelope = signer.sign(&report.verdict()?);
    std::fs::write(folder.join(VERDICT_FILE), serde_json::to_string_pretty(&envelope)?)?;
    let exit = exit_of(report.report.outcome);
    context.output.answer(&Judged { report, folder })?;
    Ok(exit)
}

/// The signed verdict beside a report.
pub(super) const VERDICT_FILE: &str = "verdict.json";

const fn exit_of(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Pass => Exit::Done,
        Outcome::Inconclusive => Exit::Inconclusive,
        Outcome::Quality => Exit::NotRight,
        Outcome::HardRule => Exit::HardRule,
        Outcome::Budget => Exit::Budget,
    }
}
