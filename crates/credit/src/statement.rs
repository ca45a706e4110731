//! The periodic statement (12 CFR 1026.7(b), SPEC §1.3).
//!
//! Invariants: an issued statement never changes; `new = previous − payments and credits + draws + fees + interest ± adjustments`;
//! each fact is shown on exactly one statement, the first one issued after it was known and took effect.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use identity::PaymentId;
use money::{Apr, Cents};
use serde::{Deserialize, Serialize};

use crate::{
    Charge, CycleRecord, LineEvent, LineEventBody, Position,
    draws::{Change, DrawFacts},
    product::{LateFee, ReturnPolicy},
    rate,
    repayment::Repayment,
};

/// What a statement says, as data at close.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub number: u32,
    pub opened_on: NaiveDate,
    pub closed_on: NaiveDate,
    /// When it was made available: the statement window runs from here.
    pub sent_on: NaiveDate,
    pub due_on: NaiveDate,
    pub days: u32,
    #[serde(rename = "previous_balance_cents")]
    pub previous_balance: Cents,
    pub draws: Vec<StatementItem>,
    pub payments: Vec<StatementItem>,
    pub fees: Vec<StatementItem>,
    pub adjustments: Vec<StatementItem>,
    pub interest: Vec<StatementInterest>,
    #[serde(rename = "draws_total_cents")]
    pub draws_total: Cents,
    /// Payments and credits, as a positive amount.
    #[serde(rename = "payments_total_cents")]
    pub payments_total: Cents,
    #[serde(rename = "fees_total_cents")]
    pub fees_total: Cents,
    #[serde(rename = "interest_total_cents")]
    pub interest_total: Cents,
    /// Signed: positive where the customer owes more.
    #[serde(rename = "adjustments_total_cents")]
    pub adjustments_total: Cents,
    #[serde(rename = "new_balance_cents")]
    pub new_balance: Cents,
    #[serde(rename = "principal_balance_cents")]
    pub principal_balance: Cents,
    #[serde(rename = "credit_limit_cents")]
    pub credit_limit: Cents,
    #[serde(rename = "minimum_due_cents")]
    pub minimum_due: Cents,
    /// Not to be paid while it is disputed.
    #[serde(default, rename = "disputed_cents")]
    pub disputed: Cents,
    #[serde(default, rename = "available_credit_cents")]
    pub available_credit: Cents,
    /// How the balance subject to interest was found (12 CFR 1026.7(b)(5)).
    #[serde(default)]
    pub balance_method: String,
    /// What has to be paid by the due date to be spared interest; absent where there is no grace (1026.7(b)(8)).
    #[serde(default, rename = "pay_to_avoid_interest_cents")]
    pub pay_to_avoid_interest: Option<Cents>,
    /// What a payment after the due date can cost (1026.7(b)(11)).
    #[serde(default, rename = "late_fee_up_to_cents")]
    pub late_fee_up_to: Option<Cents>,
    /// Changes of terms since the statement before, and those to come (1026.7(b)(7)).
    #[serde(default)]
    pub changes_in_terms: Vec<ChangeInTerms>,
    /// On a card: what paying the minimum only comes to, and paying off in 36 months (1026.7(b)(12)).
    #[serde(default)]
    pub repayment: Option<Repayment>,
    /// Of it, unpaid from earlier statements.
    #[serde(rename = "past_due_cents")]
    pub past_due: Cents,
    #[serde(rename = "interest_this_year_cents")]
    pub interest_this_year: Cents,
    #[serde(rename = "fees_this_year_cents")]
    pub fees_this_year: Cents,
    /// More than a dollar is owed either way, or interest was charged (12 CFR 1026.5(b)(2)(i)).
    pub must_be_sent: bool,
}

/// One change of terms that the customer was told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeInTerms {
    pub effective_on: NaiveDate,
    pub notice_given_on: Option<NaiveDate>,
    /// What it changes, as a product file names it.
    pub what: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementItem {
    pub seq: u64,
    pub label: String,
    /// When it counts from.
    pub effective_on: NaiveDate,
    /// When we learned of it.
    pub recorded_on: NaiveDate,
    /// As it changes the balance.
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementInterest {
    pub feature: String,
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    /// As a percentage with six decimals.
    pub periodic_rate: String,
    pub days: u32,
    /// The balance subject to interest.
    #[serde(rename = "average_balance_cents")]
    pub average_balance: Cents,
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
}

impl Statement {
    /// Zero where the identity of the statement holds.
    #[must_use]
    pub fn off_by(&self) -> Cents {
        self.previous_balance - self.payments_total
            + self.draws_total
            + self.fees_total
            + self.interest_total
            + self.adjustments_total
            - self.new_balance
    }

    /// The statement of a closed cycle of `position`, from the events known so far.
    pub(crate) fn of(
        record: &CycleRecord,
        position: &Position,
        events: &[LineEvent],
        sent_on: NaiveDate,
    ) -> Self {
        let issued = issued_statements(events);
        let previous = issued.iter().rev().find(|(_, issued)| issued.number < record.number);
        let listing = Listing::of(events, position, previous, record.closes_on);
        let interest: Vec<_> = interest_lines(record, position);
        let total =
            |items: &[StatementItem]| -> Cents { items.iter().map(|item| item.amount).sum() };
        let interest_total = interest.iter().map(|line| line.amount).sum();
        let (draws_total, fees_total) = (total(&listing.draws), total(&listing.fees));
        let year = YearToDate::of(events, &issued, record.closes_on.year());
        let sent_on = sent_on.max(record.closes_on);
        Self {
            number: record.number,
            opened_on: record.starts_on,
            closed_on: record.closes_on,
            sent_on,
            due_on: record.due_on,
            days: u32::try_from((record.closes_on - record.starts_on).num_days() + 1)
                .unwrap_or_default(),
            previous_balance: match previous {
                Some((_, statement)) => statement.new_balance,
                None => brought_forward(events),
            },
            draws_total,
            payments_total: -total(&listing.payments),
            fees_total,
            interest_total,
            adjustments_total: total(&listing.adjustments),
            new_balance: record.balance,
            principal_balance: record.principal,
            credit_limit: record.credit_limit,
            minimum_due: record.minimum.due,
            disputed: record.minimum.inputs.disputed,
            available_credit: record.available_credit,
            balance_method: position.terms.product.interest.method_text(),
            pay_to_avoid_interest: record
                .pay_to_avoid_interest
                .filter(|amount| amount.is_positive()),
            late_fee_up_to: position.terms.product.fees.late.as_ref().map(LateFee::up_to),
            changes_in_terms: changes_in_terms(events, previous, record.closes_on),
            repayment: Repayment::of(record, position),
            past_due: record.minimum.due - record.minimum.own,
            interest_this_year: year.interest + interest_total + listing.interest_adjusted,
            fees_this_year: year.fees + fees_total + listing.fees_adjusted,
            must_be_sent: record.balance.abs() > Cents::new(100)
                || Cents::is_positive(interest_total),
            draws: listing.draws,
            payments: listing.payments,
            fees: listing.fees,
            adjustments: listing.adjustments,
            interest,
        }
    }
}

fn interest_lines(record: &CycleRecord, position: &Position) -> Vec<StatementInterest> {
    let terms = &position.terms.product.interest;
    record
        .interest
        .iter()
        .filter(|line| line.amount.is_positive() || line.sum_of_daily_balances.is_positive())
        .map(|line| {
            let periodic = terms.rate_of(line.apr, record.closes_on);
            StatementInterest {
                feature: line.feature.clone(),
                apr: line.apr,
                periodic_rate: rate::to_percent_text(periodic, 6),
                days: line.days,
                average_balance: line.average_balance,
                amount: line.amount,
            }
        })
        .collect()
}

fn issued_statements(events: &[LineEvent]) -> Vec<(u64, &Statement)> {
    events
        .iter()
        .filter_map(|event| match &event.body {
            LineEventBody::StatementIssued { statement } => Some((event.seq, statement.as_ref())),
            _ => None,
        })
        .collect()
}

/// Changes that the statement before could not tell of.
fn changes_in_terms(
    events: &[LineEvent],
    previous: Option<&(u64, &Statement)>,
    closes_on: NaiveDate,
) -> Vec<ChangeInTerms> {
    let told = previous.map_or(0, |(seq, _)| *seq);
    let since = previous.map(|(_, statement)| statement.closed_on);
    let mut changes = Vec::new();
    for event in events {
        let (what, notice) = match &event.body {
            LineEventBody::TermsChanged { changes, notice } => (names(changes), *notice),
            LineEventBody::RateChanged { feature, notice: Some(notice), .. } => {
                (vec![format!("apr of {}", feature.as_deref().unwrap_or("all features"))], *notice)
            }
            _ => continue,
        };
        let came_into_force =
            since.is_none_or(|since| event.effective_on > since) && event.effective_on <= closes_on;
        if event.seq > told || came_into_force {
            changes.push(ChangeInTerms {
                effective_on: event.effective_on,
                notice_given_on: notice.given_on,
                what,
            });
        }
    }
    changes
}

fn names(changes: &serde_json::Map<String, serde_json::Value>) -> Vec<String> {
    let of = |(key, value): (&String, &serde_json::Value)| match value.as_object() {
        Some(table) => table.keys().map(|inner| format!("{key}.{inner}")).collect(),
        None => vec![key.clone()],
    };
    changes.iter().flat_map(of).collect()
}

fn brought_forward(events: &[LineEvent]) -> Cents {
    events
        .iter()
        .filter_map(|event| match &event.body {
            LineEventBody::BalanceBroughtForward { balances } => Some(
                balances.principal.iter().map(|part| part.amount).sum::<Cents>()
                    + balances.billed_interest
                    + balances.fees
                    + balances.penalty_fees
                    - balances.credit_balance,
            ),
            _ => None,
        })
        .sum()
}

struct YearToDate {
    interest: Cents,
    fees: Cents,
}

impl YearToDate {
    /// Of the statements issued so far that closed in the year, their adjustments included.
    fn of(events: &[LineEvent], issued: &[(u64, &Statement)], year: i32) -> Self {
        let mut latest_first = issued.iter().rev().map(|(_, statement)| statement);
        if let Some(statement) = latest_first.find(|statement| statement.closed_on.year() == year) {
            return Self { interest: statement.interest_this_year, fees: statement.fees_this_year };
        }
        let boarded = events.iter().find_map(|event| match &event.body {
            LineEventBody::BalanceBroughtForward { balances }
                if event.effective_on.year() == year =>
            {
                Some(balances)
            }
            _ => None,
        });
        Self {
            interest: boarded.map_or(Cents::ZERO, |balances| balances.interest_this_year),
            fees: boarded.map_or(Cents::ZERO, |balances| balances.fees_this_year),
        }
    }
}

/// The facts that one statement shows.
#[derive(Default)]
struct Listing {
    draws: Vec<StatementItem>,
    payments: Vec<StatementItem>,
    fees: Vec<StatementItem>,
    adjustments: Vec<StatementItem>,
    interest_adjusted: Cents,
    fees_adjusted: Cents,
}

/// What later facts refer to.
#[derive(Default)]
struct Known {
    payments: BTreeMap<PaymentId, (NaiveDate, Cents)>,
    draws: DrawFacts,
}

impl Listing {
    fn of(
        events: &[LineEvent],
        position: &Position,
        previous: Option<&(u64, &Statement)>,
        closes_on: NaiveDate,
    ) -> Self {
        let mut listing = Self::default();
        let mut known = Known::default();
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

    fn correct(&mut self, item: StatementItem, fee: Cents) {
        self.fees_adjusted += fee;
        if !item.amount.is_zero() {
            self.adjustments.push(item);
        }
    }

    fn show(&mut self, event: &LineEvent, position: &Position, known: &Known) {
        let item = |label: &str, amount: Cents| item(event, position, label, amount);
        match &event.body {
            LineEventBody::Drew { amount, fee, .. } => {
                self.draws.push(item("draw", *amount));
                if fee.is_positive() {
                    self.fees.push(item("draw fee", *fee));
                }
            }
            LineEventBody::PaymentReceived { amount, .. } => {
                self.payments.push(item("payment", -*amount));
            }
            LineEventBody::CreditGranted { amount, reason } => {
                self.payments.push(item(&format!("credit: {reason}"), -*amount));
            }
            LineEventBody::FeeWaived { fee, amount, .. } => {
                self.payments.push(item(&format!("{} waived", fee.label()), -*amount));
            }
            LineEventBody::FeeAssessed { fee, amount, .. } => {
                self.fees.push(item(fee.label(), *amount));
            }
            LineEventBody::CreditBalanceRefunded { amount } => {
                self.adjustments.push(item("credit balance refunded", *amount));
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
                self.correct(item(label, change.amount + change.fee), change.fee);
            }
            LineEventBody::DisputeResolved { error, .. } if error.is_positive() => {
                let of_draw = known.draws.corrected_by(&event.body).is_some();
                let other = Change { amount: -*error, fee: Cents::ZERO };
                let change = if of_draw { known.draws.change_by(&event.body) } else { other };
                let label = "billing error corrected";
                self.correct(item(label, change.amount + change.fee), change.fee);
            }
            LineEventBody::Adjusted { charge, amount } => {
                self.adjustments.push(item(&adjustment_label(charge), *amount));
                match charge {
                    Charge::Interest { .. } => self.interest_adjusted += *amount,
                    _ => self.fees_adjusted += *amount,
                }
            }
            _ => {}
        }
    }
}

fn item(event: &LineEvent, position: &Position, label: &str, amount: Cents) -> StatementItem {
    StatementItem {
        seq: event.seq,
        label: label.to_owned(),
        effective_on: event.effective_on,
        recorded_on: calendar::local_date(event.recorded_at, position.terms.product.dates.zone),
        amount,
    }
}

impl Known {
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
    }
}
