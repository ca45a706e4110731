//! Intents: an effect is proposed, shown to the person, confirmed by exactly that person, and then done, once.
//!
//! Invariants: an intent is minted by the server and only the server; proposing the same again gives the same intent, and
//! a changed proposal on the same subject supersedes the one before; a grant is given on an authenticated endpoint, is
//! bound to the digest of what was shown, and is written with the effect and its receipt in one transaction or not at
//! all. Nothing a model or a message says is a grant.

use chrono::{DateTime, TimeDelta, Utc};
use identity::{ConversationId, CreditLineId, CustomerId, GrantId, IntentId, TurnId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use store::intents::{self, GrantRow, IntentRow, IntentStatus, ReceiptRow, ShownField};

use crate::{
    Authorised, Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    draws::ResolvedDraw,
    payments::{ResolvedCancellation, ResolvedPayment},
    work::{Begun, Trail},
};

/// An effect, resolved: exactly what confirming it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    SchedulePayment(ResolvedPayment),
    CancelPayment(ResolvedCancellation),
    Draw(ResolvedDraw),
}

impl Action {
    pub(crate) const fn credit_line_id(&self) -> CreditLineId {
        match self {
            Self::SchedulePayment(payment) => payment.credit_line_id,
            Self::CancelPayment(cancellation) => cancellation.credit_line_id,
            Self::Draw(draw) => draw.credit_line_id,
        }
    }
}

/// A proposal, judged and worded, to be minted.
#[derive(Clone, Debug, PartialEq)]
pub struct NewIntent {
    pub customer_id: CustomerId,
    pub conversation_id: Option<ConversationId>,
    pub turn_id: Option<TurnId>,
    pub tool: String,
    pub tool_version: String,
    /// Proposals of one subject supersede each other.
    pub subject: String,
    pub action: Action,
    pub title: String,
    /// One sentence that says what will happen.
    pub effect: String,
    /// What the sheet shows, in order.
    pub fields: Vec<ShownField>,
    pub expires_minutes: u32,
}

/// For how long a proposal can be confirmed, at most.
const EXPIRES_MINUTES_MAX: u32 = 24 * 60;

impl Servicing {
    /// Mints an intent, after looking once more whether what it proposes can be done. The customer has to confirm it.
    pub async fn propose(
        &self,
        caller: Caller,
        proposal: NewIntent,
    ) -> Result<IntentRow, ServicingError> {
        let now = self.now();
        let permit = authorise(caller, UseCase::Propose, Some(proposal.customer_id), now)?;
        let mut tx = self.pool_for(caller).begin().await?;
        self.hold_line(&mut tx, proposal.action.credit_line_id()).await?;
        self.check(&mut tx, proposal.customer_id, &proposal.action, now).await?;
        let minted = mint(proposal, now)?;
        let standing = intents::find_awaiting(
            &mut tx,
            minted.customer_id,
            minted.conversation_id,
            &minted.subject,
        )
        .await?;
        if let Some(standing) = standing {
            let live = standing.expires_at > now;
            if live && same(&standing, &minted) {
                return Ok(standing);
            }
            let (status, successor) = if live {
                (IntentStatus::Superseded, Some(minted.id))
            } else {
                (IntentStatus::Expired, None)
            };
            intents::settle(&mut tx, standing.id, status, successor, now).await?;
        }
        intents::insert(&mut tx, &minted).await?;
        let payload = json!({
            "intent_id": minted.id, "credit_line_id": minted.credit_line_id, "tool": minted.tool, "tool_version": minted.tool_version,
            "arguments": minted.arguments, "arguments_digest": hex::encode(&minted.arguments_digest),
            "title": minted.title, "effect": minted.effect, "fields": minted.fields,
            "expires_at": minted.expires_at, "authorised": permit,
        });
        let stream = Trail::stream(minted.conversation_id, minted.credit_line_id);
        self.trail(&mut tx, stream, "intent.proposed", payload).await?;
        tx.commit().await?;
        Ok(minted)
    }

    /// An intent as it stands now.
    pub async fn intent(
        &self,
        caller: Caller,
        id: IntentId,
    ) -> Result<(IntentRow, Option<ReceiptRow>), ServicingError> {
        let mut conn = self.pool_for(caller).acquire().await?;
        let intent =
            intents::find(&mut conn, id).await?.ok_or_else(|| Refusal::not_found("proposal"))?;
        authorise(caller, UseCase::Read, Some(intent.customer_id), self.now())?;
        let receipt = intents::find_receipt_of(&mut conn, id).await?;
        Ok((self.aged(intent), receipt))
    }

    /// Confirms an intent: the grant, the effect and its receipt, in one transaction. Confirmed again, with this key or
    /// another, it answers the receipt there is.
    pub async fn confirm(
        &self,
        caller: Caller,
        id: IntentId,
        key: &Key,
    ) -> Result<ReceiptRow, ServicingError> {
        let intent = self.own_intent(caller, id).await?;
        let permit = authorise(caller, UseCase::Settle, Some(intent.customer_id), self.now())?;
        let mut work = match self.begin(permit, key, &("confirm", id)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        // The line before the conversation's stream, as everybody who takes both.
        if let Some(line) = intent.credit_line_id {
            self.hold_line(work.conn(), line).await?;
        }
        let intent = intents::find_for_update(work.conn(), id)
            .await?
            .ok_or_else(|| Refusal::not_found("proposal"))?;
        if let Some(receipt) = intents::find_receipt_of(work.conn(), id).await? {
            return work.finish(receipt).await;
        }
        let action = awaiting(&intent, self.now())?;
        let now = self.now();
        let grant = GrantRow {
            id: GrantId::mint(now),
            intent_id: id,
            actor: caller.actor,
            level: caller.level.number(),
            arguments_digest: intent.arguments_digest.clone(),
            granted_at: now,
        };
        intents::insert_grant(work.conn(), &grant).await?;
        intents::settle(work.conn(), id, IntentStatus::Confirmed, None, now).await?;
        let stream = Trail::stream(intent.conversation_id, intent.credit_line_id);
        let payload = json!({
            "intent_id": id, "credit_line_id": intent.credit_line_id, "grant_id": grant.id, "arguments_digest": hex::encode(&grant.arguments_digest),
            "authorised": permit,
        });
        self.trail(work.conn(), stream, "intent.confirmed", payload).await?;
        let draw = match &action {
            Action::Draw(draw) => Some(draw.clone()),
            _ => None,
        };
        let receipt = self.perform(work.conn(), permit, &intent, action).await?;
        // The effect is recorded with the line; what the customer was told of it, here.
        let payload = json!({
            "receipt_id": receipt.id, "reference": receipt.reference, "kind": receipt.kind, "intent_id": id,
            "turn_id": intent.turn_id, "text": receipt.text, "fields": receipt.fields,
        });
        self.trail(work.conn(), stream, "receipt.given", payload).await?;
        let receipt = work.finish(receipt).await?;
        if let Some(draw) = draw {
            self.send_at_once(draw.rail, draw.credit_line_id).await;
        }
        Ok(receipt)
    }

    /// The customer says no to an intent.
    pub async fn refuse(
        &self,
        caller: Caller,
        id: IntentId,
        key: &Key,
    ) -> Result<IntentRow, ServicingError> {
        let intent = self.own_intent(caller, id).await?;
        let permit = authorise(caller, UseCase::Settle, Some(intent.customer_id), self.now())?;
        let mut work = match self.begin(permit, key, &("refuse", id)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        if let Some(line) = intent.credit_line_id {
            self.hold_line(work.conn(), line).await?;
        }
        let mut intent = intents::find_for_update(work.conn(), id)
            .await?
            .ok_or_else(|| Refusal::not_found("proposal"))?;
        if intent.status == IntentStatus::Refused {
            return work.finish(intent).await;
        }
        awaiting(&intent, self.now())?;
        let now = self.now();
        intents::settle(work.conn(), id, IntentStatus::Refused, None, now).await?;
        let stream = Trail::stream(intent.conversation_id, intent.credit_line_id);
        let payload =
            json!({"intent_id": id, "credit_line_id": intent.credit_line_id, "authorised": permit});
        self.trail(work.conn(), stream, "intent.refused", payload).await?;
        intent.status = IntentStatus::Refused;
        intent.settled_at = Some(now);
        work.finish(intent).await
    }

    /// The customer's receipts, newest first.
    pub async fn receipts(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Vec<ReceiptRow>, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        Ok(intents::list_receipts(&mut conn, customer_id, 100).await?)
    }

    /// An awaiting intent whose time is over is an expired one, whether or not that was written down.
    pub(crate) fn aged(&self, mut intent: IntentRow) -> IntentRow {
        if intent.status == IntentStatus::AwaitingConfirmation && intent.expires_at <= self.now() {
            intent.status = IntentStatus::Expired;
            intent.settled_at = Some(intent.expires_at);
        }
        intent
    }

    async fn own_intent(&self, caller: Caller, id: IntentId) -> Result<IntentRow, ServicingError> {
        let mut conn = self.pool_for(caller).acquire().await?;
        Ok(intents::find(&mut conn, id).await?.ok_or_else(|| Refusal::not_found("proposal"))?)
    }

    /// Whether the action can be done, today, for this customer.
    async fn check(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
        action: &Action,
        at: DateTime<Utc>,
    ) -> Result<(), ServicingError> {
        match action {
            Action::SchedulePayment(payment) => {
                self.check_payment(conn, customer_id, payment, at).await.map(drop)
            }
            Action::CancelPayment(cancellation) => {
                self.check_cancellation(conn, customer_id, cancellation.payment_id).await.map(drop)
            }
            Action::Draw(draw) => self.check_draw(conn, customer_id, draw, at).await.map(drop),
        }
    }

    async fn perform(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        intent: &IntentRow,
        action: Action,
    ) -> Result<ReceiptRow, ServicingError> {
        let (customer, from) = (intent.customer_id, Some(intent.id));
        match action {
            Action::SchedulePayment(payment) => {
                self.schedule_in(conn, permit, customer, &payment, from).await
            }
            Action::CancelPayment(cancellation) => {
                let by = (from, "customer");
                self.cancel_in(conn, permit, customer, cancellation.payment_id, by).await
            }
            Action::Draw(draw) => self.draw_in(conn, permit, customer, &draw, from).await,
        }
    }
}

fn mint(proposal: NewIntent, now: DateTime<Utc>) -> Result<IntentRow, ServicingError> {
    let arguments = serde_json::to_value(&proposal.action)
        .map_err(|source| ServicingError::Stored { what: "proposal", source: Some(source) })?;
    let minutes = proposal.expires_minutes.clamp(1, EXPIRES_MINUTES_MAX);
    let limits = match &proposal.action {
        Action::SchedulePayment(payment) => json!({"uses": 1, "amount_cents": payment.amount}),
        Action::CancelPayment(_) => json!({"uses": 1}),
        Action::Draw(draw) => json!({"uses": 1, "amount_cents": draw.amount}),
    };
    let credit_line_id = Some(proposal.action.credit_line_id());
    Ok(IntentRow {
        id: IntentId::mint(now),
        customer_id: proposal.customer_id,
        credit_line_id,
        conversation_id: proposal.conversation_id,
        turn_id: proposal.turn_id,
        tool: proposal.tool,
        tool_version: proposal.tool_version,
        subject: proposal.subject,
        arguments_digest: digest(&arguments),
        arguments,
        title: proposal.title,
        effect: proposal.effect,
        fields: proposal.fields,
        limits,
        status: IntentStatus::AwaitingConfirmation,
        superseded_by: None,
        proposed_at: now,
        expires_at: now + TimeDelta::minutes(i64::from(minutes)),
        settled_at: None,
    })
}

/// SHA-256 of the canonical JSON.
fn digest(arguments: &Value) -> Vec<u8> {
    Sha256::digest(audit::canonical_json(arguments).as_bytes()).to_vec()
}

/// Whether two intents would do and show the same.
fn same(standing: &IntentRow, minted: &IntentRow) -> bool {
    standing.arguments_digest == minted.arguments_digest
        && standing.tool == minted.tool
        && standing.tool_version == minted.tool_version
        && standing.fields == minted.fields
        && standing.effect == minted.effect
}

/// The action of an intent that can be settled now.
fn awaiting(intent: &IntentRow, now: DateTime<Utc>) -> Result<Action, ServicingError> {
    let refused = |code, sentence: &str| Err(Refusal::new(code, sentence).into());
    match intent.status {
        IntentStatus::AwaitingConfirmation if intent.expires_at > now => {}
        IntentStatus::AwaitingConfirmation | IntentStatus::Expired => {
            return refused(
                RefusalCode::IntentExpired,
                "The time in which this could be confirmed is over.",
            );
        }
        IntentStatus::Superseded => {
            return refused(
                RefusalCode::IntentSuperseded,
                "A newer proposal has taken the place of this one.",
            );
        }
        IntentStatus::Refused => {
            return refused(RefusalCode::IntentRefused, "This proposal was declined.");
        }
        IntentStatus::Confirmed => {
            return refused(RefusalCode::IntentConfirmed, "This proposal was confirmed before.");
        }
    }
    // What is done is what was shown: the digest was taken when it was minted.
    if digest(&intent.arguments) != intent.arguments_digest {
        return refused(RefusalCode::IntentChanged, "This proposal is not what was shown.");
    }
    serde_json::from_value(intent.arguments.clone())
        .map_err(|source| ServicingError::Stored { what: "proposal", source: Some(source) })
}
