//! Derivations of interest, of the minimum, of what is owed and of how a payment was split.
//!
//! Invariant: where a node says how its inputs give its value, they do; figures that are only kept and not computed have no inputs.

mod interest;

use money::Cents;

use crate::{
    Allocation, CycleRecord, Derivation, How, Position, Statement,
    derivation::Value,
    minimum::{Minimum, MinimumInputs},
    product::{MinimumTerms, Product},
};

pub use interest::interest;
pub(crate) use interest::{
    DEFERRED_DUE, EARLIER_CYCLES, accrued, accrued_on, interest_line, subject_to_interest,
};

/// The minimum of a closed cycle.
#[must_use]
pub fn minimum(minimum: &Minimum, product: &Product) -> Derivation {
    let inputs = &minimum.inputs;
    let terms = product.minimum_of(inputs);
    let amount = Derivation::amount;
    let arms = minimum.arms.iter().enumerate().map(|(at, came_to)| {
        let label = format!("arm {} of the formula", at + 1);
        let parts =
            terms.arms.get(at).map(|arm| arm.labels(inputs).into_iter().zip(arm.parts(inputs)));
        let parts = parts.into_iter().flatten().filter(|(_, part)| !part.is_zero());
        let parts = parts.map(|(label, part)| amount(&label, part)).collect();
        Derivation::sum(
            "its parts, rounded or capped where the terms say so",
            &label,
            *came_to,
            parts,
        )
    });
    let arms: Vec<_> = arms.collect();
    let largest = largest_arm(terms, minimum, arms);
    let added = terms.added(inputs).into_iter().filter(|(_, part)| !part.is_zero());
    let base =
        [largest].into_iter().chain(added.map(|(label, part)| amount(label, part))).collect();
    let base = Derivation::sum(
        "the largest arm, and what the product adds to it",
        "before past due",
        minimum.base,
        base,
    );
    let past_due = if terms.add_past_due { inputs.past_due } else { Cents::ZERO };
    let asked = terms.asked_for(inputs, minimum.base);
    let rule = "with what is past due, rounded or free where the terms say so";
    let not_yet_due = inputs.not_yet_due.min(past_due);
    let mut parts = vec![base, amount("past due", past_due - not_yet_due)];
    if not_yet_due.is_positive() {
        parts.push(amount("asked for by an earlier statement, not yet due", not_yet_due));
    }
    let asked_for = if inputs.all_falls_due {
        let rule = "the last statement of the repayment period asks for all that is owed";
        let parts = vec![
            amount("owed apart from instalments", inputs.owed_beside_plans()),
            amount("instalments", inputs.instalments),
            amount("instalments that earlier statements asked for", inputs.instalments_before),
        ];
        Derivation::sum(rule, "asked for", asked, parts)
    } else {
        Derivation::sum(rule, "asked for", asked, parts)
    };
    let mut caps = vec![asked_for, owed_undisputed(inputs)];
    if minimum.due < asked.min(inputs.total_owed).or_zero() {
        let label = "no statement need be sent: a dollar or less, and no finance charge (12 CFR 1026.5(b)(2)(i))";
        caps.push(amount(label, minimum.due));
    }
    Derivation::cents(
        "min(total owed, max(arms) + what the product adds + past due) (the product's terms: products/, docs/engine.md)",
        "minimum due",
        minimum.due,
        caps,
    )
    .by(How::Least)
}

/// The largest arm; beside instalments as far as more is owed and not past due.
fn largest_arm(terms: &MinimumTerms, minimum: &Minimum, arms: Vec<Derivation>) -> Derivation {
    let (inputs, amount) = (&minimum.inputs, Derivation::amount);
    let largest = terms.largest(&minimum.arms, inputs);
    let (owed, past_due) = terms.beside_plans(inputs);
    let all = minimum.arms.iter().copied().max().unwrap_or_default();
    let greatest = Derivation::cents("the largest arm", "largest arm", all, arms).by(How::Greatest);
    if all > largest {
        let mut parts = vec![amount("owed apart from instalments", owed)];
        if past_due.is_positive() {
            parts.push(amount("past due of it", -past_due));
        }
        let rest = (owed - past_due).or_zero();
        let rule = "what is past due is asked for beside it";
        let rest =
            Derivation::sum(rule, "owed apart from instalments and what is past due", rest, parts);
        let rule = "the arms come to more than what is owed apart from instalments";
        let label = "of the largest arm";
        Derivation::cents(rule, label, largest, vec![greatest, rest]).by(How::Least)
    } else {
        greatest
    }
}

/// The most that a minimum can be: what is disputed is held out of it, as out of all that the formula goes by.
fn owed_undisputed(inputs: &MinimumInputs) -> Derivation {
    let (owed, disputed) = (inputs.total_owed, inputs.disputed);
    if !disputed.is_positive() {
        return Derivation::amount("total owed", owed);
    }
    if owed.is_zero() {
        let rule = "all that is owed is disputed (12 CFR 1026.13(d)(1))";
        return Derivation::cents(rule, "total owed, without what is disputed", owed, Vec::new());
    }
    let parts = vec![
        Derivation::amount("total owed", owed + disputed),
        Derivation::amount("disputed, with the charges on it", -disputed),
    ];
    let rule = "what is disputed need not be paid meanwhile, and is held out of the balances that the formula goes by (12 CFR 1026.13(d)(1))";
    Derivation::sum(rule, "total owed, without what is disputed", owed, parts)
}

/// The new balance of a statement.
#[must_use]
pub fn new_balance(statement: &Statement) -> Derivation {
    let amount = Derivation::amount;
    Derivation::sum(
        "previous − payments and credits + draws + fees + interest ± adjustments (12 CFR 1026.7(b))",
        &format!("new balance of statement {}", statement.number),
        statement.new_balance,
        vec![
            amount("previous balance", statement.previous_balance),
            amount("payments and credits", -statement.payments_total),
            amount("draws", statement.draws_total),
            amount("fees", statement.fees_total),
            amount("interest", statement.interest_total),
            amount("adjustments", statement.adjustments_total),
        ],
    )
}

/// How a payment was split.
#[must_use]
pub fn allocation(allocation: &Allocation) -> Derivation {
    let parts = allocation
        .parts
        .iter()
        .map(|part| Derivation::amount(&part.to.label(), part.amount))
        .collect();
    Derivation::sum(
        "waterfall of the product's terms, in this order (products/, docs/engine.md)",
        &format!("payment effective {}", allocation.effective_on),
        allocation.amount,
        parts,
    )
}

impl Position {
    /// The derivation of a figure by name; `None` where there is none of that name.
    ///
    /// `interest`, `minimum_due` (last closed cycle), `cycle.N.interest`, `cycle.N.minimum_due`, `accrued_interest`,
    /// `total_owed`, `late_fee.N`, `allocation.N` (N: the `seq` of the payment).
    #[must_use]
    pub fn explain(&self, figure: &str) -> Option<Derivation> {
        let product = &self.terms.product;
        let record = |number: &str| {
            let number = number.parse::<u32>().ok()?;
            self.cycles.iter().find(|record| record.number == number)
        };
        let due = |record: &CycleRecord| minimum(&record.minimum, product);
        match figure.split('.').collect::<Vec<_>>().as_slice() {
            ["interest"] => self.cycles.last().map(|record| interest(record, product)),
            ["minimum_due"] => self.cycles.last().map(due),
            ["cycle", number, "interest"] => record(number).map(|one| interest(one, product)),
            ["cycle", number, "minimum_due"] => record(number).map(due),
            ["accrued_interest"] => Some(accrued(self)),
            ["total_owed"] => Some(self.explain_total()),
            ["late_fee", number] => self.explain_late_fee(number.parse().ok()?),
            ["allocation", seq] => {
                let seq = seq.parse::<u64>().ok()?;
                self.allocations.iter().find(|one| one.seq == seq).map(allocation)
            }
            _ => None,
        }
    }

    fn explain_total(&self) -> Derivation {
        let amount = Derivation::amount;
        Derivation::sum(
            "principal + billed interest + fees + accrued interest − credit balance",
            &format!("owed on {}", self.on),
            self.total_owed,
            vec![
                amount("principal", self.principal_balance),
                amount("billed interest", self.billed_interest),
                amount("draw and plan fees", self.fees),
                amount("penalty fees", self.penalty_fees),
                accrued(self),
                amount("credit balance", -self.credit_balance),
            ],
        )
    }

    fn explain_late_fee(&self, cycle: u32) -> Option<Derivation> {
        let fee = self.late_fees.iter().find(|fee| fee.cycle == cycle)?;
        let amount = Derivation::amount;
        let mut inputs = vec![amount("fee before its caps", fee.uncapped)];
        if fee.amount < fee.uncapped {
            inputs.push(Derivation::cents(
                "the unpaid minimum, the whole of it or the most that the terms name",
                "cap",
                fee.amount,
                vec![
                    amount("unpaid minimum", fee.unpaid_minimum),
                    Derivation::given("charged on", Value::Date(fee.on)),
                ],
            ));
        }
        let rule = "the fee, never above the product's caps, once per cycle, at the start of the day after the grace days (products/; the cap: 12 CFR 1026.52(b)(2)(i)(A))";
        let label = format!("late fee of statement {cycle}, charged on {}", fee.on);
        Some(Derivation::cents(rule, &label, fee.amount, inputs).by(How::Least))
    }
}
