//! A document before it has a form: what it says, in order, every figure written out.
//!
//! Invariant: HTML and PDF are made of the same blocks, so that neither says what the other does not.

use serde::Serialize;

use crate::{
    Creditor, Party,
    html::render_html,
    pdf::render_pdf,
    render::{DocumentError, Rendered},
};

/// What a person is given, ready to be written in one form or the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Document {
    /// Name and version of what it was made by: `statement 3`.
    pub(crate) template: &'static str,
    /// The language it is written in, as pages name it.
    pub(crate) lang: &'static str,
    pub(crate) title: String,
    pub(crate) lead: String,
    pub(crate) from: Creditor,
    pub(crate) to: Party,
    /// What it is about, beside the address.
    pub(crate) marks: Vec<Fact>,
    pub(crate) blocks: Vec<Block>,
    /// At the foot of each sheet.
    pub(crate) foot: String,
}

/// A label and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fact {
    pub(crate) label: String,
    pub(crate) text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Block {
    Heading {
        text: String,
    },
    Text {
        text: String,
    },
    List {
        items: Vec<String>,
    },
    /// The few figures that a reader looks for first.
    Facts {
        facts: Vec<Fact>,
    },
    Table(Table),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) columns: Vec<Column>,
    /// The column that names the row.
    pub(crate) head: usize,
    pub(crate) rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Column {
    pub(crate) label: String,
    pub(crate) numeric: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    pub(crate) cells: Vec<String>,
    pub(crate) total: bool,
}

impl Document {
    /// As a page for a screen or a printer.
    pub fn html(&self) -> Result<Rendered, DocumentError> {
        render_html(self)
    }

    /// As sheets of letter paper.
    pub fn pdf(&self) -> Result<Rendered, DocumentError> {
        render_pdf(self)
    }
}

impl Fact {
    pub(crate) fn new(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self { label: label.into(), text: text.into() }
    }
}

impl Block {
    pub(crate) fn heading(text: impl Into<String>) -> Self {
        Self::Heading { text: text.into() }
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    pub(crate) fn list(items: &[&str]) -> Self {
        Self::List { items: items.iter().map(|item| (*item).to_owned()).collect() }
    }

    /// A table of labels and what stands behind them.
    pub(crate) fn facts_table(caption: &str, heads: [&str; 2], facts: Vec<Fact>) -> Self {
        let rows = facts.into_iter().map(|fact| Row::of([fact.label, fact.text])).collect();
        let columns = heads.map(Column::text).into();
        Self::Table(Table { caption: caption.to_owned(), columns, head: 0, rows })
    }
}

impl Column {
    pub(crate) fn text(label: &str) -> Self {
        Self { label: label.to_owned(), numeric: false }
    }

    pub(crate) fn numeric(label: &str) -> Self {
        Self { label: label.to_owned(), numeric: true }
    }
}

impl Row {
    pub(crate) fn of(cells: impl Into<Vec<String>>) -> Self {
        Self { cells: cells.into(), total: false }
    }

    pub(crate) fn total(cells: impl Into<Vec<String>>) -> Self {
        Self { cells: cells.into(), total: true }
    }
}
