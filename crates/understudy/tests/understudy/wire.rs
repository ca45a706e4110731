//! The `OpenAI` wire: streams, usage, errors, embeddings, and the listener.

use std::net::{IpAddr, Ipv4Addr};

use axum::Router;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot};

use crate::office::{Counter, encoder, post, send};

fn asking(text: &str) -> Value {
    let mut counter = Counter::new(Router::new());
    counter.messages.push(json!({"role": "user", "content": text}));
    counter.body()
}

#[tokio::test]
async fn the_same_request_has_the_same_answer() {
    let router = understudy::router(None);
    let body = asking("where is my parcel?").to_string();
    let first = send(&router, "/v1/chat/completions", body.clone()).await;
    assert_eq!(first, send(&understudy::router(None), "/v1/chat/completions", body).await);
}

#[tokio::test]
async fn a_stream_carries_what_the_whole_answer_carries() {
    let router = understudy::router(None);
    let mut body = asking("where is my parcel and what do I owe you for storage?");
    let (_, whole) = post(&router, "/v1/chat/completions", &body).await;
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    let (status, bytes) = send(&router, "/v1/chat/completions", body.to_string()).await;
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!((status, text.ends_with("data: [DONE]\n\n")), (200, true));
    let mut names = Vec::new();
    let mut usage = Value::Null;
    for chunk in text
        .split("\n\n")
        .filter_map(|event| serde_json::from_str::<Value>(event.strip_prefix("data: ")?).ok())
    {
        if let Some(name) =
            chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["name"].as_str()
        {
            names.push(name.to_owned());
        }
        if chunk["usage"].is_object() {
            usage = chunk["usage"].clone();
        }
    }
    assert_eq!(names, ["trace_parcel", "show_charges"]);
    assert_eq!(usage, whole["usage"]);
    assert!(usage["prompt_tokens"].as_u64().unwrap() > 100);
}

#[tokio::test]
async fn what_breaks_the_wire_is_refused_in_its_own_form() {
    let router = understudy::router(None);
    let orphan =
        json!({"messages": [{"role": "tool", "tool_call_id": "x", "content": "{}"}]}).to_string();
    for body in ["{", "{\"messages\": []}", "{\"messages\": [{\"role\": \"judge\"}]}", &orphan] {
        let (status, bytes) = send(&router, "/v1/chat/completions", body.to_owned()).await;
        let answer: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(
            (status, answer["error"]["type"].as_str()),
            (400, Some("invalid_request_error")),
            "{body}"
        );
    }
}

#[tokio::test]
async fn embeddings_are_served_or_said_to_be_absent() {
    let body = json!({"model": "all-MiniLM-L6-v2", "input": ["a parcel", "a letter"]});
    let (status, answer) = post(&understudy::router(None), "/v1/embeddings", &body).await;
    assert_eq!(
        (status, answer["error"]["message"].as_str()),
        (503, Some("no sentence encoder is installed"))
    );
    let Some(encoder) = encoder() else { return };
    let (status, answer) = post(&understudy::router(Some(encoder)), "/v1/embeddings", &body).await;
    assert_eq!((status, answer["data"].as_array().unwrap().len()), (200, 2));
    assert_eq!(answer["data"][1]["embedding"].as_array().unwrap().len(), encoder::DIMENSIONS);
}

#[tokio::test]
async fn a_request_without_tools_is_answered_in_words() {
    let mut body = asking("where is my parcel?");
    body["tool_choice"] = json!("none");
    let (_, answer) = post(&understudy::router(None), "/v1/chat/completions", &body).await;
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn only_this_machine_is_served_and_shutdown_ends_it() {
    let open = TcpListener::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0)).await.unwrap();
    let refused = understudy::serve(open, None, async {}).await.unwrap_err();
    assert!(refused.to_string().contains("not a loopback address"), "{refused}");
    let own = TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).await.unwrap();
    let address = own.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { stopped.await.unwrap_or_default() };
    let asked = async {
        rustls::crypto::ring::default_provider().install_default().ok();
        let url = format!("http://{address}/v1/models");
        let models: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        stop.send(()).unwrap();
        models
    };
    let (served, models) = tokio::join!(understudy::serve(own, None, shutdown), asked);
    served.unwrap();
    assert_eq!(models["data"][0]["id"], understudy::MODEL);
}
