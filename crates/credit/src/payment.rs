//! The waterfall: how a payment is used up (docs/engine.md; V21-V25 of `tests/vectors.rs`).
//!
//! Invariant: the parts of an allocation sum to the amount.

use std::cmp::Reverse;

use chrono::NaiveDate;
use identity::PaymentId;
use money::Cents;
use serde::{Deserialize, Serialize};

use crate::{
    FeeKind, Terms,
    balance::Balance,
    product::{PrincipalOrder, RoundedAt, WaterfallStep},
    state::{BilledInterest, Fee, State},
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
    /// What of it counted to which minimum.
    pub counted: Vec<Counted>,
}

/// What a payment or credit counted to a minimum, which its dates name: two can have come in with the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// 0 for a minimum brought forward.
    pub cycle: u32,
    pub due_on: NaiveDate,
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
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
#[derive(Default)]
struct Flow {
    payment: Option<PaymentId>,
    left: Cents,
    /// Of the minimums, when it began.
    minimum_left: Cents,
    /// Of them, penalty fees.
    penalties_left: Cents,
    parts: Vec<AllocationPart>,
}

impl Flow {
    /// Takes what is left, up to `unpaid`.
    fn take(&mut self, unpaid: Cents, to: AllocationTo) -> Cents {
        let taken = unpaid.min(self.left).or_zero();
        if taken.is_positive() {
            self.left -= taken;
            self.minimum_left = (self.minimum_left - taken).or_zero();
            if matches!(to, AllocationTo::PenaltyFee { .. }) {
                self.penalties_left = (self.penalties_left - taken).or_zero();
            }
            self.parts.push(AllocationPart { to, amount: taken });
        }
        taken
    }
}

impl State {
    /// Uses up `amount` on the day being lived; what nothing needs becomes a credit balance.
    pub(crate) fn allocate(
        &mut self,
        terms: &Terms,
        payment: Option<PaymentId>,
        amount: Cents,
    ) -> Vec<AllocationPart> {
        self.allocate_to(terms, (payment, amount), |_| true)
    }

    /// At a close, once interest is billed: what had been paid of it beyond that. None of the cycle accrues any more.
    pub(crate) fn allocate_overpaid(&mut self, terms: &Terms, amount: Cents) {
        self.allocate_to(terms, (None, amount), |step| step != WaterfallStep::AccruedInterest);
    }

    fn allocate_to(
        &mut self,
        terms: &Terms,
        (payment, amount): (Option<PaymentId>, Cents),
        goes_to: fn(WaterfallStep) -> bool,
    ) -> Vec<AllocationPart> {
        let minimum_left = self.obligations.iter().map(|due| due.unpaid).sum();
        let penalties_left = self.penalties_asked(terms).min(minimum_left);
        let mut flow =
            Flow { payment, left: amount, minimum_left, penalties_left, parts: Vec::new() };
        for step in terms.product.waterfall.steps.iter().filter(|step| goes_to(**step)) {
            // To rank balances and to price the cycle for nothing costs more than the rest.
            if flow.left.is_zero() {
                break;
            }
            match step {
                WaterfallStep::BilledInterest => {
                    self.pay_interest(terms, &mut flow, None, Up::All);
                }
                WaterfallStep::BilledFees => self.pay_fees(terms, &mut flow, FeeStep::Billed),
                WaterfallStep::PenaltyFees => self.pay_fees(terms, &mut flow, FeeStep::Penalty),
                WaterfallStep::OpenFees => self.pay_fees(terms, &mut flow, FeeStep::Open),
                WaterfallStep::AccruedInterest => self.pay_accrued(terms, &mut flow),
                WaterfallStep::MinimumPrincipal | WaterfallStep::MinimumBalances => {
                    let whole = *step == WaterfallStep::MinimumBalances;
                    if whole {
                        // Penalty fees are of a balance as well, and what the minimum asks for them goes by the same order.
                        flow.penalties_left = Cents::ZERO;
                    }
                    let order = self.principal_order(terms, terms.product.waterfall.minimum_order);
                    let planned =
                        |at: &usize| self.balances.get(*at).is_some_and(|one| one.plan.is_some());
                    let (plans, others): (Vec<usize>, Vec<usize>) =
                        order.into_iter().partition(planned);
                    for at in plans {
                        self.pay_balance(terms, &mut flow, (at, whole), Up::Instalment);
                    }
                    for at in others {
                        self.pay_balance(terms, &mut flow, (at, whole), Up::Minimum);
                    }
                }
                WaterfallStep::Principal | WaterfallStep::Balances => {
                    let whole = *step == WaterfallStep::Balances;
                    for at in self.excess_order(terms) {
                        self.pay_balance(terms, &mut flow, (at, whole), Up::All);
                    }
                }
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
        (payment, first): (Option<PaymentId>, Option<usize>),
        seq: u64,
        amount: Cents,
    ) {
        if payment.is_some() && terms.product.interest.rounded_at == RoundedAt::Payments {
            for balance in &mut self.balances {
                balance.rounds = true;
            }
        }
        let mut parts = self.pay_feature(terms, first, amount);
        let taken: Cents = parts.iter().map(|part| part.amount).sum();
        parts.extend(self.allocate(terms, payment, amount - taken));
        let counts = payment.is_some() || self.minimum_terms(terms).credits_count;
        let counted = self.count_to_minimums(terms, if counts { amount } else { Cents::ZERO });
        self.grace.pay(self.day, amount);
        let effective_on = self.day;
        self.allocations.push(Allocation { payment, seq, effective_on, amount, parts, counted });
    }

    /// Principal of one feature, newest balance last.
    fn pay_feature(
        &mut self,
        terms: &Terms,
        feature: Option<usize>,
        amount: Cents,
    ) -> Vec<AllocationPart> {
        let mut flow = Flow { left: amount, ..Flow::default() };
        for at in 0..self.balances.len() {
            if feature.is_some() && self.balances.get(at).map(|one| one.feature) == feature {
                self.pay_balance(terms, &mut flow, (at, false), Up::All);
            }
        }
        flow.parts
    }

    /// Billed interest, oldest first: of all balances, or of one.
    fn pay_interest(&mut self, terms: &Terms, flow: &mut Flow, of: Option<usize>, up: Up) {
        let bears = terms.product.interest.on_billed_interest;
        let mut relieved = Vec::new();
        let mine = |billed: &&mut BilledInterest| of.is_none_or(|at| billed.balance == at);
        for billed in self.interest.iter_mut().filter(mine) {
            let feature = self.balances.get(billed.balance).map(|balance| balance.name.clone());
            let feature = feature.unwrap_or_default();
            let to = AllocationTo::BilledInterest { cycle: billed.cycle, feature };
            let taken = flow.take(up.cap(billed.unpaid, flow), to);
            billed.unpaid -= taken;
            relieved.push((billed.balance, taken, true));
        }
        self.interest.retain(|billed| !billed.unpaid.is_zero());
        self.relieve(terms, (flow, bears), &relieved);
    }

    fn pay_fees(&mut self, terms: &Terms, flow: &mut Flow, step: FeeStep) {
        self.pay_fees_of(terms, flow, (None, step), Up::All);
    }

    fn pay_fees_of(
        &mut self,
        terms: &Terms,
        flow: &mut Flow,
        (of, step): (Option<usize>, FeeStep),
        up: Up,
    ) {
        let bears = terms.product.interest.on_fees;
        let mut relieved = Vec::new();
        let mine = |fee: &&mut Fee| {
            of.is_none_or(|at| fee.balance == at) && step.takes(fee.kind, fee.billed_in)
        };
        for fee in self.fees.iter_mut().filter(mine) {
            let to = match (fee.kind.penalty(), fee.billed_in) {
                (true, _) => AllocationTo::PenaltyFee { fee: fee.kind },
                (false, Some(_)) => AllocationTo::BilledFee { fee: fee.kind },
                (false, None) => AllocationTo::OpenFee { fee: fee.kind },
            };
            let taken = flow.take(up.cap(fee.unpaid, flow), to);
            fee.unpaid -= taken;
            relieved.push((fee.balance, taken, fee.billed_in.is_some()));
        }
        self.relieve(terms, (flow, bears), &relieved);
    }

    /// What was paid of charges that bear interest: within grace it counts from the first day, if a statement has billed it.
    fn relieve(
        &mut self,
        terms: &Terms,
        (flow, bears): (&Flow, bool),
        paid: &[(usize, Cents, bool)],
    ) {
        if !bears {
            return;
        }
        for (at, amount, billed) in paid.iter().filter(|(_, amount, _)| amount.is_positive()) {
            let Some(balance) = self.balances.get_mut(*at) else { continue };
            balance.repaid += *amount;
            if *billed {
                self.relieve_within_grace(terms, (*at, flow.payment, *amount));
            }
        }
    }

    /// The principal of a balance or, where the product goes balance by balance, its charges too.
    fn pay_balance(&mut self, terms: &Terms, flow: &mut Flow, (at, whole): (usize, bool), up: Up) {
        if whole {
            self.pay_interest(terms, flow, Some(at), up);
            self.pay_fees_of(terms, flow, (Some(at), FeeStep::Any), up);
        }
        let Some(balance) = self.balances.get_mut(at) else { return };
        let feature = balance.name.clone();
        let to = match up {
            Up::Minimum | Up::Instalment => AllocationTo::MinimumPrincipal { feature },
            Up::All => AllocationTo::Principal { feature },
        };
        let payable = match up {
            Up::Instalment => balance.instalment_due(),
            Up::Minimum | Up::All => balance.principal(),
        };
        let taken = flow.take(up.cap(payable, flow), to);
        if let Some(plan) = &mut balance.plan {
            plan.due = (plan.due - taken).or_zero();
        }
        let of_carried = taken.min(balance.carried);
        balance.carried -= of_carried;
        balance.fresh -= taken - of_carried;
        balance.repaid += taken;
        self.relieve_within_grace(terms, (at, flow.payment, of_carried));
    }

    /// Beyond the minimum a balance whose deferral is about to end comes first, where the product says so.
    fn excess_order(&self, terms: &Terms) -> Vec<usize> {
        let waterfall = &terms.product.waterfall;
        let mut order = self.principal_order(terms, waterfall.excess_order);
        if waterfall.deferred_first_in_last_cycles > 0 {
            let last = waterfall.deferred_first_in_last_cycles;
            order.sort_by_key(|at| {
                !self.balances.get(*at).is_some_and(|one| self.ends_within(terms, one, last))
            });
        }
        order
    }

    /// This cycle is one of the `cycles` last ones before the deferral of a balance ends. One in which it ends before the due date
    /// is none of them (comment 53(b) to 12 CFR 1026.53).
    fn ends_within(&self, terms: &Terms, balance: &Balance, cycles: u32) -> bool {
        let promotion = balance.promotion.filter(|promotion| promotion.deferred);
        let Some(promotion) =
            promotion.filter(|one| one.holds(self.day, self.cycle.since_opening()))
        else {
            return false;
        };
        let (mut starts_on, mut closes_on) = (self.cycle.starts_on, self.cycle.closes_on);
        for ahead in 0..=cycles {
            let number = self.cycle.since_opening() + ahead;
            let next = closes_on.succ_opt().unwrap_or(closes_on);
            if !promotion.holds(next, number + 1) {
                let before = starts_on.pred_opt().unwrap_or(starts_on);
                let due_on = self.schedule.due_on(before, &terms.product.dates);
                let due = (starts_on..=closes_on).contains(&due_on) && number > 1;
                let broken = due && !promotion.holds(due_on, number);
                return if broken { ahead > 0 } else { ahead < cycles };
            }
            (starts_on, closes_on) = (next, self.schedule.close_of(next));
        }
        false
    }

    /// The rates that rank balances are those in force on the day of the payment.
    fn principal_order(&self, terms: &Terms, by: PrincipalOrder) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.balances.len()).collect();
        let apr = |at: &usize| {
            self.balances
                .get(*at)
                .map(|balance| balance.apr_on(terms, self.day, &self.cycle))
                .unwrap_or_default()
        };
        let owed = |at: &usize| self.balances.get(*at).map(Balance::principal).unwrap_or_default();
        match by {
            PrincipalOrder::HighestApr => order.sort_by_key(|at| Reverse(apr(at))),
            PrincipalOrder::LowestApr => order.sort_by_key(apr),
            PrincipalOrder::AsListed => {
                order.sort_by_key(|at| self.balances.get(*at).map(|balance| balance.feature));
            }
            PrincipalOrder::LargestBalance => order.sort_by_key(|at| Reverse(owed(at))),
            PrincipalOrder::SmallestBalance => order.sort_by_key(owed),
        }
        order
    }

    fn pay_accrued(&mut self, terms: &Terms, flow: &mut Flow) {
        let owed = self.accrued_by_balance(terms);
        for (balance, owed) in self.balances.iter_mut().zip(owed) {
            let feature = balance.name.clone();
            balance.prepaid += flow.take(owed, AllocationTo::AccruedInterest { feature });
        }
    }
}

#[derive(Clone, Copy)]
enum FeeStep {
    Billed,
    Penalty,
    Open,
    Any,
}

impl FeeStep {
    const fn takes(self, kind: FeeKind, billed_in: Option<u32>) -> bool {
        match self {
            Self::Billed => !kind.penalty() && billed_in.is_some(),
            Self::Penalty => kind.penalty(),
            Self::Open => !kind.penalty() && billed_in.is_none(),
            Self::Any => true,
        }
    }
}

/// How far a step goes.
#[derive(Clone, Copy)]
enum Up {
    Minimum,
    /// As `Minimum`, of a plan: what statements have asked for.
    Instalment,
    All,
}

impl Up {
    fn cap(self, unpaid: Cents, flow: &Flow) -> Cents {
        match self {
            Self::Minimum | Self::Instalment => {
                unpaid.min(flow.minimum_left - flow.penalties_left).or_zero()
            }
            Self::All => unpaid,
        }
    }
}
