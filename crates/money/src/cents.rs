//! Amounts of money.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign, Neg, Sub, SubAssign},
};

use serde::{Deserialize, Serialize};

use crate::{Rounding, divide};

/// A signed amount of US dollars in whole cents.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Cents(i64);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("`{0}` is not an amount of dollars, such as 1,234.56")]
    NotAnAmount(String),
    #[error("`{0}` has more than two decimals")]
    FractionOfACent(String),
    #[error("`{0}` is beyond what can be held")]
    TooLarge(String),
}

impl Cents {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn new(cents: i64) -> Self {
        Self(cents)
    }

    /// The number of cents.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// The amount, or zero where it is negative.
    #[must_use]
    pub fn or_zero(self) -> Self {
        self.max(Self::ZERO)
    }

    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// `numerator / denominator` cents, rounded once.
    ///
    /// `None` when the denominator is not positive or the result is beyond `i64`.
    #[must_use]
    pub fn from_ratio(numerator: i128, denominator: i128, rounding: Rounding) -> Option<Self> {
        i64::try_from(divide(numerator, denominator, rounding)?).ok().map(Self)
    }

    /// `ppm` parts per million of the amount, rounded once.
    #[must_use]
    pub fn mul_ppm(self, ppm: u32, rounding: Rounding) -> Option<Self> {
        Self::from_ratio(i128::from(self.0) * i128::from(ppm), 1_000_000, rounding)
    }

    /// Reads `1234.5`, `1,234.56`, `$1,234.56` or `-0.01`. A fraction of a cent is refused, never rounded.
    pub fn parse_dollars(text: &str) -> Result<Self, MoneyError> {
        let not_an_amount = || MoneyError::NotAnAmount(text.to_owned());
        let trimmed = text.trim();
        let (negative, unsigned) = match trimmed.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, trimmed),
        };
        let plain = unsigned.strip_prefix('$').unwrap_or(unsigned);
        let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
        let digits = ungrouped(whole).ok_or_else(not_an_amount)?;
        if !fraction.bytes().all(|byte| byte.is_ascii_digit())
            || (plain.contains('.') && fraction.is_empty())
        {
            return Err(not_an_amount());
        }
        if fraction.len() > 2 {
            return Err(MoneyError::FractionOfACent(text.to_owned()));
        }
        format!("{digits}{fraction:0<2}")
            .parse::<i64>()
            .map(|cents| Self(if negative { -cents } else { cents }))
            .map_err(|_| MoneyError::TooLarge(text.to_owned()))
    }
}

/// The digits of a whole number written with or without thousands separators; `None` where they are misplaced.
fn ungrouped(whole: &str) -> Option<String> {
    let groups: Vec<&str> = whole.split(',').collect();
    let all_digits = groups
        .iter()
        .all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()));
    let grouped = match groups.as_slice() {
        [_] => true,
        [first, rest @ ..] => first.len() <= 3 && rest.iter().all(|group| group.len() == 3),
        [] => false,
    };
    (all_digits && grouped).then(|| groups.concat())
}

/// As statements print it: `$1,234.56`, `-$5.00`.
impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let dollars = (magnitude / 100).to_string();
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}$")?;
        for (at, digit) in dollars.chars().enumerate() {
            if at > 0 && (dollars.len() - at).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        write!(f, ".{:02}", magnitude % 100)
    }
}

impl Add for Cents {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Cents {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Cents {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Cents {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Cents {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Cents {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl<'a> Sum<&'a Cents> for Cents {
    fn sum<I: Iterator<Item = &'a Self>>(amounts: I) -> Self {
        amounts.copied().sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dollars_are_read_as_people_write_them() {
        let cases = [
            ("1000.00", 100_000),
            ("1,234.56", 123_456),
            ("$50", 5_000),
            ("0.5", 50),
            ("-0.01", -1),
            (" 7 ", 700),
        ];
        for (text, cents) in cases {
            assert_eq!(Cents::parse_dollars(text), Ok(Cents::new(cents)), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in ["", "$", ".5", "5.", "1,00", "12,34.00", "1e3", "five", "--5", "5 0", "0.00.1"]
        {
            assert_eq!(
                Cents::parse_dollars(text),
                Err(MoneyError::NotAnAmount(text.to_owned())),
                "{text}"
            );
        }
        assert_eq!(Cents::parse_dollars("1.005"), Err(MoneyError::FractionOfACent("1.005".into())));
        let long = "9".repeat(30);
        assert_eq!(Cents::parse_dollars(&long), Err(MoneyError::TooLarge(long.clone())));
    }

    #[test]
    fn a_share_in_ppm_is_rounded_once() {
        assert_eq!(Cents::new(33).mul_ppm(20_000, Rounding::HalfUp), Some(Cents::new(1)));
        assert_eq!(Cents::new(25).mul_ppm(20_000, Rounding::HalfUp), Some(Cents::new(1)));
        assert_eq!(Cents::new(24).mul_ppm(20_000, Rounding::HalfUp), Some(Cents::ZERO));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(cents in -1_000_000_000_000_i64..1_000_000_000_000) {
            let amount = Cents::new(cents);
            let printed = amount.to_string();
            prop_assert_eq!(Cents::parse_dollars(&printed), Ok(amount));
        }
    }
}
