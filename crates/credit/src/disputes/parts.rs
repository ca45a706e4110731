//! What a dispute is about: principal, and fees by their place.

use chrono::NaiveDate;
use money::{Cents, Rounding};
use serde::{Deserialize, Serialize};

use super::Dispute;
use crate::{
    FeeKind,
    event::Disputed,
    state::{Drawn, Fee, State},
};

/// How much of a fee is disputed, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FeePart {
    pub(super) at: usize,
    pub(super) amount: Cents,
}

/// Disputed fees as one statement has them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FeesShown {
    /// Charged so far...
    pub(super) owed: Cents,
    /// ...and monthly fees of plans among them.
    pub(super) owed_on_plans: Cents,
    /// What its minimum asks for beside the payments of plans...
    pub(super) fees: Cents,
    pub(super) penalties: Cents,
    /// ...and with them.
    pub(super) on_plans: Cents,
}

/// What a dispute is about.
pub(super) struct Parts {
    pub(super) balance: usize,
    pub(super) since: NaiveDate,
    pub(super) principal: Cents,
    pub(super) fees: Vec<FeePart>,
}

impl Dispute {
    /// Its fees as the statement of a cycle has them.
    pub(super) fn fees_shown(&self, fees: &[Fee], cycle: u32) -> FeesShown {
        let mut shown = FeesShown::default();
        for part in &self.fees {
            let Some(fee) = fees.get(part.at) else { continue };
            let (Some(first), amount) = (fee.asked_in(), part.amount) else { continue };
            if first > cycle {
                continue;
            }
            let asked = if first == cycle { amount.min(fee.asked) } else { Cents::ZERO };
            shown.owed += amount;
            if fee.of_instalments {
                shown.owed_on_plans += amount;
                shown.on_plans += asked;
            } else if fee.kind.penalty() {
                shown.penalties += asked;
            } else {
                shown.fees += asked;
            }
        }
        shown
    }
}

impl State {
    /// What a dispute is about. Of a draw its share of the fee is disputed with it, as a related charge (12 CFR 1026.13(d)(1)); of the
    /// fees of a kind the newest are meant.
    pub(super) fn parts_of(&self, subject: Disputed, amount: Cents) -> Parts {
        let whole =
            Parts { balance: 0, since: self.begins_on, principal: amount, fees: Vec::new() };
        match subject {
            Disputed::Other => whole,
            Disputed::Draw { draw } => {
                let found = self.drawn.iter().find(|drawn| drawn.draw == draw);
                found.map_or(whole, |drawn| self.parts_of_draw(drawn, amount))
            }
            Disputed::Fee { fee } => self.parts_of_fees(fee, amount),
        }
    }

    fn parts_of_draw(&self, drawn: &Drawn, amount: Cents) -> Parts {
        let share = |fee: Cents| {
            let part = i128::from(fee.get()) * i128::from(amount.min(drawn.amount).get());
            let whole = i128::from(drawn.amount.get()).max(1);
            Cents::from_ratio(part, whole, Rounding::HalfUp).unwrap_or_default()
        };
        let own = drawn.fee.and_then(|at| self.fees.get(at).map(|fee| (at, fee)));
        let fees = own.map(|(at, fee)| {
            let amount = share(fee.amount).min(self.undisputed_of(at, fee));
            FeePart { at, amount }
        });
        Parts {
            balance: drawn.balance,
            since: drawn.on,
            principal: amount + share(drawn.joined),
            fees: fees.into_iter().collect(),
        }
    }

    /// What of a fee was not given back and is in no dispute yet.
    fn undisputed_of(&self, at: usize, fee: &Fee) -> Cents {
        let parts = self.disputes.iter().flat_map(|one| &one.fees);
        let disputed: Cents = parts.filter(|part| part.at == at).map(|part| part.amount).sum();
        (fee.amount - fee.given_back - disputed).or_zero()
    }

    fn parts_of_fees(&self, kind: FeeKind, amount: Cents) -> Parts {
        let mut left = amount;
        let mut take = |most: Cents| {
            let taken = left.min(most.or_zero());
            left -= taken;
            taken
        };
        let places = self.fees.iter().enumerate().rev().filter(|(_, fee)| fee.may_be(kind));
        let parts =
            places.map(|(at, fee)| FeePart { at, amount: take(self.undisputed_of(at, fee)) });
        let fees: Vec<FeePart> = parts.filter(|part| part.amount.is_positive()).collect();
        let joined: Cents = self.drawn.iter().map(|one| one.joined).sum();
        let joins = kind == FeeKind::Draw;
        let principal = if joins { take(joined - self.joined_given_back) } else { Cents::ZERO };
        let first = fees.last().and_then(|part| self.fees.get(part.at));
        let (balance, since) =
            first.map_or((0, self.begins_on), |fee| (fee.balance, fee.assessed_on));
        Parts { balance, since, principal, fees }
    }
}
