//! Draws that are repaid by payments of their own.
//!
//! Invariant: a statement asks for one payment of each plan, interest of the cycle included, and the last takes the rest. What is
//! paid of a plan beyond that shortens it.

use money::{Apr, Cents, Rounding};
use serde::{Deserialize, Serialize};

use crate::{
    FeeKind, Terms,
    balance::{Balance, Plan},
    minimum::to_multiples,
    product::Instalments,
    repayment::level_payment,
    state::State,
};

/// The monthly fee of a plan, by the name of its balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalmentFee {
    pub feature: String,
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
}

/// What is left of them once so much was taken back, of the last one first.
pub(crate) fn less_waived(fees: Vec<InstalmentFee>, waived: Cents) -> Vec<InstalmentFee> {
    let (mut fees, mut left) = (fees, waived);
    for fee in fees.iter_mut().rev() {
        let less = fee.amount.min(left);
        fee.amount -= less;
        left -= less;
    }
    fees.retain(|fee| fee.amount.is_positive());
    fees
}

/// What the plans of a line ask for on a statement.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) payments: Cents,
    pub(crate) principal: Cents,
    /// Billed by the statement.
    pub(crate) interest: Cents,
    pub(crate) fees: Cents,
    /// Interest and fees of earlier statements that are not paid: part of what is past due.
    pub(crate) charges_before: Cents,
    /// And their principal.
    pub(crate) principal_before: Cents,
}

impl Instalments {
    /// What each month asks for of a draw.
    fn payment(&self, drawn: Cents, apr: Apr) -> Cents {
        let up = self.payment_rounded_up_to.is_positive().then_some(Rounding::Up);
        let rounding = up.unwrap_or(Rounding::HalfUp);
        let payment = match self.payment_percent {
            None => level_payment(drawn, apr, self.months, rounding),
            Some(share) => drawn.mul_ppm(share.ppm(), rounding).unwrap_or_default(),
        };
        to_multiples(payment, up, self.payment_rounded_up_to)
    }

    /// What each statement that asks for a payment costs beside it.
    fn fees(&self, drawn: Cents) -> Vec<Cents> {
        let of = |percent: Apr| {
            let share = drawn.mul_ppm(percent.ppm(), Rounding::HalfUp);
            self.monthly_fee + share.unwrap_or_default()
        };
        match self.monthly_fee_percents.as_slice() {
            [] => vec![of(self.monthly_fee_percent)],
            months => months.iter().copied().map(of).collect(),
        }
    }
}

impl State {
    /// The payments of a draw that has just been made.
    pub(crate) fn begin_plan(&mut self, terms: &Terms, at: usize) {
        let (day, cycle) = (self.day, self.cycle.clone());
        let Some(balance) = self.balances.get_mut(at) else { return };
        let of =
            terms.product.features.get(balance.feature).and_then(|one| one.instalments.as_ref());
        if let Some(rule) = of.filter(|_| balance.principal().is_positive()) {
            let apr = balance.apr_on(terms, day, &cycle);
            let drawn = balance.principal();
            let payment = rule.payment(drawn, apr);
            let (left, none, fees) = (rule.months, Cents::ZERO, rule.fees(drawn));
            balance.plan = Some(Plan { payment, left, due: none, asked: none, fees });
        }
    }

    /// At a close: the fee of each plan of which the statement asks for a payment.
    pub(crate) fn charge_instalment_fees(&mut self, terms: &Terms) -> Vec<InstalmentFee> {
        let fees = self.balances.iter().map(|balance| {
            let plan = balance.plan.as_ref().filter(|plan| plan.left > 0);
            let plan = plan.filter(|_| balance.principal().is_positive());
            plan.and_then(|plan| plan.fees.first().copied()).unwrap_or_default()
        });
        let fees: Vec<Cents> = fees.collect();
        let mut charged = Vec::new();
        if self.capped_by_law() {
            return charged;
        }
        for (at, fee) in fees.into_iter().enumerate() {
            let fee = self.fee_room(terms).map_or(fee, |room| room.min(fee));
            if fee.is_positive() {
                let before = self.cycle.plan_fee.unwrap_or_default();
                self.cycle.plan_fee = Some(before + fee);
                self.charge(FeeKind::Plan, at, fee);
                if let Some(charged) = self.fees.last_mut() {
                    charged.of_instalments = true;
                }
                let feature = self.balances.get(at).map(|one| one.name.clone());
                let feature = feature.unwrap_or_default();
                charged.push(InstalmentFee { feature, amount: fee });
            }
        }
        charged
    }

    /// At a close, once interest is billed.
    pub(crate) fn ask_for_instalments(&mut self) -> Asked {
        let mut asked = Asked::default();
        let cycle = self.cycle.number;
        for (at, balance) in self.balances.iter_mut().enumerate() {
            let principal = balance.principal();
            if let Some(plan) = &mut balance.plan {
                plan.asked = Cents::ZERO;
                let interest =
                    self.interest.iter().filter(|one| one.balance == at && one.cycle < cycle);
                let fees = self.fees.iter().filter(|one| {
                    let before = one.asked_in().is_some_and(|asked| asked < cycle);
                    one.balance == at && one.of_instalments && before
                });
                asked.charges_before += interest.map(|one| one.unpaid).sum::<Cents>();
                asked.charges_before += fees.map(|one| one.unpaid).sum::<Cents>();
            }
            let Some(plan) = balance.plan.as_mut().filter(|_| principal.is_positive()) else {
                continue;
            };
            asked.principal_before += plan.due.min(principal);
            let mine = self.interest.iter().filter(|one| one.balance == at && one.cycle == cycle);
            let interest = mine.map(|one| one.unpaid).sum::<Cents>();
            // What earlier statements asked for is past due, or was waited for: it is not asked for again.
            let owed = (principal - plan.due).or_zero() + interest;
            let payment = if plan.left <= 1 { owed } else { plan.payment.min(owed) };
            plan.left = plan.left.saturating_sub(1);
            if plan.fees.len() > 1 {
                plan.fees.remove(0);
            }
            plan.due = (plan.due + (payment - interest).or_zero()).min(principal);
            let mine = self.fees.iter().filter(|one| {
                one.balance == at && one.of_instalments && one.asked_in() == Some(cycle)
            });
            let fees = mine.map(|one| one.unpaid).sum::<Cents>();
            plan.asked = payment;
            asked.fees += fees;
            asked.payments += payment + fees;
            asked.principal += principal;
            asked.interest += interest;
        }
        asked
    }
}

impl Balance {
    /// Principal that a payment of the minimum goes to.
    pub(crate) fn instalment_due(&self) -> Cents {
        self.plan.as_ref().map_or(Cents::ZERO, |plan| plan.due.min(self.principal()))
    }
}
