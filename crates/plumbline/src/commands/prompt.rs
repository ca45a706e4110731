//! `plumbline prompt`: what is served, what stands in the working tree, and the step from one to the other.

use assistant::PROMPT;
use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use evals::report::{REPORT_FILE, Report};
use prompts::{Bundle, Digest, Envelope, Lock, Promoted, ServedConfiguration, Signer, TrustedKeys};
use serde::Serialize;

use super::eval;
use crate::{
    context::Context,
    exit::Exit,
    house::{self, Tasks},
    output::progress,
};

#[derive(clap::Subcommand)]
pub(crate) enum Prompt {
    /// Tell what is promoted, by which verdict, and whether the working tree differs.
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
            return write!(
                f,
                "promoted      nothing yet (`plumbline eval gate`, then `plumbline prompt promote`)"
            );
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
        write!(f, "The working tree {differs} from what is promoted.")
    }
}

fn show(context: &Context) -> anyhow::Result<Exit> {
    let root = context.config.root()?;
    let working = Bundle::from_working_tree(&root, PROMPT)?.digest();
    let promoted = Lock::load(&root)?.find(PROMPT).cloned();
    let keys = house::trusted_keys(&context.config.state_dir()?, &root)?;
    let envelope = match &promoted {
        Some(promoted) => promoted.envelope(&root)?,
        None => None,
    };
    let verdict = envelope.map(|envelope| match envelope.verify(&keys) {
        Ok(verdict) => Judged {
            trusted: true,
            model: Some(verdict.configuration.model),
            decided_at: Some(verdict.decided_at.to_rfc3339()),
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
    context.output.answer(&Shown { prompt: PROMPT, working, promoted, differs, verdict })?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Done {
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
    let Some(envelope) = passing(&eval::runs(context)?, &configuration, &keys)? else {
        progress(format!(
            "no signed, passing verdict about {}: run `plumbline eval gate` first",
            configuration.digest()
        ));
        return Ok(Exit::Attestation);
    };
    let bundle = Bundle::from_working_tree(&root, PROMPT)?;
    let sealed = bundle.digest();
    if sealed != configuration.prompt {
        progress("the prompt changed meanwhile: judge it again");
        return Ok(Exit::Attestation);
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
        prompt: PROMPT,
        digest: promoted.digest,
        configuration: promoted.configuration,
        verdict,
    })?;
    Ok(Exit::Done)
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

/// A verdict of one of the kept runs that lets this configuration be served, whichever is newest.
fn passing(
    runs: &Path,
    configuration: &ServedConfiguration,
    keys: &TrustedKeys,
) -> anyhow::Result<Option<Envelope>> {
    let mut found: Option<(Report, Envelope)> = None;
    let entries = match fs::read_dir(runs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    for entry in entries {
        let folder = entry?.path();
        let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
        // A folder that is not a whole run attests nothing.
        let (Some(report), Some(envelope)) = (read(REPORT_FILE), read(eval::VERDICT_FILE)) else {
            continue;
        };
        let (Ok(report), Ok(envelope)) =
            (serde_json::from_str::<Report>(&report), serde_json::from_str::<Envelope>(&envelope))
        else {
            continue;
        };
        let newer = found.as_ref().is_none_or(|(known, _)| known.ended_at < report.ended_at);
        if newer && envelope.attests(configuration, keys).is_ok() {
            found = Some((report, envelope));
        }
    }
    Ok(found.map(|(_, envelope)| envelope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_run_nothing_attests() {
        let state = tempfile::tempdir().unwrap();
        let configuration = ServedConfiguration {
            prompt: Digest::of("p"),
            model: "m".into(),
            corpus: "c".into(),
            embedder: "e".into(),
            guards: "g".into(),
        };
        let keys = TrustedKeys::parse(&Signer::from_seed([7; 32]).public_key()).unwrap();
        assert!(passing(&state.path().join("none"), &configuration, &keys).unwrap().is_none());
        fs::create_dir(state.path().join("torn")).unwrap();
        fs::write(state.path().join("torn").join(REPORT_FILE), "{").unwrap();
        assert!(passing(state.path(), &configuration, &keys).unwrap().is_none());
    }
}
