//! The audit console: conversations, what they rest on, and the proof that they were not edited.

use audit::{AuditError, Trust};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use identity::ConversationId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::desk::{person, with_customer};
use crate::{
    ApiError, App,
    extract::{Path, Query},
    session::SignedIn,
    shapes::{DeskConversation, Page},
};

const PAGE: i64 = 50;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchQuery {
    /// Words of the customer's name or of a message.
    q: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ConversationSummary {
    #[schema(value_type = uuid::Uuid)]
    id: ConversationId,
    #[schema(value_type = Object)]
    customer: Value,
    started_at: DateTime<Utc>,
    turns: usize,
    flags: Vec<crate::shapes::Flag>,
    /// Whether every turn was served by a configuration that has passed the gate.
    attested: bool,
}

/// Conversations, newest first.
#[utoipa::path(get, path = "/v1/audit/conversations", params(SearchQuery), responses((status = 200, body = Page<ConversationSummary>)), tag = "audit")]
pub(crate) async fn conversations(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Page<ConversationSummary>>, ApiError> {
    let caller = session.caller();
    let words = query.q.as_deref().map(str::trim).filter(|words| !words.is_empty());
    let rows =
        app.servicing.search_conversations(caller, words, query.cursor.as_deref(), PAGE).await?;
    let full = rows.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
    let next_cursor = rows.last().filter(|_| full).map(|row| row.id.to_string());
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        let customer = app.servicing.customer(caller, row.customer_id).await?;
        let flags = app.servicing.standing_flags(caller, row.customer_id).await?;
        let view = app.servicing.conversation(caller, row.id, i32::MAX).await?;
        items.push(ConversationSummary {
            id: row.id,
            customer: person(&customer),
            started_at: row.started_at,
            turns: view.turns.len(),
            flags: flags.into_iter().map(Into::into).collect(),
            attested: view.turns.iter().all(|turn| turn.attested),
        });
    }
    Ok(Json(Page { items, next_cursor }))
}

/// A conversation with its evidence and leaves.
#[utoipa::path(get, path = "/v1/audit/conversations/{id}", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = DeskConversation)), tag = "audit")]
pub(crate) async fn conversation(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<ConversationId>,
) -> Result<Json<DeskConversation>, ApiError> {
    let caller = session.caller();
    let view = app.servicing.conversation(caller, id, 0).await?;
    Ok(Json(with_customer(&app, caller, view).await?))
}

/// The sealed bundle of a conversation, sequenced first so that nothing is left out.
async fn sealed(app: &App, id: ConversationId) -> Result<String, ApiError> {
    let store = app.servicing.store();
    let log = &app.log;
    let failed = |error: AuditError| ApiError::broken(&error);
    audit::sequence(store.audit(), log, app.servicing.now()).await.map_err(failed)?;
    let bundle = audit::export(store.audit(), log, id, None).await.map_err(failed)?;
    bundle.to_json().map_err(failed)
}

/// Whether the record of the conversation is whole: its leaves, their chain, their proofs and the signed checkpoint.
#[utoipa::path(get, path = "/v1/audit/conversations/{id}/verification", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Object)), tag = "audit")]
pub(crate) async fn verification(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<ConversationId>,
) -> Result<Response, ApiError> {
    app.servicing.conversation(session.caller(), id, i32::MAX).await?;
    let bundle = sealed(&app, id).await?;
    let trust = Trust { key: Some(app.log.verifier()), ..Trust::default() };
    let report = audit::verify(bundle.as_bytes(), &trust);
    Ok(Json(report).into_response())
}

/// The bundle itself: `plumbline audit verify` checks it with no server and no database.
#[utoipa::path(get, path = "/v1/audit/conversations/{id}/bundle", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Object)), tag = "audit")]
pub(crate) async fn bundle(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<ConversationId>,
) -> Result<Response, ApiError> {
    app.servicing.conversation(session.caller(), id, i32::MAX).await?;
    let bundle = sealed(&app, id).await?;
    let attachment = format!("attachment; filename=\"conversation-{id}.json\"");
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, attachment),
    ];
    Ok((StatusCode::OK, headers, bundle).into_response())
}
