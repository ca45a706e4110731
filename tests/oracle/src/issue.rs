//! Statements as they went out, and what late facts changed afterwards.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::{
    Adjustment, Corrects, Cycle, Dated, Fact, Fraction, Product, Readings, Standing, Statement,
    days::{day_before, later},
    replay::{Issued, Line, Walk, printed_due, walk},
    terms::INTEREST_DENOMINATOR,
};

/// The line at the end of `through`, with the facts recorded up to and with `known_on`.
///
/// Facts take effect on their own dates however late they were recorded. A statement shows what was
/// recorded by its closing date.
pub fn reckon(
    product: Product,
    opened_on: NaiveDate,
    cycle: Cycle,
    facts: &[Dated],
    through: NaiveDate,
    known_on: NaiveDate,
) -> Standing {
    let mut reckoner = Reckoner::new(product, opened_on, cycle, Readings::default());
    reckoner.issue_to(facts, through, known_on);
    let Reckoner { line, issued, statements } = reckoner;
    let now = walk(line, &known_by(facts, known_on), through, &issued);
    let adjustments = adjustments(line, facts, through.min(known_on), &issued);
    standing(now, through, statements, adjustments)
}

/// Asked day after day. It keeps the statements that went out, which nothing can change, and walks all the rest anew each time.
#[derive(Debug, Clone)]
pub struct Reckoner {
    line: Line,
    issued: Vec<Issued>,
    statements: Vec<Statement>,
}

impl Reckoner {
    pub fn new(product: Product, opened_on: NaiveDate, cycle: Cycle, readings: Readings) -> Self {
        let line = Line { product, opened_on, cycle, readings };
        Self { line, issued: Vec::new(), statements: Vec::new() }
    }

    /// The line at the end of a day, with the facts recorded by then, but for the list of adjustments. Days may not go back.
    pub fn at(&mut self, facts: &[Dated], on: NaiveDate) -> Standing {
        self.issue_to(facts, on, on);
        let now = walk(self.line, &known_by(facts, on), on, &self.issued);
        standing(now, on, self.statements.clone(), Vec::new())
    }

    fn issue_to(&mut self, facts: &[Dated], through: NaiveDate, known_on: NaiveDate) {
        let line = self.line;
        let closes = line.closes(&known_by(facts, known_on), through);
        for close in closes.into_iter().skip(self.issued.len()) {
            let known = known_by(facts, close.min(known_on));
            let seen = walk(line, &known, close, &self.issued);
            let (before, previous) = (self.issued.last(), self.statements.last());
            let first = brought_forward(&known);
            let previous = previous
                .map_or((line.opened_on, first), |one| (later(one.closed_on, 1), one.new_balance));
            let Some((statement, kept)) = issue(&seen, previous, before) else { continue };
            self.statements.push(statement);
            self.issued.push(kept);
        }
    }
}

/// All that was owed when the line came in.
fn brought_forward(facts: &[Dated]) -> i64 {
    facts
        .iter()
        .map(|dated| match dated.fact {
            Fact::BroughtForward {
                principal,
                billed_interest,
                billed_fees,
                penalty_fees,
                credit_balance,
            } => principal + billed_interest + billed_fees + penalty_fees - credit_balance,
            _ => 0,
        })
        .sum()
}

fn known_by(facts: &[Dated], known_on: NaiveDate) -> Vec<Dated> {
    facts.iter().filter(|dated| dated.recorded_on <= known_on).copied().collect()
}

/// The statement of the last close of a walk: the difference between all that is known now and all
/// that earlier statements showed.
fn issue(
    seen: &Walk,
    (opened_on, previous): (NaiveDate, i64),
    before: Option<&Issued>,
) -> Option<(Statement, Issued)> {
    let closed = seen.closes.last()?;
    let shown = before.map(|issued| issued.totals).unwrap_or_default();
    let totals = closed.totals;

    let late_fees = seen.late_fees.iter().filter(|(date, _)| *date >= opened_on);
    let late_fees: i64 = late_fees.map(|(_, cents)| cents).sum();
    let corrected_late_fees = totals.penalties - shown.penalties - late_fees;
    let late_charges = totals.charges - shown.charges - closed.billed.charges;
    let corrected_interest = totals.interest - shown.interest - closed.billed.interest;

    let statement = Statement {
        number: u32::try_from(seen.closes.len()).unwrap_or(u32::MAX),
        produced: closed.produced,
        opened_on,
        closed_on: closed.on,
        due_on: printed_due(closed.on),
        enforceable_due_on: closed.due,
        previous,
        payments: totals.payments - shown.payments,
        returned: totals.returned - shown.returned,
        draws: totals.draws - shown.draws,
        refused: totals.refused - shown.refused,
        fees: closed.billed.charges + late_fees + late_charges.max(0),
        credits: totals.credits - shown.credits,
        refunds: totals.refunds - shown.refunds,
        interest: closed.billed.interest,
        adjustments: corrected_interest + corrected_late_fees + late_charges.min(0),
        new_balance: closed.new_balance,
        principal: closed.principal,
        minimum_due: closed.asked.minimum,
        past_due: closed.asked.late,
        not_yet_due: closed.asked.ahead,
    };
    Some((statement, Issued { totals, asked: closed.asked }))
}

/// For each day on which something late was recorded: what the days before look like with it, less
/// what they looked like without.
fn adjustments(
    line: Line,
    facts: &[Dated],
    through: NaiveDate,
    issued: &[Issued],
) -> Vec<Adjustment> {
    let days: BTreeSet<NaiveDate> =
        facts.iter().filter(|dated| is_late(dated)).map(|dated| dated.recorded_on).collect();
    let mut adjustments = Vec::new();
    for recorded_on in days.into_iter().filter(|day| *day <= through) {
        let eve = day_before(recorded_on);
        let without = walk(line, &known_by(facts, eve), eve, issued);
        let with = walk(line, &known_by(facts, recorded_on), eve, issued);
        for (cycle, (old, new)) in (1..).zip(without.closes.iter().zip(&with.closes)) {
            adjustments.push(Adjustment {
                recorded_on,
                effective_on: old.on,
                cents: new.billed.interest - old.billed.interest,
                corrects: Corrects::Interest { cycle },
            });
        }
        let mut fees: BTreeMap<NaiveDate, i64> = BTreeMap::new();
        for (date, cents) in &with.late_fees {
            *fees.entry(*date).or_default() += cents;
        }
        for (date, cents) in &without.late_fees {
            *fees.entry(*date).or_default() -= cents;
        }
        for (effective_on, cents) in fees {
            let corrects = Corrects::LateFee;
            adjustments.push(Adjustment { recorded_on, effective_on, cents, corrects });
        }
    }
    adjustments.retain(|adjustment| adjustment.cents != 0);
    adjustments
}

/// Whether the fact can change a day before the one it was recorded on.
fn is_late(dated: &Dated) -> bool {
    let reaches_back = matches!(
        dated.fact,
        Fact::PaymentReturned { .. }
            | Fact::PaymentReversed { .. }
            | Fact::DrawRefused { .. }
            | Fact::DrawCorrected { .. }
            | Fact::StatementSent { .. }
            | Fact::StatementNotSent { .. }
    );
    reaches_back || dated.effective_on < dated.recorded_on
}

fn standing(
    walk: Walk,
    through: NaiveDate,
    statements: Vec<Statement>,
    adjustments: Vec<Adjustment>,
) -> Standing {
    let books = &walk.books;
    let principal = books.total_principal();
    Standing {
        principal,
        billed_interest: books.billed_interest,
        billed_fees: books.billed_fees(),
        penalty_fees: books.penalty_fees,
        unbilled_fees: books.open_fees(),
        credit_balance: books.credit,
        limit: walk.limit,
        available: (walk.limit - principal - walk.held - walk.held_for_draws).max(0),
        held: walk.held + walk.held_for_draws,
        days_past_due: books.days_past_due(through),
        unpaid_minimum: books.unpaid_minimum(),
        accrued_interest: Fraction { numerator: books.accrued, denominator: INTEREST_DENOMINATOR },
        prepaid_interest: books.prepaid,
        interest_by_cycle: walk.closes.iter().map(|c| (c.on, c.billed.interest)).collect(),
        payoff: walk.payoff.max(0),
        late_fees: walk.late_fees,
        end_of_day_principal: walk.daily,
        statements,
        adjustments,
    }
}
