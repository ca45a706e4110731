//! A payment taken back as our own mistake, by two people (`countersign`).
//!
//! Invariants: on the line the payment is taken never to have happened, but no late fee comes of our mistake (the rule book's 1.5); what
//! became of the money stands on the clearing account until the bank has been told.

use credit::{FeeKind, LateFee, LineEventBody};
use identity::PaymentId;
use money::Cents;
use serde_json::json;
use sqlx::PgConnection;
use store::{
    countersignatures::{Act, CountersignatureRow},
    payments::{self, PaymentRow, PaymentStatus},
};

use crate::{
    Authorised, Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    conversations::checked_text,
    countersign::{Asked, payload_of},
    lines::Line,
    work::{Begun, Trail, with},
};

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

/// What the late fees of the same cycles come to beyond what they were.
fn more_late(after: &[LateFee], before: &[LateFee]) -> Cents {
    let was = |cycle| before.iter().filter(|fee| fee.cycle == cycle).map(|fee| fee.amount).sum();
    after.iter().map(|fee| (fee.amount - was(fee.cycle)).or_zero()).sum()
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
    ) -> Result<CountersignatureRow, ServicingError> {
        let reason = checked_text(reason)?;
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let request = ("ask_reversal", payment_id, reason);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let payment = payments::find(work.conn(), payment_id).await?;
        let payment = payment.ok_or_else(|| Refusal::not_found("payment"))?;
        let line = self.hold_and_load(work.conn(), payment.credit_line_id).await?;
        check(&line, &payment)?;
        let asked = Asked {
            act: Act::ReversePayment { payment_id },
            customer_id: payment.customer_id,
            credit_line_id: payment.credit_line_id,
            amount: payment.amount,
            in_all: payment.amount,
            reason,
        };
        let row = self.ask_second(work.conn(), permit, asked).await?;
        work.finish(row).await
    }

    /// Takes back what a second person agreed to.
    pub(crate) async fn reverse_payment(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        line: &mut Line,
        (row, payment_id): (&CountersignatureRow, PaymentId),
    ) -> Result<(), ServicingError> {
        let payment = payments::find(conn, payment_id).await?;
        check(line, &payment.ok_or_else(|| Refusal::not_found("payment"))?)?;
        let today = self.today();
        let before = line.position(today)?.late_fees;
        let body =
            LineEventBody::PaymentReversed { payment: payment_id, reason: row.reason.clone() };
        let seq = self.post(conn, line, today, body).await?;
        let waived = more_late(&line.position(today)?.late_fees, &before);
        if waived.is_positive() {
            let reason = "our mistake in a payment".to_owned();
            let body = LineEventBody::FeeWaived { fee: FeeKind::Late, amount: waived, reason };
            self.post(conn, line, today, body).await?;
        }
        let payload = with(payload_of(row, permit), "event_seq", json!(seq));
        let payload = with(payload, "note", json!(row.note));
        let payload = with(payload, "payment_id", json!(payment_id));
        let payload = with(payload, "late_fee_waived_cents", json!(waived));
        let stream = Trail::stream(None, Some(row.credit_line_id));
        self.trail(conn, stream, "payment.reversed", payload).await
    }
}
