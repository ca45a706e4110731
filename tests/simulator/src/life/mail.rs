//! Statements that leave late, or never.

use chrono::NaiveDate;

use super::{Life, after};
use crate::{
    dice::Dice,
    history::{Kind, What},
};

/// How often a statement is said not to have left, in a thousand.
const NEVER_LEFT: u64 = 450;

/// Thrown apart, so that a life with late post has the draws and payments of the one without.
#[derive(Clone, Debug)]
pub(super) struct Post {
    dice: Dice,
    /// Some statements of this life leave late.
    is_slow: bool,
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
        self.learn(today, on, What::StatementSent { statement })
    }
}
