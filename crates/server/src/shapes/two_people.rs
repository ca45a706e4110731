//! What takes two people, as JSON.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use identity::{CaseId, PaymentId, RefundId, RepresentativeId};
use serde::Serialize;
use serde_json::Value;
use servicing::payments::PaymentView;
use store::{
    cheques::ChequeRow,
    countersignatures::{Act, CountersignatureRow, Outcome},
};
use utoipa::ToSchema;

use super::{Payment, StaffNames};

/// What one member of staff asked for, and another does or refuses.
#[derive(Serialize, ToSchema)]
pub(crate) struct Countersignature {
    #[schema(value_type = uuid::Uuid)]
    id: CaseId,
    /// `reverse_payment`: a payment is taken back as our own mistake. `credit_dispute`: so much of a dispute was our error.
    /// `send_cheque`: a credit balance goes back by cheque.
    act: &'static str,
    #[schema(value_type = Option<uuid::Uuid>)]
    payment_id: Option<PaymentId>,
    #[schema(value_type = Option<uuid::Uuid>)]
    dispute_id: Option<CaseId>,
    #[schema(value_type = Option<uuid::Uuid>)]
    cheque_id: Option<RefundId>,
    /// `{id, name}`.
    #[schema(value_type = Object)]
    customer: Value,
    amount_cents: i64,
    /// With the interest and fees that go back beside an error, as reckoned when it was asked for.
    in_all_cents: i64,
    /// Of a dispute: what the customer is told.
    reason: String,
    asked_by: Staff,
    asked_at: DateTime<Utc>,
    decided_by: Option<Staff>,
    /// `done` or `refused`, once a second person has decided.
    outcome: Option<&'static str>,
    note: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Staff {
    #[schema(value_type = uuid::Uuid)]
    id: RepresentativeId,
    name: Option<String>,
}

impl Countersignature {
    pub(crate) fn of(row: CountersignatureRow, customer: Value, staff: &StaffNames) -> Self {
        let named = |id: RepresentativeId| Staff { id, name: staff.get(&id).cloned() };
        let (mut payment, mut dispute, mut cheque) = (None, None, None);
        let act = match row.act {
            Act::ReversePayment { payment_id } => {
                payment = Some(payment_id);
                "reverse_payment"
            }
            Act::CreditDispute { dispute_id } => {
                dispute = Some(dispute_id);
                "credit_dispute"
            }
            Act::SendCheque { cheque_id } => {
                cheque = Some(cheque_id);
                "send_cheque"
            }
        };
        Self {
            id: row.id,
            act,
            payment_id: payment,
            dispute_id: dispute,
            cheque_id: cheque,
            customer,
            amount_cents: row.amount.get(),
            in_all_cents: row.in_all.get(),
            reason: row.reason,
            asked_by: named(row.asked_by),
            asked_at: row.asked_at,
            decided_by: row.decided_by.map(named),
            outcome: row.outcome.map(Outcome::as_str),
            note: row.note,
        }
    }
}

/// A payment as staff see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeskPayment {
    #[serde(flatten)]
    payment: Payment,
    /// `waiting` for a second person, or `done`, where it is to be taken back as our own mistake.
    reversal: Option<&'static str>,
}

impl DeskPayment {
    /// Payments with what became of the reversals that were asked for; one that was refused is none.
    pub(crate) fn all(
        payments: Vec<PaymentView>,
        asked: &[CountersignatureRow],
    ) -> impl Iterator<Item = Self> {
        let reversals: HashMap<PaymentId, &'static str> = asked
            .iter()
            .filter_map(|row| match (row.act, row.outcome) {
                (Act::ReversePayment { payment_id }, None) => Some((payment_id, "waiting")),
                (Act::ReversePayment { payment_id }, Some(Outcome::Done)) => {
                    Some((payment_id, Outcome::Done.as_str()))
                }
                _ => None,
            })
            .collect();
        payments.into_iter().map(move |view| {
            let reversal = reversals.get(&view.payment.id).copied();
            Self { payment: view.into(), reversal }
        })
    }
}

/// A credit balance that goes back by cheque.
#[derive(Serialize, ToSchema)]
pub(crate) struct Cheque {
    #[schema(value_type = uuid::Uuid)]
    id: RefundId,
    number: String,
    amount_cents: i64,
    sent_on: NaiveDate,
    /// `waiting` for a second person, `sent`, `refused` by that person, or `voided`.
    status: &'static str,
    void_reason: Option<String>,
}

impl From<ChequeRow> for Cheque {
    fn from(row: ChequeRow) -> Self {
        Self {
            id: row.id,
            number: row.number,
            amount_cents: row.amount.get(),
            sent_on: row.sent_on,
            status: row.status.as_str(),
            void_reason: row.void_reason,
        }
    }
}
