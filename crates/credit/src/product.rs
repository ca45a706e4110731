//! A credit product as data: every term that replay needs to compute a statement.
//!
//! Invariants: whatever is left out of a file has the value of the plain line (docs/scenario.md); amounts are strings of dollars and
//! rates are percentages. A product is copied into a line when it opens, so that a later edit reaches no open line. What is
//! absent: rules; this is only what they read.

use calendar::Tz;
use chrono::{NaiveDate, NaiveTime};
use money::{Apr, Cents, Rounding};
use serde::{Deserialize, Serialize};

use crate::{
    event::FlagKind,
    rate::{DayBasis, RateDigits},
    units::{date, date_opt, dollars, dollars_opt, percent, percent_opt},
};

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
    pub waterfall: Waterfall,
    pub fees: FeeTerms,
    pub limits: LimitTerms,
    pub returns: ReturnPolicy,
    pub delinquency: DelinquencyTerms,
    pub state_overrides: Vec<StateOverride>,
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

/// Dates, zone and cut-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DateTerms {
    pub zone: Tz,
    /// Local wall-clock time after which a payment counts for the next calendar day.
    pub cut_off: NaiveTime,
    /// Due date: so many days after the close...
    pub due_days_after_close: u32,
    /// ...or this day of the month, the first one at least `statement_window_days` after the close.
    pub due_day: Option<u32>,
    /// A statement must have been sent so many days before a payment may be treated as late.
    pub statement_window_days: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    #[default]
    Daily,
    /// A twelfth of the yearly rate per cycle, whatever its length.
    Monthly,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compounding {
    #[default]
    None,
    /// Each day's interest joins the balance of the next day of the cycle.
    Daily,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BalanceMethod {
    /// The sum of the end-of-day balances, each at its day's rate.
    #[default]
    DailyBalance,
    /// Their average, times the periodic rates of the cycle.
    AverageDailyBalance,
    /// The balance at the start of the cycle.
    PreviousBalance,
    /// The balance at the start of the cycle less the payments and credits in it.
    AdjustedBalance,
    /// The balance at the close.
    EndingBalance,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a line of a card agreement")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InterestTerms {
    pub day_basis: DayBasis,
    pub period: Period,
    /// Rounding of the periodic rate; absent: it is not rounded.
    pub rate_digits: Option<RateDigits>,
    pub compounding: Compounding,
    pub balance: BalanceMethod,
    /// The average daily balance is rounded to cents before it is multiplied.
    pub round_average: bool,
    /// Draws of the cycle bear interest in it.
    pub new_draws: bool,
    /// Unpaid billed interest bears interest.
    pub on_billed_interest: bool,
    /// Unpaid fees bear interest, at the rate of the feature they belong to.
    pub on_fees: bool,
    /// Decimals of a dollar to which each day's interest is rounded; absent: it is not.
    pub daily_decimals: Option<u32>,
    /// The one rounding per feature and cycle.
    pub rounding: Rounding,
    /// The least interest of a cycle in which there is any.
    #[serde(with = "dollars")]
    pub minimum_charge: Cents,
}

/// When a balance paid in full is spared interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GraceTerms {
    pub kind: GraceKind,
    /// Cycles paid in full, one after the other, that bring grace back once lost.
    pub regained_after_cycles: u32,
    /// In the cycle that brings it back, new draws are already spared.
    pub spares_new_draws_on_regain: bool,
    /// In the cycle that loses it, what was paid by the due date counts as paid on the cycle's first day (12 CFR 1026.54).
    pub credits_partial_payment: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraceKind {
    #[default]
    None,
    /// On features that have it, none is charged while each statement balance is paid by its due date.
    PaidInFull,
}

/// A kind of draw with a rate of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    pub name: String,
    /// Absent: the rate agreed for the line.
    #[serde(default, with = "percent_opt")]
    pub apr: Option<Apr>,
    /// Later rates by date, in order.
    #[serde(default)]
    pub rates: Vec<RateStep>,
    /// Takes the place of the rate through a date or for some cycles.
    #[serde(default)]
    pub promotion: Option<Promotion>,
    /// Rates by slice of the balance, lowest first; they take the place of `apr`.
    #[serde(default)]
    pub tiers: Vec<Tier>,
    /// Shares in the product's grace. Ignored where the product has none.
    #[serde(default = "yes")]
    pub grace: bool,
    #[serde(default)]
    pub fee: Option<DrawFee>,
}

const fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateStep {
    #[serde(with = "date")]
    pub from: NaiveDate,
    #[serde(with = "percent")]
    pub apr: Apr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    #[serde(with = "percent")]
    pub apr: Apr,
    /// Last day of the promotional rate.
    #[serde(default, with = "date_opt")]
    pub through: Option<NaiveDate>,
    /// Number of billing cycles from opening.
    #[serde(default)]
    pub cycles: Option<u32>,
    /// Interest at the contract rate is kept in mind and charged at the end, unless the balance was paid off by then.
    #[serde(default)]
    pub deferred: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Top of the slice; absent on the last.
    #[serde(default, with = "dollars_opt")]
    pub up_to: Option<Cents>,
    #[serde(with = "percent")]
    pub apr: Apr,
}

/// `clamp(percent of the draw, least, most)`, less the discount, rounded once (V26).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawFee {
    #[serde(default, with = "percent")]
    pub percent: Apr,
    #[serde(default, with = "dollars")]
    pub least: Cents,
    #[serde(default, with = "dollars_opt")]
    pub most: Option<Cents>,
    #[serde(default, with = "percent")]
    pub discount: Apr,
    #[serde(default)]
    pub first_draw_free: bool,
}

/// `min(total owed, max(arms) + past due + over limit)`, each arm rounded by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MinimumTerms {
    pub arms: Vec<MinimumArm>,
    /// Unpaid minimums of earlier statements are added.
    pub add_past_due: bool,
    pub add_over_limit: bool,
    /// Penalty fees belong to the total owed that caps the minimum.
    pub cap_includes_penalty_fees: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MinimumArm {
    /// A fixed amount.
    #[serde(with = "dollars")]
    pub amount: Cents,
    /// A share...
    #[serde(with = "percent")]
    pub percent: Apr,
    /// ...or one part of so many...
    pub one_of: Option<u32>,
    /// ...of this.
    pub of: MinimumBase,
    /// Interest first billed on this statement is added.
    pub plus_interest: bool,
    /// Draw and plan fees first billed on this statement are added.
    pub plus_fees: bool,
    /// Penalty fees first billed on this statement are added.
    pub plus_penalty_fees: bool,
    /// Rounding of the percentage (to cents).
    pub rounding: Rounding,
    /// Rounding of the arm to whole dollars.
    pub whole_dollars: Option<Rounding>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MinimumBase {
    #[default]
    Principal,
    /// The new balance of the statement.
    NewBalance,
    /// The new balance less interest and fees first billed on the statement.
    NewBalanceLessCharges,
}

/// The order in which a payment is used up. What stands after `principal` is reached only when there is none left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Waterfall {
    pub steps: Vec<WaterfallStep>,
    /// Among features, for the principal part of the minimum.
    pub minimum_order: PrincipalOrder,
    /// Among features, for the rest.
    pub excess_order: PrincipalOrder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaterfallStep {
    /// Billed interest, oldest first.
    BilledInterest,
    /// Draw and plan fees that a statement has shown.
    BilledFees,
    /// Principal, as far as the minimum is still unpaid.
    MinimumPrincipal,
    PenaltyFees,
    Principal,
    /// Draw and plan fees of the open cycle.
    OpenFees,
    /// Interest accrued to the day before and not yet billed.
    AccruedInterest,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalOrder {
    #[default]
    HighestApr,
    LowestApr,
    /// In the order of the product's features.
    AsListed,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeeTerms {
    pub late: Option<LateFee>,
    pub plan: Option<PlanFee>,
    #[serde(with = "dollars")]
    pub returned_payment: Cents,
}

/// Charged once per cycle, at the start of the day after `after_days` days past the enforceable due date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LateFee {
    #[serde(with = "dollars")]
    pub amount: Cents,
    #[serde(default)]
    pub after_days: u32,
    /// Charged instead when a late fee was charged in the `repeat_within_cycles` cycles before.
    #[serde(default, with = "dollars_opt")]
    pub repeat_amount: Option<Cents>,
    #[serde(default)]
    pub repeat_within_cycles: u32,
    /// Never above the unpaid minimum.
    #[serde(default = "yes")]
    pub capped_by_unpaid_minimum: bool,
    /// None while one of these flags stands.
    #[serde(default)]
    pub suppressed_by: Vec<FlagKind>,
}

/// A subscription or other fee for having the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFee {
    #[serde(with = "dollars")]
    pub amount: Cents,
    /// Charged at the close of every so many cycles: 1 monthly, 12 yearly.
    #[serde(default = "one")]
    pub every_cycles: u32,
    #[serde(default)]
    pub free_cycles: u32,
    /// Not charged while a minimum is past due.
    #[serde(default)]
    pub stops_when_past_due: bool,
}

const fn one() -> u32 {
    1
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
    #[serde(default)]
    pub day_basis: Option<DayBasis>,
}
