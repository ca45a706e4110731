//! Servicing: every use case of the credit line, each of them one function that whoever asks must go through.
//!
//! A handler, a model's tool, a staff button, a job and the command line call the same methods of [`Servicing`]. Each
//! one authorises, decides, posts, records and enqueues in one database transaction, under the caller's key.
//!
//! Invariants: there is no second way to move a cent; what a model proposes has no effect until a signed-in customer
//! confirms exactly that; what protects a customer never waits; a file of which the bank's answer is unknown is never
//! sent again before the bank was asked. What is absent: HTTP, models, and the arithmetic of the line (`credit`).

pub mod accruals;
mod authorise;
pub mod autopay;
pub mod board;
pub mod books;
pub mod cases;
mod cash;
pub mod cheques;
pub mod close;
pub mod contacts;
pub mod conversations;
pub mod countersign;
pub mod decisions;
mod desk_cases;
pub mod disclosures;
pub mod disputes;
pub mod draws;
pub mod due_days;
mod error;
pub mod flags;
pub mod hand_offs;
pub mod intents;
pub mod jobs;
mod key;
mod limits;
pub mod lines;
pub mod messages;
mod numbers;
pub mod originate;
pub mod payments;
pub mod periods;
pub mod portfolio;
pub mod ports;
pub mod positions;
pub mod purge;
mod receipts;
mod reference;
pub mod refunds;
mod refusal;
pub mod release;
pub mod reversals;
pub mod sessions;
pub mod staff_changes;
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

pub use accruals::{AccrualReport, AccruedDay};
pub use authorise::{Authorised, Caller, Level, UseCase, authorise};
pub use cases::{CaseKind, Closing, NewCase};
pub use draws::DrawAsk;
pub use error::ServicingError;
pub use intents::{Action, NewIntent};
pub use jobs::JobReport;
pub use key::Key;
pub use numbers::Resealed;
pub use payments::{AmountAsk, BankAccountAsk, PaymentAsk};
pub use refusal::{Refusal, RefusalCode, RefusalKind};

/// The use cases. Cheap to clone.
#[derive(Clone)]
pub struct Servicing {
    store: Store,
    clock: Clock,
    /// By which sessions begin and end, and by which a wire that was away is tried again.
    session_clock: Clock,
    zone: Tz,
    bank: Arc<dyn ports::Bank>,
    /// Without one, nothing is written to anybody.
    post: Option<Arc<dyn ports::Post>>,
    lender: Arc<Lender>,
    /// What is not tried again for a moment.
    patience: Arc<messages::Patience>,
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
        let patience = Arc::default();
        Self { store, clock, session_clock, zone, bank, post: None, lender, patience }
    }

    /// Writes to customers by this post.
    #[must_use]
    pub fn with_post(self, post: Arc<dyn ports::Post>) -> Self {
        Self { post: Some(post), ..self }
    }

    /// Measures sessions and the waits for wires by another clock than business: a sandbox's clock is moved by hand, and nobody is to be signed
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
