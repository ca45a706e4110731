//! What becomes of a file once something is known of it: the bank has it, or it never will, and its entries are given back.
//!
//! Invariants: lines are held before the file, the file before its entries; a file whose entries were given back is never
//! sent again, so what is chosen next goes out under a key of its own.

use calendar::add_banking_days;
use chrono::TimeDelta;
use identity::chain;
use rails::{DrawRails, FileStatus};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    Tx,
    draws::{self, DrawRow, DrawStatus},
    payments::{self, PaymentRow, PaymentStatus},
    rail_files::{self, RailFileRow, RailFileStatus},
};

use super::{
    RunReport,
    file::{Entry, entries_of},
};
use crate::{Servicing, ServicingError, work::Trail};

/// A file handed over that recently may still arrive, although the bank says that it does not have it.
const QUIET: TimeDelta = TimeDelta::minutes(15);

/// Why a file is given up that the bank says it does not have.
const NEVER_ARRIVED: &str = "never arrived";

/// So many files with an entry the bank refuses before a person looks at it.
const REFUSALS_MAX: i32 = 3;

impl Servicing {
    /// Sends a file that was just chosen; one that cannot be written gives its entries back, and stops nobody else's.
    pub(super) async fn send_or_log(&self, key: &str, report: &mut RunReport) {
        let Err(error) = self.send(key).await else { return };
        let cause = chain(&error);
        tracing::error!(file.key = %key, error = %cause, "could not send file {key}: {cause}");
        report.failed += 1;
        if let Err(error) = self.give_back(key, RailFileStatus::Abandoned, UNWRITABLE).await {
            let cause = chain(&error);
            tracing::error!(file.key = %key, error = %cause, "could not give back file {key}: {cause}");
        }
    }

    /// The bank has a file under this key: ours, if it holds what we put into it.
    pub(super) async fn accept_found(
        &self,
        key: &str,
        status: &FileStatus,
    ) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let ours = entries_of(&mut conn, key).await?;
        drop(conn);
        let has = |trace: &str| status.entries.iter().any(|entry| entry.trace.to_string() == trace);
        if ours.iter().any(|entry| !entry.trace_number().is_some_and(has)) {
            tracing::error!(file.key = %key, "the bank has another file under the key {key}: it stays pending");
            return Ok(());
        }
        self.accept(key).await
    }

    /// The bank never had this file. It goes again, under its key, while every entry in it may still leave today; else they
    /// are given back, to be looked at as any other.
    pub(super) async fn send_or_abandon(&self, file: &RailFileRow) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let mut still_right = file.effective_on == self.today();
        for entry in entries_of(&mut conn, &file.key).await? {
            let against = match &entry {
                Entry::Payment(payment) => self.held_back(&mut conn, payment).await?,
                Entry::Draw(draw) => self.draw_forbidden(&mut conn, draw).await?,
            };
            still_right = still_right && against.is_none();
        }
        drop(conn);
        if still_right {
            return self.send(&file.key).await;
        }
        self.give_back(&file.key, RailFileStatus::Abandoned, NEVER_ARRIVED).await
    }

    /// The bank has the file.
    pub(super) async fn accept(&self, key: &str) -> Result<(), ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let mut file = find_file(&mut tx, key).await?;
        match file.status {
            RailFileStatus::Building | RailFileStatus::Pending => {}
            RailFileStatus::Accepted => return Ok(()),
            RailFileStatus::Refused | RailFileStatus::Abandoned => {
                tracing::error!(file.key = %key, "the bank has file {key}, whose entries were given back");
                return Ok(());
            }
        }
        file.status = RailFileStatus::Accepted;
        self.answered(&mut tx, &file).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn answered(
        &self,
        conn: &mut PgConnection,
        file: &RailFileRow,
    ) -> Result<(), ServicingError> {
        rail_files::update(conn, file, self.now()).await?;
        let payload = json!({
            "file_key": file.key, "status": file.status, "entries": file.entries, "debit_cents": file.debit,
            "credit_cents": file.credit,
            "digest": file.digest.as_ref().map(hex::encode), "refusal": file.refusal,
        });
        self.trail(conn, audit::Stream::System, "rail_file.answered", payload).await
    }

    /// Gives the entries of a file back that was refused, never arrived, or cannot be written.
    pub(super) async fn give_back(
        &self,
        key: &str,
        status: RailFileStatus,
        why: &str,
    ) -> Result<(), ServicingError> {
        let mut tx: Tx<'_> = self.store.app().begin().await?;
        let mut lines: Vec<_> = entries_of(&mut tx, key)
            .await?
            .iter()
            .map(|entry| match entry {
                Entry::Payment(payment) => payment.credit_line_id,
                Entry::Draw(draw) => draw.credit_line_id,
            })
            .collect();
        lines.sort_unstable();
        lines.dedup();
        for line in lines {
            self.hold_line(&mut tx, line).await?;
        }
        let mut file = find_file(&mut tx, key).await?;
        // A file on its way may be at the bank, whatever went wrong here or was seen of it before its lines were held.
        let on_its_way = match why {
            UNWRITABLE => file.handed_at.is_some(),
            NEVER_ARRIVED => file.handed_at.is_some_and(|handed| self.now() - handed < QUIET),
            _ => false,
        };
        if on_its_way || !matches!(file.status, RailFileStatus::Building | RailFileStatus::Pending)
        {
            return Ok(());
        }
        let given = entries_of(&mut tx, key).await?;
        // Of a file that cannot be written, those are kept back that cannot be written alone.
        let mut culprits = Vec::with_capacity(given.len());
        for entry in &given {
            let alone = std::slice::from_ref(entry);
            let unwritable =
                why == UNWRITABLE && self.text_of(&mut tx, &file, alone).await.is_err();
            culprits.push(unwritable);
        }
        let none = !culprits.contains(&true);
        let counted = status == RailFileStatus::Refused || why == UNWRITABLE && none;
        for (entry, culprit) in given.into_iter().zip(culprits) {
            let refusals = match &entry {
                Entry::Payment(payment) if counted => {
                    payments::count_refusal(&mut tx, payment.id).await?
                }
                Entry::Draw(draw) if counted => draws::count_refusal(&mut tx, draw.id).await?,
                _ => 0,
            };
            let stop = if culprit {
                Some("cannot_be_written")
            } else {
                (refusals >= REFUSALS_MAX).then_some("refused_by_the_bank")
            };
            match entry {
                Entry::Payment(payment) => {
                    self.give_payment_back(&mut tx, payment, (key, why), counted, stop).await?;
                }
                Entry::Draw(draw) => {
                    self.give_draw_back(&mut tx, draw, (key, why), counted, stop).await?;
                }
            }
        }
        file.status = status;
        file.refusal = Some(why.to_owned());
        self.answered(&mut tx, &file).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn give_draw_back(
        &self,
        conn: &mut PgConnection,
        mut draw: DrawRow,
        (key, why): (&str, &str),
        later: bool,
        give_up: Option<&str>,
    ) -> Result<(), ServicingError> {
        draw.status = DrawStatus::Held;
        draw.file_key = None;
        draw.trace_number = None;
        draw.changed_at = self.now();
        if later {
            draw.leaves_on = add_banking_days(self.today(), 1);
            draw.available_on = DrawRails::embedded()?.standard.available_on(draw.leaves_on);
        }
        draws::update(conn, &draw).await?;
        let payload = json!({
            "draw_id": draw.id, "reference": draw.reference, "file_key": key, "why": why,
            "leaves_on": draw.leaves_on, "available_on": draw.available_on,
        });
        let stream = Trail::stream(None, Some(draw.credit_line_id));
        self.trail(conn, stream, "draw.given_back", payload).await?;
        if let Some(reason) = give_up {
            let mut line = self.load_line(conn, draw.credit_line_id).await?;
            let draw = self.undo_draw(conn, &mut line, draw, DrawStatus::Voided, reason).await?;
            let words = format!("Draw {} was given up: {reason} ({why}).", draw.reference);
            self.open_draw_case(conn, &draw, "operations", words).await?;
        }
        Ok(())
    }

    async fn give_payment_back(
        &self,
        conn: &mut PgConnection,
        mut payment: PaymentRow,
        (key, why): (&str, &str),
        later: bool,
        hold_back: Option<&str>,
    ) -> Result<(), ServicingError> {
        payment.status = PaymentStatus::Scheduled;
        payment.file_key = None;
        payment.trace_number = None;
        payment.changed_at = self.now();
        if later {
            payment.debit_on = add_banking_days(self.today(), 1);
        }
        payments::update(conn, &payment).await?;
        let payload = json!({
            "payment_id": payment.id, "reference": payment.reference, "file_key": key, "why": why,
            "debit_on": payment.debit_on,
        });
        let stream = Trail::stream(None, Some(payment.credit_line_id));
        self.trail(conn, stream, "payment.given_back", payload).await?;
        if let Some(reason) = hold_back {
            self.hold_back(conn, payment.clone(), reason).await?;
            let words = format!("Payment {} was held back: {reason} ({why}).", payment.reference);
            self.open_desk_case(conn, &payment, "operations", words).await?;
        }
        Ok(())
    }
}

/// Why a file is given back that could not be built.
pub(super) const UNWRITABLE: &str = "unwritable";

async fn find_file(conn: &mut PgConnection, key: &str) -> Result<RailFileRow, ServicingError> {
    rail_files::find_for_update(conn, key)
        .await?
        .ok_or(ServicingError::Stored { what: "rail file", source: None })
}
