//! The close of a cycle: interest billed, fees billed, the minimum, and the next cycle.

use chrono::{Days, NaiveDate};
use money::{Apr, Cents};
use serde::{Deserialize, Serialize};

use crate::{
    Charge, FeeKind, InterestLine, Terms,
    balance::Balance,
    instalments::{InstalmentFee, less_waived},
    mapr::CycleCharges,
    minimum::Minimum,
    product::{GraceKind, PlanFeeDay, Regime},
    state::{AtClose, BilledInterest, Fee, Obligation, OpenCycle, State},
    statement_terms::UnusedRate,
    timeline::{Printed, Timeline},
};

/// What a closed cycle comes to, with all that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleRecord {
    pub number: u32,
    pub starts_on: NaiveDate,
    pub closes_on: NaiveDate,
    pub due_on: NaiveDate,
    pub interest: Vec<InterestLine>,
    #[serde(rename = "plan_fee_cents")]
    pub plan_fee: Cents,
    /// Of it, charged on the first day.
    #[serde(
        default,
        rename = "first_day_fee_cents",
        skip_serializing_if = "crate::units::nothing"
    )]
    pub first_day_fee: Cents,
    /// Of it, of each plan of instalments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instalment_fees: Vec<InstalmentFee>,
    #[serde(rename = "over_limit_fee_cents")]
    pub over_limit_fee: Cents,
    /// Fees of the cycle that the military cap takes back, the plan fee aside.
    #[serde(rename = "waived_cents")]
    pub waived: Cents,
    /// What the rate of 32 CFR 232.4 is computed from, after any waiver.
    pub charges: CycleCharges,
    #[serde(rename = "principal_cents")]
    pub principal: Cents,
    #[serde(rename = "billed_interest_cents")]
    pub billed_interest: Cents,
    #[serde(rename = "fees_cents")]
    pub fees: Cents,
    #[serde(rename = "penalty_fees_cents")]
    pub penalty_fees: Cents,
    #[serde(rename = "credit_balance_cents")]
    pub credit_balance: Cents,
    /// All of the above: the new balance.
    #[serde(rename = "balance_cents")]
    pub balance: Cents,
    pub minimum: Minimum,
    #[serde(rename = "credit_limit_cents")]
    pub credit_limit: Cents,
    #[serde(rename = "available_credit_cents")]
    pub available_credit: Cents,
    /// What spares interest on features with grace, paid by the due date; absent where there is none.
    #[serde(rename = "pay_to_avoid_interest_cents")]
    pub pay_to_avoid_interest: Option<Cents>,
    /// Principal by balance, at its rate.
    pub principals: Vec<RatedPrincipal>,
    /// Rates that a draw could have had, where nothing was owed at them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unused_rates: Vec<UnusedRate>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatedPrincipal {
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
    /// Interest and fees that are unpaid on the balance.
    #[serde(default, rename = "charges_cents", skip_serializing_if = "crate::units::nothing")]
    pub charges: Cents,
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    /// The rate once a promotion has ended, and in how many cycles that is.
    pub later: Option<(u32, Apr)>,
}

impl State {
    /// Ends the cycle that closes on the day being lived.
    pub(crate) fn close_cycle(&mut self, timeline: &Timeline<'_>) {
        let terms = self.terms_today(timeline);
        let printed = timeline.printed.get(&self.cycle.number);
        self.charge_plan_fee(terms, PlanFeeDay::LastDay);
        let of_plans = self.charge_instalment_fees(terms);
        self.settle_late_grace(&timeline.versions, self.day.succ_opt().unwrap_or(self.day));
        let (lines, waived, charges) = self.bill_interest(terms);
        let plan_fee = self.cycle.plan_fee.unwrap_or_default() - waived.plan;
        let over_limit_fee = self.charge_over_limit_fee(terms, timeline);
        let cycle = self.cycle.number;
        for fee in self.fees.iter_mut().filter(|fee| fee.billed_in.is_none()) {
            fee.billed_in = Some(cycle);
        }
        let in_full = self.minimum_terms(terms).paid_charges_count;
        for fee in self.fees.iter_mut().filter(|fee| fee.asked_in() == Some(cycle)) {
            fee.asked = if in_full { fee.unpaid + fee.paid() } else { fee.unpaid };
        }
        let due_on = self.schedule.due_on(self.cycle.closes_on, &terms.product.dates);
        let minimum = self.minimum(terms, &lines);
        let sent_on = printed.map_or(Some(self.cycle.closes_on), |printed| printed.sent_on);
        let last_timely = self.oblige(terms, &minimum, (due_on, sent_on), printed);
        self.turn_grace(terms, last_timely, sent_on);
        let unused_rates = self.unused_rates(terms, &lines);
        self.records.push(CycleRecord {
            number: cycle,
            starts_on: self.cycle.starts_on,
            closes_on: self.cycle.closes_on,
            due_on,
            interest: lines,
            plan_fee,
            first_day_fee: self.cycle.first_day_fee.min(plan_fee),
            instalment_fees: less_waived(of_plans, waived.plan),
            over_limit_fee,
            waived: waived.other,
            charges,
            principal: self.principal(),
            billed_interest: self.billed_interest(),
            fees: self.fees(false),
            penalty_fees: self.fees(true),
            credit_balance: self.credit_balance,
            balance: self.balance(),
            minimum,
            credit_limit: self.credit_limit,
            available_credit: self.available_credit(terms),
            pay_to_avoid_interest: (terms.product.grace.kind == GraceKind::PaidInFull)
                .then(|| (self.balance() - self.left_out_of_grace(terms)).or_zero()),
            principals: self.principals(terms),
            unused_rates,
        });
        self.open_next_cycle(terms);
    }

    /// For a cycle that ends above the limit.
    fn charge_over_limit_fee(&mut self, terms: &Terms, timeline: &Timeline<'_>) -> Cents {
        let Some(rule) = terms.product.fees.over_limit else { return Cents::ZERO };
        let excess = self.over_limit(terms);
        let before = self.fees_for_this_excess(terms);
        let enough = rule.most_cycles_in_a_row.is_some_and(|most| before >= most);
        let by_charges = terms.product.regime == Regime::Card && self.only_charges_exceed(terms);
        if excess.is_zero() || enough || by_charges || self.capped_by_law() {
            return Cents::ZERO;
        }
        let amount = if rule.capped_by_excess { rule.amount.min(excess) } else { rule.amount };
        let charge = Charge::OverLimitFee { cycle: self.cycle.number };
        self.charge_by_terms(timeline, &charge, FeeKind::OverLimit, amount);
        amount
    }

    /// Without the interest and the fees charged since the cycle of the last draw the balance is within the limit
    /// (12 CFR 1026.56(j)(4)).
    fn only_charges_exceed(&self, terms: &Terms) -> bool {
        let last = self.drawn.iter().map(|drawn| drawn.on).max();
        let before = self.records.iter().rev().find(|record| last >= Some(record.starts_on));
        let of_draw = match (last, before) {
            (Some(on), _) if on >= self.cycle.starts_on => self.cycle.number,
            (_, record) => record.map_or(1, |record| record.number),
        };
        let interest = self.interest.iter().filter(|one| one.cycle >= of_draw);
        let fees = self.fees.iter().filter(|one| one.billed_in.is_none_or(|at| at >= of_draw));
        let from = self.records.iter().find(|record| record.number == of_draw);
        let from = from.map_or(self.cycle.starts_on, |record| record.starts_on);
        let joined = self.drawn.iter().filter(|one| one.on >= from);
        let joined: Cents = joined.map(|one| one.joined).sum();
        let charged: Cents = interest.map(|one| one.unpaid).chain(fees.map(|one| one.unpaid)).sum();
        let counts = terms.product.limits.charges_use_limit;
        let drawn = if counts { self.balance() - charged } else { self.principal() };
        drawn - joined <= self.credit_limit
    }

    /// Over-limit fees of earlier cycles since the last draw beyond the limit, or since the balance was last within it.
    fn fees_for_this_excess(&self, terms: &Terms) -> u32 {
        let drew_in = |from: NaiveDate| self.drawn.iter().any(|drawn| drawn.on >= from);
        let mut fees = 0;
        let mut later = self.cycle.starts_on;
        for record in self.records.iter().rev() {
            if drew_in(later) || record.within_limit(terms) {
                break;
            }
            fees += u32::from(record.over_limit_fee.is_positive());
            later = record.starts_on;
        }
        fees
    }

    fn bill_interest(&mut self, terms: &Terms) -> (Vec<InterestLine>, WaivedFees, CycleCharges) {
        let mut lines: Vec<InterestLine> =
            self.balances.iter().map(|balance| self.interest_line(terms, balance)).collect();
        let numerators: Vec<i128> = lines.iter().map(|line| line.numerator).collect();
        for (line, share) in lines.iter_mut().zip(self.rounded(terms, &numerators)) {
            line.shared = share - line.amount;
            line.amount = share;
        }
        // What was paid off before the close bears no minimum.
        let total: Cents = lines.iter().map(|line| line.amount).sum();
        let paid_off = self.prepaid() >= total;
        let least = if paid_off || self.capped_by_law() {
            Cents::ZERO
        } else {
            terms.product.interest.minimum_charge
        };
        waive_below(&mut lines, terms.product.interest.waived_below);
        let raised = raise_to_minimum_charge(&mut lines, least);
        let (waived, charges) = self.keep_to_mapr(terms, &mut lines, raised);
        let cycle = self.cycle.number;
        let mut overpaid = Cents::ZERO;
        for (at, (line, balance)) in lines.iter_mut().zip(&mut self.balances).enumerate() {
            line.prepaid = balance.prepaid.min(line.amount);
            overpaid += balance.prepaid - line.prepaid;
            balance.prepaid = Cents::ZERO;
            let unpaid = line.amount - line.prepaid;
            if unpaid.is_positive() {
                self.interest.push(BilledInterest { cycle, balance: at, unpaid });
            }
        }
        if overpaid.is_positive() {
            self.allocate_overpaid(terms, overpaid);
        }
        self.settle_from_credit();
        (lines, waived, charges)
    }

    /// A covered borrower's cycle is kept to the cap of 32 CFR 232.4: fees are waived before interest.
    fn keep_to_mapr(
        &mut self,
        terms: &Terms,
        lines: &mut [InterestLine],
        raised: Cents,
    ) -> (WaivedFees, CycleCharges) {
        let own = || self.fees.iter().filter(|fee| of_cycle(fee));
        let fees = own().map(|fee| fee.amount).sum();
        let plan = |fee: &&Fee| fee.kind == FeeKind::Plan;
        let plans = own().filter(plan);
        let recent = self.fees.iter().filter(plan).filter(|fee| {
            fee.billed_in.is_some_and(|billed_in| billed_in + 11 >= self.cycle.number)
        });
        let days = lines.iter().map(|line| line.days).max().unwrap_or_default();
        let bearing = |(line, balance): (&InterestLine, &Balance)| {
            line.sum_bearing_interest(&terms.product.interest_of(balance.feature), days)
        };
        let bearing: Cents = lines.iter().zip(&self.balances).map(bearing).sum();
        // Where the one balance that bears interest is none, and no draw bore a fee: the days, so that a fee is held to something.
        let sum_of_balances = if bearing.is_positive() || self.fee_bearing_draws.is_positive() {
            bearing
        } else {
            lines.iter().map(|line| line.sum_of_daily_balances).sum()
        };
        let mut charges = CycleCharges {
            interest: lines.iter().map(|line| line.amount).sum(),
            raised,
            cut: Cents::ZERO,
            fees,
            sum_of_balances,
            draws_apart: terms.product.leaves_fee_draws_out(),
            days,
            fee_bearing_draws: self.fee_bearing_draws,
            apr: lines.iter().map(InterestLine::highest_rate).max().unwrap_or_default(),
            participation_fees: plans.map(|fee| fee.amount).sum(),
            participation_fees_before: recent.map(|fee| fee.amount).sum(),
        };
        if !terms.covered_borrower {
            return (WaivedFees::default(), charges);
        }
        let waived = charges.waived();
        let mut kept = self.take_fees_back(waived.fees, charges.rate().is_none());
        let mut left = waived.interest;
        for line in lines.iter_mut().rev() {
            let less = line.amount.min(left);
            line.amount -= less;
            left -= less;
        }
        charges.participation_fees -= kept.plan;
        // A plan fee that the terms did not charge was posted as a fact.
        let by_terms = self.cycle.plan_fee.unwrap_or_default();
        kept.other += (kept.plan - by_terms).or_zero();
        kept.plan = kept.plan.min(by_terms);
        charges.fees -= kept.plan + kept.other;
        charges.interest -= waived.interest;
        charges.cut = (waived.interest - charges.raised).or_zero();
        charges.raised = (charges.raised - waived.interest).or_zero();
        (kept, charges)
    }

    /// Of the fees of the cycle, latest first; participation fees after all others, where only these may stand.
    fn take_fees_back(&mut self, amount: Cents, others_first: bool) -> WaivedFees {
        let mut fees: Vec<&mut Fee> =
            self.fees.iter_mut().rev().filter(|fee| of_cycle(fee)).collect();
        if others_first {
            fees.sort_by_key(|fee| fee.kind == FeeKind::Plan);
        }
        let (mut kept, mut left) = (WaivedFees::default(), amount);
        for fee in fees {
            let less = left.min(fee.amount);
            fee.amount -= less;
            self.credit_balance += (less - fee.unpaid).or_zero();
            fee.unpaid = (fee.unpaid - less).or_zero();
            left -= less;
            *(if fee.kind == FeeKind::Plan { &mut kept.plan } else { &mut kept.other }) += less;
        }
        kept
    }

    /// A credit balance pays what is billed: interest, then fees, penalties last as in the waterfall.
    fn settle_from_credit(&mut self) {
        for billed in &mut self.interest {
            let paid = billed.unpaid.min(self.credit_balance);
            billed.unpaid -= paid;
            self.credit_balance -= paid;
        }
        self.interest.retain(|billed| !billed.unpaid.is_zero());
        for penalty in [false, true] {
            for fee in self.fees.iter_mut().filter(|fee| fee.kind.penalty() == penalty) {
                let paid = fee.unpaid.min(self.credit_balance);
                fee.unpaid -= paid;
                self.credit_balance -= paid;
            }
        }
    }

    /// Gives the last day on which a payment is timely; `NaiveDate::MAX` while the statement has not left.
    fn oblige(
        &mut self,
        terms: &Terms,
        minimum: &Minimum,
        (due_on, sent_on): (NaiveDate, Option<NaiveDate>),
        printed: Option<&Printed>,
    ) -> NaiveDate {
        let due_on = printed.map_or(due_on, |printed| printed.due_on);
        let owed = printed.map_or(minimum.own, |printed| printed.own_minimum.min(minimum.own));
        let asked = printed.map_or(minimum.due, |printed| printed.minimum.min(minimum.due));
        let enforce = |sent_on| terms.product.dates.enforceable_due_on(due_on, sent_on);
        let enforceable_on = sent_on.map_or(NaiveDate::MAX, enforce);
        // Recomputed, less what the recomputed ones before it ask for: a late fact can set these above the printed ones. A fee is in
        // that of its cycle, however late it was recorded: who pays what first does not go by when it was learned.
        let (fees, penalty_fees) = self.fees_asked_elsewhere(terms);
        let at_close = AtClose {
            amount: owed,
            past_due: self.obligations.iter().map(|due| due.unpaid).sum(),
            fees: minimum.inputs.fees + fees,
            penalty_fees: minimum.inputs.penalty_fees + penalty_fees,
        };
        let obligation = Obligation {
            cycle: self.cycle.number,
            due_on,
            enforceable_on,
            unpaid: terms.product.minimum_for(at_close.recomputed(minimum.inputs)).own,
            owed,
            amount: owed,
            minimum: asked,
            tested: asked.is_zero(),
            missed: false,
            at_close: Some(at_close),
        };
        // A statement that only repeats what is past due has its own due date and late fee all the same; one that asked for nothing
        // has none, whatever is learned of it since.
        if minimum.due.is_positive() {
            if asked.is_positive() && enforceable_on < NaiveDate::MAX {
                self.awaited.push((self.cycle.number, enforceable_on));
                self.enforce_what_never_left(enforceable_on);
            }
            self.obligations.push(obligation);
        }
        enforceable_on
    }

    /// Before what is held; nothing once draws have ended.
    pub(crate) fn available_credit(&self, terms: &Terms) -> Cents {
        let left = (self.credit_limit - self.uses_limit(terms)).or_zero();
        if self.repaying.is_some() { Cents::ZERO } else { left }
    }

    /// What of the limit is used.
    pub(crate) fn uses_limit(&self, terms: &Terms) -> Cents {
        let charges = self.billed_interest() + self.fees(false) + self.fees(true);
        let counts = terms.product.limits.charges_use_limit;
        self.principal() + if counts { charges } else { Cents::ZERO }
    }

    fn principals(&self, terms: &Terms) -> Vec<RatedPrincipal> {
        let owed = self.balances.iter().zip(self.unpaid_by_balance());
        let owed = owed.filter(|(one, charges)| (one.principal() + *charges).is_positive());
        owed.map(|(balance, charges)| RatedPrincipal {
            amount: balance.principal(),
            charges,
            apr: balance.apr_on(terms, self.day, &self.cycle),
            later: self.after_promotion(terms, balance),
        })
        .collect()
    }

    fn open_next_cycle(&mut self, terms: &Terms) {
        let starts_on =
            self.cycle.closes_on.checked_add_days(Days::new(1)).unwrap_or(self.cycle.closes_on);
        let charges = self.charges_by_balance(terms);
        for (balance, charges) in self.balances.iter_mut().zip(charges) {
            if balance.deferred_due(starts_on, self.cycle.since_opening() + 1) != 0 {
                balance.deferred = 0;
            }
            balance.deferred_before = balance.deferred;
            balance.spared_before = 0;
            balance.carried += balance.fresh;
            balance.fresh = Cents::ZERO;
            balance.opening = balance.carried + charges;
            balance.repaid = Cents::ZERO;
            balance.reliefs.clear();
            balance.spans.clear();
        }
        self.fee_bearing_draws = Cents::ZERO;
        self.cycle = OpenCycle {
            number: self.cycle.number + 1,
            elsewhere: self.cycle.elsewhere,
            starts_on,
            closes_on: self.schedule.close_of(starts_on),
            plan_fee: None,
            first_day_fee: Cents::ZERO,
            penalty: self.cycle.penalty,
            discounts: self.cycle.discounts_from(starts_on),
        };
    }
}

/// Of the open cycle, and no penalty.
fn of_cycle(fee: &Fee) -> bool {
    fee.billed_in.is_none() && !fee.kind.penalty()
}

/// By how much, where interest was charged at all.
fn raise_to_minimum_charge(lines: &mut [InterestLine], least: Cents) -> Cents {
    let total: Cents = lines.iter().map(|line| line.amount).sum();
    if !total.is_positive() || total >= least {
        return Cents::ZERO;
    }
    if let Some(largest) = lines.iter_mut().max_by_key(|line| line.amount) {
        largest.amount += least - total;
    }
    least - total
}

fn waive_below(lines: &mut [InterestLine], least: Cents) {
    if lines.iter().map(|line| line.amount).sum::<Cents>() < least {
        for line in lines {
            line.amount = Cents::ZERO;
        }
    }
}

/// What the military cap takes back of the fees of a cycle.
#[derive(Clone, Copy, Default)]
struct WaivedFees {
    plan: Cents,
    other: Cents,
}
