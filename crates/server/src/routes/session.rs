//! Signing in and out.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use identity::CreditLineId;
use serde::Serialize;
use servicing::{
    Level,
    sessions::{Session, Who},
};
use utoipa::ToSchema;

use crate::{
    ApiError, App, Mode,
    session::{COOKIE, find, token},
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
    /// Absent where nobody is signed in.
    actor: Option<ActorShape>,
    /// How sure we are of who it is: `L0` to `L3`.
    #[schema(value_type = String)]
    level: Level,
    /// Of a customer, from `L2` on; an applicant has none.
    #[schema(value_type = Option<uuid::Uuid>)]
    credit_line_id: Option<CreditLineId>,
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

/// Who is signed in, if anybody is.
#[utoipa::path(get, path = "/v1/session", responses((status = 200, body = SessionShape)), tag = "session")]
pub(crate) async fn session(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Json<SessionShape>, ApiError> {
    let Some(session) = find(&app, &headers).await? else {
        return Ok(Json(SessionShape { actor: None, level: Level::L0, credit_line_id: None }));
    };
    let credit_line_id = match &session.who {
        Who::Customer(customer) if session.level >= Level::L2 => {
            app.servicing.credit_line_id(session.caller(), customer.id).await?
        }
        _ => None,
    };
    let actor = Some((&session).into());
    Ok(Json(SessionShape { actor, level: session.level, credit_line_id }))
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
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie(app.mode, "", 0))]).into_response())
}

/// The session cookie. Without `Secure` in the sandbox alone, which is served over plain loopback HTTP.
pub(crate) fn cookie(mode: Mode, token: &str, max_age_seconds: u32) -> HeaderValue {
    let secure = match mode {
        Mode::Sandbox => "",
        Mode::Live => "; Secure",
    };
    let text = format!(
        "{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_seconds}{secure}"
    );
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_leaves_a_live_server_over_tls_alone() {
        assert_eq!(
            cookie(Mode::Live, "abc", 60),
            "plumbline_session=abc; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Secure"
        );
        assert_eq!(
            cookie(Mode::Sandbox, "", 0),
            "plumbline_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
        );
    }
}
