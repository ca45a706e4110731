//! The tools of one surface, by name: what may run at all is settled here.

use std::{collections::BTreeMap, future::Future, pin::Pin};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Answers, Attachment, Conversation, Effect, EffectClass, Evidence, Field, Findings, Manifest,
    ManifestError, Policy, Proposal, Proposed, Proposes, Surface, Tool, ToolError, ToolErrorKind,
    Verdict, field, manifest::Example, provenance, schema,
};

/// A call as the model wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub id: String,
    pub tool: String,
    pub args: Value,
}

/// What a tool found, labelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    pub effect: Effect,
    pub fields: Vec<Field>,
    pub attachments: Vec<Attachment>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    Answered(Answered),
    /// Judged and ready to be minted as an intent; nothing has changed.
    Proposed(Box<Proposed>),
}

/// What the model is shown of one tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSpec {
    pub name: String,
    pub description: String,
    /// JSON schema.
    pub parameters: Value,
}

/// Who asks, under which rules, and what proves a protected argument.
#[derive(Clone, Copy)]
struct Judge<'a> {
    conversation: &'a Conversation,
    policy: &'a Policy,
    evidence: &'a Evidence,
}

/// What a person is told who asks for what their level of identity does not open.
const STEP_UP: &str =
    "This needs a step-up: confirm who you are with a second factor, then ask again.";

/// Tools by name. `BTreeMap`: the model sees them in a stable order. Time-outs and the record are the caller's.
#[derive(Default)]
pub struct Registry {
    tools: BTreeMap<&'static str, Registered>,
}

struct Registered {
    manifest: Manifest,
    spec: ToolSpec,
    tool: Box<dyn AnyTool>,
}

impl Registry {
    /// Adds a tool that answers.
    ///
    /// # Errors
    /// The manifest does not fit the tool's types.
    pub fn with_answer<T: Answers>(
        mut self,
        tool: T,
        manifests: &BTreeMap<String, Manifest>,
    ) -> Result<Self, ManifestError> {
        let manifest = find::<T>(manifests)?;
        let declared = if T::PROTECTS { EffectClass::Protects } else { EffectClass::Reads };
        if manifest.effect != declared {
            return Err(manifest.misfit("its effect is not the one it has"));
        }
        let output = schema::schema_of::<T::Output>();
        if let Some(stray) =
            manifest.result.iter().find(|field| !schema::has_member(&output, &field.name))
        {
            return Err(manifest.misfit(&format!("labels `{}`, which is not found", stray.name)));
        }
        self.add::<T>(manifest, Box::new(Answer(tool)))?;
        Ok(self)
    }

    /// Adds a tool that proposes.
    ///
    /// # Errors
    /// The manifest does not fit the tool's types.
    pub fn with_proposal<T: Proposes>(
        mut self,
        tool: T,
        manifests: &BTreeMap<String, Manifest>,
    ) -> Result<Self, ManifestError> {
        let manifest = find::<T>(manifests)?;
        if !matches!(manifest.effect, EffectClass::Writes | EffectClass::MovesMoney) {
            return Err(manifest.misfit("a tool that proposes writes or moves money"));
        }
        self.add::<T>(manifest, Box::new(Propose(tool)))?;
        Ok(self)
    }

    fn add<T: Tool>(
        &mut self,
        manifest: Manifest,
        tool: Box<dyn AnyTool>,
    ) -> Result<(), ManifestError> {
        for Example { says, arguments } in &manifest.example {
            serde_json::from_value::<T::Args>(arguments.clone()).map_err(|error| {
                manifest.misfit(&format!("the example \"{says}\" does not fit: {error}"))
            })?;
        }
        let spec = ToolSpec {
            name: manifest.name.clone(),
            description: described(&manifest),
            parameters: schema::parameters::<T::Args>(&manifest)?,
        };
        self.tools.insert(T::NAME, Registered { manifest, spec, tool });
        Ok(())
    }

    /// What the model is shown on a surface, in a stable order.
    pub fn specs(&self, surface: Surface) -> Vec<ToolSpec> {
        self.tools
            .values()
            .filter(|tool| tool.manifest.surfaces.contains(&surface))
            .map(|tool| tool.spec.clone())
            .collect()
    }

    pub fn manifest(&self, tool: &str) -> Option<&Manifest> {
        self.tools.get(tool).map(|tool| &tool.manifest)
    }

    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.tools.values().map(|tool| &tool.manifest)
    }

    /// Runs what may run: a tool of this surface, at this level, with arguments that fit and have a source, under this
    /// policy. Failing closed at each step.
    pub async fn dispatch(
        &self,
        conversation: &Conversation,
        call: &Call,
        policy: &Policy,
        evidence: &Evidence,
    ) -> Result<Outcome, ToolError> {
        let unknown = || ToolError::new(ToolErrorKind::UnknownTool, &call.tool);
        let registered = self.tools.get(call.tool.as_str()).ok_or_else(unknown)?;
        let manifest = &registered.manifest;
        if !manifest.surfaces.contains(&conversation.surface) {
            return Err(unknown());
        }
        if conversation.level < manifest.level {
            let denied = ToolErrorKind::Denied;
            return Err(ToolError {
                refusal: Some(STEP_UP.to_owned()),
                ..ToolError::new(denied, "the person is not known well enough")
            });
        }
        let judge = Judge { conversation, policy, evidence };
        judge.before(manifest, &call.args)?;
        registered.tool.run(manifest, judge, call.args.clone()).await
    }
}

impl Judge<'_> {
    /// A call whose class alone is denied never runs; a protected argument without a source is not even resolved.
    fn before(&self, manifest: &Manifest, args: &Value) -> Result<(), ToolError> {
        let least = match manifest.effect {
            EffectClass::Reads => Effect::Reads,
            EffectClass::Protects => Effect::Protects,
            EffectClass::Writes => Effect::Writes,
            EffectClass::MovesMoney => Effect::MovesMoney(money::Cents::ZERO),
        };
        self.effect(manifest, least)?;
        let check = match manifest.effect {
            EffectClass::MovesMoney => provenance::check_ordered,
            EffectClass::Reads | EffectClass::Protects | EffectClass::Writes => provenance::check,
        };
        check(&manifest.protected, args, self.evidence, self.conversation.today)
            .map_err(|unsourced| ToolError::new(ToolErrorKind::Unsourced, unsourced.to_string()))
    }

    fn effect(&self, manifest: &Manifest, effect: Effect) -> Result<(), ToolError> {
        match self.policy.judge(effect, manifest.reveals) {
            Verdict::Deny => Err(ToolError::new(ToolErrorKind::Denied, "by policy")),
            Verdict::Ask if matches!(effect, Effect::Reads) => {
                Err(ToolError::new(ToolErrorKind::Denied, "a read cannot wait for a person"))
            }
            Verdict::Allow | Verdict::Ask => Ok(()),
        }
    }
}

fn find<T: Tool>(manifests: &BTreeMap<String, Manifest>) -> Result<Manifest, ManifestError> {
    manifests.get(T::NAME).cloned().ok_or_else(|| ManifestError::Missing(T::NAME.to_owned()))
}

/// The description, and the worked calls below it.
fn described(manifest: &Manifest) -> String {
    let examples = manifest.example.iter().map(|example| {
        format!(
            "
Example: \"{}\" -> {}",
            example.says, example.arguments
        )
    });
    std::iter::once(manifest.description.trim().to_owned()).chain(examples).collect()
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<Outcome, ToolError>> + Send + 'a>>;

/// A tool with its types erased, so that one map can hold both kinds.
trait AnyTool: Send + Sync {
    fn run<'a>(&'a self, manifest: &'a Manifest, judge: Judge<'a>, args: Value) -> Running<'a>;
}

struct Answer<T>(T);
struct Propose<T>(T);

impl<T: Answers> AnyTool for Answer<T> {
    fn run<'a>(&'a self, manifest: &'a Manifest, judge: Judge<'a>, args: Value) -> Running<'a> {
        Box::pin(async move {
            let args = parse::<T>(args)?;
            let Findings { output, attachments } = self.0.answer(judge.conversation, args).await?;
            let output = serde_json::to_value(output).map_err(|error| broken(&error))?;
            let fields = field::label(&manifest.result, &output).map_err(|error| broken(&error))?;
            let effect = if T::PROTECTS { Effect::Protects } else { Effect::Reads };
            Ok(Outcome::Answered(Answered { effect, fields, attachments }))
        })
    }
}

impl<T: Proposes> AnyTool for Propose<T> {
    fn run<'a>(&'a self, manifest: &'a Manifest, judge: Judge<'a>, args: Value) -> Running<'a> {
        Box::pin(async move {
            let args = parse::<T>(args)?;
            let proposal: Proposal = self.0.propose(judge.conversation, args).await?;
            if proposal.effect.class() != manifest.effect {
                return Err(broken(&"it proposes another effect than its manifest declares"));
            }
            judge.effect(manifest, proposal.effect)?;
            let fields =
                field::label(&manifest.result, &proposal.shown).map_err(|error| broken(&error))?;
            Ok(Outcome::Proposed(Box::new(Proposed::worded(manifest, proposal, fields))))
        })
    }
}

fn parse<T: Tool>(args: Value) -> Result<T::Args, ToolError> {
    serde_json::from_value(args)
        .map_err(|error| ToolError::new(ToolErrorKind::InvalidArgs, error.to_string()))
}

fn broken(detail: &dyn std::fmt::Display) -> ToolError {
    ToolError::new(ToolErrorKind::Unavailable, format!("{detail}"))
}
