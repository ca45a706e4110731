//! A person asked for is a person found.

use identity::{Actor, RepresentativeId, TurnId};
use serde_json::json;
use servicing::{
    Caller, Key, RefusalCode,
    conversations::{ConversationView, NewLeaf, NewMessage, Served, TurnRecord},
};
use store::conversations::{ConversationStatus, MessageRole, Surface, TurnStatus};

use crate::house::{House, code, key};

fn served() -> Served {
    Served { configuration: json!({"prompt": "p1"}), attested: false }
}

#[tokio::test]
async fn a_conversation_is_started_once_for_one_key() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let start = async |text| {
        let key = key(text);
        house.servicing.start_conversation(ann.caller(), ann.id, Surface::Consumer, &key).await
    };
    let first = start("once").await.unwrap();
    assert_eq!(start("once").await.unwrap(), first);
    assert_ne!(start("twice").await.unwrap().id, first.id);
    let all = house.servicing.list_conversations(ann.caller(), ann.id).await.unwrap();
    assert_eq!(all.len(), 2);
}

#[tokio::test]
async fn a_turn_is_recorded_whole_and_one_at_a_time() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let service = &house.servicing;
    let assistant = Caller::assistant(ann.id);
    let conversation = service
        .start_conversation(ann.caller(), ann.id, Surface::Consumer, &key("start"))
        .await
        .unwrap();

    let begun = service
        .begin_turn(ann.caller(), conversation.id, " What do I owe? ", served(), &key("m1"))
        .await
        .unwrap();
    assert!(begun.fresh && begun.n == 1);
    let again = service
        .begin_turn(ann.caller(), conversation.id, "What do I owe?", served(), &key("m1"))
        .await
        .unwrap();
    assert!(!again.fresh && again.turn_id == begun.turn_id);
    let too_early =
        service.begin_turn(ann.caller(), conversation.id, "And?", served(), &key("m2")).await;
    assert_eq!(code(too_early), RefusalCode::TurnRunning);

    let record = TurnRecord {
        steps: vec![(1, "asked".to_owned(), json!({"tool": "get_balance"}))],
        leaves: vec![NewLeaf { kind: "turn.tool_called".to_owned(), payload: json!({"n": 1}) }],
        messages: vec![NewMessage::plain(MessageRole::Assistant, "You owe $8.00.")],
        ends: Some(TurnStatus::Done),
    };
    service.record_turn(assistant, begun.turn_id, record).await.unwrap();
    let view = service.conversation(ann.caller(), conversation.id, 0).await.unwrap();
    let texts: Vec<_> = view.messages.iter().map(|row| row.message.text.as_str()).collect();
    assert_eq!(texts, ["What do I owe?", "You owe $8.00."]);
    assert_eq!(view.turns[0].status, TurnStatus::Done);
    assert_eq!(service.turn_steps(assistant, begun.turn_id).await.unwrap().len(), 1);
    assert!(service.running_turns().await.unwrap().is_empty());
    service.begin_turn(ann.caller(), conversation.id, "And?", served(), &key("m2")).await.unwrap();
}

#[tokio::test]
async fn a_turn_is_begun_and_recorded_on_the_conversation_as_it_stands_and_not_as_it_was_seen() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let (service, caller) = (&house.servicing, ann.caller());
    let start = service.start_conversation(caller, ann.id, Surface::Consumer, &key("start")).await;
    let id = start.unwrap().id;
    let begin = async |seen: &ConversationView, key: &Key| {
        let turn_id = TurnId::mint(service.now());
        service.begin_turn_as(turn_id, caller, (seen, "And?"), served(), key).await
    };
    let seen = service.conversation_as_said(caller, id, 0).await.unwrap();
    let (first, footing) = begin(&seen, &key("m1")).await.unwrap();
    assert_eq!(code(begin(&seen, &key("m2")).await), RefusalCode::TurnRunning);

    // Something is recorded of which neither the view nor the footing knows.
    let asked = "asked_for_a_person";
    service.open_hand_off(caller, id, asked, "The customer asked.").await.unwrap();
    let record = TurnRecord {
        leaves: vec![NewLeaf { kind: "turn.released".to_owned(), payload: json!({}) }],
        messages: vec![NewMessage::plain(MessageRole::Assistant, "A person will answer.")],
        ends: Some(TurnStatus::HandedOff),
        ..TurnRecord::default()
    };
    let mut footing = footing.unwrap().footing;
    let assistant = Caller::assistant(ann.id);
    service.record_turn_on(assistant, &mut footing, record).await.unwrap();
    assert_eq!(code(begin(&seen, &key("m2")).await), RefusalCode::AlreadyClaimed);

    // What was answered before is answered again, whatever has become of the conversation.
    let (again, none) = begin(&seen, &key("m1")).await.unwrap();
    assert!(!again.fresh && again.turn_id == first.turn_id && none.is_none());
    let view = service.conversation(caller, id, 0).await.unwrap();
    assert_eq!((view.messages.len(), view.turns.len()), (2, 1));
    let mut conn = service.store().audit().acquire().await.unwrap();
    let leaves = audit::read(&mut conn, audit::Stream::Conversation(id)).await.unwrap();
    let kinds: Vec<_> = leaves.iter().map(|leaf| leaf.kind.as_str()).collect();
    let expected =
        ["conversation.started", "turn.message_received", "hand_off.opened", "turn.released"];
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn a_person_asked_for_answers_in_the_same_conversation_and_gives_it_back() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let (rae, sam) = (house.representative("Rae").await, house.representative("Sam").await);
    let service = &house.servicing;
    let assistant = Caller::assistant(ann.id);
    let id = service
        .start_conversation(ann.caller(), ann.id, Surface::Consumer, &key("start"))
        .await
        .unwrap()
        .id;

    let opened = service.open_hand_off(assistant, id, "asked", "Wants a person.").await.unwrap();
    let again = service.open_hand_off(assistant, id, "asked", "Wants a person.").await.unwrap();
    assert_eq!(again.reference, opened.reference);
    let queue = service.queue(rae).await.unwrap();
    assert_eq!(queue.hand_offs.len(), 1);
    assert_eq!(code(service.queue(ann.caller()).await), RefusalCode::NotAllowed);

    let early = service.reply(rae, id, "Hello, I am Rae.", &key("reply-0")).await;
    assert_eq!(code(early), RefusalCode::AlreadyClaimed);
    service.claim(rae, id, &key("claim")).await.unwrap();
    let second = service.claim(sam, id, &key("claim")).await;
    assert_eq!(code(second), RefusalCode::AlreadyClaimed);
    let one = service.reply(rae, id, "Hello, I am Rae.", &key("reply-1")).await.unwrap();
    let same = service.reply(rae, id, "Hello, I am Rae.", &key("reply-1")).await.unwrap();
    assert_eq!(one, same);
    service.post_customer_message(ann.caller(), id, "Thanks", &key("thanks")).await.unwrap();
    service.release(rae, id, &key("release")).await.unwrap();

    let view = service.conversation(ann.caller(), id, 0).await.unwrap();
    let roles: Vec<_> = view.messages.iter().map(|row| row.message.role).collect();
    assert_eq!(roles, [MessageRole::Representative, MessageRole::Customer]);
    assert_eq!(view.conversation.status, ConversationStatus::Assistant);
    assert!(view.hand_off.is_none());
}

#[tokio::test]
async fn another_customer_cannot_read_or_speak_in_a_conversation() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let bob = house.person_with_account("Bob", "000111227777").await;
    let service = &house.servicing;
    let id = service
        .start_conversation(ann.caller(), ann.id, Surface::Consumer, &key("start"))
        .await
        .unwrap()
        .id;
    assert_eq!(code(service.conversation(bob.caller(), id, 0).await), RefusalCode::NotFound);
    let spoken = service.begin_turn(bob.caller(), id, "hi", served(), &key("hi")).await;
    assert_eq!(code(spoken), RefusalCode::NotFound);
    let asked = service.open_hand_off(Caller::assistant(bob.id), id, "asked", "x").await;
    assert_eq!(code(asked), RefusalCode::NotFound);
    assert_eq!(house.count("SELECT count(*) FROM messages").await, 0);
}

#[tokio::test]
async fn a_message_sent_again_with_its_key_is_one_message_whoever_has_the_conversation_by_then() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let rae = house.representative("Rae").await;
    let service = &house.servicing;
    let start = async |text: &str| {
        service
            .start_conversation(ann.caller(), ann.id, Surface::Consumer, &key(text))
            .await
            .unwrap()
            .id
    };
    let says = "I want a person";

    // Answered by the assistant first, then by nobody but a person.
    let conversation = start("talk-1").await;
    let sent =
        service.begin_turn(ann.caller(), conversation, says, served(), &key("k1")).await.unwrap();
    service.claim(rae, conversation, &key("claim-1")).await.unwrap();
    let again =
        service.post_customer_message(ann.caller(), conversation, says, &key("k1")).await.unwrap();
    assert_eq!(again, sent.message_id);

    // Posted to a person first, then sent again to the assistant.
    let conversation = start("talk-2").await;
    service.claim(rae, conversation, &key("claim-2")).await.unwrap();
    let posted =
        service.post_customer_message(ann.caller(), conversation, says, &key("k2")).await.unwrap();
    service.release(rae, conversation, &key("release-2")).await.unwrap();
    let again =
        service.begin_turn(ann.caller(), conversation, says, served(), &key("k2")).await.unwrap();
    assert!(!again.fresh && again.message_id == posted);
    let view = service.conversation(ann.caller(), conversation, 0).await.unwrap();
    assert_eq!(view.messages.len(), 1);
}

#[tokio::test]
async fn the_assistant_begins_no_turn_in_a_conversation_that_a_person_has_just_claimed() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let rae = house.representative("Rae").await;
    let service = &house.servicing;
    let conversation = service
        .start_conversation(ann.caller(), ann.id, Surface::Consumer, &key("talk"))
        .await
        .unwrap()
        .id;
    service.claim(rae, conversation, &key("claim")).await.unwrap();
    let begun = service.begin_turn(ann.caller(), conversation, "Hi", served(), &key("hi")).await;
    assert_eq!(code(begun), RefusalCode::AlreadyClaimed);
}

#[tokio::test]
async fn a_closed_conversation_is_claimed_by_nobody() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let rae = house.representative("Rae").await;
    let service = &house.servicing;
    let talk = service
        .start_conversation(ann.caller(), ann.id, Surface::Consumer, &key("talk"))
        .await
        .unwrap()
        .id;
    sqlx::query("UPDATE conversations SET status = 'closed'")
        .execute(house.database.owner())
        .await
        .unwrap();
    assert_eq!(
        code(service.claim(rae, talk, &key("claim")).await),
        RefusalCode::ConversationClosed
    );
    assert_eq!(house.count("SELECT count(*) FROM hand_offs").await, 0);
}

/// The representative behind a caller.
fn id_of(caller: Caller) -> RepresentativeId {
    match caller.actor {
        Actor::Representative { id } => id,
        other => panic!("no representative: {other:?}"),
    }
}

#[tokio::test]
async fn a_conversation_is_taken_from_a_representative_who_went_away_and_both_are_named() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let (rae, sam) = (house.representative("Rae").await, house.representative("Sam").await);
    let kim = house.representative("Kim").await;
    let service = &house.servicing;
    let talk = service
        .start_conversation(ann.caller(), ann.id, Surface::Consumer, &key("talk"))
        .await
        .unwrap()
        .id;
    let take = async |who, from, name| service.take_over(who, talk, from, &key(name)).await;
    // Nobody has it: there is nothing to take over.
    assert_eq!(code(take(sam, id_of(rae), "early").await), RefusalCode::NotFound);
    service.open_hand_off(Caller::assistant(ann.id), talk, "asked", "x").await.unwrap();
    assert_eq!(code(take(sam, id_of(rae), "unclaimed").await), RefusalCode::AlreadyClaimed);

    service.claim(rae, talk, &key("claim")).await.unwrap();
    let held = take(sam, id_of(rae), "take").await.unwrap();
    assert_eq!(held.claimed_by, Some(id_of(sam)));
    assert_eq!(take(sam, id_of(rae), "take").await.unwrap(), held);
    // Whoever comes later names one who no longer has it.
    assert_eq!(code(take(kim, id_of(rae), "late").await), RefusalCode::AlreadyClaimed);
    let silenced = service.reply(rae, talk, "I am back", &key("back")).await;
    assert_eq!(code(silenced), RefusalCode::AlreadyClaimed);
    service.reply(sam, talk, "Hello, I am Sam.", &key("hello")).await.unwrap();
    let reader = Caller { read_only: true, ..kim };
    assert_eq!(code(take(reader, id_of(sam), "reader").await), RefusalCode::NotAllowed);

    let stream = audit::Stream::Conversation(talk);
    let mut conn = service.store().audit().acquire().await.unwrap();
    let leaves = audit::read(&mut conn, stream).await.unwrap();
    let named: Vec<_> = leaves.iter().filter(|leaf| leaf.kind == "hand_off.taken_over").collect();
    assert_eq!(named.len(), 1);
    let payload = named[0].payload.as_ref().unwrap();
    assert_eq!((&payload["from"]["name"], &payload["by"]["name"]), (&json!("Rae"), &json!("Sam")));
}

#[tokio::test]
async fn a_turn_that_has_ended_or_is_driven_by_another_records_nothing_more() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let (service, caller) = (&house.servicing, ann.caller());
    let start = service.start_conversation(caller, ann.id, Surface::Consumer, &key("start")).await;
    let id = start.unwrap().id;
    let seen = service.conversation_as_said(caller, id, 0).await.unwrap();
    let begin = async |name: &str| {
        let begun = (&seen, "And?");
        let turn = TurnId::mint(service.now());
        service.begin_turn_as(turn, caller, begun, served(), &key(name)).await
    };
    let (first, ground) = begin("m1").await.unwrap();
    let assistant = Caller::assistant(ann.id);
    let step = |text: &str| TurnRecord {
        steps: vec![(1, "asked".to_owned(), json!({"by": text}))],
        leaves: vec![NewLeaf { kind: "turn.released".to_owned(), payload: json!({"by": text}) }],
        messages: vec![NewMessage::plain(MessageRole::Assistant, text)],
        ends: None,
    };
    // Two who both believe that it is theirs, from the same place on.
    let mut footing = ground.unwrap().footing;
    let mut others = footing.clone();
    service.record_turn_on(assistant, &mut footing, step("one")).await.unwrap();
    let second = service.record_turn_on(assistant, &mut others, step("two")).await;
    assert_eq!(code(second), RefusalCode::TurnOver);

    let says = NewMessage::plain(MessageRole::Assistant, "Something went wrong.");
    assert!(service.fault_turn(assistant, first.turn_id, says, "test").await.unwrap());
    let more = TurnRecord { steps: vec![(2, "asked".to_owned(), json!({}))], ..step("three") };
    let after = service.record_turn_on(assistant, &mut footing, more).await;
    assert_eq!(code(after), RefusalCode::TurnOver);
    let view = service.conversation(caller, id, 0).await.unwrap();
    let texts: Vec<_> = view.messages.iter().map(|row| row.message.text.as_str()).collect();
    assert_eq!(texts, ["And?", "one", "Something went wrong."]);

    // As it was seen a turn was running; it no longer is, and what was said meanwhile comes with the next.
    let stale = seen;
    let next = TurnId::mint(service.now());
    let turn = service.begin_turn_as(next, caller, (&stale, "So?"), served(), &key("m2")).await;
    let newer = turn.unwrap().1.unwrap().newer.unwrap();
    assert_eq!(newer.messages.len(), 3);
}

#[tokio::test]
async fn a_turn_that_was_seen_running_and_has_ended_keeps_no_message_from_being_answered() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let (service, caller) = (&house.servicing, ann.caller());
    let start = service.start_conversation(caller, ann.id, Surface::Consumer, &key("start")).await;
    let id = start.unwrap().id;
    let begun = service.begin_turn(caller, id, "Hi", served(), &key("m1")).await.unwrap();
    let seen = service.conversation_as_said(caller, id, 0).await.unwrap();
    let record = TurnRecord { ends: Some(TurnStatus::Done), ..TurnRecord::default() };
    service.record_turn(Caller::assistant(ann.id), begun.turn_id, record).await.unwrap();
    let next = TurnId::mint(service.now());
    let turn = service.begin_turn_as(next, caller, (&seen, "And?"), served(), &key("m2")).await;
    assert!(turn.unwrap().1.unwrap().newer.is_some());
}

/// Waits until so many wait for a lock of this database that somebody holds.
async fn waiting(house: &House, count: i64) {
    let sql = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while house.count(sql).await < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_message_to_a_representative_who_has_just_left_is_not_left_lying() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let rae = house.representative("Rae").await;
    let (service, caller) = (&house.servicing, ann.caller());
    let start = service.start_conversation(caller, ann.id, Surface::Consumer, &key("start")).await;
    let id = start.unwrap().id;
    service.claim(rae, id, &key("claim")).await.unwrap();
    let mut holder = house.database.owner().begin().await.unwrap();
    store::conversations::lock(&mut holder, id).await.unwrap();
    let (one, two) = (service.clone(), service.clone());
    let release = tokio::spawn(async move { one.release(rae, id, &key("release")).await });
    waiting(&house, 1).await;
    // She has it still, as far as can be seen.
    let posted = tokio::spawn(async move {
        two.post_customer_message(caller, id, "Are you there?", &key("post")).await
    });
    waiting(&house, 2).await;
    holder.commit().await.unwrap();
    release.await.unwrap().unwrap();
    assert_eq!(code(posted.await.unwrap()), RefusalCode::AlreadyClaimed);
    assert_eq!(house.count("SELECT count(*) FROM messages").await, 0);
    // Sent again it goes to who has the conversation now.
    let again = service.begin_turn(caller, id, "Are you there?", served(), &key("post")).await;
    assert!(again.unwrap().fresh);
}
