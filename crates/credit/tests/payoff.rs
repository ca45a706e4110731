//! What a payoff quote says pays the line off, whatever the method: paid on its day, nothing is owed after the close.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use credit::{ProductCatalog, quote_payoff, scenario};
use money::Cents;
use proptest::prelude::*;

fn text(product: &str, as_of: &str, events: &str) -> String {
    format!(
        "as_of = {as_of}\n[[product]]\nname = \"T\"\n{product}\n[line]\nproduct = \"T\"\nopened_on = 2026-09-01\nclose_day = 31\napr = \"24%\"\n[line.brought_forward]\nprincipal = \"100.00\"\n{events}"
    )
}

fn lived(text: &str) -> scenario::LineReport {
    let scenario = scenario::parse(text, &ProductCatalog::embedded().unwrap())
        .map_err(|error| format!("{error}\n{text}"))
        .unwrap();
    scenario::run(&scenario).unwrap().lines.remove(0)
}

fn event(kind: &str, on: &str, amount: Cents) -> String {
    let amount = amount.to_string().replace(['$', ','], "");
    format!("\n[[line.events]]\nkind = \"{kind}\"\non = {on}\namount = \"{amount}\"\n")
}

/// The quote of a day, and what is owed once it was paid and the cycle has closed.
fn quoted_and_left(product: &str, events: &str, on: &str, after: &str) -> (Cents, Cents) {
    let before = lived(&text(product, on, events));
    let quote = quote_payoff(&before.events, on.parse().unwrap()).unwrap();
    let parts = quote.principal + quote.billed_interest + quote.fees + quote.accrued_interest;
    assert_eq!(parts - quote.credit_balance, quote.payoff, "its parts come to it");
    (quote.payoff, left(product, events, (on, quote.payoff), after))
}

/// What is owed later once an amount was paid on a day.
fn left(product: &str, events: &str, (on, amount): (&str, Cents), after: &str) -> Cents {
    let paid = if amount.is_positive() { event("payment", on, amount) } else { String::new() };
    lived(&text(product, after, &format!("{events}{paid}"))).position.total_owed
}

#[test]
fn a_quote_is_what_the_close_will_ask_for() {
    let cases = [
        // 9 days of 100.00 at 24 %.
        ("", "100.59"),
        // The whole of September, of what was owed when it began.
        ("balance = \"previous_balance\"", "101.97"),
        // Nothing is left for the rate to bear on.
        ("balance = \"adjusted_balance\"", "100.00"),
        ("balance = \"ending_balance\"", "100.00"),
        ("balance = \"average_daily_balance\"\nround_average = true", "100.59"),
        // Once it is paid off the month costs 0.59 in all, which is not charged; and no least charge is asked for.
        ("waived_below = \"1.00\"", "100.00"),
        ("minimum_charge = \"2.00\"", "100.59"),
    ];
    for (interest, payoff) in cases {
        let product = format!("[product.interest]\n{interest}");
        let (quoted, owed) = quoted_and_left(&product, "", "2026-09-10", "2026-10-01");
        assert_eq!(
            (quoted, owed),
            (Cents::parse_dollars(payoff).unwrap(), Cents::ZERO),
            "{interest}"
        );
    }
}

fn products() -> impl Strategy<Value = String> {
    let balances = [
        "balance = \"daily_balance\"",
        "balance = \"daily_balance\"\ncompounding = \"daily\"",
        "balance = \"average_daily_balance\"",
        "balance = \"average_daily_balance\"\nround_average = true",
        "balance = \"previous_balance\"",
        "balance = \"adjusted_balance\"",
        "balance = \"ending_balance\"",
    ];
    let orders = [
        "",
        "[product.waterfall]\nsteps = [\"billed_interest\", \"accrued_interest\", \"billed_fees\", \"penalty_fees\", \"principal\", \"open_fees\"]",
    ];
    let features = [
        "",
        "[[product.features]]\nname = \"draws\"\napr = \"24%\"\npromotion = { apr = \"0%\", through = 2026-11-14, deferred = true }",
        "[[product.features]]\nname = \"draws\"\napr = \"24%\"\ninstalments = { months = 6 }",
        "[product.grace]\nkind = \"paid_in_full\"",
    ];
    let from = |all: &'static [&'static str]| prop::sample::select(all);
    (
        prop::sample::select(balances.to_vec()),
        prop::bool::ANY,
        from(&["", "minimum_charge = \"1.50\"", "waived_below = \"1.00\""]),
        from(&["end_of_day", "start_of_day"]),
        prop::sample::select(orders.to_vec()),
        prop::sample::select(features.to_vec()),
    )
        .prop_map(|(balance, on_billed, least, at, order, feature)| {
            format!(
                "[product.interest]\n{balance}\non_billed_interest = {on_billed}\nbalance_at = \"{at}\"\n{least}\n{order}\n{feature}"
            )
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whoever_pays_the_quote_owes_nothing_after_the_close(
        product in products(),
        drawn in prop::collection::vec((1_u32..=28, 1_i64..40_000), 0..3),
        paid in prop::collection::vec((1_u32..=28, 1_i64..20_000), 0..3),
        on in 1_u32..=30,
    ) {
        let draws = drawn.iter().map(|(day, amount)| {
            event("draw", &format!("2026-10-{day:02}"), Cents::new(*amount))
        });
        let payments = paid.iter().map(|(day, amount)| {
            event("payment", &format!("2026-10-{day:02}"), Cents::new(*amount))
        });
        let events: String = draws.chain(payments).collect();
        let on = format!("2026-11-{on:02}");
        let (quoted, owed) = quoted_and_left(&product, &events, &on, "2026-12-01");
        // The lender's debt stays. Where no amount leaves nothing, a cent less leaves a debt.
        let off = owed - quoted.min(Cents::ZERO);
        let less = || left(&product, &events, (&on, quoted - Cents::new(1)), "2026-12-01");
        let settles = off.is_zero() || (off.is_negative() && less().is_positive());
        prop_assert!(settles, "{} on {} leaves {}\n{}\n{}", quoted, on, owed, product, events);
    }
}
