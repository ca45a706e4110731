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
    /// The fee is what the terms ask for.
    pub(crate) by_terms: bool,
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

    /// Another draw was asked for before one that was made on a day.
    pub(crate) fn any_before(&self, draw: DrawId, on: NaiveDate) -> bool {
        let mut others = self.draws.iter().filter(|(other, _)| **other != draw);
        others.any(|(other, fact)| {
            fact.held_beside((draw, on), *other).is_some() || fact.made_before((draw, on), *other)
        })
    }

    /// What is held for others as a draw is made on a day.
    pub(crate) fn held_beside(&self, draw: DrawId, on: NaiveDate) -> Cents {
        let others = self.draws.iter().filter(|(other, _)| **other != draw);
        others.filter_map(|(other, fact)| fact.held_beside((draw, on), *other)).sum()
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
            LineEventBody::Drew { draw, amount, fee, by_terms, .. } => {
                let fact = self.draws.entry(*draw).or_default();
                fact.drew_on = Some(event.effective_on);
                (fact.amount, fact.fee, fact.by_terms) = (*amount, *fee, *by_terms);
            }
            LineEventBody::DrawCorrected { draw, fee: Some(_), by_terms, .. } => {
                self.draws.entry(*draw).or_default().by_terms = *by_terms;
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
    /// In order of effect, it comes before a draw of a day.
    fn made_before(&self, (draw, on): (DrawId, NaiveDate), own: DrawId) -> bool {
        !self.refused && self.drew_on.is_some_and(|drew_on| (drew_on, own) < (on, draw))
    }

    /// What is set aside as another draw is made on a day.
    fn held_beside(&self, (draw, on): (DrawId, NaiveDate), own: DrawId) -> Option<Cents> {
        let made = self.made_before((draw, on), own);
        let stands = |hold: &Hold| hold.on <= on && hold.expires_on.is_none_or(|last| on <= last);
        let hold = self.held.filter(|hold| !self.refused && !made && stands(hold))?;
        Some(hold.amount)
    }

    /// Credit that is set aside on a day.
    pub(crate) fn held_on(&self, day: NaiveDate) -> Option<&Hold> {
        let void = |hold: &&Hold| hold.expires_on.is_none_or(|last| day <= last);
        self.held.as_ref().filter(|_| !self.refused && self.drew_on.is_none()).filter(void)
    }
}
