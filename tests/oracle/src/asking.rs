//! What draws find when they are asked for, which may be before they are made.

use chrono::NaiveDate;

/// What the fee of a draw goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// Of the credit balance, what no earlier draw uses.
    pub credit: i64,
    pub is_first: bool,
}

/// A draw that is held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking {
    pub id: u64,
    pub cents: i64,
    pub expires_on: Option<NaiveDate>,
    pub found: Found,
}

/// Draws that are held and not yet made, in the order in which they were asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeldDraws(Vec<Asking>);

impl HeldDraws {
    pub(crate) fn hold(&mut self, one: Asking) {
        self.0.push(one);
    }

    /// As the draw is made.
    pub(crate) fn take(&mut self, id: u64) -> Option<Found> {
        let at = self.0.iter().position(|one| one.id == id)?;
        Some(self.0.remove(at).found)
    }

    pub(crate) fn find(&self, day: NaiveDate, credit: i64, draws_seen: u32) -> Found {
        let stands = |one: &&Asking| one.expires_on.is_none_or(|last| day <= last);
        let before: Vec<i64> = self.0.iter().filter(stands).map(|one| one.cents).collect();
        let credit = (credit - before.iter().sum::<i64>()).max(0);
        Found { credit, is_first: draws_seen == 0 && before.is_empty() }
    }
}
