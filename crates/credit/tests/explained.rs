//! Every amount and every rate of a report can be asked for by name, and whoever does the sums of its derivation again comes to it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::collections::BTreeMap;

use credit::{Derivation, How, ProductCatalog, Value, scenario};
use money::Apr;

const FILES: [&str; 5] = [
    include_str!("../../../docs/scenarios/plain-line.toml"),
    include_str!("../../../docs/scenarios/returned-payment.toml"),
    include_str!("../../../docs/scenarios/card-grace.toml"),
    include_str!("../../../docs/scenarios/military-service.toml"),
    include_str!("../../../docs/scenarios/repayment-period.toml"),
];

/// One line of product `T`, from September 2026 to February 2027: draws, part payments, a missed minimum, a credit, a return.
fn eventful(product: &str) -> String {
    format!(
        r#"as_of = 2027-02-10
[[product]]
name = "T"
{product}
[line]
product = "T"
opened_on = 2026-09-01
close_day = 30
apr = "24%"
brought_forward = {{ principal = "1000.00", billed_interest = "12.34", minimum_unpaid = "25.00", due_on = 2026-09-20, interest_this_year = "50.00" }}
events = [
    {{ kind = "draw", id = "d1", on = 2026-09-11, amount = "300.00" }},
    {{ kind = "payment", id = "p1", on = 2026-09-25, amount = "111.11" }},
    {{ kind = "credit", on = 2026-10-03, amount = "5.00", reason = "goodwill" }},
    {{ kind = "payment", id = "p2", on = 2026-10-20, amount = "400.00" }},
    {{ kind = "payment_returned", payment = "p2", on = 2026-10-23, recorded_on = 2026-11-05 }},
    {{ kind = "draw", on = 2026-11-11, amount = "77.77" }},
    {{ kind = "payment", on = 2026-12-15, recorded_on = 2027-01-10, amount = "60.00" }},
    {{ kind = "payment", on = 2027-01-20, amount = "900.00" }},
]
quotes = [{{ kind = "payoff", on = 2027-02-20 }}]
what_ifs = [{{ name = "sooner", without = ["p1"], events = [{{ kind = "payment", on = 2026-09-05, amount = "111.11" }}], quotes = [{{ kind = "payoff", on = 2027-02-20 }}] }}]
"#
    )
}

/// Ways of computing that differ in what a derivation has to show.
const PRODUCTS: [&str; 18] = [
    "[product.fees]\nplan = { amount = \"2.00\" }\n[[product.features]]\nname = \"draws\"\ninstalments = { months = 5, monthly_fee = \"1.00\", monthly_fee_percent = \"0.5%\" }",
    "based_on = \"CASHLINE-STD-1-FEE3\"",
    "based_on = \"CASHLINE-SUB-1\"",
    "based_on = \"CARD-STD-1\"",
    "[product.interest]\nperiod = \"monthly\"\nbalance = \"previous_balance\"\non_billed_interest = true",
    "[product.interest]\nperiod = \"monthly\"\nbalance = \"adjusted_balance\"\nminimum_charge = \"30.00\"",
    "[product.interest]\nbalance = \"ending_balance\"\non_fees = true\n[product.fees]\nlate = { amount = \"25.00\", repeat_amount = \"35.00\", repeat_within_cycles = 6 }",
    "[product.interest]\nbalance = \"average_daily_balance\"\nround_average = true\ncompounding = \"daily\"\n[product.grace]\nkind = \"paid_in_full\"",
    "[product.interest]\nrounded_at = \"payments\"\n[product.fees]\nover_limit = { amount = \"10.00\" }\n[[product.features]]\nname = \"draws\"\npromotion = { apr = \"0%\", cycles = 2, deferred = true }",
    "[product.interest]\nperiod = \"monthly\"\n[[product.features]]\nname = \"draws\"\ntiers = [{ up_to = \"500.00\", apr = \"24%\" }, { apr = \"18%\" }]\n[product.minimum]\narms = [{ one_of = 36 }, { amortised_over = 24, of = \"new_balance\", whole_dollars = \"up\" }]\nadd_interest = true",
    "[product.interest]\nbalance = \"average_daily_balance\"\nround_average = true\n[[product.features]]\nname = \"draws\"\ntiers = [{ up_to = \"500.00\", apr = \"24%\" }, { apr = \"18%\" }]",
    "[product.interest]\nbalance = \"average_daily_balance\"\n[[product.features]]\nname = \"draws\"\ntiers = [{ up_to = \"500.00\", apr = \"24%\" }, { apr = \"18%\" }]\ntiers_on = \"whole\"",
    "[product.interest]\nperiod = \"monthly\"\nbalance = \"average_daily_balance\"\nround_average = true\n[[product.features]]\nname = \"draws\"\ntiers = [{ up_to = \"500.00\", apr = \"24%\" }, { apr = \"18%\" }]",
    "[product.interest]\nbalance = \"ending_balance\"\n[[product.features]]\nname = \"draws\"\ntiers = [{ up_to = \"500.00\", apr = \"24%\" }, { apr = \"18%\" }]",
    "[product.interest]\nperiod = \"monthly\"\nbalance = \"previous_balance\"\n[[product.features]]\nname = \"draws\"\ntiers = [{ up_to = \"500.00\", apr = \"24%\" }, { apr = \"18%\" }]\ntiers_on = \"whole\"",
    "[[product.features]]\nname = \"draws\"\ntiers = [{ up_to = \"500.00\", apr = \"24%\" }, { apr = \"18%\" }]",
    "[product.interest]\nrounded_at = \"payments\"\n[[product.features]]\nname = \"draws\"\ntiers = [{ up_to = \"500.00\", apr = \"24%\" }, { apr = \"18%\" }]",
    "[product.interest]\nday_basis = \"30/360\"\nbalance = \"average_daily_balance\"",
];

fn texts() -> Vec<String> {
    let own = PRODUCTS.iter().map(|product| eventful(product));
    FILES.iter().map(|text| (*text).to_owned()).chain(own).collect()
}

fn report(text: &str) -> scenario::Report {
    let catalog = ProductCatalog::embedded().unwrap();
    let scenario = scenario::parse(text, &catalog).map_err(|error| format!("{error}\n{text}"));
    scenario::run(&scenario.unwrap()).unwrap()
}

fn apr_of(item: &serde_json::Value) -> Apr {
    Apr::from_ppm(u32::try_from(item["apr_ppm"].as_u64().unwrap()).unwrap())
}

/// The name by which a figure of the report is asked for; `None` for what is a fact, a term of the agreement, or part of a figure
/// that is asked for as a whole.
fn figure_of(path: &[Step<'_>], key: &str) -> Option<String> {
    let name = key.strip_suffix("_cents").or_else(|| key.strip_suffix("_ppm"))?;
    let text = |item: &serde_json::Value, key: &str| match &item[key] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut figure: Vec<String> = Vec::new();
    for (table, item) in path {
        match *table {
            "position" | "inputs" => {}
            "statements" => figure.push(format!("statement.{}", text(item, "number"))),
            "cycles" => figure.push(format!("cycle.{}", text(item, "number"))),
            "features" => figure.push(format!("feature.{}", text(item, "name"))),
            "interest" => figure.push(format!("interest.{}", text(item, "feature"))),
            "fees" if item["feature"].is_string() => {
                figure.push(format!("fees.{}.{}", text(item, "seq"), text(item, "feature")));
            }
            "payments" | "draws" | "fees" | "adjustments" => {
                figure.push(format!("{table}.{}", text(item, "seq")));
            }
            "instalment_fees" => figure.push(format!("{table}.{}", text(item, "feature"))),
            "late_fees" => figure.push(format!("late_fee.{}", text(item, "cycle"))),
            "allocations" => figure.push(format!("allocation.{}", text(item, "seq"))),
            "quotes" | "payoffs" => figure.push(format!("payoff.{}", text(item, "on"))),
            "what_ifs" => figure.push(format!("what_if.{}", text(item, "name"))),
            "unused_rates" => {
                figure.push(format!("unused_rates.{}.at.{}", text(item, "feature"), apr_of(item)));
            }
            "rates" => figure.push(format!("at.{}", apr_of(item))),
            "last_statement" | "posted" | "charges" | "minimum" | "repayment" | "in_36_months"
            | "with" | "without" => figure.push((*table).to_owned()),
            "deferred" | "promotion_deferred" => figure.push("deferred".to_owned()),
            // Terms, facts, and days: `daily_balance` is asked for below.
            _ => return None,
        }
    }
    let within = path.last().map(|(table, _)| *table).unwrap_or_default();
    match (within, name) {
        (
            "interest" | "payments" | "draws" | "fees" | "adjustments" | "late_fees"
            | "allocations" | "deferred" | "instalment_fees",
            "amount",
        )
        | ("quotes", "payoff")
        | ("rates", "average_balance" | "apr")
        | ("unused_rates", "apr")
        | ("payoffs", "without" | "with") => {}
        // What a derivation of the whole shows.
        ("minimum", "due")
        | ("promotion_deferred", _)
        | ("minimum" | "charges" | "inputs", "apr" | "arms") => return None,
        _ => figure.push(name.to_owned()),
    }
    Some(figure.join("."))
}

/// A table, or an item of a list, by its key.
type Step<'a> = (&'a str, &'a serde_json::Value);

fn walk<'a>(
    value: &'a serde_json::Value,
    path: &mut Vec<Step<'a>>,
    found: &mut BTreeMap<String, i64>,
) {
    let Some(table) = value.as_object() else { return };
    for (key, inner) in table {
        match inner {
            serde_json::Value::Object(_) => {
                path.push((key, inner));
                walk(inner, path, found);
                path.pop();
            }
            serde_json::Value::Array(items) => {
                for item in items {
                    path.push((key, item));
                    walk(item, path, found);
                    path.pop();
                }
            }
            _ => {
                let figure = figure_of(path, key);
                if let (Some(figure), Some(number)) = (figure, inner.as_i64()) {
                    found.insert(figure, number);
                }
            }
        }
    }
}

#[test]
fn every_amount_and_rate_of_a_report_is_explained() {
    for text in texts() {
        let report = report(&text);
        let line = &report.lines[0];
        let mut json = serde_json::to_value(line).unwrap();
        let table = json.as_object_mut().unwrap();
        for facts in ["events", "postings", "derivations", "daily_balances"] {
            table.remove(facts);
        }
        let mut found = BTreeMap::new();
        walk(&json, &mut Vec::new(), &mut found);
        assert!(found.len() > 100, "{}", found.len());
        let same_as = |figure: &str| figure.contains(".payoff.") || figure.contains(".at.");
        for (figure, number) in found {
            let explained = report.explain(&figure).unwrap_or_else(|| panic!("{figure}\n{text}"));
            let value = match explained.value {
                Value::Cents(cents) => cents.get(),
                Value::AprPpm(apr) => apr.ppm().into(),
                Value::Count(count) => count,
                ref other => panic!("{figure}: {other:?}"),
            };
            assert!(same_as(&figure) || value == number, "{figure}: {value} for {number}\n{text}");
        }
        for day in &line.daily_balances {
            let figure = format!("daily_balance.{}.{}", day.on, day.feature);
            assert_eq!(report.explain(&figure).unwrap().value.text(), format!("${}", day.interest));
        }
    }
}

/// In ten-billionths of a dollar, or of one.
const UNIT: i128 = 10_000_000_000;

fn number(value: &Value) -> i128 {
    let decimals = |text: &str, unit: i128| -> i128 {
        let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let part = format!("{part:0<12}")[..12].parse::<i128>().unwrap();
        let whole = whole.parse::<i128>().unwrap();
        sign * (whole * unit + part * unit / 1_000_000_000_000)
    };
    match value {
        Value::Cents(cents) => i128::from(cents.get()) * UNIT / 100,
        Value::Count(count) => i128::from(*count) * UNIT,
        Value::Text(text) => match (text.strip_prefix('$'), text.strip_suffix('%')) {
            (Some(dollars), _) => decimals(dollars, UNIT),
            (_, Some(percent)) => decimals(percent, UNIT / 100),
            _ => panic!("{text} is no figure"),
        },
        other => panic!("{other:?} is no figure"),
    }
}

/// What may have inputs that do not give it by one operation: it says in words what is done.
const IN_WORDS: [&str; 20] = [
    "yearly rate ÷",
    "periodic rates of the cycle",
    "the day's balance",
    "the unpaid minimum",
    "average of the days at this rate",
    "periodic rates of these days",
    "the part that the tier takes",
    "the one balance of the method",
    "what bore this rate",
    "what the tier takes",
    "the fractions of a cent that joined it",
    "minimum payments only",
    "the level payment",
    "36 such payments",
    "the periodic rate alone",
    "as the method has it",
    "its parts, rounded or capped",
    "with what is past due, rounded",
    "interest of each slice",
    " days × balance × ",
];

fn check(node: &Derivation, text: &str) {
    for input in &node.inputs {
        check(input, text);
    }
    let Some(how) = node.how else {
        let told = node.inputs.is_empty() || IN_WORDS.iter().any(|words| node.rule.contains(words));
        assert!(told, "{}: {} of\n{}\n{text}", node.label, node.rule, node.text());
        return;
    };
    let inputs: Vec<i128> = node.inputs.iter().map(|input| number(&input.value)).collect();
    let value = number(&node.value);
    let (cents, compounds) = (matches!(node.value, Value::Cents(_)), UNIT / 50_000);
    let (again, off) = match how {
        How::Sum if cents => (inputs.iter().sum::<i128>(), 0),
        How::Sum => (inputs.iter().sum(), 100 * i128::try_from(inputs.len()).unwrap()),
        How::Greatest => (*inputs.iter().max().unwrap(), 0),
        How::Least => (*inputs.iter().min().unwrap(), 0),
        How::Rounded => (inputs[0], UNIT / 200),
        How::RoundedSum => (inputs.iter().sum(), UNIT / 200 + 1_000),
        How::Quotient => (inputs[0] * UNIT / inputs[1], UNIT / 100),
        How::Product => {
            let product = inputs.iter().fold(UNIT, |all, one| all * one / UNIT);
            (product, if cents { 0 } else { compounds })
        }
    };
    assert!(
        (again - value).abs() <= off,
        "{how:?} gives {again} for {value}:\n{}\n{text}",
        node.text()
    );
}

fn sums_hold(text: &str) {
    for derivation in report(text).lines[0].derivations.values() {
        check(derivation, text);
    }
}

/// 21 days of 2027 and 10 of 2028, which has 366.
#[test]
fn days_on_both_sides_of_a_new_year_are_told_apart_where_a_day_is_a_part_of_its_year() {
    let text = "as_of = 2028-01-11\n[[product]]\nname = \"T\"\n[product.interest]\nday_basis = \"actual\"\n[line]\nproduct = \"T\"\nopened_on = 2027-12-11\nclose_day = 10\napr = \"29.99%\"\nevents = [{ kind = \"draw\", on = 2027-12-11, amount = \"1000.00\" }]\n";
    sums_hold(text);
    let told = report(text).explain("statement.1.interest.draws").unwrap();
    let stretches: Vec<_> = told.inputs.iter().map(|one| one.label.as_str()).collect();
    assert_eq!(stretches, ["2027-12-11 to 2027-12-31", "2028-01-01 to 2028-01-10"]);
}

#[test]
fn a_largest_arm_that_is_more_than_what_is_owed_beside_instalments_is_told_with_both() {
    let text = "as_of = 2026-11-01\n[[product]]\nname = \"T\"\n[[product.features]]\nname = \"plan\"\ninstalments = { months = 6 }\n[[product.features]]\nname = \"draws\"\n[product.minimum]\narms = [{ amount = \"25.00\" }, { one_of = 1 }]\n[line]\nproduct = \"T\"\nopened_on = 2026-09-01\napr = \"12%\"\nevents = [{ kind = \"draw\", feature = \"plan\", on = 2026-09-01, amount = \"600.00\" }, { kind = \"draw\", feature = \"draws\", on = 2026-09-30, amount = \"10.00\" }]\n";
    sums_hold(text);
}

#[test]
fn whoever_does_the_sums_of_a_derivation_again_comes_to_its_figure() {
    for text in texts() {
        sums_hold(&text);
    }
}
