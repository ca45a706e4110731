//! What a scenario says against itself: refused at the key, where it would otherwise be passed over in silence.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use credit::{
    ProductCatalog, TextError,
    scenario::{self, Report, ScenarioError},
};

fn outcome(text: &str) -> Result<Report, ScenarioError> {
    let scenario = scenario::parse(text, &ProductCatalog::embedded().unwrap())?;
    scenario::run(&scenario)
}

/// Line, column and what is said.
fn refused(text: &str) -> (usize, usize, String) {
    match outcome(text) {
        Err(ScenarioError::Text(error)) => (error.line, error.column, error.message),
        Err(other) => (0, 0, other.to_string()),
        Ok(_) => (0, 0, format!("not refused: {text}")),
    }
}

/// The place of the `mark`, which is no part of the text.
fn marked(text: &str) -> (String, usize, usize) {
    let (before, _) = text.split_once('¶').unwrap();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
    (text.replace('¶', ""), line, column)
}

fn line(rest: &str) -> String {
    format!(
        "as_of = 2026-11-10\n[line]\nproduct = \"CASHLINE-STD-1\"\nopened_on = 2026-09-01\n{rest}"
    )
}

fn owing(rest: &str) -> String {
    line(&format!("apr = \"24%\"\n[line.brought_forward]\nprincipal = \"100.00\"\n{rest}"))
}

fn product(rest: &str) -> String {
    format!(
        "as_of = 2026-11-10\n[[product]]\nname = \"P\"\nbased_on = \"CASHLINE-STD-1\"\n{rest}\n[line]\nproduct = \"P\"\nopened_on = 2026-09-01\n"
    )
}

fn feature(rest: &str) -> String {
    product(&format!("[[product.features]]\nname = \"draws\"\n{rest}\n"))
}

fn refused_where_marked(cases: &[(String, &str)]) {
    for (text, said) in cases {
        let (text, line, column) = marked(text);
        let (found_line, found_column, message) = refused(&text);
        assert!(message.contains(said), "{text}\n{message}");
        assert_eq!((found_line, found_column), (line, column), "{text}\n{message}");
    }
}

#[test]
fn terms_that_contradict_one_another_are_refused_at_the_key() {
    let index = |from: &str, rest: &str| {
        feature(&format!(
            "variable = {{ margin = \"5%\", {rest}¶index = [{{ from = {from}, apr = \"8%\" }}] }}"
        ))
    };
    refused_where_marked(&[
        (
            feature(
                "apr = \"10%\"\n¶variable = { margin = \"5%\", index = [{ from = 2026-01-01, apr = \"8%\" }] }",
            ),
            "in the place of `apr`",
        ),
        (
            index("2026-01-01", "¶floor = \"20%\", cap = \"10%\", ").replacen("¶index", "index", 1),
            "`floor` is above `cap`",
        ),
        (
            feature("promotion = { apr = \"0%\", ¶cycles = 3, through = 2026-12-31 }"),
            "each end the promotion: state one",
        ),
        (
            feature(
                "¶rates = [{ from = 2026-09-10, apr = \"5%\" }, { from = 2026-09-10, apr = \"6%\" }]",
            ),
            "one value a day",
        ),
        (feature("¶tiers_on = \"whole\""), "needs `tiers`"),
        (feature("tiers = [{ ¶up_to = \"0.00\", apr = \"9%\" }, { apr = \"8%\" }]"), "above zero"),
        (feature("instalments = { months = 6, ¶payment_percent = \"0%\" }"), "repays nothing"),
        (feature("fee = { percent = \"3%\", ¶discount = \"150%\" }"), "above 100%"),
        (product("[product.interest]\n¶autopay_discount = \"150%\""), "above 100%"),
        (
            product(
                "[product.fees]\nplan = { ¶amount = \"10.00\", brackets = [{ amount = \"2.00\" }] }",
            ),
            "`amount` of a plan fee never counts",
        ),
        (
            product(
                "[product.fees]\nlate = { amount = \"0.00\", ¶repeat_amount = \"41.00\", repeat_within_cycles = 6 }",
            ),
            "with `first_free`",
        ),
        (
            product(
                "[[product.¶state_overrides]]\nstate = \"NY\"\nfrom = 2026-05-01\nthrough = 2026-01-01",
            ),
            "of NY from 2026-05-01, ends before it begins",
        ),
        (
            feature("fee = { percent = \"3%\", ¶least = \"9.00\", most = \"5.00\" }"),
            "above its `most`",
        ),
        (
            product("[product.fees]\nplan = { ¶least = \"9.00\", most = \"5.00\" }"),
            "above its `most`",
        ),
        (
            product("[product.minimum]\narms = [{ amount = \"25.00\", ¶multiple_of = \"5.00\" }]"),
            "needs `whole_dollars`",
        ),
        (
            product("[product.minimum]\nwhole_dollars = \"up\"\n¶multiple_of = \"0.00\""),
            "above zero",
        ),
    ]);
}

#[test]
fn terms_that_would_count_for_nothing_are_refused_at_the_key() {
    refused_where_marked(&[
        (
            product(
                "[product.fees]\nlate = { ¶amount = \"29.00\", brackets = [{ up_to = \"100.00\", amount = \"15.00\" }, { amount = \"35.00\" }] }",
            ),
            "`amount` of a late fee never counts",
        ),
        (
            product("[product.limits]\nnew_line_days = 0\n¶new_line_hold_days = 5"),
            "needs `new_line_days`",
        ),
    ]);
}

#[test]
fn a_line_that_contradicts_itself_is_refused_at_the_key() {
    let starts = "variable = { margin = \"5%\", index = [{ from = 2026-10-01, apr = \"8%\" }] }";
    refused_where_marked(&[
        (line("¶closes_on = [2026-08-31, 2026-09-30]\n"), "before the line opens on 2026-09-01"),
        (line("¶due_on = [2026-09-20]\n"), "when no statement falls due"),
        (
            owing("").replace("apr =", "¶due_on = [2026-09-20, 2026-10-20, 2026-10-25]\napr ="),
            "has 2026-10-25",
        ),
        (line("¶state = \"ZZ\"\n"), "two letters of a state"),
        (line("close_day = ¶\"5\"\n"), "expected a whole number"),
        (line("terms = { interest = ¶\"x\" }\n"), "expected a table"),
        (line("¶[line]\nname = \"b\"\n"), "each is a `[[line]]`"),
        (feature(starts).replace("product = \"P\"", "product = ¶\"P\""), "begins on 2026-10-01"),
        (
            line("[[line.what_ifs]]\nname = \"w\"\napr = \"9%\"\n")
                + "[[line.what_ifs]]\n¶name = \"w\"\napr = \"8%\"\n",
            "two what-ifs",
        ),
        (line("apr = \"9%\"\n¶[[line.what_ifs]]\nname = \"w\"\n"), "changes nothing"),
        (line("apr = \"9%\"\n[[line.what_ifs]]\nname = \"w\"\n¶apr = \"9%\"\n"), "changes nothing"),
        (
            feature("apr = \"20%\"") + "[[line.what_ifs]]\nname = \"w\"\n¶apr = \"3%\"\n",
            "each one of the line states one",
        ),
        (line("aprs = { ¶bets = \"9%\" }\n"), "does not have"),
        (
            owing("penalty_fees = \"15.00\"\n¶minimum_unpaid = \"115.01\"\ndue_on = 2026-08-20\n"),
            "`minimum_unpaid` is more than all that is owed",
        ),
    ]);
    let all = "penalty_fees = \"15.00\"\nminimum_unpaid = \"115.00\"\ndue_on = 2026-08-20\n";
    outcome(&owing(all)).unwrap();
}

#[test]
fn due_dates_that_a_statement_has_are_taken() {
    // The one before the line, the first one, one on the next close.
    let listed = "due_on = [2026-09-20, 2026-10-20, 2026-11-30]\napr =";
    outcome(&owing("").replace("apr =", listed)).unwrap();
    // After a change of the closing day the file's dates are no longer asked.
    outcome(&line("due_on = [2026-10-25, 2027-02-15]\n[[line.events]]\nkind = \"cycle_change\"\non = 2026-11-05\nclose_day = 10\n")).unwrap();
}

#[test]
fn events_that_cannot_be_are_refused_at_the_key() {
    let event = |rest: &str| owing(&format!("[[line.events]]\n{rest}\n"));
    let two = |first: &str, second: &str| event(&format!("{first}\n[[line.events]]\n{second}"));
    let disputed = "kind = \"dispute\"\nid = \"d\"\non = 2026-09-10\namount = \"50.00\"";
    refused_where_marked(&[
        (
            event("kind = \"rate_cap\"\non = 2026-09-10\napr = \"6%\"\n¶through = 2026-09-01"),
            "before the cap begins",
        ),
        (
            two(
                disputed,
                "kind = \"dispute_resolved\"\non = 2026-09-20\ndispute = \"d\"\n¶error = \"50.01\"",
            ),
            "more than the $50.00 that is disputed",
        ),
        (
            two(
                "kind = \"draw\"\nid = \"a\"\non = 2026-09-10\namount = \"50.00\"",
                "kind = \"payment\"\nid = ¶\"a\"\non = 2026-09-12\namount = \"50.00\"",
            ),
            "a draw and a payment have the id `a`",
        ),
        (
            two(
                "kind = \"draw\"\nid = \"a\"\non = 2026-09-10\namount = \"50.00\"\n[[line.events]]\nkind = \"draw_refused\"\non = 2026-09-11\ndraw = \"a\"",
                "kind = \"draw_refused\"\ndraw = ¶\"a\"\non = 2026-09-12",
            ),
            "draw `a` was refused already",
        ),
        (
            two(
                "kind = \"draw\"\nid = \"a\"\non = 2026-09-10\namount = \"50.00\"",
                "kind = \"dispute\"\n¶draw = \"a\"\nfee = \"late\"\non = 2026-09-12\namount = \"50.00\"",
            ),
            "a `draw` or a `fee`",
        ),
        (
            event("kind = \"terms_change\"\non = 2026-11-05\nnotice_on = 2026-09-10\n¶terms = {}"),
            "changes no term",
        ),
    ]);
}

/// The later word counts where it was learned later; of two that were learned together nothing says which.
#[test]
fn two_rates_or_limits_of_one_day_are_refused_at_the_second() {
    let change = |what: &str, recorded: &str| {
        format!("[[line.events]]\n{what}\non = 2026-09-10\n{recorded}\n")
    };
    let rate = |apr: &str| {
        format!(
            "kind = \"rate_change\"\napr = \"{apr}\"\napplies_to = \"all_balances\"\nexception = \"consumer_favourable\""
        )
    };
    let limit = |to: &str| format!("kind = \"limit_change\"\namount = \"{to}\"");
    for (one, other, said) in [
        (rate("15%"), rate("12%"), "two rates from 2026-09-10 on"),
        (limit("900.00"), limit("800.00"), "two limits from 2026-09-10 on"),
    ] {
        let text = owing(&format!("{}{}", change(&one, ""), change(&other, "")));
        let (found, column, message) = refused(&text);
        let (before, _) = text.split_once(&other).unwrap();
        assert_eq!((found, column), (before.matches('\n').count(), 1), "{text}\n{message}");
        assert!(message.contains(said), "{message}");
        let later = change(&other, "recorded_on = 2026-09-11");
        assert!(outcome(&owing(&format!("{}{later}", change(&one, "")))).is_ok(), "{said}");
    }
}

#[test]
fn terms_of_a_state_that_there_is_not_are_refused() {
    let of = |state: &str| {
        let overrides = format!(
            "[[product.state_overrides]]\nstate = \"{state}\"\nfrom = 2026-01-01\napr_cap = \"18%\"\n"
        );
        refused(&product(&overrides)).2
    };
    assert!(of("ZZ").contains("`ZZ`"), "{}", of("ZZ"));
    assert!(of("NY").contains("not refused"), "{}", of("NY"));
}

#[test]
fn more_waived_disputed_or_drawn_than_there_is_is_taken_as_a_fact_and_told() {
    let event = |rest: &str| owing(&format!("[[line.events]]\n{rest}\n"));
    let fee =
        "kind = \"fee\"\nfee = \"late\"\non = 2026-09-10\namount = \"15.00\"\n[[line.events]]\n";
    let waived = |on: &str, amount: &str| {
        format!("kind = \"fee_waived\"\nfee = \"late\"\non = {on}\namount = \"{amount}\"")
    };
    let dispute = |amount: &str, of: &str| {
        format!("kind = \"dispute\"\non = 2026-09-12\namount = \"{amount}\"\n{of}")
    };
    let draw = "kind = \"draw\"\nid = \"w\"\non = 2026-09-05\namount = \"40.00\"\nfee = \"2.00\"\n[[line.events]]\n";
    let held = "kind = \"draw_held\"\nid = \"h\"\non = 2026-09-05\namount = \"100.00\"\nexpires_on = 2026-09-08\n[[line.events]]\n";
    let settled = |on: &str, amount: &str| {
        format!("{held}kind = \"draw\"\non = {on}\ndraw = \"h\"\namount = \"{amount}\"")
    };
    let cases = [
        (event(&settled("2026-09-09", "100.00")), "ended on 2026-09-08"),
        (event(&settled("2026-09-08", "100.01")), "more than what was held ($100.00)"),
        (event(&waived("2026-09-10", "15.00")), "what was charged of the kind, late fee"),
        (
            event(&format!("{fee}{}", waived("2026-09-11", "15.01"))),
            "and not waived before ($15.00)",
        ),
        (
            event(&format!(
                "{fee}{}\n[[line.events]]\n{}",
                waived("2026-09-11", "10.00"),
                waived("2026-09-12", "5.01")
            )),
            "($5.00)",
        ),
        (
            event(&format!("{draw}{}", dispute("42.01", "draw = \"w\""))),
            "the draw and its fee ($42.00)",
        ),
        (event(&format!("{fee}{}", dispute("15.01", "fee = \"late\""))), "($15.00)"),
        (event(&dispute("150.00", "")), "what is owed"),
    ];
    let told = |text: &str| outcome(text).unwrap().lines.first().unwrap().notes.join("\n");
    for (text, said) in cases {
        let notes = told(&text);
        let then = if text.contains("fee_waived") { "taken back again" } else { "taken as a fact" };
        assert!(notes.contains(said) && notes.contains(then), "{text}\n{notes}");
    }
    for fine in [
        format!("{fee}{}", waived("2026-09-10", "15.00")),
        format!(
            "{draw}kind = \"payment\"\non = 2026-09-08\namount = \"142.00\"\n[[line.events]]\n{}",
            dispute("42.00", "draw = \"w\"")
        ),
        dispute("100.00", ""),
        settled("2026-09-08", "100.00"),
    ] {
        let notes = told(&event(&fine));
        assert!(!notes.contains("more than"), "{fine}\n{notes}");
    }
    // A plan fee of the last day of a cycle, waived on that very day; a fee that came in with the line.
    let plan = product("[product.fees]\nplan = { amount = \"6.25\" }")
        + "[line.brought_forward]\nprincipal = \"100.00\"\npenalty_fees = \"15.00\"\n[[line.events]]\n";
    let of_plan = "kind = \"fee_waived\"\nfee = \"plan\"\non = 2026-09-30\namount = \"6.25\"\n[[line.events]]\n";
    let notes = told(&format!("{plan}{of_plan}{}\n", waived("2026-10-02", "15.00")));
    assert!(!notes.contains("more than"), "{notes}");
}

#[test]
fn products_are_named_once_and_based_on_one_another_in_no_circle() {
    let file = |products: &str| {
        format!("as_of = 2026-10-01\n{products}[line]\nproduct = \"A\"\nopened_on = 2026-09-01\n")
    };
    let named = |name: &str, rest: &str| format!("[[product]]\nname = \"{name}\"\n{rest}\n");
    refused_where_marked(&[
        (file(&format!("{}[[product]]\n¶name = \"A\"\n", named("A", ""))), "two products"),
        (file("[[product]]\n¶name = \"CARD-STD-1\"\n"), "built-in product"),
        (
            file(&format!(
                "{}[[product]]\nname = \"B\"\n¶based_on = \"C\"\n{}",
                named("A", "based_on = \"B\""),
                named("C", "based_on = \"B\"")
            )),
            "goes in a circle: B on C on B",
        ),
        (file("[[product]]\nname = \"A\"\n¶based_on = \"A\"\n"), "circle: A on A"),
        (file("[[product]]\nname = \"A\"\nbased_on = ¶\"X\"\n"), "there is no product `X`"),
    ]);
}

#[test]
fn a_file_that_is_no_utf_8_is_refused_at_its_byte() {
    let error = TextError::utf8(b"as_of = 2026-10-01\ntitle = \"caf\xe9\"\n").unwrap_err();
    assert_eq!((error.line, error.column), (2, 13));
    assert!(error.message.contains("UTF-8"));
    assert_eq!(TextError::utf8("title = \"café\"".as_bytes()), Ok("title = \"café\""));
}

#[test]
fn a_rate_that_the_cap_lowers_is_told_of() {
    let notes = |rest: &str| outcome(&line(rest)).unwrap().lines.remove(0).notes;
    assert!(notes("apr = \"35.99%\"\n").is_empty());
    let unused = outcome(&(feature("apr = \"20%\"") + "apr = \"12%\"\n")).unwrap();
    let unused = unused.lines.first().unwrap().notes.join("\n");
    assert!(unused.contains("`apr` of the line, 12.00%, is the rate of no feature"), "{unused}");
    let said = "the rate of draws, 1000.00%, is above `limits.apr_cap` and lowered to it, 35.99%";
    assert_eq!(notes("apr = \"1000%\"\n"), [said]);
    let changed = notes(
        "apr = \"9%\"\n[[line.events]]\nkind = \"rate_change\"\non = 2026-09-10\napr = \"40%\"\napplies_to = \"all_balances\"\n",
    );
    assert_eq!(
        changed,
        ["line 6: the rate, 40.00%, is above `limits.apr_cap` and lowered to it, 35.99%"]
    );
}

/// The statement of September is of the cycle to the 30th, whoever thinks otherwise in October.
#[test]
fn a_close_whose_statement_is_issued_is_not_moved() {
    let change = |on: &str, rest: &str| {
        line(&format!(
            "close_day = 30\n[[line.events]]\nkind = \"cycle_change\"\non = {on}\nclose_day = 15\n{rest}"
        ))
    };
    for on in ["2026-09-10", "2026-09-30"] {
        let (_, _, message) = refused(&change(on, "recorded_on = 2026-10-05"));
        assert!(message.contains("line 6, column"), "{message}");
        assert!(message.contains("the statement of 2026-09-30 is issued"), "{message}");
    }
    for taken in [change("2026-09-10", ""), change("2026-10-01", "recorded_on = 2026-10-05")] {
        assert!(outcome(&taken).is_ok(), "{taken}");
    }
}
