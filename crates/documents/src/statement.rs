//! Statements and receipts as plain text. Every figure is the engine's; nothing is added up here.

use chrono::{DateTime, NaiveDate, Utc};
use credit::{Statement, StatementItem};
use serde::Serialize;

use crate::{
    Creditor, Party,
    render::{DocumentError, Format, Rendered, render},
    words::{long_date, short_date},
};

const STATEMENT: &str = "statement 1";
const RECEIPT: &str = "receipt 1";

/// Whose statement it is.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementRecord<'a> {
    pub customer: &'a Party,
    pub product_title: &'a str,
    /// What the customer calls the line: the end of its id.
    pub line_reference: &'a str,
    pub statement: &'a Statement,
}

#[derive(Serialize)]
struct StatementView<'a> {
    creditor: &'a Creditor,
    customer: &'a Party,
    product_title: &'a str,
    line_reference: &'a str,
    number: u32,
    opened_on: String,
    closed_on: String,
    due_on: String,
    days: u32,
    summary: Vec<Row>,
    sections: Vec<Section>,
    interest: Vec<InterestRow>,
    minimum_due: String,
    past_due: Option<String>,
    interest_this_year: String,
    fees_this_year: String,
    year: i32,
}

#[derive(Serialize)]
struct Row {
    label: String,
    amount: String,
}

#[derive(Serialize)]
struct Section {
    title: &'static str,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    on: String,
    label: String,
    recorded: Option<String>,
    amount: String,
}

#[derive(Serialize)]
struct InterestRow {
    feature: String,
    apr: String,
    periodic_rate: String,
    days: u32,
    balance: String,
    amount: String,
}

/// A periodic statement, with the fields of 12 CFR 1026.7(b).
pub fn render_statement(
    record: &StatementRecord<'_>,
    creditor: &Creditor,
) -> Result<Rendered, DocumentError> {
    let statement = record.statement;
    if !statement.off_by().is_zero() {
        return Err(DocumentError::Record("the statement does not add up"));
    }
    let sections = [
        ("Draws", &statement.draws),
        ("Payments and credits", &statement.payments),
        ("Fees", &statement.fees),
        ("Adjustments", &statement.adjustments),
    ];
    let view = StatementView {
        creditor,
        customer: record.customer,
        product_title: record.product_title,
        line_reference: record.line_reference,
        number: statement.number,
        opened_on: long_date(statement.opened_on),
        closed_on: long_date(statement.closed_on),
        due_on: long_date(statement.due_on),
        days: statement.days,
        summary: summary(statement),
        sections: sections
            .into_iter()
            .filter(|(_, items)| !items.is_empty())
            .map(|(title, items)| Section { title, items: items.iter().map(item).collect() })
            .collect(),
        interest: statement.interest.iter().map(interest_row).collect(),
        minimum_due: statement.minimum_due.to_string(),
        past_due: statement.past_due.is_positive().then(|| statement.past_due.to_string()),
        interest_this_year: statement.interest_this_year.to_string(),
        fees_this_year: statement.fees_this_year.to_string(),
        year: chrono::Datelike::year(&statement.closed_on),
    };
    render(STATEMENT, include_str!("../templates/statement.txt"), Format::Text, &view)
}

fn summary(statement: &Statement) -> Vec<Row> {
    let mut rows = vec![
        ("Previous balance", statement.previous_balance),
        ("Payments and credits", -statement.payments_total),
        ("Draws", statement.draws_total),
        ("Fees", statement.fees_total),
        ("Interest", statement.interest_total),
    ];
    if !statement.adjustments_total.is_zero() {
        rows.push(("Adjustments", statement.adjustments_total));
    }
    rows.push(("New balance", statement.new_balance));
    rows.into_iter()
        .map(|(label, amount)| Row { label: label.to_owned(), amount: amount.to_string() })
        .collect()
}

fn item(item: &StatementItem) -> Item {
    let late = item.recorded_on != item.effective_on;
    Item {
        on: short_date(item.effective_on),
        label: item.label.clone(),
        recorded: late.then(|| short_date(item.recorded_on)),
        amount: item.amount.to_string(),
    }
}

fn interest_row(line: &credit::StatementInterest) -> InterestRow {
    InterestRow {
        feature: line.feature.clone(),
        apr: line.apr.to_string(),
        periodic_rate: line.periodic_rate.clone(),
        days: line.days,
        balance: line.average_balance.to_string(),
        amount: line.amount.to_string(),
    }
}

/// Proof that something was done, as its receipt was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRecord<'a> {
    pub reference: &'a str,
    pub title: &'a str,
    pub at: DateTime<Utc>,
    /// The date at the servicer's place.
    pub on: NaiveDate,
    /// Label and text, in order.
    pub fields: &'a [(String, String)],
}

#[derive(Serialize)]
struct ReceiptView<'a> {
    creditor: &'a Creditor,
    reference: &'a str,
    title: &'a str,
    on: String,
    at: String,
    fields: Vec<Row>,
}

/// A receipt.
pub fn render_receipt(
    record: &ReceiptRecord<'_>,
    creditor: &Creditor,
) -> Result<Rendered, DocumentError> {
    let view = ReceiptView {
        creditor,
        reference: record.reference,
        title: record.title,
        on: long_date(record.on),
        at: record.at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        fields: record
            .fields
            .iter()
            .map(|(label, text)| Row { label: label.clone(), amount: text.clone() })
            .collect(),
    };
    render(RECEIPT, include_str!("../templates/receipt.txt"), Format::Text, &view)
}
