//! The door: a customer's message in, a stream of parts out.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use identity::{ConversationId, CustomerId, TurnId};
use llm::Chat;
use prompts::Unattested;
use serde_json::{Value, json};
use servicing::{
    Caller, Key, Level, RefusalCode, ServicingError,
    conversations::{BegunTurn, ConversationView, Ground, NewMessage, Served},
};
use store::{
    answering::{Answering, Taken},
    conversations::{ConversationStatus, Message, MessageRole, TurnRow, TurnStatus},
    intents::{IntentRow, ReceiptRow},
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::task::TaskTracker;
use toolkit::Surface;

use crate::{
    AssistantError, Means, Release, StreamPart, heard, plain,
    run::{Run, TURN_LIMIT, sheet},
};

/// Parts that may wait for a slow reader.
const PARTS_WAITING: usize = 256;

/// So often a message looks for whoever has the conversation, where it changes hands meanwhile.
const LOOKS_MAX: u32 = 3;

/// A message of a customer, and who says it.
#[derive(Clone, Copy)]
struct Asked<'a> {
    caller: Caller,
    customer: CustomerId,
    conversation: ConversationId,
    text: &'a str,
    key: &'a Key,
}

/// Whoever counts turns. A message that is refused, replayed or left to a person begins none; a turn ends when its last
/// word is on record, whether or not anybody still reads.
pub trait Watch: Send + Sync {
    fn turn_began(&self);
    fn turn_ended(&self, after: Duration);
}

/// The consumer's assistant. Cheap to clone.
#[derive(Clone)]
pub struct Assistant {
    inner: Arc<Inner>,
    turn_limit: Duration,
    watch: Option<Arc<dyn Watch>>,
}

pub(crate) struct Inner {
    pub(crate) means: Means,
    pub(crate) chat: Chat,
    /// None while nothing may be served.
    pub(crate) release: Option<Release>,
    /// Why nothing may be served.
    withheld: Option<Unattested>,
    /// The turns this process drives.
    pub(crate) answering: Answering,
    tasks: TaskTracker,
}

impl Assistant {
    /// An assistant that serves this release, or nothing for this reason.
    pub fn new(means: Means, chat: Chat, release: Result<Release, Unattested>) -> Self {
        let answering = Answering::new(means.servicing.store());
        let tasks = TaskTracker::new();
        let (release, withheld) = match release {
            Ok(release) => (Some(release), None),
            Err(why) => (None, Some(why)),
        };
        let inner = Arc::new(Inner { means, chat, release, withheld, answering, tasks });
        Self { inner, turn_limit: TURN_LIMIT, watch: None }
    }

    /// The same assistant, watched.
    #[must_use]
    pub fn with_watch(self, watch: Arc<dyn Watch>) -> Self {
        Self { watch: Some(watch), ..self }
    }

    /// The same assistant, giving each turn no longer than this.
    #[must_use]
    pub fn with_turn_limit(self, turn_limit: Duration) -> Self {
        Self { turn_limit, ..self }
    }

    /// Shows the model the prompt and its tools once, so that the first customer does not wait while the stand-in reads its examples. What
    /// it says is thrown away; that it fails is found again, and handled, by the first turn.
    pub async fn warm_up(&self) {
        let Some(release) = &self.inner.release else { return };
        let today = self.inner.means.servicing.today();
        let Ok(shown) = release.shown(Surface::Consumer, today) else { return };
        let hello = llm::Message::Customer { text: "hello".to_owned() };
        let request = llm::ChatRequest {
            messages: [&shown.before[..], &shown.after, &[hello]].concat(),
            tools: shown.tools.clone(),
            max_tokens: 16,
            temperature: 0.0,
        };
        if let Ok(mut reply) = self.inner.chat.stream(request).await {
            while reply.next().await.is_some_and(|piece| piece.is_ok()) {}
        }
    }

    /// What is served, if anything is.
    pub fn release(&self) -> Option<&Release> {
        self.inner.release.as_ref()
    }

    /// Why no trusted verdict stands behind what is served, or why nothing is served; nothing where one does.
    pub fn unattested(&self) -> Option<&Unattested> {
        match &self.inner.release {
            Some(release) => release.unattested.as_ref(),
            None => self.inner.withheld.as_ref(),
        }
    }

    pub fn model(&self) -> &str {
        self.inner.chat.model()
    }

    /// Answers a message of a signed-in customer, at the level of identity of the caller. The message is stored before this returns; the answer goes on by itself
    /// even if nobody reads the parts. The same key again gives the parts of the answer there is.
    ///
    /// # Errors
    /// The conversation is not theirs, is closed, or its last message is still being answered.
    pub async fn respond(
        &self,
        caller: Caller,
        customer: CustomerId,
        conversation: ConversationId,
        text: &str,
        key: &Key,
    ) -> Result<mpsc::Receiver<StreamPart>, AssistantError> {
        let (this, text, key) = (self.clone(), text.to_owned(), key.clone());
        let came = Instant::now();
        // To its end, also where whoever asked goes away: a turn that has begun has somebody who drives it.
        let begun = self.inner.tasks.spawn(async move {
            let asked = Asked { caller, customer, conversation, text: &text, key: &key };
            this.respond_whole(asked, came).await
        });
        begun.await.map_err(|_| AssistantError::BrokeOff)?
    }

    async fn respond_whole(
        &self,
        asked: Asked<'_>,
        came: Instant,
    ) -> Result<mpsc::Receiver<StreamPart>, AssistantError> {
        let (sender, receiver) = mpsc::channel(PARTS_WAITING);
        let mut looked = 0;
        loop {
            looked += 1;
            let Asked { caller, conversation, .. } = asked;
            let servicing = &self.inner.means.servicing;
            let view = servicing.conversation_as_said(caller, conversation, 0).await?;
            let with_a_person = matches!(
                view.conversation.status,
                ConversationStatus::Waiting | ConversationStatus::Representative
            );
            let heard = if with_a_person {
                self.leave_to_a_person(asked, &view, &sender).await
            } else {
                self.begin_to_answer(asked, view, &sender, came).await
            };
            match heard {
                // It changed hands between the look and the word: whoever has it now gets the message.
                Err(AssistantError::Servicing(ServicingError::Refused(refusal)))
                    if refusal.code == RefusalCode::AlreadyClaimed && looked < LOOKS_MAX => {}
                heard => return heard.map(|()| receiver),
            }
        }
    }

    async fn leave_to_a_person(
        &self,
        Asked { caller, customer, conversation, text, key }: Asked<'_>,
        view: &ConversationView,
        sender: &mpsc::Sender<StreamPart>,
    ) -> Result<(), AssistantError> {
        let servicing = &self.inner.means.servicing;
        servicing.post_customer_message(caller, conversation, text, key).await?;
        let of = (customer, conversation);
        heard::beside_a_person(servicing, of, caller.level, text, key, sender).await?;
        wait_for_person(view, sender).await;
        Ok(())
    }

    async fn begin_to_answer(
        &self,
        asked: Asked<'_>,
        view: ConversationView,
        sender: &mpsc::Sender<StreamPart>,
        came: Instant,
    ) -> Result<(), AssistantError> {
        let Asked { caller, conversation, text, .. } = asked;
        let servicing = &self.inner.means.servicing;
        let taken = self.take(TurnId::mint(servicing.now())).await?;
        let taken = taken.ok_or(AssistantError::BrokeOff)?;
        let (begun, ground) = self.begin(taken.turn(), asked, &view).await?;
        let Some(Ground { footing, newer }) = ground else {
            taken.give_back().await;
            let view = servicing.conversation_as_said(caller, conversation, 0).await?;
            self.inner.tasks.spawn(replay(view, begun.turn_id, sender.clone()));
            return Ok(());
        };
        // The model is given the conversation in which the turn was begun.
        let view = newer.unwrap_or(view);
        let run = Run::new(&self.inner, caller.level, &view, taken, text.trim(), sender.clone());
        let run = run.within(self.turn_limit).on(footing);
        let watch = self.watch.clone();
        if let Some(watch) = &watch {
            watch.turn_began();
        }
        self.inner.tasks.spawn(async move {
            run.drive().await;
            if let Some(watch) = watch {
                watch.turn_ended(came.elapsed());
            }
        });
        Ok(())
    }

    async fn take(&self, turn: TurnId) -> Result<Option<Taken>, AssistantError> {
        Ok(self.inner.answering.take(turn).await.map_err(ServicingError::from)?)
    }

    /// Begins a turn. Where one runs that nobody answers any more, that one is ended first.
    async fn begin(
        &self,
        turn: TurnId,
        asked: Asked<'_>,
        view: &ConversationView,
    ) -> Result<(BegunTurn, Option<Ground>), AssistantError> {
        let Asked { caller, conversation, text, key, .. } = asked;
        let servicing = &self.inner.means.servicing;
        let begun = servicing.begin_turn_as(turn, caller, (view, text), self.served(), key).await;
        let running = |error: &ServicingError| matches!(error, ServicingError::Refused(refusal) if refusal.code == RefusalCode::TurnRunning);
        match begun {
            Err(error) if running(&error) => {
                if !self.end_unanswered(caller, conversation).await? {
                    return Err(error.into());
                }
                let view = servicing.conversation_as_said(caller, conversation, 0).await?;
                let (begun, ground) = servicing
                    .begin_turn_as(turn, caller, (&view, text), self.served(), key)
                    .await?;
                let ground = ground.map(|on| Ground { newer: on.newer.or(Some(view)), ..on });
                Ok((begun, ground))
            }
            begun => Ok(begun?),
        }
    }

    /// Ends the turns of a conversation that nobody answers; `false` where there is none.
    async fn end_unanswered(
        &self,
        caller: Caller,
        conversation: ConversationId,
    ) -> Result<bool, AssistantError> {
        let servicing = &self.inner.means.servicing;
        let view = servicing.conversation_as_said(caller, conversation, 0).await?;
        let assistant = Caller::assistant(view.conversation.customer_id).at(caller.level);
        let mut ended = false;
        for turn in view.turns.iter().filter(|turn| turn.status == TurnStatus::Running) {
            let Some(taken) = self.take(turn.id).await? else { continue };
            let language = plain::language_of(&words_of(&view, turn.id));
            let words = plain::broken_off(language);
            let message = NewMessage::plain(MessageRole::Assistant, words);
            let fault = servicing.fault_turn(assistant, turn.id, message, "nobody answered it");
            let fault = fault.await;
            taken.give_back().await;
            ended |= fault?;
        }
        Ok(ended)
    }

    fn served(&self) -> Served {
        match self.release() {
            Some(release) => {
                Served { configuration: release.served.clone(), attested: release.attested() }
            }
            None => Served { configuration: Value::Null, attested: false },
        }
    }

    /// Takes up the turns that nobody answers any more, whoever began them; answers how many. One whose record makes no
    /// sense is ended.
    pub async fn resume(&self) -> Result<usize, AssistantError> {
        let mut count = 0;
        for turn in self.inner.means.servicing.running_turns().await? {
            let Some(taken) = self.take(turn.id).await? else { continue };
            match self.taken_up(&turn, taken).await {
                Ok(driven) => count += usize::from(driven),
                Err(error) => {
                    tracing::error!(turn.id = %turn.id, %error, "could not take up turn {}", turn.id);
                }
            }
        }
        Ok(count)
    }

    /// Drives a turn on from its record; `false` where it has ended.
    async fn taken_up(&self, turn: &TurnRow, taken: Taken) -> Result<bool, AssistantError> {
        let servicing = &self.inner.means.servicing;
        let view =
            servicing.conversation_as_said(Caller::system(), turn.conversation_id, 0).await?;
        let running = |known: &TurnRow| known.id == turn.id && known.status == TurnStatus::Running;
        if !view.turns.iter().any(running) {
            taken.give_back().await;
            return Ok(false);
        }
        // As well as the customer was known who began it, and no better.
        let level = Level::of_number(turn.level);
        let assistant = Caller::assistant(view.conversation.customer_id).at(level);
        // Where it stands before what it did: what is recorded after this look is seen to have been.
        let footing = servicing.footing(assistant, turn.id).await?;
        let view = servicing.conversation_as_said(assistant, turn.conversation_id, 0).await?;
        let steps = servicing.turn_steps(assistant, turn.id).await?;
        let (sender, _) = mpsc::channel(PARTS_WAITING);
        let text = words_of(&view, turn.id);
        let run = Run::new(&self.inner, level, &view, taken, &text, sender);
        let mut run = run.within(self.turn_limit).on(footing);
        if let Err(error) = run.take_up(steps, &view) {
            let problem = match error {
                AssistantError::Record { problem, .. } => problem,
                other => identity::chain(&other),
            };
            tracing::error!(turn.id = %turn.id, error = %problem, "gave up turn {}", turn.id);
            run.break_off(&problem).await;
            run.let_go().await;
            return Ok(false);
        }
        self.inner.tasks.spawn(run.drive());
        Ok(true)
    }

    /// Waits until every turn under way is done, and takes no more.
    pub async fn shut_down(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

/// The customer's words went to a person: nobody else answers.
async fn wait_for_person(view: &ConversationView, parts: &mpsc::Sender<StreamPart>) {
    let status = json!({
        "status": view.conversation.status.as_str(),
        "reference": view.hand_off.as_ref().map(|hand_off| &hand_off.reference),
    });
    parts.send(StreamPart::DataStatus { data: status }).await.ok();
    parts.send(StreamPart::Finish).await.ok();
}

/// What the customer said to begin a turn.
fn words_of(view: &ConversationView, turn: TurnId) -> String {
    let mut messages = view.messages.iter().map(|row| &row.message);
    let begins = |m: &&Message| m.turn_id == Some(turn) && m.role == MessageRole::Customer;
    messages.find(begins).map(|message| message.text.clone()).unwrap_or_default()
}

/// The answer as it was recorded, as one message.
async fn replay(view: ConversationView, turn: TurnId, parts: mpsc::Sender<StreamPart>) {
    let answers: Vec<_> = view
        .messages
        .iter()
        .map(|row| &row.message)
        .filter(|m| m.turn_id == Some(turn) && m.role == MessageRole::Assistant)
        .collect();
    let mut sent = Vec::new();
    if let Some(first) = answers.first() {
        let id = first.id.to_string();
        let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
        let all = |of: fn(&Message) -> &serde_json::Value| {
            answers.iter().flat_map(|message| list(of(message))).collect::<Vec<_>>()
        };
        let text: Vec<&str> = answers.iter().map(|message| message.text.as_str()).collect();
        sent.push(StreamPart::Start { message_id: id.clone() });
        sent.extend(all(|m| &m.cases).into_iter().map(|data| StreamPart::DataCase { data }));
        sent.extend(sheets(&view.intents, turn));
        sent.push(StreamPart::TextStart { id: id.clone() });
        sent.push(StreamPart::TextDelta { id: id.clone(), delta: text.join(" ") });
        sent.push(StreamPart::TextEnd { id });
        sent.extend(
            all(|m| &m.citations).into_iter().map(|data| StreamPart::DataCitation { data }),
        );
        sent.extend(all(|m| &m.notices).into_iter().map(|data| StreamPart::DataNotice { data }));
    }
    sent.push(StreamPart::Finish);
    for part in sent {
        parts.send(part).await.ok();
    }
}

/// The sheets of a turn, as they stand now.
fn sheets(intents: &[(IntentRow, Option<ReceiptRow>)], turn: TurnId) -> Vec<StreamPart> {
    let of_turn = intents.iter().filter(|(intent, _)| intent.turn_id == Some(turn));
    of_turn
        .map(|(intent, receipt)| StreamPart::DataIntent {
            id: intent.id.to_string(),
            data: sheet(intent, receipt.as_ref()),
        })
        .collect()
}
