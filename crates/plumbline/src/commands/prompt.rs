//! `plumbline prompt`: what is served, what stands in the working tree, and the step from one to the other.

use assistant::{PROMPT, guards_digest};
use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, Utc};
use knowledge::Corpus;
use prompts::{
    Bundle, Digest, Envelope, Lock, Promoted, ServedConfiguration, Signer, SuiteRef, TrustedKeys,
    Unattested, short,
};
use serde::Serialize;

use super::eval;
use crate::{
    context::Context,
    exit::Exit,
    house::{self, Tasks},
};

#[derive(clap::Subcommand)]
pub(crate) enum Prompt {
    /// Tell what is promoted, by which verdict, whether prompts/ differs from it, and which parts of what a server here would
    /// serve were not judged.
    Show,
    /// Serve the prompt as it stands from now on. Refused, with exit status 13, unless `plumbline eval gate` has passed
    /// exactly this prompt with this model, these policies and these guards.
    Promote,
}

pub(super) async fn run(prompt: &Prompt, context: &Context) -> anyhow::Result<Exit> {
    match prompt {
        Prompt::Show => show(context),
        Prompt::Promote => promote(context).await,
    }
}

#[derive(Serialize)]
struct Shown {
    prompt: &'static str,
    working: Digest,
    promoted: Option<Promoted>,
    differs: bool,
    /// Whether a trusted verdict stands behind what is promoted.
    verdict: Option<Judged>,
    serving: Serving,
}

/// What a server that is started here, with these settings, serves in a sandbox.
#[derive(Serialize)]
struct Serving {
    digest: Digest,
    configuration: ServedConfiguration,
    attested: bool,
    unattested: Option<Told>,
}

#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    why: Unattested,
    text: String,
}

#[derive(Serialize)]
struct Judged {
    trusted: bool,
    model: Option<String>,
    decided_at: Option<String>,
    problem: Option<String>,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.prompt)?;
        writeln!(f, "working tree  {}", self.working)?;
        let Some(promoted) = &self.promoted else {
            writeln!(
                f,
                "promoted      nothing yet (`plumbline eval gate`, then `plumbline prompt promote`)"
            )?;
            return write!(f, "{}", self.serving);
        };
        writeln!(f, "promoted      {}", promoted.digest)?;
        writeln!(f, "configuration {}", promoted.configuration)?;
        match &self.verdict {
            None => writeln!(f, "verdict       none")?,
            Some(verdict) => match (&verdict.problem, &verdict.model, &verdict.decided_at) {
                (None, Some(model), Some(at)) => {
                    writeln!(f, "verdict       pass, with {model}, on {at}")?;
                }
                (problem, ..) => {
                    writeln!(f, "verdict       {}", problem.as_deref().unwrap_or("none"))?;
                }
            },
        }
        let differs = if self.differs { "differs" } else { "does not differ" };
        writeln!(f, "The working tree {differs} from what is promoted.")?;
        write!(f, "{}", self.serving)
    }
}

impl fmt::Display for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "served here   {}, ", self.digest)?;
        let Some(Told { why, text }) = &self.unattested else { return write!(f, "attested") };
        if why.differences.is_empty() {
            write!(f, "UNATTESTED: {text}")?;
        } else {
            writeln!(f, "UNATTESTED: not what the promoted verdict is about")?;
            write!(f, "  {:<12}{:<36}judged", "part", "served here")?;
            for one in &why.differences {
                let (served, judged) = (short(&one.served), short(&one.judged));
                write!(f, "\n  {:<12}{served:<36}{judged}", one.part)?;
            }
        }
        write!(
            f,
            "\nA sandbox serves it and marks it; any other server does not answer until `plumbline eval gate` has passed it and \
             `plumbline prompt promote` promoted it."
        )
    }
}

fn show(context: &Context) -> anyhow::Result<Exit> {
    let root = context.config.root()?;
    let working = Bundle::from_working_tree(&root, PROMPT)?.digest();
    let promoted = Lock::load(&root)?.find(PROMPT).cloned();
    let (model, embedder) = house::names(&context.config)?;
    let configuration = ServedConfiguration {
        prompt: promoted.as_ref().map_or_else(|| working.clone(), |one| one.digest.clone()),
        model,
        corpus: Corpus::read(&root.join("policies"))?.digest().to_owned(),
        embedder,
        guards: guards_digest().to_string(),
    };
    let keys = house::trusted_keys(&context.config.state_dir()?, &root)?;
    let envelope = match &promoted {
        Some(promoted) => promoted.envelope(&root)?,
        None => None,
    };
    let unattested = match &promoted {
        Some(_) => Unattested::of(envelope.as_ref(), &configuration, &keys),
        None => Some(Unattested::NOTHING_PROMOTED),
    };
    let serving = Serving {
        digest: configuration.digest(),
        configuration,
        attested: unattested.is_none(),
        unattested: unattested.map(|why| Told { text: why.to_string(), why }),
    };
    let verdict = envelope.map(|envelope| match envelope.verify(&keys) {
        Ok(verdict) => Judged {
            trusted: true,
            model: Some(verdict.configuration.model),
            decided_at: Some(verdict.decided_at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            problem: None,
        },
        Err(error) => Judged {
            trusted: false,
            model: None,
            decided_at: None,
            problem: Some(error.to_string()),
        },
    });
    let differs = promoted.as_ref().is_none_or(|promoted| promoted.digest != working);
    context.output.answer(&Shown {
        prompt: PROMPT,
        working,
        promoted,
        differs,
        verdict,
        serving,
    })?;
    Ok(Exit::Done)
}

/// Why nothing was promoted.
#[derive(Serialize)]
struct Refused {
    promoted: bool,
    configuration: Digest,
    problem: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NOT promoted: {}", self.problem)
    }
}

fn refused(
    configuration: &ServedConfiguration,
    problem: String,
    context: &Context,
) -> anyhow::Result<Exit> {
    let configuration = configuration.digest();
    context.output.answer(&Refused { promoted: false, configuration, problem })?;
    Ok(Exit::Attestation)
}

#[derive(Serialize)]
struct Done {
    promoted: bool,
    prompt: &'static str,
    digest: Digest,
    configuration: Digest,
    verdict: PathBuf,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "promoted {} {}", self.prompt, self.digest)?;
        write!(f, "A running server serves it after its next start.")
    }
}

async fn promote(context: &Context) -> anyhow::Result<Exit> {
    let root = context.config.root()?;
    let tasks = Tasks::default();
    let bench = eval::bench(context, &tasks).await?;
    let configuration = bench.configuration().clone();
    bench.close().await;
    tasks.close().await;
    let keys = house::trusted_keys(&context.config.state_dir()?, &root)?;
    let suite = eval::load(eval::SUITE, context)?;
    let suite = SuiteRef { name: suite.declaration.name, digest: parsed(&suite.digest)? };
    let Some(envelope) = passing(&eval::runs(context)?, &configuration, &suite, &keys)? else {
        let problem = format!(
            "the newest signed verdict about {} is no pass, or there is none over the suite `{}` as it stands: run `plumbline eval gate` first",
            configuration.digest(),
            suite.name
        );
        return refused(&configuration, problem, context);
    };
    let bundle = Bundle::from_working_tree(&root, PROMPT)?;
    let sealed = bundle.digest();
    if sealed != configuration.prompt {
        let problem = "the prompt changed meanwhile: judge it again".to_owned();
        return refused(&configuration, problem, context);
    }
    let digest = bundle.seal(&Lock::folder(&root))?;
    let promoted =
        Promoted { name: PROMPT.to_owned(), digest, configuration: configuration.digest() };
    let verdict = promoted.envelope_path(&root);
    fs::write(&verdict, format!("{}\n", serde_json::to_string_pretty(&envelope)?))
        .with_context(|| format!("could not write {}", verdict.display()))?;
    publish_key(&eval::signer(context)?, &envelope, &root.join(house::TRUSTED_KEYS))?;
    let mut lock = Lock::load(&root)?;
    lock.promote(promoted.clone());
    lock.store(&root)?;
    context.output.answer(&Done {
        promoted: true,
        prompt: PROMPT,
        digest: promoted.digest,
        configuration: promoted.configuration,
        verdict,
    })?;
    Ok(Exit::Done)
}

fn parsed(digest: &str) -> anyhow::Result<Digest> {
    digest.parse().map_err(anyhow::Error::msg)
}

/// Puts this machine's key, where it signed the verdict, beside the prompts: it is reviewed with the promotion.
fn publish_key(signer: &Signer, envelope: &Envelope, path: &Path) -> anyhow::Result<()> {
    let key = signer.public_key();
    let known = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
    if known.contains(&key) || envelope.verify(&TrustedKeys::parse(&key)?).is_err() {
        return Ok(());
    }
    fs::write(path, format!("{known}{key}\n"))
        .with_context(|| format!("could not write {}", path.display()))
}

/// The newest verdict about this configuration, over the suite as it stands, if it lets the configuration be served. A later
/// failure is not undone by an earlier pass; a verdict over other cases says nothing.
fn passing(
    runs: &Path,
    configuration: &ServedConfiguration,
    suite: &SuiteRef,
    keys: &TrustedKeys,
) -> anyhow::Result<Option<Envelope>> {
    let mut found: Option<(DateTime<Utc>, Envelope)> = None;
    let entries = match fs::read_dir(runs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        // A folder that is not a whole run attests nothing, nor does what nobody trusted has signed.
        let Ok(text) = fs::read_to_string(entry?.path().join(eval::VERDICT_FILE)) else { continue };
        let Ok(envelope) = serde_json::from_str::<Envelope>(&text) else { continue };
        let Ok(verdict) = envelope.verify(keys) else { continue };
        let newer = found.as_ref().is_none_or(|(known, _)| *known < verdict.decided_at);
        if newer && verdict.configuration == *configuration && verdict.suite == *suite {
            found = Some((verdict.decided_at, envelope));
        }
    }
    let newest = found.map(|(_, envelope)| envelope);
    Ok(newest.filter(|envelope| envelope.attests(configuration, keys).is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    use prompts::{Outcome, Verdict};

    fn configuration() -> ServedConfiguration {
        ServedConfiguration {
            prompt: Digest::of("p"),
            model: "m".into(),
            corpus: "c".into(),
            embedder: "e".into(),
            guards: "g".into(),
        }
    }

    fn suite(digest: &str) -> SuiteRef {
        SuiteRef { name: "consumer".into(), digest: Digest::of(digest) }
    }

    /// A run that ended on the `day` of a month with this outcome, over this suite.
    fn add_run(runs: &Path, signer: &Signer, day: u32, outcome: Outcome, suite: SuiteRef) {
        let verdict = Verdict {
            configuration: configuration(),
            outcome,
            suite,
            baseline: None,
            decided_at: format!("2026-11-{day:02}T12:00:00Z").parse().unwrap(),
            measures: serde_json::json!({}),
        };
        let folder = runs.join(format!("run-{day}"));
        fs::create_dir(&folder).unwrap();
        let envelope = serde_json::to_string(&signer.sign(&verdict)).unwrap();
        fs::write(folder.join(eval::VERDICT_FILE), envelope).unwrap();
    }

    #[test]
    fn without_a_run_nothing_attests() {
        let state = tempfile::tempdir().unwrap();
        let keys = TrustedKeys::parse(&Signer::from_seed([7; 32]).public_key()).unwrap();
        let attested = |runs: &Path| {
            passing(runs, &configuration(), &suite("today"), &keys).unwrap().is_some()
        };
        assert!(!attested(&state.path().join("none")));
        fs::create_dir(state.path().join("torn")).unwrap();
        fs::write(state.path().join("torn").join(eval::VERDICT_FILE), "{").unwrap();
        assert!(!attested(state.path()));
    }

    #[test]
    fn the_newest_verdict_over_the_suite_as_it_stands_counts() {
        let state = tempfile::tempdir().unwrap();
        let (signer, stranger) = (Signer::from_seed([7; 32]), Signer::from_seed([8; 32]));
        let keys = TrustedKeys::parse(&signer.public_key()).unwrap();
        let runs = state.path();
        let attested = |digest: &str| {
            passing(runs, &configuration(), &suite(digest), &keys).unwrap().is_some()
        };
        add_run(runs, &stranger, 1, Outcome::Pass, suite("today"));
        assert!(!attested("today"), "a stranger's verdict");
        add_run(runs, &signer, 2, Outcome::Pass, suite("today"));
        assert!(attested("today"));
        assert!(!attested("tomorrow, with more cases"));
        add_run(runs, &signer, 3, Outcome::Quality, suite("today"));
        assert!(!attested("today"), "an earlier pass outlived a failure");
    }
}
