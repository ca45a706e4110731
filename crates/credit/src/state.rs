//! What replay carries from day to day.
//!
//! Invariants: principal, unpaid charges and the credit balance are never negative; money is conserved, so that their change over
//! a day equals what came in and went out.

use chrono::NaiveDate;
use identity::DrawId;
use money::{Apr, Cents, Rounding};
use serde::{Deserialize, Serialize};

use crate::{
    CreditError, FeeKind, FlagKind, Terms,
    age::Age,
    balance::Balance,
    close::CycleRecord,
    discount::Discount,
    disputes::Dispute,
    draw_fees::{FeeAsked, FeeGivenBack},
    draw_period::Repaying,
    grace::Grace,
    minimum::MinimumInputs,
    payment::Allocation,
    penalty::{Awaited, Penalty},
    product::{GraceKind, Promotion, Regime},
    terms::CycleSchedule,
    waivers::WaiverTakenBack,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The day being lived.
    pub(crate) day: NaiveDate,
    /// The first day of our books.
    pub(crate) begins_on: NaiveDate,
    /// Earlier than that where it came in from another lender.
    pub(crate) opened_on: NaiveDate,
    pub(crate) credit_limit: Cents,
    pub(crate) schedule: CycleSchedule,
    pub(crate) balances: Vec<Balance>,
    /// Oldest first.
    pub(crate) interest: Vec<BilledInterest>,
    pub(crate) fees: Vec<Fee>,
    pub(crate) credit_balance: Cents,
    pub(crate) cycle: OpenCycle,
    pub(crate) obligations: Vec<Obligation>,
    /// Minimums that were met, where a return of the payment undoes that from its own day only.
    #[serde(default)]
    pub(crate) met: Vec<Obligation>,
    pub(crate) grace: Grace,
    pub(crate) flags: Vec<StandingFlag>,
    pub(crate) closed_on: Option<NaiveDate>,
    pub(crate) records: Vec<CycleRecord>,
    pub(crate) late_fees: Vec<LateFeeRecord>,
    pub(crate) allocations: Vec<Allocation>,
    /// Open ones.
    pub(crate) disputes: Vec<Dispute>,
    /// Where each draw went.
    pub(crate) drawn: Vec<Drawn>,
    /// Draws before the line came in with a balance.
    #[serde(default)]
    pub(crate) drawn_elsewhere: u32,
    #[serde(default)]
    pub(crate) fees_asked: Vec<FeeAsked>,
    #[serde(default)]
    pub(crate) fees_given_back: Vec<FeeGivenBack>,
    /// Of draw fees that joined the balance, what waivers gave back.
    #[serde(default)]
    pub(crate) joined_given_back: Cents,
    #[serde(default)]
    pub(crate) waivers_taken_back: Vec<WaiverTakenBack>,
    /// Principal as the last draw left it, plans aside.
    pub(crate) after_last_draw: Cents,
    /// The highest new balance since a statement owed nothing, plans aside both times.
    #[serde(default)]
    pub(crate) highest_balance: Cents,
    /// Draws of the open cycle that bore a fee.
    pub(crate) fee_bearing_draws: Cents,
    /// Cycles whose minimum was not paid by its due date.
    pub(crate) missed: Vec<u32>,
    /// Cycles in which a payment came back at a fee.
    pub(crate) returned_in: Vec<u32>,
    /// A minimum was past due this morning.
    #[serde(default)]
    pub(crate) late: bool,
    /// The last day on which what was past due was paid.
    #[serde(default)]
    pub(crate) current_since: Option<NaiveDate>,
    /// Minimums whose last timely day has not passed.
    pub(crate) awaited: Vec<Awaited>,
    /// The late fee that the terms forgive was forgiven.
    pub(crate) late_fee_forgiven: bool,
    /// Fees charged in the line's first year, penalties apart.
    pub(crate) first_year_fees: Cents,
    /// It came in with a balance, and when it was opened is not known: its first year is not ours.
    pub(crate) boarded: bool,
    /// Draws have ended.
    #[serde(default)]
    pub(crate) repaying: Option<Repaying>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Drawn {
    pub(crate) draw: DrawId,
    pub(crate) on: NaiveDate,
    pub(crate) balance: usize,
    /// As corrected.
    pub(crate) amount: Cents,
    /// A fee that joined the balance.
    #[serde(default)]
    pub(crate) joined: Cents,
    /// Which of the fees is its own, where it did not join the balance.
    pub(crate) fee: Option<usize>,
}

/// Consecutive days with one balance and one rate, and alike as parts of a year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub from: NaiveDate,
    pub through: NaiveDate,
    #[serde(rename = "balance_cents")]
    pub balance: Cents,
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    /// What the rate is less by for automatic payments.
    #[serde(
        default,
        rename = "autopay_discount_ppm",
        skip_serializing_if = "crate::discount::none"
    )]
    pub autopay_discount: Apr,
    /// Interest of these days, in `rate::DENOMINATOR`ths of a cent.
    #[serde(with = "crate::units::wide")]
    pub numerator: i128,
    /// They were rounded to cents, for a payment counts on the day after.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rounded: bool,
}

impl Segment {
    #[must_use]
    pub fn days(&self) -> i64 {
        (self.through - self.from).num_days() + 1
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BilledInterest {
    /// 0 for interest brought forward.
    pub(crate) cycle: u32,
    pub(crate) balance: usize,
    pub(crate) unpaid: Cents,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fee {
    pub(crate) kind: FeeKind,
    pub(crate) balance: usize,
    pub(crate) assessed_on: NaiveDate,
    /// Of a plan of instalments, asked for with its payment.
    pub(crate) of_instalments: bool,
    pub(crate) amount: Cents,
    pub(crate) unpaid: Cents,
    /// The cycle that it belongs to, once that has closed.
    pub(crate) billed_in: Option<u32>,
    /// The first statement that could show it, where it was recorded after its cycle had closed.
    #[serde(default)]
    pub(crate) shown_from: u32,
    /// What the minimum of the statement that shows it first asked for.
    pub(crate) asked: Cents,
    /// Of what was paid of it, what a waiver gave back.
    #[serde(default)]
    pub(crate) given_back: Cents,
}

impl Fee {
    /// What payments paid of it, and no waiver gave back.
    pub(crate) fn paid(&self) -> Cents {
        (self.amount - self.unpaid - self.given_back).or_zero()
    }

    /// The statement that shows it first, and whose minimum asks for it.
    pub(crate) fn asked_in(&self) -> Option<u32> {
        self.billed_in.map(|cycle| cycle.max(self.shown_from))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenCycle {
    pub(crate) number: u32,
    /// Cycles of the line that closed before our books of it began.
    pub(crate) elsewhere: u32,
    pub(crate) starts_on: NaiveDate,
    pub(crate) closes_on: NaiveDate,
    /// What was charged for having the line; undecided until its day.
    pub(crate) plan_fee: Option<Cents>,
    /// Of it, on the first day.
    #[serde(default)]
    pub(crate) first_day_fee: Cents,
    #[serde(default)]
    pub(crate) penalty: Option<Penalty>,
    /// Those that reach into the cycle.
    #[serde(default)]
    pub(crate) discounts: Vec<Discount>,
}

/// The minimum of one statement, less what was past due already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Obligation {
    pub(crate) cycle: u32,
    pub(crate) due_on: NaiveDate,
    /// The last day on which a payment is timely; `NaiveDate::MAX` while the statement has not left.
    pub(crate) enforceable_on: NaiveDate,
    /// As recomputed: what the waterfall counts.
    pub(crate) unpaid: Cents,
    /// Never above what was printed: what the customer can be late with.
    pub(crate) owed: Cents,
    pub(crate) amount: Cents,
    /// All that was asked for, past due included: the lower of the printed and the recomputed.
    pub(crate) minimum: Cents,
    /// The late fee of the cycle was decided.
    pub(crate) tested: bool,
    /// It was unpaid after its due date.
    pub(crate) missed: bool,
    /// Nothing where no close of ours asked for it.
    pub(crate) at_close: Option<AtClose>,
}

/// What a minimum went by at its close, before anything of it was paid or disputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AtClose {
    /// Never above what was printed.
    pub(crate) amount: Cents,
    /// Of the recomputed one, where these are others than the record's.
    pub(crate) past_due: Cents,
    pub(crate) fees: Cents,
    pub(crate) penalty_fees: Cents,
}

impl AtClose {
    /// The inputs of the recomputed minimum.
    pub(crate) fn recomputed(&self, record: MinimumInputs) -> MinimumInputs {
        let Self { past_due, fees, penalty_fees, .. } = *self;
        MinimumInputs { fees, penalty_fees, past_due, ..record }
    }
}

impl Obligation {
    pub(crate) const fn brought_forward(
        amount: Cents,
        due_on: NaiveDate,
        enforceable_on: NaiveDate,
    ) -> Self {
        Self {
            cycle: 0,
            due_on,
            enforceable_on,
            unpaid: amount,
            owed: amount,
            amount,
            minimum: amount,
            tested: false,
            missed: false,
            at_close: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingFlag {
    pub flag: FlagKind,
    pub raised_on: NaiveDate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LateFeeRecord {
    pub(crate) cycle: u32,
    pub(crate) on: NaiveDate,
    pub(crate) amount: Cents,
    /// Before its caps.
    pub(crate) uncapped: Cents,
    /// Still unpaid of the minimum at the end of the day before.
    pub(crate) unpaid_minimum: Cents,
}

/// Of the limit at opening.
const FIRST_YEAR_CAP: Apr = Apr::from_ppm(250_000);

impl State {
    pub(crate) fn open(terms: &Terms, begins_on: NaiveDate, age: Age) -> Self {
        let balances = terms
            .product
            .features
            .iter()
            .enumerate()
            .map(|(at, feature)| Balance::of(feature, at))
            .collect();
        let closes_on = terms.cycles.close_of(begins_on);
        Self {
            day: begins_on,
            begins_on,
            opened_on: age.opened_on,
            credit_limit: terms.credit_limit,
            schedule: terms.cycles.clone(),
            balances,
            interest: Vec::new(),
            fees: Vec::new(),
            credit_balance: Cents::ZERO,
            cycle: OpenCycle {
                number: 1,
                elsewhere: age.cycles,
                starts_on: begins_on,
                closes_on,
                plan_fee: None,
                first_day_fee: Cents::ZERO,
                penalty: None,
                discounts: Vec::new(),
            },
            obligations: Vec::new(),
            met: Vec::new(),
            grace: Grace::begin(true, Cents::ZERO, begins_on),
            flags: Vec::new(),
            closed_on: None,
            records: Vec::new(),
            late_fees: Vec::new(),
            allocations: Vec::new(),
            disputes: Vec::new(),
            drawn: Vec::new(),
            drawn_elsewhere: 0,
            fees_asked: Vec::new(),
            fees_given_back: Vec::new(),
            joined_given_back: Cents::ZERO,
            waivers_taken_back: Vec::new(),
            after_last_draw: Cents::ZERO,
            highest_balance: Cents::ZERO,
            fee_bearing_draws: Cents::ZERO,
            missed: Vec::new(),
            returned_in: Vec::new(),
            late: false,
            current_since: None,
            awaited: Vec::new(),
            late_fee_forgiven: false,
            first_year_fees: age.fees,
            boarded: false,
            repaying: None,
        }
    }

    pub(crate) fn principal(&self) -> Cents {
        self.balances.iter().map(Balance::principal).sum()
    }

    pub(crate) fn principal_beside_plans(&self) -> Cents {
        let beside = self.balances.iter().filter(|balance| balance.plan.is_none());
        beside.map(Balance::principal).sum()
    }

    pub(crate) fn billed_interest(&self) -> Cents {
        self.interest.iter().map(|billed| billed.unpaid).sum()
    }

    /// Paid of interest that no statement has billed.
    pub(crate) fn prepaid(&self) -> Cents {
        self.balances.iter().map(|balance| balance.prepaid).sum()
    }

    pub(crate) fn fees(&self, penalty: bool) -> Cents {
        self.fees.iter().filter(|fee| fee.kind.penalty() == penalty).map(|fee| fee.unpaid).sum()
    }

    /// Everything posted to the line: negative where the lender owes.
    pub(crate) fn balance(&self) -> Cents {
        self.principal() + self.billed_interest() - self.prepaid()
            + self.fees(false)
            + self.fees(true)
            - self.credit_balance
    }

    /// What is beyond the limit, of what uses it.
    pub(crate) fn over_limit(&self, terms: &Terms) -> Cents {
        (self.uses_limit(terms).min(self.balance()) - self.credit_limit).or_zero()
    }

    /// The law caps what may be charged on what is owed: fees are interest then (50 USC 3937(d)).
    pub(crate) fn capped_by_law(&self) -> bool {
        let owed = |at: usize, balance: &Balance| {
            balance.principal().is_positive()
                || self.interest.iter().any(|billed| billed.balance == at)
        };
        let mut balances = self.balances.iter().enumerate();
        balances.any(|(at, one)| owed(at, one) && one.capped(self.day).next().is_some())
    }

    /// What the cap of a first year still lets be charged in fees, penalties apart (12 CFR 1026.52(a)(1)).
    pub(crate) fn fee_room(&self, terms: &Terms) -> Option<Cents> {
        let card = terms.product.regime == Regime::Card;
        let law = card.then_some(FIRST_YEAR_CAP);
        let share = terms.product.fees.first_year_cap.into_iter().chain(law).min()?;
        if self.boarded || self.day >= calendar::add_months(self.opened_on, 12) {
            return None;
        }
        let most = terms.credit_limit.mul_ppm(share.ppm(), Rounding::Down).unwrap_or_default();
        Some((most - self.first_year_fees).or_zero())
    }

    pub(crate) fn flagged(&self, flags: &[FlagKind]) -> bool {
        self.flags.iter().any(|standing| flags.contains(&standing.flag))
    }

    /// The balance that new draws of a feature join; the first feature where none is named.
    pub(crate) fn balance_for_draws(
        &mut self,
        terms: &Terms,
        feature: Option<&str>,
        seq: u64,
    ) -> Result<usize, CreditError> {
        let wanted = terms.feature_index(feature, seq)?;
        let (day, cycle) = (self.day, self.cycle.since_opening());
        for balance in self.balances.iter_mut().filter(|balance| balance.feature == wanted) {
            balance.full |= balance.promotion.is_some_and(|promotion| promotion.is_over(day));
        }
        let open = |balance: &Balance| balance.feature == wanted && !balance.full;
        let at = match self.balances.iter().position(open) {
            Some(at) => at,
            None => self.add_balance(terms, wanted),
        };
        if let Some(balance) = self.balances.get_mut(at)
            && let Some(promotion) = balance.promotion.filter(Promotion::ends_by_draw)
        {
            balance.promotion = Some(promotion.ending_for_draw(day, cycle));
            balance.full = true;
        }
        let of = terms.product.features.get(wanted);
        if let Some(balance) = self.balances.get_mut(at) {
            balance.full |= of.is_some_and(|feature| feature.instalments.is_some());
        }
        Ok(at)
    }

    fn add_balance(&mut self, terms: &Terms, feature: usize) -> usize {
        self.begin_balance(terms, self.further_balance(terms, feature));
        self.balances.len() - 1
    }
}

impl CycleRecord {
    /// What uses the limit was within it at the close, but for the fee of being beyond it.
    pub(crate) fn within_limit(&self, terms: &Terms) -> bool {
        let counts = terms.product.limits.charges_use_limit;
        let used = if counts { self.balance - self.over_limit_fee } else { self.principal };
        used <= self.credit_limit
    }
}

impl Terms {
    pub(crate) fn has_grace(&self, balance: &Balance) -> bool {
        self.product.grace.kind == GraceKind::PaidInFull
            && self.product.features.get(balance.feature).is_some_and(|feature| feature.grace)
    }

    /// The offer that a draw of the day would have.
    pub(crate) fn promotion_of(&self, feature: usize, day: NaiveDate) -> Option<Promotion> {
        let promotion = self.product.features.get(feature)?.promotion;
        promotion.filter(|promotion| !promotion.is_over(day))
    }

    /// All features where none is named.
    pub(crate) fn named_feature(
        &self,
        feature: Option<&str>,
        seq: u64,
    ) -> Result<Option<usize>, CreditError> {
        feature.map(|_| self.feature_index(feature, seq)).transpose()
    }

    /// The first feature where none is named.
    pub(crate) fn feature_index(
        &self,
        feature: Option<&str>,
        seq: u64,
    ) -> Result<usize, CreditError> {
        let Some(name) = feature.filter(|name| !name.is_empty()) else { return Ok(0) };
        self.product
            .features
            .iter()
            .position(|feature| feature.name == name)
            .ok_or_else(|| CreditError::UnknownFeature { seq, feature: name.to_owned() })
    }
}
