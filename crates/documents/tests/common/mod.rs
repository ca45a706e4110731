//! Who lends in the documents of the tests, and their days.

use chrono::NaiveDate;
use documents::{Creditor, Party};

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn creditor() -> Creditor {
    Creditor {
        name: "Plumbline Sandbox Lending".into(),
        address: vec!["1 Level Street".into(), "San Francisco, CA 94105".into()],
        phone: "1-800-555-0100".into(),
        credit_counseling_phone: "800-555-0142".into(),
        regulator: Party {
            name: "the Federal Trade Commission".into(),
            address: vec!["Equal Credit Opportunity".into(), "Washington, DC 20580".into()],
        },
    }
}
