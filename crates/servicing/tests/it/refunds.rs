//! What comes between a refund that was asked for and the money, and a payment that comes back after it was taken back.

use chrono::Days;
use credit::FlagKind;
use money::Cents;
use servicing::{
    Caller, Closing, DrawAsk, Level, RefusalCode, cheques::NewCheque, testing::at_once,
};
use store::{
    bank_accounts::BankAccountKind,
    draws::DrawRail,
    payments::PaymentStatus,
    refunds::{RefundRow, RefundStatus},
};

use crate::{
    house::{House, Person, Wire, code, day, key, noon, refusal},
    service::{position, told, with_credit, with_credit_banking_at},
};

async fn refund(house: &House, person: Person) -> RefundRow {
    house.servicing.list_refunds(person.caller(), person.id).await.unwrap().remove(0)
}

async fn run(house: &House) -> (u32, u32) {
    let report = house.servicing.run_refunds(Caller::system()).await.unwrap();
    (report.refunded, report.failed)
}

/// Asked for and handed over, and the bank never hears of it.
async fn with_lost_refund() -> (House, Person) {
    let (house, ann) = with_credit().await;
    let name = key("refund");
    let asked = house.servicing.request_refund(ann.caller(), ann.id, ann.checking, &name);
    asked.await.unwrap();
    house.cut(Wire::LosesRequests);
    run(&house).await;
    assert_eq!(refund(&house, ann).await.status, RefundStatus::Pending);
    house.cut(Wire::Fine);
    (house, ann)
}

async fn nothing_was_sent(house: &House, person: Person) {
    assert_eq!(run(house).await, (0, 0));
    assert_eq!(refund(house, person).await.status, RefundStatus::Refused);
    assert!(position(house, person).await.credit_balance.is_positive());
    assert!(told(house, "refund.sent").await.is_empty());
    house.books_agree(person).await;
}

#[tokio::test]
async fn a_refund_that_the_bank_never_heard_of_is_not_sent_against_a_flag() {
    let (house, ann) = with_lost_refund().await;
    let raised = house.servicing.raise_flag(Caller::system(), ann.id, FlagKind::Fraud, "case 1");
    assert!(raised.await.unwrap());
    nothing_was_sent(&house, ann).await;
}

#[tokio::test]
async fn a_refund_that_the_bank_never_heard_of_is_given_up_after_a_while() {
    let (house, ann) = with_lost_refund().await;
    let tomorrow = house.servicing.today().checked_add_days(Days::new(1)).unwrap();
    house.hand.set(noon(tomorrow));
    nothing_was_sent(&house, ann).await;
    // It can be asked for anew.
    let name = key("anew");
    let asked = house.servicing.request_refund(ann.caller(), ann.id, ann.checking, &name);
    asked.await.unwrap();
    assert_eq!(run(&house).await, (1, 0));
}

#[tokio::test]
async fn a_refund_that_is_refused_because_it_has_arrived_was_sent() {
    let (house, ann) = with_lost_refund().await;
    house.cut(Wire::TakesAndRefuses);
    assert_eq!(run(&house).await, (1, 0));
    assert_eq!(refund(&house, ann).await.status, RefundStatus::Sent);
    assert_eq!(position(&house, ann).await.credit_balance, Cents::ZERO);
    house.books_agree(ann).await;
}

/// Refused, with what could be drawn.
async fn over(house: &House, person: Person, ask: DrawAsk, available: &str) {
    let name = key(&format!("over-{}", ask.amount));
    let refused = refusal(house.servicing.draw(person.caller(), person.id, ask, &name).await);
    assert_eq!(refused.code, RefusalCode::OverLimit);
    assert!(refused.sentence.contains(available), "{}", refused.sentence);
}

#[tokio::test]
async fn what_is_on_its_way_back_cannot_be_drawn_as_well() {
    // She is owed $300.00 on a line of $2,000.00.
    let (house, ann) = with_lost_refund().await;
    let other = house.bank_account(ann.id, BankAccountKind::Savings, "000111227777").await;
    over(&house, ann, at_once(230_000, other), "$2,000.00").await;
    over(&house, ann, at_once(200_001, ann.checking), "$2,000.00").await;
    let ask = at_once(200_000, ann.checking);
    let preview = house.servicing.preview_draw(Caller::assistant(ann.id), ann.id, ask).await;
    assert_eq!(preview.unwrap().available_after, Cents::ZERO);
    house.servicing.draw(ann.caller(), ann.id, ask, &key("limit")).await.unwrap();
    assert_eq!(run(&house).await, (0, 0), "the draw has used it by now");
    let after = position(&house, ann).await;
    assert_eq!(after.principal_balance, Cents::new(170_000));
    assert_eq!(refund(&house, ann).await.status, RefundStatus::Refused);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_refund_the_bank_sends_while_a_draw_is_on_its_way_leaves_the_line_within_its_limit() {
    let (house, ann) = with_lost_refund().await;
    let by_file = DrawAsk { rail: DrawRail::Standard, ..at_once(200_000, ann.checking) };
    house.servicing.draw(ann.caller(), ann.id, by_file, &key("limit")).await.unwrap();
    assert_eq!(run(&house).await, (1, 0));
    assert_eq!(refund(&house, ann).await.status, RefundStatus::Sent);
    house.live_until("2026-09-23").await;
    let after = position(&house, ann).await;
    assert_eq!((after.principal_balance, after.credit_balance), (Cents::new(200_000), Cents::ZERO));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn what_a_draw_on_its_way_uses_is_not_sent_back_as_well() {
    let (house, ann) = with_credit().await;
    let service = &house.servicing;
    let name = key("refund");
    let asked = service.request_refund(ann.caller(), ann.id, ann.checking, &name);
    asked.await.unwrap();
    let by_file = DrawAsk { rail: DrawRail::Standard, ..at_once(230_000, ann.checking) };
    service.draw(ann.caller(), ann.id, by_file, &key("all-of-it")).await.unwrap();
    assert_eq!(run(&house).await, (0, 0));
    let refused = refund(&house, ann).await;
    assert_eq!(refused.refusal.as_deref(), Some("credit_balance_used"));
    let again = service.request_refund(ann.caller(), ann.id, ann.checking, &key("again")).await;
    assert_eq!(code(again), RefusalCode::NoCreditBalance);
    let rae = house.representative("Rae").await;
    let today = service.today();
    let cheque = NewCheque { number: "100245".into(), amount: Cents::new(30_000), sent_on: today };
    let cheque = service.send_cheque(rae, ann.id, &cheque, &key("cheque")).await;
    assert_eq!(code(cheque), RefusalCode::ChequeInvalid);
    house.live_until("2026-09-23").await;
    assert_eq!(position(&house, ann).await.principal_balance, Cents::new(200_000));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn while_a_person_may_have_sent_a_cheque_its_amount_cannot_be_drawn() {
    let (house, ann) = with_credit().await;
    house.sabotage("UPDATE bank_accounts SET status = 'disabled'").await;
    weeks_from(&house, "2027-03-20", 1).await;
    assert_eq!(cheques(&house, ann).await.len(), 1);
    let other = house.bank_account(ann.id, BankAccountKind::Savings, "000111227777").await;
    over(&house, ann, at_once(200_001, other), "$2,000.00").await;
    house.servicing.draw(ann.caller(), ann.id, at_once(200_000, other), &key("d")).await.unwrap();
    house.books_agree(ann).await;
}

#[tokio::test]
async fn nothing_is_refunded_to_a_bank_account_that_was_disabled_meanwhile() {
    let (house, ann) = with_credit().await;
    let name = key("refund");
    let asked = house.servicing.request_refund(ann.caller(), ann.id, ann.checking, &name);
    asked.await.unwrap();
    house.sabotage("UPDATE bank_accounts SET status = 'disabled'").await;
    nothing_was_sent(&house, ann).await;
    assert_eq!(refund(&house, ann).await.refusal.as_deref(), Some("bank_account_disabled"));
}

/// Every day from the first for some weeks, twice.
async fn weeks_from(house: &House, first: &str, weeks: u64) {
    let first = day(first);
    for n in 0..weeks * 7 {
        house.hand.set(noon(first.checked_add_days(Days::new(n)).unwrap()));
        run(house).await;
        run(house).await;
    }
}

async fn cheques(house: &House, person: Person) -> Vec<String> {
    let queue = house.servicing.queue(house.representative("Rae").await).await.unwrap();
    let cases = queue.cases.into_iter().map(|(case, _)| case);
    let by_cheque =
        cases.filter(|case| case.kind == "refund_by_cheque" && case.customer_id == person.id);
    by_cheque.map(|case| case.words).collect()
}

#[tokio::test]
async fn what_goes_back_unasked_and_is_refused_is_tried_three_times_and_then_left_to_a_person() {
    // The bank takes debits of this account and refuses what is sent to it at once.
    let (house, ann) = with_credit_banking_at("000111229301").await;
    weeks_from(&house, "2027-03-20", 6).await;
    let refunds = house.servicing.list_refunds(ann.caller(), ann.id).await.unwrap();
    assert!(refunds.iter().all(|refund| refund.status == RefundStatus::Refused), "{refunds:?}");
    let asked: Vec<_> = refunds.iter().map(|one| one.requested_at.date_naive()).collect();
    assert_eq!(asked, [day("2027-04-03"), day("2027-03-27"), day("2027-03-20")]);
    let told_of = cheques(&house, ann).await;
    assert_eq!(
        told_of,
        ["The credit balance of the line is to go back, and it could not be sent: send a cheque."]
    );
    // What goes by cheque does not go to the bank as well.
    let other = house.bank_account(ann.id, BankAccountKind::Savings, "000111227777").await;
    let l3 = ann.caller().at(Level::L3);
    let asked = house.servicing.request_refund(l3, ann.id, other, &key("by-bank")).await;
    assert_eq!(code(asked), RefusalCode::NotAllowed);
    assert!(told(&house, "case.repeated").await.is_empty(), "told once");
    let looked_for = "SELECT count(*) FROM credit_lines WHERE refund_on IS NOT NULL";
    assert_eq!(house.count(looked_for).await, 0);
    // Once it moves, it is another balance.
    let ask = at_once(10_000, other);
    house.servicing.draw(ann.caller(), ann.id, ask, &key("another")).await.unwrap();
    let again =
        "SELECT count(*) FROM credit_lines WHERE refund_on >= '2027-10-30' AND refund_tries = 0";
    assert_eq!(house.count(again).await, 1);
    // Once the case is closed nothing is in the way.
    let rae = house.representative("Rae").await;
    let queue = house.servicing.queue(rae).await.unwrap();
    let case = queue.cases.iter().find(|(case, _)| case.kind == "refund_by_cheque").unwrap().0.id;
    let closing = Closing { note: "Not sent.", clear_flag: false };
    house.servicing.close_case(rae, case, closing, &key("close")).await.unwrap();
    house.servicing.request_refund(l3, ann.id, other, &key("by-bank-now")).await.unwrap();
    house.books_agree(ann).await;
}

#[tokio::test]
async fn what_has_no_bank_account_to_go_back_to_is_left_to_a_person_at_once() {
    let (house, ann) = with_credit().await;
    house.sabotage("UPDATE bank_accounts SET status = 'disabled'").await;
    weeks_from(&house, "2027-03-20", 2).await;
    assert!(house.servicing.list_refunds(ann.caller(), ann.id).await.unwrap().is_empty());
    let told_of = cheques(&house, ann).await;
    assert!(told_of.len() == 1 && told_of[0].contains("no bank account"), "{told_of:?}");
    assert!(told(&house, "case.repeated").await.is_empty(), "told once");
}

#[tokio::test]
async fn a_payment_that_we_took_back_ourselves_costs_nothing_and_is_not_tried_again_when_it_returns()
 {
    let house = House::on("2026-09-06").await;
    // The bank returns every debit for want of funds.
    let ann = house.person_with_account("Ann", "000111229001").await;
    house.draws(ann, 100_000).await;
    house.live_until("2026-10-08").await;
    house.pays(ann, 5_000, "2026-10-14").await.unwrap();
    house.live_until("2026-10-14").await;
    let service = &house.servicing;
    let (rae, sam) = (house.representative("Rae").await, house.representative("Sam").await);
    let payment = house.payments(ann).await[0].id;
    let asked = service.ask_reversal(rae, payment, "Not hers.", &key("ask")).await.unwrap();
    service.countersign(sam, asked.id, (true, "Seen."), &key("done")).await.unwrap();
    let before = position(&house, ann).await.penalty_fees;
    house.live_until("2026-10-28").await;
    let payments = house.payments(ann).await;
    assert_eq!(payments.len(), 1, "it is not tried again");
    assert_eq!((payments[0].status, payments[0].retry_on), (PaymentStatus::Returned, None));
    assert_eq!(position(&house, ann).await.penalty_fees, before);
    // Nor does it count among the failed debits: one more may come back and be tried again.
    house.pays(ann, 4_000, "2026-10-29").await.unwrap();
    house.live_until("2026-11-02").await;
    let newest = house.payments(ann).await.remove(0);
    assert_eq!(newest.status, PaymentStatus::Returned);
    assert!(newest.retry_on.is_some_and(|on| on > day("2026-10-29")));
    house.books_agree(ann).await;
}

/// 12 CFR 1026.11(a)(2): it is owed within seven banking days all the same.
#[tokio::test]
async fn what_was_asked_for_and_is_refused_is_left_to_a_person_at_once() {
    let (house, ann) = with_credit_banking_at("000111229301").await;
    let asked =
        house.servicing.request_refund(ann.caller(), ann.id, ann.checking, &key("refund")).await;
    asked.unwrap();
    house.live_until("2026-09-30").await;
    assert_eq!(refund(&house, ann).await.status, RefundStatus::Refused);
    let told_of = cheques(&house, ann).await;
    assert!(told_of.len() == 1 && told_of[0].contains("would not take it"), "{told_of:?}");
    house.books_agree(ann).await;
}
