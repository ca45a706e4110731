//! ACH files from transfers that are due.

use std::fmt;

use chrono::{NaiveDate, NaiveDateTime};
use money::Cents;
use nacha::{
    Batch, Entry, File, Header, NachaError, RoutingNumber, Sec, TraceNumber, TransactionCode,
};
use serde::{Deserialize, Serialize};

use crate::names::bank_name;

/// Who we are on the ACH network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AchOriginator {
    pub name: String,
    pub company_id: String,
    pub routing: RoutingNumber,
    pub bank: RoutingNumber,
    pub bank_name: String,
}

impl AchOriginator {
    /// Whether a file can be written in this name: tried with one that goes nowhere.
    ///
    /// # Errors
    /// Which field does not fit.
    pub fn check(&self) -> Result<(), NachaError> {
        let transfer = AchTransfer {
            debit: true,
            retry: false,
            kind: AccountKind::Checking,
            routing: self.bank.clone(),
            account_number: "1".to_owned(),
            amount: Cents::new(1),
            reference: "1".to_owned(),
            name: "NOBODY".to_owned(),
            effective_on: NaiveDate::default(),
            sequence: 1,
        };
        ach_file(self, 1, NaiveDateTime::default(), &[transfer]).write().map(drop)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    Checking,
    Savings,
}

/// One movement of money, ready to be written into a file.
#[derive(Clone, PartialEq, Eq)]
pub struct AchTransfer {
    /// Money to us (a payment) or from us (a draw).
    pub debit: bool,
    /// A debit that came back before and is tried once more, which its batch has to say.
    pub retry: bool,
    pub kind: AccountKind,
    pub routing: RoutingNumber,
    pub account_number: String,
    pub amount: Cents,
    /// Our reference, up to 15 characters.
    pub reference: String,
    /// The name on the bank account; only its first 22 characters travel.
    pub name: String,
    pub effective_on: NaiveDate,
    /// A number never used before by this originator.
    pub sequence: u32,
}

/// Without the account number.
impl fmt::Debug for AchTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AchTransfer")
            .field("debit", &self.debit)
            .field("amount", &self.amount)
            .field("reference", &self.reference)
            .field("effective_on", &self.effective_on)
            .finish_non_exhaustive()
    }
}

/// The file numbered `number`, with one batch for each effective date and purpose, in the order of the dates.
#[must_use]
pub fn ach_file(
    originator: &AchOriginator,
    number: u32,
    created_at: NaiveDateTime,
    transfers: &[AchTransfer],
) -> File {
    let group = |transfer: &AchTransfer| (transfer.effective_on, transfer.debit, transfer.retry);
    let mut groups: Vec<_> = transfers.iter().map(group).collect();
    groups.sort_unstable();
    groups.dedup();
    let batches = groups
        .into_iter()
        .map(|(effective_on, debit, retry)| Batch {
            company_name: originator.name.clone(),
            company_id: originator.company_id.clone(),
            sec: if debit { Sec::Web } else { Sec::Ppd },
            description: description(debit, retry).to_owned(),
            effective_on,
            originator: originator.routing.clone(),
            entries: transfers
                .iter()
                .filter(|transfer| group(transfer) == (effective_on, debit, retry))
                .map(|transfer| entry(originator, transfer))
                .collect(),
        })
        .collect();
    let header = Header {
        destination: originator.bank.clone(),
        destination_name: originator.bank_name.clone(),
        origin: originator.routing.clone(),
        origin_name: originator.name.clone(),
        created_at,
        modifier: modifier(number),
        reference: format!("{number:08}"),
    };
    File { header, batches }
}

/// What the batch is for; the words for a retry are Nacha's.
const fn description(debit: bool, retry: bool) -> &'static str {
    match (debit, retry) {
        (true, true) => "RETRY PYMT",
        (true, false) => "PAYMENT",
        (false, _) => "DRAW",
    }
}

/// Tells apart the files of one day: 36 of them in a row have 36 different ones.
fn modifier(number: u32) -> char {
    char::from_digit(number % 36, 36).unwrap_or('0').to_ascii_uppercase()
}

fn entry(originator: &AchOriginator, transfer: &AchTransfer) -> Entry {
    Entry {
        code: match (transfer.debit, transfer.kind) {
            (true, AccountKind::Checking) => TransactionCode::DebitChecking,
            (true, AccountKind::Savings) => TransactionCode::DebitSavings,
            (false, AccountKind::Checking) => TransactionCode::CreditChecking,
            (false, AccountKind::Savings) => TransactionCode::CreditSavings,
        },
        routing: transfer.routing.clone(),
        account_number: transfer.account_number.clone(),
        amount: transfer.amount,
        individual_id: transfer.reference.clone(),
        name: bank_name(&transfer.name),
        trace: TraceNumber::of(&originator.routing, transfer.sequence),
        addenda: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(debit: bool, on: &str, sequence: u32) -> AchTransfer {
        AchTransfer {
            debit,
            retry: false,
            kind: AccountKind::Checking,
            routing: "021000021".parse().unwrap(),
            account_number: "123456780000".into(),
            amount: Cents::new(5_000),
            reference: "P1".into(),
            name: "María Núñez de la Peña Fernández".into(),
            effective_on: on.parse().unwrap(),
            sequence,
        }
    }

    fn originator() -> AchOriginator {
        AchOriginator {
            name: "PLUMBLINE".into(),
            company_id: "1234567890".into(),
            routing: "011000015".parse().unwrap(),
            bank: "021000021".parse().unwrap(),
            bank_name: "SANDBOX BANK".into(),
        }
    }

    #[test]
    fn one_batch_for_each_date_and_direction() {
        let transfers = [
            transfer(true, "2026-11-30", 1),
            transfer(false, "2026-11-27", 2),
            transfer(true, "2026-11-27", 3),
            transfer(true, "2026-11-30", 4),
        ];
        let file = ach_file(&originator(), 1, "2026-11-21T09:00:00".parse().unwrap(), &transfers);
        let counts: Vec<_> = file.batches.iter().map(|batch| batch.entries.len()).collect();
        assert_eq!(counts, [1, 1, 2]);
        assert_eq!(file.batches[0].entries[0].name, "MARIA NUNEZ DE LA PENA");
        assert!(file.write().is_ok());
    }

    #[test]
    fn an_originator_whose_name_no_file_can_carry_is_found_out() {
        assert_eq!(originator().check(), Ok(()));
        let long = AchOriginator { name: "HARBOR LENDING COMPANY".into(), ..originator() };
        assert!(long.check().unwrap_err().to_string().contains("company name"));
    }

    #[test]
    fn a_retry_travels_in_a_batch_that_says_so() {
        let again = AchTransfer { retry: true, ..transfer(true, "2026-11-30", 2) };
        let transfers = [transfer(true, "2026-11-30", 1), again];
        let at = "2026-11-30T09:00:00".parse().unwrap();
        let file = ach_file(&originator(), 1, at, &transfers);
        let batches = file.batches.iter().map(|batch| (&*batch.description, batch.entries.len()));
        assert_eq!(batches.collect::<Vec<_>>(), [("PAYMENT", 1), ("RETRY PYMT", 1)]);
        assert!(file.write().is_ok());
    }

    #[test]
    fn the_files_of_one_day_are_told_apart() {
        let mut seen: Vec<char> = (1..=36).map(modifier).collect();
        assert!(seen.iter().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()));
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 36);
    }
}
