//! What a draw costs: the fee that the terms ask for it, when it is asked for and again whenever a fact arrives late.
//!
//! Invariants: a fee goes by what the draw finds as it is asked for (by its hold, or as it is made where none was held), in the order
//! of asking, in telling as in replay; by the terms it is never more than what the customer was told then, or at its correction; what
//! of it late facts make too much is given back in the replay, dated on the draw, and comes again where they are undone; a fee that
//! somebody agreed on stays what it is. What is absent: a replay per draw, since what is learned late of earlier days is in the line
//! as the day of asking begins, and only the events of that day which the asking knew are lived beside it.

use std::{borrow::Cow, collections::BTreeSet};

use chrono::NaiveDate;
use identity::DrawId;
use money::{Cents, Rounding};
use serde::{Deserialize, Serialize};

use crate::{
    CreditError, LineEvent, LineEventBody, Position, Terms,
    draws::{DrawFacts, Moment},
    product::{DrawFee, Feature},
    replay::replay,
    state::State,
    timeline::{Action, Timeline},
    versions::Versions,
};

/// What of the fee of a draw is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FeeGivenBack {
    pub(crate) draw: DrawId,
    /// The day of the draw.
    pub(crate) on: NaiveDate,
    pub(crate) amount: Cents,
}

/// A draw with a fee by the terms.
#[derive(Clone, Copy, Debug)]
struct Ask<'a> {
    at: Moment,
    /// Recorded on its day: what was recorded before it had happened before it.
    in_time: bool,
    draw: DrawId,
    feature: Option<&'a str>,
    /// As corrected.
    amount: Cents,
}

/// Which draws of a history cost what the terms ask.
#[derive(Debug, Default)]
pub(crate) struct DrawFees<'a> {
    /// In the order of asking.
    asks: Vec<Ask<'a>>,
    /// Draws of which the fee joins the balance, refused ones included.
    pub(crate) joined: BTreeSet<DrawId>,
}

impl<'a> DrawFees<'a> {
    pub(crate) fn of(events: &'a [LineEvent], versions: &Versions<'_>, facts: &DrawFacts) -> Self {
        let mut fees = Self::default();
        for event in events {
            let LineEventBody::Drew { draw, feature, .. } = &event.body else { continue };
            let feature = feature.as_deref().filter(|name| !name.is_empty());
            // What a cycle keeps of its first day is no fee.
            let terms = versions.on(event.effective_on, event.effective_on);
            if terms.feature_of_draws(feature).is_some_and(Feature::fee_joins_balance) {
                fees.joined.insert(*draw);
            }
            let Some(fact) = facts.get(*draw).filter(|fact| fact.by_terms && !fact.refused) else {
                continue;
            };
            let Some(at) = fact.asked_at().filter(|_| fact.fee.is_positive()) else { continue };
            let asking = events.get(events.partition_point(|one| one.seq < at.1));
            let zone = terms.product.dates.zone;
            let in_time =
                asking.is_some_and(|one| calendar::local_date(one.recorded_at, zone) <= at.0);
            fees.asks.push(Ask { at, in_time, draw: *draw, feature, amount: fact.amount });
        }
        fees.asks.sort_by_key(|ask| ask.at);
        fees
    }

    fn asks_on(&self, day: NaiveDate) -> impl Iterator<Item = &Ask<'a>> {
        let first = self.asks.partition_point(|ask| ask.at.0 < day);
        self.asks.iter().skip(first).take_while(move |ask| ask.at.0 == day)
    }
}

/// What the terms ask for a draw that is not yet made, the cap of a first year aside: that goes by what is charged before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FeeAsked {
    draw: DrawId,
    fee: Cents,
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
        let of = self.feature_of_draws(feature);
        of.and_then(|feature| feature.fee.as_ref()).filter(|_| !self.covered_borrower)
    }

    pub(crate) fn feature_of_draws(&self, feature: Option<&str>) -> Option<&Feature> {
        let features = &self.product.features;
        match feature {
            Some(name) => features.iter().find(|feature| feature.name == name),
            None => features.first(),
        }
    }
}

impl Feature {
    pub(crate) fn fee_joins_balance(&self) -> bool {
        self.fee.as_ref().is_some_and(|fee| fee.joins_balance)
    }
}

impl State {
    /// Prices the draws that are asked for on the day that begins, in the order of asking.
    pub(crate) fn price_draws(&mut self, timeline: &Timeline<'_>) -> Result<(), CreditError> {
        for ask in timeline.draw_fees.asks_on(self.day) {
            let fee = self.fee_asked(timeline, ask)?;
            self.fees_asked.push(FeeAsked { draw: ask.draw, fee });
        }
        Ok(())
    }

    fn fee_asked(&self, timeline: &Timeline<'_>, ask: &Ask<'_>) -> Result<Cents, CreditError> {
        let Some(rule) = self.terms_today(timeline).fee_of_draws(ask.feature) else {
            return Ok(Cents::ZERO);
        };
        let known = self.as_known(timeline, ask)?;
        let found = Found {
            credit: (known.credit_balance - timeline.draws.set_aside(ask.at)).or_zero(),
            first: known.drawn_elsewhere == 0 && !timeline.draws.any_before(ask.at),
            room: None,
        };
        Ok(rule.of_draw(ask.amount, &found))
    }

    /// With what was recorded of the day before. Payments as well, which come after draws in the order of a day: but not for a draw
    /// that is itself recorded later, of which nobody can say whether they came before it.
    fn as_known(
        &self,
        timeline: &Timeline<'_>,
        ask: &Ask<'_>,
    ) -> Result<Cow<'_, Self>, CreditError> {
        let known = |action: &Action<'_>| {
            action.seq < ask.at.1 && (ask.in_time || action.precedes_payments())
        };
        if !timeline.actions_on(self.day).any(known) {
            return Ok(Cow::Borrowed(self));
        }
        let mut then = self.clone();
        then.live_events(timeline, known)?;
        Ok(Cow::Owned(then))
    }

    /// What a draw costs that is about to be made: what was told, less what is given back.
    pub(crate) fn fee_of_draw(&mut self, timeline: &Timeline<'_>, action: &Action<'_>) -> Cents {
        let LineEventBody::Drew { draw, .. } = action.body else { return action.fee };
        let Some(at) = self.fees_asked.iter().position(|asked| asked.draw == *draw) else {
            return action.fee;
        };
        let FeeAsked { fee: asked, .. } = self.fees_asked.remove(at);
        let room = self.fee_room(self.terms_today(timeline));
        let less = (action.fee - room.map_or(asked, |room| asked.min(room))).or_zero();
        if less.is_positive() {
            let (draw, on) = (*draw, self.day);
            self.fees_given_back.push(FeeGivenBack { draw, on, amount: less });
        }
        action.fee - less
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
