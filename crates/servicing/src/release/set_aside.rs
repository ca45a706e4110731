//! The end of a wait for a person that nobody ended in time.
//!
//! Invariants: a draw that was set aside is ended as the bank has it: the file it was in is at the bank, so its credit is let go only
//! where the bank says that nothing of it was paid or is to be; what the bank has not decided stays held. What is absent: setting
//! aside (`late`), and the person (`draws`).

use rails::{DrawRails, EntryState, EntryStatus};
use store::{
    draws::{DrawReview, DrawRow, DrawStatus},
    rail_files::{self, LateEntry},
};

use super::RunReport;
use crate::{Servicing, ServicingError};

/// Why a hold is given up of which nothing came.
const TIMED_OUT: &str = "timed_out";

impl Servicing {
    /// Gives a draw up at which a person was to look in time and did not, or ends it as the bank has it.
    pub(super) async fn end_waiting(
        &self,
        draw: &DrawRow,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        if draw.review == Some(DrawReview::SetAside) {
            return self.end_set_aside(draw, report).await;
        }
        report.draws_refused += u32::from(self.give_up_unseen(draw.id).await?);
        Ok(())
    }

    async fn end_set_aside(
        &self,
        draw: &DrawRow,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        let last_on = DrawRails::embedded()?.standard.last_on(draw.leaves_on);
        if last_on >= self.today() {
            return Ok(());
        }
        let mut conn = self.store.app().acquire().await?;
        let files = rail_files::list_late_of_draw(&mut conn, draw.id).await?;
        drop(conn);
        let mut there = Vec::new();
        for file in files {
            // Where the bank does not answer it stays as it is.
            let status = self.bank.find_file(&file.file_key).await?;
            let entries = status.into_iter().flat_map(|status| status.entries);
            let ours = entries.filter(|entry| entry.trace.to_string() == file.trace_number);
            there.extend(ours.map(|entry| (file.clone(), entry)));
        }
        let paid = there.iter().find(|(_, entry)| entry.state == EntryState::Settled);
        if let Some((file, entry)) = paid {
            if self.take_up_again(draw, file, report).await? {
                let done = self.settle_draw(draw.id, entry.settled_on).await?;
                report.draws_settled += u32::from(done);
            }
            return Ok(());
        }
        if there.iter().any(|(_, entry)| entry.state == EntryState::Pending) {
            return Ok(());
        }
        let came_back = |(file, entry): &(LateEntry, EntryStatus)| {
            entry.return_code.map(|code| (file.clone(), code, entry.settled_on))
        };
        if let Some((file, code, settled_on)) = there.iter().find_map(came_back) {
            // With what its code asks for, as of any draw that comes back.
            if self.take_up_again(draw, &file, report).await? {
                let done = self.return_draw(draw.id, code, (self.today(), settled_on)).await?;
                report.draws_refused += u32::from(done);
            }
            return Ok(());
        }
        let done = self.refuse_draw(draw.id, DrawStatus::Voided, TIMED_OUT).await?;
        report.draws_refused += u32::from(done);
        Ok(())
    }

    /// Puts a draw back into the file in which the bank had it; `false` where it waits no longer.
    async fn take_up_again(
        &self,
        unheld: &DrawRow,
        file: &LateEntry,
        report: &mut RunReport,
    ) -> Result<bool, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let (_, mut draw) = self.hold_draw(&mut tx, unheld.id).await?;
        let waits = draw.status == DrawStatus::Held && draw.review == Some(DrawReview::SetAside);
        if !waits {
            return Ok(false);
        }
        draw.file_key = Some(file.file_key.clone());
        draw.trace_number = Some(file.trace_number.clone());
        self.mark_released(&mut tx, &mut draw).await?;
        tx.commit().await?;
        report.draws_sent += 1;
        Ok(true)
    }
}
