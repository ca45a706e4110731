//! The customer's decision and its notice.

use axum::{Json, extract::State, response::Response};
use identity::DecisionId;

use crate::{
    ApiError, App, extract::Path, routes::documents::page, session::CustomerOf, shapes::Decision,
};

/// The newest decision, with its stored principal reasons.
#[utoipa::path(get, path = "/v1/decision", responses((status = 200, body = Decision)), tag = "decisions")]
pub(crate) async fn decision(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
) -> Result<Json<Decision>, ApiError> {
    Ok(Json(app.servicing.decision(caller, customer).await?.into()))
}

/// The stored notice, byte for byte.
#[utoipa::path(get, path = "/v1/decisions/{id}/notice", params(("id" = uuid::Uuid, Path)), responses((status = 200, content_type = "text/html")), tag = "decisions")]
pub(crate) async fn notice(
    State(app): State<App>,
    CustomerOf { caller, .. }: CustomerOf,
    Path(id): Path<DecisionId>,
) -> Result<Response, ApiError> {
    let decision = app.servicing.decision_by_id(caller, id).await?;
    Ok(page("text/html; charset=utf-8", decision.notice))
}
