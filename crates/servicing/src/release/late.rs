//! What comes after it was given up, and what does not come at all: no rule can put it right, so the desk is told.
//!
//! Invariants: lines are held before the file, as everywhere; what is told is told once. What is absent: giving up
//! (`given_back`).

use std::collections::BTreeSet;

use calendar::add_banking_days;
use chrono::{NaiveDate, TimeDelta};
use identity::{DrawId, chain};
use nacha::ReturnCode;
use serde_json::json;
use sqlx::PgConnection;
use store::{
    draws::{self, DrawReview, DrawStatus},
    payments::{self, PaymentStatus},
    rail_files::{self, GivenBackEntry, RailFileStatus},
};

use super::{Of, RunReport, file::Entry, given_back::find_file};
use crate::{Servicing, ServicingError, work::Trail};

/// So long the bank is asked for a file that was given up as never arrived.
const ASKED_FOR: TimeDelta = TimeDelta::days(5);

/// Why something is not sent again whose first file turned up.
const ARRIVED_LATE: &str = "file_arrived_late";

/// The desk is told of a draw so many banking days after the money was to be there.
const OVERDUE_AFTER: i32 = 2;

impl Servicing {
    /// Asks for the files that were handed over and given up: one that arrived after all may be taken twice.
    pub(super) async fn look_for_late(&self, report: &mut RunReport) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let abandoned = rail_files::list_abandoned(&mut conn, self.now() - ASKED_FOR).await?;
        drop(conn);
        for key in abandoned {
            let told = match self.bank.find_file(&key).await {
                Ok(Some(_)) => self.arrived_late(&key).await,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(file.key = %key, error = %error, "the bank could not say what became of file {key}");
                    report.unreached += 1;
                    continue;
                }
            };
            if let Err(error) = told {
                let cause = chain(&error);
                tracing::error!(file.key = %key, error = %cause, "could not tell of file {key}: {cause}");
                report.failed += 1;
            }
        }
        Ok(())
    }

    /// A file whose entries were given back is with the bank. What has not left again stays here; the rest a person has to
    /// look at.
    pub(super) async fn arrived_late(&self, key: &str) -> Result<(), ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let given = rail_files::list_given_back(&mut tx, key).await?;
        let mut entries = Vec::with_capacity(given.len());
        for one in given {
            entries.extend(find(&mut tx, one).await?);
        }
        let lines: BTreeSet<_> = entries.iter().map(Entry::credit_line_id).collect();
        for line in lines {
            self.hold_line(&mut tx, line).await?;
        }
        let mut file = find_file(&mut tx, key).await?;
        if !matches!(file.status, RailFileStatus::Refused | RailFileStatus::Abandoned) {
            return Ok(());
        }
        tracing::error!(file.key = %key, "the bank has file {key}, whose entries were given back");
        file.status = RailFileStatus::Late;
        self.answered(&mut tx, &file).await?;
        for entry in entries {
            self.keep_here(&mut tx, &entry).await?;
            let words = format!(
                "File {key} was given up and is with the bank after all: {} may go twice.",
                entry.reference()
            );
            self.open_desk_case(&mut tx, &entry, "operations", words).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// What was given back and has not left again: a payment is not taken, a draw waits for a person.
    async fn keep_here(
        &self,
        conn: &mut PgConnection,
        entry: &Entry,
    ) -> Result<(), ServicingError> {
        match entry {
            Entry::Payment(unheld) => {
                let held = payments::find_for_update(conn, unheld.id).await?;
                if let Some(payment) = held.filter(|one| one.status == PaymentStatus::Scheduled) {
                    self.hold_back(conn, payment, ARRIVED_LATE).await?;
                }
            }
            Entry::Draw(unheld) => {
                let held = draws::find_for_update(conn, unheld.id).await?;
                if let Some(mut draw) = held.filter(|one| one.status == DrawStatus::Held) {
                    draw.review = Some(DrawReview::SetAside);
                    draw.changed_at = self.now();
                    draws::update(conn, &draw).await?;
                    let payload = json!({
                        "draw_id": draw.id, "reference": draw.reference, "why": ARRIVED_LATE,
                    });
                    let stream = Trail::stream(None, Some(draw.credit_line_id));
                    self.trail(conn, stream, "draw.set_aside", payload).await?;
                }
            }
        }
        Ok(())
    }

    /// Something came back under a trace number that no entry has that left: from a file that was given up, or never sent by us. It is
    /// told once, however often the bank's list is read.
    pub(super) async fn returned_unmatched(
        &self,
        trace: &str,
        code: ReturnCode,
        returned_on: NaiveDate,
    ) -> Result<(), ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let given = rail_files::find_given_back(&mut tx, trace, returned_on).await?;
        let file_key = given.as_ref().map(|one| one.file_key.clone());
        let entry = match given {
            Some(one) => find(&mut tx, one).await?,
            None => None,
        };
        if let Some(entry) = &entry {
            self.hold_line(&mut tx, entry.credit_line_id()).await?;
        }
        let reference = entry.as_ref().map(Entry::reference);
        let (returned, now) = (code.to_string(), self.now());
        // An entry that goes again is given back again: each time under another number.
        let (name, note) = match reference {
            Some(reference) => (reference, format!("{returned} {trace}")),
            None => (trace, returned.clone()),
        };
        if !rail_files::note_once(&mut tx, name, &note, now).await? {
            // The line is held, and what follows holds it anew.
            tx.rollback().await?;
            return self.late_if_given_back(file_key).await;
        }
        tracing::error!(trace_number = %trace, "an entry came back that is not on its way: {trace}");
        let payload = json!({
            "trace_number": trace, "return_code": returned, "returned_on": returned_on, "file_key": file_key,
            "reference": reference,
        });
        self.trail(&mut tx, audit::Stream::System, "return.unknown", payload).await?;
        if let Some(entry) = &entry {
            let words = format!(
                "{} came back with {code} from a file that was given up: the bank had it after all.",
                entry.reference()
            );
            self.open_desk_case(&mut tx, entry, "operations", words).await?;
        }
        tx.commit().await?;
        self.late_if_given_back(file_key).await
    }

    async fn late_if_given_back(&self, file_key: Option<String>) -> Result<(), ServicingError> {
        match file_key {
            Some(key) => self.arrived_late(&key).await,
            None => Ok(()),
        }
    }

    /// Gives up the draws at which a person was to look and did not.
    pub(super) async fn give_up_waiting(
        &self,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let waiting = draws::list_waiting(&mut conn).await?;
        drop(conn);
        for draw in waiting {
            if let Err(error) = self.end_waiting(&draw, report).await {
                let (id, cause) = (draw.id, chain(&error));
                tracing::error!(draw.id = %id, error = %cause, "could not give up draw {id}: {cause}");
                self.entry_undone(Of::Draw(id), &error, report).await;
            }
        }
        Ok(())
    }

    /// Tells the desk, once, of each draw whose money was to be there days ago and of which nothing is known.
    pub(super) async fn tell_of_overdue(
        &self,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        let before = add_banking_days(self.today(), -OVERDUE_AFTER);
        let mut conn = self.store.app().acquire().await?;
        let overdue = draws::list_overdue(&mut conn, before).await?;
        drop(conn);
        for id in overdue {
            if let Err(error) = self.tell_of_one(id).await {
                let cause = chain(&error);
                tracing::error!(draw.id = %id, error = %cause, "could not tell of draw {id}: {cause}");
                self.entry_undone(Of::Draw(id), &error, report).await;
            }
        }
        Ok(())
    }

    async fn tell_of_one(&self, id: DrawId) -> Result<(), ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let (_, draw) = self.hold_draw(&mut tx, id).await?;
        let open = matches!(draw.status, DrawStatus::Pending | DrawStatus::Released);
        if !open || !draws::mark_told(&mut tx, id, self.now()).await? {
            return Ok(());
        }
        let words = format!(
            "The money of draw {} was to be there on {}, and the bank does not say what became of it.",
            draw.reference, draw.available_on
        );
        self.open_desk_case(&mut tx, &draw, "operations", words).await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn find(
    conn: &mut PgConnection,
    given: GivenBackEntry,
) -> Result<Option<Entry>, ServicingError> {
    Ok(match (given.payment_id, given.draw_id) {
        (Some(id), _) => payments::find(conn, id).await?.map(Entry::Payment),
        (None, Some(id)) => draws::find(conn, id).await?.map(Entry::Draw),
        (None, None) => None,
    })
}
