//! Instant transfers: taken under an id, decided at once or on the next day, forgotten on request. Pure: no clock, no IO.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Bank, InstantOutcome, instant_outcome_of};

/// A transfer as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Transfer {
    kind: Kind,
    routing_number: nacha::RoutingNumber,
    account_number: String,
    amount_cents: u64,
    reference: String,
    name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Checking,
    Savings,
}

/// What the bank remembers under an id; without a transfer, that it was asked to forget it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptTransfer {
    transfer: Option<Transfer>,
    received_on: NaiveDate,
    state: TransferState,
    completed_on: Option<NaiveDate>,
    reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TransferState {
    Pending,
    Completed,
    Refused,
    Void,
}

/// An answer of the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct TransferStatus {
    transfer_id: String,
    state: TransferState,
    completed_on: Option<NaiveDate>,
    reason: Option<String>,
}

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Answered(TransferStatus),
    /// The bank has done it, and nobody is told.
    AnswerLost,
    /// The bank never heard of it.
    RequestLost,
    /// Another transfer was received under this id.
    OtherTransfer,
    /// Nothing that can be sent.
    Malformed(&'static str),
}

impl Bank {
    /// Takes a transfer; the same one under the same id is one transfer.
    pub(super) fn push(&mut self, id: &str, transfer: Transfer) -> Pushed {
        if transfer.amount_cents == 0 {
            return Pushed::Malformed("a transfer moves at least one cent");
        }
        if transfer.account_number.is_empty()
            || !transfer.account_number.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Pushed::Malformed("that is no account number");
        }
        if let Some(known) = self.transfers.get(id) {
            return match &known.transfer {
                Some(before) if *before != transfer => Pushed::OtherTransfer,
                _ => Pushed::Answered(known.status(id)),
            };
        }
        let outcome = instant_outcome_of(&transfer.account_number);
        if outcome == InstantOutcome::RequestLost {
            return Pushed::RequestLost;
        }
        let (state, reason) = match outcome {
            InstantOutcome::Refused => (TransferState::Refused, Some("account closed".to_owned())),
            InstantOutcome::CompletesNextDay | InstantOutcome::RefusedNextDay => {
                (TransferState::Pending, None)
            }
            _ => (TransferState::Completed, None),
        };
        let completed_on = (state == TransferState::Completed).then_some(self.today);
        let kept = KeptTransfer {
            transfer: Some(transfer),
            received_on: self.today,
            state,
            completed_on,
            reason,
        };
        let status = kept.status(id);
        self.transfers.insert(id.to_owned(), kept);
        if outcome == InstantOutcome::AnswerLost {
            Pushed::AnswerLost
        } else {
            Pushed::Answered(status)
        }
    }

    pub(super) fn find_transfer(&self, id: &str) -> Option<TransferStatus> {
        self.transfers.get(id).map(|kept| kept.status(id))
    }

    /// Never does the transfer, whenever it may arrive, unless it is decided already.
    pub(super) fn void_transfer(&mut self, id: &str) -> TransferStatus {
        let received_on = self.today;
        let kept = self.transfers.entry(id.to_owned()).or_insert(KeptTransfer {
            transfer: None,
            received_on,
            state: TransferState::Pending,
            completed_on: None,
            reason: None,
        });
        if kept.state == TransferState::Pending {
            kept.state = TransferState::Void;
        }
        kept.status(id)
    }

    /// Decides what waited for today.
    pub(super) fn decide_transfers(&mut self) {
        let today = self.today;
        let waiting = |kept: &&mut KeptTransfer| {
            kept.state == TransferState::Pending && kept.received_on < today
        };
        for kept in self.transfers.values_mut().filter(waiting) {
            let number = kept.transfer.as_ref().map_or("", |transfer| &transfer.account_number);
            if instant_outcome_of(number) == InstantOutcome::RefusedNextDay {
                kept.state = TransferState::Refused;
                kept.reason = Some("account frozen".to_owned());
            } else {
                kept.state = TransferState::Completed;
                kept.completed_on = Some(today);
            }
        }
    }
}

impl KeptTransfer {
    fn status(&self, id: &str) -> TransferStatus {
        TransferStatus {
            transfer_id: id.to_owned(),
            state: self.state,
            completed_on: self.completed_on,
            reason: self.reason.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(account: &str) -> Transfer {
        Transfer {
            kind: Kind::Checking,
            routing_number: "021000021".parse().unwrap(),
            account_number: account.to_owned(),
            amount_cents: 5_000,
            reference: "DRW-1".to_owned(),
            name: "Ann".to_owned(),
        }
    }

    fn bank() -> Bank {
        Bank::opened_on("2026-11-21".parse().unwrap())
    }

    fn state(bank: &Bank, id: &str) -> Option<TransferState> {
        bank.find_transfer(id).map(|status| status.state)
    }

    #[test]
    fn a_transfer_is_there_at_once_on_a_saturday_and_once() {
        let mut bank = bank();
        let first = bank.push("d1", transfer("000111224242"));
        let Pushed::Answered(status) = &first else { panic!("{first:?}") };
        assert_eq!(status.state, TransferState::Completed);
        assert_eq!(status.completed_on, Some("2026-11-21".parse().unwrap()));
        assert_eq!(bank.push("d1", transfer("000111224242")), first);
        assert_eq!(bank.push("d1", transfer("000111224243")), Pushed::OtherTransfer);
    }

    #[test]
    fn each_test_account_does_what_the_page_says() {
        let mut bank = bank();
        assert!(matches!(bank.push("a", transfer("000111229301")), Pushed::Answered(_)));
        assert_eq!(bank.push("b", transfer("000111229302")), Pushed::AnswerLost);
        assert_eq!(bank.push("c", transfer("000111229303")), Pushed::RequestLost);
        bank.push("d", transfer("000111229304"));
        bank.push("e", transfer("000111229305"));
        let states = |bank: &Bank| ["a", "b", "c", "d", "e"].map(|id| state(bank, id));
        let (refused, completed) = (Some(TransferState::Refused), Some(TransferState::Completed));
        let pending = Some(TransferState::Pending);
        assert_eq!(states(&bank), [refused, completed, None, pending, pending]);
        bank.advance_to("2026-11-22".parse().unwrap());
        assert_eq!(states(&bank), [refused, completed, None, completed, refused]);
    }

    #[test]
    fn what_was_forgotten_is_never_done_and_what_was_done_is_not_forgotten() {
        let mut bank = bank();
        assert_eq!(bank.void_transfer("d1").state, TransferState::Void);
        let late = bank.push("d1", transfer("000111224242"));
        assert!(matches!(late, Pushed::Answered(status) if status.state == TransferState::Void));
        bank.push("d2", transfer("000111224242"));
        assert_eq!(bank.void_transfer("d2").state, TransferState::Completed);
    }

    #[test]
    fn nothing_and_nowhere_are_refused() {
        let mut bank = bank();
        let nothing = Transfer { amount_cents: 0, ..transfer("000111224242") };
        assert!(matches!(bank.push("d1", nothing), Pushed::Malformed(_)));
        assert!(matches!(bank.push("d1", transfer("no number")), Pushed::Malformed(_)));
        assert_eq!(bank.find_transfer("d1"), None);
    }
}
