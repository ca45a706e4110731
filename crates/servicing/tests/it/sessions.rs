//! Who is signed in, and until when: sessions are known by their token alone.

use calendar::Clock;
use chrono::TimeDelta;
use serde_json::json;
use servicing::{
    Caller, Level, RefusalCode,
    conversations::{NewMessage, Served, TurnRecord},
    purge::{KEYS_KEPT, SESSIONS_KEPT},
    sessions::{SESSION_LASTS, Who},
};
use store::conversations::{MessageRole, Surface, TurnStatus};

use crate::house::{House, code, day, key, noon};

#[tokio::test]
async fn a_session_outlives_a_move_of_the_business_clock_and_ends_by_its_own() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let (clock, hand) = Clock::manual(noon(day("2026-03-01")));
    let service = house.servicing.clone().with_session_clock(clock);
    let (token, begun) = service.sign_in_customer(ann.id, Level::L2).await.unwrap();
    assert_eq!(begun.expires_at, noon(day("2026-03-01")) + SESSION_LASTS);

    house.hand.advance(TimeDelta::days(400));
    let found = service.session(&token).await.unwrap().unwrap();
    assert_eq!(found, begun);
    assert!(matches!(found.who, Who::Customer(customer) if customer.id == ann.id));

    hand.advance(SESSION_LASTS - TimeDelta::seconds(1));
    assert!(service.session(&token).await.unwrap().is_some());
    hand.advance(TimeDelta::seconds(1));
    assert_eq!(service.session(&token).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_lives_until_it_expires_or_ends() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let service = &house.servicing;
    let (token, session) = service.sign_in_customer(ann.id, Level::L2).await.unwrap();
    assert_eq!(session.caller(), ann.caller());
    assert_eq!(service.session(&token).await.unwrap(), Some(session));
    assert_eq!(service.session("made up").await.unwrap(), None);
    service.sign_out(&token).await.unwrap();
    assert_eq!(service.session(&token).await.unwrap(), None);

    let (token, _) = service.sign_in_customer(ann.id, Level::L2).await.unwrap();
    house.hand.advance(TimeDelta::hours(12));
    assert_eq!(service.session(&token).await.unwrap(), None);
    let kept =
        house.count("SELECT count(*) FROM sessions WHERE encode(token_digest, 'hex') = ''").await;
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn a_session_asks_at_the_level_to_which_it_was_begun() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let service = &house.servicing;
    let (token, _) = service.sign_in_customer(ann.id, Level::L1).await.unwrap();
    let caller = service.session(&token).await.unwrap().unwrap().caller();
    assert_eq!(caller, ann.caller().at(Level::L1));
    assert_eq!(code(service.position(caller, ann.id).await), RefusalCode::LevelTooLow);
    assert_eq!(code(service.list_payments(caller, ann.id).await), RefusalCode::LevelTooLow);
    let sentence = service.position(caller, ann.id).await.unwrap_err().to_string();
    assert!(sentence.contains("L1") && sentence.contains("L2"), "{sentence}");
}

/// At L1 a customer talks and is heard; what was said at L2 is not shown to them, nor that something was proposed.
#[tokio::test]
async fn a_conversation_is_shown_as_far_as_the_level_reaches() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let service = &house.servicing;
    house.draws(ann, 80_000).await;
    let (known, signed_in) = (ann.caller().at(Level::L1), ann.caller());
    let talk = service
        .start_conversation(known, ann.id, Surface::Consumer, &key("talk"))
        .await
        .unwrap()
        .id;
    let served = || Served { configuration: json!(null), attested: false };
    for (name, caller, said, answer) in [
        ("known", known, "how long does a payment take?", "Three banking days."),
        ("signed-in", signed_in, "what do I owe?", "You owe $8.00."),
    ] {
        let begun = service.begin_turn(caller, talk, said, served(), &key(name)).await;
        let turn = begun.unwrap().turn_id;
        let record = TurnRecord {
            messages: vec![NewMessage::plain(MessageRole::Assistant, answer)],
            ends: Some(TurnStatus::Done),
            ..TurnRecord::default()
        };
        let assistant = Caller::assistant(ann.id).at(caller.level);
        service.record_turn(assistant, turn, record).await.unwrap();
        let steps = service.turn_steps(Caller::assistant(ann.id).at(Level::L1), turn).await;
        assert_eq!(steps.is_ok(), caller.level == Level::L1);
    }
    let mut proposal = crate::intents::proposal(&house, ann, 100).await;
    proposal.conversation_id = Some(talk);
    service.propose(Caller::assistant(ann.id), proposal).await.unwrap();

    let all = service.conversation(signed_in, talk, 0).await.unwrap();
    assert_eq!((all.messages.len(), all.intents.len()), (4, 1));
    let some = service.conversation(known, talk, 0).await.unwrap();
    let texts: Vec<_> = some.messages.iter().map(|message| message.message.text.as_str()).collect();
    assert_eq!(texts, ["how long does a payment take?", "Three banking days."]);
    assert_eq!(some.intents, []);
    assert_eq!(service.list_conversations(known, ann.id).await.unwrap().len(), 1);
    let nobody = ann.caller().at(Level::L0);
    assert_eq!(code(service.conversation(nobody, talk, 0).await), RefusalCode::LevelTooLow);
}

#[tokio::test]
async fn sessions_and_keys_are_kept_for_their_time_and_then_deleted_by_the_days_work() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let service = &house.servicing;
    let sessions = async || house.count("SELECT count(*) FROM sessions").await;
    let keys = async || house.count("SELECT count(*) FROM idempotency_keys").await;
    service.sign_in_customer(ann.id, Level::L2).await.unwrap();
    let started = service
        .start_conversation(ann.caller(), ann.id, Surface::Consumer, &key("talk"))
        .await
        .unwrap();
    let works = async || service.run_jobs(Caller::system()).await.unwrap();

    house.hand.advance(SESSION_LASTS + SESSIONS_KEPT);
    assert_eq!((works().await.sessions_purged, sessions().await), (0, 1));
    house.hand.advance(TimeDelta::seconds(1));
    assert_eq!((works().await.sessions_purged, sessions().await), (1, 0));

    // A request repeated as late as that is still the same request.
    house.hand.set(started.started_at + KEYS_KEPT);
    works().await;
    let again = service
        .start_conversation(ann.caller(), ann.id, Surface::Consumer, &key("talk"))
        .await
        .unwrap();
    assert_eq!(again, started);
    let before = keys().await;
    house.hand.advance(TimeDelta::seconds(1));
    assert_eq!(works().await.keys_purged, u64::try_from(before).unwrap());
    assert_eq!(keys().await, 0);
    house.books_agree(ann).await;
}
