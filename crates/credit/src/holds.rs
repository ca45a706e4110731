//! What payments freed or made of credit that is not drawn before they are final.

use calendar::add_banking_days;
use chrono::NaiveDate;
use money::Cents;

use crate::{Allocation, LineEvent, Terms, payment::AllocationTo, state::State};

/// What payments paid that could still be returned.
#[derive(Clone, Copy, Default)]
pub(crate) struct HeldPayments {
    pub(crate) principal: Cents,
    pub(crate) credit_balance: Cents,
}

impl HeldPayments {
    /// The banking days of a hold count from the day on which the money can have moved: the day for which the payment counts, or
    /// the one on which it was recorded where that is later, or the banking day after.
    pub(crate) fn of(state: &State, terms: &Terms, events: &[LineEvent]) -> Self {
        let limits = &terms.product.limits;
        let usual = limits.payment_hold_days;
        let longest = usual.max(limits.new_line_hold_days);
        if longest == 0 {
            return Self::default();
        }
        let zone = terms.product.dates.zone;
        let held_for = |paid_on: NaiveDate| {
            let new = (paid_on - state.opened_on).num_days() < i64::from(limits.new_line_days);
            i32::try_from(if new { longest } else { usual }).unwrap_or_default()
        };
        let moved_on = |one: &Allocation| {
            let at = events.binary_search_by_key(&one.seq, |event| event.seq).ok();
            let event = at.and_then(|at| events.get(at));
            let recorded = event.map(|event| calendar::local_date(event.recorded_at, zone));
            let on = recorded.map_or(one.effective_on, |on| on.max(one.effective_on));
            calendar::banking_day_on_or_after(on)
        };
        let held = state.allocations.iter().filter(|one| {
            let moved_on = moved_on(one);
            one.payment.is_some()
                && (state.day - moved_on).num_days() <= i64::from(longest) * 3 + 4
                && add_banking_days(moved_on, held_for(one.effective_on)) > state.day
        });
        let mut sums = Self::default();
        for part in held.flat_map(|one| &one.parts) {
            match part.to {
                AllocationTo::Principal { .. } | AllocationTo::MinimumPrincipal { .. } => {
                    sums.principal += part.amount;
                }
                AllocationTo::CreditBalance => sums.credit_balance += part.amount,
                _ => {}
            }
        }
        sums
    }
}
