//! What is learned or changed afterwards and must leave the rest as it was: terms, returns, amounts, statements sent late.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "common/text.rs"]
mod text;

use common::{Book, cents, day, noon, product};
use credit::{
    FeeKind, ProductCatalog, draw_fee,
    scenario::{self, LineReport},
};
use money::{Apr, Cents};
use text::{draw, event, pay};

fn outcome(text: &str) -> Result<LineReport, String> {
    let scenario = scenario::parse(text, &ProductCatalog::embedded().unwrap())
        .map_err(|error| error.to_string())?;
    let told = |error: scenario::ScenarioError| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error} {}", source.unwrap_or_default())
    };
    Ok(scenario::run(&scenario).map_err(told)?.lines.remove(0))
}

/// Of a product from 2026-09-01, cycles by calendar month.
fn autumn(product: &str, line: &str) -> String {
    format!(
        "as_of = 2026-12-02\n[[product]]\nname = \"T\"\n{product}\n[line]\nproduct = \"T\"\nopened_on = 2026-09-01\napr = \"24%\"\n{line}"
    )
}

fn interest(report: &LineReport) -> Vec<Cents> {
    report.statements.iter().map(|one| one.interest_total).collect()
}

#[test]
fn a_feature_stated_anew_without_a_rate_keeps_its_rate() {
    let change = event(
        "terms_change",
        "2026-10-01",
        "notice_on = 2026-08-01\nterms = { features = [{ name = \"draws\", fee = { percent = \"3%\" } }] }",
    );
    let line = format!("{change}{}", draw("2026-10-01", "1000.00"));
    let report = outcome(&autumn("", &line)).unwrap();
    // 31 days of 1,000.00 at 24 %.
    assert_eq!(report.statements[1].interest_total, cents("20.38"));
    assert_eq!(report.statements[1].fees_total, cents("30.00"));
    assert_eq!(report.position.features.len(), 1);
}

#[test]
fn a_cap_on_rates_is_not_raised_over_what_is_owed() {
    let product = "[product.limits]\napr_cap = \"18%\"\n";
    let change = |cap: &str| {
        let terms = format!("terms = {{ limits = {{ apr_cap = \"{cap}\" }} }}");
        let change =
            event("terms_change", "2026-10-01", &format!("notice_on = 2026-08-01\n{terms}"));
        outcome(&autumn(product, &format!("{}{change}", draw("2026-09-01", "1000.00"))))
    };
    let message = change("30%").unwrap_err();
    assert!(message.contains("apr_cap") && message.contains("not raised"), "{message}");
    // 30 days at 18 %, then 31 and 30 at 12 %.
    assert_eq!(interest(&change("12%").unwrap()), ["14.79", "10.19", "9.86"].map(cents));
}

#[test]
fn what_is_brought_forward_is_in_the_balance_that_a_month_begins_with() {
    let month = |method: &str| {
        let product = format!(
            "[product.interest]\nperiod = \"monthly\"\nbalance = \"{method}\"\non_billed_interest = true\n"
        );
        let line = "[line.brought_forward]\nprincipal = \"400.00\"\nbilled_interest = \"6.00\"\n";
        let report = outcome(&autumn(&product, line)).unwrap();
        report.statements[0].interest_total
    };
    // 2 % of 406.00.
    assert_eq!(month("previous_balance"), cents("8.12"));
    assert_eq!(month("adjusted_balance"), cents("8.12"));
}

#[test]
fn a_balance_brought_forward_is_what_the_last_draw_left() {
    for of in ["principal_after_last_draw", "highest_balance"] {
        let product = format!(
            "[product.minimum]\narms = [{{ percent = \"5%\", of = \"{of}\" }}]\nadd_past_due = false\n"
        );
        let line = format!(
            "[line.brought_forward]\nprincipal = \"400.00\"\n{}",
            pay("2026-09-10", "100.00")
        );
        let report = outcome(&autumn(&product, &line)).unwrap();
        assert_eq!(report.statements[0].minimum_due, cents("20.00"), "{of}");
    }
}

#[test]
fn principal_of_a_feature_that_is_none_is_refused_where_it_stands() {
    let line = "[line.brought_forward]\nprincipal = { purchses = \"1.00\" }\n";
    let message = outcome(&autumn("", line)).unwrap_err();
    assert!(message.starts_with("line 10, column"), "{message}");
    assert!(message.contains("`purchses`, which is no feature of T: there is draws"), "{message}");
}

#[test]
fn a_rate_beside_tiers_and_two_ends_of_a_promotion_are_refused() {
    let feature = |rest: &str| format!("[[product.features]]\nname = \"draws\"\n{rest}\n");
    let tiers = "tiers = [{ up_to = \"500.00\", apr = \"24%\" }, { apr = \"18%\" }]";
    let index = "variable = { margin = \"9%\", index = [{ from = 2026-01-01, apr = \"8%\" }] }";
    let cases = [
        (feature(&format!("apr = \"20%\"\n{tiers}")), "", "`tiers`"),
        (feature(&format!("{index}\n{tiers}")), "", "`tiers`"),
        (feature(tiers), "aprs = { draws = \"20%\" }", "`tiers`"),
        (
            feature("promotion = { apr = \"0%\", through = 2027-01-31, months_from_draw = 3 }"),
            "",
            "state one",
        ),
        (
            feature("promotion = { apr = \"0%\", cycles = 3, cycles_from_draw = 3 }"),
            "",
            "state one",
        ),
    ];
    for (product, line, said) in cases {
        let message = outcome(&autumn(&product, line)).unwrap_err();
        assert!(message.starts_with("line ") && message.contains(said), "{message}");
    }
}

#[test]
fn a_minimum_is_asked_for_again_once_its_payment_has_come_back() {
    // The payment counts until it is returned.
    let product = "returns = \"from_return_date\"\n";
    let paid = "id = \"p\"\namount = \"39.73\"";
    let paid = event("payment", "2026-10-10", paid);
    let back = event("payment_returned", "2026-10-14", "payment = \"p\"\nfee = \"0.00\"");
    let line = format!("{}{paid}{back}", draw("2026-09-01", "1000.00"));
    let report = outcome(&autumn(product, &line)).unwrap();
    // September asked for 2 % of 1,000.00 and 19.73 of interest.
    assert_eq!(report.statements[0].minimum_due, cents("39.73"));
    assert_eq!(report.statements[1].past_due, cents("39.73"));
    assert!(report.position.days_past_due > 0);
}

#[test]
fn a_draw_that_was_recorded_too_high_has_the_fee_of_its_right_amount() {
    let fee = |first: &str, rest: &str| {
        let text = format!(
            "as_of = 2026-10-02\n[line]\nproduct = \"CASHLINE-STD-1-FEE3\"\nopened_on = 2026-09-01\n{}{}{}",
            draw("2026-09-02", "50.00"),
            event("draw", "2026-09-03", &format!("id = \"d\"\n{first}")),
            event("draw_corrected", "2026-09-05", &format!("draw = \"d\"\n{rest}"))
        );
        outcome(&text).unwrap().position.fees
    };
    // The first draw is free; of the second 3 %, 1.00 at least and 30.00 at most.
    assert_eq!(fee("amount = \"1000.00\"", "amount = \"100.00\""), cents("3.00"));
    assert_eq!(fee("amount = \"2000.00\"", "amount = \"1000.00\""), cents("30.00"));
    assert_eq!(fee("amount = \"100.00\"", "amount = \"20.00\""), cents("1.00"));
    // A fee that was a fact of its own stays one; and what is stated is taken.
    assert_eq!(fee("amount = \"1000.00\"\nfee = \"7.00\"", "amount = \"100.00\""), cents("7.00"));
    let stated = "amount = \"100.00\"\nfee = \"2.00\"";
    assert_eq!(fee("amount = \"1000.00\"", stated), cents("2.00"));
}

#[test]
fn v48_a_statement_that_is_issued_late_is_enforced_late() {
    let close = |issued_on: &str| {
        let mut book = Book::owing("1000.00", 240_000, 5, "2026-09-06");
        let (on, at) = (day("2026-10-06"), noon(day(issued_on)));
        let _ = book.line.settle(on, at).unwrap();
        let late = |on: &str| book.line.position(day(on)).unwrap();
        let first = |from: &str| {
            let days = day(from).iter_days().take(40);
            days.into_iter().find(|on| late(&on.to_string()).days_past_due > 0).unwrap()
        };
        let fee = |on: &str| {
            let mut line = book.line.clone();
            let recorded = line.settle(day(on), noon(day(on))).unwrap();
            let late = |body: &credit::LineEventBody| {
                matches!(body, credit::LineEventBody::FeeAssessed { fee: FeeKind::Late, .. })
            };
            recorded.iter().any(|one| late(&one.event.body))
        };
        (first("2026-10-06"), fee("2026-11-10"), fee("2026-11-14"))
    };
    // Due on Friday, October 30; a fee at the start of the eleventh day after.
    assert_eq!(close("2026-10-06"), (day("2026-10-31"), true, true));
    // Closed on the 20th for the 6th: fourteen days are over on November 3.
    assert_eq!(close("2026-10-20"), (day("2026-11-04"), false, true));
}

#[test]
fn credit_that_a_payment_frees_is_held_from_the_day_on_which_its_money_can_have_moved() {
    let free_on = |paid: &str, known: &str| {
        let mut book = Book::open(&product("CASHLINE-STD-1"), 240_000, 5, "2026-06-01");
        book.draw("400.00", "2026-06-01");
        book.pay_late("100.00", paid, known);
        let held =
            |on: &chrono::NaiveDate| book.line.position(*on).unwrap().held_credit.is_positive();
        day(known).iter_days().find(|on| !held(on)).unwrap()
    };
    // Monday: Thursday. The same taken up on Friday only: Wednesday. Saturday counts as Monday.
    assert_eq!(free_on("2026-11-16", "2026-11-16"), day("2026-11-19"));
    assert_eq!(free_on("2026-11-16", "2026-11-20"), day("2026-11-25"));
    assert_eq!(free_on("2026-11-14", "2026-11-14"), day("2026-11-19"));
}

#[test]
fn a_credit_balance_that_a_payment_made_is_not_drawn_before_the_payment_is_final() {
    let mut book = Book::open(&product("CASHLINE-STD-1"), 240_000, 5, "2026-06-01");
    book.pay("300.00", "2026-11-16");
    let most = |on: &str| {
        let position = book.line.position(day(on)).unwrap();
        credit::quote_draw(&position, None, cents("2500.00")).map(|quote| quote.available_after)
    };
    assert_eq!(most("2026-11-18").unwrap(), cents("2500.00"));
    assert_eq!(most("2026-11-19").unwrap(), cents("2800.00"));
}

#[test]
fn two_draws_that_are_held_together_use_a_credit_balance_once() {
    let mut book = Book::open(&product("CASHLINE-STD-1-FEE3"), 240_000, 5, "2026-06-01");
    book.draw("20.00", "2026-06-01");
    book.pay("120.00", "2026-06-10");
    let hold = credit::LineEventBody::DrawHeld {
        draw: identity::DrawId::mint(noon(day("2026-07-01"))),
        amount: cents("100.00"),
        expires_on: None,
    };
    let asked = |book: &Book| {
        draw_fee(&book.line.position(day("2026-07-01")).unwrap(), None, cents("100.00"))
    };
    let first = asked(&book);
    book.record(hold, "2026-07-01");
    // Some cents of the payment went to interest.
    assert!(first <= cents("1.00"), "{first}");
    assert_eq!(asked(&book), cents("3.00"));
}

#[test]
fn v46_a_month_of_31_days_costs_what_the_cap_is_reckoned_from() {
    let mut book = Book::owing("500.00", 359_900, 31, "2026-10-01");
    book.on("2026-11-01");
    assert_eq!(book.statement(1).interest_total, cents("15.28"));
}

#[test]
fn v09_a_leap_year_at_a_fixed_365_costs_a_day_more_than_its_rate() {
    let of = product("CASHLINE-STD-1");
    let mut terms = credit::Terms::open(&of, cents("5000.00"), Apr::from_ppm(240_000), 31);
    terms.cycles.closes_on = vec![day("2028-12-31")];
    let mut book = Book::with_terms(terms, "2028-01-01");
    book.bring_forward("1000.00", "0.00", "2028-01-01");
    book.on("2029-01-01");
    assert_eq!(book.statement(1).interest_total, cents("240.66"));
}

#[test]
fn v31_a_covered_borrower_without_a_balance_pays_one_hundred_dollars_a_year_for_the_line() {
    let mut of = product("CASHLINE-STD-1");
    of.fees.plan = Some(credit::product::PlanFee { amount: cents("10.00"), ..Default::default() });
    let mut terms = credit::Terms::open(&of, cents("5000.00"), Apr::from_ppm(240_000), 31);
    terms.covered_borrower = true;
    let mut book = Book::with_terms(terms, "2026-01-01");
    let mut fees = Vec::new();
    for month in 1..=12 {
        let next = calendar::add_months(day("2026-01-01"), month);
        book.on(&next.to_string());
        let statement = book.statement(u32::try_from(month).unwrap());
        fees.push(statement.fees_total);
        // Paid as it comes, so that no balance is owed.
        if statement.fees_total.is_positive() {
            book.pay("10.00", &next.to_string());
        }
    }
    let (paid, free) = fees.split_at(10);
    assert!(paid.iter().all(|fee| *fee == cents("10.00")), "{fees:?}");
    assert_eq!(free, [Cents::ZERO; 2]);
}

#[test]
fn what_a_draw_takes_of_a_credit_balance_that_is_not_final_uses_the_limit() {
    let mut book = Book::open(&product("CASHLINE-STD-1"), 240_000, 5, "2026-06-01");
    book.record(
        credit::LineEventBody::LimitChanged {
            credit_limit: cents("1000.00"),
            reason: String::new(),
        },
        "2026-06-01",
    );
    book.pay("500.00", "2026-11-16");
    book.draw("500.00", "2026-11-17");
    let after = |on: &str| {
        let position = book.line.position(day(on)).unwrap();
        assert_eq!(position.principal_balance, Cents::ZERO);
        assert_eq!(position.available_credit + position.held_credit, cents("1000.00"));
        credit::quote_draw(&position, None, cents("20.00")).unwrap().available_after
    };
    assert_eq!(after("2026-11-18"), cents("480.00"));
    assert_eq!(after("2026-11-19"), cents("980.00"));
}

#[test]
fn a_payment_of_what_was_past_due_elsewhere_comes_back_to_it() {
    let product = "returns = \"from_return_date\"\n";
    let paid = event("payment", "2026-09-10", "id = \"p\"\namount = \"50.00\"");
    let back = event("payment_returned", "2026-09-14", "payment = \"p\"\nfee = \"0.00\"");
    let line = format!(
        "[line.brought_forward]\nprincipal = \"1000.00\"\nminimum_unpaid = \"75.00\"\ndue_on = 2026-10-05\npast_due = \"50.00\"\npast_due_since = 2026-08-05\n{paid}{back}"
    );
    let text = autumn(product, &line).replace("as_of = 2026-12-02", "as_of = 2026-09-15");
    let position = outcome(&text).unwrap().position;
    assert_eq!((position.past_due, position.days_past_due), (cents("50.00"), 41));
}

#[test]
fn a_plan_fee_of_the_first_day_is_not_brought_forward() {
    let product = "[product.fees]\nplan = { amount = \"10.00\", on = \"first_day\" }\n[product.minimum]\narms = [{ percent = \"2%\", plus_interest = true, plus_fees = true }]\n";
    let line = "[line.brought_forward]\nprincipal = \"2000.00\"\n";
    let report = outcome(&autumn(product, line)).unwrap();
    // 2 % of 2,000.00, 39.45 of interest and the fee.
    assert_eq!(report.statements[0].minimum_due, cents("89.45"));
}

#[test]
fn a_fee_that_joined_the_balance_is_no_reason_for_an_over_limit_fee_of_a_card() {
    let product = "regime = \"card\"\n[product.fees]\nover_limit = { amount = \"25.00\" }\n[[product.features]]\nname = \"draws\"\nfee = { percent = \"3%\", joins_balance = true }\n";
    let of = |drawn: &str| {
        let line = format!("credit_limit = \"1000.00\"\n{}", draw("2026-09-01", drawn));
        outcome(&autumn(product, &line)).unwrap().statements[0].fees_total
    };
    assert_eq!(of("990.00"), cents("29.70"));
    // Beyond the limit by itself.
    assert_eq!(of("1010.00"), cents("55.30"));
}

#[test]
fn a_draw_is_not_kept_from_the_credit_balance_by_its_own_hold() {
    let fee = |corrected: &str| {
        let text = format!(
            "as_of = 2026-09-20\n[line]\nproduct = \"CASHLINE-STD-1-FEE3\"\nopened_on = 2026-09-01\n{}{}{}{}{corrected}",
            draw("2026-09-02", "20.00"),
            pay("2026-09-03", "120.01"),
            event("draw_held", "2026-09-10", "id = \"d\"\namount = \"150.00\""),
            event("draw", "2026-09-11", "draw = \"d\"\namount = \"150.00\""),
        );
        outcome(&text).unwrap().position.fees
    };
    // A credit balance of 100.00, to the cent that a day cost: 3 % of the rest.
    assert_eq!(fee(""), cents("1.50"));
    let to_300 = event("draw_corrected", "2026-09-12", "draw = \"d\"\namount = \"300.00\"");
    assert_eq!(fee(&to_300), cents("6.00"));
}

#[test]
fn a_payment_of_what_fell_due_last_comes_back_to_it_where_as_much_was_past_due() {
    let product = "returns = \"from_return_date\"\n";
    let first = event("payment", "2026-09-08", "amount = \"25.00\"");
    let second = event("payment", "2026-09-10", "id = \"p\"\namount = \"25.00\"");
    let back = event("payment_returned", "2026-09-14", "payment = \"p\"\nfee = \"0.00\"");
    let line = format!(
        "[line.brought_forward]\nprincipal = \"1000.00\"\nminimum_unpaid = \"50.00\"\ndue_on = 2026-10-05\npast_due = \"25.00\"\npast_due_since = 2026-08-05\n{first}{second}{back}"
    );
    let text = autumn(product, &line).replace("as_of = 2026-12-02", "as_of = 2026-09-15");
    let position = outcome(&text).unwrap().position;
    assert_eq!((position.past_due, position.days_past_due), (Cents::ZERO, 0));
    assert_eq!(position.minimum_due, cents("25.00"));
}

#[test]
fn a_plan_fee_of_the_first_day_goes_by_what_came_in_with_the_line() {
    let fees = "[product.fees]\nplan = { percent = \"1%\", on = \"first_day\" }\n";
    let charged = |product: &str, brought: &str| {
        let line = format!("[line.brought_forward]\n{brought}");
        outcome(&autumn(product, &line)).unwrap().statements[0].fees_total
    };
    assert_eq!(charged(fees, "principal = \"2000.00\"\n"), cents("20.00"));
    assert_eq!(charged(fees, ""), Cents::ZERO);
    let idle = "[product.fees]\nplan = { amount = \"9.00\", on = \"first_day\", only_with_balance = true }\n";
    assert_eq!(charged(idle, "principal = \"50.00\"\n"), cents("9.00"));
    assert_eq!(charged(idle, "on = 2026-09-15\nprincipal = \"50.00\"\n"), Cents::ZERO);
}

#[test]
fn interest_that_a_promotion_defers_is_reckoned_by_the_tiers() {
    let billed = |tiers_on: &str| {
        let product = format!(
            "[[product.features]]\nname = \"draws\"\ntiers = [{{ up_to = \"500.00\", apr = \"24%\" }}, {{ apr = \"12%\" }}]\n{tiers_on}promotion = {{ apr = \"0%\", through = 2026-09-30, deferred = true }}\n"
        );
        interest(&outcome(&autumn(&product, &draw("2026-09-01", "1000.00"))).unwrap())[0]
    };
    // 30 days of 500.00 at 24 % and 500.00 at 12 %; of 1,000.00 at 12 %.
    assert_eq!(billed(""), cents("14.79"));
    assert_eq!(billed("tiers_on = \"whole\"\n"), cents("9.86"));
}
