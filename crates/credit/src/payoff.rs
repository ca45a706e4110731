//! What pays a line off on a day: what, paid then, leaves nothing owed at the close (V20).
//!
//! Found by living the rest of the cycle, so that the method of the product, its least charges and what it waives count as the
//! close counts them. Fees of later days are no part of it.

use chrono::NaiveDate;
use identity::PaymentId;
use money::Cents;
use uuid::Uuid;

use crate::{
    CreditError, LineEvent,
    product::BalanceAt,
    replay::begins_day,
    state::{Fee, State},
    timeline::Timeline,
};

/// After what is owed today each try is off by cents.
const TRIES: usize = 8;

/// Negative where the lender will owe the customer.
pub(crate) fn payoff(events: &[LineEvent], on: NaiveDate) -> Result<Cents, CreditError> {
    let timeline = Timeline::of(events)?;
    let mut state = State::begin(&[], &timeline, on);
    state.live_but_end(&timeline)?;
    while state.day < on {
        state.end_day(&timeline)?;
        state.live_but_end(&timeline)?;
    }
    let unpaid = state.left_at_close(&timeline, Cents::ZERO)?;
    if !unpaid.is_positive() {
        return Ok(unpaid);
    }
    let accrued = state.accrued(state.terms_today(&timeline));
    let owed = state.balance() + state.prepaid() + accrued;
    let mut amount = if owed.is_positive() { owed } else { unpaid };
    let mut nearest = (amount, unpaid);
    for _ in 0..TRIES {
        let left = state.left_at_close(&timeline, amount)?;
        if left.abs() < nearest.1.abs() {
            nearest = (amount, left);
        }
        if left.is_zero() {
            break;
        }
        amount = (amount + left).max(Cents::new(1));
    }
    Ok(nearest.0)
}

impl State {
    /// What is owed after the close if `amount` is paid on the day being lived and nothing else happens.
    fn left_at_close(&self, timeline: &Timeline<'_>, amount: Cents) -> Result<Cents, CreditError> {
        let mut state = self.clone();
        let known = self.fees.len();
        if amount.is_positive() {
            let payment = PaymentId::from_uuid(Uuid::max());
            let terms = self.terms_today(timeline);
            state.receive(terms, (Some(payment), None), timeline.last_seq, amount);
        }
        state.end_day(timeline)?;
        while state.cycle.number == self.cycle.number {
            state.live_idly(timeline)?;
            state.end_day(timeline)?;
        }
        let later: Cents = state.fees.iter().skip(known).map(|fee: &Fee| fee.amount).sum();
        Ok(state.balance() - later)
    }

    /// A day on which nobody pays and nobody draws: what is known of rates and dates counts all the same.
    fn live_idly(&mut self, timeline: &Timeline<'_>) -> Result<(), CreditError> {
        let terms = self.terms_today(timeline);
        self.begin_day(timeline);
        let today = self.day;
        let actions = timeline.actions.iter();
        for action in actions.filter(|one| one.on == today && begins_day(one.body)) {
            self.act(timeline, action)?;
        }
        if terms.product.interest.balance_at == BalanceAt::StartOfDay {
            self.accrue_day(terms);
        }
        Ok(())
    }
}
