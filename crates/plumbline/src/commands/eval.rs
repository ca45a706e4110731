//! `plumbline eval`: play the suites, and hold a change against what is promoted.
//!
//! A run has a database of its own, which is thrown away; what it came to stays in the state folder under `evals/runs`.

mod key;

use assistant::PROMPT;
use std::{fmt, path::PathBuf, sync::Arc};

use calendar::Clock;
use evals::{
    Bench, Progress, Setup, Suite,
    gate::{self, CaseOutcome, CaseResult, Outcome},
    report::{Report, sentence},
};
use knowledge::Embedder;
use serde::Serialize;

use crate::{
    context::Context,
    exit::{Exit, UsageError},
    house::{self, Tasks},
    output::progress,
};

pub(super) use key::signer;

/// How often a case is run against a model that does not always say the same.
const REPEATS: u32 = 3;

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
    #[arg(long, default_value = SUITE)]
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
    #[arg(long, default_value = SUITE)]
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
        originator: house::originator()?,
        repeats: if model.stand_in { 1 } else { REPEATS },
    };
    Ok(Box::pin(Bench::set_up(setup)).await?)
}

fn show(played: &Progress<'_>) {
    let result = played.candidate;
    if played.done.is_multiple_of(20) || played.done == played.all {
        progress(format!("{} of {} cases", played.done, played.all));
    }
    let broke = played.baseline.is_none_or(|was| was.outcome == CaseOutcome::Pass);
    match result.outcome {
        CaseOutcome::Fail if broke => progress(format!("  fails: {}", result.id)),
        CaseOutcome::Infrastructure => {
            progress(format!("  could not be run: {}", result.id));
        }
        _ => {}
    }
}

async fn play(args: &RunArgs, context: &Context) -> anyhow::Result<Exit> {
    let mut suite = load(&args.suite, context)?;
    if !args.cases.is_empty() {
        suite.cases.retain(|case| args.cases.iter().any(|id| case.id.starts_with(id.as_str())));
    }
    if suite.cases.is_empty() {
        return Err(UsageError(format!("no case is called {}", args.cases.join(", "))).into());
    }
    let tasks = Tasks::default();
    let bench = bench(context, &tasks).await?.candidate_only();
    let played = bench.run(&suite, |played| show(&played)).await;
    bench.close().await;
    tasks.close().await;
    let results = played.candidate.results;
    let passed = results.iter().filter(|result| result.outcome == CaseOutcome::Pass).count();
    let exit = if passed == results.len() { Exit::Done } else { Exit::NotRight };
    context.output.answer(&Results {
        suite: args.suite.clone(),
        passed,
        cases: results,
        verbose: args.verbose,
    })?;
    Ok(exit)
}

async fn judge(args: &GateArgs, context: &Context) -> anyhow::Result<Exit> {
    let suite = load(&args.suite, context)?;
    let signer = signer(context)?;
    let tasks = Tasks::default();
    let bench = bench(context, &tasks).await?;
    let configuration = bench.configuration().clone();
    let played = bench.run(&suite, |played| show(&played)).await;
    bench.close().await;
    tasks.close().await;
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

#[derive(Serialize)]
struct Results {
    suite: String,
    passed: usize,
    cases: Vec<CaseResult>,
    #[serde(skip)]
    verbose: bool,
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for result in &self.cases {
            if self.verbose || result.outcome != CaseOutcome::Pass {
                case(f, result)?;
            }
        }
        write!(f, "{} of {} cases of {} pass", self.passed, self.cases.len(), self.suite)
    }
}

fn case(f: &mut fmt::Formatter<'_>, result: &CaseResult) -> fmt::Result {
    let outcome = match result.outcome {
        CaseOutcome::Pass => "pass",
        CaseOutcome::Fail => "FAIL",
        CaseOutcome::Infrastructure => "could not be run",
    };
    writeln!(f, "{}: {outcome}", result.id)?;
    for finding in &result.findings {
        let hard = if finding.hard_rule { "hard rule, " } else { "" };
        writeln!(f, "    {hard}{}: {}", finding.grader, finding.detail)?;
    }
    for line in &result.transcript {
        writeln!(f, "    {}> {}", line.who, line.text.replace('\n', "\n      "))?;
    }
    writeln!(f)
}

#[derive(Serialize)]
struct Judged {
    #[serde(flatten)]
    report: Report,
    folder: PathBuf,
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gate = &self.report.report;
        for result in self.report.failing() {
            case(f, result)?;
        }
        for check in &gate.checks {
            let holds = if check.holds { "holds" } else { "DOES NOT HOLD" };
            writeln!(f, "{}: {holds} ({})", check.name, check.detail)?;
        }
        if gate.no_effect {
            writeln!(
                f,
                "no answer differs from the baseline's: to {} this change has no effect",
                self.report.model
            )?;
        }
        let word = if gate.outcome == Outcome::Pass { "PASS" } else { "NO PASS" };
        writeln!(f, "{word}: {}", sentence(gate.outcome))?;
        write!(f, "reports and verdict: {}", self.folder.display())
    }
}
