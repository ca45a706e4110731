//! Cited passages, to be read in full.

use axum::{Json, extract::State, http::HeaderMap};
use chrono::NaiveDate;
use knowledge::{Audience, Citation};
use serde::Serialize;
use store::sessions::SessionRole;
use utoipa::ToSchema;

use crate::{ApiError, App, extract::Path, session};

#[derive(Serialize, ToSchema)]
pub(crate) struct PassageShape {
    citation: String,
    document: String,
    title: String,
    section: String,
    version: u32,
    effective_on: NaiveDate,
    audience: &'static str,
    text: String,
    digest: String,
}

/// The passage of a citation, `id@version#section`. Whoever is not staff is shown what was written for consumers, and
/// learns of nothing else.
#[utoipa::path(get, path = "/v1/passages/{citation}", params(("citation" = String, Path)), responses((status = 200, body = PassageShape)), tag = "open")]
pub(crate) async fn passage(
    State(app): State<App>,
    headers: HeaderMap,
    Path(citation): Path<String>,
) -> Result<Json<PassageShape>, ApiError> {
    let session = session::find(&app, &headers).await?;
    let staff = session.is_some_and(|session| {
        session.role() != SessionRole::Customer && session.level >= session::STAFF_LEVEL
    });
    let audience = if staff { Audience::Staff } else { Audience::Consumer };
    let missing = || ApiError::not_found("passage");
    let citation: Citation = citation.parse().map_err(|_| missing())?;
    let passage = app.knowledge.passage(&citation, audience).ok_or_else(missing)?;
    Ok(Json(PassageShape {
        citation: passage.citation.to_string(),
        document: passage.citation.document.clone(),
        title: passage.title.clone(),
        section: passage.heading.clone(),
        version: passage.citation.version,
        effective_on: passage.scope.effective_on,
        audience: passage.scope.audience.as_str(),
        text: passage.text.clone(),
        digest: passage.digest.clone(),
    }))
}
