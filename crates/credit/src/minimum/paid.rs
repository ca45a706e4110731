//! Charges of a statement that were paid before it closed, and that its minimum counts all the same.

use money::Cents;

use crate::{
    InterestLine, Terms,
    state::{Fee, State},
};

/// What was paid of charges before the statement that bills them closed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Paid {
    pub(super) interest: Cents,
    pub(super) fees: Cents,
    pub(super) penalty_fees: Cents,
}

impl State {
    /// Of what this statement bills first, plans aside: what was paid before its close, where the product asks for it all the same.
    pub(super) fn paid_charges(&self, terms: &Terms, lines: &[InterestLine]) -> Paid {
        if !self.minimum_terms(terms).paid_charges_count {
            return Paid::default();
        }
        let cycle = self.cycle.number;
        let aside = |at: usize| self.balances.get(at).is_some_and(|balance| balance.plan.is_some());
        let billed = lines.iter().enumerate().filter(|(at, _)| !aside(*at));
        let billed: Cents = billed.map(|(_, line)| line.amount).sum();
        let unpaid = self.interest.iter().filter(|one| one.cycle == cycle && !aside(one.balance));
        let unpaid: Cents = unpaid.map(|one| one.unpaid).sum();
        let paid = |penalty: bool| {
            let mine = self.fees.iter().filter(|fee| {
                fee.kind.penalty() == penalty
                    && fee.asked_in() == Some(cycle)
                    && !fee.of_instalments
            });
            mine.map(Fee::paid).sum()
        };
        Paid { interest: (billed - unpaid).or_zero(), fees: paid(false), penalty_fees: paid(true) }
    }
}
