//! Mechanics of cards and lines that other test files do not have. Each figure is had by hand; the sum stands beside it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use credit::{
    ProductCatalog, Statement,
    scenario::{self, LineReport},
};
use money::Cents;

/// A line of product `T` (the plain line with `product`), cycles by calendar month, from 2026-01-01.
fn lived(product: &str, as_of: &str, line: &str) -> LineReport {
    let text = format!(
        "as_of = {as_of}\n[[product]]\nname = \"T\"\n{product}\n[line]\nproduct = \"T\"\nopened_on = 2026-01-01\nclose_day = 31\n{line}"
    );
    let scenario = scenario::parse(&text, &ProductCatalog::embedded().unwrap())
        .map_err(|error| format!("{error}\n{text}"))
        .unwrap();
    scenario::run(&scenario).unwrap().lines.remove(0)
}

fn event(kind: &str, on: &str, amount: &str) -> String {
    format!("\n[[line.events]]\nkind = \"{kind}\"\non = {on}\namount = \"{amount}\"\n")
}

fn draw(on: &str, amount: &str) -> String {
    event("draw", on, amount)
}

fn pay(on: &str, amount: &str) -> String {
    event("payment", on, amount)
}

fn cents(text: &str) -> Cents {
    Cents::parse_dollars(text).unwrap()
}

fn all<T>(report: &LineReport, of: fn(&Statement) -> T) -> Vec<T> {
    report.statements.iter().map(of).collect()
}

fn interest(report: &LineReport) -> Vec<Cents> {
    all(report, |one| one.interest_total)
}

#[test]
fn months_of_thirty_days_cost_a_twelfth_of_the_year_each() {
    let product = "[product.interest]\nday_basis = \"30/360\"\n";
    let line = format!("apr = \"12%\"\n{}", draw("2026-01-01", "1000.00"));
    let report = lived(product, "2026-05-01", &line);
    assert_eq!(interest(&report), ["10.00"; 4].map(cents));
    assert_eq!(report.statements[0].interest[0].periodic_rate, "0.033333%");
    // Paid on the 16th of each, the month before and after it is 15 days: 7.50.
    let line = format!("{line}{}{}", pay("2026-01-16", "500.00"), draw("2026-02-16", "500.00"));
    assert_eq!(interest(&lived(product, "2026-03-01", &line)), ["7.50", "7.50"].map(cents));
    // From the 31st to the end of February: a day, and thirty.
    let line = format!("apr = \"36%\"\n{}", draw("2026-01-31", "1000.00"));
    assert_eq!(interest(&lived(product, "2026-03-01", &line)), ["1.00", "30.00"].map(cents));
}

#[test]
fn instalments_can_bear_a_fixed_monthly_fee_instead_of_interest() {
    let product = "[[product.features]]\nname = \"purchases\"\n[[product.features]]\nname = \"plans\"\napr = \"0%\"\ninstalments = { months = 3, monthly_fee = \"1.00\", monthly_fee_percent = \"0.5%\" }\n[product.minimum]\narms = [{ amount = \"25.00\" }, { percent = \"2%\", plus_interest = true, plus_fees = true }]\n";
    let plan = format!("{}feature = \"plans\"\n", draw("2026-01-05", "600.00"));
    let paid = |rest: &str| {
        let line = format!("apr = \"24%\"\n{plan}{rest}");
        lived(product, "2026-05-01", &line)
    };
    // 200.00 a month, with 1.00 and 0.5 % of 600.00: the fee goes with the third payment.
    let on_time = ["2026-02-10", "2026-03-10", "2026-04-10"].map(|on| pay(on, "204.00")).concat();
    let report = paid(&on_time);
    assert_eq!(all(&report, |one| one.fees_total), ["4.00", "4.00", "4.00", "0.00"].map(cents));
    assert_eq!(
        all(&report, |one| one.minimum_due),
        ["204.00", "204.00", "204.00", "0.00"].map(cents)
    );
    assert_eq!(report.position.total_owed, Cents::ZERO);
    // Paid off early it costs no more.
    let report = paid(&pay("2026-02-10", "604.00"));
    assert_eq!(all(&report, |one| one.fees_total)[..3], ["4.00", "0.00", "0.00"].map(cents));
    // Beside it the formula asks for 2 % of the rest, and the fee is no part of that.
    let report = paid(&draw("2026-01-31", "5000.00"));
    // 3.29 of interest for a day.
    assert_eq!(report.statements[0].minimum_due, cents("307.29"));
}

#[test]
fn payments_of_instalments_can_be_a_share_of_the_draw_or_whole_dollars() {
    let asked = |rule: &str, paid: &str| {
        let product = format!(
            "[[product.features]]\nname = \"plans\"\napr = \"0%\"\ninstalments = {{ {rule} }}\n{}",
            "[product.minimum]\narms = [{ amount = \"0.00\" }]\nadd_past_due = false\n"
        );
        let paid = ["2026-02-10", "2026-03-10", "2026-04-10"].map(|on| pay(on, paid)).concat();
        let line = format!("{}{paid}", draw("2026-01-05", "1000.10"));
        all(&lived(&product, "2026-05-01", &line), |one| one.minimum_due)
    };
    // Of 1,000.10 a quarter and half a cent; the last takes what three have left.
    let level = asked("months = 4", "250.03");
    assert_eq!(level, ["250.03", "250.03", "250.03", "250.01"].map(cents));
    let dollars = asked("months = 4, payment_rounded_up_to = \"1.00\"", "251.00");
    assert_eq!(dollars, ["251.00", "251.00", "251.00", "247.10"].map(cents));
    let share = asked("months = 60, payment_percent = \"2.5%\"", "25.00");
    assert_eq!(share, ["25.00", "25.00", "25.00", "25.00"].map(cents));
    // 1,000.08 / 36 is a little more than 27.78, rounded up once.
    let third = |rule: &str| asked(rule, "0.01")[0];
    assert_eq!(third("months = 37"), cents("27.03"));
    assert_eq!(third("months = 37, payment_rounded_up_to = \"0.01\""), cents("27.03"));
    // 2.5 % of 1,000.10 are 25.0025.
    let rule = "months = 60, payment_percent = \"2.5%\", payment_rounded_up_to = \"1.00\"";
    let share = asked(rule, "26.00");
    assert_eq!(share, ["26.00", "26.00", "26.00", "26.00"].map(cents));
}

#[test]
fn a_further_day_costs_the_same_on_the_day_of_a_payment_that_rounds() {
    let product = "[product.interest]\nrounded_at = \"payments\"\n";
    let events = [draw("2026-01-01", "1000.00"), pay("2026-01-11", "500.00")].concat();
    let report = lived(product, "2026-01-11", &format!("apr = \"24%\"\n{events}"));
    // 500.00 at 24 % / 365: the 6.5753 of ten days are rounded to 6.58, and that is no part of it.
    assert_eq!(report.position.per_diem(), "0.3288");
}

#[test]
fn a_minimum_can_go_by_the_highest_balance_since_nothing_was_owed() {
    let product = "[product.minimum]\narms = [{ percent = \"5%\", of = \"highest_balance\" }]\nadd_past_due = false\n";
    let events = [
        draw("2026-01-05", "800.00"),
        pay("2026-02-10", "500.00"),
        pay("2026-04-10", "300.00"),
        draw("2026-05-10", "100.00"),
    ];
    let report = lived(product, "2026-06-01", &format!("apr = \"0%\"\n{}", events.concat()));
    let asked = all(&report, |one| one.minimum_due);
    assert_eq!(asked, ["40.00", "40.00", "40.00", "0.00", "5.00"].map(cents));
}

#[test]
fn a_minimum_by_the_past_leaves_plans_out_and_holds_out_what_is_disputed() {
    let minimums = |of: &str, events: &str| {
        let product = format!(
            "[[product.features]]\nname = \"purchases\"\n[[product.features]]\nname = \"plans\"\ninstalments = {{ months = 6 }}\n[product.minimum]\narms = [{{ percent = \"5%\", of = \"{of}\" }}]\nadd_past_due = false\n"
        );
        all(&lived(&product, "2026-03-01", &format!("apr = \"0%\"\n{events}")), |one| {
            one.minimum_due
        })
    };
    let of = |feature: &str, amount: &str| {
        format!("{}feature = \"{feature}\"\nid = \"{feature}\"\n", draw("2026-01-05", amount))
    };
    let disputed = format!("{}draw = \"purchases\"\n", event("dispute", "2026-01-20", "400.00"));
    for base in ["highest_balance", "principal_after_last_draw"] {
        // 5 % of 200.00 beside the plan's 100.00; the first payment pays 100.00 of either, and the 200.00 remain what it goes by.
        let plan = [of("purchases", "200.00"), of("plans", "600.00"), pay("2026-02-10", "110.00")];
        assert_eq!(minimums(base, &plan.concat()), ["110.00"; 2].map(cents), "{base}");
        // 5 % of 800.00, of which 400.00 are disputed.
        let events = [of("purchases", "800.00"), disputed.clone()].concat();
        assert_eq!(minimums(base, &events), ["20.00"; 2].map(cents), "{base}");
        // A notice after the close: for the standing minimum at once.
        let later = events.replace("2026-01-20", "2026-02-05");
        assert_eq!(minimums(base, &later), ["40.00", "20.00"].map(cents), "{base}");
    }
    // What was found to be no error counts again: the highest balance was 800.00.
    let settled = event("dispute_resolved", "2026-02-20", "400.00")
        .replace("amount = \"400.00\"", "dispute = \"d\"");
    let noticed = disputed.replace("draw =", "id = \"d\"\ndraw =");
    let events = [of("purchases", "800.00"), noticed, settled].concat();
    assert_eq!(minimums("highest_balance", &events), ["20.00", "40.00"].map(cents));
}

#[test]
fn a_disputed_fee_of_instalments_is_not_asked_for() {
    let product = "[[product.features]]\nname = \"purchases\"\n[[product.features]]\nname = \"plans\"\napr = \"0%\"\ninstalments = { months = 3, monthly_fee = \"4.00\" }\n";
    let noticed = format!("{}fee = \"plan\"\n", event("dispute", "2026-02-05", "4.00"));
    let drawn = format!("{}feature = \"plans\"\n", draw("2026-01-05", "300.00"));
    let unpaid = |events: &str| {
        let report = lived(product, "2026-02-10", &format!("apr = \"0%\"\n{events}"));
        report.position.minimum_due
    };
    assert_eq!(unpaid(&drawn), cents("104.00"));
    assert_eq!(unpaid(&format!("{drawn}{noticed}")), cents("100.00"));
}

#[test]
fn a_further_day_is_a_counted_day_where_every_month_has_thirty() {
    let product = "[product.interest]\nday_basis = \"30/360\"\n";
    let line = format!("apr = \"36%\"\n{}", draw("2026-01-05", "1000.00"));
    for on in ["2026-01-29", "2026-01-30", "2026-01-31", "2026-02-27", "2026-02-28", "2026-03-01"] {
        assert_eq!(lived(product, on, &line).position.per_diem(), "1.0000", "{on}");
    }
}

#[test]
fn an_estimate_by_a_minimum_of_the_last_draw_keeps_the_payment() {
    let product = "regime = \"card\"\n[product.minimum]\narms = [{ percent = \"10%\", of = \"principal_after_last_draw\" }]\n";
    let report =
        lived(product, "2026-02-01", &format!("apr = \"0%\"\n{}", draw("2026-01-05", "1000.00")));
    // 100.00 a month, ten times.
    let told = serde_json::to_value(report.statements[0].repayment.unwrap()).unwrap();
    assert_eq!((told["months"].as_u64(), told["total_cents"].as_i64()), (Some(10), Some(100_000)));
}

/// A month costs 2 % of 1,000.00 in cash with its fee of 200.00 and January's interest of 20.38: 24.41, then, once 800.00 have paid
/// the purchases first, 18.90 and 3.27.
#[test]
fn an_estimate_has_interest_and_fees_at_the_rate_of_their_own_balance() {
    let product = "regime = \"card\"\n[product.minimum]\narms = [{ amount = \"800.00\" }]\n[[product.features]]\nname = \"purchases\"\napr = \"0%\"\n[[product.features]]\nname = \"cash\"\napr = \"24%\"\nfee = { plus = \"200.00\" }\n";
    let cash = format!("{}feature = \"cash\"\n", draw("2026-01-01", "1000.00"));
    let line = format!("{}{cash}", draw("2026-01-01", "500.00"));
    let report = lived(product, "2026-02-01", &line);
    assert_eq!(interest(&report), [cents("20.38")]);
    let told = serde_json::to_value(report.statements[0].repayment.unwrap()).unwrap();
    // 1,500.00 and charges of 220.38 and 46.58.
    assert_eq!((told["months"].as_u64(), told["total_cents"].as_i64()), (Some(3), Some(176_700)));
}

/// 20 % on 50.00 for February would be 0.77; on the 30.00 that 20.00 do not cover, 0.46.
#[test]
fn a_fee_that_a_credit_balance_covers_bears_no_interest() {
    let product = |fees: &str| format!("[product.interest]\non_fees = true\n{fees}");
    let plan =
        "[product.fees]\nplan = { amount = \"50.00\", on = \"first_day\", free_cycles = 1 }\n";
    let brought = |credit: &str| {
        format!("apr = \"20%\"\nbrought_forward = {{ credit_balance = \"{credit}\" }}\n")
    };
    let fee = |on: &str| format!("{}fee = \"other\"\n", event("fee", on, "50.00"));
    let cases = [
        (product(plan), brought("500.00"), ["0.00", "0.00"]),
        (product(""), brought("500.00") + &fee("2026-02-01"), ["0.00", "0.00"]),
        (product(plan), brought("20.00"), ["0.00", "0.46"]),
    ];
    for (product, line, expected) in cases {
        let report = lived(&product, "2026-03-01", &line);
        assert_eq!(interest(&report), expected.map(cents), "{product}{line}");
    }
}

/// 0.10 a day: two days are below what is waived, four are raised to the least interest of a cycle.
#[test]
fn interest_that_is_waived_is_not_raised_to_a_least_amount_first() {
    let product = "[product.interest]\nminimum_charge = \"2.00\"\nwaived_below = \"0.30\"\n";
    for (paid_on, expected) in [("2026-01-03", "0.00"), ("2026-01-05", "2.00")] {
        let draw = draw("2026-01-01", "100.00");
        let line = format!("apr = \"36.50%\"\n{draw}{}", pay(paid_on, "100.10"));
        let report = lived(product, "2026-02-01", &line);
        assert_eq!(interest(&report), [cents(expected)], "paid on {paid_on}");
    }
}

/// 995.00 of 1,000.00 drawn, and interest of 30.42 beyond it (36 % for 31 days).
#[test]
fn charges_that_use_no_limit_do_not_exceed_it() {
    let product = |limits: &str| {
        format!(
            "[product.minimum]\narms = [{{ amount = \"25.00\" }}]\nadd_over_limit = true\n[product.fees]\nover_limit = {{ amount = \"20.00\", most_cycles_in_a_row = 1 }}\n{limits}"
        )
    };
    let line = |more: &str| {
        let draw = draw("2026-01-01", "995.00");
        format!("apr = \"36%\"\ncredit_limit = \"1000.00\"\n{draw}{more}")
    };
    let told = |report: &LineReport| {
        report.position.cycles.iter().map(|one| (one.over_limit_fee, one.minimum.base)).collect()
    };
    let of = |cycles: &[(&str, &str)]| -> Vec<(Cents, Cents)> {
        cycles.iter().map(|(fee, base)| (cents(fee), cents(base))).collect()
    };
    let found: Vec<(Cents, Cents)> = told(&lived(&product(""), "2026-02-01", &line("")));
    assert_eq!(found, of(&[("0.00", "25.00")]));
    // They do where the product says so: 25.42 beyond it, and the fee of 20.00 with them.
    let counts = product("[product.limits]\ncharges_use_limit = true\n");
    let found: Vec<(Cents, Cents)> = told(&lived(&counts, "2026-02-01", &line("")));
    assert_eq!(found, of(&[("20.00", "70.42")]));
    // A draw of 10.00 more is 5.00 beyond it: one fee of so much, until the next draw.
    let beyond = line(&draw("2026-02-02", "10.00"));
    let found: Vec<(Cents, Cents)> = told(&lived(&product(""), "2026-04-01", &beyond));
    assert_eq!(found, of(&[("0.00", "25.00"), ("5.00", "30.00"), ("0.00", "30.00")]));
}

#[test]
fn terms_of_which_part_would_not_count_are_refused() {
    let refused = |product: &str, line: &str| {
        let text = format!(
            "as_of = 2026-12-01\n[[product]]\nname = \"T\"\n{product}\n[line]\nproduct = \"T\"\nopened_on = 2026-09-01\n{line}"
        );
        scenario::parse(&text, &ProductCatalog::embedded().unwrap()).unwrap_err().to_string()
    };
    let cases = [
        (
            "[product.fees]\nplan = { amount = \"5.00\" }\nfurther_plans = [{ amount = \"5.00\", every_cycles = 0 }]",
            "",
            "every_cycles",
        ),
        (
            "[product.fees]\nlate = { brackets = [{ up_to = \"500.00\", amount = \"25.00\" }, { up_to = \"100.00\", amount = \"15.00\" }, { amount = \"35.00\" }] }",
            "",
            "lowest `up_to` first",
        ),
        (
            "[product.fees]\nplan = { brackets = [{ amount = \"5.00\" }, { up_to = \"100.00\", amount = \"1.00\" }] }",
            "",
            "none on the last only",
        ),
        (
            "[product.fees]\nlate = { brackets = [{ up_to = \"100.00\", amount = \"15.00\" }] }",
            "",
            "beyond the last",
        ),
        (
            "[product.minimum]\narms = [{ brackets = [{ up_to = \"100.00\", amount = \"15.00\" }, { up_to = \"100.00\", amount = \"25.00\" }, { amount = \"30.00\" }] }]",
            "",
            "lowest `up_to` first",
        ),
        ("[product.penalty_rate]\nafter_days_past_due = 30", "", "needs its `apr`"),
        (
            "[product.penalty_rate]\napr = \"30%\"\ncured_after_minimums = \"sometimes\"",
            "",
            "or \"never\"",
        ),
        (
            "",
            "brought_forward = { principal = \"500.00\", minimum_unpaid = \"25.00\" }",
            "`minimum_unpaid` needs `due_on`",
        ),
    ];
    for (product, line, said) in cases {
        let message = refused(product, line);
        assert!(message.contains(said) && message.starts_with("line "), "{said}: {message}");
    }
}
