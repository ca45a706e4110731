//! Statements of other US lenders, by product data alone. Each figure is had by hand; the sum stands beside it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "common/text.rs"]
mod text;

use credit::{
    ProductCatalog, Statement,
    scenario::{self, LineReport},
};
use money::Cents;
use text::{draw, event, pay};

fn text_of(product: &str, as_of: &str, line: &str) -> String {
    format!(
        "as_of = {as_of}\n[[product]]\nname = \"T\"\n{product}\n[line]\nproduct = \"T\"\nopened_on = 2026-09-01\nclose_day = 31\n{line}"
    )
}

/// A line of product `T` (the plain line with `product`), cycles by calendar month, from September 2026.
fn lived(product: &str, as_of: &str, line: &str) -> LineReport {
    let text = text_of(product, as_of, line);
    let scenario = scenario::parse(&text, &ProductCatalog::embedded().unwrap())
        .map_err(|error| format!("{error}\n{text}"))
        .unwrap();
    scenario::run(&scenario).unwrap().lines.remove(0)
}

/// What is said of a product that is refused, and that it is said at a key.
fn refused(product: &str) -> String {
    let text = text_of(product, "2026-10-01", "apr = \"24%\"\n");
    let error = scenario::parse(&text, &ProductCatalog::embedded().unwrap()).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("line ") && !message.starts_with("line 2, column 1:"), "{message}");
    message
}

fn draw_of(feature: &str, on: &str, amount: &str) -> String {
    format!("{}feature = \"{feature}\"\n", draw(on, amount))
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

const PLANS_BESIDE_GRACE: &str = "[product.dates]\nstatement_window_days = 21\n[product.grace]\nkind = \"paid_in_full\"\nleaves_out = [\"plans\"]\n[[product.features]]\nname = \"purchases\"\n[[product.features]]\nname = \"plans\"\napr = \"0%\"\ngrace = false\ninstalments = { months = 12, monthly_fee = \"3.00\" }\n[product.minimum]\narms = [{ amount = \"0.00\" }]\n";

#[test]
fn beside_a_plan_grace_asks_for_the_purchases_and_the_payment_of_the_plan() {
    let drawn =
        [draw_of("purchases", "2026-09-05", "500.00"), draw_of("plans", "2026-09-06", "1200.00")]
            .concat();
    let paid = |amount: &str| {
        let line = format!("apr = \"24%\"\n{drawn}{}", pay("2026-10-20", amount));
        lived(PLANS_BESIDE_GRACE, "2026-11-01", &line)
    };
    // 500.00, a twelfth of 1,200.00 and the fee of the plan.
    let kept = paid("603.00");
    assert_eq!(kept.statements[0].pay_to_avoid_interest, Some(cents("603.00")));
    assert_eq!(interest(&kept), ["0.00", "0.00"].map(cents));
    // October: nothing of the purchases is left, and the plan asks for its second payment.
    assert_eq!(kept.statements[1].pay_to_avoid_interest, Some(cents("103.00")));
    // A payment of the purchases alone goes to the plan first: 103.00 of purchases bear interest for the 31 days: 2.10.
    let lost = paid("500.00");
    assert_eq!(interest(&lost), ["0.00", "2.10"].map(cents));
    // A cent short of it: a cent for 31 days.
    assert_eq!(interest(&paid("602.99")), ["0.00", "0.00"].map(cents));
}

#[test]
fn the_last_payment_of_a_plan_and_one_that_is_past_due_are_part_of_what_keeps_grace() {
    let product = PLANS_BESIDE_GRACE.replace("months = 12", "months = 2");
    let line = format!("apr = \"0%\"\n{}", draw_of("plans", "2026-09-06", "100.01"));
    let asked =
        |line: &str| all(&lived(&product, "2026-11-01", line), |one| one.pay_to_avoid_interest);
    // 50.01, then the rest, each with the fee.
    let paid = asked(&format!("{line}{}", pay("2026-10-20", "53.01")));
    assert_eq!(paid, [Some(cents("53.01")), Some(cents("53.00"))]);
    assert_eq!(asked(&line), [Some(cents("53.01")), Some(cents("106.01"))]);
}

#[test]
fn a_minimum_can_ask_for_a_part_of_what_is_over_the_limit() {
    let statements = |rule: &str| {
        let product = format!(
            "[product.minimum]\narms = [{{ percent = \"1%\", of = \"new_balance\" }}]\n{rule}\n"
        );
        let line =
            format!("apr = \"0%\"\ncredit_limit = \"1000.00\"\n{}", draw("2026-09-05", "1100.00"));
        lived(&product, "2026-11-01", &line).statements
    };
    let asked = |rule: &str| statements(rule)[0].minimum_due;
    // 1 % of 1,100.00, and of the 100.00 nothing, all, a twenty-fourth (4.1667), and that in whole dollars.
    assert_eq!(asked(""), cents("11.00"));
    assert_eq!(asked("add_over_limit = true"), cents("111.00"));
    assert_eq!(asked("add_over_limit = true\nover_limit_one_of = 24"), cents("15.17"));
    let dollars = "add_over_limit = true\nover_limit_one_of = 24\nover_limit_whole_dollars";
    assert_eq!(asked(&format!("{dollars} = \"half_up\"")), cents("15.00"));
    assert_eq!(asked(&format!("{dollars} = \"up\"")), cents("16.00"));
    // Nothing of the 111.00 was paid: beside them the 100.00 are asked for once more, or not.
    let second = |rule: &str| statements(&format!("add_over_limit = true\n{rule}"))[1].minimum_due;
    assert_eq!(second(""), cents("222.00"));
    assert_eq!(second("past_due_or_over_limit = true"), cents("122.00"));
    for (rule, said) in [
        ("past_due_or_over_limit = true", "needs `add_over_limit`"),
        (
            "add_past_due = false\nadd_over_limit = true\npast_due_or_over_limit = true",
            "needs `add_past_due`",
        ),
        ("over_limit_one_of = 24", "needs `add_over_limit`"),
        ("over_limit_whole_dollars = \"up\"", "needs `add_over_limit`"),
        ("add_over_limit = true\nover_limit_one_of = 0", "from 1 to 1200"),
    ] {
        assert!(refused(&format!("[product.minimum]\n{rule}")).contains(said), "{rule}");
    }
}

#[test]
fn purchases_can_leave_new_draws_out_beside_advances_that_count_them() {
    let product = "[[product.features]]\nname = \"purchases\"\nnew_draws = false\n[[product.features]]\nname = \"cash_advances\"\napr = \"36.5%\"\n[product.interest]\nbalance = \"average_daily_balance\"\nround_average = true\n[product.minimum]\narms = [{ amount = \"0.00\" }]\n";
    let events = [
        draw_of("purchases", "2026-09-11", "300.00"),
        draw_of("cash_advances", "2026-09-11", "300.00"),
    ];
    let report = lived(product, "2026-11-01", &format!("apr = \"18.25%\"\n{}", events.concat()));
    let billed = |number: usize, feature: &str| {
        let lines = report.statements[number].interest.iter();
        lines.filter(|line| line.feature == feature).map(|line| line.amount).sum::<Cents>()
    };
    // 300.00 for 20 of 30 days average 200.00: at 0.1 % a day for 30 days 6.00. Of the purchases nothing yet.
    assert_eq!([billed(0, "purchases"), billed(0, "cash_advances")], ["0.00", "6.00"].map(cents));
    // October: 300.00 at 0.05 % and at 0.1 % for 31 days.
    assert_eq!([billed(1, "purchases"), billed(1, "cash_advances")], ["4.65", "9.30"].map(cents));
    assert_eq!(
        report.statements[0].balance_method,
        "purchases: average daily balance (excluding current transactions); cash advances: average daily balance (including current transactions)"
    );
}

#[test]
fn a_feature_can_have_a_balance_of_its_own_beside_that_of_the_product() {
    let product = "[product.interest]\nperiod = \"monthly\"\nbalance = \"average_daily_balance\"\n[[product.features]]\nname = \"revolving\"\nbalance = \"previous_balance\"\n[[product.features]]\nname = \"cash\"\n[product.minimum]\narms = [{ amount = \"0.00\" }]\n";
    let line = format!(
        "apr = \"12%\"\n[line.brought_forward]\nprincipal = {{ revolving = \"500.00\", cash = \"500.00\" }}\n{}{}",
        draw_of("revolving", "2026-09-16", "400.00"),
        draw_of("cash", "2026-09-16", "400.00"),
    );
    let report = lived(product, "2026-11-01", &line);
    let billed: Vec<Vec<Cents>> =
        all(&report, |one| one.interest.iter().map(|line| line.amount).collect());
    // 1 % of 500.00 at the start and of 700.00 on average; then of 900.00 either way.
    assert_eq!(billed, [["5.00", "7.00"].map(cents), ["9.00", "9.00"].map(cents)]);
    let of =
        |rest: &str| format!("[product.interest]\nbalance = \"average_daily_balance\"\n{rest}");
    for (product, said) in [
        (
            of(
                "round_average = true\n[[product.features]]\nname = \"draws\"\nbalance = \"daily_balance\"",
            ),
            "`round_average` needs",
        ),
        (
            of(
                "compounding = \"daily\"\n[[product.features]]\nname = \"draws\"\nbalance = \"ending_balance\"",
            ),
            "does not compound daily",
        ),
        (
            of(
                "[[product.features]]\nname = \"draws\"\nnew_draws = false\nbalance = \"previous_balance\"",
            ),
            "`new_draws` says nothing",
        ),
    ] {
        let message = refused(&product);
        assert!(message.contains(said) && message.contains("feature `draws`"), "{message}");
    }
}

const FEE_BY_SIZE: &str = "[[product.features]]\nname = \"draws\"\nfee = { percent = \"3%\", most = \"30.00\", brackets = [{ up_to = \"50.00\", amount = \"2.00\" }, { up_to = \"200.00\", amount = \"5.00\" }] }\n";

#[test]
fn a_draw_fee_can_go_by_the_size_of_the_draw_and_be_a_share_above() {
    let fee = |amount: &str, rest: &str| {
        let product = FEE_BY_SIZE.replace("percent", &format!("{rest}percent"));
        let line = format!("apr = \"0%\"\n{}", draw("2026-09-05", amount));
        lived(&product, "2026-10-01", &line).statements[0].fees_total
    };
    // 3 % of 200.01 is 6.0003, and of 1,200.00 more than 30.00.
    let cases = [
        ("20.00", "2.00"),
        ("50.00", "2.00"),
        ("50.01", "5.00"),
        ("200.00", "5.00"),
        ("200.01", "6.00"),
        ("1200.00", "30.00"),
    ];
    for (amount, expected) in cases {
        assert_eq!(fee(amount, ""), cents(expected), "{amount}");
    }
    // Half of it is given back.
    assert_eq!(fee("50.01", "discount = \"50%\", "), cents("2.50"));
    let of = |rule: &str| format!("[[product.features]]\nname = \"draws\"\nfee = {{ {rule} }}\n");
    for (rule, said) in [
        ("brackets = [{ up_to = \"50.00\", amount = \"2.00\" }]", "nothing of what lies beyond"),
        (
            "percent = \"3%\", brackets = [{ up_to = \"50.00\", amount = \"2.00\" }, { up_to = \"20.00\", amount = \"3.00\" }]",
            "lowest `up_to` first",
        ),
        ("percent = \"3%\", brackets = [{ amount = \"2.00\" }]", "leave nothing to"),
    ] {
        assert!(refused(&of(rule)).contains(said), "{rule}");
    }
}

#[test]
fn the_fee_of_instalments_can_be_higher_in_the_first_months() {
    let product = "[[product.features]]\nname = \"draws\"\napr = \"0%\"\ninstalments = { months = 6, monthly_fee_percents = [\"3%\", \"3%\", \"1%\"] }\n[product.minimum]\narms = [{ amount = \"0.00\" }]\n";
    let drawn = draw("2026-09-05", "1000.00");
    let paid = [("10", "196.67"), ("11", "196.67"), ("12", "176.67")];
    let paid = paid.map(|(month, amount)| pay(&format!("2026-{month}-10"), amount)).concat();
    let later = ["2027-01-10", "2027-02-10"].map(|on| pay(on, "176.67")).concat();
    let events = [drawn.clone(), paid, later, pay("2027-03-10", "176.65")].concat();
    let report = lived(product, "2027-04-01", &events);
    // 3 % of 1,000.00 twice, 1 % four times; 166.67 a month, and 166.65 at the end.
    assert_eq!(
        all(&report, |one| one.fees_total),
        ["30.00", "30.00", "10.00", "10.00", "10.00", "10.00", "0.00"].map(cents)
    );
    assert_eq!(
        all(&report, |one| one.minimum_due),
        ["196.67", "196.67", "176.67", "176.67", "176.67", "176.65", "0.00"].map(cents)
    );
    assert_eq!(report.position.total_owed, Cents::ZERO);
    // A second draw has its own months: 3 % of 500.00 beside the 1 % of the first.
    let two = [drawn, draw_of("draws", "2026-11-05", "500.00")].concat();
    let report = lived(product, "2026-12-01", &two);
    assert_eq!(all(&report, |one| one.fees_total), ["30.00", "30.00", "25.00"].map(cents));
    // Each is an item of the statement.
    let items: Vec<(&str, Cents)> =
        report.statements[2].fees.iter().map(|fee| (fee.label.as_str(), fee.amount)).collect();
    let [first, second] = ["10.00", "15.00"].map(cents);
    assert_eq!(items, [("monthly fee of draws", first), ("monthly fee of draws 2", second)]);
    let both = product
        .replace("monthly_fee_percents", "monthly_fee_percent = \"1%\", monthly_fee_percents");
    assert!(refused(&both).contains("in the place of `monthly_fee_percent`"));
}

#[test]
fn an_annual_fee_on_the_first_day_stands_beside_a_monthly_one_on_the_last() {
    let product = "[product.fees]\nplan = { amount = \"8.00\" }\nfurther_plans = [{ amount = \"95.00\", every_cycles = 12, on = \"first_day\" }]\n[product.minimum]\narms = [{ amount = \"0.00\" }]\n";
    let report = lived(product, "2027-10-01", "apr = \"24%\"\n");
    let fees = |one: &Statement| -> Vec<(String, String, Cents)> {
        let of = one.fees.iter();
        of.map(|fee| (fee.label.clone(), fee.effective_on.to_string(), fee.amount)).collect()
    };
    let fee = |on: &str, amount: &str| ("plan fee".to_owned(), on.to_owned(), cents(amount));
    assert_eq!(
        fees(&report.statements[0]),
        [fee("2026-09-01", "95.00"), fee("2026-09-30", "8.00")]
    );
    assert_eq!(fees(&report.statements[1]), [fee("2026-10-31", "8.00")]);
    assert_eq!(fees(&report.statements[12])[0], fee("2027-09-01", "95.00"));
    assert!(report.statements.iter().all(|one| one.adjustments.is_empty()));
    assert_eq!(report.position.total_owed, cents("294.00"));
    // Beside it the monthly fee of instalments: 1.00 with the first payment.
    let product = "[product.fees]\nplan = { amount = \"95.00\", on = \"first_day\", every_cycles = 12 }\n[[product.features]]\nname = \"draws\"\napr = \"0%\"\ninstalments = { months = 3, monthly_fee = \"1.00\" }\n";
    let report = lived(product, "2026-10-01", &draw("2026-09-05", "300.00"));
    let (monthly, on) = ("monthly fee of draws".to_owned(), "2026-09-30".to_owned());
    let monthly = (monthly, on, cents("1.00"));
    assert_eq!(fees(&report.statements[0]), [fee("2026-09-01", "95.00"), monthly]);
    assert_eq!(report.statements[0].off_by(), Cents::ZERO);
}

fn over_an_index(tiers: &str, more: &str) -> String {
    format!(
        "[[product.features]]\nname = \"draws\"\ntiers = [{tiers}]\nvariable = {{ index = [{{ from = 2026-01-01, apr = \"8.50%\" }}, {{ from = 2026-09-16, apr = \"7.50%\" }}]{more} }}\n"
    )
}

#[test]
fn a_variable_rate_can_have_a_margin_by_the_size_of_the_balance() {
    let margins = "{ up_to = \"5000.00\", margin = \"9.75%\" }, { margin = \"-1.20%\" }";
    let line = format!(
        "apr = \"0%\"\ncredit_limit = \"20000.00\"\n[line.brought_forward]\nprincipal = \"10000.00\"\n{}",
        event("index_change", "2026-10-11", "apr = \"9.50%\"")
    );
    let of = |product: &str| interest(&lived(product, "2026-11-01", &line));
    // 5,000.00 at 18.25 % and 5,000.00 at 7.30 % for 15 days: 2.50 and 1.00 a day; at 17.25 % and 6.30 %: 2.363014 and 0.863014; at
    // 19.25 % and 8.30 %: 2.636986 and 1.136986. September 52.50 + 48.390411; October ten days 32.260274 and 21 days 79.253425.
    assert_eq!(of(&over_an_index(margins, "")), ["100.89", "111.51"].map(cents));
    // The index of the cycle's first day; of its last.
    let next = over_an_index(margins, ", takes_effect = \"next_cycle\"");
    assert_eq!(of(&next), ["105.00", "100.01"].map(cents));
    let this = over_an_index(margins, ", takes_effect = \"this_cycle\"");
    assert_eq!(of(&this), ["96.78", "116.99"].map(cents));
    // No slice below 8 %, none above 18 %: 5,000.00 at 18 % and at 8 % for 15 days, at 17.25 % and 8 % for 15.
    let bounded = over_an_index(margins, ", floor = \"8%\", cap = \"18%\"");
    assert_eq!(of(&bounded)[0], cents("105.31"));
    // All of it by the tier it reaches: 7.30 % and 6.30 %, 15 days each.
    let whole = format!("{}tiers_on = \"whole\"\n", over_an_index(margins, ""));
    assert_eq!(of(&whole)[0], cents("55.89"));
    // The average of the days at each index.
    let average = "[product.interest]\nbalance = \"average_daily_balance\"\nround_average = true\n";
    assert_eq!(of(&format!("{}{average}", over_an_index(margins, "")))[0], cents("100.89"));
}

#[test]
fn tiers_over_an_index_state_a_margin_each_and_other_tiers_a_rate() {
    for (tiers, more) in [
        ("{ apr = \"10%\" }", ""),
        ("{ margin = \"3%\", apr = \"10%\" }", ""),
        ("{ margin = \"3%\" }", ", margin = \"2%\""),
    ] {
        let said = refused(&over_an_index(tiers, more));
        assert!(said.contains("states its `margin`"), "{tiers}: {said}");
    }
    let fixed = |tier: &str| format!("[[product.features]]\nname = \"draws\"\ntiers = [{tier}]\n");
    assert!(refused(&fixed("{ margin = \"3%\" }")).contains("needs `variable`"));
    assert!(refused(&fixed("{ up_to = \"5.00\" }, { apr = \"3%\" }")).contains("needs its `apr`"));
}

#[test]
fn each_days_interest_can_be_cut_off_after_so_many_decimals() {
    let of = |rule: &str| {
        let product = format!("[product.interest]\n{rule}\n");
        let line = "apr = \"24.99%\"\n[line.brought_forward]\nprincipal = \"1234.56\"\n";
        interest(&lived(&product, "2026-10-01", line))[0]
    };
    // 1,234.56 × 24.99 % / 365 = 0.845251... a day: in cents 0.85 or 0.84 for 30 days, in tenths of a cent 0.845 or 0.846.
    assert_eq!(of("daily_decimals = 2"), cents("25.50"));
    assert_eq!(of("daily_decimals = 2\ndaily_rounding = \"down\""), cents("25.20"));
    assert_eq!(of("daily_decimals = 3\ndaily_rounding = \"down\""), cents("25.35"));
    assert_eq!(of("daily_decimals = 3\ndaily_rounding = \"up\""), cents("25.38"));
    assert!(
        refused("[product.interest]\ndaily_rounding = \"down\"").contains("needs `daily_decimals`")
    );
}

#[test]
fn without_a_balance_a_covered_borrower_pays_a_participation_fee_and_nothing_else() {
    let fee = |kind: &str, on: &str, amount: &str| {
        event("fee", on, &format!("fee = \"{kind}\"\namount = \"{amount}\""))
    };
    let owed = |product: &str, as_of: &str, events: &str| {
        let line = format!("apr = \"0%\"\ncovered_borrower = true\n{events}");
        let report = lived(product, as_of, &line);
        assert!(report.statements.iter().all(|one| one.off_by().is_zero()));
        all(&report, |one| one.new_balance)
    };
    // 32 CFR 232.4(c)(2)(ii)(B): a fee of another kind is taken back whole.
    assert_eq!(owed("", "2026-10-01", &fee("other", "2026-09-10", "20.00")), [Cents::ZERO]);
    let monthly = "[product.fees]\nplan = { amount = \"10.00\" }\n";
    let other = fee("other", "2026-09-10", "20.00");
    assert_eq!(owed(monthly, "2026-10-01", &other), [cents("10.00")]);
    // A plan fee of 60.00 as a fact leaves room for four of 10.00 within a year; with the thirteenth cycle it is a year ago.
    let owing = owed(monthly, "2027-10-01", &fee("plan", "2026-09-10", "60.00"));
    let first: Vec<Cents> = owing.iter().copied().take(5).collect();
    assert_eq!(first, ["70.00", "80.00", "90.00", "100.00", "100.00"].map(cents));
    assert_eq!(owing[11..], ["100.00", "110.00"].map(cents));
}

#[test]
fn a_card_costs_no_over_limit_fee_for_interest_and_fees_alone() {
    let fees = |regime: &str, events: &str| {
        let product = format!(
            "regime = \"{regime}\"\n[product.fees]\nover_limit = {{ amount = \"4.00\" }}\n[product.minimum]\narms = [{{ amount = \"0.00\" }}]\n[product.limits]\ncharges_use_limit = true\n"
        );
        let line = format!("apr = \"24%\"\ncredit_limit = \"500.00\"\n{events}");
        let report = lived(&product, "2026-12-01", &line);
        report.position.cycles.iter().map(|one| one.over_limit_fee).collect::<Vec<_>>()
    };
    let drawn = draw("2026-09-01", "495.00");
    // 495.00 × 24 % × 30/365 = 9.76, 4.76 beyond the limit; a line's contract may let them use it.
    assert_eq!(fees("card", &drawn), [Cents::ZERO; 3]);
    assert_eq!(fees("line", &drawn), ["4.00", "4.00", "4.00"].map(cents));
    // In November a purchase of 20.00 goes beyond it: 515.00, and what was charged before.
    let bought = [drawn, draw("2026-11-10", "20.00")].concat();
    assert_eq!(fees("card", &bought), ["0.00", "0.00", "4.00"].map(cents));
}
