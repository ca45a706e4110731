//! Turns that broke, were cut short or were left: ended, left to who answers them, or taken up.

use assistant::StreamPart;
use futures::FutureExt as _;
use orchestrator::Limits;
use serde_json::{Value, json};
use servicing::{
    Caller, Level,
    conversations::{ConversationView, NewMessage, Served, TurnRecord},
};
use store::{
    answering::Answering,
    conversations::{MessageRole, TurnStatus},
};

use crate::house::{House, key};

#[tokio::test]
async fn a_turn_that_breaks_is_ended_and_the_next_message_is_answered() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    house
        .sabotage("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room'; END $$")
        .await;
    house
        .sabotage("CREATE TRIGGER fail BEFORE INSERT ON steps FOR EACH ROW EXECUTE FUNCTION fail()")
        .await;
    let answer = house.say(ada, "what is my current balance?").await;
    assert!(
        answer.parts.iter().any(|part| matches!(part, StreamPart::Error { .. })) && answer.ended(),
        "{:?}",
        answer.parts
    );
    let view = house.view(ada).await;
    assert_eq!(view.turns.last().unwrap().status, TurnStatus::Faulted);
    assert!(
        view.messages.last().unwrap().message.text.starts_with("Something went wrong on our side")
    );

    house.sabotage("DROP TRIGGER fail ON steps").await;
    let answer = house.say(ada, "so what is my balance?").await;
    assert!(answer.text().contains('$'), "{:?}", answer.parts);
    let leaves = house.leaves(ada).await;
    assert_eq!(leaves.iter().filter(|kind| *kind == "turn.faulted").count(), 1);
}

#[tokio::test]
async fn a_turn_that_nobody_answers_gives_way_to_the_next_message() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let begun = house.begin(ada, "what is my apr?").await;
    let answer = house.say(ada, "what is my current balance?").await;
    assert!(answer.text().contains('$'), "{:?}", answer.parts);
    let view = house.view(ada).await;
    let left = view.turns.iter().find(|turn| turn.id == begun).unwrap();
    assert_eq!(left.status, TurnStatus::Faulted);
}

#[tokio::test]
async fn a_turn_that_another_process_answers_is_left_to_it() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let begun = house.begin(ada, "what is my current balance?").await;
    let other = Answering::new(house.servicing.store());
    let taken = other.take(begun).await.unwrap().unwrap();
    assert_eq!(house.assistant.resume().await.unwrap(), 0);
    let text = "what is my apr?";
    let caller = Caller::customer(ada.id);
    let refused =
        house.assistant.respond(caller, ada.id, ada.conversation, text, &key("apr")).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("still being answered")));

    drop(taken);
    while house.assistant.resume().await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    house.assistant.shut_down().await;
    let view = house.view(ada).await;
    assert_eq!(view.turns.last().unwrap().status, TurnStatus::Done);
}

#[tokio::test]
async fn a_turn_whose_record_makes_no_sense_is_ended() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let begun = house.begin(ada, "what is my apr?").await;
    let record = TurnRecord {
        steps: vec![(1, "from_tomorrow".to_owned(), json!({"event": "from_tomorrow"}))],
        ..TurnRecord::default()
    };
    house.servicing.record_turn(Caller::assistant(ada.id), begun, record).await.unwrap();
    assert_eq!(house.assistant.resume().await.unwrap(), 0);
    let view = house.view(ada).await;
    assert_eq!(view.turns.last().unwrap().status, TurnStatus::Faulted);
    assert!(house.leaves(ada).await.contains(&"turn.faulted".to_owned()));
    assert!(house.say(ada, "what is my current balance?").await.text().contains('$'));
}

#[tokio::test]
async fn a_turn_taken_up_shows_its_case_once_and_keeps_its_verdicts() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let begun = house.begin(ada, "I've filed for bankruptcy. What is my current balance?").await;
    let case = json!({"reference": "CAS-1", "kind": "bankruptcy", "text": "It is on record."});
    let allowed = json!({"guard": "rights", "answer": "case", "reason": ["bankruptcy"]});
    let events = [
        json!({"event": "received", "text": "what is my current balance?", "limits": Limits::default()}),
        json!({"event": "guarded", "outcome": {"guarded": "proceed"}, "cases": [case], "verdicts": [allowed]}),
        json!({"event": "planned", "prompt_tokens": 100}),
        json!({"event": "drafted", "ask": 1, "text": "Let me look."}),
        json!({"event": "judged", "clause": 0, "judgment": {"judgment": "pass", "text": "Let me look."}}),
        json!({"event": "released", "through": 1}),
    ];
    let message = NewMessage {
        cases: json!([case]),
        ..NewMessage::plain(MessageRole::Assistant, "Let me look.")
    };
    let record = TurnRecord {
        steps: (1..).zip(events).map(|(n, body)| (n, "event".to_owned(), body)).collect(),
        messages: vec![message],
        ..TurnRecord::default()
    };
    house.servicing.record_turn(Caller::assistant(ada.id), begun, record).await.unwrap();
    assert_eq!(house.assistant.resume().await.unwrap(), 1);
    house.assistant.shut_down().await;

    let view = house.view(ada).await;
    let said: Vec<_> = view
        .messages
        .iter()
        .map(|row| &row.message)
        .filter(|m| m.role == MessageRole::Assistant)
        .collect();
    assert!(said.len() >= 2, "{said:?}");
    let shown: usize = said.iter().map(|m| m.cases.as_array().unwrap().len()).sum();
    assert_eq!(shown, 1, "the case is shown once");
    let evidence = said.last().unwrap().evidence.as_ref().unwrap();
    assert_eq!(evidence["verdicts"][0], allowed);
}

#[tokio::test]
async fn a_turn_cut_short_is_taken_up_again() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let served = Served { configuration: Value::Null, attested: false };
    let caller = Caller::customer(ada.id);
    house
        .servicing
        .begin_turn(caller, ada.conversation, "what is my current balance?", served, &key("cut"))
        .await
        .unwrap();
    assert_eq!(house.assistant.resume().await.unwrap(), 1);
    house.assistant.shut_down().await;
    let view = house.view(ada).await;
    assert_eq!(view.turns.last().unwrap().status, TurnStatus::Done);
    assert!(view.messages.last().unwrap().message.text.contains('$'));
}

#[tokio::test]
async fn a_turn_cut_before_its_release_goes_on_with_what_its_guards_said() {
    let house = House::with_understudy().await;
    let text = "pay $50 next Friday from my checking account";
    let ada = house.person("Ada").await;
    house.say(ada, text).await;
    let whole = house.view(ada).await;
    let turn = whole.turns.last().unwrap().id;
    let steps = house.servicing.turn_steps(Caller::assistant(ada.id), turn).await.unwrap();
    let released = steps.iter().position(|step| step.kind == "released").unwrap();

    // Bob's turn stands where Ada's stood before its clauses were released.
    let bob = house.person("Bob").await;
    let served = Served { configuration: Value::Null, attested: false };
    let caller = Caller::customer(bob.id);
    let begun = house
        .servicing
        .begin_turn(caller, bob.conversation, text, served, &key("cut"))
        .await
        .unwrap();
    let steps = steps.into_iter().take(released);
    let record = TurnRecord {
        steps: steps.map(|step| (step.n, step.kind, step.body)).collect(),
        ..TurnRecord::default()
    };
    house.servicing.record_turn(Caller::assistant(bob.id), begun.turn_id, record).await.unwrap();
    assert_eq!(house.assistant.resume().await.unwrap(), 1);
    house.assistant.shut_down().await;

    let taken_up = house.view(bob).await;
    let texts = |view: &ConversationView| {
        view.messages.iter().map(|row| row.message.text.clone()).collect::<Vec<_>>()
    };
    assert_eq!(texts(&taken_up), texts(&whole));
    let verdicts = |view: &ConversationView| {
        view.messages.last().unwrap().message.evidence.as_ref().unwrap()["verdicts"].clone()
    };
    assert_eq!(verdicts(&taken_up), verdicts(&whole));
    assert_ne!(verdicts(&whole), json!([]));
}

#[tokio::test]
async fn a_turn_begun_at_a_known_channel_stays_there_when_it_is_taken_up() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let known = Caller::customer(ada.id).at(Level::L1);
    let served = Served { configuration: json!(null), attested: false };
    let asks = "what is my current balance?";
    let begun = house
        .servicing
        .begin_turn(known, ada.conversation, asks, served, &key("l1"))
        .await
        .unwrap();
    assert_eq!(house.assistant.resume().await.unwrap(), 1);
    house.assistant.shut_down().await;
    let view = house.servicing.conversation(known, ada.conversation, 0).await.unwrap();
    let turn = view.turns.iter().find(|turn| turn.id == begun.turn_id).unwrap();
    assert_eq!((turn.level, turn.status), (1, TurnStatus::Done));
    let said = view.messages.last().unwrap();
    assert_eq!(said.message.role, MessageRole::Assistant);
    assert!(!said.message.text.contains('$'), "{}", said.message.text);
    let evidence = said.message.evidence.as_ref().unwrap()["tool_calls"].to_string();
    assert!(evidence.contains("not known well enough"), "{evidence}");
}

#[tokio::test]
async fn a_request_that_goes_away_leaves_no_turn_without_a_driver() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    let caller = Caller::customer(ada.id);
    let text = "what is my current balance?";
    let asked = key("gone");
    let request = house.assistant.respond(caller, ada.id, ada.conversation, text, &asked);
    // Looked at once, and dropped.
    assert!(request.now_or_never().is_none());
    house.assistant.shut_down().await;
    let view = house.view(ada).await;
    assert_eq!(view.turns.last().unwrap().status, TurnStatus::Done);
    assert!(view.messages.last().unwrap().message.text.contains('$'));
}

#[tokio::test]
async fn a_turn_whose_record_is_whole_but_for_its_end_ends_with_a_leaf() {
    let house = House::with_understudy().await;
    let text = "what is my current balance?";
    let (ada, bob) = (house.person("Ada").await, house.person("Bob").await);
    house.say(ada, text).await;
    let turn = house.view(ada).await.turns.last().unwrap().id;
    let steps = house.servicing.turn_steps(Caller::assistant(ada.id), turn).await.unwrap();
    let begun = house.begin(bob, text).await;
    let record = TurnRecord {
        steps: steps.into_iter().map(|step| (step.n, step.kind, step.body)).collect(),
        ..TurnRecord::default()
    };
    house.servicing.record_turn(Caller::assistant(bob.id), begun, record).await.unwrap();
    assert_eq!(house.assistant.resume().await.unwrap(), 1);
    house.assistant.shut_down().await;
    assert_eq!(house.view(bob).await.turns.last().unwrap().status, TurnStatus::Done);
    assert_eq!(house.leaves(bob).await.last().map(String::as_str), Some("turn.ended"));
}
