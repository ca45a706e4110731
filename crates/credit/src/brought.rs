//! A line that comes in with a balance: what it owes, and what it was asked for before.

use money::Cents;

use crate::{
    CreditError, FeeKind, Terms,
    event::BroughtForward,
    grace::Grace,
    product::DateTerms,
    state::{BilledInterest, Obligation, State},
};

impl State {
    pub(crate) fn bring_forward(
        &mut self,
        terms: &Terms,
        balances: &BroughtForward,
        seq: u64,
    ) -> Result<(), CreditError> {
        let (before, known) = (self.charges_by_balance(terms), self.fees.len());
        for part in &balances.principal {
            let at = self.balance_for_draws(terms, Some(&part.feature), seq)?;
            self.owe_principal(at, part.amount);
            self.begin_plan(terms, at);
            if let Some(balance) = self.balances.get_mut(at) {
                balance.opening += part.amount;
            }
        }
        if balances.billed_interest.is_positive() {
            let unpaid = balances.billed_interest;
            self.interest.push(BilledInterest { cycle: 0, balance: 0, unpaid });
        }
        self.charge(FeeKind::Other, 0, balances.fees);
        self.charge(FeeKind::Late, 0, balances.penalty_fees);
        // Those of the line's first year are known from its first day on.
        self.count_first_year_fee(FeeKind::Other, -balances.fees);
        for fee in self.fees.iter_mut().skip(known) {
            fee.billed_in = Some(0);
        }
        self.credit_balance += balances.credit_balance;
        let brought = self.charges_by_balance(terms).into_iter().zip(before);
        for (balance, (after, before)) in self.balances.iter_mut().zip(brought) {
            balance.opening += (after - before).or_zero();
        }
        // A plan fee of the first day is on no statement yet.
        let since: Cents = self.fees.iter().take(known).map(|fee| fee.unpaid).sum();
        self.after_last_draw = self.principal_beside_plans();
        let on_plans = self.principal() - self.after_last_draw;
        self.bring_repayment(balances.principal_at_repayment, seq)?;
        self.highest_balance = (self.balance() - since - on_plans).or_zero();
        // What comes in with the line is the balance of a statement before the first.
        let closed_on = self.day.pred_opt().unwrap_or(self.day);
        let statement_balance = self.balance() - since - self.left_out_of_grace(terms);
        let dates = &terms.product.dates;
        let due_on = balances.due_on.unwrap_or_else(|| self.schedule.due_on(closed_on, dates));
        // When it was sent is not known here: of the two rules of lateness the banking day alone moves it (12 CFR 1026.10(d)).
        let held = !balances.grace_lost;
        self.grace = Grace::begin(held, statement_balance, dates.met_by(due_on));
        self.bring_obligations(dates, balances);
        self.boarded = balances.opened_on.is_none();
        self.drawn_elsewhere = balances.draws_before(self.cycle.elsewhere);
        Ok(())
    }

    /// The principal with which the repayment period began: what comes in, where it is not said.
    fn bring_repayment(&mut self, said: Option<Cents>, seq: u64) -> Result<(), CreditError> {
        let owed = self.after_last_draw;
        let refused = |message: &str| Err(CreditError::Terms { seq, message: message.to_owned() });
        match (&mut self.repaying, said) {
            (None, Some(_)) => refused(
                "`principal_at_repayment` is said of a line whose repayment period has not begun",
            ),
            (_, Some(said)) if said < owed => refused(
                "`principal_at_repayment` is less than the principal that is owed: no draw was made since",
            ),
            (Some(repaying), said) => {
                repaying.principal = said.unwrap_or(owed);
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    /// What is past due first: whether it cost a late fee was decided where the line came from.
    fn bring_obligations(&mut self, dates: &DateTerms, balances: &BroughtForward) {
        if let Some(since) = balances.past_due_since {
            let (amount, tested) = (balances.past_due, true);
            let enforceable_on = dates.met_by(since);
            self.obligations.push(Obligation {
                tested,
                missed: true,
                ..Obligation::brought_forward(amount, since, enforceable_on)
            });
        }
        if let Some(due_on) = balances.due_on.filter(|due| balances.past_due_since != Some(*due)) {
            let amount = (balances.minimum_unpaid - balances.past_due).or_zero();
            let enforceable_on = dates.enforceable_due_on(due_on, self.day);
            self.obligations.push(Obligation::brought_forward(amount, due_on, enforceable_on));
        }
    }
}
