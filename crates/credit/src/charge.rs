//! The charges that follow from the terms and from what is known: what replay finds again, and posts by the difference.

use chrono::NaiveDate;
use identity::{CaseId, DrawId};
use money::Cents;
use serde::{Deserialize, Serialize};

use crate::FeeKind;

/// A charge that the terms impose by themselves and that replay can recompute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "charge", rename_all = "snake_case")]
pub enum Charge {
    Interest {
        cycle: u32,
        feature: String,
    },
    LateFee {
        cycle: u32,
    },
    PlanFee {
        cycle: u32,
    },
    OverLimitFee {
        cycle: u32,
    },
    /// Fees of the cycle that the cap of 32 CFR 232.4 takes back, as a negative amount.
    MilitaryWaiver {
        cycle: u32,
    },
    /// What of the fee of a draw is given back, as a negative amount.
    DrawFee {
        draw: DrawId,
    },
    /// What waivers of a kind of fee were more than was charged of it; with the dispute that found our error in it.
    Waiver {
        fee: FeeKind,
        dispute: Option<CaseId>,
    },
}

/// What was posted of a charge so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PostedCharge {
    /// Of the event that posted it first.
    pub(crate) seq: u64,
    pub(crate) on: NaiveDate,
    pub(crate) amount: Cents,
}

impl Charge {
    /// Of a fee that the terms impose in a cycle.
    pub(crate) const fn of_fee(fee: FeeKind, cycle: u32) -> Self {
        match fee {
            FeeKind::Plan => Self::PlanFee { cycle },
            FeeKind::OverLimit => Self::OverLimitFee { cycle },
            _ => Self::LateFee { cycle },
        }
    }

    #[must_use]
    pub const fn cycle(&self) -> Option<u32> {
        match self {
            Self::Interest { cycle, .. }
            | Self::LateFee { cycle }
            | Self::PlanFee { cycle }
            | Self::OverLimitFee { cycle }
            | Self::MilitaryWaiver { cycle } => Some(*cycle),
            Self::DrawFee { .. } | Self::Waiver { .. } => None,
        }
    }
}
