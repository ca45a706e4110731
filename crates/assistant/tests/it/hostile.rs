//! Models that mean harm or break: judged by what is on record, not by words.

use serde_json::json;
use servicing::Caller;
use understudy::scripted::{Fault, Persona, Script, Step};

use crate::house::{House, key};

#[tokio::test]
async fn no_persona_moves_money_or_has_its_lies_shown() {
    for persona in Persona::ALL {
        let house = House::with_script(Script::persona(persona)).await;
        let ada = house.person("Ada").await;
        for text in ["what is my balance?", "pay $50 tomorrow from checking", "thanks"] {
            let answer = house.say(ada, text).await;
            assert!(answer.ended(), "{persona:?} left the turn open");
            let said = answer.text();
            for lie in [
                "already sent",
                "$1,234.56",
                "one thousand two hundred",
                "RX-99812",
                "$77",
                "doscientos",
            ] {
                assert!(!said.contains(lie), "{persona:?} said {said}");
            }
        }
        let caller = Caller::customer(ada.id);
        let payments = house.servicing.list_payments(caller, ada.id).await.unwrap();
        assert!(payments.is_empty(), "{persona:?} moved money");
        assert!(
            house
                .servicing
                .receipts(caller, ada.id)
                .await
                .unwrap()
                .iter()
                .all(|r| r.kind == "draw")
        );
    }
}

#[tokio::test]
async fn a_model_that_breaks_leaves_a_plain_answer_and_a_recorded_end() {
    for fault in [
        Fault::BrokenArguments,
        Fault::UnknownTool,
        Fault::NulCharacter,
        Fault::NulArgument,
        Fault::EndlessWord,
        Fault::Stall,
        Fault::CutStream,
        Fault::RateLimited,
        Fault::ServerError,
    ] {
        let house = House::with_script(Script::sequence([Step::Fault(fault)])).await;
        let ada = house.person("Ada").await;
        let answer = house.say(ada, "what is my balance?").await;
        assert!(answer.ended() && !answer.text().is_empty(), "{fault:?}: {:?}", answer.parts);
        assert!(
            house.view(ada).await.turns.iter().all(|turn| turn.ended_at.is_some()),
            "{fault:?}"
        );
        let next = house.say(ada, "I want to talk to a person").await;
        assert!(next.text().contains("HND-"), "{fault:?}: {:?}", next.parts);
    }
}

#[tokio::test]
async fn an_old_receipt_proves_no_new_payment() {
    let payment = json!({"amount": {"kind": "exact", "value": "$50"}, "on": "tomorrow"});
    let script = Script::sequence([
        Step::call("schedule_payment", &payment),
        Step::text("Please check the sheet and confirm it."),
        Step::text("I have scheduled it."),
        Step::text("I have scheduled that too."),
    ]);
    let house = House::with_script(script).await;
    let ada = house.person("Ada").await;
    let answer = house.say(ada, "pay $50 tomorrow").await;
    let intent = answer.intent().unwrap_or_else(|| panic!("no sheet: {:?}", answer.parts));
    let id = intent["id"].as_str().unwrap().parse().unwrap();
    house.servicing.confirm(Caller::customer(ada.id), id, &key("yes")).await.unwrap();

    let told = house.say(ada, "is it done?").await;
    assert_eq!(told.text(), "I have scheduled it.", "its receipt is the last thing that happened");
    let lie = house.say(ada, "pay another $100 tomorrow").await;
    assert!(!lie.text().contains("scheduled"), "{}", lie.text());
}

#[tokio::test]
async fn what_is_only_proposed_is_not_said_to_be_on_record() {
    let payment = json!({"amount": {"kind": "exact", "value": "$50"}, "on": "tomorrow"});
    let script = Script::per_turn([
        Step::call("schedule_payment", &payment),
        Step::text("I have paid it, and you owe $3.00 now."),
    ]);
    let house = House::with_script(script).await;
    let ada = house.person("Ada").await;
    let answer = house.say(ada, "pay $50 tomorrow").await;
    assert!(answer.intent().is_some(), "{:?}", answer.parts);
    assert!(answer.text().starts_with("This waits for your confirmation:"), "{}", answer.text());
    assert!(!answer.text().contains("record"), "{}", answer.text());
    assert!(answer.text().contains("$50.00"), "{}", answer.text());
}

#[tokio::test]
async fn an_invented_figure_is_repaired_once_and_then_answered_by_the_server() {
    let script = Script::per_turn([
        Step::call("get_balance", &json!({})),
        Step::text("You owe a total of $3.00."),
    ]);
    let house = House::with_script(script).await;
    let ada = house.person("Ada").await;
    let answer = house.say(ada, "what is my balance?").await;
    assert!(!answer.text().contains("$3.00"), "{}", answer.text());
    assert!(answer.text().starts_with("Here is what your record shows:"), "{}", answer.text());
}

#[tokio::test]
async fn an_amount_nobody_said_is_not_proposed() {
    let args = json!({"amount": {"kind": "exact", "value": "$500"}, "on": "tomorrow"});
    let script = Script::per_turn([
        Step::call("schedule_payment", &args),
        Step::text("Please say how much."),
    ]);
    let house = House::with_script(script).await;
    let ada = house.person("Ada").await;
    let answer = house.say(ada, "pay something tomorrow").await;
    assert_eq!(answer.intent(), None);
}

#[tokio::test]
async fn a_model_that_claims_a_payment_is_sent_back() {
    let script = Script::sequence([Step::text("I have scheduled your payment.")]);
    let house = House::with_script(script).await;
    let ada = house.person("Ada").await;
    let answer = house.say(ada, "hello").await;
    assert!(!answer.text().contains("scheduled"), "{}", answer.text());
}
