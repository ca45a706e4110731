//! The military annual percentage rate of a billing cycle, and what has to be waived to keep to its cap (10 USC 987(b), 32 CFR 232.4).
//!
//! Invariants: computed from posted cents (each periodic charge is rounded first); compared unrounded; a ceiling is truncated;
//! fees are waived before interest. What is absent: who is covered, which is settled when the line opens.

use money::{Apr, Cents, Rounding, divide};
use serde::{Deserialize, Serialize};

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

/// The highest rate that keeps to the cap when the charge of `days` days is multiplied by twelve: truncated, in ppm.
#[must_use]
pub fn highest_safe_apr(days: u32) -> Apr {
    let ppm = CAP_PPM * 365 / (12 * i128::from(days.max(1)));
    Apr::from_ppm(u32::try_from(ppm).unwrap_or_default())
}

/// The charges of one cycle, as they are about to be posted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleCharges {
    #[serde(rename = "interest_cents")]
    pub interest: Cents,
    /// Of the interest, what a minimum charge added: no periodic rate gave it (12 CFR 1026.14(c)(2)).
    #[serde(rename = "raised_cents")]
    pub raised: Cents,
    /// What periodic rates gave beyond the cap and is not charged: none of them is the rate of the cycle then.
    #[serde(default, rename = "cut_cents")]
    pub cut: Cents,
    /// Finance charges and participation fees that are no interest. No late fees.
    #[serde(rename = "fees_cents")]
    pub fees: Cents,
    #[serde(rename = "sum_of_daily_balances_cents")]
    pub sum_of_balances: Cents,
    pub days: u32,
    /// Draws of the cycle that bore a fee.
    #[serde(rename = "fee_bearing_draws_cents")]
    pub fee_bearing_draws: Cents,
    /// They are no part of the balance that bears interest (12 CFR 1026 App. F, examples 3 and 4).
    #[serde(default)]
    pub draws_apart: bool,
    /// The highest rate in force.
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    /// Of the fees, those for having the line.
    #[serde(default, rename = "participation_fees_cents")]
    pub participation_fees: Cents,
    /// The same of the eleven cycles before, as facts or by the terms.
    #[serde(rename = "participation_fees_before_cents")]
    pub participation_fees_before: Cents,
}

/// What is not charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waived {
    pub fees: Cents,
    pub interest: Cents,
}

impl CycleCharges {
    /// What the charges were imposed on, unrounded: the draws that bear fees, plus what the balance that bears interest has beyond
    /// them, or all of it where they are no part of it; as cents over so many parts.
    fn base(&self) -> (i128, i128) {
        let (sum, days) = (i128::from(self.sum_of_balances.get()), i128::from(self.days.max(1)));
        let draws = i128::from(self.fee_bearing_draws.get());
        if self.draws_apart && draws > 0 {
            (draws * days + sum, days)
        } else if draws * days >= sum {
            (draws, 1)
        } else {
            (sum, days)
        }
    }

    fn only_periodic(&self) -> bool {
        self.fees.is_zero() && self.raised.is_zero() && self.cut.is_zero()
    }

    /// The rate of the cycle: the periodic rate alone where all that it gave and nothing else was charged, else twelve times the
    /// charges.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        let (sum, parts) = self.base();
        if sum <= 0 {
            return None;
        }
        Some(if self.only_periodic() {
            Rate { numerator: i128::from(self.apr.ppm()), denominator: 1_000_000 }
        } else {
            let charges = i128::from((self.interest + self.fees).get());
            Rate { numerator: charges * 12 * parts, denominator: sum }
        })
    }

    /// The least waiver that keeps the cycle to the cap. Without a balance nothing may be charged but participation fees, up to
    /// their yearly most (32 CFR 232.4(c)(2)(ii)(B)).
    #[must_use]
    pub fn waived(&self) -> Waived {
        let Some(rate) = self.rate() else {
            let room = (FREE_PARTICIPATION - self.participation_fees_before).or_zero();
            let fees = self.fees - self.participation_fees.min(room);
            return Waived { fees, interest: self.interest };
        };
        if !rate.exceeds(CAP_PPM) {
            return Waived::default();
        }
        let ceiling = self.ceiling();
        let excess = (self.interest + self.fees - ceiling).or_zero();
        if excess < self.fees {
            return Waived { fees: excess, interest: Cents::ZERO };
        }
        Waived { fees: self.fees, interest: self.waived_interest(ceiling) }
    }

    /// Without any fee the periodic rate is judged by itself, and interest that it gave stands where it keeps to the cap.
    fn waived_interest(&self, ceiling: Cents) -> Cents {
        let by_itself = i128::from(self.apr.ppm()) <= CAP_PPM;
        let bare = self.interest - self.raised;
        let kept = if by_itself { ceiling.max(bare) } else { ceiling };
        (self.interest - kept).or_zero()
    }

    /// The most that a cycle with this base may cost: truncated.
    fn ceiling(&self) -> Cents {
        let (sum, parts) = self.base();
        let most = divide(sum * CAP_PPM, parts * 12 * 1_000_000, Rounding::Down);
        Cents::new(most.and_then(|most| i64::try_from(most).ok()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(text: &str) -> Cents {
        Cents::parse_dollars(text).unwrap()
    }

    /// Finance charge, transactions that bear fees, average daily balance, rate.
    #[test]
    fn v27_the_examples_of_appendix_f() {
        // In the third the rate is of the previous balance of 100.00, in the fourth of the adjusted balance of 50.00.
        let cases = [
            ("4.50", "100.00", "100.00", false, 540_000),
            ("5.25", "100.00", "150.00", false, 420_000),
            ("4.50", "100.00", "100.00", true, 270_000),
            ("3.75", "100.00", "50.00", true, 300_000),
            ("2.50", "100.00", "150.00", false, 200_000),
            ("3.75", "100.00", "50.00", false, 450_000),
        ];
        for (at, (charge, draws, balance, draws_apart, ppm)) in cases.into_iter().enumerate() {
            let cycle = CycleCharges {
                fees: cents(charge),
                fee_bearing_draws: cents(draws),
                sum_of_balances: cents(balance),
                draws_apart,
                days: 1,
                ..CycleCharges::default()
            };
            assert_eq!(cycle.rate().unwrap().ppm(), ppm, "example {}", at + 1);
        }
    }

    /// 3 % of 66.666129 (2,066.65 over 31 days) is 1.99998: 2.00 would be above the cap.
    #[test]
    fn a_ceiling_is_that_of_the_unrounded_average() {
        let cycle = CycleCharges {
            fees: cents("10.00"),
            sum_of_balances: cents("2066.65"),
            days: 31,
            ..CycleCharges::default()
        };
        assert_eq!(cycle.waived().fees, cents("8.01"));
    }

    /// A minimum charge of 2.00 on 20.00 is 120 % a year; 1.60 of it came from no periodic rate; the ceiling is 0.60.
    #[test]
    fn a_minimum_charge_is_no_periodic_rate() {
        let cycle = CycleCharges {
            interest: cents("2.00"),
            raised: cents("1.60"),
            sum_of_balances: cents("20.00"),
            days: 1,
            apr: Apr::from_ppm(240_000),
            ..CycleCharges::default()
        };
        assert_eq!(cycle.waived(), Waived { fees: Cents::ZERO, interest: cents("1.40") });
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
            fees: cents("10.00"),
            sum_of_balances: cents("300.00"),
            days: 1,
            ..CycleCharges::default()
        };
        assert_eq!(cycle.rate().unwrap().ppm(), 400_000);
        assert_eq!(cycle.waived(), Waived { fees: cents("1.00"), interest: Cents::ZERO });
    }

    #[test]
    fn v31_without_a_balance_a_year_of_participation_fees_stops_at_one_hundred_dollars() {
        let mut charged: Vec<Cents> = Vec::new();
        for _ in 0..12 {
            let cycle = CycleCharges {
                fees: cents("10.00"),
                participation_fees: cents("10.00"),
                participation_fees_before: charged.iter().rev().take(11).sum(),
                ..CycleCharges::default()
            };
            charged.push(cycle.fees - cycle.waived().fees);
        }
        let (paid, free) = charged.split_at(10);
        assert!(paid.iter().all(|fee| *fee == cents("10.00")));
        assert_eq!(free, [Cents::ZERO, Cents::ZERO]);
    }

    #[test]
    fn without_a_balance_a_fee_that_is_no_participation_fee_may_not_stand() {
        let cycle = CycleCharges {
            fees: cents("30.00"),
            participation_fees: cents("10.00"),
            participation_fees_before: cents("95.00"),
            ..CycleCharges::default()
        };
        assert_eq!(cycle.waived(), Waived { fees: cents("25.00"), interest: Cents::ZERO });
    }

    #[test]
    fn v46_twelve_times_a_long_month_breaks_a_rate_that_holds_by_itself() {
        let interest = cents("15.28");
        let cycle = CycleCharges {
            interest,
            sum_of_balances: cents("500.00"),
            days: 1,
            apr: Apr::from_ppm(359_900),
            ..CycleCharges::default()
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
            sum_of_balances: cents("500.00"),
            days: 1,
            apr: Apr::from_ppm(340_000),
            ..CycleCharges::default()
        };
        assert_eq!(cycle.waived(), Waived { fees: cents("4.00"), interest: Cents::ZERO });
        let dear = CycleCharges { interest: cents("16.00"), apr: Apr::from_ppm(370_000), ..cycle };
        assert_eq!(dear.waived(), Waived { fees: cents("5.00"), interest: cents("1.00") });
    }
}
