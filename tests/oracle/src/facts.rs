//! What all the facts together say of one of them, or of a day.

use chrono::NaiveDate;

use crate::{Dated, Fact};

/// Until the draw is made or refused, or the hold is over.
pub(crate) fn held_for_draws(facts: &[Dated], on: NaiveDate) -> i64 {
    let known = || facts.iter().filter(|dated| dated.effective_on <= on).map(|dated| dated.fact);
    let over = |id: u64| {
        let refused = undone(facts, |fact| *fact == Fact::DrawRefused { draw_id: id });
        refused || known().any(|fact| matches!(fact, Fact::Draw { id: made, .. } if made == id))
    };
    known()
        .filter_map(|fact| match fact {
            Fact::DrawHeld { draw_id, cents, expires_on } => {
                let void = expires_on.is_some_and(|last| on > last);
                (!void && !over(draw_id)).then_some(cents)
            }
            _ => None,
        })
        .sum()
}

/// What a draw was, where it was recorded wrongly.
pub(crate) fn corrected(facts: &[Dated], id: u64) -> Option<i64> {
    facts.iter().rev().find_map(|dated| match dated.fact {
        Fact::DrawCorrected { draw_id, cents } if draw_id == id => Some(cents),
        _ => None,
    })
}

/// Whether anything takes it back, on whatever day.
pub(crate) fn undone(facts: &[Dated], undoes: impl Fn(&Fact) -> bool) -> bool {
    facts.iter().any(|dated| undoes(&dated.fact))
}

/// The day on which a statement left to somebody: what is said of the latest day counts, and of one day that none had left by its end.
pub(crate) fn left_on(facts: &[Dated], number: u32, closed_on: NaiveDate) -> Option<NaiveDate> {
    let said = facts.iter().filter_map(|dated| match dated.fact {
        Fact::StatementSent { number: of } if of == number => Some((dated.effective_on, false)),
        Fact::StatementNotSent { number: of } if of == number => Some((dated.effective_on, true)),
        _ => None,
    });
    match said.max() {
        Some((_, true)) => None,
        Some((day, false)) => Some(day),
        None => Some(closed_on),
    }
}

/// Whether any leave to debit stands on a day: its first day and its last one included.
pub(crate) fn has_autopay(facts: &[Dated], on: NaiveDate) -> bool {
    let ended = |id: u64| {
        facts.iter().any(|dated| dated.fact == Fact::AutopayEnded { id } && dated.effective_on < on)
    };
    facts.iter().any(|dated| match dated.fact {
        Fact::AutopayBegan { id } => dated.effective_on <= on && !ended(id),
        _ => false,
    })
}
