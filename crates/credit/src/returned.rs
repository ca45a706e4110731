//! A payment that came back: it gives back what it had paid, where it counts until then.

use identity::PaymentId;
use money::Cents;

use crate::{
    FeeKind,
    payment::{AllocationPart, AllocationTo, Counted},
    state::{BilledInterest, Obligation, State},
};

impl State {
    /// Gives back what a payment had paid, on the day being lived (where returns count from their own date).
    pub(crate) fn restore(&mut self, payment: PaymentId) {
        let found = self.allocations.iter().position(|one| one.payment == Some(payment));
        let Some(allocation) = found.map(|at| self.allocations.remove(at)) else { return };
        for part in &allocation.parts {
            self.restore_part(part);
        }
        for balance in &mut self.balances {
            balance.reliefs.retain(|relief| relief.payment != Some(payment));
        }
        for counted in &allocation.counted {
            self.owe_minimum(*counted);
        }
        let came_back = (payment, allocation.effective_on, allocation.amount);
        self.grace.restore(came_back, self.cycle.starts_on);
    }

    /// What was met is asked for again. What falls due anew after a dispute, on the day of another minimum of its cycle, has the same
    /// name: what was paid of one is no more than it was.
    fn owe_minimum(&mut self, Counted { cycle, due_on, amount }: Counted) {
        let named = |due: &Obligation| (due.cycle, due.due_on) == (cycle, due_on);
        if let Some(at) = self.met.iter().position(named) {
            let due = self.met.remove(at);
            self.obligations.push(due);
            self.obligations.sort_by_key(|due| (due.cycle, due.enforceable_on));
        }
        let fits = |due: &Obligation| named(due) && due.owed + amount <= due.amount;
        let fitting = self.obligations.iter().position(fits);
        let at = fitting.or_else(|| self.obligations.iter().position(named));
        if let Some(due) = at.and_then(|at| self.obligations.get_mut(at)) {
            due.unpaid += amount;
            due.owed += amount;
        }
    }

    fn restore_part(&mut self, part: &AllocationPart) {
        let amount = part.amount;
        let at = |name: &str| self.balances.iter().position(|balance| balance.name == name);
        match &part.to {
            AllocationTo::BilledInterest { cycle, feature } => {
                let balance = at(feature).unwrap_or_default();
                self.owe_interest(*cycle, balance, amount);
            }
            AllocationTo::MinimumPrincipal { feature } | AllocationTo::Principal { feature } => {
                let at = at(feature).unwrap_or_default();
                if let Some(plan) = self.balances.get_mut(at).and_then(|one| one.plan.as_mut())
                    && matches!(part.to, AllocationTo::MinimumPrincipal { .. })
                {
                    plan.due += amount;
                }
                self.owe_principal(at, amount);
            }
            AllocationTo::AccruedInterest { feature } => {
                let index = at(feature).unwrap_or_default();
                let open = self.balances.get_mut(index).filter(|one| one.prepaid >= amount);
                match open {
                    Some(balance) => balance.prepaid -= amount,
                    None => self.owe_interest(self.cycle.number.saturating_sub(1), index, amount),
                }
            }
            AllocationTo::BilledFee { fee }
            | AllocationTo::PenaltyFee { fee }
            | AllocationTo::OpenFee { fee } => self.owe_fee(*fee, amount),
            AllocationTo::CreditBalance => {
                let from_credit = amount.min(self.credit_balance);
                self.credit_balance -= from_credit;
                self.owe_principal(0, amount - from_credit);
            }
        }
    }

    fn owe_interest(&mut self, cycle: u32, balance: usize, amount: Cents) {
        let same = |one: &&mut BilledInterest| one.cycle == cycle && one.balance == balance;
        if let Some(billed) = self.interest.iter_mut().find(same) {
            billed.unpaid += amount;
        } else {
            self.interest.push(BilledInterest { cycle, balance, unpaid: amount });
            self.interest.sort_by_key(|billed| (billed.cycle, billed.balance));
        }
    }

    /// Puts `amount` back on paid fees of the kind, latest first.
    fn owe_fee(&mut self, kind: FeeKind, amount: Cents) {
        let mut left = amount;
        for fee in self.fees.iter_mut().rev().filter(|fee| fee.kind == kind) {
            let back = left.min(fee.amount - fee.unpaid).or_zero();
            fee.unpaid += back;
            left -= back;
        }
        self.owe_principal(0, left);
    }

    pub(crate) fn owe_principal(&mut self, at: usize, amount: Cents) {
        if let Some(balance) = self.balances.get_mut(at) {
            balance.carried += amount;
        }
    }
}
