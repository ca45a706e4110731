//! The worked vectors of the domain specification, in business words. Amounts are dollars.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Book, cents, day, product};
use credit::{
    AllocationTo, BroughtForward, FeatureAmount, FeeKind, FlagKind, LineEventBody, Product,
    product::{BalanceMethod, Feature, Period, Promotion, ReturnPolicy},
    quote_payoff,
    rate::{DayBasis, to_dollar_text},
};
use money::{Apr, Cents, Rounding};

fn first_interest(mut book: Book, after: &str) -> Cents {
    book.on(after);
    book.statement(1).interest_total
}

#[test]
fn v01_v02_a_flat_balance_bears_interest_for_each_day_of_its_cycle() {
    let cases = [
        ("2026-09-01", "2026-10-01", 30, "30000.00", "19.73", "19.72602740"),
        ("2026-10-01", "2026-11-01", 31, "31000.00", "20.38", "20.38356164"),
    ];
    for (from, after, days, sum, interest, unrounded) in cases {
        let mut book = Book::owing("1000.00", 240_000, 31, from);
        let position = book.on(after);
        let line = &position.cycles[0].interest[0];
        assert_eq!(line.days, days);
        assert_eq!(line.sum_of_daily_balances, cents(sum));
        assert_eq!(line.average_balance, cents("1000.00"));
        assert_eq!(line.amount, cents(interest));
        assert_eq!(to_dollar_text(line.numerator, 8), unrounded);
        assert_eq!(position.principal_balance, cents("1000.00"));
        assert_eq!(book.statement(1).interest_total, cents(interest));
    }
}

#[test]
fn v03_a_draw_bears_interest_from_its_day() {
    let mut book = Book::owing("500.00", 299_900, 31, "2026-09-01");
    book.draw("300.00", "2026-09-16");
    let position = book.on("2026-10-01");
    let line = &position.cycles[0].interest[0];
    assert_eq!(line.sum_of_daily_balances, cents("19500.00"));
    assert_eq!(line.average_balance, cents("650.00"));
    assert_eq!(to_dollar_text(line.numerator, 8), "16.02205479");
    assert_eq!(book.statement(1).interest_total, cents("16.02"));
    assert_eq!(position.principal_balance, cents("800.00"));
}

#[test]
fn v04_an_average_gives_the_same_at_the_daily_rate_and_more_at_a_twelfth() {
    let interest = |period, balance| {
        let mut of = product("CASHLINE-STD-1");
        of.interest.period = period;
        of.interest.balance = balance;
        let mut book = Book::open(&of, 299_900, 31, "2026-09-01");
        book.bring_forward("500.00", "0.00", "2026-09-01");
        book.draw("300.00", "2026-09-16");
        first_interest(book, "2026-10-01")
    };
    assert_eq!(interest(Period::Daily, BalanceMethod::AverageDailyBalance), cents("16.02"));
    assert_eq!(interest(Period::Monthly, BalanceMethod::AverageDailyBalance), cents("16.24"));
}

#[test]
fn v06_a_payment_counts_from_the_day_it_was_received_however_late_it_is_keyed() {
    let mut keyed = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    keyed.pay("250.00", "2026-09-14");
    assert_eq!(first_interest(keyed, "2026-10-01"), cents("16.93"));
    let mut received = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    received.pay_late("250.00", "2026-09-10", "2026-09-14");
    assert_eq!(first_interest(received, "2026-10-01"), cents("16.27"));
}

#[test]
fn v06_keyed_after_the_close_it_is_an_adjustment_with_both_dates() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    book.pay_late("250.00", "2026-09-10", "2026-10-05");
    assert_eq!(book.statement(1).interest_total, cents("19.73"));
    assert_eq!(book.adjustments(), [cents("-3.46")]);
    book.on("2026-11-01");
    let second = book.statement(2);
    assert_eq!(second.off_by(), Cents::ZERO);
    assert_eq!(second.adjustments[0].amount, cents("-3.46"));
    assert_eq!(second.adjustments[0].effective_on, day("2026-09-30"));
    assert_eq!(second.adjustments[0].recorded_on, day("2026-10-05"));
    assert_eq!(second.payments[0].effective_on, day("2026-09-10"));
}

#[test]
fn v07_a_returned_payment_never_happened_or_counts_until_it_returned() {
    let interest = |policy: ReturnPolicy, returned: bool| {
        let of = Product { returns: policy, ..product("CASHLINE-STD-1") };
        let mut book = Book::open(&of, 240_000, 31, "2026-09-01");
        book.bring_forward("1000.00", "0.00", "2026-09-01");
        let payment = book.pay("200.00", "2026-09-05");
        if returned {
            book.returned(payment, "2026-09-09");
            let position = book.on("2026-09-09");
            assert_eq!(position.principal_balance, cents("1000.00"));
            assert_eq!(position.available_credit, cents("4000.00"));
        }
        first_interest(book, "2026-10-01")
    };
    assert_eq!(interest(ReturnPolicy::FromOriginalEffectiveDate, true), cents("19.73"));
    assert_eq!(interest(ReturnPolicy::FromReturnDate, true), cents("19.20"));
    assert_eq!(interest(ReturnPolicy::FromReturnDate, false), cents("16.31"));
}

#[test]
fn v09_v10_leap_years_matter_only_on_the_actual_basis() {
    let interest = |basis, close_day, from: &str, after: &str| {
        let mut of = product("CASHLINE-STD-1");
        of.interest.day_basis = basis;
        let mut book = Book::open(&of, 240_000, close_day, from);
        book.bring_forward("1000.00", "0.00", from);
        first_interest(book, after)
    };
    let february = |basis, from: &str| interest(basis, 31, from, &from.replace("-02-", "-03-"));
    assert_eq!(february(DayBasis::D365, "2028-02-01"), cents("19.07"));
    assert_eq!(february(DayBasis::Actual, "2028-02-01"), cents("19.02"));
    assert_eq!(february(DayBasis::D365, "2027-02-01"), cents("18.41"));
    let new_year = |basis| interest(basis, 14, "2027-12-15", "2028-01-15");
    assert_eq!(new_year(DayBasis::Actual), cents("20.36"));
    assert_eq!(new_year(DayBasis::D365), cents("20.38"));
}

#[test]
fn v11_an_exact_half_cent_goes_where_the_product_says() {
    let interest = |rounding| {
        let mut of = product("CASHLINE-STD-1");
        of.interest.rounding = rounding;
        let mut book = Book::open(&of, 182_500, 31, "2026-09-01");
        book.bring_forward("1003.00", "0.00", "2026-09-01");
        first_interest(book, "2026-10-01")
    };
    assert_eq!(interest(Rounding::HalfUp), cents("15.05"));
    assert_eq!(interest(Rounding::HalfEven), cents("15.04"));
}

#[test]
fn v12_interest_is_rounded_once_and_not_each_day() {
    let interest = |daily_decimals| {
        let mut of = product("CASHLINE-STD-1");
        of.interest.daily_decimals = daily_decimals;
        let mut book = Book::open(&of, 240_000, 31, "2026-09-01");
        book.bring_forward("33.33", "0.00", "2026-09-01");
        first_interest(book, "2026-10-01")
    };
    assert_eq!(interest(None), cents("0.66"));
    assert_eq!(interest(Some(2)), cents("0.60"));
}

#[test]
fn v13_a_promotion_ends_in_the_middle_of_a_cycle() {
    let mut of = product("CASHLINE-STD-1");
    let through = Some(day("2026-09-10"));
    of.features[0].promotion = Some(Promotion { through, ..Promotion::at(Apr::ZERO) });
    let mut book = Book::open(&of, 249_900, 31, "2026-09-01");
    book.bring_forward("900.00", "0.00", "2026-09-01");
    assert_eq!(first_interest(book, "2026-10-01"), cents("12.32"));
}

#[test]
fn v20_a_payoff_counts_interest_to_the_day_before() {
    let mut book = Book::open(&product("CASHLINE-STD-1"), 240_000, 31, "2026-10-01");
    book.bring_forward("1000.00", "19.73", "2026-10-01");
    let quote = quote_payoff(book.line.events(), day("2026-10-20")).unwrap();
    assert_eq!(quote.payoff, cents("1032.22"));
    assert_eq!(quote.per_diem, "0.6575");
    book.pay("1032.22", "2026-10-20");
    let position = book.on("2026-11-05");
    assert_eq!(position.total_owed, Cents::ZERO);
    assert_eq!(position.current_balance, Cents::ZERO);
    assert_eq!(book.statement(1).interest_total, cents("12.49"));
    assert_eq!(book.statement(1).new_balance, Cents::ZERO);
}

/// Standard principal 600 at 24 %, promotional 400 at 0 %, with a minimum of 40 still unpaid.
fn waterfall_book() -> Book {
    let mut of = product("CASHLINE-STD-1");
    of.features.push(Feature::plain("promo", Some(Apr::ZERO)));
    let mut book = Book::open(&of, 240_000, 31, "2026-10-01");
    let part = |feature: &str, amount: &str| FeatureAmount {
        feature: feature.to_owned(),
        amount: cents(amount),
    };
    let balances = BroughtForward {
        principal: vec![part("draws", "600.00"), part("promo", "400.00")],
        billed_interest: cents("12.00"),
        fees: cents("5.00"),
        penalty_fees: cents("15.00"),
        minimum_unpaid: cents("40.00"),
        due_on: Some(day("2026-10-25")),
        ..BroughtForward::default()
    };
    book.record(LineEventBody::BalanceBroughtForward { balances }, "2026-10-01");
    book
}

#[test]
fn v21_a_payment_runs_down_the_waterfall() {
    let mut book = waterfall_book();
    book.pay("300.00", "2026-10-01");
    let position = book.on("2026-10-01");
    let parts: Vec<_> =
        position.allocations[0].parts.iter().map(|part| (part.to.clone(), part.amount)).collect();
    let draws = || "draws".to_owned();
    assert_eq!(
        parts,
        [
            (AllocationTo::BilledInterest { cycle: 0, feature: draws() }, cents("12.00")),
            (AllocationTo::BilledFee { fee: FeeKind::Other }, cents("5.00")),
            (AllocationTo::MinimumPrincipal { feature: draws() }, cents("23.00")),
            (AllocationTo::PenaltyFee { fee: FeeKind::Late }, cents("15.00")),
            (AllocationTo::Principal { feature: draws() }, cents("245.00")),
        ]
    );
    assert_eq!(position.features[0].principal, cents("332.00"));
    assert_eq!(position.features[1].principal, cents("400.00"));
    assert_eq!(position.minimum_due, Cents::ZERO);
}

#[test]
fn v22_a_partial_payment_stops_in_the_minimum() {
    let mut book = waterfall_book();
    book.pay("20.00", "2026-10-01");
    let position = book.on("2026-10-01");
    let amounts: Vec<_> = position.allocations[0].parts.iter().map(|part| part.amount).collect();
    assert_eq!(amounts, [cents("12.00"), cents("5.00"), cents("3.00")]);
    assert_eq!(position.penalty_fees, cents("15.00"));
    assert_eq!(position.minimum_due, cents("20.00"));
}

#[test]
fn v23_an_overpayment_becomes_a_credit_balance_that_the_next_draw_uses_first() {
    let mut book = Book::open(&product("CASHLINE-STD-1"), 0, 31, "2026-10-01");
    book.bring_forward("1032.00", "0.00", "2026-10-01");
    book.pay("1200.00", "2026-10-10");
    assert_eq!(book.on("2026-10-10").credit_balance, cents("168.00"));
    book.draw("200.00", "2026-10-12");
    let position = book.on("2026-10-12");
    assert_eq!(position.credit_balance, Cents::ZERO);
    assert_eq!(position.principal_balance, cents("32.00"));
}

/// The late fee of a minimum that was due on 2026-10-26, a Monday, on the day `on`.
fn late_fee(unpaid: &str, on: &str, flags: &[FlagKind]) -> Cents {
    let mut book = Book::open(&product("CASHLINE-STD-1"), 0, 31, "2026-10-01");
    let balances = BroughtForward {
        principal: vec![FeatureAmount { feature: String::new(), amount: cents("500.00") }],
        minimum_unpaid: cents(unpaid),
        due_on: Some(day("2026-10-26")),
        ..BroughtForward::default()
    };
    book.record(LineEventBody::BalanceBroughtForward { balances }, "2026-10-01");
    for flag in flags {
        book.flag(*flag, "2026-10-02");
    }
    book.on(on).penalty_fees
}

#[test]
fn v24_a_late_fee_waits_ten_days_is_capped_comes_once_and_stops_for_a_dispute() {
    let cases = [
        ("42.00", "2026-11-06", [].as_slice(), "15.00"),
        ("8.00", "2026-11-06", &[], "8.00"),
        ("42.00", "2026-11-05", &[], "0.00"),
        ("42.00", "2026-11-20", &[], "15.00"),
        ("42.00", "2026-11-20", &[FlagKind::Dispute], "0.00"),
        ("0.00", "2026-11-20", &[], "0.00"),
    ];
    for (unpaid, on, flags, fee) in cases {
        assert_eq!(late_fee(unpaid, on, flags), cents(fee), "{unpaid} unpaid on {on}, {flags:?}");
    }
}

#[test]
fn v43_a_whole_statement() {
    let mut book = Book::open(&product("CASHLINE-STD-1-FEE3"), 289_900, 5, "2026-09-06");
    book.bring_forward("800.00", "19.07", "2026-09-06");
    book.draw_with_fee(
        identity::DrawId::mint(common::noon(day("2026-09-10"))),
        "200.00",
        "6.00",
        "2026-09-10",
    );
    book.pay("69.07", "2026-09-25");
    book.on("2026-10-06");
    let statement = book.statement(1);
    assert_eq!(statement.previous_balance, cents("819.07"));
    assert_eq!(statement.payments_total, cents("69.07"));
    assert_eq!(statement.draws_total, cents("200.00"));
    assert_eq!(statement.fees_total, cents("6.00"));
    assert_eq!(statement.interest_total, cents("22.76"));
    assert_eq!(statement.new_balance, cents("978.76"));
    assert_eq!(statement.principal_balance, cents("950.00"));
    assert_eq!(statement.minimum_due, cents("47.76"));
    assert_eq!(statement.due_on, day("2026-10-30"));
    assert_eq!(statement.days, 30);
    assert_eq!(statement.interest[0].average_balance, cents("955.00"));
    assert_eq!(statement.off_by(), Cents::ZERO);
    assert_eq!(book.statements().len(), 1);
}

#[test]
fn v48_a_payment_on_the_last_day_of_a_late_statement_s_window_is_timely() {
    let of = product("CASHLINE-STD-1");
    assert_eq!(
        of.dates.enforceable_due_on(day("2026-10-20"), day("2026-10-08")),
        day("2026-10-22")
    );
}

#[test]
fn v19_v25_residual_interest_and_penalty_fees_come_last() {
    // The statement balance is paid in full on the 10th: nine days of October remain, and are billed.
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    book.pay("1019.73", "2026-10-10");
    let position = book.on("2026-10-20");
    assert_eq!(position.current_balance, Cents::ZERO);
    assert_eq!(position.total_owed, cents("5.92"));
    book.on("2026-11-01");
    assert_eq!(book.statement(2).interest_total, cents("5.92"));
    assert_eq!(book.statement(2).minimum_due, cents("5.92"));
}

#[test]
fn an_undone_late_fee_is_taken_back_when_the_payment_proves_to_have_been_timely() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    // Statement 1 is due on October 25, a Sunday: the 26th is timely, and the fee comes on November 6.
    book.on("2026-11-10");
    assert_eq!(book.on("2026-11-10").penalty_fees, cents("15.00"));
    assert_eq!(book.on("2026-11-10").days_past_due, 15);
    book.pay_late("100.00", "2026-10-26", "2026-11-10");
    let position = book.on("2026-11-10");
    assert_eq!(position.penalty_fees, Cents::ZERO);
    assert_eq!(position.days_past_due, 0);
    assert!(book.adjustments().contains(&cents("-15.00")));
}

#[test]
fn a_covered_borrower_s_subscription_is_kept_to_the_cap() {
    let mut of = product("CASHLINE-SUB-1");
    of.fees.plan.as_mut().unwrap().free_cycles = 0;
    let mut terms = credit::Terms::open(&of, cents("500.00"), Apr::ZERO, 31);
    terms.covered_borrower = true;
    let mut book = Book::with_terms(terms, "2026-09-01");
    book.draw("300.00", "2026-09-01");
    book.on("2026-10-01");
    assert_eq!(book.statement(1).fees_total, cents("9.00"));
    assert_eq!(book.statement(1).off_by(), Cents::ZERO);
}

#[test]
fn grace_spares_is_lost_and_comes_back() {
    let mut of = product("CARD-STD-1");
    of.interest.compounding = credit::product::Compounding::None;
    of.interest.rate_digits = None;
    of.interest.minimum_charge = Cents::ZERO;
    let mut book = Book::open(&of, 240_000, 31, "2026-09-01");
    book.draw_feature("purchases", "1000.00", "2026-09-11");
    book.on("2026-10-01");
    assert_eq!(book.statement(1).interest_total, Cents::ZERO);
    // Half is paid by the due date: it counts from the first of October, and the rest bears 31 days.
    book.pay("500.00", "2026-10-20");
    book.on("2026-11-01");
    assert_eq!(book.statement(2).interest_total, cents("10.19"));
    assert_eq!(book.statement(2).interest[0].average_balance, cents("500.00"));
    // All is paid in November: the balance bears nine days, new purchases none.
    let owed = book.statement(2).new_balance;
    book.pay(&owed.to_string(), "2026-11-10");
    book.draw_feature("purchases", "300.00", "2026-11-12");
    book.on("2026-12-01");
    assert_eq!(book.statement(3).interest_total, cents("3.02"));
    // Grace is back: nothing accrues on what November bought.
    let owed = book.statement(3).new_balance;
    book.pay(&owed.to_string(), "2026-12-20");
    book.on("2027-01-01");
    assert_eq!(book.statement(4).interest_total, Cents::ZERO);
    assert_eq!(book.statement(4).new_balance, Cents::ZERO);
}

#[test]
fn deferred_interest_is_charged_in_one_piece_unless_the_balance_is_paid_off_in_time() {
    let interest = |payment: &str| {
        let mut of = product("CASHLINE-STD-1");
        let through = Some(day("2026-10-15"));
        let promotion = Promotion { through, deferred: true, ..Promotion::at(Apr::ZERO) };
        of.features[0].promotion = Some(promotion);
        let mut book = Book::open(&of, 240_000, 31, "2026-09-01");
        book.draw("1000.00", "2026-09-01");
        book.pay(payment, "2026-10-10");
        book.on("2026-11-01");
        [book.statement(1).interest_total, book.statement(2).interest_total]
    };
    assert_eq!(interest("1000.00"), [Cents::ZERO, Cents::ZERO]);
    // 39 days of 1,000 and 22 days of 900, the last 16 of them after the promotion.
    assert_eq!(interest("100.00"), [Cents::ZERO, cents("38.66")]);
}

#[test]
fn a_simple_interest_line_takes_accrued_interest_first() {
    use credit::product::WaterfallStep::{AccruedInterest, BilledInterest, Principal};
    let mut of = product("CASHLINE-STD-1");
    of.waterfall.steps = vec![BilledInterest, AccruedInterest, Principal];
    let mut book = Book::open(&of, 240_000, 31, "2026-09-01");
    book.bring_forward("1000.00", "0.00", "2026-09-01");
    book.pay("100.00", "2026-09-11");
    let position = book.on("2026-09-11");
    assert_eq!(position.principal_balance, cents("906.58"));
    book.on("2026-10-01");
    // 6.58 was paid in September already.
    assert_eq!(book.statement(1).interest_total, cents("18.50"));
    assert_eq!(book.statement(1).off_by(), Cents::ZERO);
    assert_eq!(book.on("2026-10-01").billed_interest, cents("11.92"));
}

#[test]
fn a_payment_that_returns_on_its_own_day_never_counted() {
    let of = Product { returns: ReturnPolicy::FromReturnDate, ..product("CASHLINE-STD-1") };
    let mut book = Book::open(&of, 240_000, 31, "2026-09-01");
    book.bring_forward("1000.00", "0.00", "2026-09-01");
    let payment = book.pay("200.00", "2026-09-05");
    book.returned(payment, "2026-09-05");
    assert_eq!(book.on("2026-09-06").principal_balance, cents("1000.00"));
    assert_eq!(first_interest(book, "2026-10-01"), cents("19.73"));
}

#[test]
fn a_statement_that_only_repeats_what_is_past_due_has_its_late_fee_too() {
    let mut book = Book::open(&product("CASHLINE-STD-1"), 0, 31, "2026-10-01");
    let balances = BroughtForward {
        billed_interest: cents("5.71"),
        minimum_unpaid: cents("5.71"),
        due_on: Some(day("2026-10-26")),
        ..BroughtForward::default()
    };
    book.record(LineEventBody::BalanceBroughtForward { balances }, "2026-10-01");
    assert_eq!(book.on("2026-11-06").penalty_fees, cents("5.71"));
    assert_eq!(book.statement(1).minimum_due, cents("5.71"));
    assert_eq!(book.statement(1).past_due, cents("5.71"));
    assert_eq!(book.on("2026-12-05").penalty_fees, cents("5.71"));
    assert_eq!(book.on("2026-12-06").penalty_fees, cents("11.42"));
}
