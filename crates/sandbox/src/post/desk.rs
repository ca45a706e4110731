//! The desk: its mailbox over HTTP (docs/messages.md).

use std::future::Future;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, put},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Letter, SharedMailbox};

/// The longest letter, packed.
const LETTER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Serves the desk until `shutdown` completes.
pub async fn serve_desk(
    listener: TcpListener,
    mailbox: SharedMailbox,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let served = axum::serve(listener, router(mailbox)).with_graceful_shutdown(shutdown).await;
    if let Err(error) = served {
        tracing::error!("the sandbox post office stopped: {error}");
    }
}

fn router(mailbox: SharedMailbox) -> Router {
    Router::new()
        .route("/", get(about))
        .route("/mail", get(mail))
        .route("/mail/{message_id}", get(one_mail))
        .route("/bounces", get(bounces))
        .route("/letters", get(letters))
        .route("/letters/{id}", put(print).get(letter))
        .layer(DefaultBodyLimit::max(LETTER_BYTES_MAX))
        .with_state(mailbox)
}

#[derive(Deserialize)]
struct Filter {
    to: Option<String>,
    #[serde(default)]
    after: u64,
}

async fn about() -> Json<Value> {
    Json(json!({ "name": "Plumbline sandbox post office", "simulated": true }))
}

async fn mail(State(mailbox): State<SharedMailbox>, Query(filter): Query<Filter>) -> Json<Value> {
    let mailbox = mailbox.lock();
    let wanted: Vec<_> = mailbox
        .mail
        .iter()
        .filter(|mail| mail.sequence > filter.after)
        .filter(|mail| filter.to.as_ref().is_none_or(|to| *to == mail.to))
        .collect();
    Json(json!({ "mail": wanted }))
}

async fn one_mail(State(mailbox): State<SharedMailbox>, Path(id): Path<String>) -> StatusCode {
    if mailbox.lock().has(&id) { StatusCode::OK } else { StatusCode::NOT_FOUND }
}

async fn bounces(
    State(mailbox): State<SharedMailbox>,
    Query(filter): Query<Filter>,
) -> Json<Value> {
    let mailbox = mailbox.lock();
    let later: Vec<_> =
        mailbox.bounces.iter().filter(|bounce| bounce.sequence > filter.after).collect();
    Json(json!({ "bounces": later }))
}

async fn letters(State(mailbox): State<SharedMailbox>) -> Json<Value> {
    let mailbox = mailbox.lock();
    let listed: Vec<_> = mailbox
        .letters
        .iter()
        .map(|letter| json!({ "id": letter.id, "to": letter.to, "media_type": letter.media_type }))
        .collect();
    Json(json!({ "letters": listed }))
}

/// A letter to be printed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Printing {
    to: Vec<String>,
    media_type: String,
    /// In base64.
    contents: String,
}

async fn print(
    State(mailbox): State<SharedMailbox>,
    Path(id): Path<String>,
    Json(Printing { to, media_type, contents }): Json<Printing>,
) -> StatusCode {
    // Without an envelope it could go to nobody.
    if to.len() < 2 || BASE64_STANDARD.decode(&contents).is_err() {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    let letter = Letter { id, to, media_type, contents };
    match mailbox.lock().print(letter) {
        Ok(true) => StatusCode::CREATED,
        Ok(false) => StatusCode::OK,
        Err(error) => {
            tracing::error!("the sandbox printer could not keep a letter: {error}");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

async fn letter(State(mailbox): State<SharedMailbox>, Path(id): Path<String>) -> Response {
    let found = mailbox.lock().letters.iter().find(|letter| letter.id == id).cloned();
    let read = found.and_then(|letter| {
        let bytes = BASE64_STANDARD.decode(&letter.contents).ok()?;
        Some(([(header::CONTENT_TYPE, letter.media_type)], bytes))
    });
    read.map_or_else(|| StatusCode::NOT_FOUND.into_response(), IntoResponse::into_response)
}
