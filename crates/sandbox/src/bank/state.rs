//! What the bank knows, and how a day changes it. Pure: no clock, no IO.

use std::collections::BTreeMap;

use calendar::{add_banking_days, banking_day_on_or_after};
use chrono::{NaiveDate, NaiveTime};
use nacha::{
    Addenda, Batch, Entry, File, Header, NachaError, ReturnCode, TraceNumber, TransactionCode,
};
use serde::{Deserialize, Serialize};

use super::{Outcome, outcome_of};

/// The whole bank, as it is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bank {
    pub(super) today: NaiveDate,
    files: BTreeMap<String, KeptFile>,
    returns: Vec<ReturnFile>,
    /// Accounts of which a debit has come back, for the outcomes that happen once.
    bounced_accounts: Vec<String>,
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
    #[error("trace number {0} was used before")]
    TraceUsed(TraceNumber),
    #[error("the file has no entries")]
    Empty,
}

impl Bank {
    #[must_use]
    pub const fn opened_on(today: NaiveDate) -> Self {
        Self { today, files: BTreeMap::new(), returns: Vec::new(), bounced_accounts: Vec::new() }
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
            };
            let used = self.files.values().any(|file| file.entries.contains_key(&trace));
            if used || entries.insert(trace, pending).is_some() {
                return Err(Refused::TraceUsed(trace));
            }
        }
        if entries.is_empty() {
            return Err(Refused::Empty);
        }
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
                        coming_back.push((file.header.clone(), batch.clone(), entry.clone(), code));
                    }
                }
            }
        }
        self.bounced_accounts = returned_once;
        for (header, batch, entry, code) in coming_back {
            let sequence = self.returns.len() as u64 + 1;
            if let Ok(contents) = return_file(header, batch, entry, code, (today, sequence)).write()
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
    let coming = match outcome_of(&entry.account_number) {
        Outcome::Settles => None,
        Outcome::Returns { code, after_banking_days } => Some((code, after_banking_days)),
        Outcome::ReturnsOnce { code, after_banking_days } => {
            let first = !returned_once.contains(&entry.account_number);
            if first {
                returned_once.push(entry.account_number.clone());
            }
            first.then_some((code, after_banking_days))
        }
    };
    // R23 is a receiver refusing a credit: it happens to draws alone. The other codes of the test accounts happen to debits.
    let fits = |code: ReturnCode| (code.number() == 23) != entry.code.is_debit();
    if let Some((code, days)) = coming.filter(|(code, _)| fits(*code)) {
        status.return_code = Some(code);
        status.returns_on = Some(add_banking_days(settles_on, days));
    }
}

/// The file that carries one entry back to its originator.
fn return_file(
    header: Header,
    batch: Batch,
    entry: Entry,
    code: ReturnCode,
    (today, sequence): (NaiveDate, u64),
) -> File {
    let number = u32::try_from(sequence % 10_000_000).unwrap_or_default();
    let returned = Entry {
        code: TransactionCode::returned(entry.code),
        routing: batch.originator.clone(),
        trace: TraceNumber::of(&entry.routing, number),
        addenda: Some(Addenda::Return {
            code,
            original_trace: entry.trace,
            original_prefix: entry.routing.prefix().to_owned(),
            information: String::new(),
        }),
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
        batches: vec![Batch { effective_on: today, entries: vec![returned], ..batch }],
    }
}

#[cfg(test)]
mod tests;
