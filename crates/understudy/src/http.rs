//! The stand-in's routes.

use std::{future::Future, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use encoder::Encoder;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    MODEL, UnderstudyError,
    completion::{self, Envelope, invalid, respond},
    grammar,
    likeness::Likeness,
    think::{explain, think},
    tokens,
    wire::{ChatRequest, EmbeddingsRequest, Input},
};

/// A larger request is refused before it is read.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Clone)]
struct Understudy {
    likeness: Arc<Likeness>,
    encoder: Option<Arc<Encoder>>,
    fingerprint: &'static str,
}

/// The routes, for mounting in process. Without an encoder the stand-in compares by wording alone, and says so.
pub fn router(encoder: Option<Arc<Encoder>>) -> Router {
    let fingerprint = if encoder.is_some() {
        "embedding-and-wording"
    } else {
        tracing::warn!(
            "no sentence encoder: the stand-in compares by wording alone and understands less"
        );
        "wording-only"
    };
    let state =
        Understudy { likeness: Arc::new(Likeness::new(encoder.clone())), encoder, fingerprint };
    Router::new()
        .route("/v1/chat/completions", post(complete))
        .route("/v1/embeddings", post(embed))
        .route("/v1/models", get(models))
        .route("/v1/understudy/explain", post(explained))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(state)
}

/// Serves the stand-in until `shutdown` is ready.
///
/// # Errors
/// When the listener is not on a loopback address (the stand-in asks for no key), or breaks.
pub async fn serve(
    listener: TcpListener,
    encoder: Option<Arc<Encoder>>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), UnderstudyError> {
    require_loopback(&listener)?;
    axum::serve(listener, router(encoder)).with_graceful_shutdown(shutdown).await?;
    Ok(())
}

pub(crate) fn require_loopback(listener: &TcpListener) -> Result<(), UnderstudyError> {
    let address = listener.local_addr()?;
    if address.ip().is_loopback() { Ok(()) } else { Err(UnderstudyError::NotLoopback(address)) }
}

/// A request that keeps the grammar, or the answer that says why not.
pub(crate) fn read(body: &[u8]) -> Result<ChatRequest, Box<Response>> {
    let request: ChatRequest = serde_json::from_slice(body)
        .map_err(|error| Box::new(invalid(&format!("the body cannot be read: {error}"))))?;
    grammar::check(&request.messages).map_err(|error| Box::new(invalid(&error.to_string())))?;
    Ok(request)
}

async fn complete(State(understudy): State<Understudy>, body: Bytes) -> Response {
    let request = match read(&body) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    let envelope = Envelope::new(&body, &request, MODEL, understudy.fingerprint);
    let likeness = understudy.likeness;
    let thought = tokio::task::spawn_blocking(move || (think(&likeness, &request), request)).await;
    match thought {
        Ok((reply, request)) => respond(&envelope, &request, &reply),
        Err(error) => broken(&error),
    }
}

async fn explained(State(understudy): State<Understudy>, body: Bytes) -> Response {
    let request = match read(&body) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    let thought =
        tokio::task::spawn_blocking(move || explain(&understudy.likeness, &request)).await;
    thought.map_or_else(|error| broken(&error), |explained| Json(explained).into_response())
}

fn broken(error: &tokio::task::JoinError) -> Response {
    tracing::error!(%error, "the stand-in failed on a request");
    completion::error(
        StatusCode::INTERNAL_SERVER_ERROR,
        "server_error",
        "the stand-in failed on this request",
    )
}

async fn embed(State(understudy): State<Understudy>, body: Bytes) -> Response {
    let request: EmbeddingsRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return invalid(&format!("the body cannot be read: {error}")),
    };
    if request.encoding_format.as_deref().is_some_and(|format| format != "float") {
        return invalid("`encoding_format` can only be `float`");
    }
    let texts = match request.input {
        Input::One(text) => vec![text],
        Input::Many(texts) => texts,
    };
    let Some(encoder) = understudy.encoder else {
        return completion::error(
            StatusCode::SERVICE_UNAVAILABLE,
            "server_error",
            "no sentence encoder is installed",
        );
    };
    let tokens: u64 = texts.iter().map(|text| tokens::count(text)).sum();
    match tokio::task::spawn_blocking(move || encoder.encode_all(&texts)).await {
        Ok(vectors) => Json(embedded(&vectors, tokens)).into_response(),
        Err(error) => broken(&error),
    }
}

fn embedded(vectors: &[Vec<f32>], tokens: u64) -> Value {
    let entry = |(index, vector): (usize, &Vec<f32>)| json!({"object": "embedding", "index": index, "embedding": vector});
    json!({
        "object": "list",
        "model": EMBEDDER,
        "data": vectors.iter().enumerate().map(entry).collect::<Vec<_>>(),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    })
}

/// The name of the embedder on the wire.
pub const EMBEDDER: &str = "all-MiniLM-L6-v2";

async fn models() -> Json<Value> {
    let model =
        |id: &str| json!({"id": id, "object": "model", "created": 0, "owned_by": "plumbline"});
    Json(json!({"object": "list", "data": [model(MODEL), model(EMBEDDER)]}))
}
