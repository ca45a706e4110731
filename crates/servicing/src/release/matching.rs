//! Whether what came back is what was sent.
//!
//! Invariants: a trace number alone undoes nothing: the amount, the direction and, where the return carries them, the account and its
//! bank are those of the entry that was sent. What differs is told to the desk, once, and undoes nothing. What is absent: undoing
//! (`answers`), and what comes back to no entry of ours (`late`).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use nacha::ReturnCode;
use rails::{FileStatus, RailError};
use serde_json::json;
use store::rail_files;

use super::{
    RunReport, at_desk,
    file::{Entry, find_entry, of_trace},
};
use crate::{Servicing, ServicingError, work::Trail};

/// An entry of the bank's list of returns.
pub(super) struct CameBack<'a> {
    pub(super) entry: &'a nacha::Entry,
    /// The number under which it was sent.
    pub(super) trace: &'a str,
    /// The first eight digits of the routing number of the bank it was sent to.
    pub(super) prefix: &'a str,
    pub(super) code: ReturnCode,
    pub(super) on: NaiveDate,
}

/// In one run the bank is asked for files no more, once it could not answer so often.
const UNANSWERED_MAX: u32 = 3;

/// What the bank said of files in one run. What it said of a file is asked once; a question without an answer is none, and is asked
/// again with the next entry of the file.
#[derive(Default)]
pub(super) struct Asked {
    said: BTreeMap<String, Option<FileStatus>>,
    unanswered: u32,
}

impl Servicing {
    /// Works off one entry of the bank's list of returns.
    pub(super) async fn read_return(
        &self,
        came: &CameBack<'_>,
        asked: &mut Asked,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let sent = find_entry(&mut conn, came.trace, came.on).await?;
        drop(conn);
        let mut settled_on = None;
        if let Some(sent) = &sent {
            if let Some(what) = self.differs(sent, came).await? {
                return self.returned_otherwise(sent, came, what).await;
            }
            settled_on = self.ask_settled(sent, came.trace, asked, report).await;
        }
        self.return_one(came.trace, came.code, (came.on, settled_on), report).await
    }

    /// The bank's day of settlement of an entry that came back before we read that it had settled; nothing where it is no longer
    /// underway, or where the bank does not say.
    async fn ask_settled(
        &self,
        sent: &Entry,
        trace: &str,
        asked: &mut Asked,
        report: &mut RunReport,
    ) -> Option<NaiveDate> {
        let key = sent.file_key().filter(|_| sent.underway())?;
        if !asked.said.contains_key(key) && asked.unanswered < UNANSWERED_MAX {
            match self.bank.find_file(key).await {
                Ok(found) => drop(asked.said.insert(key.to_owned(), found)),
                Err(error) => {
                    tracing::warn!(file.key = %key, error = %error, "the bank could not say when file {key} settled");
                    report.unreached += 1;
                    asked.unanswered += 1;
                }
            }
        }
        let file = asked.said.get(key)?.as_ref()?;
        of_trace(file, trace)?.settled_on
    }

    /// Whether the desk has a return of this entry, under this number, that is not what was sent, or that we cannot read.
    pub(super) async fn at_the_desk(
        &self,
        sent: Option<&Entry>,
        trace: &str,
    ) -> Result<bool, ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let entry = sent.map_or(trace, Entry::reference);
        Ok(rail_files::noted(&mut conn, entry, &at_desk(trace)).await?)
    }

    /// In what an entry that came back is not the one that was sent; nothing where it is.
    async fn differs(
        &self,
        sent: &Entry,
        came: &CameBack<'_>,
    ) -> Result<Option<&'static str>, ServicingError> {
        if came.entry.amount != sent.amount() {
            return Ok(Some("amount"));
        }
        self.is_another(sent, came.entry, came.prefix).await
    }

    /// In what an entry of which the bank tells something is another than the one that was sent, whatever its amount.
    pub(super) async fn is_another(
        &self,
        sent: &Entry,
        told: &nacha::Entry,
        prefix: &str,
    ) -> Result<Option<&'static str>, ServicingError> {
        if told.code.is_debit() != sent.debit() {
            return Ok(Some("direction"));
        }
        let mut conn = self.store.app().acquire().await?;
        let file = match sent.file_key() {
            Some(key) => rail_files::find(&mut conn, key).await?,
            None => None,
        };
        drop(conn);
        // As it was written: what the bank corrected since is another number.
        let written_at = file.map_or_else(|| self.now(), |file| file.created_at);
        let account = sent.bank_account_id();
        let of = [(account, sent.customer_id())].into();
        let details = match self.open_numbers(&of, written_at).await?.remove(&account) {
            Some(Ok(details)) => details,
            // Whoever has the key compares it.
            Some(Err(error @ RailError::UnknownKey { .. })) => return Err(error.into()),
            // A number that nobody can open any more differs from nothing.
            Some(Err(_)) | None => return Ok(None),
        };
        let other = |theirs: &str, ours: &str| !theirs.trim().is_empty() && theirs.trim() != ours;
        let differs = other(&told.account_number, &details.account_number)
            || other(prefix, details.routing_number.prefix());
        Ok(differs.then_some("account"))
    }

    /// Tells the desk, once, of a return that is not what was sent.
    async fn returned_otherwise(
        &self,
        sent: &Entry,
        came: &CameBack<'_>,
        what: &str,
    ) -> Result<(), ServicingError> {
        let (trace, reference) = (came.trace, sent.reference());
        let mut tx = self.store.app().begin().await?;
        self.hold_line(&mut tx, sent.credit_line_id()).await?;
        let note = format!("{} {} {}", at_desk(trace), came.code, came.entry.trace);
        if !rail_files::note_once(&mut tx, reference, &note, self.now()).await? {
            return Ok(());
        }
        tracing::error!(trace_number = %trace, "entry {trace} came back with another {what} than it was sent with");
        let payload = json!({
            "trace_number": trace, "return_code": came.code, "returned_on": came.on, "file_key": sent.file_key(),
            "reference": reference, "differs": what, "returned_cents": came.entry.amount, "sent_cents": sent.amount(),
        });
        let stream = Trail::stream(None, Some(sent.credit_line_id()));
        self.trail(&mut tx, stream, "return.unknown", payload).await?;
        let words = format!(
            "{reference} came back with {}, and with another {what} than it was sent with ({} of {}): nothing was undone.",
            came.code,
            came.entry.amount,
            sent.amount()
        );
        self.open_desk_case(&mut tx, sent, "operations", words).await?;
        tx.commit().await?;
        Ok(())
    }
}
