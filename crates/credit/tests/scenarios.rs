//! Scenario files: what they come to, and what is said of those that cannot be read.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use credit::{
    ProductCatalog, Statement,
    scenario::{self, Report, ScenarioError},
};
use money::Cents;

fn run(text: &str) -> Report {
    let scenario = scenario::parse(text, &ProductCatalog::embedded().unwrap()).unwrap();
    scenario::run(&scenario).unwrap()
}

fn refused(text: &str) -> (usize, usize, String) {
    match scenario::parse(text, &ProductCatalog::embedded().unwrap()).unwrap_err() {
        ScenarioError::Text(error) => (error.line, error.column, error.message),
        other => (0, 0, other.to_string()),
    }
}

fn cents(text: &str) -> Cents {
    Cents::parse_dollars(text).unwrap()
}

fn three(report: &Report) -> [&Statement; 3] {
    report.lines.first().unwrap().statements.iter().collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn the_plain_line_gives_the_whole_statement_of_v43() {
    let report = run(include_str!("../../../docs/scenarios/plain-line.toml"));
    let statement = &report.lines[0].statements[0];
    assert_eq!(statement.new_balance, cents("978.76"));
    assert_eq!(statement.interest_total, cents("22.76"));
    assert_eq!(statement.minimum_due, cents("47.76"));
    let interest = report.explain("statement.1.interest").unwrap();
    assert_eq!(interest.value.text(), "$22.76");
    let text = interest.text();
    assert!(text.contains("15 days × balance × daily rate"), "{text}");
    assert_eq!(report.explain("Ana/statement.1.interest"), Some(interest));
    assert_eq!(report.explain("statement.9.interest"), None);
    for figure in report.figures() {
        assert!(report.explain(&figure).is_some(), "{figure}");
    }
    let what_if = &report.lines[0].what_ifs[0];
    assert!(what_if.with.total_owed_cents < what_if.without.total_owed_cents);
    let days = &report.lines[0].daily_balances;
    let balance = |on: &str| days.iter().find(|day| day.on.to_string() == on).unwrap().balance;
    assert_eq!(balance("2026-09-09"), cents("800.00"));
    assert_eq!(balance("2026-09-10"), cents("1000.00"));
    assert_eq!(balance("2026-09-25"), cents("950.00"));
}

#[test]
fn a_report_is_json_and_text() {
    let report = run(include_str!("../../../docs/scenarios/plain-line.toml"));
    let json = serde_json::to_value(&report).unwrap();
    let statement = &json["lines"][0]["statements"][0];
    assert_eq!(statement["new_balance_cents"], 97_876);
    assert_eq!(statement["interest"][0]["apr_ppm"], 289_900);
    assert_eq!(json["lines"][0]["quotes"][0]["kind"], "payoff");
    insta::assert_snapshot!(report.text());
}

#[test]
fn a_returned_payment_leaves_the_closed_statement_and_adjusts_the_difference() {
    let report = run(include_str!("../../../docs/scenarios/returned-payment.toml"));
    let [first, second, third] = three(&report);
    assert_eq!(first.interest_total, cents("16.31"));
    // Keyed late: three days at 75.00 less. Returned: 26 days at 200.00 more.
    let adjustments: Vec<_> =
        second.adjustments.iter().map(|item| (item.label.as_str(), item.amount)).collect();
    assert_eq!(
        adjustments,
        [
            ("adjustment of interest on draws of statement 1", cents("-0.15")),
            ("payment returned", cents("200.00")),
            ("adjustment of interest on draws of statement 1", cents("3.42")),
        ]
    );
    for statement in [first, second, third] {
        assert_eq!(statement.off_by(), Cents::ZERO);
    }
}

#[test]
fn v32_service_lowers_every_cycle_since_its_first_day_and_forgives_the_late_fee() {
    let report = run(include_str!("../../../docs/scenarios/military-service.toml"));
    let [june, july, august] = three(&report);
    assert_eq!(june.interest_total, cents("24.65"));
    assert_eq!(july.interest_total, cents("25.47"));
    assert_eq!(july.fees_total, cents("15.00"));
    let forgiven: Vec<_> = august.adjustments.iter().map(|item| item.amount).collect();
    // The flag is recorded first, and it alone forgives the late fee.
    assert_eq!(forgiven, [cents("-15.00"), cents("-13.80"), cents("-20.37")]);
    assert_eq!(august.adjustments_total, cents("-49.17"));
    assert_eq!(august.interest_total, cents("5.10"));
}

#[test]
fn a_card_of_another_lender_is_data() {
    let report = run(include_str!("../../../docs/scenarios/card-grace.toml"));
    insta::assert_snapshot!(report.text());
}

#[test]
fn a_report_of_the_day_of_a_close_has_that_statement() {
    let text = "as_of = 2026-09-30\n[line]\nproduct = \"CASHLINE-STD-1\"\nopened_on = 2026-09-01\napr = \"24%\"\n[line.brought_forward]\nprincipal = \"1000.00\"\n";
    let report = run(text);
    let line = report.lines.first().unwrap();
    assert_eq!(line.statements.first().unwrap().interest_total, cents("19.73"));
    assert_eq!(line.position.accrued_interest, cents("19.07"));
}

#[test]
fn a_payment_after_the_cut_off_counts_for_the_next_day() {
    let paid_on = |at: &str| {
        let report = run(&format!(
            "as_of = 2026-09-20\n[line]\nproduct = \"CASHLINE-STD-1\"\nopened_on = 2026-09-01\n[[line.events]]\nkind = \"payment\"\non = 2026-09-04\nat = \"{at}\"\namount = \"5.00\"\n"
        ));
        report.lines.first().unwrap().position.allocations.first().unwrap().effective_on.to_string()
    };
    assert_eq!(paid_on("17:00"), "2026-09-04");
    assert_eq!(paid_on("17:01"), "2026-09-05");
}

#[test]
fn several_lines_stand_in_one_file() {
    let line = |name: &str| {
        format!(
            "[[line]]\nname = \"{name}\"\nproduct = \"CASHLINE-STD-1\"\nopened_on = 2026-09-01\napr = \"24%\"\n"
        )
    };
    let report = run(&format!("as_of = 2026-09-20\n{}{}", line("one"), line("two")));
    assert_eq!(report.lines.len(), 2);
    assert!(report.explain("two/total_owed").is_some());
    assert_eq!(report.figures().first().unwrap(), "one/accrued_interest");
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let file = |rest: &str| {
        format!(
            "as_of = 2026-12-01\n[line]\nproduct = \"CASHLINE-STD-1\"\nopened_on = 2026-09-01\n{rest}"
        )
    };
    let event = |rest: &str| file(&format!("[[line.events]]\n{rest}"));
    let cases = [
        ("as_of = ".to_owned(), 1, "string values must be quoted"),
        (file("flavour = 1\n"), 5, "unknown field `flavour`"),
        (file("apr = \"24\"\n"), 5, "not a rate"),
        (file("apr = 0.24\n"), 5, "expected a string"),
        (file("credit_limit = \"1.005\"\n"), 5, "more than two decimals"),
        (file("close_day = 32\n"), 5, "from 1 to 31"),
        (file("").replace("STD-1", "STD-9"), 3, "there is no product `CASHLINE-STD-9`"),
        (file("[line.terms.interest]\nday_basis = \"364\"\n"), 6, "unknown variant `364`"),
        (event("kind = \"drow\"\non = 2026-09-02\n"), 6, "unknown variant `drow`"),
        (event("kind = \"draw\"\non = 2026-09-31\namount = \"5.00\"\n"), 7, ""),
        (event("kind = \"draw\"\non = 2026-09-02\n"), 5, "needs `amount`"),
        (event("kind = \"draw\"\non = 2026-09-02\namount = \"-5.00\"\n"), 8, "must be positive"),
        (
            event("kind = \"draw\"\non = 2026-08-02\namount = \"5.00\"\n"),
            7,
            "before the line opens",
        ),
        (event("kind = \"payment_returned\"\non = 2026-09-02\npayment = \"p9\"\n"), 8, "`p9`"),
        (
            event("kind = \"fee\"\nfee = \"rent\"\non = 2026-09-02\namount = \"1.00\"\n"),
            7,
            "`rent`",
        ),
    ];
    for (text, line, said) in cases {
        let (found_line, _, message) = refused(&text);
        assert_eq!(found_line, line, "{text}: {message}");
        assert!(message.contains(said), "{text}: {message}");
    }
}

#[test]
fn an_event_that_the_engine_refuses_is_named_by_its_place() {
    let text = "as_of = 2026-12-01\n[line]\nproduct = \"CASHLINE-STD-1\"\nopened_on = 2026-09-01\n\n[[line.events]]\nkind = \"draw\"\nfeature = \"bets\"\non = 2026-09-02\namount = \"5.00\"\n";
    let scenario = scenario::parse(text, &ProductCatalog::embedded().unwrap()).unwrap();
    let error = scenario::run(&scenario).unwrap_err();
    assert!(matches!(error, ScenarioError::Event { line: 6, .. }), "{error}");
}

#[test]
fn a_figure_of_one_of_several_lines_is_asked_for_by_its_name_and_a_name_may_have_a_slash() {
    let line = |name: &str| {
        format!(
            "[[line]]\nname = \"{name}\"\nproduct = \"CASHLINE-STD-1\"\nopened_on = 2026-09-01\napr = \"24%\"\n[line.brought_forward]\nprincipal = \"100.00\"\n[[line.what_ifs]]\nname = \"6/7\"\napr = \"12%\"\n"
        )
    };
    let one = run(&format!("as_of = 2026-10-20\n{}", line("a/b")));
    for figure in ["total_owed", "a/b/total_owed", "what_if.6/7.total_owed"] {
        assert!(one.explain(figure).is_some(), "{figure}");
    }
    let two = run(&format!("as_of = 2026-10-20\n{}{}", line("a/b"), line("a")));
    assert!(two.explain("a/b/what_if.6/7.total_owed").is_some());
    assert!(two.explain("a/what_if.6/7.total_owed").is_some());
    assert_eq!(two.explain("total_owed"), None);
    assert_eq!(two.of_each_line("total_owed"), ["a/b/total_owed", "a/total_owed"]);
    assert!(two.of_each_line("nonsense").is_empty());
}

#[test]
fn the_minimum_under_a_dispute_is_the_least_of_what_is_shown() {
    let minimum = |disputed: &str| {
        let text = format!(
            "as_of = 2026-10-02\n[line]\nproduct = \"CASHLINE-STD-1\"\nopened_on = 2026-09-01\nclose_day = 31\n[line.brought_forward]\nprincipal = \"400.00\"\n[[line.events]]\nkind = \"dispute\"\non = 2026-09-10\namount = \"{disputed}\"\n"
        );
        run(&text).explain("cycle.1.minimum_due").unwrap()
    };
    let shown = |of: &credit::Derivation| -> Vec<(String, String)> {
        of.inputs.iter().map(|one| (one.label.clone(), one.value.text())).collect()
    };
    let some = minimum("385.00");
    assert_eq!((some.how, some.value.text().as_str()), (Some(credit::How::Least), "$15.00"));
    let owed = &some.inputs[1];
    assert_eq!((owed.how, owed.value.text().as_str()), (Some(credit::How::Sum), "$15.00"));
    let parts = [("total owed", "$400.00"), ("disputed, with the charges on it", "-$385.00")];
    let parts = parts.map(|(label, value)| (label.to_owned(), value.to_owned()));
    assert_eq!(shown(owed), parts);
    let all = minimum("400.00");
    assert_eq!(shown(&all)[1].1, "$0.00");
    assert!(all.inputs.len() == 2 && all.inputs[1].rule.contains("all that is owed is disputed"));
}

#[test]
fn fees_of_a_what_if_are_those_of_the_position() {
    let text = "as_of = 2026-09-20\n[line]\nproduct = \"CASHLINE-STD-1\"\nopened_on = 2026-09-01\n[line.brought_forward]\nfees = \"5.00\"\npenalty_fees = \"15.00\"\n[[line.what_ifs]]\nname = \"w\"\nevents = [{ kind = \"draw\", on = 2026-09-10, amount = \"20.00\" }]\n";
    let report = run(text);
    let (position, what_if) = (&report.lines[0].position, &report.lines[0].what_ifs[0]);
    assert_eq!((position.fees, position.penalty_fees), (cents("5.00"), cents("15.00")));
    let without = &what_if.without;
    assert_eq!((without.fees_cents, without.penalty_fees_cents), (cents("5.00"), cents("15.00")));
    assert!(report.explain("what_if.w.without.penalty_fees").is_some());
}
