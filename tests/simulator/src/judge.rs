//! The engine's figures beside the oracle's, to the cent.
//!
//! Both are given the same facts with the same two dates. Where they differ the rule book decides, not this file.

use std::{collections::BTreeMap, fmt::Debug};

use anyhow::bail;
use chrono::NaiveDate;
use credit::{AppliesTo, CreditLine, CycleSchedule, FlagKind, LineEventBody, Position, Statement};
use money::Cents;
use oracle::{
    BALANCE_TRANSFERS, CASH_ADVANCES, Card, Cycle, Dated, Fact, FeeKind, Flag, Product, Readings,
    Reckoner, Standing, reckon_card,
};

use crate::history::{Agreed, Change, Happening, Kind, MARGIN, What};

/// Asked day after day about one line.
pub struct Judge {
    oracle: Oracle,
    facts: Vec<Dated>,
    compared: Compared,
}

enum Oracle {
    Line(Reckoner),
    Card(Card),
}

impl Oracle {
    fn of(agreed: &Agreed, happenings: &[Happening]) -> anyhow::Result<Option<Self>> {
        let Some(product) = product(agreed)? else {
            let card = Card {
                apr_ppm: agreed.apr.ppm(),
                limit_cents: agreed.credit_limit.get(),
                opened_on: agreed.opened_on,
                cycle: cycle(agreed),
            };
            return Ok(happenings.iter().all(of_a_plain_card).then_some(Self::Card(card)));
        };
        // In the places where the rule book is silent, as docs/engine.md says.
        let readings = Readings {
            lower_minimum: true,
            new_line_days: 30,
            credits_count: true,
            plan_fee_after_payments: true,
            waives_newest: true,
        };
        let cycle = cycle(agreed);
        Ok(Some(Self::Line(Reckoner::new(product, agreed.opened_on, cycle, readings))))
    }

    fn at(&mut self, facts: &[Dated], on: NaiveDate) -> Standing {
        match self {
            Self::Line(reckoner) => reckoner.at(facts, on),
            Self::Card(card) => reckon_card(*card, facts, on),
        }
    }
}

/// What the oracle knows of a card: each thing learned on its day, and nothing that makes further balances.
fn of_a_plain_card(one: &Happening) -> bool {
    one.learned_on == one.effective_on
        && match one.what {
            What::Rate { applies_to, .. } => applies_to == AppliesTo::AllBalances,
            What::Draw { .. }
            | What::DrawHeld { .. }
            | What::Payment { .. }
            | What::Limit { .. }
            | What::Credit { .. }
            | What::Refund { .. }
            | What::Fee { .. }
            | What::FeeWaived { .. }
            | What::FlagRaised { .. }
            | What::FlagCleared { .. }
            | What::Closed => true,
            _ => false,
        }
}

/// What of a life is left out of the comparison (docs/simulator.md).
#[derive(Clone, Copy, Debug)]
struct Compared {
    /// Minimums, days past due and late fees: not where something is disputed.
    minimums: bool,
    /// The draws of a statement: not where one was corrected, which the engine shows as an adjustment.
    draws: bool,
    /// Whether it must be sent: not where a draw with a fee was learned late or refused, a finance charge that was imposed and never
    /// was.
    sent: bool,
}

impl Judge {
    /// Of a line with all that will be known of it; nobody of a card that is more than a plain one.
    pub fn of(agreed: &Agreed, happenings: &[Happening]) -> anyhow::Result<Option<Self>> {
        let Some(oracle) = Oracle::of(agreed, happenings)? else { return Ok(None) };
        let disputes = |one: &Happening| matches!(one.what, What::DisputeOpened { .. });
        let corrects = |one: &Happening| {
            matches!(one.what, What::DrawCorrected { .. } | What::DisputeResolved { .. })
        };
        let undoes = |one: &Happening| {
            let late = one.learned_on > one.effective_on;
            late || matches!(one.what, What::DrawRefused { .. }) || corrects(one)
        };
        let compared = Compared {
            sent: agreed.kind != Kind::Fee3 || !happenings.iter().any(undoes),
            minimums: !happenings.iter().any(disputes),
            draws: !happenings.iter().any(corrects),
        };
        Ok(Some(Self { oracle, facts: facts(happenings), compared }))
    }

    /// The first figures that differ at the end of a day, or nothing. A day on which a cycle closes is compared the day after: the
    /// engine closes it in the morning then, and the answer is no.
    pub fn compare(&mut self, line: &CreditLine, on: NaiveDate) -> anyhow::Result<bool> {
        let position = line.position(on)?;
        if position.cycle.closes_on <= on {
            return Ok(false);
        }
        let standing = self.oracle.at(&self.facts, on);
        let mut differing = Differing::default();
        compare_statements(line, &standing, self.compared, &mut differing);
        compare_cycles(&position, &standing, &mut differing);
        compare_standing(&position, &standing, &mut differing);
        if self.compared.minimums {
            let fees: Vec<(NaiveDate, i64)> =
                position.late_fees.iter().map(|fee| (fee.on, fee.amount.get())).collect();
            differing.look("late fees", &fees, &standing.late_fees);
            let unpaid = Cents::new(standing.unpaid_minimum);
            differing.look("unpaid minimum", &position.minimum_due, &unpaid);
            differing.look("days past due", &position.days_past_due, &standing.days_past_due);
        }
        if differing.0.is_empty() {
            return Ok(true);
        }
        bail!("engine and oracle differ: {}; on {on}", differing.0.join("; "))
    }
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

fn product(agreed: &Agreed) -> anyhow::Result<Option<Product>> {
    let (apr_ppm, limit_cents) = (agreed.apr.ppm(), agreed.credit_limit.get());
    let late = agreed.kind.product()?.fees.late;
    Ok(match agreed.kind {
        Kind::Std => Some(Product::CashlineStd { apr_ppm, limit_cents }),
        Kind::Fee3 => Some(Product::CashlineFee3 { apr_ppm, limit_cents }),
        Kind::Sub => {
            let late_fee_cents = late.map_or(0, |late| late.amount.get());
            Some(Product::CashlineSub { limit_cents, late_fee_cents })
        }
        Kind::Card => None,
    })
}

fn compare_statements(
    line: &CreditLine,
    standing: &Standing,
    compared: Compared,
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
            ("interest", ours.interest_total, theirs.interest),
            ("new balance", ours.new_balance, theirs.new_balance),
            ("principal", ours.principal_balance, theirs.principal),
        ];
        for (figure, engine, oracle) in money {
            differing.look(&of(figure), &engine, &Cents::new(oracle));
        }
        if compared.draws {
            differing.look(&of("draws"), &ours.draws_total, &Cents::new(theirs.draws));
        }
        if compared.minimums {
            differing.look(&of("minimum"), &ours.minimum_due, &Cents::new(theirs.minimum_due));
            differing.look(&of("past due"), &ours.past_due, &Cents::new(theirs.past_due));
            let not_yet_due = Cents::new(theirs.not_yet_due);
            differing.look(&of("not yet due"), &ours.not_yet_due, &not_yet_due);
        }
        if compared.sent {
            differing.look(&of("must be sent"), &ours.must_be_sent, &theirs.produced);
        }
    }
}

/// Interest as it would be with all that is known now.
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
    differing.look("closed cycles", &ours.len(), &standing.interest_by_cycle.len());
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

/// In the order in which facts of one day count: draws and payments by number, of two changes of one thing the one recorded later.
#[must_use]
pub fn facts(happenings: &[Happening]) -> Vec<Dated> {
    // Where nothing comes late, the fee of a draw is worked out anew and so is compared; else it is what was quoted.
    let late = happenings.iter().any(|one| {
        let undoes = matches!(one.what, What::DrawRefused { .. } | What::DrawCorrected { .. });
        undoes || one.what.undoes_payment() || one.learned_on > one.effective_on
    });
    let mut amounts: BTreeMap<u64, i64> = BTreeMap::new();
    let mut facts: Vec<(u64, Dated)> = Vec::new();
    for one in happenings {
        let mut keep = |order: u64, fact: Fact| {
            let (effective_on, recorded_on) = (one.effective_on, one.learned_on);
            facts.push((order, Dated { effective_on, recorded_on, fact }));
        };
        match one.what {
            What::Draw { draw, amount, fee, feature } => {
                if let Some(feature) = feature {
                    let feature =
                        if feature == "cash_advances" { CASH_ADVANCES } else { BALANCE_TRANSFERS };
                    keep(0, Fact::DrawFeature { draw_id: draw, feature });
                }
                amounts.insert(draw, amount.get());
                if late || feature.is_some() {
                    keep(0, Fact::FeeQuoted { draw_id: draw, cents: fee.get() });
                }
            }
            What::DrawCorrected { draw, amount } => {
                amounts.insert(draw, amount.get());
            }
            What::DisputeResolved { draw, error, .. } => {
                // What was an error never was part of the draw.
                let Some(left) = amounts.get_mut(&draw) else { continue };
                *left -= error.get();
                keep(0, Fact::DrawCorrected { draw_id: draw, cents: *left });
            }
            _ => {}
        }
        if let Some((order, fact)) = fact(&one.what) {
            keep(order, fact);
        }
    }
    facts.sort_by_key(|(order, _)| *order);
    facts.into_iter().map(|(_, dated)| dated).collect()
}

fn fact(what: &What) -> Option<(u64, Fact)> {
    Some(match *what {
        What::Draw { draw: id, amount, .. } => (id, Fact::Draw { id, cents: amount.get() }),
        What::DrawHeld { draw, amount, expires_on } => {
            (0, Fact::DrawHeld { draw_id: draw, cents: amount.get(), expires_on })
        }
        What::DrawRefused { draw: draw_id } => (draw_id, Fact::DrawRefused { draw_id }),
        What::DrawCorrected { draw: draw_id, amount } => {
            (0, Fact::DrawCorrected { draw_id, cents: amount.get() })
        }
        What::Payment { payment: id, amount } => (id, Fact::Payment { id, cents: amount.get() }),
        What::PaymentReturned { payment: payment_id, .. } => {
            (payment_id, Fact::PaymentReturned { payment_id })
        }
        What::PaymentReversed { payment: payment_id } => {
            (payment_id, Fact::PaymentReversed { payment_id })
        }
        What::Rate { apr, applies_to } => {
            let applies_to_all = applies_to == AppliesTo::AllBalances;
            (0, Fact::RateChanged { apr_ppm: apr.ppm(), applies_to_all })
        }
        What::RateCap { apr, through } => (1, Fact::RateCapped { apr_ppm: apr.ppm(), through }),
        What::Index { index } => {
            let apr_ppm = index.ppm() + MARGIN;
            (0, Fact::RateChanged { apr_ppm, applies_to_all: true })
        }
        What::Terms { change: Change::Rate { apr }, .. } => {
            (0, Fact::RateChanged { apr_ppm: apr.ppm(), applies_to_all: false })
        }
        What::Terms { change: Change::LateFee { amount }, .. } => {
            (0, Fact::LateFeeChanged { cents: amount.get() })
        }
        What::Terms { change: Change::Floor { amount }, .. } => {
            (0, Fact::FloorChanged { cents: amount.get() })
        }
        What::AutopayBegan { autopay: id } => (0, Fact::AutopayBegan { id }),
        What::AutopayEnded { autopay: id } => (0, Fact::AutopayEnded { id }),
        What::StatementSent { statement: number } => (0, Fact::StatementSent { number }),
        What::StatementNotSent { statement: number } => (0, Fact::StatementNotSent { number }),
        What::Closed => (0, Fact::LineClosed),
        What::CloseDay { close_day: day } => (0, Fact::CloseDayChanged { day }),
        What::Limit { credit_limit } => (0, Fact::LimitChanged { cents: credit_limit.get() }),
        What::Credit { amount } => (0, Fact::CreditGranted { cents: amount.get() }),
        What::Refund { amount } => (0, Fact::CreditRefunded { cents: amount.get() }),
        What::Fee { fee, amount } => (0, Fact::FeeCharged { kind: kind(fee), cents: amount.get() }),
        What::FeeWaived { fee, amount } => {
            (0, Fact::FeeWaived { kind: kind(fee), cents: amount.get() })
        }
        What::FlagRaised { flag: raised } => (0, Fact::FlagRaised { flag: flag(raised)? }),
        What::FlagCleared { flag: cleared } => (0, Fact::FlagCleared { flag: flag(cleared)? }),
        What::BroughtForward { principal, billed_interest, fees, penalty_fees, credit_balance } => {
            let [principal, billed_interest, billed_fees, penalty_fees, credit_balance] =
                [principal, billed_interest, fees, penalty_fees, credit_balance].map(Cents::get);
            let fact = Fact::BroughtForward {
                principal,
                billed_interest,
                billed_fees,
                penalty_fees,
                credit_balance,
            };
            (0, fact)
        }
        What::DisputeOpened { .. } | What::DisputeResolved { .. } => return None,
    })
}

const fn kind(fee: credit::FeeKind) -> FeeKind {
    if fee.penalty() { FeeKind::Penalty } else { FeeKind::Charge }
}
