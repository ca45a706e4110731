//! From a request to a reply: read, choose, call, then word.
//!
//! A pure function of the request and the encoder. Invariant: the same request has the same reply.

use serde_json::{Value, json};

use crate::{
    answer::Answerer,
    choose::{Choice, Chooser},
    fill::{Filled, fill},
    likeness::Likeness,
    phrases,
    reading::Reading,
    repair,
    wire::{ChatRequest, FunctionCall, Reply},
    words::Language,
};

/// After so many calls in one turn the stand-in words what it has.
const CALLS_MAX: usize = 12;

pub(crate) fn think(likeness: &Likeness, request: &ChatRequest) -> Reply {
    let reading = Reading::of(request);
    let choices = Chooser::new(likeness, &reading).choose();
    let language = Language::of(&reading.customer);
    let (calls, missing) = calls(&choices, &reading);
    let free =
        reading.repair.is_none() && !request.without_tools() && reading.called.len() < CALLS_MAX;
    if free && !calls.is_empty() {
        return Reply::calls(calls);
    }
    let answerer = Answerer { likeness, reading: &reading, language };
    let draft = worded(&answerer, &choices, &missing);
    match &reading.repair {
        Some(note) => Reply::says(repair::rewrite(&answerer, &draft, note)),
        None => Reply::says(draft),
    }
}

/// The calls still to be made for these choices, and what is missing for others.
fn calls(choices: &[Choice], reading: &Reading) -> (Vec<FunctionCall>, Vec<String>) {
    let mut calls: Vec<(String, Value)> = Vec::new();
    let mut missing = Vec::new();
    for choice in choices {
        for call in &choice.exchange.calls {
            let schema = reading.tool(&call.tool).map_or(&Value::Null, |tool| &tool.schema);
            match fill(call, schema, choice, reading) {
                Filled::Ready(args) => {
                    let made = (call.tool.clone(), args);
                    if !reading.called.contains(&made) && !calls.contains(&made) {
                        calls.push(made);
                    }
                }
                Filled::Waits => {}
                Filled::Missing(what) => missing.extend(what),
            }
        }
    }
    let written =
        calls.into_iter().map(|(name, args)| FunctionCall { name, arguments: args.to_string() });
    (written.collect(), missing)
}

fn worded(answerer: &Answerer<'_>, choices: &[Choice], missing: &[String]) -> String {
    let lessons = &answerer.reading.lessons;
    let idle = choices.is_empty() && answerer.reading.results.is_empty();
    if idle {
        let otherwise = lessons.otherwise(answerer.language).map(str::to_owned);
        return otherwise.unwrap_or_else(|| {
            phrases::cannot_help(answerer.language, lessons.offer().as_deref())
        });
    }
    let complete: Vec<Choice> = choices
        .iter()
        .filter(|choice| choice.exchange.calls.is_empty() || ran(choice, answerer.reading))
        .cloned()
        .collect();
    let mut said = if complete.is_empty() && answerer.reading.results.is_empty() {
        String::new()
    } else {
        answerer.answer(&complete)
    };
    if !missing.is_empty() {
        if !said.is_empty() {
            said.push(' ');
        }
        said.push_str(&phrases::missing(answerer.language, missing));
    }
    if said.is_empty() {
        said = phrases::nothing_found(answerer.language, lessons.offer().as_deref());
    }
    said
}

/// Whether any call of the choice has a result.
fn ran(choice: &Choice, reading: &Reading) -> bool {
    choice
        .exchange
        .calls
        .iter()
        .any(|call| reading.results.iter().any(|result| result.tool == call.tool))
}

/// What `think` saw, for a person who wonders why: which example was followed, how near, with which calls.
pub(crate) fn explain(likeness: &Likeness, request: &ChatRequest) -> Value {
    let reading = Reading::of(request);
    let chooser = Chooser::new(likeness, &reading);
    let choices = chooser.choose();
    let nearest = chooser.nearest(&reading.customer, reading.earlier.len());
    let choice = |choice: &Choice| {
        json!({
            "clause": choice.clause,
            "example": choice.exchange.customer,
            "score": choice.score,
            "calls": choice.exchange.calls.iter().map(|call| call.tool.as_str()).collect::<Vec<_>>(),
        })
    };
    let nearest =
        nearest.map(|(score, exchange)| json!({"example": exchange.customer, "score": score}));
    json!({ "customer": reading.customer, "nearest": nearest, "choices": choices.iter().map(choice).collect::<Vec<_>>() })
}
