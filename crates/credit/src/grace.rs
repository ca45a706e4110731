//! Grace: no interest while each statement is paid in full by its due date (12 CFR 1026.54; docs/engine.md).
//!
//! A statement may fall due after the next close, and after further ones. Those closes take it that it will be paid, and the cycles
//! they end are kept as they were lived. Once the due date has passed, the cycle has the price it should have had: what was paid by
//! then is spared all the same, the rest is owed with the next statement. On a card it is not, where grace was lost: no interest
//! on days of cycles before the last one (1026.54(a)(1)(i)).

use chrono::{Days, NaiveDate};
use identity::PaymentId;
use money::Cents;
use serde::{Deserialize, Serialize};

use crate::{
    Terms,
    balance::{Balance, Relief},
    interest::GraceOutcome,
    product::{GraceKind, GraceTerms, Regime},
    state::{OpenCycle, State},
    versions::Versions,
};

/// From the day on which a statement left to the end of its grace at least, on a line as on a card (12 CFR 1026.5(b)(2)(ii)(B)).
const WINDOW: Days = Days::new(21);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grace {
    /// As the open cycle began, if what waits is paid.
    pub(crate) standing: GraceStanding,
    pub(crate) statement_balance: Cents,
    pub(crate) due_on: NaiveDate,
    /// Paid or credited since the statement and by its due date.
    pub(crate) paid: Cents,
    /// Before the first of those that wait.
    settled: GraceStanding,
    /// Earlier statements whose due date is still to come, oldest first.
    waiting: Vec<WaitingStatement>,
    /// The cycle in which a statement that had waited turned out not to be paid, and its due date.
    lost_in: Option<(u32, NaiveDate)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GraceStanding {
    /// No interest runs on earlier purchases.
    held: bool,
    /// Cycles paid in full since grace was lost.
    streak: u32,
}

/// A statement that a later one has followed before it fell due, and the cycle between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct WaitingStatement {
    /// The first day on which a payment counts to it.
    from: NaiveDate,
    due_on: NaiveDate,
    unpaid: Cents,
    cycle: OpenCycle,
    /// When an older statement fell due that had waited and turned out not to be paid in the cycle or after it.
    lost: Option<NaiveDate>,
    balances: Vec<LivedBalance>,
}

/// A balance in a cycle whose price is not settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LivedBalance {
    balance: Balance,
    /// Of what was owed when the cycle began: still unpaid.
    left: Cents,
    /// What the close charged, in `DENOMINATOR`ths of a cent.
    #[serde(with = "crate::units::wide")]
    charged: i128,
}

impl GraceStanding {
    fn after(self, paid: bool, rule: &GraceTerms) -> Self {
        let streak = if self.held || !paid { 0 } else { self.streak + 1 };
        let held = paid && (self.held || streak >= rule.regained_after_cycles);
        Self { held, streak }
    }

    /// Of a cycle that began so, whose statement before it was paid in full or was not; `lost`: grace ended in it for an older one.
    fn outcome(self, paid: bool, lost: bool, rule: &GraceTerms) -> GraceOutcome {
        let back = paid
            && rule.spares_new_draws_on_regain
            && self.streak + 1 >= rule.regained_after_cycles;
        let credited = rule.credits_partial_payment;
        match (self.held, paid) {
            (true, true) => GraceOutcome::Spared,
            (true, false) if credited => GraceOutcome::Lost,
            (false, _) if back && lost && credited => GraceOutcome::LostAndRegained,
            (false, _) if back => GraceOutcome::Regained,
            (false, _) if lost && credited => GraceOutcome::Lost,
            _ => GraceOutcome::Charged,
        }
    }
}

impl Grace {
    pub(crate) const fn begin(held: bool, statement_balance: Cents, due_on: NaiveDate) -> Self {
        let standing = GraceStanding { held, streak: 0 };
        Self {
            standing,
            statement_balance,
            due_on,
            paid: Cents::ZERO,
            settled: standing,
            waiting: Vec::new(),
            lost_in: None,
        }
    }

    /// When a statement fell due for which grace was lost in a cycle.
    fn lost_on(&self, cycle: u32) -> Option<NaiveDate> {
        self.lost_in.filter(|(lost_in, _)| *lost_in == cycle).map(|(_, due_on)| due_on)
    }

    fn paid_in_full(&self) -> bool {
        self.paid >= self.statement_balance
    }

    /// A payment of a day counts to each statement that it is in time for.
    pub(crate) fn pay(&mut self, day: NaiveDate, amount: Cents) {
        if day <= self.due_on {
            self.paid += amount;
        }
        for waiting in self.waiting.iter_mut().filter(|one| day <= one.due_on) {
            waiting.unpaid -= amount;
        }
    }

    /// A payment of a day came back, in a cycle that began on `cycle_starts_on`.
    pub(crate) fn restore(
        &mut self,
        (payment, paid_on, amount): (PaymentId, NaiveDate, Cents),
        cycle_starts_on: NaiveDate,
    ) {
        if (cycle_starts_on..=self.due_on).contains(&paid_on) {
            self.paid -= amount;
        }
        for waiting in &mut self.waiting {
            if (waiting.from..=waiting.due_on).contains(&paid_on) {
                waiting.unpaid += amount;
            }
            for lived in &mut waiting.balances {
                let back = lived.balance.reliefs.extract_if(.., |one| one.payment == Some(payment));
                let back: Cents =
                    back.filter(|one| one.on > waiting.cycle.closes_on).map(|one| one.amount).sum();
                lived.left += back;
            }
        }
    }

    /// What each of the waiting statements begins with, and the last one of all, if those before it are paid.
    fn standings(&self, rule: &GraceTerms) -> Vec<GraceStanding> {
        let mut standing = self.settled;
        let mut all = vec![standing];
        for _ in &self.waiting {
            standing = standing.after(true, rule);
            all.push(standing);
        }
        all
    }

    fn stand(&mut self, rule: &GraceTerms) {
        let last = self.standings(rule).pop();
        self.standing = last.unwrap_or(self.settled);
    }

    /// The first statement in whose grace a payment of the day is made: its place among those that wait, or after them.
    fn in_force(&self, day: NaiveDate, rule: &GraceTerms) -> Option<usize> {
        let dues = self.waiting.iter().map(|one| one.due_on).chain([self.due_on]);
        let mut all = self.standings(rule).into_iter().zip(dues);
        all.position(|(standing, due_on)| standing.held && day <= due_on)
    }

    /// What a payment took off balance `at` counts from the first day of each cycle that its grace covers. Whether it covers the
    /// open one.
    fn relieve(&mut self, at: usize, relief: Relief, rule: &GraceTerms) -> bool {
        let Some(first) = self.in_force(relief.on, rule) else { return false };
        for waiting in self.waiting.iter_mut().skip(first) {
            if let Some(lived) = waiting.balances.get_mut(at) {
                let amount = relief.amount.min(lived.left).or_zero();
                lived.left -= amount;
                lived.balance.reliefs.push(Relief { amount, ..relief });
            }
        }
        true
    }
}

impl State {
    /// Principal that need not be paid for the others to be spared: of a plan all but what statements have asked for.
    pub(crate) fn left_out_of_grace(&self, terms: &Terms) -> Cents {
        let product = &terms.product;
        let name = |balance: &Balance| product.features.get(balance.feature).map(|of| &of.name);
        let out = |balance: &&Balance| {
            name(balance).is_some_and(|name| product.grace.leaves_out.contains(name))
        };
        let left = |balance: &Balance| balance.principal() - balance.instalment_due();
        self.balances.iter().filter(out).map(left).sum()
    }

    /// What became of grace for a balance, as far as it can be known on the day being lived.
    pub(crate) fn grace_outcome(&self, terms: &Terms, balance: &Balance) -> GraceOutcome {
        self.grace_outcome_on(self.day, terms, balance)
    }

    /// While it can still be paid it is taken that it will be, so that a payoff asks for no more than it needs.
    pub(crate) fn grace_outcome_on(
        &self,
        day: NaiveDate,
        terms: &Terms,
        balance: &Balance,
    ) -> GraceOutcome {
        self.outcome(terms, balance, day <= self.grace.due_on)
    }

    /// At the end of the closing day: what falls due on it is late.
    pub(crate) fn grace_outcome_at_close(&self, terms: &Terms, balance: &Balance) -> GraceOutcome {
        self.outcome(terms, balance, self.cycle.closes_on < self.grace.due_on)
    }

    fn outcome(&self, terms: &Terms, balance: &Balance, may_still_pay: bool) -> GraceOutcome {
        if !terms.has_grace(balance) {
            return GraceOutcome::Charged;
        }
        let grace = &self.grace;
        let paid = grace.paid_in_full() || may_still_pay;
        let lost = grace.lost_on(self.cycle.number).is_some();
        grace.standing.outcome(paid, lost, &terms.product.grace)
    }

    /// What was paid of balance `at` within grace: were grace lost, it would count as paid on the first day.
    pub(crate) fn relieve_within_grace(
        &mut self,
        terms: &Terms,
        (at, payment, amount): (usize, Option<PaymentId>, Cents),
    ) {
        let relief = Relief { payment, on: self.day, amount };
        if amount.is_positive()
            && self.grace.relieve(at, relief, &terms.product.grace)
            && let Some(balance) = self.balances.get_mut(at)
        {
            balance.reliefs.push(relief);
        }
    }

    /// Settles what became of grace in the cycle, and what the next one begins with.
    pub(crate) fn turn_grace(
        &mut self,
        terms: &Terms,
        timely: NaiveDate,
        sent_on: Option<NaiveDate>,
    ) {
        let window = sent_on.and_then(|sent_on| sent_on.checked_add_days(WINDOW));
        let due_on = timely.max(window.unwrap_or(NaiveDate::MAX));
        let rule = &terms.product.grace;
        let paid = self.grace.paid_in_full();
        let waits = !paid && self.day < self.grace.due_on && rule.kind == GraceKind::PaidInFull;
        if waits || !self.grace.waiting.is_empty() {
            let waiting = self.waiting_statement(terms);
            self.grace.waiting.push(waiting);
        } else {
            self.grace.settled = self.grace.settled.after(paid, rule);
        }
        // What never left is shown again by this statement, and has its time.
        for waiting in self.grace.waiting.iter_mut().filter(|one| one.due_on > due_on) {
            waiting.due_on = due_on;
        }
        self.grace.stand(rule);
        self.grace.statement_balance = self.balance() - self.left_out_of_grace(terms);
        self.grace.due_on = due_on;
        self.grace.paid = Cents::ZERO;
    }

    fn waiting_statement(&self, terms: &Terms) -> WaitingStatement {
        let lived = |(at, balance): (usize, &Balance)| {
            let outcome = self.grace_outcome_at_close(terms, balance);
            let before = self.billed_before(terms, at);
            LivedBalance {
                balance: balance.clone(),
                left: balance.carried + before,
                charged: balance.numerator(terms, outcome, &self.cycle),
            }
        };
        WaitingStatement {
            from: self.cycle.starts_on,
            due_on: self.grace.due_on,
            unpaid: self.grace.statement_balance - self.grace.paid,
            cycle: self.cycle.clone(),
            lost: self.grace.lost_on(self.cycle.number),
            balances: self.balances.iter().enumerate().map(lived).collect(),
        }
    }

    /// Unpaid interest and fees of earlier statements that bear interest with balance `at`.
    fn billed_before(&self, terms: &Terms, at: usize) -> Cents {
        let interest = &terms.product.interest;
        let cycle = self.cycle.number;
        let billed = self.interest.iter().filter(|one| one.balance == at && one.cycle < cycle);
        let billed = billed.map(|one| one.unpaid).sum::<Cents>();
        let fees = self.fees.iter().filter(|one| one.balance == at);
        let fees = fees.filter(|one| one.billed_in.is_some_and(|billed_in| billed_in < cycle));
        let fees = fees.map(|one| one.unpaid).sum::<Cents>();
        let when = |wanted: bool, amount: Cents| if wanted { amount } else { Cents::ZERO };
        when(interest.on_billed_interest, billed) + when(interest.on_fees, fees)
    }

    /// Statements that had waited and whose due date lies before a day.
    pub(crate) fn settle_late_grace(&mut self, versions: &Versions<'_>, before: NaiveDate) {
        let rule_today = &versions.on(self.day, self.cycle.starts_on).product.grace;
        while self.grace.waiting.first().is_some_and(|one| one.due_on < before) {
            let statement = self.grace.waiting.remove(0);
            // By the terms that it closed with: later ones are for later cycles.
            let terms = versions.on(statement.cycle.closes_on, statement.cycle.starts_on);
            let rule = &terms.product.grace;
            let standing = self.grace.settled;
            let paid = !statement.unpaid.is_positive();
            self.grace.settled = standing.after(paid, rule);
            let lost = standing.held && !paid;
            if lost {
                self.grace.lost_in = Some((self.cycle.number, statement.due_on));
                for later in &mut self.grace.waiting {
                    later.lost = Some(statement.due_on);
                }
            }
            if !paid {
                self.forget_reliefs();
            }
            let card = terms.product.regime == Regime::Card;
            if !(card && (lost || statement.lost.is_some())) {
                let outcome = standing.outcome(paid, statement.lost.is_some(), rule);
                self.owe_spared(terms, &statement, outcome);
            }
            self.grace.stand(rule_today);
        }
    }

    /// The statement after one that was not paid has no grace: what was paid meanwhile as if it had is spared nothing, but for
    /// what was in time for an older one.
    fn forget_reliefs(&mut self) {
        if let Some(next) = self.grace.waiting.first_mut() {
            let lost = next.lost;
            for lived in &mut next.balances {
                let late = |one: &mut Relief| lost.is_none_or(|due_on| one.on > due_on);
                let gone = lived.balance.reliefs.extract_if(.., late);
                let gone: Cents = gone.map(|one| one.amount).sum();
                lived.left += gone;
            }
            return;
        }
        let lost = self.grace.lost_on(self.cycle.number);
        for balance in &mut self.balances {
            balance.reliefs.retain(|one| lost.is_some_and(|due_on| one.on <= due_on));
        }
    }

    /// What a cycle should have cost beyond what its close charged.
    fn owe_spared(&mut self, terms: &Terms, statement: &WaitingStatement, outcome: GraceOutcome) {
        for (balance, lived) in self.balances.iter_mut().zip(&statement.balances) {
            if terms.has_grace(balance) {
                let cost = lived.balance.numerator(terms, outcome, &statement.cycle);
                balance.spared_before += (cost - lived.charged).max(0);
            }
        }
    }
}
