//! Beginning a turn: the customer's message, the turn and the answer to the key, in one statement.
//!
//! Invariants: a message is decided on as the conversation was seen, and recorded only if nothing was recorded in it since;
//! else it is looked at again. One turn at a time.

use audit::{LeafBody, Stream};
use identity::{ConversationId, TurnId};
use serde_json::json;
use store::{
    StoreError,
    conversations::{self, ConversationStatus, MessageRole, TurnRow, TurnStatus, Written},
    idempotency::{self, Request},
};

use super::{
    BegunTurn, ConversationView, Footing, Heard, NewMessage, Served, checked_text, closed,
    turns::columns,
};
use crate::{
    Authorised, Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
};

impl Servicing {
    /// Records a customer's message and begins the turn that will answer it.
    pub async fn begin_turn(
        &self,
        caller: Caller,
        conversation_id: ConversationId,
        text: &str,
        served: Served,
        key: &Key,
    ) -> Result<BegunTurn, ServicingError> {
        let seen = self.conversation_as_said(caller, conversation_id, i32::MAX).await?;
        let turn_id = TurnId::mint(self.now());
        let (begun, _) = self.begin_turn_as(turn_id, caller, (&seen, text), served, key).await?;
        Ok(begun)
    }

    /// As [`Self::begin_turn`], for a turn whose id the caller has chosen, and holds, in a conversation that was just seen. With
    /// it, where it is a new one, comes what it stands on.
    pub async fn begin_turn_as(
        &self,
        turn_id: TurnId,
        caller: Caller,
        (seen, text): (&ConversationView, &str),
        served: Served,
        key: &Key,
    ) -> Result<(BegunTurn, Option<Ground>), ServicingError> {
        let text = checked_text(text)?;
        let id = seen.conversation.id;
        let customer_id = seen.conversation.customer_id;
        let permit = authorise(caller, UseCase::Converse, Some(customer_id), self.now())?;
        let request =
            Request::new(&permit.actor, key.as_str(), "servicing", &("message", id, text))?;
        let beginning = Beginning { turn_id, text, permit, served, request };
        let mut newer = None;
        loop {
            match self.try_to_begin(newer.as_ref().unwrap_or(seen), &beginning).await {
                Ok(Some((begun, footing))) => {
                    return Ok((begun, footing.map(|footing| Ground { footing, newer })));
                }
                // Somebody was faster, which they can be only so often: in the end one turn runs, or nobody else writes.
                Ok(None) => {}
                // As it was seen, no; as it stands now, perhaps.
                Err(error) if newer.is_none() && error.refusal().is_some() => {}
                Err(error) => return Err(error),
            }
            newer = Some(self.conversation_as_said(caller, id, 0).await?);
        }
    }

    /// `None` where something was recorded in the conversation since it was seen.
    async fn try_to_begin(
        &self,
        seen: &ConversationView,
        beginning: &Beginning<'_>,
    ) -> Result<Option<(BegunTurn, Option<Footing>)>, ServicingError> {
        let Beginning { turn_id, text, permit, served, request } = beginning;
        let (conversation, now) = (&seen.conversation, self.now());
        if conversation.status == ConversationStatus::Closed {
            return Err(closed().into());
        }
        let mut conn = self.store.app().acquire().await?;
        if let Some(refusal) = refusal(seen) {
            let before = idempotency::find(&mut conn, request).await?;
            return Ok(Some((known(before.ok_or(refusal)?), None)));
        }
        let turn = TurnRow {
            id: *turn_id,
            conversation_id: conversation.id,
            n: seen.turns.last().map_or(1, |last| last.n + 1),
            status: TurnStatus::Running,
            served_configuration: served.configuration.clone(),
            attested: served.attested,
            level: permit.level.number(),
            started_at: now,
            ended_at: None,
        };
        let message = NewMessage::plain(MessageRole::Customer, *text);
        let message = message.at_place(conversation.id, Some(turn.id), now);
        let payload = json!({
            "turn_id": turn.id, "n": turn.n, "message_id": message.id, "text": text,
            "served_configuration": turn.served_configuration, "attested": turn.attested, "authorised": permit,
        });
        let leaf = LeafBody { kind: "turn.message_received".into(), at: now, payload };
        let chained = audit::chain(Stream::Conversation(conversation.id), seen.tip, &[leaf])?;
        let begun = BegunTurn { turn_id: turn.id, n: turn.n, message_id: message.id, fresh: true };
        let answer = serde_json::to_value(Heard::Turn(begun.clone()))
            .map_err(|source| StoreError::Stored { what: "answer", source })?;
        let leaves = columns(&chained, seen.tip.as_ref());
        match conversations::begin(&mut conn, (request, &answer), &turn, &message, leaves).await? {
            Written::Whole => {
                let footing = Footing::new(turn.id, conversation, chained.tip);
                Ok(Some((begun, Some(footing))))
            }
            Written::Nothing => {
                let before = idempotency::find(&mut conn, request).await?;
                Ok(before.map(|heard| (known(heard), None)))
            }
            Written::GoneOn => Ok(None),
        }
    }
}

/// What a new turn stands on.
#[derive(Clone, Debug, PartialEq)]
pub struct Ground {
    pub footing: Footing,
    /// The conversation in which it was begun, where that had gone on since its caller saw it.
    pub newer: Option<ConversationView>,
}

/// A message that asks for a turn.
struct Beginning<'a> {
    turn_id: TurnId,
    text: &'a str,
    permit: Authorised,
    served: Served,
    request: Request,
}

/// Why no turn may begin, as the conversation was seen.
fn refusal(seen: &ConversationView) -> Option<Refusal> {
    if seen.conversation.status != ConversationStatus::Assistant {
        return Some(Refusal::new(
            RefusalCode::AlreadyClaimed,
            "A person has just taken this conversation over. Please send the message again.",
        ));
    }
    // One that runs is the last: none begins while one does.
    let last = seen.turns.last().filter(|turn| turn.status == TurnStatus::Running);
    last.map(|_| {
        Refusal::new(RefusalCode::TurnRunning, "The message before is still being answered.")
    })
}

/// What the key was answered before.
fn known(heard: Heard) -> BegunTurn {
    match heard {
        Heard::Turn(begun) => BegunTurn { fresh: false, ..begun },
        // It went to a person of ours, who answers it: there is no turn to show again.
        Heard::Posted { message_id } => {
            let turn_id = TurnId::from_uuid(message_id.as_uuid());
            BegunTurn { turn_id, n: 0, message_id, fresh: false }
        }
    }
}
