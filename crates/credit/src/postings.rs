//! The ledger's view of each event: what came in or went out, against what it changed of the line.
//!
//! Invariant: the entries of a line on the control accounts sum to its buckets after each event, because a posting is the change
//! of the buckets. Were a cent made or lost in replay, the posting would not balance and could not be built.

use identity::CreditLineId;
use ledger::{Chart, Posting, PostingBuilder};
use money::Cents;

use crate::{Buckets, Charge, CreditError, LineEventBody, event::FeeKind};

/// The outer legs of an event, as debits (negative: credits) by account name.
fn outer_legs(body: &LineEventBody, context: &Context) -> Vec<(&'static str, Cents)> {
    match body {
        LineEventBody::BalanceBroughtForward { .. } => vec![("boarding", -context.change)],
        LineEventBody::Drew { amount, fee, .. } => {
            vec![("draws_clearing", -*amount), ("draw_fee_income", -*fee)]
        }
        LineEventBody::DrawRefused { .. } | LineEventBody::DrawCorrected { .. } => vec![
            ("draws_clearing", -context.referred_amount),
            ("draw_fee_income", -context.referred_fee),
        ],
        LineEventBody::PaymentReceived { amount, .. } => vec![("payments_clearing", *amount)],
        LineEventBody::PaymentReturned { fee, .. } => vec![
            ("payments_clearing", -context.referred_amount),
            ("returned_payment_fee_income", -*fee),
        ],
        LineEventBody::PaymentReversed { .. } => {
            vec![("payments_clearing", -context.referred_amount)]
        }
        LineEventBody::CreditGranted { amount, .. } => vec![("goodwill", *amount)],
        LineEventBody::CreditBalanceRefunded { amount } => vec![("cash", -*amount)],
        LineEventBody::CreditBalanceRestored { amount } => vec![("cash", *amount)],
        LineEventBody::FeeAssessed { fee, amount, .. } => vec![(fee_income(*fee), -*amount)],
        LineEventBody::FeeWaived { amount, .. } => vec![("fees_waived", *amount)],
        LineEventBody::StatementIssued { statement } => {
            vec![("interest_income", -statement.interest_total)]
        }
        LineEventBody::Adjusted { charge, amount } => vec![(charge_income(charge), -*amount)],
        LineEventBody::DisputeResolved { .. } if context.of_draw => {
            vec![
                ("billing_errors", -context.referred_amount),
                ("draw_fee_income", -context.referred_fee),
            ]
        }
        LineEventBody::DisputeResolved { error, .. } => vec![("billing_errors", *error)],
        _ => Vec::new(),
    }
}

/// What an event does to the books beyond what it says itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context {
    /// Of the buckets' total.
    pub(crate) change: Cents,
    /// Of the draw or payment it refers to: what that changes.
    pub(crate) referred_amount: Cents,
    pub(crate) referred_fee: Cents,
    /// It refers to a draw.
    pub(crate) of_draw: bool,
}

const fn fee_income(kind: FeeKind) -> &'static str {
    match kind {
        FeeKind::Draw => "draw_fee_income",
        FeeKind::Plan => "plan_fee_income",
        FeeKind::Late => "late_fee_income",
        FeeKind::ReturnedPayment => "returned_payment_fee_income",
        FeeKind::OverLimit | FeeKind::Other => "other_fee_income",
    }
}

const fn charge_income(charge: &Charge) -> &'static str {
    match charge {
        Charge::Interest { .. } => "interest_adjustments",
        Charge::LateFee { .. } => "late_fee_income",
        Charge::PlanFee { .. } => "plan_fee_income",
        Charge::OverLimitFee { .. } => "other_fee_income",
        Charge::DrawFee { .. } => "draw_fee_income",
        Charge::MilitaryWaiver { .. } | Charge::Waiver { dispute: None, .. } => "fees_waived",
        Charge::Waiver { dispute: Some(_), .. } => "billing_errors",
    }
}

/// The posting of an event that changed the buckets from `before` to `after`; `None` where the books do not move.
pub(crate) fn posting_of(
    chart: &Chart,
    credit_line: CreditLineId,
    body: &LineEventBody,
    (before, after): (&Buckets, &Buckets),
    referred: Context,
) -> Result<Option<Posting>, CreditError> {
    let context = Context { change: after.total() - before.total(), ..referred };
    let mut builder = Posting::of(body.kind());
    for (account, debit) in outer_legs(body, &context) {
        builder = builder.change(chart.account(account)?, debit);
    }
    for (account, change) in changes(before, after) {
        builder = builder.change(chart.account(account)?.of(credit_line), change);
    }
    PostingBuilder::balanced_or_empty(builder).map_err(CreditError::from)
}

/// As debits, by account.
pub(crate) fn changes(before: &Buckets, after: &Buckets) -> [(&'static str, Cents); 5] {
    [
        ("principal", after.principal - before.principal),
        ("billed_interest", after.billed_interest - before.billed_interest),
        ("fees", after.fees - before.fees),
        ("penalty_fees", after.penalty_fees - before.penalty_fees),
        ("credit_balances", before.credit_balance - after.credit_balance),
    ]
}
