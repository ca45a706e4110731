//! The Nacha file format: ACH files of 94-column records, written and parsed.
//!
//! Invariants: a `File` that was parsed has true counts, hashes and totals; what `write` puts out `parse` reads back equal; a
//! name or number that does not fit its field is refused, never cut. What is absent: when to send a file and what an answer
//! means (`rails`, `servicing`), and any network.

mod codes;
mod error;
mod fields;
mod file;
mod parse;
mod routing;
mod write;

pub use codes::{ReturnCode, Sec, TransactionCode};
pub use error::NachaError;
pub use file::{Addenda, Batch, Entry, File, Header, TraceNumber};
pub use parse::Unread;
pub use routing::RoutingNumber;
