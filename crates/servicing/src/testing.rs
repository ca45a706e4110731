//! A small lender to test with: who it is, and customers with an open line.
//!
//! What is absent: a database (`store::testing`), the bank and the model, which each test has as it needs them.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use calendar::{Tz, instant_of};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use credit::{Product, Terms};
use identity::{BankAccountId, CreditLineId, CustomerId, RepresentativeId};
use money::{Apr, Cents};
use rails::{
    AchOriginator, FileStatus, InstantTransfer, RailError, ReturnFile, SealingKeys, TransferState,
    TransferStatus,
};
use store::{
    bank_accounts::BankAccountKind, customers::Language, draws::DrawRail,
    representatives::StaffRole,
};

use crate::{
    Caller, DrawAsk, Key, Lender, Servicing,
    disclosures::NewConsent,
    originate::{NewBankAccount, NewCustomer, Opening},
    portfolio::sandbox_creditor,
    ports::{Bank, BankFuture},
};

pub mod boarded;

pub const ZONE: Tz = Tz::America__Los_Angeles;

/// A customer with an open line and a checking account.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub id: CustomerId,
    pub line: CreditLineId,
    pub checking: BankAccountId,
}

impl Person {
    #[must_use]
    pub const fn caller(self) -> Caller {
        Caller::customer(self.id)
    }
}

#[must_use]
pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[must_use]
pub fn noon(on: NaiveDate) -> DateTime<Utc> {
    instant_of(on, NaiveTime::from_hms_opt(12, 0, 0).unwrap(), ZONE)
}

#[must_use]
pub fn key(text: &str) -> Key {
    Key::parse(&format!("test-key-{text}")).unwrap()
}

#[must_use]
pub fn product() -> Product {
    toml::from_str(include_str!("../../../products/cashline-std-1.toml")).unwrap()
}

#[must_use]
pub fn originator() -> AchOriginator {
    AchOriginator {
        name: "PLUMBLINE".to_owned(),
        company_id: "1234567890".to_owned(),
        routing: "011000015".parse().unwrap(),
        bank: "021000021".parse().unwrap(),
        bank_name: "SANDBOX BANK".to_owned(),
    }
}

/// A bank that sends at once what it is asked to, and takes no files.
pub struct WillingBank;

fn no_files() -> RailError {
    RailError::Unknown { reason: "this bank takes no files".to_owned() }
}

impl Bank for WillingBank {
    fn submit<'a>(&'a self, _: &'a str, _: &'a str) -> BankFuture<'a, ()> {
        Box::pin(async { Err(no_files()) })
    }

    fn find_file<'a>(&'a self, _: &'a str) -> BankFuture<'a, Option<FileStatus>> {
        Box::pin(async { Ok(None) })
    }

    fn returns_after(&self, _: u64) -> BankFuture<'_, Vec<ReturnFile>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn push<'a>(&'a self, id: &'a str, _: &'a InstantTransfer) -> BankFuture<'a, TransferStatus> {
        Box::pin(async {
            let (transfer_id, state) = (id.to_owned(), TransferState::Completed);
            Ok(TransferStatus { transfer_id, state, completed_on: None, reason: None })
        })
    }

    fn find_transfer<'a>(&'a self, _: &'a str) -> BankFuture<'a, Option<TransferStatus>> {
        Box::pin(async { Ok(None) })
    }

    fn void_transfer<'a>(&'a self, _: &'a str) -> BankFuture<'a, TransferStatus> {
        Box::pin(async { Err(no_files()) })
    }
}

/// Money to a checking account, at once.
#[must_use]
pub const fn at_once(cents: i64, to: BankAccountId) -> DrawAsk {
    DrawAsk { amount: Cents::new(cents), bank_account_id: to, rail: DrawRail::Instant }
}

/// An invented lender with keys of its own.
#[must_use]
pub fn lender() -> Lender {
    let seals = SealingKeys::generate("test").unwrap().parse().unwrap();
    Lender { originator: originator(), creditor: sandbox_creditor(), seals }
}

/// Somebody of that name in California, who speaks English.
#[must_use]
pub fn new_customer(name: &str) -> NewCustomer {
    NewCustomer {
        name: name.to_owned(),
        email: format!("{}@example.com", name.to_lowercase()),
        phone: "+1 555 0100".to_owned(),
        state: "CA".to_owned(),
        language: Language::English,
        archetype: None,
        summary: None,
    }
}

/// Agreement to records in electronic form.
#[must_use]
pub fn consent() -> NewConsent {
    NewConsent {
        version: "electronic-records 1".to_owned(),
        evidence: "opened a sample record".to_owned(),
    }
}

/// A customer with a line of $2,000.00 at 24.00% that closes on the 5th, and a checking account of that number.
pub async fn add_person(servicing: &Servicing, new: NewCustomer, account_number: &str) -> Person {
    let now = servicing.now();
    let system = Caller::system();
    let (id, line) = (CustomerId::mint(now), CreditLineId::mint(now));
    servicing.add_customer(system, id, new).await.unwrap();
    let checking = add_bank_account(servicing, id, BankAccountKind::Checking, account_number).await;
    let consent = consent();
    let agreed = key(&format!("consent-{id}"));
    servicing.record_esign_consent(system, id, &consent, &agreed).await.unwrap();
    let terms = Terms::open(&product(), Cents::new(200_000), Apr::from_ppm(240_000), 5);
    let opening = Opening { customer_id: id, decision_id: None, terms };
    servicing.open_line(system, line, opening, &key(&line.to_string())).await.unwrap();
    Person { id, line, checking }
}

pub async fn add_bank_account(
    servicing: &Servicing,
    customer: CustomerId,
    kind: BankAccountKind,
    number: &str,
) -> BankAccountId {
    let id = BankAccountId::mint(servicing.now());
    let new = NewBankAccount {
        kind,
        bank_name: "First Harbor Bank".to_owned(),
        routing_number: "021000021".to_owned(),
        account_number: number.to_owned(),
    };
    servicing.add_bank_account(Caller::system(), customer, id, &new).await.unwrap();
    id
}

/// A representative of ours, as who they ask for things.
pub async fn add_representative(servicing: &Servicing, name: &str) -> Caller {
    let id = RepresentativeId::mint(servicing.now());
    let role = StaffRole::Representative;
    servicing.add_representative(Caller::system(), id, name, role).await.unwrap();
    Caller::representative(id)
}
