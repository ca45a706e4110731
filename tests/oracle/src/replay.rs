//! One walk over the days with a given set of facts.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::{
    Cycle, Dated, Fact, FeeKind, Flag, Product,
    books::{Billed, Books, Minimum, Totals},
    days::{banking_day_on_or_after, banking_days_after, later},
    terms::late_fee,
};

/// Days from the close to the printed due date, and from sending to the earliest enforceable one.
const DUE_DAYS: u64 = 25;
const WINDOW_DAYS: u64 = 14;
/// The late fee is tested at the start of this day after the due date.
const LATE_FEE_DAY: u32 = 11;
/// No statement for a balance up to this, either way, without a finance charge.
const SMALL_BALANCE: i64 = 100;
const HOLD_BANKING_DAYS: u32 = 3;

/// The line as agreed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub product: Product,
    pub opened_on: NaiveDate,
    pub cycle: Cycle,
}

/// One closed cycle of a walk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closed {
    pub on: NaiveDate,
    pub billed: Billed,
    /// After the close.
    pub totals: Totals,
    pub principal: i64,
    pub new_balance: i64,
    pub produced: bool,
    pub minimum_due: i64,
    pub past_due: i64,
    pub due: NaiveDate,
}

/// What went out at a close, as it was known then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Issued {
    pub totals: Totals,
    pub minimum_due: i64,
    pub past_due: i64,
}

/// A walk from the opening to the end of a day.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    pub books: Books,
    pub closes: Vec<Closed>,
    pub late_fees: Vec<(NaiveDate, i64)>,
    pub daily: Vec<(NaiveDate, i64)>,
    /// What a payment on the last day had to be, before that day's close.
    pub payoff: i64,
    pub limit: i64,
    /// Principal paid by payments that may still come back, at the end of the last day.
    pub held: i64,
    apr_ppm: u32,
    flags: BTreeSet<Flag>,
    draws_seen: u32,
    holds: Vec<(NaiveDate, i64)>,
}

/// The order of a day: section 1.4 (7). Fees go with the draws, the late fee before them.
const CORRECTIONS: u8 = 0;
const DRAWS: u8 = 1;
const CREDITS: u8 = 2;
const PAYMENTS: u8 = 3;
const REFUNDS: u8 = 4;

fn turn(fact: &Fact) -> u8 {
    match fact {
        Fact::RateChanged { .. }
        | Fact::LimitChanged { .. }
        | Fact::FlagRaised { .. }
        | Fact::FlagCleared { .. }
        | Fact::StatementSent { .. }
        | Fact::PaymentReturned { .. }
        | Fact::PaymentReversed { .. }
        | Fact::DrawRefused { .. } => CORRECTIONS,
        Fact::Draw { .. } => DRAWS,
        Fact::FeeWaived { .. } | Fact::CreditGranted { .. } => CREDITS,
        Fact::Payment { .. } => PAYMENTS,
        Fact::CreditRefunded { .. } => REFUNDS,
    }
}

/// Walks from the opening to the end of `through` with exactly these `facts`; a return that is among
/// them undoes its payment on every day of the walk. `issued` are the statements that went out
/// before: what they ask for stands.
pub(crate) fn walk(line: Line, facts: &[Dated], through: NaiveDate, issued: &[Issued]) -> Walk {
    let closes = line.cycle.closes(through);
    let mut walk = Walk::new(line);
    let mut day = line.opened_on;
    while day <= through {
        let today: Vec<&Dated> = facts.iter().filter(|f| f.effective_on == day).collect();
        for turn_now in CORRECTIONS..=REFUNDS {
            if turn_now == DRAWS {
                walk.test_late_fee(line.product, day);
            }
            for dated in today.iter().filter(|dated| turn(&dated.fact) == turn_now) {
                walk.apply(line.product, dated, facts);
            }
            if turn_now == DRAWS && closes.contains(&day) {
                walk.charge_plan_fee(line.product, day);
            }
        }
        walk.payoff = walk.books.payoff();
        walk.books.end_day();
        walk.daily.push((day, walk.books.total_principal()));
        if closes.contains(&day) {
            walk.close(line.product, day, facts, issued);
        }
        day = later(day, 1);
    }
    walk.held = walk.holds.iter().filter(|(until, _)| *until > through).map(|(_, c)| c).sum();
    walk
}

impl Walk {
    fn new(line: Line) -> Self {
        Self {
            books: Books::default(),
            closes: Vec::new(),
            late_fees: Vec::new(),
            daily: Vec::new(),
            payoff: 0,
            limit: line.product.limit(),
            held: 0,
            apr_ppm: line.product.apr_ppm(),
            flags: BTreeSet::new(),
            draws_seen: 0,
            holds: Vec::new(),
        }
    }

    /// Once, at the start of the eleventh day after a due date, on the minimum still unpaid. Flags of
    /// the day itself count: corrections come before fees.
    fn test_late_fee(&mut self, product: Product, day: NaiveDate) {
        let tested = |minimum: &&Minimum| later(minimum.due, u64::from(LATE_FEE_DAY)) == day;
        let Some(due) = self.books.minimums.iter().find(tested).map(|minimum| minimum.due) else {
            return;
        };
        let unpaid = self.books.unpaid_minimum_due_by(due);
        let stayed = !self.flags.is_empty();
        let fee = late_fee(product.late_fee(), unpaid, LATE_FEE_DAY, stayed, false);
        if fee > 0 {
            self.books.penalise(fee);
            self.late_fees.push((day, fee));
        }
    }

    /// In the place of the day's fees; none while something is past due.
    fn charge_plan_fee(&mut self, product: Product, day: NaiveDate) {
        let cycle = u32::try_from(self.closes.len() + 1).unwrap_or(u32::MAX);
        if self.books.days_past_due(day) == 0 {
            self.books.charge(product.plan_fee(cycle));
        }
    }

    fn apply(&mut self, product: Product, dated: &Dated, facts: &[Dated]) {
        match dated.fact {
            Fact::Draw { id, cents } => {
                if undone(facts, |fact| *fact == Fact::DrawRefused { draw_id: id }) {
                    self.books.totals.draws += cents;
                    self.books.totals.refused += cents;
                } else {
                    let borrowed = self.books.draw(cents, self.apr_ppm);
                    self.books.charge(product.fee_of_draw(borrowed, self.draws_seen == 0));
                    self.draws_seen += 1;
                }
            }
            Fact::Payment { id, cents } => {
                self.books.totals.payments += cents;
                let returned = Fact::PaymentReturned { payment_id: id };
                let reversed = Fact::PaymentReversed { payment_id: id };
                if undone(facts, |fact| *fact == returned || *fact == reversed) {
                    self.books.totals.returned += cents;
                } else {
                    let principal = self.books.pay(cents);
                    let until = banking_days_after(dated.effective_on, HOLD_BANKING_DAYS);
                    self.holds.push((until, principal));
                }
            }
            Fact::RateChanged { apr_ppm, applies_to_all } => {
                self.apr_ppm = apr_ppm;
                if applies_to_all {
                    self.books.reprice(apr_ppm);
                }
            }
            Fact::LimitChanged { cents } => self.limit = cents,
            Fact::FeeWaived { kind: FeeKind::Charge, cents } => self.books.waive_charges(cents),
            Fact::FeeWaived { kind: FeeKind::Penalty, cents } => self.books.waive_penalties(cents),
            Fact::CreditGranted { cents } => self.books.credit(cents),
            Fact::CreditRefunded { cents } => self.books.refund(cents),
            Fact::FlagRaised { flag } => {
                self.flags.insert(flag);
            }
            Fact::FlagCleared { flag } => {
                self.flags.remove(&flag);
            }
            // These have done their work where the payment, draw or statement is.
            Fact::PaymentReturned { .. }
            | Fact::PaymentReversed { .. }
            | Fact::DrawRefused { .. }
            | Fact::StatementSent { .. } => {}
        }
    }

    fn close(&mut self, product: Product, day: NaiveDate, facts: &[Dated], issued: &[Issued]) {
        let billed = self.books.bill();
        let new_balance = self.books.owed() + self.books.penalty_fees - self.books.credit;
        let finance_charge = billed.interest > 0 || product.draw_fees() && billed.charges > 0;
        let produced = new_balance.abs() > SMALL_BALANCE || finance_charge;
        // A statement that went out is never edited: what it asked for stands.
        let (minimum_due, past_due) = match issued.get(self.closes.len()) {
            Some(statement) => (statement.minimum_due, statement.past_due),
            None if produced => self.ask(product, day, billed, issued.last()),
            None => (0, 0),
        };
        let due = enforceable_due(day, facts);
        self.books.minimums.push(Minimum { due, unpaid: (minimum_due - past_due).max(0) });
        self.books.trim_minimums();
        self.closes.push(Closed {
            on: day,
            billed,
            totals: self.books.totals,
            principal: self.books.total_principal(),
            new_balance,
            produced,
            minimum_due,
            past_due,
            due,
        });
    }

    /// The minimum of a new statement, and the part of it that is past due.
    fn ask(
        &self,
        product: Product,
        day: NaiveDate,
        billed: Billed,
        before: Option<&Issued>,
    ) -> (i64, i64) {
        let past_due = self.books.unpaid_minimum_due_by(day);
        // A draw of a closed cycle that was recorded late has its fee on this statement.
        let shown_before = before.map_or(0, |issued| issued.totals.charges);
        let late_charges = (self.books.totals.charges - billed.charges - shown_before).max(0);
        let fees = (billed.unpaid_charges + late_charges).min(self.books.billed_fees);
        let principal = self.books.total_principal();
        let owed = self.books.owed();
        let minimum = product.minimum(principal, billed.unpaid_interest, fees, past_due, owed);
        (minimum, past_due.min(minimum))
    }
}

fn undone(facts: &[Dated], undoes: impl Fn(&Fact) -> bool) -> bool {
    facts.iter().any(|dated| undoes(&dated.fact))
}

/// The latest of the printed date, fourteen days after sending, and the next banking day.
fn enforceable_due(close: NaiveDate, facts: &[Dated]) -> NaiveDate {
    let sent = facts.iter().rev().find_map(|dated| match dated.fact {
        Fact::StatementSent { closed_on, sent_on } if closed_on == close => Some(sent_on),
        _ => None,
    });
    let printed = printed_due(close);
    let windowed = later(sent.unwrap_or(close), WINDOW_DAYS);
    windowed.max(banking_day_on_or_after(printed))
}

pub(crate) fn printed_due(close: NaiveDate) -> NaiveDate {
    later(close, DUE_DAYS)
}
