//! Bank account numbers in and out of their seal: sealed where they are told to us, opened where a rail needs them.
//!
//! Invariants: a number is opened under the database role of the rails and with a key that the database does not have; it goes
//! into a file or a transfer and nowhere else. What is absent: the cipher (`rails`).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use identity::{BankAccountId, CustomerId};
use rails::{AccountKind, BankDetails, RailError, Sealed};
use sqlx::PgConnection;
use store::bank_accounts::{self, BankAccountKind, SealedNumber};

use crate::{Caller, Servicing, ServicingError, UseCase, authorise};

/// Numbers sealed anew in one transaction.
const RESEALED_AT_ONCE: i64 = 500;

/// What came of sealing numbers anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    pub resealed: u64,
    /// The accounts with a number that nobody can open.
    pub damaged: Vec<BankAccountId>,
}

/// The kind of an account as the rails write it.
pub(crate) const fn rail_kind(kind: BankAccountKind) -> AccountKind {
    match kind {
        BankAccountKind::Checking => AccountKind::Checking,
        BankAccountKind::Savings => AccountKind::Savings,
    }
}

/// The last four digits, which anybody may see.
pub(crate) fn ending_of(account_number: &str) -> Option<&str> {
    account_number.len().checked_sub(4).and_then(|at| account_number.get(at..))
}

impl Servicing {
    /// Keeps where a customer's bank account is from now on.
    pub(crate) async fn keep_number(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
        bank_account_id: BankAccountId,
        details: &BankDetails,
    ) -> Result<(), ServicingError> {
        let Sealed { key_id, bytes } =
            self.lender.seals.seal(details, customer_id, bank_account_id)?;
        let number = SealedNumber { bank_account_id, key_id, sealed: bytes };
        Ok(bank_accounts::insert_number(conn, &number, self.now()).await?)
    }

    /// Opens the numbers of these accounts as they were known at an instant, and says of each that does not open why not. An
    /// account of which there is no number is left out.
    pub(crate) async fn open_numbers(
        &self,
        accounts: &BTreeMap<BankAccountId, CustomerId>,
        known_at: DateTime<Utc>,
    ) -> Result<BTreeMap<BankAccountId, Result<BankDetails, RailError>>, ServicingError> {
        let ids: Vec<_> = accounts.keys().copied().collect();
        let mut conn = self.store.rails().acquire().await?;
        let sealed = bank_accounts::numbers(&mut conn, &ids, known_at).await?;
        drop(conn);
        let mut opened = BTreeMap::new();
        for number in sealed {
            let id = number.bank_account_id;
            let Some(customer) = accounts.get(&id) else { continue };
            let sealed = Sealed { key_id: number.key_id, bytes: number.sealed };
            let details = self.lender.seals.open(&sealed, *customer, id);
            if let Err(error) = &details {
                tracing::error!(bank_account.id = %id, error = %error, "the number of bank account {id} does not open");
            }
            opened.insert(id, details);
        }
        Ok(opened)
    }

    /// Seals with today's key what an older one sealed. Afterwards the older key can be taken out of the settings.
    ///
    /// A damaged number stops nothing but what is to go to its account: it is left as it is, and named.
    ///
    /// # Errors
    /// A key is not in the settings that sealed a number.
    pub async fn reseal_numbers(&self, caller: Caller) -> Result<Resealed, ServicingError> {
        authorise(caller, UseCase::Operate, None, self.now())?;
        let (mut done, mut after) = (Resealed::default(), None);
        loop {
            let mut tx = self.store.rails().begin().await?;
            let current = self.lender.seals.current();
            let found =
                bank_accounts::list_sealed_otherwise(&mut tx, current, after, RESEALED_AT_ONCE);
            let found = found.await?;
            let Some(last) = found.last() else { return Ok(done) };
            after = Some((last.number.bank_account_id, last.n));
            for one in found {
                let id = one.number.bank_account_id;
                let old = Sealed { key_id: one.number.key_id, bytes: one.number.sealed };
                let details = match self.lender.seals.open(&old, one.customer_id, id) {
                    Ok(details) => details,
                    Err(RailError::NotOpened) => {
                        tracing::error!(bank_account.id = %id, n = one.n, "the number of bank account {id} is damaged: nothing can be sent there until it is told anew");
                        done.damaged.push(id);
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                let Sealed { key_id, bytes } =
                    self.lender.seals.seal(&details, one.customer_id, id)?;
                let number = SealedNumber { bank_account_id: id, key_id, sealed: bytes };
                bank_accounts::reseal(&mut tx, one.n, &number).await?;
                done.resealed += 1;
            }
            tx.commit().await?;
        }
    }
}
