//! Who is signed in, and until when: sessions are known by their token alone.

use calendar::Clock;
use chrono::TimeDelta;
use servicing::{
    Level,
    sessions::{SESSION_LASTS, Who},
};

use crate::house::{House, day, noon};

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
