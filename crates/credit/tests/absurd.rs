//! Scenario files that nobody should write: refused with their place, never a panic.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use credit::{
    ProductCatalog,
    scenario::{self, ScenarioError},
};
use proptest::prelude::*;

const FILES: [&str; 5] = [
    include_str!("../../../docs/scenarios/plain-line.toml"),
    include_str!("../../../docs/scenarios/card-grace.toml"),
    include_str!("../../../docs/scenarios/military-service.toml"),
    include_str!("../../../docs/scenarios/returned-payment.toml"),
    include_str!("../../../docs/scenarios/repayment-period.toml"),
];

fn outcome(text: &str) -> Result<(), ScenarioError> {
    let scenario = scenario::parse(text, &ProductCatalog::embedded().unwrap())?;
    scenario::run(&scenario).map(|report| {
        let _ = report.text();
    })
}

fn line(rest: &str) -> String {
    format!(
        "as_of = 2026-12-01\n[line]\nproduct = \"CASHLINE-STD-1\"\nopened_on = 2026-09-01\n{rest}"
    )
}

#[test]
fn what_is_absurd_is_refused_and_told_why() {
    let event = |rest: &str| line(&format!("[[line.events]]\non = 2026-09-02\n{rest}\n"));
    let product = |rest: &str| {
        format!(
            "as_of = 2026-12-01\n[[product]]\nname = \"P\"\n{rest}\n[line]\nproduct = \"P\"\nopened_on = 2026-09-01\n"
        )
    };
    let cases = [
        (line("credit_limit = \"100000000000.00\"\n"), "more than a line can come to"),
        (line("credit_limit = \"-1.00\"\n"), "must not be negative"),
        (line("credit_limit = 500\n"), "between quotes"),
        (line("apr = 28.99\n"), "\"28.99%\""),
        (line("state = \"Texas\"\n"), "two letters"),
        (line("closes_on = [2026-10-20, 2026-10-10]\n"), "in order"),
        (line("[line.brought_forward]\nprincipal = \"-5.00\"\n"), "below zero"),
        (line("").replace("2026-12-01", "9999-12-01"), "1970 to 2199"),
        (line("").replace("2026-12-01", "2150-12-01"), "20,000 days"),
        (event("kind = \"draw\"\namount = \"5.00\"\napr = \"9%\""), "`apr` means nothing"),
        (event("kind = \"draw\"\namount = \"999999999999999.00\""), "more than a line"),
        (event("kind = \"cycle_change\"\nclose_day = 0"), "from 1 to 31"),
        (event("kind = \"terms_change\"\nexception = \"agreed\""), "needs `terms`"),
        (
            event(
                "kind = \"terms_change\"\nterms = { fees = { rent = 1 } }\nexception = \"agreed\"",
            ),
            "unknown field `rent`",
        ),
        (event("kind = \"terms_change\"\nterms = { version = 2 }"), "neither when notice"),
        (
            event("kind = \"terms_change\"\nterms = { version = 2 }\nnotice_on = 2026-09-01"),
            "no earlier than 2026-10-16",
        ),
        (event("kind = \"dispute_resolved\"\ndispute = \"d\""), "no earlier dispute"),
        (product("[product.interest]\ndaily_decimals = 1"), "from 2 to 10"),
        (product("[product.interest]\nrate_digits = { decimals = 12 }"), "8 decimals"),
        (
            product("[product.interest]\nperiod = \"monthly\"\ncompounding = \"daily\""),
            "does not compound",
        ),
        (product("[product.waterfall]\nsteps = []"), "needs `principal`"),
        (product("[product.waterfall]\nsteps = [\"principal\", \"principal\"]"), "twice"),
        (product("[product.minimum]\narms = [{ one_of = 0 }]"), "from 1 to 1200"),
        (product("[product.limits]\npayment_hold_days = 4000000000"), "366 at most"),
        (product("[product.fees]\nreturned_payment = \"-3.00\""), "must not be negative"),
        (
            product("[[product.features]]\nname = \"draws\"\npromotion = { apr = \"0%\" }"),
            "has no end",
        ),
        (
            product(
                "[[product.features]]\nname = \"draws\"\ntiers = [{ up_to = \"9.00\", apr = \"1%\" }, { up_to = \"5.00\", apr = \"2%\" }, { apr = \"3%\" }]",
            ),
            "lowest first",
        ),
        (product("[product.grace]\nleaves_out = [\"plans\"]"), "no feature"),
        (
            product(
                "[[product.state_overrides]]\nstate = \"NY\"\nfrom = 2026-01-01\nterms = { minimum = { arms = [] } }",
            ),
            "terms of NY",
        ),
    ];
    for (text, said) in cases {
        let error = outcome(&text).expect_err(&text).to_string();
        assert!(error.contains(said), "{text}\n{error}");
    }
}

#[test]
fn a_debt_that_explodes_is_refused_at_a_close() {
    let text = "as_of = 2030-12-01\n[[product]]\nname = \"P\"\n[product.interest]\ncompounding = \"daily\"\non_billed_interest = true\n[line]\nproduct = \"P\"\nopened_on = 2026-09-01\napr = \"4000%\"\n[line.brought_forward]\nprincipal = \"99999999.00\"\n";
    let error = outcome(text).unwrap_err().to_string();
    assert!(error.contains("more than a line can come to"), "{error}");
}

#[test]
fn a_heading_is_read_however_it_is_spaced_and_products_in_any_order() {
    let text = "as_of = 2026-09-10\n[[product]]\nname = \"B\"\nbased_on = \"A\"\n[[product]]\nname = \"A\"\n  [ line ] # one\nproduct = \"B\"\nopened_on = 2026-09-01\n";
    outcome(text).unwrap();
}

#[test]
fn a_what_if_can_leave_out_move_and_reprice() {
    let text = "as_of = 2026-12-01\n[line]\nproduct = \"CASHLINE-STD-1\"\nopened_on = 2026-09-01\napr = \"24%\"\nclose_day = 31\n[line.brought_forward]\nprincipal = \"1000.00\"\n[[line.events]]\nkind = \"payment\"\nid = \"p\"\non = 2026-09-21\namount = \"500.00\"\n[[line.what_ifs]]\nname = \"ten days earlier\"\nas_of = 2026-10-01\nwithout = [\"p\"]\nevents = [{ kind = \"payment\", on = 2026-09-11, amount = \"500.00\" }]\nquotes = [{ kind = \"payoff\", on = 2026-10-01 }]\n[[line.what_ifs]]\nname = \"at 12 %\"\nas_of = 2026-10-01\napr = \"12%\"\n";
    let scenario = scenario::parse(text, &ProductCatalog::embedded().unwrap()).unwrap();
    let report = scenario::run(&scenario).unwrap();
    let what_if = |at: usize| &report.lines[0].what_ifs[at];
    // 20 days of 1,000.00 and ten of 500.00: 16.44; ten and 20: 13.15; at half the rate 8.22.
    assert_eq!(what_if(0).without.interest_charged_cents.get(), 1_644);
    assert_eq!(what_if(0).with.interest_charged_cents.get(), 1_315);
    assert_eq!(what_if(0).payoffs[0].with_cents.get(), 51_315);
    assert_eq!(what_if(1).with.interest_charged_cents.get(), 822);
    let explained = report.explain("what_if.ten days earlier.interest_charged").unwrap();
    assert_eq!(explained.value.text(), "-$3.29");
}

/// One small damage to a text.
#[derive(Clone, Debug)]
enum Damage {
    Cut(usize),
    Insert(usize, char),
    Number(usize, u64),
    DropLine(usize),
    DoubleLine(usize),
    Word(usize, &'static str),
}

fn damage() -> impl Strategy<Value = Damage> {
    let words = prop::sample::select(vec![
        "draw",
        "payment",
        "refund",
        "close",
        "-1",
        "\"\"",
        "4000%",
        "0%",
        "2199-12-31",
        "1970-01-01",
        "\"99999999.99\"",
        "[[line]]",
        "[line]",
        "nan",
        "payment_returned",
        "previous_balance",
        "actual",
    ]);
    let at = || 0_usize..3_000;
    prop_oneof![
        at().prop_map(Damage::Cut),
        (at(), any::<char>()).prop_map(|(at, with)| Damage::Insert(at, with)),
        (at(), any::<u64>()).prop_map(|(at, with)| Damage::Number(at, with)),
        at().prop_map(Damage::DropLine),
        at().prop_map(Damage::DoubleLine),
        (at(), words).prop_map(|(at, word)| Damage::Word(at, word)),
    ]
}

fn damaged(text: &str, damage: &Damage) -> String {
    let chars: Vec<char> = text.chars().collect();
    let lines: Vec<&str> = text.lines().collect();
    let at = |wanted: usize, of: usize| wanted % of.max(1);
    match damage {
        Damage::Cut(place) => {
            let place = at(*place, chars.len());
            chars.iter().enumerate().filter(|(i, _)| *i != place).map(|(_, c)| *c).collect()
        }
        Damage::Insert(place, with) => {
            let mut chars = chars;
            chars.insert(at(*place, chars.len()), *with);
            chars.into_iter().collect()
        }
        Damage::Number(nth, with) => {
            replaced(text, *nth, |c| c.is_ascii_digit(), &with.to_string())
        }
        Damage::Word(nth, with) => replaced(text, *nth, |c| c.is_alphanumeric() || c == '_', with),
        Damage::DropLine(nth) => {
            let nth = at(*nth, lines.len());
            let kept = lines.iter().enumerate().filter(|(i, _)| *i != nth);
            kept.map(|(_, line)| *line).collect::<Vec<_>>().join("\n")
        }
        Damage::DoubleLine(nth) => {
            let nth = at(*nth, lines.len());
            let mut lines = lines.clone();
            lines.insert(nth, lines.get(nth).copied().unwrap_or_default());
            lines.join("\n")
        }
    }
}

/// The nth run of such characters, replaced.
fn replaced(text: &str, nth: usize, of: impl Fn(char) -> bool, with: &str) -> String {
    let mut runs = Vec::new();
    let mut began = None;
    for (at, c) in text.char_indices().chain([(text.len(), '\n')]) {
        match (of(c), began) {
            (true, None) => began = Some(at),
            (false, Some(from)) => {
                runs.push(from..at);
                began = None;
            }
            _ => {}
        }
    }
    let Some(run) = runs.get(nth % runs.len().max(1)) else { return text.to_owned() };
    format!("{}{with}{}", &text[..run.start], &text[run.end..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn a_damaged_file_is_read_or_refused_with_a_place_in_it(
        file in 0_usize..4, damages in prop::collection::vec(damage(), 1..4)
    ) {
        let text = damages.iter().fold(FILES[file].to_owned(), |text, one| damaged(&text, one));
        match outcome(&text) {
            Err(ScenarioError::Text(error)) => {
                prop_assert!(error.line >= 1 && error.line <= text.lines().count() + 1, "{}", error);
                prop_assert!(!error.message.is_empty());
            }
            Err(ScenarioError::Event { line, .. }) => prop_assert!(line >= 1),
            Ok(()) | Err(ScenarioError::Line { .. }) => {}
        }
    }
}
