//! What the interface answers, as JSON: flat copies of the domain's own types, so that a route's form is a decision made
//! here and not a by-product.

mod conversation;
mod line;
mod service;
mod two_people;

pub(crate) use conversation::StaffNames;
pub(crate) use conversation::{
    Case, Conversation, DeskConversation, DeskCustomer, Intent, ListedCustomer, QueueItem, Receipt,
};
pub(crate) use line::{
    BankAccount, Decision, DeskFlag, Draw, Flag, Payment, PayoffQuote, Position, StatementSummary,
    Trace,
};
pub(crate) use service::{
    Autopay, AutopayOffer, DeskDispute, Dispute, DueDay, Forgiven, Refund, TermsChange,
};
pub(crate) use two_people::{Cheque, Countersignature, DeskPayment};

use serde::Serialize;
use utoipa::ToSchema;

/// A list that comes whole.
#[derive(Serialize, ToSchema)]
pub(crate) struct Items<T> {
    pub items: Vec<T>,
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    /// Send it as `cursor` for what follows; absent at the end.
    pub next_cursor: Option<String>,
}

impl<T> FromIterator<T> for Items<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self { items: items.into_iter().collect() }
    }
}
