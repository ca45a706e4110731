//! Derivations of the plain figures that a report prints: sums of items, balances, limits and days.

use money::Cents;

use crate::{
    CycleRecord, Derivation, Position, Statement, StatementItem,
    derivation::Value,
    explain,
    scenario::{Compared, WhatIf},
};

type Figures = Vec<(String, Derivation)>;

type Of = fn(&Compared) -> Cents;

fn given(label: &str, value: Cents) -> Derivation {
    Derivation::given(label, Value::Cents(value))
}

fn items(rule: &str, label: &str, total: Cents, items: &[StatementItem]) -> Derivation {
    let inputs = items.iter().map(|item| {
        let label = format!("{} {} (event {})", item.effective_on, item.label, item.seq);
        given(&label, item.amount)
    });
    Derivation::cents(rule, label, total, inputs.collect())
}

/// Figures of one statement, by the name that stands after `statement.N.`.
pub(crate) fn of_statement(statement: &Statement, previous: Option<&Statement>) -> Figures {
    let from = previous.map_or_else(
        || "what came in with the line".to_owned(),
        |statement| format!("new balance of statement {}", statement.number),
    );
    let year = |label: &str, before: Cents, own: Cents, all: Cents| {
        let adjusted = all - before - own;
        let inputs = vec![
            given("statements before", before),
            given("this statement", own),
            given("adjustments of earlier statements", adjusted),
        ];
        Derivation::cents("sum over the calendar year (12 CFR 1026.7(b)(6))", label, all, inputs)
    };
    let same_year = |of: fn(&Statement) -> Cents| previous.map(of).unwrap_or_default();
    let mut figures = vec![
        ("previous_balance".to_owned(), {
            let balance = statement.previous_balance;
            Derivation::cents(&from, "previous balance", balance, Vec::new())
        }),
        ("payments_total".to_owned(), {
            let rule = "payments and credits of the cycle, as a positive amount";
            items(rule, "payments and credits", statement.payments_total, &statement.payments)
        }),
        ("draws_total".to_owned(), {
            items("draws of the cycle", "draws", statement.draws_total, &statement.draws)
        }),
        ("fees_total".to_owned(), {
            items("fees of the cycle", "fees", statement.fees_total, &statement.fees)
        }),
        ("adjustments_total".to_owned(), {
            let rule = "corrections of what earlier statements said, with both dates";
            items(rule, "adjustments", statement.adjustments_total, &statement.adjustments)
        }),
        ("new_balance".to_owned(), explain::new_balance(statement)),
        ("past_due".to_owned(), {
            let rule = "minimums of earlier statements, as far as they are unpaid";
            Derivation::cents(rule, "past due", statement.past_due, Vec::new())
        }),
    ];
    let (interest, fees) = (statement.interest_this_year, statement.fees_this_year);
    let before = same_year(|one| one.interest_this_year);
    let own = statement.interest_total;
    figures.push((
        "interest_this_year".to_owned(),
        year("interest of the year", before.min(interest), own, interest),
    ));
    let before = same_year(|one| one.fees_this_year);
    let own = statement.fees_total;
    figures
        .push(("fees_this_year".to_owned(), year("fees of the year", before.min(fees), own, fees)));
    figures
}

/// Figures of a position, by name.
pub(crate) fn of_position(position: &Position) -> Figures {
    let named = balances(position).into_iter().chain(dues(position));
    let mut figures: Figures =
        named.map(|(name, derivation)| (name.to_owned(), derivation)).collect();
    figures.extend(position.cycles.iter().filter_map(mapr));
    figures
}

fn balances(position: &Position) -> Vec<(&'static str, Derivation)> {
    let sum = Derivation::cents;
    let features = position.features.iter().map(|one| given(&one.name, one.principal)).collect();
    let mut limit = vec![
        given("credit limit", position.credit_limit),
        given("principal", -position.principal_balance),
        given("held", -position.held_credit),
    ];
    if position.terms.product.limits.charges_use_limit {
        limit.push(given("billed interest", -position.billed_interest));
        limit.push(given("fees", -position.all_fees()));
    }
    let current = vec![
        given("total owed", position.total_owed),
        given("accrued interest", -position.accrued_interest),
    ];
    let late = position.late_fees.iter();
    let late = late.map(|fee| given(&format!("late fee of {}", fee.on), fee.amount)).collect();
    let principal = sum("sum over balances", "principal", position.principal_balance, features);
    let rule = "interest of issued statements, less what was paid of it";
    let billed = sum(rule, "billed interest", position.billed_interest, Vec::new());
    let rule = "fees that are no penalties, unpaid";
    let fees = sum(rule, "fees", position.fees, Vec::new());
    let rule = "penalty fees charged, less what was paid or waived of them";
    let penalty = sum(rule, "penalty fees", position.penalty_fees, late);
    let rule = "paid beyond all that was owed";
    let credit = sum(rule, "credit balance", position.credit_balance, Vec::new());
    let rule = "total owed without accrued interest";
    let current = sum(rule, "current balance", position.current_balance, current);
    let rule = "credit limit − what uses it − what is held, at least zero";
    let available = sum(rule, "available credit", position.available_credit, limit);
    vec![
        ("principal_balance", principal),
        ("billed_interest", billed),
        ("fees", fees),
        ("penalty_fees", penalty),
        ("credit_balance", credit),
        ("current_balance", current),
        ("available_credit", available),
    ]
}

fn dues(position: &Position) -> Vec<(&'static str, Derivation)> {
    let sum =
        |rule: &str, label: &str, value: Cents| Derivation::cents(rule, label, value, Vec::new());
    let minimums = position.last_statement.iter().map(|statement| {
        given(&format!("minimum of statement {}", statement.number), statement.minimum_due)
    });
    let rule = "still unpaid of all minimums: each payment counts to the oldest";
    let minimum = position.minimum_due;
    let minimum = Derivation::cents(rule, "minimum still due", minimum, minimums.collect());
    let rule = "days since the oldest unpaid minimum could be enforced";
    let days = Value::Count(position.days_past_due.into());
    let days = Derivation::of(rule, "days past due", days, Vec::new());
    let rule = "what one more day costs if nothing more happens";
    let per_diem = Value::Text(format!("${}", position.per_diem()));
    let per_diem = Derivation::of(rule, "per diem", per_diem, Vec::new());
    let rule = "minimums unpaid after their enforceable due date";
    let past_due = sum(rule, "past due", position.past_due);
    let rule = "under dispute, with the interest billed on it (12 CFR 1026.13(d))";
    let disputed = sum(rule, "disputed", position.disputed);
    vec![
        ("minimum_due", minimum),
        ("days_past_due", days),
        ("per_diem", per_diem),
        ("past_due", past_due),
        ("disputed", disputed),
    ]
}

/// The military annual percentage rate of a cycle.
fn mapr(record: &CycleRecord) -> Option<(String, Derivation)> {
    let charges = &record.charges;
    let ppm = charges.rate()?.ppm();
    let percent = Value::Text(format!("{}.{:04}%", ppm / 10_000, ppm % 10_000));
    let rule = "the periodic rate alone, or twelve times the charges over what they were imposed on (32 CFR 232.4)";
    let inputs = vec![
        given("interest", charges.interest),
        given("finance charges and participation fees", charges.fees),
        given("sum of daily balances", charges.sum_of_balances),
        Derivation::given("days", Value::Count(charges.days.into())),
        given("draws that bore a fee", charges.fee_bearing_draws),
        Derivation::given("highest rate", Value::AprPpm(charges.apr)),
        given("fees waived to keep to the cap", record.waived),
    ];
    let label = format!("military rate of cycle {}", record.number);
    Some((format!("cycle.{}.mapr", record.number), Derivation::of(rule, &label, percent, inputs)))
}

/// Figures of a what-if, by the name that stands after `what_if.NAME.`.
pub(crate) fn of_what_if(what_if: &WhatIf) -> Figures {
    let of: [(&str, Of); 8] = [
        ("total_owed", |one| one.total_owed_cents),
        ("principal_balance", |one| one.principal_balance_cents),
        ("billed_interest", |one| one.billed_interest_cents),
        ("accrued_interest", |one| one.accrued_interest_cents),
        ("fees", |one| one.fees_cents),
        ("minimum_due", |one| one.minimum_due_cents),
        ("interest_charged", |one| one.interest_charged_cents),
        ("available_credit", |one| one.available_credit_cents),
    ];
    let compared = |label: String, without: Cents, with: Cents| {
        let inputs = vec![given("without it", without), given("with it", with)];
        let rule = "the line lived twice: as it is, and as the what-if has it";
        Derivation::cents(rule, &label, with - without, inputs)
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
