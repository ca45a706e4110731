//! Lives one line of a scenario from its opening to the day of the report.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use identity::CreditLineId;
use uuid::Uuid;

use super::{
    Body, DatedEvent, ScenarioError, ScenarioLine, ScenarioWhatIf,
    report::{Compared, ComparedPayoff, LineReport, NamedQuote, WhatIf, daily_balances},
};
use crate::{
    CreditError, CreditLine, Derivation, LineEventBody, Position, Recorded, draw_fee, explain,
    figures, quote_payoff, returned_payment_fee,
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
        quotes.push(NamedQuote { kind: "payoff", quote });
    }
    let what_ifs = given
        .what_ifs
        .iter()
        .map(|what_if| compare(given, what_if))
        .collect::<Result<Vec<_>, _>>()?;
    for what_if in &what_ifs {
        let named = |(figure, of)| (format!("what_if.{}.{figure}", what_if.name), of);
        derivations.extend(figures::of_what_if(what_if).into_iter().map(named));
    }
    life.close_day(&position).map_err(failed)?;
    derivations.extend(life.derivations.clone());
    Ok(LineReport {
        name: given.name.clone(),
        product: given.terms.product.name.clone(),
        opened_on: given.opened_on,
        daily_balances: daily_balances(&position),
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
fn compare(line: &ScenarioLine, what_if: &ScenarioWhatIf) -> Result<WhatIf, ScenarioError> {
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
    Ok(WhatIf {
        name: what_if.name.clone(),
        on,
        without: Compared::of(&before.line.position(on).map_err(failed)?),
        with: Compared::of(&after.line.position(on).map_err(failed)?),
        payoffs,
    })
}

struct Life {
    line: CreditLine,
    recorded: Vec<Recorded>,
    derivations: BTreeMap<String, Derivation>,
    settled_on: NaiveDate,
}

impl Life {
    fn of(given: &ScenarioLine, as_of: NaiveDate) -> Result<Self, ScenarioError> {
        let failed = |source| ScenarioError::Line { name: given.name.clone(), source };
        let mut life = Self::begin(given).map_err(failed)?;
        let mut events: Vec<&DatedEvent> = given.events.iter().collect();
        events.sort_by_key(|event| event.recorded_on);
        for event in events.into_iter().filter(|event| event.recorded_on <= as_of) {
            life.take(event).map_err(|source| {
                let DatedEvent { line, column, .. } = *event;
                ScenarioError::Event { line, column, source }
            })?;
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
        };
        if let Some((on, balances)) = &given.brought_forward {
            let balances = balances.clone();
            life.live_to(*on)?;
            life.record(LineEventBody::BalanceBroughtForward { balances }, *on, *on)?;
        }
        Ok(life)
    }

    fn take(&mut self, event: &DatedEvent) -> Result<(), CreditError> {
        self.live_to(event.recorded_on)?;
        let body = self.completed(event)?;
        self.record(body, event.on, event.recorded_on)?;
        self.settle(event.recorded_on)
    }

    /// Fills in the fee that the product asks for on the day.
    fn completed(&self, event: &DatedEvent) -> Result<LineEventBody, CreditError> {
        let position = || self.line.position(event.on);
        Ok(match &event.body {
            Body::Draw(LineEventBody::Drew { draw, feature, amount, .. }) => {
                let fee = draw_fee(&position()?, feature.as_deref(), *amount);
                let (draw, feature, amount) = (*draw, feature.clone(), *amount);
                LineEventBody::Drew { draw, feature, amount, fee }
            }
            Body::Return(LineEventBody::PaymentReturned { payment, code, .. }) => {
                let fee = returned_payment_fee(&position()?);
                LineEventBody::PaymentReturned { payment: *payment, code: code.clone(), fee }
            }
            Body::Is(body) | Body::Draw(body) | Body::Return(body) => body.clone(),
        })
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
                let name = format!("statement.{}", statement.number);
                let record =
                    position.cycles.iter().find(|record| record.number == statement.number);
                if let Some(record) = record {
                    let product = &position.terms.product;
                    let interest = explain::interest(record, product);
                    for (line, input) in record.interest.iter().zip(&interest.inputs) {
                        let figure = format!("{name}.interest.{}", line.feature);
                        self.derivations.insert(figure, input.clone());
                    }
                    self.derivations.insert(format!("{name}.interest"), interest);
                    let minimum = explain::minimum(&record.minimum);
                    self.derivations.insert(format!("{name}.minimum_due"), minimum);
                }
                let before =
                    self.statements().into_iter().rev().find(|one| one.number < statement.number);
                let figures = figures::of_statement(statement, before.as_ref());
                let named = |(figure, derivation)| (format!("{name}.{figure}"), derivation);
                self.derivations.extend(figures.into_iter().map(named));
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

fn derive_position(position: &Position, derivations: &mut BTreeMap<String, Derivation>) {
    let mut named = vec!["accrued_interest".to_owned(), "total_owed".to_owned()];
    for record in &position.cycles {
        named.push(format!("cycle.{}.interest", record.number));
        named.push(format!("cycle.{}.minimum_due", record.number));
    }
    named.extend(position.late_fees.iter().map(|fee| format!("late_fee.{}", fee.cycle)));
    named.extend(position.allocations.iter().map(|one| format!("allocation.{}", one.seq)));
    derivations.extend(figures::of_position(position));
    for figure in named {
        if let Some(derivation) = position.explain(&figure) {
            derivations.insert(figure, derivation);
        }
    }
}
