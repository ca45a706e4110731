//! The chat: conversations, what is said in them, and the turn as a stream.

use std::convert::Infallible;

use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt as _, stream};
use identity::ConversationId;
use serde::{Deserialize, Serialize};
use store::conversations::Surface;
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};

use super::KEEP_ALIVE;
use crate::{
    ApiError, App,
    extract::{Body, IdempotencyKey, Path, Query},
    session::CustomerOf,
    shapes::{Conversation, Items},
};

#[derive(Serialize, ToSchema)]
pub(crate) struct ConversationItem {
    #[schema(value_type = uuid::Uuid)]
    id: ConversationId,
    status: &'static str,
    started_at: DateTime<Utc>,
}

/// The customer's conversations, newest first.
#[utoipa::path(get, path = "/v1/conversations", responses((status = 200, body = Items<ConversationItem>)), tag = "conversations")]
pub(crate) async fn list(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
) -> Result<Json<Items<ConversationItem>>, ApiError> {
    let rows = app.servicing.list_conversations(caller, customer).await?;
    let item = |row: store::conversations::ConversationRow| ConversationItem {
        id: row.id,
        status: row.status.as_str(),
        started_at: row.started_at,
    };
    Ok(Json(rows.into_iter().map(item).collect()))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Started {
    #[schema(value_type = uuid::Uuid)]
    id: ConversationId,
}

/// Starts a conversation. The same key again answers the one it started.
#[utoipa::path(post, path = "/v1/conversations", responses((status = 200, body = Started)), tag = "conversations")]
pub(crate) async fn start(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Json<Started>, ApiError> {
    let row = app.servicing.start_conversation(caller, customer, Surface::Consumer, &key).await?;
    Ok(Json(Started { id: row.id }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct AfterQuery {
    /// Leaves out messages up to and including this number.
    #[serde(default)]
    after: u32,
}

/// A conversation with its messages.
#[utoipa::path(get, path = "/v1/conversations/{id}", params(("id" = uuid::Uuid, Path), AfterQuery), responses((status = 200, body = Conversation)), tag = "conversations")]
pub(crate) async fn conversation(
    State(app): State<App>,
    CustomerOf { caller, .. }: CustomerOf,
    Path(id): Path<ConversationId>,
    Query(query): Query<AfterQuery>,
) -> Result<Json<Conversation>, ApiError> {
    let after = i32::try_from(query.after).unwrap_or(i32::MAX);
    let view = app.servicing.conversation_as_said(caller, id, after).await?;
    let staff = app.staff_names().await?;
    Ok(Json(Conversation::of(view, &staff, false)))
}

/// Asks for a person. It needs no model, and what stands already is answered.
#[utoipa::path(post, path = "/v1/conversations/{id}/hand-off", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Conversation)), tag = "conversations")]
pub(crate) async fn hand_off(
    State(app): State<App>,
    CustomerOf { caller, .. }: CustomerOf,
    Path(id): Path<ConversationId>,
) -> Result<Json<Conversation>, ApiError> {
    let summary = "The customer pressed \"Talk to a person\".";
    app.servicing.open_hand_off(caller, id, "asked_for_a_person", summary).await?;
    let view = app.servicing.conversation_as_said(caller, id, 0).await?;
    let staff = app.staff_names().await?;
    Ok(Json(Conversation::of(view, &staff, false)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saying {
    text: String,
}

/// Says something, and streams the turn. The same key again streams the answer there is.
#[utoipa::path(post, path = "/v1/conversations/{id}/messages", params(("id" = uuid::Uuid, Path)), request_body = Saying, responses((status = 200, content_type = "text/event-stream")), tag = "conversations")]
pub(crate) async fn say(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    Path(id): Path<ConversationId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(saying): Body<Saying>,
) -> Result<Response, ApiError> {
    let parts =
        app.assistant.respond(caller, customer, id, &saying.text, &key).await.map_err(refused)?;
    let events = events(parts);
    let mut response =
        Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    response.headers_mut().insert(
        HeaderName::from_static("x-vercel-ai-ui-message-stream"),
        HeaderValue::from_static("v1"),
    );
    Ok(response)
}

fn refused(error: assistant::AssistantError) -> ApiError {
    match error {
        assistant::AssistantError::Servicing(error) => error.into(),
        other => ApiError::broken(&other),
    }
}

/// One `data:` line for each part, closed by `[DONE]`.
fn events(
    parts: mpsc::Receiver<assistant::StreamPart>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let lines = stream::unfold(parts, |mut parts| async move {
        let part = parts.recv().await?;
        let text = serde_json::to_string(&part).unwrap_or_else(|_| "{}".to_owned());
        Some((Ok(Event::default().data(text)), parts))
    });
    lines.chain(stream::once(async { Ok(Event::default().data("[DONE]")) }))
}
