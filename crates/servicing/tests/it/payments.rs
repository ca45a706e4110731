//! Scheduling and cancelling.

use chrono::TimeDelta;
use credit::NoticeException;
use identity::{BankAccountId, PaymentId};
use servicing::{
    AmountAsk, BankAccountAsk, Caller, PaymentAsk, RefusalCode, staff_changes::NewTerms,
};
use store::{bank_accounts::BankAccountKind, payments::PaymentStatus};
use tokio::task::JoinSet;

use crate::house::{House, cents, code, day, key, noon};

fn ask(amount: AmountAsk, on: &str) -> PaymentAsk {
    PaymentAsk { amount, on: day(on), from: BankAccountAsk::Only }
}

fn exact(amount: i64) -> AmountAsk {
    AmountAsk::Exact { cents: cents(amount) }
}

#[tokio::test]
async fn a_payment_counts_today_until_the_cut_off_that_a_change_of_terms_brought() {
    let (house, ann) = House::with_ann().await;
    let service = &house.servicing;
    let staff = house.representative("Rae").await;
    let changes = serde_json::json!({ "dates": { "cut_off": "20:00:00" } });
    let later = NewTerms {
        changes: changes.as_object().unwrap().clone(),
        effective_on: day("2026-11-23"),
        exception: Some(NoticeException::ConsumerFavourable),
        note: "Longer hours.".to_owned(),
    };
    service.change_terms(staff, ann.id, &later, &key("terms")).await.unwrap();
    for (on, credited_on) in [("2026-11-20", "2026-11-21"), ("2026-11-23", "2026-11-23")] {
        house.hand.set(noon(day(on)) + TimeDelta::hours(6));
        let ask = ask(exact(5_000), on);
        let sheet = service.preview_payment(ann.caller(), ann.id, &ask).await.unwrap();
        assert_eq!(sheet.payment.on, day(credited_on), "{on}");
    }
    house.hand.set(noon(day("2026-11-23")) + TimeDelta::minutes(8 * 60 + 1));
    let late =
        service.preview_payment(ann.caller(), ann.id, &ask(exact(5_000), "2026-11-23")).await;
    assert_eq!(late.unwrap().payment.on, day("2026-11-24"));
}

#[tokio::test]
async fn where_payments_count_on_banking_days_only_the_sheet_shows_the_next_one() {
    let (house, ann) = House::with_ann().await;
    // As of a product that says so.
    house
        .sabotage(
            "UPDATE line_events SET body = jsonb_set(body, '{terms,product,dates,payments_count_on}', '\"banking_days\"')
             WHERE kind = 'opened'",
        )
        .await;
    let service = &house.servicing;
    // Friday, a Saturday, and Thanksgiving.
    for (on, counts_on) in
        [("2026-11-20", "2026-11-20"), ("2026-11-21", "2026-11-23"), ("2026-11-26", "2026-11-27")]
    {
        let sheet =
            service.preview_payment(ann.caller(), ann.id, &ask(exact(5_000), on)).await.unwrap();
        let days = (sheet.payment.on, sheet.payment.debit_on);
        assert_eq!(days, (day(counts_on), day(counts_on)), "{on}");
    }
    // Friday after the cut-off counts for Monday, and so it is credited.
    house.hand.set(noon(day("2026-11-20")) + TimeDelta::minutes(5 * 60 + 1));
    house.pays(ann, 5_000, "2026-11-20").await.unwrap();
    house.live_until("2026-11-23").await;
    let paid = house.payments(ann).await.remove(0);
    assert_eq!((paid.status, paid.authorised_on), (PaymentStatus::Released, day("2026-11-23")));
    let credited = "SELECT count(*) FROM line_events WHERE kind = 'payment_received' AND effective_on = '2026-11-23'";
    assert_eq!(house.count(credited).await, 1);
}

#[tokio::test]
async fn a_payment_is_scheduled_with_a_receipt_and_cancelled_with_another() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    let service = &house.servicing;

    let ask = ask(exact(5_000), "2026-11-27");
    let receipt = service.schedule_payment(ann.caller(), ann.id, &ask, &key("pay")).await.unwrap();
    assert_eq!(
        receipt.text,
        "Your payment of $50.00 from your checking account ending in 4242 is scheduled for November 27, 2026."
    );
    let payments = service.list_payments(ann.caller(), ann.id).await.unwrap();
    assert_eq!(payments.len(), 1);
    assert_eq!(payments[0].payment.status, PaymentStatus::Scheduled);
    assert_eq!(payments[0].bank_account.ending, "4242");

    let id = payments[0].payment.id;
    let cancelled = service.cancel_payment(ann.caller(), ann.id, id, &key("cancel")).await.unwrap();
    assert_eq!(cancelled.kind, "payment_cancelled");
    let again = service.cancel_payment(ann.caller(), ann.id, id, &key("cancel-2")).await;
    assert_eq!(code(again), RefusalCode::CannotCancel);
    let payments = service.list_payments(ann.caller(), ann.id).await.unwrap();
    assert_eq!(payments[0].payment.status, PaymentStatus::Cancelled);
    assert_eq!(service.receipts(ann.caller(), ann.id).await.unwrap().len(), 3);
}

#[tokio::test]
async fn amounts_are_resolved_by_the_engine_on_the_day_of_the_payment() {
    let house = House::on("2026-09-06").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 100_000).await;
    house.live_until("2026-10-08").await;
    let service = &house.servicing;
    let preview = async |amount, on: &str| {
        service.preview_payment(ann.caller(), ann.id, &ask(amount, on)).await.unwrap()
    };
    let position = service.position(ann.caller(), ann.id).await.unwrap();
    let statement = position.position.last_statement.clone().unwrap();

    // 30 days of $1,000.00 at 24% are $19.73; 2% of principal and the interest are $39.73.
    assert_eq!(statement.new_balance, cents(101_973));
    let minimum = preview(AmountAsk::Minimum, "2026-10-09").await;
    assert_eq!(minimum.payment.amount, cents(3_973));
    assert_eq!(minimum.due_on, Some(day("2026-10-30")));
    let balance = preview(AmountAsk::Statement, "2026-10-09").await;
    assert_eq!(balance.payment.amount, cents(101_973));
    assert_eq!(position.statement_balance_left, cents(101_973));
    // V20's arithmetic: interest of October 6 to 19, 14 days.
    let payoff = preview(AmountAsk::Payoff, "2026-10-20").await;
    assert_eq!(payoff.payment.amount, cents(100_000 + 1_973 + 921));
    let quote = service.payoff_quote(ann.caller(), ann.id, day("2026-10-20")).await.unwrap();
    assert_eq!(quote.payoff, payoff.payment.amount);
    assert_eq!(quote.per_diem, "0.6575");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_leaves_nothing_behind() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    let bob = house.person_with_account("Bob", "000111227777").await;
    let service = &house.servicing;
    let leaves = "SELECT count(*) FROM audit_leaves";
    let before = house.count(leaves).await;

    let pays = async |ask: PaymentAsk| {
        code(service.schedule_payment(ann.caller(), ann.id, &ask, &key("bad")).await)
    };
    for (amount, on, expected) in [
        (exact(0), "2026-11-27", RefusalCode::AmountNotPositive),
        (exact(-5_000), "2026-11-27", RefusalCode::AmountNotPositive),
        (exact(i64::MAX), "2026-11-27", RefusalCode::AmountTooLarge),
        (exact(90_000), "2026-11-27", RefusalCode::AmountOverPayoff),
        (exact(5_000), "2026-11-19", RefusalCode::DateInPast),
        (exact(5_000), "2028-01-01", RefusalCode::DateTooFar),
        (AmountAsk::Minimum, "2026-11-27", RefusalCode::NothingDue),
        (AmountAsk::Statement, "2026-11-27", RefusalCode::NothingDue),
    ] {
        assert_eq!(pays(ask(amount, on)).await, expected, "{amount:?} on {on}");
    }
    let foreign = BankAccountAsk::Id(bob.checking);
    let from_bob = PaymentAsk { from: foreign, ..ask(exact(5_000), "2026-11-27") };
    assert_eq!(pays(from_bob).await, RefusalCode::BankAccountUnknown);
    let nowhere = BankAccountAsk::Id(BankAccountId::mint(service.now()));
    let from_nowhere = PaymentAsk { from: nowhere, ..ask(exact(5_000), "2026-11-27") };
    assert_eq!(pays(from_nowhere).await, RefusalCode::BankAccountUnknown);

    // Bob cannot pay, cancel or look at what is Ann's; he learns nothing about it either.
    let ask = ask(exact(5_000), "2026-11-27");
    let as_bob = service.schedule_payment(bob.caller(), ann.id, &ask, &key("bob")).await;
    assert_eq!(code(as_bob), RefusalCode::NotFound);
    assert_eq!(code(service.position(bob.caller(), ann.id).await), RefusalCode::NotFound);
    let nothing = PaymentId::mint(service.now());
    let cancelled = service.cancel_payment(bob.caller(), bob.id, nothing, &key("nothing")).await;
    assert_eq!(code(cancelled), RefusalCode::NotFound);

    assert_eq!(house.count("SELECT count(*) FROM payments").await, 0);
    assert_eq!(house.count(leaves).await, before);
    // A refused request leaves its key free.
    service.schedule_payment(ann.caller(), ann.id, &ask, &key("bad")).await.unwrap();
}

#[tokio::test]
async fn payments_together_never_exceed_what_is_owed() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 10_000).await;
    let service = &house.servicing;
    let pays = async |amount, name: &str| {
        let ask = ask(exact(amount), "2026-11-27");
        service.schedule_payment(ann.caller(), ann.id, &ask, &key(name)).await
    };
    pays(6_000, "first").await.unwrap();
    assert_eq!(code(pays(6_000, "second").await), RefusalCode::AmountOverPayoff);
    pays(4_000, "third").await.unwrap();
}

#[tokio::test]
async fn a_debt_that_is_on_its_way_to_an_unreachable_bank_cannot_be_paid_again() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 10_000).await;
    let service = &house.servicing;
    let ask = ask(exact(10_000), "2026-11-20");
    service.schedule_payment(ann.caller(), ann.id, &ask, &key("first")).await.unwrap();
    house.cut(crate::house::Wire::LosesRequests);
    assert_eq!(service.run_payments(Caller::system()).await.unwrap().pending, 1);
    let again = service.schedule_payment(ann.caller(), ann.id, &ask, &key("second")).await;
    assert_eq!(code(again), RefusalCode::AmountOverPayoff);
}

#[tokio::test]
async fn a_routing_number_with_a_wrong_check_digit_is_refused_at_the_door() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let id = BankAccountId::mint(house.servicing.now());
    let new = servicing::originate::NewBankAccount {
        kind: BankAccountKind::Checking,
        bank_name: "First Harbor Bank".to_owned(),
        routing_number: "021000022".to_owned(),
        account_number: "000111223333".to_owned(),
    };
    let added = house.servicing.add_bank_account(Caller::system(), ann.id, id, &new).await;
    assert_eq!(code(added), RefusalCode::TextInvalid);
}

#[tokio::test]
async fn today_after_five_is_tomorrow_and_a_holiday_is_debited_on_the_next_banking_day() {
    let house = House::on("2026-11-25").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    let service = &house.servicing;
    let preview = async |on: &str| {
        let preview = service.preview_payment(ann.caller(), ann.id, &ask(exact(5_000), on)).await;
        let payment = preview.unwrap().payment;
        (payment.on, payment.debit_on)
    };
    assert_eq!(preview("2026-11-25").await, (day("2026-11-25"), day("2026-11-25")));
    // Thanksgiving: credited for the day chosen, taken the day after.
    assert_eq!(preview("2026-11-26").await, (day("2026-11-26"), day("2026-11-27")));
    house.hand.advance(TimeDelta::hours(5) + TimeDelta::seconds(1));
    assert_eq!(preview("2026-11-25").await, (day("2026-11-26"), day("2026-11-27")));
}

#[tokio::test]
async fn a_bank_account_is_chosen_by_name_and_never_guessed() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    let savings = house.bank_account(ann.id, BankAccountKind::Savings, "000111225555").await;
    let service = &house.servicing;
    let unnamed = ask(exact(5_000), "2026-11-27");
    let only = service.preview_payment(ann.caller(), ann.id, &unnamed).await.unwrap();
    assert_eq!(only.payment.bank_account_id, ann.checking);
    house.bank_account(ann.id, BankAccountKind::Checking, "000111226666").await;
    let several = service.preview_payment(ann.caller(), ann.id, &unnamed).await;
    assert_eq!(code(several), RefusalCode::BankAccountAmbiguous);
    let from = BankAccountAsk::Named("my savings".to_owned());
    let named = PaymentAsk { from, ..ask(exact(5_000), "2026-11-27") };
    let preview = service.preview_payment(ann.caller(), ann.id, &named).await.unwrap();
    assert_eq!(preview.payment.bank_account_id, savings);
}

#[tokio::test]
async fn a_hundred_requests_with_one_key_are_one_payment_with_a_hundred_identical_answers() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let service = house.servicing.clone();
        requests.spawn(async move {
            let ask = ask(exact(5_000), "2026-11-27");
            service.schedule_payment(ann.caller(), ann.id, &ask, &key("same")).await.unwrap()
        });
    }
    let answers = requests.join_all().await;
    assert_eq!(answers.len(), 100);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(house.count("SELECT count(*) FROM payments").await, 1);
    assert_eq!(
        house.count("SELECT count(*) FROM audit_leaves WHERE kind = 'payment.scheduled'").await,
        1
    );

    let other = ask(exact(5_001), "2026-11-27");
    let reused = house.servicing.schedule_payment(ann.caller(), ann.id, &other, &key("same")).await;
    assert_eq!(code(reused), RefusalCode::KeyReused);
}

#[tokio::test]
async fn staff_and_the_assistant_cannot_pay_for_a_customer() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 80_000).await;
    let staff = house.representative("Rae").await;
    for caller in [staff, Caller::assistant(ann.id)] {
        let ask = ask(exact(5_000), "2026-11-27");
        let paid = house.servicing.schedule_payment(caller, ann.id, &ask, &key("no")).await;
        assert_eq!(code(paid), RefusalCode::NotAllowed);
    }
}

#[tokio::test]
async fn what_will_never_be_taken_is_in_the_way_of_no_new_payment() {
    let house = House::on("2026-11-02").await;
    let ann = house.person_with_account("Ann", "000111229001").await;
    house.draws(ann, 80_000).await;
    house.pays(ann, 5_000, "2026-11-03").await.unwrap();
    house.pays(ann, 5_000, "2026-11-04").await.unwrap();
    // Authorised before the failures, and due long after them.
    house.pays(ann, 5_000, "2026-12-10").await.unwrap();
    house.live_until("2026-11-20").await;
    // The one payment that may be tried, and no second beside it.
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    let second = house.pays(ann, 5_000, "2026-11-24").await;
    assert_eq!(code(second), RefusalCode::BankAccountDisabled);
}

#[tokio::test]
async fn what_was_to_come_from_a_closed_account_can_be_paid_from_another() {
    let house = House::on("2026-11-20").await;
    let ann = house.person_with_account("Ann", "000111229002").await;
    house.draws(ann, 80_000).await;
    house.pays(ann, 5_000, "2026-11-23").await.unwrap();
    house.pays(ann, 75_000, "2027-01-15").await.unwrap();
    // The first comes back: the account is closed, and nothing is taken from it any more.
    house.live_until("2026-11-30").await;
    house.bank_account(ann.id, BankAccountKind::Savings, "000111227777").await;
    house.pays(ann, 80_000, "2026-12-01").await.unwrap();
    let more = house.pays(ann, 5_000, "2026-12-02").await;
    assert_eq!(code(more), RefusalCode::AmountOverPayoff);
    assert_eq!(house.live_until("2026-12-01").await.payments.released, 1);
    house.books_agree(ann).await;
}
