//! The instant rail: one transfer, one request, one answer (docs/bank-wire.md).

use std::fmt;

use chrono::NaiveDate;
use money::Cents;
use nacha::RoutingNumber;
use serde::{Deserialize, Serialize};

use crate::AccountKind;

/// Money to one account, at once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstantTransfer {
    pub kind: AccountKind,
    pub routing_number: RoutingNumber,
    pub account_number: String,
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
    /// Our reference.
    pub reference: String,
    pub name: String,
}

/// Without the account number.
impl fmt::Debug for InstantTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstantTransfer")
            .field("amount", &self.amount)
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}

/// What the bank knows of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferStatus {
    pub transfer_id: String,
    pub state: TransferState,
    /// The day the money was made available.
    pub completed_on: Option<NaiveDate>,
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferState {
    /// The bank has it, and has not decided.
    Pending,
    /// The money is there, for good.
    Completed,
    /// Nothing happened, and nothing will.
    Refused,
    /// We asked the bank to forget it before it was done: it never will be.
    Void,
}
