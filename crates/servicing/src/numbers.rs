//! Bank account numbers in and out of their seal: sealed where they are told to us, opened where a rail needs them.
//!
//! Invariants: a number is opened under the database role of the rails and with a key that the database does not have; it goes
//! into a file or a transfer and nowhere else. What is absent: the cipher (`rails`).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use identity::{BankAccountId, CustomerId};
use rails::{AccountKind, BankDetails, Sealed};
use sqlx::PgConnection;
use store::bank_accounts::{self, BankAccountKind, SealedNumber};

use crate::{Caller, Servicing, ServicingError, UseCase, authorise};

/// Numbers sealed anew in one transaction.
const RESEALED_AT_ONCE: i64 = 500;

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

    /// Opens the numbers of these accounts as they were known at an instant. One that does not open is left out.
    pub(crate) async fn open_numbers(
        &self,
        accounts: &BTreeMap<BankAccountId, CustomerId>,
        known_at: DateTime<Utc>,
    ) -> Result<BTreeMap<BankAccountId, BankDetails>, ServicingError> {
        let ids: Vec<_> = accounts.keys().copied().collect();
        let mut conn = self.store.rails().acquire().await?;
        let sealed = bank_accounts::numbers(&mut conn, &ids, known_at).await?;
        drop(conn);
        let mut opened = BTreeMap::new();
        for number in sealed {
            let id = number.bank_account_id;
            let Some(customer) = accounts.get(&id) else { continue };
            let sealed = Sealed { key_id: number.key_id, bytes: number.sealed };
            match self.lender.seals.open(&sealed, *customer, id) {
                Ok(details) => {
                    opened.insert(id, details);
                }
                Err(error) => {
                    tracing::error!(bank_account.id = %id, error = %error, "the number of bank account {id} does not open");
                }
            }
        }
        Ok(opened)
    }

    /// Seals with today's key what an older one sealed; answers how many numbers that was. Afterwards the older key can be
    /// taken out of the settings.
    pub async fn reseal_numbers(&self, caller: Caller) -> Result<u64, ServicingError> {
        authorise(caller, UseCase::Operate, None, self.now())?;
        let mut resealed = 0;
        loop {
            let mut tx = self.store.rails().begin().await?;
            let current = self.lender.seals.current();
            let found =
                bank_accounts::list_sealed_otherwise(&mut tx, current, RESEALED_AT_ONCE).await?;
            if found.is_empty() {
                return Ok(resealed);
            }
            for one in found {
                let id = one.number.bank_account_id;
                let old = Sealed { key_id: one.number.key_id, bytes: one.number.sealed };
                let details = self.lender.seals.open(&old, one.customer_id, id)?;
                let Sealed { key_id, bytes } =
                    self.lender.seals.seal(&details, one.customer_id, id)?;
                let number = SealedNumber { bank_account_id: id, key_id, sealed: bytes };
                bank_accounts::reseal(&mut tx, one.n, &number).await?;
                resealed += 1;
            }
            tx.commit().await?;
        }
    }
}
