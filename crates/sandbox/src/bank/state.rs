//! What the bank knows, and how a day changes it. Pure: no clock, no IO.

use std::collections::BTreeMap;

use calendar::{add_banking_days, banking_day_on_or_after};
use chrono::{NaiveDate, NaiveTime, TimeDelta};
use money::Cents;
use nacha::{
    Addenda, Batch, Entry, File, Header, NachaError, ReturnCode, Sec, TraceNumber, TransactionCode,
};
use serde::{Deserialize, Serialize};

use super::{Outcome, check::check, instant::KeptTransfer, outcome_of};

/// The whole bank, as it is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bank {
    pub(super) today: NaiveDate,
    files: BTreeMap<String, KeptFile>,
    returns: Vec<ReturnFile>,
    /// Accounts of which a debit has come back, for the outcomes that happen once.
    bounced_accounts: Vec<String>,
    #[serde(default)]
    pub(super) transfers: BTreeMap<String, KeptTransfer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptFile {
    contents: String,
    received_on: NaiveDate,
    entries: BTreeMap<TraceNumber, EntryStatus>,
}

/// Answers of the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EntryStatus {
    trace: TraceNumber,
    state: EntryState,
    settled_on: Option<NaiveDate>,
    return_code: Option<ReturnCode>,
    returns_on: Option<NaiveDate>,
    /// A notification of change, and the day it is told; nothing once it was.
    #[serde(default)]
    tells: Option<(u8, NaiveDate)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EntryState {
    Pending,
    Settled,
    Returned,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReturnFile {
    pub(super) sequence: u64,
    pub(super) contents: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FileStatus {
    file_id: String,
    received_on: NaiveDate,
    entries: Vec<EntryStatus>,
}

/// How a file was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    New,
    Known,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("another file was received under this id")]
    OtherFile,
    #[error("the file is not a Nacha file: {0}")]
    NotNacha(#[from] NachaError),
    #[error("trace number {0} was used in the last 90 days")]
    TraceUsed(TraceNumber),
    #[error("the file has no entries")]
    Empty,
    #[error("{0}")]
    Rule(String),
}

/// For so long nobody gives a trace number to another entry.
const TRACE_USED: TimeDelta = TimeDelta::days(90);

impl Bank {
    #[must_use]
    pub const fn opened_on(today: NaiveDate) -> Self {
        Self {
            today,
            files: BTreeMap::new(),
            returns: Vec::new(),
            bounced_accounts: Vec::new(),
            transfers: BTreeMap::new(),
        }
    }

    pub(super) fn receive(&mut self, file_id: &str, contents: &str) -> Result<Taken, Refused> {
        if let Some(known) = self.files.get(file_id) {
            let same = known.contents == contents;
            return if same { Ok(Taken::Known) } else { Err(Refused::OtherFile) };
        }
        let file = File::parse(contents)?;
        let mut entries = BTreeMap::new();
        for trace in file.batches.iter().flat_map(|batch| &batch.entries).map(|entry| entry.trace) {
            let pending = EntryStatus {
                trace,
                state: EntryState::Pending,
                settled_on: None,
                return_code: None,
                returns_on: None,
                tells: None,
            };
            // Ten million numbers come round again.
            let recent = |file: &&KeptFile| self.today - file.received_on < TRACE_USED;
            let used =
                self.files.values().filter(recent).any(|file| file.entries.contains_key(&trace));
            if used || entries.insert(trace, pending).is_some() {
                return Err(Refused::TraceUsed(trace));
            }
        }
        if entries.is_empty() {
            return Err(Refused::Empty);
        }
        check(&file).map_err(Refused::Rule)?;
        let received = KeptFile { contents: contents.to_owned(), received_on: self.today, entries };
        self.files.insert(file_id.to_owned(), received);
        self.work_off_today();
        Ok(Taken::New)
    }

    pub(super) fn find_file(&self, file_id: &str) -> Option<FileStatus> {
        let file = self.files.get(file_id)?;
        Some(FileStatus {
            file_id: file_id.to_owned(),
            received_on: file.received_on,
            entries: file.entries.values().cloned().collect(),
        })
    }

    pub(super) fn returns_after(&self, sequence: u64) -> Vec<ReturnFile> {
        self.returns.iter().filter(|file| file.sequence > sequence).cloned().collect()
    }

    /// Lives through every day up to and including `today`. The past is not gone back to.
    pub(super) fn advance_to(&mut self, today: NaiveDate) {
        while self.today < today {
            let Some(next) = self.today.succ_opt() else { break };
            self.today = next;
            self.work_off_today();
            self.decide_transfers();
        }
    }

    /// Settles what is due by today and makes one file of what comes back today.
    fn work_off_today(&mut self) {
        let today = self.today;
        let mut coming_back = Vec::new();
        let mut returned_once = std::mem::take(&mut self.bounced_accounts);
        for received in self.files.values_mut() {
            let Ok(file) = File::parse(&received.contents) else { continue };
            for batch in &file.batches {
                let settles_on =
                    banking_day_on_or_after(batch.effective_on.max(received.received_on));
                for entry in &batch.entries {
                    let Some(status) = received.entries.get_mut(&entry.trace) else { continue };
                    if status.state == EntryState::Pending && settles_on <= today {
                        settle(status, entry, settles_on, &mut returned_once);
                    }
                    if status.state == EntryState::Settled
                        && status.returns_on.is_some_and(|on| on <= today)
                        && let Some(code) = status.return_code
                    {
                        status.state = EntryState::Returned;
                        let addenda = Said::Return(code);
                        coming_back.push((
                            file.header.clone(),
                            batch.clone(),
                            entry.clone(),
                            addenda,
                        ));
                    }
                    if let Some((number, on)) = status.tells
                        && on <= today
                    {
                        status.tells = None;
                        let addenda = Said::Change(number);
                        coming_back.push((
                            file.header.clone(),
                            batch.clone(),
                            entry.clone(),
                            addenda,
                        ));
                    }
                }
            }
        }
        self.bounced_accounts = returned_once;
        for (header, batch, entry, said) in coming_back {
            let sequence = self.returns.len() as u64 + 1;
            if let Ok(contents) = return_file(header, batch, entry, said, (today, sequence)).write()
            {
                self.returns.push(ReturnFile { sequence, contents });
            }
        }
    }
}

fn settle(
    status: &mut EntryStatus,
    entry: &Entry,
    settles_on: NaiveDate,
    returned_once: &mut Vec<String>,
) {
    status.state = EntryState::Settled;
    status.settled_on = Some(settles_on);
    let coming = match outcome_of(&entry.account_number, entry.code.is_debit()) {
        Outcome::Settles => None,
        Outcome::Returns { code, after_banking_days } => Some((code, after_banking_days)),
        Outcome::ReturnsOnce { code, after_banking_days } => {
            let first = !returned_once.contains(&entry.account_number);
            if first {
                returned_once.push(entry.account_number.clone());
            }
            first.then_some((code, after_banking_days))
        }
        Outcome::TellsOfChange { number } => {
            status.tells = Some((number, add_banking_days(settles_on, 2)));
            None
        }
    };
    if let Some((code, days)) = coming {
        status.return_code = Some(code);
        status.returns_on = Some(add_banking_days(settles_on, days));
    }
}

/// What the bank has to say of an entry.
#[derive(Clone, Copy)]
enum Said {
    Return(ReturnCode),
    /// A notification of change, `C` and this number.
    Change(u8),
}

/// The corrected data of a notification: the same account as one whose entries settle in silence.
fn corrected(number: u8, entry: &Entry) -> String {
    let kept = entry.account_number.len().saturating_sub(4);
    let account = format!("{}4242", entry.account_number.get(..kept).unwrap_or_default());
    let routing = "011000015";
    match number {
        1 => account,
        2 => routing.to_owned(),
        3 => format!("{routing}   {account}"),
        5 => "37".to_owned(),
        6 => format!("{account:<17}   37"),
        7 => format!("{routing}{account:<17}37"),
        4 => entry.name.clone(),
        _ => String::new(),
    }
}

/// The file that carries one entry back to its originator.
fn return_file(
    header: Header,
    batch: Batch,
    entry: Entry,
    said: Said,
    (today, sequence): (NaiveDate, u64),
) -> File {
    let number = u32::try_from(sequence % 10_000_000).unwrap_or_default();
    let original_trace = entry.trace;
    let original_prefix = entry.routing.prefix().to_owned();
    let (addenda, amount, sec) = match said {
        Said::Return(code) => {
            let information = String::new();
            let addenda = Addenda::Return { code, original_trace, original_prefix, information };
            (addenda, entry.amount, batch.sec)
        }
        Said::Change(number) => {
            let (code, corrected) = (format!("C{number:02}"), corrected(number, &entry));
            let addenda = Addenda::Change { code, original_trace, original_prefix, corrected };
            // Nothing moves.
            (addenda, Cents::ZERO, Sec::Cor)
        }
    };
    let returned = Entry {
        code: TransactionCode::returned(entry.code),
        routing: batch.originator.clone(),
        amount,
        trace: TraceNumber::of(&entry.routing, number),
        addenda: Some(addenda),
        ..entry
    };
    File {
        header: Header {
            destination: header.origin,
            destination_name: header.origin_name,
            origin: header.destination,
            origin_name: header.destination_name,
            created_at: today.and_time(NaiveTime::MIN),
            modifier: 'A',
            reference: "SANDBOX".to_owned(),
        },
        batches: vec![Batch { sec, effective_on: today, entries: vec![returned], ..batch }],
    }
}

#[cfg(test)]
mod tests;
