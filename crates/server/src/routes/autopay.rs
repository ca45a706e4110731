//! The customer's own hand: automatic payments, offered, signed, skipped, cancelled.

use axum::{Json, extract::State, response::Response};
use identity::{AutopayId, BankAccountId, CustomerId};
use money::Cents;
use serde::Deserialize;
use servicing::autopay::{AutopayAmount, AutopayAsk};
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiError, App,
    extract::{Body, IdempotencyKey, Path, Query},
    routes::documents::page,
    session::{CustomerOf, SignedIn},
    shapes::{Autopay, AutopayOffer, Receipt},
};

/// Automatic payments as they stand, and what became of the last statements.
#[utoipa::path(get, path = "/v1/autopay", responses((status = 200, body = Autopay)), tag = "autopay")]
pub(crate) async fn autopay(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
) -> Result<Json<Autopay>, ApiError> {
    Ok(Json(app.servicing.autopay(caller, customer).await?.into()))
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AutopayKind {
    Minimum,
    Statement,
    /// With `cents`.
    Fixed,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfferQuery {
    #[param(inline)]
    amount: AutopayKind,
    /// Of a fixed amount.
    cents: Option<i64>,
    #[param(value_type = uuid::Uuid)]
    bank_account_id: BankAccountId,
}

/// What is agreed to, in the words of a request.
fn ask(kind: AutopayKind, cents: Option<i64>, bank_account_id: BankAccountId) -> AutopayAsk {
    let amount = match kind {
        AutopayKind::Minimum => AutopayAmount::Minimum,
        AutopayKind::Statement => AutopayAmount::Statement,
        // None is no amount, which is refused as such.
        AutopayKind::Fixed => AutopayAmount::Fixed { cents: Cents::new(cents.unwrap_or_default()) },
    };
    AutopayAsk { amount, bank_account_id }
}

/// The authorisation that would be signed, with the digest by which it is signed.
#[utoipa::path(get, path = "/v1/autopay/offer", params(OfferQuery), responses((status = 200, body = AutopayOffer)), tag = "autopay")]
pub(crate) async fn offer(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    Query(query): Query<OfferQuery>,
) -> Result<Json<AutopayOffer>, ApiError> {
    let ask = ask(query.amount, query.cents, query.bank_account_id);
    Ok(Json(app.servicing.offer_autopay(caller, customer, ask).await?.into()))
}

/// Automatic payments to be set up, or changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAutopay {
    amount: AutopayKind,
    /// Of a fixed amount.
    cents: Option<i64>,
    #[schema(value_type = uuid::Uuid)]
    bank_account_id: BankAccountId,
    /// Of the authorisation that the customer was shown, and signs with this request.
    digest: String,
}

/// Signs the authorisation: sets automatic payments up, or changes them.
#[utoipa::path(post, path = "/v1/autopay", request_body = NewAutopay, responses((status = 200, body = Receipt)), tag = "autopay")]
pub(crate) async fn set(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    IdempotencyKey(key): IdempotencyKey,
    Body(new): Body<NewAutopay>,
) -> Result<Json<Receipt>, ApiError> {
    let ask = ask(new.amount, new.cents, new.bank_account_id);
    let receipt = app.servicing.set_autopay(caller, customer, ask, &new.digest, &key).await?;
    Ok(Json(receipt.into()))
}

/// Leaves out the automatic payment that comes next.
#[utoipa::path(post, path = "/v1/autopay/skip", responses((status = 200, body = Receipt)), tag = "autopay")]
pub(crate) async fn skip(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Json<Receipt>, ApiError> {
    Ok(Json(app.servicing.skip_autopay(caller, customer, &key).await?.into()))
}

/// Cancels automatic payments at once. A known channel is enough (L1).
#[utoipa::path(post, path = "/v1/autopay/cancel", responses((status = 200, body = Receipt)), tag = "autopay")]
pub(crate) async fn cancel(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Json<Receipt>, ApiError> {
    Ok(Json(app.servicing.cancel_autopay(caller, customer, &key).await?.into()))
}

/// What was signed, byte for byte: the customer's copy.
#[utoipa::path(get, path = "/v1/autopay/{id}/authorization", params(("id" = uuid::Uuid, Path)), responses((status = 200, content_type = "text/html")), tag = "autopay")]
pub(crate) async fn authorization(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    Path(id): Path<AutopayId>,
) -> Result<Response, ApiError> {
    let document = app.servicing.autopay_document(caller, customer, id).await?;
    Ok(page(&document.media_type, document.bytes))
}

/// A customer's automatic payments.
#[utoipa::path(get, path = "/v1/desk/customers/{id}/autopay", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Autopay)), tag = "desk")]
pub(crate) async fn desk_autopay(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
) -> Result<Json<Autopay>, ApiError> {
    Ok(Json(app.servicing.autopay(session.caller(), id).await?.into()))
}

/// Cancels a customer's automatic payments at once, as they asked for by telephone or letter.
#[utoipa::path(post, path = "/v1/desk/customers/{id}/autopay/cancel", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Receipt)), tag = "desk")]
pub(crate) async fn desk_cancel(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Json<Receipt>, ApiError> {
    Ok(Json(app.servicing.cancel_autopay(session.caller(), id, &key).await?.into()))
}
