//! Conversations, proposals and what waits for staff, as JSON.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use credit::FlagKind;
use identity::{
    CaseId, ConversationId, CustomerId, IntentId, MessageId, ReceiptId, RepresentativeId, TurnId,
};
use serde::Serialize;
use serde_json::{Value, json};
use servicing::{conversations::ConversationView, flags::flag_word};
use store::{
    cases::CaseRow,
    conversations::{MessageRole, MessageRow, TurnStatus},
    intents::{IntentRow, ReceiptRow},
};
use utoipa::ToSchema;

use super::Position;

/// A conversation and the messages asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Conversation {
    #[schema(value_type = uuid::Uuid)]
    pub id: ConversationId,
    /// Who answers next: `assistant`, `waiting`, `representative`, or nobody (`closed`).
    pub status: &'static str,
    #[schema(value_type = uuid::Uuid)]
    pub customer_id: CustomerId,
    /// A turn is running.
    pub answering: bool,
    /// The one that stands.
    pub hand_off: Option<HandOff>,
    pub messages: Vec<Message>,
}

/// A person who was asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct HandOff {
    pub reference: String,
    pub reason: String,
    pub opened_at: DateTime<Utc>,
    /// The representative's name.
    pub claimed_by: Option<String>,
}

/// The names of our staff.
pub(crate) type StaffNames = HashMap<RepresentativeId, String>;

/// What a person saw, in order `n`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Message {
    #[schema(value_type = uuid::Uuid)]
    pub id: MessageId,
    pub n: i32,
    pub role: &'static str,
    pub at: DateTime<Utc>,
    /// Figures already written by the server, citations as `[1]`.
    pub text: String,
    /// The representative's name.
    pub author: Option<String>,
    /// Of an assistant's message: whether what answered had passed the gate.
    pub attested: Option<bool>,
    #[schema(value_type = Vec<Object>)]
    pub citations: Value,
    pub intents: Vec<Intent>,
    #[schema(value_type = Vec<Object>)]
    pub notices: Value,
    #[schema(value_type = Vec<Object>)]
    pub cases: Value,
    /// For staff and compliance: what the message rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub evidence: Option<Value>,
}

/// A proposed effect.
#[derive(Serialize, ToSchema)]
pub(crate) struct Intent {
    #[schema(value_type = uuid::Uuid)]
    pub id: IntentId,
    pub tool: String,
    pub title: String,
    pub status: &'static str,
    /// The sheet, in order; the words are the server's.
    pub fields: Vec<ShownField>,
    pub effect: String,
    pub expires_at: DateTime<Utc>,
    pub receipt: Option<Receipt>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ShownField {
    pub name: String,
    pub label: String,
    pub text: String,
}

/// Proof that it happened.
#[derive(Serialize, ToSchema)]
pub(crate) struct Receipt {
    #[schema(value_type = uuid::Uuid)]
    pub id: ReceiptId,
    #[schema(value_type = Option<uuid::Uuid>)]
    pub intent_id: Option<IntentId>,
    pub kind: String,
    pub reference: String,
    pub at: DateTime<Utc>,
    pub text: String,
    pub fields: Vec<ShownField>,
}

/// A right that was invoked.
#[derive(Serialize, ToSchema)]
pub(crate) struct Case {
    #[schema(value_type = uuid::Uuid)]
    pub id: CaseId,
    pub reference: String,
    pub kind: String,
    pub status: &'static str,
    pub words: String,
    pub opened_at: DateTime<Utc>,
    pub due_on: NaiveDate,
    pub note: Option<String>,
    /// The flag that closing the case may clear.
    pub flag: Option<String>,
}

/// What waits for staff.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueueItem {
    /// `hand_off` or `case`.
    pub kind: &'static str,
    pub id: String,
    pub reference: String,
    #[schema(value_type = Option<uuid::Uuid>)]
    pub conversation_id: Option<ConversationId>,
    #[schema(value_type = Object)]
    pub customer: Value,
    pub reason: String,
    pub opened_at: DateTime<Utc>,
    pub due_on: Option<NaiveDate>,
    pub status: String,
    pub claimed_by: Option<String>,
    /// Of a case: the flag that closing it may clear.
    pub flag: Option<String>,
}

/// A conversation as a representative or an auditor sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeskConversation {
    #[serde(flatten)]
    pub conversation: Conversation,
    /// Of the hand-off that stands: the representative who has it.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub claimed_by_id: Option<RepresentativeId>,
    #[serde(flatten)]
    pub customer: DeskCustomer,
}

/// A customer as staff see them, with or without a conversation.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeskCustomer {
    #[schema(value_type = Object)]
    pub customer: Value,
    pub position: Option<Position>,
    pub flags: Vec<super::DeskFlag>,
    pub open_cases: Vec<Case>,
    /// The newest conversation of theirs, if there is one.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub latest_conversation_id: Option<ConversationId>,
}

/// A customer in the desk's list.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListedCustomer {
    #[schema(value_type = Object)]
    pub customer: Value,
    /// The flags that stand.
    pub flags: Vec<String>,
}

impl Conversation {
    /// `evidence` is left out of what a customer is sent.
    pub(crate) fn of(view: ConversationView, staff: &StaffNames, evidence: bool) -> Self {
        let ConversationView { conversation, messages, intents, turns, hand_off, .. } = view;
        let answering = turns.iter().any(|turn| turn.status == TurnStatus::Running);
        let hand_off = hand_off.map(|row| HandOff {
            reference: row.reference,
            reason: row.reason,
            opened_at: row.opened_at,
            claimed_by: row.claimed_by.and_then(|id| staff.get(&id).cloned()),
        });
        let mut intents: Vec<_> = intents
            .into_iter()
            .map(|(intent, receipt)| (intent.turn_id, Intent::of(intent, receipt)))
            .collect();
        let turn_of: HashMap<MessageId, TurnId> = messages
            .iter()
            .map(|row| &row.message)
            .filter(|message| message.role == MessageRole::Assistant)
            .filter_map(|message| Some((message.id, message.turn_id?)))
            .collect();
        let messages = messages
            .into_iter()
            .map(|row| {
                let (turn_id, author_id) = (row.message.turn_id, row.message.author_id);
                let mine = row.message.role == MessageRole::Assistant && turn_id.is_some();
                let (taken, rest) =
                    intents.drain(..).partition(|(turn, _)| mine && *turn == turn_id);
                intents = rest;
                let taken: Vec<(_, Intent)> = taken;
                let proposed = taken.into_iter().map(|(_, intent)| intent).collect();
                let author =
                    author_id.and_then(|id| staff.get(&RepresentativeId::from_uuid(id)).cloned());
                let attested = turns
                    .iter()
                    .find(|turn| mine && Some(turn.id) == turn_id)
                    .map(|turn| turn.attested);
                Message { author, attested, ..Message::of(row, proposed, evidence) }
            })
            .collect();
        let messages = whole(messages, &turn_of);
        Self {
            id: conversation.id,
            status: conversation.status.as_str(),
            customer_id: conversation.customer_id,
            answering,
            hand_off,
            messages,
        }
    }
}

impl Conversation {
    /// Names, beside each message's evidence, the leaves that recorded its turn.
    pub(crate) fn mark_leaves(&mut self, leaves: &[audit::Recorded]) {
        for message in &mut self.messages {
            let Some(evidence) = message.evidence.as_mut().and_then(Value::as_object_mut) else {
                continue;
            };
            let turn = evidence.get("turn_id").cloned();
            let mine = |leaf: &&audit::Recorded| {
                leaf.payload.as_ref().is_some_and(|payload| payload.get("turn_id") == turn.as_ref())
            };
            let marks: Vec<Value> = leaves
                .iter()
                .filter(mine)
                .map(|leaf| {
                    json!({ "id": leaf.id, "kind": leaf.kind, "n": leaf.n, "index": leaf.index })
                })
                .collect();
            evidence.insert("leaves".to_owned(), Value::Array(marks));
        }
    }
}

/// A turn commits its answer in pieces, and a person reads it as one message: the pieces of a turn are put together, with
/// the evidence of the last, which holds that of the earlier ones.
fn whole(messages: Vec<Message>, turn_of: &HashMap<MessageId, TurnId>) -> Vec<Message> {
    let mut whole: Vec<Message> = Vec::with_capacity(messages.len());
    for piece in messages {
        let turn = turn_of.get(&piece.id);
        match whole.last_mut() {
            Some(first) if turn.is_some() && turn_of.get(&first.id) == turn => first.add(piece),
            _ => whole.push(piece),
        }
    }
    whole
}

fn append(list: &mut Value, more: Value) {
    if let (Some(list), Value::Array(more)) = (list.as_array_mut(), more) {
        for item in more {
            if !list.contains(&item) {
                list.push(item);
            }
        }
    }
}

impl Message {
    fn add(&mut self, piece: Self) {
        self.n = piece.n;
        self.text = format!("{} {}", self.text, piece.text);
        self.intents.extend(piece.intents);
        append(&mut self.citations, piece.citations);
        append(&mut self.notices, piece.notices);
        append(&mut self.cases, piece.cases);
        self.evidence = piece.evidence.or(self.evidence.take());
    }

    fn of(row: MessageRow, intents: Vec<Intent>, evidence: bool) -> Self {
        let MessageRow { n, message: row } = row;
        Self {
            id: row.id,
            n,
            role: row.role.as_str(),
            at: row.at,
            text: row.text,
            author: None,
            attested: None,
            citations: row.citations,
            intents,
            notices: row.notices,
            cases: row.cases,
            evidence: row.evidence.filter(|_| evidence),
        }
    }
}

impl Intent {
    pub(crate) fn of(row: IntentRow, receipt: Option<ReceiptRow>) -> Self {
        Self {
            id: row.id,
            tool: row.tool,
            title: row.title,
            status: row.status.as_str(),
            fields: row.fields.into_iter().map(ShownField::from).collect(),
            effect: row.effect,
            expires_at: row.expires_at,
            receipt: receipt.map(Receipt::from),
        }
    }
}

impl From<store::intents::ShownField> for ShownField {
    fn from(field: store::intents::ShownField) -> Self {
        Self { name: field.name, label: field.label, text: field.text }
    }
}

impl From<ReceiptRow> for Receipt {
    fn from(row: ReceiptRow) -> Self {
        Self {
            id: row.id,
            intent_id: row.intent_id,
            kind: row.kind,
            reference: row.reference,
            at: row.at,
            text: row.text,
            fields: row.fields.into_iter().map(ShownField::from).collect(),
        }
    }
}

impl From<CaseRow> for Case {
    fn from(row: CaseRow) -> Self {
        Self {
            id: row.id,
            reference: row.reference,
            kind: row.kind,
            status: row.status.as_str(),
            words: row.words,
            opened_at: row.opened_at,
            due_on: row.due_on,
            note: row.note,
            flag: None,
        }
    }
}

impl Case {
    /// An open case, with the flag that closing it may clear.
    pub(crate) fn with_flag(row: CaseRow, flag: Option<FlagKind>) -> Self {
        Self { flag: flag.map(flag_word), ..row.into() }
    }
}
