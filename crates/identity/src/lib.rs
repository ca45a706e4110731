//! Who and which: one newtype per entity over UUID version 7, and the `Actor` that does a thing. And why: an error told
//! with its causes.
//!
//! Invariants: an id is minted at the door, from the injected time, and never inside a retry; ids of two entities do not
//! mix. What is absent: looking anything up.

mod actor;
mod causes;
mod id;
mod mail_address;
#[cfg(feature = "seeded")]
mod seeded;

pub use actor::Actor;
pub use causes::chain;
pub use id::{
    ApplicationId, AutopayId, BankAccountId, CaseId, ConsentId, ContactChangeId, ConversationId,
    CreditLineId, CustomerId, DecisionId, DrawId, GrantId, HandOffId, IntentId, JobId, LeafId,
    MessageId, OutboundId, PaymentId, PostingId, ReceiptId, RefundId, RepresentativeId, TurnId,
};
pub use mail_address::is_mail_address;
#[cfg(feature = "seeded")]
pub use seeded::seed_ids;
