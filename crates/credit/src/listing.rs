//! The facts that one statement shows: each on exactly one, the first that was issued after it was known and took effect.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};
use identity::{DrawId, PaymentId};
use money::Cents;

use crate::{
    Charge, CycleRecord, FeeKind, LineEvent, LineEventBody, Position, Statement, StatementItem,
    draws::{Change, DrawFacts},
    product::ReturnPolicy,
};

/// The facts that one statement shows.
#[derive(Default)]
pub(crate) struct Listing {
    pub(crate) draws: Vec<StatementItem>,
    pub(crate) payments: Vec<StatementItem>,
    pub(crate) fees: Vec<StatementItem>,
    pub(crate) adjustments: Vec<StatementItem>,
    /// Of the payments, credits that are none.
    pub(crate) credits: Cents,
    /// Corrections of what statements of the same year showed: they count in the totals of that year.
    pub(crate) interest_adjusted: Cents,
    pub(crate) fees_adjusted: Cents,
}

/// What later facts refer to.
#[derive(Default)]
struct Known {
    payments: BTreeMap<PaymentId, (NaiveDate, Cents)>,
    draws: DrawFacts,
    /// By which event each was charged.
    drew: BTreeMap<DrawId, u64>,
    charged: BTreeMap<Charge, u64>,
    years: Years,
}

/// Where statements of earlier years first showed a charge. Its correction counts in no total of a later year (12 CFR
/// 1026.7(b)(6)): it takes nothing from what that year cost.
#[derive(Default)]
struct Years {
    /// Cycles whose interest they billed.
    cycles: BTreeSet<u32>,
    /// Events whose fees they list.
    events: BTreeSet<u64>,
}

impl Years {
    fn before(year: i32, issued: &[(u64, &Statement)]) -> Self {
        let mut earlier = Self::default();
        for (_, statement) in issued.iter().filter(|(_, one)| one.closed_on.year() < year) {
            earlier.cycles.insert(statement.number);
            earlier.events.extend(statement.fees.iter().map(|item| item.seq));
        }
        earlier
    }
}

impl Listing {
    pub(crate) fn of(
        events: &[LineEvent],
        position: &Position,
        issued: &[(u64, &Statement)],
        record: &CycleRecord,
    ) -> Self {
        let closes_on = record.closes_on;
        let previous = issued.iter().rev().find(|(_, issued)| issued.number < record.number);
        let mut listing = Self::default();
        let years = Years::before(closes_on.year(), issued);
        let mut known = Known { years, ..Known::default() };
        for event in events {
            let belongs = |since: NaiveDate| {
                let shown_before = previous.is_some_and(|(seq, statement)| {
                    event.seq < *seq && since <= statement.closed_on
                });
                !shown_before && since <= closes_on
            };
            if belongs(known.since(event, position)) {
                listing.show(event, position, &known);
            }
            if belongs(event.effective_on) {
                listing.show_return_fee(event, position);
            }
            known.note(event);
        }
        listing
    }

    /// The fee of a return counts from the return, whatever the return itself counts from.
    fn show_return_fee(&mut self, event: &LineEvent, position: &Position) {
        if let LineEventBody::PaymentReturned { fee, .. } = &event.body
            && fee.is_positive()
        {
            self.fees.push(item(event, position, "returned-payment fee", *fee));
        }
    }

    fn correct(&mut self, item: StatementItem, fee: Cents, this_year: bool) {
        if this_year {
            self.fees_adjusted += fee;
        }
        if !item.amount.is_zero() {
            self.adjustments.push(item);
        }
    }

    fn show(&mut self, event: &LineEvent, position: &Position, known: &Known) {
        let item = |label: &str, amount: Cents| item(event, position, label, amount);
        match &event.body {
            LineEventBody::Drew { amount, fee, feature, .. } => {
                let first = position.terms.product.features.first();
                let feature = feature.clone().or_else(|| first.map(|one| one.name.clone()));
                self.draws.push(StatementItem { feature, ..item("draw", *amount) });
                if fee.is_positive() {
                    self.fees.push(item("draw fee", *fee));
                }
            }
            LineEventBody::PaymentReceived { amount, .. } => {
                self.payments.push(item("payment", -*amount));
            }
            LineEventBody::CreditGranted { amount, reason, .. } => {
                self.credits += *amount;
                self.payments.push(item(&format!("credit: {reason}"), -*amount));
            }
            LineEventBody::FeeWaived { fee, amount, .. } => {
                self.credits += *amount;
                self.payments.push(item(&format!("{} waived", fee.label()), -*amount));
            }
            LineEventBody::FeeAssessed { fee, cycle, amount } => {
                let of_plans = of_plans(event, position, (*fee, *cycle, *amount));
                let others = *amount - of_plans.iter().map(|one| one.amount).sum();
                if others.is_positive() || of_plans.is_empty() {
                    self.fees.push(item(fee.label(), others));
                }
                self.fees.extend(of_plans);
            }
            LineEventBody::CreditBalanceRefunded { amount } => {
                self.adjustments.push(item("credit balance refunded", *amount));
            }
            LineEventBody::CreditBalanceRestored { amount } => {
                self.adjustments.push(item("refund that did not arrive", -*amount));
            }
            LineEventBody::PaymentReturned { payment, .. } => {
                let amount = known.payments.get(payment).map_or(Cents::ZERO, |(_, amount)| *amount);
                self.adjustments.push(item("payment returned", amount));
            }
            LineEventBody::PaymentReversed { payment, .. } => {
                let amount = known.payments.get(payment).map_or(Cents::ZERO, |(_, amount)| *amount);
                self.adjustments.push(item("payment reversed", amount));
            }
            LineEventBody::DrawRefused { .. } | LineEventBody::DrawCorrected { .. } => {
                let refused = matches!(event.body, LineEventBody::DrawRefused { .. });
                let label = if refused { "draw cancelled" } else { "draw corrected" };
                let change = known.draws.change_by(&event.body);
                let this_year = known.corrects_this_year(&event.body);
                self.correct(item(label, change.amount + change.fee), change.fee, this_year);
            }
            LineEventBody::DisputeResolved { error, .. } if error.is_positive() => {
                let of_draw = known.draws.corrected_by(&event.body).is_some();
                let other = Change { amount: -*error, fee: Cents::ZERO };
                let change = if of_draw { known.draws.change_by(&event.body) } else { other };
                let label = "billing error corrected";
                let this_year = known.corrects_this_year(&event.body);
                self.correct(item(label, change.amount + change.fee), change.fee, this_year);
            }
            LineEventBody::Adjusted { charge, amount } => {
                self.adjustments.push(item(&adjustment_label(charge), *amount));
                match charge {
                    // What was waived counts as charged all the same.
                    Charge::Waiver { .. } => {}
                    _ if !known.charged_this_year(charge) => {}
                    Charge::Interest { .. } => self.interest_adjusted += *amount,
                    _ => self.fees_adjusted += *amount,
                }
            }
            _ => {}
        }
    }
}

/// The monthly fee of each plan of instalments, where they are what was posted with the close of a cycle.
fn of_plans(
    event: &LineEvent,
    position: &Position,
    (fee, cycle, amount): (FeeKind, Option<u32>, Cents),
) -> Vec<StatementItem> {
    let record = position.cycles.iter().find(|record| Some(record.number) == cycle);
    let record = record.filter(|record| {
        fee == FeeKind::Plan
            && event.effective_on == record.closes_on
            && amount == record.plan_fee - record.first_day_fee
    });
    let fees = record.into_iter().flat_map(|record| &record.instalment_fees);
    fees.map(|one| StatementItem {
        feature: Some(one.feature.clone()),
        ..item(event, position, &format!("monthly fee of {}", one.feature), one.amount)
    })
    .collect()
}

fn item(event: &LineEvent, position: &Position, label: &str, amount: Cents) -> StatementItem {
    StatementItem {
        seq: event.seq,
        label: label.to_owned(),
        effective_on: event.effective_on,
        recorded_on: calendar::local_date(event.recorded_at, position.terms.product.dates.zone),
        amount,
        feature: None,
    }
}

impl Known {
    fn charged_this_year(&self, charge: &Charge) -> bool {
        match charge {
            Charge::Interest { cycle, .. } | Charge::MilitaryWaiver { cycle } => {
                !self.years.cycles.contains(cycle)
            }
            Charge::LateFee { .. } | Charge::PlanFee { .. } | Charge::OverLimitFee { .. } => {
                self.charged.get(charge).is_none_or(|seq| !self.years.events.contains(seq))
            }
            Charge::DrawFee { draw } => self.drew_this_year(*draw),
            Charge::Waiver { .. } => true,
        }
    }

    fn corrects_this_year(&self, correction: &LineEventBody) -> bool {
        self.draws.corrected_by(correction).is_none_or(|draw| self.drew_this_year(draw))
    }

    fn drew_this_year(&self, draw: DrawId) -> bool {
        self.drew.get(&draw).is_none_or(|seq| !self.years.events.contains(seq))
    }

    /// The day from which the fact is part of the balance.
    fn since(&self, event: &LineEvent, position: &Position) -> NaiveDate {
        let own = event.effective_on;
        let from_start = position.terms.product.returns == ReturnPolicy::FromOriginalEffectiveDate;
        match &event.body {
            LineEventBody::PaymentReturned { payment, .. } if from_start => {
                self.payments.get(payment).map_or(own, |(paid_on, _)| *paid_on)
            }
            LineEventBody::PaymentReversed { payment, .. } => {
                self.payments.get(payment).map_or(own, |(paid_on, _)| *paid_on)
            }
            body @ (LineEventBody::DrawRefused { .. }
            | LineEventBody::DrawCorrected { .. }
            | LineEventBody::DisputeResolved { .. }) => {
                let fact = self.draws.corrected_by(body).and_then(|draw| self.draws.get(draw));
                fact.and_then(|fact| fact.drew_on).unwrap_or(own)
            }
            _ => own,
        }
    }

    fn note(&mut self, event: &LineEvent) {
        match &event.body {
            LineEventBody::PaymentReceived { payment, amount } => {
                self.payments.insert(*payment, (event.effective_on, *amount));
            }
            LineEventBody::PaymentReversed { payment, .. }
            | LineEventBody::PaymentReturned { payment, .. } => {
                if let Some((_, amount)) = self.payments.get_mut(payment) {
                    *amount = Cents::ZERO;
                }
            }
            LineEventBody::Drew { draw, .. } => {
                self.drew.insert(*draw, event.seq);
            }
            LineEventBody::FeeAssessed { fee, cycle: Some(cycle), .. } => {
                self.charged.insert(Charge::of_fee(*fee, *cycle), event.seq);
            }
            _ => {}
        }
        self.draws.note(event);
    }
}

fn adjustment_label(charge: &Charge) -> String {
    match charge {
        Charge::Interest { cycle, feature } => {
            format!("adjustment of interest on {feature} of statement {cycle}")
        }
        Charge::LateFee { cycle } => format!("adjustment of the late fee of statement {cycle}"),
        Charge::PlanFee { cycle } => format!("adjustment of the plan fee of statement {cycle}"),
        Charge::OverLimitFee { cycle } => {
            format!("adjustment of the over-limit fee of statement {cycle}")
        }
        Charge::MilitaryWaiver { cycle } => {
            format!("fees of statement {cycle} waived to keep to the military rate cap")
        }
        Charge::DrawFee { .. } => "adjustment of the fee of a draw".to_owned(),
        Charge::Waiver { fee, .. } => format!("{} waived that was not charged", fee.label()),
    }
}
