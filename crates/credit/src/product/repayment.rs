//! Terms of the repayment period: when draws end, and what is asked for from then on.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::MinimumTerms;
use crate::units::date_opt;

/// What follows the draw period: no draws, and where it is stated a minimum of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RepaymentTerms {
    /// Its first day: so many months after the line was opened...
    pub begins_after_months: Option<u32>,
    /// ...or this day.
    #[serde(with = "date_opt")]
    pub begins_on: Option<NaiveDate>,
    /// The last of so many statements asks for all that is owed. Absent: the minimum goes on until nothing is.
    pub cycles: Option<u32>,
    /// Of each statement whose cycle closes in it. Absent: the product's goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<MinimumTerms>,
}
