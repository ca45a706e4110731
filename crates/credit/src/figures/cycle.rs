//! Figures of a closed cycle, with all that is known.

use super::{Figures, amount, available, kept, named, rate, statement::unused};
use crate::{CycleRecord, Derivation, derivation::Value, explain, product::Product};

/// By the name that stands after `cycle.N.`.
pub(crate) fn of_cycle(record: &CycleRecord, product: &Product) -> Figures {
    let mut figures = balances(record, product);
    figures.extend(charges(record, product));
    figures.extend(unused(&record.unused_rates));
    if let Some(least) = record.pay_to_avoid_interest {
        let inputs = vec![
            amount("new balance", record.balance),
            amount("balances that need not be paid for it", least - record.balance),
        ];
        let rule = "what has to be paid by the due date to keep grace (12 CFR 1026.7(b)(8))";
        let least = Derivation::sum(rule, "pay this to avoid interest", least, inputs);
        figures.push(("pay_to_avoid_interest".to_owned(), least));
    }
    for fee in &record.instalment_fees {
        let rule = "the monthly fee of the plan by its terms, after any waiver";
        let name = format!("instalment_fees.{}", fee.feature);
        figures.push((name, kept(rule, &format!("monthly fee of {}", fee.feature), fee.amount)));
    }
    for line in &record.interest {
        let name = format!("interest.{}", line.feature);
        let average = explain::subject_to_interest(line, product);
        let apr = rate(
            "the rate of the terms at the close, by tiers of the one that is reached",
            "rate",
            line.apr,
        );
        figures.push((format!("{name}.average_balance"), average));
        figures.extend(given(&name, line, "of the days of the cycle on this balance"));
        figures.push((format!("{name}.apr"), apr));
        figures.push((name, explain::interest_line(line, product)));
    }
    figures.extend(given(
        "charges",
        &record.charges,
        "what the military rate is computed from (32 CFR 232.4)",
    ));
    figures.extend(given(
        "minimum",
        &record.minimum.inputs,
        "what the formula of the minimum is given",
    ));
    let own = [("minimum.base", record.minimum.base), ("minimum.own", record.minimum.own)];
    let rule = "before past due and the cap; and without what was asked for before";
    figures.extend(own.map(|(name, value)| (name.to_owned(), kept(rule, name, value))));
    figures.extend(mapr(record));
    figures
}

/// The amounts of a table, each by its key.
fn given(name: &str, table: &impl serde::Serialize, rule: &str) -> Figures {
    let table = serde_json::to_value(table).unwrap_or_default();
    let keys = table.as_object().into_iter().flatten();
    let amounts = keys.filter_map(|(key, value)| {
        Some((key.strip_suffix("_cents")?, money::Cents::new(value.as_i64()?)))
    });
    amounts
        .filter(|(key, _)| !["average_balance", "amount"].contains(key))
        .map(|(key, value)| (format!("{name}.{key}"), kept(rule, &key.replace('_', " "), value)))
        .collect()
}

/// The military annual percentage rate.
fn mapr(record: &CycleRecord) -> Option<(String, Derivation)> {
    let charges = &record.charges;
    let ppm = charges.rate()?.ppm();
    let percent = Value::Text(format!("{}.{:04}%", ppm / 10_000, ppm % 10_000));
    let rule = "the periodic rate alone, or twelve times the charges that are left after any waiver over what they were imposed on (32 CFR 232.4)";
    let inputs = vec![
        amount("interest", charges.interest),
        amount("finance charges and participation fees", charges.fees),
        amount("sum of daily balances", charges.sum_of_balances),
        Derivation::given("days", Value::Count(charges.days.into())),
        amount("draws that bore a fee", charges.fee_bearing_draws),
        Derivation::given("highest rate", Value::AprPpm(charges.apr)),
        amount("fees waived to keep to the cap", record.waived),
        amount("interest waived to keep to the cap", charges.cut),
    ];
    let label = format!("military rate of cycle {}", record.number);
    Some(("mapr".to_owned(), Derivation::of(rule, &label, percent, inputs)))
}

/// What was owed at the close.
fn balances(record: &CycleRecord, product: &Product) -> Figures {
    let principals = record.principals.iter();
    let principals = principals.map(|one| amount(&format!("at {}", one.apr), one.amount)).collect();
    let buckets = vec![
        amount("principal", record.principal),
        amount("billed interest", record.billed_interest),
        amount("fees", record.fees),
        amount("penalty fees", record.penalty_fees),
        amount("credit balance", -record.credit_balance),
    ];
    let mut uses =
        vec![amount("credit limit", record.credit_limit), amount("principal", -record.principal)];
    if product.limits.charges_use_limit {
        uses.push(amount("billed interest", -record.billed_interest));
        uses.push(amount("fees", -(record.fees + record.penalty_fees)));
    }
    let balance = record.balance;
    let billed = "interest of this cycle and of those before, unpaid at the close";
    named(vec![
        (
            "principal",
            Derivation::sum("sum over balances", "principal", record.principal, principals),
        ),
        ("billed_interest", kept(billed, "billed interest", record.billed_interest)),
        ("fees", kept("fees that are no penalties, unpaid at the close", "fees", record.fees)),
        (
            "penalty_fees",
            kept("penalty fees, unpaid at the close", "penalty fees", record.penalty_fees),
        ),
        (
            "credit_balance",
            kept("paid beyond all that was owed", "credit balance", record.credit_balance),
        ),
        ("balance", Derivation::sum("the new balance: all of these", "balance", balance, buckets)),
        (
            "credit_limit",
            kept("agreed for the line, as last changed", "credit limit", record.credit_limit),
        ),
        (
            "available_credit",
            available(
                "credit limit − what uses it, at least zero",
                "available credit at the close",
                record.available_credit,
                uses,
            ),
        ),
    ])
}

/// What the cycle cost, and asked for.
fn charges(record: &CycleRecord, product: &Product) -> Figures {
    let plan = "the plan fee of the terms for this cycle, after any waiver";
    let over = "the over-limit fee of the terms, where the cycle ended above the limit";
    let waived = "fees of the cycle taken back to keep to the military cap (32 CFR 232.4)";
    named(vec![
        ("interest", explain::interest(record, product)),
        ("minimum_due", explain::minimum(&record.minimum, product)),
        ("plan_fee", kept(plan, "plan fee", record.plan_fee)),
        ("first_day_fee", kept("of it, on the first day", "plan fee", record.first_day_fee)),
        ("over_limit_fee", kept(over, "over-limit fee", record.over_limit_fee)),
        ("waived", kept(waived, "fees waived", record.waived)),
    ])
}
