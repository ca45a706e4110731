//! Draws for so long, then repayment: no draw any more, and a minimum of its own.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::NaiveDate;
use credit::{
    ProductCatalog, Refusal, quote_draw,
    scenario::{self, LineReport, ScenarioError},
};
use money::Cents;

#[path = "common/text.rs"]
mod text;

use text::{draw, event, pay};

fn cents(text: &str) -> Cents {
    Cents::parse_dollars(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn outcome(text: &str) -> Result<LineReport, ScenarioError> {
    let scenario = scenario::parse(text, &ProductCatalog::embedded().unwrap())?;
    scenario::run(&scenario).map(|report| report.lines.into_iter().next().unwrap())
}

const FOUR_PARTS: &str = "begins_after_months = 2\ncycles = 4\n[product.repayment.minimum]\narms = [{ one_of = 4, of = \"principal_at_repayment\", plus_interest = true }]\n";

/// A line without interest and without a minimum while draws can be made, opened on 2026-09-06; cycles close on the 5th.
fn line(as_of: &str, repayment: &str, rest: &str) -> String {
    format!(
        "as_of = {as_of}\n[[product]]\nname = \"T\"\n[product.minimum]\narms = [{{ amount = \"0.00\" }}]\n[product.repayment]\n{repayment}\n[line]\nproduct = \"T\"\nopened_on = 2026-09-06\nclose_day = 5\ncredit_limit = \"5000.00\"\n{rest}"
    )
}

fn lived(as_of: &str, repayment: &str, rest: &str) -> LineReport {
    outcome(&line(as_of, repayment, rest)).unwrap()
}

fn minimums(report: &LineReport) -> Vec<Cents> {
    report.statements.iter().map(|one| one.minimum_due).collect()
}

#[test]
fn what_is_owed_when_draws_end_is_repaid_in_equal_parts() {
    let events = [
        draw("2026-09-10", "1000.00"),
        draw("2026-10-10", "200.00"),
        pay("2026-12-20", "300.00"),
        // More than is asked for makes no later part smaller.
        pay("2027-01-20", "450.00"),
        pay("2027-02-20", "300.00"),
    ];
    let report = lived("2027-03-10", FOUR_PARTS, &events.concat());
    let expected = ["0.00", "0.00", "300.00", "300.00", "300.00", "150.00"].map(cents);
    assert_eq!(minimums(&report), expected);
}

#[test]
fn the_last_statement_asks_for_all_that_is_owed() {
    let share = "begins_on = 2026-11-06\ncycles = 3\n[product.repayment.minimum]\narms = [{ percent = \"2%\", of = \"principal_at_repayment\" }]\n";
    let paid = [pay("2026-12-20", "20.00"), pay("2027-01-20", "20.00")].concat();
    let report = lived("2027-02-10", share, &format!("{}{paid}", draw("2026-09-10", "1000.00")));
    let expected = ["0.00", "0.00", "20.00", "20.00", "960.00"].map(cents);
    assert_eq!(minimums(&report), expected);
}

#[test]
fn no_draw_is_made_from_the_first_day_of_repayment_on() {
    let quote = |as_of: &str| {
        let report = lived(as_of, FOUR_PARTS, &draw("2026-09-10", "1000.00"));
        let available = report.position.available_credit;
        (quote_draw(&report.position, None, cents("50.00")).map(|quote| quote.fee), available)
    };
    assert_eq!(quote("2026-11-05"), (Ok(Cents::ZERO), cents("4000.00")));
    let from = day("2026-11-06");
    assert_eq!(quote("2026-11-06"), (Err(Refusal::DrawPeriodOver { from }), Cents::ZERO));
    let late = draw("2026-09-10", "1000.00") + &draw("2026-11-20", "50.00");
    let report = lived("2026-12-10", FOUR_PARTS, &late);
    let said =
        "the product refuses this draw (the draw period is over: no draws from 2026-11-06 on)";
    assert!(report.notes.iter().any(|note| note.contains(said)), "{:?}", report.notes);
    assert_eq!(report.statements[1].available_credit, cents("4000.00"));
    assert_eq!(report.statements[2].available_credit, Cents::ZERO);
}

#[test]
fn a_change_of_terms_puts_the_end_of_draws_off() {
    let change = event(
        "terms_change",
        "2026-11-20",
        "terms = { repayment = { begins_after_months = 4 } }\nexception = \"agreed\"",
    );
    let events = format!("{}{change}", draw("2026-09-10", "1000.00"));
    let report = lived("2026-12-10", FOUR_PARTS, &events);
    assert_eq!(report.position.repayment_from, Some(day("2027-01-06")));
    assert_eq!(minimums(&report), [Cents::ZERO; 3]);
    assert!(quote_draw(&report.position, None, cents("50.00")).is_ok());
}

#[test]
fn a_line_that_comes_in_during_repayment_goes_on_with_it() {
    let brought = "[line.brought_forward]\nopened_on = 2026-05-06\nprincipal = \"800.00\"\n";
    let report =
        lived("2026-11-10", FOUR_PARTS, &format!("{brought}{}", pay("2026-10-20", "200.00")));
    assert_eq!(report.position.repayment_from, Some(day("2026-07-06")));
    // The third of four statements is the first of ours.
    assert_eq!(minimums(&report), ["200.00", "600.00"].map(cents));
}

#[test]
fn a_line_that_comes_in_during_repayment_says_with_what_it_began() {
    let said = |amount: &str| {
        format!(
            "[line.brought_forward]\nopened_on = 2026-05-06\nprincipal = \"800.00\"\nprincipal_at_repayment = \"{amount}\"\n{}",
            pay("2026-10-20", "400.00")
        )
    };
    let report = lived("2026-11-10", FOUR_PARTS, &said("1600.00"));
    // A quarter of 1,600.00, and what is left with the fourth.
    assert_eq!(minimums(&report), ["400.00", "400.00"].map(cents));
    for (repayment, amount, refused) in [
        (FOUR_PARTS, "799.99", "less than the principal that is owed"),
        ("begins_after_months = 24", "1600.00", "has not begun"),
    ] {
        let message = outcome(&line("2026-11-10", repayment, &said(amount))).unwrap_err();
        let message = std::error::Error::source(&message).unwrap().to_string();
        assert!(message.contains(refused), "{message}");
    }
}

#[test]
fn terms_of_repayment_that_cannot_be_are_refused() {
    for (repayment, said) in [
        ("cycles = 3", "needs `begins_after_months` or `begins_on`"),
        ("begins_after_months = 2\nbegins_on = 2027-01-01", "one of them"),
        ("begins_after_months = 0", "from 1 to 1200"),
        ("begins_after_months = 2\ncycles = 0", "from 1 to 1200"),
        (
            "begins_after_months = 2\n[product.repayment.minimum]\nfree_cycles = 1",
            "`free_cycles` count from opening",
        ),
        (
            "begins_after_months = 2\n[product.repayment.minimum]\narms = [{ one_of = 0 }]",
            "from 1 to 1200",
        ),
        ("begins_after_months = 2\n[product.limits]\nuntil = 3", "unknown field"),
    ] {
        match outcome(&line("2026-10-01", repayment, "")) {
            Err(ScenarioError::Text(error)) => {
                assert!(error.message.contains(said), "{repayment}: {error:?}");
            }
            other => assert!(other.is_err(), "{repayment}"),
        }
    }
    let early = line("2026-10-01", FOUR_PARTS, "").replace(
        "arms = [{ amount = \"0.00\" }]",
        "arms = [{ percent = \"1%\", of = \"principal_at_repayment\" }]",
    );
    assert!(outcome(&early).is_err());
    let card = line("2026-10-01", FOUR_PARTS, "")
        .replace("name = \"T\"\n", "name = \"T\"\nregime = \"card\"\n");
    assert!(outcome(&card).is_err());
}

/// 1,000.00 in ten instalments beside 1,000.00; nothing is paid.
#[test]
fn the_last_statement_asks_for_instalments_that_were_missed_too() {
    let events = [
        draw("2026-09-10", "1000.00"),
        event("draw", "2026-11-01", "amount = \"1000.00\"\nfeature = \"plan\""),
    ];
    let repayment = "begins_after_months = 2\ncycles = 3\n[product.repayment.minimum]\narms = [{ percent = \"2%\", of = \"principal_at_repayment\" }]\n[[product.features]]\nname = \"draws\"\n[[product.features]]\nname = \"plan\"\ninstalments = { months = 10 }\n";
    let report = lived("2027-02-10", repayment, &events.concat());
    // 100.00 a month of the plan since November, and 20.00 beside it; then all that is beside it.
    assert_eq!(minimums(&report)[1..], ["100.00", "220.00", "340.00", "1400.00"].map(cents));
}

#[test]
fn a_line_that_comes_in_says_when_its_draw_period_began() {
    let brought = "[line.brought_forward]\nprincipal = \"800.00\"\n";
    let refused = outcome(&line("2026-11-10", FOUR_PARTS, brought)).unwrap_err().to_string();
    assert!(refused.contains("needs `opened_on`"), "{refused}");
}
