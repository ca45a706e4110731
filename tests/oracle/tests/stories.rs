//! Stories beyond the worked vectors, reckoned by hand from the rules.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod story;

use oracle::{Corrects, Cycle, Fact, Product};
use story::{Story, day};

fn plain() -> Story {
    Story::new(240_000, "2026-09-01", "2026-09-30")
}

#[test]
fn a_credit_balance_is_drawn_first_and_bears_no_fee() {
    // Three days of 250.00 are 0.49; of 280.00 paid, 29.51 stay as a credit.
    let line = plain().with_draw_fee().draw("2026-09-02", 25_000).pay("2026-09-05", 28_000);
    let paid = line.at("2026-09-05");
    assert_eq!((paid.principal, paid.prepaid_interest, paid.credit_balance), (0, 49, 2_951));
    let line = line.draw("2026-09-10", 12_951);
    let drawn = line.at("2026-09-10");
    assert_eq!((drawn.principal, drawn.credit_balance, drawn.unbilled_fees), (10_000, 0, 300));
    // (3 x 250.00 + 21 x 100.00) x 24 % / 365 = 1.874: 1.38 of it is still to pay.
    let closed = line.at("2026-09-30");
    let statement = &closed.statements[0];
    assert_eq!((statement.interest, closed.billed_interest), (187, 138));
    assert_eq!((statement.new_balance, statement.minimum_due), (10_438, 2_500));
}

#[test]
fn a_return_after_the_due_date_brings_back_lateness_fee_and_interest() {
    let payment = Fact::Payment { id: 9, cents: 3_973 };
    let line = plain().draw("2026-09-01", 100_000).on("2026-10-20", payment);
    let before = line.at("2026-11-09");
    assert_eq!(before.statements[0].minimum_due, 3_973);
    assert_eq!((before.days_past_due, before.principal), (0, 98_000));
    // (19 x 1000.00 + 12 x 980.00) x 24 % / 365 = 20.226
    assert_eq!(before.statements[1].interest, 2_023);

    let returned = line.on("2026-11-10", Fact::PaymentReturned { payment_id: 9 });
    let after = returned.at("2026-11-10");
    assert_eq!((after.days_past_due, after.principal), (15, 100_000));
    assert_eq!(after.late_fees, [(day("2026-11-06"), 1_500)]);
    let posted: Vec<_> = after.adjustments.iter().map(|a| (a.corrects, a.cents)).collect();
    assert_eq!(posted, [(Corrects::Interest { cycle: 2 }, 15), (Corrects::LateFee, 1_500)]);
    assert!(after.adjustments.iter().all(|a| a.recorded_on == day("2026-11-10")));
    // The late fee is of the open cycle: a fee of the next statement, not a correction of an old one.
    let next = &returned.at("2026-11-30").statements[2];
    assert_eq!((next.adjustments, next.fees, next.returned), (15, 1_500, 3_973));
    assert_eq!(next.past_due, 3_973 + before.statements[1].minimum_due);
}

#[test]
fn a_new_rate_is_for_new_draws_and_the_dearest_principal_is_paid_first() {
    let dearer = Fact::RateChanged { apr_ppm: 300_000, applies_to_all: false };
    let line = plain()
        .draw("2026-09-01", 50_000)
        .on("2026-09-11", dearer)
        .draw("2026-09-11", 50_000)
        .pay("2026-09-21", 30_000);
    // 9.8630 + (10 x 500.00 + 10 x 200.00) x 30 % / 365 = 15.6164; each rounded would be 15.61.
    assert_eq!(line.first_interest(), 1_562);
}

#[test]
fn a_payment_may_come_back_for_three_banking_days() {
    // Friday, then Labor Day on Monday.
    let line = plain().draw("2026-09-01", 100_000).pay("2026-09-04", 10_000);
    let held = line.at("2026-09-09");
    assert_eq!((held.held, held.available), (10_000, 400_000));
    let released = line.at("2026-09-10");
    assert_eq!((released.held, released.available), (0, 410_000));
}

#[test]
fn a_subscription_is_due_in_full_and_rests_while_past_due() {
    let mut line = plain().draw("2026-09-05", 20_000);
    line.product = Product::CashlineSub { limit_cents: 50_000, late_fee_cents: 1_500 };
    let [first, second] = [0, 1].map(|place| line.at("2026-10-31").statements[place].clone());
    assert_eq!((first.fees, first.interest, first.minimum_due), (0, 0, 20_000));
    assert_eq!((second.fees, second.minimum_due, second.past_due), (0, 20_000, 20_000));
    let paid = line.pay("2026-11-03", 20_000).at("2026-11-30");
    assert_eq!(paid.late_fees, []);
    let third = &paid.statements[2];
    assert_eq!((third.fees, third.new_balance, third.minimum_due), (1_000, 1_000, 1_000));
}

#[test]
fn a_statement_that_is_not_sent_asks_for_nothing_and_costs_no_late_fee() {
    // 29 x 100.00 x 24 % / 365 = 1.91, of which 1.37 are paid: the second statement would be of 0.54 without a finance charge.
    let line = plain().draw("2026-09-01", 10_000).pay("2026-09-30", 10_137);
    let closed = line.at("2026-10-31");
    assert_eq!((closed.statements[0].minimum_due, closed.statements[0].interest), (54, 191));
    assert!(!closed.statements[1].produced);
    let later = line.at("2026-12-31");
    assert_eq!(later.late_fees, [(day("2026-11-06"), 54)]);
    assert_eq!((later.unpaid_minimum, later.days_past_due), (54, 66));
}

#[test]
fn cycles_close_on_their_day_or_the_last_of_the_month() {
    let cycle = Cycle { first_close: day("2027-12-30"), day: 30 };
    let closes = ["2027-12-30", "2028-01-30", "2028-02-29", "2028-03-30"].map(day);
    assert_eq!(cycle.closes(day("2028-04-29")), closes);
}

#[test]
fn a_late_draw_is_on_the_next_statement_with_its_fee_and_a_refused_one_leaves_it() {
    let line = plain().with_draw_fee().draw("2026-09-01", 50_000).pay("2026-10-20", 2_500).late(
        "2026-09-21",
        "2026-10-03",
        Fact::Draw { id: 9, cents: 20_000 },
    );
    let october = &line.at("2026-10-31").statements[1];
    // 10 x 200.00 x 24 % / 365 = 1.315 on top of 9.863: 11.18 less the 9.86 billed.
    assert_eq!((october.draws, october.fees, october.adjustments), (20_000, 600, 132));
    let refused = line.on("2026-11-02", Fact::DrawRefused { draw_id: 9 }).at("2026-11-30");
    let november = &refused.statements[2];
    let october_interest = october.interest - refused.interest_by_cycle[1].1;
    assert_eq!((november.refused, november.fees), (20_000, 0));
    assert_eq!(november.adjustments, -600 - 132 - october_interest);
    // 25.00 paid 9.86 of interest and the rest of principal.
    assert_eq!(refused.principal, 50_000 - (2_500 - 986));
}

/// Statement 1 asks for the floor; statement 2, that shows the fee, for 2 % of 700.00, its interest and 6.00, beside the floor. Then it
/// is asked for no more.
#[test]
fn the_fee_of_a_late_draw_is_in_the_minimum_that_shows_it() {
    let draw = Fact::Draw { id: 9, cents: 20_000 };
    let line = plain().with_draw_fee().draw("2026-09-01", 50_000);
    let line = line.late("2026-09-21", "2026-10-03", draw).at("2026-11-30");
    let own = |at: usize| {
        let statement = line.statements.get(at).unwrap();
        statement.minimum_due - statement.past_due - statement.not_yet_due - statement.interest
    };
    assert_eq!(line.statements.first().unwrap().minimum_due, 2_500);
    assert_eq!((own(1), own(2)), (1_400 + 600, 1_400));
}

/// 15 days at 24 % and 15 at 6 % on $1,000.00: 9.8630 + 2.4658; the draw of the 21st bears 24 % for 10 days: 0.6575. Together 12.9863.
#[test]
fn service_caps_what_was_owed_before_it_and_no_later_draw() {
    let line = Story::new(240_000, "2026-09-01", "2026-09-30")
        .draw("2026-09-01", 100_000)
        .on("2026-09-16", Fact::RateCapped { apr_ppm: 60_000, through: None })
        .draw("2026-09-21", 10_000);
    assert_eq!(line.first_interest(), 1_299);
}

/// Fees are interest in the sense of the act (section 1.9): no mark is needed to stay them.
#[test]
fn no_late_fee_while_what_service_caps_is_owed() {
    let line = Story::new(240_000, "2026-09-01", "2026-09-30").draw("2026-09-01", 100_000);
    assert_eq!(line.at("2026-11-06").late_fees, [(day("2026-11-06"), 1_500)]);
    let last = Some(day("2026-11-20"));
    let line = line.on("2026-10-16", Fact::RateCapped { apr_ppm: 60_000, through: last });
    assert_eq!(line.at("2026-11-06").late_fees, []);
    let after: Vec<_> = line.at("2027-01-20").late_fees.iter().map(|(on, _)| *on).collect();
    assert_eq!(after, [day("2026-12-06"), day("2027-01-08")]);
}

#[test]
fn the_running_cycle_ends_on_another_close_day() {
    let line = Story::new(240_000, "2026-09-01", "2026-09-30")
        .draw("2026-09-01", 100_000)
        .on("2026-10-05", Fact::CloseDayChanged { day: 20 })
        .at("2026-12-01");
    let closes: Vec<String> = line.statements.iter().map(|one| one.closed_on.to_string()).collect();
    assert_eq!(closes, ["2026-09-30", "2026-10-20", "2026-11-20"]);
    // Statement 1 falls due on Monday, October 26, six days after the second close.
    let [first, second, third] = line.statements.as_slice() else { panic!("three closes") };
    assert_eq!((second.past_due, second.not_yet_due), (0, first.minimum_due));
    assert_eq!((third.past_due, third.not_yet_due), (second.minimum_due, 0));
    assert_eq!(line.statements.get(1).unwrap().opened_on, day("2026-10-01"));
}

/// V43.
#[test]
fn a_line_comes_in_with_what_it_owes() {
    let owed = Fact::BroughtForward {
        principal: 80_000,
        billed_interest: 1_907,
        billed_fees: 0,
        penalty_fees: 0,
        credit_balance: 0,
    };
    let line = Story::new(289_900, "2026-09-06", "2026-10-05")
        .on("2026-09-06", owed)
        .on("2026-09-10", Fact::FeeQuoted { draw_id: 9, cents: 600 })
        .on("2026-09-10", Fact::Draw { id: 9, cents: 20_000 })
        .pay("2026-09-25", 6_907)
        .at("2026-10-05");
    let one = line.statements.first().unwrap();
    assert_eq!((one.previous, one.fees, one.interest), (81_907, 600, 2_276));
    assert_eq!((one.new_balance, one.principal, one.minimum_due), (97_876, 95_000, 4_776));
}

/// $300.00 for 30 days at 24 %: 5.92; $200.00: 3.95.
#[test]
fn a_corrected_draw_was_of_the_right_amount_from_its_own_date() {
    let line = Story::new(240_000, "2026-09-01", "2026-09-30")
        .on("2026-09-01", Fact::Draw { id: 1, cents: 30_000 })
        .on("2026-10-08", Fact::DrawCorrected { draw_id: 1, cents: 20_000 })
        .at("2026-10-10");
    assert_eq!(line.statements.first().unwrap().interest, 592);
    assert_eq!(line.interest_by_cycle.first().unwrap().1, 395);
    assert_eq!(line.principal, 20_000);
}

#[test]
fn credit_is_held_for_a_draw_until_it_is_made_or_the_hold_is_over() {
    let held = |on: &str| {
        let expires_on = Some(day("2026-09-05"));
        Story::new(240_000, "2026-09-01", "2026-09-30")
            .on("2026-09-03", Fact::DrawHeld { draw_id: 1, cents: 30_000, expires_on })
            .at(on)
            .held
    };
    assert_eq!(["2026-09-02", "2026-09-05", "2026-09-06"].map(held), [0, 30_000, 0]);
}

/// $500.00 and $300.00 against a credit balance of $500.00: whichever is made first, the one that was asked for first has it.
#[test]
fn the_fee_of_a_draw_goes_by_what_it_found_when_it_was_asked_for() {
    let held = |draw_id: u64, cents: i64| Fact::DrawHeld { draw_id, cents, expires_on: None };
    let made = |id: u64, cents: i64| Fact::Draw { id, cents };
    let fees = |first: Fact, second: Fact| {
        let line = Story::new(240_000, "2026-09-01", "2026-09-30")
            .with_draw_fee()
            .on("2026-09-01", Fact::Draw { id: 1, cents: 100 })
            .on("2026-09-05", Fact::Payment { id: 1, cents: 50_100 })
            .on("2026-09-10", held(2, 50_000))
            .on("2026-09-10", held(3, 30_000))
            .on("2026-09-11", first)
            .on("2026-09-12", second);
        line.at("2026-09-12").unbilled_fees
    };
    assert_eq!(fees(made(2, 50_000), made(3, 30_000)), 900);
    assert_eq!(fees(made(3, 30_000), made(2, 50_000)), 900);
}

/// The payment that made the credit balance came back: the $50.00 paid out are owed.
#[test]
fn a_refund_of_what_was_not_there_is_owed() {
    let line = Story::new(240_000, "2026-09-01", "2026-09-30")
        .on("2026-09-03", Fact::Payment { id: 1, cents: 5_000 })
        .on("2026-09-04", Fact::CreditRefunded { cents: 5_000 })
        .on("2026-09-08", Fact::PaymentReturned { payment_id: 1 })
        .at("2026-09-10");
    assert_eq!((line.principal, line.credit_balance), (5_000, 0));
}

/// A thousand dollars at 24 % for September, and leave to debit for some of it.
fn with_leave(first: &str, last: &str) -> Story {
    let line = plain().draw("2026-09-01", 100_000);
    line.on(first, Fact::AutopayBegan { id: 1 }).on(last, Fact::AutopayEnded { id: 1 })
}

#[test]
fn automatic_payments_are_half_a_point_off_from_their_first_day_through_their_last() {
    // (20 x 24 % + 10 x 23.5 %) x 1000.00 / 365 = 19.589
    assert_eq!(with_leave("2026-09-11", "2026-09-20").first_interest(), 1_959);
    // Other leave on the day on which the first one ends: 30 x 1000.00 x 23.5 % / 365 = 19.315, and never a whole point.
    let changed =
        with_leave("2026-09-01", "2026-09-15").on("2026-09-15", Fact::AutopayBegan { id: 2 });
    assert_eq!(changed.first_interest(), 1_932);
    // The rate without it goes on under it: (10 x 23.5 % + 20 x 29.5 %) x 1000.00 / 365 = 22.603
    let dearer = Fact::RateChanged { apr_ppm: 300_000, applies_to_all: true };
    let dearer = with_leave("2026-09-01", "2026-09-30").on("2026-09-11", dearer);
    assert_eq!(dearer.first_interest(), 2_260);
}

#[test]
fn a_cap_lies_over_what_the_discount_leaves() {
    // (10 x 23.5 % + 20 x 6 %) x 1000.00 / 365 = 9.726
    let service = Fact::RateCapped { apr_ppm: 60_000, through: None };
    let line = with_leave("2026-09-01", "2026-09-30").on("2026-09-11", service);
    assert_eq!(line.first_interest(), 973);
    // Of 0.4 % half a point leaves nothing.
    let cheap = Story::new(4_000, "2026-09-01", "2026-09-30")
        .draw("2026-09-01", 100_000)
        .on("2026-09-01", Fact::AutopayBegan { id: 1 });
    assert_eq!(cheap.first_interest(), 0);
}

#[test]
fn an_end_learned_late_is_an_adjustment_of_the_cycle_that_had_the_discount() {
    let line = plain().draw("2026-09-01", 100_000).on("2026-09-01", Fact::AutopayBegan { id: 1 });
    let line = line.late("2026-09-10", "2026-10-05", Fact::AutopayEnded { id: 1 });
    let known = line.at("2026-10-31");
    // Billed 19.32; (10 x 23.5 % + 20 x 24 %) x 1000.00 / 365 = 19.589. October: 31 x 1000.00 x 24 % / 365 = 20.384.
    assert_eq!((known.statements[0].interest, known.statements[1].interest), (1_932, 2_038));
    assert_eq!(known.statements[1].adjustments, 27);
    let [adjustment] = known.adjustments[..] else { panic!("{:?}", known.adjustments) };
    assert_eq!(adjustment.corrects, Corrects::Interest { cycle: 1 });
    assert_eq!((adjustment.recorded_on, adjustment.cents), (day("2026-10-05"), 27));
}

/// Statement 1 closes on September 30 and asks for 39.73 by Monday, October 26; statement 2 on October 31, by November 25.
fn unpaid() -> Story {
    plain().draw("2026-09-01", 100_000)
}

#[test]
fn a_statement_that_left_late_is_late_fourteen_days_after_it_left() {
    let line = unpaid().on("2026-10-20", Fact::StatementSent { number: 1 });
    assert_eq!(line.at("2026-11-03").days_past_due, 0);
    assert_eq!(line.at("2026-11-04").days_past_due, 1);
    assert_eq!(line.at("2026-11-13").late_fees, []);
    assert_eq!(line.at("2026-11-14").late_fees, [(day("2026-11-14"), 1_500)]);
    let second = &line.at("2026-10-31").statements[1];
    // 2 % of 1000.00, 20.38 of interest, and the 39.73 that are not due yet.
    assert_eq!((second.minimum_due, second.past_due, second.not_yet_due), (8_011, 0, 3_973));
}

#[test]
fn what_never_left_is_late_with_the_next_statement_at_one_fee() {
    let line = unpaid().on("2026-10-10", Fact::StatementNotSent { number: 1 });
    assert_eq!(line.at("2026-10-31").statements[1].not_yet_due, 3_973);
    assert_eq!(line.at("2026-11-25").days_past_due, 0);
    assert_eq!(line.at("2026-11-26").days_past_due, 1);
    assert_eq!(line.at("2026-12-31").late_fees, [(day("2026-12-06"), 1_500)]);
    // Where that one has not left either, with the third: by Monday, December 28.
    let neither = unpaid()
        .on("2026-10-10", Fact::StatementNotSent { number: 1 })
        .on("2026-11-02", Fact::StatementNotSent { number: 2 });
    assert_eq!(neither.at("2026-12-28").days_past_due, 0);
    assert_eq!(neither.at("2027-01-08").late_fees, [(day("2027-01-08"), 1_500)]);
    assert_eq!(neither.at("2027-01-08").days_past_due, 11);
    // One that leaves so late that both are due on November 25 is tested once with it.
    let together = unpaid().on("2026-11-11", Fact::StatementSent { number: 1 });
    assert_eq!(together.at("2026-12-31").late_fees, [(day("2026-12-06"), 1_500)]);
    // A copy of the first one that leaves when the second has long been there changes nothing.
    let copied = unpaid().on("2026-11-20", Fact::StatementSent { number: 1 });
    assert_eq!(copied.at("2026-11-26").days_past_due, 1);
    assert_eq!(copied.at("2026-12-31").late_fees, [(day("2026-12-06"), 1_500)]);
}

#[test]
fn mail_that_came_back_takes_back_the_late_fee() {
    let late = unpaid();
    assert_eq!(late.at("2026-11-08").late_fees, [(day("2026-11-06"), 1_500)]);
    let back = late.late("2026-09-30", "2026-11-08", Fact::StatementNotSent { number: 1 });
    let known = back.at("2026-11-08");
    assert_eq!((known.days_past_due, known.penalty_fees), (0, 0));
    assert_eq!(known.late_fees, []);
    let [adjustment] = known.adjustments[..] else { panic!("{:?}", known.adjustments) };
    assert_eq!((adjustment.corrects, adjustment.cents), (Corrects::LateFee, -1_500));
}

#[test]
fn what_is_said_of_the_latest_day_counts_and_that_none_left_of_one_day() {
    let [left, back] = [Fact::StatementSent { number: 1 }, Fact::StatementNotSent { number: 1 }];
    for [first, second] in [[left, back], [back, left]] {
        let line = unpaid().on("2026-10-20", first).on("2026-10-20", second);
        assert_eq!(line.at("2026-11-20").days_past_due, 0);
        // It left on the 22nd after all, which we learn first.
        let line =
            unpaid().late("2026-10-22", "2026-10-23", left).late("2026-10-20", "2026-10-25", back);
        assert_eq!(line.at("2026-11-06").days_past_due, 1);
    }
}

/// Statement 2 shows nothing owed and does not go out; the payment comes back after it. Statement 3 is the first to leave: by December 28.
#[test]
fn what_never_left_is_not_late_with_a_statement_that_did_not_go_out_either() {
    let line = unpaid()
        .on("2026-10-01", Fact::StatementNotSent { number: 1 })
        .on("2026-10-01", Fact::Payment { id: 9, cents: 101_973 })
        .on("2026-11-10", Fact::PaymentReturned { payment_id: 9 });
    let seen = line.at("2026-12-28");
    assert_eq!(
        seen.statements.iter().map(|one| one.produced).collect::<Vec<_>>(),
        [true, false, true]
    );
    assert_eq!((seen.days_past_due, seen.unpaid_minimum), (0, seen.statements[2].minimum_due));
    assert_eq!(seen.late_fees, []);
    assert_eq!(line.at("2026-12-29").days_past_due, 1);
}
