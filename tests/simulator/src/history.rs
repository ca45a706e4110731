//! What happens to one line, as data: every fact with the day from which it counts and the day on which we learn of it.
//!
//! A history can be lived again, cut short and thinned out: that is how a failure is made small.

use chrono::NaiveDate;
use credit::{AppliesTo, CycleSchedule, FlagKind, Product, ProductCatalog};
use money::{Apr, Cents};
use serde::Serialize;

/// The products that the oracle knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    Std,
    Fee3,
    Sub,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Std, Self::Fee3, Self::Sub];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Std => "CASHLINE-STD-1",
            Self::Fee3 => "CASHLINE-STD-1-FEE3",
            Self::Sub => "CASHLINE-SUB-1",
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
    },
    PaymentReversed {
        payment: u64,
    },
    Rate {
        #[serde(rename = "apr_ppm")]
        apr: Apr,
        applies_to: AppliesTo,
    },
    Limit {
        #[serde(rename = "credit_limit_cents")]
        credit_limit: Cents,
    },
    LateFeeWaived {
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    FlagRaised {
        flag: FlagKind,
    },
    FlagCleared {
        flag: FlagKind,
    },
}

impl What {
    /// The draw or payment without which this cannot be.
    #[must_use]
    pub const fn needs(&self) -> Option<Needed> {
        match self {
            Self::DrawRefused { draw } => Some(Needed::Draw(*draw)),
            Self::PaymentReturned { payment } | Self::PaymentReversed { payment } => {
                Some(Needed::Payment(*payment))
            }
            _ => None,
        }
    }

    #[must_use]
    pub const fn makes(&self) -> Option<Needed> {
        match self {
            Self::Draw { draw, .. } => Some(Needed::Draw(*draw)),
            Self::Payment { payment, .. } => Some(Needed::Payment(*payment)),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    Draw(u64),
    Payment(u64),
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
        Self { kind, credit_limit, apr, close_day: 1, opened_on }
    }
}

impl History {
    /// The last days of its cycles.
    pub fn closes(&self) -> impl Iterator<Item = NaiveDate> {
        let schedule = CycleSchedule::monthly(self.agreed.close_day);
        let through = self.through;
        let mut next = self.agreed.opened_on;
        std::iter::from_fn(move || {
            let close = schedule.close_of(next);
            next = close.succ_opt()?;
            (close < through).then_some(close)
        })
    }

    /// The same, ending on a day on which no cycle closes.
    #[must_use]
    pub fn past_a_close(&self) -> Self {
        let schedule = CycleSchedule::monthly(self.agreed.close_day);
        let mut through = self.through;
        while schedule.close_of(through) == through {
            through = through.succ_opt().unwrap_or(NaiveDate::MAX);
        }
        Self { through, ..self.clone() }
    }

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
        let stays = |(index, one): &(usize, &Happening)| {
            *index != at && (gone.is_none() || one.what.needs() != gone)
        };
        let happenings = self.happenings.iter().enumerate().filter(stays);
        let happenings = happenings.map(|(_, one)| one.clone()).collect();
        Self { agreed: self.agreed, through: self.through, happenings }
    }
}
