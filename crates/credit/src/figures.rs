//! Derivations of the figures that a report prints, by name: of statements as issued, of closed cycles, of the day, of quotes and
//! of what-ifs.
//!
//! Invariant: every amount and rate of a report has a name here (`tests/explained.rs` walks a report and asks for each).

use money::{Apr, Cents};

use crate::{
    Derivation, Position, Statement, StatementItem,
    derivation::Value,
    quote::PayoffQuote,
    scenario::{Compared, DailyBalance, WhatIf},
};

mod cycle;
mod position;
mod statement;

pub(crate) use cycle::of_cycle;
pub(crate) use position::of_position;
pub(crate) use statement::{Around, of_statement};

pub(crate) type Figures = Vec<(String, Derivation)>;

fn amount(label: &str, value: Cents) -> Derivation {
    Derivation::amount(label, value)
}

/// A figure that is kept and not computed: the rule says what it is.
fn kept(rule: &str, label: &str, value: Cents) -> Derivation {
    Derivation::cents(rule, label, value, Vec::new())
}

/// What is left of the limit: nothing once draws have ended.
fn available(rule: &str, label: &str, value: Cents, uses: Vec<Derivation>) -> Derivation {
    let mut uses = uses;
    let left: Cents = uses.iter().filter_map(|one| one.value.cents()).sum();
    if value.is_zero() && left.is_positive() {
        uses.push(amount("no draws in the repayment period", -left));
    }
    Derivation::at_least_zero(rule, label, value, uses)
}

fn rate(rule: &str, label: &str, apr: Apr) -> Derivation {
    Derivation::of(rule, label, Value::AprPpm(apr), Vec::new())
}

fn named(figures: Vec<(&str, Derivation)>) -> Figures {
    figures.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect()
}

fn items(rule: &str, label: &str, total: Cents, items: &[StatementItem]) -> Derivation {
    let one = |item: &StatementItem| amount(&item_label(item), item.amount);
    Derivation::sum(rule, label, total, items.iter().map(one).collect())
}

fn item_label(item: &StatementItem) -> String {
    format!("{} {} (event {})", item.effective_on, item.label, item.seq)
}

/// Of a payoff quote, by the name that stands after `payoff.DATE.`.
pub(crate) fn of_payoff(quote: &PayoffQuote, position: &Position) -> Figures {
    let of_day = |name: &str| {
        let figures = of_position(position);
        figures.into_iter().find(|(figure, _)| figure == name).map(|(_, figure)| figure)
    };
    let fees = vec![amount("fees", position.fees), amount("penalty fees", position.penalty_fees)];
    let own =
        vec![("fees".to_owned(), Derivation::sum("all fees unpaid", "fees", quote.fees, fees))];
    let same = [
        ("principal", "principal_balance"),
        ("billed_interest", "billed_interest"),
        ("credit_balance", "credit_balance"),
        ("per_diem", "per_diem"),
    ];
    let same = same.into_iter().filter_map(|(name, of)| Some((name.to_owned(), of_day(of)?)));
    let inputs = quote.derivation.inputs.iter();
    let accrued = inputs.filter(|input| input.label == "accrued interest").cloned();
    let accrued = accrued.map(|figure| ("accrued_interest".to_owned(), figure));
    own.into_iter().chain(accrued).chain(same).collect()
}

type Of = fn(&Compared) -> Cents;

/// Of a what-if, by the name that stands after `what_if.NAME.`.
pub(crate) fn of_what_if(what_if: &WhatIf) -> Figures {
    let of: [(&str, Of); 10] = [
        ("total_owed", |one| one.total_owed_cents),
        ("principal_balance", |one| one.principal_balance_cents),
        ("billed_interest", |one| one.billed_interest_cents),
        ("accrued_interest", |one| one.accrued_interest_cents),
        ("fees", |one| one.fees_cents),
        ("penalty_fees", |one| one.penalty_fees_cents),
        ("minimum_due", |one| one.minimum_due_cents),
        ("past_due", |one| one.past_due_cents),
        ("interest_charged", |one| one.interest_charged_cents),
        ("available_credit", |one| one.available_credit_cents),
    ];
    let compared = |label: String, without: Cents, with: Cents| {
        let inputs = vec![amount("without it", -without), amount("with it", with)];
        let rule = "the line lived twice: as it is, and as the what-if has it";
        Derivation::sum(rule, &label, with - without, inputs)
    };
    let figures = of.into_iter().map(|(name, of)| {
        let label = format!("change of {} on {}", name.replace('_', " "), what_if.on);
        (name.to_owned(), compared(label, of(&what_if.without), of(&what_if.with)))
    });
    let payoffs = what_if.payoffs.iter().map(|payoff| {
        let label = format!("change of the payoff on {}", payoff.on);
        (format!("payoff.{}", payoff.on), compared(label, payoff.without_cents, payoff.with_cents))
    });
    figures.chain(payoffs).collect()
}

/// Of one of the two lines of a what-if, by the name that stands after `what_if.NAME.with.` or `.without.`.
pub(crate) fn of_compared(compared: &Compared, position: &Position) -> Figures {
    let wanted =
        ["principal_balance", "billed_interest", "accrued_interest", "fees", "penalty_fees"];
    let more = ["total_owed", "minimum_due", "past_due", "days_past_due", "available_credit"];
    let taken = |(name, _): &(String, Derivation)| {
        wanted.contains(&name.as_str()) || more.contains(&name.as_str())
    };
    let mut figures: Figures = of_position(position).into_iter().filter(taken).collect();
    let cycles = position.cycles.iter().map(|record| {
        let billed = record.interest.iter().map(|line| line.amount).sum();
        amount(&format!("cycle {}", record.number), billed)
    });
    let rule = "interest of all closed cycles";
    let charged = compared.interest_charged_cents;
    let charged = Derivation::sum(rule, "interest charged", charged, cycles.collect());
    figures.push(("interest_charged".to_owned(), charged));
    figures
}

/// Interest of one day on one balance.
pub(crate) fn of_day(day: &DailyBalance) -> Derivation {
    let inputs = vec![
        amount("balance that bears interest", day.balance),
        Derivation::given("rate", Value::AprPpm(day.apr)),
        Derivation::given("cycle", Value::Count(day.cycle.into())),
    ];
    let label = format!("interest of {} on {}", day.on, day.feature);
    let value = Value::Text(format!("${}", day.interest));
    Derivation::of(
        "the day's balance × daily rate; by tiers each slice × its own; of an average the day's share of what that bears; not rounded",
        &label,
        value,
        inputs,
    )
}

/// Whose year-to-date figures a statement goes on from.
pub(crate) fn of_year(previous: Option<&Statement>, year: i32) -> Option<&Statement> {
    use chrono::Datelike;
    previous.filter(|statement| statement.closed_on.year() == year)
}
