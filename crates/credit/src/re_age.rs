//! Whether a line that is past due may be brought current without being paid current (FFIEC policy, 65 FR 36903).
//!
//! What is absent: the re-aging itself, and whether the customer can and will pay from now on, which a person judges.

use calendar::add_months;
use chrono::NaiveDate;
use money::{Cents, Rounding};

use crate::{CycleRecord, Position};

/// Months on the books.
const LEAST_MONTHS: i32 = 9;

/// Minimum payments in a row, or as much in one.
const MINIMUMS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NoReAge {
    #[error("nothing is past due")]
    NothingPastDue,
    #[error("the line is less than nine months old")]
    TooYoung,
    #[error("it was re-aged within the last twelve months")]
    WithinAYear,
    #[error("it was re-aged twice within the last five years")]
    TwiceInFiveYears,
    #[error("three minimum payments in a row, or as much in one, have not been made")]
    TooLittlePaid,
}

/// `earlier`: the days on which it was re-aged before.
pub fn may_re_age(position: &Position, earlier: &[NaiveDate]) -> Result<(), NoReAge> {
    let on = position.on;
    if position.days_past_due == 0 {
        return Err(NoReAge::NothingPastDue);
    }
    if on < add_months(position.opened_on, LEAST_MONTHS) {
        return Err(NoReAge::TooYoung);
    }
    let since = |months: i32| earlier.iter().filter(|day| add_months(**day, months) > on).count();
    if since(12) > 0 {
        return Err(NoReAge::WithinAYear);
    }
    if since(60) >= 2 {
        return Err(NoReAge::TwiceInFiveYears);
    }
    if enough_paid(position) { Ok(()) } else { Err(NoReAge::TooLittlePaid) }
}

/// In each of the last three cycles its own minimum, or all three of them since the first.
fn enough_paid(position: &Position) -> bool {
    let last: Vec<&CycleRecord> = position.cycles.iter().rev().take(MINIMUMS).collect();
    let full = i128::from(position.terms.product.delinquency.full_payment.ppm().min(1_000_000));
    let good_as = |asked: Cents| {
        let share = i128::from(asked.get()) * full;
        Cents::from_ratio(share, 1_000_000, Rounding::Up).unwrap_or(asked)
    };
    let paid = |from: NaiveDate, until: Option<NaiveDate>| -> Cents {
        let payments = position.allocations.iter().filter(|one| one.payment.is_some());
        let within = payments.filter(|one| {
            one.effective_on > from && until.is_none_or(|until| one.effective_on <= until)
        });
        within.map(|one| one.amount).sum()
    };
    let ends = std::iter::once(None).chain(last.iter().map(|record| Some(record.closes_on)));
    let each = last
        .iter()
        .zip(ends)
        .all(|(record, end)| paid(record.closes_on, end) >= good_as(record.minimum.own));
    let all: Cents = last.iter().map(|record| record.minimum.own).sum();
    let at_once = last.last().is_some_and(|first| paid(first.closes_on, None) >= good_as(all));
    last.len() == MINIMUMS && (each || at_once)
}
