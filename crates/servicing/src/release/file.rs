//! A file for the bank: recorded with its entries, written from their rows, handed over.
//!
//! Invariants: a file is recorded before it is sent, under a key of its own; its text is the same each time, which its digest
//! makes sure of; account numbers are opened for it under the role of the rails and stand nowhere else.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use identity::{BankAccountId, CustomerId, PaymentId};
use money::Cents;
use nacha::TraceNumber;
use rails::{AchTransfer, BankDetails, RailError, ach_file};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use store::{
    customers,
    draws::{self, DrawRow},
    payments::{self, PaymentRow},
    rail_files::{self, RailFileRow, RailFileStatus},
};

use crate::{Servicing, ServicingError};

/// One entry of a file, whichever way its money goes.
pub(super) enum Entry {
    Payment(PaymentRow),
    Draw(DrawRow),
}

impl Entry {
    pub(super) fn trace_number(&self) -> Option<&str> {
        match self {
            Self::Payment(payment) => payment.trace_number.as_deref(),
            Self::Draw(draw) => draw.trace_number.as_deref(),
        }
    }

    fn bank_account_id(&self) -> BankAccountId {
        match self {
            Self::Payment(payment) => payment.bank_account_id,
            Self::Draw(draw) => draw.bank_account_id,
        }
    }

    fn customer_id(&self) -> CustomerId {
        match self {
            Self::Payment(payment) => payment.customer_id,
            Self::Draw(draw) => draw.customer_id,
        }
    }

    /// As it stands in the file.
    fn transfer(
        &self,
        details: &BankDetails,
        name: String,
        file_on: NaiveDate,
    ) -> Result<AchTransfer, ServicingError> {
        let sequence = self
            .trace_number()
            .and_then(|trace| trace.parse::<u64>().ok())
            .and_then(|trace| u32::try_from(trace % 10_000_000).ok())
            .ok_or_else(|| stored("trace number"))?;
        let (debit, retry, amount, reference, effective_on) = match self {
            Self::Payment(payment) => {
                let retry = payment.retry_of.is_some();
                (true, retry, payment.amount, &payment.reference, file_on)
            }
            Self::Draw(draw) => (false, false, draw.amount, &draw.reference, draw.available_on),
        };
        Ok(AchTransfer {
            debit,
            retry,
            kind: details.kind,
            routing: details.routing_number.clone(),
            account_number: details.account_number.clone(),
            amount,
            reference: reference.clone(),
            name,
            effective_on,
            sequence,
        })
    }
}

const fn stored(what: &'static str) -> ServicingError {
    ServicingError::Stored { what, source: None }
}

/// All entries of a file: its payments, then its draws, each in the order of their trace numbers.
pub(super) async fn entries_of(
    conn: &mut PgConnection,
    key: &str,
) -> Result<Vec<Entry>, ServicingError> {
    let payments = payments::list_of_file(conn, key).await?.into_iter().map(Entry::Payment);
    let draws = draws::list_of_file(conn, key).await?.into_iter().map(Entry::Draw);
    Ok(payments.chain(draws).collect())
}

impl Servicing {
    /// Records a file of so many entries and amounts (debit, credit) that leaves today; answers its key.
    pub(super) async fn new_file(
        &self,
        conn: &mut PgConnection,
        entries: usize,
        (debit, credit): (Cents, Cents),
    ) -> Result<String, ServicingError> {
        let now = self.now();
        let file = RailFileRow {
            key: format!("ach-{}", PaymentId::mint(now)),
            number: rail_files::next_number(conn).await?,
            created_at: now,
            effective_on: self.today(),
            entries: i32::try_from(entries).unwrap_or(i32::MAX),
            debit,
            credit,
            digest: None,
            status: RailFileStatus::Building,
            handed_at: None,
            bank_reference: None,
            refusal: None,
        };
        rail_files::insert(conn, &file).await?;
        Ok(file.key)
    }

    /// A trace number that was never used.
    pub(super) async fn next_trace(
        &self,
        conn: &mut PgConnection,
    ) -> Result<String, ServicingError> {
        let sequence = rail_files::next_entry(conn).await?;
        Ok(TraceNumber::of(&self.lender.originator.routing, sequence.unsigned_abs()).to_string())
    }

    /// Writes a file and hands it to the bank. What the bank does is recorded; an unknown outcome leaves it pending.
    pub(super) async fn send(&self, key: &str) -> Result<(), ServicingError> {
        let Some(contents) = self.write_file(key).await? else { return Ok(()) };
        match self.bank.submit(key, &contents).await {
            Ok(()) => self.accept(key).await,
            Err(RailError::Refused { reason }) => {
                tracing::error!(file.key = %key, "the bank refused file {key}: {reason}");
                self.give_back(key, RailFileStatus::Refused, &reason).await
            }
            Err(error) => {
                tracing::warn!(file.key = %key, error = %error, "it is not known whether the bank has file {key}");
                Ok(())
            }
        }
    }

    /// The text of a file, from its rows; the same text each time, which its digest makes sure of. `None` where the file
    /// is no longer to be sent.
    async fn write_file(&self, key: &str) -> Result<Option<String>, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let mut file =
            rail_files::find_for_update(&mut tx, key).await?.ok_or_else(|| stored("rail file"))?;
        if !matches!(file.status, RailFileStatus::Building | RailFileStatus::Pending) {
            return Ok(None);
        }
        let entries = entries_of(&mut tx, key).await?;
        let contents = self.text_of(&mut tx, &file, &entries).await?;
        let digest = Sha256::digest(contents.as_bytes()).to_vec();
        match &file.digest {
            Some(before) if *before != digest => return Err(stored("rail file")),
            _ => file.digest = Some(digest),
        }
        file.status = RailFileStatus::Pending;
        file.handed_at = Some(self.now());
        rail_files::update(&mut tx, &file, self.now()).await?;
        tx.commit().await?;
        Ok(Some(contents))
    }

    pub(super) async fn text_of(
        &self,
        conn: &mut PgConnection,
        file: &RailFileRow,
        entries: &[Entry],
    ) -> Result<String, ServicingError> {
        let transfers = self.transfers(conn, file, entries).await?;
        let created_at = file.created_at.with_timezone(&self.zone).naive_local();
        let number = file.number.unsigned_abs();
        let text = ach_file(&self.lender.originator, number, created_at, &transfers).write();
        Ok(text.map_err(RailError::from)?)
    }

    async fn transfers(
        &self,
        conn: &mut PgConnection,
        file: &RailFileRow,
        entries: &[Entry],
    ) -> Result<Vec<AchTransfer>, ServicingError> {
        let accounts: BTreeMap<_, _> =
            entries.iter().map(|entry| (entry.bank_account_id(), entry.customer_id())).collect();
        // As they were known when the file was made: a correction since would make it another file.
        let numbers = self.open_numbers(&accounts, file.created_at).await?;
        let mut transfers = Vec::with_capacity(entries.len());
        for entry in entries {
            let details = numbers
                .get(&entry.bank_account_id())
                .ok_or_else(|| stored("bank account number"))?;
            let customer = customers::find(conn, entry.customer_id())
                .await?
                .ok_or_else(|| stored("customer"))?;
            transfers.push(entry.transfer(details, customer.name, file.effective_on)?);
        }
        Ok(transfers)
    }
}
