//! Receipts, as plain text.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::{
    Creditor,
    render::{DocumentError, Format, Rendered, render},
    words::long_date,
};

const TEMPLATE: &str = "receipt 1";

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

#[derive(Serialize)]
struct Row {
    label: String,
    amount: String,
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
    render(TEMPLATE, include_str!("../templates/receipt.txt"), Format::Text, &view)
}
