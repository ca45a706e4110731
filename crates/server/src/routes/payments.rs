//! The customer's own hand: bank accounts, payments, and the sheet of a proposal.

use axum::{Json, extract::State};
use chrono::NaiveDate;
use identity::{BankAccountId, IntentId, PaymentId};
use money::Cents;
use serde::Deserialize;
use servicing::payments::{AmountAsk, BankAccountAsk, PaymentAsk};
use utoipa::ToSchema;

use crate::{
    ApiError, App,
    extract::{Body, IdempotencyKey, Path},
    session::CustomerOf,
    shapes::{BankAccount, Intent, Items, Payment, Receipt},
};

/// The customer's bank accounts.
#[utoipa::path(get, path = "/v1/bank-accounts", responses((status = 200, body = Items<BankAccount>)), tag = "payments")]
pub(crate) async fn bank_accounts(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
) -> Result<Json<Items<BankAccount>>, ApiError> {
    let accounts = app.servicing.list_bank_accounts(caller, customer).await?;
    Ok(Json(accounts.into_iter().map(BankAccount::from).collect()))
}

/// The payments of the line, newest first.
#[utoipa::path(get, path = "/v1/payments", responses((status = 200, body = Items<Payment>)), tag = "payments")]
pub(crate) async fn payments(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
) -> Result<Json<Items<Payment>>, ApiError> {
    let payments = app.servicing.list_payments(caller, customer).await?;
    Ok(Json(payments.into_iter().map(Payment::from).collect()))
}

/// A payment to be scheduled.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPayment {
    amount: NewAmount,
    on: NaiveDate,
    #[schema(value_type = uuid::Uuid)]
    bank_account_id: BankAccountId,
}

#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum NewAmount {
    Exact { cents: i64 },
    Minimum,
    Statement,
    Payoff,
}

impl From<NewPayment> for PaymentAsk {
    fn from(payment: NewPayment) -> Self {
        Self {
            amount: match payment.amount {
                NewAmount::Exact { cents } => AmountAsk::Exact { cents: Cents::new(cents) },
                NewAmount::Minimum => AmountAsk::Minimum,
                NewAmount::Statement => AmountAsk::Statement,
                NewAmount::Payoff => AmountAsk::Payoff,
            },
            on: payment.on,
            from: BankAccountAsk::Id(payment.bank_account_id),
        }
    }
}

/// Schedules a payment. The signed-in customer's own request is the permission.
#[utoipa::path(post, path = "/v1/payments", request_body = NewPayment, responses((status = 200, body = Receipt)), tag = "payments")]
pub(crate) async fn schedule(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    IdempotencyKey(key): IdempotencyKey,
    Body(payment): Body<NewPayment>,
) -> Result<Json<Receipt>, ApiError> {
    let receipt = app.servicing.schedule_payment(caller, customer, &payment.into(), &key).await?;
    Ok(Json(receipt.into()))
}

/// Cancels a payment that has not gone out.
#[utoipa::path(post, path = "/v1/payments/{id}/cancel", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Receipt)), tag = "payments")]
pub(crate) async fn cancel(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    Path(id): Path<PaymentId>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Json<Receipt>, ApiError> {
    let receipt = app.servicing.cancel_payment(caller, customer, id, &key).await?;
    Ok(Json(receipt.into()))
}

/// A proposal as it stands.
#[utoipa::path(get, path = "/v1/intents/{id}", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Intent)), tag = "intents")]
pub(crate) async fn intent(
    State(app): State<App>,
    CustomerOf { caller, .. }: CustomerOf,
    Path(id): Path<IntentId>,
) -> Result<Json<Intent>, ApiError> {
    let (intent, receipt) = app.servicing.intent(caller, id).await?;
    Ok(Json(Intent::of(intent, receipt)))
}

/// Confirms a proposal: the one place where a person's yes becomes permission.
#[utoipa::path(post, path = "/v1/intents/{id}/confirm", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Receipt)), tag = "intents")]
pub(crate) async fn confirm(
    State(app): State<App>,
    CustomerOf { caller, .. }: CustomerOf,
    Path(id): Path<IntentId>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Json<Receipt>, ApiError> {
    let receipt = app.servicing.confirm(caller, id, &key).await?;
    app.metrics.confirmed();
    Ok(Json(receipt.into()))
}

/// Says no to a proposal.
#[utoipa::path(post, path = "/v1/intents/{id}/refuse", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Intent)), tag = "intents")]
pub(crate) async fn refuse(
    State(app): State<App>,
    CustomerOf { caller, .. }: CustomerOf,
    Path(id): Path<IntentId>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Json<Intent>, ApiError> {
    let intent = app.servicing.refuse(caller, id, &key).await?;
    Ok(Json(Intent::of(intent, None)))
}
