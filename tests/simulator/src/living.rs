//! A history lived through the engine, with its books: each morning what is due is settled, then the day's news is recorded.

use anyhow::{Context as _, ensure};
use calendar::{Tz, instant_of};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use credit::{
    BroughtForward, ChangeNotice, CreditLine, CycleSchedule, Disputed, FeatureAmount,
    LineEventBody, Position, Recorded, Statement, Terms,
    product::{RateStep, TakesEffect, Variable},
};
use identity::{AutopayId, CaseId, CreditLineId, DrawId, PaymentId};
use ledger::TrialBalance;
use money::{Apr, Cents};
use serde_json::json;
use uuid::Uuid;

use crate::history::{Agreed, Change, Happening, History, MARGIN, What};

pub const ZONE: Tz = Tz::America__Los_Angeles;

#[must_use]
pub fn noon(on: NaiveDate) -> DateTime<Utc> {
    instant_of(on, NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default(), ZONE)
}

pub struct Living {
    pub line: CreditLine,
    pub books: TrialBalance,
    settled_on: NaiveDate,
}

impl Living {
    pub fn open(agreed: &Agreed) -> anyhow::Result<Self> {
        let product = agreed.kind.product()?;
        let mut terms = Terms::open(&product, agreed.credit_limit, agreed.apr, agreed.close_day);
        if let Some(feature) = terms.product.features.first_mut().filter(|_| agreed.follows_index) {
            let index = Apr::from_ppm(agreed.apr.ppm().saturating_sub(MARGIN));
            let index = vec![RateStep { from: agreed.opened_on, apr: index }];
            let margin = i32::try_from(MARGIN)?;
            let takes_effect = TakesEffect::OnTheDay;
            (feature.apr, feature.variable) =
                (None, Some(Variable { index, margin, floor: None, cap: None, takes_effect }));
        }
        let id = CreditLineId::from_uuid(Uuid::from_u128(1));
        let opened_on = agreed.opened_on;
        let (line, _) = CreditLine::open(id, terms, opened_on, noon(opened_on))?;
        Ok(Self { line, books: TrialBalance::default(), settled_on: opened_on })
    }

    /// All of it.
    pub fn of(history: &History) -> anyhow::Result<Self> {
        let mut living = Self::open(&history.agreed)?;
        for happening in &history.happenings {
            living.learn(happening)?;
        }
        living.settle_to(history.through)?;
        Ok(living)
    }

    /// Settles on each morning up to `on` on which there can be something to settle.
    pub fn settle_to(&mut self, on: NaiveDate) -> anyhow::Result<()> {
        while self.settled_on < on {
            let next = self.line.position(self.settled_on)?.settles_next_on.min(on);
            self.settle(next)?;
            self.settled_on = next;
        }
        Ok(())
    }

    fn settle(&mut self, on: NaiveDate) -> anyhow::Result<()> {
        for recorded in self.line.settle(on, noon(on)).with_context(|| format!("settling {on}"))? {
            self.keep(&recorded);
        }
        Ok(())
    }

    fn keep(&mut self, recorded: &Recorded) {
        if let Some(posting) = &recorded.posting {
            self.books.add(posting);
        }
    }

    pub fn learn(&mut self, happening: &Happening) -> anyhow::Result<()> {
        let Happening { learned_on, effective_on, what } = happening;
        self.settle_to(*learned_on)?;
        let recorded = self
            .line
            .record(body_of(what), *effective_on, noon(*learned_on))
            .with_context(|| format!("recording {happening:?}"))?;
        self.keep(&recorded);
        self.settle(*learned_on)?;
        if matches!(what, What::Draw { .. } | What::Payment { .. }) {
            // Delivered twice: the second one is refused, and changes nothing.
            let known = self.line.events().len();
            let again = self.line.record(body_of(what), *effective_on, noon(*learned_on));
            ensure!(again.is_err(), "{what:?} was recorded twice");
            ensure!(self.line.events().len() == known, "what was refused was kept");
        }
        Ok(())
    }

    pub fn position(&self, on: NaiveDate) -> anyhow::Result<Position> {
        Ok(self.line.position(on)?)
    }

    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.line.events().iter().filter_map(|event| match &event.body {
            LineEventBody::StatementIssued { statement } => Some(&**statement),
            _ => None,
        })
    }

    fn brought_forward(&self) -> Cents {
        let owed = self.line.events().iter().map(|event| match &event.body {
            LineEventBody::BalanceBroughtForward { balances } => {
                let principal: Cents = balances.principal.iter().map(|one| one.amount).sum();
                let charges = balances.billed_interest + balances.fees + balances.penalty_fees;
                principal + charges - balances.credit_balance
            }
            _ => Cents::ZERO,
        });
        owed.sum()
    }

    /// What must hold of every line, whatever the oracle says.
    pub fn check(&self, through: NaiveDate) -> anyhow::Result<()> {
        let position = self.position(through)?;
        ensure!(self.books.holds(), "debits and credits differ");
        ensure!(self.books.untied().is_empty(), "a control account is not the sum of its lines");
        let untied = self.line.untied(&self.books)?;
        ensure!(untied.is_empty(), "the books differ from the line: {untied:?}");
        ensure!(position.pending.is_empty(), "still to post: {:?}", position.pending);
        ensure!(
            position.statements_due.is_empty(),
            "no statement of {:?}",
            position.statements_due
        );
        let mut previous = self.brought_forward();
        for statement in self.statements() {
            let number = statement.number;
            ensure!(statement.off_by().is_zero(), "statement {number} does not add up");
            ensure!(statement.previous_balance == previous, "statement {number} begins elsewhere");
            ensure!(!statement.interest_total.is_negative(), "interest of statement {number}");
            ensure!(!statement.minimum_due.is_negative(), "minimum of statement {number}");
            previous = statement.new_balance;
        }
        for allocation in &position.allocations {
            let parts: Cents = allocation.parts.iter().map(|part| part.amount).sum();
            ensure!(parts == allocation.amount, "an allocation does not use up its payment");
        }
        available(&position)?;
        let fresh =
            CreditLine::from_history(self.line.id(), self.line.events().to_vec(), Vec::new())?;
        ensure!(fresh.position(through)? == position, "snapshots change the answer");
        Ok(())
    }
}

/// Available, drawn and held credit come to the limit, unless more is drawn than that.
pub fn available(position: &Position) -> anyhow::Result<()> {
    let charges = position.billed_interest + position.all_fees();
    let counted = position.terms.product.limits.charges_use_limit;
    let drawn = position.principal_balance + if counted { charges } else { Cents::ZERO };
    let over = (drawn + position.held_credit - position.credit_limit).or_zero();
    let sum = position.available_credit + drawn + position.held_credit;
    ensure!(
        sum == position.credit_limit + over,
        "available {} and drawn {drawn} and held {} are not the limit {}",
        position.available_credit,
        position.held_credit,
        position.credit_limit
    );
    ensure!(over.is_zero() || position.available_credit.is_zero(), "credit beyond the limit");
    Ok(())
}

/// Ids by number: within a day the engine goes by them.
fn draw_id(number: u64) -> DrawId {
    DrawId::from_uuid(Uuid::from_u128((1 << 80) | u128::from(number)))
}

fn payment_id(number: u64) -> PaymentId {
    PaymentId::from_uuid(Uuid::from_u128((2 << 80) | u128::from(number)))
}

fn dispute_id(number: u64) -> CaseId {
    CaseId::from_uuid(Uuid::from_u128((3 << 80) | u128::from(number)))
}

fn autopay_id(number: u64) -> AutopayId {
    AutopayId::from_uuid(Uuid::from_u128((4 << 80) | u128::from(number)))
}

fn autopay_began(number: u64) -> LineEventBody {
    LineEventBody::AutopayDiscountBegan { autopay: autopay_id(number) }
}

fn autopay_ended(number: u64) -> LineEventBody {
    LineEventBody::AutopayDiscountEnded { autopay: autopay_id(number) }
}

fn payment_returned(number: u64, fee: Cents) -> LineEventBody {
    let code = "R01".to_owned();
    LineEventBody::PaymentReturned { payment: payment_id(number), code, fee }
}

fn body_of(what: &What) -> LineEventBody {
    match *what {
        What::Draw { draw, amount, fee, feature } => {
            let feature = feature.map(str::to_owned);
            LineEventBody::Drew { draw: draw_id(draw), feature, amount, fee, by_terms: true }
        }
        What::DrawRefused { draw } => {
            LineEventBody::DrawRefused { draw: draw_id(draw), reason: "R23".to_owned() }
        }
        What::Payment { payment, amount } => {
            LineEventBody::PaymentReceived { payment: payment_id(payment), amount }
        }
        What::PaymentReturned { payment, fee } => payment_returned(payment, fee),
        What::PaymentReversed { payment } => LineEventBody::PaymentReversed {
            payment: payment_id(payment),
            reason: "keyed twice".to_owned(),
        },
        What::Rate { apr, applies_to } => {
            LineEventBody::RateChanged { feature: None, apr, applies_to, notice: None }
        }
        What::Index { index } => LineEventBody::IndexChanged { feature: None, index },
        What::Terms { change, given_on } => LineEventBody::TermsChanged {
            changes: changes(change),
            notice: ChangeNotice { given_on: Some(given_on), exception: None },
        },
        What::Closed => LineEventBody::LineClosed { reason: "asked for".to_owned() },
        What::Limit { credit_limit } => {
            LineEventBody::LimitChanged { credit_limit, reason: String::new() }
        }
        What::RateCap { apr, through } => {
            LineEventBody::RateCapped { apr, through, reason: "service".to_owned() }
        }
        What::AutopayBegan { autopay } => autopay_began(autopay),
        What::AutopayEnded { autopay } => autopay_ended(autopay),
        What::StatementSent { statement: cycle } => LineEventBody::StatementSent { cycle },
        What::StatementNotSent { statement: cycle } => LineEventBody::StatementNotSent { cycle },
        What::CloseDay { close_day } => {
            LineEventBody::CyclesChanged { cycles: CycleSchedule::monthly(close_day) }
        }
        What::Credit { amount } => {
            LineEventBody::CreditGranted { amount, reason: "goodwill".to_owned(), feature: None }
        }
        What::Refund { amount } => LineEventBody::CreditBalanceRefunded { amount },
        What::Fee { fee, amount } => LineEventBody::FeeAssessed { fee, cycle: None, amount },
        What::FeeWaived { fee, amount } => {
            LineEventBody::FeeWaived { fee, amount, reason: "goodwill".to_owned() }
        }
        What::DrawHeld { draw, amount, expires_on } => {
            LineEventBody::DrawHeld { draw: draw_id(draw), amount, expires_on }
        }
        What::DrawCorrected { draw, amount } => {
            LineEventBody::DrawCorrected { draw: draw_id(draw), amount, fee: None, by_terms: false }
        }
        What::DisputeOpened { dispute, draw, amount } => LineEventBody::DisputeOpened {
            dispute: dispute_id(dispute),
            subject: Disputed::Draw { draw: draw_id(draw) },
            amount,
        },
        What::DisputeResolved { dispute, error, .. } => LineEventBody::DisputeResolved {
            dispute: dispute_id(dispute),
            error,
            reason: "looked into".to_owned(),
        },
        What::BroughtForward { .. } => {
            LineEventBody::BalanceBroughtForward { balances: brought_forward(what) }
        }
        What::FlagRaised { flag } => LineEventBody::FlagRaised { flag, note: String::new() },
        What::FlagCleared { flag } => LineEventBody::FlagCleared { flag, note: String::new() },
    }
}

/// As a product file says it.
fn changes(change: Change) -> serde_json::Map<String, serde_json::Value> {
    let value = match change {
        Change::Rate { apr } => {
            json!({ "features": [{ "name": "draws", "apr": apr.to_string() }] })
        }
        Change::LateFee { amount } => json!({ "fees": { "late": { "amount": plain(amount) } } }),
        Change::Floor { amount } => json!({ "minimum": { "arms": [
            { "amount": plain(amount) },
            { "percent": "2%", "of": "principal", "plus_interest": true, "plus_fees": true },
        ] } }),
    };
    value.as_object().cloned().unwrap_or_default()
}

fn plain(amount: Cents) -> String {
    format!("{}.{:02}", amount.get() / 100, amount.get() % 100)
}

fn brought_forward(what: &What) -> BroughtForward {
    let What::BroughtForward { principal, billed_interest, fees, penalty_fees, credit_balance } =
        *what
    else {
        return BroughtForward::default();
    };
    BroughtForward {
        principal: vec![FeatureAmount { feature: String::new(), amount: principal }],
        billed_interest,
        fees,
        penalty_fees,
        credit_balance,
        ..BroughtForward::default()
    }
}
