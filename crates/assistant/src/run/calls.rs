//! Tool calls: dispatched together, answered in call order; a proposal becomes an intent that waits for the customer.

use futures::future::join_all;
use orchestrator::{Event, ToolOutcome, ToolRequest, ToolResult};
use serde_json::{Value, json};
use servicing::{Action, NewIntent};
use store::intents::{IntentRow, ReceiptRow, ShownField};
use tokio::time::{Duration, Instant, timeout};
use toolkit::{Attachment, Call, Evidence, Outcome, Proposed, ToolError, ToolErrorKind};

use super::{Run, found::CallRecord};
use crate::{StreamPart, tools::tool_error};

/// A call with what came of it.
struct Called {
    request: ToolRequest,
    arguments: Value,
    outcome: Result<Outcome, ToolError>,
    latency_ms: u64,
}

impl Run {
    pub(super) async fn run(&mut self, requests: Vec<ToolRequest>, proposals_left: u32) {
        for request in &requests {
            let input = arguments(request);
            self.send(StreamPart::ToolInputAvailable {
                tool_call_id: request.id.clone(),
                tool_name: request.tool.clone(),
                input,
            })
            .await;
        }
        let evidence =
            Evidence { said: self.said.clone(), fields: self.found.fields().cloned().collect() };
        let calls = requests.into_iter().map(|request| self.dispatch(request, &evidence));
        let called = join_all(calls).await;
        let (mut results, mut proposals_left) = (Vec::new(), proposals_left);
        let from = self.found.calls.len();
        for called in called {
            results.push(self.settle(called, &mut proposals_left).await);
        }
        let calls = self.found.calls.get(from..).unwrap_or_default();
        let more = json!({ "calls": calls });
        self.note(Event::Ran { results }, more);
    }

    async fn dispatch(&self, request: ToolRequest, evidence: &Evidence) -> Called {
        let arguments = arguments(&request);
        let begun = Instant::now();
        let outcome = self.dispatched(&request, &arguments, evidence).await;
        let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Called { request, arguments, outcome, latency_ms }
    }

    async fn dispatched(
        &self,
        request: &ToolRequest,
        arguments: &Value,
        evidence: &Evidence,
    ) -> Result<Outcome, ToolError> {
        let away = || ToolError::new(ToolErrorKind::Unavailable, "nothing is served");
        let release = self.inner.release.as_ref().ok_or_else(away)?;
        let limits = release.registry.manifest(&request.tool).map(|manifest| manifest.limits);
        let limits = limits.unwrap_or_default();
        let before = self.found.calls.iter().filter(|call| call.tool == request.tool).count();
        if before >= limits.calls_per_turn as usize {
            return Err(ToolError::new(ToolErrorKind::Exhausted, "too many calls of this tool"));
        }
        let policy = release.policy.on(self.conversation.surface).narrowed(self.gate.policy);
        let call =
            Call { id: request.id.clone(), tool: request.tool.clone(), args: arguments.clone() };
        let running = release.registry.dispatch(&self.conversation, &call, &policy, evidence);
        timeout(Duration::from_millis(limits.timeout_ms), running)
            .await
            .unwrap_or_else(|_| Err(ToolError::new(ToolErrorKind::TimedOut, "no answer in time")))
    }

    /// Records a call, mints what it proposes, and words it for the model.
    async fn settle(&mut self, called: Called, proposals_left: &mut u32) -> ToolResult {
        let Called { request, arguments, outcome, latency_ms } = called;
        let manifest = self
            .inner
            .release
            .as_ref()
            .and_then(|release| release.registry.manifest(&request.tool));
        let mut record = CallRecord {
            id: request.id.clone(),
            version: manifest.map(|manifest| manifest.version.clone()).unwrap_or_default(),
            effect: manifest.map_or("unknown", |manifest| manifest.effect.as_str()).to_owned(),
            tool: request.tool,
            arguments,
            outcome: "answered".to_owned(),
            error: None,
            sentence: None,
            mark: None,
            fields: Vec::new(),
            attachments: Vec::new(),
            latency_ms,
        };
        let minted = match outcome {
            Ok(Outcome::Answered(answered)) => {
                record.fields = answered.fields;
                record.attachments = answered.attachments;
                Ok(())
            }
            Ok(Outcome::Proposed(proposed)) => {
                "proposed".clone_into(&mut record.outcome);
                record.fields.clone_from(&proposed.fields);
                self.mint(*proposed, proposals_left).await
            }
            Err(error) => Err(error),
        };
        let outcome = match minted {
            Ok(()) if record.outcome == "proposed" => ToolOutcome::Proposed,
            Ok(()) => ToolOutcome::Answered,
            Err(error) => failed(&mut record, &error),
        };
        if !record.fields.is_empty() {
            record.mark = Some(self.found.next_mark());
        }
        self.announce(&record).await;
        let passages = self.found.keep(record.clone());
        self.leaf(
            "turn.tool_called",
            json!({
                "turn_id": self.conversation.turn, "call": record.evidence(),
                "attachments": record.attachments,
            }),
        );
        ToolResult { request_id: request.id, outcome, content: record.content(&passages) }
    }

    async fn announce(&self, record: &CallRecord) {
        self.send(StreamPart::ToolOutputAvailable {
            tool_call_id: record.id.clone(),
            output: json!({ "outcome": record.outcome }),
        })
        .await;
        for attachment in &record.attachments {
            match attachment {
                Attachment::HandOff { reference } => {
                    let data = json!({"status": "waiting", "reference": reference});
                    self.send(StreamPart::DataStatus { data }).await;
                }
                Attachment::Case(case) => {
                    self.send(StreamPart::DataCase { data: json!(case) }).await;
                }
                Attachment::Passage(_) | Attachment::Notice(_) => {}
            }
        }
    }

    /// Mints the intent and shows its sheet. Nothing else happens until the customer confirms it, elsewhere.
    async fn mint(&self, proposed: Proposed, proposals_left: &mut u32) -> Result<(), ToolError> {
        if *proposals_left == 0 {
            return Err(ToolError::new(
                ToolErrorKind::Exhausted,
                "too many proposals in this turn",
            ));
        }
        let action: Action = serde_json::from_value(proposed.arguments)
            .map_err(|error| ToolError::new(ToolErrorKind::Unavailable, error.to_string()))?;
        let shown = |field: toolkit::ShownField| ShownField {
            name: field.name,
            label: field.label,
            text: field.text,
        };
        let intent = NewIntent {
            customer_id: self.conversation.customer,
            conversation_id: Some(self.conversation.id),
            turn_id: Some(self.conversation.turn),
            tool: proposed.tool,
            tool_version: proposed.version,
            subject: proposed.subject,
            action,
            title: proposed.title,
            effect: proposed.effect_line,
            fields: proposed.shown.into_iter().map(shown).collect(),
            expires_minutes: proposed.expires_minutes,
        };
        let servicing = &self.inner.means.servicing;
        let row =
            servicing.propose(self.caller, intent).await.map_err(|error| tool_error(&error))?;
        *proposals_left -= 1;
        self.send(StreamPart::DataIntent { id: row.id.to_string(), data: sheet(&row, None) }).await;
        Ok(())
    }
}

/// An intent as the page shows it (docs/api.md).
pub(crate) fn sheet(row: &IntentRow, receipt: Option<&ReceiptRow>) -> Value {
    let receipt = receipt.map(|receipt| {
        json!({
            "id": receipt.id, "intent_id": receipt.intent_id, "kind": receipt.kind,
            "reference": receipt.reference, "at": receipt.at, "text": receipt.text,
            "fields": receipt.fields,
        })
    });
    json!({
        "id": row.id, "tool": row.tool, "title": row.title, "status": row.status.as_str(),
        "fields": row.fields, "effect": row.effect, "expires_at": row.expires_at, "receipt": receipt,
    })
}

fn failed(record: &mut CallRecord, error: &ToolError) -> ToolOutcome {
    let refused = error.refusal.is_some() || error.kind == ToolErrorKind::Denied;
    if refused { "refused" } else { "failed" }.clone_into(&mut record.outcome);
    record.error = Some(format!("{}: {}", error.kind.as_str(), error.detail));
    record.sentence = Some(error.for_model().to_owned());
    record.fields = Vec::new();
    if refused { ToolOutcome::Refused } else { ToolOutcome::Failed }
}

/// The arguments as JSON; the state machine has seen that they are an object.
fn arguments(request: &ToolRequest) -> Value {
    serde_json::from_str(&request.arguments).unwrap_or_else(|_| json!({}))
}
