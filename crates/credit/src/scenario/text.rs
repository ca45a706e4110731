//! What a scenario comes to, for people.

use std::fmt::{self, Write};

use money::Cents;

use super::report::{LineReport, Report, WhatIf};
use crate::{Position, Repayment, Statement, StatementItem};

impl Report {
    /// The report as lines of text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            // Writing to a string does not fail.
            let _ = write_line(&mut text, line);
        }
        text
    }
}

fn write_line(text: &mut String, line: &LineReport) -> fmt::Result {
    writeln!(text, "{} ({}), opened on {}", line.name, line.product, line.position.opened_on)?;
    for note in &line.notes {
        writeln!(text, "  Note: {note}")?;
    }
    for statement in &line.statements {
        write_statement(text, statement)?;
    }
    write_position(text, &line.position)?;
    for quote in &line.quotes {
        let quote = &quote.quote;
        writeln!(text, "\n  Payoff on {}: {} (${} a day)", quote.on, quote.payoff, quote.per_diem)?;
    }
    for what_if in &line.what_ifs {
        write_what_if(text, what_if)?;
    }
    writeln!(text)
}

fn row(text: &mut String, label: &str, amount: Cents) -> fmt::Result {
    writeln!(text, "    {label:<52} {:>14}", amount.to_string())
}

fn write_statement(text: &mut String, statement: &Statement) -> fmt::Result {
    let Statement { number, opened_on, closed_on, days, .. } = statement;
    writeln!(text, "\n  Statement {number}: {opened_on} to {closed_on} ({days} days)")?;
    row(text, "previous balance", statement.previous_balance)?;
    let items = [&statement.payments, &statement.draws, &statement.fees, &statement.adjustments];
    for item in items.into_iter().flatten() {
        row(text, &label(item), item.amount)?;
    }
    for line in &statement.interest {
        let at = if line.rates.is_empty() { format!(" at {}", line.apr) } else { String::new() };
        let on = format!("interest on {} of {}{at}", line.feature, line.average_balance);
        row(text, &on, line.amount)?;
        for one in &line.rates {
            let (balance, days) = (one.average_balance, one.days);
            writeln!(text, "      {balance} at {} on {days} days", one.apr)?;
        }
        let earlier =
            [("deferred, due now", line.deferred_due), ("of earlier cycles", line.earlier_cycles)];
        for (what, amount) in earlier.into_iter().filter(|(_, amount)| amount.is_positive()) {
            writeln!(text, "      {amount} {what}")?;
        }
    }
    row(text, "new balance", statement.new_balance)?;
    let due = format!("minimum due by {}", statement.due_on);
    row(text, &due, statement.minimum_due)?;
    if statement.disputed.is_positive() {
        row(text, "disputed, not to be paid meanwhile", statement.disputed)?;
    }
    if let Some(amount) = statement.pay_to_avoid_interest {
        row(text, "paid by then, spares interest where there is grace", amount)?;
    }
    match statement.repayment {
        None => Ok(()),
        Some(Repayment::Never { in_36_months }) => {
            row(text, "minimums never pay it off; in 36 months, a month", in_36_months)
        }
        Some(Repayment::Estimate { months, total, in_36_months }) => {
            row(text, &format!("by minimums only: {months} months, in all"), total)?;
            in_36_months.map_or(Ok(()), |other| {
                row(text, "in 36 months, a month", other.monthly)?;
                row(text, "which saves", other.savings)
            })
        }
    }
}

fn label(item: &StatementItem) -> String {
    if item.recorded_on == item.effective_on {
        format!("{} {}", item.effective_on, item.label)
    } else {
        format!("{} {} (recorded {})", item.effective_on, item.label, item.recorded_on)
    }
}

fn write_position(text: &mut String, position: &Position) -> fmt::Result {
    writeln!(text, "\n  On {}", position.on)?;
    row(text, "principal", position.principal_balance)?;
    row(text, "billed interest", position.billed_interest)?;
    row(text, "accrued interest", position.accrued_interest)?;
    row(text, "fees", position.all_fees())?;
    if !position.credit_balance.is_zero() {
        row(text, "credit balance", -position.credit_balance)?;
    }
    row(text, "total owed", position.total_owed)?;
    row(text, "available credit", position.available_credit)?;
    row(text, "minimum still due", position.minimum_due)?;
    writeln!(text, "    {:<52} {:>14}", "next due date", position.next_due_on)?;
    if position.days_past_due > 0 {
        let late = format!("past due for {} days", position.days_past_due);
        row(text, &late, position.past_due)?;
    }
    Ok(())
}

fn write_what_if(text: &mut String, what_if: &WhatIf) -> fmt::Result {
    writeln!(text, "\n  What if: {}, on {}", what_if.name, what_if.on)?;
    let change = |text: &mut String, label: &str, without: Cents, with: Cents| {
        writeln!(text, "    {label:<24} {without:>14} -> {with:>14}")
    };
    let (without, with) = (&what_if.without, &what_if.with);
    change(text, "total owed", without.total_owed_cents, with.total_owed_cents)?;
    let (before, after) = (without.interest_charged_cents, with.interest_charged_cents);
    change(text, "interest charged", before, after)?;
    change(text, "minimum due", without.minimum_due_cents, with.minimum_due_cents)?;
    for payoff in &what_if.payoffs {
        let label = format!("payoff on {}", payoff.on);
        change(text, &label, payoff.without_cents, payoff.with_cents)?;
    }
    Ok(())
}
