//! Terms of fees.

use money::{Apr, Cents};
use serde::{Deserialize, Serialize};

use super::yes;
use crate::{
    event::FlagKind,
    units::{dollars, dollars_opt, percent, percent_opt},
};

/// `clamp(fixed part + percent of the draw, least, most)` or an amount by the size of the draw, less the discount, rounded once
/// (V26).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrawFee {
    #[serde(with = "percent")]
    pub percent: Apr,
    /// A fixed part.
    #[serde(with = "dollars")]
    pub plus: Cents,
    #[serde(with = "dollars")]
    pub least: Cents,
    #[serde(with = "dollars_opt")]
    pub most: Option<Cents>,
    /// The amount by the size of the draw, lowest first; it takes the place of all of these for draws up to the last `up_to`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brackets: Vec<FeeBracket>,
    #[serde(with = "percent")]
    pub discount: Apr,
    pub first_draw_free: bool,
    /// It joins the principal of the feature and is repaid as that.
    pub joins_balance: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeeTerms {
    pub late: Option<LateFee>,
    pub plan: Option<PlanFee>,
    /// Others beside it (an annual fee beside a monthly one), each on its own day of the cycle.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub further_plans: Vec<PlanFee>,
    pub over_limit: Option<OverLimitFee>,
    #[serde(with = "dollars")]
    pub returned_payment: Cents,
    /// Charged instead when a payment was returned in the `returned_payment_repeat_within_cycles` cycles before.
    #[serde(with = "dollars_opt")]
    pub returned_payment_repeat: Option<Cents>,
    pub returned_payment_repeat_within_cycles: u32,
    /// Never above the minimum due just before the return (12 CFR 1026.52(b)(2)(i)(A)).
    pub returned_payment_capped_by_minimum: bool,
    /// A payment that came back and so was late costs one of the two fees (12 CFR 1026.52(b)(2)(ii)).
    pub one_penalty_per_event: bool,
    /// Share of the opening limit that fees other than penalties come to at most in the line's first year. A card's is 25 % at
    /// most, stated or not (12 CFR 1026.52(a)(1)).
    #[serde(with = "percent_opt", skip_serializing_if = "Option::is_none")]
    pub first_year_cap: Option<Apr>,
}

/// Charged once per cycle, at the start of the day after `after_days` days past the enforceable due date: the larger of the
/// amount and the share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LateFee {
    #[serde(with = "dollars")]
    pub amount: Cents,
    /// A share...
    #[serde(with = "percent")]
    pub percent: Apr,
    /// ...of this.
    pub percent_of: LateFeeBase,
    /// The amount by the balance of the statement, lowest first; it takes the place of `amount`.
    pub brackets: Vec<FeeBracket>,
    #[serde(with = "dollars_opt")]
    pub most: Option<Cents>,
    pub after_days: u32,
    /// Charged instead when a late fee was charged in the `repeat_within_cycles` cycles before.
    #[serde(with = "dollars_opt")]
    pub repeat_amount: Option<Cents>,
    pub repeat_within_cycles: u32,
    /// Never above the unpaid minimum.
    pub capped_by_unpaid_minimum: bool,
    /// Never above the minimum, paid in part or not (12 CFR 1026.52(b)(2)(i)(A)).
    pub capped_by_minimum: bool,
    /// None where less than this is unpaid of the minimum.
    #[serde(with = "dollars")]
    pub none_below: Cents,
    /// The first one of the line is not charged.
    pub first_free: bool,
    /// None while one of these flags stands.
    pub suppressed_by: Vec<FlagKind>,
}

impl Default for LateFee {
    fn default() -> Self {
        Self {
            amount: Cents::ZERO,
            percent: Apr::ZERO,
            percent_of: LateFeeBase::UnpaidMinimum,
            brackets: Vec::new(),
            most: None,
            after_days: 0,
            repeat_amount: None,
            repeat_within_cycles: 0,
            capped_by_unpaid_minimum: true,
            capped_by_minimum: false,
            none_below: Cents::ZERO,
            first_free: false,
            suppressed_by: Vec::new(),
        }
    }
}

/// What a share is taken of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateFeeBase {
    #[default]
    UnpaidMinimum,
    /// The minimum of the statement.
    Minimum,
    /// The interest billed on the statement.
    BilledInterest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeBracket {
    /// Absent on the last.
    #[serde(default, with = "dollars_opt")]
    pub up_to: Option<Cents>,
    #[serde(with = "dollars")]
    pub amount: Cents,
}

/// A subscription or other fee for having the line: `clamp(amount + percent, least, most)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanFee {
    #[serde(with = "dollars")]
    pub amount: Cents,
    /// A share...
    #[serde(with = "percent")]
    pub percent: Apr,
    /// ...or the amount by the size, lowest first, in the place of `amount`...
    pub brackets: Vec<FeeBracket>,
    /// ...of this.
    pub of: PlanFeeBase,
    #[serde(with = "dollars")]
    pub least: Cents,
    #[serde(with = "dollars_opt")]
    pub most: Option<Cents>,
    /// Charged in every so many cycles: 1 monthly, 12 yearly.
    pub every_cycles: u32,
    pub free_cycles: u32,
    /// On which day of the cycle.
    pub on: PlanFeeDay,
    /// Not charged while a minimum is past due.
    pub stops_when_past_due: bool,
    /// Not charged where nothing is owed.
    pub only_with_balance: bool,
}

impl Default for PlanFee {
    fn default() -> Self {
        Self {
            amount: Cents::ZERO,
            percent: Apr::ZERO,
            brackets: Vec::new(),
            of: PlanFeeBase::PrincipalAtCharge,
            least: Cents::ZERO,
            most: None,
            every_cycles: 1,
            free_cycles: 0,
            on: PlanFeeDay::LastDay,
            stops_when_past_due: false,
            only_with_balance: false,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanFeeBase {
    /// Principal on the day of the charge.
    #[default]
    PrincipalAtCharge,
    /// The average of the cycle's daily balances; of a fee on the first day, nothing.
    AverageDailyBalance,
    CreditLimit,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanFeeDay {
    #[default]
    LastDay,
    FirstDay,
}

/// Charged at the close of a cycle that ends above the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverLimitFee {
    #[serde(with = "dollars")]
    pub amount: Cents,
    /// Never above what exceeds the limit.
    #[serde(default = "yes")]
    pub capped_by_excess: bool,
    /// For one draw beyond the limit, in no more cycles than this until the balance is within it (12 CFR 1026.56(j)(1)).
    #[serde(default)]
    pub most_cycles_in_a_row: Option<u32>,
}
