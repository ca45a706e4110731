//! What the law forgives, computed from the same history: service in the armed forces (50 USC 3937, V32), estates (12 CFR
//! 1026.11(c), V44).
//!
//! Invariant: these are questions; nothing is recorded. A line that is found to be in service gets the events that the question
//! supposes.

use chrono::{Days, NaiveDate};
use money::{Apr, Cents};
use serde::Serialize;

use crate::{
    CreditError, CycleRecord, FlagKind, LineEvent, LineEventBody, PayoffQuote, Position,
    quote_payoff, replay,
};

/// The most that a pre-service obligation may bear in service.
const SERVICE_APR: Apr = Apr::from_ppm(60_000);

/// Days within which an estate settles at the balance it was told.
const ESTATE_DAYS: u64 = 30;

/// What service forgives of what was charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceRelief {
    /// Closed cycles that service changes.
    pub cycles: Vec<CycleRelief>,
    #[serde(rename = "total_cents")]
    pub total: Cents,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CycleRelief {
    pub number: u32,
    #[serde(rename = "billed_cents")]
    pub billed: Cents,
    #[serde(rename = "capped_cents")]
    pub capped: Cents,
    /// Fees count as interest.
    #[serde(rename = "fees_forgiven_cents")]
    pub fees_forgiven: Cents,
}

impl CycleRelief {
    #[must_use]
    pub fn forgiven(&self) -> Cents {
        self.billed - self.capped
    }
}

/// What six percent from the first day of service comes to, with all that is known on the day `on`.
pub fn service_relief(
    events: &[LineEvent],
    (from, through): (NaiveDate, Option<NaiveDate>),
    on: NaiveDate,
) -> Result<ServiceRelief, CreditError> {
    let before = replay(events, on)?;
    let note = String::new();
    let flag = LineEventBody::FlagRaised { flag: FlagKind::Scra, note };
    let cap = LineEventBody::RateCapped { apr: SERVICE_APR, through, reason: String::new() };
    let after = replay(&supposing(events, from, [flag, cap]), on)?;
    let interest = |record: &CycleRecord| record.interest.iter().map(|line| line.amount).sum();
    let cycles: Vec<CycleRelief> = before
        .cycles
        .iter()
        .zip(&after.cycles)
        .map(|(billed, capped)| CycleRelief {
            number: billed.number,
            billed: interest(billed),
            capped: interest(capped),
            fees_forgiven: fees(&before, billed) - fees(&after, capped),
        })
        .filter(|cycle| cycle.forgiven().is_positive() || cycle.fees_forgiven.is_positive())
        .collect();
    let total = cycles.iter().map(|cycle| cycle.forgiven() + cycle.fees_forgiven).sum();
    Ok(ServiceRelief { cycles, total })
}

/// Fees that the terms charged in a cycle.
fn fees(position: &Position, record: &CycleRecord) -> Cents {
    let within = |on: NaiveDate| record.starts_on <= on && on <= record.closes_on;
    let late = position.late_fees.iter().filter(|fee| within(fee.on)).map(|fee| fee.amount);
    late.sum::<Cents>() + record.plan_fee + record.over_limit_fee
}

/// What settles an estate on a day, when its balance was told on `told_on`: within thirty days no more interest and no fee.
pub fn quote_estate(
    events: &[LineEvent],
    told_on: NaiveDate,
    on: NaiveDate,
) -> Result<PayoffQuote, CreditError> {
    let last = told_on.checked_add_days(Days::new(ESTATE_DAYS)).unwrap_or(NaiveDate::MAX);
    if on > last {
        return quote_payoff(events, on);
    }
    let free = LineEventBody::RateCapped { apr: Apr::ZERO, through: None, reason: String::new() };
    let quote = quote_payoff(&supposing(events, told_on, [free]), on)?;
    Ok(PayoffQuote { good_through_on: last, ..quote })
}

/// The history with further events, effective on a day.
fn supposing<const N: usize>(
    events: &[LineEvent],
    effective_on: NaiveDate,
    bodies: [LineEventBody; N],
) -> Vec<LineEvent> {
    let mut supposed = events.to_vec();
    for body in bodies {
        if let Some(LineEvent { seq, recorded_at, .. }) = supposed.last().cloned() {
            supposed.push(LineEvent { seq: seq + 1, effective_on, recorded_at, body });
        }
    }
    supposed
}
