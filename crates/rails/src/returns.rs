//! What each return code asks of us (docs/payments.md, "Coming back").

use nacha::ReturnCode;
use serde::{Deserialize, Serialize};

/// What to do with an entry that came back. Every return undoes its payment or draw; this is what else it calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnAction {
    /// Tell the customer; one more try is allowed.
    NotifyAndRetryOnce,
    /// The account cannot be used again; ask for another.
    DisableAccount,
    /// No debit at all without a new authorisation.
    StopDebits,
    /// The customer stopped this one payment: it is not tried again.
    StopPayment,
    /// The customer says it was not authorised: stop, look for fraud, see what is to be refunded.
    StopAndInvestigateFraud,
    /// A file error or a questionable entry: a person looks whether it is fraud.
    ReviewForFraud,
    /// Not as authorised (amount or date): open a billing case first.
    OpenBillingCase,
    /// Ours to mend, then to send again.
    FixAndResend,
    /// The payee or holder has died.
    FlagDeceased,
    /// Frozen, or named by OFAC: stop and tell compliance.
    StopAndTellCompliance,
    /// Look for a debit taken twice; do not send again.
    CheckForDuplicate,
    /// A credit that was refused: the draw is cancelled from its first day.
    CancelDraw,
    /// For the operations desk.
    Operations,
    /// Blocked altogether.
    Block,
}

/// The action for a code. A code without a row of its own goes to the operations desk.
#[must_use]
pub const fn return_action(code: ReturnCode) -> ReturnAction {
    match code.number() {
        1 | 9 => ReturnAction::NotifyAndRetryOnce,
        2 | 3 | 4 | 12 | 20 => ReturnAction::DisableAccount,
        5 | 7 | 29 => ReturnAction::StopDebits,
        8 => ReturnAction::StopPayment,
        10 => ReturnAction::StopAndInvestigateFraud,
        17 => ReturnAction::ReviewForFraud,
        11 => ReturnAction::OpenBillingCase,
        13 | 18 | 19 | 21 | 22 | 25..=28 => ReturnAction::FixAndResend,
        14 | 15 => ReturnAction::FlagDeceased,
        16 => ReturnAction::StopAndTellCompliance,
        23 => ReturnAction::CancelDraw,
        24 => ReturnAction::CheckForDuplicate,
        80..=85 => ReturnAction::Block,
        _ => ReturnAction::Operations,
    }
}

impl ReturnAction {
    /// Whether the same payment may be tried once more (R01 and R09 alone).
    #[must_use]
    pub const fn may_retry(self) -> bool {
        matches!(self, Self::NotifyAndRetryOnce)
    }

    /// The kind of case in which a person of ours looks into it, where one must.
    #[must_use]
    pub const fn desk_case(self) -> Option<&'static str> {
        match self {
            Self::OpenBillingCase => Some("billing"),
            Self::StopAndTellCompliance => Some("compliance"),
            Self::StopAndInvestigateFraud | Self::ReviewForFraud => Some("fraud_review"),
            Self::FixAndResend
            | Self::CheckForDuplicate
            | Self::CancelDraw
            | Self::Operations
            | Self::Block => Some("operations"),
            Self::NotifyAndRetryOnce
            | Self::DisableAccount
            | Self::StopDebits
            | Self::StopPayment
            | Self::FlagDeceased => None,
        }
    }

    /// Whether the customer took back leave to debit: nothing authorised before is taken.
    #[must_use]
    pub const fn revokes(self) -> bool {
        matches!(self, Self::StopDebits)
    }

    /// Whether the bank account is closed to further debits.
    #[must_use]
    pub const fn disables_account(self) -> bool {
        matches!(
            self,
            Self::DisableAccount
                | Self::StopDebits
                | Self::StopAndInvestigateFraud
                | Self::FlagDeceased
                | Self::StopAndTellCompliance
                | Self::Block
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lack_of_funds_may_be_tried_again() {
        let retried: Vec<u8> = (1..=85)
            .filter(|number| return_action(ReturnCode::new(*number).unwrap()).may_retry())
            .collect();
        assert_eq!(retried, [1, 9]);
    }

    #[test]
    fn an_account_the_customer_disowns_is_not_debited_again() {
        for number in [2, 3, 4, 5, 7, 10, 14, 16, 20, 29, 80] {
            assert!(return_action(ReturnCode::new(number).unwrap()).disables_account());
        }
    }

    #[test]
    fn one_stopped_payment_closes_no_account_and_a_questionable_entry_is_reviewed_first() {
        let action = |number| return_action(ReturnCode::new(number).unwrap());
        assert!(!action(8).disables_account() && !action(8).may_retry() && !action(8).revokes());
        assert!(action(7).revokes());
        assert_eq!(action(17).desk_case(), Some("fraud_review"));
        assert_eq!(action(11).desk_case(), Some("billing"));
        assert_eq!(action(16).desk_case(), Some("compliance"));
        assert_eq!(action(61).desk_case(), Some("operations"));
    }
}
