//! Lives one line of a scenario from its opening to the day of the report.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use identity::CreditLineId;
use uuid::Uuid;

use super::{
    Body, DatedEvent, ScenarioError, ScenarioLine, ScenarioWhatIf, facts, notes,
    report::{Compared, ComparedPayoff, LineReport, NamedQuote, WhatIf, daily_balances},
};
use crate::{
    BroughtForward, CreditError, CreditLine, Derivation, LineEventBody, Position, Recorded,
    corrected_draw_fee, draw_fee,
    draw_fees::before_draw,
    draws::DrawFacts,
    figures::{self, Around, Figures},
    quote_payoff, returned_payment_fee,
};

pub(super) fn run(given: &ScenarioLine, as_of: NaiveDate) -> Result<LineReport, ScenarioError> {
    let mut life = Life::of(given, as_of)?;
    let failed = |source| ScenarioError::Line { name: given.name.clone(), source };
    let position = life.line.position(as_of).map_err(failed)?;
    let mut derivations = BTreeMap::new();
    derive_position(&position, &mut derivations);
    let mut quotes = Vec::new();
    for on in &given.payoffs {
        let quote = quote_payoff(life.line.events(), *on).map_err(failed)?;
        derivations.insert(format!("payoff.{on}"), quote.derivation.clone());
        let then = life.line.position(*on).map_err(failed)?;
        derivations.extend(prefixed(&format!("payoff.{on}"), figures::of_payoff(&quote, &then)));
        quotes.push(NamedQuote { kind: "payoff", quote });
    }
    let mut what_ifs = Vec::new();
    for what_if in &given.what_ifs {
        let (compared, figures) = compare(given, what_if)?;
        derivations.extend(prefixed(&format!("what_if.{}", what_if.name), figures));
        what_ifs.push(compared);
    }
    life.close_day(&position).map_err(failed)?;
    derivations.extend(life.derivations.clone());
    Ok(LineReport {
        name: given.name.clone(),
        product: given.terms.product.name.clone(),
        opened_on: given.opened_on,
        daily_balances: daily_balances(&position),
        notes: life.notes.clone(),
        statements: life.statements(),
        events: life.line.events().to_vec(),
        postings: life.recorded,
        quotes,
        what_ifs,
        derivations,
        position,
    })
}

/// The line as the what-if has it beside the line as it is, on one day.
fn compare(
    line: &ScenarioLine,
    what_if: &ScenarioWhatIf,
) -> Result<(WhatIf, Figures), ScenarioError> {
    let failed = |source| ScenarioError::Line { name: line.name.clone(), source };
    let gone = |id: &Option<String>| id.as_ref().is_some_and(|id| what_if.without.contains(id));
    let kept = line.events.iter().filter(|event| !gone(&event.id) && !gone(&event.refers_to));
    let other = ScenarioLine {
        terms: what_if.terms.clone(),
        events: kept.chain(&what_if.events).cloned().collect(),
        ..line.clone()
    };
    let on = what_if.as_of;
    let (before, after) = (Life::of(line, on)?, Life::of(&other, on)?);
    let quote = |life: &Life, on: NaiveDate| quote_payoff(life.line.events(), on).map_err(failed);
    let mut payoffs = Vec::new();
    for on in &what_if.payoffs {
        let (without, with) = (quote(&before, *on)?.payoff, quote(&after, *on)?.payoff);
        payoffs.push(ComparedPayoff { on: *on, without_cents: without, with_cents: with });
    }
    let without = before.line.position(on).map_err(failed)?;
    let with = after.line.position(on).map_err(failed)?;
    let compared = WhatIf {
        name: what_if.name.clone(),
        on,
        without: Compared::of(&without),
        with: Compared::of(&with),
        payoffs,
    };
    let mut figures = figures::of_what_if(&compared);
    figures.extend(prefixed("without", figures::of_compared(&compared.without, &without)));
    figures.extend(prefixed("with", figures::of_compared(&compared.with, &with)));
    Ok((compared, figures))
}

struct Life {
    line: CreditLine,
    recorded: Vec<Recorded>,
    derivations: BTreeMap<String, Derivation>,
    settled_on: NaiveDate,
    notes: Vec<String>,
    boarded: Option<BroughtForward>,
}

impl Life {
    fn of(given: &ScenarioLine, as_of: NaiveDate) -> Result<Self, ScenarioError> {
        let failed = |source| ScenarioError::Line { name: given.name.clone(), source };
        let mut life = Self::begin(given).map_err(failed)?;
        life.notes = notes::of_line(given, as_of);
        let mut events: Vec<&DatedEvent> = given.events.iter().collect();
        events.sort_by_key(|event| event.recorded_on);
        for event in events.into_iter().filter(|event| event.recorded_on <= as_of) {
            life.take(event)?;
        }
        life.live_to(as_of).map_err(failed)?;
        Ok(life)
    }

    fn begin(given: &ScenarioLine) -> Result<Self, CreditError> {
        let id = CreditLineId::from_uuid(Uuid::from_u128(1));
        let opened_on = given.opened_on;
        let zone = given.terms.product.dates.zone;
        let opening = CreditLine::open(id, given.terms.clone(), opened_on, noon(opened_on, zone))?;
        let mut life = Self {
            line: opening.0,
            recorded: vec![opening.1],
            derivations: BTreeMap::new(),
            settled_on: opened_on,
            notes: Vec::new(),
            boarded: given.brought_forward.as_ref().map(|(_, balances)| balances.clone()),
        };
        if let Some((on, balances)) = &given.brought_forward {
            let balances = balances.clone();
            life.live_to(*on)?;
            life.record(LineEventBody::BalanceBroughtForward { balances }, *on, *on)?;
        }
        Ok(life)
    }

    fn take(&mut self, event: &DatedEvent) -> Result<(), ScenarioError> {
        let DatedEvent { line, column, recorded_on, .. } = *event;
        let failed = |source| ScenarioError::Event { line, column, source };
        self.live_to(recorded_on).map_err(failed)?;
        let before = self.before(event).map_err(failed)?;
        let body = self.completed(event, before.as_ref()).map_err(failed)?;
        let close = self.noon(recorded_on.succ_opt().unwrap_or(recorded_on));
        let odd = facts::oddity(&self.line, event, &body, close).map_err(failed)?;
        self.notes.extend(odd.map(|odd| format!("line {line}: {odd}")));
        self.notes.extend(before.and_then(|before| notes::of_event(event, &body, &before)));
        self.record(body, event.on, recorded_on).map_err(failed)?;
        self.settle(recorded_on).map_err(failed)
    }

    /// The line before an event, where its fee or what the reader should know of it depends on that.
    fn before(&self, event: &DatedEvent) -> Result<Option<Position>, CreditError> {
        if let Body::Draw(LineEventBody::Drew { draw, .. })
        | Body::Is(LineEventBody::Drew { draw, .. }) = &event.body
            && DrawFacts::of(self.line.events()).get(*draw).is_some()
        {
            return before_draw(self.line.events(), *draw, event.on).map(Some);
        }
        let asked = match &event.body {
            Body::Draw(_) | Body::Return(_) => true,
            Body::Corrected(_) => false,
            Body::Is(body) => matches!(
                body,
                LineEventBody::Drew { .. }
                    | LineEventBody::RateChanged { .. }
                    | LineEventBody::CreditBalanceRefunded { .. }
            ),
        };
        asked.then(|| self.line.position(event.on)).transpose()
    }

    fn record(
        &mut self,
        body: LineEventBody,
        on: NaiveDate,
        recorded_on: NaiveDate,
    ) -> Result<(), CreditError> {
        let recorded = self.line.record(body, on, self.noon(recorded_on))?;
        self.recorded.push(recorded);
        Ok(())
    }

    /// Fills in the fee that the product asks for on the day.
    fn completed(
        &self,
        event: &DatedEvent,
        before: Option<&Position>,
    ) -> Result<LineEventBody, CreditError> {
        Ok(match (&event.body, before) {
            (Body::Draw(LineEventBody::Drew { draw, feature, amount, .. }), Some(before)) => {
                let fee = draw_fee(before, feature.as_deref(), *amount);
                let (draw, feature, amount) = (*draw, feature.clone(), *amount);
                LineEventBody::Drew { draw, feature, amount, fee, by_terms: true }
            }
            (Body::Return(LineEventBody::PaymentReturned { payment, code, .. }), Some(before)) => {
                let fee = returned_payment_fee(before);
                LineEventBody::PaymentReturned { payment: *payment, code: code.clone(), fee }
            }
            (Body::Corrected(LineEventBody::DrawCorrected { draw, amount, .. }), _) => {
                let fee = corrected_draw_fee(self.line.events(), *draw, *amount)?;
                let (draw, amount, by_terms) = (*draw, *amount, fee.is_some());
                LineEventBody::DrawCorrected { draw, amount, fee, by_terms }
            }
            // A fee that is stated may be what the product asks for all the same.
            (Body::Is(LineEventBody::Drew { draw, feature, amount, fee, .. }), Some(before)) => {
                let (draw, feature, amount, fee) = (*draw, feature.clone(), *amount, *fee);
                let by_terms = draw_fee(before, feature.as_deref(), amount) == fee;
                LineEventBody::Drew { draw, feature, amount, fee, by_terms }
            }
            (
                Body::Is(LineEventBody::DrawCorrected { draw, amount, fee: fee @ Some(_), .. }),
                _,
            ) => {
                let (draw, amount, fee) = (*draw, *amount, *fee);
                let by_terms = corrected_draw_fee(self.line.events(), draw, amount)? == fee;
                LineEventBody::DrawCorrected { draw, amount, fee, by_terms }
            }
            (Body::Is(body) | Body::Draw(body) | Body::Return(body) | Body::Corrected(body), _) => {
                body.clone()
            }
        })
    }

    /// Settles each morning on which there can be something to settle.
    fn live_to(&mut self, on: NaiveDate) -> Result<(), CreditError> {
        while self.settled_on < on {
            let next = self.line.position(self.settled_on)?.settles_next_on.min(on);
            self.settle(next)?;
            self.settled_on = next;
        }
        Ok(())
    }

    /// Issues the statement of a cycle that closes on the very day of the report.
    fn close_day(&mut self, position: &Position) -> Result<(), CreditError> {
        match position.on.succ_opt() {
            Some(next) if position.cycle.closes_on == position.on => self.settle(next),
            _ => Ok(()),
        }
    }

    fn settle(&mut self, on: NaiveDate) -> Result<(), CreditError> {
        let recorded = self.line.settle(on, self.noon(on))?;
        if recorded.is_empty() {
            return Ok(());
        }
        let position = self.line.position(on)?;
        for one in &recorded {
            if let LineEventBody::StatementIssued { statement } = &one.event.body {
                let previous =
                    self.statements().into_iter().rev().find(|one| one.number < statement.number);
                let record = position.cycles.iter().find(|one| one.number == statement.number);
                let terms = match record {
                    Some(record) => self.line.closed_with(record)?,
                    None => position.terms.clone(),
                };
                let around = Around {
                    previous: previous.as_ref(),
                    boarded: self.boarded.as_ref(),
                    record,
                    product: &terms.product,
                };
                let name = format!("statement.{}", statement.number);
                let figures = figures::of_statement(statement, &around);
                self.derivations.extend(prefixed(&name, figures));
            }
        }
        self.recorded.extend(recorded);
        Ok(())
    }

    fn statements(&self) -> Vec<crate::Statement> {
        self.line
            .events()
            .iter()
            .filter_map(|event| match &event.body {
                LineEventBody::StatementIssued { statement } => Some((**statement).clone()),
                _ => None,
            })
            .collect()
    }

    fn noon(&self, on: NaiveDate) -> DateTime<Utc> {
        noon(on, self.line.zone())
    }
}

fn noon(on: NaiveDate, zone: calendar::Tz) -> DateTime<Utc> {
    calendar::instant_of(on, NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default(), zone)
}

fn prefixed(prefix: &str, figures: Figures) -> Figures {
    figures.into_iter().map(|(name, of)| (format!("{prefix}.{name}"), of)).collect()
}

fn derive_position(position: &Position, derivations: &mut BTreeMap<String, Derivation>) {
    derivations.extend(figures::of_position(position));
    for record in &position.cycles {
        let figures = figures::of_cycle(record, &position.terms.product);
        derivations.extend(prefixed(&format!("cycle.{}", record.number), figures));
    }
    for fee in &position.late_fees {
        let name = format!("late_fee.{}", fee.cycle);
        let given = [("uncapped", fee.uncapped), ("unpaid_minimum", fee.unpaid_minimum)];
        let rule = "as it was when the fee was decided";
        let given = given.map(|(part, value)| {
            (format!("{name}.{part}"), Derivation::cents(rule, part, value, Vec::new()))
        });
        derivations.extend(given);
    }
    let late_fees = position.late_fees.iter().map(|fee| format!("late_fee.{}", fee.cycle));
    let allocations = position.allocations.iter().map(|one| format!("allocation.{}", one.seq));
    for figure in late_fees.chain(allocations) {
        if let Some(derivation) = position.explain(&figure) {
            derivations.insert(figure, derivation);
        }
    }
}
