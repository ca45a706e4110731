//! What other lenders' agreements say, stated as data. Each figure is had by hand; the sum stands beside it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "common/text.rs"]
mod text;

use credit::{
    ProductCatalog, Statement,
    scenario::{self, LineReport},
};
use money::Cents;
use text::{draw, event, pay};

fn run(text: &str) -> LineReport {
    let scenario = scenario::parse(text, &ProductCatalog::embedded().unwrap())
        .map_err(|error| format!("{error}\n{text}"))
        .unwrap();
    scenario::run(&scenario).unwrap().lines.remove(0)
}

/// A line of product `T` (the plain line with `product`) opened on 2026-09-01 at 24 %, cycles by calendar month, lived to January.
fn lived(product: &str, line: &str) -> LineReport {
    let apr = if line.contains("apr = ") { "" } else { "apr = \"24%\"\n" };
    run(&format!(
        "as_of = 2027-01-01\n[[product]]\nname = \"T\"\n{product}\n[line]\nproduct = \"T\"\nopened_on = 2026-09-01\nclose_day = 31\n{apr}{line}"
    ))
}

const OWES_1000: &str = "[line.brought_forward]\nprincipal = \"1000.00\"\n";

fn cents(text: &str) -> Cents {
    Cents::parse_dollars(text).unwrap()
}

fn statement(report: &LineReport, number: u32) -> &Statement {
    report.statements.iter().find(|one| one.number == number).unwrap()
}

fn interest(report: &LineReport, number: u32) -> Cents {
    statement(report, number).interest_total
}

fn interest_on(report: &LineReport, number: u32, feature: &str) -> Cents {
    let lines = statement(report, number).interest.iter();
    lines.filter(|line| line.feature == feature).map(|line| line.amount).sum()
}

#[test]
fn balances_at_a_moment_of_the_cycle_count_unpaid_interest_where_the_lender_says_so() {
    let monthly = |balance: &str| {
        format!(
            "[product.interest]\nperiod = \"monthly\"\nbalance = \"{balance}\"\non_billed_interest = true\n"
        )
    };
    let line = format!(
        "apr = \"18%\"\n[line.brought_forward]\nprincipal = \"400.00\"\n{}",
        pay("2026-10-10", "250.00")
    );
    // 1.5 % of 400.00; of 406.00 at the start of October; of 156.00 + 6.09 at the start of November.
    let previous = lived(&monthly("previous_balance"), &line);
    assert_eq!([1, 2, 3].map(|n| interest(&previous, n)), ["6.00", "6.09", "2.43"].map(cents));
    // 1.5 % of 406.00 − 250.00 = 156.00.
    let adjusted = lived(&monthly("adjusted_balance"), &line);
    assert_eq!(interest(&adjusted, 2), cents("2.34"));
    let ending = lived(&monthly("ending_balance"), &line);
    assert_eq!(interest(&ending, 2), cents("2.34"));
    assert_eq!(statement(&ending, 2).interest[0].periodic_rate, "1.500000%");
}

#[test]
fn an_average_balance_includes_interest_that_compounds_daily() {
    // 1,000.00 at 24 %/365 for 30 days compounds to 19.915; the balances average 1,009.593, and 1,009.59 × 24 %/365 × 30 = 19.915.
    for round_average in [true, false] {
        let report = lived(
            &format!(
                "[product.interest]\ncompounding = \"daily\"\nbalance = \"average_daily_balance\"\nround_average = {round_average}\n"
            ),
            OWES_1000,
        );
        assert_eq!(interest(&report, 1), cents("19.92"));
        assert_eq!(statement(&report, 1).interest[0].average_balance, cents("1009.59"));
    }
}

const SLICES: &str = "[[product.features]]\nname = \"draws\"\ntiers = [{ up_to = \"500.00\", apr = \"24%\" }, { apr = \"18%\" }]\n";

#[test]
fn tiers_hold_in_every_method_and_under_a_cap() {
    let line = "[line.brought_forward]\nprincipal = \"1200.00\"\n";
    // 2 % of 500.00 and 1.5 % of 700.00.
    for balance in ["average_daily_balance", "previous_balance", "ending_balance"] {
        let report = lived(
            &format!("{SLICES}[product.interest]\nperiod = \"monthly\"\nbalance = \"{balance}\"\n"),
            line,
        );
        assert_eq!(interest(&report, 1), cents("20.50"), "{balance}");
    }
    // (500.00 × 24 % + 700.00 × 18 %) × 30 / 365.
    let daily = lived(SLICES, line);
    assert_eq!(interest(&daily, 1), cents("20.22"));
    assert_eq!(statement(&daily, 1).interest[0].apr.ppm(), 180_000);
    // 1,200.00 × 6 % × 30 / 365.
    let capped =
        lived(SLICES, &format!("{line}{}", event("rate_cap", "2026-09-01", "apr = \"6%\"")));
    assert_eq!(interest(&capped, 1), cents("5.92"));
}

#[test]
fn a_whole_balance_bears_the_rate_of_the_tier_it_reaches() {
    let product = "[[product.features]]\nname = \"draws\"\ntiers_on = \"whole\"\ntiers = [{ up_to = \"9999.99\", apr = \"18.99%\" }, { apr = \"15.99%\" }]\n";
    let report = |principal: &str| {
        let line = format!(
            "credit_limit = \"20000.00\"\n[line.brought_forward]\nprincipal = \"{principal}\"\n"
        );
        interest(&lived(product, &line), 1)
    };
    // 9,000.00 × 18.99 % × 30/365; 12,000.00 × 15.99 % × 30/365.
    assert_eq!(report("9000.00"), cents("140.47"));
    assert_eq!(report("12000.00"), cents("157.71"));
}

#[test]
fn a_monthly_rate_that_changes_counts_by_the_days_of_each() {
    let line = format!(
        "apr = \"18%\"\n{OWES_1000}{}",
        event("rate_change", "2026-09-16", "apr = \"24%\"\napplies_to = \"all_balances\"")
    );
    // 1,000.00 × (15 × 1.5 % + 15 × 2 %) / 30.
    let report = lived("[product.interest]\nperiod = \"monthly\"\n", &line);
    assert_eq!(interest(&report, 1), cents("17.50"));
    assert_eq!(statement(&report, 1).interest[0].rates.len(), 2);
}

#[test]
fn interest_by_the_balance_at_the_start_of_the_day_runs_through_the_day_of_payment() {
    let line = format!("{OWES_1000}{}", pay("2026-09-11", "500.00"));
    // Eleven days of 1,000.00 and 19 of 500.00 instead of ten and 20.
    let start = lived("[product.interest]\nbalance_at = \"start_of_day\"\n", &line);
    assert_eq!(interest(&start, 1), cents("13.48"));
    assert_eq!(interest(&lived("", &line), 1), cents("13.15"));
}

#[test]
fn interest_below_a_floor_is_not_charged_and_some_interest_is_raised_to_one() {
    let line = "[line.brought_forward]\nprincipal = \"20.00\"\n";
    // 20.00 × 24 % × 30/365 = 0.39.
    let waived = lived("[product.interest]\nwaived_below = \"0.50\"\n", line);
    assert_eq!(interest(&waived, 1), Cents::ZERO);
    let raised = lived("[product.interest]\nminimum_charge = \"0.50\"\n", line);
    assert_eq!(interest(&raised, 1), cents("0.50"));
}

#[test]
fn a_variable_rate_is_an_index_and_a_margin_between_a_floor_and_a_cap() {
    let product = |more: &str| {
        format!(
            "[[product.features]]\nname = \"draws\"\nvariable = {{ margin = \"12.49%\", index = [{{ from = 2026-01-01, apr = \"8.50%\" }}, {{ from = 2026-09-20, apr = \"9.00%\" }}], {more} }}\n"
        )
    };
    // 20.99 % for 30 days; 21.49 % for 31 days; where 21.25 % is the cap, that.
    let next = lived(&product("takes_effect = \"next_cycle\""), OWES_1000);
    assert_eq!([1, 2].map(|n| interest(&next, n)), ["17.25", "18.25"].map(cents));
    let capped = lived(&product("takes_effect = \"next_cycle\", cap = \"21.25%\""), OWES_1000);
    assert_eq!(interest(&capped, 2), cents("18.05"));
    let floor = lived(&product("takes_effect = \"next_cycle\", floor = \"24%\""), OWES_1000);
    assert_eq!(interest(&floor, 1), cents("19.73"));
    // 9.50 % from October 16: 15 days at 21.49 % and 16 at 21.99 %.
    let line = format!("{OWES_1000}{}", event("index_change", "2026-10-16", "apr = \"9.50%\""));
    assert_eq!(
        interest(&lived(&product("takes_effect = \"on_the_day\""), &line), 2),
        cents("18.47")
    );
}

#[test]
fn each_promotional_draw_has_its_own_end() {
    let product = "[[product.features]]\nname = \"draws\"\npromotion = { apr = \"0%\", cycles_from_draw = 2 }\n";
    let line = format!("{}{}", draw("2026-09-10", "600.00"), draw("2026-10-10", "400.00"));
    let report = lived(product, &line);
    // The first is free in September and October, the second in October and November.
    assert_eq!([1, 2].map(|n| interest(&report, n)), [Cents::ZERO; 2]);
    assert_eq!(interest(&report, 3), cents("11.84"));
    assert_eq!(
        [interest_on(&report, 4, "draws"), interest_on(&report, 4, "draws 2")],
        ["12.23", "8.15"].map(cents)
    );
    let months = product.replace("cycles_from_draw = 2", "months_from_draw = 1");
    // Free through October 9; 22 days of October.
    let report = lived(&months, &draw("2026-09-10", "600.00"));
    assert_eq!(interest(&report, 2), cents("8.68"));
}

#[test]
fn an_offer_is_only_for_draws_made_while_it_stands() {
    let product = "[[product.features]]\nname = \"draws\"\npromotion = { apr = \"0%\", through = 2026-12-31, draws_through = 2026-09-30 }\n";
    let line = format!("{}{}", draw("2026-09-10", "600.00"), draw("2026-10-01", "1000.00"));
    let report = lived(product, &line);
    // 1,000.00 × 24 % × 31/365.
    assert_eq!(interest(&report, 2), cents("20.38"));
}

#[test]
fn deferred_interest_compounds_where_the_account_does() {
    let product = "[product.interest]\ncompounding = \"daily\"\n[[product.features]]\nname = \"draws\"\npromotion = { apr = \"0%\", through = 2026-10-15, deferred = true }\n";
    let report = lived(product, &draw("2026-09-01", "1000.00"));
    let deferred = statement(&report, 1).interest[0].deferred.unwrap();
    // 1,000.00 × (1.000657534^30 − 1).
    assert_eq!(deferred.amount, cents("19.92"));
    // 45 days deferred come to 30.02, which is owed from then on: the 16 days after them to 10.89. 1,000.00 × (1.000657534^61 − 1).
    assert_eq!(interest(&report, 2), cents("40.91"));
}

const CARD: &str =
    "[product.interest]\ncompounding = \"daily\"\n[product.grace]\nkind = \"paid_in_full\"\n";

#[test]
fn interest_on_what_was_paid_within_grace_leaves_no_interest_on_interest_behind() {
    // 5,000.00 bought, 4,900.00 paid by the due date: 100.00 for 30 days at 24 % compounds to 1.99, and nothing else.
    let line = format!(
        "credit_limit = \"9000.00\"\n{}{}",
        draw("2026-10-15", "5000.00"),
        pay("2026-11-20", "4900.00")
    );
    assert_eq!(interest(&lived(CARD, &line), 3), cents("1.99"));
}

#[test]
fn a_promotional_balance_need_not_be_paid_to_keep_grace_on_purchases() {
    let product = format!(
        "{CARD}leaves_out = [\"transfers\"]\n[[product.features]]\nname = \"purchases\"\n[[product.features]]\nname = \"transfers\"\napr = \"0%\"\ngrace = false\n"
    );
    let line = format!(
        "{}{}{}",
        event("draw", "2026-09-05", "feature = \"transfers\"\namount = \"2000.00\""),
        event("draw", "2026-09-06", "feature = \"purchases\"\namount = \"500.00\""),
        pay("2026-10-20", "555.00"),
    ) + &event("draw", "2026-10-22", "feature = \"purchases\"\namount = \"100.00\"");
    let report = lived(&product, &line);
    assert_eq!(statement(&report, 1).pay_to_avoid_interest, Some(cents("500.00")));
    assert_eq!(interest(&report, 2), Cents::ZERO);
    let whole = lived(&product.replace("leaves_out = [\"transfers\"]\n", ""), &line);
    assert!(interest(&whole, 2).is_positive());
}

#[test]
fn what_came_in_unpaid_is_the_balance_of_a_statement_before_the_first() {
    let report = |lost: bool| {
        lived(CARD, &format!("{OWES_1000}grace_lost = {lost}\n{}", draw("2026-09-11", "100.00")))
    };
    // Grace was lost before: 1,000.00 for 30 days and 100.00 for 20, compounded: 19.915 + 1.323.
    assert_eq!(interest(&report(true), 1), cents("21.24"));
    assert!(interest(&report(false), 1).is_positive());
}

#[test]
fn a_fee_that_joins_its_balance_is_repaid_as_that_balance() {
    let product = "[[product.features]]\nname = \"purchases\"\napr = \"15%\"\n[[product.features]]\nname = \"cash\"\napr = \"29.99%\"\nfee = { percent = \"5%\", least = \"10.00\", joins_balance = true }\n";
    let line = format!(
        "[line.brought_forward]\nprincipal = {{ purchases = \"1000.00\" }}\n{}{}",
        event("draw", "2026-09-01", "feature = \"cash\"\namount = \"200.00\""),
        pay("2026-09-11", "300.00"),
    );
    let report = lived(product, &line);
    // 210.00 for ten days at 29.99 %; 1,000.00 for ten days and 910.00 for twenty at 15 %.
    assert_eq!(interest_on(&report, 1, "cash"), cents("1.73"));
    assert_eq!(interest_on(&report, 1, "purchases"), cents("11.59"));
    assert_eq!(statement(&report, 1).fees_total, cents("10.00"));
    assert_eq!(statement(&report, 1).off_by(), Cents::ZERO);
}

#[test]
fn a_payment_can_go_balance_by_balance_the_minimum_to_the_lowest_rate() {
    let product = "[product.interest]\non_billed_interest = true\n[[product.features]]\nname = \"low\"\napr = \"12%\"\n[[product.features]]\nname = \"high\"\napr = \"24%\"\n[product.waterfall]\nsteps = [\"minimum_balances\", \"balances\", \"accrued_interest\"]\nminimum_order = \"lowest_apr\"\nexcess_order = \"highest_apr\"\n[product.minimum]\narms = [{ amount = \"50.00\" }]\n";
    let line = format!(
        "[line.brought_forward]\nprincipal = {{ low = \"1000.00\", high = \"1000.00\" }}\n{}",
        pay("2026-10-01", "150.00")
    );
    let report = lived(product, &line);
    // September bills 9.86 and 19.73. Of 150.00, 50.00 go to the low balance, interest first, and 100.00 to the high one.
    assert_eq!(
        [interest_on(&report, 1, "low"), interest_on(&report, 1, "high")],
        ["9.86", "19.73"].map(cents)
    );
    // October: 959.86 × 12 % × 31/365 and 919.73 × 24 % × 31/365.
    assert_eq!(
        [interest_on(&report, 2, "low"), interest_on(&report, 2, "high")],
        ["9.78", "18.75"].map(cents)
    );
}

#[test]
fn in_the_last_cycles_of_a_deferral_the_excess_goes_there_first() {
    let product = |through: &str| {
        format!(
            "[[product.features]]\nname = \"purchases\"\napr = \"29.99%\"\n[[product.features]]\nname = \"deferred\"\napr = \"20%\"\npromotion = {{ apr = \"0%\", through = {through}, deferred = true }}\n[product.waterfall]\ndeferred_first_in_last_cycles = 2\n[product.minimum]\narms = [{{ amount = \"0.00\" }}]\n"
        )
    };
    let left = |through: &str, on: &str| {
        let line = format!(
            "[line.brought_forward]\nprincipal = {{ purchases = \"500.00\", deferred = \"500.00\" }}\n{}",
            pay(on, "300.00")
        );
        let report = lived(&product(through), &line);
        let feature = |name: &str| {
            let mut features = report.position.features.iter();
            features.find(|one| one.name == name).unwrap().principal
        };
        [feature("purchases"), feature("deferred")]
    };
    let [first, beside] = [["200.00", "500.00"], ["500.00", "200.00"]].map(|both| both.map(cents));
    // It ends on the due date of November, so that October is the first of its last two cycles.
    assert_eq!(left("2026-11-25", "2026-09-30"), first);
    let [purchases, deferred] = left("2026-11-25", "2026-10-15");
    // 12.32 of the payment went to the interest that September billed.
    assert_eq!([purchases, deferred], ["500.00", "212.32"].map(cents));
    // A day before it: November is no cycle of it, September is the first of the last two.
    assert_eq!(left("2026-11-24", "2026-09-30"), beside);
    let [purchases, deferred] = left("2026-11-24", "2026-11-10");
    assert!(purchases < cents("500.00") && deferred == cents("500.00"));
}

#[test]
fn a_late_fee_is_an_amount_a_share_or_goes_by_the_balance_and_has_its_cap() {
    let fee = |late: &str, more: &str| {
        let product = format!(
            "[product.minimum]\narms = [{{ percent = \"3%\" }}]\n[product.fees.late]\n{late}\n"
        );
        let line = format!(
            "apr = \"0%\"\ncredit_limit = \"9000.00\"\n[line.brought_forward]\nprincipal = \"6000.00\"\n{more}"
        );
        let report = lived(&product, &line);
        let mut fees = report.position.late_fees.iter();
        fees.find(|fee| fee.cycle == 1).map_or(Cents::ZERO, |fee| fee.amount)
    };
    // The minimum is 180.00.
    assert_eq!(fee("percent = \"5%\"\namount = \"5.00\"\nafter_days = 15", ""), cents("9.00"));
    assert_eq!(fee("percent = \"5%\"\nmost = \"7.00\"", ""), cents("7.00"));
    let bands = "brackets = [{ up_to = \"1000.00\", amount = \"29.00\" }, { amount = \"39.00\" }]";
    assert_eq!(fee(bands, ""), cents("39.00"));
    // 5.00 is unpaid of 180.00.
    let part = pay("2026-10-20", "175.00");
    assert_eq!(fee("amount = \"30.00\"", &part), cents("5.00"));
    let minimum = "amount = \"30.00\"\ncapped_by_unpaid_minimum = false\ncapped_by_minimum = true";
    assert_eq!(fee(minimum, &part), cents("30.00"));
    assert_eq!(fee("amount = \"30.00\"\nnone_below = \"10.00\"", &part), Cents::ZERO);
}

#[test]
fn minimums_by_limit_last_draw_brackets_and_level_payment() {
    let minimum = |arm: &str, more: &str| -> [Cents; 2] {
        let product = format!("[product.minimum]\narms = [{arm}]\n");
        let line = format!(
            "apr = \"0%\"\ncredit_limit = \"4000.00\"\n{}{more}",
            draw("2026-09-01", "3000.00")
        );
        let report = lived(&product, &line);
        [1, 2].map(|number| statement(&report, number).minimum_due)
    };
    let paid = pay("2026-10-20", "1000.00");
    assert_eq!(
        minimum("{ percent = \"5%\", of = \"credit_limit\" }", &paid),
        ["200.00"; 2].map(cents)
    );
    // 2.5 % of 3,000.00, and so it stays.
    let last_draw = "{ percent = \"2.5%\", of = \"principal_after_last_draw\" }";
    assert_eq!(minimum(last_draw, &paid), ["75.00"; 2].map(cents));
    let brackets = "{ of = \"new_balance\", brackets = [{ up_to = \"2500.00\", amount = \"40.00\" }, { amount = \"60.00\" }] }";
    assert_eq!(minimum(brackets, &paid), ["60.00", "40.00"].map(cents));
    // 3,000.00 over 36 months without interest.
    assert_eq!(minimum("{ amortised_over = 36 }", &paid), ["83.33", "55.56"].map(cents));
    // 1.3 % of 3,000.00 is 39.00: the next multiple of ten is 40.00.
    let tens = "{ percent = \"1.3%\", whole_dollars = \"up\", multiple_of = \"10.00\" }";
    assert_eq!(minimum(tens, &paid), ["40.00", "30.00"].map(cents));
}

#[test]
fn a_minimum_that_holds_everything_is_asked_for_once() {
    let product = "[product.minimum]\narms = [{ percent = \"100%\", of = \"new_balance\" }]\nadd_past_due = false\n";
    let report = lived(product, &format!("apr = \"0%\"\n{}", draw("2026-09-01", "300.00")));
    assert_eq!(statement(&report, 3).minimum_due, cents("300.00"));
    assert_eq!(report.position.minimum_due, cents("300.00"));
}

#[test]
fn a_credit_is_no_payment_where_the_agreement_says_so() {
    let product = "[product.minimum]\narms = [{ amount = \"35.00\" }]\ncredits_count = false\n[product.fees.late]\namount = \"30.00\"\n[[product.features]]\nname = \"purchases\"\n[[product.features]]\nname = \"cash\"\napr = \"29.99%\"\n";
    let line = format!(
        "[line.brought_forward]\nprincipal = {{ purchases = \"500.00\", cash = \"500.00\" }}\n{}",
        event(
            "credit",
            "2026-10-10",
            "amount = \"40.00\"\nfeature = \"purchases\"\nreason = \"returned goods\""
        )
    );
    let report = lived(product, &line);
    assert_eq!(report.position.late_fees[0].amount, cents("30.00"));
    assert_eq!(report.position.features[0].principal, cents("460.00"));
    assert_eq!(statement(&report, 2).credits_total, cents("40.00"));
}

#[test]
fn dates_can_follow_banking_days_or_stand() {
    // Friday, September 25 at 17:30 counts for Monday the 28th: 27 days of 1,000.00 and three of 500.00.
    let late = event("payment", "2026-09-25", "amount = \"500.00\"\nat = \"17:30\"");
    let line = format!("{OWES_1000}{late}");
    let banking = lived("[product.dates]\npayments_count_on = \"banking_days\"\n", &line);
    assert_eq!(interest(&banking, 1), cents("18.74"));
    // October 25, 2026 is a Sunday. The payment of Monday is late where the date stands.
    let product = |moves: bool| {
        format!(
            "[product.dates]\ndue_moves_to_banking_day = {moves}\n[product.fees.late]\namount = \"30.00\"\ncapped_by_unpaid_minimum = false\n[product.minimum]\narms = [{{ amount = \"35.00\" }}]\n"
        )
    };
    let line = format!("{OWES_1000}{}", pay("2026-10-26", "35.00"));
    let fees = |moves: bool| {
        lived(&product(moves), &line).position.late_fees.iter().filter(|fee| fee.cycle == 1).count()
    };
    assert_eq!([fees(true), fees(false)], [0, 1]);
    // Due dates one by one.
    let listed = lived("", &format!("due_on = [2026-10-23, 2026-11-24]\n{OWES_1000}"));
    let due = [1, 2, 3].map(|number| statement(&listed, number).due_on.to_string());
    assert_eq!(due, ["2026-10-23", "2026-11-24", "2026-12-25"]);
}

#[test]
fn a_plan_fee_goes_by_balance_or_begins_the_cycle_and_an_excess_costs_its_fee() {
    let fees = |product: &str, line: &str| {
        let report = lived(product, line);
        [1, 2].map(|number| statement(&report, number).fees_total)
    };
    let line =
        format!("apr = \"0%\"\n{}{}", draw("2026-09-01", "300.00"), pay("2026-10-16", "200.00"));
    // Of 200.00, 18.00 pay the fee; 6 % of the 118.00 left.
    let share = "[product.fees.plan]\npercent = \"6%\"\n";
    assert_eq!(fees(share, &line), ["18.00", "7.08"].map(cents));
    // October: 15 days of 300.00 and 16 of 160.00 average 227.74.
    let bands = "[product.fees.plan]\nof = \"average_daily_balance\"\nbrackets = [{ up_to = \"250.00\", amount = \"30.00\" }, { amount = \"60.00\" }]\n";
    assert_eq!(fees(bands, &line), ["60.00", "30.00"].map(cents));
    // On the first day, bearing interest: 1,050.00 × 24 % × 30/365; every second cycle.
    let first = "[product.interest]\non_fees = true\n[product.fees.plan]\namount = \"50.00\"\non = \"first_day\"\nevery_cycles = 2\n";
    let report = lived(first, OWES_1000);
    assert_eq!(interest(&report, 1), cents("20.71"));
    assert_eq!(fees(first, OWES_1000), ["50.00", "0.00"].map(cents));
    // 12.00 above the limit cost 12.00; where charges use the limit the next cycle ends 24.00 above and costs 20.00.
    let over = "[product.fees]\nover_limit = { amount = \"20.00\" }\n";
    let line = format!("apr = \"0%\"\ncredit_limit = \"988.00\"\n{OWES_1000}");
    assert_eq!(fees(over, &line), ["12.00", "12.00"].map(cents));
    let over = format!("{over}[product.limits]\ncharges_use_limit = true\n");
    assert_eq!(fees(&over, &line), ["12.00", "20.00"].map(cents));
}

#[test]
fn one_event_costs_one_penalty_and_never_more_than_the_minimum() {
    let product = "regime = \"card\"\n[product.minimum]\narms = [{ amount = \"12.00\" }]\n[product.fees]\nreturned_payment = \"30.00\"\nreturned_payment_capped_by_minimum = true\none_penalty_per_event = true\n[product.fees.late]\namount = \"30.00\"\n";
    let line = format!(
        "{OWES_1000}{}{}",
        event("payment", "2026-10-20", "id = \"p\"\namount = \"12.00\""),
        event("payment_returned", "2026-10-23", "payment = \"p\"")
    );
    let report = lived(product, &line);
    assert_eq!(statement(&report, 2).fees_total, cents("12.00"));
}

#[test]
fn a_card_statement_tells_what_minimums_come_to() {
    let product = "regime = \"card\"\n[product.minimum]\narms = [{ amount = \"25.00\" }]\n";
    let report = lived(product, "apr = \"12%\"\n[line.brought_forward]\nprincipal = \"900.00\"\n");
    // 908.88 at 1 % a month, 25.00 a month: ln(25 / (25 − 9.0888)) / ln 1.01 = 45.4, so 46 payments.
    let Some(credit::Repayment::Estimate { months, in_36_months: Some(three_years), .. }) =
        statement(&report, 1).repayment
    else {
        unreachable!("it takes more than three years")
    };
    assert_eq!(months, 46);
    // 908.88 × 0.01 × 1.01^36 / (1.01^36 − 1) = 30.19.
    assert_eq!(three_years.monthly, cents("30.00"));
    assert_eq!(three_years.total, cents("1087.00"));
    assert_eq!(statement(&lived("", OWES_1000), 1).repayment, None);
}

#[test]
fn a_covered_borrower_s_fees_of_any_kind_are_kept_to_the_cap() {
    let cycle = |line: &str| {
        let report = lived("", &format!("apr = \"0%\"\ncovered_borrower = true\n{line}"));
        (statement(&report, 1).new_balance, report.position.cycles[0].charges.rate())
    };
    // A fee of 50.00 on 100.00 for the whole cycle: 3.00 may stand.
    let fact = event("fee", "2026-09-10", "fee = \"other\"\namount = \"50.00\"");
    let (balance, rate) = cycle(&format!("{}{fact}", draw("2026-09-01", "100.00")));
    assert_eq!(balance, cents("103.00"));
    assert_eq!(rate.unwrap().ppm(), 360_000);
    // A plan fee as a fact is no exception.
    let fact = event("fee", "2026-09-10", "fee = \"plan\"\namount = \"50.00\"");
    assert_eq!(cycle(&format!("{}{fact}", draw("2026-09-01", "100.00"))).0, cents("103.00"));
    // A fee on a draw of the last day is judged by the draw, not by 1/30 of it.
    let last = event("draw", "2026-09-30", "amount = \"100.00\"\nfee = \"20.00\"");
    assert_eq!(cycle(&last).0, cents("103.00"));
}
