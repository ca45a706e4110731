//! What the bank says came back and we cannot read: for the desk, once.
//!
//! Invariants: one entry whose code or class we do not know, or that cannot be read, keeps no other from being worked off; what cannot be read undoes nothing. Of a
//! whole file that cannot be read nothing is worked off, and it is read again by each run. What is absent: reading (`nacha`).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use nacha::{Addenda, Batch, Sec, Unread};
use rails::ReturnFile;
use serde_json::json;
use sqlx::PgConnection;
use store::rail_files;

use super::{
    RunReport, Undone, at_desk,
    changes::Told,
    file::{Entry, find_entry},
    matching::{Asked, CameBack},
    undone::{DESK, case_stands},
};
use crate::{Servicing, ServicingError, work::Trail};

impl Servicing {
    /// Works off what the bank says of one entry; answers the number under which it was sent, or its own where it tells of none.
    pub(super) async fn read_addenda(
        &self,
        batch: &Batch,
        entry: &nacha::Entry,
        asked: &mut Asked,
        report: &mut RunReport,
    ) -> (String, Result<(), ServicingError>) {
        let Some(addenda) = &entry.addenda else {
            let trace = entry.trace.to_string();
            let done =
                self.unread(&trace, "without addenda that say why", batch.effective_on).await;
            return (trace, done);
        };
        let (Addenda::Return { original_trace, .. }
        | Addenda::UnknownReturn { original_trace, .. }
        | Addenda::Change { original_trace, .. }) = addenda;
        let trace = original_trace.to_string();
        let done = match (batch.sec, addenda) {
            (Sec::Other(_), _) => {
                let how = format!("of the class {}", batch.sec.as_str());
                self.unread(&trace, &how, batch.effective_on).await
            }
            (_, Addenda::Return { code, original_prefix, .. }) => {
                let (code, on) = (*code, batch.effective_on);
                let came = CameBack { entry, trace: &trace, prefix: original_prefix, code, on };
                self.read_return(&came, asked, report).await
            }
            (_, Addenda::UnknownReturn { code, .. }) => {
                self.unread(&trace, &format!("with the code {code}"), batch.effective_on).await
            }
            (_, Addenda::Change { code, corrected, original_prefix: prefix, .. }) => {
                let (trace, on) = (&*trace, batch.effective_on);
                self.change_one(&Told { entry, trace, prefix, code, corrected, on }, report).await
            }
        };
        (trace, done)
    }

    /// Of an entry of a file nothing can be worked off, since it cannot be read.
    pub(super) async fn read_unread(
        &self,
        unread: &Unread,
    ) -> (String, Result<(), ServicingError>) {
        let trace = unread.trace.to_string();
        let how = format!("in a record that cannot be read ({})", unread.error);
        // Its batch may be what cannot be read: of the day on which we read it.
        let done = self.unread(&trace, &how, self.today()).await;
        (trace, done)
    }

    /// An entry came back, as was told on a day, in a way that we do not know.
    pub(super) async fn unread(
        &self,
        trace: &str,
        how: &str,
        told_on: NaiveDate,
    ) -> Result<(), ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let sent = find_entry(&mut tx, trace, told_on).await?;
        let line = sent.as_ref().map(Entry::credit_line_id);
        if let Some(line) = line {
            self.hold_line(&mut tx, line).await?;
        }
        let note = format!("{} {how}", at_desk(trace));
        let reference = sent.as_ref().map(Entry::reference);
        let name = reference.unwrap_or(trace);
        if !rail_files::note_once(&mut tx, name, &note, self.now()).await? {
            return Ok(());
        }
        tracing::error!(trace_number = %trace, "entry {trace} came back {how}, which we do not know");
        let payload = json!({"trace_number": trace, "unknown": how, "reference": reference});
        self.trail(&mut tx, Trail::stream(None, line), "return.unknown", payload).await?;
        if let Some(sent) = &sent {
            let reference = sent.reference();
            let words =
                format!("{reference} came back {how}, which we do not know: nothing was undone.");
            self.open_desk_case(&mut tx, sent, "operations", words).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// A file of returns cannot be read: one case, at the customer whose entry it names first, which names all that wait in it. One
    /// that names nobody is in the log and on the record only.
    pub(super) async fn unreadable(
        &self,
        file: &ReturnFile,
        cause: &str,
    ) -> Result<Undone, ServicingError> {
        let (sequence, mut tx) = (file.sequence, self.store.app().begin().await?);
        let name = format!("returns {sequence}");
        let named = named_in(&mut tx, &file.contents, self.today()).await?;
        if let Some(first) = named.first() {
            self.hold_line(&mut tx, first.credit_line_id()).await?;
        }
        let references: Vec<&str> = named.iter().map(Entry::reference).collect();
        let fresh = rail_files::note_once(&mut tx, &name, "unreadable", self.now()).await?;
        if fresh {
            let payload = json!({"returns": sequence, "cause": cause, "named": references});
            self.trail(&mut tx, audit::Stream::System, "return.unreadable", payload).await?;
        }
        let begins = format!("Returns {sequence} of the bank cannot be read ");
        if let Some(first) = named.first()
            && (fresh || !case_stands(&mut tx, &first.into(), &begins).await?)
        {
            let words = format!(
                "{begins}({cause}), and nothing in them was worked off: {}.",
                references.join(", ")
            );
            self.open_desk_case(&mut tx, first, DESK, words).await?;
        }
        tx.commit().await?;
        Ok(if named.is_empty() { Undone::Again } else { Undone::WithTheDesk })
    }
}

/// The entries of ours whose numbers stand where addenda have them, in a text that is no file.
async fn named_in(
    conn: &mut PgConnection,
    text: &str,
    today: NaiveDate,
) -> Result<Vec<Entry>, ServicingError> {
    let mut named = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("799") || line.starts_with("798")) {
        let Some(trace) = line.get(6..21) else { continue };
        if let Some(entry) = find_entry(conn, trace, today).await? {
            named.insert(trace.to_owned(), entry);
        }
    }
    Ok(named.into_values().collect())
}
