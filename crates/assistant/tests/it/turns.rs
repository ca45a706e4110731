//! Turns from a customer's words to what is on record.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use assistant::{StreamPart, Watch};
use identity::IntentId;
use money::Cents;
use serde_json::json;
use servicing::{
    AmountAsk, BankAccountAsk, Caller, Level, PaymentAsk,
    decisions::{NewDecision, Reason},
};
use store::{
    conversations::{ConversationStatus, MessageRole, TurnStatus},
    decisions::Outcome,
};
use understudy::scripted::{Script, Step};

use crate::house::{House, key};

#[tokio::test]
async fn a_balance_is_told_as_the_record_has_it() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let answer = house.say(ada, "what is my current balance?").await;
    let owed = house.servicing.position(Caller::customer(ada.id), ada.id).await.unwrap();
    let owed = owed.position.total_owed;
    assert_eq!(answer.tools(), ["get_balance"], "{:?}", answer.parts);
    assert!(answer.text().contains(&owed.to_string()), "{}", answer.text());
    assert!(answer.ended());

    let view = house.view(ada).await;
    let message = &view.messages.last().unwrap().message;
    let shown: Vec<_> = view
        .messages
        .iter()
        .map(|row| &row.message)
        .filter(|m| m.role == MessageRole::Assistant)
        .map(|m| m.text.clone())
        .collect();
    assert_eq!(shown.join(" "), answer.text(), "what is shown is what is on record");
    assert_eq!(view.turns.last().unwrap().status, TurnStatus::Done);
    let evidence = message.evidence.as_ref().unwrap();
    assert_eq!(evidence.pointer("/tool_calls/0/outcome"), Some(&json!("answered")));
    assert_eq!(evidence.pointer("/attested"), Some(&json!(false)));
}

#[tokio::test]
async fn a_payment_is_prepared_confirmed_elsewhere_and_cancelled_again() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let answer = house.say(ada, "pay $50 next Friday from my checking account").await;
    let intent = answer.intent().unwrap_or_else(|| panic!("no sheet: {:?}", answer.parts));
    assert_eq!(intent["fields"][0]["text"], "$50.00");
    assert_eq!(intent["status"], "awaiting_confirmation");
    assert!(answer.text().contains("prepared a payment of $50.00"), "{}", answer.text());

    let caller = Caller::customer(ada.id);
    assert!(house.servicing.list_payments(caller, ada.id).await.unwrap().is_empty());
    let id: IntentId = intent["id"].as_str().unwrap().parse().unwrap();
    house.servicing.confirm(caller, id, &key("confirm-1")).await.unwrap();
    assert_eq!(house.servicing.list_payments(caller, ada.id).await.unwrap().len(), 1);

    let answer = house.say(ada, "please cancel that scheduled payment").await;
    let intent = answer.intent().unwrap_or_else(|| panic!("no sheet: {:?}", answer.parts));
    assert_eq!(intent["tool"], "cancel_payment");
    let id: IntentId = intent["id"].as_str().unwrap().parse().unwrap();
    let receipt = house.servicing.confirm(caller, id, &key("confirm-2")).await.unwrap();
    assert_eq!(receipt.kind, "payment_cancelled");
}

#[tokio::test]
async fn what_will_be_tried_again_and_what_tries_it_is_told_with_the_payments() {
    let script = Script::per_turn([
        Step::call("list_payments", &json!({})),
        Step::text("These are your payments: [[list_payments.payments]]"),
    ]);
    let house = House::with_script(script).await;
    let ada = house.person("Ada").await;
    let caller = Caller::customer(ada.id);
    for (cents, on) in [(5_000, "2026-11-23"), (4_000, "2026-11-24"), (3_000, "2026-11-25")] {
        let ask = PaymentAsk {
            amount: AmountAsk::Exact { cents: Cents::new(cents) },
            on: on.parse().unwrap(),
            from: BankAccountAsk::Only,
        };
        house.servicing.schedule_payment(caller, ada.id, &ask, &key(on)).await.unwrap();
    }
    // The first came back and waits; the third tries the second again.
    for statement in [
        "UPDATE payments SET status = 'returned', return_code = 'R01', returned_on = debit_on WHERE amount_cents >= 4000",
        "UPDATE payments SET retry_on = returned_on + 5 WHERE amount_cents = 5000",
        "UPDATE payments SET retry_of = (SELECT id FROM payments WHERE amount_cents = 4000) WHERE amount_cents = 3000",
    ] {
        house.sabotage(statement).await;
    }
    let listed = house.servicing.list_payments(caller, ada.id).await.unwrap();
    let reference = |cents| {
        let one = listed.iter().find(|view| view.payment.amount == Cents::new(cents)).unwrap();
        one.payment.reference.clone()
    };
    let text = house.say(ada, "what payments do I have?").await.text();
    let (first, second, third) = (reference(5_000), reference(4_000), reference(3_000));
    for ends in [
        format!("returned ({first}), will be tried again on or after November 28, 2026"),
        format!("returned ({second})"),
        format!("scheduled ({third}), tries {second} again"),
    ] {
        assert!(text.lines().any(|line| line.ends_with(&ends)), "{ends}: {text}");
    }
}

#[tokio::test]
async fn a_right_said_in_passing_is_on_record_in_the_same_turn() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let answer = house.say(ada, "what's my balance? by the way I've filed for bankruptcy").await;
    let case = answer.case().unwrap_or_else(|| panic!("no case: {:?}", answer.parts));
    assert_eq!(case["kind"], "bankruptcy");
    let caller = Caller::customer(ada.id);
    let cases = house.servicing.list_cases(caller, ada.id).await.unwrap();
    assert_eq!(cases.len(), 1);
    assert_eq!(case["reference"], cases.first().unwrap().reference.as_str());

    let answer = house.say(ada, "pay $50 tomorrow").await;
    assert_eq!(answer.intent(), None, "no debit is prepared under a bankruptcy");
}

#[tokio::test]
async fn a_person_asked_for_takes_over() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let answer = house.say(ada, "I want to talk to a human please").await;
    assert!(answer.text().contains("HND-"), "{}", answer.text());
    assert_eq!(house.view(ada).await.conversation.status, ConversationStatus::Waiting);
    let waiting = house.say(ada, "are you there?").await;
    assert!(matches!(waiting.parts.first(), Some(StreamPart::DataStatus { .. })));
    assert_eq!(house.view(ada).await.turns.len(), 1, "no model answers while a person is awaited");
}

#[tokio::test]
async fn a_right_is_heard_while_a_person_is_awaited_and_while_one_answers() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    house.say(ada, "I want to talk to a human please").await;
    let caller = Caller::customer(ada.id);
    assert_eq!(house.view(ada).await.conversation.status, ConversationStatus::Waiting);

    let waiting = house.say_with(ada, "I've filed for bankruptcy", &key("said-1")).await;
    let case = waiting.case().unwrap_or_else(|| panic!("no case: {:?}", waiting.parts));
    assert_eq!(case["kind"], "bankruptcy");
    let reference = case["reference"].as_str().unwrap();
    assert!(waiting.text().contains(reference) && waiting.ended(), "{}", waiting.text());
    assert!(waiting.tools().is_empty());

    let rae = house.representative("Rae").await;
    house.servicing.claim(rae, ada.conversation, &key("claim")).await.unwrap();
    let has = house.say(ada, "stop taking money from my account").await;
    let stop = has.case().unwrap_or_else(|| panic!("no case: {:?}", has.parts));
    assert_eq!(stop["kind"], "stop_payment");
    let again = house.say_with(ada, "I've filed for bankruptcy", &key("said-1")).await;
    assert_eq!(again.case().unwrap()["reference"], reference);

    let view = house.view(ada).await;
    assert_eq!(view.turns.len(), 1, "no model answers");
    let told: Vec<_> = view
        .messages
        .iter()
        .map(|row| &row.message)
        .filter(|m| m.role == MessageRole::System)
        .map(|m| m.cases[0]["reference"].clone())
        .collect();
    assert_eq!(told, [case["reference"].clone(), stop["reference"].clone()], "each is said once");
    assert_eq!(house.servicing.list_cases(caller, ada.id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_person_asked_for_late_is_still_found() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let late = house.assistant.clone().with_turn_limit(Duration::ZERO);
    let answer = house.say_to(&late, ada, "what is my balance?", &key("late-1")).await;
    assert!(answer.text().contains("cannot answer right now"), "{}", answer.text());
    let text = "I've filed for bankruptcy, I want to talk to a human";
    let answer = house.say_to(&late, ada, text, &key("late-2")).await;
    assert!(answer.text().contains("HND-"), "{}", answer.text());
    assert_eq!(answer.case().unwrap()["kind"], "bankruptcy");
}

#[tokio::test]
async fn an_answer_sent_again_has_its_sheet() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let text = "pay $50 next Friday from my checking account";
    let first = house.say_with(ada, text, &key("sheet")).await;
    let again = house.say_with(ada, text, &key("sheet")).await;
    assert!(first.intent().is_some(), "{:?}", first.parts);
    assert_eq!(first.intent(), again.intent());
}

#[tokio::test]
async fn what_a_representative_wrote_is_told_apart_from_what_the_model_said() {
    let script = Script::sequence([Step::text("How can I help?")]);
    let watch = script.watch();
    let house = House::with_script(script).await;
    let ada = house.person("Ada").await;
    let rae = house.representative("Rae").await;
    let service = &house.servicing;
    service.claim(rae, ada.conversation, &key("claim")).await.unwrap();
    service.reply(rae, ada.conversation, "I waive that fee for you.", &key("reply")).await.unwrap();
    service.release(rae, ada.conversation, &key("release")).await.unwrap();
    house.say(ada, "thank you").await;
    let sent = watch.requests();
    let messages = sent.last().unwrap()["messages"].as_array().unwrap().clone();
    let told = messages.iter().find(|m| m["content"].to_string().contains("I waive that fee"));
    let told = told.unwrap()["content"].as_str().unwrap().to_owned();
    assert!(told.starts_with("[A representative, not the assistant, wrote"), "{told}");
}

#[tokio::test]
async fn reasons_are_shown_byte_for_byte_and_never_worded() {
    let text = "Balances on your revolving accounts are high compared with their limits";
    let lie = "You were declined because your score was too low.";
    let script = Script::per_turn([
        Step::call("get_decision_record", &json!({})),
        Step::text(
            "Our decision is on record from [[r1.decided_on]]. The principal reasons are shown here.",
        ),
    ]);
    let house = House::with_script(script).await;
    let ada = house.person("Ada").await;
    let new = NewDecision {
        customer_id: ada.id,
        product: "CASHLINE-STD-1".into(),
        requested_limit: Cents::new(100_000),
        inputs: json!({}),
        outcome: Outcome::Declined,
        model: "m".into(),
        policy: "p".into(),
        contributions: json!({}),
        reasons: vec![Reason { code: "RC01".into(), text: text.into() }],
        terms: None,
        notice: "<p>notice</p>".into(),
    };
    house.servicing.record_decision(Caller::system(), new, &key("decision")).await.unwrap();
    let answer = house.say(ada, "why was I declined?").await;
    let notice = answer.notice().unwrap_or_else(|| panic!("no notice: {:?}", answer.parts));
    assert_eq!(notice["text"], text);
    assert_eq!(notice["html"], "<p>notice</p>");
    assert!(answer.text().contains("November 21, 2026"), "{}", answer.text());
    assert!(!answer.text().contains(lie));
    assert_eq!(answer.case().unwrap()["kind"], "reasons_request");
}

#[tokio::test]
async fn the_same_message_is_answered_once() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let first = house.say_with(ada, "what is my apr?", &key("once")).await;
    let again = house.say_with(ada, "what is my apr?", &key("once")).await;
    assert_eq!(first.text(), again.text());
    assert_eq!(house.view(ada).await.turns.len(), 1);
}

#[tokio::test]
async fn a_policy_question_is_answered_with_its_passage() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let answer = house.say(ada, "what happens if I miss my due date?").await;
    assert_eq!(answer.tools(), ["search_policy"], "{:?}", answer.parts);
    let cited = answer.parts.iter().any(|part| matches!(part, StreamPart::DataCitation { .. }));
    assert!(cited && answer.text().contains("[1]"), "{}", answer.text());
}

#[tokio::test]
async fn the_tools_as_the_model_sees_them() {
    let house = House::with_understudy().await;
    let specs = house.assistant.release().unwrap().tool_specs(toolkit::Surface::Consumer);
    insta::assert_json_snapshot!(specs);
}

#[derive(Default)]
struct Counted(Mutex<(u32, u32)>);

impl Watch for Counted {
    fn turn_began(&self) {
        self.0.lock().unwrap().0 += 1;
    }

    fn turn_ended(&self, _: Duration) {
        self.0.lock().unwrap().1 += 1;
    }
}

#[tokio::test]
async fn a_turn_counts_whether_or_not_its_reader_stays_and_a_refused_message_is_none() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let counted = Arc::new(Counted::default());
    let assistant = house.assistant.clone().with_watch(counted.clone());
    let caller = Caller::customer(ada.id);
    let says = async |caller, text, name| {
        assistant.respond(caller, ada.id, ada.conversation, text, &key(name)).await
    };
    assert!(says(caller, " ", "empty").await.is_err());
    assert!(says(caller.at(Level::L0), "hello", "nobody").await.is_err());
    drop(says(caller, "what is my current balance?", "gone").await.unwrap());
    assistant.shut_down().await;
    drop(says(caller, "what is my current balance?", "gone").await.unwrap());
    assert_eq!(*counted.0.lock().unwrap(), (1, 1));
}
