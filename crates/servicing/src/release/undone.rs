//! What could not be done about one entry: counted for the next run, or told to the desk where trying again does not help.
//!
//! Invariants: what the database or the bank is to blame for is nobody's case, and keeps the day open (docs/close.md); of an entry that
//! cannot be worked out as it or its line is stored a case of the desk stands open, and it keeps no day open. Either way each run tries
//! again. What is absent: a line that cannot be settled (`close`), and what came back and cannot be read (`unread`).

use chrono::NaiveDate;
use identity::{DrawId, PaymentId, chain};
use sqlx::PgConnection;
use store::{StoreError, cases, draws, payments, rail_files};

use super::{
    RunReport,
    file::{Entry, find_entry},
};
use crate::{Servicing, ServicingError, cases::About};

/// The desk to which an entry goes that cannot be worked off.
pub(super) const DESK: &str = "operations";

/// What is noted of something of which the desk was told, and said of it after its name.
const NOTE: &str = "cannot be worked off";

/// What becomes of work that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undone {
    /// The next run may fare better.
    Again,
    /// A case of the desk stands open for it.
    WithTheDesk,
}

/// By what an entry is known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of<'a> {
    /// A trace number, and the day on which something was told of it.
    Trace(&'a str, NaiveDate),
    Payment(PaymentId),
    Draw(DrawId),
}

impl RunReport {
    /// Counts work that failed.
    pub(crate) fn count(&mut self, undone: Undone) {
        match undone {
            Undone::Again => self.failed += 1,
            Undone::WithTheDesk => self.with_the_desk += 1,
        }
    }
}

impl Servicing {
    /// Counts that an entry could not be worked off.
    pub(super) async fn entry_undone(
        &self,
        of: Of<'_>,
        error: &ServicingError,
        report: &mut RunReport,
    ) {
        // Nobody's, or the database does not say whose: as before.
        let Ok(Some(entry)) = self.entry_of(of).await else { return report.count(Undone::Again) };
        report.count(self.undone(&entry, entry.reference(), error).await);
    }

    async fn entry_of(&self, of: Of<'_>) -> Result<Option<Entry>, ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        Ok(match of {
            Of::Trace(trace, on) => find_entry(&mut conn, trace, on).await?,
            Of::Payment(id) => payments::find(&mut conn, id).await?.map(Entry::Payment),
            Of::Draw(id) => draws::find(&mut conn, id).await?.map(Entry::Draw),
        })
    }

    /// What becomes of work about something of that name that failed.
    pub(crate) async fn undone(
        &self,
        about: impl Into<About>,
        name: &str,
        error: &ServicingError,
    ) -> Undone {
        if !is_of_what_is_stored(error) {
            return Undone::Again;
        }
        let about = about.into();
        let told = async {
            let mut tx = self.store.app().begin().await?;
            // Whoever writes to the line's stream holds the line first.
            self.hold_line(&mut tx, about.credit_line_id).await?;
            self.tell_of_undone(&mut tx, about, name, &chain(error)).await?;
            Ok::<_, ServicingError>(tx.commit().await?)
        };
        let Err(error) = told.await else { return Undone::WithTheDesk };
        let cause = chain(&error);
        tracing::error!(error = %cause, "could not tell the desk of {name}: {cause}");
        Undone::Again
    }

    /// Tells the desk by its name of something that cannot be done, and why, unless it was told and its case stands open. The line is
    /// held.
    pub(crate) async fn tell_of_undone(
        &self,
        conn: &mut PgConnection,
        about: About,
        name: &str,
        why: &str,
    ) -> Result<(), ServicingError> {
        let begins = format!("{name} {NOTE}, ");
        let first = rail_files::note_once(conn, name, NOTE, self.now()).await?;
        if !first && case_stands(conn, &about, &begins).await? {
            return Ok(());
        }
        self.open_desk_case(conn, about, DESK, format!("{begins}and each run tries again: {why}."))
            .await
    }
}

/// Whether the operations desk has a case of the customer that stands open and holds a matter which begins so. To say the name
/// is not enough: a case of another matter may name the same payment.
pub(super) async fn case_stands(
    conn: &mut PgConnection,
    about: &About,
    begins: &str,
) -> Result<bool, ServicingError> {
    let standing = cases::find_open(conn, about.customer_id, DESK).await?;
    Ok(standing.is_some_and(|case| case.words.lines().any(|matter| matter.starts_with(begins))))
}

/// Whether the same would fail tomorrow: a history or a row that makes no sense, and neither the database nor the bank.
pub(crate) const fn is_of_what_is_stored(error: &ServicingError) -> bool {
    matches!(
        error,
        ServicingError::Engine(_)
            | ServicingError::Stored { .. }
            | ServicingError::Store(StoreError::Stored { .. } | StoreError::OutOfRange { .. })
    )
}
