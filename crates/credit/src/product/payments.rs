//! Terms of payments: the minimum and the waterfall.

use money::{Apr, Cents, Rounding};
use serde::{Deserialize, Serialize};

use crate::units::{dollars, dollars_opt, percent};

/// `min(total owed, max(arms) + additions + past due + over limit)`, each arm rounded by itself.
#[expect(clippy::struct_excessive_bools, reason = "each is a line of an agreement")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MinimumTerms {
    pub arms: Vec<MinimumArm>,
    /// Interest and fees first billed on this statement count in full, though they were paid before it closed; else what is left of them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub paid_charges_count: bool,
    /// What was first billed on this statement is added after the largest arm was found.
    pub add_interest: bool,
    pub add_fees: bool,
    pub add_penalty_fees: bool,
    /// Unpaid minimums of earlier statements are added.
    pub add_past_due: bool,
    pub add_over_limit: bool,
    /// Of what is over the limit one part of so many is added, not all of it...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_limit_one_of: Option<u32>,
    /// ...and the part is rounded to whole dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_limit_whole_dollars: Option<Rounding>,
    /// The greater of what is past due and what is over the limit is added, not both.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub past_due_or_over_limit: bool,
    /// Rounding of it all to whole dollars, or to multiples of `multiple_of`.
    pub whole_dollars: Option<Rounding>,
    #[serde(with = "dollars")]
    pub multiple_of: Cents,
    /// No minimum in so many first cycles.
    pub free_cycles: u32,
    /// Penalty fees belong to the total owed that caps the minimum.
    pub cap_includes_penalty_fees: bool,
    /// A credit that is no payment counts to the minimum as a payment does.
    pub credits_count: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a line of an agreement")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MinimumArm {
    /// A fixed amount.
    #[serde(with = "dollars")]
    pub amount: Cents,
    /// The fixed amount instead, once a minimum was missed in the `late_within_cycles` statements before.
    #[serde(with = "dollars_opt")]
    pub amount_when_late: Option<Cents>,
    pub late_within_cycles: u32,
    /// A share...
    #[serde(with = "percent")]
    pub percent: Apr,
    /// ...or one part of so many...
    pub one_of: Option<u32>,
    /// ...or the level payment that pays it off in so many months at the rate of the line...
    pub amortised_over: Option<u32>,
    /// ...or a fixed amount by the size...
    pub brackets: Vec<MinimumBracket>,
    /// ...of this...
    pub of: MinimumBase,
    /// ...without these parts of it.
    pub less: Vec<MinimumPart>,
    /// Interest first billed on this statement is added.
    pub plus_interest: bool,
    /// Draw and plan fees first billed on this statement are added.
    pub plus_fees: bool,
    /// Penalty fees first billed on this statement are added.
    pub plus_penalty_fees: bool,
    /// Unpaid minimums of earlier statements are added (and not to the largest arm).
    pub plus_past_due: bool,
    /// Rounding of the percentage (to cents).
    pub rounding: Rounding,
    /// Rounding of the arm to whole dollars.
    pub whole_dollars: Option<Rounding>,
    /// To multiples of so many dollars instead of one.
    #[serde(with = "dollars")]
    pub multiple_of: Cents,
    /// The most that the arm comes to.
    #[serde(with = "dollars_opt")]
    pub most: Option<Cents>,
}

/// A balance up to `up_to` asks for `amount`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinimumBracket {
    /// Absent on the last.
    #[serde(default, with = "dollars_opt")]
    pub up_to: Option<Cents>,
    #[serde(with = "dollars")]
    pub amount: Cents,
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
    /// Principal as it was right after the last draw.
    PrincipalAfterLastDraw,
    /// The highest new balance since nothing was owed.
    HighestBalance,
    /// Principal as it was when the repayment period began.
    PrincipalAtRepayment,
    CreditLimit,
}

/// A part of a balance that an arm leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MinimumPart {
    /// First billed on this statement, as are the fees.
    Interest,
    Fees,
    PenaltyFees,
    PastDue,
    OverLimit,
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
    /// Beyond the minimum, a balance whose promotion defers interest comes first in so many last cycles of it
    /// (12 CFR 1026.53(b)).
    pub deferred_first_in_last_cycles: u32,
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
    /// Billed interest, fees and principal feature by feature, as far as the minimum is still unpaid.
    MinimumBalances,
    PenaltyFees,
    Principal,
    /// Billed interest, fees and principal feature by feature.
    Balances,
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
    LargestBalance,
    SmallestBalance,
}
