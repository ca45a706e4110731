//! The engine's figures beside the oracle's, to the cent.
//!
//! Both are given the same facts with the same two dates. Where they differ the rule book decides, not this file.

use std::fmt::Debug;

use anyhow::bail;
use chrono::NaiveDate;
use credit::{AppliesTo, CreditLine, CycleSchedule, FlagKind, LineEventBody, Position, Statement};
use money::Cents;
use oracle::{Cycle, Dated, Fact, FeeKind, Flag, Product, Standing};

use crate::history::{Agreed, Happening, History, Kind, What};

/// The first figure that differs, or nothing.
pub fn agree(history: &History, line: &CreditLine) -> anyhow::Result<()> {
    compare(&history.agreed, &facts(&history.happenings), line, history.through)
}

/// Compares on `through`, or on the day after where a cycle closes on it: the engine closes a day in the morning after.
pub fn compare(
    agreed: &Agreed,
    facts: &[Dated],
    line: &CreditLine,
    through: NaiveDate,
) -> anyhow::Result<()> {
    let standing =
        oracle::reckon(product(agreed)?, agreed.opened_on, cycle(agreed), facts, through, through);
    // A balance of up to a dollar without a finance charge needs no statement. The oracle asks for nothing then; ours is
    // issued all the same, and asks for it.
    if standing.statements.iter().any(|one| !one.produced && one.new_balance > 0) {
        return Ok(());
    }
    let position = line.position(through)?;
    let mut differing = Differing::default();
    let minimums = !facts.iter().any(known_late);
    compare_statements(line, &standing, minimums, &mut differing);
    compare_cycles(&position, &standing, &mut differing);
    compare_standing(&position, &standing, &mut differing);
    if minimums {
        let unpaid = Cents::new(standing.unpaid_minimum);
        differing.look("unpaid minimum", &position.minimum_due, &unpaid);
        // A minimum of which nine tenths are paid does not count for days past due, which the oracle has not read.
        if position.days_past_due > 0 || unpaid.is_zero() {
            let oracle = standing.days_past_due.min(position.days_past_due);
            differing.look("days past due", &position.days_past_due, &oracle);
        }
    }
    if differing.0.is_empty() {
        return Ok(());
    }
    bail!("engine and oracle differ: {}", differing.0.join("; "))
}

#[derive(Default)]
struct Differing(Vec<String>);

impl Differing {
    fn look<T: PartialEq + Debug>(&mut self, what: &str, engine: &T, oracle: &T) {
        if engine != oracle && self.0.len() < 12 {
            self.0.push(format!("{what}: {engine:?} and {oracle:?}"));
        }
    }
}

fn cycle(agreed: &Agreed) -> Cycle {
    let day = agreed.close_day;
    Cycle { first_close: CycleSchedule::monthly(day).close_of(agreed.opened_on), day }
}

fn product(agreed: &Agreed) -> anyhow::Result<Product> {
    let (apr_ppm, limit_cents) = (agreed.apr.ppm(), agreed.credit_limit.get());
    let late = agreed.kind.product()?.fees.late;
    Ok(match agreed.kind {
        Kind::Std => Product::CashlineStd { apr_ppm, limit_cents },
        Kind::Fee3 => Product::CashlineFee3 { apr_ppm, limit_cents },
        Kind::Sub => {
            let late_fee_cents = late.map_or(0, |late| late.amount.get());
            Product::CashlineSub { limit_cents, late_fee_cents }
        }
    })
}

/// What is known after it took effect can change what a statement should have asked for. The oracle leaves the printed minimum as it
/// is; the engine lowers it where it was too high. The rule book is silent, so minimums are compared where there is no such fact.
fn known_late(dated: &Dated) -> bool {
    let undoes = matches!(
        dated.fact,
        Fact::PaymentReturned { .. } | Fact::PaymentReversed { .. } | Fact::DrawRefused { .. }
    );
    undoes || dated.recorded_on > dated.effective_on
}

fn compare_statements(
    line: &CreditLine,
    standing: &Standing,
    minimums: bool,
    differing: &mut Differing,
) {
    let issued: Vec<&Statement> = line
        .events()
        .iter()
        .filter_map(|event| match &event.body {
            LineEventBody::StatementIssued { statement } => Some(&**statement),
            _ => None,
        })
        .collect();
    differing.look("statements", &issued.len(), &standing.statements.len());
    for (ours, theirs) in issued.into_iter().zip(&standing.statements) {
        let of =
            |figure: &str| format!("statement {} of {}: {figure}", ours.number, ours.closed_on);
        differing.look(&of("number"), &ours.number, &theirs.number);
        differing.look(&of("first day"), &ours.opened_on, &theirs.opened_on);
        differing.look(&of("close"), &ours.closed_on, &theirs.closed_on);
        differing.look(&of("due date"), &ours.due_on, &theirs.due_on);
        let money = [
            ("previous balance", ours.previous_balance, theirs.previous),
            ("draws", ours.draws_total, theirs.draws),
            ("interest", ours.interest_total, theirs.interest),
            ("new balance", ours.new_balance, theirs.new_balance),
            ("principal", ours.principal_balance, theirs.principal),
        ];
        for (figure, engine, oracle) in money {
            differing.look(&of(figure), &engine, &Cents::new(oracle));
        }
        if minimums {
            differing.look(&of("minimum"), &ours.minimum_due, &Cents::new(theirs.minimum_due));
            differing.look(&of("past due"), &ours.past_due, &Cents::new(theirs.past_due));
        }
        differing.look(&of("must be sent"), &ours.must_be_sent, &theirs.produced);
    }
}

/// Interest and late fees as they would be with all that is known now.
fn compare_cycles(position: &Position, standing: &Standing, differing: &mut Differing) {
    let ours: Vec<(NaiveDate, i64)> = position
        .cycles
        .iter()
        .map(|cycle| {
            let interest: Cents = cycle.interest.iter().map(|line| line.amount).sum();
            (cycle.closes_on, interest.get())
        })
        .collect();
    for (ours, theirs) in ours.iter().zip(&standing.interest_by_cycle) {
        differing.look("interest of a cycle with all that is known", ours, theirs);
    }
    let fees: Vec<(NaiveDate, i64)> =
        position.late_fees.iter().map(|fee| (fee.on, fee.amount.get())).collect();
    differing.look("late fees", &fees, &standing.late_fees);
}

fn compare_standing(position: &Position, standing: &Standing, differing: &mut Differing) {
    let money = [
        ("principal", position.principal_balance, standing.principal),
        ("billed interest", position.billed_interest, standing.billed_interest),
        ("fees", position.fees, standing.billed_fees + standing.unbilled_fees),
        ("penalty fees", position.penalty_fees, standing.penalty_fees),
        ("credit balance", position.credit_balance, standing.credit_balance),
        ("limit", position.credit_limit, standing.limit),
        ("held", position.held_credit, standing.held),
        ("available", position.available_credit, standing.available),
        ("payoff", position.total_owed.or_zero(), standing.payoff),
    ];
    for (figure, engine, oracle) in money {
        differing.look(figure, &engine, &Cents::new(oracle));
    }
}

fn flag(flag: FlagKind) -> Option<Flag> {
    Some(match flag {
        FlagKind::Vulnerable => Flag::Vulnerable,
        FlagKind::Fraud => Flag::Fraud,
        FlagKind::IdentityTheft => Flag::IdentityTheft,
        FlagKind::Bankruptcy => Flag::Bankruptcy,
        FlagKind::Deceased => Flag::Deceased,
        FlagKind::Dispute => Flag::Dispute,
        FlagKind::Hardship => Flag::Hardship,
        FlagKind::Scra => Flag::Scra,
        FlagKind::Disaster => Flag::Disaster,
        FlagKind::OurError => Flag::OurError,
        _ => return None,
    })
}

/// In the order in which facts of one day count: draws and payments by number, a flag raised before one is cleared.
#[must_use]
pub fn facts(happenings: &[Happening]) -> Vec<Dated> {
    let mut facts: Vec<(u64, Dated)> = happenings
        .iter()
        .filter_map(|one| {
            let (order, fact) = fact(&one.what)?;
            let (effective_on, recorded_on) = (one.effective_on, one.learned_on);
            Some((order, Dated { effective_on, recorded_on, fact }))
        })
        .collect();
    facts.sort_by_key(|(order, _)| *order);
    facts.into_iter().map(|(_, dated)| dated).collect()
}

fn fact(what: &What) -> Option<(u64, Fact)> {
    Some(match *what {
        What::Draw { draw: id, amount, .. } => (id, Fact::Draw { id, cents: amount.get() }),
        What::DrawRefused { draw: draw_id } => (draw_id, Fact::DrawRefused { draw_id }),
        What::Payment { payment: id, amount } => (id, Fact::Payment { id, cents: amount.get() }),
        What::PaymentReturned { payment: payment_id } => {
            (payment_id, Fact::PaymentReturned { payment_id })
        }
        What::PaymentReversed { payment: payment_id } => {
            (payment_id, Fact::PaymentReversed { payment_id })
        }
        What::Rate { apr, applies_to } => {
            let applies_to_all = applies_to == AppliesTo::AllBalances;
            (0, Fact::RateChanged { apr_ppm: apr.ppm(), applies_to_all })
        }
        What::Limit { credit_limit } => (0, Fact::LimitChanged { cents: credit_limit.get() }),
        What::LateFeeWaived { amount } => {
            (0, Fact::FeeWaived { kind: FeeKind::Penalty, cents: amount.get() })
        }
        What::FlagRaised { flag: raised } => (0, Fact::FlagRaised { flag: flag(raised)? }),
        What::FlagCleared { flag: cleared } => (1, Fact::FlagCleared { flag: flag(cleared)? }),
    })
}
