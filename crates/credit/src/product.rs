//! A credit product as data: every term that replay needs to compute a statement.
//!
//! Invariants: whatever is left out of a file has the value of the plain line (docs/scenario.md); amounts are strings of dollars and
//! rates are percentages. A product is copied into a line when it opens, so that a later edit reaches no open line. What is
//! absent: rules; this is only what they read.

use calendar::Tz;
use chrono::{NaiveDate, NaiveTime};
use money::{Apr, Cents};
use serde::{Deserialize, Serialize};

use crate::{
    catalog::is_numbered,
    rate::DayBasis,
    units::{date, date_opt, dollars, dollars_opt, percent, percent_opt},
};

mod coherence;
mod fees;
mod interest;
mod method;
mod payments;
mod penalty;
mod repayment;

pub(crate) use coherence::is_state;
pub use fees::{
    DrawFee, FeeBracket, FeeTerms, LateFee, LateFeeBase, OverLimitFee, PlanFee, PlanFeeBase,
    PlanFeeDay,
};
pub use interest::{
    BalanceAt, BalanceMethod, Compounding, Feature, GraceKind, GraceTerms, Instalments,
    InterestTerms, Period, Promotion, RateStep, RoundedAt, RoundedPer, TakesEffect, Tier, TiersOn,
    Variable,
};
pub use payments::{
    MinimumArm, MinimumBase, MinimumBracket, MinimumPart, MinimumTerms, PrincipalOrder, Waterfall,
    WaterfallStep,
};
pub use penalty::{PenaltyDay, PenaltyRate};
pub use repayment::RepaymentTerms;

const fn yes() -> bool {
    true
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Product {
    pub name: String,
    /// In a file: the product whose terms stand where this one is silent. Empty once resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub based_on: Option<String>,
    pub version: u32,
    pub title: String,
    pub regime: Regime,
    pub dates: DateTerms,
    pub interest: InterestTerms,
    pub grace: GraceTerms,
    /// Kinds of draw, each with its own rate; the first is the default.
    pub features: Vec<Feature>,
    pub minimum: MinimumTerms,
    /// Absent: draws have no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repayment: Option<RepaymentTerms>,
    pub waterfall: Waterfall,
    pub fees: FeeTerms,
    pub limits: LimitTerms,
    pub returns: ReturnPolicy,
    pub delinquency: DelinquencyTerms,
    /// Absent: paying late does not change the rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub penalty_rate: Option<PenaltyRate>,
    pub state_overrides: Vec<StateOverride>,
}

impl Product {
    /// The terms of interest for a feature: the product's, and its own balance where it has one.
    #[must_use]
    pub fn interest_of(&self, feature: usize) -> InterestTerms {
        self.features.get(feature).map_or(self.interest, |of| self.interest.of(of))
    }

    /// The same for a balance by its name: that of its feature, with a number after it where it is a further one.
    pub(crate) fn interest_named(&self, balance: &str) -> InterestTerms {
        let concerns = |one: &&Feature| one.name == balance || is_numbered(balance, &one.name);
        self.features.iter().find(concerns).map_or(self.interest, |of| self.interest.of(of))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// Transfers to the customer's own bank account only.
    #[default]
    Line,
    /// Can buy: the card rules apply.
    Card,
}

/// The days on which a payment can be credited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountsOn {
    #[default]
    CalendarDays,
    /// The next banking day where it is none.
    BankingDays,
}

/// Dates, zone and cut-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DateTerms {
    pub zone: Tz,
    /// Local wall-clock time after which a payment counts for the next calendar day.
    pub cut_off: NaiveTime,
    pub payments_count_on: CountsOn,
    /// Due date: so many days after the close...
    pub due_days_after_close: u32,
    /// ...or this day of the month, the first one at least `statement_window_days` after the close.
    pub due_day: Option<u32>,
    /// A statement must have been sent so many days before a payment may be treated as late.
    pub statement_window_days: u32,
    /// Days between the notice of a change of terms and its first day.
    pub change_notice_days: u32,
    /// A due date that is no banking day can be met on the next one (12 CFR 1026.10(d)).
    pub due_moves_to_banking_day: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitTerms {
    #[serde(with = "dollars")]
    pub least_draw: Cents,
    #[serde(with = "dollars_opt")]
    pub most_per_day: Option<Cents>,
    pub most_draws_per_day: Option<u32>,
    pub one_open_draw: bool,
    /// What a draw leaves available counts interest and fees too, not principal only.
    pub charges_use_limit: bool,
    /// Banking days for which credit freed by a payment is held.
    pub payment_hold_days: u32,
    /// The same for a line in its first `new_line_days` days; never fewer than of any other.
    pub new_line_hold_days: u32,
    pub new_line_days: u32,
    pub draws_stop_when_past_due: bool,
    /// No disclosed rate may be above it.
    #[serde(with = "percent_opt")]
    pub apr_cap: Option<Apr>,
}

/// From when a returned payment is taken not to have happened (V07).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnPolicy {
    #[default]
    FromOriginalEffectiveDate,
    FromReturnDate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DelinquencyTerms {
    /// A minimum paid to this share counts as paid for days past due, and for nothing else.
    #[serde(with = "percent")]
    pub full_payment: Apr,
}

/// Terms that a state imposes on lines opened while it is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateOverride {
    pub state: String,
    #[serde(with = "date")]
    pub from: NaiveDate,
    #[serde(default, with = "date_opt")]
    pub through: Option<NaiveDate>,
    #[serde(default, with = "percent_opt")]
    pub apr_cap: Option<Apr>,
    #[serde(default, with = "dollars_opt")]
    pub late_fee: Option<Cents>,
    #[serde(default, with = "dollars_opt")]
    pub returned_payment_fee: Option<Cents>,
    #[serde(default)]
    pub day_basis: Option<DayBasis>,
    /// Any other terms of the product, as its file would state them.
    #[serde(default)]
    pub terms: serde_json::Map<String, serde_json::Value>,
}
