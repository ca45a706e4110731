//! How money leaves and arrives: ACH files built from what is due, the bank's wire, and what each return code asks of us.
//!
//! Invariants: an answer that did not come is `RailError::Unknown`, never success and never failure; a file goes out under an
//! id of the caller's, so that sending it twice is one file. What is absent: deciding when to pay (`servicing`), and the bank
//! itself (`sandbox` has a counterpart for development).

mod ach;
mod bank;
mod error;
mod returns;

pub use ach::{AccountKind, AchOriginator, AchTransfer, ach_file};
pub use bank::{BankClient, BankConfig, BankUrl, EntryState, EntryStatus, FileStatus, ReturnFile};
pub use error::RailError;
pub use returns::{ReturnAction, return_action};
