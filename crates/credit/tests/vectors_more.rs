//! Vectors of which the rule book gives the rule and not the row: each sum by hand stands beside its figure.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use calendar::{add_banking_days, federal_holidays};
use chrono::NaiveTime;
use common::{Book, cents, day, noon, product};
use credit::{AppliesTo, Buckets, FeeKind, LineEventBody, NoReAge, may_re_age, participate};
use identity::DrawId;
use money::{Apr, Cents};

#[test]
fn v05_a_rate_that_changes_in_a_cycle_is_not_a_second_feature_and_not_a_second_rounding() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    book.change_rate(180_000, AppliesTo::AllBalances, "2026-09-16");
    book.on("2026-10-01");
    // 15 days at 24 % are 9.86301, 15 at 18 % are 7.39726: 17.26027. Rounded apart they would be 9.86 and 7.40.
    assert_eq!(book.statement(1).interest_total, cents("17.26"));
    assert_eq!(book.statement(1).interest.len(), 1);
}

#[test]
fn v14_a_new_rate_is_for_new_draws_and_the_feature_is_rounded_once() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    book.change_rate(180_000, AppliesTo::NewDraws, "2026-09-10");
    book.draw("500.00", "2026-09-16");
    book.on("2026-10-01");
    // 1,000.00 for 30 days at 24 %: 19.72603. 500.00 for 15 at 18 %: 3.69863. Together 23.42466; each by itself would be 23.43.
    let amounts: Vec<Cents> = book.statement(1).interest.iter().map(|line| line.amount).collect();
    assert_eq!(amounts, [cents("19.73"), cents("3.69")]);
    assert_eq!(book.statement(1).interest_total, cents("23.42"));
}

#[test]
fn v25_an_unpaid_late_fee_makes_no_payment_late() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    // The minimum of 39.73 is missed on October 26, and costs 15.00 on November 6. The next is 40.38 and what is past due.
    book.on("2026-11-10");
    assert_eq!(book.statement(2).minimum_due, cents("80.11"));
    book.pay("39.73", "2026-11-10");
    book.pay("40.38", "2026-11-25");
    let position = book.on("2026-12-20");
    assert_eq!(position.late_fees.len(), 1);
    assert_eq!(position.penalty_fees, cents("15.00"));
    assert_eq!(position.past_due, Cents::ZERO);
    // 2 % of 960.00 and the interest of November: the late fee is no part of it.
    let third = book.statement(3);
    assert_eq!(third.minimum_due, third.interest_total + cents("19.20"));
}

#[test]
fn v25_what_a_late_draw_asks_for_twice_over_comes_once_before_a_penalty_fee() {
    let mut book = Book::open(&product("CASHLINE-SUB-1"), 0, 31, "2026-01-01");
    let draw = |amount: &str| LineEventBody::Drew {
        draw: DrawId::mint(noon(day("2026-01-15"))),
        feature: None,
        amount: cents(amount),
        fee: Cents::ZERO,
        by_terms: false,
    };
    book.fee(FeeKind::ReturnedPayment, "19.92", "2026-03-02");
    book.record_late(draw("83.03"), day("2026-03-10"), day("2026-03-10"));
    // January's statement should have asked for 51.82, and February's for 10.00 more: neither was printed so.
    book.record_late(draw("51.82"), day("2026-01-15"), day("2026-03-20"));
    book.pay("75.00", "2026-03-25");
    let position = book.on("2026-03-26");
    // 10.00 and 51.82, then 13.18 of the penalty fee; the draw of March is in no minimum yet.
    assert_eq!(position.principal_balance, cents("83.03"));
    assert_eq!(position.penalty_fees, cents("6.74"));
    assert_eq!(position.fees, Cents::ZERO);
}

#[test]
fn v33_the_holidays_of_the_federal_reserve() {
    let cases = [
        (2026, "01-01 01-19 02-16 05-25 06-19 09-07 10-12 11-11 11-26 12-25"),
        (2027, "01-01 01-18 02-15 05-31 07-05 09-06 10-11 11-11 11-25"),
        (2028, "01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-23 12-25"),
    ];
    for (year, days) in cases {
        let expected: Vec<_> = days.split(' ').map(|one| day(&format!("{year}-{one}"))).collect();
        let mut holidays = federal_holidays(year);
        holidays.sort_unstable();
        assert_eq!(holidays, expected, "{year}");
    }
}

#[test]
fn v34_the_last_day_on_which_a_debit_can_be_stopped() {
    // By when it is told of is with whoever tells it (servicing).
    let debit = day("2026-11-30");
    assert_eq!(add_banking_days(debit, -3), day("2026-11-24"));
    assert_eq!(day("2026-11-24") + chrono::Days::new(14), day("2026-12-08"));
}

#[test]
fn v35_a_due_date_on_thanksgiving_is_met_by_web_after_the_cut_off_and_by_mail_the_day_after() {
    let dates = product("CASHLINE-STD-1").dates;
    let due = day("2026-11-26");
    let timely = dates.enforceable_due_on(due, day("2026-11-01"));
    let at = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
    assert_eq!(timely, day("2026-11-27"));
    assert_eq!(dates.credited_on(due, at(16, 30)), due);
    assert_eq!(dates.credited_on(due, at(17, 0)), due);
    assert_eq!(dates.credited_on(due, at(17, 1)), timely);
}

#[test]
fn v42_a_participant_has_its_share_of_each_bucket_and_the_seller_the_rest() {
    let whole = Buckets {
        principal: cents("1234.57"),
        billed_interest: cents("19.73"),
        fees: cents("0.05"),
        penalty_fees: cents("15.00"),
        credit_balance: Cents::ZERO,
    };
    let (participant, seller) = participate(&whole, Apr::from_ppm(900_000));
    // 1,111.113, 17.757, 0.045 and 13.50.
    assert_eq!(
        (participant.principal, participant.billed_interest),
        (cents("1111.11"), cents("17.76"))
    );
    assert_eq!((participant.fees, participant.penalty_fees), (cents("0.05"), cents("13.50")));
    assert_eq!((seller.principal, seller.billed_interest), (cents("123.46"), cents("1.97")));
    assert_eq!(participant.total() + seller.total(), whole.total());
}

#[test]
fn v47_a_second_late_fact_is_adjusted_on_top_of_the_first_whichever_comes_first() {
    // Known in time: 9 days of 1,000.00, 10 of 750.00, 11 of 650.00 are 23,650.00: 15.55. With 250.00 alone 16.27, with 100.00
    // alone 18.29 times ten and 900.00 for eleven more: 28,900.00 are 19.00.
    let late = |first: (&str, &str), second: (&str, &str)| {
        let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
        book.pay_late(first.0, first.1, "2026-10-05");
        book.pay_late(second.0, second.1, "2026-10-08");
        let owed = book.on("2026-10-08").billed_interest;
        (book.adjustments(), owed)
    };
    let (large, small) = (("250.00", "2026-09-10"), ("100.00", "2026-09-20"));
    assert_eq!(late(large, small), (vec![cents("-3.46"), cents("-0.72")], cents("15.55")));
    assert_eq!(late(small, large), (vec![cents("-0.73"), cents("-3.45")], cents("15.55")));
}

#[test]
fn v50_a_line_may_be_re_aged_after_nine_months_and_three_minimums_and_not_too_often() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-01-01");
    for paid_on in ["2026-08-20", "2026-09-20"] {
        book.pay("45.00", paid_on);
    }
    assert_eq!(may_re_age(&book.on("2026-09-30"), &[]), Err(NoReAge::TooYoung));
    assert_eq!(may_re_age(&book.on("2026-10-15"), &[]), Err(NoReAge::TooLittlePaid));
    book.pay("45.00", "2026-10-20");
    let position = book.on("2026-10-25");
    assert_eq!(may_re_age(&position, &[]), Ok(()));
    assert_eq!(may_re_age(&position, &[day("2025-10-26")]), Err(NoReAge::WithinAYear));
    assert_eq!(may_re_age(&position, &[day("2025-10-25")]), Ok(()));
    let twice = [day("2021-10-26"), day("2024-01-01")];
    assert_eq!(may_re_age(&position, &twice), Err(NoReAge::TwiceInFiveYears));
    // As much in one payment does too, if it was made since.
    for (paid_on, expected) in [("2026-10-20", Ok(())), ("2026-07-20", Err(NoReAge::TooLittlePaid))]
    {
        let mut at_once = Book::owing("1000.00", 240_000, 31, "2026-01-01");
        at_once.pay("150.00", paid_on);
        assert_eq!(may_re_age(&at_once.on("2026-10-25"), &[]), expected, "{paid_on}");
    }
    let paid_up = Book::owing("1000.00", 240_000, 31, "2026-01-01").line;
    let current = paid_up.position(day("2026-01-20")).unwrap();
    assert_eq!(may_re_age(&current, &[]), Err(NoReAge::NothingPastDue));
}
