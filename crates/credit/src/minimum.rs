//! The minimum payment (our own terms: docs/engine.md; V15-V18 of `tests/vectors.rs`).

use money::{Cents, Rounding};
use serde::{Deserialize, Serialize};

use crate::{
    FeeKind, Terms,
    close::InterestLine,
    product::{MinimumArm, MinimumBase, MinimumTerms},
    state::State,
};

/// What the formula is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinimumInputs {
    #[serde(rename = "principal_cents")]
    pub principal: Cents,
    #[serde(rename = "new_balance_cents")]
    pub new_balance: Cents,
    /// First billed on this statement and still unpaid.
    #[serde(rename = "interest_cents")]
    pub interest: Cents,
    #[serde(rename = "fees_cents")]
    pub fees: Cents,
    #[serde(rename = "penalty_fees_cents")]
    pub penalty_fees: Cents,
    #[serde(rename = "past_due_cents")]
    pub past_due: Cents,
    #[serde(rename = "over_limit_cents")]
    pub over_limit: Cents,
    /// The most it can be.
    #[serde(rename = "total_owed_cents")]
    pub total_owed: Cents,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minimum {
    pub inputs: MinimumInputs,
    /// Each arm of the formula, in the product's order.
    #[serde(rename = "arms_cents")]
    pub arms: Vec<Cents>,
    /// Before past due and the cap.
    #[serde(rename = "base_cents")]
    pub base: Cents,
    #[serde(rename = "due_cents")]
    pub due: Cents,
    /// The part that is not already past due.
    #[serde(rename = "own_cents")]
    pub own: Cents,
}

impl MinimumTerms {
    /// `min(total owed, max(arms) + past due + over limit)`.
    #[must_use]
    pub fn apply(&self, inputs: MinimumInputs) -> Minimum {
        let arms: Vec<Cents> = self.arms.iter().map(|arm| arm.apply(&inputs)).collect();
        let largest = arms.iter().copied().max().unwrap_or_default();
        let past_due = if self.add_past_due { inputs.past_due } else { Cents::ZERO };
        let over_limit = if self.add_over_limit { inputs.over_limit } else { Cents::ZERO };
        let base = largest + over_limit;
        let due = (base + past_due).min(inputs.total_owed).or_zero();
        Minimum { inputs, arms, base, due, own: (due - past_due).or_zero() }
    }
}

impl MinimumArm {
    fn apply(&self, inputs: &MinimumInputs) -> Cents {
        let base = match self.of {
            MinimumBase::Principal => inputs.principal,
            MinimumBase::NewBalance => inputs.new_balance,
            MinimumBase::NewBalanceLessCharges => {
                inputs.new_balance - inputs.interest - inputs.fees - inputs.penalty_fees
            }
        };
        let share = base.or_zero().mul_ppm(self.percent.ppm(), self.rounding).unwrap_or_default();
        let part = self.one_of.and_then(|parts| {
            Cents::from_ratio(i128::from(base.or_zero().get()), parts.into(), self.rounding)
        });
        let when = |wanted: bool, amount: Cents| if wanted { amount } else { Cents::ZERO };
        let sum = self.amount
            + share
            + part.unwrap_or_default()
            + when(self.plus_interest, inputs.interest)
            + when(self.plus_fees, inputs.fees)
            + when(self.plus_penalty_fees, inputs.penalty_fees);
        match self.whole_dollars {
            None => sum,
            Some(rounding) => whole_dollars(sum, rounding),
        }
    }
}

fn whole_dollars(amount: Cents, rounding: Rounding) -> Cents {
    let dollars = money::divide(i128::from(amount.get()), 100, rounding).unwrap_or_default();
    Cents::new(i64::try_from(dollars * 100).unwrap_or_default())
}

impl State {
    pub(crate) fn minimum(&self, terms: &Terms, lines: &[InterestLine]) -> Minimum {
        let cycle = self.cycle.number;
        let billed = |wanted: fn(FeeKind) -> bool| -> Cents {
            self.fees
                .iter()
                .filter(|fee| fee.billed_in == Some(cycle) && wanted(fee.kind))
                .map(|fee| fee.unpaid)
                .sum()
        };
        let interest: Cents = self
            .interest
            .iter()
            .filter(|billed| billed.cycle == cycle)
            .map(|billed| billed.unpaid)
            .sum();
        debug_assert!(interest <= lines.iter().map(|line| line.amount).sum());
        let penalty_fees = self.fees(true);
        let new_balance = self.balance().or_zero();
        let less = if terms.product.minimum.cap_includes_penalty_fees {
            Cents::ZERO
        } else {
            penalty_fees
        };
        let over_limit = (new_balance - self.credit_limit).or_zero();
        terms.product.minimum.apply(MinimumInputs {
            principal: self.principal(),
            new_balance,
            interest,
            fees: billed(|kind| !kind.penalty()),
            penalty_fees: billed(FeeKind::penalty),
            past_due: self.obligations.iter().map(|due| due.owed).sum(),
            over_limit,
            total_owed: (new_balance - less).or_zero(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Principal, interest, fees, past due, total owed; the raw sum and the minimum due, in cents.
    #[test]
    fn v15_to_v18_the_minimum_is_the_floor_the_formula_or_all_that_is_owed() {
        let cases = [
            ("V15 floor", [40_000, 789, 0, 0, 40_789], 1_589, 2_500),
            ("V16 formula", [320_000, 6_663, 900, 0, 327_563], 13_963, 13_963),
            ("V17 total owed", [1_800, 42, 0, 0, 1_842], 78, 1_842),
            ("V18 past due", [200_000, 4_110, 0, 2_500, 204_110], 8_110, 10_610),
        ];
        for (case, [principal, interest, fees, past_due, total_owed], raw, due) in cases {
            let minimum = MinimumTerms::default().apply(MinimumInputs {
                principal: Cents::new(principal),
                interest: Cents::new(interest),
                fees: Cents::new(fees),
                past_due: Cents::new(past_due),
                total_owed: Cents::new(total_owed),
                ..MinimumInputs::default()
            });
            assert_eq!(minimum.arms.last(), Some(&Cents::new(raw)), "{case}");
            assert_eq!(minimum.due, Cents::new(due), "{case}");
        }
    }

    #[test]
    fn a_card_minimum_rounds_its_arm_to_whole_dollars() {
        let arm = MinimumArm {
            percent: money::Apr::from_ppm(10_000),
            of: MinimumBase::NewBalance,
            plus_interest: true,
            whole_dollars: Some(Rounding::HalfUp),
            ..MinimumArm::default()
        };
        let terms = MinimumTerms { arms: vec![arm], ..MinimumTerms::default() };
        let minimum = terms.apply(MinimumInputs {
            new_balance: Cents::new(123_456),
            interest: Cents::new(2_010),
            total_owed: Cents::new(123_456),
            ..MinimumInputs::default()
        });
        assert_eq!(minimum.due, Cents::new(3_200));
    }
}
