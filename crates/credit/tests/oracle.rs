//! The plain line once more, slowly and day by day, from the rule book: what the engine must agree with.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use chrono::{Datelike, Days, NaiveDate};
use common::{Book, day, product};
use identity::DrawId;
use money::Cents;
use proptest::prelude::*;

const APR_PPM: i128 = 299_900;
const OPENED: &str = "2026-01-10";
const CLOSE_DAY: u32 = 17;

struct Minimum {
    timely: NaiveDate,
    unpaid: i64,
    amount: i64,
    tested: bool,
}

#[derive(Default)]
struct Oracle {
    principal: i64,
    interest: i64,
    billed_fees: i64,
    open_fees: i64,
    drew_at_a_fee: bool,
    late_fees: i64,
    credit: i64,
    /// Cents times parts per million, over the days of the open cycle.
    accrued: i128,
    prepaid: i64,
    minimums: Vec<Minimum>,
    billed: Vec<i64>,
}

fn half_up(ppm_days: i128) -> i64 {
    let whole = 365 * 1_000_000;
    i64::try_from((2 * ppm_days + whole) / (2 * whole)).unwrap()
}

impl Oracle {
    fn morning(&mut self, today: NaiveDate) {
        let mut unpaid_so_far = 0;
        for minimum in &mut self.minimums {
            unpaid_so_far += minimum.unpaid;
            if !minimum.tested && today >= minimum.timely + Days::new(11) {
                minimum.tested = true;
                self.late_fees += unpaid_so_far.min(1_500);
            }
        }
    }

    fn draw(&mut self, amount: i64, fee: i64) {
        let from_credit = amount.min(self.credit);
        self.credit -= from_credit;
        self.principal += amount - from_credit;
        self.open_fees += fee;
        self.drew_at_a_fee |= fee > 0;
    }

    fn pay(&mut self, amount: i64) {
        let mut left = amount;
        let mut take = |bucket: &mut i64, most: i64| {
            let taken = left.min(*bucket).min(most);
            left -= taken;
            *bucket -= taken;
            taken
        };
        let minimum: i64 = self.minimums.iter().map(|minimum| minimum.unpaid).sum();
        let mut of_minimum = take(&mut self.interest, i64::MAX);
        of_minimum += take(&mut self.billed_fees, i64::MAX);
        take(&mut self.principal, (minimum - of_minimum).max(0));
        take(&mut self.late_fees, i64::MAX);
        take(&mut self.principal, i64::MAX);
        if self.principal == 0 {
            take(&mut self.open_fees, i64::MAX);
            let mut accrued = half_up(self.accrued) - self.prepaid;
            self.prepaid += take(&mut accrued, i64::MAX);
        }
        self.credit += left;
        let mut counts = amount;
        for minimum in &mut self.minimums {
            let part = minimum.unpaid.min(counts);
            minimum.unpaid -= part;
            counts -= part;
        }
        if self.owed() <= 0 {
            for minimum in &mut self.minimums {
                minimum.unpaid = 0;
            }
        }
    }

    fn owed(&self) -> i64 {
        self.principal + self.interest - self.prepaid
            + self.billed_fees
            + self.open_fees
            + self.late_fees
            - self.credit
    }

    fn evening(&mut self, today: NaiveDate) {
        self.accrued += i128::from(self.principal) * APR_PPM;
        if today.day() != CLOSE_DAY {
            return;
        }
        let interest = half_up(self.accrued);
        self.billed.push(interest);
        let mut new_interest = interest - self.prepaid;
        let mut new_fees = self.open_fees;
        (self.accrued, self.prepaid, self.open_fees) = (0, 0, 0);
        for owed in [&mut self.interest, &mut new_interest, &mut self.billed_fees, &mut new_fees] {
            let paid = self.credit.min(*owed);
            *owed -= paid;
            self.credit -= paid;
        }
        let paid = self.credit.min(self.late_fees);
        self.late_fees -= paid;
        self.credit -= paid;
        self.interest += new_interest;
        self.billed_fees += new_fees;
        let two_percent = (self.principal * 2 + 50) / 100;
        let past_due: i64 = self.minimums.iter().map(|minimum| minimum.unpaid).sum();
        let total = (self.principal + self.interest + self.billed_fees - self.credit).max(0);
        let due = total.min(2_500.max(two_percent + new_interest + new_fees) + past_due);
        let printed = today + Days::new(25);
        let amount = (due - past_due).max(0);
        let timely = calendar::banking_day_on_or_after(printed).max(today + Days::new(15));
        // A dollar or less and no finance charge: nobody is sent a statement (12 CFR 1026.5(b)(2)(i)).
        if self.owed().abs() > 100 || interest > 0 || self.drew_at_a_fee {
            self.minimums.push(Minimum { timely, unpaid: amount, amount, tested: false });
        }
        self.drew_at_a_fee = false;
    }

    fn days_past_due(&self, today: NaiveDate) -> i64 {
        let late = self
            .minimums
            .iter()
            .filter(|one| today > one.timely && one.unpaid > 0 && one.unpaid > one.amount / 10);
        late.map(|one| (today - one.timely).num_days()).max().unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug)]
enum Fact {
    Draw(i64, i64),
    Payment(i64),
}

fn facts() -> impl Strategy<Value = Vec<(u64, Fact)>> {
    let fact = prop_oneof![
        2 => (100_i64..90_000, 0_i64..900).prop_map(|(amount, fee)| Fact::Draw(amount, fee)),
        3 => (1_i64..60_000).prop_map(Fact::Payment),
        2 => (1_i64..4_000).prop_map(Fact::Payment),
    ];
    prop::collection::vec((0_u64..330, fact), 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(90))]

    #[test]
    fn the_engine_agrees_with_a_plain_reading_of_the_rules(mut facts in facts()) {
        // The order within a date: draws before payments, each in the order of their ids.
        facts.sort_by_key(|(offset, fact)| (*offset, matches!(fact, Fact::Payment(_))));
        let mut book = Book::open(&product("CASHLINE-STD-1"), 299_900, CLOSE_DAY, OPENED);
        let mut oracle = Oracle::default();
        let mut next = facts.iter().peekable();
        let opened = day(OPENED);
        for offset in 0..=400_u64 {
            let today = opened + Days::new(offset);
            oracle.morning(today);
            while let Some((_, fact)) = next.next_if(|(at, _)| *at == offset) {
                let on = today.to_string();
                match *fact {
                    Fact::Draw(amount, fee) => {
                        let draw = DrawId::mint(common::noon(today));
                        let text = |cents: i64| Cents::new(cents).to_string();
                        book.draw_with_fee(draw, &text(amount), &text(fee), &on);
                        oracle.draw(amount, fee);
                    }
                    Fact::Payment(amount) => {
                        book.pay(&Cents::new(amount).to_string(), &on);
                        oracle.pay(amount);
                    }
                }
            }
            if offset % 13 == 0 || offset == 400 {
                let position = book.on(&today.to_string());
                prop_assert_eq!(position.principal_balance.get(), oracle.principal, "{}", today);
                prop_assert_eq!(position.billed_interest.get(), oracle.interest, "{}", today);
                prop_assert_eq!(position.fees.get(), oracle.billed_fees + oracle.open_fees);
                prop_assert_eq!(position.penalty_fees.get(), oracle.late_fees, "{}", today);
                prop_assert_eq!(position.credit_balance.get(), oracle.credit);
                prop_assert_eq!(
                    position.accrued_interest.get(), half_up(oracle.accrued) - oracle.prepaid
                );
                prop_assert_eq!(i64::from(position.days_past_due), oracle.days_past_due(today));
                let unpaid: i64 = oracle.minimums.iter().map(|minimum| minimum.unpaid).sum();
                prop_assert_eq!(position.minimum_due.get(), unpaid, "{}", today);
            }
            oracle.evening(today);
        }
        let billed: Vec<i64> =
            book.statements().iter().map(|statement| statement.interest_total.get()).collect();
        let closed = oracle.billed.len().min(billed.len());
        prop_assert_eq!(&billed[..closed], &oracle.billed[..closed]);
    }
}
