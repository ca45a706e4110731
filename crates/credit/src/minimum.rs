//! The minimum payment (our own terms: docs/engine.md; V15-V18 of `tests/vectors.rs`).

use money::{Apr, Cents, Rounding};
use serde::{Deserialize, Serialize};

use crate::{
    FeeKind, InterestLine, Terms,
    product::{MinimumArm, MinimumBase, MinimumPart, MinimumTerms},
    repayment::level_payment,
    state::{Fee, State},
};

mod paid;

/// What the formula is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinimumInputs {
    #[serde(rename = "principal_cents")]
    pub principal: Cents,
    #[serde(rename = "new_balance_cents")]
    pub new_balance: Cents,
    /// First billed on this statement: what is still unpaid, or all of it where the product says so...
    #[serde(rename = "interest_cents")]
    pub interest: Cents,
    #[serde(rename = "fees_cents")]
    pub fees: Cents,
    #[serde(rename = "penalty_fees_cents")]
    pub penalty_fees: Cents,
    /// ...and of that, what was paid already. It is in no balance any more.
    #[serde(
        default,
        rename = "interest_paid_cents",
        skip_serializing_if = "crate::units::nothing"
    )]
    pub interest_paid: Cents,
    #[serde(default, rename = "fees_paid_cents", skip_serializing_if = "crate::units::nothing")]
    pub fees_paid: Cents,
    #[serde(
        default,
        rename = "penalty_fees_paid_cents",
        skip_serializing_if = "crate::units::nothing"
    )]
    pub penalty_fees_paid: Cents,
    /// Asked for by earlier statements and unpaid...
    #[serde(rename = "past_due_cents")]
    pub past_due: Cents,
    /// ...and of it, what falls due after this close.
    #[serde(default, rename = "not_yet_due_cents", skip_serializing_if = "crate::units::nothing")]
    pub not_yet_due: Cents,
    #[serde(rename = "over_limit_cents")]
    pub over_limit: Cents,
    #[serde(default, rename = "credit_limit_cents")]
    pub credit_limit: Cents,
    #[serde(default, rename = "principal_after_last_draw_cents")]
    pub principal_after_last_draw: Cents,
    /// The highest new balance since nothing was owed, plans aside.
    #[serde(default, rename = "highest_balance_cents")]
    pub highest_balance: Cents,
    /// Statements since the last one whose minimum was missed.
    #[serde(default)]
    pub cycles_since_missed: Option<u32>,
    /// The rate of the line's largest balance.
    #[serde(default, rename = "apr_ppm")]
    pub apr: Apr,
    /// The number of the cycle, from the opening of the line.
    #[serde(default)]
    pub cycle: u32,
    /// Level payments of plans, asked for beside the formula...
    #[serde(default, rename = "instalments_cents")]
    pub instalments: Cents,
    /// ...and all that is owed on them, which the formula leaves out.
    #[serde(default, rename = "instalment_balances_cents")]
    pub instalment_balances: Cents,
    /// Of balances with instalments: what earlier statements asked for and was not paid. Part of what is past due.
    #[serde(
        default,
        rename = "instalments_before_cents",
        skip_serializing_if = "crate::units::nothing"
    )]
    pub instalments_before: Cents,
    /// With which the repayment period began, plans aside.
    #[serde(
        default,
        rename = "principal_at_repayment_cents",
        skip_serializing_if = "crate::units::nothing"
    )]
    pub principal_at_repayment: Cents,
    /// Which statement of the repayment period it is; absent while draws can be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repayment_statement: Option<u32>,
    /// It is the last one, or comes after it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all_falls_due: bool,
    /// Held out of the rest because it is disputed.
    #[serde(default, rename = "disputed_cents")]
    pub disputed: Cents,
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
    /// The part that no earlier statement asked for.
    #[serde(rename = "own_cents")]
    pub own: Cents,
}

impl Minimum {
    /// What earlier statements asked for of it: past due, and not yet due.
    pub(crate) fn asked_before(&self) -> (Cents, Cents) {
        let earlier = self.due - self.own;
        let past_due = (self.inputs.past_due - self.inputs.not_yet_due).min(earlier).or_zero();
        (past_due, earlier - past_due)
    }
}

impl MinimumInputs {
    /// Of interest, fees and penalty fees: what is in the balance.
    fn unpaid_charges(&self) -> [Cents; 3] {
        [
            (self.interest - self.interest_paid).or_zero(),
            (self.fees - self.fees_paid).or_zero(),
            (self.penalty_fees - self.penalty_fees_paid).or_zero(),
        ]
    }

    /// Owed apart from plans, whose payments come beside it.
    pub(crate) fn owed_beside_plans(&self) -> Cents {
        (self.total_owed - self.instalment_balances).or_zero()
    }
}

impl MinimumTerms {
    /// `min(total owed, max(arms) + past due + over limit)`.
    #[must_use]
    pub fn apply(&self, inputs: MinimumInputs) -> Minimum {
        let arms: Vec<Cents> = self.arms.iter().map(|arm| arm.apply(&inputs)).collect();
        let base = self.largest(&arms, &inputs)
            + self.added(&inputs).into_iter().map(|(_, part)| part).sum();
        let due = self.asked_for(&inputs, base).min(inputs.total_owed).or_zero();
        // What was asked for before is asked for already, whether this formula repeats it or not.
        Minimum { inputs, arms, base, due, own: (due - inputs.past_due).or_zero() }
    }

    /// The largest arm; beside instalments never above what is owed apart from them and not asked for as past due.
    pub(crate) fn largest(&self, arms: &[Cents], inputs: &MinimumInputs) -> Cents {
        let largest = arms.iter().copied().max().unwrap_or_default();
        if inputs.instalment_balances.is_zero() {
            return largest;
        }
        let (owed, past_due) = self.beside_plans(inputs);
        largest.min((owed - past_due).or_zero())
    }

    /// What is owed apart from plans, and what of it is asked for as past due.
    pub(crate) fn beside_plans(&self, inputs: &MinimumInputs) -> (Cents, Cents) {
        let past_due = (inputs.past_due - inputs.instalments_before).or_zero();
        (inputs.owed_beside_plans(), when(self.add_past_due, past_due))
    }

    /// What comes on top of the largest arm.
    pub(crate) fn added(&self, inputs: &MinimumInputs) -> [(&'static str, Cents); 5] {
        [
            ("instalments", inputs.instalments),
            (
                "over the limit",
                when(self.add_over_limit, self.part_of(inputs.over_limit) - self.instead(inputs)),
            ),
            ("interest billed on this statement", when(self.add_interest, inputs.interest)),
            ("draw and plan fees billed on this statement", when(self.add_fees, inputs.fees)),
            (
                "penalty fees billed on this statement",
                when(self.add_penalty_fees, inputs.penalty_fees),
            ),
        ]
    }

    /// What is past due takes the place of as much of the excess over the limit, where the greater of both is meant.
    fn instead(&self, inputs: &MinimumInputs) -> Cents {
        when(self.past_due_or_over_limit, inputs.past_due.min(self.part_of(inputs.over_limit)))
    }

    /// What is asked for of an excess over the limit.
    fn part_of(&self, over_limit: Cents) -> Cents {
        let one_of = self.over_limit_one_of.unwrap_or(1).into();
        let part = Cents::from_ratio(over_limit.get().into(), one_of, Rounding::HalfUp);
        let dollar = Cents::new(100);
        to_multiples(part.unwrap_or_default(), self.over_limit_whole_dollars, dollar)
    }

    /// Before it is capped by what is owed.
    pub(crate) fn asked_for(&self, inputs: &MinimumInputs, base: Cents) -> Cents {
        if inputs.all_falls_due {
            return inputs.owed_beside_plans() + inputs.instalments + inputs.instalments_before;
        }
        let past_due = when(self.add_past_due, inputs.past_due);
        let all = to_multiples(base + past_due, self.whole_dollars, self.multiple_of);
        if (1..=self.free_cycles).contains(&inputs.cycle) { past_due } else { all }
    }
}

fn when(wanted: bool, amount: Cents) -> Cents {
    if wanted { amount } else { Cents::ZERO }
}

pub(crate) fn to_multiples(amount: Cents, rounding: Option<Rounding>, of: Cents) -> Cents {
    let Some(rounding) = rounding else { return amount };
    let multiple = i128::from(of.get().max(1));
    let count = money::divide(i128::from(amount.get()), multiple, rounding);
    let rounded = count.and_then(|count| i64::try_from(count * multiple).ok());
    Cents::new(rounded.unwrap_or_default())
}

impl MinimumArm {
    fn apply(&self, inputs: &MinimumInputs) -> Cents {
        let sum = self.parts(inputs).into_iter().sum();
        let sum = to_multiples(sum, self.whole_dollars, self.multiple_of);
        self.most.map_or(sum, |most| sum.min(most))
    }

    /// What its parts come to, each rounded by itself.
    pub(crate) fn parts(&self, inputs: &MinimumInputs) -> [Cents; 9] {
        let base = self.base(inputs);
        let share = base.mul_ppm(self.percent.ppm(), self.rounding).unwrap_or_default();
        let part = self.one_of.and_then(|parts| {
            Cents::from_ratio(i128::from(base.get()), parts.into(), self.rounding)
        });
        let level = self
            .amortised_over
            .map(|months| level_payment(base, inputs.apr, months, Rounding::HalfUp));
        let bracket = self.brackets.iter().find(|one| one.up_to.is_none_or(|top| base <= top));
        let late = inputs.cycles_since_missed.is_some_and(|ago| ago <= self.late_within_cycles);
        [
            self.amount_when_late.filter(|_| late).unwrap_or(self.amount),
            share,
            part.unwrap_or_default(),
            level.unwrap_or_default(),
            bracket.map(|bracket| bracket.amount).unwrap_or_default(),
            when(self.plus_past_due, inputs.past_due),
            when(self.plus_interest, inputs.interest),
            when(self.plus_fees, inputs.fees),
            when(self.plus_penalty_fees, inputs.penalty_fees),
        ]
    }

    /// What `parts` are, in their order.
    pub(crate) fn labels(&self, inputs: &MinimumInputs) -> [String; 9] {
        let base = self.base(inputs);
        let months = self.amortised_over.unwrap_or_default();
        [
            "fixed amount".to_owned(),
            format!("{} of {base}", self.percent),
            format!("one of {} parts of {base}", self.one_of.unwrap_or_default()),
            format!("level payment of {base} over {months} months at {}", inputs.apr),
            format!("by the size of {base}"),
            "past due".to_owned(),
            "interest billed on this statement".to_owned(),
            "draw and plan fees billed on this statement".to_owned(),
            "penalty fees billed on this statement".to_owned(),
        ]
    }

    fn base(&self, inputs: &MinimumInputs) -> Cents {
        let [interest, fees, penalty_fees] = inputs.unpaid_charges();
        let base = match self.of {
            MinimumBase::Principal => inputs.principal,
            MinimumBase::NewBalance => inputs.new_balance,
            MinimumBase::NewBalanceLessCharges => {
                inputs.new_balance - interest - fees - penalty_fees
            }
            MinimumBase::PrincipalAfterLastDraw => inputs.principal_after_last_draw,
            MinimumBase::HighestBalance => inputs.highest_balance,
            MinimumBase::PrincipalAtRepayment => inputs.principal_at_repayment,
            MinimumBase::CreditLimit => inputs.credit_limit,
        };
        let less: Cents = self
            .less
            .iter()
            .map(|part| match part {
                MinimumPart::Interest => interest,
                MinimumPart::Fees => fees,
                MinimumPart::PenaltyFees => penalty_fees,
                MinimumPart::PastDue => inputs.past_due,
                MinimumPart::OverLimit => inputs.over_limit,
            })
            .sum();
        (base - less).or_zero()
    }
}

impl State {
    pub(crate) fn minimum(&mut self, terms: &Terms, lines: &[InterestLine]) -> Minimum {
        let asked = self.ask_for_instalments();
        let whole = self.with_repayment(terms, self.minimum_inputs(terms));
        let on_plans = asked.principal + asked.interest + asked.fees + asked.charges_before;
        let new_balance = (whole.new_balance - on_plans).or_zero();
        let paid = self.paid_charges(terms, lines);
        let inputs = MinimumInputs {
            instalments: asked.payments,
            instalment_balances: on_plans,
            instalments_before: asked.principal_before + asked.charges_before,
            principal: whole.principal - asked.principal,
            interest: whole.interest - asked.interest + paid.interest,
            fees: whole.fees - asked.fees + paid.fees,
            penalty_fees: whole.penalty_fees + paid.penalty_fees,
            interest_paid: paid.interest,
            fees_paid: paid.fees,
            penalty_fees_paid: paid.penalty_fees,
            new_balance,
            highest_balance: self.highest_balance.max(new_balance),
            ..whole
        };
        // Disputes are held out of what a minimum goes by, and not out of what was owed.
        self.highest_balance =
            if new_balance.is_positive() { inputs.highest_balance } else { Cents::ZERO };
        debug_assert!(inputs.interest <= lines.iter().map(|line| line.amount).sum());
        let minimum = self.without_disputes(terms, inputs, lines);
        self.count_repayment();
        if self.needs_a_statement(lines) {
            minimum
        } else {
            Minimum { due: Cents::ZERO, own: Cents::ZERO, ..minimum }
        }
    }

    /// More than a dollar is owed either way, or a finance charge was imposed (12 CFR 1026.5(b)(2)(i)): nothing is asked for by a
    /// statement that nobody is sent.
    fn needs_a_statement(&self, lines: &[InterestLine]) -> bool {
        let cycle = self.cycle.number;
        let charged = |fee: &Fee| {
            fee.kind == FeeKind::Draw && fee.asked_in() == Some(cycle) && fee.amount.is_positive()
        };
        self.balance().abs() > Cents::new(100)
            || lines.iter().any(|line| line.amount.is_positive())
            || self.fee_bearing_draws.is_positive()
            || self.fees.iter().any(charged)
    }

    /// Fees of the cycle that has closed less those that its minimum asks for, and of penalties the same: not zero where one was
    /// recorded late.
    pub(crate) fn fees_asked_elsewhere(&self, terms: &Terms) -> (Cents, Cents) {
        let cycle = Some(self.cycle.number);
        let in_full = self.minimum_terms(terms).paid_charges_count;
        let asked = |fee: &Fee| fee.unpaid + when(in_full, fee.paid());
        let sum = |penalty: bool, of: fn(&Fee) -> Option<u32>| -> Cents {
            let mine = self.fees.iter().filter(|fee| fee.kind.penalty() == penalty);
            mine.filter(|fee| of(fee) == cycle).map(asked).sum()
        };
        let less = |penalty| sum(penalty, |fee| fee.billed_in) - sum(penalty, Fee::asked_in);
        (less(false), less(true))
    }

    /// Penalty fees that unpaid minimums ask for, where they ask for any: these are no principal of theirs.
    pub(crate) fn penalties_asked(&self, terms: &Terms) -> Cents {
        let minimum = self.minimum_terms(terms);
        let asks = minimum.add_penalty_fees || minimum.arms.iter().any(|arm| arm.plus_penalty_fees);
        let billed = |fee: &&Fee| fee.kind.penalty() && fee.asked_in() < Some(self.cycle.number);
        let asked = self.fees.iter().filter(billed).filter(|fee| fee.billed_in.is_some());
        when(asks, asked.map(|fee| fee.unpaid).sum())
    }

    fn apr_of_largest(&self, terms: &Terms) -> Apr {
        let largest = self.balances.iter().max_by_key(|balance| balance.principal());
        largest.map(|one| one.apr_on(terms, self.day, &self.cycle)).unwrap_or_default()
    }

    fn minimum_inputs(&self, terms: &Terms) -> MinimumInputs {
        let cycle = self.cycle.number;
        let billed = |wanted: fn(FeeKind) -> bool| -> Cents {
            self.fees
                .iter()
                .filter(|fee| fee.asked_in() == Some(cycle) && wanted(fee.kind))
                .map(|fee| fee.unpaid)
                .sum()
        };
        let interest: Cents = self
            .interest
            .iter()
            .filter(|billed| billed.cycle == cycle)
            .map(|billed| billed.unpaid)
            .sum();
        let penalty_fees = self.fees(true);
        let new_balance = self.balance().or_zero();
        let less = if self.minimum_terms(terms).cap_includes_penalty_fees {
            Cents::ZERO
        } else {
            penalty_fees
        };
        MinimumInputs {
            principal: self.principal(),
            new_balance,
            interest,
            fees: billed(|kind| !kind.penalty()),
            penalty_fees: billed(FeeKind::penalty),
            past_due: self.obligations.iter().map(|due| due.owed).sum(),
            not_yet_due: self
                .obligations
                .iter()
                .filter(|due| due.enforceable_on > self.day)
                .map(|due| due.owed)
                .sum(),
            over_limit: self.over_limit(terms),
            total_owed: (new_balance - less).or_zero(),
            credit_limit: self.credit_limit,
            principal_after_last_draw: self.after_last_draw,
            highest_balance: self.highest_balance,
            cycles_since_missed: self
                .missed
                .iter()
                .max()
                .map(|missed| cycle.saturating_sub(*missed)),
            apr: self.apr_of_largest(terms),
            cycle: self.cycle.since_opening(),
            instalments: Cents::ZERO,
            instalment_balances: Cents::ZERO,
            instalments_before: Cents::ZERO,
            disputed: Cents::ZERO,
            ..MinimumInputs::default()
        }
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
