//! What is served: the promoted bundle with its tools, and whether a verdict stands behind it.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use chrono::NaiveDate;
use prompts::{Bundle, Digest, Lock, PromptError, Rendered, ServedConfiguration, TrustedKeys};
use serde_json::json;
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
    /// A trusted verdict stands behind exactly this configuration.
    pub attested: bool,
    pub(crate) bundle: Bundle,
    pub(crate) registry: Registry,
    pub(crate) policy: PolicyFile,
    /// The last system text and its tokens with the tools: it changes once a day.
    counted: Mutex<Option<(String, u64)>>,
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
    /// Loads what is served; `None` where nothing may be: no verdict, and no sandbox.
    pub fn load(
        serving: &Serving,
        means: &Means,
        model: &str,
    ) -> Result<Option<Self>, AssistantError> {
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
            None => return Ok(None),
        };
        let configuration = ServedConfiguration {
            prompt: bundle.digest(),
            model: model.to_owned(),
            corpus: means.knowledge.corpus_digest().to_owned(),
            embedder: means.knowledge.embedder_name().to_owned(),
            guards: guards_digest().to_string(),
        };
        let attested = match promoted {
            Some(promoted) => promoted
                .envelope(&serving.root)?
                .is_some_and(|envelope| envelope.attests(&configuration, &serving.trusted).is_ok()),
            None => false,
        };
        if !attested && !serving.sandbox {
            return Ok(None);
        }
        Self::new(bundle, configuration, attested, means).map(Some)
    }

    fn new(
        bundle: Bundle,
        configuration: ServedConfiguration,
        attested: bool,
        means: &Means,
    ) -> Result<Self, AssistantError> {
        let registry = tools::registry(means, &bundle.manifests()?)?;
        let policy = bundle.policy()?;
        Ok(Self { configuration, attested, bundle, registry, policy, counted: Mutex::new(None) })
    }

    /// What the model is shown of the tools on a surface.
    pub fn tool_specs(&self, surface: Surface) -> Vec<ToolSpec> {
        self.registry.specs(surface)
    }

    /// The same, in the form in which a model is asked.
    pub(crate) fn wire_specs(&self, surface: Surface) -> Vec<llm::ToolSpec> {
        let specs = self.registry.specs(surface).into_iter();
        specs
            .map(|spec| llm::ToolSpec {
                name: spec.name,
                description: spec.description,
                parameters: spec.parameters,
            })
            .collect()
    }

    pub(crate) fn render(&self, today: NaiveDate) -> Result<Rendered, PromptError> {
        let today = today.format("%A, %B %-d, %Y").to_string();
        self.bundle.prompt.render(&BTreeMap::from([("today".to_owned(), json!(today))]))
    }

    /// The tokens of the system text with the tools, counted once for each text.
    pub(crate) fn fixed_tokens(&self, rendered: &Rendered, tools: &[llm::ToolSpec]) -> u64 {
        let text: String = rendered.messages.iter().map(|message| message.text.as_str()).collect();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, tokens)) = counted.as_ref()
            && *known == text
        {
            return *tokens;
        }
        let messages: Vec<llm::Message> = rendered
            .messages
            .iter()
            .map(|message| crate::context::fixed(message.role, &message.text))
            .collect();
        let tokens = llm::count_messages(&messages, tools);
        *counted = Some((text, tokens));
        tokens
    }

    pub(crate) fn max_output_tokens(&self) -> u32 {
        self.bundle.prompt.head.max_output_tokens().unwrap_or(700)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a temperature lies between 0 and 2")]
    pub(crate) fn temperature(&self) -> f32 {
        self.bundle.prompt.head.temperature().unwrap_or_default() as f32
    }
}
