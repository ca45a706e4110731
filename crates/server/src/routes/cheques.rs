//! Credit balances that go back by cheque, on the desk.

use axum::{Json, extract::State};
use chrono::NaiveDate;
use identity::{CustomerId, RefundId};
use money::Cents;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    ApiError, App,
    extract::{Body, IdempotencyKey, Path},
    session::SignedIn,
    shapes::{Cheque, Items},
};

/// The cheques that were recorded for a customer, newest first.
#[utoipa::path(get, path = "/v1/desk/customers/{id}/cheques", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Items<Cheque>)), tag = "desk")]
pub(crate) async fn cheques_of(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
) -> Result<Json<Items<Cheque>>, ApiError> {
    let rows = app.servicing.list_cheques(session.caller(), id).await?;
    Ok(Json(rows.into_iter().map(Cheque::from).collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCheque {
    /// What is printed on it: up to 20 digits.
    number: String,
    /// The whole credit balance.
    amount_cents: i64,
    /// Today, or within the last seven days.
    sent_on: NaiveDate,
}

/// Records that the credit balance was sent by cheque; one of more than one person may send waits for a second one before it leaves.
#[utoipa::path(post, path = "/v1/desk/customers/{id}/cheques", params(("id" = uuid::Uuid, Path)), request_body = NewCheque, responses((status = 200, body = Cheque)), tag = "desk")]
pub(crate) async fn send(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(new): Body<NewCheque>,
) -> Result<Json<Cheque>, ApiError> {
    let new = servicing::cheques::NewCheque {
        number: new.number,
        amount: Cents::new(new.amount_cents),
        sent_on: new.sent_on,
    };
    Ok(Json(app.servicing.send_cheque(session.caller(), id, &new, &key).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VoidReason {
    reason: String,
}

/// Records that a cheque was never cashed and is void: the credit balance is back, and a person has it again.
#[utoipa::path(post, path = "/v1/desk/cheques/{id}/void", params(("id" = uuid::Uuid, Path)), request_body = VoidReason, responses((status = 200, body = Cheque)), tag = "desk")]
pub(crate) async fn void(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<RefundId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(void): Body<VoidReason>,
) -> Result<Json<Cheque>, ApiError> {
    let row = app.servicing.void_cheque(session.caller(), id, &void.reason, &key).await?;
    Ok(Json(row.into()))
}
