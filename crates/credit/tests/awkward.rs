//! Plans, disputes, small balances and lines that come in late, where facts fall awkwardly. Each figure is had by hand; the sum
//! stands beside it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use credit::{
    ProductCatalog, Snapshot, Statement, replay_from,
    scenario::{self, LineReport},
};
use money::Cents;

fn read(product: &str, as_of: &str, line: &str) -> Result<LineReport, String> {
    let text = format!(
        "as_of = {as_of}\n[[product]]\nname = \"T\"\nbased_on = \"CASHLINE-STD-1\"\n{product}\n[line]\nproduct = \"T\"\nopened_on = 2026-01-01\nclose_day = 31\ncredit_limit = \"9000.00\"\n{line}"
    );
    let scenario = scenario::parse(&text, &ProductCatalog::embedded().unwrap())
        .map_err(|error| error.to_string())?;
    Ok(scenario::run(&scenario).unwrap().lines.remove(0))
}

fn lived(product: &str, as_of: &str, line: &str) -> LineReport {
    read(product, as_of, line).unwrap()
}

fn event(kind: &str, on: &str, amount: &str, rest: &str) -> String {
    format!("\n[[line.events]]\nkind = \"{kind}\"\non = {on}\namount = \"{amount}\"\n{rest}\n")
}

fn cents(text: &str) -> Cents {
    Cents::parse_dollars(text).unwrap()
}

fn minimums(report: &LineReport) -> Vec<Cents> {
    report.statements.iter().map(|one: &Statement| one.minimum_due).collect()
}

const PLAN: &str = "[[product.features]]\nname = \"draws\"\n[[product.features]]\nname = \"plan\"\ninstalments = { months = MONTHS }\n";

#[test]
fn a_line_that_comes_in_with_a_minimum_long_due_can_be_lived() {
    let line = "[line.brought_forward]\non = 2026-03-01\nprincipal = \"500.00\"\nminimum_unpaid = \"25.00\"\ndue_on = 2026-01-20\n";
    let report = lived("", "2026-05-15", line);
    // March 1 and 14 days: unpaid since March 15, two months before May 15.
    assert_eq!(report.position.days_past_due, 61);
}

#[test]
fn an_instalment_that_was_missed_is_not_asked_for_again_with_the_last_one() {
    let events = [
        event("draw", "2026-01-05", "300.00", "feature = \"plan\""),
        event("draw", "2026-01-05", "5000.00", "feature = \"draws\""),
        event("payment", "2026-02-10", "200.00", ""),
    ];
    let report = lived(&PLAN.replace("MONTHS", "3"), "2026-06-01", &events.concat());
    // 2 % of the rest, 100.00 at first and 98.00 then, and 100.00 a month. February is paid; what March asks for is not.
    let asked = ["200.00", "198.00", "396.00", "494.00"].map(cents);
    assert_eq!(minimums(&report)[..4], asked);
}

#[test]
fn what_is_disputed_of_a_plan_is_not_asked_for() {
    let asked = |disputed: &str| {
        let events = [
            event("draw", "2026-01-05", "1200.00", "id = \"p\"\nfeature = \"plan\""),
            event("draw", "2026-01-05", "2000.00", "feature = \"draws\""),
            event("dispute", "2026-01-20", disputed, "draw = \"p\""),
        ];
        minimums(&lived(&PLAN.replace("MONTHS", "12"), "2026-02-02", &events.concat()))[0]
    };
    // 2 % of 2,000.00, and 100.00 a month of what is not disputed.
    assert_eq!(asked("1200.00"), cents("40.00"));
    assert_eq!(asked("600.00"), cents("90.00"));
}

#[test]
fn nothing_is_asked_for_by_a_statement_that_need_not_be_sent() {
    let asked = |paid: &str| {
        let events =
            [event("draw", "2026-01-31", "100.00", ""), event("payment", "2026-01-31", paid, "")];
        lived("", "2026-04-15", &events.concat())
    };
    let report = asked("99.00");
    assert_eq!(minimums(&report), [Cents::ZERO; 3]);
    assert!(report.statements.iter().all(|one| !one.must_be_sent));
    assert_eq!(report.position.days_past_due, 0);
    assert_eq!(minimums(&asked("98.99"))[0], cents("1.01"));
}

#[test]
fn a_feature_cannot_be_called_what_a_further_balance_of_another_is_called() {
    let named = |name: &str| {
        let product = format!(
            "[[product.features]]\nname = \"draws\"\n[[product.features]]\nname = \"{name}\"\n"
        );
        read(&product, "2026-01-02", "")
    };
    assert!(named("draws 2").unwrap_err().contains("further balance of `draws`"));
    assert!(named("draws to go").is_ok());
}

#[test]
fn minimums_that_contradict_one_another_are_refused() {
    let read = |given: &str| {
        let line = format!("[line.brought_forward]\nprincipal = \"500.00\"\n{given}");
        read("", "2026-02-15", &line).err().unwrap_or_default()
    };
    let none = read("minimum_unpaid = \"65.00\"\npast_due = \"40.00\"\ndue_on = 2026-01-10\n");
    assert!(none.contains("needs `past_due_since`"), "{none}");
    let more = read(
        "minimum_unpaid = \"25.00\"\npast_due = \"40.00\"\npast_due_since = 2025-12-10\ndue_on = 2026-01-10\n",
    );
    assert!(more.contains("cannot be more"), "{more}");
    let since = |past_due: &str| {
        read(&format!(
            "minimum_unpaid = \"65.00\"\npast_due = \"{past_due}\"\npast_due_since = 2025-12-10\ndue_on = 2025-12-10\n"
        ))
    };
    assert!(since("40.00").contains("all of `minimum_unpaid`"));
    assert_eq!(since("65.00"), "");
}

#[test]
fn a_snapshot_of_another_layout_is_done_without() {
    let report = lived("", "2026-04-15", &event("draw", "2026-01-05", "500.00", ""));
    let on = report.position.on;
    let fresh = replay_from(&[], &report.events, on).unwrap();
    assert!(!fresh.snapshots.is_empty());
    let resumed = |layout: Option<u32>| {
        let mut stored = serde_json::to_value(fresh.snapshots.last().unwrap()).unwrap();
        stored["state"]["credit_limit"] = 700.into();
        let table = stored.as_object_mut().unwrap();
        let own = table.remove("layout").unwrap();
        let layout = layout.map_or(own, Into::into);
        table.insert("layout".to_owned(), layout);
        let snapshot: Snapshot = serde_json::from_value(stored).unwrap();
        replay_from(&[snapshot], &report.events, on).unwrap().position.credit_limit
    };
    assert_eq!(resumed(None), cents("7.00"));
    assert_eq!(resumed(Some(0)), cents("9000.00"));
}

#[test]
fn a_rate_change_for_new_draws_leaves_a_feature_one_rounding() {
    let interest = |product: &str| {
        let events = [
            event("draw", "2026-01-01", "500.00", ""),
            "\n[[line.events]]\nkind = \"rate_change\"\non = 2026-01-11\napr = \"30%\"\napplies_to = \"new_draws\"\n"
                .to_owned(),
            event("draw", "2026-01-11", "500.00", ""),
            event("payment", "2026-01-21", "300.00", ""),
        ];
        let line = format!("apr = \"24%\"\ncloses_on = [2026-01-30]\n{}", events.concat());
        lived(product, "2026-01-31", &line).statements[0].interest_total
    };
    // 30 days of 500.00 at 24 %, 9.8630; 10 of 500.00 and 10 of 200.00 at 30 %, 5.7534: 15.6164 at once.
    assert_eq!(interest(""), cents("15.62"));
    // 9.86 and 5.75.
    assert_eq!(interest("[product.interest]\nrounded_per = \"balance\"\n"), cents("15.61"));
}

/// 600.00 at 12 % in six months: 103.53 a month, of it 6.12 interest in January. Nothing else is owed.
#[test]
fn the_interest_of_an_instalment_that_was_missed_is_asked_for_once() {
    let plan = "features = [{ name = \"plan\", apr = \"12%\", instalments = { months = 6 } }]";
    let report = lived(plan, "2026-03-01", &event("draw", "2026-01-01", "600.00", ""));
    assert_eq!(minimums(&report), ["103.53", "207.06"].map(cents));
}

#[test]
fn draws_that_are_repaid_by_instalments_of_their_own_are_rounded_by_themselves() {
    let events: Vec<String> = ["2026-01-01", "2026-01-01", "2026-01-01"]
        .map(|on| event("draw", on, "100.00", "feature = \"plan\""))
        .to_vec();
    let line = format!("apr = \"24.01%\"\ncloses_on = [2026-01-22]\n{}", events.concat());
    let report = lived(&PLAN.replace("MONTHS", "12"), "2026-01-23", &line);
    // 22 days of 100.00 at 24.01 %, 1.4472 each: 4.3415 at once.
    assert_eq!(report.statements[0].interest_total, cents("4.35"));
}
