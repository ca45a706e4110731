//! What each draw has come to, as its events say so far: held, made available, corrected, refused, void.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use identity::{CaseId, DrawId};
use money::{Cents, Rounding};

use crate::{LineEvent, LineEventBody, event::Disputed};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DrawFact {
    pub(crate) held: Option<Hold>,
    /// Since when the funds were available.
    pub(crate) drew_on: Option<NaiveDate>,
    pub(crate) amount: Cents,
    pub(crate) fee: Cents,
    pub(crate) refused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) on: NaiveDate,
    pub(crate) amount: Cents,
    pub(crate) expires_on: Option<NaiveDate>,
}

/// An amount and the fee that came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) amount: Cents,
    pub(crate) fee: Cents,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct DrawFacts {
    draws: BTreeMap<DrawId, DrawFact>,
    disputed: BTreeMap<CaseId, DrawId>,
}

impl DrawFacts {
    pub(crate) fn of<'a>(events: impl IntoIterator<Item = &'a LineEvent>) -> Self {
        let mut facts = Self::default();
        for event in events {
            facts.note(event);
        }
        facts
    }

    pub(crate) fn get(&self, draw: DrawId) -> Option<&DrawFact> {
        self.draws.get(&draw)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &DrawFact> {
        self.draws.values()
    }

    /// The draw that an event corrects after the fact.
    pub(crate) fn corrected_by(&self, body: &LineEventBody) -> Option<DrawId> {
        match body {
            LineEventBody::DrawRefused { draw, .. } | LineEventBody::DrawCorrected { draw, .. } => {
                Some(*draw)
            }
            LineEventBody::DisputeResolved { dispute, .. } => self.disputed.get(dispute).copied(),
            _ => None,
        }
    }

    /// By how much a correction changes its draw.
    pub(crate) fn change_by(&self, body: &LineEventBody) -> Change {
        let fact = self.corrected_by(body).and_then(|draw| self.get(draw));
        let Some(fact) = fact.filter(|fact| fact.drew_on.is_some()) else {
            return Change::default();
        };
        match body {
            LineEventBody::DrawRefused { .. } => Change { amount: -fact.amount, fee: -fact.fee },
            LineEventBody::DrawCorrected { amount, fee, .. } => Change {
                amount: *amount - fact.amount,
                fee: fee.map_or(Cents::ZERO, |fee| fee - fact.fee),
            },
            LineEventBody::DisputeResolved { error, .. } => {
                let error = (*error).min(fact.amount).or_zero();
                let (part, whole) = (i128::from(error.get()), i128::from(fact.amount.get()));
                let fee = i128::from(fact.fee.get()) * part;
                let fee = Cents::from_ratio(fee, whole.max(1), Rounding::HalfUp);
                Change { amount: -error, fee: -fee.unwrap_or_default() }
            }
            _ => Change::default(),
        }
    }

    pub(crate) fn note(&mut self, event: &LineEvent) {
        let change = self.change_by(&event.body);
        if let Some(draw) = self.corrected_by(&event.body) {
            let fact = self.draws.entry(draw).or_default();
            fact.amount += change.amount;
            fact.fee += change.fee;
            fact.refused |= matches!(event.body, LineEventBody::DrawRefused { .. });
        }
        match &event.body {
            LineEventBody::DrawHeld { draw, amount, expires_on } => {
                let (on, amount, expires_on) = (event.effective_on, *amount, *expires_on);
                self.draws.entry(*draw).or_default().held = Some(Hold { on, amount, expires_on });
            }
            LineEventBody::Drew { draw, amount, fee, .. } => {
                let fact = self.draws.entry(*draw).or_default();
                fact.drew_on = Some(event.effective_on);
                (fact.amount, fact.fee) = (*amount, *fee);
            }
            LineEventBody::DisputeOpened { dispute, subject: Disputed::Draw { draw }, .. } => {
                self.disputed.insert(*dispute, *draw);
            }
            _ => {}
        }
    }
}

/// What a draw comes to after all that was recorded of it: less what was found an error, as it was corrected, nothing once it was
/// refused or before it was made available.
#[must_use]
pub fn drawn(events: &[LineEvent], draw: DrawId) -> Cents {
    DrawFacts::of(events).get(draw).map_or(Cents::ZERO, |fact| fact.amount)
}

impl DrawFact {
    /// Credit that is set aside on a day.
    pub(crate) fn held_on(&self, day: NaiveDate) -> Option<&Hold> {
        let void = |hold: &&Hold| hold.expires_on.is_none_or(|last| day <= last);
        self.held.as_ref().filter(|_| !self.refused && self.drew_on.is_none()).filter(void)
    }
}
