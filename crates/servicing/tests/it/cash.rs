//! Cash moves when the bank says that it moved, once, and what is in transit is what the clearing accounts hold.

use chrono::NaiveDate;
use servicing::{
    Caller, DrawAsk,
    books::{self, Checked},
    disputes::{DisputeSubject, Finding, NewDispute},
    testing::at_once,
};
use store::{draws::DrawRail, payments::PaymentStatus};

use crate::house::{House, Person, Wire, cents, day, key, noon};

/// Its debits settle, and come back two banking days later.
const NO_FUNDS: &str = "000111229001";
/// So do its credits.
const NO_ACCOUNT: &str = "000111229203";

async fn check(house: &House) -> Checked {
    books::check(house.database.store()).await.unwrap()
}

/// Cash, payments in transit and draws in transit, as debits; everything else adds up.
async fn books(house: &House) -> [i64; 3] {
    let checked = check(house).await;
    assert!(checked.ok, "{checked}");
    let of = |name: &str| {
        let found = checked.accounts.iter().find(|one| one.name == name);
        found.map_or(0, |one| (one.debits - one.credits).get())
    };
    ["cash", "payments_clearing", "draws_clearing"].map(of)
}

/// The days for which postings of a kind count, and on which they are booked.
async fn posted(house: &House, kind: &str) -> Vec<(NaiveDate, NaiveDate)> {
    sqlx::query_as("SELECT effective_on, booked_on FROM postings WHERE kind = $1 ORDER BY id")
        .bind(kind)
        .fetch_all(house.database.owner())
        .await
        .unwrap()
}

fn on(days: &[&str]) -> Vec<(NaiveDate, NaiveDate)> {
    days.iter().map(|one| (day(one), day(one))).collect()
}

async fn run(house: &House) -> servicing::release::RunReport {
    house.servicing.run_payments(Caller::system()).await.unwrap()
}

async fn status(house: &House, person: Person) -> PaymentStatus {
    house.payments(person).await[0].status
}

/// Everything that came back is told again.
async fn told_again(house: &House) {
    house.sabotage("DELETE FROM rail_cursors").await;
    run(house).await;
}

#[tokio::test]
async fn a_payment_is_cash_from_the_day_the_bank_says_and_once() {
    let (house, ann) = House::with_ann().await;
    assert_eq!(books(&house).await, [-80_000, 0, 0]);
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.live_until("2026-11-23").await;
    assert_eq!(books(&house).await, [-80_000, 5_000, 0], "credited, and not there yet");
    house.cut(Wire::LosesFinds);
    house.live_until("2026-11-25").await;
    house.cut(Wire::Fine);
    // Two processes hear it at once, two days late; then one hears it again.
    let (one, other) = tokio::join!(run(&house), run(&house));
    assert_eq!(one.settled + other.settled, 1);
    assert_eq!(run(&house).await.settled, 0);
    assert_eq!(books(&house).await, [-75_000, 0, 0]);
    assert_eq!(posted(&house, "payment_settled").await, on(&["2026-11-23"]));
    let told = "SELECT count(*) FROM outbox WHERE kind = 'payment.settled' AND payload ->> 'settled_on' = '2026-11-23'";
    assert_eq!(house.count(told).await, 1);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_settlement_that_was_forgotten_is_not_posted_again() {
    let (house, ann) = House::with_ann().await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.live_until("2026-11-24").await;
    house.sabotage("UPDATE payments SET status = 'released'").await;
    let off = check(&house).await.clearing_off;
    assert_eq!(
        off,
        ["account payments_clearing is $0.00 in the books and $50.00 by the payments in transit"]
    );
    // The database holds it too: the whole transaction fails, and the log says so.
    assert_eq!(run(&house).await.failed, 1);
    assert_eq!(status(&house, ann).await, PaymentStatus::Released);
    assert_eq!(posted(&house, "payment_settled").await.len(), 1);
}

#[tokio::test]
async fn a_payment_that_comes_back_takes_its_cash_back_once() {
    let (house, ann) = House::with_ann_banking_at(NO_FUNDS).await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.live_until("2026-11-24").await;
    assert_eq!(status(&house, ann).await, PaymentStatus::Settled);
    assert_eq!(books(&house).await, [-75_000, 0, 0]);
    house.live_until("2026-11-25").await;
    assert_eq!(status(&house, ann).await, PaymentStatus::Returned);
    told_again(&house).await;
    assert_eq!(books(&house).await, [-80_000, 0, 0]);
    assert_eq!(posted(&house, "payment_settled").await, on(&["2026-11-23"]));
    assert_eq!(posted(&house, "payment_sent_back").await, on(&["2026-11-25"]));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_payment_that_comes_back_before_it_was_known_to_settle_moves_no_cash() {
    let (house, ann) = House::with_ann_banking_at(NO_FUNDS).await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.live_until("2026-11-23").await;
    house.cut(Wire::LosesFinds);
    house.live_until("2026-11-25").await;
    assert_eq!(status(&house, ann).await, PaymentStatus::Returned);
    house.cut(Wire::Fine);
    told_again(&house).await;
    assert_eq!(books(&house).await, [-80_000, 0, 0]);
    assert_eq!(posted(&house, "payment_settled").await, []);
    assert_eq!(posted(&house, "payment_sent_back").await, []);
}

#[tokio::test]
async fn who_is_killed_while_it_settles_has_settled_nothing() {
    let (house, ann) = House::with_ann().await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.live_until("2026-11-23").await;
    house.cut(Wire::LosesFinds);
    house.live_until("2026-11-24").await;
    house.cut(Wire::Fine);
    let mut holder = house.database.owner().begin().await.unwrap();
    sqlx::query("LOCK TABLE entries IN EXCLUSIVE MODE").execute(&mut *holder).await.unwrap();
    let servicing = house.servicing.clone();
    let killed = tokio::spawn(async move { servicing.run_payments(Caller::system()).await });
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while house.count(kill).await == 0 {
        tokio::task::yield_now().await;
    }
    holder.rollback().await.unwrap();
    assert_eq!(killed.await.unwrap().unwrap().settled, 0);
    assert_eq!(status(&house, ann).await, PaymentStatus::Released);
    assert_eq!(books(&house).await, [-80_000, 5_000, 0]);
    let told = "SELECT count(*) FROM audit_leaves WHERE kind = 'payment.settled'";
    assert_eq!(house.count(told).await, 0);
    assert_eq!(run(&house).await.settled, 1);
    assert_eq!(house.count(told).await, 1);
    assert_eq!(books(&house).await, [-75_000, 0, 0]);
}

#[tokio::test]
async fn what_settled_in_a_closed_month_is_booked_in_the_open_one() {
    let (house, ann) = House::with_ann().await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.live_until("2026-11-23").await;
    house.cut(Wire::LosesFinds);
    house.live_until("2026-12-02").await;
    house.servicing.close_period(Caller::system(), day("2026-11-01")).await.unwrap();
    house.cut(Wire::Fine);
    assert_eq!(run(&house).await.settled, 1);
    let booked = [(day("2026-11-23"), day("2026-12-01"))];
    assert_eq!(posted(&house, "payment_settled").await, booked);
    assert_eq!(books(&house).await, [-75_000, 0, 0]);
}

#[tokio::test]
async fn a_draw_is_paid_from_cash_when_its_money_is_there_and_paid_in_when_it_comes_back() {
    let house = House::on("2026-11-02").await;
    let ann = house.person_with_account("Ann", NO_ACCOUNT).await;
    let ask = DrawAsk { rail: DrawRail::Standard, ..at_once(80_000, ann.checking) };
    house.servicing.draw(ann.caller(), ann.id, ask, &key("one")).await.unwrap();
    run(&house).await;
    assert_eq!(books(&house).await, [0, 0, 0], "held, and with the bank");
    house.live_until("2026-11-03").await;
    assert_eq!(books(&house).await, [-80_000, 0, 0]);
    house.live_until("2026-11-05").await;
    told_again(&house).await;
    assert_eq!(books(&house).await, [0, 0, 0]);
    assert_eq!(posted(&house, "draw_settled").await, on(&["2026-11-03"]));
    assert_eq!(posted(&house, "draw_sent_back").await, on(&["2026-11-05"]));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_draw_that_never_left_moves_no_cash() {
    let house = House::on("2026-11-20").await;
    let ann = house.person_with_account("Ann", "000111229301").await;
    house.draws(ann, 80_000).await;
    assert_eq!(books(&house).await, [0, 0, 0]);
    assert_eq!(posted(&house, "draw_settled").await, []);
    assert_eq!(posted(&house, "draw_sent_back").await, []);
}

/// What we bore comes back, and nothing is left in transit.
#[tokio::test]
async fn a_draw_that_comes_back_after_it_was_found_an_error_costs_us_nothing() {
    let house = House::on("2026-11-02").await;
    let ann = house.person_with_account("Ann", NO_ACCOUNT).await;
    let ask = DrawAsk { rail: DrawRail::Standard, ..at_once(80_000, ann.checking) };
    house.servicing.draw(ann.caller(), ann.id, ask, &key("one")).await.unwrap();
    run(&house).await;
    house.live_until("2026-11-03").await;
    let service = &house.servicing;
    let draw_id = service.list_draws(ann.caller(), ann.id).await.unwrap().remove(0).draw.id;
    let new = NewDispute {
        subject: DisputeSubject::Draw { draw_id },
        amount: cents(6_000),
        words: "I asked for less.".to_owned(),
    };
    let dispute = service.open_dispute(ann.caller(), ann.id, &new, &key("d")).await.unwrap().id;
    let found = Finding { error: cents(6_000), explanation: "Our error.".to_owned() };
    let rae = house.representative("Rae").await;
    service.resolve_dispute(rae, dispute, &found, &key("found")).await.unwrap();
    house.live_until("2026-11-05").await;
    assert_eq!(books(&house).await, [0, 0, 0]);
    let borne = check(&house).await.accounts;
    let borne = borne.iter().find(|one| one.name == "billing_errors").unwrap();
    assert_eq!((borne.debits, borne.credits), (cents(6_000), cents(6_000)));
}

/// The money stays with us, and is owed to whoever it came from, until the bank has it back.
#[tokio::test]
async fn a_payment_taken_back_as_our_mistake_is_owed_on_the_clearing_account() {
    for settled in [true, false] {
        let (house, ann) = House::with_ann_banking_at(NO_FUNDS).await;
        house.pays(ann, 5_000, "2026-11-23").await.unwrap();
        house.live_until(if settled { "2026-11-24" } else { "2026-11-23" }).await;
        let (rae, sam) = (house.representative("Rae").await, house.representative("Sam").await);
        let payment = house.payments(ann).await[0].id;
        let service = &house.servicing;
        let why = "Taken for another line.";
        let asked = service.ask_reversal(rae, payment, why, &key("ask")).await.unwrap();
        service.countersign(sam, asked.id, (true, "Seen."), &key("done")).await.unwrap();
        let then = if settled { [-75_000, -5_000, 0] } else { [-80_000, 0, 0] };
        assert_eq!(books(&house).await, then);
        house.live_until("2026-11-24").await;
        assert_eq!(books(&house).await, [-75_000, -5_000, 0]);
        house.live_until("2026-11-25").await;
        assert_eq!(books(&house).await, [-80_000, 0, 0], "the bank has it back");
        house.books_agree(ann).await;
    }
}

#[tokio::test]
async fn money_on_a_clearing_account_that_nothing_explains_is_found_and_no_month_is_closed_over_it()
{
    let (house, ann) = House::with_ann().await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.live_until("2026-12-01").await;
    house.sabotage("UPDATE draws SET status = 'released'").await;
    house.sabotage("UPDATE payments SET amount_cents = 1, status = 'released'").await;
    let found = check(&house).await;
    assert!(!found.ok);
    assert_eq!(
        found.clearing_off,
        [
            "account payments_clearing is $0.00 in the books and $0.01 by the payments in transit",
            "account draws_clearing is $0.00 in the books and -$800.00 by the draws in transit",
        ]
    );
    house.hand.set(noon(day("2026-12-01")));
    let closed = house.servicing.close_period(Caller::system(), day("2026-11-01")).await;
    assert!(crate::house::refusal(closed).sentence.contains("plumbline ledger check"));
}
