//! How a line stands with its minimums, day by day and after the fact.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Book, cents, day, product};
use credit::{
    FeeKind, FurnishedStatus, LineEventBody, LineStatus, PastDueBucket, Refusal, Standing,
    quote_draw,
};
use money::Cents;

fn standing(bucket: PastDueBucket, frozen: bool, since: &str) -> Standing {
    Standing { bucket, frozen, since: day(since) }
}

/// $1,000.00; statement 1 is due on October 25, a Sunday: the 26th is timely.
fn owing() -> Book {
    Book::owing("1000.00", 240_000, 31, "2026-09-01")
}

#[test]
fn a_line_is_past_due_by_the_ladder_and_each_step_is_a_day_to_settle() {
    use PastDueBucket::{Current, Days1, Days30, Days60, Days90, Days120, Days150, Days180};
    let mut book = owing();
    for (on, bucket, frozen, since) in [
        ("2026-10-26", Current, false, "2026-09-01"),
        ("2026-10-27", Days1, false, "2026-10-27"),
        ("2026-11-05", Days1, false, "2026-10-27"),
        ("2026-11-06", Days1, true, "2026-11-06"),
        ("2026-11-24", Days1, true, "2026-11-06"),
        ("2026-11-25", Days30, true, "2026-11-25"),
        ("2026-12-25", Days60, true, "2026-12-25"),
        ("2027-01-24", Days90, true, "2027-01-24"),
        ("2027-02-23", Days120, true, "2027-02-23"),
        ("2027-03-25", Days150, true, "2027-03-25"),
        ("2027-04-24", Days180, true, "2027-04-24"),
        ("2027-06-30", Days180, true, "2027-04-24"),
    ] {
        assert_eq!(book.on(on).standing, standing(bucket, frozen, since), "{on}");
    }
    let mut book = owing();
    for next in ["2026-10-27", "2026-11-01", "2026-11-06", "2026-11-25"] {
        let before = day(next).pred_opt().unwrap().to_string();
        assert_eq!(book.on(&before).settles_next_on, day(next));
    }
}

#[test]
fn what_is_paid_makes_it_current_from_that_day() {
    let mut book = owing();
    book.on("2026-11-10");
    book.pay("300.00", "2026-11-12");
    for on in ["2026-11-12", "2026-11-13", "2026-11-20"] {
        let position = book.on(on);
        assert_eq!(
            position.standing,
            standing(PastDueBucket::Current, false, "2026-11-12"),
            "{on}"
        );
    }
}

#[test]
fn a_late_fact_corrects_how_the_line_stood() {
    let mut book = owing();
    assert!(book.on("2026-11-10").standing.frozen);
    book.pay_late("100.00", "2026-10-26", "2026-11-10");
    assert_eq!(
        book.on("2026-11-10").standing,
        standing(PastDueBucket::Current, false, "2026-09-01"),
        "it was never late"
    );
}

#[test]
fn it_is_the_same_from_a_snapshot_as_from_the_first_day() {
    let mut book = owing();
    book.on("2026-11-10");
    book.pay("300.00", "2026-11-12");
    for on in ["2026-11-12", "2026-11-30", "2026-12-20", "2027-01-15", "2027-03-02"] {
        let incremental = book.on(on);
        let whole = credit::replay(book.line.events(), day(on)).unwrap();
        assert_eq!(incremental.standing, whole.standing, "{on}");
    }
}

/// Subscription: $10.00 from the second cycle. October's is due on November 25, twelve days before December 7.
#[test]
fn who_is_spared_the_fee_is_not_late_with_it() {
    let mut book = Book::open(&product("CASHLINE-SUB-1"), 0, 31, "2026-09-01");
    let position = book.on("2026-12-07");
    assert_eq!((position.minimum_due, position.days_past_due), (cents("10.00"), 12));
    let waived = LineEventBody::FeeWaived {
        fee: FeeKind::Plan,
        amount: cents("10.00"),
        reason: "goodwill".to_owned(),
    };
    book.record(waived, "2026-12-07");
    let position = book.on("2026-12-07");
    assert_eq!(position.total_owed, Cents::ZERO);
    assert_eq!((position.minimum_due, position.days_past_due), (Cents::ZERO, 0));
}

/// $30.00 that was paid with the first minimum, and comes back while the second one is past due.
#[test]
fn a_fee_that_was_paid_and_is_waived_meets_the_minimum_as_any_credit_does() {
    let stands_after = |waived: bool| {
        let mut book = owing();
        book.fee(FeeKind::Other, "30.00", "2026-09-10");
        let asked = book.on("2026-10-05").minimum_due;
        book.pay(&asked.to_string(), "2026-10-05");
        let (amount, reason) = (cents("30.00"), "goodwill".to_owned());
        let back = if waived {
            LineEventBody::FeeWaived { fee: FeeKind::Other, amount, reason }
        } else {
            LineEventBody::CreditGranted { amount, reason, feature: None }
        };
        let before = book.on("2026-12-05");
        assert_eq!((before.fees, before.days_past_due), (Cents::ZERO, 10));
        book.record(back, "2026-12-05");
        let after = book.on("2026-12-05");
        assert_eq!(before.minimum_due - after.minimum_due, amount);
        (after.minimum_due, after.days_past_due, after.principal_balance, after.billed_interest)
    };
    assert_eq!(stands_after(true), stands_after(false));
}

/// $5.00 of credit and two charges at a close: the subscription comes before the fee of a returned payment, which was charged first.
#[test]
fn a_credit_balance_pays_a_penalty_last() {
    let mut book = Book::open(&product("CASHLINE-SUB-1"), 0, 31, "2026-09-01");
    book.pay("5.00", "2026-10-02");
    book.fee(FeeKind::ReturnedPayment, "8.00", "2026-10-10");
    let position = book.on("2026-11-01");
    assert_eq!((position.fees, position.penalty_fees), (cents("5.00"), cents("8.00")));
    assert_eq!(position.credit_balance, Cents::ZERO);
}

#[test]
fn draws_stop_on_the_first_day_and_the_line_is_frozen_after_ten() {
    let mut book = owing();
    for (on, status, refused) in [
        ("2026-10-26", LineStatus::Open, None),
        ("2026-10-27", LineStatus::Open, Some(Refusal::PastDue)),
        ("2026-11-05", LineStatus::Open, Some(Refusal::PastDue)),
        ("2026-11-06", LineStatus::Frozen, Some(Refusal::PastDue)),
    ] {
        let position = book.on(on);
        assert_eq!(position.status, status, "{on}");
        assert_eq!(position.status == LineStatus::Frozen, position.standing.frozen, "{on}");
        assert_eq!(quote_draw(&position, None, cents("25.00")).err(), refused, "{on}");
    }
}

#[test]
fn what_is_furnished_follows_the_ladder_and_what_is_learned_afterwards() {
    use FurnishedStatus::{
        Current, Days30, Days60, Days90, Days120, Days150, Days180, PaidOrClosed,
    };
    let mut book = owing();
    for (on, status) in [
        ("2026-11-24", Current),
        ("2026-11-25", Days30),
        ("2026-12-25", Days60),
        ("2027-01-24", Days90),
        ("2027-02-23", Days120),
        ("2027-03-25", Days150),
        ("2027-04-24", Days180),
    ] {
        assert_eq!(book.on(on).furnished_status, status, "{on}");
    }
    // A payment that came in time and was posted late: it never was past due.
    let mut book = owing();
    assert_eq!(book.on("2026-11-25").furnished_status, Days30);
    book.pay_late("39.73", "2026-10-20", "2026-11-25");
    assert_eq!(book.on("2026-11-25").furnished_status, Current);
    let mut book = Book::open(&product("CASHLINE-STD-1"), 240_000, 31, "2026-09-01");
    book.record(LineEventBody::LineClosed { reason: "asked for".to_owned() }, "2026-09-10");
    assert_eq!(book.on("2026-09-11").furnished_status, PaidOrClosed);
    assert_eq!(serde_json::to_value(Days30).unwrap(), "71");
}

/// October's minimum is late on November 9 for 15.00, which staff waive; a payment of October 20 is keyed after that.
#[test]
fn a_late_fee_that_was_waived_and_never_due_is_given_back_once() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    book.on("2026-10-20");
    book.on("2026-11-07");
    let fee = book.on("2026-11-07").penalty_fees;
    assert_eq!(fee, cents("15.00"));
    let waived =
        LineEventBody::FeeWaived { fee: FeeKind::Late, amount: fee, reason: "goodwill".to_owned() };
    book.record(waived, "2026-11-08");
    book.pay_late("200.00", "2026-10-20", "2026-11-20");
    let position = book.on("2026-11-20");
    let mut in_time = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    in_time.pay("200.00", "2026-10-20");
    assert_eq!(position.total_owed, in_time.on("2026-11-20").total_owed);
    assert_eq!(position.penalty_fees, Cents::ZERO);
    assert!(book.adjustments().contains(&cents("15.00")));
    assert_eq!(book.line.untied(&book.books).unwrap(), []);
}
