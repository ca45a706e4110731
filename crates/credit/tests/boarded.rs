//! A line that comes in from another lender by a scenario: the same facts by the same names as in a boarding file.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use credit::{
    ProductCatalog,
    scenario::{self, LineReport, ScenarioError},
};
use money::{Apr, Cents};

#[expect(dead_code, reason = "each test file uses its own part")]
#[path = "common/text.rs"]
mod text;

use text::draw;

fn outcome(text: &str) -> Result<LineReport, ScenarioError> {
    let scenario = scenario::parse(text, &ProductCatalog::embedded().unwrap())?;
    scenario::run(&scenario).map(|report| report.lines.into_iter().next().unwrap())
}

/// A line whose books begin on 2026-09-01, as it stands on a day.
fn line(product: &str, as_of: &str, rest: &str) -> String {
    format!(
        "as_of = {as_of}\n[line]\nproduct = \"{product}\"\nopened_on = 2026-09-01\ncredit_limit = \"1000.00\"\n{rest}"
    )
}

fn lived(product: &str, as_of: &str, rest: &str) -> LineReport {
    outcome(&line(product, as_of, rest)).unwrap()
}

#[test]
fn an_offer_for_the_first_cycles_ends_with_them_wherever_they_were_lived() {
    let rate = |opened_on: &str, as_of: &str| {
        let rest = format!(
            "apr = \"22.99%\"\n[line.brought_forward]\nprincipal = {{ balance_transfers = \"500.00\" }}\n{opened_on}"
        );
        let position = lived("CARD-STD-1", as_of, &rest).position;
        position.features.iter().find(|one| one.name == "balance_transfers").unwrap().apr
    };
    let ordinary = Apr::from_ppm(229_900);
    assert_eq!(rate("opened_on = 2023-06-30", "2026-09-10"), ordinary);
    assert_eq!(rate("opened_on = 2025-11-01", "2026-10-31"), Apr::ZERO);
    assert_eq!(rate("opened_on = 2025-11-01", "2026-11-01"), ordinary);
    // Where nothing is said the line is as old as its books.
    assert_eq!(rate("", "2027-08-31"), Apr::ZERO);
    assert_eq!(rate("", "2027-09-01"), ordinary);
}

#[test]
fn the_first_draw_was_made_where_principal_is_owed_or_draws_are_counted() {
    let fee = |brought: &str| {
        let rest = format!("{brought}\n{}", draw("2026-09-10", "100.00"));
        lived("CASHLINE-STD-1-FEE3", "2026-09-20", &rest).position.fees
    };
    let owing = |rest: &str| fee(&format!("[line.brought_forward]\n{rest}"));
    assert_eq!(fee(""), Cents::ZERO);
    assert_eq!(owing("principal = \"50.00\""), Cents::new(300));
    assert_eq!(owing("draws_made = 3"), Cents::new(300));
    assert_eq!(owing("opened_on = 2024-01-15"), Cents::new(300));
    assert_eq!(owing("opened_on = 2024-01-15\ndraws_made = 0"), Cents::ZERO);
}

#[test]
fn a_free_first_month_is_the_first_since_the_line_was_opened() {
    let plan_fee = |rest: &str| {
        let report = lived("CASHLINE-SUB-1", "2026-10-05", rest);
        report.position.cycles[0].plan_fee
    };
    assert_eq!(plan_fee(""), Cents::ZERO);
    let old = "[line.brought_forward]\nopened_on = 2026-08-01";
    assert_eq!(plan_fee(old), Cents::new(1_000));
    let report = lived("CASHLINE-SUB-1", "2026-10-05", old);
    assert_eq!(report.statements[0].number, 1, "statements are numbered from the first of ours");
    assert_eq!(report.position.opened_on, "2026-08-01".parse().unwrap());
}

#[test]
fn an_age_that_cannot_be_is_refused_at_its_key() {
    for (rest, said) in [
        ("opened_on = 2026-09-02", "lies after its first day here"),
        ("opened_on = 1969-12-31", "outside the years"),
        ("on = 2026-09-15\nopened_on = 2024-01-15", "on the first day of the line"),
        ("principal = \"5.00\"\ndraws_made = 0", "`draws_made` is 0"),
        ("draws_made = -1", "invalid value"),
    ] {
        let text = line("CASHLINE-STD-1", "2026-10-01", &format!("[line.brought_forward]\n{rest}"));
        match outcome(&text) {
            Err(ScenarioError::Text(error)) => {
                assert!(error.message.contains(said), "{rest}: {error:?}");
            }
            other => panic!("{rest}: {other:?}"),
        }
    }
}
