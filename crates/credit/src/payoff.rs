//! What pays a line off on a day: what, paid then, leaves nothing owed at the close (V20).
//!
//! Found by living the rest of the cycle, so that the method of the product, its least charges and what it waives count as the
//! close counts them. Fees of later days are no part of it. Where the close jumps (interest is paid before principal,
//! so that less of it falls under the least that is charged), it is the least amount that leaves no debt.

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

/// After what is owed today a try is off by cents; where the close jumps, the rest halves what lies between.
const TRIES: usize = 40;

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
    // The greatest that is known to leave a debt, and the least that is known to leave none.
    let (mut short, mut enough) = (Cents::ZERO, None);
    for _ in 0..TRIES {
        let left = state.left_at_close(&timeline, amount)?;
        if left.is_zero() {
            return Ok(amount);
        }
        if left.is_positive() {
            short = short.max(amount);
        } else {
            enough = Some(enough.map_or(amount, |least: Cents| least.min(amount)));
        }
        let most = enough.unwrap_or(amount + left + Cents::new(1));
        if most - short <= Cents::new(1) {
            break;
        }
        amount += left;
        if amount <= short || amount >= most {
            amount = short + Cents::new((most - short).get() / 2);
        }
    }
    Ok(enough.unwrap_or(amount))
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
