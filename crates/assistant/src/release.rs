//! What is served: the promoted bundle with its tools, and whether a verdict stands behind it.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::NaiveDate;
use prompts::{
    Bundle, Digest, Lock, PromptError, Role, ServedConfiguration, TrustedKeys, Unattested,
};
use serde_json::{Value, json};
use toolkit::{PolicyFile, Registry, Surface, ToolSpec};

use crate::{AssistantError, Means, rights, tools};

/// The prompt of the consumer's assistant.
pub const PROMPT: &str = "consumer/answer";

/// Where prompts stand and what may be served.
#[derive(Clone, Debug)]
pub struct Serving {
    /// The folder that holds `prompts/` and `tools/`.
    pub root: PathBuf,
    /// `area/name`.
    pub prompt: String,
    pub source: Source,
    /// Only then may a configuration without a verdict be served.
    pub sandbox: bool,
    pub trusted: TrustedKeys,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// What `promoted.lock` names.
    Promoted,
    /// The files as they stand: a candidate of the gate.
    WorkingTree,
}

/// A configuration that is served.
pub struct Release {
    pub configuration: ServedConfiguration,
    /// Why no trusted verdict stands behind exactly this configuration; nothing where one does.
    pub unattested: Option<Unattested>,
    /// The configuration with its digest, as records name it.
    pub(crate) served: Value,
    pub(crate) bundle: Bundle,
    pub(crate) registry: Registry,
    pub(crate) policy: PolicyFile,
    /// What was last shown, and where and when: it changes once a day.
    shown: Mutex<Option<(Surface, NaiveDate, Arc<Shown>)>>,
}

/// What every ask of a day is made around: the prompt as it reads that day, and the tools of the surface.
pub(crate) struct Shown {
    /// What stands before the conversation.
    pub(crate) before: Vec<llm::Message>,
    /// What stands between the conversation and this turn.
    pub(crate) after: Vec<llm::Message>,
    pub(crate) tools: llm::Tools,
    /// Of all of it.
    pub(crate) tokens: u64,
}

/// The digest of the guards, the weights of the classifier among them: an edit to any of them is another configuration.
pub fn guards_digest() -> Digest {
    const SOURCES: &[&str] = &[
        crate::guards::SOURCES,
        include_str!("claims.rs"),
        include_str!("clauses.rs"),
        include_str!("figures.rs"),
        include_str!("figures/nouns.rs"),
        include_str!("flags.rs"),
        include_str!("plain.rs"),
        include_str!("rights.rs"),
        include_str!("rights/matching.rs"),
        include_str!("rights/rules.rs"),
        include_str!("rights/rules.txt"),
        include_str!("rights/thesaurus.txt"),
    ];
    let read = SOURCES.iter().chain(classifier::SOURCES).flat_map(|source| source.bytes());
    Digest::of(read.chain(rights::WEIGHTS.iter().copied()).collect::<Vec<u8>>())
}

impl Release {
    /// Loads what is served. Where nothing may be, for want of a verdict and of a sandbox, the answer is why.
    pub fn load(
        serving: &Serving,
        means: &Means,
        model: &str,
    ) -> Result<Result<Self, Unattested>, AssistantError> {
        let lock = Lock::load(&serving.root)?;
        let promoted = match serving.source {
            Source::Promoted => lock.find(&serving.prompt),
            Source::WorkingTree => None,
        };
        let bundle = match promoted {
            Some(promoted) => Bundle::open(&Lock::folder(&serving.root), &promoted.digest)?,
            None if serving.source == Source::WorkingTree || serving.sandbox => {
                Bundle::from_working_tree(&serving.root, &serving.prompt)?
            }
            None => return Ok(Err(Unattested::NOTHING_PROMOTED)),
        };
        let configuration = ServedConfiguration {
            prompt: bundle.digest(),
            model: model.to_owned(),
            corpus: means.knowledge.corpus_digest().to_owned(),
            embedder: means.knowledge.embedder_name().to_owned(),
            guards: guards_digest().to_string(),
        };
        let unattested = match promoted {
            Some(promoted) => {
                let envelope = promoted.envelope(&serving.root)?;
                Unattested::of(envelope.as_ref(), &configuration, &serving.trusted)
            }
            None => Some(Unattested::NOTHING_PROMOTED),
        };
        match unattested {
            Some(why) if !serving.sandbox => Ok(Err(why)),
            unattested => Self::new(bundle, configuration, unattested, means).map(Ok),
        }
    }

    fn new(
        bundle: Bundle,
        configuration: ServedConfiguration,
        unattested: Option<Unattested>,
        means: &Means,
    ) -> Result<Self, AssistantError> {
        let registry = tools::registry(means, &bundle.manifests()?)?;
        let policy = bundle.policy()?;
        let mut served = json!(configuration);
        if let Value::Object(members) = &mut served {
            members.insert("digest".into(), json!(configuration.digest()));
        }
        let shown = Mutex::new(None);
        Ok(Self { configuration, unattested, served, bundle, registry, policy, shown })
    }

    /// Whether a trusted verdict stands behind exactly what is served.
    #[must_use]
    pub const fn attested(&self) -> bool {
        self.unattested.is_none()
    }

    /// What the model is shown of the tools on a surface.
    pub fn tool_specs(&self, surface: Surface) -> Vec<ToolSpec> {
        self.registry.specs(surface)
    }

    /// What a model is shown on a surface on a day; rendered and counted once.
    pub(crate) fn shown(
        &self,
        surface: Surface,
        today: NaiveDate,
    ) -> Result<Arc<Shown>, PromptError> {
        let mut last = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, shown)) =
            last.as_ref().filter(|last| (last.0, last.1) == (surface, today))
        {
            return Ok(Arc::clone(shown));
        }
        let shown = Arc::new(self.show(surface, today)?);
        *last = Some((surface, today, Arc::clone(&shown)));
        Ok(shown)
    }

    fn show(&self, surface: Surface, today: NaiveDate) -> Result<Shown, PromptError> {
        let today = today.format("%A, %B %-d, %Y").to_string();
        let values = BTreeMap::from([("today".to_owned(), json!(today))]);
        let rendered = self.bundle.prompt.render(&values)?;
        let mut before: Vec<llm::Message> =
            rendered.messages.iter().map(|message| fixed(message.role, &message.text)).collect();
        let specs = self.registry.specs(surface).into_iter();
        let tools = specs.map(|spec| llm::ToolSpec {
            name: spec.name,
            description: spec.description,
            parameters: spec.parameters,
        });
        let tools: Vec<_> = tools.collect();
        let tokens = llm::count_messages(&before) + llm::count_tools(&tools);
        let after = before.split_off(rendered.history_at.min(before.len()));
        Ok(Shown { before, after, tools: llm::Tools::new(tools), tokens })
    }

    pub(crate) fn max_output_tokens(&self) -> u32 {
        self.bundle.prompt.head.max_output_tokens().unwrap_or(700)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a temperature lies between 0 and 2")]
    pub(crate) fn temperature(&self) -> f32 {
        self.bundle.prompt.head.temperature().unwrap_or_default() as f32
    }
}

fn fixed(role: Role, text: &str) -> llm::Message {
    let text = text.to_owned();
    match role {
        Role::System => llm::Message::System { text },
        Role::Customer => llm::Message::Customer { text },
        Role::Assistant => llm::Message::Assistant { text, calls: Vec::new() },
    }
}
