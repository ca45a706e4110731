//! What a turn records: its steps, leaves and messages arrive whole, in one transaction; and how one ends that broke.

use audit::{LeafBody, Stream};
use identity::{ConversationId, MessageId, TurnId};
use serde_json::{Value, json};
use sqlx::PgConnection;
use store::conversations::{self, HeldTurn, StepRow, TurnRow, TurnStatus};

use super::NewMessage;
use crate::{
    Caller, Key, Level, Refusal, Servicing, ServicingError, UseCase, authorise, work::Begun,
};

/// A leaf of the turn, to be chained to the conversation's.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLeaf {
    pub kind: String,
    pub payload: Value,
}

/// What a turn records in one transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TurnRecord {
    /// Steps, numbered by the caller from 1 without gaps over the whole turn.
    pub steps: Vec<(i32, String, Value)>,
    pub leaves: Vec<NewLeaf>,
    pub messages: Vec<NewMessage>,
    /// Ends the turn.
    pub ends: Option<TurnStatus>,
}

impl Servicing {
    /// Records what a turn did, in one transaction; answers the ids of its messages.
    pub async fn record_turn(
        &self,
        caller: Caller,
        turn_id: TurnId,
        record: TurnRecord,
    ) -> Result<Vec<MessageId>, ServicingError> {
        let now = self.now();
        let mut tx = self.pool_for(caller).begin().await?;
        let held = hold_turn(&mut tx, turn_id).await?;
        authorise(caller, UseCase::Converse, Some(held.customer_id), now)?;
        let steps: Vec<StepRow> = record
            .steps
            .into_iter()
            .map(|(n, kind, body)| StepRow { n, kind, body, recorded_at: now })
            .collect();
        if !steps.is_empty() {
            conversations::insert_steps(&mut tx, turn_id, &steps).await?;
        }
        let mut ids = Vec::with_capacity(record.messages.len());
        for message in record.messages {
            ids.push(
                self.add_message(&mut tx, held.conversation_id, Some(turn_id), None, message)
                    .await?,
            );
        }
        if !record.leaves.is_empty() {
            let leaves = record.leaves.into_iter();
            let leaves = leaves.map(|leaf| LeafBody {
                kind: leaf.kind.into(),
                at: now,
                payload: leaf.payload,
            });
            let stream = Stream::Conversation(held.conversation_id);
            audit::append_all(&mut tx, stream, leaves.collect()).await?;
        }
        if let Some(status) = record.ends {
            conversations::end_turn(&mut tx, turn_id, status, now).await?;
        }
        tx.commit().await?;
        Ok(ids)
    }

    /// Records a message of the server's own in answer to one of the customer's, once under its key.
    pub async fn add_server_message(
        &self,
        caller: Caller,
        conversation_id: ConversationId,
        message: NewMessage,
        key: &Key,
    ) -> Result<MessageId, ServicingError> {
        let conversation = self.open_conversation(caller, conversation_id).await?;
        let permit =
            authorise(caller, UseCase::Converse, Some(conversation.customer_id), self.now())?;
        let mut work = match self.begin(permit, key, &("answer", conversation_id)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        conversations::lock(work.conn(), conversation_id).await?;
        let (text, cases) = (message.text.clone(), message.cases.clone());
        let id = self.add_message(work.conn(), conversation_id, None, None, message).await?;
        let payload = json!({"message_id": id, "text": text, "cases": cases, "authorised": permit});
        let stream = Stream::Conversation(conversation_id);
        self.trail(work.conn(), stream, "message.answered", payload).await?;
        work.finish(id).await
    }

    /// Ends a running turn that cannot be carried on, with a message that says so. `false` where it has ended.
    pub async fn fault_turn(
        &self,
        caller: Caller,
        turn_id: TurnId,
        message: NewMessage,
        problem: &str,
    ) -> Result<bool, ServicingError> {
        let now = self.now();
        let mut tx = self.pool_for(caller).begin().await?;
        let held = hold_turn(&mut tx, turn_id).await?;
        let permit = authorise(caller, UseCase::Converse, Some(held.customer_id), now)?;
        if !conversations::end_turn(&mut tx, turn_id, TurnStatus::Faulted, now).await? {
            return Ok(false);
        }
        let (text, cases) = (message.text.clone(), message.cases.clone());
        let conversation_id = held.conversation_id;
        let id = self.add_message(&mut tx, conversation_id, Some(turn_id), None, message).await?;
        let payload = json!({
            "turn_id": turn_id, "message_id": id, "text": text, "cases": cases, "problem": problem,
            "authorised": permit,
        });
        self.trail(&mut tx, Stream::Conversation(conversation_id), "turn.faulted", payload).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The steps of a turn, in order.
    pub async fn turn_steps(
        &self,
        caller: Caller,
        turn_id: TurnId,
    ) -> Result<Vec<StepRow>, ServicingError> {
        let mut conn = self.pool_for(caller).acquire().await?;
        let held = hold_turn(&mut conn, turn_id).await?;
        authorise(caller, UseCase::Follow, Some(held.customer_id), self.now())?;
        let level = Level::of_number(held.level);
        if caller.level < level {
            return Err(Refusal::level_too_low(caller.level, level).into());
        }
        Ok(conversations::list_steps(&mut conn, turn_id).await?)
    }

    /// Turns that were running when their process went away.
    pub async fn running_turns(&self) -> Result<Vec<TurnRow>, ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        Ok(conversations::list_running(&mut conn).await?)
    }
}

/// Holds the conversation of a turn until the transaction ends: whoever reads waits for whoever records.
async fn hold_turn(conn: &mut PgConnection, turn_id: TurnId) -> Result<HeldTurn, ServicingError> {
    Ok(conversations::hold_turn(conn, turn_id).await?.ok_or_else(|| Refusal::not_found("turn"))?)
}
