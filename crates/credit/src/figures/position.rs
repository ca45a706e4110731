//! Figures of the day.

use money::{Apr, Cents};

use super::{Figures, amount, available, kept, named, rate};
use crate::{Derivation, How, Position, derivation::Value, discount, explain};

/// By name.
pub(crate) fn of_position(position: &Position) -> Figures {
    let mut figures = named(balances(position));
    figures.extend(named(credit(position)));
    figures.extend(named(dues(position)));
    for figure in ["accrued_interest", "total_owed"] {
        figures.extend(position.explain(figure).map(|of| (figure.to_owned(), of)));
    }
    for feature in &position.features {
        let name = format!("feature.{}", feature.name);
        let drawn = "drawn and brought forward, less what payments and credits took of it";
        let accrued = explain::accrued_on(feature, &position.terms.product);
        figures.extend([
            (format!("{name}.principal"), kept(drawn, &feature.name, feature.principal)),
            (
                format!("{name}.apr"),
                discount::rate(
                    "the rate in force on the day",
                    "rate",
                    feature.apr,
                    feature.autopay_discount,
                ),
            ),
            (format!("{name}.autopay_discount"), discount_taken(feature.autopay_discount)),
            (format!("{name}.accrued_interest"), accrued),
            (
                format!("{name}.prepaid"),
                kept(
                    "interest of the open cycle paid before it is billed",
                    "prepaid",
                    feature.prepaid,
                ),
            ),
        ]);
    }
    figures.extend(named(posted(position)));
    if let Some(statement) = &position.last_statement {
        let rule = format!("statement {}, as it was issued", statement.number);
        figures.extend(named(vec![
            ("last_statement.new_balance", kept(&rule, "new balance", statement.new_balance)),
            ("last_statement.minimum_due", kept(&rule, "minimum due", statement.minimum_due)),
        ]));
    }
    figures
}

fn discount_taken(discount: Apr) -> Derivation {
    let rule = "what the product takes off the rate of the contract while automatic payments are on, if a lower rate is not in force anyway";
    rate(rule, "discount for automatic payments", discount)
}

fn balances(position: &Position) -> Vec<(&'static str, Derivation)> {
    let features = position.features.iter().map(|one| amount(&one.name, one.principal)).collect();
    let current = vec![
        amount("total owed", position.total_owed),
        amount("accrued interest", -position.accrued_interest),
    ];
    let charged = position.late_fees.iter();
    let charged: Vec<_> =
        charged.map(|fee| amount(&format!("late fee of {}", fee.on), fee.amount)).collect();
    let late: Cents = position.late_fees.iter().map(|fee| fee.amount).sum();
    let other = "other penalty fees, less what was paid or waived";
    let penalty = charged.into_iter().chain([amount(other, position.penalty_fees - late)]);
    let (principal, current_balance) = (position.principal_balance, position.current_balance);
    vec![
        (
            "principal_balance",
            Derivation::sum("sum over balances", "principal", principal, features),
        ),
        (
            "billed_interest",
            kept(
                "interest of issued statements, less what was paid of it",
                "billed interest",
                position.billed_interest,
            ),
        ),
        ("fees", kept("fees that are no penalties, unpaid", "fees", position.fees)),
        (
            "penalty_fees",
            Derivation::sum(
                "penalty fees charged, less what was paid or waived of them",
                "penalty fees",
                position.penalty_fees,
                penalty.collect(),
            ),
        ),
        (
            "credit_balance",
            kept("paid beyond all that was owed", "credit balance", position.credit_balance),
        ),
        (
            "current_balance",
            Derivation::sum(
                "total owed without accrued interest",
                "current balance",
                current_balance,
                current,
            ),
        ),
    ]
}

fn credit(position: &Position) -> Vec<(&'static str, Derivation)> {
    let mut uses = vec![
        amount("credit limit", position.credit_limit),
        amount("principal", -position.principal_balance),
        amount("held", -position.held_credit),
    ];
    if position.terms.product.limits.charges_use_limit {
        uses.push(amount("billed interest", -position.billed_interest));
        uses.push(amount("fees", -position.all_fees()));
    }
    let held = vec![
        amount("for draws not yet made available", position.draws_held),
        amount("until payments are final", position.held_credit - position.draws_held),
    ];
    let mut figures = vec![
        (
            "credit_limit",
            kept("agreed for the line, as last changed", "credit limit", position.credit_limit),
        ),
        (
            "apr",
            discount::rate(
                "the rate that a new draw would have",
                "rate",
                position.apr,
                position.autopay_discount,
            ),
        ),
        ("autopay_discount", discount_taken(position.autopay_discount)),
        (
            "available_credit",
            available(
                "credit limit − what uses it − what is held, at least zero",
                "available credit",
                position.available_credit,
                uses,
            ),
        ),
        ("held_credit", Derivation::sum("set aside", "held", position.held_credit, held)),
        (
            "held_credit_balance",
            kept(
                "of the credit balance, what payments made that are not final",
                "credit balance held",
                position.held_credit_balance,
            ),
        ),
        ("draws_held", kept("draws that are held", "held for draws", position.draws_held)),
        (
            "drawn_today",
            kept("draws of the day, by when they were asked for", "drawn", position.drawn_today),
        ),
    ];
    if let Some(room) = position.fee_room {
        let rule = "25 % of the opening limit, or what the terms say, less the fees of the first year (12 CFR 1026.52(a)(1))";
        figures.push(("fee_room", kept(rule, "fees that may still be charged", room)));
    }
    figures
}

fn dues(position: &Position) -> Vec<(&'static str, Derivation)> {
    let minimums = position.last_statement.iter().map(|statement| {
        amount(&format!("minimum of statement {}", statement.number), statement.minimum_due)
    });
    let printed: Cents = position.last_statement.iter().map(|one| one.minimum_due).sum();
    let since = position.minimum_due - printed;
    let minimums = minimums.chain([amount("paid of it since, or settled otherwise", since)]);
    let rule = "still unpaid of all minimums: each payment counts to the oldest";
    let minimum = position.minimum_due;
    let minimum = Derivation::sum(rule, "minimum still due", minimum, minimums.collect());
    let rule = "days since the oldest unpaid minimum could be enforced";
    let days = Value::Count(position.days_past_due.into());
    let days = Derivation::of(rule, "days past due", days, Vec::new());
    let rule = "what one more day costs if nothing more happens; where grace ends today, as a day without it";
    let per_diem = Value::Text(format!("${}", position.per_diem()));
    let per_diem = Derivation::of(rule, "per diem", per_diem, Vec::new());
    let rule = "minimums unpaid after their enforceable due date";
    let past_due = kept(rule, "past due", position.past_due);
    let rule = "under dispute, with the interest billed on it (12 CFR 1026.13(d))";
    let disputed = kept(rule, "disputed", position.disputed);
    vec![
        ("minimum_due", minimum),
        ("days_past_due", days),
        ("per_diem", per_diem),
        ("past_due", past_due),
        ("disputed", disputed),
    ]
}

/// What the ledger shows, and what makes it differ from the line.
fn posted(position: &Position) -> Vec<(&'static str, Derivation)> {
    let of = |name: &'static str, label: &str, line: Cents, posted: Cents| {
        let inputs = vec![amount(label, line), amount("still to be posted", posted - line)];
        let rule = "of the line, less what was paid ahead or is still to be posted";
        (name, Derivation::sum(rule, label, posted, inputs).by(How::Sum))
    };
    let posted = &position.posted;
    vec![
        of("posted.principal", "principal", position.principal_balance, posted.principal),
        of(
            "posted.billed_interest",
            "billed interest",
            position.billed_interest,
            posted.billed_interest,
        ),
        of("posted.fees", "fees", position.fees, posted.fees),
        of("posted.penalty_fees", "penalty fees", position.penalty_fees, posted.penalty_fees),
        of(
            "posted.credit_balance",
            "credit balance",
            position.credit_balance,
            posted.credit_balance,
        ),
    ]
}
