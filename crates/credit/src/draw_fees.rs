//! What a draw costs: the fee that the terms ask for it, when it is made and again whenever a fact arrives late.
//!
//! Invariants: a fee by the terms is never more than what the customer was told at the draw, or at its correction; what of it late
//! facts make too much is given back in the replay, dated on the draw, and comes again where they are undone; a fee that somebody
//! agreed on stays what it is. What is absent: a replay per draw, since the day that is lived has all that a fee goes by.

use chrono::NaiveDate;
use identity::DrawId;
use money::{Cents, Rounding};
use serde::{Deserialize, Serialize};

use crate::{
    CreditError, LineEvent, LineEventBody, Position, Terms,
    draws::DrawFacts,
    product::{DrawFee, Feature},
    replay::replay,
    state::State,
    timeline::{Action, Timeline},
};

/// What of the fee of a draw is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FeeGivenBack {
    pub(crate) draw: DrawId,
    /// The day of the draw.
    pub(crate) on: NaiveDate,
    pub(crate) amount: Cents,
    /// The fee joined the balance.
    pub(crate) joins: bool,
}

/// What a draw finds that its fee goes by.
struct Found {
    /// Of the credit balance, what nothing else uses.
    credit: Cents,
    first: bool,
    /// What the cap of a first year leaves.
    room: Option<Cents>,
}

/// The fee of a draw made today. It applies only to what a credit balance does not cover.
#[must_use]
pub fn draw_fee(position: &Position, feature: Option<&str>, amount: Cents) -> Cents {
    let found = Found {
        // What is held already uses the credit balance first.
        credit: (position.credit_balance - position.draws_held).or_zero(),
        first: position.draws_made == 0,
        room: position.fee_room,
    };
    let rule = position.terms.fee_of_draws(feature);
    rule.map_or(Cents::ZERO, |rule| rule.of_draw(amount, &found))
}

/// What the fee of a draw would have been at another amount; absent where it was not the product's fee.
pub fn corrected_draw_fee(
    events: &[LineEvent],
    draw: DrawId,
    amount: Cents,
) -> Result<Option<Cents>, CreditError> {
    let made = events.iter().find_map(|event| match &event.body {
        LineEventBody::Drew { draw: one, feature, .. } if *one == draw => {
            Some((event.effective_on, feature))
        }
        _ => None,
    });
    let facts = DrawFacts::of(events);
    let fact = facts.get(draw).filter(|fact| fact.by_terms);
    let (Some((on, feature)), Some(_)) = (made, fact) else { return Ok(None) };
    let before = before_draw(events, draw, on)?;
    Ok(Some(draw_fee(&before, feature.as_deref(), amount)))
}

/// The line as a draw found it when it was asked for: on the day of its hold, or of the draw itself where none was held.
pub(crate) fn before_draw(
    events: &[LineEvent],
    draw: DrawId,
    on: NaiveDate,
) -> Result<Position, CreditError> {
    let asked = |event: &LineEvent| match &event.body {
        LineEventBody::DrawHeld { draw: one, .. } | LineEventBody::Drew { draw: one, .. } => {
            *one == draw
        }
        _ => false,
    };
    match events.iter().position(asked).and_then(|at| events.split_at_checked(at)) {
        Some((earlier, [of_draw, ..])) => replay(earlier, of_draw.effective_on),
        _ => replay(events, on),
    }
}

impl Terms {
    /// The fee of draws of a feature, of the first one where none is named; a covered borrower pays none.
    fn fee_of_draws(&self, feature: Option<&str>) -> Option<&DrawFee> {
        let features = &self.product.features;
        let of = match feature {
            Some(name) => features.iter().find(|feature| feature.name == name),
            None => features.first(),
        };
        of.and_then(|feature| feature.fee.as_ref()).filter(|_| !self.covered_borrower)
    }
}

impl Feature {
    pub(crate) fn fee_joins_balance(&self) -> bool {
        self.fee.as_ref().is_some_and(|fee| fee.joins_balance)
    }
}

impl State {
    /// What a draw costs that is about to be made: what was told, less what is given back.
    pub(crate) fn fee_of_draw(&mut self, timeline: &Timeline<'_>, action: &Action<'_>) -> Cents {
        let LineEventBody::Drew { draw, feature, .. } = action.body else { return action.fee };
        let by_terms = timeline.draws.get(*draw).is_some_and(|fact| fact.by_terms);
        if !by_terms || action.fee.is_zero() {
            return action.fee;
        }
        let rule = self.terms_today(timeline).fee_of_draws(feature.as_deref());
        let asked = rule.map_or(Cents::ZERO, |rule| {
            rule.of_draw(action.amount, &self.found_by(timeline, (*draw, rule)))
        });
        let less = (action.fee - asked).or_zero();
        if less.is_positive() {
            let joins = rule.is_some_and(|rule| rule.joins_balance);
            let (draw, on) = (*draw, self.day);
            self.fees_given_back.push(FeeGivenBack { draw, on, amount: less, joins });
        }
        action.fee - less
    }

    /// Of what costs to look for, only what matters.
    fn found_by(&self, timeline: &Timeline<'_>, (draw, rule): (DrawId, &DrawFee)) -> Found {
        let (terms, day) = (self.terms_today(timeline), self.day);
        let credit = if self.credit_balance.is_zero() {
            Cents::ZERO
        } else {
            // A refund comes after draws in the order of a day, and the money of it is gone all the same.
            let refunded = timeline
                .actions_on(day)
                .filter(|one| matches!(one.body, LineEventBody::CreditBalanceRefunded { .. }));
            let refunded: Cents = refunded.map(|one| one.amount).sum();
            (self.credit_balance - refunded - timeline.draws.held_beside(draw, day)).or_zero()
        };
        let first = rule.first_draw_free
            && self.drawn_elsewhere == 0
            && !timeline.draws.any_before(draw, day);
        Found { credit, first, room: self.fee_room(terms) }
    }
}

impl DrawFee {
    fn of_draw(&self, amount: Cents, found: &Found) -> Cents {
        let excess = (amount - found.credit).or_zero();
        if excess.is_zero() || (self.first_draw_free && found.first) {
            return Cents::ZERO;
        }
        let fee = self.on(excess);
        found.room.map_or(fee, |room| fee.min(room))
    }

    /// `clamp(percent of the amount)` or what its bracket says, less the discount, rounded once (V26).
    #[must_use]
    pub fn on(&self, amount: Cents) -> Cents {
        const WHOLE: i128 = 1_000_000;
        let percent = i128::from(amount.get()) * i128::from(self.percent.ppm());
        let raw = percent + i128::from(self.plus.get()) * WHOLE;
        let least = i128::from(self.least.get()) * WHOLE;
        let most = self.most.map_or(i128::MAX, |most| i128::from(most.get()) * WHOLE);
        let kept = WHOLE - i128::from(self.discount.ppm()).min(WHOLE);
        let bracket = self.brackets.iter().find(|one| one.up_to.is_none_or(|top| amount <= top));
        let fixed = bracket.map(|bracket| i128::from(bracket.amount.get()) * WHOLE);
        let clamped = fixed.unwrap_or_else(|| raw.max(least).min(most));
        Cents::from_ratio(clamped * kept, WHOLE * WHOLE, Rounding::HalfUp).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use money::Apr;

    use super::*;

    #[test]
    fn v26_a_draw_fee_is_clamped_then_discounted_then_rounded_once() {
        let fee = |discount_ppm| DrawFee {
            percent: Apr::from_ppm(30_000),
            least: Cents::new(100),
            most: Some(Cents::new(3_000)),
            discount: Apr::from_ppm(discount_ppm),
            ..DrawFee::default()
        };
        let cases = [
            (25_000, 0, 750),
            (2_000, 0, 100),
            (150_000, 0, 3_000),
            (25_000, 1_000_000, 0),
            (8_350, 500_000, 125),
        ];
        for (amount, discount, expected) in cases {
            assert_eq!(fee(discount).on(Cents::new(amount)), Cents::new(expected), "{amount}");
        }
    }
}
