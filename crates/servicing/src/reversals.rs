//! A payment taken back as our own mistake: one member of staff asks for it, another does it.
//!
//! Invariant: who asked cannot be the one who does it, here and in the database; refusing needs no second person. On the line the
//! payment is taken never to have happened; what became of the money stands on the clearing account until the bank has been told.

use credit::LineEventBody;
use identity::{Actor, CaseId, PaymentId, RepresentativeId};
use serde_json::json;
use store::{
    payments::{self, PaymentRow, PaymentStatus},
    reversals::{self, ReversalOutcome, ReversalRow},
};

use crate::{
    Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    conversations::checked_text,
    lines::Line,
    work::{Begun, Trail},
};

/// Reversals in one list.
const LISTED_MAX: i64 = 200;

/// Who of our staff it is; nobody else counts as one of the two.
fn staff(caller: Caller) -> Result<RepresentativeId, Refusal> {
    match caller.actor {
        Actor::Representative { id } => Ok(id),
        _ => Err(Refusal::new(RefusalCode::NotAllowed, "This takes two members of staff.")),
    }
}

/// Whether the payment stands on the line.
fn stands(line: &Line, payment: PaymentId) -> bool {
    line.events().iter().fold(false, |stands, event| match event.body {
        LineEventBody::PaymentReceived { payment: of, .. } if of == payment => true,
        LineEventBody::PaymentReturned { payment: of, .. }
        | LineEventBody::PaymentReversed { payment: of, .. }
            if of == payment =>
        {
            false
        }
        _ => stands,
    })
}

/// Whether we took the payment back as our own mistake: what comes of it afterwards is not the customer's to bear.
pub(crate) fn reversed(line: &Line, payment: PaymentId) -> bool {
    line.events().iter().any(|event| {
        matches!(event.body, LineEventBody::PaymentReversed { payment: of, .. } if of == payment)
    })
}

fn check(line: &Line, payment: &PaymentRow) -> Result<(), Refusal> {
    let credited = matches!(payment.status, PaymentStatus::Released | PaymentStatus::Settled);
    if credited && stands(line, payment.id) {
        return Ok(());
    }
    Err(Refusal::new(RefusalCode::CannotCancel, "This payment does not stand on the line."))
}

impl Servicing {
    /// Asks for a payment to be taken back. Nothing happens until a second person has looked at it.
    pub async fn ask_reversal(
        &self,
        caller: Caller,
        payment_id: PaymentId,
        reason: &str,
        key: &Key,
    ) -> Result<ReversalRow, ServicingError> {
        let reason = checked_text(reason)?;
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let asked_by = staff(caller)?;
        let request = ("ask_reversal", payment_id, reason);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let payment = payments::find(work.conn(), payment_id).await?;
        let payment = payment.ok_or_else(|| Refusal::not_found("payment"))?;
        let line = self.hold_and_load(work.conn(), payment.credit_line_id).await?;
        check(&line, &payment)?;
        let row = ReversalRow {
            id: CaseId::mint(self.now()),
            payment_id,
            customer_id: payment.customer_id,
            credit_line_id: payment.credit_line_id,
            amount: payment.amount,
            reason: reason.to_owned(),
            asked_by,
            asked_at: self.now(),
            decided_by: None,
            decided_at: None,
            outcome: None,
            note: None,
        };
        if !reversals::insert(work.conn(), &row).await? {
            let sentence = "A reversal of this payment waits for a second person already.";
            return Err(Refusal::new(RefusalCode::AlreadyClaimed, sentence).into());
        }
        let payload = json!({
            "reversal_id": row.id, "payment_id": payment_id, "credit_line_id": row.credit_line_id,
            "amount_cents": row.amount, "reason": reason, "authorised": permit,
        });
        let stream = Trail::stream(None, Some(row.credit_line_id));
        self.trail(work.conn(), stream, "payment.reversal_asked", payload).await?;
        work.finish(row).await
    }

    /// Does what another member of staff asked for, or refuses it.
    pub async fn decide_reversal(
        &self,
        caller: Caller,
        id: CaseId,
        (approve, note): (bool, &str),
        key: &Key,
    ) -> Result<ReversalRow, ServicingError> {
        let note = checked_text(note)?;
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let by = staff(caller)?;
        let request = ("decide_reversal", id, approve, note);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let unheld = reversals::find(work.conn(), id).await?;
        let unheld = unheld.ok_or_else(|| Refusal::not_found("reversal"))?;
        if approve && unheld.asked_by == by {
            let sentence = "Whoever asked for it cannot be the one who does it.";
            return Err(Refusal::new(RefusalCode::NotAllowed, sentence).into());
        }
        let mut line = self.hold_and_load(work.conn(), unheld.credit_line_id).await?;
        let outcome = if approve { ReversalOutcome::Done } else { ReversalOutcome::Refused };
        let of = (outcome, note);
        if !reversals::decide(work.conn(), id, of, by, self.now()).await? {
            return Err(Refusal::new(RefusalCode::CaseClosed, "This is decided.").into());
        }
        let mut seq = None;
        if approve {
            let payment = payments::find(work.conn(), unheld.payment_id).await?;
            check(&line, &payment.ok_or_else(|| Refusal::not_found("payment"))?)?;
            let body = LineEventBody::PaymentReversed {
                payment: unheld.payment_id,
                reason: unheld.reason.clone(),
            };
            seq = Some(self.post(work.conn(), &mut line, self.today(), body).await?);
        }
        let kind = if approve { "payment.reversed" } else { "payment.reversal_refused" };
        let payload = json!({
            "reversal_id": id, "payment_id": unheld.payment_id, "credit_line_id": unheld.credit_line_id,
            "customer_id": unheld.customer_id, "amount_cents": unheld.amount, "reason": unheld.reason,
            "note": note, "asked_by": unheld.asked_by, "event_seq": seq, "authorised": permit,
        });
        let stream = Trail::stream(None, Some(unheld.credit_line_id));
        self.trail(work.conn(), stream, kind, payload).await?;
        let row = reversals::find(work.conn(), id).await?;
        work.finish(row.ok_or_else(|| Refusal::not_found("reversal"))?).await
    }

    /// The reversals that wait for a second person, the oldest first.
    pub async fn waiting_reversals(
        &self,
        caller: Caller,
    ) -> Result<Vec<ReversalRow>, ServicingError> {
        authorise(caller, UseCase::Oversee, None, self.now())?;
        let mut conn = self.store.app().acquire().await?;
        Ok(reversals::list_waiting(&mut conn, LISTED_MAX).await?)
    }
}
