//! The military annual percentage rate of a billing cycle, and what has to be waived to keep to its cap (10 USC 987(b), 32 CFR 232.4).
//!
//! Invariants: computed from posted cents (each periodic charge is rounded first); compared unrounded; a ceiling is truncated;
//! fees are waived before interest. What is absent: who is covered, which is settled when the line opens.

use money::{Apr, Cents, Rounding, divide};

/// 36 %, as parts per million.
pub const CAP_PPM: i128 = 360_000;

/// Participation fees of a rolling twelve months that a line without a balance may cost (32 CFR 232.4(c)(2)(ii)(B)).
pub const FREE_PARTICIPATION: Cents = Cents::new(10_000);

/// Finance charge over the amounts it was imposed on, times the periods of a year (12 CFR 1026.14(c)): exact until it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    numerator: i128,
    denominator: i128,
}

impl Rate {
    /// `charge / base × periods`; `None` without a base.
    #[must_use]
    pub fn of(charge: Cents, base: Cents, periods: u32) -> Option<Self> {
        base.is_positive().then(|| Self {
            numerator: i128::from(charge.get()) * i128::from(periods),
            denominator: i128::from(base.get()),
        })
    }

    /// `charge / sum of daily balances × 365` (12 CFR 1026.14(d)(2)).
    #[must_use]
    pub fn of_daily_balances(charge: Cents, sum: Cents) -> Option<Self> {
        Self::of(charge, sum, 365)
    }

    /// Exceeds `cap_ppm`, compared without rounding.
    #[must_use]
    pub fn exceeds(self, cap_ppm: i128) -> bool {
        self.numerator * 1_000_000 > cap_ppm * self.denominator
    }

    /// As a percentage with four decimals, in units of the last one: `360_000` is 36.0000 %.
    #[must_use]
    pub fn ppm(self) -> i128 {
        divide(self.numerator * 1_000_000, self.denominator, Rounding::HalfUp).unwrap_or_default()
    }
}

/// What charges were imposed on: the transactions that bear fees, plus what the average daily balance has beyond them.
#[must_use]
pub fn base(fee_bearing_transactions: Cents, average_daily_balance: Cents) -> Cents {
    fee_bearing_transactions.max(average_daily_balance)
}

/// The highest rate that keeps to the cap when the charge of `days` days is multiplied by twelve: truncated, in ppm.
#[must_use]
pub fn highest_safe_apr(days: u32) -> Apr {
    let ppm = CAP_PPM * 365 / (12 * i128::from(days.max(1)));
    Apr::from_ppm(u32::try_from(ppm).unwrap_or_default())
}

/// The charges of one cycle, as they are about to be posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleCharges {
    pub interest: Cents,
    /// Finance charges and participation fees that are no interest. No late fees.
    pub fees: Cents,
    /// See `base`.
    pub denominator: Cents,
    /// The highest rate in force.
    pub apr: Apr,
    /// Participation fees of the eleven cycles before.
    pub participation_fees_before: Cents,
}

/// What is not charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waived {
    pub fees: Cents,
    pub interest: Cents,
}

impl CycleCharges {
    /// The rate of the cycle: the periodic rate alone where nothing else was charged, else twelve times the charges.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        if self.fees.is_zero() {
            return self
                .denominator
                .is_positive()
                .then_some(Rate { numerator: i128::from(self.apr.ppm()), denominator: 1_000_000 });
        }
        Rate::of(self.interest + self.fees, self.denominator, 12)
    }

    /// The least waiver that keeps the cycle to the cap.
    #[must_use]
    pub fn waived(&self) -> Waived {
        if !self.denominator.is_positive() {
            let room = (FREE_PARTICIPATION - self.participation_fees_before).or_zero();
            let fees = (self.fees - room).or_zero();
            return Waived { fees, interest: Cents::ZERO };
        }
        if !self.rate().is_some_and(|rate| rate.exceeds(CAP_PPM)) {
            return Waived::default();
        }
        let ceiling = self.ceiling();
        let excess = (self.interest + self.fees - ceiling).or_zero();
        if excess < self.fees {
            return Waived { fees: excess, interest: Cents::ZERO };
        }
        // Without any fee the periodic rate is judged by itself.
        let bare = Self { fees: Cents::ZERO, ..*self };
        let interest = match bare.rate() {
            Some(rate) if rate.exceeds(CAP_PPM) => (self.interest - ceiling).or_zero(),
            _ => Cents::ZERO,
        };
        Waived { fees: self.fees, interest }
    }

    /// A twelfth of the cap on the base, truncated.
    fn ceiling(&self) -> Cents {
        let numerator = i128::from(self.denominator.get()) * CAP_PPM;
        Cents::from_ratio(numerator, 12_000_000, Rounding::Down).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(text: &str) -> Cents {
        Cents::parse_dollars(text).unwrap()
    }

    /// Finance charge; fee-bearing transactions and the average balance beside or within them; the rate.
    #[test]
    fn v27_the_examples_of_appendix_f() {
        let cases = [
            ("4.50", base(cents("100.00"), cents("100.00")), 540_000),
            ("5.25", base(cents("100.00"), cents("150.00")), 420_000),
            ("4.50", cents("100.00") + cents("100.00"), 270_000),
            ("3.75", base(cents("100.00"), cents("150.00")), 300_000),
            ("2.50", base(cents("100.00"), cents("150.00")), 200_000),
            ("3.75", base(cents("100.00"), cents("50.00")), 450_000),
        ];
        for (at, (charge, base, ppm)) in cases.into_iter().enumerate() {
            assert_eq!(Rate::of(cents(charge), base, 12).unwrap().ppm(), ppm, "example {}", at + 1);
        }
    }

    #[test]
    fn v28_the_example_of_the_department_of_defense() {
        let periodic = Cents::from_ratio(50_000 * 6_875, 1_000_000, Rounding::HalfUp).unwrap();
        assert_eq!(periodic, cents("3.44"));
        let rate = Rate::of(periodic + cents("25.00"), cents("500.00"), 12).unwrap();
        assert_eq!(rate.ppm(), 682_560);
    }

    #[test]
    fn v30_a_subscription_on_a_small_balance_is_waived_down_to_the_cap() {
        let cycle = CycleCharges {
            interest: Cents::ZERO,
            fees: cents("10.00"),
            denominator: cents("300.00"),
            apr: Apr::ZERO,
            participation_fees_before: Cents::ZERO,
        };
        assert_eq!(cycle.rate().unwrap().ppm(), 400_000);
        assert_eq!(cycle.waived(), Waived { fees: cents("1.00"), interest: Cents::ZERO });
    }

    #[test]
    fn v31_without_a_balance_a_year_of_participation_fees_stops_at_one_hundred_dollars() {
        let mut charged: Vec<Cents> = Vec::new();
        for _ in 0..12 {
            let cycle = CycleCharges {
                interest: Cents::ZERO,
                fees: cents("10.00"),
                denominator: Cents::ZERO,
                apr: Apr::ZERO,
                participation_fees_before: charged.iter().rev().take(11).sum(),
            };
            charged.push(cycle.fees - cycle.waived().fees);
        }
        let (paid, free) = charged.split_at(10);
        assert!(paid.iter().all(|fee| *fee == cents("10.00")));
        assert_eq!(free, [Cents::ZERO, Cents::ZERO]);
    }

    #[test]
    fn v46_twelve_times_a_long_month_breaks_a_rate_that_holds_by_itself() {
        let interest = cents("15.28");
        let cycle = CycleCharges {
            interest,
            fees: Cents::ZERO,
            denominator: cents("500.00"),
            apr: Apr::from_ppm(359_900),
            participation_fees_before: Cents::ZERO,
        };
        assert_eq!(cycle.rate().unwrap().ppm(), 359_900);
        assert_eq!(cycle.waived(), Waived::default());
        let daily = Rate::of_daily_balances(interest, cents("15500.00")).unwrap();
        assert_eq!(daily.ppm(), 359_819);
        let twelve = Rate::of(interest, cents("500.00"), 12).unwrap();
        assert_eq!(twelve.ppm(), 366_720);
        assert!(twelve.exceeds(CAP_PPM));
        assert_eq!(highest_safe_apr(31), Apr::from_ppm(353_225));
    }

    #[test]
    fn fees_are_waived_before_interest() {
        let cycle = CycleCharges {
            interest: cents("14.00"),
            fees: cents("5.00"),
            denominator: cents("500.00"),
            apr: Apr::from_ppm(340_000),
            participation_fees_before: Cents::ZERO,
        };
        assert_eq!(cycle.waived(), Waived { fees: cents("4.00"), interest: Cents::ZERO });
        let dear = CycleCharges { interest: cents("16.00"), apr: Apr::from_ppm(370_000), ..cycle };
        assert_eq!(dear.waived(), Waived { fees: cents("5.00"), interest: cents("1.00") });
    }
}
