//! Flags before a reply: nothing asks for money, and what is asked is told.

use credit::FlagKind;
use serde_json::json;
use servicing::Caller;
use understudy::scripted::{Script, Step};

use crate::house::House;

#[tokio::test]
async fn a_customer_in_hardship_is_told_the_late_fee_when_they_ask_and_only_then() {
    let script = Script::per_turn([
        Step::call("search_policy", &json!({"question": "how much is the late fee?"})),
        Step::text(
            "The late fee is $15.00. It applies only when a minimum is more than 10 days late. [[p1]]",
        ),
    ]);
    let house = House::with_script(script).await;
    let ada = house.person("Ada").await;
    house
        .servicing
        .raise_flag(Caller::system(), ada.id, FlagKind::Hardship, "lost a job")
        .await
        .unwrap();
    let asked = house.say(ada, "is there a late fee?").await;
    assert!(asked.text().contains("$15.00"), "{}", asked.text());

    let ben = house.person("Ben").await;
    house
        .servicing
        .raise_flag(Caller::system(), ben.id, FlagKind::Hardship, "lost a job")
        .await
        .unwrap();
    let unasked = house.say(ben, "what is my credit limit?").await;
    assert!(!unasked.text().contains("$15.00"), "{}", unasked.text());
}

#[tokio::test]
async fn who_wants_no_contact_may_still_pay_when_they_come_by_themselves() {
    let house = House::with_understudy().await;
    let ada = house.person("Ada").await;
    house
        .servicing
        .raise_flag(Caller::system(), ada.id, FlagKind::Cease, "stop contacting me")
        .await
        .unwrap();
    let answer = house.say(ada, "pay $50 next Friday from my checking account").await;
    assert!(answer.intent().is_some(), "{}", answer.text());
}
