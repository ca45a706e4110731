//! What takes two people: one member of staff asks for it, another does it.
//!
//! Invariants: who asked cannot be the one who does it, here and in the database; refusing needs no second person; nothing happens
//! before, and once. What is absent: what is done (`reversals`, `disputes`, `cheques`).

use chrono::Duration;
use identity::{Actor, CaseId, CreditLineId, CustomerId, RepresentativeId};
use money::Cents;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use store::{
    cheques, contacts,
    countersignatures::{self, Act, CountersignatureRow, Outcome},
    disputes,
};

use crate::{
    Authorised, Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    conversations::checked_text,
    work::{Begun, Trail},
};

/// Those in one list.
const LISTED_MAX: i64 = 200;

/// What is asked of a second person.
pub(crate) struct Asked<'a> {
    pub(crate) act: Act,
    pub(crate) customer_id: CustomerId,
    pub(crate) credit_line_id: CreditLineId,
    pub(crate) amount: Cents,
    /// With what goes back beside it.
    pub(crate) in_all: Cents,
    pub(crate) reason: &'a str,
}

/// What one member of staff does alone (`products/staff.toml`).
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StaffRules {
    credits: CreditsAlone,
    cheques: ChequesAlone,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreditsAlone {
    alone_cents: Cents,
    within_days: i64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChequesAlone {
    alone_cents: Cents,
    within_days: i64,
    /// So long after a change of address every cheque takes two.
    after_change_days: i64,
}

impl StaffRules {
    fn embedded() -> Result<Self, ServicingError> {
        toml::from_str(include_str!("../../../products/staff.toml")).map_err(ServicingError::engine)
    }
}

/// Who of our staff it is; nobody else counts as one of the two.
fn staff(actor: Actor) -> Result<RepresentativeId, Refusal> {
    match actor {
        Actor::Representative { id } => Ok(id),
        _ => Err(Refusal::new(RefusalCode::NotAllowed, "This takes two members of staff.")),
    }
}

/// What is said to whoever is no member of staff, such as a terminal.
fn for_the_desk(in_all: Cents) -> Refusal {
    let sentence = format!(
        "It comes to {in_all} in all, which takes two members of staff: one asks for it at the desk, and another does it."
    );
    Refusal::new(RefusalCode::NotAllowed, sentence)
}

/// What the record calls it when it is asked for and when it is refused.
const fn words_of(act: Act) -> (&'static str, &'static str) {
    match act {
        Act::ReversePayment { .. } => ("payment.reversal_asked", "payment.reversal_refused"),
        Act::CreditDispute { .. } => ("dispute.credit_asked", "dispute.credit_refused"),
        Act::SendCheque { .. } => ("refund.cheque_asked", "refund.cheque_refused"),
    }
}

/// What it is about, and its id.
fn about(act: Act) -> (&'static str, Value) {
    match act {
        Act::ReversePayment { payment_id } => ("payment_id", json!(payment_id)),
        Act::CreditDispute { dispute_id } => ("dispute_id", json!(dispute_id)),
        Act::SendCheque { cheque_id } => ("cheque_id", json!(cheque_id)),
    }
}

/// What the record keeps of it.
pub(crate) fn payload_of(row: &CountersignatureRow, permit: Authorised) -> Value {
    let (about, id) = about(row.act);
    json!({
        "countersignature_id": row.id, about: id, "customer_id": row.customer_id, "credit_line_id": row.credit_line_id,
        "amount_cents": row.amount, "in_all_cents": row.in_all, "reason": row.reason, "asked_by": row.asked_by, "authorised": permit,
    })
}

impl Servicing {
    /// Whether a finding takes two people: what it gives back in all, with what was given back alone lately, is more than one may.
    pub(crate) async fn credit_takes_two(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
        amount: Cents,
    ) -> Result<bool, ServicingError> {
        let rules = StaffRules::embedded()?.credits;
        let since = self.now() - Duration::days(rules.within_days);
        let alone = disputes::credited_alone(conn, customer_id, since).await?;
        Ok(amount.is_positive() && alone + amount > rules.alone_cents)
    }

    /// Whether a cheque takes two people, in the same way; after a change of address it does.
    pub(crate) async fn cheque_takes_two(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
        amount: Cents,
    ) -> Result<bool, ServicingError> {
        let rules = StaffRules::embedded()?.cheques;
        let since = self.now() - Duration::days(rules.within_days);
        let alone = cheques::sent_alone(conn, customer_id, since).await?;
        let changed_at = contacts::last_change(conn, customer_id).await?;
        let changed_since = self.now() - Duration::days(rules.after_change_days);
        if changed_at.is_some_and(|at| at > changed_since) {
            return Ok(true);
        }
        Ok(alone + amount > rules.alone_cents)
    }

    /// Asks for it. Nothing happens until a second person has looked at it.
    pub(crate) async fn ask_second(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        asked: Asked<'_>,
    ) -> Result<CountersignatureRow, ServicingError> {
        let row = CountersignatureRow {
            id: CaseId::mint(self.now()),
            act: asked.act,
            customer_id: asked.customer_id,
            credit_line_id: asked.credit_line_id,
            amount: asked.amount,
            in_all: asked.in_all,
            reason: asked.reason.to_owned(),
            asked_by: staff(permit.actor).map_err(|_| for_the_desk(asked.in_all))?,
            asked_at: self.now(),
            decided_by: None,
            decided_at: None,
            outcome: None,
            note: None,
        };
        if !countersignatures::insert(conn, &row).await? {
            let sentence = "This waits for a second person already.";
            return Err(Refusal::new(RefusalCode::AlreadyClaimed, sentence).into());
        }
        let stream = Trail::stream(None, Some(row.credit_line_id));
        let (kind, _) = words_of(row.act);
        self.trail(conn, stream, kind, payload_of(&row, permit)).await?;
        Ok(row)
    }

    /// Does what another member of staff asked for, or refuses it.
    pub async fn countersign(
        &self,
        caller: Caller,
        id: CaseId,
        (approve, note): (bool, &str),
        key: &Key,
    ) -> Result<CountersignatureRow, ServicingError> {
        let note = checked_text(note)?;
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let by = staff(caller.actor)?;
        let request = ("countersign", id, approve, note);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let unheld = countersignatures::find(work.conn(), id).await?;
        let unheld = unheld.ok_or_else(|| Refusal::not_found("countersignature"))?;
        if approve && unheld.asked_by == by {
            let sentence = "Whoever asked for it cannot be the one who does it.";
            return Err(Refusal::new(RefusalCode::NotAllowed, sentence).into());
        }
        let mut line = self.hold_and_load(work.conn(), unheld.credit_line_id).await?;
        let outcome = if approve { Outcome::Done } else { Outcome::Refused };
        let of = (outcome, note);
        if !countersignatures::decide(work.conn(), id, of, by, self.now()).await? {
            return Err(Refusal::new(RefusalCode::CaseClosed, "This is decided.").into());
        }
        let row = countersignatures::find(work.conn(), id).await?;
        let row = row.ok_or_else(|| Refusal::not_found("countersignature"))?;
        match row.act {
            _ if !approve => {
                let mut payload = payload_of(&row, permit);
                payload = crate::work::with(payload, "note", json!(note));
                let (_, kind) = words_of(row.act);
                let stream = Trail::stream(None, Some(row.credit_line_id));
                self.trail(work.conn(), stream, kind, payload).await?;
                if let Act::SendCheque { cheque_id } = row.act {
                    let of = (&row, cheque_id, false);
                    self.countersign_cheque(work.conn(), permit, &mut line, of).await?;
                }
            }
            Act::ReversePayment { payment_id } => {
                self.reverse_payment(work.conn(), permit, &mut line, (&row, payment_id)).await?;
            }
            Act::CreditDispute { dispute_id } => {
                self.credit_dispute(work.conn(), permit, &mut line, (&row, dispute_id)).await?;
            }
            Act::SendCheque { cheque_id } => {
                let of = (&row, cheque_id, true);
                self.countersign_cheque(work.conn(), permit, &mut line, of).await?;
            }
        }
        work.finish(row).await
    }

    /// What waits for a second person, the oldest first.
    pub async fn waiting_countersignatures(
        &self,
        caller: Caller,
    ) -> Result<Vec<CountersignatureRow>, ServicingError> {
        authorise(caller, UseCase::Oversee, None, self.now())?;
        let mut conn = self.store.app().acquire().await?;
        Ok(countersignatures::list_waiting(&mut conn, LISTED_MAX).await?)
    }

    /// What was asked of a second person about a customer, the newest first.
    pub async fn countersignatures_of(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Vec<CountersignatureRow>, ServicingError> {
        authorise(caller, UseCase::Oversee, None, self.now())?;
        let mut conn = self.store.app().acquire().await?;
        Ok(countersignatures::list_of_customer(&mut conn, customer_id).await?)
    }
}
