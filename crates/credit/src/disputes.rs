//! Billing errors: what is disputed is held out of the minimum, and so of late fees and days past due, until it is settled
//! (12 CFR 1026.13).
//!
//! Invariants: a dispute moves no balance; interest goes on and is billed, but what it comes to on the disputed amount is held out
//! too, and so is a disputed draw's share of its fee; a fee is held out of the minimum that asks for it and of no other; where there
//! was no error, what was held out falls due anew with full time to pay.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use identity::CaseId;
use money::{Cents, Rounding};
use serde::{Deserialize, Serialize};

use crate::{
    InterestLine, Terms,
    balance::Balance,
    event::Disputed,
    minimum::{Minimum, MinimumInputs},
    rate,
    state::{Obligation, State},
    versions::Versions,
    waivers::Waiver,
};

mod parts;

use parts::{FeePart, FeesShown, Parts};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dispute {
    id: CaseId,
    subject: Disputed,
    pub(crate) amount: Cents,
    /// Whose principal is disputed, or fee.
    balance: usize,
    /// Of principal, with its share of a fee that joined it.
    principal: Cents,
    /// Of fees.
    fees: Vec<FeePart>,
    since: NaiveDate,
    /// Its principal is in that with which the repayment period began, or begins.
    before_repayment: bool,
    opened_on: NaiveDate,
    /// Billed on it so far.
    pub(crate) interest: Cents,
    /// Held out of minimums so far, as recomputed...
    held: Cents,
    /// ...and as printed.
    held_owed: Cents,
}

/// A minimum as it is recomputed, and as it is printed.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    recomputed: Cents,
    printed: Cents,
}

impl Asked {
    /// By how much the other one is smaller.
    fn less(self, other: Self) -> Self {
        Self {
            recomputed: (self.recomputed - other.recomputed).or_zero(),
            printed: (self.printed - other.printed).or_zero(),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            recomputed: self.recomputed + other.recomputed,
            printed: self.printed + other.printed,
        }
    }
}

/// By when a billing-error notice must be answered and settled (12 CFR 1026.13(c), V38).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeClocks {
    pub acknowledge_by: NaiveDate,
    pub resolve_by: NaiveDate,
}

impl DisputeClocks {
    /// Thirty days; two complete cycles, and at most ninety days. `close_of`: of the cycle in which a day lies, by the schedule in
    /// force then.
    pub fn of<E>(
        received_on: NaiveDate,
        close_of: impl Fn(NaiveDate) -> Result<NaiveDate, E>,
    ) -> Result<Self, E> {
        let after = |day: NaiveDate, days: u64| {
            day.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
        };
        let this = close_of(received_on)?;
        let first = close_of(after(this, 1))?;
        let second = close_of(after(first, 1))?;
        Ok(Self {
            acknowledge_by: after(received_on, 30),
            resolve_by: second.min(after(received_on, 90)),
        })
    }

    /// The last day on which a notice of an error on a statement is a formal one.
    #[must_use]
    pub fn notice_by(statement_sent_on: NaiveDate) -> NaiveDate {
        statement_sent_on.checked_add_days(Days::new(60)).unwrap_or(NaiveDate::MAX)
    }
}

impl Dispute {
    /// With the interest billed on it, and the fee of a draw.
    fn whole(&self) -> Cents {
        self.principal + self.fees.iter().map(|part| part.amount).sum() + self.interest
    }

    /// The minimum as it would be without what is disputed. `instalment`: what is asked for of it by level payments, if it is.
    /// `before`: interest on it that earlier statements billed.
    fn held_out(
        &self,
        inputs: MinimumInputs,
        (before, interest): (Cents, Cents),
        instalment: Option<Cents>,
        fees: FeesShown,
    ) -> MinimumInputs {
        let less = |from: Cents, amount: Cents| (from - amount).or_zero();
        let mut inputs = inputs;
        let drawn = self.principal + before + interest;
        let all = drawn + fees.owed;
        inputs.total_owed = less(inputs.total_owed, all);
        inputs.disputed += all;
        inputs.instalments =
            less(inputs.instalments, instalment.unwrap_or_default() + fees.on_plans);
        let on_plans = instalment.map_or(Cents::ZERO, |_| drawn) + fees.owed_on_plans;
        inputs.instalment_balances = less(inputs.instalment_balances, on_plans);
        inputs.fees = less(inputs.fees, fees.fees);
        inputs.penalty_fees = less(inputs.penalty_fees, fees.penalties);
        if instalment.is_none() {
            inputs.principal = less(inputs.principal, self.principal);
            inputs.principal_after_last_draw =
                less(inputs.principal_after_last_draw, self.principal);
            if self.before_repayment {
                inputs.principal_at_repayment = less(inputs.principal_at_repayment, self.principal);
            }
            inputs.interest = less(inputs.interest, interest);
        }
        inputs.new_balance = less(inputs.new_balance, all - on_plans);
        inputs.highest_balance = less(inputs.highest_balance, all - on_plans);
        inputs
    }

    /// What the last statement asks for of a disputed draw that is repaid by level payments: its share where part is disputed.
    fn instalment(&self, balances: &[Balance]) -> Option<Cents> {
        let Disputed::Draw { .. } = self.subject else { return None };
        let balance = balances.get(self.balance)?;
        let (asked, principal) = (balance.plan.as_ref()?.asked, balance.principal());
        if self.amount >= principal {
            return Some(asked);
        }
        let part = i128::from(asked.get()) * i128::from(self.amount.get());
        Cents::from_ratio(part, i128::from(principal.get()), Rounding::HalfUp)
    }

    /// Interest of a cycle on the disputed amount: its share of what the balance cost on the days since then.
    fn interest_of(&self, terms: &Terms, lines: &[InterestLine]) -> Cents {
        let Some(line) = lines.get(self.balance) else { return Cents::ZERO };
        let interest = terms.product.interest_named(&line.feature);
        let fees = self.fees.iter().filter(|_| interest.on_fees).map(|part| part.amount);
        let bearing = self.principal + fees.sum();
        let owed = line.segments.iter().filter(|segment| segment.balance.is_positive());
        let numerator = owed.map(|segment| {
            let days = (segment.through - segment.from.max(self.since)).num_days() + 1;
            let whole = i128::from(segment.balance.get()) * i128::from(segment.days());
            let of_cent_and_day = segment.numerator / whole;
            let disputed = i128::from(bearing.min(segment.balance).get());
            of_cent_and_day * disputed * i128::from(days.max(0))
        });
        rate::to_cents(numerator.sum(), interest.rounding).min(line.amount)
    }
}

impl State {
    pub(crate) fn open_dispute(
        &mut self,
        terms: &Terms,
        versions: &Versions<'_>,
        (id, subject, amount): (CaseId, Disputed, Cents),
    ) {
        if !amount.is_positive() {
            return;
        }
        let Parts { balance, since, principal, fees } = self.parts_of(subject, amount);
        let from = terms.repayment_begins_on(self.opened_on);
        let drawn = matches!(subject, Disputed::Draw { .. });
        self.disputes.push(Dispute {
            id,
            subject,
            amount,
            balance,
            principal,
            fees,
            since,
            before_repayment: drawn && from.is_none_or(|from| since < from),
            opened_on: self.day,
            interest: Cents::ZERO,
            held: Cents::ZERO,
            held_owed: Cents::ZERO,
        });
        self.hold_out_of_minimums(versions);
        self.keep_minimums_to_what_is_owed(terms);
    }

    /// Takes the latest dispute out of the minimums that are not paid yet, beside those before it.
    fn hold_out_of_minimums(&mut self, versions: &Versions<'_>) {
        let billed: Vec<_> =
            self.disputes.iter().map(|one| self.billed_on(one, versions)).collect();
        let asked = self.asked_with_disputes(versions, &billed);
        let (mut held, mut held_owed) = (Cents::ZERO, Cents::ZERO);
        for (due, asked) in self.obligations.iter_mut().zip(asked) {
            let Some((before, with)) = asked else { continue };
            let part = due.unpaid.min((before.recomputed - with.recomputed).or_zero());
            due.unpaid -= part;
            held += part;
            let part = due.owed.min((due.amount - with.printed).or_zero());
            due.owed -= part;
            due.amount = due.amount.min(with.printed);
            held_owed += part;
        }
        let interest =
            billed.last().into_iter().flat_map(BTreeMap::values).map(|(_, own)| *own).sum();
        if let Some(latest) = self.disputes.last_mut() {
            (latest.held, latest.held_owed, latest.interest) = (held, held_owed, interest);
        }
    }

    /// Interest on a dispute by cycle: what earlier statements billed, and what its own did.
    fn billed_on(
        &self,
        dispute: &Dispute,
        versions: &Versions<'_>,
    ) -> BTreeMap<u32, (Cents, Cents)> {
        let mut before = Cents::ZERO;
        let since = self.records.iter().filter(|record| record.closes_on >= dispute.since);
        let billed = since.map(|record| {
            let terms = versions.on(record.closes_on, record.starts_on);
            let own = dispute.interest_of(terms, &record.interest);
            before += own;
            (record.number, (before - own, own))
        });
        billed.collect()
    }

    /// What each unpaid minimum asks for with all disputes but the latest, and with all. It was told of those that were open at its
    /// close. What the others take from a minimum was past due at the closes after it, as far as those had not been told.
    fn asked_with_disputes(
        &self,
        versions: &Versions<'_>,
        billed: &[BTreeMap<u32, (Cents, Cents)>],
    ) -> Vec<Option<(Asked, Asked)>> {
        let all = self.disputes.len();
        // Of each minimum so far: how many disputes it was told of, and what it asks for with so many and with each more.
        let mut before: Vec<(usize, Vec<Asked>)> = Vec::new();
        let asked = self.obligations.iter().map(|due| {
            let record = self.records.iter().find(|record| record.number == due.cycle);
            let (record, at_close) = record.zip(due.at_close)?;
            let terms = versions.on(record.closes_on, record.starts_on);
            let told = self.disputes.partition_point(|one| one.opened_on <= record.closes_on);
            let asked = |count: usize| {
                let of_one = |(known, asked): &(usize, Vec<Asked>)| {
                    let with = |count: usize| asked.get(count - known).copied().unwrap_or_default();
                    with(told).less(with(count))
                };
                let eased = before.iter().map(of_one).fold(Asked::default(), Asked::plus);
                let own = |inputs: MinimumInputs, eased: Cents| {
                    let past_due = (inputs.past_due - eased).or_zero();
                    let counted = self.disputes.iter().zip(billed).take(count).skip(told);
                    let without = counted.fold(
                        MinimumInputs { past_due, ..inputs },
                        |inputs, (one, billed)| match billed.get(&record.number) {
                            Some(interest) => {
                                let (balances, fees) = (&self.balances, &self.fees);
                                let shown = one.fees_shown(fees, record.number);
                                one.held_out(inputs, *interest, one.instalment(balances), shown)
                            }
                            None => inputs,
                        },
                    );
                    terms.product.minimum_for(without).own
                };
                let inputs = record.minimum.inputs;
                Asked {
                    recomputed: own(at_close.recomputed(inputs), eased.recomputed),
                    printed: own(inputs, eased.printed).min(at_close.amount),
                }
            };
            let each: Vec<Asked> = (told..=all).map(asked).collect();
            let last_two = each.iter().rev().nth(1).copied().zip(each.last().copied());
            before.push((told, each));
            last_two
        });
        asked.collect()
    }

    /// The minimum of a close, with what is disputed held out of it.
    pub(crate) fn without_disputes(
        &mut self,
        terms: &Terms,
        inputs: MinimumInputs,
        lines: &[InterestLine],
    ) -> Minimum {
        let rule = terms.product.minimum_of(&inputs);
        let mut reduced = inputs;
        for dispute in &mut self.disputes {
            let interest = dispute.interest_of(terms, lines);
            let instalment = dispute.instalment(&self.balances);
            let shown = dispute.fees_shown(&self.fees, self.cycle.number);
            let before = rule.apply(reduced).own;
            let billed = (dispute.interest, interest);
            reduced = dispute.held_out(reduced, billed, instalment, shown);
            let held = (before - rule.apply(reduced).own).or_zero();
            dispute.held += held;
            dispute.held_owed += held;
            dispute.interest += interest;
        }
        rule.apply(reduced)
    }

    /// What was no error falls due anew: after ten days at least, and after the statement window.
    pub(crate) fn resolve_dispute(&mut self, terms: &Terms, id: CaseId, error: Cents) {
        let Some(at) = self.disputes.iter().position(|dispute| dispute.id == id) else { return };
        let dispute = self.disputes.remove(at);
        let remaining = match dispute.subject {
            // The draw itself is already without the error.
            Disputed::Draw { .. } => dispute.amount,
            Disputed::Fee { fee } => {
                // The minimum has been without it since the notice: what was paid does not count to it again.
                let paid = self.take_back(Waiver { fee, dispute: Some(id), amount: error });
                if paid.is_positive() {
                    self.allocate(terms, None, paid);
                }
                self.keep_minimums_to_what_is_owed(terms);
                (dispute.amount - error).or_zero()
            }
            Disputed::Other => {
                self.allocate(terms, None, error);
                (dispute.amount - error).or_zero()
            }
        };
        let whole = i128::from(dispute.amount.get()).max(1);
        let again = |held: Cents| {
            let part = i128::from(held.get()) * i128::from(remaining.get());
            let due = Cents::from_ratio(part, whole, Rounding::HalfUp).unwrap_or_default();
            due.min(self.balance().or_zero())
        };
        let (unpaid, owed) = (again(dispute.held), again(dispute.held_owed));
        if unpaid.is_positive() || owed.is_positive() {
            let days = terms.product.dates.statement_window_days.max(10);
            let due_on = self.day.checked_add_days(Days::new(days.into())).unwrap_or(self.day);
            self.obligations.push(Obligation {
                cycle: self.cycle.number.saturating_sub(1),
                due_on,
                enforceable_on: calendar::banking_day_on_or_after(due_on),
                unpaid,
                owed,
                amount: owed,
                minimum: owed,
                tested: true,
                missed: false,
                at_close: None,
            });
        }
        self.keep_minimums_to_what_is_owed(terms);
    }

    /// Disputed, with the interest billed on it.
    pub(crate) fn disputed(&self) -> Cents {
        self.disputes.iter().map(Dispute::whole).sum()
    }

    /// Disputed of what is no penalty fee.
    pub(crate) fn disputed_but_penalties(&self) -> Cents {
        let penalty = |subject| matches!(subject, Disputed::Fee { fee } if fee.penalty());
        self.disputes.iter().filter(|one| !penalty(one.subject)).map(Dispute::whole).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::CycleSchedule;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Notice on September 20 in a cycle that closes on October 5: the cycles to November 5 and December 5 are the two
    /// complete ones; ninety days end on December 19. With a notice on September 6 ninety days end on December 5 too.
    #[test]
    fn v38_thirty_days_to_answer_two_complete_cycles_or_ninety_days_to_settle() {
        let cycles = CycleSchedule::monthly(5);
        let close_of = |day| Ok::<_, Infallible>(cycles.close_of(day));
        let clocks = DisputeClocks::of(day("2026-09-20"), close_of).unwrap();
        assert_eq!(clocks.acknowledge_by, day("2026-10-20"));
        assert_eq!(clocks.resolve_by, day("2026-12-05"));
        let clocks = DisputeClocks::of(day("2026-09-06"), close_of).unwrap();
        assert_eq!(clocks.resolve_by, day("2026-12-05"));
        let clocks = DisputeClocks::of(day("2026-07-06"), close_of).unwrap();
        assert_eq!(clocks.resolve_by, day("2026-10-04"));
        assert_eq!(DisputeClocks::notice_by(day("2026-10-05")), day("2026-12-04"));
    }
}
