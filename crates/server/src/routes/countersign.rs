//! What takes two people on the desk: one asks, another does it.

use std::collections::{HashMap, HashSet};

use axum::{Json, extract::State};
use identity::{CaseId, CustomerId, PaymentId};
use serde::Deserialize;
use serde_json::Value;
use servicing::Caller;
use store::countersignatures::CountersignatureRow;
use utoipa::ToSchema;

use super::desk::person;
use crate::{
    ApiError, App,
    extract::{Body, IdempotencyKey, Path},
    session::SignedIn,
    shapes::{Countersignature, DeskPayment, Items},
};

/// Who the customers are to staff, each asked for once.
pub(crate) async fn people(
    app: &App,
    caller: Caller,
    ids: impl Iterator<Item = CustomerId>,
) -> Result<HashMap<CustomerId, Value>, ApiError> {
    let ids: HashSet<CustomerId> = ids.collect();
    let mut people = HashMap::with_capacity(ids.len());
    for id in ids {
        people.insert(id, person(&app.servicing.customer(caller, id).await?));
    }
    Ok(people)
}

async fn shown(
    app: &App,
    caller: Caller,
    row: CountersignatureRow,
) -> Result<Json<Countersignature>, ApiError> {
    let customer = person(&app.servicing.customer(caller, row.customer_id).await?);
    Ok(Json(Countersignature::of(row, customer, &app.staff_names().await?)))
}

/// What waits for a second person, the oldest first.
#[utoipa::path(get, path = "/v1/desk/countersignatures", responses((status = 200, body = Items<Countersignature>)), tag = "desk")]
pub(crate) async fn waiting(
    State(app): State<App>,
    SignedIn(session): SignedIn,
) -> Result<Json<Items<Countersignature>>, ApiError> {
    let caller = session.caller();
    let rows = app.servicing.waiting_countersignatures(caller).await?;
    let people = people(&app, caller, rows.iter().map(|row| row.customer_id)).await?;
    let staff = app.staff_names().await?;
    let named = |id: CustomerId| people.get(&id).cloned().unwrap_or(Value::Null);
    let items = rows.into_iter().map(|row| {
        let customer = named(row.customer_id);
        Countersignature::of(row, customer, &staff)
    });
    Ok(Json(items.collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CountersignDecision {
    approve: bool,
    note: String,
}

/// Does what another member of staff asked for, or refuses it.
#[utoipa::path(post, path = "/v1/desk/countersignatures/{id}/decide", params(("id" = uuid::Uuid, Path)), request_body = CountersignDecision, responses((status = 200, body = Countersignature)), tag = "desk")]
pub(crate) async fn decide(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CaseId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(decision): Body<CountersignDecision>,
) -> Result<Json<Countersignature>, ApiError> {
    let caller = session.caller();
    let of = (decision.approve, decision.note.as_str());
    let row = app.servicing.countersign(caller, id, of, &key).await?;
    shown(&app, caller, row).await
}

/// A customer's payments, newest first, with the reversals that were asked for.
#[utoipa::path(get, path = "/v1/desk/customers/{id}/payments", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Items<DeskPayment>)), tag = "desk")]
pub(crate) async fn payments_of(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
) -> Result<Json<Items<DeskPayment>>, ApiError> {
    let caller = session.caller();
    let payments = app.servicing.list_payments(caller, id).await?;
    let asked = app.servicing.countersignatures_of(caller, id).await?;
    Ok(Json(DeskPayment::all(payments, &asked).collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReversal {
    reason: String,
}

/// Asks for a payment to be taken back as our own mistake. Nothing happens until a second person has looked at it.
#[utoipa::path(post, path = "/v1/desk/payments/{id}/reversal", params(("id" = uuid::Uuid, Path)), request_body = NewReversal, responses((status = 200, body = Countersignature)), tag = "desk")]
pub(crate) async fn ask_reversal(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<PaymentId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(new): Body<NewReversal>,
) -> Result<Json<Countersignature>, ApiError> {
    let caller = session.caller();
    let row = app.servicing.ask_reversal(caller, id, &new.reason, &key).await?;
    shown(&app, caller, row).await
}
