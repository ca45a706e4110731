//! Penalty fees: what caps them, which minimum asks for them, and when none can be charged.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "common/text.rs"]
mod text;

use credit::{
    AllocationTo, ProductCatalog,
    scenario::{self, LineReport},
};
use money::Cents;
use text::{draw, event, pay};

/// A line of product `T`, the plain one with `product`, since January 2026; its cycles are the months.
fn lived(product: &str, as_of: &str, line: &str) -> LineReport {
    let text = format!(
        "as_of = {as_of}\n[[product]]\nname = \"T\"\nbased_on = \"CASHLINE-STD-1\"\n{product}\n[line]\nproduct = \"T\"\nopened_on = 2026-01-01\nclose_day = 31\ncredit_limit = \"5000.00\"\n{line}"
    );
    let scenario = scenario::parse(&text, &ProductCatalog::embedded().unwrap())
        .map_err(|error| format!("{error}\n{text}"));
    scenario::run(&scenario.unwrap()).unwrap().lines.remove(0)
}

fn cents(text: &str) -> Cents {
    Cents::parse_dollars(text).unwrap()
}

const ASKS_FOR_PENALTIES: &str = "[product.minimum]\narms = [{ amount = \"25.00\" }]\nadd_penalty_fees = true\n[product.fees.late]\namount = \"10.00\"\n";

/// The payment of March 10 had left 10.00 to ask for; it came back, and the second minimum has had its own late fee.
#[test]
fn a_late_fee_is_never_above_what_its_statement_printed_in_all() {
    let events = [
        draw("2026-01-05", "400.00"),
        pay("2026-02-10", "25.00"),
        event("payment", "2026-03-10", "id = \"p\"\namount = \"365.00\""),
        event("payment_returned", "2026-04-03", "payment = \"p\""),
    ];
    let line = format!("apr = \"0%\"\n{}", events.concat());
    let report = lived("", "2026-05-31", &line);
    assert_eq!(report.statements[2].minimum_due, cents("10.00"));
    let fees: Vec<Cents> = report.position.late_fees.iter().map(|fee| fee.amount).collect();
    assert_eq!(fees, ["15.00", "10.00"].map(cents));
}

/// The payment of February 10 came back on April 2: the late fee of March is first shown, and asked for, by the April statement.
#[test]
fn a_late_fee_that_becomes_known_later_is_in_the_minimum_that_shows_it() {
    let events = [
        draw("2026-01-05", "1000.00"),
        event("payment", "2026-02-10", "id = \"p\"\namount = \"25.00\""),
        event("payment_returned", "2026-04-02", "payment = \"p\""),
    ];
    let line = format!("apr = \"0%\"\n{}", events.concat());
    let report = lived(ASKS_FOR_PENALTIES, "2026-04-30", &line);
    let april = report.statements.last().unwrap();
    assert_eq!(april.fees.iter().map(|fee| fee.amount).sum::<Cents>(), cents("20.00"));
    // 25.00 for April, 75.00 of the three before it, and both fees.
    assert_eq!(april.minimum_due, cents("120.00"));
}

/// Of a minimum of 25.00 and a late fee of 10.00 the fee is no principal, though principal comes first.
#[test]
fn the_principal_part_of_a_minimum_leaves_out_its_penalty_fee() {
    let events = [draw("2026-01-05", "1000.00"), pay("2026-04-10", "85.00")];
    let line = format!("apr = \"0%\"\n{}", events.concat());
    let report = lived(ASKS_FOR_PENALTIES, "2026-04-30", &line);
    // Three minimums of 25.00 and the late fee of March; that of April 5 is not asked for yet.
    let fees = report.position.allocations[0]
        .parts
        .iter()
        .find(|part| matches!(part.to, AllocationTo::PenaltyFee { .. }));
    assert_eq!(fees.unwrap().amount, cents("10.00"));
    assert_eq!(report.position.principal_balance, cents("925.00"));
}

/// 6 % is all that may be charged on what was owed before service (50 USC 3937(d)).
#[test]
fn no_fee_is_charged_for_a_payment_that_came_back_in_service() {
    let events = [
        draw("2026-01-05", "1000.00"),
        event("rate_cap", "2026-01-10", "apr = \"6%\"\nreason = \"50 USC 3937\""),
        event("payment", "2026-02-10", "id = \"p\"\namount = \"25.00\""),
        event("payment_returned", "2026-02-12", "payment = \"p\""),
    ];
    let line = format!("apr = \"24%\"\n{}", events.concat());
    let report = lived("[product.fees]\nreturned_payment = \"20.00\"\n", "2026-02-20", &line);
    assert_eq!(report.position.penalty_fees, Cents::ZERO);
}
