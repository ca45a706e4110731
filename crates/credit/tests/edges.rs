//! Grace, late fees and capped rates where facts fall awkwardly. Each figure is had by hand; the sum stands beside it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use credit::{
    ProductCatalog, Statement,
    scenario::{self, LineReport},
};
use money::Cents;

/// A line of product `T` (the plain line with `product`) opened on 2026-09-01, cycles by calendar month, lived to January.
fn lived(product: &str, apr: &str, line: &str) -> LineReport {
    let text = format!(
        "as_of = 2027-01-01\n[[product]]\nname = \"T\"\n{product}\n[line]\nproduct = \"T\"\nopened_on = 2026-09-01\nclose_day = 31\napr = \"{apr}\"\n{line}"
    );
    let scenario = scenario::parse(&text, &ProductCatalog::embedded().unwrap())
        .map_err(|error| format!("{error}\n{text}"))
        .unwrap();
    scenario::run(&scenario).unwrap().lines.remove(0)
}

fn event(kind: &str, on: &str, rest: &str) -> String {
    format!("\n[[line.events]]\nkind = \"{kind}\"\non = {on}\n{rest}\n")
}

fn amount(kind: &str, on: &str, amount: &str) -> String {
    event(kind, on, &format!("amount = \"{amount}\""))
}

fn cents(text: &str) -> Cents {
    Cents::parse_dollars(text).unwrap()
}

fn statement(report: &LineReport, number: u32) -> &Statement {
    report.statements.iter().find(|one| one.number == number).unwrap()
}

const GRACE: &str = "[product.grace]\nkind = \"paid_in_full\"\n";

const CARD_LATE_FEE: &str = "[product.minimum]\narms = [{ percent = \"10%\" }]\n[product.fees.late]\namount = \"30.00\"\nafter_days = 0\ncapped_by_unpaid_minimum = false\ncapped_by_minimum = true\n";

#[test]
fn a_fee_of_the_cycle_that_is_paid_within_grace_bears_interest_while_it_is_owed() {
    // 1,000.00 for 31 days and 41.00 for one day at 24 %: 20.3836 + 0.0270.
    let product = format!(
        "[product.interest]\non_fees = true\n{GRACE}[product.waterfall]\nsteps = [\"penalty_fees\", \"billed_interest\", \"billed_fees\", \"minimum_principal\", \"principal\", \"open_fees\", \"accrued_interest\"]\n"
    );
    let line = [
        amount("draw", "2026-09-10", "1000.00"),
        event("fee", "2026-10-15", "fee = \"returned_payment\"\namount = \"41.00\""),
        amount("payment", "2026-10-16", "41.00"),
    ];
    let report = lived(&product, "24%", &line.concat());
    assert_eq!(statement(&report, 2).interest_total, cents("20.41"));
}

#[test]
fn a_late_fee_is_never_above_the_minimum_that_was_printed() {
    // 10 % of 100.00 was printed; with a draw that was learned of later it should have been 25.00.
    let line = [
        amount("draw", "2026-09-05", "100.00"),
        event("draw", "2026-09-20", "recorded_on = 2026-10-05\namount = \"150.00\""),
    ];
    let report = lived(CARD_LATE_FEE, "0%", &line.concat());
    assert_eq!(statement(&report, 1).minimum_due, cents("10.00"));
    assert_eq!(statement(&report, 2).fees_total, cents("10.00"));
}

#[test]
fn part_of_a_minimum_that_came_in_with_the_line_does_not_lower_the_late_fee() {
    // 12 CFR 1026.52(b)(2)(i)(A): the minimum is 40.00, whatever is paid of it, so that 30.00 is within the cap.
    let line = "[line.brought_forward]\nprincipal = \"500.00\"\nminimum_unpaid = \"40.00\"\ndue_on = 2026-09-15\n";
    let line = format!("{line}{}", amount("payment", "2026-09-10", "35.00"));
    let report = lived(CARD_LATE_FEE, "0%", &line);
    assert_eq!(statement(&report, 1).fees_total, cents("30.00"));
}

#[test]
fn a_payment_that_comes_back_after_the_late_fee_s_day_costs_one_penalty() {
    // The 100.00 of the minimum were paid in time, on October 20, and came back on November 12: 30.00, once.
    let fees = "[product.fees]\none_penalty_per_event = true\nreturned_payment = \"30.00\"\n";
    let product =
        CARD_LATE_FEE.replace("[product.fees.late]", &format!("{fees}[product.fees.late]"));
    let line = [
        amount("draw", "2026-09-05", "1000.00"),
        event("payment", "2026-10-20", "id = \"p\"\namount = \"100.00\""),
        event("payment_returned", "2026-11-12", "payment = \"p\""),
    ];
    let report = lived(&product, "0%", &line.concat());
    assert_eq!(statement(&report, 3).new_balance, cents("1030.00"));
}

#[test]
fn a_balance_that_came_in_due_on_a_sunday_keeps_grace_when_it_is_paid_on_monday() {
    // 2026-09-13 is a Sunday (12 CFR 1026.10(d): not late for any purpose).
    let september = |paid_on: &str| {
        let line = "[line.brought_forward]\nprincipal = \"100.00\"\ndue_on = 2026-09-13\n";
        let events =
            [amount("draw", "2026-09-02", "500.00"), amount("payment", paid_on, "100.00")].concat();
        let report = lived(GRACE, "24%", &format!("{line}{events}"));
        statement(&report, 1).interest_total
    };
    assert_eq!(september("2026-09-14"), Cents::ZERO);
    assert!(september("2026-09-15").is_positive());
}

#[test]
fn six_percent_is_not_raised_to_a_minimum_charge() {
    // 20.00 for 30 days at 6 %: 0.0986 (50 USC 3937(d)(1): any charge is interest).
    let line = "[line.brought_forward]\nprincipal = \"20.00\"\n";
    let line = format!("{line}{}", event("rate_cap", "2026-09-01", "apr = \"6%\""));
    let report = lived("[product.interest]\nminimum_charge = \"2.00\"\n", "24%", &line);
    assert_eq!(statement(&report, 1).interest_total, cents("0.10"));
}

#[test]
fn a_cap_on_what_was_owed_before_service_spares_its_late_fee_and_not_that_of_later_draws() {
    let fees = |before: &str| {
        let events = [
            event("rate_cap", "2026-09-05", "apr = \"6%\""),
            amount("draw", "2026-09-10", "100.00"),
        ];
        let report = lived(
            "[product.fees.late]\namount = \"15.00\"\n",
            "24%",
            &format!("{before}{}", events.concat()),
        );
        statement(&report, 3).fees_total
    };
    // The minimum of September, 25.00, is due on October 25, a Sunday; ten days after Monday it is late.
    assert_eq!(fees(""), cents("15.00"));
    assert_eq!(fees("[line.brought_forward]\nprincipal = \"1000.00\"\n"), Cents::ZERO);
}
