//! What having the line costs: the fees of the plan, on the first or the last day of a cycle.

use money::{Cents, Rounding};

use crate::{
    FeeKind, FlagKind, Terms,
    interest::GraceOutcome,
    product::{PlanFee, PlanFeeBase, PlanFeeDay},
    state::State,
};

impl State {
    pub(crate) fn charge_plan_fee(&mut self, terms: &Terms, on: PlanFeeDay) {
        let fees = &terms.product.fees;
        let rules = fees.plan.iter().chain(&fees.further_plans);
        let mut rules = rules.filter(|rule| rule.on == on).peekable();
        if rules.peek().is_none() {
            return;
        }
        let amount = rules.map(|rule| self.plan_fee_now(terms, rule)).sum();
        let amount = self.fee_room(terms).map_or(amount, |room| room.min(amount));
        self.cycle.plan_fee = Some(self.cycle.plan_fee.unwrap_or_default() + amount);
        if on == PlanFeeDay::FirstDay {
            self.cycle.first_day_fee = amount;
        }
        self.charge(FeeKind::Plan, 0, amount);
    }

    fn plan_fee_now(&self, terms: &Terms, rule: &PlanFee) -> Cents {
        let nth = self.cycle.since_opening().checked_sub(rule.free_cycles + 1);
        let its_turn = nth.is_some_and(|nth| nth % rule.every_cycles.max(1) == 0);
        let stopped = rule.stops_when_past_due
            && (self.past_due(self.day).is_positive() || self.flagged(&[FlagKind::Frozen]));
        let idle = rule.only_with_balance && !self.balance().is_positive();
        let free = !its_turn || stopped || idle || self.closed_on.is_some() || self.capped_by_law();
        if free { Cents::ZERO } else { self.plan_fee(terms, rule) }
    }

    fn plan_fee(&self, terms: &Terms, rule: &PlanFee) -> Cents {
        let base = match rule.of {
            PlanFeeBase::PrincipalAtCharge => self.principal(),
            PlanFeeBase::CreditLimit => self.credit_limit,
            PlanFeeBase::AverageDailyBalance => {
                let priced = self
                    .balances
                    .iter()
                    .map(|balance| balance.price(terms, GraceOutcome::Charged, &self.cycle));
                priced.map(|priced| priced.average(Rounding::HalfUp)).sum()
            }
        };
        let bracket = rule.brackets.iter().find(|one| one.up_to.is_none_or(|top| base <= top));
        let fixed = bracket.map_or(rule.amount, |bracket| bracket.amount);
        let share = base.mul_ppm(rule.percent.ppm(), Rounding::HalfUp).unwrap_or_default();
        let fee = (fixed + share).max(rule.least);
        rule.most.map_or(fee, |most| fee.min(most))
    }
}
