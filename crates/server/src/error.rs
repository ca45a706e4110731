//! The one error of the HTTP interface: `application/problem+json` with a stable code.

use axum::{
    Json,
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use servicing::{Refusal, RefusalKind, ServicingError};
use utoipa::ToSchema;

/// What a caller is told when a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// A stable word to act upon.
    pub code: String,
    pub title: String,
    pub status: u16,
    /// What was wrong and what to do, for a person.
    pub detail: String,
    /// Of something that broke: what to name to us, who find it in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// A request that was not carried out.
#[derive(Debug)]
pub struct ApiError(Problem);

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self(Problem {
            code: code.to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            reference: None,
        })
    }

    pub(crate) fn signed_out() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "signed_out", "Sign in first.")
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "not_allowed",
            "Your role does not open this page. Sign in with another role.",
        )
    }

    pub(crate) fn staff_step_up() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "level_too_low",
            "This needs a step-up: staff work at level L2. Sign in with a second factor.",
        )
    }

    /// This server has no sign-in that it may use.
    pub(crate) fn no_sign_in() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "sign_in_not_set_up",
            "This server is no sandbox, and the only sign-in it has asks for no proof. Give `server::Parts` an `Auth` that \
             asks your identity provider, or start it with --sandbox.",
        )
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such {what}."))
    }

    /// Something broke. The caller learns only that; the log has the rest.
    pub(crate) fn broken(error: &(dyn std::error::Error + 'static)) -> Self {
        let (cause, reference) = (identity::chain(error), reference());
        tracing::error!(error = %cause, reference, "could not answer request {reference}");
        Self::internal(reference)
    }

    /// A handler panicked. The log has what it said.
    pub(crate) fn panicked(said: &str) -> Self {
        let reference = reference();
        tracing::error!(error = said, reference, "a handler panicked in request {reference}");
        Self::internal(reference)
    }

    fn internal(reference: String) -> Self {
        let detail = format!(
            "Something broke on our side ({reference}). Nothing was changed by this request unless a receipt says so; try again."
        );
        let mut error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail);
        error.0.reference = Some(reference);
        error
    }
}

/// `ERR-` and eight random hexadecimal digits.
fn reference() -> String {
    let mut bytes = [0_u8; 4];
    // Without randomness the answer still goes out; its reference is then nobody's own.
    getrandom::fill(&mut bytes).unwrap_or_default();
    format!("ERR-{}", hex::encode_upper(bytes))
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.0)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}

impl From<&Refusal> for ApiError {
    fn from(refusal: &Refusal) -> Self {
        let status = match refusal.code.kind() {
            RefusalKind::Invalid => StatusCode::BAD_REQUEST,
            RefusalKind::Forbidden => StatusCode::FORBIDDEN,
            RefusalKind::Missing => StatusCode::NOT_FOUND,
            RefusalKind::Conflict => StatusCode::CONFLICT,
            RefusalKind::Gone => StatusCode::GONE,
            RefusalKind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let detail = format!("{} {}", refusal.sentence, refusal.code.what_to_do());
        Self::new(status, refusal.code(), detail)
    }
}

impl From<ServicingError> for ApiError {
    fn from(error: ServicingError) -> Self {
        match error.refusal() {
            Some(refusal) => refusal.into(),
            None => Self::broken(&error),
        }
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "body_invalid", rejection.body_text())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), "path_invalid", rejection.body_text())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), "query_invalid", rejection.body_text())
    }
}
