//! The waterfall: how a payment is used up, and how a return gives back what it had paid (docs/engine.md; V21-V25 of `tests/vectors.rs`).
//!
//! Invariant: the parts of an allocation sum to the amount.

use chrono::NaiveDate;
use identity::PaymentId;
use money::Cents;
use serde::{Deserialize, Serialize};

use crate::{
    FeeKind, Terms,
    product::{PrincipalOrder, WaterfallStep},
    state::{BilledInterest, State},
};

/// How one payment or credit was split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// `None` for a credit that is not a payment.
    pub payment: Option<PaymentId>,
    pub seq: u64,
    pub effective_on: NaiveDate,
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
    pub parts: Vec<AllocationPart>,
    /// What of it counted to which cycle's minimum.
    pub counted: Vec<(u32, Cents)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocationPart {
    pub to: AllocationTo,
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum AllocationTo {
    BilledInterest {
        cycle: u32,
        feature: String,
    },
    BilledFee {
        fee: FeeKind,
    },
    /// Principal, as part of the minimum.
    MinimumPrincipal {
        feature: String,
    },
    PenaltyFee {
        fee: FeeKind,
    },
    Principal {
        feature: String,
    },
    /// A draw or plan fee that no statement has shown yet.
    OpenFee {
        fee: FeeKind,
    },
    /// Interest accrued to the day before, not yet billed.
    AccruedInterest {
        feature: String,
    },
    CreditBalance,
}

impl AllocationTo {
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::BilledInterest { cycle: 0, feature } => {
                format!("billed interest on {feature}, brought forward")
            }
            Self::BilledInterest { cycle, feature } => {
                format!("billed interest on {feature} of statement {cycle}")
            }
            Self::BilledFee { fee } => format!("billed {}", fee.label()),
            Self::MinimumPrincipal { feature } => format!("principal of {feature} in the minimum"),
            Self::PenaltyFee { fee } => fee.label().to_owned(),
            Self::Principal { feature } => format!("principal of {feature}"),
            Self::OpenFee { fee } => format!("unbilled {}", fee.label()),
            Self::AccruedInterest { feature } => format!("accrued interest on {feature}"),
            Self::CreditBalance => "credit balance".to_owned(),
        }
    }
}

/// An amount on its way down the waterfall.
struct Flow {
    left: Cents,
    /// Of the minimums, when it began.
    minimum_left: Cents,
    parts: Vec<AllocationPart>,
}

impl Flow {
    /// Takes what is left, up to `unpaid`.
    fn take(&mut self, unpaid: Cents, to: AllocationTo) -> Cents {
        let taken = unpaid.min(self.left).or_zero();
        if taken.is_positive() {
            self.left -= taken;
            self.minimum_left = (self.minimum_left - taken).or_zero();
            self.parts.push(AllocationPart { to, amount: taken });
        }
        taken
    }
}

impl State {
    /// Uses up `amount` on the day being lived; what nothing needs becomes a credit balance.
    pub(crate) fn allocate(&mut self, terms: &Terms, amount: Cents) -> Vec<AllocationPart> {
        let minimum_left = self.obligations.iter().map(|due| due.unpaid).sum();
        let mut flow = Flow { left: amount, minimum_left, parts: Vec::new() };
        for step in &terms.product.waterfall.steps {
            match step {
                WaterfallStep::BilledInterest => self.pay_billed_interest(&mut flow),
                WaterfallStep::BilledFees => self.pay_fees(&mut flow, FeeStep::Billed),
                WaterfallStep::MinimumPrincipal => {
                    let order = terms.product.waterfall.minimum_order;
                    self.pay_principal(terms, &mut flow, order, true);
                }
                WaterfallStep::PenaltyFees => self.pay_fees(&mut flow, FeeStep::Penalty),
                WaterfallStep::Principal => {
                    let order = terms.product.waterfall.excess_order;
                    self.pay_principal(terms, &mut flow, order, false);
                }
                WaterfallStep::OpenFees => self.pay_fees(&mut flow, FeeStep::Open),
                WaterfallStep::AccruedInterest => self.pay_accrued(terms, &mut flow),
            }
        }
        let credit = flow.left;
        self.credit_balance += flow.take(credit, AllocationTo::CreditBalance);
        flow.parts
    }

    /// A payment or credit: the waterfall, and what it counts for.
    pub(crate) fn receive(
        &mut self,
        terms: &Terms,
        payment: Option<PaymentId>,
        seq: u64,
        amount: Cents,
    ) {
        let parts = self.allocate(terms, amount);
        let counted = self.count_to_minimums(amount);
        if self.day <= self.grace.due_on {
            self.grace.paid += amount;
        }
        let effective_on = self.day;
        self.allocations.push(Allocation { payment, seq, effective_on, amount, parts, counted });
    }

    fn pay_billed_interest(&mut self, flow: &mut Flow) {
        for billed in &mut self.interest {
            let feature = self.balances.get(billed.balance).map(|balance| balance.name.clone());
            let to = AllocationTo::BilledInterest {
                cycle: billed.cycle,
                feature: feature.unwrap_or_default(),
            };
            billed.unpaid -= flow.take(billed.unpaid, to);
        }
        self.interest.retain(|billed| !billed.unpaid.is_zero());
    }

    fn pay_fees(&mut self, flow: &mut Flow, step: FeeStep) {
        for fee in self.fees.iter_mut().filter(|fee| step.takes(fee.kind, fee.billed_in)) {
            let to = match step {
                FeeStep::Billed => AllocationTo::BilledFee { fee: fee.kind },
                FeeStep::Penalty => AllocationTo::PenaltyFee { fee: fee.kind },
                FeeStep::Open => AllocationTo::OpenFee { fee: fee.kind },
            };
            fee.unpaid -= flow.take(fee.unpaid, to);
        }
    }

    fn pay_principal(&mut self, terms: &Terms, flow: &mut Flow, by: PrincipalOrder, minimum: bool) {
        let within_grace = self.day <= self.grace.due_on;
        for at in self.principal_order(terms, by) {
            let Some(balance) = self.balances.get_mut(at) else { continue };
            let (feature, owed) = (balance.name.clone(), balance.principal());
            let taken = if minimum {
                let part = owed.min(flow.minimum_left);
                flow.take(part, AllocationTo::MinimumPrincipal { feature })
            } else {
                flow.take(owed, AllocationTo::Principal { feature })
            };
            let of_carried = taken.min(balance.carried);
            balance.carried -= of_carried;
            balance.fresh -= taken - of_carried;
            balance.repaid += taken;
            if within_grace {
                let (rates, days) = (balance.accrual.rates, balance.accrual.days);
                balance.accrual.relief.add_days(of_carried, rates, days);
            }
        }
    }

    /// The rates that rank balances are those in force on the day of the payment.
    fn principal_order(&self, terms: &Terms, by: PrincipalOrder) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.balances.len()).collect();
        let apr = |at: &usize| {
            self.balances
                .get(*at)
                .map(|balance| balance.apr_on(terms, self.day, self.cycle.number))
                .unwrap_or_default()
        };
        match by {
            PrincipalOrder::HighestApr => order.sort_by_key(|at| std::cmp::Reverse(apr(at))),
            PrincipalOrder::LowestApr => order.sort_by_key(apr),
            PrincipalOrder::AsListed => {}
        }
        order
    }

    fn pay_accrued(&mut self, terms: &Terms, flow: &mut Flow) {
        let owed: Vec<Cents> =
            self.balances.iter().map(|balance| self.accrued_on(terms, balance)).collect();
        for (balance, owed) in self.balances.iter_mut().zip(owed) {
            let feature = balance.name.clone();
            balance.prepaid += flow.take(owed, AllocationTo::AccruedInterest { feature });
        }
    }

    /// Gives back what a payment had paid, on the day being lived (where returns count from their own date).
    pub(crate) fn restore(&mut self, payment: PaymentId) {
        let found = self.allocations.iter().position(|one| one.payment == Some(payment));
        let Some(allocation) = found.map(|at| self.allocations.remove(at)) else { return };
        for part in &allocation.parts {
            self.restore_part(part);
        }
        for (cycle, amount) in &allocation.counted {
            for due in self.obligations.iter_mut().filter(|due| due.cycle == *cycle) {
                due.unpaid += *amount;
                due.owed += *amount;
            }
        }
        if allocation.effective_on <= self.grace.due_on
            && allocation.effective_on >= self.cycle.starts_on
        {
            self.grace.paid -= allocation.amount;
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

#[derive(Clone, Copy)]
enum FeeStep {
    Billed,
    Penalty,
    Open,
}

impl FeeStep {
    const fn takes(self, kind: FeeKind, billed_in: Option<u32>) -> bool {
        match self {
            Self::Billed => !kind.penalty() && billed_in.is_some(),
            Self::Penalty => kind.penalty(),
            Self::Open => !kind.penalty() && billed_in.is_none(),
        }
    }
}
