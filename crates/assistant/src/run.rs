//! A turn, driven: each effect of the state machine is carried out, and each event recorded before anything is shown.
//!
//! What is committed when: the message when it arrives (`begin_turn`); each proposal, case and hand-off in its own use case;
//! the steps, verdicts and tool calls so far with each batch of released clauses. A process that dies between two commits
//! takes the turn up from its recorded steps. A turn that breaks is ended as faulted, with words that say so.

mod ask;
mod calls;
mod found;
mod guard;
mod proof;
mod record;

pub(crate) use calls::sheet;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use identity::chain;
use orchestrator::{Effect, Ended, Event, HandOff, Limits, ModelFailure, Plain, StepError, Turn};
use serde_json::{Map, Value, json};
use servicing::{
    Caller, Level, RefusalCode, ServicingError,
    conversations::{ConversationView, Footing, NewLeaf, NewMessage},
};
use store::{
    answering::Taken,
    conversations::{MessageRole, StepRow, TurnStatus},
};
use tokio::{sync::mpsc, time::Instant};
use toolkit::{Conversation, Surface};

use crate::{
    AssistantError, StreamPart,
    assistant::Inner,
    figures::{Citations, Language},
    flags::Gate,
    plain,
    tools::known,
};

use found::Found;
use proof::Given;

/// A turn takes no longer.
pub(crate) const TURN_LIMIT: Duration = Duration::from_secs(90);

/// Everything of one turn under way.
pub(crate) struct Run {
    inner: Arc<Inner>,
    conversation: Conversation,
    caller: Caller,
    language: Language,
    turn: Turn,
    text: String,
    history: Vec<llm::Message>,
    history_tokens: u64,
    /// The customer's own messages, this one included.
    said: Vec<String>,
    /// The receipts of this conversation.
    receipts: Vec<Given>,
    found: Found,
    gate: Gate,
    citations: Citations,
    verdicts: Vec<Value>,
    /// How many verdicts and citations stand in steps.
    noted: (usize, usize),
    parts: mpsc::Sender<StreamPart>,
    /// Steps and leaves that are not yet committed.
    steps: Vec<(i32, String, Value)>,
    leaves: Vec<NewLeaf>,
    next_step: i32,
    /// Where the turn stands, once it is known.
    footing: Option<Footing>,
    /// It is driven here, and nowhere else.
    taken: Taken,
    /// Its end is on record.
    ended: bool,
    message_id: Option<String>,
    ends_at: Instant,
}

impl Run {
    /// A turn in which the customer is known to `level`: nothing in it is done or told above that.
    pub(crate) fn new(
        inner: &Arc<Inner>,
        level: Level,
        view: &ConversationView,
        taken: Taken,
        text: &str,
        parts: mpsc::Sender<StreamPart>,
    ) -> Self {
        let turn = taken.turn();
        let servicing = &inner.means.servicing;
        let customer = view.conversation.customer_id;
        let caller = Caller::assistant(customer).at(level);
        let mut said: Vec<String> = view
            .messages
            .iter()
            .map(|row| &row.message)
            .filter(|m| m.role == MessageRole::Customer && m.turn_id != Some(turn))
            .map(|message| message.text.clone())
            .collect();
        said.push(text.to_owned());
        let (history, history_tokens) = crate::context::history(view, turn);
        Self {
            conversation: Conversation {
                id: view.conversation.id,
                turn,
                actor: caller.actor,
                customer,
                credit_line: None,
                surface: Surface::Consumer,
                level: known(caller),
                now: servicing.now(),
                today: servicing.today(),
            },
            caller,
            language: plain::language_of(text),
            turn: Turn::default(),
            text: text.to_owned(),
            history,
            history_tokens,
            said,
            receipts: proof::given(view, turn),
            found: Found::default(),
            gate: crate::flags::gate([]),
            citations: Citations::default(),
            verdicts: Vec::new(),
            noted: (0, 0),
            parts,
            steps: Vec::new(),
            leaves: Vec::new(),
            next_step: 1,
            footing: None,
            taken,
            ended: false,
            message_id: None,
            ends_at: Instant::now() + TURN_LIMIT,
            inner: Arc::clone(inner),
        }
    }

    /// Under another time limit.
    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { ends_at: Instant::now() + limit, ..self }
    }

    /// As one that was just begun: where it stands is known.
    pub(crate) fn on(self, footing: Footing) -> Self {
        Self { footing: Some(footing), ..self }
    }

    /// Folds the recorded steps of a turn that was cut short, of which `view` shows what was said. An ask that was under way
    /// counts as a cut stream.
    pub(crate) fn take_up(
        &mut self,
        steps: Vec<StepRow>,
        view: &ConversationView,
    ) -> Result<(), AssistantError> {
        let turn = self.conversation.turn.to_string();
        let broken = |problem: String| AssistantError::Record { turn: turn.clone(), problem };
        for step in steps {
            let event: Event = serde_json::from_value(step.body.clone())
                .map_err(|error| broken(error.to_string()))?;
            self.turn.apply(event).map_err(|error| broken(error.to_string()))?;
            self.found.take_up(&step.body);
            let list =
                |name: &str| step.body.get(name).and_then(Value::as_array).into_iter().flatten();
            self.verdicts.extend(list("verdicts").cloned());
            let citations = list("citations").filter_map(Value::as_str);
            self.citations.0.extend(citations.map(str::to_owned));
            self.next_step = step.n + 1;
        }
        self.noted = (self.verdicts.len(), self.citations.0.len());
        let messages = view.messages.iter().map(|row| &row.message);
        for message in messages.filter(|m| m.turn_id == Some(self.conversation.turn)) {
            self.found.cases_shown += message.cases.as_array().map_or(0, Vec::len);
            self.found.notices_shown += message.notices.as_array().map_or(0, Vec::len);
        }
        let asking = self.turn.outstanding().iter().find_map(|effect| match effect {
            Effect::Ask(ask) => Some(ask.number),
            _ => None,
        });
        if let Some(ask) = asking {
            let cut = Event::ModelFailed { ask, failure: ModelFailure::Cut, usage: None };
            self.apply(cut, json!({})).map_err(|error| broken(error.to_string()))?;
        }
        Ok(())
    }

    /// Carries the turn to its end. One that breaks is ended all the same, so that the next message can be answered.
    pub(crate) async fn drive(mut self) {
        let id = self.conversation.turn;
        let problem = match AssertUnwindSafe(self.driven()).catch_unwind().await {
            Ok(Ok(())) => None,
            // Ended or driven by somebody else, who has the word.
            Ok(Err(ServicingError::Refused(refusal))) if refusal.code == RefusalCode::TurnOver => {
                tracing::warn!(turn.id = %id, "turn {id} is over, or is driven elsewhere");
                self.send(StreamPart::Finish).await;
                None
            }
            Ok(Err(error)) => Some(chain(&error)),
            Err(_) => Some("the driver of the turn panicked".to_owned()),
        };
        if let Some(problem) = problem {
            tracing::error!(turn.id = %id, error = %problem, "gave up turn {id}");
            if !self.ended && self.taken.held().await {
                self.break_off(&problem).await;
            } else {
                self.send(StreamPart::Finish).await;
            }
        }
        self.let_go().await;
    }

    /// Gives the turn back: it has ended, or somebody else is to carry it on.
    pub(crate) async fn let_go(self) {
        self.taken.give_back().await;
    }

    /// Ends the turn as faulted in a transaction of its own. Where even that fails the turn stays open, and whoever comes
    /// next (the sweep of running turns, or the customer's next message) takes it over.
    pub(crate) async fn break_off(&mut self, problem: &str) {
        let error_text = plain::broken_off(self.language).to_owned();
        let cases = self.found.cases.get(self.found.cases_shown..).unwrap_or_default();
        let message = NewMessage {
            cases: json!(cases),
            ..NewMessage::plain(MessageRole::Assistant, error_text.clone())
        };
        let (id, servicing) = (self.conversation.turn, &self.inner.means.servicing);
        if let Err(error) = servicing.fault_turn(self.caller, id, message, problem).await {
            tracing::error!(turn.id = %id, error = %chain(&error), "could not end turn {id}");
        }
        self.send(StreamPart::Error { error_text }).await;
        self.send(StreamPart::Finish).await;
    }

    async fn driven(&mut self) -> Result<(), ServicingError> {
        if self.next_step == 1 {
            let limits = Limits::default();
            self.note(Event::Received { text: self.text.clone(), limits }, json!({}));
        }
        self.look_at_flags().await?;
        while let Some(effect) = self.next_effect() {
            if Instant::now() > self.ends_at && !outlasts_the_limit(&effect) {
                self.note(Event::TimedOut, json!({}));
                continue;
            }
            match effect {
                Effect::Guard => self.guard().await?,
                Effect::Plan => self.plan(),
                Effect::Ask(ask) => self.ask(ask).await?,
                Effect::Check { clause, text } => self.check(clause, &text),
                Effect::Run { requests, proposals_left } => {
                    self.run(requests, proposals_left).await;
                }
                Effect::Release { through } => self.release(through).await?,
                Effect::Say { plain } => self.say(&plain).await?,
                Effect::HandOff { reason } => self.hand_off(reason).await?,
                Effect::Finish { ended } => return self.finish(ended).await,
            }
        }
        Ok(())
    }

    fn next_effect(&self) -> Option<Effect> {
        most_urgent(self.turn.outstanding()).cloned()
    }

    /// Applies an event and keeps it as a step, with what the driver adds to it.
    fn apply(&mut self, event: Event, more: Value) -> Result<(), StepError> {
        let mut body = serde_json::to_value(&event).unwrap_or_default();
        self.turn.apply(event)?;
        let beside = self.beside();
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
            body.extend(beside);
        }
        let kind = body.get("event").and_then(Value::as_str).unwrap_or("event").to_owned();
        self.steps.push((self.next_step, kind, body));
        self.next_step += 1;
        Ok(())
    }

    /// What the guards said and which passages were cited since the last step: no event holds them, and a turn that is taken
    /// up must not lose them.
    fn beside(&mut self) -> Map<String, Value> {
        let (verdicts, citations) = self.noted;
        self.noted = (self.verdicts.len(), self.citations.0.len());
        let mut beside = Map::new();
        if let Some(verdicts) = self.verdicts.get(verdicts..).filter(|new| !new.is_empty()) {
            beside.insert("verdicts".into(), json!(verdicts));
        }
        if let Some(citations) = self.citations.0.get(citations..).filter(|new| !new.is_empty()) {
            beside.insert("citations".into(), json!(citations));
        }
        beside
    }

    /// As [`Self::apply`], for an event the turn is known to wait for.
    fn note(&mut self, event: Event, more: Value) {
        if let Err(error) = self.apply(event, more) {
            tracing::error!(turn.id = %self.conversation.turn, %error, "an event came out of step");
        }
    }

    fn leaf(&mut self, kind: &str, payload: Value) {
        self.leaves.push(NewLeaf { kind: kind.to_owned(), payload });
    }

    async fn send(&self, part: StreamPart) {
        // The answer goes on whether or not anybody still reads.
        self.parts.send(part).await.ok();
    }

    async fn say(&mut self, plain: &Plain) -> Result<(), ServicingError> {
        let text = plain::words(plain, &self.found.facts(), self.language);
        self.note(Event::Said, json!({}));
        self.show(text, Vec::new()).await
    }

    async fn hand_off(&mut self, reason: HandOff) -> Result<(), ServicingError> {
        let reason = match reason {
            HandOff::Flag => "flag",
            HandOff::Asked => "asked for a person",
            HandOff::Tool => "assistant",
        };
        let summary: String = self.text.chars().take(400).collect();
        let row = self
            .inner
            .means
            .servicing
            .open_hand_off(self.caller, self.conversation.id, reason, &summary)
            .await?;
        self.note(Event::HandedOff { reference: row.reference.clone() }, json!({}));
        let text = plain::handing_off(&row.reference, self.language);
        let status = json!({"status": "waiting", "reference": row.reference});
        self.show(text, vec![StreamPart::DataStatus { data: status }]).await
    }

    async fn finish(&mut self, ended: Ended) -> Result<(), ServicingError> {
        if !self.ended {
            // Nothing was shown at its end: this leaf is what tells of it.
            let status = status(ended);
            let turn = self.conversation.turn;
            self.leaf("turn.ended", json!({"turn_id": turn, "status": status.as_str()}));
            self.commit(Vec::new(), Some(status)).await?;
        }
        if let Some(id) = self.message_id.take() {
            self.send(StreamPart::TextEnd { id }).await;
        }
        self.send(StreamPart::Finish).await;
        Ok(())
    }
}

/// Checks and releases first. Of several releases the widest, which settles the others: clauses that are ready together
/// are committed together.
fn most_urgent(pending: &[Effect]) -> Option<&Effect> {
    pending.iter().min_by_key(|effect| match effect {
        Effect::Check { .. } => (0, 0),
        Effect::Release { through } => (1, u32::MAX - through),
        _ => (2, 0),
    })
}

/// What is done however late it is: what protects the customer, what they asked of a person, and what was found already.
const fn outlasts_the_limit(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Guard
            | Effect::HandOff { .. }
            | Effect::Say { .. }
            | Effect::Finish { .. }
            | Effect::Release { .. }
    )
}

const fn status(ended: Ended) -> TurnStatus {
    match ended {
        Ended::Done => TurnStatus::Done,
        Ended::HandedOff => TurnStatus::HandedOff,
        Ended::Cancelled => TurnStatus::Cancelled,
        Ended::OutOfBudget => TurnStatus::OutOfBudget,
        Ended::Faulted => TurnStatus::Faulted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_that_are_ready_together_are_released_together_after_the_last_check() {
        let check = |clause| Effect::Check { clause, text: String::new() };
        let release = |through| Effect::Release { through };
        let pending = [Effect::Plan, release(1), check(2), check(3), release(2)];
        assert_eq!(most_urgent(&pending), Some(&check(2)));
        let pending = [Effect::Plan, release(1), release(2), release(3)];
        assert_eq!(most_urgent(&pending), Some(&release(3)));
        assert_eq!(most_urgent(&[Effect::Plan]), Some(&Effect::Plan));
        assert_eq!(most_urgent(&[]), None);
    }
}
