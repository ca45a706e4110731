//! What paying the minimum only comes to, and paying off in 36 months (12 CFR 1026.7(b)(12), Appendix M1).
//!
//! Invariants: the assumptions of Appendix M1(b): only minimum payments, no new draws, no fees, no grace, months of equal length (a
//! twelfth of the rate each), payments on the last day of the month, allocated to lower rates first; each month's interest and
//! payment are rounded to cents. What is absent: accounts in two cycles in a row paid in full, which need no disclosure.

use money::{Apr, Cents, Rounding};
use serde::{Deserialize, Serialize};

use crate::{
    CycleRecord, Terms,
    balance::Balance,
    minimum::{Minimum, MinimumInputs},
    product::{MinimumTerms, Regime},
    state::State,
};

/// Amounts as the statement prints them: whole dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "repayment", rename_all = "snake_case")]
pub enum Repayment {
    /// Paying the minimum would never pay the balance off (1026.7(b)(12)(ii)).
    Never {
        /// A month, to be done in 36 months.
        #[serde(rename = "in_36_months_cents")]
        in_36_months: Cents,
    },
    Estimate {
        /// Until the balance is paid off by minimums.
        months: u32,
        #[serde(rename = "total_cents")]
        total: Cents,
        /// Absent where minimums are done in three years too, and where it is less than the minimum that is asked for
        /// (1026.7(b)(12)(i)(F)(2)).
        in_36_months: Option<In36Months>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct In36Months {
    #[serde(rename = "monthly_cents")]
    pub monthly: Cents,
    #[serde(rename = "total_cents")]
    pub total: Cents,
    #[serde(rename = "savings_cents")]
    pub savings: Cents,
}

/// No estimate looks further ahead.
const MONTHS: u32 = 1_200;

/// Fixed point of the annuity.
const ONE: i128 = 1_000_000_000_000_000;

/// Beyond it the payment is the interest, to the cent.
const MOST_GROWN: i128 = 100_000 * ONE;

/// A balance with its rate by month.
#[derive(Clone, Copy, Debug)]
struct Part {
    balance: Cents,
    apr: Apr,
    later: Option<(u32, Apr)>,
}

impl Part {
    fn apr_in(&self, month: u32) -> Apr {
        match self.later {
            Some((months, apr)) if month > months => apr,
            _ => self.apr,
        }
    }

    fn interest_in(&self, month: u32) -> Cents {
        let ppm = i128::from(self.apr_in(month).ppm());
        let numerator = i128::from(self.balance.get()) * ppm;
        Cents::from_ratio(numerator, 12_000_000, Rounding::HalfUp).unwrap_or_default()
    }
}

impl State {
    /// Interest and fees unpaid on each balance, in their order.
    pub(crate) fn unpaid_by_balance(&self) -> Vec<Cents> {
        let of = |at: usize| -> Cents {
            let interest = self.interest.iter().filter(|one| one.balance == at);
            let fees = self.fees.iter().filter(|one| one.balance == at);
            interest.map(|one| one.unpaid).chain(fees.map(|one| one.unpaid)).sum()
        };
        (0..self.balances.len()).map(of).collect()
    }

    /// In how many cycles a promotion ends, and the rate then.
    pub(crate) fn after_promotion(&self, terms: &Terms, balance: &Balance) -> Option<(u32, Apr)> {
        let promotion = balance.promotion?;
        let mut closes_on = self.cycle.closes_on;
        for later in 0..600 {
            let starts_on = closes_on.succ_opt()?;
            if !promotion.holds(starts_on, self.cycle.since_opening() + later + 1) {
                let on = (starts_on, &self.cycle);
                let apr = balance.contract_rate(balance.principal(), terms, on).apr;
                return (later > 0).then_some((later, apr));
            }
            closes_on = self.schedule.close_of(starts_on);
        }
        None
    }
}

impl Repayment {
    /// By the terms of the close; `apr`: of what is no principal of any balance.
    pub(crate) fn of(record: &CycleRecord, terms: &Terms, apr: Apr) -> Option<Self> {
        let product = &terms.product;
        let owed = record.balance;
        if product.regime != Regime::Card || record.minimum.due >= owed || !owed.is_positive() {
            return None;
        }
        let mut parts: Vec<Part> = record
            .principals
            .iter()
            .map(|one| Part { balance: one.amount + one.charges, apr: one.apr, later: one.later })
            .collect();
        // Each rate is of the part of the balance that has it (Appendix M1(b)(3)); what is of none goes with the first.
        let rated: Cents = parts.iter().map(|part| part.balance).sum();
        match parts.first_mut() {
            Some(first) => first.balance += owed - rated,
            None => parts.push(Part { balance: owed, apr, later: None }),
        }
        Some(Self::estimate(&parts, &product.minimum, &record.minimum))
    }

    fn estimate(parts: &[Part], rule: &MinimumTerms, asked: &Minimum) -> Self {
        let monthly = in_36_months(parts);
        let Some((months, total)) = by_minimums(parts, rule, &asked.inputs) else {
            // Here no exception of (b)(12)(i)(F)(2) applies: (b)(12)(ii)(C).
            return Self::Never { in_36_months: to_dollars(monthly) };
        };
        // Months are told as years from two years on, rounded: three years are up to 41 months.
        let three_years_or_less = months < 42;
        let all = Cents::new(monthly.get().saturating_mul(36));
        let too_little = to_dollars(monthly) < asked.due;
        let in_36_months = (!three_years_or_less && !too_little).then(|| In36Months {
            monthly: to_dollars(monthly),
            total: to_dollars(all),
            savings: to_dollars(total) - to_dollars(all),
        });
        Self::Estimate { months, total: to_dollars(total), in_36_months }
    }
}

/// Months and total of minimum payments; `None` where they never end. What the formula takes from the past stays as it is today.
fn by_minimums(parts: &[Part], rule: &MinimumTerms, today: &MinimumInputs) -> Option<(u32, Cents)> {
    let mut parts = parts.to_vec();
    let mut total = Cents::ZERO;
    for month in 1..=MONTHS {
        let interest: Cents = parts.iter().map(|part| part.interest_in(month)).sum();
        let principal: Cents = parts.iter().map(|part| part.balance).sum();
        let owed = principal + interest;
        let inputs = MinimumInputs {
            principal,
            new_balance: owed,
            interest,
            total_owed: owed,
            credit_limit: today.credit_limit,
            principal_after_last_draw: today.principal_after_last_draw,
            highest_balance: today.highest_balance,
            apr: parts.first().map(|part| part.apr).unwrap_or_default(),
            ..MinimumInputs::default()
        };
        let payment = rule.apply(inputs).due.min(owed);
        for part in &mut parts {
            part.balance += part.interest_in(month);
        }
        parts.sort_by_key(|part| part.apr_in(month));
        let mut left = payment;
        for part in &mut parts {
            let taken = left.min(part.balance);
            part.balance -= taken;
            left -= taken;
        }
        total += payment;
        if payment >= owed {
            return Some((month, total));
        }
        let promotion_ends =
            parts.iter().any(|part| part.later.is_some_and(|(end, _)| end >= month));
        if payment <= interest && !promotion_ends {
            return None;
        }
    }
    None
}

/// Equal payments at the rate that weighs each balance's; a promotion counts for the share of 36 months that it has left.
fn in_36_months(parts: &[Part]) -> Cents {
    let balance: i128 = parts.iter().map(|part| i128::from(part.balance.get())).sum();
    let weighted: i128 = parts
        .iter()
        .map(|part| {
            let (months, later) = part.later.unwrap_or((36, part.apr));
            let months = i128::from(months.min(36));
            let ppm = i128::from(part.apr.ppm()) * months + i128::from(later.ppm()) * (36 - months);
            i128::from(part.balance.get()) * ppm
        })
        .sum();
    let whole = 36 * 12 * 1_000_000 * balance.max(1);
    let rate = money::divide(weighted * (ONE / 1_000_000), whole / 1_000_000, Rounding::HalfUp);
    let rate = rate.unwrap_or_default();
    level(balance, rate, 36, Rounding::HalfUp)
}

/// The equal monthly payment that pays a balance off in so many months, at a twelfth of the rate a month.
pub(crate) fn level_payment(balance: Cents, apr: Apr, months: u32, rounding: Rounding) -> Cents {
    let rate = i128::from(apr.ppm()) * (ONE / 12_000_000);
    level(i128::from(balance.get()), rate, months, rounding)
}

/// balance × rate × (1 + rate)^n ÷ ((1 + rate)^n − 1)
fn level(balance: i128, rate: i128, months: u32, rounding: Rounding) -> Cents {
    let grown = (0..months).fold(ONE, |grown, _| (grown * (ONE + rate) / ONE).min(MOST_GROWN));
    let (numerator, denominator, rounding) = if grown == ONE {
        (balance, months.max(1).into(), rounding)
    } else if grown == MOST_GROWN {
        (balance * rate, ONE, Rounding::Up)
    } else {
        (balance * (rate * grown / (grown - ONE)), ONE, rounding)
    };
    Cents::from_ratio(numerator, denominator, rounding).unwrap_or_default()
}

fn to_dollars(amount: Cents) -> Cents {
    let dollars = money::divide(i128::from(amount.get()), 100, Rounding::HalfUp);
    Cents::new(dollars.and_then(|count| i64::try_from(count * 100).ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::{MinimumArm, MinimumBase};

    fn part(dollars: i64, ppm: u32) -> Part {
        Part { balance: Cents::new(dollars * 100), apr: Apr::from_ppm(ppm), later: None }
    }

    fn minimum(arms: Vec<MinimumArm>) -> MinimumTerms {
        MinimumTerms { arms, ..MinimumTerms::default() }
    }

    /// 1,000.00 at 24 %: 2 % a month; 1.02^36 = 2.039887, so 1,000 × 0.02 × 2.039887 ÷ 1.039887 = 39.2329.
    #[test]
    fn thirty_six_equal_payments_pay_the_balance_off() {
        assert_eq!(in_36_months(&[part(1_000, 240_000)]), Cents::new(3_923));
        assert_eq!(in_36_months(&[part(360, 0)]), Cents::new(1_000));
    }

    /// 60.00 at 12 %, 25.00 a month: interest 0.60, 0.36, 0.11; payments 25.00, 25.00 and the rest, 11.07.
    #[test]
    fn minimums_are_paid_until_nothing_is_left() {
        let rule = minimum(vec![MinimumArm { amount: Cents::new(2_500), ..MinimumArm::default() }]);
        let paid = by_minimums(&[part(60, 120_000)], &rule, &MinimumInputs::default());
        assert_eq!(paid, Some((3, Cents::new(6_107))));
        let Repayment::Estimate { in_36_months, .. } =
            Repayment::estimate(&[part(60, 120_000)], &rule, &Minimum::default())
        else {
            unreachable!("it is paid off")
        };
        assert_eq!(in_36_months, None);
    }

    /// 1 % of the balance does not pay interest of 2 % a month.
    #[test]
    fn a_minimum_below_the_interest_never_ends() {
        let arm = MinimumArm {
            percent: Apr::from_ppm(10_000),
            of: MinimumBase::NewBalance,
            ..MinimumArm::default()
        };
        let estimate =
            Repayment::estimate(&[part(1_000, 240_000)], &minimum(vec![arm]), &Minimum::default());
        assert_eq!(estimate, Repayment::Never { in_36_months: Cents::new(3_900) });
    }
}
