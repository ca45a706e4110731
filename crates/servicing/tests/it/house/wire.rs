//! The wire between us and the bank, which can be cut, and a bank that can be made to say something else than it has.

use std::{collections::HashMap, sync::Mutex};

use rails::{
    BankClient, EntryState, FileStatus, InstantTransfer, RailError, ReturnFile, TransferStatus,
};
use servicing::ports::{Bank, BankFuture};

/// What goes wrong between us and the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Fine,
    /// The request never arrives, and we do not learn that.
    LosesRequests,
    /// The bank does it; its answer is lost.
    LosesAnswers,
    Refuses,
    /// The bank refuses each file, for this reason.
    RefusesAs(&'static str),
    /// The bank refuses a file in which this text stands, and repeats it.
    RefusesFilesWith(&'static str),
    /// The bank does it, and says that it will not.
    TakesAndRefuses,
    /// The bank cannot say what became of a file; the rest it can.
    LosesFinds,
    /// What came back arrives as something nobody can read.
    GarblesReturns,
    /// The process dies at the n-th request, before it leaves or after it was answered: it never goes on.
    DiesBefore(usize),
    DiesAfter(usize),
}

/// What the bank says of one file, whatever it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    Nothing,
    /// It does not know the file.
    Unknown,
    /// It knows the file and none of its entries.
    Empty,
    /// Its entries came back, and why is not said.
    ReturnedWithoutCode,
}

/// What becomes of a file of returns on its way here.
pub(crate) type Altering = fn(&str) -> String;

/// The bank's client, with a wire that can be cut.
pub(crate) struct CutWire {
    pub(super) client: BankClient,
    pub(super) wire: Mutex<Wire>,
    pub(super) requests: Mutex<usize>,
    pub(crate) died: tokio::sync::Notify,
    pub(super) submitted: Mutex<Vec<String>>,
    /// What is made of each file of returns on its way here.
    pub(super) altered: Mutex<Option<Altering>>,
    /// Files of which the bank says something else than it has.
    pub(super) says: Mutex<HashMap<String, Says>>,
    /// The files that the bank was asked for.
    pub(super) asked: Mutex<Vec<String>>,
    /// Files that are still on the wire, and arrive when they are let through.
    pub(super) underway: Mutex<Vec<(String, String)>>,
}

impl CutWire {
    pub(super) fn new(client: BankClient) -> Self {
        Self {
            client,
            wire: Mutex::new(Wire::Fine),
            requests: Mutex::default(),
            died: tokio::sync::Notify::new(),
            submitted: Mutex::default(),
            altered: Mutex::new(None),
            says: Mutex::default(),
            asked: Mutex::default(),
            underway: Mutex::default(),
        }
    }

    fn wire(&self) -> Wire {
        *self.wire.lock().unwrap()
    }
}

impl CutWire {
    fn said_of(
        &self,
        file_id: &str,
        mut found: Option<FileStatus>,
    ) -> Result<Option<FileStatus>, RailError> {
        let says = self.says.lock().unwrap().get(file_id).copied();
        match says {
            None => {}
            Some(Says::Nothing) => return Err(lost()),
            Some(Says::Unknown) => return Ok(None),
            Some(Says::Empty) => found.iter_mut().for_each(|file| file.entries.clear()),
            Some(Says::ReturnedWithoutCode) => {
                for entry in found.iter_mut().flat_map(|file| &mut file.entries) {
                    (entry.state, entry.return_code) = (EntryState::Returned, None);
                }
            }
        }
        Ok(found)
    }

    /// Counts a request, and says whether the process dies before or after it.
    fn fate(&self) -> (bool, bool) {
        let mut requests = self.requests.lock().unwrap();
        *requests += 1;
        let wire = self.wire();
        (wire == Wire::DiesBefore(*requests), wire == Wire::DiesAfter(*requests))
    }

    /// Says so, and never goes on: whoever waits for this is dropped.
    async fn die(&self) {
        self.died.notify_one();
        std::future::pending::<()>().await;
    }
}

fn lost() -> RailError {
    RailError::Unknown { reason: "the wire was cut".to_owned() }
}

impl Bank for CutWire {
    fn submit<'a>(&'a self, file_id: &'a str, contents: &'a str) -> BankFuture<'a, ()> {
        Box::pin(async move {
            let (before, after) = self.fate();
            if before {
                self.die().await;
            }
            match self.wire() {
                Wire::LosesRequests => {
                    let file = (file_id.to_owned(), contents.to_owned());
                    self.underway.lock().unwrap().push(file);
                    return Err(lost());
                }
                Wire::Refuses => {
                    return Err(RailError::Refused { reason: "not today".to_owned() });
                }
                Wire::RefusesAs(reason) => {
                    return Err(RailError::Refused { reason: reason.to_owned() });
                }
                Wire::RefusesFilesWith(text) if contents.contains(text) => {
                    return Err(RailError::Refused { reason: format!("account {text} is none") });
                }
                _ => {}
            }
            self.client.submit(file_id, contents).await?;
            self.submitted.lock().unwrap().push(file_id.to_owned());
            if after {
                self.die().await;
            }
            if self.wire() == Wire::LosesAnswers { Err(lost()) } else { Ok(()) }
        })
    }

    fn find_file<'a>(&'a self, file_id: &'a str) -> BankFuture<'a, Option<FileStatus>> {
        Box::pin(async move {
            if matches!(self.wire(), Wire::LosesRequests | Wire::LosesAnswers | Wire::LosesFinds) {
                return Err(lost());
            }
            let (before, after) = self.fate();
            if before {
                self.die().await;
            }
            let found = self.client.find_file(file_id).await;
            if after {
                self.die().await;
            }
            self.asked.lock().unwrap().push(file_id.to_owned());
            self.said_of(file_id, found?)
        })
    }

    fn returns_after(&self, sequence: u64) -> BankFuture<'_, Vec<ReturnFile>> {
        Box::pin(async move {
            if matches!(self.wire(), Wire::LosesRequests | Wire::LosesAnswers) {
                return Err(lost());
            }
            let (before, after) = self.fate();
            if before {
                self.die().await;
            }
            let mut returns = self.client.returns_after(sequence).await;
            if self.wire() == Wire::GarblesReturns {
                for file in returns.iter_mut().flatten() {
                    "not what Nacha wrote".clone_into(&mut file.contents);
                }
            }
            let altered = *self.altered.lock().unwrap();
            for file in returns.iter_mut().flatten() {
                file.contents =
                    altered.map_or_else(|| file.contents.clone(), |f| f(&file.contents));
            }
            if after {
                self.die().await;
            }
            returns
        })
    }

    fn push<'a>(
        &'a self,
        transfer_id: &'a str,
        transfer: &'a InstantTransfer,
    ) -> BankFuture<'a, TransferStatus> {
        Box::pin(async {
            let answer = self.instantly(self.client.push(transfer_id, transfer)).await;
            if self.wire() == Wire::TakesAndRefuses {
                return Err(RailError::Refused { reason: "there is one already".to_owned() });
            }
            answer
        })
    }

    fn find_transfer<'a>(&'a self, transfer_id: &'a str) -> BankFuture<'a, Option<TransferStatus>> {
        Box::pin(self.instantly(self.client.find_transfer(transfer_id)))
    }

    fn void_transfer<'a>(&'a self, transfer_id: &'a str) -> BankFuture<'a, TransferStatus> {
        Box::pin(self.instantly(self.client.void_transfer(transfer_id)))
    }
}

impl CutWire {
    /// What an instant request comes to: on its way there, and on its way back.
    async fn instantly<T>(
        &self,
        request: impl Future<Output = Result<T, RailError>>,
    ) -> Result<T, RailError> {
        let (before, after) = self.fate();
        if before {
            self.die().await;
        }
        if self.wire() == Wire::LosesRequests {
            return Err(lost());
        }
        let answer = request.await;
        if after {
            self.die().await;
        }
        if self.wire() == Wire::LosesAnswers { Err(lost()) } else { answer }
    }
}
