//! A bank that means well and is hard to deal with: it loses requests and answers, gets files late, sends entries back for up
//! to sixty days, tells of them twice and out of order. What it did is kept, so that it can be asked at the end.
//!
//! Pure but for the lock: a bank of the same seed, asked the same, answers the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use calendar::{add_banking_days, banking_day_on_or_after};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use money::Cents;
use nacha::{Addenda, Batch, Entry, File, Header, ReturnCode, TraceNumber};
use rails::{
    EntryState, EntryStatus, FileStatus, InstantTransfer, RailError, ReturnFile, TransferState,
    TransferStatus,
};
use servicing::ports::{Bank, BankFuture};

use super::fate::{Fate, Moment};
use crate::{dice::Dice, living::ZONE};

/// Everything the bank knows. Survives the processes that ask it.
pub struct Ledger {
    dice: Dice,
    now: DateTime<Utc>,
    /// Nothing is lost any more, nothing comes back that has not been decided yet.
    honest: bool,
    files: BTreeMap<String, KeptFile>,
    used: BTreeSet<TraceNumber>,
    returns: Vec<String>,
    transfers: BTreeMap<String, KeptTransfer>,
    /// Requests that arrive later than they were made.
    late_files: Vec<(DateTime<Utc>, String, String)>,
    late_transfers: Vec<(DateTime<Utc>, String, InstantTransfer)>,
    pub troubles: u64,
}

struct KeptFile {
    contents: String,
    received_on: NaiveDate,
    header: Header,
    entries: Vec<KeptEntry>,
}

pub struct KeptEntry {
    batch: Batch,
    pub entry: Entry,
    pub settles_on: NaiveDate,
    pub comes_back: Option<(ReturnCode, NaiveDate)>,
    /// Told in the list of returns.
    told: bool,
}

struct KeptTransfer {
    transfer: Option<InstantTransfer>,
    received_on: NaiveDate,
    state: TransferState,
    completed_on: Option<NaiveDate>,
    /// What is decided on the next day.
    to_be: Option<TransferState>,
}

/// An entry or a transfer that moved money for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub reference: String,
    /// To us.
    pub debit: bool,
    pub amount: Cents,
    pub returned: bool,
}

/// What a transfer and a file of the process come to.
pub struct Wire {
    pub ledger: Arc<Mutex<Ledger>>,
    pub fate: Arc<Fate>,
}

fn unknown(reason: &str) -> RailError {
    RailError::Unknown { reason: reason.to_owned() }
}

/// Taken whole even where another thread gave up while it held it.
pub fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
    #[must_use]
    pub const fn open(dice: Dice, now: DateTime<Utc>) -> Self {
        Self {
            dice,
            now,
            honest: false,
            files: BTreeMap::new(),
            used: BTreeSet::new(),
            returns: Vec::new(),
            transfers: BTreeMap::new(),
            late_files: Vec::new(),
            late_transfers: Vec::new(),
            troubles: 0,
        }
    }

    pub const fn becomes_honest(&mut self) {
        self.honest = true;
    }

    /// Whether something has yet to be told.
    #[must_use]
    pub fn has_more_to_say(&self) -> bool {
        let open = |entry: &KeptEntry| {
            entry.settles_on >= self.today() || entry.comes_back.is_some() && !entry.told
        };
        let pending = |one: &KeptTransfer| one.state == TransferState::Pending;
        !self.late_files.is_empty()
            || self.files.values().flat_map(|file| &file.entries).any(open)
            || self.transfers.values().any(pending)
    }

    fn today(&self) -> NaiveDate {
        calendar::local_date(self.now, ZONE)
    }

    fn trouble(&mut self, per_mille: u64) -> bool {
        let trouble = self.dice.chance(per_mille) && !self.honest;
        self.troubles += u64::from(trouble);
        trouble
    }

    /// Lives on to an instant.
    pub fn live_to(&mut self, now: DateTime<Utc>) {
        self.now = now;
        let arrived = |at: &DateTime<Utc>| *at <= now;
        let files: Vec<_> = self.late_files.extract_if(.., |(at, ..)| arrived(at)).collect();
        for (_, id, contents) in files {
            // Whether it was welcome is nobody's to learn.
            drop(self.receive(&id, &contents));
        }
        let transfers: Vec<_> =
            self.late_transfers.extract_if(.., |(at, ..)| arrived(at)).collect();
        for (_, id, transfer) in transfers {
            self.take_transfer(&id, transfer);
        }
        let today = self.today();
        for kept in self.transfers.values_mut() {
            if let Some(state) = kept.to_be.filter(|_| kept.received_on < today)
                && kept.state == TransferState::Pending
            {
                kept.state = state;
                kept.completed_on = (state == TransferState::Completed).then_some(today);
            }
        }
        self.tell_returns(today);
    }

    fn tell_returns(&mut self, today: NaiveDate) {
        let mut coming = Vec::new();
        for kept in self.files.values_mut() {
            for entry in &mut kept.entries {
                if let Some((code, on)) =
                    entry.comes_back.filter(|(_, on)| !entry.told && *on <= today)
                {
                    entry.told = true;
                    coming.push(return_file(&kept.header, entry, code, on));
                }
            }
        }
        // In whatever order, and some of them twice.
        while !coming.is_empty() {
            let count = u64::try_from(coming.len()).unwrap_or_default();
            let at = usize::try_from(self.dice.below(count)).unwrap_or_default();
            let Ok(text) = coming.swap_remove(at).write() else { continue };
            if self.trouble(120) {
                self.returns.push(text.clone());
            }
            self.returns.push(text);
        }
    }

    fn receive(&mut self, id: &str, contents: &str) -> Result<(), RailError> {
        let refused = |reason: String| RailError::Refused { reason };
        if let Some(known) = self.files.get(id) {
            let same = known.contents == contents;
            return if same { Ok(()) } else { Err(unknown("another file has this id")) };
        }
        let file = File::parse(contents).map_err(|error| refused(error.to_string()))?;
        let entries = || file.batches.iter().flat_map(|batch| &batch.entries);
        if entries().any(|entry| self.used.contains(&entry.trace)) {
            return Err(refused("a trace number was used before".to_owned()));
        }
        self.used.extend(entries().map(|entry| entry.trace));
        let received_on = self.today();
        let mut kept = Vec::new();
        for batch in &file.batches {
            let settles_on = banking_day_on_or_after(batch.effective_on.max(received_on));
            for entry in &batch.entries {
                let comes_back = self.comes_back(entry, settles_on);
                let batch = Batch { entries: Vec::new(), ..batch.clone() };
                let entry = entry.clone();
                kept.push(KeptEntry { batch, entry, settles_on, comes_back, told: false });
            }
        }
        let header = file.header;
        let contents = contents.to_owned();
        self.files.insert(id.to_owned(), KeptFile { contents, received_on, header, entries: kept });
        Ok(())
    }

    fn comes_back(
        &mut self,
        entry: &Entry,
        settles_on: NaiveDate,
    ) -> Option<(ReturnCode, NaiveDate)> {
        let (debit, often) = (entry.code.is_debit(), self.dice.chance(140));
        let which = self.dice.below(100);
        let (usual, late) = (1 + self.dice.below(2), 5 + self.dice.below(56));
        if !often || self.honest {
            return None;
        }
        let (code, long) = match (debit, which) {
            (false, _) => (23, false),
            (true, 0..68) => (1, false),
            (true, 68..80) => (9, false),
            (true, 80..86) => (8, false),
            (true, 86..91) => (2, false),
            (true, 91..96) => (10, true),
            (true, 96..98) => (7, true),
            _ => (11, true),
        };
        let on = if long {
            banking_day_on_or_after(settles_on.checked_add_days(Days::new(late))?)
        } else {
            add_banking_days(settles_on, i32::try_from(usual).unwrap_or(1))
        };
        Some((ReturnCode::new(code)?, on))
    }

    fn take_transfer(&mut self, id: &str, transfer: InstantTransfer) {
        if self.transfers.contains_key(id) {
            return;
        }
        let today = self.today();
        let (state, to_be) = match self.dice.below(100) {
            0..8 => (TransferState::Refused, None),
            8..13 => (TransferState::Pending, Some(TransferState::Completed)),
            13..16 => (TransferState::Pending, Some(TransferState::Refused)),
            _ => (TransferState::Completed, None),
        };
        let completed_on = (state == TransferState::Completed).then_some(today);
        let kept = KeptTransfer {
            transfer: Some(transfer),
            received_on: today,
            state,
            completed_on,
            to_be,
        };
        self.transfers.insert(id.to_owned(), kept);
    }

    fn transfer(&self, id: &str) -> Option<TransferStatus> {
        self.transfers.get(id).map(|kept| TransferStatus {
            transfer_id: id.to_owned(),
            state: kept.state,
            completed_on: kept.completed_on,
            reason: None,
        })
    }

    fn file(&self, id: &str) -> Option<FileStatus> {
        let (kept, today) = (self.files.get(id)?, self.today());
        let status = |entry: &KeptEntry| {
            let back = entry.comes_back.filter(|_| entry.told);
            let settled = entry.settles_on <= today;
            EntryStatus {
                trace: entry.entry.trace,
                state: match back {
                    Some(_) => EntryState::Returned,
                    None if settled => EntryState::Settled,
                    None => EntryState::Pending,
                },
                settled_on: settled.then_some(entry.settles_on),
                return_code: back.map(|(code, _)| code),
            }
        };
        let entries = kept.entries.iter().map(status).collect();
        Some(FileStatus { file_id: id.to_owned(), received_on: kept.received_on, entries })
    }

    /// All that moved, or moved and came back.
    #[must_use]
    pub fn moved(&self) -> Vec<Moved> {
        let of_files = self.files.values().flat_map(|file| &file.entries).map(|entry| Moved {
            reference: entry.entry.individual_id.trim().to_owned(),
            debit: entry.entry.code.is_debit(),
            amount: entry.entry.amount,
            returned: entry.told,
        });
        let done = |kept: &&KeptTransfer| kept.state == TransferState::Completed;
        let of_transfers = self.transfers.values().filter(done).filter_map(|kept| {
            let transfer = kept.transfer.as_ref()?;
            let (reference, amount) = (transfer.reference.clone(), transfer.amount);
            Some(Moved { reference, debit: false, amount, returned: false })
        });
        of_files.chain(of_transfers).collect()
    }
}

fn return_file(header: &Header, entry: &KeptEntry, code: ReturnCode, on: NaiveDate) -> File {
    let returned = Entry {
        code: entry.entry.code.returned(),
        addenda: Some(Addenda::Return {
            code,
            original_trace: entry.entry.trace,
            original_prefix: entry.entry.routing.prefix().to_owned(),
            information: String::new(),
        }),
        ..entry.entry.clone()
    };
    let batch = Batch { effective_on: on, entries: vec![returned], ..entry.batch.clone() };
    let created_at = on.and_time(NaiveTime::MIN);
    File { header: Header { created_at, ..header.clone() }, batches: vec![batch] }
}

impl Wire {
    /// Takes a step, or dies before it; answers whether the process dies after it.
    async fn step(&self) -> bool {
        match self.fate.step() {
            Some(Moment::Before) => {
                self.fate.die();
                std::future::pending().await
            }
            Some(Moment::After) => true,
            None => false,
        }
    }

    async fn answer<T>(&self, dies: bool, answer: T) -> T {
        if dies {
            self.fate.die();
            std::future::pending::<()>().await;
        }
        answer
    }
}

/// So much later does a request arrive that was held up: within the time that servicing gives it.
fn later(ledger: &mut Ledger) -> DateTime<Utc> {
    ledger.now + TimeDelta::minutes(ledger.dice.between(1, 9))
}

impl Bank for Wire {
    fn submit<'a>(&'a self, file_id: &'a str, contents: &'a str) -> BankFuture<'a, ()> {
        Box::pin(async move {
            let dies = self.step().await;
            let answer = {
                let mut bank = lock(&self.ledger);
                if bank.trouble(50) {
                    Err(unknown("the request was lost"))
                } else if bank.trouble(40) {
                    let at = later(&mut bank);
                    bank.late_files.push((at, file_id.to_owned(), contents.to_owned()));
                    Err(unknown("it takes its time"))
                } else if bank.trouble(20) && !bank.files.contains_key(file_id) {
                    Err(RailError::Refused { reason: "not today".to_owned() })
                } else {
                    let received = bank.receive(file_id, contents);
                    if bank.trouble(60) { Err(unknown("the answer was lost")) } else { received }
                }
            };
            self.answer(dies, answer).await
        })
    }

    fn find_file<'a>(&'a self, file_id: &'a str) -> BankFuture<'a, Option<FileStatus>> {
        Box::pin(async move {
            let dies = self.step().await;
            let answer = {
                let mut bank = lock(&self.ledger);
                if bank.trouble(40) { Err(unknown("no answer")) } else { Ok(bank.file(file_id)) }
            };
            self.answer(dies, answer).await
        })
    }

    fn returns_after(&self, sequence: u64) -> BankFuture<'_, Vec<ReturnFile>> {
        Box::pin(async move {
            let dies = self.step().await;
            let answer = {
                let mut bank = lock(&self.ledger);
                let again = u64::from(bank.trouble(40));
                let after = usize::try_from(sequence.saturating_sub(again)).unwrap_or_default();
                let told = bank.returns.iter().enumerate().skip(after);
                let files = told.map(|(at, contents)| ReturnFile {
                    sequence: u64::try_from(at).unwrap_or_default() + 1,
                    contents: contents.clone(),
                });
                let files = files.collect();
                if bank.trouble(40) { Err(unknown("no answer")) } else { Ok(files) }
            };
            self.answer(dies, answer).await
        })
    }

    fn push<'a>(
        &'a self,
        transfer_id: &'a str,
        transfer: &'a InstantTransfer,
    ) -> BankFuture<'a, TransferStatus> {
        Box::pin(async move {
            let dies = self.step().await;
            let answer = {
                let mut bank = lock(&self.ledger);
                if bank.trouble(50) {
                    Err(unknown("the request was lost"))
                } else if bank.trouble(40) {
                    let at = later(&mut bank);
                    bank.late_transfers.push((at, transfer_id.to_owned(), transfer.clone()));
                    Err(unknown("it takes its time"))
                } else {
                    bank.take_transfer(transfer_id, transfer.clone());
                    let lost = bank.trouble(60);
                    let status = bank.transfer(transfer_id).filter(|_| !lost);
                    status.ok_or_else(|| unknown("the answer was lost"))
                }
            };
            self.answer(dies, answer).await
        })
    }

    fn find_transfer<'a>(&'a self, transfer_id: &'a str) -> BankFuture<'a, Option<TransferStatus>> {
        Box::pin(async move {
            let dies = self.step().await;
            let answer = {
                let mut bank = lock(&self.ledger);
                let found = bank.transfer(transfer_id);
                if bank.trouble(40) { Err(unknown("no answer")) } else { Ok(found) }
            };
            self.answer(dies, answer).await
        })
    }

    fn void_transfer<'a>(&'a self, transfer_id: &'a str) -> BankFuture<'a, TransferStatus> {
        Box::pin(async move {
            let dies = self.step().await;
            let answer = {
                let mut bank = lock(&self.ledger);
                let today = bank.today();
                let kept = bank.transfers.entry(transfer_id.to_owned()).or_insert(KeptTransfer {
                    transfer: None,
                    received_on: today,
                    state: TransferState::Pending,
                    completed_on: None,
                    to_be: None,
                });
                if kept.state == TransferState::Pending {
                    kept.state = TransferState::Void;
                }
                let lost = bank.trouble(40);
                let status = bank.transfer(transfer_id).filter(|_| !lost);
                status.ok_or_else(|| unknown("the answer was lost"))
            };
            self.answer(dies, answer).await
        })
    }
}
