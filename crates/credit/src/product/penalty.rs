//! Terms of a penalty rate: when it comes, and how it is cured.

use money::Apr;
use serde::{Deserialize, Serialize};

use crate::units::{count_or_never, percent};

/// A higher rate for who pays late, and the way back (12 CFR 1026.55(b)(4) says for cards: not before a minimum is 60 days
/// late, with notice, and over once six minimums in a row were paid in time).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PenaltyRate {
    /// A rate that is higher by itself stays.
    #[serde(with = "percent")]
    pub apr: Apr,
    /// It comes once a minimum has been unpaid for more days than this after its due date...
    pub after_days_past_due: u32,
    /// ...and so many more have passed since, for the notice (12 CFR 1026.9(g)).
    pub notice_days: u32,
    /// From when it counts then, and from when it no longer does.
    pub takes_effect: PenaltyDay,
    /// Minimums in a row paid in time that end it; `"never"`: none does.
    #[serde(with = "count_or_never")]
    pub cured_after_minimums: Option<u32>,
    /// They have to be the first ones after it came.
    pub cured_at_once_or_never: bool,
    /// Names of the features that it concerns; none named: all.
    pub features: Vec<String>,
    /// A promotional rate goes on.
    pub spares_promotions: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PenaltyDay {
    OnTheDay,
    /// The first day of the next cycle.
    #[default]
    NextCycle,
}

impl Default for PenaltyRate {
    fn default() -> Self {
        Self {
            apr: Apr::ZERO,
            after_days_past_due: 60,
            notice_days: 45,
            takes_effect: PenaltyDay::NextCycle,
            cured_after_minimums: Some(6),
            cured_at_once_or_never: false,
            features: Vec::new(),
            spares_promotions: false,
        }
    }
}
