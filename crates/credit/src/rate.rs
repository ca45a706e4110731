//! Rates as integers over one denominator, so that a cycle's interest is a sum of integers and is rounded once.
//!
//! Invariant: every daily or monthly rate that a product can state (any basis, any number of digits up to ten) is a whole number
//! of `DENOMINATOR`ths.

use chrono::{Datelike, NaiveDate};
use money::{Apr, Cents, Rounding, divide};
use serde::{Deserialize, Serialize};

/// The least common multiple of 360, 365 and 366.
const YEARS: i128 = 1_603_080;
const SCALE: i128 = 1_000_000_000_000;
const PPM: i128 = 1_000_000;

/// What numerators of interest are divided by to give cents.
pub const DENOMINATOR: i128 = YEARS * SCALE;

/// How many days a year has when a yearly rate is divided into days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DayBasis {
    #[serde(rename = "360")]
    D360,
    #[default]
    #[serde(rename = "365")]
    D365,
    /// 366 for the days of a leap year, 365 for the others.
    #[serde(rename = "actual")]
    Actual,
    /// Every month has 30 days: the 31st costs nothing more, and the end of February as many days as it lacks.
    #[serde(rename = "30/360")]
    Months30,
}

impl DayBasis {
    #[must_use]
    pub fn days(self, on: NaiveDate) -> i128 {
        match self {
            Self::D360 | Self::Months30 => 360,
            Self::Actual if on.leap_year() => 366,
            Self::D365 | Self::Actual => 365,
        }
    }

    /// As how many days those from `from` through `through` count.
    #[must_use]
    pub fn counted(self, from: NaiveDate, through: NaiveDate) -> i64 {
        if self != Self::Months30 {
            return (through - from).num_days() + 1;
        }
        let number = |day: NaiveDate| {
            i64::from(day.year()) * 360
                + i64::from(day.month0()) * 30
                + i64::from(day.day().min(30))
        };
        number(through.succ_opt().unwrap_or(through)) - number(from)
    }
}

/// Rounding of a periodic rate before it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateDigits {
    /// Decimals of the *percentage*: 5 turns 0.0657534 % into 0.06575 %. At most 8.
    pub decimals: u32,
    #[serde(default)]
    pub rounding: Rounding,
}

/// The share of a balance that a counted day costs, in `DENOMINATOR`ths.
#[must_use]
pub fn daily(apr: Apr, basis: DayBasis, digits: Option<RateDigits>, on: NaiveDate) -> i128 {
    periodic(apr, basis.days(on), digits)
}

/// The same for a day of the calendar, which may count as none or as several.
#[must_use]
pub fn of_day(apr: Apr, basis: DayBasis, digits: Option<RateDigits>, on: NaiveDate) -> i128 {
    daily(apr, basis, digits, on) * i128::from(basis.counted(on, on))
}

/// The share of a balance that one month costs, in `DENOMINATOR`ths.
#[must_use]
pub fn monthly(apr: Apr, digits: Option<RateDigits>) -> i128 {
    periodic(apr, 12, digits)
}

fn periodic(apr: Apr, periods: i128, digits: Option<RateDigits>) -> i128 {
    let ppm = i128::from(apr.ppm());
    match digits {
        None => ppm * (DENOMINATOR / PPM / periods),
        Some(digits) => {
            let unit = 10_i128.pow(digits.decimals.min(8) + 2);
            let rounded = divide(ppm * unit, PPM * periods, digits.rounding).unwrap_or_default();
            rounded * (DENOMINATOR / unit)
        }
    }
}

/// Numerators to cents: the one rounding.
#[must_use]
pub fn to_cents(numerator: i128, rounding: Rounding) -> Cents {
    Cents::from_ratio(numerator, DENOMINATOR, rounding).unwrap_or_default()
}

/// A numerator as dollars with `decimals` decimals, e.g. `0.6575`.
#[must_use]
pub fn to_dollar_text(numerator: i128, decimals: u32) -> String {
    let unit = 10_i128.pow(decimals);
    let whole = divide(numerator * unit, DENOMINATOR * 100, Rounding::HalfUp).unwrap_or_default();
    let (sign, size) = (if whole < 0 { "-" } else { "" }, whole.abs());
    let width = usize::try_from(decimals).unwrap_or_default();
    format!("{sign}{}.{:0width$}", size / unit, size % unit)
}

/// A periodic rate as a percentage with `decimals` decimals, e.g. `0.065753%`.
#[must_use]
pub fn to_percent_text(rate: i128, decimals: u32) -> String {
    let unit = 10_i128.pow(decimals);
    let whole = divide(rate * 100, DENOMINATOR / unit, Rounding::HalfUp).unwrap_or_default();
    let width = usize::try_from(decimals).unwrap_or_default();
    format!("{}.{:0width$}%", whole / unit, whole % unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_daily_rate_is_exact_unless_the_product_rounds_it() {
        let apr = Apr::from_ppm(240_000);
        let on = day("2026-09-01");
        assert_eq!(daily(apr, DayBasis::D365, None, on) * 365, DENOMINATOR * 24 / 100);
        let digits = RateDigits { decimals: 5, rounding: Rounding::HalfUp };
        let rounded = daily(apr, DayBasis::D365, Some(digits), on);
        assert_eq!(to_percent_text(rounded, 6), "0.065750%");
        assert_eq!(to_percent_text(daily(apr, DayBasis::D365, None, on), 6), "0.065753%");
        assert_eq!(monthly(apr, None) * 12, DENOMINATOR * 24 / 100);
    }

    #[test]
    fn a_leap_year_counts_366_days_only_on_the_actual_basis() {
        assert_eq!(DayBasis::Actual.days(day("2028-02-01")), 366);
        assert_eq!(DayBasis::Actual.days(day("2027-02-01")), 365);
        assert_eq!(DayBasis::D365.days(day("2028-02-01")), 365);
    }

    #[test]
    fn months_of_thirty_days_add_up_to_thirty() {
        let counted = |from, through| DayBasis::Months30.counted(day(from), day(through));
        for (from, through) in [
            ("2026-01-01", "2026-01-31"),
            ("2026-02-01", "2026-02-28"),
            ("2028-02-01", "2028-02-29"),
            ("2026-01-15", "2026-02-14"),
        ] {
            assert_eq!(counted(from, through), 30, "{from}");
            let each: i64 = day(from)
                .iter_days()
                .take_while(|one| *one <= day(through))
                .map(|one| DayBasis::Months30.counted(one, one))
                .sum();
            assert_eq!(each, 30, "{from}");
        }
        assert_eq!(counted("2026-01-30", "2026-01-30"), 0);
        assert_eq!(counted("2026-02-28", "2026-02-28"), 3);
        assert_eq!(DayBasis::D365.counted(day("2026-01-01"), day("2026-01-31")), 31);
    }

    #[test]
    fn numerators_print_as_dollars() {
        let per_diem =
            100_000 * daily(Apr::from_ppm(240_000), DayBasis::D365, None, day("2026-10-01"));
        assert_eq!(to_dollar_text(per_diem, 4), "0.6575");
        assert_eq!(to_dollar_text(-per_diem, 2), "-0.66");
    }
}
