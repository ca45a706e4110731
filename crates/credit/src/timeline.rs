//! A history put in the order in which it took effect.
//!
//! Invariants: the order within a date is that of docs/engine.md (returns and corrections, draws and fees, payments) and does not
//! depend on the order in which facts arrived; what is taken not to have happened (a refused draw, a payment returned from its
//! effective date) is left out. Statements, adjustments and posted fees of the terms are records, not actions.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use identity::{AutopayId, CaseId, DrawId, PaymentId};
use money::Cents;

use crate::{
    Charge, CreditError, LineEvent, LineEventBody, Terms,
    age::Age,
    charge::PostedCharge,
    draw_fees::DrawFees,
    draws::{DrawFact, DrawFacts},
    event::Disputed,
    product::ReturnPolicy,
    sent::Departures,
    versions::Versions,
};

pub(crate) struct Timeline<'a> {
    /// As copied at opening.
    pub(crate) opening: &'a Terms,
    pub(crate) versions: Versions<'a>,
    pub(crate) opened_on: NaiveDate,
    pub(crate) age: Age,
    /// In order of effect.
    pub(crate) actions: Vec<Action<'a>>,
    /// By cycle.
    pub(crate) printed: BTreeMap<u32, Printed>,
    pub(crate) posted: BTreeMap<Charge, PostedCharge>,
    /// As all events leave them.
    pub(crate) draws: DrawFacts,
    pub(crate) draw_fees: DrawFees<'a>,
    /// When payments were made that came back at a fee and so never counted.
    pub(crate) returned_at_a_fee: Vec<NaiveDate>,
    pub(crate) last_seq: u64,
    first_effects: Vec<(u64, NaiveDate)>,
}

pub(crate) struct Action<'a> {
    pub(crate) on: NaiveDate,
    rank: u8,
    tie: u128,
    pub(crate) seq: u64,
    pub(crate) body: &'a LineEventBody,
    /// As corrected, for a draw; what is not found to be our error, for a dispute.
    pub(crate) amount: Cents,
    /// Of a draw, as corrected.
    pub(crate) fee: Cents,
}

impl Action<'_> {
    /// In the order of a day.
    pub(crate) const fn precedes_payments(&self) -> bool {
        self.rank < 3
    }
}

/// What an issued statement fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    pub(crate) seq: u64,
    pub(crate) closed_on: NaiveDate,
    pub(crate) due_on: NaiveDate,
    /// When it really left; `None`: it has not.
    pub(crate) sent_on: Option<NaiveDate>,
    pub(crate) minimum: Cents,
    /// The minimum less what was asked for already.
    pub(crate) own_minimum: Cents,
}

/// Facts that later events refer to.
#[derive(Default)]
struct References {
    payments: BTreeMap<PaymentId, NaiveDate>,
    undone_payments: BTreeSet<PaymentId>,
    /// As all events leave them.
    draws: DrawFacts,
    disputes: BTreeMap<CaseId, Option<Cents>>,
    /// Leave to debit with its last day, for the discount.
    discounts: BTreeMap<AutopayId, Option<NaiveDate>>,
    /// Of the credit balance, with its day and amount.
    refunds: Vec<(u64, NaiveDate, Cents)>,
    /// Refunds that never reached the customer, and what undid them.
    undone_refunds: BTreeSet<u64>,
    departures: Departures,
}

impl<'a> Timeline<'a> {
    pub(crate) fn of(events: &'a [LineEvent]) -> Result<Self, CreditError> {
        let first = events.first().ok_or(CreditError::NotOpened)?;
        let LineEventBody::Opened { terms } = &first.body else {
            return Err(CreditError::NotOpened);
        };
        let opened_on = first.effective_on;
        let references = References::of(events, terms, opened_on)?;
        let mut timeline = Self {
            opening: terms,
            versions: Versions::of(terms, events)?,
            opened_on,
            age: Age::of(events, terms, opened_on)?,
            actions: Vec::with_capacity(events.len()),
            printed: BTreeMap::new(),
            posted: BTreeMap::new(),
            draws: DrawFacts::default(),
            draw_fees: DrawFees::default(),
            returned_at_a_fee: Vec::new(),
            last_seq: events.last().map_or(0, |event| event.seq),
            first_effects: Vec::with_capacity(events.len()),
        };
        for event in events {
            timeline.take(event, &references);
        }
        timeline.draw_fees = DrawFees::of(events, &timeline.versions, &references.draws);
        timeline.draws = references.draws;
        timeline.actions.sort_by_key(|action| (action.on, action.rank, action.tie, action.seq));
        Ok(timeline)
    }

    /// The first statement that was, or will be, issued after an event was known.
    pub(crate) fn next_statement(&self, seq: u64) -> u32 {
        let before = self.printed.iter().rfind(|(_, printed)| printed.seq < seq);
        before.map_or(0, |(number, _)| number + 1)
    }

    /// Whether a state of the end of `through` that has seen the events up to `seen` is still true.
    pub(crate) fn still_true(&self, seen: u64, through: NaiveDate) -> bool {
        let later = self.first_effects.iter().filter(|(seq, _)| *seq > seen);
        later.map(|(_, on)| *on).all(|on| on > through)
    }

    /// The last event of a day that brings a balance forward.
    pub(crate) fn last_brought_on(&self, day: NaiveDate) -> Option<u64> {
        let brought =
            |one: &&Action<'_>| matches!(one.body, LineEventBody::BalanceBroughtForward { .. });
        self.actions_on(day).filter(brought).last().map(|action| action.seq)
    }

    /// In order of effect.
    pub(crate) fn actions_on(&self, day: NaiveDate) -> impl Iterator<Item = &Action<'a>> + Clone {
        let first = self.actions.partition_point(|action| action.on < day);
        self.actions.iter().skip(first).take_while(move |action| action.on == day)
    }

    fn take(&mut self, event: &'a LineEvent, references: &References) {
        self.first_effects.push((event.seq, references.first_effect(event, self.opening)));
        match &event.body {
            LineEventBody::StatementIssued { statement } => {
                self.printed.insert(
                    statement.number,
                    Printed {
                        seq: event.seq,
                        closed_on: statement.closed_on,
                        due_on: statement.due_on,
                        sent_on: references.departures.of(statement.number, statement.sent_on),
                        minimum: statement.minimum_due,
                        own_minimum: (statement.minimum_due
                            - statement.past_due
                            - statement.not_yet_due)
                            .or_zero(),
                    },
                );
                for line in &statement.interest {
                    let (cycle, feature) = (statement.number, line.feature.clone());
                    let charge = Charge::Interest { cycle, feature };
                    self.post(charge, event.seq, statement.closed_on, line.amount);
                }
            }
            LineEventBody::FeeAssessed { fee, cycle: Some(cycle), amount } => {
                let charge = Charge::of_fee(*fee, *cycle);
                self.post(charge, event.seq, event.effective_on, *amount);
            }
            LineEventBody::Adjusted { charge, amount } => {
                self.post(charge.clone(), event.seq, event.effective_on, *amount);
            }
            _ if references.undone_refunds.contains(&event.seq) => {}
            body => {
                self.returned_at_a_fee.extend(references.returned_at_a_fee(body));
                if let Some(action) = references.action(event, body, self.opening) {
                    self.actions.push(action);
                }
            }
        }
    }

    fn post(&mut self, charge: Charge, seq: u64, on: NaiveDate, amount: Cents) {
        let first = PostedCharge { seq, on, amount: Cents::ZERO };
        let posted = self.posted.entry(charge).or_insert(first);
        posted.amount += amount;
    }
}

impl References {
    fn of(events: &[LineEvent], terms: &Terms, opened_on: NaiveDate) -> Result<Self, CreditError> {
        let mut references = Self::default();
        for (at, event) in events.iter().enumerate() {
            let seq = event.seq;
            if let Some(after) = at.checked_sub(1).and_then(|before| events.get(before))
                && seq <= after.seq
            {
                return Err(CreditError::Sequence { after: after.seq, found: seq });
            }
            if event.effective_on < opened_on {
                let effective_on = event.effective_on;
                return Err(CreditError::BeforeOpening { seq, effective_on, opened_on });
            }
            if at > 0 && matches!(event.body, LineEventBody::Opened { .. }) {
                return Err(CreditError::OpenedTwice { seq });
            }
            references.note(event, terms)?;
        }
        Ok(references)
    }

    fn note(&mut self, event: &LineEvent, terms: &Terms) -> Result<(), CreditError> {
        let seq = event.seq;
        if let Some(amount) = amount_of(&event.body)
            && !amount.is_positive()
        {
            return Err(CreditError::Amount { seq, amount });
        }
        match &event.body {
            LineEventBody::BalanceBroughtForward { balances } => {
                if let Some(message) = balances.would_drop() {
                    return Err(CreditError::Terms { seq, message: message.to_owned() });
                }
            }
            LineEventBody::PaymentReceived { payment, .. } => {
                let first = self.payments.insert(*payment, event.effective_on).is_none();
                fresh(first, seq, "payment")?;
            }
            LineEventBody::PaymentReturned { payment, .. } => {
                let paid_on = self.payments.get(payment);
                known(paid_on.is_some(), seq, "payment")?;
                // Returned on its own day it never counted, whatever the policy.
                if terms.product.returns == ReturnPolicy::FromOriginalEffectiveDate
                    || paid_on.is_some_and(|paid_on| event.effective_on <= *paid_on)
                {
                    self.undone_payments.insert(*payment);
                }
            }
            LineEventBody::PaymentReversed { payment, .. } => {
                known(self.payments.contains_key(payment), seq, "payment")?;
                self.undone_payments.insert(*payment);
            }
            LineEventBody::DrawHeld { draw, .. } => {
                fresh(self.draws.get(*draw).is_none(), seq, "draw")?;
            }
            LineEventBody::Drew { draw, .. } => {
                fresh(!self.drew(*draw), seq, "draw")?;
            }
            LineEventBody::DrawRefused { draw, .. } => {
                known(self.draws.get(*draw).is_some(), seq, "draw")?;
            }
            LineEventBody::DrawCorrected { draw, .. } | LineEventBody::DrawSettled { draw }
                if self.draws.get(*draw).is_some_and(|fact| fact.refused) =>
            {
                return Err(CreditError::DrawWasRefused { seq });
            }
            LineEventBody::DrawCorrected { draw, .. }
            | LineEventBody::DrawSettled { draw }
            | LineEventBody::DisputeOpened { subject: Disputed::Draw { draw }, .. }
                if !self.drew(*draw) =>
            {
                return Err(CreditError::Unknown { seq, what: "draw" });
            }
            LineEventBody::DisputeOpened { dispute, .. } => {
                fresh(self.disputes.insert(*dispute, None).is_none(), seq, "dispute")?;
            }
            LineEventBody::DisputeResolved { dispute, error, .. } => {
                if error.is_negative() {
                    return Err(CreditError::Amount { seq, amount: *error });
                }
                let found = self.disputes.get_mut(dispute);
                let open = found.ok_or(CreditError::Unknown { seq, what: "dispute" })?;
                fresh(open.replace(*error).is_none(), seq, "resolution")?;
            }
            LineEventBody::CyclesChanged { .. } => self.departures.check_cycles(event)?,
            _ => {
                known(self.departures.note(event), seq, "statement")?;
                self.note_refund(event);
                self.note_discount(event)?;
            }
        }
        self.draws.note(event);
        Ok(())
    }

    /// A refund, or that it never reached the customer: then neither is lived.
    fn note_refund(&mut self, LineEvent { seq, effective_on, body, .. }: &LineEvent) {
        match body {
            LineEventBody::CreditBalanceRefunded { amount } => {
                self.refunds.push((*seq, *effective_on, *amount));
            }
            LineEventBody::CreditBalanceRestored { amount } => {
                let same = |of: &(u64, NaiveDate, Cents)| (of.1, of.2) == (*effective_on, *amount);
                if let Some(at) = self.refunds.iter().rposition(same) {
                    self.undone_refunds.extend([self.refunds.remove(at).0, *seq]);
                }
            }
            _ => {}
        }
    }

    fn note_discount(&mut self, event: &LineEvent) -> Result<(), CreditError> {
        let (seq, what) = (event.seq, "autopay discount");
        match event.body {
            LineEventBody::AutopayDiscountBegan { autopay } => {
                fresh(self.discounts.insert(autopay, None).is_none(), seq, what)
            }
            LineEventBody::AutopayDiscountEnded { autopay } => {
                let found = self.discounts.get_mut(&autopay);
                let through = found.ok_or(CreditError::Unknown { seq, what })?;
                fresh(through.replace(event.effective_on).is_none(), seq, what)
            }
            _ => Ok(()),
        }
    }

    fn drew(&self, draw: DrawId) -> bool {
        self.draws.get(draw).is_some_and(|fact| fact.drew_on.is_some())
    }

    /// The first day on which the draw that an event corrects was made or held: the fees of others went by it.
    fn known_since(&self, body: &LineEventBody) -> Option<NaiveDate> {
        let fact = self.draws.get(self.draws.corrected_by(body)?)?;
        fact.asked_at().map(|(on, _)| on)
    }

    /// When the payment was made that comes back.
    fn returned_at_a_fee(&self, body: &LineEventBody) -> Option<NaiveDate> {
        let LineEventBody::PaymentReturned { payment, fee, .. } = body else { return None };
        let costs = fee.is_positive() && self.undone_payments.contains(payment);
        self.payments.get(payment).copied().filter(|_| costs)
    }

    /// The earliest day whose balances the event changes.
    fn first_effect(&self, event: &LineEvent, terms: &Terms) -> NaiveDate {
        let own = event.effective_on;
        let from_start = terms.product.returns == ReturnPolicy::FromOriginalEffectiveDate;
        match &event.body {
            LineEventBody::PaymentReturned { payment, .. } if from_start => {
                self.payments.get(payment).map_or(own, |paid_on| own.min(*paid_on))
            }
            LineEventBody::PaymentReversed { payment, .. } => {
                self.payments.get(payment).map_or(own, |paid_on| own.min(*paid_on))
            }
            LineEventBody::DrawRefused { .. }
            | LineEventBody::DrawCorrected { .. }
            | LineEventBody::DisputeResolved { .. } => {
                self.known_since(&event.body).map_or(own, |since| own.min(since))
            }
            // Its fee is of the day on which it was asked for.
            LineEventBody::Drew { draw, .. } => {
                self.draws.get(*draw).and_then(DrawFact::asked_at).map_or(own, |(on, _)| on)
            }
            LineEventBody::StatementIssued { statement } => statement.closed_on,
            // It is the close that sets from when the minimum is enforced.
            LineEventBody::StatementSent { cycle } | LineEventBody::StatementNotSent { cycle } => {
                self.departures.closed_on(*cycle).unwrap_or(own)
            }
            LineEventBody::Adjusted { .. }
            | LineEventBody::DrawSettled { .. }
            | LineEventBody::FeeAssessed { cycle: Some(_), .. } => NaiveDate::MAX,
            _ => own,
        }
    }

    /// What the event does to balances; `None` where it never happened.
    fn action<'a>(
        &self,
        event: &LineEvent,
        body: &'a LineEventBody,
        terms: &Terms,
    ) -> Option<Action<'a>> {
        let at = |rank: u8, tie: u128| Action {
            on: event.effective_on,
            rank,
            tie,
            seq: event.seq,
            body,
            amount: amount_of(body).unwrap_or_default(),
            fee: Cents::ZERO,
        };
        let from_start = terms.product.returns == ReturnPolicy::FromOriginalEffectiveDate;
        match body {
            LineEventBody::Opened { .. }
            | LineEventBody::DrawHeld { .. }
            | LineEventBody::DrawSettled { .. }
            | LineEventBody::DrawRefused { .. }
            | LineEventBody::DrawCorrected { .. }
            | LineEventBody::PaymentReversed { .. }
            | LineEventBody::StatementSent { .. }
            | LineEventBody::StatementNotSent { .. } => None,
            LineEventBody::Drew { draw, .. } => {
                let DrawFact { amount, fee, refused, .. } = *self.draws.get(*draw)?;
                let drew = Action { amount, fee, ..at(2, draw.as_uuid().as_u128()) };
                Some(drew).filter(|_| !refused && (amount.is_positive() || fee.is_positive()))
            }
            LineEventBody::DisputeOpened { dispute, subject, amount } => {
                let error = self.disputes.get(dispute).copied().flatten().unwrap_or_default();
                let found = matches!(subject, Disputed::Draw { .. });
                let amount = if found { (*amount - error).or_zero() } else { *amount };
                Some(Action { amount, ..at(2, dispute.as_uuid().as_u128()) })
            }
            LineEventBody::DisputeResolved { dispute, .. } => {
                Some(at(2, dispute.as_uuid().as_u128()))
            }
            LineEventBody::PaymentReceived { payment, .. }
                if self.undone_payments.contains(payment) =>
            {
                None
            }
            LineEventBody::PaymentReceived { payment, .. } => {
                Some(at(3, payment.as_uuid().as_u128()))
            }
            LineEventBody::CreditGranted { amount, .. }
            | LineEventBody::CreditBalanceRestored { amount } => {
                Some(at(3, u128::try_from(amount.get()).unwrap_or_default()))
            }
            // What reverses a payment has nothing to give back, but its fee is a fact.
            LineEventBody::PaymentReturned { payment, .. } => {
                let rank = if from_start { 2 } else { 1 };
                Some(at(rank, payment.as_uuid().as_u128()))
            }
            LineEventBody::FeeAssessed { amount, .. } => {
                Some(at(2, u128::try_from(amount.get()).unwrap_or_default()))
            }
            LineEventBody::FeeWaived { amount, .. }
            | LineEventBody::CreditBalanceRefunded { amount } => {
                Some(at(4, u128::try_from(amount.get()).unwrap_or_default()))
            }
            LineEventBody::BalanceBroughtForward { .. } => Some(at(0, 0)),
            // That has ended before it began has never been.
            LineEventBody::AutopayDiscountBegan { autopay } => {
                let ended = self.discounts.get(autopay).copied().flatten();
                let never = ended.is_some_and(|through| through < event.effective_on);
                Some(at(1, autopay.as_uuid().as_u128())).filter(|_| !never)
            }
            LineEventBody::AutopayDiscountEnded { autopay } => {
                Some(at(2, autopay.as_uuid().as_u128()))
            }
            _ => Some(at(1, tie(body))),
        }
    }
}

/// Orders changes of one day: of two values of one thing the one that was recorded later counts.
const fn tie(body: &LineEventBody) -> u128 {
    match body {
        LineEventBody::CyclesChanged { .. } => 0,
        LineEventBody::LimitChanged { .. } => 1,
        LineEventBody::IndexChanged { .. } => 3,
        LineEventBody::RateChanged { .. } => 4,
        LineEventBody::RateCapped { .. } => 5,
        LineEventBody::FlagRaised { .. } | LineEventBody::FlagCleared { .. } => 6,
        _ => 2,
    }
}

fn known(found: bool, seq: u64, what: &'static str) -> Result<(), CreditError> {
    if found { Ok(()) } else { Err(CreditError::Unknown { seq, what }) }
}

fn fresh(first: bool, seq: u64, what: &'static str) -> Result<(), CreditError> {
    if first { Ok(()) } else { Err(CreditError::Repeated { seq, what }) }
}

/// The amount that must be positive.
fn amount_of(body: &LineEventBody) -> Option<Cents> {
    match body {
        LineEventBody::Drew { amount, .. }
        | LineEventBody::DrawHeld { amount, .. }
        | LineEventBody::DisputeOpened { amount, .. }
        | LineEventBody::DrawCorrected { amount, .. }
        | LineEventBody::PaymentReceived { amount, .. }
        | LineEventBody::CreditGranted { amount, .. }
        | LineEventBody::CreditBalanceRefunded { amount }
        | LineEventBody::CreditBalanceRestored { amount }
        | LineEventBody::FeeAssessed { amount, .. }
        | LineEventBody::FeeWaived { amount, .. } => Some(*amount),
        _ => None,
    }
}
