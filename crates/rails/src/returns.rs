//! What each return code asks of us (SPEC §3.3).

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
    /// The customer says it was not authorised: stop, look for fraud, see what is to be refunded.
    StopAndInvestigateFraud,
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
        5 | 7 | 8 | 29 => ReturnAction::StopDebits,
        10 | 17 => ReturnAction::StopAndInvestigateFraud,
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
}
