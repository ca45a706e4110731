//! Ways of finding the balance that bears interest, where a rate, a promotion or a balance begins or ends within the cycle. Each
//! figure is had by hand; the sum stands beside it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "common/text.rs"]
mod text;

use credit::{
    ProductCatalog,
    scenario::{self, Report},
};
use money::Cents;
use text::{draw, event, pay};

/// A line of product `T` (the plain line with `product`) since September 2026, cycles by calendar month if not said otherwise.
fn lived(product: &str, as_of: &str, line: &str) -> Report {
    let close = if line.contains("close_day") { "" } else { "close_day = 31\n" };
    let text = format!(
        "as_of = {as_of}\n[[product]]\nname = \"T\"\nbased_on = \"CASHLINE-STD-1\"\n{product}\n[product.minimum]\narms = [{{ amount = \"0.00\" }}]\n[line]\nproduct = \"T\"\nopened_on = 2026-09-01\n{close}{line}"
    );
    let scenario = scenario::parse(&text, &ProductCatalog::embedded().unwrap())
        .map_err(|error| format!("{error}\n{text}"))
        .unwrap();
    scenario::run(&scenario).unwrap()
}

/// Interest of each statement.
fn interest(report: &Report) -> Vec<Cents> {
    let statements = report.lines.first().unwrap().statements.iter();
    statements.map(|statement| statement.interest_total).collect()
}

fn rate(on: &str, apr: &str, applies_to: &str) -> String {
    event(
        "rate_change",
        on,
        &format!("apr = \"{apr}\"\napplies_to = \"{applies_to}\"\nexception = \"agreed\""),
    )
}

fn cap(on: &str, apr: &str) -> String {
    event("rate_cap", on, &format!("apr = \"{apr}\""))
}

/// With what the line came in with.
fn owing(apr: &str, principal: &str, events: &[String]) -> String {
    format!(
        "apr = \"{apr}\"\n[line.brought_forward]\nprincipal = \"{principal}\"\n{}",
        events.concat()
    )
}

fn cents(text: &str) -> Cents {
    Cents::parse_dollars(text).unwrap()
}

fn all(amounts: &[&str]) -> Vec<Cents> {
    amounts.iter().map(|amount| cents(amount)).collect()
}

const ROUNDED_AVERAGE: &str =
    "[product.interest]\nbalance = \"average_daily_balance\"\nround_average = true";
const START_OF_DAY: &str = "[product.interest]\nbalance_at = \"start_of_day\"";
const ENDING: &str = "[product.interest]\nbalance = \"ending_balance\"";

#[test]
fn days_at_two_rates_bear_each_its_own_rate_on_their_own_rounded_average() {
    let events = [rate("2026-09-16", "12%", "all_balances"), pay("2026-09-16", "500.00")];
    let report = lived(ROUNDED_AVERAGE, "2026-10-01", &owing("24%", "1000.00", &events));
    // 15 days of 1,000.00 at 24 % are 9.863, 15 days of 500.00 at 12 % are 2.466.
    assert_eq!(interest(&report), all(&["12.33"]));
    let text = report.explain("statement.1.interest").unwrap().text();
    assert!(text.contains("15 days at 24.00%: $9.86301370"), "{text}");
    assert!(text.contains("15 days at 12.00%: $2.46575342"), "{text}");
}

#[test]
fn a_promotion_costs_what_it_says_on_a_rounded_average_too() {
    let promotion = |of: &str| {
        format!(
            "{ROUNDED_AVERAGE}\n[[product.features]]\nname = \"draws\"\napr = \"29.99%\"\npromotion = {{ apr = \"0%\", {of} }}"
        )
    };
    let drawn = format!("apr = \"17%\"\n{}", draw("2026-09-10", "300.00"));
    let from_draw = lived(&promotion("months_from_draw = 6"), "2026-10-01", &drawn);
    assert_eq!(interest(&from_draw), all(&["0.00"]));
    // Paid off on its last day.
    let paid = format!("{drawn}{}", pay("2026-12-09", "300.00"));
    for deferred in ["", ", deferred = true"] {
        let product = promotion(&format!("through = 2026-12-09{deferred}"));
        let report = lived(&product, "2027-02-02", &paid);
        assert_eq!(interest(&report), vec![Cents::ZERO; 5], "{deferred}");
    }
    // Not paid off: 22 days of December at 29.99 %, and with a deferral the 91 days before them too.
    for (deferred, december) in [("", "5.42"), (", deferred = true", "27.85")] {
        let product = promotion(&format!("through = 2026-12-09{deferred}"));
        let report = lived(&product, "2027-01-01", &drawn);
        assert_eq!(interest(&report), all(&["0.00", "0.00", "0.00", december]), "{deferred}");
    }
}

#[test]
fn what_a_promotion_defers_is_capped_as_any_interest_is() {
    let deferred = "[[product.features]]\nname = \"draws\"\napr = \"29.99%\"\npromotion = { apr = \"0%\", through = 2026-12-09, deferred = true }\n";
    let december = |product: &str, events: &str| {
        let drawn = format!("apr = \"17%\"\n{}{events}", draw("2026-09-10", "300.00"));
        let report = lived(&format!("{deferred}{product}"), "2027-01-01", &drawn);
        interest(&report)[3]
    };
    // 21 days of 300.00 at 29.99 % are 5.176, 70 at 6 % are 3.452, and 22 more after the promotion 1.085.
    assert_eq!(december("", &cap("2026-10-01", "6%")), cents("9.71"));
    // 113 days at 16 %.
    assert_eq!(december("[product.limits]\napr_cap = \"16%\"\n", ""), cents("14.86"));
    // Tiers bear each no more than the cap: 100.00 at 6 % and 200.00 at 16 %.
    let tiers = "tiers = [{ up_to = \"100.00\", apr = \"6%\" }, { apr = \"30%\" }]";
    let tiered = deferred.replace("apr = \"29.99%\"", tiers);
    let drawn = draw("2026-09-10", "300.00");
    let product = format!("{tiered}[product.limits]\napr_cap = \"16%\"\n");
    assert_eq!(interest(&lived(&product, "2027-01-01", &drawn))[3], cents("11.76"));
}

#[test]
fn a_rate_counts_from_its_own_day_though_payments_count_from_the_next() {
    let month = |event: String| {
        interest(&lived(START_OF_DAY, "2026-10-01", &owing("20%", "1000.00", &[event])))
    };
    // 1,000.00 for 30 days at 6 %; 15 days at 20 % and 15 at 6 %, or at 30 %.
    assert_eq!(month(cap("2026-09-01", "6%")), all(&["4.93"]));
    assert_eq!(month(cap("2026-09-16", "6%")), all(&["10.68"]));
    assert_eq!(month(rate("2026-09-16", "30%", "all_balances")), all(&["20.55"]));
    // 16 days of 1,000.00 and 14 of 500.00.
    assert_eq!(month(pay("2026-09-16", "500.00")), all(&["12.60"]));
}

#[test]
fn what_is_paid_within_grace_bears_no_day_where_days_count_from_their_start() {
    let product = "[product.dates]\ndue_day = 25\n[product.interest]\nbalance_at = \"start_of_day\"\n[product.grace]\nkind = \"paid_in_full\"\ncredits_partial_payment = true";
    let events = [draw("2026-09-10", "1000.00"), pay("2026-10-20", "400.00")];
    let line = format!("apr = \"24%\"\n{}", events.concat());
    // 31 days of 600.00 (12 CFR 1026.54(a)(1)(ii)).
    assert_eq!(interest(&lived(product, "2026-11-01", &line)), all(&["0.00", "12.23"]));
}

#[test]
fn a_deferral_paid_off_on_its_last_day_costs_nothing_where_days_count_from_their_start() {
    let product = format!(
        "{START_OF_DAY}\n[[product.features]]\nname = \"draws\"\napr = \"29.99%\"\npromotion = {{ apr = \"0%\", through = 2026-12-09, deferred = true }}"
    );
    let paid = |on: &str| {
        let events = [draw("2026-09-10", "300.00"), pay(on, "300.00")];
        interest(&lived(&product, "2027-01-01", &format!("apr = \"17%\"\n{}", events.concat())))
    };
    assert_eq!(paid("2026-12-09"), vec![Cents::ZERO; 4]);
    // A day late: 90 days of the deferral and the one after it.
    assert_eq!(paid("2026-12-10"), all(&["0.00", "0.00", "0.00", "22.43"]));
}

#[test]
fn what_is_owed_at_the_close_bears_the_whole_cycle_whenever_its_balance_began() {
    let month = |product: &str, line: &str| {
        interest(&lived(&format!("{ENDING}\n{product}"), "2026-10-01", line))
    };
    // 1,500.00 for 30 days at 24 %.
    let later = draw("2026-09-20", "500.00");
    for change in [cap("2026-09-16", "30%"), rate("2026-09-16", "24%", "new_draws")] {
        let line = owing("24%", "1000.00", &[change, later.clone()]);
        assert_eq!(month("", &line), all(&["29.59"]));
    }
    let two = format!("apr = \"24%\"\n{}{later}", draw("2026-09-10", "1000.00"));
    let plans =
        "[[product.features]]\nname = \"draws\"\napr = \"24%\"\ninstalments = { months = 12 }";
    assert_eq!(month(plans, &two), all(&["29.59"]));
    let free = "[[product.features]]\nname = \"draws\"\napr = \"24%\"\npromotion = { apr = \"0%\", months_from_draw = 6 }";
    assert_eq!(month(free, &two), all(&["0.00"]));
}

#[test]
fn an_index_that_counts_in_its_own_cycle_does_so_when_it_is_told_as_an_event() {
    let product = |further: &str| {
        format!(
            "[[product.features]]\nname = \"draws\"\nvariable = {{ margin = \"9.24%\", index = [{{ from = 2026-01-01, apr = \"7.50%\" }}{further}], takes_effect = \"this_cycle\" }}"
        )
    };
    let told = event("index_change", "2026-10-20", "apr = \"7.00%\"");
    let told = lived(&product(""), "2026-11-01", &owing("17%", "1234.56", &[told]));
    // 31 days at 16.24 %.
    assert_eq!(interest(&told), all(&["16.99", "17.03"]));
    let listed = product(", { from = 2026-10-20, apr = \"7.00%\" }");
    let listed = lived(&listed, "2026-11-01", &owing("17%", "1234.56", &[]));
    assert_eq!(interest(&told), interest(&listed));
}

#[test]
fn what_is_deferred_follows_an_index_that_counts_in_its_own_cycle() {
    let product = |further: &str| {
        format!(
            "[[product.features]]\nname = \"draws\"\nvariable = {{ margin = \"9.24%\", index = [{{ from = 2026-01-01, apr = \"7.50%\" }}{further}], takes_effect = \"this_cycle\" }}\npromotion = {{ apr = \"0%\", cycles = 2, deferred = true }}"
        )
    };
    let told = event("index_change", "2026-10-20", "apr = \"7.00%\"");
    let told = lived(&product(""), "2026-11-01", &owing("17%", "1234.56", &[told]));
    let listed = product(", { from = 2026-10-20, apr = \"7.00%\" }");
    let listed = lived(&listed, "2026-11-01", &owing("17%", "1234.56", &[]));
    // 16.9864 of September and 17.0282 of October.
    assert_eq!(interest(&told), all(&["0.00", "34.01"]));
    assert_eq!(interest(&told), interest(&listed));
}

#[test]
fn two_balances_of_a_feature_are_rounded_as_one_by_every_method() {
    let two = [rate("2026-09-10", "24%", "new_draws"), draw("2026-09-15", "280.31")];
    let october = |product: &str| {
        let report = lived(product, "2026-11-01", &owing("24%", "129.38", &two));
        *interest(&report).last().unwrap()
    };
    // 2 % of 409.69 is 8.1938; apart they are 2.59 and 5.61.
    for method in [
        "balance = \"previous_balance\"",
        "balance = \"ending_balance\"",
        "balance = \"average_daily_balance\"\nround_average = true",
    ] {
        let product = format!("[product.interest]\nperiod = \"monthly\"\n{method}");
        assert_eq!(october(&product), cents("8.19"), "{method}");
        assert_eq!(october(&format!("{product}\nrounded_per = \"balance\"")), cents("8.20"));
    }
}

#[test]
fn an_average_of_31_days_bears_a_month_of_thirty() {
    let average = "[product.interest]\nday_basis = \"30/360\"\nbalance = \"average_daily_balance\"";
    let tiers = "[[product.features]]\nname = \"draws\"\ntiers = [{ up_to = \"500.00\", apr = \"24%\" }, { apr = \"24%\" }]";
    // The 20.00 of September, and 900.00.
    let line = owing("24%", "1000.00", &[pay("2026-10-31", "920.00")]);
    for product in [
        average.to_owned(),
        format!("{average}\nround_average = true"),
        format!("{average}\n{tiers}"),
    ] {
        let report = lived(&product, "2026-11-01", &line);
        // 30 days of 1,000.00 and one of 100.00 are 970.97 on average; 2 % of it.
        assert_eq!(interest(&report).last(), Some(&cents("19.42")), "{product}");
    }
}

#[test]
fn deferred_interest_that_fell_due_compounds_as_what_accrued_does() {
    let product = |promotion: &str| {
        format!(
            "[product.interest]\ncompounding = \"daily\"\n[[product.features]]\nname = \"draws\"\napr = \"29.99%\"\n{promotion}"
        )
    };
    let line = format!("apr = \"17%\"\n{}", draw("2026-09-01", "600.00"));
    let deferred = product("promotion = { apr = \"0%\", through = 2026-09-20, deferred = true }");
    let report = lived(&deferred, "2026-10-01", &line);
    // 600.00 × (1 + 0.2999 / 365)^30 − 600.00: as if it had never been deferred.
    assert_eq!(interest(&report), all(&["14.97"]));
    assert_eq!(interest(&report), interest(&lived(&product(""), "2026-10-01", &line)));
}

#[test]
fn an_over_limit_fee_does_not_come_again_for_the_same_draw() {
    let product = "[product.fees]\nover_limit = { amount = \"25.00\", most_cycles_in_a_row = 3 }";
    let fees = |events: &[String]| {
        let line = format!("credit_limit = \"500.00\"\n{}", owing("0%", "560.00", events));
        let report = lived(product, "2027-03-10", &line);
        let fees = report.lines.first().unwrap().position.cycles.iter();
        fees.map(|cycle| cycle.over_limit_fee).collect::<Vec<_>>()
    };
    assert_eq!(fees(&[]), all(&["25.00", "25.00", "25.00", "0.00", "0.00", "0.00"]));
    // A further draw beyond the limit is another one (12 CFR 1026.56(j)(1)(ii)).
    let again = fees(&[draw("2027-01-15", "10.00")]);
    assert_eq!(again, all(&["25.00", "25.00", "25.00", "0.00", "25.00", "25.00"]));
}

/// 12 CFR 1026 App. F, examples 3 and 4: a draw that bears a fee is no part of a balance that leaves new draws out.
#[test]
fn the_military_rate_counts_a_draw_beside_a_balance_that_leaves_it_out() {
    let rate_of = |interest: &str, events: &[String]| {
        let product = format!(
            "[product.interest]\nperiod = \"monthly\"\n{interest}\n[product.limits]\napr_cap = \"100%\""
        );
        let line = format!("covered_borrower = true\n{}", owing("18%", "100.00", events));
        let report = lived(&product, "2026-10-01", &line);
        let record = report.lines.first().unwrap().position.cycles.first().unwrap().clone();
        (record.charges.rate().unwrap().ppm(), record.waived)
    };
    let fee =
        |on: &str, fee: &str| event("draw", on, &format!("amount = \"100.00\"\nfee = \"{fee}\""));
    // 3.00 and 1.50 over 100.00 and 100.00.
    for interest in ["new_draws = false", "balance = \"previous_balance\""] {
        for on in ["2026-09-01", "2026-09-16"] {
            assert_eq!(rate_of(interest, &[fee(on, "3.00")]), (270_000, Cents::ZERO), "{interest}");
        }
    }
    // 3.00 and 0.75 over 100.00 and 50.00, and 0.75 of 4.50 waived for 36 % of that.
    let adjusted = "balance = \"adjusted_balance\"";
    let paid = pay("2026-09-16", "50.00");
    let of_fee = |amount: &str| rate_of(adjusted, &[paid.clone(), fee("2026-09-20", amount)]);
    assert_eq!(of_fee("3.00"), (300_000, Cents::ZERO));
    assert_eq!(of_fee("4.50"), (360_000, cents("0.75")));
}

/// 12 CFR 1026.14(c)(3), 32 CFR 232.4(c): a balance that was paid off before the close was there all the same.
#[test]
fn a_fee_is_held_to_the_days_where_the_close_has_no_balance() {
    let product = "[product.interest]\nbalance = \"ending_balance\"\n[product.limits]\napr_cap = \"100%\"\n[product.fees]\nplan = { amount = \"10.00\" }";
    let events = [draw("2026-09-01", "300.00"), pay("2026-09-21", "300.00")].concat();
    let line =
        format!("apr = \"18%\"\ncredit_limit = \"1000.00\"\ncovered_borrower = true\n{events}");
    let report = lived(product, "2026-10-01", &line);
    let record = report.lines.first().unwrap().position.cycles.first().unwrap().clone();
    // 300.00 for 20 of 30 days: 200.00 × 36 % / 12 is 6.00 of the 10.00.
    assert_eq!(record.plan_fee, cents("6.00"));
}

#[test]
fn days_on_both_sides_of_a_new_year_bear_each_their_own_part_of_the_year() {
    let product = "[product.interest]\nbalance = \"average_daily_balance\"\nday_basis = \"actual\"";
    let events = [draw("2027-12-20", "10000.00"), pay("2028-01-01", "10000.00")].concat();
    let line = format!("apr = \"21.99%\"\ncredit_limit = \"20000.00\"\nclose_day = 19\n{events}");
    let billed = interest(&lived(product, "2028-01-20", &line));
    // 10,000.00 × 21.99 % × 12/365: nothing was owed in the leap year.
    assert_eq!(billed.last(), Some(&cents("72.30")));
}

/// 1,500.00 on 15 days of September and 600.00 on 11: an average of 970.00.
fn by_tiers(terms: &str, tiers: &str) -> Report {
    let interest = "[product.interest]\nday_basis = \"360\"\nbalance = \"average_daily_balance\"\n";
    let product =
        format!("{interest}{terms}\n[[product.features]]\nname = \"draws\"\ntiers = {tiers}\n");
    let events = [draw("2026-09-05", "1500.00"), pay("2026-09-20", "900.00")];
    lived(&product, "2026-10-01", &format!("credit_limit = \"5000.00\"\n{}", events.concat()))
}

#[test]
fn an_average_that_reaches_a_tier_is_told_at_the_rate_of_that_tier_and_at_no_rate_of_a_day() {
    let tiers = "[{ up_to = \"1000.00\", apr = \"18%\" }, { apr = \"15%\" }]\ntiers_on = \"whole\"";
    for rounded in ["round_average = true", ""] {
        let report = by_tiers(rounded, tiers);
        // 970.00 × 18 % × 30 / 360.
        assert_eq!(interest(&report), all(&["14.55"]));
        let told = report.explain("statement.1.interest.draws").unwrap().text();
        assert!(told.contains("30 days at 18.00%: $14.55000000"), "{told}");
        assert!(told.contains("balance subject to interest: $970.00"), "{told}");
        assert!(!told.contains("15.00%"), "{told}");
        let line = report.lines.first().unwrap();
        let charged = &line.statements.first().unwrap().interest;
        assert_eq!(charged.first().unwrap().rates, [], "one rate was charged");
        assert_eq!(charged.first().unwrap().apr.ppm(), 180_000);
        // The days have the rate of the average, and their share of what it bears.
        let september = line.daily_balances.iter().filter(|day| day.cycle == 1);
        let rates: Vec<_> = september.clone().map(|day| day.apr.ppm()).collect();
        assert_eq!(rates, [180_000; 30]);
        let of = |balance| september.clone().find(|day| day.balance == cents(balance)).unwrap();
        assert_eq!(
            [of("1500.00"), of("600.00")].map(|day| &*day.interest),
            ["0.75000000", "0.30000000"]
        );
    }
}

#[test]
fn slices_of_an_average_are_told_with_what_of_it_each_rate_was_charged_on() {
    let tiers = "[{ up_to = \"500.00\", apr = \"18%\" }, { apr = \"15%\" }]";
    for rounded in ["round_average = true", ""] {
        let report = by_tiers(rounded, tiers);
        // 500.00 × 18 % × 30 / 360 is 7.50, 470.00 × 15 % × 30 / 360 is 5.875.
        assert_eq!(interest(&report), all(&["13.38"]));
        let told = report.explain("statement.1.interest.draws").unwrap().text();
        assert!(told.contains("30 days at 18.00%: $7.50000000"), "{told}");
        assert!(told.contains("30 days at 15.00%: $5.87500000"), "{told}");
        let statements = &report.lines.first().unwrap().statements;
        let rates = statements.first().unwrap().interest.iter().flat_map(|line| &line.rates);
        let rates: Vec<_> =
            rates.map(|one| (one.apr.ppm(), one.days, one.average_balance)).collect();
        assert_eq!(rates, [(180_000, 30, cents("500.00")), (150_000, 30, cents("470.00"))]);
    }
}

#[test]
fn slices_of_each_day_are_told_with_the_average_that_each_rate_was_charged_on() {
    let tiers = "tiers = [{ up_to = \"500.00\", apr = \"18%\" }, { apr = \"15%\" }]";
    let product = format!("[[product.features]]\nname = \"draws\"\n{tiers}");
    let events = [draw("2026-09-05", "1500.00"), pay("2026-09-20", "900.00")];
    let line = format!("credit_limit = \"5000.00\"\n{}", events.concat());
    let report = lived(&product, "2026-10-01", &line);
    let statements = &report.lines.first().unwrap().statements;
    let rates = statements.first().unwrap().interest.iter().flat_map(|line| &line.rates);
    let rates: Vec<_> = rates.map(|one| (one.apr.ppm(), one.days, one.average_balance)).collect();
    // 500.00 on each of 26 days; above it 1,000.00 on 15 and 100.00 on 11.
    assert_eq!(rates, [(180_000, 26, cents("500.00")), (150_000, 26, cents("619.23"))]);
}

#[test]
fn the_balance_subject_to_interest_is_the_one_that_the_method_names() {
    let methods = [
        ("previous_balance", "1000.00"),
        ("adjusted_balance", "600.00"),
        ("ending_balance", "750.00"),
    ];
    for (method, subject) in methods {
        let product = format!("[product.interest]\nperiod = \"monthly\"\nbalance = \"{method}\"");
        let events = [pay("2026-09-10", "400.00"), draw("2026-09-12", "150.00")];
        let report = lived(&product, "2026-10-01", &owing("24%", "1000.00", &events));
        let line = report.lines.first().unwrap();
        let told = line.statements.first().unwrap().interest.first().unwrap().average_balance;
        assert_eq!(told, cents(subject), "{method}");
        let days = line.daily_balances.iter().filter(|day| day.cycle == 1);
        assert!(days.clone().all(|day| day.balance == cents(subject)), "{method}");
        assert_eq!(days.count(), 30, "{method}");
    }
}

#[test]
fn the_rates_that_one_balance_bears_are_told_by_days_and_without_the_dollars_of_days() {
    let product = "[product.interest]\nperiod = \"monthly\"\nbalance = \"previous_balance\"";
    let events = [rate("2026-09-16", "12%", "all_balances"), pay("2026-09-20", "500.00")];
    let report = lived(product, "2026-10-01", &owing("24%", "1000.00", &events));
    // Half a month at 2 %, half a month at 1 %.
    assert_eq!(interest(&report), all(&["15.00"]));
    let told = report.explain("statement.1.interest.draws").unwrap().text();
    assert!(told.contains("rates: 1.5000000000%"), "{told}");
    assert!(told.contains("15 days at 24.00%: 1.0000000000%"), "{told}");
    assert!(told.contains("15 days at 12.00%: 0.5000000000%"), "{told}");
    assert!(!told.contains("$500.00"), "{told}");
}

/// What the open cycle has accrued is told as what a closed one bills.
#[test]
fn an_open_cycle_tells_the_average_or_the_balance_that_bears_its_interest() {
    let previous = "[product.interest]\nperiod = \"monthly\"\nbalance = \"previous_balance\"";
    let events = [pay("2026-09-10", "500.00")];
    let report = lived(previous, "2026-09-16", &owing("24%", "1000.00", &events));
    let told = report.explain("accrued_interest").unwrap().text();
    // Half of a month at 2 % on 1,000.00.
    assert!(told.contains("15 days at 24.00%: $10.00000000"), "{told}");
    assert!(!told.contains("$500.00"), "{told}");
}
