//! Draws that wait for a person's second look.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use identity::{CustomerId, DrawId};
use serde::{Deserialize, Serialize};
use servicing::draws::Look;
use store::draws::{DrawReview, DrawRow};
use utoipa::ToSchema;

use crate::{
    ApiError, App,
    extract::{Body, IdempotencyKey, Path},
    session::SignedIn,
    shapes::Items,
};

/// A draw that does not leave until a person has looked at it.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaitingDraw {
    #[schema(value_type = uuid::Uuid)]
    id: DrawId,
    reference: String,
    #[schema(value_type = uuid::Uuid)]
    customer_id: CustomerId,
    amount_cents: i64,
    rail: &'static str,
    /// `waiting`: much money to a new bank account. `set_aside`: it may have been paid from a file that arrived late.
    review: Option<&'static str>,
    held_at: DateTime<Utc>,
}

impl From<DrawRow> for WaitingDraw {
    fn from(draw: DrawRow) -> Self {
        Self {
            id: draw.id,
            reference: draw.reference,
            customer_id: draw.customer_id,
            amount_cents: draw.amount.get(),
            rail: draw.rail.as_str(),
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
    let draws = app.servicing.draws_to_look_at(session.caller()).await?;
    Ok(Json(Items { items: draws.into_iter().map(WaitingDraw::from).collect() }))
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
