//! The sandbox post office: an SMTP server that delivers to nobody, a desk (HTTP) at which its mailbox can be read, and a
//! printer of letters.
//!
//! Invariants: what is taken is never sent on; a message is kept as often as it was sent, so that a duplicate can be seen; the
//! same address always does the same (`Fate`).

mod desk;
mod mailbox;
mod mime;
mod smtp;

pub use desk::serve_desk;
pub use mailbox::{Bounce, Fate, Letter, Mailbox, PostError, ReceivedMail, SharedMailbox, fate_of};
pub use smtp::serve_smtp;
