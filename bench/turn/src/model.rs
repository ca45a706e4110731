//! The model of the bench: a scripted one with no delay, and the spans in which it was at work.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
    serve::ListenerExt as _,
};
use futures::Stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use understudy::scripted::{Script, Step, Watch};

use crate::figures::Span;

/// A model endpoint of this process.
pub(crate) struct Model {
    address: SocketAddr,
    spans: Spans,
    watch: Watch,
}

#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Span>>>);

impl Model {
    /// Calls the balance tool first, then says `text`; whatever it is asked.
    pub(crate) async fn start(text: &str) -> anyhow::Result<Self> {
        let script = Script::per_turn([Step::call("get_balance", &json!({})), Step::text(text)]);
        let (spans, watch) = (Spans::default(), script.watch());
        let router: Router = script.router().layer(from_fn_with_state(spans.clone(), span));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        // Small pieces leave at once: a delay would be the model's, and it has none.
        let listener = listener.tap_io(|connection| {
            connection.set_nodelay(true).ok();
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, spans, watch })
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The spans since this was asked last.
    pub(crate) fn take_spans(&self) -> Vec<Span> {
        std::mem::take(&mut *self.spans.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The last request it was sent.
    pub(crate) fn last_request(&self) -> Option<Value> {
        self.watch.requests().pop()
    }

    /// What was wrong with the requests it was sent.
    pub(crate) fn breaches(&self) -> Vec<String> {
        self.watch.breaches()
    }
}

/// From the head of a request to the last byte of its reply.
async fn span(State(spans): State<Spans>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let (head, body) = next.run(request).await.into_parts();
    let open = Open { begun, spans };
    Response::from_parts(head, Body::from_stream(Timed { body: body.into_data_stream(), open }))
}

/// A reply under way; its span ends when it is dropped, which is when its last byte was handed over.
struct Open {
    begun: Instant,
    spans: Spans,
}

impl Drop for Open {
    fn drop(&mut self) {
        let span = Span { begun: self.begun, ended: Instant::now() };
        self.spans.0.lock().unwrap_or_else(PoisonError::into_inner).push(span);
    }
}

struct Timed {
    body: axum::body::BodyDataStream,
    #[expect(dead_code, reason = "it is there to be dropped with the body")]
    open: Open,
}

impl Stream for Timed {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}
