//! Stands before the bank and the model: a request is an event.
//!
//! Requests and answers are passed on whole, so that what a run does hangs on their order and not on their pieces.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use tokio::net::TcpListener;

use crate::gate::{Gate, Side, Socket};

/// No request or answer of a run is nearly as long.
const BYTES_MAX: usize = 64 * 1024 * 1024;

pub(crate) async fn proxy(
    gate: Arc<Gate>,
    socket: Socket,
    listener: TcpListener,
    upstream: String,
) {
    let client = reqwest::Client::new();
    let router = Router::new().fallback(move |request: Request| {
        let (gate, client, upstream) = (Arc::clone(&gate), client.clone(), upstream.clone());
        async move { forward(&gate, socket, &client, &upstream, request).await }
    });
    axum::serve(listener, router).await.unwrap();
}

async fn forward(
    gate: &Gate,
    socket: Socket,
    client: &reqwest::Client,
    upstream: &str,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let Ok(body) = to_bytes(body, BYTES_MAX).await else { return broken() };
    let side = gate.pass(socket, &format!("{} {path}", head.method));
    if side == Some(Side::Before) {
        gate.kill().await;
        return broken();
    }
    let mut asking = client.request(head.method, format!("{upstream}{path}")).body(body);
    for name in [header::CONTENT_TYPE, header::AUTHORIZATION, header::ACCEPT] {
        if let Some(value) = head.headers.get(&name) {
            asking = asking.header(name, value);
        }
    }
    let answer = match asking.send().await {
        Ok(answer) => whole(answer).await,
        Err(_) => broken(),
    };
    if side == Some(Side::After) {
        gate.kill().await;
    }
    answer
}

async fn whole(answer: reqwest::Response) -> Response {
    let status = answer.status();
    let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
    let Ok(body) = answer.bytes().await else { return broken() };
    let mut response = (status, Body::from(body)).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    if let Some(kind) = kind {
        response.headers_mut().insert(HeaderName::from_static("content-type"), kind);
    }
    response
}

/// Nobody reads this but a server that is gone, or one whose bank or model is.
fn broken() -> Response {
    StatusCode::BAD_GATEWAY.into_response()
}
