//! The balances of a line and what a payment, a draw, a close does to them.

use chrono::NaiveDate;

use crate::terms::{INTEREST_DENOMINATOR, half_up};

/// What one statement asked for beyond what earlier ones had, and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Minimum {
    /// Lateness counts from this day; from none while the statement has left to nobody.
    pub due: Option<NaiveDate>,
    /// A statement was made that asked for something, if only for what was past due.
    pub told: bool,
    /// What it was at first.
    pub asked: i64,
    /// The same with what was past due.
    pub whole: i64,
    pub unpaid: i64,
    /// What would be unpaid had it been asked for with all that is known.
    pub unpaid_recomputed: i64,
}

/// A draw or plan fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub unpaid: i64,
    /// The statement of its cycle, once that has closed; 0 where it came in with the line.
    pub billed_on: Option<u32>,
    /// The first statement that can show it.
    pub shown_on: u32,
}

/// Principal that was drawn at one rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub apr_ppm: u32,
    /// No rate above these, through their last days.
    pub caps: Vec<(u32, Option<NaiveDate>)>,
    pub cents: i64,
}

impl Drawn {
    fn is_capped(&self, day: NaiveDate) -> bool {
        self.cents > 0 && self.caps.iter().any(|(_, last)| last.is_none_or(|last| day <= last))
    }

    /// A cap lies over what the discount leaves.
    fn rate_on(&self, day: NaiveDate, discount: u32) -> u32 {
        let in_force = self.caps.iter().filter(|(_, last)| last.is_none_or(|last| day <= last));
        let contract = self.apr_ppm.saturating_sub(discount);
        in_force.map(|(cap, _)| *cap).fold(contract, u32::min)
    }
}

/// Sums since the opening; what is owed is made of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub payments: i64,
    pub returned: i64,
    pub draws: i64,
    pub refused: i64,
    pub charges: i64,
    pub penalties: i64,
    pub credits: i64,
    pub refunds: i64,
    /// Rounded interest of closed cycles.
    pub interest: i64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Books {
    /// Oldest first.
    pub principal: Vec<Drawn>,
    /// The day being walked.
    pub today: NaiveDate,
    /// Off the rates of the contract on that day.
    pub discount_ppm: u32,
    pub billed_interest: i64,
    /// Draw and plan fees, oldest first.
    pub charges: Vec<Charge>,
    pub penalty_fees: i64,
    pub credit: i64,
    /// Sum over the days of the open cycle of cents x ppm.
    pub accrued: i128,
    /// What was paid of the open cycle's interest.
    pub prepaid: i64,
    /// Draw and plan fees charged in the open cycle, paid or not.
    pub cycle_charges: i64,
    /// Oldest first.
    pub minimums: Vec<Minimum>,
    pub charges_waived: i64,
    pub penalties_waived: i64,
    pub totals: Totals,
    /// The billed interest is in part on what service caps; so is that of the open cycle.
    pub capped_interest: bool,
    pub capped_accrual: bool,
    /// The last days of the caps of service.
    pub service: Vec<Option<NaiveDate>>,
    /// The waterfall goes by the recomputed minimums.
    pub by_recomputed: bool,
}

fn take(from: &mut i64, left: &mut i64) -> i64 {
    let taken = (*from).min(*left);
    *from -= taken;
    *left -= taken;
    taken
}

impl Books {
    pub(crate) fn total_principal(&self) -> i64 {
        self.principal.iter().map(|drawn| drawn.cents).sum()
    }

    /// Total owed in the sense of the minimum: no penalty fees, nothing of the open cycle.
    pub(crate) fn owed(&self) -> i64 {
        self.total_principal() + self.billed_interest + self.billed_fees()
    }

    pub(crate) fn unpaid_charges(&self, of: impl Fn(&Charge) -> bool) -> i64 {
        self.charges.iter().filter(|charge| of(charge)).map(|charge| charge.unpaid).sum()
    }

    /// Draw and plan fees of closed cycles.
    pub(crate) fn billed_fees(&self) -> i64 {
        self.unpaid_charges(|charge| charge.billed_on.is_some())
    }

    /// Those of the open cycle.
    pub(crate) fn open_fees(&self) -> i64 {
        self.unpaid_charges(|charge| charge.billed_on.is_none())
    }

    fn pay_charges(&mut self, billed: bool, left: &mut i64) -> i64 {
        let mut paid = 0;
        for charge in self.charges.iter_mut().filter(|one| one.billed_on.is_some() == billed) {
            paid += take(&mut charge.unpaid, left);
        }
        paid
    }

    /// Fees that came in with the line.
    pub(crate) fn bring_charges(&mut self, cents: i64) {
        self.charges.push(Charge { unpaid: cents, billed_on: Some(0), shown_on: 0 });
    }

    pub(crate) fn unpaid_minimum(&self) -> i64 {
        self.minimums.iter().map(|minimum| minimum.unpaid).sum()
    }

    /// What is asked for again is late with the statement that asks for it, if not before.
    pub(crate) fn due_at_the_latest(&mut self, on: NaiveDate) {
        for minimum in &mut self.minimums {
            minimum.due = Some(minimum.due.map_or(on, |own| own.min(on)));
        }
    }

    /// The unpaid part of the minimums whose date is `day` or earlier.
    pub(crate) fn unpaid_minimum_due_by(&self, day: NaiveDate) -> i64 {
        let due = self.minimums.iter().filter(|one| one.due.is_some_and(|due| due <= day));
        due.map(|minimum| minimum.unpaid).sum()
    }

    /// Something is owed of what service caps: no fee can come on top (section 1.9: "interest" is all fees).
    pub(crate) fn in_service(&self) -> bool {
        let today = self.today;
        let on = self.service.iter().any(|last| last.is_none_or(|last| today <= last));
        let interest = self.capped_interest && self.billed_interest > 0;
        on && (interest || self.principal.iter().any(|drawn| drawn.is_capped(today)))
    }

    /// Nine tenths of a minimum are all of it here, and only here (section 4.6).
    pub(crate) fn days_past_due(&self, on: NaiveDate) -> u32 {
        let oldest =
            self.minimums.iter().filter(|one| one.unpaid > 0 && one.unpaid * 10 > one.asked);
        let days = oldest.filter_map(|minimum| Some((on - minimum.due?).num_days()));
        let days = days.max().unwrap_or(0);
        u32::try_from(days).unwrap_or(0)
    }

    /// Interest of the open cycle not yet paid, in cents.
    pub(crate) fn accrued_unpaid(&self) -> i64 {
        half_up(self.accrued, INTEREST_DENOMINATOR) - self.prepaid
    }

    /// What a payment has to be now to leave nothing.
    pub(crate) fn payoff(&self) -> i64 {
        self.owed() + self.penalty_fees + self.open_fees() + self.accrued_unpaid() - self.credit
    }

    fn pay_principal(&mut self, up_to: i64) -> i64 {
        let (mut left, today, discount) = (up_to, self.today, self.discount_ppm);
        let mut highest_first: Vec<&mut Drawn> = self.principal.iter_mut().collect();
        highest_first.sort_by_key(|drawn| std::cmp::Reverse(drawn.rate_on(today, discount)));
        for drawn in highest_first {
            take(&mut drawn.cents, &mut left);
        }
        self.principal.retain(|drawn| drawn.cents > 0);
        up_to - left
    }

    /// The waterfall of section 1.5. Returns how much principal was paid.
    fn allocate(&mut self, cents: i64) -> i64 {
        let recomputed = self.minimums.iter().map(|minimum| minimum.unpaid_recomputed).sum();
        let asked = if self.by_recomputed { recomputed } else { self.unpaid_minimum() };
        let mut left = cents;
        // (1) billed interest, (2) billed draw and plan fees
        let mut paid = take(&mut self.billed_interest, &mut left);
        paid += self.pay_charges(true, &mut left);
        // (3) the principal part of the minimum: what the two above leave of it
        let in_minimum = self.pay_principal(left.min((asked - paid).max(0)));
        left -= in_minimum;
        // (4) penalty fees
        take(&mut self.penalty_fees, &mut left);
        // (5) principal, highest rate first
        let rest = self.pay_principal(left);
        left -= rest;
        // (6) fees, then interest of the open cycle, only without principal
        if self.principal.is_empty() {
            self.pay_charges(false, &mut left);
            let interest = left.min(self.accrued_unpaid());
            self.prepaid += interest;
            left -= interest;
            // What service caps is not in the interest to come.
            self.capped_accrual &= self.accrued_unpaid() > 0;
        }
        // (7)
        self.credit += left;
        in_minimum + rest
    }

    /// Returns how much principal was paid.
    pub(crate) fn pay(&mut self, cents: i64) -> i64 {
        let principal = self.allocate(cents);
        self.count(cents);
        principal
    }

    /// To the oldest minimum first.
    fn count(&mut self, cents: i64) {
        let (mut left, mut left_recomputed) = (cents, cents);
        for minimum in &mut self.minimums {
            take(&mut minimum.unpaid, &mut left);
            take(&mut minimum.unpaid_recomputed, &mut left_recomputed);
        }
        self.trim_minimums();
    }

    /// Money that is no payment of the customer's: it pays, and whether a minimum is met by it is a reading.
    pub(crate) fn credit(&mut self, cents: i64, counts: bool) {
        self.totals.credits += cents;
        self.allocate(cents);
        self.count(if counts { cents } else { 0 });
    }

    /// Nobody is late with more than is owed: the newest minimum gives way first.
    pub(crate) fn trim_minimums(&mut self) {
        let recomputed: i64 = self.minimums.iter().map(|one| one.unpaid_recomputed).sum();
        let mut excess = (self.unpaid_minimum() - self.owed()).max(0);
        let mut excess_recomputed = (recomputed - self.owed()).max(0);
        for minimum in self.minimums.iter_mut().rev() {
            take(&mut minimum.unpaid, &mut excess);
            take(&mut minimum.unpaid_recomputed, &mut excess_recomputed);
        }
    }

    /// A credit balance is used first.
    pub(crate) fn draw(&mut self, cents: i64, apr_ppm: u32) {
        let mut borrowed = cents;
        take(&mut self.credit, &mut borrowed);
        self.totals.draws += cents;
        self.owe(borrowed, apr_ppm);
    }

    /// Principal of a rate joins what is there of the same rate and under no cap.
    pub(crate) fn owe(&mut self, cents: i64, apr_ppm: u32) {
        let same =
            self.principal.iter_mut().find(|one| one.apr_ppm == apr_ppm && one.caps.is_empty());
        match same {
            Some(drawn) => drawn.cents += cents,
            None if cents > 0 => self.principal.push(Drawn { apr_ppm, caps: Vec::new(), cents }),
            None => {}
        }
    }

    /// All that is owed now.
    pub(crate) fn cap(&mut self, apr_ppm: u32, through: Option<NaiveDate>) {
        self.service.push(through);
        self.capped_interest |= self.billed_interest > 0;
        self.capped_accrual |= self.accrued > 0;
        for drawn in &mut self.principal {
            drawn.caps.push((apr_ppm, through));
        }
    }

    /// A draw or plan fee.
    pub(crate) fn charge(&mut self, cents: i64, shown_on: u32) {
        if cents > 0 {
            self.charges.push(Charge { unpaid: cents, billed_on: None, shown_on });
        }
        self.cycle_charges += cents;
        self.totals.charges += cents;
    }

    pub(crate) fn penalise(&mut self, cents: i64) {
        self.penalty_fees += cents;
        self.totals.penalties += cents;
    }

    /// Takes back draw or plan fees, never more than were charged; what is paid already comes back as
    /// a credit.
    pub(crate) fn waive_charges(&mut self, cents: i64, counts: bool, newest_first: bool) {
        let mut left = cents.min(self.totals.charges - self.charges_waived);
        self.charges_waived += left;
        self.totals.credits += left;
        if newest_first {
            for charge in self.charges.iter_mut().rev() {
                take(&mut charge.unpaid, &mut left);
            }
        } else {
            self.pay_charges(true, &mut left);
            self.pay_charges(false, &mut left);
        }
        self.allocate(left);
        self.count(if counts { left } else { 0 });
    }

    /// The same for late fees.
    pub(crate) fn waive_penalties(&mut self, cents: i64, counts: bool) {
        let mut left = cents.min(self.totals.penalties - self.penalties_waived);
        self.penalties_waived += left;
        self.totals.credits += left;
        take(&mut self.penalty_fees, &mut left);
        self.allocate(left);
        self.count(if counts { left } else { 0 });
    }

    /// Money that has gone out is owed where it turns out that there was no such credit balance.
    pub(crate) fn refund(&mut self, cents: i64, apr_ppm: u32) {
        let mut beyond = cents;
        take(&mut self.credit, &mut beyond);
        self.owe(beyond, apr_ppm);
        self.totals.refunds += cents;
    }

    /// All principal takes the new rate.
    pub(crate) fn reprice(&mut self, apr_ppm: u32) {
        for drawn in &mut self.principal {
            drawn.apr_ppm = apr_ppm;
        }
    }

    pub(crate) fn end_day(&mut self) {
        let today = self.today;
        self.capped_accrual |= self.principal.iter().any(|drawn| drawn.is_capped(today));
        for drawn in &self.principal {
            let rate = drawn.rate_on(today, self.discount_ppm);
            self.accrued += i128::from(drawn.cents) * i128::from(rate);
        }
    }

    /// Bills the cycle.
    pub(crate) fn bill(&mut self, number: u32) -> Billed {
        let interest = half_up(self.accrued, INTEREST_DENOMINATOR);
        let billed = Billed {
            interest,
            unpaid_interest: interest - self.prepaid,
            charges: self.cycle_charges,
        };
        self.capped_interest = self.capped_interest && self.billed_interest > 0
            || self.capped_accrual && billed.unpaid_interest > 0;
        self.capped_accrual = false;
        self.billed_interest += billed.unpaid_interest;
        for charge in self.charges.iter_mut().filter(|charge| charge.billed_on.is_none()) {
            charge.billed_on = Some(number);
        }
        self.totals.interest += interest;
        (self.accrued, self.prepaid, self.cycle_charges) = (0, 0, 0);
        // A credit balance pays what has just been billed.
        let credit = std::mem::take(&mut self.credit);
        self.allocate(credit);
        self.trim_minimums();
        billed
    }
}

/// What a close billed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Billed {
    /// The cycle's interest, rounded once.
    pub interest: i64,
    pub unpaid_interest: i64,
    /// Draw and plan fees charged in the cycle.
    pub charges: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn at(books: &Books, apr_ppm: u32) -> i64 {
        let same = books.principal.iter().filter(|drawn| drawn.apr_ppm == apr_ppm);
        same.map(|drawn| drawn.cents).sum()
    }

    fn cents(value: &Value) -> i64 {
        value.as_str().unwrap().replace('.', "").parse().unwrap()
    }

    /// 600.00 at 24 %, 400.00 at 0 %, the rest as in the vectors, 40.00 asked for.
    fn books() -> Books {
        Books {
            principal: [(240_000, 60_000), (0, 40_000)]
                .map(|(apr_ppm, cents)| Drawn { apr_ppm, caps: Vec::new(), cents })
                .to_vec(),
            billed_interest: 1_200,
            charges: vec![Charge { unpaid: 500, billed_on: Some(1), shown_on: 1 }],
            penalty_fees: 1_500,
            minimums: vec![Minimum {
                due: Some(NaiveDate::MIN),
                told: true,
                asked: 4_000,
                whole: 4_000,
                unpaid: 4_000,
                unpaid_recomputed: 4_000,
            }],
            ..Books::default()
        }
    }

    #[test]
    fn a_payment_runs_down_the_waterfall() {
        let vectors: Vec<Value> = serde_json::from_str(include_str!("../vectors.json")).unwrap();
        for id in ["V21", "V22"] {
            let vector = vectors.iter().find(|vector| vector["id"] == id).unwrap();
            let expected = &vector["expected"];
            let (before, mut after) = (books(), books());
            let payment = cents(&vector["inputs"]["payment"]);
            after.pay(payment);
            let paid = |key: &str| cents(&expected[key]);
            assert_eq!(before.billed_interest - after.billed_interest, paid("billed_interest"));
            assert_eq!(before.billed_fees() - after.billed_fees(), paid("billed_draw_fee"));
            assert_eq!(before.penalty_fees - after.penalty_fees, paid("late_fee"));
            let standard = at(&before, 240_000) - at(&after, 240_000);
            let in_minimum = paid("principal_min_part@24.00");
            assert_eq!(standard, in_minimum + paid("principal_std@24.00"), "{id}");
            assert_eq!(at(&before, 0) - at(&after, 0), paid("principal_promo@0"));
            assert_eq!(after.credit, paid("unapplied_credit"));
            assert_eq!(after.unpaid_minimum(), (4_000 - payment).max(0));
        }
    }
}
