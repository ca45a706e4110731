//! Who and which: one newtype per entity over UUID version 7, and the `Actor` that does a thing.
//!
//! Invariants: an id is minted at the door, from the injected time, and never inside a retry; ids of two entities do not
//! mix. What is absent: looking anything up.

mod actor;
mod id;

pub use actor::Actor;
pub use id::{
    ApplicationId, BankAccountId, CaseId, ConversationId, CreditLineId, CustomerId, DecisionId,
    DrawId, GrantId, HandOffId, IntentId, JobId, LeafId, MessageId, PaymentId, PostingId,
    ReceiptId, RepresentativeId, TurnId,
};
