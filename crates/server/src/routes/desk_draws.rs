//! Draws that wait for a person's second look.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use identity::DrawId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use servicing::draws::Look;
use store::draws::{DrawReview, DrawRow};
use utoipa::ToSchema;

use super::countersign::people;
use crate::{
    ApiError, App,
    extract::{Body, IdempotencyKey, Path},
    session::SignedIn,
    shapes::{BankAccount, Items},
};

/// A draw that does not leave until a person has looked at it.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaitingDraw {
    #[schema(value_type = uuid::Uuid)]
    id: DrawId,
    reference: String,
    /// `{id, name}`.
    #[schema(value_type = Object)]
    customer: Value,
    amount_cents: i64,
    rail: &'static str,
    bank_account: BankAccount,
    /// When the customer added that account.
    account_added_at: DateTime<Utc>,
    /// `waiting`: much money to a new bank account. `set_aside`: it may have been paid from a file that arrived late.
    review: Option<&'static str>,
    held_at: DateTime<Utc>,
}

impl WaitingDraw {
    fn of(draw: DrawRow, to: store::bank_accounts::BankAccount, customer: Value) -> Self {
        Self {
            id: draw.id,
            reference: draw.reference,
            customer,
            amount_cents: draw.amount.get(),
            rail: draw.rail.as_str(),
            account_added_at: to.added_at,
            bank_account: to.into(),
            review: draw.review.map(DrawReview::as_str),
            held_at: draw.held_at,
        }
    }
}

/// The draws that wait for a person, oldest first.
#[utoipa::path(get, path = "/v1/desk/draws", responses((status = 200, body = Items<WaitingDraw>)), tag = "desk")]
pub(crate) async fn waiting(
    State(app): State<App>,
    SignedIn(session): SignedIn,
) -> Result<Json<Items<WaitingDraw>>, ApiError> {
    let caller = session.caller();
    let draws = app.servicing.draws_to_look_at(caller).await?;
    let people = people(&app, caller, draws.iter().map(|(draw, _)| draw.customer_id)).await?;
    let items = draws.into_iter().map(|(draw, to)| {
        let customer = people.get(&draw.customer_id).cloned().unwrap_or(Value::Null);
        WaitingDraw::of(draw, to, customer)
    });
    Ok(Json(items.collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Looked {
    /// Whether it leaves, or is given up.
    let_go: bool,
    /// What was looked at.
    note: String,
}

/// Lets a draw go that waited, or gives it up.
#[utoipa::path(post, path = "/v1/desk/draws/{id}/look", params(("id" = uuid::Uuid, Path)), request_body = Looked, responses((status = 204)), tag = "desk")]
pub(crate) async fn look(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<DrawId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(looked): Body<Looked>,
) -> Result<StatusCode, ApiError> {
    let look = Look { let_go: looked.let_go, note: &looked.note };
    app.servicing.look_at_draw(session.caller(), id, look, &key).await?;
    Ok(StatusCode::NO_CONTENT)
}
