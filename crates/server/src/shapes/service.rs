//! What a customer had done to their line, as JSON.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{AutopayId, CaseId, CustomerId, PaymentId, RefundId, RepresentativeId};
use money::Cents;
use serde::Serialize;
use serde_json::Value;
use servicing::{
    autopay::{AutopayOffer as Offer, AutopayView},
    due_days::DueDayChange,
    staff_changes::{Forgiven as Relief, TermsChange as Changed},
};
use store::{
    autopays::{AutopayRow, DebitRow, DebitStatus},
    disputes::{DisputeRow, WaitingFinding},
    payments::AmountKind,
    refunds::RefundRow,
};
use utoipa::ToSchema;

use super::line::BankAccount;

/// Automatic payments as they stand.
#[derive(Serialize, ToSchema)]
pub(crate) struct Autopay {
    standing: Option<StandingAutopay>,
    /// How the last ones ended, where none stand.
    ended: Option<EndedAutopay>,
    /// What became of the last statements, newest first.
    debits: Vec<AutopayDebit>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct StandingAutopay {
    #[schema(value_type = uuid::Uuid)]
    id: AutopayId,
    /// `minimum`, `statement` or `fixed`.
    amount: &'static str,
    cents: Option<i64>,
    bank_account: BankAccount,
    authorised_at: DateTime<Utc>,
    authorization_url: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct EndedAutopay {
    at: Option<DateTime<Utc>>,
    /// `customer`, `stop_payment`, `two_failed_debits` or `bank_account_disabled`.
    why: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AutopayDebit {
    statement_number: u32,
    /// The day it is credited for.
    on: NaiveDate,
    /// `planned`, `skipped`, `made`, `nothing_due` or `not_made`.
    status: &'static str,
    /// What the customer was told beforehand; no more is taken.
    noticed_cents: Option<i64>,
    #[schema(value_type = Option<uuid::Uuid>)]
    payment_id: Option<PaymentId>,
    /// Why it was not made.
    why: Option<String>,
}

/// What would be signed.
#[derive(Serialize, ToSchema)]
pub(crate) struct AutopayOffer {
    title: &'static str,
    /// The authorisation, as it will be kept.
    html: String,
    /// SHA-256 of it: what signing names.
    digest: String,
    bank_account: BankAccount,
    /// The day of the first debit, where it is for a statement that has been issued.
    first_on: Option<NaiveDate>,
}

const fn amount_word(kind: AmountKind) -> &'static str {
    match kind {
        AmountKind::Exact => "fixed",
        AmountKind::Minimum | AmountKind::Statement | AmountKind::Payoff => kind.as_str(),
    }
}

impl From<AutopayView> for Autopay {
    fn from(view: AutopayView) -> Self {
        Self {
            standing: view.standing.map(|(row, account)| StandingAutopay {
                id: row.id,
                amount: amount_word(row.amount_kind),
                cents: row.amount.map(Cents::get),
                bank_account: account.into(),
                authorised_at: row.authorised_at,
                authorization_url: format!("/v1/autopay/{}/authorization", row.id),
            }),
            ended: view.ended.map(EndedAutopay::from),
            debits: view.debits.into_iter().map(AutopayDebit::from).collect(),
        }
    }
}

impl From<AutopayRow> for EndedAutopay {
    fn from(row: AutopayRow) -> Self {
        Self { at: row.ended_at, why: row.end_reason }
    }
}

impl From<DebitRow> for AutopayDebit {
    fn from(debit: DebitRow) -> Self {
        Self {
            statement_number: debit.statement_number,
            on: debit.pays_on,
            status: DebitStatus::as_str(debit.status),
            noticed_cents: debit.noticed.map(Cents::get),
            payment_id: debit.payment_id,
            why: debit.why,
        }
    }
}

impl From<Offer> for AutopayOffer {
    fn from(offer: Offer) -> Self {
        Self {
            title: "Authorization for automatic payments",
            html: String::from_utf8_lossy(&offer.document.bytes).into_owned(),
            digest: offer.document.digest,
            bank_account: offer.bank_account.into(),
            first_on: offer.first_on,
        }
    }
}

/// What another due day would mean.
#[derive(Serialize, ToSchema)]
pub(crate) struct DueDay {
    day: u32,
    /// The last due date as it was.
    old_due_on: NaiveDate,
    /// The first close and the first two due dates by the new day.
    closes_on: NaiveDate,
    due_on: NaiveDate,
    then_due_on: NaiveDate,
}

impl From<DueDayChange> for DueDay {
    fn from(change: DueDayChange) -> Self {
        Self {
            day: change.due_day,
            old_due_on: change.old_due_on,
            closes_on: change.closes_on,
            due_on: change.due_on,
            then_due_on: change.then_due_on,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Refund {
    #[schema(value_type = uuid::Uuid)]
    id: RefundId,
    reference: String,
    status: &'static str,
    amount_cents: i64,
    /// `asked`, or `six_months` where it was sent in good faith.
    cause: &'static str,
    pay_by: NaiveDate,
    refusal: Option<String>,
}

impl From<RefundRow> for Refund {
    fn from(row: RefundRow) -> Self {
        Self {
            id: row.id,
            reference: row.reference,
            status: row.status.as_str(),
            amount_cents: row.amount.get(),
            cause: row.cause.as_str(),
            pay_by: row.pay_by,
            refusal: row.refusal,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Dispute {
    #[schema(value_type = uuid::Uuid)]
    id: CaseId,
    #[schema(value_type = uuid::Uuid)]
    case_id: CaseId,
    #[schema(value_type = uuid::Uuid)]
    customer_id: CustomerId,
    /// `{kind: draw, draw_id}`, `{kind: fee, fee}` or `{kind: other}`.
    #[schema(value_type = Object)]
    subject: Value,
    amount_cents: i64,
    words: String,
    /// The first statement that shows it, where one has been issued.
    statement_number: Option<i64>,
    received_at: DateTime<Utc>,
    acknowledge_by: NaiveDate,
    resolve_by: NaiveDate,
    resolved_at: Option<DateTime<Utc>>,
    /// How much of it was our error.
    error_cents: Option<i64>,
    explanation: Option<String>,
}

impl From<DisputeRow> for Dispute {
    fn from(row: DisputeRow) -> Self {
        Self {
            id: row.id,
            case_id: row.case_id,
            customer_id: row.customer_id,
            subject: row.subject,
            amount_cents: row.amount.get(),
            words: row.words,
            statement_number: row.statement_number,
            received_at: row.received_at,
            acknowledge_by: row.acknowledge_by,
            resolve_by: row.resolve_by,
            resolved_at: row.resolved_at,
            error_cents: row.error.map(Cents::get),
            explanation: row.explanation,
        }
    }
}

/// A dispute as staff see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeskDispute {
    #[serde(flatten)]
    dispute: Dispute,
    /// A finding that a second person has to agree to before anything is given back.
    waiting: Option<Waiting>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// The countersignature.
    #[schema(value_type = uuid::Uuid)]
    id: CaseId,
    error_cents: i64,
    #[schema(value_type = uuid::Uuid)]
    asked_by: RepresentativeId,
}

impl From<DisputeRow> for DeskDispute {
    fn from(row: DisputeRow) -> Self {
        let waiting = row.waiting.clone().map(Waiting::from);
        Self { dispute: row.into(), waiting }
    }
}

impl From<WaitingFinding> for Waiting {
    fn from(waiting: WaitingFinding) -> Self {
        let WaitingFinding { id, error, asked_by } = waiting;
        Self { id, error_cents: error.get(), asked_by }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TermsChange {
    effective_on: NaiveDate,
    /// The day of the notice.
    notice_on: Option<NaiveDate>,
}

impl From<Changed> for TermsChange {
    fn from(change: Changed) -> Self {
        Self { effective_on: change.effective_on, notice_on: change.notice_on }
    }
}

/// What service in the armed forces forgives of what was charged.
#[derive(Serialize, ToSchema)]
pub(crate) struct Forgiven {
    forgiven_cents: i64,
    /// Closed cycles that it changes.
    cycles: u32,
}

impl From<Relief> for Forgiven {
    fn from(relief: Relief) -> Self {
        Self { forgiven_cents: relief.total.get(), cycles: relief.cycles }
    }
}
