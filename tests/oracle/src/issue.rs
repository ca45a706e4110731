//! Statements as they went out, and what late facts changed afterwards.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::{
    Adjustment, Corrects, Cycle, Dated, Fact, Fraction, Product, Standing, Statement,
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
    let line = Line { product, opened_on, cycle };
    let mut issued = Vec::new();
    let mut statements = Vec::new();
    for close in cycle.closes(through).into_iter().filter(|close| *close >= opened_on) {
        let known = known_by(facts, close.min(known_on));
        let seen = walk(line, &known, close, &issued);
        let Some((statement, kept)) = issue(&seen, opened_on, issued.last(), statements.last())
        else {
            continue;
        };
        statements.push(statement);
        issued.push(kept);
    }
    let now = walk(line, &known_by(facts, known_on), through, &issued);
    let adjustments = adjustments(line, facts, through.min(known_on), &issued);
    standing(now, through, statements, adjustments)
}

fn known_by(facts: &[Dated], known_on: NaiveDate) -> Vec<Dated> {
    facts.iter().filter(|dated| dated.recorded_on <= known_on).copied().collect()
}

/// The statement of the last close of a walk: the difference between all that is known now and all
/// that earlier statements showed.
fn issue(
    seen: &Walk,
    line_opened_on: NaiveDate,
    before: Option<&Issued>,
    previous: Option<&Statement>,
) -> Option<(Statement, Issued)> {
    let closed = seen.closes.last()?;
    let opened_on = previous.map_or(line_opened_on, |previous| later(previous.closed_on, 1));
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
        previous: previous.map_or(0, |previous| previous.new_balance),
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
        minimum_due: closed.minimum_due,
        past_due: closed.past_due,
    };
    let Statement { minimum_due, past_due, .. } = statement;
    Some((statement, Issued { totals, minimum_due, past_due }))
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
            | Fact::StatementSent { .. }
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
        billed_fees: books.billed_fees,
        penalty_fees: books.penalty_fees,
        unbilled_fees: books.open_fees,
        credit_balance: books.credit,
        limit: walk.limit,
        available: (walk.limit - principal - walk.held).max(0),
        held: walk.held,
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
