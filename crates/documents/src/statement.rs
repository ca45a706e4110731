//! The periodic statement (12 CFR 1026.7(b)). Every figure is the engine's; nothing is worked out here, and what does
//! not add up is not written.

use chrono::{Datelike, NaiveDate};
use credit::{Statement, StatementItem, Terms};
use money::Cents;

use crate::{
    Creditor, Document, Party,
    document::{Block, Column, Fact, Row, Table},
    render::DocumentError,
    terms::{balance_method, feature, grace, late_fee},
    words::{days, long_date, short_date, title},
};

const TEMPLATE: &str = "statement 2";

/// Whose statement it is.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementRecord<'a> {
    pub customer: &'a Party,
    /// What the customer calls the line: the end of its id.
    pub line_reference: &'a str,
    pub terms: &'a Terms,
    pub statement: &'a Statement,
    /// Learned of since the statement before.
    pub changes: &'a [TermsChange],
}

/// A change in the terms of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermsChange {
    /// From when it counts.
    pub on: NaiveDate,
    /// One sentence without its date.
    pub text: String,
}

/// A periodic statement.
pub fn statement_document(
    record: &StatementRecord<'_>,
    creditor: &Creditor,
) -> Result<Document, DocumentError> {
    let statement = record.statement;
    check(statement)?;
    let (number, line) = (statement.number, record.line_reference);
    let mut blocks = vec![first_figures(statement)];
    blocks.extend(late_payment(record));
    blocks.push(summary(statement));
    blocks.extend(listing("Draws", &statement.draws, "Total draws", statement.draws_total));
    let credits = -statement.payments_total;
    blocks.extend(listing(
        "Payments and credits",
        &statement.payments,
        "Total payments and credits",
        credits,
    ));
    let adjusted = statement.adjustments_total;
    blocks.extend(listing("Adjustments", &statement.adjustments, "Total adjustments", adjusted));
    blocks.push(items("Fees", &statement.fees, "Total fees for this period", statement.fees_total));
    blocks.push(interest_charged(statement));
    blocks.push(this_year(statement));
    if !statement.interest.is_empty() {
        blocks.push(interest_worked_out(statement));
        blocks.push(Block::text(balance_method(record.terms).1));
    }
    blocks.push(Block::text(grace(record.terms)));
    blocks.extend(changes(record.changes));
    blocks.extend(mistakes(creditor));
    Ok(Document {
        template: TEMPLATE,
        title: format!("Statement {number}"),
        lead: format!(
            "{} to {} ({})",
            long_date(statement.opened_on),
            long_date(statement.closed_on),
            days(statement.days)
        ),
        from: creditor.clone(),
        to: record.customer.clone(),
        marks: vec![
            Fact::new("Product", &*record.terms.product.title),
            Fact::new("Line", format!("ending {line}")),
            Fact::new("Closing date", long_date(statement.closed_on)),
            Fact::new("Credit limit", statement.credit_limit.to_string()),
        ],
        blocks,
        foot: format!("Statement {number}, line ending {line}"),
    })
}

/// Each list comes to its total, and the totals to the new balance.
fn check(statement: &Statement) -> Result<(), DocumentError> {
    let sum = |items: &[StatementItem]| -> Cents { items.iter().map(|item| item.amount).sum() };
    let interest: Cents = statement.interest.iter().map(|line| line.amount).sum();
    let adds_up = statement.off_by().is_zero()
        && sum(&statement.draws) == statement.draws_total
        && sum(&statement.payments) == -statement.payments_total
        && sum(&statement.fees) == statement.fees_total
        && sum(&statement.adjustments) == statement.adjustments_total
        && interest == statement.interest_total;
    if adds_up { Ok(()) } else { Err(DocumentError::Record("the statement does not add up")) }
}

fn first_figures(statement: &Statement) -> Block {
    let mut facts = vec![
        Fact::new("New balance", statement.new_balance.to_string()),
        Fact::new("Minimum payment due", statement.minimum_due.to_string()),
    ];
    if statement.minimum_due.is_positive() {
        facts.push(Fact::new("Payment due date", short_date(statement.due_on)));
    }
    if statement.past_due.is_positive() {
        facts.push(Fact::new("Of which past due", statement.past_due.to_string()));
    }
    Block::Facts { facts }
}

fn late_payment(record: &StatementRecord<'_>) -> Option<Block> {
    let fee = late_fee(&record.terms.product.fees)?;
    let due = record.statement.minimum_due.is_positive();
    due.then(|| Block::text(format!("Late payment: {}.", lower_first(&fee))))
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn summary(statement: &Statement) -> Block {
    let rows = [
        ("Previous balance", statement.previous_balance),
        ("Payments and credits", -statement.payments_total),
        ("Draws", statement.draws_total),
        ("Fees charged", statement.fees_total),
        ("Interest charged", statement.interest_total),
        ("Adjustments", statement.adjustments_total),
    ];
    let mut rows: Vec<Row> = rows
        .into_iter()
        .filter(|(label, amount)| *label != "Adjustments" || !amount.is_zero())
        .map(|(label, amount)| Row::of([label.to_owned(), amount.to_string()]))
        .collect();
    rows.push(Row::total(["New balance".to_owned(), statement.new_balance.to_string()]));
    Block::Table(Table {
        caption: "Summary".to_owned(),
        columns: vec![Column::text("What"), Column::numeric("Amount")],
        head: 0,
        rows,
    })
}

/// A list, where there is something on it.
fn listing(caption: &str, of: &[StatementItem], total: &str, amount: Cents) -> Option<Block> {
    (!of.is_empty()).then(|| items(caption, of, total, amount))
}

fn items(caption: &str, of: &[StatementItem], total: &str, amount: Cents) -> Block {
    let mut rows: Vec<Row> = of
        .iter()
        .map(|item| {
            let late = item.recorded_on != item.effective_on;
            let recorded = format!(" (recorded {})", short_date(item.recorded_on));
            let label =
                format!("{}{}", title(&item.label), if late { recorded } else { String::new() });
            Row::of([short_date(item.effective_on), label, item.amount.to_string()])
        })
        .collect();
    rows.push(Row::total([String::new(), total.to_owned(), amount.to_string()]));
    Block::Table(Table {
        caption: caption.to_owned(),
        columns: vec![Column::text("Date"), Column::text("Description"), Column::numeric("Amount")],
        head: 1,
        rows,
    })
}

fn interest_charged(statement: &Statement) -> Block {
    let mut rows: Vec<Row> = statement
        .interest
        .iter()
        .map(|line| {
            Row::of([format!("Interest on {}", plain(&line.feature)), line.amount.to_string()])
        })
        .collect();
    let total = statement.interest_total.to_string();
    rows.push(Row::total(["Total interest for this period".to_owned(), total]));
    Block::Table(Table {
        caption: "Interest charged".to_owned(),
        columns: vec![Column::text("Description"), Column::numeric("Amount")],
        head: 0,
        rows,
    })
}

fn plain(name: &str) -> String {
    name.replace('_', " ")
}

fn this_year(statement: &Statement) -> Block {
    let year = statement.closed_on.year();
    let rows = [("fees", statement.fees_this_year), ("interest", statement.interest_this_year)]
        .map(|(what, amount)| {
            Row::of([format!("Total {what} charged in {year}"), amount.to_string()])
        })
        .into();
    Block::Table(Table {
        caption: format!("{year} totals, year to date"),
        columns: vec![Column::text("What"), Column::numeric("Amount")],
        head: 0,
        rows,
    })
}

fn interest_worked_out(statement: &Statement) -> Block {
    let rows = statement
        .interest
        .iter()
        .map(|line| {
            Row::of([
                feature(&line.feature),
                line.apr.to_string(),
                line.periodic_rate.clone(),
                line.days.to_string(),
                line.average_balance.to_string(),
                line.amount.to_string(),
            ])
        })
        .collect();
    Block::Table(Table {
        caption: "Interest charge calculation".to_owned(),
        columns: vec![
            Column::text("Type of balance"),
            Column::numeric("Annual percentage rate"),
            Column::numeric("Daily periodic rate"),
            Column::numeric("Days"),
            Column::numeric("Balance subject to interest"),
            Column::numeric("Interest charge"),
        ],
        head: 0,
        rows,
    })
}

fn changes(changes: &[TermsChange]) -> Vec<Block> {
    if changes.is_empty() {
        return Vec::new();
    }
    let facts = changes.iter().map(|change| Fact::new(long_date(change.on), &*change.text));
    vec![Block::facts_table("Changes to your terms", ["From", "Change"], facts.collect())]
}

/// The short notice of 12 CFR 1026, Appendix G, form G-4(A).
fn mistakes(creditor: &Creditor) -> Vec<Block> {
    let address = format!("{}, {}", creditor.name, creditor.address.join(", "));
    vec![
        Block::heading("What to do if you think you find a mistake on your statement"),
        Block::text(format!(
            "If you think there is an error on your statement, write to us at {address}, or tell us in the app. In your \
             letter, give us your name and the end of your line's number, the dollar amount of the suspected error, and \
             what you believe is wrong and why. You must contact us within 60 days after the error appeared on your \
             statement. You must notify us in writing or in the app. You may call us at {}, but if you do we are not \
             required to investigate any potential errors and you may have to pay the amount in question.",
            creditor.phone
        )),
        Block::text(
            "While we investigate whether or not there has been an error: we cannot try to collect the amount in question or \
             report you as delinquent on that amount; the charge in question may remain on your statement, and we may \
             continue to charge you interest on that amount, but if we determine that we made a mistake, you will not have \
             to pay the amount in question or any interest or other fees related to that amount; while you do not have to \
             pay the amount in question, you are responsible for the remainder of your balance; we can apply any unpaid \
             amount against your credit limit.",
        ),
    ]
}
