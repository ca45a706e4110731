//! What a customer had done to their line, as JSON.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{AutopayId, PaymentId};
use money::Cents;
use serde::Serialize;
use servicing::autopay::{AutopayOffer as Offer, AutopayView};
use store::{
    autopays::{AutopayRow, DebitRow, DebitStatus},
    payments::AmountKind,
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
