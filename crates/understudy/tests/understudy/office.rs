//! A parcel office: its prompt, its tools, what they answer, and conversations at its counter.

use std::{path::Path, sync::Arc};

use axum::{Router, body::Body, http::Request};
use encoder::Encoder;
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const PROMPT: &str = r#"You stand at the counter of a parcel office. Use the tools; never guess.
If you cannot help, offer to call the customer a clerk.

<example>
<customer>where is my parcel?</customer>
<call tool="trace_parcel">{}</call>
<reply>Your parcel is at [[trace_parcel.place]]. It should arrive on [[trace_parcel.arrives_on]]. It was delayed by [[trace_parcel.delay]].</reply>
</example>
<example>
<customer>what do I owe you for storage?</customer>
<call tool="show_charges">{}</call>
<reply>Your storage charges are [[show_charges.storage]].</reply>
</example>
<example>
<customer>collect a parcel worth $50 next Friday from my checking account</customer>
<call tool="book_collection">{"worth": {"kind": "exact", "value": "$50"}, "on": "next Friday", "from": "checking"}</call>
<reply>I have prepared a collection on [[book_collection.on]], insured for [[book_collection.worth]]. Please check the slip and sign it.</reply>
</example>
<example>
<customer>call off my collection</customer>
<call tool="call_off">{"collection": "CL-0001"}</call>
<reply>Please sign the slip to call off [[call_off.collection]].</reply>
</example>
<example>
<customer>may I send perfume by air?</customer>
<call tool="look_up_rules">{"question": "sending perfume by air"}</call>
<reply>Our rules say: [[passage]]</reply>
</example>
<example>
<customer>I want to speak to somebody</customer>
<call tool="fetch_clerk">{}</call>
<reply>A clerk will be with you; your number is [[fetch_clerk.number]].</reply>
</example>
<example>
<customer>thank you</customer>
<reply>You are welcome.</reply>
</example>
<example>
<customer>¿dónde está mi paquete?</customer>
<call tool="trace_parcel">{}</call>
<reply>Su paquete está en [[trace_parcel.place]].</reply>
</example>
"#;

pub(crate) fn tools() -> Value {
    let spoken = |description: &str| json!({"type": "string", "format": "spoken-date", "description": description});
    json!([
        tool(
            "trace_parcel",
            "Finds where a parcel of the customer is and when it will arrive.",
            &json!({}),
            &[]
        ),
        tool(
            "show_charges",
            "Shows what the customer has to pay: storage, customs duty and the total.",
            &json!({}),
            &[]
        ),
        tool(
            "book_collection",
            "Prepares the collection of a parcel from the customer's home on a day.",
            &json!({
            "worth": {"description": "what the parcel is worth", "oneOf": [
                {"type": "object", "required": ["kind", "value"], "properties": {"kind": {"const": "exact"}, "value": {"type": "string", "format": "amount"}}},
                {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "nothing"}}}]},
            "on": spoken("on which day to come"),
            "from": {"type": ["string", "null"], "description": "the account to charge"}}),
            &["worth", "on"]
        ),
        tool(
            "call_off",
            "Prepares to call off a collection that was booked.",
            &json!({
            "collection": {"type": "string", "description": "the number of the collection"}}),
            &["collection"]
        ),
        tool(
            "look_up_rules",
            "Looks into the rules about what may be sent and how.",
            &json!({
            "question": {"type": "string", "format": "text"}}),
            &["question"]
        ),
        tool(
            "fetch_clerk",
            "Fetches a clerk for the customer to speak to in person.",
            &json!({}),
            &[]
        ),
        tool(
            "opening_hours",
            "Tells at what hours the office is open and when it closes.",
            &json!({}),
            &[]
        ),
    ])
}

fn tool(name: &str, description: &str, properties: &Value, required: &[&str]) -> Value {
    let parameters = json!({"type": "object", "properties": properties, "required": required});
    json!({"type": "function", "function": {"name": name, "description": description, "parameters": parameters}})
}

fn field(label: &str, kind: &str, text: &str) -> Value {
    json!({"label": label, "kind": kind, "text": text})
}

/// What the office answers to a call.
fn answer(reference: &str, name: &str, args: &Value) -> Value {
    let answered = |fields: Value| json!({"ref": reference, "tool": name, "outcome": "answered", "fields": fields});
    match name {
        "trace_parcel" => answered(json!({
            "place": field("place", "text", "Lyon"), "arrives_on": field("arrival", "date", "May 3, 2031")})),
        "show_charges" => answered(json!({
            "storage": field("storage charges", "money", "$4.00"), "duty": field("customs duty", "money", "$7.50"),
            "total": field("total", "money", "$11.50")})),
        "book_collection" if args["on"] == "Sunday" => {
            json!({"ref": reference, "tool": name, "outcome": "refused", "error": "nobody drives on Sundays"})
        }
        "book_collection" => answered(json!({
            "collection": field("collection", "id", "CL-7Q2X"), "on": field("day", "date", "May 9, 2031"),
            "worth": field("worth", "money", "$80.00")})),
        "call_off" => answered(
            json!({"collection": field("collection", "id", args["collection"].as_str().unwrap_or("?"))}),
        ),
        "look_up_rules" => {
            json!({"ref": reference, "tool": name, "outcome": "answered", "fields": {}, "passages": [
            {"ref": "p1", "title": "Liquids", "text": "## Air\nPerfume must not travel by air. It may go by sea in bottles of 100 ml."},
            {"ref": "p2", "title": "Animals", "text": "Bees travel free. Live reptiles are refused at every counter."}]})
        }
        "fetch_clerk" => answered(json!({"number": field("number", "id", "HC-0042")})),
        "opening_hours" => answered(
            json!({"opens": field("opening hour", "text", "nine"), "closes": field("closing hour", "text", "six")}),
        ),
        other => {
            json!({"ref": reference, "tool": other, "outcome": "failed", "error": "there is no such tool"})
        }
    }
}

/// The model's files, when this machine has them.
pub(crate) fn encoder() -> Option<Arc<Encoder>> {
    let folders = [
        Path::new("/var/lib/plumbline/models/minilm").to_path_buf(),
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.plumbline/models/minilm"),
    ];
    let Some(folder) = folders.iter().find(|folder| folder.join("model.safetensors").exists())
    else {
        eprintln!(
            "SKIPPED the part with embeddings: no sentence encoder; `plumbline doctor --install` fetches it"
        );
        return None;
    };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    Some(Arc::new(Encoder::parse(&read("model.safetensors"), &read("tokenizer.json")).unwrap()))
}

/// A conversation at the counter.
#[derive(Clone)]
pub(crate) struct Counter {
    router: Router,
    prompt: String,
    tools: Value,
    pub(crate) messages: Vec<Value>,
}

/// What one turn did.
#[derive(Debug, PartialEq)]
pub(crate) struct Turn {
    pub(crate) calls: Vec<(String, Value)>,
    pub(crate) reply: String,
}

impl Turn {
    pub(crate) fn tools(&self) -> Vec<&str> {
        self.calls.iter().map(|(name, _)| name.as_str()).collect()
    }
}

impl Counter {
    pub(crate) fn new(router: Router) -> Self {
        Self { router, prompt: PROMPT.to_owned(), tools: tools(), messages: Vec::new() }
    }

    pub(crate) fn taught(router: Router, prompt: &str, tools: Value) -> Self {
        Self { router, prompt: prompt.to_owned(), tools, messages: Vec::new() }
    }

    pub(crate) fn body(&self) -> Value {
        let mut messages = vec![json!({"role": "system", "content": self.prompt})];
        messages.extend(self.messages.clone());
        json!({"model": "understudy-1", "messages": messages, "tools": self.tools})
    }

    /// Sends the conversation as it stands; the assistant's message comes back.
    pub(crate) async fn ask(&self) -> Value {
        let (status, answer) = post(&self.router, "/v1/chat/completions", &self.body()).await;
        assert_eq!(status, 200, "{answer}");
        answer["choices"][0]["message"].clone()
    }

    /// Says something and runs the turn to its end.
    pub(crate) async fn say(&mut self, text: &str) -> Turn {
        self.messages.push(json!({"role": "user", "content": text}));
        let mut made = Vec::new();
        for _ in 0..6 {
            let message = self.ask().await;
            self.messages.push(message.clone());
            let Some(calls) = message["tool_calls"].as_array() else {
                return Turn {
                    calls: made,
                    reply: message["content"].as_str().unwrap().to_owned(),
                };
            };
            for call in calls {
                let name = call["function"]["name"].as_str().unwrap();
                let args: Value =
                    serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
                made.push((name.to_owned(), args.clone()));
                let result = answer(&format!("r{}", made.len()), name, &args).to_string();
                self.messages
                    .push(json!({"role": "tool", "tool_call_id": call["id"], "content": result}));
            }
        }
        panic!("the turn does not end: {made:?}");
    }
}

pub(crate) async fn post(router: &Router, path: &str, body: &Value) -> (u16, Value) {
    let (status, bytes) = send(router, path, body.to_string()).await;
    (status, serde_json::from_slice(&bytes).unwrap())
}

pub(crate) async fn send(router: &Router, path: &str, body: String) -> (u16, Vec<u8>) {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .body(Body::from(body))
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    (status, axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
}

/// The stand-in with and without an encoder.
pub(crate) fn routers() -> Vec<Router> {
    let mut routers = vec![understudy::router(None)];
    routers.extend(encoder().map(|encoder| understudy::router(Some(encoder))));
    routers
}
