//! Messages: what we tell a customer by e-mail or letter, from one source for each kind and language (`messages/`).
//!
//! A source is a `subject:` line, then paragraphs with empty lines between them; lines that begin with `- ` are a list, and
//! lines that begin with `= ` a label and, after a colon, its figure. Text, page and letter are made of the same blocks.
//!
//! Invariants: a value that is missing is an error, never a gap; a value is one line, so that nothing that a person typed can
//! make a line of its own; a subject names no amount. What is absent: deciding whether to send (`servicing`).

mod kind;

use std::collections::BTreeMap;

use calendar::spanish_date;
use chrono::NaiveDate;
use money::Cents;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use kind::{MessageClass, MessageKind, Tongue};

use crate::{
    Creditor, Document, Party,
    document::{Block, Fact},
    render::{DocumentError, Format, render},
    words::long_date,
};

/// The longest value.
const VALUE_CHARS_MAX: usize = 400;

/// What stands in a message, written out in its language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Value {
    Money(Cents),
    Date(NaiveDate),
    Text(String),
    /// A bank account, by its ending.
    Account {
        savings: bool,
        ending: String,
    },
    /// Whether something is said.
    Flag(bool),
    /// There is none, and the source has a place for that.
    Nothing,
}

/// Values by the names that the source uses.
pub type Values = BTreeMap<String, Value>;

/// All that a message says.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageRecord<'a> {
    pub kind: MessageKind,
    pub tongue: Tongue,
    pub to: &'a Party,
    pub written_on: NaiveDate,
    pub values: &'a Values,
}

/// A message, ready to be stored and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Name and version of the template: `message statement_ready 1`.
    pub template: &'static str,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// SHA-256 of subject, text and page, with line feeds between them.
    pub digest: [u8; 32],
}

struct Parts {
    subject: String,
    blocks: Vec<Block>,
    foot: Vec<String>,
}

#[derive(Serialize)]
struct Page<'a> {
    lang: &'static str,
    subject: &'a str,
    blocks: &'a [Block],
    foot: &'a [String],
}

/// The message as an e-mail.
pub fn render_message(
    record: &MessageRecord<'_>,
    creditor: &Creditor,
) -> Result<Message, DocumentError> {
    let Parts { subject, blocks, foot } = parts(record, creditor, false)?;
    let template = record.kind.template();
    let text = plain(&blocks, &foot);
    let page = Page { lang: record.tongue.code(), subject: &subject, blocks: &blocks, foot: &foot };
    let source = include_str!("../templates/message.html");
    let html = render(template, source, Format::Html, &page)?.text().into_owned();
    let digest = Sha256::digest(format!("{subject}\n{text}\n{html}")).into();
    Ok(Message { template, subject, text, html, digest })
}

/// The message as a letter.
pub fn letter_document(
    record: &MessageRecord<'_>,
    creditor: &Creditor,
) -> Result<Document, DocumentError> {
    let Parts { subject, blocks, mut foot } = parts(record, creditor, true)?;
    // Who writes stands at the head of a letter.
    let rest = foot.split_off(foot.len().min(1));
    Ok(Document {
        template: record.kind.template(),
        lang: record.tongue.code(),
        title: subject,
        lead: written(record.tongue, record.written_on),
        from: creditor.clone(),
        to: record.to.clone(),
        marks: Vec::new(),
        blocks,
        foot: rest.join(" "),
    })
}

fn parts(
    record: &MessageRecord<'_>,
    creditor: &Creditor,
    paper: bool,
) -> Result<Parts, DocumentError> {
    let tongue = record.tongue;
    let mut values: BTreeMap<&str, Option<String>> =
        record.values.iter().map(|(name, value)| (name.as_str(), shown(tongue, value))).collect();
    values.insert("name", Some(one_line(&record.to.name)));
    values.insert("lender", Some(one_line(&creditor.name)));
    values.insert("address", Some(one_line(&creditor.address.join(", "))));
    values.insert("phone", Some(one_line(&creditor.phone)));
    let template = record.kind.template();
    let body = render(template, record.kind.source(tongue), Format::Text, &values)?;
    let said = |yes: bool| yes.then(|| "yes".to_owned());
    values.insert("paper", said(paper));
    values.insert("legal", said(record.kind.class() == MessageClass::Legal));
    let foot = render(template, tongue.foot(), Format::Text, &values)?;
    let body = body.text().into_owned();
    let (subject, body) = body
        .strip_prefix("subject: ")
        .and_then(|body| body.split_once('\n'))
        .ok_or(DocumentError::Record("a message begins with its subject"))?;
    let foot = paragraphs(&foot.text()).map(|lines| lines.join(" ")).collect();
    let blocks = paragraphs(body).map(|lines| block(&lines)).collect();
    Ok(Parts { subject: subject.trim().to_owned(), blocks, foot })
}

/// The value in the words of the language; nothing where there is none.
fn shown(tongue: Tongue, value: &Value) -> Option<String> {
    match value {
        // In the United States amounts are written alike in both.
        Value::Money(amount) => Some(amount.to_string()),
        Value::Date(date) => Some(written(tongue, *date)),
        Value::Text(text) => Some(one_line(text)),
        Value::Account { savings, ending } => {
            let ending = one_line(ending);
            Some(match (tongue, savings) {
                (Tongue::English, false) => format!("checking account ending in {ending}"),
                (Tongue::English, true) => format!("savings account ending in {ending}"),
                (Tongue::Spanish, false) => format!("cuenta corriente que termina en {ending}"),
                (Tongue::Spanish, true) => format!("cuenta de ahorros que termina en {ending}"),
            })
        }
        Value::Flag(yes) => yes.then(|| "yes".to_owned()),
        Value::Nothing => None,
    }
}

fn written(tongue: Tongue, date: NaiveDate) -> String {
    match tongue {
        Tongue::English => long_date(date),
        Tongue::Spanish => spanish_date(date),
    }
}

/// Without anything that would end the line or turn it round.
fn one_line(text: &str) -> String {
    let kept =
        |c: char| if c.is_control() || matches!(c, '\u{2028}'..='\u{202e}') { ' ' } else { c };
    let text: String = text.chars().take(VALUE_CHARS_MAX).map(kept).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs of lines between empty ones; a run changes where a list or a table of figures begins.
fn paragraphs(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let mut all: Vec<Vec<&str>> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            open = false;
            continue;
        }
        match all.last_mut() {
            Some(last) if open && last.first().is_some_and(|first| mark(first) == mark(line)) => {
                last.push(line);
            }
            _ => all.push(vec![line]),
        }
        open = true;
    }
    all.into_iter()
}

/// What sort of line it is.
fn mark(line: &str) -> Option<char> {
    ["- ", "= "]
        .into_iter()
        .find(|mark| line.starts_with(mark))
        .and_then(|mark| mark.chars().next())
}

fn block(lines: &[&str]) -> Block {
    let rest = |line: &&str| line.get(2..).unwrap_or_default().to_owned();
    match lines.first().and_then(|first| mark(first)) {
        Some('-') => Block::List { items: lines.iter().map(rest).collect() },
        Some(_) => {
            let fact = |line: &&str| {
                let line = rest(line);
                let (label, text) = line.split_once(": ").unwrap_or((&line, ""));
                Fact::new(label, text)
            };
            Block::Facts { facts: lines.iter().map(fact).collect() }
        }
        None => Block::text(lines.join(" ")),
    }
}

/// As plain text.
fn plain(blocks: &[Block], foot: &[String]) -> String {
    let mut paragraphs: Vec<String> = blocks
        .iter()
        .map(|block| match block {
            Block::List { items } => {
                items.iter().map(|item| format!("- {item}")).collect::<Vec<_>>().join("\n")
            }
            Block::Facts { facts } => {
                let line = |fact: &Fact| format!("{}: {}", fact.label, fact.text);
                facts.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            Block::Heading { text } | Block::Text { text } => text.clone(),
            Block::Table(table) => table.caption.clone(),
        })
        .collect();
    paragraphs.push("--".to_owned());
    paragraphs.extend(foot.iter().cloned());
    paragraphs.join("\n\n") + "\n"
}
