//! Leave to debit is given, changed and taken back, and with it the discount of automatic payments comes and goes.

use chrono::NaiveDate;

use super::Life;
use crate::{
    dice::Dice,
    history::{Kind, What},
};

/// Thrown apart, so that a life with automatic payments has the draws and the days of the one without.
#[derive(Clone, Debug)]
pub(super) struct Leaves {
    dice: Dice,
    given: u64,
    /// The one that stands, and from when.
    standing: Option<(u64, NaiveDate)>,
}

impl Leaves {
    pub(super) const fn of(dice: &Dice) -> Self {
        Self { dice: dice.apart(20), given: 0, standing: None }
    }
}

impl Life {
    pub(super) fn leave(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        if self.history.agreed.kind == Kind::Card {
            return Ok(());
        }
        let Some((autopay, since)) = self.leaves.standing else {
            return if self.leaves.dice.chance(6) { self.give(today) } else { Ok(()) };
        };
        if !self.leaves.dice.chance(12) {
            return Ok(());
        }
        // Other leave in its place: both on one day.
        let changed = self.leaves.dice.chance(250);
        let late = self.is_late() && self.leaves.dice.chance(500) && !changed;
        let days = if late { self.leaves.dice.below(70) } else { 0 };
        let ended_on = self.before(today, days).max(since);
        self.leaves.standing = None;
        self.learn(today, ended_on, What::AutopayEnded { autopay })?;
        if changed { self.give(today) } else { Ok(()) }
    }

    fn give(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        self.leaves.given += 1;
        let autopay = self.leaves.given;
        self.leaves.standing = Some((autopay, today));
        self.learn(today, today, What::AutopayBegan { autopay })
    }
}
