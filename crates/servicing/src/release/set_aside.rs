//! The end of a wait for a person that nobody ended in time.
//!
//! Invariants: a draw that was set aside is ended as the bank has it. Its credit is let go only where the bank says of every file it
//! was in that nothing of it was paid or is to be; what the bank has not decided stays held, and so does what the bank knows nothing
//! of or cannot be asked about for days, of which a person has a case that stands open. Where it was paid in one file and did not surely
//! come back from all the others, a person is told of the files. What is absent: setting aside (`late`), and the person (`draws`).

use calendar::add_banking_days;
use chrono::NaiveDate;
use nacha::ReturnCode;
use rails::{DrawRails, EntryState, FileStatus};
use store::{
    draws::{DrawReview, DrawRow, DrawStatus},
    rail_files::{self, GivenUpFile},
};

use super::{
    RunReport,
    file::of_trace,
    undone::{DESK, case_stands},
};
use crate::{Servicing, ServicingError};

/// With what the note begins that the desk was told of a draw of which the bank knows nothing.
const UNKNOWN: &str = "unknown at the bank";

/// A bank that cannot be asked about a draw keeps the day open for so many banking days after the wait's end; then it is the desk's.
const ASKED_FOR_BANKING_DAYS: i32 = 5;

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
        let said = self.ask_of_draw(draw).await?;
        let not_asked = said.iter().filter(|(_, said)| *said == Said::NotAsked).count();
        let not_asked = u32::try_from(not_asked).unwrap_or(u32::MAX);
        let with_the_desk = add_banking_days(last_on, ASKED_FOR_BANKING_DAYS) < self.today();
        if with_the_desk {
            report.with_the_desk += not_asked;
        } else {
            report.unreached += not_asked;
        }
        let paid = said.iter().find_map(|(file, said)| match said {
            Said::Paid { on } => Some((file, *on)),
            _ => None,
        });
        if let Some((file, on)) = paid {
            let words = twice(draw, file, &said);
            if self.take_up_again(draw, (file, words), report).await? {
                report.draws_settled += u32::from(self.settle_draw(draw.id, on).await?);
            }
            return Ok(());
        }
        let any = |what| said.iter().any(|(_, said)| *said == what);
        // What is not decided, or could not be asked, is asked by the next run.
        if any(Said::NotAsked) && with_the_desk {
            return self.tell_of_unknown(draw, &said).await;
        }
        if any(Said::Undecided) || any(Said::NotAsked) {
            return Ok(());
        }
        match said.first() {
            Some((file, Said::CameBack { code, settled_on })) if !any(Said::Unknown) => {
                // With what its code asks for, as of any draw that comes back.
                if self.take_up_again(draw, (file, None), report).await? {
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
        if !waits(&draw) {
            return Ok(());
        }
        let reference = &draw.reference;
        let begins = format!("The bank does not say what became of draw {reference}, ");
        let first = rail_files::note_once(&mut tx, reference, &note, self.now()).await?;
        if !first && case_stands(&mut tx, &(&draw).into(), &begins).await? {
            return Ok(());
        }
        tracing::error!(draw.id = %draw.id, "the bank knows nothing of draw {reference}, which was set aside");
        let words = format!(
            "{begins}which was in a file that arrived after it was given up. Its credit stays held until the bank says so or a person, who has asked the bank, ends it."
        );
        self.open_desk_case(&mut tx, &draw, DESK, words).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Puts a draw back into the file in which the bank had it, and tells the desk what it is to look into; `false` where it waits no
    /// longer.
    async fn take_up_again(
        &self,
        unheld: &DrawRow,
        (file, words): (&GivenUpFile, Option<String>),
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
        if let Some(words) = words {
            self.open_desk_case(&mut tx, &draw, DESK, words).await?;
        }
        tx.commit().await?;
        report.draws_sent += 1;
        Ok(true)
    }
}

fn waits(draw: &DrawRow) -> bool {
    draw.status == DrawStatus::Held && draw.review == Some(DrawReview::SetAside)
}

/// What the desk is told of a draw that was paid in one of several files and did not surely come back from the others.
fn twice(draw: &DrawRow, paid: &GivenUpFile, said: &[(GivenUpFile, Said)]) -> Option<String> {
    let came_back = |said: &Said| matches!(said, Said::CameBack { .. });
    let others: Vec<&str> = said
        .iter()
        .filter(|(file, said)| file.file_key != paid.file_key && !came_back(said))
        .map(|(file, _)| file.file_key.as_str())
        .collect();
    (!others.is_empty()).then(|| {
        format!(
            "Draw {} was paid in file {} and was also in {}, from which it did not surely come back: it may be paid twice. Ask the bank.",
            draw.reference,
            paid.file_key,
            others.join(", ")
        )
    })
}
