//! Figures of a statement as issued.

use chrono::Datelike;
use money::Cents;

use super::{Figures, amount, available, item_label, items, kept, named, of_year, rate};
use crate::{
    BroughtForward, CycleRecord, Derivation, How, Repayment, Statement, StatementInterest,
    derivation::Value, explain, product::Product, statement_terms::UnusedRate,
};

/// What stands beside the statement when it is explained.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) previous: Option<&'a Statement>,
    pub(crate) boarded: Option<&'a BroughtForward>,
    pub(crate) record: Option<&'a CycleRecord>,
    pub(crate) product: &'a Product,
}

/// By the name that stands after `statement.N.`.
pub(crate) fn of_statement(statement: &Statement, around: &Around<'_>) -> Figures {
    let mut figures = balances(statement, around);
    figures.extend(totals(statement));
    figures.extend(year_to_date(statement, around));
    figures.extend(to_pay(statement, around));
    if let Some(repayment) = &statement.repayment {
        figures.extend(repayment_of(statement, repayment));
    }
    let sides = [
        ("payments", &statement.payments),
        ("draws", &statement.draws),
        ("fees", &statement.fees),
        ("adjustments", &statement.adjustments),
    ];
    for (side, item) in
        sides.into_iter().flat_map(|(side, of)| of.iter().map(move |one| (side, one)))
    {
        let rule = format!("event {} of the line, effective {}", item.seq, item.effective_on);
        // The fees of several plans were posted with one event.
        let plan = item.feature.as_ref().filter(|_| side == "fees");
        let plan = plan.map(|plan| format!(".{plan}")).unwrap_or_default();
        figures.push((
            format!("{side}.{}{plan}", item.seq),
            kept(&rule, &item_label(item), item.amount),
        ));
    }
    let Some(record) = around.record else { return figures };
    let interest = explain::interest(record, around.product);
    figures.push(("interest_total".to_owned(), interest.clone()));
    figures.push(("interest".to_owned(), interest));
    figures.push(("minimum_due".to_owned(), explain::minimum(&record.minimum, around.product)));
    for line in &record.interest {
        figures.push((
            format!("interest.{}", line.feature),
            explain::interest_line(line, around.product),
        ));
        let balance = explain::subject_to_interest(line, around.product);
        figures.push((format!("interest.{}.average_balance", line.feature), balance));
    }
    for line in &statement.interest {
        figures.extend(rates(line));
    }
    figures.extend(unused(&statement.unused_rates));
    figures
}

/// Rates of the terms at which nothing was owed.
pub(super) fn unused(rates: &[UnusedRate]) -> Figures {
    let mut figures = Vec::new();
    for unused in rates {
        let name = format!("unused_rates.{}.at.{}", unused.feature, unused.apr);
        let rule =
            "a rate of the terms at the close, at which nothing was owed (12 CFR 1026.7(b)(4))";
        figures.push((name.clone(), rate(rule, "rate", unused.apr)));
        figures.extend(unused.up_to.map(|up_to| {
            let rule = "the top of the tier, by the terms at the close";
            (format!("{name}.up_to"), kept(rule, "top of the tier", up_to))
        }));
    }
    figures
}

fn rates(line: &StatementInterest) -> Figures {
    let name = format!("interest.{}", line.feature);
    let apr = |apr| rate("the rate of the terms at the close (12 CFR 1026.7(b)(4))", "rate", apr);
    let mut figures = vec![(format!("{name}.apr"), apr(line.apr)), {
        let inputs = vec![apr(line.apr)];
        let value = Value::Text(line.periodic_rate.clone());
        let rule = "yearly rate ÷ the periods of a year, with six decimals";
        (format!("{name}.periodic_rate"), Derivation::of(rule, "periodic rate", value, inputs))
    }];
    for one in &line.rates {
        let days = Derivation::given("days", Value::Count(one.days.into()));
        let rule = "what bore this rate: the average of the days at it, or a tier's part of the balance (12 CFR 1026.7(b)(5))";
        let average =
            Derivation::cents(rule, "balance", one.average_balance, vec![days, apr(one.apr)]);
        figures.push((format!("{name}.at.{}", one.apr), average));
    }
    let earlier = [
        ("deferred_due", "deferred interest, due now", line.deferred_due, explain::DEFERRED_DUE),
        (
            "earlier_cycles",
            "interest of earlier cycles",
            line.earlier_cycles,
            explain::EARLIER_CYCLES,
        ),
    ];
    for (key, label, amount, rule) in earlier {
        figures.push((format!("{name}.{key}"), kept(rule, label, amount)));
    }
    if let Some(deferred) = line.deferred {
        let rule = "interest at the contract rate since the promotion began, not charged if the balance is paid off by its end (12 CFR 1026.7(b)(14))";
        figures
            .push((format!("{name}.deferred"), kept(rule, "deferred interest", deferred.amount)));
    }
    figures
}

fn balances(statement: &Statement, around: &Around<'_>) -> Figures {
    let from = around.previous.map_or_else(
        || "what came in with the line".to_owned(),
        |statement| format!("new balance of statement {}", statement.number),
    );
    let principals = around.record.into_iter().flat_map(|record| &record.principals);
    let principals = principals.map(|one| amount(&format!("at {}", one.apr), one.amount)).collect();
    let limit = statement.credit_limit;
    let charges = statement.new_balance - statement.principal_balance;
    let mut uses =
        vec![amount("credit limit", limit), amount("principal", -statement.principal_balance)];
    if around.product.limits.charges_use_limit {
        let credit = around.record.map(|record| record.credit_balance).unwrap_or_default();
        uses.push(amount("interest and fees", -(charges + credit)));
    }
    named(vec![
        ("previous_balance", kept(&from, "previous balance", statement.previous_balance)),
        ("new_balance", explain::new_balance(statement)),
        (
            "principal_balance",
            Derivation::sum(
                "sum over balances at the close",
                "principal",
                statement.principal_balance,
                principals,
            ),
        ),
        ("credit_limit", kept("agreed for the line, as last changed", "credit limit", limit)),
        (
            "available_credit",
            available(
                "credit limit − what uses it, at least zero",
                "available credit at the close",
                statement.available_credit,
                uses,
            ),
        ),
    ])
}

fn totals(statement: &Statement) -> Figures {
    let negated = |total: Cents, of: &[crate::StatementItem], rule: &str, label: &str| {
        let inputs = of.iter().map(|item| amount(&item_label(item), -item.amount)).collect();
        Derivation::sum(rule, label, total, inputs)
    };
    let credits: Vec<_> =
        statement.payments.iter().filter(|item| item.label != "payment").cloned().collect();
    let rule = "payments and credits of the cycle, as a positive amount";
    let payments =
        negated(statement.payments_total, &statement.payments, rule, "payments and credits");
    let rule = "credits of the cycle that are no payments";
    let credits = negated(statement.credits_total, &credits, rule, "credits");
    let rule = "corrections of what earlier statements said, with both dates";
    named(vec![
        ("payments_total", payments),
        ("credits_total", credits),
        (
            "draws_total",
            items("draws of the cycle", "draws", statement.draws_total, &statement.draws),
        ),
        ("fees_total", items("fees of the cycle", "fees", statement.fees_total, &statement.fees)),
        (
            "adjustments_total",
            items(rule, "adjustments", statement.adjustments_total, &statement.adjustments),
        ),
    ])
}

fn year_to_date(statement: &Statement, around: &Around<'_>) -> Figures {
    let before = of_year(around.previous, statement.closed_on.year());
    let boarded = around.boarded.filter(|_| around.previous.is_none());
    let year = |label: &str, before: Cents, own: Cents, all: Cents| {
        let adjusted = all - before - own;
        let mut inputs = vec![amount("of the year so far", before), amount("this statement", own)];
        if !adjusted.is_zero() {
            inputs.push(amount("corrections of earlier statements", adjusted));
        }
        Derivation::sum("sum over the calendar year (12 CFR 1026.7(b)(6))", label, all, inputs)
    };
    let interest = before.map(|one| one.interest_this_year);
    let interest = interest.or(boarded.map(|one| one.interest_this_year)).unwrap_or_default();
    let fees = before.map(|one| one.fees_this_year);
    let fees = fees.or(boarded.map(|one| one.fees_this_year)).unwrap_or_default();
    let of = statement;
    named(vec![
        (
            "interest_this_year",
            year("interest of the year", interest, of.interest_total, of.interest_this_year),
        ),
        ("fees_this_year", year("fees of the year", fees, of.fees_total, of.fees_this_year)),
    ])
}

fn to_pay(statement: &Statement, around: &Around<'_>) -> Figures {
    let inputs = around.record.map(|record| record.minimum.inputs);
    let earlier = inputs.map(|inputs| inputs.past_due - inputs.not_yet_due);
    let past_due = vec![
        amount("minimums past their date, unpaid", earlier.unwrap_or(statement.past_due)),
        amount("all that is due", statement.minimum_due),
    ];
    let rule = "minimums past their date, as far as they are unpaid and part of this one";
    let past_due = Derivation::cents(rule, "past due", statement.past_due, past_due).by(How::Least);
    let rule = "under dispute, with the interest billed on it (12 CFR 1026.13(d))";
    let mut figures =
        vec![("past_due", past_due), ("disputed", kept(rule, "disputed", statement.disputed))];
    let rule =
        "asked for by an earlier statement that falls due after this close, and part of this one";
    figures.push(("not_yet_due", kept(rule, "not yet due", statement.not_yet_due)));
    if let Some(least) = statement.pay_to_avoid_interest {
        let left_out = statement.new_balance - least;
        let inputs = vec![
            amount("new balance", statement.new_balance),
            amount("balances that need not be paid for it", -left_out),
        ];
        let rule = "what has to be paid by the due date to keep grace (12 CFR 1026.7(b)(8))";
        figures.push((
            "pay_to_avoid_interest",
            Derivation::sum(rule, "pay this to avoid interest", least, inputs),
        ));
    }
    if let (Some(up_to), Some(late)) = (statement.late_fee_up_to, &around.product.fees.late) {
        let amounts = late.brackets.iter().map(|bracket| bracket.amount);
        let amounts = amounts.chain([late.amount]).chain(late.repeat_amount);
        let inputs: Vec<_> = amounts.map(|one| amount("amount of the terms", one)).collect();
        let rule = "the most that a late payment can cost (12 CFR 1026.7(b)(11))";
        let up_to = match late.most {
            Some(_) => kept(rule, "late fee, up to", up_to),
            None => Derivation::cents(rule, "late fee, up to", up_to, inputs).by(How::Greatest),
        };
        figures.push(("late_fee_up_to", up_to));
    }
    named(figures)
}

fn repayment_of(statement: &Statement, repayment: &Repayment) -> Figures {
    let given = || vec![amount("new balance", statement.new_balance)];
    let by_minimums = "minimum payments only, no new draws, no fees, a twelfth of each rate a month (12 CFR 1026.7(b)(12), Appendix M1)";
    let level =
        "the level payment that pays it off in 36 months, in whole dollars (Appendix M1(d))";
    let of = |rule: &str, label: &str, value: Cents| Derivation::cents(rule, label, value, given());
    match repayment {
        Repayment::Never { in_36_months } => named(vec![(
            "repayment.in_36_months",
            of(level, "a month, for 36 months", *in_36_months),
        )]),
        Repayment::Estimate { months, total, in_36_months } => {
            let count = Value::Count((*months).into());
            let months = Derivation::of(by_minimums, "months", count, given());
            let mut figures = vec![
                ("repayment.months", months),
                ("repayment.total", of(by_minimums, "in all", *total)),
            ];
            if let Some(other) = in_36_months {
                let saved =
                    vec![amount("by minimums", *total), amount("in 36 months", -other.total)];
                figures.extend([
                    (
                        "repayment.in_36_months.monthly",
                        of(level, "a month, for 36 months", other.monthly),
                    ),
                    (
                        "repayment.in_36_months.total",
                        of("36 such payments, before rounding", "in all", other.total),
                    ),
                    (
                        "repayment.in_36_months.savings",
                        Derivation::sum("the one less the other", "saved", other.savings, saved),
                    ),
                ]);
            }
            named(figures)
        }
    }
}
