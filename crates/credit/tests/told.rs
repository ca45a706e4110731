//! What a statement tells of its terms: those of its own cycle, every rate that could have been used, and totals of its year.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Book, cents, day, product};
use credit::{
    AppliesTo, BroughtForward, ChangeNotice, CycleSchedule, DisputeClocks, FeatureAmount,
    LineEventBody, NoticeException, Repayment, StatementItem, StatementTerms,
    product::{BalanceMethod, PenaltyRate},
};
use money::{Apr, Cents};
use serde_json::json;

fn agreed(changes: &serde_json::Value) -> LineEventBody {
    let exception = Some(NoticeException::Agreed);
    LineEventBody::TermsChanged {
        changes: changes.as_object().unwrap().clone(),
        notice: ChangeNotice { given_on: None, exception },
    }
}

#[test]
fn a_statement_tells_of_the_terms_of_its_cycle_though_others_begin_on_the_day_after() {
    let mut book = Book::owing("1000.00", 240_000, 30, "2026-09-01");
    let changes = json!({
        "interest": { "balance": "average_daily_balance" },
        "dates": { "statement_window_days": 21 },
        "fees": { "late": { "amount": "25.00", "after_days": 3 } },
    });
    book.record_late(agreed(&changes), day("2026-10-01"), day("2026-09-10"));
    book.on("2026-11-02");
    let (first, second) = (book.statement(1), book.statement(2));
    assert_eq!(first.balance_method, "daily balance (including current transactions)");
    assert_eq!(first.late_fee_up_to, Some(cents("15.00")));
    let old = StatementTerms::of(book.line.opened_with().unwrap());
    assert_eq!(first.terms, Some(old.clone()));
    assert_eq!(second.balance_method, "average daily balance (including current transactions)");
    assert_eq!(second.late_fee_up_to, Some(cents("25.00")));
    let told = second.terms.unwrap();
    assert_eq!(told.balance.method, BalanceMethod::AverageDailyBalance);
    assert_eq!((told.grace.window_days, told.late_after_days), (21, Some(3)));
    assert_eq!((old.grace.window_days, old.late_after_days), (14, Some(10)));
}

/// The rates of a statement at which nothing was owed.
fn unused(book: &Book, number: u32) -> Vec<(String, u32)> {
    let rates = book.statement(number).unused_rates;
    rates.into_iter().map(|rate| (rate.feature, rate.apr.ppm())).collect()
}

/// 12 CFR 1026.7(b)(4)(i) and comment 7(b)(4)-1.i.
#[test]
fn a_card_used_for_purchases_only_tells_the_rates_of_its_other_features_too() {
    let mut book = Book::open(&product("CARD-STD-1"), 240_000, 30, "2026-09-01");
    book.draw_feature("purchases", "500.00", "2026-09-10");
    book.on("2026-10-01");
    let of = |rates: &[(&str, u32)]| -> Vec<(String, u32)> {
        rates.iter().map(|(name, ppm)| ((*name).to_owned(), *ppm)).collect()
    };
    // The promotional rate of a transfer is told where it is applied; without a transfer, the rate that comes after it.
    let others = [("cash_advances", 299_900), ("balance_transfers", 240_000)];
    assert_eq!(unused(&book, 1), of(&others));
    let rate = &book.statement(1).unused_rates[0];
    assert_eq!(rate.periodic_rate, "0.082160%");
    book.draw_feature("cash_advances", "100.00", "2026-10-05");
    book.draw_feature("balance_transfers", "100.00", "2026-10-06");
    book.on("2026-11-01");
    assert_eq!(unused(&book, 2), []);
    // Another rate for new draws: the old one is told with its balance, the new one though nothing was drawn at it.
    book.change_rate(260_000, AppliesTo::NewDraws, "2026-11-10");
    book.on("2026-12-01");
    let new = [("purchases", 260_000), ("cash_advances", 260_000), ("balance_transfers", 260_000)];
    assert_eq!(unused(&book, 3), of(&new));
}

#[test]
fn a_closed_line_and_one_without_interest_have_no_rate_to_tell() {
    let mut free = Book::open(&product("CASHLINE-SUB-1"), 0, 30, "2026-09-01");
    free.draw("100.00", "2026-09-10");
    let mut closed = Book::open(&product("CASHLINE-STD-1"), 240_000, 30, "2026-09-01");
    let reason = "asked for".to_owned();
    closed.record(LineEventBody::LineClosed { reason }, "2026-09-20");
    for book in [&mut free, &mut closed] {
        book.on("2026-10-01");
        assert_eq!(unused(book, 1), []);
    }
    let mut open = Book::open(&product("CASHLINE-STD-1"), 240_000, 30, "2026-09-01");
    open.on("2026-10-01");
    assert_eq!(unused(&open, 1), [("draws".to_owned(), 240_000)]);
}

#[test]
fn a_rate_by_tiers_is_told_with_what_each_is_for() {
    let mut of = product("CASHLINE-STD-1");
    of.features = serde_json::from_value(json!([{
        "name": "draws",
        "tiers": [{ "up_to": "500.00", "apr": "24%" }, { "apr": "18%" }],
    }]))
    .unwrap();
    let mut book = Book::open(&of, 240_000, 30, "2026-09-01");
    book.on("2026-10-01");
    let rates = book.statement(1).unused_rates;
    let rates: Vec<_> = rates.iter().map(|rate| (rate.up_to, rate.apr.ppm())).collect();
    assert_eq!(rates, [(Some(cents("500.00")), 240_000), (None, 180_000)]);
}

#[test]
fn what_paying_late_can_raise_a_rate_to_is_on_the_statement() {
    let mut of = product("CARD-STD-1");
    let apr = Apr::from_ppm(319_900);
    of.penalty_rate = Some(PenaltyRate { apr, ..PenaltyRate::default() });
    let mut book = Book::open(&of, 240_000, 30, "2026-09-01");
    book.draw_feature("purchases", "500.00", "2026-09-10");
    book.on("2026-10-01");
    assert_eq!(book.statement(1).terms.unwrap().penalty_apr, Some(apr));
}

/// 12 CFR 1026.7(b)(12)(i)(F)(2)(ii).
#[test]
fn no_payment_is_named_for_36_months_that_is_less_than_the_minimum_that_is_asked_for() {
    let in_36_months = |past_due: &str| {
        let mut book = Book::open(&product("CARD-STD-1"), 240_000, 30, "2026-09-01");
        let principal = vec![FeatureAmount { feature: String::new(), amount: cents("5000.00") }];
        let minimum_unpaid = cents(past_due);
        let due_on = Some(day("2026-08-25"));
        let grace_lost = true;
        let balances = BroughtForward {
            principal,
            minimum_unpaid,
            due_on,
            grace_lost,
            ..BroughtForward::default()
        };
        book.record(LineEventBody::BalanceBroughtForward { balances }, "2026-09-01");
        book.on("2026-10-01");
        let statement = book.statement(1);
        let Some(Repayment::Estimate { in_36_months, .. }) = statement.repayment else {
            unreachable!("it is paid off some day")
        };
        (statement.minimum_due, in_36_months.map(|plan| plan.monthly))
    };
    let (asked, named) = in_36_months("0.00");
    assert!(asked < cents("200.00"), "{asked}");
    assert_eq!(named, Some(cents("200.00")));
    let (asked, named) = in_36_months("150.00");
    assert!(asked > cents("290.00"), "{asked}");
    assert_eq!(named, None);
}

/// 12 CFR 1026.7(b)(6): a correction of what last year's statements billed takes nothing from what this year cost.
#[test]
fn what_is_corrected_counts_in_the_year_whose_statement_billed_it() {
    let mut book = Book::owing("5000.00", 240_000, 31, "2026-11-01");
    book.pay_late("4900.00", "2026-11-02", "2027-01-20");
    book.on("2027-02-01");
    let january = book.statement(3);
    assert!(january.adjustments_total < cents("-150.00"), "{}", january.adjustments_total);
    assert_eq!(january.interest_this_year, january.interest_total);
    assert_eq!(january.fees_this_year, january.fees_total);
    assert_eq!(january.off_by(), Cents::ZERO);
    // What this year's statements billed is corrected in this year.
    book.pay_late("50.00", "2027-01-03", "2027-02-10");
    book.on("2027-03-01");
    let february = book.statement(4);
    let of_interest = |item: &&StatementItem| item.label.starts_with("adjustment of interest");
    let adjusted: Cents =
        february.adjustments.iter().filter(of_interest).map(|item| item.amount).sum();
    assert!(adjusted.is_negative(), "{adjusted}");
    assert_eq!(
        february.interest_this_year,
        january.interest_this_year + february.interest_total + adjusted
    );
    assert!(!february.interest_this_year.is_negative());
}

/// 12 CFR 1026.13(c)(2): two complete cycles, as they will close.
#[test]
fn the_clock_of_a_dispute_runs_on_the_cycles_that_a_new_due_day_brings() {
    let mut book = Book::open(&product("CASHLINE-STD-1"), 240_000, 5, "2026-09-06");
    let cycles = CycleSchedule { closes_on: vec![day("2026-11-20")], ..CycleSchedule::monthly(20) };
    let body = LineEventBody::CyclesChanged { cycles };
    book.record_late(body, day("2026-11-06"), day("2026-10-08"));
    let close_of = |on: &str| book.line.close_of(day(on)).unwrap();
    assert_eq!(close_of("2026-10-08"), day("2026-11-05"));
    assert_eq!(close_of("2026-11-06"), day("2026-11-20"));
    assert_eq!(close_of("2026-11-21"), day("2026-12-20"));
    let clocks = DisputeClocks::of(day("2026-10-08"), |on| book.line.close_of(on)).unwrap();
    assert_eq!(clocks.resolve_by, day("2026-12-20"));
    // Replay closes them on the same days.
    let mut on = day("2026-10-08");
    while on < day("2027-03-01") {
        let expected = book.line.close_of(on).unwrap();
        book.live_to(on);
        assert_eq!(book.line.position(on).unwrap().cycle.closes_on, expected, "{on}");
        on = on.succ_opt().unwrap();
    }
}
