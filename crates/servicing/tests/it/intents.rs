//! Proposed, shown, confirmed once.

use chrono::TimeDelta;
use identity::IntentId;
use servicing::{Action, AmountAsk, BankAccountAsk, Caller, NewIntent, PaymentAsk, RefusalCode};
use store::intents::{IntentRow, IntentStatus, ShownField};
use tokio::task::JoinSet;

use crate::house::{House, Person, cents, code, day, key};

pub(crate) async fn proposal(house: &House, person: Person, amount: i64) -> NewIntent {
    let ask = PaymentAsk {
        amount: AmountAsk::Exact { cents: cents(amount) },
        on: day("2026-11-27"),
        from: BankAccountAsk::Only,
    };
    let assistant = Caller::assistant(person.id);
    let preview = house.servicing.preview_payment(assistant, person.id, &ask).await.unwrap();
    NewIntent {
        customer_id: person.id,
        conversation_id: None,
        turn_id: None,
        tool: "schedule_payment".to_owned(),
        tool_version: "1".to_owned(),
        subject: "payment".to_owned(),
        title: "Schedule a payment".to_owned(),
        effect: format!("{} will be taken.", preview.payment.amount),
        fields: vec![ShownField {
            name: "amount".to_owned(),
            label: "amount".to_owned(),
            text: preview.payment.amount.to_string(),
        }],
        action: Action::SchedulePayment(preview.payment),
        expires_minutes: 30,
    }
}

async fn proposed(house: &House, person: Person, amount: i64) -> IntentRow {
    let proposal = proposal(house, person, amount).await;
    house.servicing.propose(Caller::assistant(person.id), proposal).await.unwrap()
}

async fn house_with_ann() -> (House, Person) {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    (house, ann)
}

#[tokio::test]
async fn a_confirmed_intent_is_done_once_with_its_grant_and_receipt() {
    let (house, ann) = house_with_ann().await;
    let service = &house.servicing;
    let intent = proposed(&house, ann, 5_000).await;
    assert_eq!(intent.status, IntentStatus::AwaitingConfirmation);
    assert_eq!(house.count("SELECT count(*) FROM payments").await, 0);

    let receipt = service.confirm(ann.caller(), intent.id, &key("yes")).await.unwrap();
    assert_eq!(receipt.intent_id, Some(intent.id));
    let again = service.confirm(ann.caller(), intent.id, &key("yes")).await.unwrap();
    let other_key = service.confirm(ann.caller(), intent.id, &key("yes-2")).await.unwrap();
    assert_eq!((&again, &other_key), (&receipt, &receipt));
    assert_eq!(house.count("SELECT count(*) FROM payments").await, 1);
    assert_eq!(house.count("SELECT count(*) FROM grants").await, 1);
    let given = "SELECT count(*) FROM audit_leaves WHERE kind = 'receipt.given'";
    assert_eq!(house.count(given).await, 1);
    let (seen, with) = service.intent(ann.caller(), intent.id).await.unwrap();
    assert_eq!((seen.status, with), (IntentStatus::Confirmed, Some(receipt)));
}

#[tokio::test]
async fn twenty_confirmations_at_once_are_one_payment() {
    let (house, ann) = house_with_ann().await;
    let intent = proposed(&house, ann, 5_000).await.id;
    let mut tries = JoinSet::new();
    for n in 0..20 {
        let service = house.servicing.clone();
        tries.spawn(async move {
            service.confirm(ann.caller(), intent, &key(&format!("click-{n}"))).await.unwrap()
        });
    }
    let receipts = tries.join_all().await;
    assert!(receipts.iter().all(|receipt| *receipt == receipts[0]));
    assert_eq!(house.count("SELECT count(*) FROM payments").await, 1);
}

#[tokio::test]
async fn the_same_proposal_is_the_same_intent_and_a_changed_one_supersedes_it() {
    let (house, ann) = house_with_ann().await;
    let service = &house.servicing;
    let first = proposed(&house, ann, 5_000).await;
    assert_eq!(proposed(&house, ann, 5_000).await.id, first.id);
    let second = proposed(&house, ann, 6_000).await;
    assert_ne!(second.id, first.id);

    let refused = service.confirm(ann.caller(), first.id, &key("first")).await;
    assert_eq!(code(refused), RefusalCode::IntentSuperseded);
    let (old, _) = service.intent(ann.caller(), first.id).await.unwrap();
    assert_eq!((old.status, old.superseded_by), (IntentStatus::Superseded, Some(second.id)));
    service.confirm(ann.caller(), second.id, &key("second")).await.unwrap();
    assert_eq!(house.count("SELECT sum(amount_cents)::bigint FROM payments").await, 6_000);
}

#[tokio::test]
async fn an_intent_expires_and_can_be_proposed_again() {
    let (house, ann) = house_with_ann().await;
    let service = &house.servicing;
    let first = proposed(&house, ann, 5_000).await;
    house.hand.advance(TimeDelta::minutes(30));
    let late = service.confirm(ann.caller(), first.id, &key("late")).await;
    assert_eq!(code(late), RefusalCode::IntentExpired);
    let (seen, _) = service.intent(ann.caller(), first.id).await.unwrap();
    assert_eq!(seen.status, IntentStatus::Expired);
    assert_eq!(house.count("SELECT count(*) FROM grants").await, 0);

    let second = proposed(&house, ann, 5_000).await;
    assert_ne!(second.id, first.id);
    service.confirm(ann.caller(), second.id, &key("again")).await.unwrap();
}

#[tokio::test]
async fn a_declined_intent_stays_declined() {
    let (house, ann) = house_with_ann().await;
    let service = &house.servicing;
    let intent = proposed(&house, ann, 5_000).await;
    let refused = service.refuse(ann.caller(), intent.id, &key("no")).await.unwrap();
    assert_eq!(refused.status, IntentStatus::Refused);
    let confirmed = service.confirm(ann.caller(), intent.id, &key("yes")).await;
    assert_eq!(code(confirmed), RefusalCode::IntentRefused);
    assert_eq!(house.count("SELECT count(*) FROM payments").await, 0);
}

#[tokio::test]
async fn nobody_but_the_customer_confirms() {
    let (house, ann) = house_with_ann().await;
    let bob = house.person_with_account("Bob", "000111227777").await;
    let staff = house.representative("Rae").await;
    let service = &house.servicing;
    let intent = proposed(&house, ann, 5_000).await.id;
    for (caller, expected) in [
        (bob.caller(), RefusalCode::NotFound),
        (Caller::assistant(bob.id), RefusalCode::NotFound),
        (Caller::assistant(ann.id), RefusalCode::NotAllowed),
        (staff, RefusalCode::NotAllowed),
        (Caller::system(), RefusalCode::NotAllowed),
    ] {
        assert_eq!(code(service.confirm(caller, intent, &key("forged")).await), expected);
        assert_eq!(code(service.refuse(caller, intent, &key("forged")).await), expected);
    }
    let made_up = IntentId::mint(service.now());
    let forged = service.confirm(ann.caller(), made_up, &key("forged")).await;
    assert_eq!(code(forged), RefusalCode::NotFound);
    assert_eq!(house.count("SELECT count(*) FROM grants").await, 0);
    assert_eq!(house.count("SELECT count(*) FROM payments").await, 0);
}

#[tokio::test]
async fn an_intent_that_was_tampered_with_is_not_done() {
    let (house, ann) = house_with_ann().await;
    let intent = proposed(&house, ann, 5_000).await.id;
    sqlx::query("UPDATE intents SET arguments = jsonb_set(arguments, '{amount_cents}', '500000')")
        .execute(house.database.owner())
        .await
        .unwrap();
    let confirmed = house.servicing.confirm(ann.caller(), intent, &key("yes")).await;
    assert_eq!(code(confirmed), RefusalCode::IntentChanged);
    assert_eq!(house.count("SELECT count(*) FROM grants").await, 0);
}

#[tokio::test]
async fn what_became_impossible_meanwhile_is_refused_with_no_partial_effect() {
    let (house, ann) = house_with_ann().await;
    let service = &house.servicing;
    let intent = proposed(&house, ann, 5_000).await.id;
    service
        .raise_flag(Caller::assistant(ann.id), ann.id, credit::FlagKind::Bankruptcy, "said so")
        .await
        .unwrap();
    let confirmed = service.confirm(ann.caller(), intent, &key("yes")).await;
    assert_eq!(code(confirmed), RefusalCode::DebitsStopped);
    for table in ["SELECT count(*) FROM grants", "SELECT count(*) FROM payments"] {
        assert_eq!(house.count(table).await, 0);
    }
    let (seen, _) = service.intent(ann.caller(), intent).await.unwrap();
    assert_eq!(seen.status, IntentStatus::AwaitingConfirmation);
    // Nothing of the kind is proposed any more either.
    let again = service.propose(Caller::assistant(ann.id), proposal_of(&seen)).await;
    assert_eq!(code(again), RefusalCode::DebitsStopped);
}

fn proposal_of(intent: &IntentRow) -> NewIntent {
    NewIntent {
        customer_id: intent.customer_id,
        conversation_id: None,
        turn_id: None,
        tool: intent.tool.clone(),
        tool_version: intent.tool_version.clone(),
        subject: intent.subject.clone(),
        action: serde_json::from_value(intent.arguments.clone()).unwrap(),
        title: intent.title.clone(),
        effect: intent.effect.clone(),
        fields: intent.fields.clone(),
        expires_minutes: 30,
    }
}
