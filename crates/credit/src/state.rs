//! What replay carries from day to day.
//!
//! Invariants: principal, unpaid charges and the credit balance are never negative; money is conserved, so that their change over
//! a day equals what came in and went out.

use chrono::NaiveDate;
use money::{Apr, Cents};
use serde::{Deserialize, Serialize};

use crate::{
    CreditError, FeeKind, FlagKind, Terms,
    close::CycleRecord,
    payment::Allocation,
    product::{GraceKind, Promotion, RateStep},
    terms::CycleSchedule,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The day being lived.
    pub(crate) day: NaiveDate,
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
    pub(crate) grace: Grace,
    pub(crate) flags: Vec<StandingFlag>,
    pub(crate) closed_on: Option<NaiveDate>,
    pub(crate) records: Vec<CycleRecord>,
    pub(crate) late_fees: Vec<LateFeeRecord>,
    pub(crate) allocations: Vec<Allocation>,
}

/// Principal of one feature at one set of rates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Balance {
    pub(crate) name: String,
    /// Index into the product's features.
    pub(crate) feature: usize,
    pub(crate) apr: Apr,
    pub(crate) rates: Vec<RateStep>,
    pub(crate) promotion: Option<Promotion>,
    pub(crate) caps: Vec<RateCap>,
    /// Later draws go to another balance of the feature.
    pub(crate) full: bool,
    /// Drawn before this cycle.
    pub(crate) carried: Cents,
    /// Drawn in this cycle.
    pub(crate) fresh: Cents,
    /// At the start of the cycle.
    pub(crate) opening: Cents,
    /// Payments and credits of this cycle.
    pub(crate) repaid: Cents,
    /// Interest of the open cycle that is already paid.
    pub(crate) prepaid: Cents,
    /// Interest that a promotion defers, in `DENOMINATOR`ths of a cent.
    #[serde(with = "crate::units::wide")]
    pub(crate) deferred: i128,
    pub(crate) accrual: Accrual,
    pub(crate) segments: Vec<Segment>,
}

/// Sums over the days of the open cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accrual {
    pub(crate) all: DaySum,
    /// The part of draws of this cycle.
    pub(crate) fresh: DaySum,
    /// What would not have accrued had payments within grace come on the first day.
    pub(crate) relief: DaySum,
    /// Of the daily rates.
    #[serde(with = "crate::units::wide")]
    pub(crate) rates: i128,
    pub(crate) days: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DaySum {
    /// Interest, in `DENOMINATOR`ths of a cent.
    #[serde(with = "crate::units::wide")]
    pub(crate) numerator: i128,
    /// End-of-day balances.
    #[serde(with = "crate::units::wide")]
    pub(crate) balance: i128,
}

/// Consecutive days with one balance and one rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub from: NaiveDate,
    pub through: NaiveDate,
    #[serde(rename = "balance_cents")]
    pub balance: Cents,
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    /// Interest of these days, in `rate::DENOMINATOR`ths of a cent.
    #[serde(with = "crate::units::wide")]
    pub numerator: i128,
}

impl Segment {
    #[must_use]
    pub fn days(&self) -> i64 {
        (self.through - self.from).num_days() + 1
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RateCap {
    pub(crate) from: NaiveDate,
    pub(crate) through: Option<NaiveDate>,
    pub(crate) apr: Apr,
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
    pub(crate) amount: Cents,
    pub(crate) unpaid: Cents,
    /// The cycle whose statement showed it first.
    pub(crate) billed_in: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenCycle {
    pub(crate) number: u32,
    pub(crate) starts_on: NaiveDate,
    pub(crate) closes_on: NaiveDate,
}

/// The minimum of one statement, less what was past due already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Obligation {
    pub(crate) cycle: u32,
    pub(crate) due_on: NaiveDate,
    pub(crate) enforceable_on: NaiveDate,
    /// As recomputed: what the waterfall counts.
    pub(crate) unpaid: Cents,
    /// Never above what was printed: what the customer can be late with.
    pub(crate) owed: Cents,
    pub(crate) amount: Cents,
    /// The late fee of the cycle was decided.
    pub(crate) tested: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grace {
    /// The cycle began with no interest running on earlier purchases.
    pub(crate) held: bool,
    /// Cycles paid in full since grace was lost.
    pub(crate) streak: u32,
    pub(crate) statement_balance: Cents,
    pub(crate) due_on: NaiveDate,
    /// Paid or credited since the statement and by its due date.
    pub(crate) paid: Cents,
}

impl Grace {
    pub(crate) fn paid_in_full(&self) -> bool {
        self.paid >= self.statement_balance
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
    /// Still unpaid of the minimum at the end of the day before.
    pub(crate) unpaid_minimum: Cents,
}

impl State {
    pub(crate) fn open(terms: &Terms, opened_on: NaiveDate) -> Self {
        let balances = terms
            .product
            .features
            .iter()
            .enumerate()
            .map(|(feature, of)| Balance {
                rates: of.rates.clone(),
                promotion: of.promotion,
                ..Balance::empty(of.name.clone(), feature, of.apr.unwrap_or_default())
            })
            .collect();
        let closes_on = terms.cycles.close_of(opened_on);
        Self {
            day: opened_on,
            opened_on,
            credit_limit: terms.credit_limit,
            schedule: terms.cycles.clone(),
            balances,
            interest: Vec::new(),
            fees: Vec::new(),
            credit_balance: Cents::ZERO,
            cycle: OpenCycle { number: 1, starts_on: opened_on, closes_on },
            obligations: Vec::new(),
            grace: Grace {
                held: true,
                streak: 0,
                statement_balance: Cents::ZERO,
                due_on: opened_on,
                paid: Cents::ZERO,
            },
            flags: Vec::new(),
            closed_on: None,
            records: Vec::new(),
            late_fees: Vec::new(),
            allocations: Vec::new(),
        }
    }

    pub(crate) fn principal(&self) -> Cents {
        self.balances.iter().map(Balance::principal).sum()
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
        let open = |balance: &Balance| balance.feature == wanted && !balance.full;
        if let Some(at) = self.balances.iter().position(open) {
            return Ok(at);
        }
        let before = self.balances.iter().filter(|balance| balance.feature == wanted);
        let (apr, rates, nth) = (
            before.clone().next_back().map(|balance| balance.apr).unwrap_or_default(),
            before.clone().next_back().map(|balance| balance.rates.clone()).unwrap_or_default(),
            before.count() + 1,
        );
        let name = terms.product.features.get(wanted).map(|feature| feature.name.clone());
        let name = format!("{} {nth}", name.unwrap_or_default());
        self.balances.push(Balance { rates, ..Balance::empty(name, wanted, apr) });
        Ok(self.balances.len() - 1)
    }
}

impl Terms {
    pub(crate) fn has_grace(&self, balance: &Balance) -> bool {
        self.product.grace.kind == GraceKind::PaidInFull
            && self.product.features.get(balance.feature).is_some_and(|feature| feature.grace)
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

impl Balance {
    pub(crate) fn empty(name: String, feature: usize, apr: Apr) -> Self {
        Self {
            name,
            feature,
            apr,
            rates: Vec::new(),
            promotion: None,
            caps: Vec::new(),
            full: false,
            carried: Cents::ZERO,
            fresh: Cents::ZERO,
            opening: Cents::ZERO,
            repaid: Cents::ZERO,
            prepaid: Cents::ZERO,
            deferred: 0,
            accrual: Accrual::default(),
            segments: Vec::new(),
        }
    }

    pub(crate) fn principal(&self) -> Cents {
        self.carried + self.fresh
    }

    /// The rate that no promotion replaces.
    pub(crate) fn contract_apr(&self, day: NaiveDate) -> Apr {
        let step = self.rates.iter().rev().find(|step| step.from <= day);
        step.map_or(self.apr, |step| step.apr)
    }

    /// Deferred interest that is no longer deferred on a day of a cycle.
    pub(crate) fn deferred_due(&self, day: NaiveDate, cycle: u32) -> i128 {
        let holds = self.promotion.is_some_and(|promotion| promotion.holds(day, cycle));
        if holds { 0 } else { self.deferred }
    }

    /// The rate in force on a day of a cycle.
    pub(crate) fn apr_on(&self, terms: &Terms, day: NaiveDate, cycle: u32) -> Apr {
        let contract = match self.promotion {
            Some(promotion) if promotion.holds(day, cycle) => promotion.apr,
            _ => self.contract_apr(day),
        };
        let capped = self
            .caps
            .iter()
            .filter(|cap| cap.from <= day && cap.through.is_none_or(|through| day <= through))
            .map(|cap| cap.apr)
            .chain(terms.product.limits.apr_cap);
        capped.fold(contract, Ord::min)
    }
}

impl Promotion {
    pub(crate) fn holds(&self, day: NaiveDate, cycle: u32) -> bool {
        match (self.through, self.cycles) {
            (None, None) => false,
            (through, cycles) => {
                through.is_none_or(|through| day <= through)
                    && cycles.is_none_or(|cycles| cycle <= cycles)
            }
        }
    }
}
