//! What servicing needs of the bank and of the post, so that a test can stand in for them.

mod post;

use std::{future::Future, pin::Pin};

pub use post::{Post, PostFuture, PostOffice};
use rails::{BankClient, FileStatus, InstantTransfer, RailError, ReturnFile, TransferStatus};

pub type BankFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, RailError>> + Send + 'a>>;

/// The bank's wire. `Err(Unknown)` is never taken for success nor for failure.
pub trait Bank: Send + Sync {
    /// Hands a file over under `file_id`; sent twice, it is one file.
    fn submit<'a>(&'a self, file_id: &'a str, contents: &'a str) -> BankFuture<'a, ()>;

    /// What became of a file; `None` when the bank never had it.
    fn find_file<'a>(&'a self, file_id: &'a str) -> BankFuture<'a, Option<FileStatus>>;

    /// The files of returns made after the one numbered `sequence`; all of them after 0.
    fn returns_after(&self, sequence: u64) -> BankFuture<'_, Vec<ReturnFile>>;

    /// Sends money at once under `transfer_id`; sent twice, it is one transfer.
    fn push<'a>(
        &'a self,
        transfer_id: &'a str,
        transfer: &'a InstantTransfer,
    ) -> BankFuture<'a, TransferStatus>;

    /// What became of a transfer; `None` when the bank never had it.
    fn find_transfer<'a>(&'a self, transfer_id: &'a str) -> BankFuture<'a, Option<TransferStatus>>;

    /// Asks the bank never to do a transfer; the answer says whether it was done before that.
    fn void_transfer<'a>(&'a self, transfer_id: &'a str) -> BankFuture<'a, TransferStatus>;
}

/// A bank that is out of reach, for worlds in which nothing leaves the house: payments stay scheduled and draws held.
pub struct NoBank;

fn no_bank() -> RailError {
    RailError::Unknown { reason: "there is no bank here".to_owned() }
}

impl Bank for NoBank {
    fn submit<'a>(&'a self, _: &'a str, _: &'a str) -> BankFuture<'a, ()> {
        Box::pin(async { Err(no_bank()) })
    }

    fn find_file<'a>(&'a self, _: &'a str) -> BankFuture<'a, Option<FileStatus>> {
        Box::pin(async { Ok(None) })
    }

    fn returns_after(&self, _: u64) -> BankFuture<'_, Vec<ReturnFile>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn push<'a>(&'a self, _: &'a str, _: &'a InstantTransfer) -> BankFuture<'a, TransferStatus> {
        Box::pin(async { Err(no_bank()) })
    }

    fn find_transfer<'a>(&'a self, _: &'a str) -> BankFuture<'a, Option<TransferStatus>> {
        Box::pin(async { Ok(None) })
    }

    fn void_transfer<'a>(&'a self, _: &'a str) -> BankFuture<'a, TransferStatus> {
        Box::pin(async { Err(no_bank()) })
    }
}

impl Bank for BankClient {
    fn submit<'a>(&'a self, file_id: &'a str, contents: &'a str) -> BankFuture<'a, ()> {
        Box::pin(self.submit(file_id, contents))
    }

    fn find_file<'a>(&'a self, file_id: &'a str) -> BankFuture<'a, Option<FileStatus>> {
        Box::pin(self.find_file(file_id))
    }

    fn returns_after(&self, sequence: u64) -> BankFuture<'_, Vec<ReturnFile>> {
        Box::pin(self.returns_after(sequence))
    }

    fn push<'a>(
        &'a self,
        transfer_id: &'a str,
        transfer: &'a InstantTransfer,
    ) -> BankFuture<'a, TransferStatus> {
        Box::pin(self.push(transfer_id, transfer))
    }

    fn find_transfer<'a>(&'a self, transfer_id: &'a str) -> BankFuture<'a, Option<TransferStatus>> {
        Box::pin(self.find_transfer(transfer_id))
    }

    fn void_transfer<'a>(&'a self, transfer_id: &'a str) -> BankFuture<'a, TransferStatus> {
        Box::pin(self.void_transfer(transfer_id))
    }
}
