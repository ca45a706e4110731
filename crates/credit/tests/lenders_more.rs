//! Further terms of other lenders, stated as data: plans, penalty rates, fees of a first year, dates that cross a close. Each
//! figure is had by hand; the sum stands beside it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use credit::{
    ProductCatalog, Statement,
    scenario::{self, LineReport},
};
use money::Cents;

/// A line of product `T` (the plain line with `product`), cycles by calendar month.
fn lived(product: &str, opened_on: &str, as_of: &str, line: &str) -> LineReport {
    let text = format!(
        "as_of = {as_of}\n[[product]]\nname = \"T\"\n{product}\n[line]\nproduct = \"T\"\nopened_on = {opened_on}\nclose_day = 31\n{line}"
    );
    let scenario = scenario::parse(&text, &ProductCatalog::embedded().unwrap())
        .map_err(|error| format!("{error}\n{text}"))
        .unwrap();
    scenario::run(&scenario).unwrap().lines.remove(0)
}

/// From September 2026 to February 2027 at 24 %.
fn autumn(product: &str, line: &str) -> LineReport {
    lived(product, "2026-09-01", "2027-02-10", &format!("apr = \"24%\"\n{line}"))
}

fn event(kind: &str, on: &str, amount: &str) -> String {
    format!("\n[[line.events]]\nkind = \"{kind}\"\non = {on}\namount = \"{amount}\"\n")
}

fn draw(on: &str, amount: &str) -> String {
    event("draw", on, amount)
}

fn draw_of(feature: &str, on: &str, amount: &str) -> String {
    format!("{}feature = \"{feature}\"\n", draw(on, amount))
}

fn pay(on: &str, amount: &str) -> String {
    event("payment", on, amount)
}

fn cents(text: &str) -> Cents {
    Cents::parse_dollars(text).unwrap()
}

fn statement(report: &LineReport, number: u32) -> &Statement {
    report.statements.iter().find(|one| one.number == number).unwrap()
}

fn all<T>(report: &LineReport, of: fn(&Statement) -> T) -> Vec<T> {
    report.statements.iter().map(of).collect()
}

const NO_MINIMUM: &str = "[product.minimum]\narms = [{ amount = \"0.00\" }]\n";

#[test]
fn each_draw_is_repaid_by_level_payments_of_its_own() {
    let product = format!(
        "[[product.features]]\nname = \"draws\"\ninstalments = {{ months = 12 }}\n{NO_MINIMUM}"
    );
    let events =
        [draw("2026-09-01", "1200.00"), pay("2026-10-20", "113.47"), draw("2026-11-01", "600.00")];
    let report = autumn(&product, &events.concat());
    // 1,200.00 over 12 months at 2 % a month: 113.47, of which 23.67 are the interest of September.
    assert_eq!(statement(&report, 1).minimum_due, cents("113.47"));
    assert_eq!(statement(&report, 1).interest_total, cents("23.67"));
    // 19 days of 1,200.00 and 12 of 1,110.20.
    assert_eq!(statement(&report, 2).interest_total, cents("23.75"));
    assert_eq!(statement(&report, 2).minimum_due, cents("113.47"));
    // The second draw has its own 56.74, and October's 113.47 is past due.
    assert_eq!(statement(&report, 3).minimum_due, cents("283.68"));
}

#[test]
fn beside_a_plan_the_formula_asks_for_its_share_of_the_rest_and_the_last_payment_takes_what_is_left()
 {
    let product = "[[product.features]]\nname = \"purchases\"\n[[product.features]]\nname = \"plans\"\napr = \"0%\"\ninstalments = { months = 3 }\n[product.minimum]\narms = [{ amount = \"25.00\" }, { percent = \"2%\", plus_interest = true }]\n";
    let plan = |rest: &str| {
        autumn(product, &format!("{}{rest}", draw_of("plans", "2026-09-01", "100.00")))
    };
    // Nothing else is owed: no floor of 25.00 beside the instalments, and a cent more at the end.
    let paid = [pay("2026-10-10", "33.33"), pay("2026-11-10", "33.33")].concat();
    let alone = plan(&paid);
    let asked: Vec<Cents> = all(&alone, |one| one.minimum_due).into_iter().take(3).collect();
    assert_eq!(asked, [cents("33.33"), cents("33.33"), cents("33.34")]);
    // 2 % of 1,000.00, 19.73 of interest, and the instalment; a payment of it goes to each.
    let both =
        plan(&[draw_of("purchases", "2026-09-01", "1000.00"), pay("2026-10-10", "73.06")].concat());
    assert_eq!(statement(&both, 1).minimum_due, cents("73.06"));
    let principal = |name: &str| {
        both.position.features.iter().find(|one| one.name == name).map(|one| one.principal)
    };
    assert_eq!(principal("purchases"), Some(cents("980.00")));
    assert_eq!(principal("plans"), Some(cents("66.67")));
}

const LAST_OF_NEXT_MONTH: &str = "[product.dates]\ndue_day = 31\nstatement_window_days = 21\n[product.grace]\nkind = \"paid_in_full\"\n";

#[test]
fn a_statement_that_can_be_paid_after_the_next_close_keeps_grace_till_then() {
    // Due on Sunday, February 28, 2027, the day of the next close; Monday is timely.
    let lived = |paid: &str| {
        let line = format!("apr = \"24%\"\n{}{paid}", draw("2027-01-05", "1000.00"));
        let product = format!("{LAST_OF_NEXT_MONTH}{NO_MINIMUM}");
        all(&lived(&product, "2027-01-01", "2027-04-02", &line), |one| one.interest_total)
    };
    assert_eq!(lived(&pay("2027-03-01", "1000.00")), [Cents::ZERO; 3]);
    // Not paid: 28 days of February, spared at its close, and 31 of March: 18.41 and 20.38, rounded once.
    assert_eq!(lived(""), [Cents::ZERO, Cents::ZERO, cents("38.79")]);
}

#[test]
fn a_penalty_rate_comes_after_its_notice_and_six_minimums_in_time_end_it() {
    let product = "[product.dates]\nstatement_window_days = 21\n[product.penalty_rate]\napr = \"29.99%\"\n[product.minimum]\narms = [{ amount = \"25.00\" }]\n";
    let missed = draw("2026-01-01", "1000.00");
    let mut events = format!("{missed}{}", pay("2026-06-20", "300.00"));
    for month in ["07", "08", "09", "10", "11", "12"] {
        events += &pay(&format!("2026-{month}-20"), "60.00");
    }
    let line = format!("apr = \"18%\"\n{events}");
    let report = lived(product, "2026-01-01", "2027-02-02", &line);
    // Due on February 25; more than 60 days late from April 27; 45 days of notice end on June 11: from July 1 on. The minimums of
    // July 25 to December 25 are paid in time: over with the year.
    let rates: Vec<u32> = all(&report, |one| one.interest[0].apr.ppm());
    assert_eq!(rates, [vec![180_000; 6], vec![299_900; 6], vec![180_000; 1]].concat());
    // One of them missed: it goes on.
    let line = line.replace("2026-10-20", "2026-10-29");
    let report = lived(product, "2026-01-01", "2027-02-02", &line);
    assert_eq!(report.statements.last().unwrap().interest[0].apr.ppm(), 299_900);
    assert!(report.position.penalty_rate_from.is_some());
}

#[test]
fn a_card_costs_no_more_than_a_quarter_of_its_limit_in_fees_of_the_first_year() {
    let product = format!(
        "regime = \"card\"\n[[product.features]]\nname = \"draws\"\nfee = {{ plus = \"20.00\" }}\n[product.fees]\nplan = {{ amount = \"60.00\", every_cycles = 12 }}\n{NO_MINIMUM}"
    );
    let line = [
        "credit_limit = \"300.00\"\napr = \"0%\"\n".to_owned(),
        draw("2026-01-05", "10.00"),
        draw("2026-02-05", "10.00"),
        draw("2027-01-05", "10.00"),
    ];
    let report = lived(&product, "2026-01-01", "2027-02-02", &line.concat());
    // 75.00: the fee of the first draw and 55.00 of the annual fee. The second year is free of it.
    let fees = all(&report, |one| one.fees_total);
    assert_eq!(fees[..2], [cents("75.00"), Cents::ZERO]);
    assert_eq!(fees[12], cents("80.00"));
    let line = line.concat().replace("regime = \"card\"\n", "");
    let free =
        lived(&product.replace("regime = \"card\"\n", ""), "2026-01-01", "2027-02-02", &line);
    assert_eq!(all(&free, |one| one.fees_total)[..2], [cents("80.00"), cents("20.00")]);
}

#[test]
fn an_annual_fee_stands_beside_a_monthly_one_and_the_first_late_fee_is_forgiven() {
    let product = "[product.fees]\nplan = { amount = \"8.00\" }\nfurther_plans = [{ amount = \"75.00\", every_cycles = 12 }]\nlate = { amount = \"30.00\", repeat_amount = \"41.00\", repeat_within_cycles = 6, first_free = true, capped_by_unpaid_minimum = false }\n[product.minimum]\narms = [{ amount = \"50.00\" }]\n";
    let report = lived(
        product,
        "2026-09-01",
        "2027-01-02",
        &format!("apr = \"0%\"\n{}", draw("2026-09-01", "500.00")),
    );
    // Late on October 27, November 26, December 29: nothing, 30.00, 41.00.
    let fees = all(&report, |one| one.fees_total);
    assert_eq!(fees, [cents("83.00"), cents("8.00"), cents("38.00"), cents("49.00")]);
}

#[test]
fn interest_that_is_rounded_at_each_payment() {
    let product = "[product.interest]\nrounded_at = \"payments\"\n[product.waterfall]\nsteps = [\"billed_interest\", \"accrued_interest\", \"principal\"]\n";
    let events =
        [draw("2026-09-01", "1234.56"), pay("2026-09-12", "200.00"), pay("2026-09-20", "200.00")];
    let report = autumn(product, &events.concat());
    // 11 days of 1,234.56 are 8.93; 8 of 1,043.49 are 5.49; 11 of 848.98 are 6.14. At once they would be 20.57.
    assert_eq!(statement(&report, 1).interest_total, cents("20.56"));
    assert_eq!(statement(&report, 1).principal_balance, cents("848.98"));
}

#[test]
fn a_part_payment_within_grace_is_spared_whatever_balance_bears_the_interest() {
    let interest = |balance: &str, paid: &str| {
        let product = format!(
            "[product.interest]\nperiod = \"monthly\"\nbalance = \"{balance}\"\n[product.grace]\nkind = \"paid_in_full\"\n{NO_MINIMUM}"
        );
        let events = [draw("2026-09-10", "1000.00"), pay("2026-10-20", paid)].concat();
        all(&autumn(&product, &events), |one| one.interest_total)[..2].to_vec()
    };
    // 2 % of the 600.00 that were not paid in time.
    assert_eq!(interest("previous_balance", "400.00"), [Cents::ZERO, cents("12.00")]);
    assert_eq!(interest("ending_balance", "400.00"), [Cents::ZERO, cents("12.00")]);
    assert_eq!(interest("previous_balance", "1000.00"), [Cents::ZERO, Cents::ZERO]);
}

#[test]
fn a_report_says_what_was_left_out_and_what_was_taken_as_a_fact() {
    let events = [
        draw("2026-09-01", "6000.00"),
        "\n[[line.events]]\nkind = \"rate_change\"\non = 2026-10-01\napr = \"29%\"\napplies_to = \"all_balances\"\n".to_owned(),
        pay("2027-05-01", "10.00"),
    ];
    let report = autumn("", &events.concat());
    let notes = report.notes.join("\n");
    for said in [
        "line 22 (2027-05-01)",
        "the product refuses this draw (only $5,000.00 is available)",
        "the rate rises without `notice_on` or `exception`",
    ] {
        assert!(notes.contains(said), "{said}: {notes}");
    }
    assert!(autumn("", &draw("2026-09-01", "100.00")).notes.is_empty());
    let card = "regime = \"card\"\n[product.fees]\nlate = { amount = \"30.00\", capped_by_unpaid_minimum = false }\n";
    let notes = autumn(card, &draw("2026-09-01", "100.00")).notes.join("\n");
    for law in ["1026.5(b)(2)(ii)", "1026.7(b)(11)", "1026.52(b)(2)(i)(A)"] {
        assert!(notes.contains(law), "{law}: {notes}");
    }
}

#[test]
fn what_would_be_passed_over_in_silence_is_refused() {
    let refused = |product: &str, line: &str| {
        let text = format!(
            "as_of = 2026-12-01\n[[product]]\nname = \"T\"\n{product}\n[line]\nproduct = \"T\"\nopened_on = 2026-09-01\n{line}"
        );
        scenario::parse(&text, &ProductCatalog::embedded().unwrap()).unwrap_err().to_string()
    };
    let paid =
        "[[line.events]]\nkind = \"payment\"\nid = \"p\"\non = 2026-09-10\namount = \"5.00\"\n";
    let back = |on: &str| {
        format!("[[line.events]]\nkind = \"payment_returned\"\npayment = \"p\"\non = {on}\n")
    };
    let cases = [
        ("[product.interest]\nround_average = true", String::new(), "average_daily_balance"),
        (
            "[product.interest]\nbalance = \"ending_balance\"\ncompounding = \"daily\"",
            String::new(),
            "compounding",
        ),
        (
            "[product.interest]\nperiod = \"monthly\"\nrounded_at = \"payments\"",
            String::new(),
            "rounded_at",
        ),
        (
            "[product.fees]\nlate = { amount = \"5.00\", repeat_amount = \"9.00\" }",
            String::new(),
            "repeat_within_cycles",
        ),
        (
            "[product.fees]\nplan = { amount = \"5.00\", every_cycles = 0 }",
            String::new(),
            "every_cycles",
        ),
        (
            "[product.penalty_rate]\napr = \"30%\"\nfeatures = [\"bets\"]",
            String::new(),
            "no feature",
        ),
        (
            "[[product.features]]\nname = \"draws\"\ninstalments = { months = 0 }",
            String::new(),
            "600 months",
        ),
        ("", format!("{paid}{}", back("2026-09-09")), "was made later"),
        (
            "",
            format!("{paid}{}{}", back("2026-09-12"), back("2026-09-13")),
            "has come back already",
        ),
        (
            "",
            "brought_forward = { on = 2026-12-24, principal = \"5.00\" }".to_owned(),
            "after `as_of`",
        ),
    ];
    for (product, line, said) in cases {
        let message = refused(product, &line);
        assert!(message.contains(said) && message.starts_with("line "), "{said}: {message}");
    }
}

#[test]
fn a_rate_that_would_change_nothing_is_refused_where_it_stands() {
    let refused = |product: &str, event: &str| {
        let text = format!(
            "as_of = 2026-12-01\n[[product]]\nname = \"T\"\n{product}\n[line]\nproduct = \"T\"\nopened_on = 2026-09-01\n\n[[line.events]]\n{event}\n"
        );
        let scenario = scenario::parse(&text, &ProductCatalog::embedded().unwrap()).unwrap();
        let error = scenario::run(&scenario).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error} {}", source.unwrap_or_default())
    };
    let tiers = "[[product.features]]\nname = \"draws\"\ntiers = [{ up_to = \"500.00\", apr = \"24%\" }, { apr = \"18%\" }]";
    for applies_to in ["all_balances", "new_draws"] {
        let change = format!(
            "kind = \"rate_change\"\non = 2026-10-01\napr = \"20%\"\napplies_to = \"{applies_to}\""
        );
        let message = refused(tiers, &change);
        assert!(message.contains("tiers") && message.contains("line 11"), "{message}");
    }
    let index = "kind = \"index_change\"\non = 2026-10-01\napr = \"9%\"";
    assert!(refused("", index).contains("no rate of it follows an index"));
    let terms = "kind = \"terms_change\"\non = 2026-10-01\nexception = \"agreed\"\nterms = { features = [{ name = \"draws\", tiers = [{ apr = \"12%\" }] }] }";
    assert!(refused(tiers, terms).contains("a feature that comes after"));
}

#[test]
fn a_penalty_rate_without_a_cure_is_kept_as_one() {
    let product =
        "name = \"X\"\n[penalty_rate]\napr = \"29.99%\"\ncured_after_minimums = \"never\"\n";
    let read = credit::Product::parse(product).unwrap();
    assert_eq!(read.penalty_rate.as_ref().unwrap().cured_after_minimums, None);
    let stored = serde_json::to_value(&read).unwrap();
    assert_eq!(serde_json::from_value::<credit::Product>(stored).unwrap(), read);
}

#[test]
fn the_terms_that_the_documentation_shows_can_be_lived() {
    let page = include_str!("../../../docs/scenario.md");
    let mut blocks = page.split("```toml\n").filter_map(|rest| rest.split("```").next());
    let product = blocks.find(|block| block.contains("[[product]]")).unwrap();
    let text = format!(
        "as_of = 2026-12-01\n{product}\n[line]\nproduct = \"MY-CARD\"\nopened_on = 2026-09-01\n{}",
        draw("2026-09-05", "500.00")
    );
    let scenario = scenario::parse(&text, &ProductCatalog::embedded().unwrap()).unwrap();
    assert_eq!(scenario::run(&scenario).unwrap().lines[0].statements.len(), 3);
}

/// 600.00 in six parts, with 18.00 of their fee; the subscription is no part of them, and this minimum does not ask for it.
#[test]
fn a_subscription_beside_instalments_is_none_of_their_fees() {
    let product = "[[product.features]]\nname = \"adv\"\napr = \"0%\"\ninstalments = { months = 6, monthly_fee_percents = [\"3%\"] }\n[product.minimum]\narms = [{ amount = \"0.00\" }]\n[product.fees]\nplan = { amount = \"9.99\" }\n";
    let report = lived(product, "2026-09-01", "2026-10-05", &draw("2026-09-10", "600.00"));
    assert_eq!(statement(&report, 1).minimum_due, cents("118.00"));
    assert_eq!(statement(&report, 1).fees_total, cents("27.99"));
}

/// 5,000.00 on 11 of 31 days at 3.99 %: the rate of the days before it was drawn is told of nothing.
#[test]
fn the_average_of_a_draw_with_a_promotion_of_its_own_is_of_the_whole_cycle() {
    let product = "[product.interest]\nbalance = \"average_daily_balance\"\n[[product.features]]\nname = \"bt\"\napr = \"20%\"\npromotion = { apr = \"3.99%\", months_from_draw = 6 }\n";
    let draws = [draw("2026-10-05", "100.00"), draw("2026-10-21", "5000.00")].concat();
    let report = lived(product, "2026-10-01", "2026-11-05", &draws);
    let line = statement(&report, 1).interest.iter().find(|line| line.feature == "bt 2").unwrap();
    assert_eq!((line.days, line.average_balance), (31, cents("1774.19")));
    // 55,000.00 × 3.99 %/365.
    assert_eq!(line.amount, cents("6.01"));
    assert!(line.rates.iter().all(|one| one.apr.ppm() == 39_900), "{:?}", line.rates);
}

/// All that a minimum asks for, its late fee included, goes to the balance with the lowest rate.
#[test]
fn the_whole_minimum_goes_by_its_order_where_balances_are_paid_whole() {
    let product = "based_on = \"CARD-STD-1\"\n[[product.features]]\nname = \"purchases\"\napr = \"20%\"\n[[product.features]]\nname = \"bt\"\napr = \"0%\"\ngrace = false\n[product.minimum]\narms = [{ amount = \"41.00\" }, { percent = \"1%\", plus_interest = true, plus_penalty_fees = true }]\n[product.waterfall]\nsteps = [\"minimum_balances\", \"balances\"]\nminimum_order = \"lowest_apr\"\nexcess_order = \"highest_apr\"\n";
    let line = [
        draw_of("purchases", "2026-09-02", "1500.00"),
        draw_of("bt", "2026-09-02", "3000.00"),
        pay("2026-11-10", "200.00"),
    ]
    .concat();
    let report = lived(product, "2026-09-01", "2026-11-12", &line);
    let minimum = statement(&report, 2).minimum_due;
    let owed = |name: &str| {
        report.position.features.iter().find(|one| one.name == name).unwrap().principal
    };
    assert!(minimum < cents("200.00"), "{minimum}");
    assert_eq!(owed("bt"), cents("3000.00") - minimum);
}
