//! Running a suite: candidate and baseline in turns, each case in a world of its own, on a database that is thrown away.
//!
//! The clock stands still at the sandbox's first morning, the bank is never reached, and both sides have the same model,
//! policies and guards: what differs is the prompt with its tools.

mod observe;
mod play;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use assistant::{Assistant, Means, Release, Serving, Source};
use audit::Log;
use calendar::{Clock, Tz, instant_of};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use knowledge::{Embedder, Knowledge, index::ExactIndex};
use llm::Chat;
use prompts::{Lock, ServedConfiguration, TrustedKeys, Unattested};
use rails::{AchOriginator, SealingKeys};
use servicing::{
    Lender, Servicing,
    portfolio::{WorldFile, sandbox_creditor},
    ports::NoBank,
};
use store::testing::TestDatabase;
use tempfile::TempDir;

use crate::{
    Case, EvalError, Suite,
    gate::{CaseResult, Run},
};

use play::Play;

const ZONE: Tz = Tz::America__Los_Angeles;

/// When every case happens: Monday, November 23, 2026, ten in the morning in Los Angeles.
#[must_use]
pub fn opens_at() -> DateTime<Utc> {
    let on = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap_or_default();
    let ten = NaiveTime::from_hms_opt(10, 0, 0).unwrap_or_default();
    instant_of(on, ten, ZONE)
}

/// How often a play is begun anew, in a fresh world, before it counts as one that could not be run.
const TRIES: u32 = 3;

/// What is run, and with what.
pub struct Setup {
    /// The folder that holds `prompts/`, `tools/`, `policies/` and `worlds/`.
    pub root: PathBuf,
    /// `area/name`.
    pub prompt: String,
    pub chat: Chat,
    pub embedder: Option<Arc<dyn Embedder>>,
    pub originator: AchOriginator,
    /// How often each case is run: once where the model always says the same.
    pub repeats: u32,
}

/// A case that was played.
pub struct Progress<'a> {
    pub done: usize,
    pub all: usize,
    pub candidate: &'a CaseResult,
    pub baseline: Option<&'a CaseResult>,
}

/// Both runs.
pub struct Played {
    pub candidate: Run,
    /// None where nothing is promoted.
    pub baseline: Option<Run>,
}

/// Everything a case is played with.
pub struct Bench {
    servicing: Servicing,
    log: Log,
    worlds: BTreeMap<String, WorldFile>,
    candidate: Side,
    baseline: Option<Side>,
    repeats: u32,
    // Last: the pools close before the database goes.
    database: TestDatabase,
    _folder: TempDir,
}

struct Side {
    /// Part of the seed of its worlds.
    name: &'static str,
    assistant: Assistant,
    configuration: ServedConfiguration,
}

impl Bench {
    /// Makes the database, indexes the policies and loads both prompts.
    ///
    /// # Errors
    /// PostgreSQL cannot be started, a policy, prompt, manifest or world does not parse.
    pub async fn set_up(setup: Setup) -> Result<Self, EvalError> {
        let database = store::testing::try_database().await.map_err(|e| broken(&e))?;
        let folder = tempfile::tempdir().map_err(|e| broken(&e))?;
        let log = Log::open(folder.path(), audit::ORIGIN).map_err(|e| broken(&e))?;
        let (clock, _) = Clock::manual(opens_at());
        let store = database.store().clone();
        let seals = SealingKeys::generate("evals").and_then(|key| key.parse::<SealingKeys>());
        let seals = seals.map_err(|e| broken(&e))?;
        let (originator, creditor) = (setup.originator, sandbox_creditor());
        let lender = Lender { originator, creditor, seals };
        let servicing = Servicing::new(store, clock, ZONE, Arc::new(NoBank), lender);
        let policies = setup.root.join("policies");
        let index = Arc::new(ExactIndex::new());
        let knowledge = Knowledge::load(&policies, setup.embedder, index).await;
        let knowledge = Arc::new(knowledge.map_err(|e| broken(&e))?);
        let means = Means { servicing: servicing.clone(), knowledge };
        let files = WorldFile::load_all(&setup.root.join("worlds")).map_err(|e| broken(&e))?;
        let side = |name, source| {
            let serving = Serving {
                root: setup.root.clone(),
                prompt: setup.prompt.clone(),
                source,
                sandbox: true,
                trusted: TrustedKeys::default(),
            };
            Side::load(name, &serving, &means, &setup.chat)
        };
        let promoted = Lock::load(&setup.root).map_err(|e| broken(&e))?;
        let baseline = promoted.find(&setup.prompt).map(|_| side("baseline", Source::Promoted));
        Ok(Self {
            candidate: side("candidate", Source::WorkingTree)?,
            baseline: baseline.transpose()?,
            worlds: files.into_iter().map(|file| (file.name.clone(), file)).collect(),
            repeats: setup.repeats.max(1),
            servicing,
            log,
            database,
            _folder: folder,
        })
    }

    /// The same without its baseline: nothing is compared.
    #[must_use]
    pub fn candidate_only(self) -> Self {
        Self { baseline: None, ..self }
    }

    /// Lets the model read both prompts, so that the first case does not wait for it until it counts as away.
    async fn warm_up(&self) {
        self.candidate.assistant.warm_up().await;
        if let Some(side) = &self.baseline {
            side.assistant.warm_up().await;
        }
    }

    /// What a verdict would be about.
    #[must_use]
    pub fn configuration(&self) -> &ServedConfiguration {
        &self.candidate.configuration
    }

    /// Plays every case of a suite under both configurations, one after the other.
    pub async fn run(&self, suite: &Suite, mut progress: impl FnMut(Progress<'_>)) -> Played {
        // A model that always says the same is the stand-in, which reads a prompt slowly the first time.
        if self.repeats == 1 {
            self.warm_up().await;
        }
        let run = |side: &Side| Run {
            configuration: side.configuration.digest().to_string(),
            results: Vec::with_capacity(suite.cases.len()),
        };
        let mut candidate = run(&self.candidate);
        let mut baseline = self.baseline.as_ref().map(run);
        for (at, case) in suite.cases.iter().enumerate() {
            let mut was = None;
            // Who comes second finds what both need warm: they take turns.
            let second = at % 2 == 1;
            if let (Some(side), true) = (&self.baseline, second) {
                was = Some(Box::pin(self.repeat(side, case)).await);
            }
            let now = Box::pin(self.repeat(&self.candidate, case)).await;
            if let (Some(side), false) = (&self.baseline, second) {
                was = Some(Box::pin(self.repeat(side, case)).await);
            }
            if let (Some(run), Some(result)) = (&mut baseline, &was) {
                run.results.push(result.clone());
            }
            progress(Progress {
                done: at + 1,
                all: suite.cases.len(),
                candidate: &now,
                baseline: was.as_ref(),
            });
            candidate.results.push(now);
        }
        Played { candidate, baseline }
    }

    /// One case under one configuration, as often as is asked for.
    async fn repeat(&self, side: &Side, case: &Case) -> CaseResult {
        let mut plays = Vec::new();
        for nth in 0..self.repeats {
            plays.push(self.tried(side, case, nth).await);
        }
        play::summed(case, plays)
    }

    /// One play. What a model did not answer says nothing about a prompt: the play is begun again, from nothing.
    async fn tried(&self, side: &Side, case: &Case, nth: u32) -> Play {
        let mut play = self.play(side, case, &format!("{nth}")).await;
        for again in 1..TRIES {
            let Some(problem) = play.problem() else { break };
            tracing::warn!(case.id = %case.id, %problem, "playing {} again", case.id);
            play = self.play(side, case, &format!("{nth}.{again}")).await;
        }
        play
    }

    /// Ends the assistants' work and gives the database back. A turn that is still under way is waited for.
    pub async fn close(self) {
        self.candidate.assistant.shut_down().await;
        if let Some(side) = &self.baseline {
            side.assistant.shut_down().await;
        }
        self.database.store().clone().close().await;
    }
}

impl Side {
    fn load(
        name: &'static str,
        serving: &Serving,
        means: &Means,
        chat: &Chat,
    ) -> Result<Self, EvalError> {
        let release = Release::load(serving, means, chat.model()).map_err(|e| broken(&e))?;
        let nothing = |why: &Unattested| EvalError::Infrastructure {
            reason: format!("nothing is served: {why}"),
        };
        let configuration = release.as_ref().map_err(nothing)?.configuration.clone();
        let assistant = Assistant::new(means.clone(), chat.clone(), release);
        Ok(Self { name, assistant, configuration })
    }
}

/// What went wrong around a run, with its causes.
fn broken(error: &(dyn std::error::Error + 'static)) -> EvalError {
    EvalError::Infrastructure { reason: identity::chain(error) }
}
