//! Conversations as they are kept: turns, their steps, and the messages a person saw.
//!
//! Invariants: one turn at a time in a conversation; what a turn records arrives whole, with its leaves, in one
//! transaction, under the role of model turns when the assistant records it. What is absent: answering.

use audit::{Stream, Tip};
use chrono::{DateTime, Utc};
use identity::{ConversationId, CustomerId, MessageId, TurnId};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use store::{
    conversations::{
        self, ConversationRow, ConversationStatus, Message, MessageRole, MessageRow, Seen, Surface,
        TurnRow,
    },
    hand_offs::HandOffRow,
    intents::{self, IntentRow, ReceiptRow},
};

use crate::{
    Caller, Key, Level, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    work::Begun,
};

mod begin;
mod turns;

pub use begin::Ground;
pub use turns::{Footing, NewLeaf, TurnRecord};

const MESSAGE_CHARACTERS_MAX: usize = 4_000;

/// A conversation with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConversationView {
    pub conversation: ConversationRow,
    pub messages: Vec<MessageRow>,
    pub intents: Vec<(IntentRow, Option<ReceiptRow>)>,
    pub turns: Vec<TurnRow>,
    pub hand_off: Option<HandOffRow>,
    /// The newest leaf of the conversation then.
    #[serde(skip)]
    pub(crate) tip: Option<Tip>,
}

/// What was begun by a customer's message.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
pub struct BegunTurn {
    pub turn_id: TurnId,
    /// The number of the turn in the conversation.
    pub n: i32,
    pub message_id: MessageId,
    /// `false` where this very message had begun the turn before: it is not to be answered twice.
    pub fresh: bool,
}

/// What became of a customer's message, under its key: one request, whoever had the conversation when it came.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
#[serde(tag = "heard", rename_all = "snake_case")]
enum Heard {
    Turn(BegunTurn),
    Posted { message_id: MessageId },
}

/// A message to be recorded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewMessage {
    pub role: MessageRole,
    pub text: String,
    pub citations: Value,
    pub notices: Value,
    pub cases: Value,
    pub evidence: Option<Value>,
}

impl NewMessage {
    /// Words and nothing else.
    #[must_use]
    pub fn plain(role: MessageRole, text: impl Into<String>) -> Self {
        let none = || json!([]);
        Self {
            role,
            text: text.into(),
            citations: none(),
            notices: none(),
            cases: none(),
            evidence: None,
        }
    }

    /// The message with an id of its own, where it belongs.
    fn at_place(
        self,
        conversation_id: ConversationId,
        turn_id: Option<TurnId>,
        at: DateTime<Utc>,
    ) -> Message {
        Message {
            id: MessageId::mint(at),
            conversation_id,
            turn_id,
            role: self.role,
            author_id: None,
            text: self.text,
            citations: self.citations,
            notices: self.notices,
            cases: self.cases,
            evidence: self.evidence,
            at,
        }
    }
}

impl Servicing {
    /// Starts a conversation of a customer. The same key again answers the conversation it started.
    pub async fn start_conversation(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        surface: Surface,
        key: &Key,
    ) -> Result<ConversationRow, ServicingError> {
        let now = self.now();
        let permit = authorise(caller, UseCase::Converse, Some(customer_id), now)?;
        let request = ("start_conversation", customer_id, surface);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let row = ConversationRow {
            id: ConversationId::mint(now),
            customer_id,
            surface,
            status: ConversationStatus::Assistant,
            started_at: now,
        };
        conversations::insert(work.conn(), &row).await?;
        let payload = json!({"customer_id": customer_id, "surface": surface, "authorised": permit});
        let stream = Stream::Conversation(row.id);
        self.trail(work.conn(), stream, "conversation.started", payload).await?;
        work.finish(row).await
    }

    /// Records a message of the customer that no assistant answers: a person of ours has the conversation, or is awaited.
    pub async fn post_customer_message(
        &self,
        caller: Caller,
        conversation_id: ConversationId,
        text: &str,
        key: &Key,
    ) -> Result<MessageId, ServicingError> {
        let text = checked_text(text)?;
        let conversation = self.open_conversation(caller, conversation_id).await?;
        let permit =
            authorise(caller, UseCase::Converse, Some(conversation.customer_id), self.now())?;
        let mut work = match self.begin(permit, key, &("message", conversation_id, text)).await? {
            Begun::Before(Heard::Posted { message_id }) => return Ok(message_id),
            Begun::Before(Heard::Turn(begun)) => return Ok(begun.message_id),
            Begun::Now(work) => work,
        };
        conversations::lock(work.conn(), conversation_id).await?;
        // Whoever had it may have left while this waited.
        let held = find_open_conversation(work.conn(), conversation_id).await?;
        if held.status == ConversationStatus::Assistant {
            return Err(Refusal::new(
                RefusalCode::AlreadyClaimed,
                "The assistant has just got this conversation back. Please send the message again.",
            )
            .into());
        }
        let message = NewMessage::plain(MessageRole::Customer, text);
        let id = self.add_message(work.conn(), conversation_id, None, None, message).await?;
        let payload = json!({"message_id": id, "text": text, "authorised": permit});
        let stream = Stream::Conversation(conversation_id);
        self.trail(work.conn(), stream, "message.received", payload).await?;
        work.finish(Heard::Posted { message_id: id }).await?;
        Ok(id)
    }

    /// A conversation with its messages after number `after`, and the evidence beside each. Whoever is not known well enough
    /// to see the line is shown what was said at their own level, and no proposals.
    pub async fn conversation(
        &self,
        caller: Caller,
        id: ConversationId,
        after: i32,
    ) -> Result<ConversationView, ServicingError> {
        self.see(caller, id, after, true).await
    }

    /// As [`Self::conversation`], without evidence: what was said and done, and not why it could be said.
    pub async fn conversation_as_said(
        &self,
        caller: Caller,
        id: ConversationId,
        after: i32,
    ) -> Result<ConversationView, ServicingError> {
        self.see(caller, id, after, false).await
    }

    async fn see(
        &self,
        caller: Caller,
        id: ConversationId,
        after: i32,
        evidence: bool,
    ) -> Result<ConversationView, ServicingError> {
        let mut conn = self.pool_for(caller).acquire().await?;
        let seen = conversations::see(&mut conn, id, after, evidence).await?;
        let Seen { conversation, turns, messages, hand_off, proposed, tip } =
            seen.ok_or_else(|| Refusal::not_found("conversation"))?;
        authorise(caller, UseCase::Follow, Some(conversation.customer_id), self.now())?;
        let tip = tip.map(|(n, hash)| Tip::stored(n, &hash)).transpose()?;
        let intents = Vec::new();
        let mut view = ConversationView { conversation, messages, intents, turns, hand_off, tip };
        if caller.level < UseCase::Read.level() {
            view.messages = within(caller.level, &view.turns, view.messages);
        } else if proposed {
            let intents = intents::list_of_conversation(&mut conn, id).await?;
            let mut receipts = intents::list_receipts_of_conversation(&mut conn, id).await?;
            for intent in intents {
                let at = receipts.iter().position(|receipt| receipt.intent_id == Some(intent.id));
                view.intents.push((self.aged(intent), at.map(|at| receipts.swap_remove(at))));
            }
        }
        Ok(view)
    }

    /// The customer's conversations, newest first.
    pub async fn list_conversations(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Vec<ConversationRow>, ServicingError> {
        authorise(caller, UseCase::Follow, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        Ok(conversations::list_of_customer(&mut conn, customer_id, 100).await?)
    }

    /// Everybody's conversations, newest first, for staff, from `cursor` on: the id of the last one seen.
    pub async fn search_conversations(
        &self,
        caller: Caller,
        words: Option<&str>,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<Vec<ConversationRow>, ServicingError> {
        authorise(caller, UseCase::Oversee, None, self.now())?;
        let mut conn = self.store.app().acquire().await?;
        let before = match cursor {
            None => None,
            Some(cursor) => {
                let id: ConversationId = cursor.parse().map_err(|_| Refusal::cursor_invalid())?;
                let last = conversations::find(&mut conn, id).await?;
                Some(last.ok_or_else(Refusal::cursor_invalid)?.id)
            }
        };
        Ok(conversations::search(&mut conn, words, before, limit).await?)
    }

    async fn open_conversation(
        &self,
        caller: Caller,
        id: ConversationId,
    ) -> Result<ConversationRow, ServicingError> {
        let mut conn = self.pool_for(caller).acquire().await?;
        find_open_conversation(&mut conn, id).await
    }

    /// Adds a message under the conversation's lock.
    pub(crate) async fn add_message(
        &self,
        conn: &mut PgConnection,
        conversation_id: ConversationId,
        turn_id: Option<TurnId>,
        author_id: Option<uuid::Uuid>,
        message: NewMessage,
    ) -> Result<MessageId, ServicingError> {
        let now = self.now();
        let row = Message { author_id, ..message.at_place(conversation_id, turn_id, now) };
        conversations::append_message(conn, &row).await?;
        Ok(row.id)
    }
}

/// A conversation in which something can still be said.
pub(crate) async fn find_open_conversation(
    conn: &mut PgConnection,
    id: ConversationId,
) -> Result<ConversationRow, ServicingError> {
    let conversation =
        conversations::find(conn, id).await?.ok_or_else(|| Refusal::not_found("conversation"))?;
    if conversation.status == ConversationStatus::Closed {
        return Err(closed().into());
    }
    Ok(conversation)
}

fn closed() -> Refusal {
    Refusal::new(RefusalCode::ConversationClosed, "This conversation is closed.")
}

/// The messages of turns that ran at this level or below. What belongs to no turn was said to or by a person of ours, who
/// speaks of the line.
fn within(level: Level, turns: &[TurnRow], mut messages: Vec<MessageRow>) -> Vec<MessageRow> {
    messages.retain(|row| {
        let of = row.message.turn_id;
        turns.iter().any(|turn| of == Some(turn.id) && turn.level <= level.number())
    });
    messages
}

/// Under which configuration a turn is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Served {
    /// Prompt digest, model, corpus, embedder, guards.
    pub configuration: Value,
    /// Whether a verdict stands behind it.
    pub attested: bool,
}

/// A text that a person may send.
pub(crate) fn checked_text(text: &str) -> Result<&str, Refusal> {
    let trimmed = text.trim();
    let invisible = |c: char| c.is_control() && c != '\n' && c != '\t';
    if trimmed.is_empty()
        || trimmed.chars().count() > MESSAGE_CHARACTERS_MAX
        || trimmed.chars().any(invisible)
    {
        return Err(Refusal::new(
            RefusalCode::TextInvalid,
            "The message is empty, too long, or holds characters that cannot be shown.",
        ));
    }
    Ok(trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_visible_text_of_at_most_four_thousand_characters() {
        assert_eq!(checked_text("  hello\nthere "), Ok("hello\nthere"));
        assert!(checked_text(&"é".repeat(4_000)).is_ok());
        for bad in ["", " \n ", "nul\0", &"x".repeat(4_001)] {
            assert_eq!(checked_text(bad).unwrap_err().code, RefusalCode::TextInvalid);
        }
    }
}
