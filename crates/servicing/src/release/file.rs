//! A file for the bank, filled with its entries before (`choose`): written from their rows, handed over.
//!
//! Invariants: a file is recorded before it is sent, under a key of its own; its text is the same each time, which its digest
//! makes sure of; account numbers are opened for it under the role of the rails and stand nowhere else.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use identity::{BankAccountId, CreditLineId, CustomerId};
use money::Cents;
use nacha::TraceNumber;
use rails::{AchTransfer, BankDetails, EntryStatus, FileStatus, RailError, ach_file};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use store::{
    customers,
    draws::{self, DrawRow, DrawStatus},
    payments::{self, PaymentRow, PaymentStatus},
    rail_files::{self, EntryId, RailFileRow, RailFileStatus},
};

use super::{given_back::Why, kept};
use crate::{Servicing, ServicingError, cases::About};

/// Of an entry that left so long ago the bank has nothing more to say, sixty days for a debit that is disowned and as many again for
/// what comes late.
const IN_USE: TimeDelta = TimeDelta::days(120);

/// So many numbers there are.
const NUMBERS: usize = 10_000_000;

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

    pub(super) fn reference(&self) -> &str {
        match self {
            Self::Payment(payment) => &payment.reference,
            Self::Draw(draw) => &draw.reference,
        }
    }

    pub(super) fn credit_line_id(&self) -> CreditLineId {
        match self {
            Self::Payment(payment) => payment.credit_line_id,
            Self::Draw(draw) => draw.credit_line_id,
        }
    }

    pub(super) fn bank_account_id(&self) -> BankAccountId {
        match self {
            Self::Payment(payment) => payment.bank_account_id,
            Self::Draw(draw) => draw.bank_account_id,
        }
    }

    pub(super) fn customer_id(&self) -> CustomerId {
        match self {
            Self::Payment(payment) => payment.customer_id,
            Self::Draw(draw) => draw.customer_id,
        }
    }

    pub(super) const fn amount(&self) -> Cents {
        match self {
            Self::Payment(payment) => payment.amount,
            Self::Draw(draw) => draw.amount,
        }
    }

    /// Whether it takes money from the customer's account.
    pub(super) const fn debit(&self) -> bool {
        matches!(self, Self::Payment(_))
    }

    /// Whether it is with the bank, as far as is known, and the bank has not said what came of it.
    pub(super) const fn underway(&self) -> bool {
        match self {
            Self::Payment(payment) => {
                matches!(payment.status, PaymentStatus::Pending | PaymentStatus::Released)
            }
            Self::Draw(draw) => matches!(draw.status, DrawStatus::Pending | DrawStatus::Released),
        }
    }

    /// Whether it is in a file of which the outcome is not known.
    pub(super) const fn pending(&self) -> bool {
        match self {
            Self::Payment(payment) => matches!(payment.status, PaymentStatus::Pending),
            Self::Draw(draw) => matches!(draw.status, DrawStatus::Pending),
        }
    }

    pub(super) fn file_key(&self) -> Option<&str> {
        match self {
            Self::Payment(payment) => payment.file_key.as_deref(),
            Self::Draw(draw) => draw.file_key.as_deref(),
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

impl From<&Entry> for About {
    fn from(entry: &Entry) -> Self {
        match entry {
            Entry::Payment(payment) => payment.into(),
            Entry::Draw(draw) => draw.into(),
        }
    }
}

/// How an entry stands to being written into a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Fits,
    /// Something in it can be written by nobody.
    Never,
    /// Not here and now; the fault is not its own.
    NotHere,
}

impl Fit {
    fn of(error: &ServicingError) -> Self {
        match error {
            ServicingError::Rail(RailError::NotOpened | RailError::File(_))
            | ServicingError::Stored { .. } => Self::Never,
            _ => Self::NotHere,
        }
    }
}

const fn stored(what: &'static str) -> ServicingError {
    ServicingError::Stored { what, source: None }
}

/// Why a number does not open, for each entry that needs it.
fn unopened(error: &RailError) -> RailError {
    match error {
        RailError::UnknownKey { key_id } => RailError::UnknownKey { key_id: key_id.clone() },
        _ => RailError::NotOpened,
    }
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

/// What the bank says of the entry of this trace number in a file.
pub(super) fn of_trace<'a>(file: &'a FileStatus, trace: &str) -> Option<&'a EntryStatus> {
    file.entries.iter().find(|entry| entry.trace.to_string() == trace)
}

/// The entry of this trace number, which is a payment's or a draw's, as of a day on which something was told of it.
pub(super) async fn find_entry(
    conn: &mut PgConnection,
    trace: &str,
    told_on: NaiveDate,
) -> Result<Option<Entry>, ServicingError> {
    Ok(match rail_files::find_entry(conn, trace, told_on).await? {
        Some(EntryId::Payment(id)) => payments::find(conn, id).await?.map(Entry::Payment),
        Some(EntryId::Draw(id)) => draws::find(conn, id).await?.map(Entry::Draw),
        None => None,
    })
}

impl Servicing {
    /// Trace numbers for so many entries, in which order they stand in their file is the file's matter. After the last number the
    /// first comes again; those of which the bank may still have something to say are passed over.
    pub(super) async fn next_traces(
        &self,
        conn: &mut PgConnection,
        count: usize,
    ) -> Result<Vec<String>, ServicingError> {
        let since = self.now() - IN_USE;
        let (mut free, mut asked): (Vec<String>, usize) = (Vec::new(), 0);
        while free.len() < count && asked < NUMBERS {
            // Where many in a row are in use, more are asked for at a time.
            let ask = (count - free.len()).max(asked / 2);
            let numbers = rail_files::next_entries(conn, i64::try_from(ask).unwrap_or(i64::MAX));
            let of = |number: i32| {
                TraceNumber::of(&self.lender.originator.routing, number.unsigned_abs()).to_string()
            };
            let traces: Vec<_> = numbers.await?.into_iter().map(of).collect();
            let in_use = rail_files::traces_in_use(conn, &traces, since).await?;
            free.extend(traces.into_iter().filter(|trace| !in_use.contains(trace)));
            asked += ask;
        }
        free.truncate(count);
        if free.len() < count { Err(stored("trace number")) } else { Ok(free) }
    }

    /// Writes a file and hands it to the bank. What the bank does is recorded; an unknown outcome leaves it pending, and is `false`.
    pub(super) async fn send(&self, key: &str) -> Result<bool, ServicingError> {
        let Some(contents) = self.write_file(key).await? else { return Ok(true) };
        match self.bank.submit(key, &contents).await {
            Ok(()) => self.accept(key).await?,
            Err(RailError::Refused { reason }) => {
                let reason = kept(&reason);
                tracing::error!(file.key = %key, "the bank refused file {key}: {reason}");
                self.give_back(key, &Why::Refused(reason)).await?;
            }
            Err(error) => {
                tracing::warn!(file.key = %key, error = %error, "it is not known whether the bank has file {key}");
                return Ok(false);
            }
        }
        Ok(true)
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

    /// Which entries of a file can be written. Fails where that cannot be said of any.
    pub(super) async fn fits(
        &self,
        conn: &mut PgConnection,
        file: &RailFileRow,
        entries: &[Entry],
    ) -> Result<Vec<Fit>, ServicingError> {
        let transfers = self.transfers(conn, file, entries).await?;
        let alone = |transfer: AchTransfer| self.text(file, &[transfer]);
        let fit = |transfer: Result<AchTransfer, ServicingError>| {
            transfer.and_then(alone).map_or_else(|error| Fit::of(&error), |_| Fit::Fits)
        };
        Ok(transfers.into_iter().map(fit).collect())
    }

    async fn text_of(
        &self,
        conn: &mut PgConnection,
        file: &RailFileRow,
        entries: &[Entry],
    ) -> Result<String, ServicingError> {
        let transfers = self.transfers(conn, file, entries).await?;
        self.text(file, &transfers.into_iter().collect::<Result<Vec<_>, _>>()?)
    }

    fn text(
        &self,
        file: &RailFileRow,
        transfers: &[AchTransfer],
    ) -> Result<String, ServicingError> {
        let created_at = file.created_at.with_timezone(&self.zone).naive_local();
        let number = file.number.unsigned_abs();
        let text = ach_file(&self.lender.originator, number, created_at, transfers).write();
        Ok(text.map_err(RailError::from)?)
    }

    /// Each entry as it stands in the file, or what is wrong with it. Fails as a whole where nothing is.
    async fn transfers(
        &self,
        conn: &mut PgConnection,
        file: &RailFileRow,
        entries: &[Entry],
    ) -> Result<Vec<Result<AchTransfer, ServicingError>>, ServicingError> {
        let accounts: BTreeMap<_, _> =
            entries.iter().map(|entry| (entry.bank_account_id(), entry.customer_id())).collect();
        // As they were known when the file was made: a correction since would make it another file.
        let numbers = self.open_numbers(&accounts, file.created_at).await?;
        let mut transfers = Vec::with_capacity(entries.len());
        for entry in entries {
            // One that is over or was never chosen leaves in no file.
            if !entry.pending() {
                transfers.push(Err(stored("entry of a file")));
                continue;
            }
            let customer = customers::find(conn, entry.customer_id()).await?;
            transfers.push(match (numbers.get(&entry.bank_account_id()), customer) {
                (Some(Ok(details)), Some(customer)) => {
                    entry.transfer(details, customer.name, file.effective_on)
                }
                (Some(Err(error)), _) => Err(unopened(error).into()),
                (None, _) => Err(stored("bank account number")),
                (_, None) => Err(stored("customer")),
            });
        }
        Ok(transfers)
    }
}
