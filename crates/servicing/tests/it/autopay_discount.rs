//! The discount for automatic payments: on the line from the day they are signed through the day they end.

use credit::CycleRecord;
use money::Cents;
use servicing::{RefusalCode, autopay::AutopayAmount};
use store::autopays::DebitStatus;

use crate::{
    autopay::{enrol, say_stop, told, with_statement},
    house::{House, Person, cents, code, key},
};

const RATE: u32 = 240_000;
const LESS: u32 = 235_000;
const EVENTS: &str =
    "SELECT count(*) FROM line_events WHERE body->>'kind' LIKE 'autopay_discount%'";

async fn apr_ppm(house: &House, person: Person) -> u32 {
    let shown = house.servicing.position(person.caller(), person.id).await.unwrap();
    shown.position.apr.ppm()
}

/// What the cycle from October 6 to November 5 billed, as its statement has it and as it is worked out anew.
async fn second_cycle(house: &House, person: Person) -> [Cents; 2] {
    let printed: i64 = sqlx::query_scalar(
        "SELECT (body->'statement'->>'interest_total_cents')::bigint FROM line_events
         WHERE body->>'kind' = 'statement_issued' AND body->'statement'->>'number' = '2'",
    )
    .fetch_one(house.database.owner())
    .await
    .unwrap();
    let shown = house.servicing.position(person.caller(), person.id).await.unwrap();
    let of = |one: &CycleRecord| one.interest.iter().map(|line| line.amount).sum();
    [cents(printed), shown.position.cycles.get(1).map(of).unwrap()]
}

#[tokio::test]
async fn the_rate_is_half_a_point_lower_while_leave_stands() {
    let (house, ann) = with_statement("000111224242").await;
    assert_eq!(apr_ppm(&house, ann).await, RATE);
    let ask = servicing::autopay::AutopayAsk {
        amount: AutopayAmount::Minimum,
        bank_account_id: ann.checking,
    };
    let offer = house.servicing.offer_autopay(ann.caller(), ann.id, ask).await.unwrap();
    let said = String::from_utf8(offer.document.bytes).unwrap();
    assert!(said.contains("0.50 percentage points lower"), "{said}");
    // Once, however often it is signed under one key.
    for _ in 0..2 {
        enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    }
    assert_eq!((apr_ppm(&house, ann).await, house.count(EVENTS).await), (LESS, 1));
    let event = told(&house, "autopay.enrolled").await.remove(0);
    assert_eq!((&event["apr_ppm"], &event["autopay_discount_ppm"]), (&LESS.into(), &5_000.into()));
    // Changed, and no day is without it.
    house.live_until("2026-10-15").await;
    enrol(&house, ann, AutopayAmount::Statement, "change").await;
    assert_eq!((apr_ppm(&house, ann).await, house.count(EVENTS).await), (LESS, 3));

    house.live_until("2026-10-20").await;
    for _ in 0..2 {
        house.servicing.cancel_autopay(ann.caller(), ann.id, &key("stop")).await.unwrap();
    }
    assert_eq!((apr_ppm(&house, ann).await, house.count(EVENTS).await), (LESS, 4));
    assert_eq!(told(&house, "autopay.cancelled").await[0]["apr_ppm"], RATE);
    let twice = house.servicing.cancel_autopay(ann.caller(), ann.id, &key("again")).await;
    assert_eq!(code(twice), RefusalCode::NotFound);
    house.live_until("2026-10-21").await;
    assert_eq!(apr_ppm(&house, ann).await, RATE);
    // 1,000.00 for 18 days at 24 %, 11.8356, and 13, October 8 to 20, at 23.5 %, 8.3699.
    house.live_until("2026-11-06").await;
    assert_eq!(second_cycle(&house, ann).await, [cents(2_021); 2]);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn who_takes_leave_back_is_heard_although_the_line_cannot_be_worked_out() {
    let (house, ann) = with_statement("000111224242").await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    house.live_until("2026-10-20").await;
    let began = "autopay_discount_began";
    let spoil = |from: &str, to: &str| {
        format!(
            "UPDATE line_events SET body = jsonb_set(body, '{{kind}}', '\"{to}\"') WHERE body ->> 'kind' = '{from}'"
        )
    };
    house.sabotage(&spoil(began, "nonsense")).await;
    for _ in 0..2 {
        house.servicing.cancel_autopay(ann.caller(), ann.id, &key("stop")).await.unwrap();
    }
    let standing = house.servicing.autopay(ann.caller(), ann.id).await.unwrap();
    assert!(standing.standing.is_none());
    assert!(standing.debits.iter().all(|debit| debit.status == DebitStatus::NotMade));
    assert_eq!(told(&house, "autopay.cancelled").await.len(), 1);
    let twice = house.servicing.cancel_autopay(ann.caller(), ann.id, &key("again")).await;
    assert_eq!(code(twice), RefusalCode::NotFound);
    // The desk is told once, however often it is tried.
    house.live_until("2026-10-22").await;
    let matters =
        "SELECT count(*) FROM audit_leaves WHERE kind IN ('case.opened', 'case.repeated')";
    assert_eq!(house.count(matters).await, 1);

    house.sabotage(&spoil("nonsense", began)).await;
    house.live_until("2026-10-23").await;
    let ended = "SELECT count(*) FROM line_events WHERE kind = 'autopay_discount_ended' AND effective_on = '2026-10-20'";
    assert_eq!(house.count(ended).await, 1);
    assert_eq!(apr_ppm(&house, ann).await, RATE);
    house.live_until("2026-11-06").await;
    assert_eq!(second_cycle(&house, ann).await, [cents(2_021); 2]);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn leave_that_ended_by_a_word_has_its_discount_through_that_day() {
    let (house, ann) = with_statement("000111224242").await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    house.live_until("2026-10-20").await;
    say_stop(&house, ann).await;
    // It is recorded when the line is looked at next, as of the day it was said.
    house.live_until("2026-11-06").await;
    assert_eq!(told(&house, "autopay.cancelled").await[0]["why"], "stop_payment");
    assert_eq!(second_cycle(&house, ann).await, [cents(2_021); 2]);
    assert_eq!(apr_ppm(&house, ann).await, RATE);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn an_end_that_is_found_after_the_statement_is_adjusted() {
    let (house, ann) = with_statement("000111224242").await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    house.live_until("2026-10-20").await;
    say_stop(&house, ann).await;
    house.sabotage("UPDATE autopays SET looks_next_on = '2026-11-08'").await;
    house.live_until("2026-11-08").await;
    // 2 days at 24 %, 1.3151, and 29 at 23.5 %, 18.6712: 19.99 was printed.
    assert_eq!(second_cycle(&house, ann).await, [cents(1_999), cents(2_021)]);
    let adjusted = told(&house, "charge.adjusted").await;
    assert_eq!(adjusted[0]["what"]["amount_cents"], 22, "{adjusted:?}");
    house.books_agree(ann).await;
}
