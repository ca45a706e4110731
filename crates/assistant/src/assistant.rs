//! The door: a customer's message in, a stream of parts out.

use std::sync::Arc;

use futures::StreamExt as _;
use identity::{ConversationId, CustomerId, TurnId};
use llm::Chat;
use serde_json::json;
use servicing::{
    Caller, Key,
    conversations::{ConversationView, Served},
};
use store::conversations::{ConversationStatus, MessageRole, MessageRow};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use toolkit::Surface;

use crate::{AssistantError, Means, Release, StreamPart, context, run::Run};

/// Parts that may wait for a slow reader.
const PARTS_WAITING: usize = 256;

/// The consumer's assistant. Cheap to clone.
#[derive(Clone)]
pub struct Assistant {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) means: Means,
    pub(crate) chat: Chat,
    /// None while nothing may be served.
    pub(crate) release: Option<Release>,
    tasks: TaskTracker,
}

impl Assistant {
    pub fn new(means: Means, chat: Chat, release: Option<Release>) -> Self {
        Self { inner: Arc::new(Inner { means, chat, release, tasks: TaskTracker::new() }) }
    }

    /// Shows the model the prompt and its tools once, so that the first customer does not wait while the stand-in reads its examples. What
    /// it says is thrown away; that it fails is found again, and handled, by the first turn.
    pub async fn warm_up(&self) {
        let Some(release) = &self.inner.release else { return };
        let today = self.inner.means.servicing.today();
        let Ok(rendered) = release.render(today) else { return };
        let tools = release.wire_specs(Surface::Consumer);
        release.fixed_tokens(&rendered, &tools);
        let fixed = rendered.messages.iter().map(|one| context::fixed(one.role, &one.text));
        let hello = llm::Message::Customer { text: "hello".to_owned() };
        let request = llm::ChatRequest {
            messages: fixed.chain([hello]).collect(),
            tools,
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

    pub fn model(&self) -> &str {
        self.inner.chat.model()
    }

    /// Answers a message of a signed-in customer. The message is stored before this returns; the answer goes on by itself
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
        let servicing = &self.inner.means.servicing;
        let view = servicing.conversation(caller, conversation, 0).await?;
        let (sender, receiver) = mpsc::channel(PARTS_WAITING);
        if matches!(
            view.conversation.status,
            ConversationStatus::Waiting | ConversationStatus::Representative
        ) {
            servicing.post_customer_message(caller, conversation, text, key).await?;
            wait_for_person(&view, &sender).await;
            return Ok(receiver);
        }
        let begun = servicing.begin_turn(caller, conversation, text, self.served(), key).await?;
        if !begun.fresh {
            let view = servicing.conversation(caller, conversation, 0).await?;
            self.inner.tasks.spawn(replay(view, begun.turn_id, sender));
            return Ok(receiver);
        }
        let run = Run::new(&self.inner, customer, &view, begun.turn_id, text.trim(), sender);
        self.inner.tasks.spawn(run.drive());
        Ok(receiver)
    }

    fn served(&self) -> Served {
        match self.release() {
            Some(release) => Served {
                configuration: json!({
                    "digest": release.configuration.digest(),
                    "prompt": release.configuration.prompt,
                    "model": release.configuration.model,
                    "corpus": release.configuration.corpus,
                    "embedder": release.configuration.embedder,
                    "guards": release.configuration.guards,
                }),
                attested: release.attested,
            },
            None => Served { configuration: json!(null), attested: false },
        }
    }

    /// Takes up the turns that were running when a process went away; answers how many.
    pub async fn resume(&self) -> Result<usize, AssistantError> {
        let servicing = &self.inner.means.servicing;
        let turns = servicing.running_turns().await?;
        let count = turns.len();
        for turn in turns {
            let view = servicing.conversation(Caller::system(), turn.conversation_id, 0).await?;
            let customer = view.conversation.customer_id;
            let text = view
                .messages
                .iter()
                .find(|m| m.turn_id == Some(turn.id) && m.role == MessageRole::Customer)
                .map(|message| message.text.clone())
                .unwrap_or_default();
            let steps = servicing.turn_steps(Caller::assistant(customer), turn.id).await?;
            let (sender, _) = mpsc::channel(PARTS_WAITING);
            let mut run = Run::new(&self.inner, customer, &view, turn.id, &text, sender);
            run.take_up(steps, &view)?;
            self.inner.tasks.spawn(run.drive());
        }
        Ok(count)
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

/// The answer as it was recorded, as one message.
async fn replay(view: ConversationView, turn: TurnId, parts: mpsc::Sender<StreamPart>) {
    let answers: Vec<_> = view
        .messages
        .iter()
        .filter(|m| m.turn_id == Some(turn) && m.role == MessageRole::Assistant)
        .collect();
    let mut sent = Vec::new();
    if let Some(first) = answers.first() {
        let id = first.id.to_string();
        let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
        let all = |of: fn(&MessageRow) -> &serde_json::Value| {
            answers.iter().flat_map(|message| list(of(message))).collect::<Vec<_>>()
        };
        let text: Vec<&str> = answers.iter().map(|message| message.text.as_str()).collect();
        sent.push(StreamPart::Start { message_id: id.clone() });
        sent.extend(all(|m| &m.cases).into_iter().map(|data| StreamPart::DataCase { data }));
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
