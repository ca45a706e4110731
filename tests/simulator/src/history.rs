//! What happens to one line, as data: every fact with the day from which it counts and the day on which we learn of it.
//!
//! A history can be lived again, cut short and thinned out: that is how a failure is made small.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use credit::{AppliesTo, FeeKind, FlagKind, Product, ProductCatalog};
use money::{Apr, Cents};
use serde::Serialize;

use crate::dice::Dice;

/// The products of `products/`. The oracle knows all but the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    Std,
    Fee3,
    Sub,
    Card,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Std, Self::Fee3, Self::Sub, Self::Card];

    /// Those of which a house has lines.
    pub const LINES: [Self; 3] = [Self::Std, Self::Fee3, Self::Sub];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Std => "CASHLINE-STD-1",
            Self::Fee3 => "CASHLINE-STD-1-FEE3",
            Self::Sub => "CASHLINE-SUB-1",
            Self::Card => "CARD-STD-1",
        }
    }

    pub fn product(self) -> anyhow::Result<Product> {
        let catalog = ProductCatalog::embedded()?;
        let product = catalog.get(self.name());
        product.cloned().ok_or_else(|| anyhow::anyhow!("there is no product {}", self.name()))
    }
}

/// The terms agreed for one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Agreed {
    pub kind: Kind,
    #[serde(rename = "credit_limit_cents")]
    pub credit_limit: Cents,
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    pub close_day: u32,
    pub opened_on: NaiveDate,
    /// Its rate is an index and `MARGIN`.
    pub follows_index: bool,
}

/// On top of the index, where a rate follows one.
pub const MARGIN: u32 = 50_000;

/// Other terms of the contract, after their notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Of new draws.
    Rate {
        #[serde(rename = "apr_ppm")]
        apr: Apr,
    },
    LateFee {
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    /// The least minimum.
    Floor {
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Happening {
    pub learned_on: NaiveDate,
    pub effective_on: NaiveDate,
    #[serde(flatten)]
    pub what: What,
}

/// Draws and payments are numbered, each from 1, in the order in which they came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    Draw {
        draw: u64,
        #[serde(rename = "amount_cents")]
        amount: Cents,
        #[serde(rename = "fee_cents")]
        fee: Cents,
        /// Of the product's, where it is not the first.
        feature: Option<&'static str>,
    },
    DrawRefused {
        draw: u64,
    },
    Payment {
        payment: u64,
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    PaymentReturned {
        payment: u64,
        #[serde(rename = "fee_cents")]
        fee: Cents,
    },
    PaymentReversed {
        payment: u64,
    },
    Rate {
        #[serde(rename = "apr_ppm")]
        apr: Apr,
        applies_to: AppliesTo,
    },
    /// Of a line whose rate follows one.
    Index {
        #[serde(rename = "apr_ppm")]
        index: Apr,
    },
    Terms {
        #[serde(flatten)]
        change: Change,
        given_on: NaiveDate,
    },
    Closed,
    Limit {
        #[serde(rename = "credit_limit_cents")]
        credit_limit: Cents,
    },
    /// No rate above `apr` on what is owed, for military service.
    RateCap {
        #[serde(rename = "apr_ppm")]
        apr: Apr,
        through: Option<NaiveDate>,
    },
    /// Leave to debit, with its discount. Numbered from 1.
    AutopayBegan {
        autopay: u64,
    },
    AutopayEnded {
        autopay: u64,
    },
    /// A copy left on the effective day, those before having come back.
    StatementSent {
        statement: u32,
    },
    /// None had left by the end of the effective day.
    StatementNotSent {
        statement: u32,
    },
    CloseDay {
        close_day: u32,
    },
    Credit {
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    /// Of a credit balance.
    Refund {
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    Fee {
        fee: FeeKind,
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    FeeWaived {
        fee: FeeKind,
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    DrawHeld {
        draw: u64,
        #[serde(rename = "amount_cents")]
        amount: Cents,
        expires_on: Option<NaiveDate>,
    },
    DrawCorrected {
        draw: u64,
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    /// A part of a draw is said to be a billing error.
    DisputeOpened {
        dispute: u64,
        draw: u64,
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    DisputeResolved {
        dispute: u64,
        draw: u64,
        #[serde(rename = "error_cents")]
        error: Cents,
    },
    /// The line comes in with this.
    BroughtForward {
        #[serde(rename = "principal_cents")]
        principal: Cents,
        #[serde(rename = "billed_interest_cents")]
        billed_interest: Cents,
        #[serde(rename = "fees_cents")]
        fees: Cents,
        #[serde(rename = "penalty_fees_cents")]
        penalty_fees: Cents,
        #[serde(rename = "credit_balance_cents")]
        credit_balance: Cents,
    },
    FlagRaised {
        flag: FlagKind,
    },
    FlagCleared {
        flag: FlagKind,
    },
}

impl What {
    /// The draw, payment, dispute or leave without which this cannot be.
    #[must_use]
    pub const fn needs(&self) -> Option<Needed> {
        match self {
            Self::DrawRefused { draw }
            | Self::DrawCorrected { draw, .. }
            | Self::DisputeOpened { draw, .. } => Some(Needed::Draw(*draw)),
            Self::PaymentReturned { payment, .. } | Self::PaymentReversed { payment } => {
                Some(Needed::Payment(*payment))
            }
            Self::DisputeResolved { dispute, .. } => Some(Needed::Dispute(*dispute)),
            Self::AutopayEnded { autopay } => Some(Needed::Autopay(*autopay)),
            _ => None,
        }
    }

    /// What staff only do because of the balance they see.
    #[must_use]
    pub const fn rests_on_the_balance(&self) -> bool {
        matches!(self, Self::FeeWaived { .. } | Self::Refund { .. })
    }

    /// What cannot be entered late.
    #[must_use]
    pub const fn is_of_its_day(&self) -> bool {
        matches!(
            self,
            Self::CloseDay { .. }
                | Self::Terms { .. }
                | Self::Closed
                | Self::BroughtForward { .. }
                | Self::DisputeOpened { .. }
                | Self::DrawHeld { .. }
        )
    }

    #[must_use]
    pub const fn undoes_payment(&self) -> bool {
        matches!(self, Self::PaymentReturned { .. } | Self::PaymentReversed { .. })
    }

    #[must_use]
    pub const fn makes(&self) -> Option<Needed> {
        match self {
            Self::Draw { draw, .. } => Some(Needed::Draw(*draw)),
            Self::Payment { payment, .. } => Some(Needed::Payment(*payment)),
            Self::DisputeOpened { dispute, .. } => Some(Needed::Dispute(*dispute)),
            Self::AutopayBegan { autopay } => Some(Needed::Autopay(*autopay)),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    Draw(u64),
    Payment(u64),
    Dispute(u64),
    Autopay(u64),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct History {
    #[serde(flatten)]
    pub agreed: Agreed,
    /// The last day that is lived.
    pub through: NaiveDate,
    /// In the order in which we learn of them.
    pub happenings: Vec<Happening>,
}

impl Agreed {
    /// Of a line of which nothing is known.
    #[must_use]
    pub const fn nothing(opened_on: NaiveDate) -> Self {
        let (kind, credit_limit, apr) = (Kind::Std, Cents::ZERO, Apr::from_ppm(0));
        Self { kind, credit_limit, apr, close_day: 1, opened_on, follows_index: false }
    }
}

impl History {
    /// The same up to a day.
    #[must_use]
    pub fn until(&self, through: NaiveDate) -> Self {
        let known = |one: &&Happening| one.learned_on <= through;
        let happenings = self.happenings.iter().filter(known).cloned().collect();
        Self { agreed: self.agreed, through, happenings }
    }

    /// The same without one happening and what cannot be without it.
    #[must_use]
    pub fn without(&self, at: usize) -> Self {
        let gone = self.happenings.get(at).and_then(|one| one.what.makes());
        let disputes: Vec<Option<Needed>> = self
            .happenings
            .iter()
            .filter(|one| gone.is_some() && one.what.needs() == gone)
            .map(|one| one.what.makes())
            .collect();
        let stays = |(index, one): &(usize, &Happening)| {
            let needs = one.what.needs();
            *index != at && (needs.is_none() || needs != gone && !disputes.contains(&needs))
        };
        let happenings = self.happenings.iter().enumerate().filter(stays);
        let happenings = happenings.map(|(_, one)| one.clone()).collect();
        Self { agreed: self.agreed, through: self.through, happenings }
    }

    /// The same, with a mark from the first day that stays late fees.
    #[must_use]
    pub fn with_late_fees_stayed(&self) -> Self {
        let mut stayed = self.clone();
        let opened_on = self.agreed.opened_on;
        let what = What::FlagRaised { flag: FlagKind::OurError };
        let mark = Happening { learned_on: opened_on, effective_on: opened_on, what };
        let first =
            usize::from(stayed.happenings.first().is_some_and(|one| !one.what.is_of_its_day()));
        stayed.happenings.insert(1.min(stayed.happenings.len()).saturating_sub(first), mark);
        stayed
    }

    /// What does not rest on a balance that was seen, each learned as early as it can be.
    #[must_use]
    pub fn in_time(&self) -> Self {
        let stays = |one: &&Happening| !one.what.rests_on_the_balance();
        let happenings = self.happenings.iter().filter(stays).cloned().collect();
        Self { agreed: self.agreed, through: self.through, happenings }
    }

    /// The same facts, many of them learned much later and in another order.
    #[must_use]
    pub fn reordered(&self, seed: u64) -> Self {
        let mut dice = Dice::seeded(seed).apart(9);
        let mut learned: BTreeMap<String, NaiveDate> = BTreeMap::new();
        let mut happenings = Vec::new();
        for one in self.happenings.iter().filter(|one| !one.what.rests_on_the_balance()) {
            let mut one = one.clone();
            if !one.what.is_of_its_day() && dice.chance(500) {
                one.learned_on = one.learned_on + Days::new(dice.below(100));
            }
            // Never before that which it speaks of, and after what was said of the same before.
            for of in [one.what.needs(), one.what.makes()].into_iter().flatten() {
                let known = learned.entry(format!("{of:?}")).or_insert(one.learned_on);
                one.learned_on = one.learned_on.max(*known);
                *known = one.learned_on;
            }
            one.learned_on = one.learned_on.min(self.through);
            happenings.push(one);
        }
        happenings.sort_by_key(|one| one.learned_on);
        Self { agreed: self.agreed, through: self.through, happenings }
    }
}
