//! One walk over the days with a given set of facts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::{
    Cycle, Dated, Fact, FeeKind, Flag, Product, Readings,
    asking::{Asking, Found, HeldDraws},
    books::{Billed, Books, Minimum, Totals},
    days::{banking_day_on_or_after, banking_days_after, day_before, later},
    facts::{corrected, has_autopay, held_for_draws, left_on, undone},
    terms::{MINIMUM_FLOOR, late_fee},
};

/// Days from the close to the printed due date, and from sending to the earliest enforceable one.
const DUE_DAYS: u64 = 25;
const WINDOW_DAYS: u64 = 14;
/// The late fee is tested at the start of this day after the due date.
const LATE_FEE_DAY: u32 = 11;
/// No statement for a balance up to this, either way, without a finance charge.
const SMALL_BALANCE: i64 = 100;
const HOLD_BANKING_DAYS: u32 = 3;
const NEW_LINE_HOLD_BANKING_DAYS: u32 = 5;

/// The line as agreed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub product: Product,
    pub opened_on: NaiveDate,
    pub cycle: Cycle,
    pub readings: Readings,
}

impl Line {
    /// The number of the first statement that can show what was known and in effect on a day.
    fn statement_after(&self, facts: &[Dated], day: NaiveDate) -> u32 {
        let before = self.closes(facts, day_before(day)).len();
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }

    /// The closing dates up to and with `through`, as these facts have them.
    pub(crate) fn closes(&self, facts: &[Dated], through: NaiveDate) -> Vec<NaiveDate> {
        let mut changes: Vec<(NaiveDate, u32)> = facts
            .iter()
            .filter_map(|dated| match dated.fact {
                Fact::CloseDayChanged { day } => Some((dated.effective_on, day)),
                _ => None,
            })
            .collect();
        changes.sort_by_key(|(date, _)| *date);
        let mut cycle = self.cycle;
        let mut close = cycle.first_close;
        let mut closes = Vec::new();
        let mut changes = changes.into_iter().peekable();
        loop {
            while let Some((date, day)) = changes.next_if(|(date, _)| *date <= close) {
                cycle.day = day;
                close = cycle.next_on(date);
            }
            if close > through {
                return closes;
            }
            if close >= self.opened_on {
                closes.push(close);
            }
            close = cycle.in_month_after(close);
        }
    }
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
    pub asked: Asked,
    pub due: Option<NaiveDate>,
}

/// What went out at a close, as it was known then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Issued {
    pub totals: Totals,
    pub asked: Asked,
}

/// What a statement asks for, and the part of it that earlier ones had asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked {
    pub minimum: i64,
    /// Asked for before too, by a date that has passed.
    pub late: i64,
    /// Asked for before too, by a date that is still to come.
    pub ahead: i64,
}

impl Asked {
    fn own(self) -> i64 {
        (self.minimum - self.late - self.ahead).max(0)
    }
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
    /// Credit set aside for draws to come, at the end of the last day.
    pub held_for_draws: i64,
    apr_ppm: u32,
    late_fee: i64,
    floor: i64,
    closed: bool,
    flags: BTreeSet<Flag>,
    draws_seen: u32,
    /// Draws that are held, in the order in which they were asked for.
    held_draws: HeldDraws,
    holds: Vec<(NaiveDate, i64)>,
    /// Of payments that made a credit balance.
    credit_holds: Vec<(NaiveDate, i64)>,
}

/// The order of a day: section 1.4 (7). Fees go with the draws, the late fee before them.
const CORRECTIONS: u8 = 0;
const DRAWS: u8 = 1;
const CREDITS: u8 = 2;
const PAYMENTS: u8 = 3;
const WAIVERS: u8 = 4;
const REFUNDS: u8 = 5;
const TURNS: [u8; 6] = [CORRECTIONS, DRAWS, CREDITS, PAYMENTS, WAIVERS, REFUNDS];

fn turn(fact: &Fact) -> u8 {
    match fact {
        Fact::RateChanged { .. }
        | Fact::LimitChanged { .. }
        | Fact::LateFeeChanged { .. }
        | Fact::FloorChanged { .. }
        | Fact::LineClosed
        | Fact::FlagRaised { .. }
        | Fact::FlagCleared { .. }
        | Fact::StatementSent { .. }
        | Fact::StatementNotSent { .. }
        | Fact::PaymentReturned { .. }
        | Fact::PaymentReversed { .. }
        | Fact::DrawRefused { .. }
        | Fact::DrawCorrected { .. }
        | Fact::DrawHeld { .. }
        | Fact::FeeQuoted { .. }
        | Fact::DrawFeature { .. }
        | Fact::RateCapped { .. }
        | Fact::AutopayBegan { .. }
        | Fact::AutopayEnded { .. }
        | Fact::CloseDayChanged { .. }
        | Fact::BroughtForward { .. } => CORRECTIONS,
        Fact::Draw { .. } | Fact::FeeCharged { .. } => DRAWS,
        Fact::CreditGranted { .. } => CREDITS,
        Fact::Payment { .. } => PAYMENTS,
        Fact::FeeWaived { .. } => WAIVERS,
        Fact::CreditRefunded { .. } => REFUNDS,
    }
}

/// Walks from the opening to the end of `through` with exactly these `facts`; a return that is among
/// them undoes its payment on every day of the walk. `issued` are the statements that went out
/// before: what they ask for stands.
pub(crate) fn walk(line: Line, facts: &[Dated], through: NaiveDate, issued: &[Issued]) -> Walk {
    let closes = line.closes(facts, through);
    let mut by_day: BTreeMap<NaiveDate, Vec<&Dated>> = BTreeMap::new();
    for dated in facts {
        by_day.entry(dated.effective_on).or_default().push(dated);
    }
    let none = Vec::new();
    let fee_at = if line.readings.plan_fee_after_payments { REFUNDS } else { DRAWS };
    let mut walk = Walk::new(line);
    let mut day = line.opened_on;
    while day <= through {
        walk.books.today = day;
        let has_discount = has_autopay(facts, day);
        walk.books.discount_ppm = if has_discount { line.product.autopay_discount() } else { 0 };
        let today = by_day.get(&day).unwrap_or(&none);
        walk.change_terms(today);
        walk.test_late_fee(day);
        for turn_now in TURNS {
            for dated in today.iter().filter(|dated| turn(&dated.fact) == turn_now) {
                walk.apply(line, dated, facts);
            }
            if turn_now == fee_at && closes.contains(&day) {
                walk.charge_plan_fee(line.product, day);
            }
        }
        walk.payoff = walk.books.payoff();
        walk.books.end_day();
        walk.daily.push((day, walk.books.total_principal()));
        if closes.contains(&day) {
            walk.close(line, day, facts, issued);
        }
        day = later(day, 1);
    }
    let on_hold = |holds: &[(NaiveDate, i64)]| -> i64 {
        holds.iter().filter(|(until, _)| *until > through).map(|(_, cents)| cents).sum()
    };
    // What a draw took of a credit balance on hold takes as much of the limit.
    let taken = (on_hold(&walk.credit_holds) - walk.books.credit).max(0);
    walk.held = on_hold(&walk.holds) + taken;
    walk.held_for_draws = held_for_draws(facts, through);
    walk
}

impl Walk {
    fn new(line: Line) -> Self {
        Self {
            books: Books { by_recomputed: line.readings.lower_minimum, ..Books::default() },
            closes: Vec::new(),
            late_fees: Vec::new(),
            daily: Vec::new(),
            payoff: 0,
            limit: line.product.limit(),
            held: 0,
            held_for_draws: 0,
            apr_ppm: line.product.apr_ppm(),
            late_fee: line.product.late_fee(),
            floor: MINIMUM_FLOOR,
            closed: false,
            flags: BTreeSet::new(),
            draws_seen: 0,
            held_draws: HeldDraws::default(),
            holds: Vec::new(),
            credit_holds: Vec::new(),
        }
    }

    /// The terms of a day are those of its first moment.
    fn change_terms(&mut self, today: &[&Dated]) {
        for dated in today {
            match dated.fact {
                Fact::LateFeeChanged { cents } => self.late_fee = cents,
                Fact::FloorChanged { cents } => self.floor = cents,
                _ => {}
            }
        }
    }

    /// Once, at the start of the eleventh day after a due date, on the minimum still unpaid at the end of the tenth: nothing of the
    /// day itself counts.
    fn test_late_fee(&mut self, day: NaiveDate) {
        let tested = |due: &NaiveDate| later(*due, u64::from(LATE_FEE_DAY)) == day;
        let mut told = self.books.minimums.iter().rev().filter(|minimum| minimum.told);
        let latest = told.find_map(|one| Some((one.due.filter(tested)?, one.whole)));
        let Some((due, whole)) = latest else { return };
        let unpaid = self.books.unpaid_minimum_due_by(due).min(whole);
        let stayed = !self.flags.is_empty() || self.books.in_service();
        let last_close = self.closes.last().map(|closed| closed.on);
        let charged = self.late_fees.last().is_some_and(|(on, _)| Some(*on) > last_close);
        let fee = late_fee(self.late_fee, unpaid, LATE_FEE_DAY, stayed, charged);
        if fee > 0 {
            self.books.penalise(fee);
            self.late_fees.push((day, fee));
        }
    }

    /// In the place of the day's fees; none while something is past due.
    fn charge_plan_fee(&mut self, product: Product, day: NaiveDate) {
        let cycle = u32::try_from(self.closes.len() + 1).unwrap_or(u32::MAX);
        // Due on the day itself is not yet past due.
        if self.books.unpaid_minimum_due_by(day_before(day)) == 0 && !self.closed {
            self.books.charge(product.plan_fee(cycle), cycle);
        }
    }

    fn find(&self, day: NaiveDate) -> Found {
        self.held_draws.find(day, self.books.credit, self.draws_seen)
    }

    fn hold(&mut self, dated: &Dated, facts: &[Dated]) {
        let Fact::DrawHeld { draw_id: id, cents, expires_on } = dated.fact else { return };
        if !undone(facts, |fact| *fact == Fact::DrawRefused { draw_id: id }) {
            let found = self.find(dated.effective_on);
            let cents = corrected(facts, id).unwrap_or(cents);
            self.held_draws.hold(Asking { id, cents, expires_on, found });
        }
    }

    fn draw(&mut self, line: Line, dated: &Dated, shown_on: u32, facts: &[Dated]) {
        let Fact::Draw { id, cents: drawn } = dated.fact else { return };
        let product = line.product;
        let cents = corrected(facts, id).unwrap_or(drawn);
        if undone(facts, |fact| *fact == Fact::DrawRefused { draw_id: id }) {
            self.books.totals.draws += cents;
            self.books.totals.refused += cents;
            return;
        }
        let found = self.held_draws.take(id).unwrap_or_else(|| self.find(dated.effective_on));
        self.books.draw(cents, self.apr_ppm);
        let quoted = facts.iter().find_map(|dated| match dated.fact {
            Fact::FeeQuoted { draw_id, cents } if draw_id == id => Some(cents),
            _ => None,
        });
        let beyond = (cents - found.credit).max(0);
        let anew = product.fee_of_draw(beyond, found.is_first);
        // Where draws cost nothing by the product, what was told was agreed on.
        let most = quoted.map(|told| if product.draw_fees() { told.min(anew) } else { told });
        self.books.charge(most.unwrap_or(anew), shown_on);
        self.draws_seen += 1;
    }

    fn apply(&mut self, line: Line, dated: &Dated, facts: &[Dated]) {
        let counts = line.readings.credits_count;
        let shown_on = line.statement_after(facts, dated.recorded_on.max(dated.effective_on));
        match dated.fact {
            Fact::Draw { .. } => self.draw(line, dated, shown_on, facts),
            Fact::DrawHeld { .. } => self.hold(dated, facts),
            Fact::BroughtForward { .. } => self.bring_forward(dated.fact),
            Fact::FeeCharged { kind: FeeKind::Charge, cents } => self.books.charge(cents, shown_on),
            Fact::FeeCharged { kind: FeeKind::Penalty, cents } => self.books.penalise(cents),
            Fact::RateCapped { apr_ppm, through } => self.books.cap(apr_ppm, through),
            Fact::Payment { id, cents } => {
                self.books.totals.payments += cents;
                let returned = Fact::PaymentReturned { payment_id: id };
                let reversed = Fact::PaymentReversed { payment_id: id };
                if undone(facts, |fact| *fact == returned || *fact == reversed) {
                    self.books.totals.returned += cents;
                } else {
                    let credit_before = self.books.credit;
                    let principal = self.books.pay(cents);
                    let credit = self.books.credit - credit_before;
                    let new_until = later(line.opened_on, line.readings.new_line_days);
                    let is_new = dated.effective_on < new_until;
                    let days = if is_new { NEW_LINE_HOLD_BANKING_DAYS } else { HOLD_BANKING_DAYS };
                    let moved_on = dated.effective_on.max(dated.recorded_on);
                    let until = banking_days_after(banking_day_on_or_after(moved_on), days);
                    self.holds.push((until, principal));
                    self.credit_holds.push((until, credit));
                }
            }
            Fact::RateChanged { apr_ppm, applies_to_all } => {
                self.apr_ppm = apr_ppm;
                if applies_to_all {
                    self.books.reprice(apr_ppm);
                }
            }
            Fact::LimitChanged { cents } => self.limit = cents,
            Fact::LineClosed => self.closed = true,
            Fact::FeeWaived { kind: FeeKind::Charge, cents } => {
                self.books.waive_charges(cents, counts, line.readings.waives_newest);
            }
            Fact::FeeWaived { kind: FeeKind::Penalty, cents } => {
                self.books.waive_penalties(cents, counts);
            }
            Fact::CreditGranted { cents } => self.books.credit(cents, counts),
            Fact::CreditRefunded { cents } => self.books.refund(cents, self.apr_ppm),
            Fact::FlagRaised { flag } => {
                self.flags.insert(flag);
            }
            Fact::FlagCleared { flag } => {
                self.flags.remove(&flag);
            }
            // These have done their work where the payment, draw or statement is, or in the morning.
            Fact::LateFeeChanged { .. }
            | Fact::FloorChanged { .. }
            | Fact::PaymentReturned { .. }
            | Fact::PaymentReversed { .. }
            | Fact::DrawRefused { .. }
            | Fact::DrawCorrected { .. }
            | Fact::FeeQuoted { .. }
            | Fact::DrawFeature { .. }
            | Fact::CloseDayChanged { .. }
            | Fact::AutopayBegan { .. }
            | Fact::AutopayEnded { .. }
            | Fact::StatementSent { .. }
            | Fact::StatementNotSent { .. } => {}
        }
    }

    fn bring_forward(&mut self, fact: Fact) {
        let Fact::BroughtForward {
            principal,
            billed_interest,
            billed_fees,
            penalty_fees,
            credit_balance,
        } = fact
        else {
            return;
        };
        self.books.owe(principal, self.apr_ppm);
        // Somebody drew it: the first draw was there.
        self.draws_seen += u32::from(principal > 0);
        self.books.billed_interest += billed_interest;
        self.books.bring_charges(billed_fees);
        self.books.penalty_fees += penalty_fees;
        self.books.credit += credit_balance;
    }

    fn close(&mut self, line: Line, day: NaiveDate, facts: &[Dated], issued: &[Issued]) {
        let product = line.product;
        let number = u32::try_from(self.closes.len() + 1).unwrap_or(u32::MAX);
        let billed = self.books.bill(number);
        let new_balance = self.books.owed() + self.books.penalty_fees - self.books.credit;
        let shown = self.books.charges.iter().any(|charge| charge.shown_on == number);
        let finance_charge = billed.interest > 0 || product.draw_fees() && shown;
        let produced = new_balance.abs() > SMALL_BALANCE || finance_charge;
        // A statement that went out is never edited: what it asked for stands.
        let printed = issued.get(self.closes.len());
        let ask = |fees: i64| {
            if produced { self.ask(line, day, billed, fees) } else { Asked::default() }
        };
        // The fee of a draw that was recorded late is first billed on the statement that shows it. Who pays what first does not go
        // by when it was recorded: there it is of its own cycle.
        let anew = ask(self.books.unpaid_charges(|charge| charge.shown_on == number));
        let of_cycle = ask(self.books.unpaid_charges(|charge| charge.billed_on == Some(number)));
        let asked = printed.map_or(anew, |one| one.asked);
        let due = left_on(facts, number, day).map(|left| enforceable_due(day, left));
        let lower = line.readings.lower_minimum;
        let told = asked.minimum > 0 && !(lower && anew.minimum == 0);
        if let Some(due) = due.filter(|_| told) {
            self.books.due_at_the_latest(due);
        }
        let (mut unpaid, mut whole) = (asked.own(), asked.minimum);
        if lower {
            (unpaid, whole) = (unpaid.min(anew.own()), whole.min(anew.minimum));
        }
        self.books.minimums.push(Minimum {
            due,
            told,
            asked: unpaid,
            whole,
            unpaid,
            unpaid_recomputed: of_cycle.own(),
        });
        self.books.trim_minimums();
        self.closes.push(Closed {
            on: day,
            billed,
            totals: self.books.totals,
            principal: self.books.total_principal(),
            new_balance,
            produced,
            asked,
            due,
        });
    }

    /// The minimum of a new statement, and the parts of it that were asked for before.
    fn ask(&self, line: Line, day: NaiveDate, billed: Billed, fees: i64) -> Asked {
        let before = self.books.unpaid_minimum();
        let overdue = self.books.unpaid_minimum_due_by(day);
        let principal = self.books.total_principal();
        let owed = self.books.owed();
        let charges = billed.unpaid_interest + fees;
        let minimum = line.product.minimum(self.floor, principal, charges, before, owed);
        let late = overdue.min(minimum);
        Asked { minimum, late, ahead: before.min(minimum) - late }
    }
}

/// The latest of the printed date, fourteen days after sending, and the next banking day.
fn enforceable_due(close: NaiveDate, left: NaiveDate) -> NaiveDate {
    later(left, WINDOW_DAYS).max(banking_day_on_or_after(printed_due(close)))
}

pub(crate) fn printed_due(close: NaiveDate) -> NaiveDate {
    later(close, DUE_DAYS)
}
