//! Statements that leave late, or never.
//!
//! Two faults of the engine are open here (docs/simulator.md, "What it found"). Until they are mended no life has what shows them.

use chrono::{NaiveDate, TimeDelta};

use super::{Life, after};
use crate::{
    dice::Dice,
    history::{Kind, What},
};

/// How often a statement is said not to have left, in a thousand. To be 450: an unpaid minimum is late with a next statement
/// that did not go out either.
const NEVER_LEFT: u64 = 0;
/// The last day on which a copy leaves, counted from the close. To be without end: what leaves so late that it is due on the very day of
/// the next statement costs two late fees on one day.
const LATEST: TimeDelta = TimeDelta::days(25);

/// Thrown apart, so that a life with late post has the draws and payments of the one without.
#[derive(Clone, Debug)]
pub(super) struct Post {
    dice: Dice,
    /// Some statements of this life leave late. Its close day stays, as short cycles bring the due dates together.
    pub(super) is_slow: bool,
}

impl Post {
    pub(super) const fn of(dice: &Dice) -> Self {
        let mut dice = dice.apart(21);
        Self { is_slow: dice.chance(600), dice }
    }
}

impl Life {
    /// Something is said of one of the last two statements.
    pub(super) fn mail(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        let card = self.history.agreed.kind == Kind::Card;
        if card || !self.post.is_slow || !self.post.dice.chance(60) {
            return Ok(());
        }
        self.living.settle_to(today)?;
        let sent = self.living.statements().filter(|one| one.must_be_sent);
        let sent: Vec<_> = sent.map(|one| (one.number, one.closed_on)).collect();
        let last_two = sent.get(sent.len().saturating_sub(2)..).unwrap_or_default();
        let Some((statement, closed_on)) = self.post.dice.pick(last_two) else { return Ok(()) };
        let days = if self.is_late() { self.post.dice.below(60) } else { 0 };
        let on = self.before(today, days).max(after(closed_on, 1));
        if self.post.dice.chance(NEVER_LEFT) {
            return self.learn(today, on, What::StatementNotSent { statement });
        }
        if on - closed_on > LATEST {
            return Ok(());
        }
        self.learn(today, on, What::StatementSent { statement })
    }
}
