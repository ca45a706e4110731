//! Hand-offs: a person asked for is a person found, in the same turn, with a reference.

use audit::Stream;
use credit::FlagKind;
use identity::{Actor, ConversationId, CustomerId, HandOffId, MessageId, RepresentativeId};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    cases::{self, CaseRow},
    conversations::{self, ConversationRow, ConversationStatus, MessageRole},
    customers::{self, Customer},
    hand_offs::{self, HandOffRow, HandOffStatus},
    representatives::{self, Representative},
};

use crate::{
    Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    cases::offered,
    conversations::{NewMessage, checked_text, find_open_conversation},
    flags,
    reference::reference,
    work::Begun,
};

/// What waits for staff.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Queue {
    /// Longest waiting first.
    pub hand_offs: Vec<HandOffRow>,
    /// Most urgent first, each with the flag that closing it may clear.
    pub cases: Vec<(CaseRow, Option<FlagKind>)>,
}

/// A customer as the desk lists them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Listed {
    pub customer: Customer,
    /// The flags that stand.
    pub flags: Vec<FlagKind>,
}

const QUEUE_MAX: i64 = 500;

/// Customers that a look-up lists at most: who looks for more says more.
const LISTED_MAX: i64 = 50;

impl Servicing {
    /// Asks for a person. Where the conversation waits for one already, that hand-off is answered.
    pub async fn open_hand_off(
        &self,
        caller: Caller,
        conversation_id: ConversationId,
        reason: &str,
        summary: &str,
    ) -> Result<HandOffRow, ServicingError> {
        let now = self.now();
        let mut tx = self.pool_for(caller).begin().await?;
        let conversation = find_conversation(&mut tx, conversation_id).await?;
        let permit = authorise(caller, UseCase::Protect, Some(conversation.customer_id), now)?;
        conversations::lock(&mut tx, conversation_id).await?;
        if let Some(standing) = hand_offs::find_open(&mut tx, conversation_id).await? {
            return Ok(standing);
        }
        let id = HandOffId::mint(now);
        let row = HandOffRow {
            id,
            reference: reference("HND", id.as_uuid()),
            customer_id: conversation.customer_id,
            conversation_id,
            reason: reason.to_owned(),
            summary: summary.to_owned(),
            status: HandOffStatus::Waiting,
            opened_at: now,
            claimed_by: None,
            claimed_at: None,
            released_at: None,
        };
        hand_offs::insert(&mut tx, &row).await?;
        conversations::set_status(&mut tx, conversation_id, ConversationStatus::Waiting).await?;
        let payload = json!({
            "hand_off_id": id, "reference": row.reference, "reason": reason, "summary": summary, "authorised": permit,
        });
        let stream = Stream::Conversation(conversation_id);
        self.trail(&mut tx, stream, "hand_off.opened", payload).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// What waits for staff.
    pub async fn queue(&self, caller: Caller) -> Result<Queue, ServicingError> {
        authorise(caller, UseCase::Oversee, None, self.now())?;
        let mut conn = self.store.app().acquire().await?;
        let hand_offs = hand_offs::list_open(&mut conn, QUEUE_MAX).await?;
        let open = cases::list_open(&mut conn, QUEUE_MAX).await?;
        let customers: Vec<CustomerId> = open.iter().map(|case| case.customer_id).collect();
        let standing = flags::standing_on(&mut conn, &customers).await?;
        let flag_of = |case: &CaseRow| offered(case, &open, standing.get(&case.customer_id)?);
        let flags: Vec<Option<FlagKind>> = open.iter().map(flag_of).collect();
        Ok(Queue { hand_offs, cases: open.into_iter().zip(flags).collect() })
    }

    /// The customers whose name holds the words; without words those on whom a flag stands or of whom a case is open, the
    /// newest first, whether or not they ever had a conversation.
    pub async fn find_customers(
        &self,
        caller: Caller,
        words: Option<&str>,
    ) -> Result<Vec<Listed>, ServicingError> {
        authorise(caller, UseCase::Oversee, None, self.now())?;
        let mut conn = self.store.app().acquire().await?;
        let found = customers::search(&mut conn, words, LISTED_MAX).await?;
        let ids: Vec<CustomerId> = found.iter().map(|customer| customer.id).collect();
        let mut standing = flags::standing_on(&mut conn, &ids).await?;
        let listed = found.into_iter().map(|customer| Listed {
            flags: standing.remove(&customer.id).unwrap_or_default(),
            customer,
        });
        Ok(listed.collect())
    }

    /// A representative takes the conversation over, asked for or not.
    pub async fn claim(
        &self,
        caller: Caller,
        conversation_id: ConversationId,
        key: &Key,
    ) -> Result<HandOffRow, ServicingError> {
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let representative = representative(caller)?;
        let mut work = match self.begin(permit, key, &("claim", conversation_id)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let now = self.now();
        conversations::lock(work.conn(), conversation_id).await?;
        let conversation = find_open_conversation(work.conn(), conversation_id).await?;
        if hand_offs::find_open(work.conn(), conversation_id).await?.is_none() {
            let id = HandOffId::mint(now);
            let row = HandOffRow {
                id,
                reference: reference("HND", id.as_uuid()),
                customer_id: conversation.customer_id,
                conversation_id,
                reason: "staff".to_owned(),
                summary: "A representative took the conversation over.".to_owned(),
                status: HandOffStatus::Waiting,
                opened_at: now,
                claimed_by: None,
                claimed_at: None,
                released_at: None,
            };
            hand_offs::insert(work.conn(), &row).await?;
        }
        let open = find_hand_off(work.conn(), conversation_id).await?;
        match open.claimed_by {
            Some(other) if other != representative => {
                return Err(Refusal::new(
                    RefusalCode::AlreadyClaimed,
                    "Another representative has this conversation.",
                )
                .into());
            }
            Some(_) => return work.finish(open).await,
            None => {}
        }
        hand_offs::claim(work.conn(), open.id, representative, now).await?;
        let status = ConversationStatus::Representative;
        conversations::set_status(work.conn(), conversation_id, status).await?;
        let payload =
            json!({"hand_off_id": open.id, "reference": open.reference, "authorised": permit});
        let stream = Stream::Conversation(conversation_id);
        self.trail(work.conn(), stream, "hand_off.claimed", payload).await?;
        let claimed = find_hand_off(work.conn(), conversation_id).await?;
        work.finish(claimed).await
    }

    /// A representative takes the conversation from the one who has it and went away. There is no supervisor: any
    /// representative may, by naming whom they take it from, and it is on record with both names.
    pub async fn take_over(
        &self,
        caller: Caller,
        conversation_id: ConversationId,
        from: RepresentativeId,
        key: &Key,
    ) -> Result<HandOffRow, ServicingError> {
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let representative = representative(caller)?;
        let request = ("take_over", conversation_id, from);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        conversations::lock(work.conn(), conversation_id).await?;
        find_open_conversation(work.conn(), conversation_id).await?;
        let open = find_hand_off(work.conn(), conversation_id).await?;
        if open.claimed_by == Some(representative) {
            return work.finish(open).await;
        }
        let by = (representative, self.now());
        if !hand_offs::take_over(work.conn(), open.id, from, by).await? {
            return Err(Refusal::new(
                RefusalCode::AlreadyClaimed,
                "This conversation is no longer with the representative you named.",
            )
            .into());
        }
        let name = |found: Option<Representative>| found.map(|found| found.name);
        let (taken_from, taken_by) = (
            name(representatives::find(work.conn(), from).await?),
            name(representatives::find(work.conn(), representative).await?),
        );
        let payload = json!({
            "hand_off_id": open.id, "reference": open.reference, "authorised": permit,
            "from": {"representative_id": from, "name": taken_from, "claimed_at": open.claimed_at},
            "by": {"representative_id": representative, "name": taken_by},
        });
        let stream = Stream::Conversation(conversation_id);
        self.trail(work.conn(), stream, "hand_off.taken_over", payload).await?;
        let taken = find_hand_off(work.conn(), conversation_id).await?;
        work.finish(taken).await
    }

    /// A representative who has the conversation answers in it.
    pub async fn reply(
        &self,
        caller: Caller,
        conversation_id: ConversationId,
        text: &str,
        key: &Key,
    ) -> Result<MessageId, ServicingError> {
        let text = checked_text(text)?;
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let representative = representative(caller)?;
        let mut work = match self.begin(permit, key, &("reply", conversation_id, text)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        conversations::lock(work.conn(), conversation_id).await?;
        let open = find_hand_off(work.conn(), conversation_id).await?;
        holds(&open, representative)?;
        let message = NewMessage::plain(MessageRole::Representative, text);
        let author = Some(representative.as_uuid());
        let id = self.add_message(work.conn(), conversation_id, None, author, message).await?;
        let payload =
            json!({"message_id": id, "text": text, "hand_off_id": open.id, "authorised": permit});
        let stream = Stream::Conversation(conversation_id);
        self.trail(work.conn(), stream, "representative.replied", payload).await?;
        work.finish(id).await
    }

    /// A representative gives the conversation back to the assistant.
    pub async fn release(
        &self,
        caller: Caller,
        conversation_id: ConversationId,
        key: &Key,
    ) -> Result<ConversationRow, ServicingError> {
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let representative = representative(caller)?;
        let mut work = match self.begin(permit, key, &("release", conversation_id)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        conversations::lock(work.conn(), conversation_id).await?;
        let open = find_hand_off(work.conn(), conversation_id).await?;
        holds(&open, representative)?;
        hand_offs::release(work.conn(), open.id, self.now()).await?;
        let status = ConversationStatus::Assistant;
        conversations::set_status(work.conn(), conversation_id, status).await?;
        let payload =
            json!({"hand_off_id": open.id, "reference": open.reference, "authorised": permit});
        let stream = Stream::Conversation(conversation_id);
        self.trail(work.conn(), stream, "hand_off.released", payload).await?;
        let conversation = find_conversation(work.conn(), conversation_id).await?;
        work.finish(conversation).await
    }
}

async fn find_conversation(
    conn: &mut PgConnection,
    id: ConversationId,
) -> Result<ConversationRow, ServicingError> {
    Ok(conversations::find(conn, id).await?.ok_or_else(|| Refusal::not_found("conversation"))?)
}

async fn find_hand_off(
    conn: &mut PgConnection,
    id: ConversationId,
) -> Result<HandOffRow, ServicingError> {
    Ok(hand_offs::find_open(conn, id).await?.ok_or_else(|| Refusal::not_found("open hand-off"))?)
}

fn representative(caller: Caller) -> Result<RepresentativeId, Refusal> {
    match caller.actor {
        Actor::Representative { id } => Ok(id),
        _ => Err(Refusal::new(RefusalCode::NotAllowed, "Only a representative may do this.")),
    }
}

fn holds(open: &HandOffRow, representative: RepresentativeId) -> Result<(), Refusal> {
    if open.claimed_by == Some(representative) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::AlreadyClaimed,
        "You do not have this conversation: claim it first.",
    ))
}
