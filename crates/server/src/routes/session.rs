//! Signing in and out.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use servicing::sessions::{Session, Who};
use utoipa::ToSchema;

use crate::{
    ApiError, App,
    session::{COOKIE, SignedIn, token},
};

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActorShape {
    role: &'static str,
    id: String,
    name: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SessionShape {
    actor: ActorShape,
}

impl From<&Session> for ActorShape {
    fn from(session: &Session) -> Self {
        Self {
            role: session.role().as_str(),
            id: match &session.who {
                Who::Customer(customer) => customer.id.to_string(),
                Who::Staff(staff) => staff.id.to_string(),
            },
            name: session.name().to_owned(),
        }
    }
}

/// Who is signed in.
#[utoipa::path(get, path = "/v1/session", responses((status = 200, body = SessionShape)), tag = "session")]
pub(crate) async fn session(SignedIn(session): SignedIn) -> axum::Json<SessionShape> {
    axum::Json(SessionShape { actor: (&session).into() })
}

/// Ends the session.
#[utoipa::path(post, path = "/v1/session/sign-out", responses((status = 204)), tag = "session")]
pub(crate) async fn sign_out(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(token) = token(&headers) {
        app.servicing.sign_out(token).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie("", 0))]).into_response())
}

/// The session cookie. Without `Secure` in the sandbox alone, which is served over plain loopback HTTP.
pub(crate) fn cookie(token: &str, max_age_seconds: u32) -> HeaderValue {
    let text =
        format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_seconds}");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
