//! What is disputed is held out of minimums, late fees and days past due, and put right or asked for anew (12 CFR 1026.13).

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Book, cents, day, noon, product};
use credit::{
    CreditError, Disputed, FeeKind, LineEventBody, LineStatus,
    product::{PlanFee, Tier},
};
use identity::{CaseId, DrawId};
use money::{Apr, Cents};

fn record(book: &mut Book, body: LineEventBody, on: &str) -> Result<(), CreditError> {
    book.live_to(day(on));
    book.line.record(body, day(on), noon(day(on))).map(|_| ())
}

fn dispute(book: &mut Book, subject: Disputed, amount: &str, on: &str) -> CaseId {
    let dispute = CaseId::mint(noon(day(on)));
    let amount = cents(amount);
    book.record(LineEventBody::DisputeOpened { dispute, subject, amount }, on);
    dispute
}

fn resolve(book: &mut Book, dispute: CaseId, error: &str, on: &str) {
    let (error, reason) = (cents(error), String::new());
    book.record(LineEventBody::DisputeResolved { dispute, error, reason }, on);
}

/// 2,000.00 drawn on September 1, of it 800.00 by a draw that is disputed on October 10.
fn disputed_book() -> (Book, DrawId, CaseId) {
    let mut of = product("CASHLINE-STD-1");
    of.fees.late.as_mut().unwrap().suppressed_by.clear();
    let mut book = Book::open(&of, 240_000, 31, "2026-09-01");
    book.draw("1200.00", "2026-09-01");
    let draw = book.draw("800.00", "2026-09-01");
    // September: 2,000.00 × 24 % × 30/365 = 39.45; 2 % of 2,000.00 and that: 79.45.
    assert_eq!(book.on("2026-10-09").minimum_due, cents("79.45"));
    let case = dispute(&mut book, Disputed::Draw { draw }, "800.00", "2026-10-10");
    (book, draw, case)
}

#[test]
fn what_is_disputed_is_held_out_of_minimums_late_fees_and_days_past_due() {
    let (mut book, _, _) = disputed_book();
    // Of the 39.45, 15.78 are interest on 800.00: 2 % of 1,200.00 and 23.67 are left.
    let position = book.on("2026-10-10");
    assert_eq!(position.minimum_due, cents("47.67"));
    assert_eq!(position.disputed, cents("815.78"));
    // 2,039.45 less what is disputed.
    assert_eq!(position.collectable_balance(), cents("1223.67"));
    book.pay("47.67", "2026-10-20");
    // Nothing is past due, and no late fee comes.
    let position = book.on("2026-11-20");
    assert_eq!((position.past_due, position.days_past_due), (Cents::ZERO, 0));
    assert_eq!(position.penalty_fees, Cents::ZERO);
    assert_eq!(position.status, LineStatus::Open);
    let second = book.statement(2);
    assert!(second.disputed >= cents("815.78"));
    assert_eq!(second.off_by(), Cents::ZERO);
}

#[test]
fn of_a_balance_in_tiers_the_disputed_draw_bears_its_share_of_each_rate() {
    let mut of = product("CASHLINE-STD-1");
    let tier = |up_to: Option<&str>, apr| Tier {
        up_to: up_to.map(cents),
        apr: Some(Apr::from_ppm(apr)),
        margin: None,
    };
    of.features[0].tiers = vec![tier(Some("500.00"), 240_000), tier(None, 120_000)];
    let mut book = Book::open(&of, 240_000, 31, "2026-09-01");
    book.draw("1200.00", "2026-09-01");
    let draw = book.draw("800.00", "2026-09-01");
    // (500.00 × 24 % + 1,500.00 × 12 %) × 30/365 = 24.66; 2 % of 2,000.00 and that.
    assert_eq!(book.on("2026-10-09").minimum_due, cents("64.66"));
    dispute(&mut book, Disputed::Draw { draw }, "800.00", "2026-10-10");
    // Two fifths of it are 9.86: 2 % of 1,200.00 and 14.80 are left.
    assert_eq!(book.on("2026-10-10").minimum_due, cents("38.80"));
}

/// Of the 72.88 that are due by June 1 the second draw and 15.78 of interest are disputed, and the rest is paid. The dispute ends on
/// May 28, so that 35.78 are due by June 11: June 12 is no day of a late fee.
#[test]
fn what_falls_due_anew_is_not_late_by_the_date_of_its_first_statement() {
    let mut of = product("CASHLINE-STD-1");
    of.fees.late.as_mut().unwrap().suppressed_by.clear();
    let mut book = Book::open(&of, 240_000, 5, "2026-04-06");
    book.draw("1000.00", "2026-04-10");
    let draw = book.draw("1000.00", "2026-04-12");
    let case = dispute(&mut book, Disputed::Draw { draw }, "1000.00", "2026-05-10");
    book.pay("37.10", "2026-05-25");
    resolve(&mut book, case, "0.00", "2026-05-28");
    let position = book.on("2026-06-12");
    assert_eq!((position.past_due, position.days_past_due), (cents("35.78"), 1));
    assert_eq!(position.penalty_fees, Cents::ZERO);
}

#[test]
fn what_is_not_disputed_is_still_asked_for_by_the_second_statement() {
    let mut of = product("CASHLINE-STD-1");
    of.fees.late = None;
    let mut book = Book::open(&of, 240_000, 31, "2026-09-01");
    book.draw("40.00", "2026-09-01");
    let draw = book.draw("960.00", "2026-09-01");
    // 20.00 + 19.73, and 20.00 + 20.38.
    assert_eq!(book.on("2026-11-05").minimum_due, cents("80.11"));
    dispute(&mut book, Disputed::Draw { draw }, "960.00", "2026-11-05");
    // 40.00 and their interest of 0.79 and 0.81: 25.00 by the first statement, and the rest by the second.
    assert_eq!(book.on("2026-11-05").minimum_due, cents("41.60"));
}

/// 40.00, 2,960.00 and, in the second cycle, 30.00: what is left to ask for does not go by which dispute came first.
#[test]
fn the_order_of_disputes_plays_no_part_in_what_is_asked_for() {
    let asked = |order: [usize; 2]| {
        let mut of = product("CASHLINE-STD-1");
        of.fees.late = None;
        let mut book = Book::open(&of, 240_000, 31, "2026-09-01");
        book.draw("40.00", "2026-09-01");
        let draws = [
            (book.draw("2960.00", "2026-09-01"), "2960.00"),
            (book.draw("30.00", "2026-10-10"), "30.00"),
        ];
        for (at, on) in order.into_iter().zip(["2026-11-05", "2026-11-06"]) {
            dispute(&mut book, Disputed::Draw { draw: draws[at].0 }, draws[at].1, on);
        }
        book.on("2026-11-06").minimum_due
    };
    // 40.00 and their interest of 0.79 and 0.81.
    assert_eq!([asked([0, 1]), asked([1, 0])], [cents("41.60"), cents("41.60")]);
}

#[test]
fn interest_on_what_is_disputed_is_disputed_though_its_statement_was_paid() {
    let mut of = product("CASHLINE-STD-1");
    of.fees.late = None;
    let mut book = Book::open(&of, 240_000, 31, "2026-09-01");
    book.draw("40.00", "2026-09-01");
    let draw = book.draw("960.00", "2026-09-01");
    book.pay("39.73", "2026-11-03");
    dispute(&mut book, Disputed::Draw { draw }, "960.00", "2026-11-05");
    let position = book.on("2026-11-05");
    // 960.00, 18.94 and 19.57.
    assert_eq!(position.disputed, cents("998.51"));
    // 41.60 less what was paid.
    assert_eq!(position.minimum_due, cents("1.87"));
}

/// A dispute that was open at a close was held out of that statement already.
#[test]
fn what_a_later_dispute_holds_out_falls_due_anew_beside_an_earlier_one() {
    let mut of = product("CASHLINE-STD-1");
    of.fees.late = None;
    let mut book = Book::open(&of, 0, 31, "2026-09-01");
    book.draw("40.00", "2026-09-01");
    let (first, second) = (book.draw("1960.00", "2026-09-01"), book.draw("1000.00", "2026-09-01"));
    dispute(&mut book, Disputed::Draw { draw: first }, "1960.00", "2026-10-10");
    // 25.00 for September, 25.00 for October.
    assert_eq!(book.on("2026-11-05").minimum_due, cents("50.00"));
    let case = dispute(&mut book, Disputed::Draw { draw: second }, "1000.00", "2026-11-05");
    assert_eq!(book.on("2026-11-05").minimum_due, cents("40.00"));
    resolve(&mut book, case, "0.00", "2026-11-20");
    assert_eq!(book.on("2026-11-20").minimum_due, cents("50.00"));
}

#[test]
fn nothing_is_asked_for_where_several_disputes_are_all_that_is_owed() {
    let mut book = Book::open(&product("CASHLINE-STD-1"), 240_000, 31, "2026-09-01");
    let draws = [book.draw("80.00", "2026-09-01"), book.draw("20.00", "2026-09-01")];
    assert_eq!(book.on("2026-10-10").minimum_due, cents("25.00"));
    for (draw, amount, left) in [(draws[0], "80.00", "20.39"), (draws[1], "20.00", "0.00")] {
        dispute(&mut book, Disputed::Draw { draw }, amount, "2026-10-10");
        assert_eq!(book.on("2026-10-10").minimum_due, cents(left), "{amount}");
    }
}

#[test]
fn an_error_is_taken_back_with_its_interest_from_the_day_of_the_draw() {
    let (mut book, draw, case) = disputed_book();
    book.on("2026-11-10");
    resolve(&mut book, case, "800.00", "2026-11-10");
    let position = book.on("2026-11-10");
    // As if 1,200.00 had been drawn alone: 23.67 for September, and 24.46 for October.
    assert_eq!(position.principal_balance, cents("1200.00"));
    assert_eq!(position.billed_interest, cents("48.13"));
    assert_eq!(position.disputed, Cents::ZERO);
    assert_eq!(book.adjustments(), [cents("-15.78"), cents("-16.31")]);
    assert_eq!(book.line.untied(&book.books).unwrap(), []);
    book.on("2026-12-01");
    assert_eq!(book.statement(3).off_by(), Cents::ZERO);
    let again =
        LineEventBody::DrawCorrected { draw, amount: cents("1.00"), fee: None, by_terms: false };
    assert!(record(&mut book, again, "2026-12-01").is_ok());
}

#[test]
fn without_an_error_the_held_part_falls_due_anew_with_time_to_pay() {
    let (mut book, _, case) = disputed_book();
    book.pay("47.67", "2026-10-20");
    let before = book.on("2026-10-25").minimum_due;
    resolve(&mut book, case, "0.00", "2026-10-25");
    let position = book.on("2026-10-25");
    // 31.78 were held out of September's minimum.
    assert_eq!(position.minimum_due - before, cents("31.78"));
    // The fourteen days of the statement window, to Sunday the 8th; the 9th is timely.
    assert_eq!(book.on("2026-11-09").days_past_due, 0);
    assert!(book.on("2026-11-10").days_past_due > 0);
}

#[test]
fn a_dispute_that_is_known_late_takes_its_late_fee_back() {
    let mut book = Book::open(&product("CASHLINE-STD-1"), 240_000, 31, "2026-09-01");
    let draw = book.draw("1000.00", "2026-09-01");
    assert_eq!(book.on("2026-11-10").penalty_fees, cents("15.00"));
    let (id, amount) = (CaseId::mint(noon(day("2026-10-05"))), cents("1000.00"));
    let body =
        LineEventBody::DisputeOpened { dispute: id, subject: Disputed::Draw { draw }, amount };
    book.record_late(body, day("2026-10-05"), day("2026-11-12"));
    let position = book.on("2026-11-12");
    assert_eq!((position.penalty_fees, position.days_past_due), (Cents::ZERO, 0));
    assert!(book.adjustments().contains(&cents("-15.00")));
}

#[test]
fn a_disputed_fee_is_waived_where_it_was_our_error() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    book.fee(FeeKind::Other, "30.00", "2026-09-10");
    book.on("2026-10-02");
    let before = book.on("2026-10-02").minimum_due;
    let case = dispute(&mut book, Disputed::Fee { fee: FeeKind::Other }, "30.00", "2026-10-02");
    assert_eq!(before - book.on("2026-10-02").minimum_due, cents("30.00"));
    resolve(&mut book, case, "30.00", "2026-10-20");
    let position = book.on("2026-10-20");
    assert_eq!((position.fees, position.disputed), (Cents::ZERO, Cents::ZERO));
    assert_eq!(book.line.untied(&book.books).unwrap(), []);
}

/// 12 CFR 1026.13(d)(1): a charge that is related to what is disputed need not be paid either.
#[test]
fn the_fee_of_a_disputed_draw_is_held_out_with_it() {
    let of = product("CASHLINE-STD-1-FEE3");
    let mut book = Book::open(&of, 240_000, 31, "2026-09-01");
    book.draw("2000.00", "2026-09-01");
    let draw = DrawId::mint(noon(day("2026-09-01")));
    book.draw_with_fee(draw, "1000.00", "30.00", "2026-09-01");
    // 3,000.00 × 24 % × 30/365 = 59.18; 2 % of 3,000.00, that and the fee of 3 %.
    assert_eq!(book.on("2026-10-05").minimum_due, cents("149.18"));
    let case = dispute(&mut book, Disputed::Draw { draw }, "600.00", "2026-10-05");
    // Three fifths of the fee, and 11.84 of the interest: 2 % of 2,400.00, 47.34 and 12.00 are left.
    let position = book.on("2026-10-05");
    assert_eq!(position.minimum_due, cents("107.34"));
    assert_eq!(position.disputed, cents("629.84"));
    book.pay("107.34", "2026-10-20");
    assert_eq!(book.on("2026-11-20").days_past_due, 0);
    // It is in no later minimum, and comes back with the rest.
    let second = book.statement(2);
    assert_eq!(second.fees_total, Cents::ZERO);
    let before = book.on("2026-11-20").minimum_due;
    resolve(&mut book, case, "0.00", "2026-11-20");
    let after = book.on("2026-11-20");
    assert_eq!(after.disputed, Cents::ZERO);
    // 12.00, 11.84 and 18.00 of the fee by the first statement, 12.00 and 12.23 by the second.
    assert_eq!(after.minimum_due - before, cents("66.07"));
}

#[test]
fn a_disputed_fee_is_held_out_of_its_own_minimum_and_of_no_later_one() {
    let mut of = product("CASHLINE-STD-1");
    of.fees.plan = Some(PlanFee { amount: cents("5.00"), ..PlanFee::default() });
    of.fees.late = None;
    let mut book = Book::open(&of, 240_000, 31, "2026-09-01");
    book.draw("2000.00", "2026-09-01");
    // 40.00, 39.45 and the fee.
    assert_eq!(book.on("2026-10-03").minimum_due, cents("84.45"));
    dispute(&mut book, Disputed::Fee { fee: FeeKind::Plan }, "5.00", "2026-10-03");
    assert_eq!(book.on("2026-10-03").minimum_due, cents("79.45"));
    // 40.00, 40.77 and the second fee, which nobody disputes.
    assert_eq!(book.on("2026-11-05").minimum_due, cents("165.22"));
    assert_eq!(book.statement(2).disputed, cents("5.00"));
    // The second one too: only that minimum asks for it.
    dispute(&mut book, Disputed::Fee { fee: FeeKind::Plan }, "5.00", "2026-11-05");
    assert_eq!(book.on("2026-11-05").minimum_due, cents("160.22"));
}
