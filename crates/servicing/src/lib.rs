//! Servicing: every use case of the credit line, each of them one function that whoever asks must go through.
//!
//! A handler, a model's tool, a staff button, a job and the command line call the same methods of [`Servicing`]. Each
//! one authorises, decides, posts, records and enqueues in one database transaction, under the caller's key.
//!
//! Invariants: there is no second way to move a cent; what a model proposes has no effect until a signed-in customer
//! confirms exactly that; what protects a customer never waits; a file of which the bank's answer is unknown is never
//! sent again before the bank was asked. What is absent: HTTP, models, and the arithmetic of the line (`credit`).

mod authorise;
pub mod board;
pub mod cases;
pub mod conversations;
pub mod decisions;
pub mod disclosures;
pub mod draws;
mod error;
pub mod flags;
pub mod hand_offs;
pub mod intents;
pub mod jobs;
mod key;
pub mod lines;
mod numbers;
pub mod originate;
pub mod payments;
pub mod portfolio;
pub mod ports;
pub mod positions;
pub mod purge;
mod reference;
mod refusal;
pub mod release;
pub mod sessions;
pub mod statements;
#[cfg(feature = "testing")]
pub mod testing;
pub mod words;
mod work;
pub mod worlds;

use std::sync::Arc;

use calendar::{Clock, Tz, local_date};
use chrono::{DateTime, NaiveDate, Utc};
use documents::Creditor;
use rails::{AchOriginator, SealingKeys};
use store::Store;

pub use authorise::{Authorised, Caller, Level, UseCase, authorise};
pub use cases::{CaseKind, Closing, NewCase};
pub use draws::DrawAsk;
pub use error::ServicingError;
pub use intents::{Action, NewIntent};
pub use jobs::JobReport;
pub use key::Key;
pub use payments::{AmountAsk, BankAccountAsk, PaymentAsk};
pub use refusal::{Refusal, RefusalCode, RefusalKind};

/// The use cases. Cheap to clone.
#[derive(Clone)]
pub struct Servicing {
    store: Store,
    clock: Clock,
    /// By which sessions begin and end.
    session_clock: Clock,
    zone: Tz,
    bank: Arc<dyn ports::Bank>,
    lender: Arc<Lender>,
}

/// Who lends.
#[derive(Debug)]
pub struct Lender {
    /// On the ACH network.
    pub originator: AchOriginator,
    /// On paper.
    pub creditor: Creditor,
    /// The keys of the customers' bank account numbers.
    pub seals: SealingKeys,
}

impl Servicing {
    /// `zone` is where business dates are reckoned.
    pub fn new(
        store: Store,
        clock: Clock,
        zone: Tz,
        bank: Arc<dyn ports::Bank>,
        lender: Lender,
    ) -> Self {
        let (session_clock, lender) = (clock.clone(), Arc::new(lender));
        Self { store, clock, session_clock, zone, bank, lender }
    }

    /// Measures sessions by another clock than business: a sandbox's clock is moved by hand, and nobody is to be signed
    /// out by that.
    #[must_use]
    pub fn with_session_clock(self, session_clock: Clock) -> Self {
        Self { session_clock, ..self }
    }

    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Keeps where the hand of a sandbox's clock will stand, so that the next start begins there.
    pub async fn keep_sandbox_clock(
        &self,
        caller: Caller,
        then: DateTime<Utc>,
    ) -> Result<(), ServicingError> {
        authorise(caller, UseCase::Operate, None, self.now())?;
        let mut conn = self.store.app().acquire().await?;
        Ok(store::sandbox_clock::save(&mut conn, then).await?)
    }

    /// The business date now.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        local_date(self.now(), self.zone)
    }
}
