//! What comes back otherwise than it was sent.

use nacha::{Addenda, Batch, File, TransactionCode};
use servicing::{Caller, DrawAsk, release::RunReport, testing::at_once};
use store::{
    draws::{DrawRail, DrawStatus},
    payments::PaymentStatus,
};

use crate::{
    house::{House, Person, cents, day, key, noon},
    service::{position, told},
};

/// A file of returns, with each batch made into another.
fn altered(text: &str, alter: impl Fn(&mut Batch)) -> String {
    let mut file = File::parse(text).unwrap();
    file.batches.iter_mut().for_each(alter);
    file.write().unwrap()
}

async fn run(house: &House) -> RunReport {
    house.servicing.run_payments(Caller::system()).await.unwrap()
}

/// What the desk's open cases say.
async fn desk(house: &House) -> Vec<String> {
    let staff = house.representative("Rae").await;
    let queue = house.servicing.queue(staff).await.unwrap();
    queue.cases.into_iter().map(|(case, _)| case.words).collect()
}

async fn status(house: &House, person: Person) -> PaymentStatus {
    house.payments(person).await[0].status
}

/// Each way in which a return can be another entry's than the one whose trace number it names.
fn forgeries() -> [(&'static str, fn(&str) -> String); 4] {
    [
        ("another amount", |text| {
            altered(text, |batch| batch.entries[0].amount = cents(1))
        }),
        ("another direction", |text| {
            altered(text, |batch| {
                batch.entries[0].code = TransactionCode::ReturnedCreditChecking;
            })
        }),
        ("another account", |text| {
            altered(text, |batch| batch.entries[0].account_number = "000999999001".into())
        }),
        ("another account", |text| {
            altered(text, |batch| {
                if let Some(Addenda::Return { original_prefix, .. }) = &mut batch.entries[0].addenda
                {
                    *original_prefix = "01100001".into();
                }
            })
        }),
    ]
}

#[tokio::test]
async fn a_return_of_another_amount_direction_or_account_undoes_no_payment_and_is_for_the_desk() {
    for (what, forged) in forgeries() {
        let (house, ann) = House::with_ann_banking_at("000111229001").await;
        house.pays(ann, 50_000, "2026-11-23").await.unwrap();
        house.returns_arrive_as(forged);
        let report = house.live_until("2026-11-27").await.payments;
        assert_eq!((report.returned, report.failed), (0, 0), "{what}");
        assert_eq!(status(&house, ann).await, PaymentStatus::Settled, "{what}");
        assert_eq!(position(&house, ann).await.principal_balance, cents(30_000));
        let words = desk(&house).await;
        assert!(words.len() == 1 && words[0].contains(what), "{words:?}");
        // The list is passed, and it is told once.
        assert_eq!(run(&house).await, RunReport::default());
        assert_eq!(told(&house, "return.unknown").await.len(), 1);
        house.books_agree(ann).await;
    }
}

/// The desk's words about a payment of November 23 that came back otherwise than this says.
async fn late(number: &str, to: &str, arrives_as: fn(&str) -> String) -> Vec<String> {
    let (house, ann) = House::with_ann_banking_at(number).await;
    house.pays(ann, 50_000, "2026-11-23").await.unwrap();
    house.returns_arrive_as(arrives_as);
    house.live_until(to).await;
    assert_eq!(status(&house, ann).await, PaymentStatus::Returned);
    let mut words = desk(&house).await;
    words.retain(|words| words.contains("later than"));
    words
}

/// The same return, of another day.
fn on(text: &str, on: &str) -> String {
    altered(text, |batch| batch.effective_on = day(on))
}

#[tokio::test]
async fn a_return_is_late_by_the_day_on_which_the_bank_had_the_money() {
    // There on Monday, November 23: Thursday is a holiday, and Friday the third banking day.
    let short = "000111229001";
    let third = late(short, "2026-11-27", |text| on(text, "2026-11-27")).await;
    assert_eq!(third.len(), 1, "{third:?}");
    assert_eq!(late(short, "2026-11-27", |text| on(text, "2026-11-25")).await.len(), 0);
    let disowned = "000111229010";
    let sixty_one = late(disowned, "2026-12-24", |text| on(text, "2027-01-23")).await;
    assert_eq!(sixty_one.len(), 1, "{sixty_one:?}");
    assert_eq!(late(disowned, "2026-12-24", |text| on(text, "2027-01-22")).await.len(), 0);
}

#[tokio::test]
async fn the_banks_day_is_asked_for_where_a_return_is_read_before_the_settlement() {
    let (house, ann) = House::with_ann_banking_at("000111229001").await;
    house.pays(ann, 50_000, "2026-11-23").await.unwrap();
    house.live_until("2026-11-23").await;
    house.returns_arrive_as(|text| on(text, "2026-11-27"));
    house.hand.set(noon(day("2026-11-27")));
    house.bank_lives(day("2026-11-27")).await;
    assert_eq!(run(&house).await.returned, 1);
    assert_eq!(house.payments(ann).await[0].settle_on, Some(day("2026-11-23")));
    assert!(desk(&house).await.iter().any(|words| words.contains("later than")));
}

#[tokio::test]
async fn a_forged_return_is_not_made_good_by_the_banks_word_on_the_file() {
    let (house, ann) = House::with_ann_banking_at("000111229001").await;
    house.pays(ann, 50_000, "2026-11-23").await.unwrap();
    house.live_until("2026-11-23").await;
    let [(_, forged), ..] = forgeries();
    house.returns_arrive_as(forged);
    // Nobody was at work meanwhile: the list and the file's answer are read by one run.
    house.hand.set(noon(day("2026-11-27")));
    house.bank_lives(day("2026-11-27")).await;
    for _ in 0..2 {
        assert_eq!(run(&house).await.returned, 0);
    }
    assert_eq!(status(&house, ann).await, PaymentStatus::Released);
    assert_eq!(desk(&house).await.len(), 1);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_return_of_another_amount_undoes_no_draw() {
    let house = House::on("2026-11-02").await;
    let ann = house.person_with_account("Ann", "000111229203").await;
    let ask = DrawAsk { rail: DrawRail::Standard, ..at_once(50_000, ann.checking) };
    house.servicing.draw(ann.caller(), ann.id, ask, &key("draw")).await.unwrap();
    let [(_, forged), ..] = forgeries();
    house.returns_arrive_as(forged);
    house.live_until("2026-11-10").await;
    let views = house.servicing.list_draws(ann.caller(), ann.id).await.unwrap();
    assert_eq!(views[0].draw.status, DrawStatus::Settled);
    assert_eq!(position(&house, ann).await.principal_balance, cents(50_000));
    assert_eq!(desk(&house).await.len(), 1);
}
