//! PostgreSQL: the one place, besides `audit` and `knowledge`, where SQL stands.
//!
//! A [`Store`] is a set of pools, one per database role, over a private cluster that this process starts by itself
//! ([`cluster`]) or over the database at an address. Repository functions take `&mut PgConnection`, so that a use case
//! runs all of them in one transaction of its own.
//!
//! Invariants: history (events, postings, entries) is only ever added to, and no role but the owner could do otherwise;
//! every statement is checked at compile time against the migrations.
//! What is absent: rules. Nothing here decides anything about a credit line.

#[macro_use]
mod text_enum;

pub mod accruals;
pub mod answering;
pub mod autopays;
pub mod bank_accounts;
pub mod boarding;
pub mod cases;
pub mod cheques;
pub mod contacts;
pub mod conversations;
pub mod countersignatures;
pub mod credit_lines;
pub mod customers;
pub mod decisions;
pub mod disputes;
pub mod documents;
pub mod draws;
pub mod entries;
pub mod flags;
pub mod hand_offs;
pub mod intents;
pub mod payments;
pub mod periods;
pub mod rail_files;
pub mod refunds;
pub mod representatives;
pub mod revocations;
pub mod sandbox_clock;
pub mod sessions;

pub mod clearing;
pub mod closing;
pub mod cluster;
mod error;
pub mod idempotency;
pub mod jobs;
pub mod line_events;
mod migrations;
mod number;
pub mod outbound;
pub mod outbox;
pub mod postings;
mod roles;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::{OnConstraint, StoreError};
pub use migrations::schema_version;
pub use roles::{Location, Role, Store, Tx};
