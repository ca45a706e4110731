//! The balances of a card: three features, each with its principal, its charges and the days of the open cycle.

#![expect(clippy::indexing_slicing, reason = "three features, by their numbers")]

use chrono::NaiveDate;

use super::{BALANCE_TRANSFERS, CASH_ADVANCES, PURCHASES};
use crate::terms::half_up;

/// Interest that is not yet rounded is counted in these parts of a cent.
pub(super) const UNIT: i128 = 1_000_000_000_000_000;
/// A daily rate of five decimals of a percentage, as a whole number of these.
const RATE_UNIT: i128 = 10_000_000;

/// What one statement asked for beyond those before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Minimum {
    pub cycle: u32,
    pub due: NaiveDate,
    pub asked: i64,
    pub unpaid: i64,
    /// All that the statement asked for.
    pub in_all: i64,
}

/// A fee, and the balance it bears interest with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Charge {
    pub feature: usize,
    pub penalty: bool,
    pub is_draw: bool,
    pub cents: i64,
    pub unpaid: i64,
    /// Waived, or given back.
    pub waived: i64,
    pub billed_in: Option<u32>,
}

impl Charge {
    pub(super) const fn new(feature: usize, cents: i64, penalty: bool) -> Self {
        Self { feature, penalty, is_draw: false, cents, unpaid: cents, waived: 0, billed_in: None }
    }
}

/// Billed interest of one feature.
#[derive(Clone, Copy, Debug)]
struct Billed {
    cycle: u32,
    feature: usize,
    unpaid: i64,
}

/// The end of a day of the open cycle.
#[derive(Clone, Copy, Debug)]
struct Day {
    on: NaiveDate,
    old: i64,
    new: i64,
    charges: i64,
    prepaid: i64,
    rate: i128,
}

#[derive(Clone, Debug, Default)]
struct Feature {
    apr_ppm: u32,
    /// No rate above 0 % yet.
    promoted: bool,
    /// Drawn before the open cycle, and in it.
    old: i64,
    new: i64,
    /// Interest of the open cycle already paid.
    prepaid: i64,
    days: Vec<Day>,
    /// Paid in the open cycle while grace stood.
    in_grace: Vec<(NaiveDate, i64)>,
}

/// What a close billed.
pub(super) struct Close {
    pub interest: i64,
    pub unpaid_interest: i64,
}

/// What grace leaves of a cycle's interest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Grace {
    Spared,
    Lost,
    Regained,
    None,
}

#[derive(Clone, Debug)]
pub(super) struct Books {
    pub today: NaiveDate,
    pub cycle: u32,
    features: [Feature; 3],
    billed: Vec<Billed>,
    charges: Vec<Charge>,
    pub minimums: Vec<Minimum>,
    pub credit: i64,
    /// Grace stood when the cycle began.
    stands: bool,
    statement: i64,
    due: NaiveDate,
    /// Since the statement and by its due date.
    paid: i64,
}

fn take(from: &mut i64, left: &mut i64) -> i64 {
    let taken = (*from).min(*left).max(0);
    *from -= taken;
    *left -= taken;
    taken
}

impl Feature {
    fn apr(&self) -> u32 {
        if self.promoted { 0 } else { self.apr_ppm }
    }

    /// The yearly percentage by 365, rounded half up to five decimals.
    fn rate(&self) -> i128 {
        i128::from(half_up(i128::from(self.apr()) * 10, 365))
    }

    /// Each day's interest joins the balance of the next.
    fn accrued(&self, grace: Grace) -> i128 {
        let mut accrued = 0;
        for day in &self.days {
            let paid_later: i64 =
                self.in_grace.iter().filter(|(on, _)| *on > day.on).map(|(_, cents)| cents).sum();
            let all = day.old + day.new + day.charges;
            let bears = match grace {
                Grace::Spared => 0,
                Grace::Lost => (all - paid_later).max(0),
                Grace::Regained => all - day.new,
                Grace::None => all,
            };
            let joined = (accrued - i128::from(day.prepaid) * UNIT).max(0);
            accrued += (i128::from(bears) * UNIT + joined) * day.rate / RATE_UNIT;
        }
        accrued
    }
}

impl Books {
    pub(super) fn open(on: NaiveDate, aprs: [u32; 3]) -> Self {
        let mut features = aprs.map(|apr_ppm| Feature { apr_ppm, ..Feature::default() });
        features[BALANCE_TRANSFERS].promoted = true;
        Self {
            today: on,
            cycle: 1,
            features,
            billed: Vec::new(),
            charges: Vec::new(),
            minimums: Vec::new(),
            credit: 0,
            stands: true,
            statement: 0,
            due: on,
            paid: 0,
        }
    }

    pub(super) fn principal(&self) -> i64 {
        self.features.iter().map(|one| one.old + one.new).sum()
    }

    pub(super) fn interest(&self) -> i64 {
        self.billed.iter().map(|one| one.unpaid).sum()
    }

    pub(super) fn fees(&self, penalty: bool) -> i64 {
        self.charges.iter().filter(|one| one.penalty == penalty).map(|one| one.unpaid).sum()
    }

    pub(super) fn prepaid(&self) -> i64 {
        self.features.iter().map(|one| one.prepaid).sum()
    }

    /// Of all that a statement would show; negative where the lender owes.
    pub(super) fn owed(&self) -> i64 {
        let charges = self.interest() - self.prepaid() + self.fees(false) + self.fees(true);
        self.principal() + charges - self.credit
    }

    /// Fees of a cycle, and what is unpaid of them.
    pub(super) fn charged_in(&self, cycle: u32) -> (i64, i64) {
        let mine = self.charges.iter().filter(|one| one.billed_in == Some(cycle));
        mine.fold((0, 0), |(all, unpaid), one| (all + one.cents - one.waived, unpaid + one.unpaid))
    }

    /// A draw of the cycle cost a fee.
    pub(super) fn draw_fee_in(&self, cycle: u32) -> bool {
        self.charges.iter().any(|one| one.is_draw && one.cents > 0 && one.billed_in == Some(cycle))
    }

    pub(super) fn days_past_due(&self) -> u32 {
        let late = self.minimums.iter().filter(|one| one.unpaid * 10 > one.asked);
        let days = late.map(|one| (self.today - one.due).num_days()).max().unwrap_or(0);
        u32::try_from(days).unwrap_or(0)
    }

    fn is_paid(&self) -> bool {
        self.paid >= self.statement
    }

    /// Purchases only. While the statement can still be paid it is taken that it will be.
    fn grace(&self, feature: usize, may_still_pay: bool) -> Grace {
        if feature != PURCHASES {
            return Grace::None;
        }
        match (self.stands, self.is_paid() || may_still_pay) {
            (true, true) => Grace::Spared,
            (true, false) => Grace::Lost,
            (false, true) => Grace::Regained,
            (false, false) => Grace::None,
        }
    }

    fn accrued_by_feature(&self, may_still_pay: bool) -> [i128; 3] {
        [PURCHASES, CASH_ADVANCES, BALANCE_TRANSFERS]
            .map(|at| self.features[at].accrued(self.grace(at, may_still_pay)))
    }

    pub(super) fn accrued(&self) -> i128 {
        self.accrued_by_feature(self.today <= self.due).iter().sum()
    }

    fn accrued_unpaid(&self) -> [i64; 3] {
        let accrued = self.accrued_by_feature(self.today <= self.due);
        let mut left = accrued.map(|one| half_up(one, UNIT));
        for (left, feature) in left.iter_mut().zip(&self.features) {
            *left = (*left - feature.prepaid).max(0);
        }
        left
    }

    pub(super) fn payoff(&self) -> i64 {
        self.owed() + self.prepaid() + self.accrued_unpaid().iter().sum::<i64>()
    }

    pub(super) fn charge(&mut self, charge: Charge) {
        if charge.unpaid > 0 {
            self.charges.push(charge);
        }
    }

    pub(super) fn draw(&mut self, feature: usize, cents: i64) {
        let mut left = cents;
        take(&mut self.credit, &mut left);
        self.features[feature].new += left;
    }

    pub(super) fn refund(&mut self, cents: i64) {
        let mut left = cents;
        take(&mut self.credit, &mut left);
        self.features[PURCHASES].old += left;
    }

    pub(super) fn reprice(&mut self, apr_ppm: u32) {
        for feature in &mut self.features {
            feature.apr_ppm = apr_ppm;
        }
    }

    /// What is unpaid of the kind; the rest is a credit.
    pub(super) fn waive(&mut self, penalty: bool, cents: i64) {
        let mut left = cents;
        for charge in self.charges.iter_mut().rev().filter(|one| one.penalty == penalty) {
            charge.waived += take(&mut charge.unpaid, &mut left);
        }
        let mut given_back = left;
        for charge in self.charges.iter_mut().rev().filter(|one| one.penalty == penalty) {
            let mut paid = charge.cents - charge.waived - charge.unpaid;
            charge.waived += take(&mut paid, &mut given_back);
        }
        self.pay(left);
    }

    pub(super) fn pay(&mut self, cents: i64) {
        self.allocate(cents);
        let mut left = cents;
        for minimum in &mut self.minimums {
            take(&mut minimum.unpaid, &mut left);
        }
        self.trim();
        if self.today <= self.due {
            self.paid += cents;
        }
    }

    pub(super) fn ask(&mut self, minimum: Minimum) {
        self.minimums.push(minimum);
    }

    /// Nobody is late with more than is owed.
    fn trim(&mut self) {
        let unpaid: i64 = self.minimums.iter().map(|one| one.unpaid).sum();
        let mut excess = (unpaid - self.owed().max(0)).max(0);
        for minimum in self.minimums.iter_mut().rev() {
            take(&mut minimum.unpaid, &mut excess);
        }
    }

    /// Within grace, what is paid of what was owed before the cycle would count from its first day were grace lost.
    fn note_in_grace(&mut self, feature: usize, cents: i64) {
        if cents > 0 && self.stands && self.today <= self.due {
            self.features[feature].in_grace.push((self.today, cents));
        }
    }

    /// Interest, fees and penalties that were billed, principal of the minimum at the lowest rate, the rest at the highest, then what
    /// is not billed yet. (The product's order: a card may put penalties before principal.)
    fn allocate(&mut self, cents: i64) {
        let asked: i64 = self.minimums.iter().map(|one| one.unpaid).sum();
        let mut left = cents;
        let mut paid: Vec<(usize, i64)> = Vec::new();
        for billed in &mut self.billed {
            paid.push((billed.feature, take(&mut billed.unpaid, &mut left)));
        }
        self.billed.retain(|one| one.unpaid > 0);
        for charge in self.charges.iter_mut().filter(|one| !one.penalty && one.billed_in.is_some())
        {
            paid.push((charge.feature, take(&mut charge.unpaid, &mut left)));
        }
        for charge in self.charges.iter_mut().filter(|one| one.penalty) {
            let taken = take(&mut charge.unpaid, &mut left);
            if charge.billed_in.is_some() {
                paid.push((charge.feature, taken));
            }
        }
        for (feature, cents) in paid {
            self.note_in_grace(feature, cents);
        }
        let of_minimum = left.min((asked - (cents - left)).max(0));
        left -= self.pay_principal(of_minimum, true);
        left -= self.pay_principal(left, false);
        for charge in self.charges.iter_mut().filter(|one| !one.penalty && one.billed_in.is_none())
        {
            take(&mut charge.unpaid, &mut left);
        }
        let accrued = self.accrued_unpaid();
        for (feature, mut unpaid) in self.features.iter_mut().zip(accrued) {
            feature.prepaid += take(&mut unpaid, &mut left);
        }
        self.credit += left;
    }

    fn pay_principal(&mut self, up_to: i64, lowest_first: bool) -> i64 {
        let mut order = [PURCHASES, CASH_ADVANCES, BALANCE_TRANSFERS];
        order.sort_by_key(|at| {
            let apr = i64::from(self.features[*at].apr());
            if lowest_first { apr } else { -apr }
        });
        let mut left = up_to;
        for at in order {
            let old = take(&mut self.features[at].old, &mut left);
            take(&mut self.features[at].new, &mut left);
            self.note_in_grace(at, old);
        }
        up_to - left
    }

    pub(super) fn end_day(&mut self) {
        // Fees and interest that the customer's own money covers are not lent.
        let mut credit = self.credit;
        for at in [PURCHASES, CASH_ADVANCES, BALANCE_TRANSFERS] {
            let billed = self.billed.iter().filter(|one| one.feature == at);
            let fees = self.charges.iter().filter(|one| one.feature == at);
            let mut charges =
                billed.map(|one| one.unpaid).sum::<i64>() + fees.map(|one| one.unpaid).sum::<i64>();
            take(&mut charges, &mut credit);
            let (on, one) = (self.today, &mut self.features[at]);
            let rate = one.rate();
            let (old, new, prepaid) = (one.old, one.new, one.prepaid);
            one.days.push(Day { on, old, new, charges, prepaid, rate });
        }
    }

    pub(super) fn bill(&mut self, least: i64) -> Close {
        let accrued = self.accrued_by_feature(self.today < self.due);
        let mut lines = accrued.map(|one| half_up(one, UNIT));
        let total: i64 = lines.iter().sum();
        if total > 0 && total < least && self.prepaid() < total {
            let largest = (0..3).max_by_key(|at| lines[*at]).unwrap_or_default();
            lines[largest] += least - total;
        }
        let mut overpaid = 0;
        for (feature, line) in lines.iter().enumerate() {
            let prepaid = std::mem::take(&mut self.features[feature].prepaid);
            let unpaid = (line - prepaid).max(0);
            overpaid += (prepaid - line).max(0);
            if unpaid > 0 {
                self.billed.push(Billed { cycle: self.cycle, feature, unpaid });
            }
        }
        if overpaid > 0 {
            self.allocate(overpaid);
        }
        // A credit balance pays what is billed, penalties last.
        let mut credit = std::mem::take(&mut self.credit);
        for billed in &mut self.billed {
            take(&mut billed.unpaid, &mut credit);
        }
        for penalty in [false, true] {
            for charge in self.charges.iter_mut().filter(|one| one.penalty == penalty) {
                take(&mut charge.unpaid, &mut credit);
            }
        }
        self.credit = credit;
        for charge in self.charges.iter_mut().filter(|one| one.billed_in.is_none()) {
            charge.billed_in = Some(self.cycle);
        }
        self.billed.retain(|one| one.unpaid > 0);
        let mine = self.billed.iter().filter(|one| one.cycle == self.cycle);
        let unpaid_interest = mine.map(|one| one.unpaid).sum();
        Close { interest: lines.iter().sum(), unpaid_interest }
    }

    pub(super) fn next_cycle(&mut self, statement: i64, due: NaiveDate, promoted_cycles: u32) {
        self.stands = self.is_paid();
        (self.statement, self.due, self.paid) = (statement, due, 0);
        self.cycle += 1;
        for feature in &mut self.features {
            feature.old += std::mem::take(&mut feature.new);
            feature.days.clear();
            feature.in_grace.clear();
        }
        self.features[BALANCE_TRANSFERS].promoted = self.cycle <= promoted_cycles;
    }
}
