//! The customer's decision and its notice.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use identity::DecisionId;

use crate::{ApiError, App, extract::Path, session::CustomerOf, shapes::Decision};

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
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, decision.notice).into_response())
}
