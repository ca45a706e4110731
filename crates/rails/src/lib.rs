//! How money leaves and arrives: ACH files built from what is due, the bank's wire, what each return code asks of us, the
//! sealing of account numbers, and the wires of mail and of letters.
//!
//! Invariants: an answer that did not come is `RailError::Unknown`, never success and never failure; a file or a transfer goes
//! out under an id of the caller's, so that sending it twice is sending it once. What is absent: deciding when to pay
//! (`servicing`), and the bank itself (`sandbox` has a counterpart for development).

mod ach;
mod bank;
mod change;
mod draws;
mod error;
mod instant;
mod mail;
mod names;
mod post;
mod returns;
mod seal;

pub use ach::{AccountKind, AchOriginator, AchTransfer, ach_file};
pub use bank::{BankClient, BankConfig, BankUrl, EntryState, EntryStatus, FileStatus, ReturnFile};
pub use change::Change;
pub use draws::{DrawRails, InstantRail, SecondLook, StandardRail};
pub use error::RailError;
pub use instant::{InstantTransfer, TransferState, TransferStatus};
pub use mail::{Enclosed, Mail, MailClient, MailConfig, MailError, MailUrl};
pub use post::{Bounce, PostClient, Printing};
pub use returns::{Alarms, ReturnClass, ReturnFlag, ReturnRule, ReturnRules};
pub use seal::{BankDetails, Sealed, SealingKeys};
