//! The end of a wait for a person that nobody ended in time.
//!
//! Invariants: a draw that was set aside is ended as the bank has it. Its credit is let go only where the bank says of every file it
//! was in that nothing of it was paid or is to be; what the bank has not decided stays held, and so does what the bank knows nothing
//! of, for which a person is told once. What is absent: setting aside (`late`), and the person (`draws`).

use chrono::NaiveDate;
use nacha::ReturnCode;
use rails::{DrawRails, EntryState, FileStatus};
use store::{
    draws::{DrawReview, DrawRow, DrawStatus},
    rail_files::{self, GivenUpFile},
};

use super::{RunReport, file::of_trace};
use crate::{Servicing, ServicingError};

/// With what the note begins that the desk was told of a draw of which the bank knows nothing.
const UNKNOWN: &str = "unknown at the bank";

/// What the bank says of a draw in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Paid {
        on: Option<NaiveDate>,
    },
    Undecided,
    CameBack {
        code: ReturnCode,
        settled_on: Option<NaiveDate>,
    },
    /// Nothing of the file or of its entry, or not why it came back.
    Unknown,
    /// It could not be asked.
    NotAsked,
}

impl Said {
    fn of(found: Option<&FileStatus>, trace: &str) -> Self {
        let Some(entry) = found.and_then(|file| of_trace(file, trace)) else {
            return Self::Unknown;
        };
        match (entry.state, entry.return_code) {
            (EntryState::Settled, _) => Self::Paid { on: entry.settled_on },
            (EntryState::Pending, _) => Self::Undecided,
            (EntryState::Returned, Some(code)) => {
                Self::CameBack { code, settled_on: entry.settled_on }
            }
            (EntryState::Returned, None) => Self::Unknown,
        }
    }
}

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
        let said = self.ask_of_draw(draw, report).await?;
        let paid = said.iter().find_map(|(file, said)| match said {
            Said::Paid { on } => Some((file, *on)),
            _ => None,
        });
        if let Some((file, on)) = paid {
            if self.take_up_again(draw, file, report).await? {
                report.draws_settled += u32::from(self.settle_draw(draw.id, on).await?);
            }
            return Ok(());
        }
        let any = |what| said.iter().any(|(_, said)| *said == what);
        // What is not decided, or could not be asked, is asked by the next run.
        if any(Said::Undecided) || any(Said::NotAsked) {
            return Ok(());
        }
        match said.first() {
            Some((file, Said::CameBack { code, settled_on })) if !any(Said::Unknown) => {
                // With what its code asks for, as of any draw that comes back.
                if self.take_up_again(draw, file, report).await? {
                    let on = (self.today(), *settled_on);
                    report.draws_refused += u32::from(self.return_draw(draw.id, *code, on).await?);
                }
                Ok(())
            }
            _ => self.tell_of_unknown(draw, &said).await,
        }
    }

    /// What the bank says of each file the draw was in; one that cannot be asked for keeps no other from being asked for.
    async fn ask_of_draw(
        &self,
        draw: &DrawRow,
        report: &mut RunReport,
    ) -> Result<Vec<(GivenUpFile, Said)>, ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let files = rail_files::list_given_up_of_draw(&mut conn, draw.id).await?;
        drop(conn);
        let mut all = Vec::with_capacity(files.len());
        for file in files {
            let said = match self.bank.find_file(&file.file_key).await {
                Ok(found) => Said::of(found.as_ref(), &file.trace_number),
                Err(error) => {
                    tracing::warn!(file.key = %file.file_key, draw.id = %draw.id, error = %error, "the bank could not say what became of a draw that was set aside");
                    report.unreached += 1;
                    Said::NotAsked
                }
            };
            all.push((file, said));
        }
        Ok(all)
    }

    /// The credit stays held. A person finds out from the bank whether the draw was paid; each run asks the bank again.
    async fn tell_of_unknown(
        &self,
        unheld: &DrawRow,
        said: &[(GivenUpFile, Said)],
    ) -> Result<(), ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let (_, draw) = self.hold_draw(&mut tx, unheld.id).await?;
        // Once, and anew where it went out again and was set aside again.
        let last = said.last().map_or("", |(file, _)| file.file_key.as_str());
        let note = format!("{UNKNOWN} {last}");
        if !waits(&draw)
            || !rail_files::note_once(&mut tx, &draw.reference, &note, self.now()).await?
        {
            return Ok(());
        }
        let reference = &draw.reference;
        tracing::error!(draw.id = %draw.id, "the bank knows nothing of draw {reference}, which was set aside");
        let words = format!(
            "The bank does not say what became of draw {reference}, which was in a file that arrived after it was given up. Its credit stays held until the bank says so or a person, who has asked the bank, ends it."
        );
        self.open_desk_case(&mut tx, &draw, "operations", words).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Puts a draw back into the file in which the bank had it; `false` where it waits no longer.
    async fn take_up_again(
        &self,
        unheld: &DrawRow,
        file: &GivenUpFile,
        report: &mut RunReport,
    ) -> Result<bool, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let (_, mut draw) = self.hold_draw(&mut tx, unheld.id).await?;
        if !waits(&draw) {
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

fn waits(draw: &DrawRow) -> bool {
    draw.status == DrawStatus::Held && draw.review == Some(DrawReview::SetAside)
}
