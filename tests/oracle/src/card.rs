//! The card: purchases with grace, cash advances and balance transfers without, interest that compounds daily within a cycle on all
//! that is unpaid.
//!
//! A walk over the days like that of the line, with books of its own. It knows lives in which everything is learned on its day: draws
//! of the three features, payments, credits, refunds of a credit balance, fees and waivers, one rate for all balances, limits and
//! marks. What is absent: late facts, returns, balances at two rates of one feature, another close day.

mod books;

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::{
    Cycle, Dated, Fact, FeeKind, Fraction, Standing, Statement,
    days::{banking_day_on_or_after, later},
    terms::half_up,
};
use books::{Books, Charge, Minimum, UNIT};

/// The features, in the order of the product file.
pub const PURCHASES: usize = 0;
pub const CASH_ADVANCES: usize = 1;
pub const BALANCE_TRANSFERS: usize = 2;

const CASH_APR: u32 = 299_900;
const TRANSFER_PROMOTION_CYCLES: u32 = 12;
const DUE_DAYS: u64 = 25;
const WINDOW_DAYS: u64 = 21;
const FLOOR: i64 = 3_500;
const LEAST_INTEREST: i64 = 50;
const LATE_FEE: i64 = 3_000;
const REPEATED_LATE_FEE: i64 = 4_100;
/// A late fee in so many cycles before makes the next one dearer.
const REPEATED_WITHIN: u32 = 6;
const SMALL_BALANCE: i64 = 100;

/// The terms agreed for a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Card {
    pub apr_ppm: u32,
    pub limit_cents: i64,
    pub opened_on: NaiveDate,
    pub cycle: Cycle,
}

/// The card at the end of `through`.
pub fn reckon_card(card: Card, facts: &[Dated], through: NaiveDate) -> Standing {
    let closes = card.cycle.closes(through);
    let mut by_day: BTreeMap<NaiveDate, Vec<&Fact>> = BTreeMap::new();
    for dated in facts.iter().filter(|dated| dated.effective_on <= through) {
        by_day.entry(dated.effective_on).or_default().push(&dated.fact);
    }
    let mut walk = Walk::new(card, facts);
    let mut day = card.opened_on;
    while day <= through {
        walk.books.today = day;
        walk.test_late_fee();
        let today = by_day.get(&day).map(Vec::as_slice).unwrap_or_default();
        for turn_now in 0..5 {
            for fact in today.iter().filter(|fact| turn(fact) == turn_now) {
                walk.apply(fact);
            }
        }
        walk.payoff = walk.books.payoff();
        walk.books.end_day();
        if closes.contains(&day) {
            walk.close();
        }
        day = later(day, 1);
    }
    walk.standing(facts, through)
}

/// As on the line: terms, draws and fees, credits, payments, refunds.
fn turn(fact: &Fact) -> u8 {
    match fact {
        Fact::Draw { .. } | Fact::FeeCharged { .. } => 1,
        Fact::FeeWaived { .. } | Fact::CreditGranted { .. } => 2,
        Fact::Payment { .. } => 3,
        Fact::CreditRefunded { .. } => 4,
        _ => 0,
    }
}

/// What a draw is of, and what it costs.
#[derive(Clone, Copy, Default)]
struct Use {
    feature: usize,
    fee: i64,
}

struct Walk {
    card: Card,
    books: Books,
    uses: BTreeMap<u64, Use>,
    flags: Vec<crate::Flag>,
    limit: i64,
    payoff: i64,
    late_fees: Vec<(u32, NaiveDate, i64)>,
    /// When a payment that came back cost a fee.
    return_fees: Vec<NaiveDate>,
    statements: Vec<Statement>,
    /// Of the open cycle.
    totals: Totals,
}

#[derive(Clone, Copy, Default)]
struct Totals {
    payments: i64,
    draws: i64,
    fees: i64,
    credits: i64,
    refunds: i64,
}

impl Walk {
    fn new(card: Card, facts: &[Dated]) -> Self {
        let mut uses: BTreeMap<u64, Use> = BTreeMap::new();
        for dated in facts {
            match dated.fact {
                Fact::DrawFeature { draw_id, feature } => {
                    uses.entry(draw_id).or_default().feature = feature;
                }
                Fact::FeeQuoted { draw_id, cents } => uses.entry(draw_id).or_default().fee = cents,
                _ => {}
            }
        }
        Self {
            card,
            books: Books::open(card.opened_on, [card.apr_ppm, CASH_APR, card.apr_ppm]),
            uses,
            flags: Vec::new(),
            limit: card.limit_cents,
            payoff: 0,
            late_fees: Vec::new(),
            return_fees: Vec::new(),
            statements: Vec::new(),
            totals: Totals::default(),
        }
    }

    /// On the morning after a due date, on what is unpaid of the minimum and of those before it.
    fn test_late_fee(&mut self) {
        let today = self.books.today;
        let late = |one: &&Minimum| later(one.due, 1) == today;
        let Some(due) = self.books.minimums.iter().find(late).copied() else { return };
        let minimums = self.books.minimums.iter().filter(|one| one.cycle <= due.cycle);
        let unpaid: i64 = minimums.map(|one| one.unpaid).sum();
        // One event costs one penalty: a payment of the statement that came back has cost it.
        let closed = self.statements.iter().find(|one| one.number == due.cycle);
        let closed = closed.map_or(self.card.opened_on, |one| one.closed_on);
        let cost_already = self.return_fees.iter().any(|on| *on > closed);
        if unpaid == 0 || !self.flags.is_empty() || cost_already {
            return;
        }
        let again = self
            .late_fees
            .iter()
            .any(|(cycle, ..)| *cycle < due.cycle && cycle + REPEATED_WITHIN >= due.cycle);
        let fee = if again { REPEATED_LATE_FEE } else { LATE_FEE }.min(due.in_all);
        self.late_fees.push((due.cycle, today, fee));
        self.charge(Charge::new(PURCHASES, fee, true));
    }

    fn charge(&mut self, charge: Charge) {
        self.totals.fees += charge.unpaid;
        self.books.charge(charge);
    }

    fn apply(&mut self, fact: &Fact) {
        match *fact {
            Fact::Draw { id, cents } => {
                let Use { feature, fee } = self.uses.get(&id).copied().unwrap_or_default();
                self.books.draw(feature, cents);
                self.totals.draws += cents;
                self.charge(Charge { is_draw: true, ..Charge::new(feature, fee, false) });
            }
            Fact::FeeCharged { kind, cents } => {
                if kind == FeeKind::Penalty {
                    self.return_fees.push(self.books.today);
                }
                self.charge(Charge::new(PURCHASES, cents, kind == FeeKind::Penalty));
            }
            Fact::FeeWaived { kind, cents } => {
                self.totals.credits += cents;
                self.books.waive(kind == FeeKind::Penalty, cents);
            }
            Fact::Payment { cents, .. } => {
                self.totals.payments += cents;
                self.books.pay(cents);
            }
            Fact::CreditGranted { cents } => {
                self.totals.credits += cents;
                self.books.pay(cents);
            }
            Fact::CreditRefunded { cents } => {
                self.totals.refunds += cents;
                self.books.refund(cents);
            }
            Fact::RateChanged { apr_ppm, .. } => self.books.reprice(apr_ppm),
            Fact::LimitChanged { cents } => self.limit = cents,
            Fact::FlagRaised { flag } if !self.flags.contains(&flag) => self.flags.push(flag),
            Fact::FlagCleared { flag } => self.flags.retain(|one| *one != flag),
            _ => {}
        }
    }

    fn close(&mut self) {
        let (today, number) = (self.books.today, self.books.cycle);
        let billed = self.books.bill(LEAST_INTEREST);
        let new_balance = self.books.owed();
        let draw_fee = self.books.draw_fee_in(number);
        let produced = new_balance.abs() > SMALL_BALANCE || billed.interest > 0 || draw_fee;
        let past_due: i64 = self.books.minimums.iter().map(|one| one.unpaid).sum();
        let (charged, unpaid_fees) = self.books.charged_in(number);
        let rest = (new_balance.max(0) - billed.unpaid_interest - unpaid_fees).max(0);
        // What the statement bills counts, though it was paid before the close.
        let formula = half_up(i128::from(rest), 100) + billed.interest + charged;
        let asked = (FLOOR.max(formula) + past_due).min(new_balance.max(0));
        let minimum_due = if produced { asked } else { 0 };
        let due_on = later(today, DUE_DAYS);
        let due = banking_day_on_or_after(due_on).max(later(today, WINDOW_DAYS));
        let past_due = past_due.min(minimum_due);
        if minimum_due > 0 {
            let own = minimum_due - past_due;
            self.books.ask(Minimum {
                cycle: number,
                due,
                asked: own,
                unpaid: own,
                in_all: minimum_due,
            });
        }
        let previous = self.statements.last();
        let opened_on = previous.map_or(self.card.opened_on, |one| later(one.closed_on, 1));
        let Totals { payments, draws, fees, credits, refunds } = std::mem::take(&mut self.totals);
        self.statements.push(Statement {
            number,
            produced,
            opened_on,
            closed_on: today,
            due_on,
            enforceable_due_on: Some(due),
            previous: previous.map_or(0, |one| one.new_balance),
            payments,
            returned: 0,
            draws,
            refused: 0,
            fees,
            credits,
            refunds,
            interest: billed.interest,
            adjustments: 0,
            new_balance,
            principal: self.books.principal(),
            minimum_due,
            past_due,
            not_yet_due: 0,
        });
        self.books.next_cycle(new_balance, due, TRANSFER_PROMOTION_CYCLES);
    }

    fn standing(self, facts: &[Dated], through: NaiveDate) -> Standing {
        let books = &self.books;
        let held = crate::facts::held_for_draws(facts, through);
        let used = books.principal() + books.interest() + books.fees(false) + books.fees(true);
        Standing {
            principal: books.principal(),
            billed_interest: books.interest(),
            billed_fees: books.fees(false),
            penalty_fees: books.fees(true),
            unbilled_fees: 0,
            credit_balance: books.credit,
            limit: self.limit,
            available: (self.limit - used - held).max(0),
            held,
            days_past_due: books.days_past_due(),
            unpaid_minimum: books.minimums.iter().map(|one| one.unpaid).sum(),
            accrued_interest: Fraction { numerator: books.accrued(), denominator: UNIT },
            prepaid_interest: books.prepaid(),
            late_fees: self.late_fees.iter().map(|(_, on, cents)| (*on, *cents)).collect(),
            interest_by_cycle: self
                .statements
                .iter()
                .map(|one| (one.closed_on, one.interest))
                .collect(),
            statements: self.statements,
            adjustments: Vec::new(),
            payoff: self.payoff.max(0),
            end_of_day_principal: Vec::new(),
        }
    }
}
