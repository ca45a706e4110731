//! The use cases against PostgreSQL and the sandbox bank's wire.
#![expect(clippy::disallowed_methods, reason = "a test waits for its tasks itself")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod autopay;
mod autopay_discount;
mod board;
mod cases;
mod cash;
mod cheques;
mod chosen;
mod close;
mod close_payments;
mod contacts;
mod counted;
mod countersign;
mod decisions;
mod draws;
mod entries;
mod faults;
mod flags;
mod forged_changes;
mod hand_offs;
mod house;
mod intents;
mod ledger;
mod legal_notices;
mod letters;
mod lines;
mod may_contact;
mod messages;
mod midnight;
mod not_left;
mod notice_ahead;
mod numbers;
mod payments;
mod portfolio;
mod refunds;
mod release;
mod retries;
mod returned_again;
mod returns;
mod rights;
mod service;
mod sessions;
mod set_aside;
mod statement_sent;
mod statements;
mod trace_numbers;
mod worlds;
