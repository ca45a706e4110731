//! Who is signed in: the session of a request, and what each role opens.
//!
//! Invariants: a route below `/v1` is closed unless it stands in the open group; the group's layer, not the handler, turns
//! away whoever may not come in; a handler asks at the level of the session and at no other.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};
use identity::CustomerId;
use servicing::{
    Caller, Level,
    sessions::{Session, Who},
};
use store::sessions::SessionRole;

use crate::{ApiError, App};

/// Below this level a member of staff opens nothing: not every page of theirs asks a use case.
pub(crate) const STAFF_LEVEL: Level = Level::L2;

pub(crate) const COOKIE: &str = "plumbline_session";

/// The signed-in person, put there by [`require`].
#[derive(Clone)]
pub(crate) struct SignedIn(pub(crate) Session);

/// The signed-in customer, who asks at the level of their session.
#[derive(Clone, Copy)]
pub(crate) struct CustomerOf {
    pub(crate) id: CustomerId,
    pub(crate) caller: Caller,
}

/// The token of a request: a bearer token, or the cookie.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let cookie = || {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == COOKIE)
            .map(|(_, token)| token)
    };
    bearer.or_else(cookie)
}

pub(crate) async fn find(app: &App, headers: &HeaderMap) -> Result<Option<Session>, ApiError> {
    match token(headers) {
        Some(token) => Ok(app.servicing.session(token).await?),
        None => Ok(None),
    }
}

/// Lets in whoever is signed in with one of these roles.
pub(crate) async fn require(
    State((app, roles)): State<(App, &'static [SessionRole])>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let session = find(&app, request.headers()).await?.ok_or_else(ApiError::signed_out)?;
    if !roles.contains(&session.role()) {
        return Err(ApiError::forbidden());
    }
    if session.role() != SessionRole::Customer && session.level < STAFF_LEVEL {
        return Err(ApiError::staff_step_up());
    }
    request.extensions_mut().insert(SignedIn(session));
    Ok(next.run(request).await)
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::signed_out)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CustomerOf {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let SignedIn(session) = SignedIn::from_request_parts(parts, state).await?;
        let caller = session.caller();
        match session.who {
            Who::Customer(customer) => Ok(Self { id: customer.id, caller }),
            Who::Staff(_) => Err(ApiError::forbidden()),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_token_comes_as_a_bearer_or_as_the_cookie() {
        let cookie = "theme=dark; plumbline_session=abc; other=1";
        let cases = [
            (headers(&[(header::AUTHORIZATION, "Bearer abc")]), Some("abc")),
            (headers(&[(header::COOKIE, cookie)]), Some("abc")),
            (headers(&[(header::COOKIE, "xplumbline_session=abc")]), None),
            (headers(&[(header::AUTHORIZATION, "Basic abc")]), None),
            (headers(&[]), None),
        ];
        for (headers, expected) in cases {
            assert_eq!(token(&headers), expected);
        }
    }
}
