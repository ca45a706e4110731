//! Debits that are due on the days that are closed, and a bank that takes the files with them.

use std::time::Instant;

use anyhow::ensure;
use chrono::{Days, NaiveDate};
use identity::PaymentId;
use money::Cents;
use rails::{
    AccountKind, BankDetails, FileStatus, InstantTransfer, RailError, ReturnFile, SealingKeys,
    TransferStatus,
};
use servicing::{
    Caller,
    ports::{Bank, BankFuture},
    testing::{WillingBank, boarded::Ids, noon},
};
use sqlx::PgConnection;
use store::{
    bank_accounts::{self, SealedNumber},
    payments::{self, AmountKind, PaymentRow, PaymentStatus},
};

use crate::portfolio::{Portfolio, due_on};

/// One line of so many pays on each day that is closed.
const ONE_OF: u64 = 28;

/// The days that are closed, each with the first line that pays on it.
const DAYS: [(u64, u64); 2] = [(0, 10), (1, 20)];

/// Schedules the debits of every day that is closed.
pub(crate) async fn schedule(
    owner: &mut PgConnection,
    seals: &SealingKeys,
    lines: u64,
) -> anyhow::Result<()> {
    for (day, first) in DAYS {
        for n in (first..lines).step_by(usize::try_from(ONE_OF)?) {
            let Ids { customer, bank_account, .. } = Ids::of(n);
            let details = BankDetails {
                kind: AccountKind::Checking,
                routing_number: "021000021".parse()?,
                account_number: "000111224242".to_owned(),
            };
            let sealed = seals.seal(&details, customer, bank_account)?;
            let number = SealedNumber {
                bank_account_id: bank_account,
                key_id: sealed.key_id,
                sealed: sealed.bytes,
            };
            let payment = debit(n, due_on() + Days::new(day));
            bank_accounts::insert_number(owner, &number, payment.authorised_at).await?;
            payments::insert(owner, &payment).await?;
        }
    }
    Ok(())
}

fn debit(n: u64, on: NaiveDate) -> PaymentRow {
    let Ids { customer, line, bank_account } = Ids::of(n);
    let asked_at = noon(due_on() - Days::new(7));
    PaymentRow {
        id: PaymentId::mint(asked_at),
        credit_line_id: line,
        customer_id: customer,
        bank_account_id: bank_account,
        reference: format!("PAY-{n:08}"),
        amount: Cents::new(2_500),
        amount_kind: AmountKind::Exact,
        authorised_on: on,
        debit_on: on,
        status: PaymentStatus::Scheduled,
        file_key: None,
        trace_number: None,
        received_seq: None,
        settle_on: None,
        return_code: None,
        returned_on: None,
        retry_on: None,
        retry_of: None,
        cancel_reason: None,
        refusals: 0,
        authorised_at: asked_at,
        changed_at: asked_at,
    }
}

/// Sends and credits what is due on the first day; answers how many debits that were and what each took, in microseconds.
pub(crate) async fn measure(portfolio: &Portfolio) -> anyhow::Result<(u32, u128)> {
    let began = Instant::now();
    let report = portfolio.servicing.run_payments(Caller::system()).await?;
    let took = began.elapsed();
    ensure!(report.whole() && report.released > 0, "the debits were not sent: {report:?}");
    Ok((report.released, took.as_micros() / u128::from(report.released)))
}

/// Takes every file, and never says more of it.
pub(crate) struct TakingBank;

impl Bank for TakingBank {
    fn submit<'a>(&'a self, _: &'a str, _: &'a str) -> BankFuture<'a, ()> {
        Box::pin(async { Ok::<(), RailError>(()) })
    }

    fn find_file<'a>(&'a self, key: &'a str) -> BankFuture<'a, Option<FileStatus>> {
        WillingBank.find_file(key)
    }

    fn returns_after(&self, sequence: u64) -> BankFuture<'_, Vec<ReturnFile>> {
        WillingBank.returns_after(sequence)
    }

    fn push<'a>(
        &'a self,
        id: &'a str,
        transfer: &'a InstantTransfer,
    ) -> BankFuture<'a, TransferStatus> {
        WillingBank.push(id, transfer)
    }

    fn find_transfer<'a>(&'a self, id: &'a str) -> BankFuture<'a, Option<TransferStatus>> {
        WillingBank.find_transfer(id)
    }

    fn void_transfer<'a>(&'a self, id: &'a str) -> BankFuture<'a, TransferStatus> {
        WillingBank.void_transfer(id)
    }
}
