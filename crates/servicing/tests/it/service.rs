//! What a customer and staff do to a line: the due day, the limit, a credit balance, disputes, terms, service.

use credit::{FeeKind, FlagKind};
use money::Cents;
use serde_json::{Value, json};
use servicing::{
    Caller, DrawAsk, Level, RefusalCode,
    autopay::AutopayAmount,
    disputes::{DisputeSubject, Finding, NewDispute},
    staff_changes::{NewTerms, ServicePeriod},
};
use store::{
    bank_accounts::BankAccountKind, documents::Format, draws::DrawRail, refunds::RefundStatus,
};
use tokio::task::JoinSet;

use crate::{
    autopay,
    house::{House, Person, Wire, cents, code, day, key, noon, refusal},
};

/// Ann owes $1,000.00; her statement of October 5 asks for $39.73 by October 30.
pub(crate) async fn with_statement() -> (House, Person) {
    let house = House::on("2026-09-06").await;
    let ann = house.person("Ann").await;
    house.draws(ann, 100_000).await;
    house.live_until("2026-10-08").await;
    (house, ann)
}

pub(crate) async fn position(house: &House, person: Person) -> credit::Position {
    house.servicing.position(person.caller(), person.id).await.unwrap().position
}

pub(crate) async fn told(house: &House, kind: &str) -> Vec<Value> {
    sqlx::query_scalar("SELECT payload FROM outbox WHERE kind = $1 ORDER BY id")
        .bind(kind)
        .fetch_all(house.database.owner())
        .await
        .unwrap()
}

pub(crate) async fn pays(house: &House, person: Person, amount: i64, on: &str) {
    house.pays(person, amount, on).await.unwrap();
    house.live_until(on).await;
}

#[tokio::test]
async fn another_due_day_leaves_the_statement_and_the_open_cycle_and_moves_what_comes_after() {
    let (house, ann) = with_statement().await;
    let service = &house.servicing;
    let change = service.preview_due_day(ann.caller(), ann.id, 15).await.unwrap();
    // The open cycle ends on November 5 and is due on November 30, as it was. 15 days more, and the due day is met.
    assert_eq!((change.old_due_on, change.from), (day("2026-11-30"), day("2026-11-06")));
    assert_eq!((change.closes_on, change.due_on), (day("2026-11-20"), day("2026-12-15")));
    assert_eq!(change.then_due_on, day("2027-01-15"));
    let receipt = service.change_due_day(ann.caller(), ann.id, 15, &key("day")).await.unwrap();
    assert_eq!(
        receipt.text,
        "Your due day is now the 15th of the month. What is due by November 30, 2026 stays due then; the first payment by the \
         new day is due on December 15, 2026."
    );
    let again = service.change_due_day(ann.caller(), ann.id, 15, &key("day")).await.unwrap();
    assert_eq!(again, receipt);
    assert_eq!(position(&house, ann).await.due_on, Some(day("2026-10-30")));
    for (day, expected) in [
        (0, RefusalCode::DueDayInvalid),
        (29, RefusalCode::DueDayInvalid),
        (20, RefusalCode::ChangedLately),
    ] {
        let refused = service.change_due_day(ann.caller(), ann.id, day, &key("other")).await;
        assert_eq!(code(refused), expected, "{day}");
    }
    house.books_agree(ann).await;

    pays(&house, ann, 3_973, "2026-10-29").await;
    house.live_until("2026-11-07").await;
    let statement = position(&house, ann).await.last_statement.unwrap();
    assert_eq!((statement.closed_on, statement.due_on), (day("2026-11-05"), day("2026-11-30")));
    pays(&house, ann, 5_000, "2026-11-20").await;
    house.live_until("2026-11-22").await;
    let statement = position(&house, ann).await.last_statement.unwrap();
    assert_eq!((statement.closed_on, statement.due_on), (day("2026-11-20"), day("2026-12-15")));
    pays(&house, ann, 5_000, "2026-12-10").await;
    house.live_until("2026-12-22").await;
    let statement = position(&house, ann).await.last_statement.unwrap();
    assert_eq!((statement.closed_on, statement.due_on), (day("2026-12-20"), day("2027-01-15")));
    house.books_agree(ann).await;
}

/// 12 CFR 1026.13(c)(2).
#[tokio::test]
async fn a_dispute_after_another_due_day_is_settled_within_two_cycles_as_they_close_now() {
    let (house, ann) = with_statement().await;
    let service = &house.servicing;
    service.change_due_day(ann.caller(), ann.id, 15, &key("day")).await.unwrap();
    let other = NewDispute {
        subject: DisputeSubject::Other,
        amount: cents(100),
        words: "I do not know this.".to_owned(),
    };
    let dispute =
        service.open_dispute(ann.caller(), ann.id, &other, &key("dispute")).await.unwrap();
    // The open cycle ends on November 5; those after it on November 20 and December 20.
    assert_eq!(dispute.resolve_by, day("2026-12-20"));
}

#[tokio::test]
async fn the_due_day_is_no_way_out_of_what_is_past_due_and_is_nobody_elses() {
    let (house, ann) = with_statement().await;
    let bob = house.person_with_account("Bob", "000111227777").await;
    let service = &house.servicing;
    let staff = house.representative("Rae").await;
    for (caller, expected) in [
        (bob.caller(), RefusalCode::NotFound),
        (staff, RefusalCode::NotAllowed),
        (Caller::assistant(ann.id), RefusalCode::NotAllowed),
        (ann.caller().at(Level::L1), RefusalCode::LevelTooLow),
    ] {
        let refused = service.change_due_day(caller, ann.id, 15, &key("day")).await;
        assert_eq!(code(refused), expected, "{caller:?}");
    }
    house.live_until("2026-11-03").await;
    let late = service.change_due_day(ann.caller(), ann.id, 15, &key("day")).await;
    assert_eq!(code(late), RefusalCode::PastDue);
}

#[tokio::test]
async fn automatic_payments_follow_the_due_day() {
    let (house, ann) = autopay::with_statement("000111224242").await;
    let service = &house.servicing;
    autopay::enrol(&house, ann, AutopayAmount::Minimum, "enrol").await;
    service.change_due_day(ann.caller(), ann.id, 15, &key("day")).await.unwrap();
    let report = house.live_until("2026-12-15").await;
    assert_eq!((report.payments.autopaid, report.payments.failed), (3, 0));
    let days: Vec<_> = house.payments(ann).await.iter().map(|one| one.authorised_on).collect();
    for due in ["2026-10-30", "2026-11-30", "2026-12-15"] {
        assert!(days.contains(&day(due)), "{due}: {days:?}");
    }
    assert_eq!(position(&house, ann).await.days_past_due, 0);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_customer_lowers_their_limit_after_a_step_up_and_owes_what_they_owed() {
    let (house, ann) = with_statement().await;
    let service = &house.servicing;
    let l3 = ann.caller().at(Level::L3);
    let lower = async |caller, to: i64, name: &str| {
        service.lower_limit(caller, ann.id, cents(to), &key(name)).await
    };
    assert_eq!(code(lower(ann.caller(), 50_000, "limit").await), RefusalCode::LevelTooLow);
    for to in [0, -1, 200_000, 300_000] {
        assert_eq!(code(lower(l3, to, "limit").await), RefusalCode::LimitNotLower, "{to}");
    }
    let receipt = lower(l3, 50_000, "limit").await.unwrap();
    assert!(receipt.text.starts_with("Your credit limit is now $500.00."), "{}", receipt.text);
    let after = position(&house, ann).await;
    assert_eq!((after.credit_limit, after.available_credit), (cents(50_000), Cents::ZERO));
    assert_eq!(after.principal_balance, cents(100_000));
    assert_eq!(told(&house, "line.limit_lowered").await.len(), 1);
    house.books_agree(ann).await;
}

/// Ann has paid for a draw of $300.00 that her bank sent back afterwards.
pub(crate) async fn with_credit() -> (House, Person) {
    with_credit_banking_at("000111224242").await
}

/// The same; what the bank does with what is sent to her goes by the account's number.
pub(crate) async fn with_credit_banking_at(number: &str) -> (House, Person) {
    with_credit_of(30_000, number).await
}

/// Ann is owed so much: what she drew came back after she had paid it.
pub(crate) async fn with_credit_of(amount: i64, number: &str) -> (House, Person) {
    let house = House::on("2026-09-08").await;
    let ann = house.person_with_account("Ann", number).await;
    let savings = house.bank_account(ann.id, BankAccountKind::Savings, "000111229023").await;
    let ask = DrawAsk { amount: cents(amount), bank_account_id: savings, rail: DrawRail::Standard };
    house.servicing.draw(ann.caller(), ann.id, ask, &key("draw")).await.unwrap();
    while position(&house, ann).await.principal_balance.is_zero() {
        let tomorrow = house.servicing.today().succ_opt().unwrap();
        house.live_until(&tomorrow.to_string()).await;
    }
    let today = house.servicing.today().to_string();
    house.pays(ann, amount, &today).await.unwrap();
    house.live_until("2026-09-18").await;
    assert_eq!(position(&house, ann).await.credit_balance, cents(amount));
    (house, ann)
}

#[tokio::test]
async fn a_credit_balance_is_sent_once_when_it_is_asked_for() {
    let (house, ann) = with_credit().await;
    let owed = position(&house, ann).await.credit_balance;
    assert!(owed.is_positive());
    let bob = house.person_with_account("Bob", "000111227777").await;
    let service = &house.servicing;
    let asks = async |caller, account, name: &str| {
        service.request_refund(caller, ann.id, account, &key(name)).await
    };
    assert_eq!(
        code(asks(ann.caller(), bob.checking, "refund").await),
        RefusalCode::BankAccountUnknown
    );
    assert_eq!(code(asks(bob.caller(), ann.checking, "refund").await), RefusalCode::NotFound);
    let receipt = asks(ann.caller(), ann.checking, "refund").await.unwrap();
    assert!(receipt.text.contains("September 29, 2026"), "{}", receipt.text);
    assert_eq!(asks(ann.caller(), ann.checking, "refund").await.unwrap(), receipt);
    let twice = asks(ann.caller(), ann.checking, "refund-2").await;
    assert_eq!(code(twice), RefusalCode::NoCreditBalance);

    // The bank does it, and its answer is lost: it is read back, and not sent again.
    house.cut(Wire::LosesAnswers);
    service.run_refunds(Caller::system()).await.unwrap();
    let refund = service.list_refunds(ann.caller(), ann.id).await.unwrap().remove(0);
    assert_eq!(refund.status, RefundStatus::Pending);
    assert_eq!(position(&house, ann).await.credit_balance, owed, "charged when it is known");
    house.cut(Wire::Fine);
    let mut runs = JoinSet::new();
    for _ in 0..4 {
        let service = house.servicing.clone();
        runs.spawn(async move { service.run_refunds(Caller::system()).await.unwrap().refunded });
    }
    assert_eq!(runs.join_all().await.into_iter().sum::<u32>(), 1);
    assert_eq!(position(&house, ann).await.credit_balance, Cents::ZERO);
    assert_eq!(told(&house, "refund.sent").await.len(), 1);
    house.books_agree(ann).await;
}

#[tokio::test]
async fn what_stands_for_six_months_is_refunded_unasked_and_a_new_account_needs_a_step_up() {
    let (house, ann) = with_credit().await;
    let service = &house.servicing;
    let fresh = house.bank_account(ann.id, BankAccountKind::Savings, "000111225555").await;
    let asked = service.request_refund(ann.caller(), ann.id, fresh, &key("new")).await;
    assert_eq!(code(asked), RefusalCode::LevelTooLow);
    house.hand.set(noon(day("2027-03-01")));
    service.run_refunds(Caller::system()).await.unwrap();
    assert!(service.list_refunds(ann.caller(), ann.id).await.unwrap().is_empty());
    house.hand.set(noon(day("2027-03-20")));
    for _ in 0..2 {
        service.run_refunds(Caller::system()).await.unwrap();
    }
    let refunds = service.list_refunds(ann.caller(), ann.id).await.unwrap();
    assert_eq!(refunds.len(), 1);
    assert_eq!(refunds[0].status, RefundStatus::Sent);
    assert_eq!(refunds[0].bank_account_id, ann.checking, "the account that was paid from");
    house.books_agree(ann).await;
}

pub(crate) fn late_fee(amount: i64) -> NewDispute {
    NewDispute {
        subject: DisputeSubject::Fee { fee: FeeKind::Late },
        amount: cents(amount),
        words: "I paid on time.".to_owned(),
    }
}

#[tokio::test]
async fn what_is_disputed_need_not_be_paid_until_it_is_settled_and_an_error_is_taken_back() {
    let (house, ann) = with_statement().await;
    // Nothing is paid: on November 10 the late fee of $15.00 is charged.
    house.live_until("2026-11-12").await;
    let service = &house.servicing;
    let fees = position(&house, ann).await.penalty_fees;
    assert_eq!(fees, cents(1_500));
    for (new, expected) in [
        (late_fee(0), RefusalCode::AmountNotPositive),
        (late_fee(1_501), RefusalCode::AmountTooLarge),
        (NewDispute { words: String::new(), ..late_fee(1_500) }, RefusalCode::TextInvalid),
        (
            NewDispute { subject: DisputeSubject::Fee { fee: FeeKind::Plan }, ..late_fee(1_500) },
            RefusalCode::NotFound,
        ),
    ] {
        let refused = service.open_dispute(ann.caller(), ann.id, &new, &key("bad")).await;
        assert_eq!(code(refused), expected, "{new:?}");
    }
    let new = late_fee(1_500);
    let row = service.open_dispute(ann.caller(), ann.id, &new, &key("dispute")).await.unwrap();
    assert_eq!(row.acknowledge_by, day("2026-12-12"));
    assert_eq!(
        row.resolve_by,
        day("2027-02-05"),
        "two complete cycles: to January 5 and February 5"
    );
    let again = service.open_dispute(ann.caller(), ann.id, &new, &key("dispute")).await.unwrap();
    assert_eq!(again, row);
    let twice = service.open_dispute(ann.caller(), ann.id, &new, &key("twice")).await;
    assert_eq!(code(twice), RefusalCode::AmountTooLarge, "it is in dispute already");
    assert_eq!(position(&house, ann).await.disputed, cents(1_500));
    let flags = service.standing_flags(ann.caller(), ann.id).await.unwrap();
    assert_eq!(flags[0].kind, FlagKind::Dispute);
    assert_eq!(told(&house, "dispute.opened").await[0]["formal"], true);
    house.books_agree(ann).await;

    let staff = house.representative("Rae").await;
    let found = Finding { error: cents(1_500), explanation: "The fee was our error.".to_owned() };
    let as_ann = service.resolve_dispute(ann.caller(), row.id, &found, &key("found")).await;
    assert_eq!(code(as_ann), RefusalCode::NotAllowed);
    let more = Finding { error: cents(1_501), ..found.clone() };
    let too_much = service.resolve_dispute(staff, row.id, &more, &key("found")).await;
    assert_eq!(code(too_much), RefusalCode::AmountTooLarge);
    assert_eq!(service.open_disputes(staff).await.unwrap().len(), 1);
    let mut both = JoinSet::new();
    for n in 0..2 {
        let (service, found) = (house.servicing.clone(), found.clone());
        both.spawn(async move {
            service
                .resolve_dispute(staff, row.id, &found, &key(&format!("found-{n}")))
                .await
                .is_ok()
        });
    }
    assert_eq!(both.join_all().await.into_iter().filter(|done| *done).count(), 1);
    let after = position(&house, ann).await;
    assert_eq!((after.penalty_fees, after.disputed), (Cents::ZERO, Cents::ZERO));
    assert!(service.standing_flags(ann.caller(), ann.id).await.unwrap().is_empty());
    assert!(service.open_disputes(staff).await.unwrap().is_empty());
    let kept = service.list_disputes(ann.caller(), ann.id).await.unwrap().remove(0);
    assert_eq!(kept.explanation.as_deref(), Some("The fee was our error."));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn an_automatic_payment_leaves_out_what_is_disputed() {
    let (house, ann) = autopay::with_statement("000111224242").await;
    let service = &house.servicing;
    autopay::enrol(&house, ann, AutopayAmount::Statement, "enrol").await;
    house.live_until("2026-10-20").await;
    let drawn = service.list_draws(ann.caller(), ann.id).await.unwrap().remove(0).draw;
    let new = NewDispute {
        subject: DisputeSubject::Draw { draw_id: drawn.id },
        amount: cents(60_000),
        words: "I asked for $400.00.".to_owned(),
    };
    service.open_dispute(ann.caller(), ann.id, &new, &key("dispute")).await.unwrap();
    house.live_until("2026-10-30").await;
    let paid = house.payments(ann).await.remove(0).amount;
    let disputed = position(&house, ann).await.disputed;
    assert_eq!(paid, cents(101_973) - disputed);
    assert!(disputed >= cents(60_000));
    house.books_agree(ann).await;
}

#[tokio::test]
async fn a_notice_after_sixty_days_holds_nothing_out_and_an_error_is_taken_back_all_the_same() {
    let (house, ann) = with_statement().await;
    // The draw is first shown by the statement of October 5, sent on the 6th: sixty days end on December 5.
    house.live_until("2026-12-08").await;
    let service = &house.servicing;
    let drawn = service.list_draws(ann.caller(), ann.id).await.unwrap().remove(0).draw;
    let new = NewDispute {
        subject: DisputeSubject::Draw { draw_id: drawn.id },
        amount: cents(60_000),
        words: "I asked for $400.00.".to_owned(),
    };
    let (staff, other) = (house.representative("Rae").await, house.representative("Sam").await);
    for (name, error) in [("none", 0), ("some", 25_000)] {
        let row = service.open_dispute(ann.caller(), ann.id, &new, &key(name)).await.unwrap();
        assert_eq!(told(&house, "dispute.opened").await[0]["formal"], false);
        assert_eq!(position(&house, ann).await.disputed, Cents::ZERO);
        let before = position(&house, ann).await.principal_balance;
        let found = Finding { error: cents(error), explanation: "Seen.".to_owned() };
        let name = key(&format!("found-{name}"));
        let found = service.resolve_dispute(staff, row.id, &found, &name).await.unwrap();
        if let Some(waiting) = found.waiting {
            service.countersign(other, waiting.id, (true, "Seen."), &name).await.unwrap();
        }
        let after = position(&house, ann).await;
        assert_eq!((before - after.principal_balance, after.disputed), (cents(error), Cents::ZERO));
        house.books_agree(ann).await;
    }
    // What was found cannot be found again: at most the rest.
    let more = NewDispute { amount: cents(75_001), ..new };
    let refused = service.open_dispute(ann.caller(), ann.id, &more, &key("more")).await;
    assert_eq!(code(refused), RefusalCode::AmountTooLarge);
}

fn fees(amount: &str) -> serde_json::Map<String, Value> {
    json!({ "fees": { "late": { "amount": amount } } }).as_object().unwrap().clone()
}

#[tokio::test]
async fn a_change_in_terms_waits_forty_five_days_from_its_notice() {
    let (house, ann) = with_statement().await;
    let service = &house.servicing;
    let staff = house.representative("Rae").await;
    let new = |effective_on: &str| NewTerms {
        changes: fees("20.00"),
        effective_on: day(effective_on),
        exception: None,
        note: "Fee schedule of 2027.".to_owned(),
    };
    let change = async |caller, new: NewTerms| {
        service.change_terms(caller, ann.id, &new, &key("terms")).await
    };
    assert_eq!(code(change(ann.caller(), new("2026-11-22")).await), RefusalCode::NotAllowed);
    let early = refusal(change(staff, new("2026-11-21")).await);
    assert_eq!(early.code, RefusalCode::NoticeTooShort);
    assert!(early.sentence.contains("November 22, 2026"), "{}", early.sentence);
    assert_eq!(code(change(staff, new("2026-10-07")).await), RefusalCode::DateInPast);
    let nonsense = json!({ "fees": { "late": { "amount": "a lot" } } });
    let bad = NewTerms { changes: nonsense.as_object().unwrap().clone(), ..new("2026-11-22") };
    assert_eq!(code(change(staff, bad).await), RefusalCode::TermsInvalid);
    assert_eq!(
        house.count("SELECT count(*) FROM line_events WHERE kind = 'terms_changed'").await,
        0
    );
    let changed = change(staff, new("2026-11-22")).await.unwrap();
    assert_eq!(changed.notice_on, Some(day("2026-10-08")));
    assert_eq!(told(&house, "terms.changed").await[0]["effective_on"], "2026-11-22");
    // The old fee for what is late before, the new one afterwards.
    house.live_until("2026-12-12").await;
    let late: Vec<_> = position(&house, ann).await.late_fees.iter().map(|fee| fee.amount).collect();
    assert_eq!(late, [cents(1_500), cents(2_000)]);
    // The statement after the notice sums it up in the words of the notice (12 CFR 1026.7(b)(7)).
    let caller = ann.caller();
    let page = service.statement_document(caller, ann.id, 2, Format::Html).await.unwrap();
    let page = String::from_utf8(page.bytes).unwrap();
    assert!(page.contains("late fee: $20.00"), "{page}");
    house.books_agree(ann).await;
}

#[tokio::test]
async fn service_is_counted_from_its_first_day_and_what_was_charged_beyond_is_forgiven() {
    let (house, ann) = with_statement().await;
    house.live_until("2026-11-12").await;
    let service = &house.servicing;
    let staff = house.representative("Rae").await;
    let period = |from: &str| ServicePeriod {
        from: day(from),
        through: None,
        note: "Orders of October 1.".to_owned(),
    };
    let early = service.record_service(staff, ann.id, &period("2026-09-01"), &key("service")).await;
    assert_eq!(code(early), RefusalCode::DateInPast);
    let before = position(&house, ann).await.current_balance;
    let served = period("2026-10-06");
    let relief = service.record_service(staff, ann.id, &served, &key("service")).await.unwrap();
    // A cycle of 31 days of $1,000.00 at 24 %, and the late fee: 20.38 less 5.10, and 15.00.
    assert_eq!(relief.total, cents(2_038 - 510 + 1_500));
    let after = position(&house, ann).await;
    assert_eq!(before - after.current_balance, relief.total);
    let again = service.record_service(staff, ann.id, &served, &key("service")).await.unwrap();
    assert_eq!(again, relief);
    house.live_until("2026-12-12").await;
    assert!(position(&house, ann).await.late_fees.is_empty());
    house.books_agree(ann).await;
}

#[tokio::test]
async fn what_a_refund_comes_to_is_not_lost_when_the_bank_says_no() {
    let (house, ann) = with_credit().await;
    let service = &house.servicing;
    let owed = position(&house, ann).await.credit_balance;
    service.request_refund(ann.caller(), ann.id, ann.checking, &key("refund")).await.unwrap();
    house.cut(Wire::LosesRequests);
    service.run_refunds(Caller::system()).await.unwrap();
    assert_eq!(position(&house, ann).await.credit_balance, owed);
    let refund = service.list_refunds(ann.caller(), ann.id).await.unwrap().remove(0);
    assert_eq!(refund.status, RefundStatus::Pending);
    house.cut(Wire::Fine);
    assert_eq!(service.run_refunds(Caller::system()).await.unwrap().refunded, 1);
    assert_eq!(position(&house, ann).await.credit_balance, Cents::ZERO);
}
