//! Asking the model, and checking what it says while it says it.

use std::sync::Arc;

use futures::StreamExt;
use llm::{ChatRequest, Finish, LlmError, Piece, ToolCall};
use orchestrator::{Ask, Effect, Event, Judgment, ModelFailure, StepError, ToolRequest, Usage};
use serde_json::json;
use servicing::ServicingError;
use tokio::time::{Duration, Instant, timeout_at};

use super::Run;
use crate::{
    claims::{self, Proof},
    clauses::Clauses,
    context,
    figures::{self, Checked, Sources},
    flags,
    release::Shown,
};

/// Clauses that have passed wait this long for more before they are released.
const GATHER: Duration = Duration::from_millis(600);

impl Run {
    pub(super) fn plan(&mut self) {
        // A prompt that does not render cannot be asked.
        let tokens = self.shown().map_or(u64::MAX, |shown| {
            shown.tokens + self.history_tokens + context::turn_tokens(&self.turn)
        });
        self.note(Event::Planned { prompt_tokens: tokens }, json!({}));
    }

    fn shown(&self) -> Option<Arc<Shown>> {
        let release = self.inner.release.as_ref()?;
        release.shown(self.conversation.surface, self.conversation.today).ok()
    }

    fn request(&self, ask: &Ask) -> Option<ChatRequest> {
        let release = self.inner.release.as_ref()?;
        let shown = self.shown()?;
        Some(ChatRequest {
            messages: context::messages(&shown, &self.history, &self.turn, ask),
            tools: shown.tools.clone(),
            max_tokens: release.max_output_tokens(),
            temperature: release.temperature(),
        })
    }

    pub(super) async fn ask(&mut self, ask: Ask) -> Result<(), ServicingError> {
        let number = ask.number;
        let begun = Instant::now();
        let end = match self.request(&ask) {
            Some(request) => {
                let chat = self.inner.chat.clone();
                match timeout_at(self.ends_at, chat.stream(request)).await {
                    Ok(Ok(stream)) => self.listen(number, stream).await?,
                    Ok(Err(error)) => Some(failure(number, &error)),
                    Err(_) => Some(stalled(number)),
                }
            }
            None => Some(Event::ModelFailed {
                ask: number,
                failure: ModelFailure::Rejected,
                usage: None,
            }),
        };
        let Some(end) = end else { return Ok(()) };
        let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let usage = match &end {
            Event::Replied { usage, .. } | Event::ModelFailed { usage, .. } => *usage,
            _ => None,
        };
        self.leaf(
            "turn.model_asked",
            json!({
                "turn_id": self.conversation.turn, "ask": number, "model": self.inner.chat.model(),
                "repair": ask.repair, "usage": usage, "latency_ms": latency_ms,
                "answered": matches!(end, Event::Replied { .. }),
            }),
        );
        match self.apply(end, json!({})) {
            Ok(()) | Err(StepError::Stale) => Ok(()),
            Err(error) => {
                tracing::error!(turn.id = %self.conversation.turn, %error, "a reply came out of step");
                Ok(())
            }
        }
    }

    /// Reads a reply to its end. `None` when a clause was sent back: the rest of the reply is not wanted.
    async fn listen(
        &mut self,
        ask: u32,
        mut stream: llm::ReplyStream,
    ) -> Result<Option<Event>, ServicingError> {
        let mut clauses = Clauses::default();
        let mut gathered: Option<Instant> = None;
        loop {
            let until = gathered.map_or(self.ends_at, |since| (since + GATHER).min(self.ends_at));
            let Ok(piece) = timeout_at(until, stream.next()).await else {
                if Instant::now() >= self.ends_at {
                    return Ok(Some(stalled(ask)));
                }
                self.release_pending().await?;
                gathered = None;
                continue;
            };
            let whole = match piece {
                Some(Ok(Piece::Text(text))) => clauses.push(&text),
                Some(Ok(Piece::End { calls, finish, usage })) => {
                    // A reply cut by its length has no whole last sentence.
                    let rest = clauses.finish().filter(|_| finish != Finish::Length);
                    if let Some(clause) = rest
                        && !self.draft(ask, clause)
                    {
                        return Ok(None);
                    }
                    let usage = usage.map(|usage| Usage {
                        prompt_tokens: usage.prompt_tokens,
                        completion_tokens: usage.completion_tokens,
                    });
                    let requests = calls.into_iter().map(request).collect();
                    return Ok(Some(Event::Replied { ask, requests, usage }));
                }
                Some(Err(error)) => return Ok(Some(failure(ask, &error))),
                None => return Ok(Some(failure(ask, &LlmError::Cut))),
            };
            if clauses.endless() {
                let endless = LlmError::Broken("a word without an end".into());
                return Ok(Some(failure(ask, &endless)));
            }
            for clause in whole {
                if !self.draft(ask, clause) {
                    return Ok(None);
                }
                gathered = gathered.or_else(|| Some(Instant::now()));
            }
        }
    }

    /// Takes a drafted clause and judges it; false when the ask is over.
    fn draft(&mut self, ask: u32, text: String) -> bool {
        if self.apply(Event::Drafted { ask, text }, json!({})).is_err() {
            return false;
        }
        while let Some(Effect::Check { clause, text }) = self.pending_check() {
            self.check(clause, &text);
        }
        let outstanding = self.turn.outstanding();
        outstanding
            .iter()
            .any(|effect| matches!(effect, Effect::Ask(asking) if asking.number == ask))
    }

    fn pending_check(&self) -> Option<Effect> {
        let pending = self.turn.outstanding();
        pending.iter().find(|effect| matches!(effect, Effect::Check { .. })).cloned()
    }

    async fn release_pending(&mut self) -> Result<(), ServicingError> {
        let pending = self.turn.outstanding().iter().rev().find_map(|effect| match effect {
            Effect::Release { through } => Some(*through),
            _ => None,
        });
        match pending {
            Some(through) => self.release(through).await,
            None => Ok(()),
        }
    }

    /// The guards of a clause, in order: claims, then figures.
    pub(super) fn check(&mut self, clause: u32, text: &str) {
        let proof = Proof {
            receipts: self.receipts_for(text),
            statuses: self.statuses_for(text),
            recorded: !self.found.cases.is_empty(),
            handed_off: self.found.handed_off(),
            no_collection: self.gate.no_collection
                && !flags::tells_what_was_asked(&self.lately_said(), text, self.quotes(text)),
        };
        let own = self.without_sentences(text);
        let problem = claims::problem(&own, &proof).map(|problem| ("claims", problem));
        let checked = match problem {
            Some((guard, problem)) => Err((guard, problem)),
            None => self.figures(text).map_err(|problem| ("figures", problem)),
        };
        let judgment = match checked {
            Ok(written) if written.trim().is_empty() => Judgment::Drop,
            Ok(written) => Judgment::Pass { text: written },
            Err((guard, problem)) => {
                self.verdict(guard, "deny", &json!(problem));
                Judgment::Repair { reason: format!("<refused>{text}</refused> {problem}.") }
            }
        };
        self.note(Event::Judged { clause, judgment }, json!({}));
    }

    /// Whether the clause stands word for word in a passage of this turn.
    fn quotes(&self, text: &str) -> bool {
        let text = text.trim();
        self.found.passages().iter().any(|(_, passage)| passage.text.contains(text))
    }

    /// The customer's last words, with those before that they may lean on.
    fn lately_said(&self) -> String {
        let from = self.said.len().saturating_sub(2);
        self.said.get(from..).unwrap_or_default().join(" ")
    }

    /// The clause without the server's own refusals, which claim nothing.
    fn without_sentences(&self, text: &str) -> String {
        let sentences = self.found.sentences();
        let parts = sentences.iter().flat_map(|sentence| sentence.split_inclusive(['.', '!']));
        parts
            .map(|part| part.trim().trim_end_matches(['.', '!']))
            .filter(|part| !part.is_empty())
            .fold(text.to_owned(), |text, part| text.replace(part, ""))
    }

    fn figures(&mut self, text: &str) -> Result<String, String> {
        let sources = Sources {
            results: self.found.results(),
            passages: self.found.passages().to_vec(),
            sentences: self.found.sentences(),
            said: self.text.clone(),
            today: self.conversation.today,
            language: self.language,
        };
        match figures::check(text, &sources, &mut self.citations) {
            Checked::Pass(written) => Ok(written),
            Checked::Repair(problem) => Err(problem),
        }
    }
}

fn request(call: ToolCall) -> ToolRequest {
    ToolRequest { id: call.id, tool: call.tool, arguments: call.arguments }
}

const fn stalled(ask: u32) -> Event {
    Event::ModelFailed { ask, failure: ModelFailure::Stalled, usage: None }
}

fn failure(ask: u32, error: &LlmError) -> Event {
    let failure = match error {
        LlmError::Unavailable(_) | LlmError::Client(_) => ModelFailure::Unavailable,
        LlmError::Rejected { .. } => ModelFailure::Rejected,
        LlmError::Cut => ModelFailure::Cut,
        LlmError::Stalled => ModelFailure::Stalled,
        LlmError::Broken(_) => ModelFailure::Broken,
    };
    tracing::warn!(llm.failure = ?failure, "the model failed: {error}");
    Event::ModelFailed { ask, failure, usage: None }
}
