//! Automatic payments: signed, told, taken once, and stopped at a word.

use std::collections::HashSet;

use credit::FlagKind;
use identity::{AutopayId, BankAccountId};
use money::Cents;
use serde_json::Value;
use servicing::{
    AmountAsk, BankAccountAsk, Caller, CaseKind, Level, NewCase, PaymentAsk, RefusalCode,
    autopay::{AutopayAmount, AutopayAsk},
};
use store::{
    autopays::{DebitRow, DebitStatus},
    intents::ReceiptRow,
    payments::{AmountKind, PaymentStatus},
};
use tokio::task::JoinSet;

use crate::{
    house::{House, Person, cents, code, day, key, noon},
    messages::Written,
};

/// The sandbox bank returns every debit for want of funds.
const ALWAYS_SHORT: &str = "000111229001";
const PAYMENTS: &str = "SELECT count(*) FROM payments";

/// A right said in words.
pub(crate) async fn say_stop(house: &House, person: Person) {
    let case = NewCase {
        customer_id: person.id,
        conversation_id: None,
        kind: CaseKind::StopPayment,
        words: "stop taking my money".to_owned(),
    };
    house.servicing.open_case(Caller::assistant(person.id), case).await.unwrap();
}

/// Ann owes $1,000.00; her statement of October 5 asks for $39.73 by October 30.
pub(crate) async fn with_statement(account: &str) -> (Written, Person) {
    let house = Written::on("2026-09-06").await;
    let ann = house.person_with_account("Ann", account).await;
    house.draws(ann, 100_000).await;
    house.live_until("2026-10-08").await;
    (house, ann)
}

const fn ask(amount: AutopayAmount, bank_account_id: BankAccountId) -> AutopayAsk {
    AutopayAsk { amount, bank_account_id }
}

/// Signs what is shown.
pub(crate) async fn enrol(
    house: &House,
    person: Person,
    amount: AutopayAmount,
    name: &str,
) -> ReceiptRow {
    let ask = ask(amount, person.checking);
    let offer = house.servicing.offer_autopay(person.caller(), person.id, ask).await.unwrap();
    let digest = &offer.document.digest;
    house.servicing.set_autopay(person.caller(), person.id, ask, digest, &key(name)).await.unwrap()
}

pub(crate) async fn debits(house: &House, person: Person) -> Vec<DebitRow> {
    house.servicing.autopay(person.caller(), person.id).await.unwrap().debits
}

/// What the outside world was told of a kind, oldest first.
pub(crate) async fn told(house: &House, kind: &str) -> Vec<Value> {
    sqlx::query_scalar("SELECT payload FROM outbox WHERE kind = $1 ORDER BY id")
        .bind(kind)
        .fetch_all(house.database.owner())
        .await
        .unwrap()
}

async fn pays(house: &House, person: Person, amount: i64, on: &str) {
    house.pays(person, amount, on).await.unwrap();
}

#[tokio::test]
async fn the_minimum_is_told_ahead_and_taken_once_on_the_due_date() {
    let (house, ann) = with_statement("000111224242").await;
    let receipt = enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    assert_eq!(
        receipt.text,
        "Automatic payments of the minimum due from your checking account ending in 4242 are set up. The next one is on \
         October 30, 2026."
    );
    assert_eq!(told(&house, "autopay.enrolled").await.len(), 1);
    house.live_until("2026-10-15").await;
    assert!(told(&house, "autopay.notice").await.is_empty());
    house.live_until("2026-10-29").await;
    let notices = told(&house, "autopay.notice").await;
    assert_eq!(notices.len(), 1);
    let expected = serde_json::json!({
        "customer_id": ann.id, "credit_line_id": ann.line, "amount_cents": 3_973, "on": "2026-10-30",
        "bank_account_ending": "4242", "statement_number": 1, "amount_kind": "minimum",
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&notices[0][name], value, "{name}");
    }
    assert_eq!(house.count(PAYMENTS).await, 0);

    let report = house.live_until("2026-10-30").await.payments;
    assert_eq!((report.autopaid, report.released, report.failed), (1, 1, 0));
    let payment = house.payments(ann).await.remove(0);
    assert_eq!((payment.amount, payment.amount_kind), (cents(3_973), AmountKind::Minimum));
    assert_eq!((payment.authorised_on, payment.debit_on), (day("2026-10-30"), day("2026-10-30")));
    let again = house.servicing.run_jobs(Caller::system()).await.unwrap();
    assert_eq!((again.payments.autopaid, again.payments.released), (0, 0));
    let position = house.servicing.position(ann.caller(), ann.id).await.unwrap().position;
    assert_eq!((position.minimum_due, position.past_due), (Cents::ZERO, Cents::ZERO));

    // The statement after has its own.
    let report = house.live_until("2026-12-02").await.payments;
    assert_eq!((report.autopaid, report.failed), (1, 0));
    assert_eq!(house.count(PAYMENTS).await, 2);
    assert_eq!(house.payments(ann).await[0].authorised_on, day("2026-11-30"));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_due_date_on_a_saturday_is_debited_on_monday_and_counts_for_saturday() {
    let house = Written::on("2026-12-06").await;
    let ann = house.house.person("Ann").await;
    house.draws(ann, 100_000).await;
    house.live_until("2027-01-08").await;
    enrol(&house, ann, AutopayAmount::Statement, "enrol").await;
    house.live_until("2027-01-31").await;
    assert_eq!(house.count(PAYMENTS).await, 0);
    let report = house.live_until("2027-02-01").await.payments;
    assert_eq!(report.released, 1);
    let payment = house.payments(ann).await.remove(0);
    assert_eq!((payment.authorised_on, payment.debit_on), (day("2027-01-30"), day("2027-02-01")));
    let position = house.servicing.position(ann.caller(), ann.id).await.unwrap().position;
    assert_eq!((position.principal_balance, position.days_past_due), (Cents::ZERO, 0));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn what_the_customer_pays_or_arranges_by_themselves_is_left_out() {
    for (paid, on, taken) in [
        (1_000, "2026-10-22", Some(2_973)),
        // Chosen for the due date itself, and not taken yet when the debit is decided.
        (1_000, "2026-10-30", Some(2_973)),
        (3_973, "2026-10-22", None),
        (10_000, "2026-10-22", None),
        // Too late for the minimum: it is taken all the same, and never more than is owed.
        (1_000, "2026-11-02", Some(3_973)),
    ] {
        let (house, ann) = with_statement("000111224242").await;
        enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
        house.live_until("2026-10-20").await;
        pays(&house, ann, paid, on).await;
        house.live_until("2026-10-30").await;
        let debit = debits(&house, ann).await.remove(0);
        let payments = house.payments(ann).await;
        let automatic = payments.iter().find(|one| Some(one.id) == debit.payment_id);
        assert_eq!(automatic.map(|one| one.amount), taken.map(cents), "{paid} on {on}");
        let expected = if taken.is_some() { DebitStatus::Made } else { DebitStatus::NothingDue };
        assert_eq!(debit.status, expected, "{paid} on {on}");
    }
}

#[tokio::test]
async fn never_more_than_was_told_or_is_owed_is_taken() {
    let (house, ann) = with_statement("000111224242").await;
    enrol(&house, ann, AutopayAmount::Fixed { cents: cents(150_000) }, "enrol").await;
    house.live_until("2026-10-17").await;
    let told_amount = told(&house, "autopay.notice").await[0]["amount_cents"].as_i64().unwrap();
    let payoff = house.servicing.payoff_quote(ann.caller(), ann.id, day("2026-10-30")).await;
    assert_eq!(cents(told_amount), payoff.unwrap().payoff);
    // More is owed by now than was told.
    house.draws(ann, 20_000).await;
    house.live_until("2026-10-30").await;
    assert_eq!(house.payments(ann).await[0].amount, cents(told_amount));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn taken_back_the_second_before_the_file_leaves_nothing_is_taken() {
    let (house, ann) = with_statement("000111224242").await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    house.live_until("2026-10-29").await;
    house.hand.set(noon(day("2026-10-30")));
    let service = &house.servicing;
    assert_eq!(service.run_autopay(Caller::system()).await.unwrap().autopaid, 1);
    let known_channel = ann.caller().at(Level::L1);
    let receipt = service.cancel_autopay(known_channel, ann.id, &key("stop")).await.unwrap();
    assert!(!receipt.text.contains('$'), "{}", receipt.text);
    let report = service.run_payments(Caller::system()).await.unwrap();
    assert_eq!((report.released, house.submitted()), (0, 0));
    assert_eq!(house.payments(ann).await[0].status, PaymentStatus::Cancelled);
    assert_eq!(told(&house, "autopay.cancelled").await[0]["why"], "customer");
    let again = service.cancel_autopay(ann.caller(), ann.id, &key("stop")).await.unwrap();
    assert_eq!(again, receipt);
    let twice = service.cancel_autopay(ann.caller(), ann.id, &key("stop-2")).await;
    assert_eq!(code(twice), RefusalCode::NotFound);
    house.live_until("2026-12-05").await;
    assert_eq!(house.submitted(), 0);
}

#[tokio::test]
async fn leave_that_is_taken_back_while_the_file_is_chosen_is_heard_or_said_to_be_too_late() {
    let (house, ann) = with_statement("000111224242").await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    house.live_until("2026-10-29").await;
    house.hand.set(noon(day("2026-10-30")));
    let (one, other) = (house.servicing.clone(), house.servicing.clone());
    let running = tokio::spawn(async move { one.run_payments(Caller::system()).await.unwrap() });
    let cancelling = tokio::spawn(async move {
        other.cancel_autopay(ann.caller(), ann.id, &key("stop")).await.unwrap()
    });
    let (report, receipt) = (running.await.unwrap(), cancelling.await.unwrap());
    let gone = receipt.text.contains("gone to the bank");
    assert_eq!(report.released, u32::from(gone), "{}", receipt.text);
    assert_eq!(house.submitted(), usize::from(gone));
}

#[tokio::test]
async fn a_dozen_at_once_leave_one_authorisation_and_one_debit() {
    let (house, ann) = with_statement("000111224242").await;
    let ask = ask(AutopayAmount::Minimum, ann.checking);
    let offer = house.servicing.offer_autopay(ann.caller(), ann.id, ask).await.unwrap();
    let mut requests = JoinSet::new();
    for n in 0..12 {
        let (service, digest) = (house.servicing.clone(), offer.document.digest.clone());
        requests.spawn(async move {
            let key = key(&format!("enrol-{}", n % 4));
            service.set_autopay(ann.caller(), ann.id, ask, &digest, &key).await.unwrap().id
        });
    }
    let receipts: HashSet<_> = requests.join_all().await.into_iter().collect();
    assert_eq!(receipts.len(), 4, "one effect for one key");
    assert_eq!(house.count("SELECT count(*) FROM autopays WHERE ended_at IS NULL").await, 1);
    assert_eq!(told(&house, "autopay.enrolled").await.len(), 1);
    assert_eq!(told(&house, "autopay.changed").await.len(), 3);
    house.live_until("2026-10-29").await;
    house.hand.set(noon(day("2026-10-30")));
    let mut runs = JoinSet::new();
    for _ in 0..4 {
        let service = house.servicing.clone();
        runs.spawn(async move { service.run_payments(Caller::system()).await.unwrap().autopaid });
    }
    assert_eq!(runs.join_all().await.into_iter().sum::<u32>(), 1);
    assert_eq!(house.count(PAYMENTS).await, 1);
    assert_eq!(told(&house, "autopay.notice").await.len(), 1);
}

#[tokio::test]
async fn only_what_was_shown_is_signed_and_only_by_its_customer() {
    let (house, ann) = with_statement("000111224242").await;
    let bob = house.person_with_account("Bob", "000111227777").await;
    let service = &house.servicing;
    let ask_of = |amount| ask(amount, ann.checking);
    let offer = service.offer_autopay(ann.caller(), ann.id, ask_of(AutopayAmount::Minimum)).await;
    let digest = offer.unwrap().document.digest;
    let set = async |caller, ask, digest: &str| {
        code(service.set_autopay(caller, ann.id, ask, digest, &key("bad")).await)
    };
    let minimum = ask_of(AutopayAmount::Minimum);
    let other = ask_of(AutopayAmount::Statement);
    let nothing = ask_of(AutopayAmount::Fixed { cents: Cents::ZERO });
    let bobs = ask(AutopayAmount::Minimum, bob.checking);
    let staff = house.representative("Rae").await;
    for (caller, ask, digest, expected) in [
        (ann.caller(), other, digest.as_str(), RefusalCode::IntentChanged),
        (ann.caller(), minimum, "", RefusalCode::IntentChanged),
        (ann.caller(), nothing, digest.as_str(), RefusalCode::AmountNotPositive),
        (ann.caller(), bobs, digest.as_str(), RefusalCode::BankAccountUnknown),
        (ann.caller().at(Level::L1), minimum, digest.as_str(), RefusalCode::LevelTooLow),
        (bob.caller(), minimum, digest.as_str(), RefusalCode::NotFound),
        (staff, minimum, digest.as_str(), RefusalCode::NotAllowed),
        (Caller::assistant(ann.id), minimum, digest.as_str(), RefusalCode::NotAllowed),
    ] {
        assert_eq!(set(caller, ask, digest).await, expected, "{caller:?} {ask:?}");
    }
    assert_eq!(house.count("SELECT count(*) FROM autopays").await, 0);
    let receipt = service.set_autopay(ann.caller(), ann.id, minimum, &digest, &key("bad")).await;
    assert_eq!(receipt.unwrap().kind, "autopay_enrolled");

    let view = service.autopay(ann.caller(), ann.id).await.unwrap();
    let id = view.standing.unwrap().0.id;
    let kept = service.autopay_document(ann.caller(), ann.id, id).await.unwrap();
    assert_eq!(kept.digest, digest);
    let text = String::from_utf8(kept.bytes).unwrap();
    assert!(text.contains("checking account ending in 4242 at First Harbor Bank"), "{text}");
    let as_bob = service.autopay_document(bob.caller(), bob.id, id).await;
    assert_eq!(code(as_bob), RefusalCode::NotFound);
    let none = service.autopay_document(ann.caller(), ann.id, AutopayId::mint(service.now())).await;
    assert_eq!(code(none), RefusalCode::NotFound);
    let as_bob = service.cancel_autopay(bob.caller(), ann.id, &key("stop")).await;
    assert_eq!(code(as_bob), RefusalCode::NotFound);
    // On the telephone: staff may stop it for the customer, and not begin it.
    service.cancel_autopay(staff, ann.id, &key("stop")).await.unwrap();
}

#[tokio::test]
async fn who_enrols_too_late_for_the_notice_begins_with_the_statement_after() {
    let (house, ann) = with_statement("000111224242").await;
    house.live_until("2026-10-21").await;
    let receipt = enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    assert!(receipt.text.contains("for your next statement"), "{}", receipt.text);
    house.live_until("2026-11-04").await;
    assert_eq!(house.count(PAYMENTS).await, 0);
    let debit = debits(&house, ann).await.remove(0);
    assert_eq!(debit.why.as_deref(), Some("too_late_for_notice"));
    assert_eq!(house.live_until("2026-11-30").await.payments.autopaid, 1);
}

#[tokio::test]
async fn one_that_is_skipped_is_not_taken_and_the_next_one_is() {
    let (house, ann) = with_statement("000111224242").await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    house.live_until("2026-10-20").await;
    let service = &house.servicing;
    let receipt = service.skip_autopay(ann.caller(), ann.id, &key("skip")).await.unwrap();
    assert_eq!(
        receipt.text,
        "The automatic payment of October 30, 2026 is skipped. The minimum of $39.73 is still due on October 30, 2026."
    );
    let again = service.skip_autopay(ann.caller(), ann.id, &key("skip-2")).await;
    assert_eq!(code(again), RefusalCode::NothingDue);
    house.live_until("2026-11-04").await;
    assert_eq!(house.count(PAYMENTS).await, 0);
    assert_eq!(house.live_until("2026-11-30").await.payments.autopaid, 1);
    let statuses: Vec<_> = debits(&house, ann).await.iter().map(|debit| debit.status).collect();
    assert_eq!(statuses, [DebitStatus::Made, DebitStatus::Skipped]);
}

#[tokio::test]
async fn a_change_is_signed_anew_and_what_is_planned_goes_by_it() {
    let (house, ann) = with_statement("000111224242").await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    house.live_until("2026-10-17").await;
    let fifty = AutopayAmount::Fixed { cents: cents(5_000) };
    let receipt = enrol(&house, ann, fifty, "change").await;
    assert!(receipt.text.contains("$50.00") && receipt.text.contains("changed"), "{receipt:?}");
    house.live_until("2026-10-18").await;
    let amounts: Vec<_> = told(&house, "autopay.notice")
        .await
        .iter()
        .map(|one| one["amount_cents"].clone())
        .collect();
    assert_eq!(amounts, [3_973, 5_000], "there was time to tell again");
    // Nine days ahead there is not: the new amount, and no more than was told.
    house.live_until("2026-10-21").await;
    enrol(&house, ann, AutopayAmount::Statement, "late").await;
    house.live_until("2026-10-30").await;
    assert_eq!(house.payments(ann).await[0].amount, cents(5_000));
    assert_eq!(house.count("SELECT count(*) FROM autopays").await, 3);
}

#[tokio::test]
async fn two_failed_debits_end_it_and_a_retry_is_not_made_once_it_is_taken_back() {
    let (house, ann) = with_statement(ALWAYS_SHORT).await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    // The debit of October 30 and its one retry come back.
    house.live_until("2026-11-20").await;
    let view = house.servicing.autopay(ann.caller(), ann.id).await.unwrap();
    assert_eq!(view.ended.unwrap().end_reason.as_deref(), Some("two_failed_debits"));
    house.live_until("2026-12-10").await;
    assert_eq!(told(&house, "autopay.cancelled").await[0]["why"], "two_failed_debits");
    assert_eq!(house.count(PAYMENTS).await, 2);

    let (house, ann) = with_statement(ALWAYS_SHORT).await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    house.live_until("2026-11-04").await;
    assert_eq!(house.payments(ann).await[0].status, PaymentStatus::Returned);
    house.servicing.cancel_autopay(ann.caller(), ann.id, &key("stop")).await.unwrap();
    house.live_until("2026-11-20").await;
    assert_eq!(house.count("SELECT count(*) FROM payments WHERE status = 'released'").await, 0);
    assert_eq!(house.submitted(), 1);
}

#[tokio::test]
async fn who_takes_back_what_they_changed_takes_back_what_was_given_before() {
    let (house, ann) = with_statement(ALWAYS_SHORT).await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    house.live_until("2026-11-04").await;
    assert_eq!(house.payments(ann).await[0].status, PaymentStatus::Returned);
    enrol(&house, ann, AutopayAmount::Statement, "change").await;
    house.servicing.cancel_autopay(ann.caller(), ann.id, &key("stop")).await.unwrap();
    house.live_until("2026-11-20").await;
    assert_eq!(house.submitted(), 1, "it is not tried again");
}

#[tokio::test]
async fn a_payment_says_why_it_was_cancelled_when_nobody_cancelled_it() {
    let (house, ann) = with_statement("000111224242").await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    house.live_until("2026-10-29").await;
    house.hand.set(noon(day("2026-10-30")));
    assert_eq!(house.servicing.run_autopay(Caller::system()).await.unwrap().autopaid, 1);
    house.sabotage("UPDATE bank_accounts SET status = 'disabled'").await;
    house.sabotage("UPDATE autopays SET looks_next_on = '2026-10-30'").await;
    house.servicing.run_autopay(Caller::system()).await.unwrap();
    let payment = house.payments(ann).await.remove(0);
    assert_eq!(payment.status, PaymentStatus::Cancelled);
    assert_eq!(payment.cancel_reason.as_deref(), Some("bank_account_disabled"));
}

#[tokio::test]
async fn a_flag_or_a_revocation_stops_it_as_it_stops_every_debit() {
    let (house, ann) = with_statement("000111224242").await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    house.live_until("2026-10-20").await;
    let assistant = Caller::assistant(ann.id);
    let raised = house.servicing.raise_flag(assistant, ann.id, FlagKind::Bankruptcy, "case 1");
    assert!(raised.await.unwrap());
    house.live_until("2026-11-01").await;
    assert_eq!(debits(&house, ann).await[0].why.as_deref(), Some("flag:bankruptcy"));
    assert_eq!(house.count(PAYMENTS).await, 0);

    let (house, ann) = with_statement("000111224242").await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    house.live_until("2026-10-20").await;
    say_stop(&house, ann).await;
    let view = house.servicing.autopay(ann.caller(), ann.id).await.unwrap();
    assert!(view.standing.is_none(), "it has ended as soon as it was said");
    house.live_until("2026-12-10").await;
    assert_eq!(house.count(PAYMENTS).await, 0);
    assert_eq!(told(&house, "autopay.cancelled").await[0]["why"], "stop_payment");
    // What is signed afterwards stands.
    enrol(&house, ann, AutopayAmount::Minimum, "again").await;
    let view = house.servicing.autopay(ann.caller(), ann.id).await.unwrap();
    assert!(view.standing.is_some());
}

#[tokio::test]
async fn an_automatic_payment_can_be_cancelled_like_any_other_and_pays_nobody_twice() {
    let (house, ann) = with_statement("000111224242").await;
    enrol(&house, ann, AutopayAmount::Statement, "enrol").await;
    house.live_until("2026-10-29").await;
    house.hand.set(noon(day("2026-10-30")));
    let service = &house.servicing;
    service.run_autopay(Caller::system()).await.unwrap();
    // All that is owed is on its way: nothing can be scheduled beside it.
    let ask = PaymentAsk {
        amount: AmountAsk::Exact { cents: cents(100_000) },
        on: day("2026-10-30"),
        from: BankAccountAsk::Only,
    };
    let beside = service.schedule_payment(ann.caller(), ann.id, &ask, &key("beside")).await;
    assert_eq!(code(beside), RefusalCode::AmountOverPayoff);
    let id = house.payments(ann).await[0].id;
    service.cancel_payment(ann.caller(), ann.id, id, &key("cancel")).await.unwrap();
    assert_eq!(service.run_payments(Caller::system()).await.unwrap().released, 0);
    house.live_until("2026-11-04").await;
    assert_eq!(house.count(PAYMENTS).await, 1);
}

#[tokio::test]
async fn what_was_paid_automatically_since_is_not_tried_again_beside_it() {
    // The bank returns the first debit for want of funds, and lets the next one settle.
    let (house, ann) = with_statement("000111229101").await;
    enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    house.live_until("2026-10-23").await;
    pays(&house, ann, 1_000, "2026-10-26").await;
    house.live_until("2026-10-29").await;
    assert_eq!(house.payments(ann).await[0].status, PaymentStatus::Returned);
    house.live_until("2026-11-10").await;
    let retries = "SELECT count(*) FROM payments WHERE retry_of IS NOT NULL";
    assert_eq!(house.count(retries).await, 0);
    assert_eq!(told(&house, "payment.not_retried").await[0]["why"], "paid_since");
    let debit = debits(&house, ann).await.pop().unwrap();
    let payments = house.payments(ann).await;
    let automatic = payments.iter().find(|one| Some(one.id) == debit.payment_id).unwrap();
    assert_eq!((automatic.amount, automatic.status), (cents(3_973), PaymentStatus::Settled));
    house.books_agree(ann).await;
}
