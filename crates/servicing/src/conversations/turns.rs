//! What a turn records: its steps, leaves and messages arrive whole, in one transaction; and how one ends that broke.

use audit::{Chained, LeafBody, Stream, Tip};
use identity::{ConversationId, CustomerId, MessageId, TurnId};
use serde_json::{Value, json};
use sqlx::PgConnection;
use store::conversations::{
    self, ConversationRow, HeldTurn, Leaves, Message, StepRow, TurnFooting, TurnRow, TurnStatus,
    TurnWriting, Written,
};

use super::NewMessage;
use crate::{
    Caller, Key, Level, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    work::Begun,
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

/// Where a turn stands: whose it is, and the newest leaf of its conversation as it was last known. Whatever is recorded on it is
/// recorded only if that is the newest still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footing {
    turn_id: TurnId,
    conversation_id: ConversationId,
    customer_id: CustomerId,
    tip: Option<Tip>,
}

impl Footing {
    pub(super) fn new(turn_id: TurnId, of: &ConversationRow, tip: Option<Tip>) -> Self {
        Self { turn_id, conversation_id: of.id, customer_id: of.customer_id, tip }
    }
}

impl Servicing {
    /// Records what a turn did, in one transaction; answers the ids of its messages.
    pub async fn record_turn(
        &self,
        caller: Caller,
        turn_id: TurnId,
        record: TurnRecord,
    ) -> Result<Vec<MessageId>, ServicingError> {
        let mut footing = self.footing(caller, turn_id).await?;
        self.record_turn_on(caller, &mut footing, record).await
    }

    /// Where a turn stands now: whoever is to record in it begins there.
    pub async fn footing(
        &self,
        caller: Caller,
        turn_id: TurnId,
    ) -> Result<Footing, ServicingError> {
        let mut conn = self.pool_for(caller).acquire().await?;
        find_footing(&mut conn, turn_id).await
    }

    /// As [`Self::record_turn`], for a turn whose footing is known; it goes on with the record. One statement, unless somebody
    /// else recorded in the conversation since.
    pub async fn record_turn_on(
        &self,
        caller: Caller,
        footing: &mut Footing,
        record: TurnRecord,
    ) -> Result<Vec<MessageId>, ServicingError> {
        let now = self.now();
        authorise(caller, UseCase::Converse, Some(footing.customer_id), now)?;
        let Footing { turn_id, conversation_id, .. } = *footing;
        let steps = record.steps.into_iter();
        let steps: Vec<StepRow> =
            steps.map(|(n, kind, body)| StepRow { n, kind, body, recorded_at: now }).collect();
        let messages = record.messages.into_iter();
        let messages: Vec<Message> =
            messages.map(|message| message.at_place(conversation_id, Some(turn_id), now)).collect();
        let leaves = record.leaves.into_iter();
        let leaves: Vec<LeafBody> = leaves
            .map(|leaf| LeafBody { kind: leaf.kind.into(), at: now, payload: leaf.payload })
            .collect();
        let mut conn = self.pool_for(caller).acquire().await?;
        loop {
            let tip = footing.tip;
            let chained = audit::chain(Stream::Conversation(conversation_id), tip, &leaves)?;
            let writing = TurnWriting {
                steps: &steps,
                messages: &messages,
                ends: record.ends.map(|status| (status, now)),
                leaves: columns(&chained, tip.as_ref()),
            };
            match conversations::record(&mut conn, turn_id, &writing).await? {
                Written::Whole => {
                    footing.tip = chained.tip;
                    return Ok(messages.iter().map(|message| message.id).collect());
                }
                Written::Nothing => return Err(over().into()),
                // Somebody was faster: what they recorded comes before.
                Written::GoneOn => *footing = find_footing(&mut conn, turn_id).await?,
            }
        }
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

fn over() -> Refusal {
    Refusal::new(RefusalCode::TurnOver, "This turn is over, or is answered elsewhere.")
}

async fn find_footing(conn: &mut PgConnection, turn_id: TurnId) -> Result<Footing, ServicingError> {
    let found = conversations::footing(conn, turn_id).await?;
    let found = found.ok_or_else(|| Refusal::not_found("turn"))?;
    let tip = found.tip.map(|(n, hash)| Tip::stored(n, &hash)).transpose()?;
    let TurnFooting { conversation_id, customer_id, .. } = found;
    Ok(Footing { turn_id, conversation_id, customer_id, tip })
}

/// Chained leaves as the store takes them.
pub(super) fn columns<'a>(chained: &'a Chained, tip: Option<&'a Tip>) -> Leaves<'a> {
    Leaves {
        tip: tip.map(|tip| (tip.n, tip.hash.0.as_slice())),
        ids: &chained.ids,
        numbers: &chained.numbers,
        kinds: &chained.kinds,
        instants: &chained.instants,
        entries: &chained.entries,
        hashes: &chained.hashes,
        salts: &chained.salts,
        payloads: &chained.payloads,
    }
}

/// Holds the conversation of a turn until the transaction ends: whoever reads waits for whoever records.
async fn hold_turn(conn: &mut PgConnection, turn_id: TurnId) -> Result<HeldTurn, ServicingError> {
    Ok(conversations::hold_turn(conn, turn_id).await?.ok_or_else(|| Refusal::not_found("turn"))?)
}
