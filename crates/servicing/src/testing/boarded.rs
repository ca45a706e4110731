//! A portfolio that came in with balances brought forward, as any number of lines can be boarded at once
//! (`store::testing::boarded`).

use chrono::{Datelike as _, Months, NaiveDate};
use credit::{BroughtForward, CreditLine, FeatureAmount, LineEventBody, Terms};
use identity::CreditLineId;
use money::{Apr, Cents};
pub use store::testing::boarded::{Ids, Model, board};

use super::{noon, product};

/// Closing days: the n-th line closes on the day `n % CLOSING_DAYS + 1` of the month.
pub const CLOSING_DAYS: u32 = 28;

/// One kind of line for each closing day, each boarded on the first day of the cycle that it lives through on `due_on`, or that
/// ended the day before: on `due_on` one line of 28 has a statement to be issued, and no line had one before.
///
/// Each owes $1,240.00 of principal and $24.80 of interest, and its last minimum was paid.
#[must_use]
pub fn models(due_on: NaiveDate) -> Vec<Model> {
    let closed_on = due_on.pred_opt().unwrap();
    assert!(closed_on.day() <= CLOSING_DAYS, "the day before {due_on} is no closing day");
    (1..=CLOSING_DAYS).map(|closing_day| model(closed_on, closing_day)).collect()
}

fn model(closed_on: NaiveDate, closing_day: u32) -> Model {
    let this_month = closed_on.with_day(closing_day).unwrap();
    let last_close =
        if closing_day < closed_on.day() { this_month } else { this_month - Months::new(1) };
    let boarded_on = last_close.succ_opt().unwrap();
    let at = noon(boarded_on);
    let terms = Terms::open(&product(), Cents::new(200_000), Apr::from_ppm(240_000), closing_day);
    let id = CreditLineId::mint(at);
    let (mut line, opened) = CreditLine::open(id, terms.clone(), boarded_on, at).unwrap();
    let principal = FeatureAmount { feature: String::new(), amount: Cents::new(124_000) };
    let balances = BroughtForward {
        principal: vec![principal],
        billed_interest: Cents::new(2_480),
        ..BroughtForward::default()
    };
    let body = LineEventBody::BalanceBroughtForward { balances };
    let brought = line.record(body, boarded_on, at).unwrap();
    Model {
        product: terms.product.name.clone(),
        opened_on: boarded_on,
        settles_next_on: line.position(boarded_on).unwrap().settles_next_on,
        opened_at: at,
        postings: brought.posting.clone().into_iter().map(|one| (brought.event.seq, one)).collect(),
        events: vec![opened.event, brought.event],
    }
}
