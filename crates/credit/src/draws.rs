//! What each draw has come to, as its events say so far: held, made available, corrected, refused, void.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use identity::{CaseId, DrawId};
use money::{Cents, Rounding};

use crate::{LineEvent, LineEventBody, event::Disputed};

/// A day, and on it the `seq` of an event: what is recorded before it on the day was known then.
pub(crate) type Moment = (NaiveDate, u64);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DrawFact {
    pub(crate) held: Option<Hold>,
    /// Since when the funds were available.
    pub(crate) drew_on: Option<NaiveDate>,
    drew_seq: u64,
    pub(crate) amount: Cents,
    pub(crate) fee: Cents,
    /// The fee is what the terms ask for.
    pub(crate) by_terms: bool,
    pub(crate) refused: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) on: NaiveDate,
    seq: u64,
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

    /// A draw that stands was asked for before.
    pub(crate) fn any_before(&self, moment: Moment) -> bool {
        self.all().any(|fact| fact.made_before(moment) || fact.set_aside(moment).is_some())
    }

    /// What is set aside for draws that were asked for before and are made later.
    pub(crate) fn set_aside(&self, moment: Moment) -> Cents {
        self.all().filter_map(|fact| fact.set_aside(moment)).sum()
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
                let (on, seq) = (event.effective_on, event.seq);
                let hold = Hold { on, seq, amount: *amount, expires_on: *expires_on };
                self.draws.entry(*draw).or_default().held = Some(hold);
            }
            LineEventBody::Drew { draw, amount, fee, by_terms, .. } => {
                let fact = self.draws.entry(*draw).or_default();
                (fact.drew_on, fact.drew_seq) = (Some(event.effective_on), event.seq);
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
    fn made_at(&self) -> Option<Moment> {
        self.drew_on.map(|on| (on, self.drew_seq))
    }

    /// By its hold, or as it was made where none was held.
    pub(crate) fn asked_at(&self) -> Option<Moment> {
        self.held.map(|hold| (hold.on, hold.seq)).into_iter().chain(self.made_at()).min()
    }

    fn made_before(&self, moment: Moment) -> bool {
        !self.refused && self.made_at().is_some_and(|made| made < moment)
    }

    /// What a hold that stands keeps for it; of a draw that was corrected since, what it came to.
    fn set_aside(&self, moment: Moment) -> Option<Cents> {
        let made = self.made_before(moment);
        let void = |hold: &Hold| hold.expires_on.is_some_and(|last| last < moment.0);
        let stands = |hold: &Hold| (hold.on, hold.seq) < moment && !void(hold);
        let hold = self.held.filter(|hold| !self.refused && !made && stands(hold))?;
        Some(if self.drew_on.is_some() { self.amount } else { hold.amount })
    }

    /// Credit that is set aside on a day.
    pub(crate) fn held_on(&self, day: NaiveDate) -> Option<&Hold> {
        let void = |hold: &&Hold| hold.expires_on.is_none_or(|last| day <= last);
        self.held.as_ref().filter(|_| !self.refused && self.drew_on.is_none()).filter(void)
    }
}
