//! Grace where a statement falls due on the day of the next close or after it: single cases, each figure had by hand with the sum beside
//! it. Random lines are in `grace_lots.rs`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "common/text.rs"]
mod text;

use credit::{
    GraceOutcome, ProductCatalog,
    scenario::{self, LineReport},
};
use money::Cents;
use text::{draw, event, pay};

fn lived(product: &str, as_of: &str, line: &str) -> LineReport {
    let text = format!(
        "as_of = {as_of}\n[[product]]\nname = \"T\"\nbased_on = \"CASHLINE-STD-1\"\n{product}\n[line]\nproduct = \"T\"\napr = \"24%\"\n{line}"
    );
    let scenario = scenario::parse(&text, &ProductCatalog::embedded().unwrap())
        .map_err(|error| format!("{error}\n{text}"))
        .unwrap();
    scenario::run(&scenario).unwrap().lines.remove(0)
}

/// Closes on the 20th, due on the first of the month after next: each statement falls due eleven days after the next close.
const DUE_ON_THE_FIRST: &str = "[product.dates]\ndue_day = 1\nstatement_window_days = 21\n[product.grace]\nkind = \"paid_in_full\"\n";
const OPENED: &str = "opened_on = 2026-08-21\nclose_day = 20\n";

fn cents(text: &str) -> Cents {
    Cents::parse_dollars(text).unwrap()
}

fn interest(report: &LineReport) -> Vec<Cents> {
    report.statements.iter().map(|one| one.interest_total).collect()
}

/// What the three first statements charge where 1,000.00 are drawn in the first cycle.
fn owing_1000(product: &str, events: &str) -> Vec<Cents> {
    let line = format!("{OPENED}{}{events}", draw("2026-08-25", "1000.00"));
    interest(&lived(&format!("{product}{DUE_ON_THE_FIRST}"), "2026-11-21", &line))
}

#[test]
fn what_is_paid_by_a_due_date_beyond_the_next_close_bears_no_interest() {
    // 100.00 are left of the first statement, for the 30 days of the second cycle and the 31 of the third.
    for paid_on in ["2026-10-21", "2026-10-28", "2026-11-01"] {
        let charged = owing_1000("", &pay(paid_on, "900.00"));
        assert_eq!(charged, ["0.00", "0.00", "4.01"].map(cents), "{paid_on}");
    }
    assert_eq!(owing_1000("", &pay("2026-11-01", "1000.00")), [Cents::ZERO; 3]);
    // Paid by the tenth of the 30 days of the second cycle already.
    assert_eq!(owing_1000("", &pay("2026-09-30", "900.00"))[2], cents("4.01"));
    // After the due date: 1,000.00 for 30 days and 20, 100.00 for eleven.
    assert_eq!(owing_1000("", &pay("2026-11-10", "900.00"))[2], cents("33.60"));
    // 990.00 for 61 days.
    assert_eq!(owing_1000("", &pay("2026-10-21", "10.00"))[2], cents("39.71"));
}

#[test]
fn a_promotion_that_is_over_spares_nothing() {
    let feature = "[[product.features]]\nname = \"draws\"\npromotion = { apr = \"0%\", through = 2026-08-22 }\n";
    let charged = owing_1000(feature, &pay("2026-10-21", "10.00"));
    assert_eq!(charged, ["0.00", "0.00", "39.71"].map(cents));
}

#[test]
fn a_card_does_not_reach_back_into_earlier_cycles() {
    // 12 CFR 1026.54(a)(1)(i): 100.00 for the 31 days of the cycle in which the due date lies, and nothing for the one before.
    for paid_on in ["2026-10-21", "2026-10-28"] {
        let charged = owing_1000("regime = \"card\"\n", &pay(paid_on, "900.00"));
        assert_eq!(charged, ["0.00", "0.00", "2.04"].map(cents), "{paid_on}");
    }
}

#[test]
fn new_draws_are_not_spared_by_a_statement_that_is_never_paid() {
    let line = format!(
        "{OPENED}[line.brought_forward]\nprincipal = \"1000.00\"\ngrace_lost = true\n{}",
        draw("2026-09-25", "500.00")
    );
    let report = lived(DUE_ON_THE_FIRST, "2026-11-21", &line);
    // 1,000.00 for 31 days and for 30; 1,500.00 for 31, and 500.00 for the 26 days of the cycle before.
    assert_eq!(interest(&report), ["20.38", "19.73", "39.12"].map(cents));
    // Paid in full by November 1, the first statement brings grace back: the second cycle's draw is spared for good.
    let paid =
        lived(DUE_ON_THE_FIRST, "2026-11-21", &format!("{line}{}", pay("2026-11-01", "1540.11")));
    assert_eq!(interest(&paid), ["20.38", "19.73", "0.00"].map(cents));
}

#[test]
fn a_payment_that_came_back_counts_only_to_the_statements_it_had_paid() {
    let product = format!("returns = \"from_return_date\"\n{DUE_ON_THE_FIRST}");
    let returned = |on: &str| event("payment_returned", on, "payment = \"p\"");
    let paid = |on: &str, amount: &str| {
        event("payment", on, &format!("id = \"p\"\namount = \"{amount}\""))
    };
    let before = [
        draw("2026-08-25", "1100.00"),
        paid("2026-09-10", "100.00"),
        returned("2026-10-22"),
        pay("2026-10-25", "1000.00"),
    ];
    // It was paid before the first statement closed, whose 1,000.00 are paid in full.
    let report = lived(&product, "2026-11-21", &format!("{OPENED}{}", before.concat()));
    assert_eq!(interest(&report), [Cents::ZERO; 3]);
    assert_eq!(report.position.total_owed, cents("100.00"));
    // 1,000.00 for 30 days, then for four and 22 (12 CFR 1026.54(b)(2)).
    let after =
        [draw("2026-08-25", "1000.00"), paid("2026-10-25", "1000.00"), returned("2026-10-30")];
    let report = lived(&product, "2026-11-21", &format!("{OPENED}{}", after.concat()));
    assert_eq!(interest(&report), ["0.00", "0.00", "36.82"].map(cents));
}

#[test]
fn a_statement_that_falls_due_on_the_day_of_the_next_close_is_late_at_that_close() {
    let product = "[product.dates]\ndue_days_after_close = 31\ndue_moves_to_banking_day = false\nstatement_window_days = 21\n[product.grace]\nkind = \"paid_in_full\"\n";
    let charged = |paid_on: &str| {
        let events = [draw("2026-09-01", "1000.00"), pay(paid_on, "1000.00")];
        let line = format!("opened_on = 2026-09-01\nclose_day = 31\n{}", events.concat());
        interest(&lived(product, "2026-11-01", &line))
    };
    assert_eq!(charged("2026-10-31"), [Cents::ZERO; 2]);
    // 1,000.00 for the 31 days of October.
    assert_eq!(charged("2026-11-01"), ["0.00", "20.38"].map(cents));
}

#[test]
fn a_cycle_that_waits_for_its_due_date_has_the_price_of_its_own_terms() {
    let changed = |terms: &str| {
        let notice = "exception = \"agreed\"";
        event("terms_change", "2026-10-21", &format!("{notice}\nterms = {{ {terms} }}"))
    };
    // 1,000.00 for the 30 days to October 20 at 24 % / 365, known on November 1, and for the 31 after them.
    assert_eq!(owing_1000("", "")[2], cents("40.11"));
    // At 24 % / 360 from October 21: 19.73 and 20.67.
    let basis = changed("interest = { day_basis = \"360\" }");
    assert_eq!(owing_1000("", &basis)[2], cents("40.39"));
    // Without grace from October 21 the cycle before it is owed all the same.
    let without = changed("grace = { kind = \"none\" }");
    assert_eq!(owing_1000("", &without)[2], cents("40.11"));
}

#[test]
fn several_statements_can_wait_at_once() {
    let product = "[product.dates]\ndue_days_after_close = 45\ndue_moves_to_banking_day = false\nstatement_window_days = 21\n[product.grace]\nkind = \"paid_in_full\"\n";
    let events = |second: &str| {
        let paid = [pay("2026-11-10", "600.00"), pay("2026-12-10", second)];
        format!(
            "opened_on = 2026-09-01\nclose_day = 31\n{}{}{}",
            draw("2026-09-01", "1000.00"),
            draw("2026-11-21", "100.00"),
            paid.concat()
        )
    };
    // Of the first statement 400.00 are not paid by November 14: October and November bear interest on them. The draw of November
    // is spared, for the second statement is paid by December 15, which brings grace back; so is December.
    let report = lived(product, "2027-02-01", &events("516.04"));
    assert_eq!(interest(&report), ["0.00", "0.00", "16.04", "0.00", "0.00"].map(cents));
    assert_eq!(report.position.cycles[2].interest[0].grace, GraceOutcome::LostAndRegained);
    // 366.04 do not pay the second: 500.00 for nine days of December and 150.00 for 22, and 100.00 for ten days of November.
    let report = lived(product, "2027-02-01", &events("366.04"));
    assert_eq!(interest(&report)[2..4], ["16.04", "5.79"].map(cents));
    // Of them 8.15 are for October's 400.00 and 0.66 for November's 100.00, and are told apart.
    let earlier =
        report.statements.iter().map(|one| one.interest.iter().map(|of| of.earlier_cycles).sum());
    assert_eq!(
        earlier.collect::<Vec<Cents>>(),
        ["0.00", "0.00", "8.15", "0.66", "0.00"].map(cents)
    );
}
