//! Changed terms with their notice, and draws in two phases.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Book, cents, day, noon, product};
use credit::{
    AppliesTo, ChangeNotice, CreditError, CycleSchedule, LineEventBody, NoticeException, Refusal,
    quote_draw,
};
use identity::DrawId;
use money::{Apr, Cents};
use serde_json::json;

fn changed(changes: &serde_json::Value, notice: ChangeNotice) -> LineEventBody {
    LineEventBody::TermsChanged { changes: changes.as_object().unwrap().clone(), notice }
}

fn given(on: &str) -> ChangeNotice {
    ChangeNotice { given_on: Some(day(on)), exception: None }
}

fn without_notice(exception: NoticeException) -> ChangeNotice {
    ChangeNotice { given_on: None, exception: Some(exception) }
}

fn record(book: &mut Book, body: LineEventBody, on: &str) -> Result<(), CreditError> {
    book.live_to(day(on));
    book.line.record(body, day(on), noon(day(on))).map(|_| ())
}

#[test]
fn a_change_of_terms_waits_forty_five_days_or_says_why_not() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    let late_fee = || json!({ "fees": { "late": { "amount": "25.00" } } });
    // Notice on October 1: 30 more days of October and 15 of November.
    let early = record(&mut book, changed(&late_fee(), given("2026-10-01")), "2026-11-14");
    let earliest = day("2026-11-15");
    let effective_on = day("2026-11-14");
    assert!(
        matches!(early, Err(CreditError::NoticeTooLate { effective_on: on, earliest: first, .. })
            if on == effective_on && first == earliest),
        "{early:?}"
    );
    let silent = record(&mut book, changed(&late_fee(), ChangeNotice::default()), "2026-11-15");
    assert!(matches!(silent, Err(CreditError::NoNotice { .. })), "{silent:?}");
    record(&mut book, changed(&late_fee(), given("2026-10-01")), "2026-11-15").unwrap();
    let lower = json!({ "fees": { "late": { "amount": "5.00" } } });
    let favourable = without_notice(NoticeException::ConsumerFavourable);
    record(&mut book, changed(&lower, favourable), "2026-11-16").unwrap();
    let fees = book.on("2026-11-20").terms.product.fees.late.unwrap();
    assert_eq!(fees.amount, cents("5.00"));
    book.on("2026-12-01");
    assert_eq!(book.statement(3).changes_in_terms.len(), 2);
    let first = &book.statement(3).changes_in_terms[0];
    assert_eq!(first.what, ["fees.late"]);
    assert!(first.terms.contains_key("fees"), "{:?}", first.terms);
}

#[test]
fn how_long_a_notice_is_the_terms_say_that_are_in_force_when_it_is_given() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    let longer = changed(
        &json!({ "dates": { "change_notice_days": 60 } }),
        without_notice(NoticeException::ConsumerFavourable),
    );
    record(&mut book, longer, "2026-10-10").unwrap();
    let late_fee =
        |amount: &str, on| changed(&json!({ "fees": { "late": { "amount": amount } } }), given(on));
    // Given the day before: 45 days from October 9. Given on the day: 60 days from October 10.
    let early = record(&mut book, late_fee("24.00", "2026-10-10"), "2026-12-08");
    let first = day("2026-12-09");
    assert!(
        matches!(early, Err(CreditError::NoticeTooLate { earliest, .. }) if earliest == first),
        "{early:?}"
    );
    record(&mut book, late_fee("25.00", "2026-10-09"), "2026-12-08").unwrap();
    record(&mut book, late_fee("24.00", "2026-10-10"), "2026-12-09").unwrap();
}

#[test]
fn a_rate_that_is_a_change_of_terms_needs_its_notice_too() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    let notice = Some(given("2026-10-01"));
    let apr = Apr::from_ppm(270_000);
    let body =
        LineEventBody::RateChanged { feature: None, apr, applies_to: AppliesTo::NewDraws, notice };
    let refused = record(&mut book, body, "2026-10-20");
    assert!(matches!(refused, Err(CreditError::NoticeTooLate { .. })), "{refused:?}");
}

#[test]
fn a_new_rate_is_for_new_draws_and_the_terms_of_the_opening_stay_with_what_was_drawn() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    let features = json!({ "features": [{ "name": "draws", "apr": "27%" }] });
    record(&mut book, changed(&features, given("2026-10-01")), "2026-11-15").unwrap();
    book.draw("300.00", "2026-11-16");
    book.on("2026-12-01");
    let lines = book.statement(3).interest;
    // 1,000.00 × 24 % × 30/365, 19.7260, and 300.00 × 27 % × 15/365, 3.3288: 23.0548, rounded once.
    assert_eq!(
        lines.iter().map(|line| line.amount).collect::<Vec<_>>(),
        ["19.73", "3.32"].map(cents)
    );
    assert_eq!(lines[1].apr, Apr::from_ppm(270_000));
}

#[test]
fn a_new_method_of_interest_begins_with_a_cycle_and_closed_ones_keep_theirs() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    let basis = json!({ "interest": { "day_basis": "360" } });
    let agreed = without_notice(NoticeException::Agreed);
    record(&mut book, changed(&basis, agreed), "2026-10-10").unwrap();
    book.on("2026-12-01");
    // 31/365 for October, 30/360 for November.
    assert_eq!(book.statement(2).interest_total, cents("20.38"));
    assert_eq!(book.statement(3).interest_total, cents("20.00"));
    assert_eq!(book.line.untied(&book.books).unwrap(), []);
}

#[test]
fn changed_terms_that_cannot_be_are_refused() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    let agreed = || without_notice(NoticeException::Agreed);
    for changes in [
        json!({ "flavour": 1 }),
        json!({ "minimum": { "arms": [] } }),
        json!({ "features": [{ "name": "other" }] }),
        json!({ "fees": { "late": { "amount": "-1.00" } } }),
    ] {
        let refused = record(&mut book, changed(&changes, agreed()), "2026-09-10");
        assert!(matches!(refused, Err(CreditError::Terms { .. })), "{changes}: {refused:?}");
    }
}

#[test]
fn a_draw_is_held_then_made_available_refused_or_void_when_its_time_is_over() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    let hold = |book: &mut Book, expires_on: Option<&str>| {
        let draw = DrawId::mint(noon(day("2026-09-02")));
        let (amount, expires_on) = (cents("500.00"), expires_on.map(day));
        book.record(LineEventBody::DrawHeld { draw, amount, expires_on }, "2026-09-02");
        draw
    };
    let draw = hold(&mut book, None);
    let position = book.on("2026-09-02");
    assert_eq!(
        (position.available_credit, position.draws_held),
        (cents("3500.00"), cents("500.00"))
    );
    assert_eq!(position.accrued_interest, cents("0.66"));
    book.draw_with_fee(draw, "500.00", "0.00", "2026-09-03");
    let position = book.on("2026-09-03");
    assert_eq!((position.available_credit, position.draws_held), (cents("3500.00"), Cents::ZERO));
    book.record(LineEventBody::DrawSettled { draw }, "2026-09-04");
    let refused = hold(&mut book, None);
    let reason = "R03".to_owned();
    book.record(LineEventBody::DrawRefused { draw: refused, reason }, "2026-09-05");
    assert_eq!(book.on("2026-09-05").available_credit, cents("3500.00"));
    hold(&mut book, Some("2026-09-06"));
    assert_eq!(book.on("2026-09-06").available_credit, cents("3000.00"));
    assert_eq!(book.on("2026-09-07").available_credit, cents("3500.00"));
}

#[test]
fn a_held_draw_is_an_open_draw() {
    let mut book = Book::open(&product("CASHLINE-SUB-1"), 0, 31, "2026-09-01");
    let (draw, amount) = (DrawId::mint(noon(day("2026-09-02"))), cents("100.00"));
    book.record(LineEventBody::DrawHeld { draw, amount, expires_on: None }, "2026-09-02");
    let refusal = quote_draw(&book.on("2026-09-03"), None, cents("50.00")).unwrap_err();
    assert_eq!(refusal, Refusal::DrawStillOpen);
}

#[test]
fn v32_service_is_a_question_to_the_same_history() {
    let mut of = product("CASHLINE-STD-1");
    of.minimum.arms.truncate(1);
    let mut book = Book::open(&of, 299_900, 31, "2026-06-01");
    let balances = credit::BroughtForward {
        principal: vec![credit::FeatureAmount { feature: String::new(), amount: cents("1000.00") }],
        minimum_unpaid: cents("25.00"),
        due_on: Some(day("2026-06-26")),
        ..credit::BroughtForward::default()
    };
    book.record(LineEventBody::BalanceBroughtForward { balances }, "2026-06-01");
    book.on("2026-08-03");
    let service = (day("2026-06-10"), None);
    let relief = credit::service_relief(book.line.events(), service, day("2026-08-03")).unwrap();
    let cycles: Vec<_> =
        relief.cycles.iter().map(|one| (one.billed, one.capped, one.fees_forgiven)).collect();
    // June: nine days at 29.99 % and 21 at 6 %; July: 31 days at 6 %, and its late fee.
    let expected = [("24.65", "10.85", "0.00"), ("25.47", "5.10", "15.00")];
    assert_eq!(cycles, expected.map(|(a, b, c)| (cents(a), cents(b), cents(c))));
    assert_eq!(relief.total, cents("49.17"));
}

#[test]
fn v44_an_estate_settles_within_thirty_days_at_the_balance_it_was_told() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    book.live_to(day("2026-09-11"));
    let owed = |on: &str| {
        credit::quote_estate(book.line.events(), day("2026-09-11"), day(on)).unwrap().payoff
    };
    // Ten days of interest: 6.58. After October 11 all of it counts: 40 days come to 26.30, billed as 19.73 and 6.58.
    assert_eq!(owed("2026-09-11"), cents("1006.58"));
    assert_eq!(owed("2026-10-11"), cents("1006.58"));
    assert!(owed("2026-10-12") > cents("1026.00"));
}

#[test]
fn v29_a_covered_borrower_s_fee_and_interest_are_kept_under_the_cap_fees_first() {
    let mut of = product("CASHLINE-STD-1");
    of.fees.plan = Some(credit::product::PlanFee { amount: cents("10.00"), ..Default::default() });
    let mut terms = credit::Terms::open(&of, cents("5000.00"), Apr::from_ppm(349_900), 31);
    terms.covered_borrower = true;
    let mut book = Book::with_terms(terms, "2026-09-01");
    book.draw("500.00", "2026-09-01");
    book.on("2026-10-01");
    let statement = book.statement(1);
    // Interest 14.38; the ceiling is 3 % of 500.00: 0.62 of the fee is left.
    assert_eq!(statement.interest_total, cents("14.38"));
    assert_eq!(statement.fees_total, cents("0.62"));
    let charges = book.on("2026-10-01").cycles[0].charges;
    assert_eq!(charges.rate().unwrap().ppm(), 360_000);
}

/// 40 % on 500.00 for 30 days is 16.44, of which 15.00 stand: no periodic rate tells what the cycle costs.
#[test]
fn a_covered_borrower_s_rate_is_told_of_what_is_charged_after_the_waiver() {
    let of = product("CASHLINE-STD-1");
    let uncapped = credit::product::LimitTerms { apr_cap: None, ..of.limits };
    let of = credit::Product { limits: uncapped, ..of };
    let mut terms = credit::Terms::open(&of, cents("5000.00"), Apr::from_ppm(400_000), 31);
    terms.covered_borrower = true;
    let mut book = Book::with_terms(terms, "2026-09-01");
    book.draw("500.00", "2026-09-01");
    book.on("2026-10-01");
    assert_eq!(book.statement(1).interest_total, cents("15.00"));
    let charges = book.on("2026-10-01").cycles[0].charges;
    assert_eq!(charges.rate().unwrap().ppm(), 360_000);
    assert_eq!(charges.cut, cents("1.44"));
}

#[test]
fn v08_v49_our_own_delay_costs_the_customer_nothing() {
    // A payment received in time and posted late: interest and the late fee are taken back, the second time as exactly.
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    assert_eq!(book.on("2026-11-10").penalty_fees, cents("15.00"));
    book.pay_late("100.00", "2026-10-20", "2026-11-10");
    assert_eq!(book.on("2026-11-10").penalty_fees, Cents::ZERO);
    book.pay_late("100.00", "2026-10-10", "2026-11-12");
    // As if both had been posted when they came.
    let mut straight = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    straight.pay("100.00", "2026-10-10");
    straight.pay("100.00", "2026-10-20");
    let (late, timely) = (book.on("2026-12-01"), straight.on("2026-12-01"));
    assert_eq!(late.total_owed, timely.total_owed);
    assert_eq!(late.principal_balance, timely.principal_balance);
    assert_eq!(late.days_past_due, timely.days_past_due);
}

#[test]
fn a_statement_with_a_draw_fee_must_be_sent_though_nothing_is_owed() {
    let mut book = Book::open(&product("CASHLINE-STD-1-FEE3"), 240_000, 31, "2026-09-01");
    let draw = DrawId::mint(noon(day("2026-09-10")));
    book.draw_with_fee(draw, "100.00", "3.00", "2026-09-10");
    book.pay("103.00", "2026-09-10");
    book.live_to(day("2026-11-02"));
    let charged = book.statement(1);
    assert_eq!((charged.interest_total, charged.new_balance), (cents("0.00"), cents("0.00")));
    assert!(charged.must_be_sent, "the fee is a finance charge");
    assert!(!book.statement(2).must_be_sent, "nothing happened");
}

/// 1,000.00 at 24 %, and 500.00 more from October 15 that nobody knew of until the 25th, at a fee of 15.00. Statement 2 shows the fee
/// first: 2 % of 1,500.00, its interest and 15.00, beside what statement 1 asked for.
#[test]
fn the_fee_of_a_draw_recorded_late_is_in_the_minimum_of_the_statement_that_shows_it() {
    let mut book = Book::open(&product("CASHLINE-STD-1"), 240_000, 20, "2026-10-01");
    book.draw("1000.00", "2026-10-01");
    let known = day("2026-10-25");
    let (draw, amount, fee) = (DrawId::mint(noon(known)), cents("500.00"), cents("15.00"));
    let late = LineEventBody::Drew { draw, feature: None, amount, fee, by_terms: false };
    book.record_late(late, day("2026-10-15"), known);
    let position = book.on("2026-11-21");
    let (first, second) = (book.statement(1), book.statement(2));
    assert_eq!((second.fees_total, second.past_due), (fee, first.minimum_due));
    let own = cents("30.00") + second.interest_total + fee;
    assert_eq!(second.minimum_due, own + first.minimum_due);
    // It goes on being asked for once the statement is out, and no further statement asks for it.
    assert_eq!(position.minimum_due, second.minimum_due);
    book.on("2026-12-21");
    let third = book.statement(3);
    assert_eq!(third.minimum_due - third.past_due, cents("30.00") + third.interest_total);
}

/// Statement 1 falls due on Monday, November 16; the next cycle closes on the 5th already.
#[test]
fn what_falls_due_after_the_close_is_asked_for_and_not_past_due() {
    let mut book = Book::open(&product("CASHLINE-STD-1"), 240_000, 20, "2026-10-01");
    book.draw("1000.00", "2026-10-01");
    book.record(LineEventBody::CyclesChanged { cycles: CycleSchedule::monthly(5) }, "2026-10-25");
    let asked = book.on("2026-11-06").minimum_due;
    let (first, second) = (book.statement(1), book.statement(2));
    assert_eq!((second.past_due, second.not_yet_due), (Cents::ZERO, first.minimum_due));
    let own = cents("20.00") + second.interest_total;
    assert_eq!(second.minimum_due, own.max(cents("25.00")) + first.minimum_due);
    assert_eq!(asked, second.minimum_due);
    // Both due dates have passed at the third close.
    book.on("2026-12-06");
    let third = book.statement(3);
    assert_eq!((third.past_due, third.not_yet_due), (second.minimum_due, Cents::ZERO));
}

/// A payment of 150.00 on 100.00 leaves 50.00, which are paid out; then it comes back. The 100.00 are owed at 24 %, and the 50.00 that went
/// out after the new rate at 12 %: 31 days of 100.00 from October 2 and 27 of 50.00 from the 6th.
#[test]
fn what_was_paid_out_and_not_there_is_owed_at_the_rate_of_a_draw_of_that_day() {
    let mut book = Book::open(&product("CASHLINE-STD-1"), 240_000, 1, "2026-10-02");
    book.draw("100.00", "2026-10-02");
    let payment = book.pay("150.00", "2026-10-03");
    book.change_rate(120_000, AppliesTo::NewDraws, "2026-10-05");
    let amount = cents("50.00");
    book.record(LineEventBody::CreditBalanceRefunded { amount }, "2026-10-06");
    book.returned(payment, "2026-10-08");
    let position = book.on("2026-11-02");
    let owed: Vec<_> = position.features.iter().map(|one| (one.principal, one.apr.ppm())).collect();
    assert_eq!(owed, [(cents("100.00"), 240_000), (amount, 120_000)]);
    // 2.0384 + 0.4438.
    assert_eq!(book.statement(1).interest_total, cents("2.48"));
}
