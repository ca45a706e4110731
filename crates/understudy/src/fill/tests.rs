use serde_json::json;

use super::*;
use crate::prompt::{Exchange, WorkedCall};

/// A fictitious parcel office.
fn schema() -> Value {
    json!({"type": "object", "required": ["what", "on"], "properties": {
        "what": {"description": "how much to insure", "oneOf": [
            {"type": "object", "required": ["kind", "value"], "properties":
                {"kind": {"type": "string", "const": "exact"}, "value": {"type": "string", "format": "amount"}}},
            {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string", "const": "everything"}}}
        ]},
        "on": {"type": "string", "format": "spoken-date", "description": "The day of the collection. As said."},
        "from": {"type": "string"},
        "size": {"type": ["string", "null"], "enum": ["small", "extra_large", null]},
        "copies": {"type": ["integer", "null"]},
    }})
}

fn filled(example: (&str, Value), message: &str) -> Filled {
    filled_after(example, message, &json!([]))
}

fn filled_after((customer, args): (&str, Value), message: &str, messages: &Value) -> Filled {
    let mut request = messages.as_array().unwrap().clone();
    request.push(json!({"role": "user", "content": message}));
    let reading = Reading::of(&serde_json::from_value(json!({"messages": request})).unwrap());
    let exchange = Exchange {
        before: Vec::new(),
        customer: customer.to_owned(),
        calls: Vec::new(),
        reply: String::new(),
    };
    let choice =
        Choice { exchange, clause: message.to_owned(), message: message.to_owned(), score: 1000 };
    fill(&WorkedCall { tool: "insure".into(), args }, &schema(), &choice, &reading)
}

fn insure() -> (&'static str, Value) {
    (
        "insure it for $50 next Friday from my checking account",
        json!({"what": {"kind": "exact", "value": "$50"}, "on": "next Friday", "from": "checking"}),
    )
}

#[test]
fn each_slot_takes_the_span_of_its_kind() {
    let expected =
        json!({"what": {"kind": "exact", "value": "$72.10"}, "on": "the 3rd", "from": "savings"});
    assert_eq!(
        filled(insure(), "from savings, insure it for $72.10 on the 3rd"),
        Filled::Ready(expected)
    );
}

#[test]
fn spanish_spans_are_kept_as_they_were_said() {
    let expected = json!({"what": {"kind": "exact", "value": "50 d\u{f3}lares"}, "on": "ma\u{f1}ana", "from": "ahorros"});
    assert_eq!(
        filled(insure(), "asegura 50 d\u{f3}lares ma\u{f1}ana desde mis ahorros"),
        Filled::Ready(expected)
    );
}

#[test]
fn an_optional_slot_that_was_not_said_is_left_out_and_a_required_one_is_asked_for() {
    let expected = json!({"what": {"kind": "exact", "value": "$9"}, "on": "tomorrow"});
    assert_eq!(filled(insure(), "insure it for $9 tomorrow"), Filled::Ready(expected));
    assert_eq!(
        filled(insure(), "insure it for $9"),
        Filled::Missing(vec!["The day of the collection".into()])
    );
    assert_eq!(
        filled(insure(), "insure it tomorrow"),
        Filled::Missing(vec!["how much to insure".into()])
    );
}

#[test]
fn a_variant_gives_way_to_the_one_the_message_names() {
    let expected = json!({"what": {"kind": "everything"}, "on": "tomorrow"});
    assert_eq!(filled(insure(), "insure everything tomorrow"), Filled::Ready(expected));
    let everything =
        ("insure all of it tomorrow", json!({"what": {"kind": "everything"}, "on": "tomorrow"}));
    let expected = json!({"what": {"kind": "exact", "value": "$5"}, "on": "Monday"});
    assert_eq!(filled(everything, "insure $5 of it Monday"), Filled::Ready(expected));
}

#[test]
fn what_the_schema_offers_and_the_message_says_is_added() {
    let expected = json!({"what": {"kind": "exact", "value": "$9"}, "on": "today", "size": "extra_large", "copies": 3});
    assert_eq!(filled(insure(), "insure 3 extra large ones for $9 today"), Filled::Ready(expected));
}

#[test]
fn an_id_comes_from_the_message_or_from_the_conversation_and_is_never_the_examples() {
    let cancel =
        || ("cancel it", json!({"what": {"kind": "everything"}, "on": "today", "from": "PK-1111"}));
    let said =
        json!([{"role": "assistant", "content": "Your parcel PK-77A2 is insured under IN-0001."}]);
    let Filled::Ready(args) = filled_after(cancel(), "cancel that", &said) else { panic!("ready") };
    assert_eq!(args["from"], "PK-77A2");
    let Filled::Ready(args) = filled(cancel(), "cancel PK-90Z1") else { panic!("ready") };
    assert_eq!(args["from"], "PK-90Z1");
    let Filled::Ready(args) = filled(cancel(), "cancel that") else { panic!("ready") };
    assert_eq!(args.get("from"), None);
}

#[test]
fn free_text_is_the_customers_own_sentence() {
    let ask = (
        "how big may it be?",
        json!({"from": "size limits of parcels", "on": "today", "what": {"kind": "everything"}}),
    );
    let Filled::Ready(args) = filled(ask, "may I send liquids?") else { panic!("ready") };
    assert_eq!(args["from"], "may I send liquids?");
}

#[test]
fn a_value_of_another_tools_result_is_waited_for_and_then_used() {
    let chain = || {
        (
            "cancel the last",
            json!({"from": "[[list.last]]", "on": "today", "what": {"kind": "everything"}}),
        )
    };
    assert_eq!(filled(chain(), "cancel the last"), Filled::Waits);
    let (customer, args) = chain();
    let messages = json!([
        {"role": "user", "content": "cancel the last"},
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "list", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": r#"{"ref":"r1","fields":{"last":{"text":"PK-1"}}}"#},
    ]);
    let reading = Reading::of(&serde_json::from_value(json!({"messages": messages})).unwrap());
    let exchange =
        Exchange { before: vec![], customer: customer.into(), calls: vec![], reply: String::new() };
    let choice =
        Choice { exchange, clause: customer.into(), message: customer.into(), score: 1000 };
    let call = WorkedCall { tool: "insure".into(), args };
    let Filled::Ready(args) = fill(&call, &schema(), &choice, &reading) else { panic!("ready") };
    assert_eq!(args["from"], "PK-1");
}
