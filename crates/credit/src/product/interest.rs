//! Terms of interest: periods, balances, grace, features with their rates.

use chrono::NaiveDate;
use money::{Apr, Cents, Rounding};
use serde::{Deserialize, Serialize};

use super::{DrawFee, yes};
use crate::{
    rate::{DayBasis, RateDigits},
    units::{
        date, date_opt, dollars, dollars_opt, percent, percent_opt, percents, signed_percent,
        signed_percent_opt,
    },
};

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
    /// The sum of the daily balances, each at its day's rate.
    #[default]
    DailyBalance,
    /// The average of the days at one rate, times their periodic rates.
    AverageDailyBalance,
    /// The balance at the start of the cycle.
    PreviousBalance,
    /// The balance at the start of the cycle less the payments and credits in it.
    AdjustedBalance,
    /// The balance at the close, at the rates of the whole cycle.
    EndingBalance,
}

/// When the interest of a feature is rounded to cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundedAt {
    /// Once, at the close.
    #[default]
    Close,
    /// Also on each day on which a payment counts, for the days before it (simple-interest systems).
    Payments,
}

/// What is rounded as one at a close; roundings at payments are of each balance by nature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundedPer {
    /// All balances of a feature: a rate change for new draws is no new feature.
    #[default]
    Feature,
    /// Each balance, as some statements print an amount per rate.
    Balance,
}

/// Which balance of a day bears that day's interest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BalanceAt {
    /// Draws and payments of the day are in it.
    #[default]
    EndOfDay,
    /// What was owed when the day began, at the rates of the day.
    StartOfDay,
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
    pub balance_at: BalanceAt,
    /// The average daily balance is rounded to cents before it is multiplied.
    pub round_average: bool,
    /// How, where it is.
    pub average_rounding: Rounding,
    /// Draws of the cycle bear interest in it.
    pub new_draws: bool,
    /// Unpaid billed interest bears interest.
    pub on_billed_interest: bool,
    /// Unpaid fees bear interest, at the rate of the feature they belong to.
    pub on_fees: bool,
    /// Fees of the open cycle do so already, and not only once a statement has shown them.
    pub on_new_fees: bool,
    /// Decimals of a dollar to which each day's interest is rounded; absent: it is not.
    pub daily_decimals: Option<u32>,
    /// How.
    pub daily_rounding: Rounding,
    /// The one rounding per feature and cycle.
    pub rounding: Rounding,
    pub rounded_at: RoundedAt,
    pub rounded_per: RoundedPer,
    /// Points by which every rate is less while automatic payments are on; promotional and penalty rates stay.
    #[serde(with = "percent")]
    pub autopay_discount: Apr,
    /// The least interest of a cycle in which there is any.
    #[serde(with = "dollars")]
    pub minimum_charge: Cents,
    /// Interest of a cycle that is less than this in all is not charged.
    #[serde(with = "dollars")]
    pub waived_below: Cents,
}

/// When a balance paid in full is spared interest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GraceTerms {
    pub kind: GraceKind,
    /// Cycles paid in full, one after the other, that bring grace back once lost.
    pub regained_after_cycles: u32,
    /// In the cycle that brings it back, new draws are already spared.
    pub spares_new_draws_on_regain: bool,
    /// In the cycle that loses it, what was paid by the due date counts as paid on the cycle's first day (12 CFR 1026.54).
    pub credits_partial_payment: bool,
    /// Features whose principal need not be paid to keep grace on the others.
    pub leaves_out: Vec<String>,
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
    /// An index plus a margin; it takes the place of `apr` and `rates`.
    #[serde(default)]
    pub variable: Option<Variable>,
    /// Takes the place of the rate through a date or for some cycles.
    #[serde(default)]
    pub promotion: Option<Promotion>,
    /// Rates by the size of the balance, lowest first, or margins over the index; they take the place of `apr`.
    #[serde(default)]
    pub tiers: Vec<Tier>,
    #[serde(default)]
    pub tiers_on: TiersOn,
    /// In the place of the product's `interest.balance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<BalanceMethod>,
    /// In the place of the product's `interest.new_draws`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_draws: Option<bool>,
    /// Shares in the product's grace. Ignored where the product has none.
    #[serde(default = "yes")]
    pub grace: bool,
    #[serde(default)]
    pub fee: Option<DrawFee>,
    /// Each draw is repaid by level payments of its own, which the minimum asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instalments: Option<Instalments>,
}

/// The payment is found on the day of the draw: level at the rate of that day, or a share of the draw; the last one takes the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instalments {
    pub months: u32,
    /// What each payment is of the draw, in the place of a level one.
    #[serde(default, with = "percent_opt", skip_serializing_if = "Option::is_none")]
    pub payment_percent: Option<Apr>,
    /// Payments are whole multiples of it, rounded up; zero for cents, half up.
    #[serde(default, with = "dollars")]
    pub payment_rounded_up_to: Cents,
    /// A fee of each statement that asks for one of the payments, beside it.
    #[serde(default, with = "dollars")]
    pub monthly_fee: Cents,
    /// The same as a share of the draw.
    #[serde(default, with = "percent")]
    pub monthly_fee_percent: Apr,
    /// In its place, by month: of the first payment, of the second, and so on; the last one holds on.
    #[serde(default, with = "percents", skip_serializing_if = "Vec::is_empty")]
    pub monthly_fee_percents: Vec<Apr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateStep {
    #[serde(with = "date")]
    pub from: NaiveDate,
    #[serde(with = "percent")]
    pub apr: Apr,
}

/// `clamp(index + margin, floor, cap)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// The index by date, in order; before the first date it is that of the first.
    pub index: Vec<RateStep>,
    /// In parts per million of one; may be negative. Where there are tiers, each has its own.
    #[serde(default, with = "signed_percent")]
    pub margin: i32,
    #[serde(default, with = "percent_opt")]
    pub floor: Option<Apr>,
    #[serde(default, with = "percent_opt")]
    pub cap: Option<Apr>,
    #[serde(default)]
    pub takes_effect: TakesEffect,
}

/// From when a change of the index counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakesEffect {
    /// From its own day.
    #[default]
    OnTheDay,
    /// From the first day of the cycle in which it falls.
    ThisCycle,
    /// From the first day of the next cycle.
    NextCycle,
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
    /// Number of billing cycles from each draw, the one of the draw included: each draw has its own end.
    #[serde(default)]
    pub cycles_from_draw: Option<u32>,
    /// Number of months from each draw.
    #[serde(default)]
    pub months_from_draw: Option<u32>,
    /// Draws after this day have no part in it.
    #[serde(default, with = "date_opt")]
    pub draws_through: Option<NaiveDate>,
    /// It ends once a minimum is so many days past due.
    #[serde(default)]
    pub lost_when_days_past_due: Option<u32>,
    /// Interest at the contract rate is kept in mind and charged at the end, unless the balance was paid off by then.
    #[serde(default)]
    pub deferred: bool,
}

impl Promotion {
    /// Without an end.
    #[must_use]
    pub const fn at(apr: Apr) -> Self {
        Self {
            apr,
            through: None,
            cycles: None,
            cycles_from_draw: None,
            months_from_draw: None,
            draws_through: None,
            lost_when_days_past_due: None,
            deferred: false,
        }
    }

    pub(crate) const fn ends_by_draw(&self) -> bool {
        self.cycles_from_draw.is_some() || self.months_from_draw.is_some()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Top of the slice; absent on the last.
    #[serde(default, with = "dollars_opt")]
    pub up_to: Option<Cents>,
    /// Absent where the rate follows an index.
    #[serde(default, with = "percent_opt", skip_serializing_if = "Option::is_none")]
    pub apr: Option<Apr>,
    /// What the tier adds to the index that the feature's rate follows.
    #[serde(default, with = "signed_percent_opt", skip_serializing_if = "Option::is_none")]
    pub margin: Option<i32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TiersOn {
    /// Each slice of the balance bears its own rate.
    #[default]
    Slices,
    /// The whole balance bears the rate of the tier it reaches.
    Whole,
}
