//! What handlers take from a request; whatever does not fit is an [`ApiError`].

use axum::{
    extract::{FromRequest, FromRequestParts},
    http::request::Parts,
};
use servicing::Key;

use crate::ApiError;

/// A JSON body.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(ApiError))]
pub(crate) struct Body<T>(pub(crate) T);

/// Parts of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Path<T>(pub(crate) T);

/// The query string.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub(crate) struct Query<T>(pub(crate) T);

/// The `Idempotency-Key` header of a request that writes.
pub(crate) struct IdempotencyKey(pub(crate) Key);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let header = parts.headers.get("idempotency-key").and_then(|value| value.to_str().ok());
        let key = Key::parse(header.unwrap_or_default()).map_err(|refusal| (&refusal).into());
        key.map(Self)
    }
}
