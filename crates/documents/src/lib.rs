//! Documents: what a person is sent, from the record, to bytes with a digest.
//!
//! Invariants: the same record and template version give the same bytes; a template that names what the record does not have is
//! an error, never a gap; every value is escaped for the document's format. What is absent: deciding, and any clock.

mod adverse_action;
mod autopay;
mod document;
mod html;
mod message;
mod minimum;
mod opening;
mod pdf;
mod receipt;
mod render;
mod rights;
mod statement;
mod terms;
mod words;

pub use adverse_action::{ConsumerReport, Creditor, DecisionRecord, Party, render_adverse_action};
pub use autopay::{AutopayAmount, AutopayRecord, autopay_document};
pub use document::Document;
pub use message::{
    Message, MessageClass, MessageKind, MessageRecord, Tongue, Value, Values, letter_document,
    render_message,
};
pub use opening::{OpeningRecord, opening_document};
pub use receipt::{ReceiptRecord, render_receipt};
pub use render::{DocumentError, Rendered};
pub use statement::{StatementRecord, statement_document};
