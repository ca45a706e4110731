//! The client against a loopback server that speaks the real wire, well and badly.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use futures::StreamExt;
use llm::{
    Chat, ChatRequest, Config, Embeddings, Finish, LlmError, Message, Piece, ToolCall, ToolSpec,
    Tools,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How the server answers its n-th request.
#[derive(Clone)]
enum Answer {
    Status(u16),
    /// These lines of the event stream, then the end.
    Lines(Vec<String>),
    /// These lines, then silence.
    Hang(Vec<String>),
    /// These lines, then the connection breaks in the middle of a chunk.
    Break(Vec<String>),
    Silence,
    Json(Value),
}

#[derive(Clone)]
struct Script {
    answers: Arc<Vec<Answer>>,
    asked: Arc<AtomicUsize>,
    bodies: Arc<Mutex<Vec<Value>>>,
}

async fn answer(State(script): State<Script>, Json(body): Json<Value>) -> Response {
    script.bodies.lock().unwrap().push(body);
    let at = script.asked.fetch_add(1, Ordering::SeqCst);
    let stream = |lines: Vec<String>, end: Option<bool>| {
        let lines = futures::stream::iter(
            lines.into_iter().map(|line| Ok(Bytes::from(format!("data: {line}\n\n")))),
        );
        let body = match end {
            None => Body::from_stream(lines),
            Some(true) => Body::from_stream(
                lines.chain(futures::stream::pending::<Result<Bytes, std::io::Error>>()),
            ),
            Some(false) => Body::from_stream(lines.chain(futures::stream::once(async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(std::io::Error::other("cut"))
            }))),
        };
        ([("content-type", "text/event-stream")], body).into_response()
    };
    match script.answers.get(at).cloned().unwrap_or(Answer::Status(418)) {
        Answer::Status(status) => {
            (StatusCode::from_u16(status).unwrap(), "secret words").into_response()
        }
        Answer::Lines(lines) => stream(lines, None),
        Answer::Hang(lines) => stream(lines, Some(true)),
        Answer::Break(lines) => stream(lines, Some(false)),
        Answer::Silence => std::future::pending().await,
        Answer::Json(value) => Json(value).into_response(),
    }
}

async fn server(answers: Vec<Answer>) -> (Config, Script) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let script =
        Script { answers: Arc::new(answers), asked: Arc::default(), bodies: Arc::default() };
    let app = Router::new()
        .route("/v1/chat/completions", post(answer))
        .route("/v1/embeddings", post(answer))
        .with_state(script.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::task::spawn_local(async move { axum::serve(listener, app).await });
    let config = Config {
        first_byte_timeout: Duration::from_secs(20),
        idle_timeout: Duration::from_secs(20),
        backoff: Duration::from_millis(1),
        ..Config::new(format!("http://{address}/v1"), "key".to_owned().into(), "m-1")
    };
    (config, script)
}

fn chunk(delta: &Value, finish: Option<&str>) -> String {
    json!({
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m-1",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    })
    .to_string()
}

fn text(words: &str) -> String {
    chunk(&json!({ "content": words }), None)
}

fn stop() -> Vec<String> {
    vec![chunk(&json!({}), Some("stop")), "[DONE]".to_owned()]
}

fn request() -> ChatRequest {
    ChatRequest {
        messages: vec![
            Message::System { text: "be brief".into() },
            Message::Customer { text: "hi".into() },
            Message::Assistant {
                text: String::new(),
                calls: vec![ToolCall {
                    id: "c1".into(),
                    tool: "get".into(),
                    arguments: "{}".into(),
                }],
            },
            Message::ToolResult { call_id: "c1".into(), content: "{\"a\":1}".into() },
        ],
        tools: Tools::new([tool()]),
        max_tokens: 100,
        temperature: 0.0,
    }
}

fn tool() -> ToolSpec {
    ToolSpec {
        name: "get".into(),
        description: "get it".into(),
        parameters: json!({"type": "object"}),
    }
}

async fn ask(config: Config) -> (String, Result<Piece, LlmError>) {
    let mut said = String::new();
    let mut stream = match Chat::new(config).unwrap().stream(request()).await {
        Ok(stream) => stream,
        Err(error) => return (said, Err(error)),
    };
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(Piece::Text(text)) => said.push_str(&text),
            end => {
                assert!(stream.next().await.is_none(), "the stream goes on after its end");
                return (said, end);
            }
        }
    }
    panic!("a stream without an end");
}

/// Runs with `spawn_local`, so that the server ends with its test.
async fn local<F: Future>(test: F) -> F::Output {
    tokio::task::LocalSet::new().run_until(test).await
}

#[tokio::test]
async fn a_reply_streams_and_the_request_is_the_wire_s() {
    local(async {
        let usage = json!({
            "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m-1",
            "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
        });
        let lines = vec![
            text("Hel"),
            text("lo."),
            chunk(&json!({}), Some("stop")),
            usage.to_string(),
            "[DONE]".into(),
        ];
        let (config, script) = server(vec![Answer::Lines(lines)]).await;
        let (said, end) = ask(config).await;
        assert_eq!(said, "Hello.");
        let Piece::End { calls, finish, usage } = end.unwrap() else { panic!("no end") };
        assert_eq!((calls.len(), finish, usage.unwrap().prompt_tokens), (0, Finish::Stop, 7));
        let body = script.bodies.lock().unwrap().first().cloned().unwrap();
        assert_eq!(body.pointer("/stream"), Some(&json!(true)));
        assert_eq!(body.pointer("/stream_options/include_usage"), Some(&json!(true)));
        assert_eq!(body.pointer("/messages/2/tool_calls/0/function/name"), Some(&json!("get")));
        assert_eq!(body.pointer("/messages/2/tool_calls/0/type"), Some(&json!("function")));
        assert_eq!(body.pointer("/messages/3/tool_call_id"), Some(&json!("c1")));
        assert_eq!(body.pointer("/tools/0/function/parameters/type"), Some(&json!("object")));
    })
    .await;
}

#[tokio::test]
async fn calls_are_put_together_from_their_fragments() {
    local(async {
        let part = |index: u32, id: Value, name: Value, arguments: &str| {
            let function = json!({"name": name, "arguments": arguments});
            chunk(&json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]}), None)
        };
        let lines = vec![
            part(1, json!("b"), json!("two"), "{\"x\""),
            part(0, json!("a"), json!("one"), ""),
            part(1, Value::Null, Value::Null, ":1}"),
            chunk(&json!({}), Some("tool_calls")),
            "[DONE]".into(),
        ];
        let (config, _) = server(vec![Answer::Lines(lines)]).await;
        let Ok(Piece::End { calls, finish, .. }) = ask(config).await.1 else { panic!("no end") };
        let call = |id: &str, tool: &str, arguments: &str| ToolCall {
            id: id.into(),
            tool: tool.into(),
            arguments: arguments.into(),
        };
        assert_eq!(finish, Finish::ToolCalls);
        assert_eq!(calls, [call("a", "one", ""), call("b", "two", "{\"x\":1}")]);
    })
    .await;
}

#[tokio::test]
async fn a_reply_that_is_no_text_or_has_no_end_is_broken() {
    local(async {
        let call = |index: usize, arguments: &str| {
            let function = json!({"name": "get", "arguments": arguments});
            let call = json!({"index": index, "id": "c", "type": "function", "function": function});
            chunk(&json!({ "tool_calls": [call] }), None)
        };
        let long = "x".repeat(1_024);
        let replies = [
            vec![text("You owe\0 nothing.")],
            vec![text("\u{1b}[2J")],
            vec![call(0, "{\"on\": \"\0\"}")],
            vec![text(&long); 70],
            vec![call(0, &long); 70],
            (0..70).map(|index| call(index, "{}")).collect(),
        ];
        for lines in replies {
            let lines = [lines, stop()].concat();
            let (config, _) = server(vec![Answer::Lines(lines)]).await;
            let (said, end) = ask(config).await;
            assert!(matches!(end, Err(LlmError::Broken(_))), "{end:?}");
            assert!(said.len() <= 64 * 1_024);
        }
        let lines = [vec![text("A list:\n\t- one\r\n")], stop()].concat();
        let (config, _) = server(vec![Answer::Lines(lines)]).await;
        assert!(ask(config).await.1.is_ok(), "lines and tabs are text");
    })
    .await;
}

#[tokio::test]
async fn what_was_refused_before_its_reply_is_sent_again() {
    local(async {
        let lines = [vec![text("ok.")], stop()].concat();
        let answers = vec![Answer::Status(429), Answer::Status(500), Answer::Lines(lines)];
        let (config, script) = server(answers).await;
        let (said, end) = ask(config).await;
        assert_eq!(said, "ok.");
        assert!(end.is_ok());
        assert_eq!(script.asked.load(Ordering::SeqCst), 3);
    })
    .await;
}

#[tokio::test]
async fn retries_end_and_a_fault_of_ours_is_not_retried() {
    local(async {
        let (config, script) = server(vec![Answer::Status(503); 9]).await;
        assert!(matches!(ask(config).await.1, Err(LlmError::Unavailable(_))));
        assert_eq!(script.asked.load(Ordering::SeqCst), 3);
        let (config, script) = server(vec![Answer::Status(401)]).await;
        assert!(matches!(ask(config).await.1, Err(LlmError::Rejected { status: 401 })));
        assert_eq!(script.asked.load(Ordering::SeqCst), 1);
        let (config, script) = server(vec![Answer::Silence; 9]).await;
        let config = Config { first_byte_timeout: Duration::from_secs(1), ..config };
        assert!(matches!(ask(config).await.1, Err(LlmError::Unavailable(_))));
        assert_eq!(script.asked.load(Ordering::SeqCst), 3);
    })
    .await;
}

#[tokio::test]
async fn a_reply_that_has_begun_is_never_asked_for_again() {
    local(async {
        let half = || vec![text("Half a ")];
        for (answer, stalled) in [
            (Answer::Lines(half()), false),
            (Answer::Break(half()), false),
            (Answer::Lines([half(), vec!["[DONE]".into()]].concat()), false),
            (Answer::Hang(half()), true),
        ] {
            let (config, script) = server(vec![answer]).await;
            let idle_timeout = if stalled { Duration::from_secs(1) } else { config.idle_timeout };
            let (said, end) = ask(Config { idle_timeout, ..config }).await;
            assert_eq!(said, "Half a ");
            match end {
                Err(LlmError::Stalled) => assert!(stalled),
                Err(LlmError::Cut) => assert!(!stalled),
                other => panic!("{other:?}"),
            }
            assert_eq!(script.asked.load(Ordering::SeqCst), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_protocol_is_said_to_be_broken() {
    local(async {
        let (config, _) = server(vec![Answer::Lines(vec!["{not json".into()])]).await;
        assert!(matches!(ask(config).await.1, Err(LlmError::Broken(_))));
        let error = json!({"error": {"message": "overloaded"}}).to_string();
        let (config, _) = server(vec![Answer::Lines(vec![text("Half"), error])]).await;
        assert!(matches!(ask(config).await.1, Err(LlmError::Broken(_))));
    })
    .await;
}

#[tokio::test]
async fn a_reply_cut_by_its_length_says_so() {
    local(async {
        let lines = vec![text("too lo"), chunk(&json!({}), Some("length")), "[DONE]".into()];
        let (config, _) = server(vec![Answer::Lines(lines)]).await;
        let Ok(Piece::End { finish, .. }) = ask(config).await.1 else { panic!("no end") };
        assert_eq!(finish, Finish::Length);
    })
    .await;
}

#[tokio::test]
async fn nobody_at_the_address_is_unavailable() {
    local(async {
        let (config, _) = server(vec![]).await;
        let config = Config { base_url: "http://127.0.0.1:9/v1".into(), ..config };
        assert!(matches!(ask(config).await.1, Err(LlmError::Unavailable(_))));
    })
    .await;
}

#[tokio::test]
async fn embeddings_come_in_the_order_of_their_texts() {
    local(async {
        let answer = json!({
            "object": "list", "model": "m-1", "usage": {"prompt_tokens": 1, "total_tokens": 1},
            "data": [
                {"object": "embedding", "index": 1, "embedding": [2.0]},
                {"object": "embedding", "index": 0, "embedding": [1.0]},
            ],
        });
        let (config, _) = server(vec![Answer::Json(answer.clone()), Answer::Json(answer)]).await;
        let embeddings = Embeddings::new(config).unwrap();
        let texts = ["a".to_owned(), "b".to_owned()];
        assert_eq!(embeddings.embed(&texts).await.unwrap(), [vec![1.0], vec![2.0]]);
        let three = [texts.to_vec(), vec!["c".to_owned()]].concat();
        assert!(matches!(embeddings.embed(&three).await, Err(LlmError::Broken(_))));
        assert!(embeddings.embed(&[]).await.unwrap().is_empty());
    })
    .await;
}

#[test]
fn tokens_are_counted() {
    assert_eq!(llm::count_text("hello world"), 2);
    let said = request().messages;
    assert!(llm::count_messages(&said) > llm::count_messages(said.get(1..).unwrap()));
    assert!(llm::count_tools(&[tool()]) > llm::count_text("get it"));
}
