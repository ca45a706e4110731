//! A reply on the wire: one JSON object, or a stream of chunks.

use std::convert::Infallible;

use axum::{
    Json,
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    tokens,
    wire::{ChatRequest, FunctionCall, Reply},
};

/// Letters of a tool call's arguments in one chunk.
const ARGUMENT_CHUNK: usize = 24;

/// What every chunk and every answer carries. Ids are made from the request, so that the same request has the same answer.
pub(crate) struct Envelope {
    id: String,
    model: String,
    fingerprint: String,
    prompt_tokens: u64,
}

impl Envelope {
    pub(crate) fn new(body: &[u8], request: &ChatRequest, model: &str, fingerprint: &str) -> Self {
        let digest = hex::encode(Sha256::digest(body));
        Self {
            id: digest.chars().take(24).collect(),
            model: model.to_owned(),
            fingerprint: fingerprint.to_owned(),
            prompt_tokens: tokens::prompt(request),
        }
    }

    fn usage(&self, reply: &Reply) -> Value {
        let completion = tokens::completion(reply);
        json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
        })
    }

    fn wrap(&self, object: &str, choices: &Value) -> Value {
        json!({
            "id": format!("chatcmpl-{}", self.id),
            "object": object,
            "created": 0,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": choices,
        })
    }

    fn call(&self, at: usize, call: &FunctionCall) -> Value {
        json!({"id": self.call_id(at), "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
    }

    fn call_id(&self, at: usize) -> String {
        format!("call_{}_{at}", self.id.get(..12).unwrap_or(&self.id))
    }

    /// The whole answer.
    pub(crate) fn whole(&self, reply: &Reply) -> Value {
        let content = if reply.text.is_empty() && !reply.calls.is_empty() {
            Value::Null
        } else {
            json!(reply.text)
        };
        let mut message = json!({"role": "assistant", "content": content, "refusal": null});
        if let Some(message) = message.as_object_mut().filter(|_| !reply.calls.is_empty()) {
            let calls = reply.calls.iter().enumerate().map(|(at, call)| self.call(at, call));
            message.insert("tool_calls".into(), Value::Array(calls.collect()));
        }
        let choice = json!([{"index": 0, "message": message, "logprobs": null, "finish_reason": finish(reply)}]);
        let mut answer = self.wrap("chat.completion", &choice);
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("usage".into(), self.usage(reply));
        }
        answer
    }

    /// The answer as server-sent events, the closing mark included.
    pub(crate) fn events(&self, reply: &Reply, with_usage: bool) -> Vec<String> {
        let mut deltas = vec![json!({"role": "assistant", "content": ""})];
        deltas.extend(pieces(&reply.text).into_iter().map(|piece| json!({"content": piece})));
        for (at, call) in reply.calls.iter().enumerate() {
            let head = json!({"index": at, "id": self.call_id(at), "type": "function",
                "function": {"name": call.name, "arguments": ""}});
            deltas.push(json!({"tool_calls": [head]}));
            let letters: Vec<char> = call.arguments.chars().collect();
            for piece in letters.chunks(ARGUMENT_CHUNK) {
                let piece: String = piece.iter().collect();
                deltas
                    .push(json!({"tool_calls": [{"index": at, "function": {"arguments": piece}}]}));
            }
        }
        let chunk = |delta: &Value, finish: Value| {
            self.wrap(
                "chat.completion.chunk",
                &json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]),
            )
        };
        let mut chunks: Vec<Value> = deltas.iter().map(|delta| chunk(delta, Value::Null)).collect();
        chunks.push(chunk(&json!({}), json!(finish(reply))));
        if with_usage {
            let mut last = self.wrap("chat.completion.chunk", &json!([]));
            if let Some(last) = last.as_object_mut() {
                last.insert("usage".into(), self.usage(reply));
            }
            chunks.push(last);
        }
        let mut events: Vec<String> =
            chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
        events.push("data: [DONE]\n\n".to_owned());
        events
    }
}

fn finish(reply: &Reply) -> &'static str {
    if reply.calls.is_empty() { "stop" } else { "tool_calls" }
}

/// A text in words, each with the blank after it.
fn pieces(text: &str) -> Vec<&str> {
    text.split_inclusive(char::is_whitespace).collect()
}

/// The reply as the request wants it.
pub(crate) fn respond(envelope: &Envelope, request: &ChatRequest, reply: &Reply) -> Response {
    if request.stream != Some(true) {
        return Json(envelope.whole(reply)).into_response();
    }
    let with_usage = request.stream_options.is_some_and(|options| options.include_usage);
    let events = envelope.events(reply, with_usage);
    let frames = futures::stream::iter(
        events.into_iter().map(|event| Ok::<_, Infallible>(Bytes::from(event))),
    );
    event_stream(Body::from_stream(frames))
}

pub(crate) fn event_stream(body: Body) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (headers, body).into_response()
}

/// An error in the wire's own form.
pub(crate) fn error(status: StatusCode, kind: &str, message: &str) -> Response {
    let body = json!({"error": {"message": message, "type": kind, "param": null, "code": null}});
    (status, Json(body)).into_response()
}

pub(crate) fn invalid(message: &str) -> Response {
    error(StatusCode::BAD_REQUEST, "invalid_request_error", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        let request: ChatRequest = serde_json::from_value(json!({"messages": []})).unwrap();
        Envelope::new(b"x", &request, "m", "f")
    }

    #[test]
    fn the_pieces_of_a_stream_add_up_to_the_reply() {
        let calls = vec![FunctionCall {
            name: "f".into(),
            arguments: "{\"long\":\"áéíóú and so on and on\"}".into(),
        }];
        let reply = Reply { text: "Two  words\nhere.".into(), calls };
        let (mut text, mut arguments) = (String::new(), String::new());
        let events = envelope().events(&reply, true);
        for event in &events[..events.len() - 1] {
            let chunk: Value = serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
            let delta = &chunk["choices"][0]["delta"];
            text.push_str(delta["content"].as_str().unwrap_or_default());
            arguments.push_str(
                delta["tool_calls"][0]["function"]["arguments"].as_str().unwrap_or_default(),
            );
        }
        assert_eq!((text, arguments), (reply.text, reply.calls[0].arguments.clone()));
        assert_eq!(events.last().unwrap(), "data: [DONE]\n\n");
    }

    #[test]
    fn a_reply_of_calls_alone_has_no_content() {
        let calls = vec![FunctionCall { name: "f".into(), arguments: "{}".into() }];
        let answer = envelope().whole(&Reply::calls(calls));
        assert_eq!(answer["choices"][0]["message"]["content"], Value::Null);
        assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    }
}
