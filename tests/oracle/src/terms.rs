//! The numbers of the products and the small sums of the rule book, each by itself.

use crate::Product;

/// Interest is `sum of cents x ppm` over this: a year of 365 days and a million parts.
pub const INTEREST_DENOMINATOR: i128 = 365 * PARTS;
const PARTS: i128 = 1_000_000;

pub(crate) const MINIMUM_FLOOR: i64 = 2_500;
const LATE_FEE: i64 = 1_500;
const PLAN_FEE: i64 = 1_000;
/// Half a point (section 5.2).
const AUTOPAY_DISCOUNT: u32 = 5_000;
/// Cycles without a plan fee at the start.
const PLAN_FREE_CYCLES: u32 = 1;

/// The nearest whole number, a half upwards. Both numbers are zero or more.
pub fn half_up(numerator: i128, denominator: i128) -> i64 {
    let doubled = 2 * numerator + denominator;
    i64::try_from(doubled / (2 * denominator)).unwrap_or(i64::MAX)
}

/// 3 % of `cents`, at least $1.00, at most $30.00, less `discount_ppm`, rounded once.
pub fn draw_fee(cents: i64, discount_ppm: u32) -> i64 {
    if cents <= 0 {
        return 0;
    }
    let raw = (i128::from(cents) * 3).clamp(100 * 100, 3_000 * 100);
    half_up(raw * (PARTS - i128::from(discount_ppm)), 100 * PARTS)
}

/// $15.00, never more than the unpaid minimum; nothing up to ten days, a second time, or while stayed.
pub fn late_fee(fee: i64, unpaid_minimum: i64, days_late: u32, stayed: bool, charged: bool) -> i64 {
    if days_late <= 10 || stayed || charged { 0 } else { fee.min(unpaid_minimum).max(0) }
}

/// What a statement asks for: section 1.5. `interest` and `fees` are those it bills for the first time.
pub fn minimum_due(
    principal: i64,
    interest: i64,
    fees: i64,
    past_due: i64,
    total_owed: i64,
) -> i64 {
    minimum_from(MINIMUM_FLOOR, principal, interest + fees, past_due, total_owed)
}

fn minimum_from(floor: i64, principal: i64, charges: i64, past_due: i64, total_owed: i64) -> i64 {
    let share = half_up(2 * i128::from(principal), 100);
    (floor.max(share + charges) + past_due).min(total_owed)
}

impl Product {
    pub(crate) fn apr_ppm(self) -> u32 {
        match self {
            Self::CashlineStd { apr_ppm, .. } | Self::CashlineFee3 { apr_ppm, .. } => apr_ppm,
            Self::CashlineSub { .. } => 0,
        }
    }

    /// Off every rate of the contract while leave to debit stands.
    pub(crate) fn autopay_discount(self) -> u32 {
        match self {
            Self::CashlineStd { .. } | Self::CashlineFee3 { .. } => AUTOPAY_DISCOUNT,
            Self::CashlineSub { .. } => 0,
        }
    }

    pub(crate) fn limit(self) -> i64 {
        match self {
            Self::CashlineStd { limit_cents, .. }
            | Self::CashlineFee3 { limit_cents, .. }
            | Self::CashlineSub { limit_cents, .. } => limit_cents,
        }
    }

    /// The fee of a draw, given the part of it that is newly borrowed.
    pub(crate) fn fee_of_draw(self, borrowed: i64, is_first: bool) -> i64 {
        match self {
            Self::CashlineFee3 { .. } if !is_first => draw_fee(borrowed, 0),
            _ => 0,
        }
    }

    /// Whether what the product charges besides interest is a finance charge.
    pub(crate) fn draw_fees(self) -> bool {
        matches!(self, Self::CashlineFee3 { .. })
    }

    /// The fee of the cycle with this number, charged on its closing date.
    pub(crate) fn plan_fee(self, cycle: u32) -> i64 {
        match self {
            Self::CashlineSub { .. } if cycle > PLAN_FREE_CYCLES => PLAN_FEE,
            _ => 0,
        }
    }

    pub(crate) fn late_fee(self) -> i64 {
        match self {
            Self::CashlineStd { .. } | Self::CashlineFee3 { .. } => LATE_FEE,
            Self::CashlineSub { late_fee_cents, .. } => late_fee_cents,
        }
    }

    /// What the statement asks for.
    pub(crate) fn minimum(
        self,
        floor: i64,
        principal: i64,
        charges: i64,
        past_due: i64,
        owed: i64,
    ) -> i64 {
        match self {
            Self::CashlineSub { .. } => owed,
            _ => minimum_from(floor, principal, charges, past_due, owed),
        }
    }
}
