//! Banking days: Monday to Friday, less the holidays of the Federal Reserve Banks. A holiday on a
//! Saturday is not moved, one on a Sunday moves to the Monday.

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// The holidays of a year on which the Federal Reserve Banks close, in order. One that falls on a Sunday is kept on the
/// Monday; one that falls on a Saturday closes nothing and is left out.
#[must_use]
pub fn federal_holidays(year: i32) -> Vec<NaiveDate> {
    let fixed = [(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)]
        .into_iter()
        .filter_map(|(month, day)| observed(NaiveDate::from_ymd_opt(year, month, day)?));
    let floating = [(1, 3, Weekday::Mon), (2, 3, Weekday::Mon), (9, 1, Weekday::Mon)]
        .into_iter()
        .chain([(10, 2, Weekday::Mon), (11, 4, Weekday::Thu)])
        .filter_map(|(month, nth, weekday)| {
            NaiveDate::from_weekday_of_month_opt(year, month, weekday, nth)
        });
    let memorial = (1..=31)
        .rev()
        .filter_map(|day| NaiveDate::from_ymd_opt(year, 5, day))
        .find(|date| date.weekday() == Weekday::Mon);
    let mut holidays: Vec<_> = fixed.chain(floating).chain(memorial).collect();
    holidays.sort_unstable();
    holidays
}

fn observed(date: NaiveDate) -> Option<NaiveDate> {
    match date.weekday() {
        Weekday::Sat => None,
        Weekday::Sun => date.succ_opt(),
        _ => Some(date),
    }
}

#[must_use]
pub fn is_banking_day(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
        && !federal_holidays(date.year()).contains(&date)
}

/// `date` itself, or the first banking day after it.
#[must_use]
pub fn banking_day_on_or_after(date: NaiveDate) -> NaiveDate {
    date.iter_days().find(|day| is_banking_day(*day)).unwrap_or(date)
}

/// The `days`-th banking day after `date`, or before it where `days` is negative; `date` itself for zero.
#[must_use]
pub fn add_banking_days(date: NaiveDate, days: i32) -> NaiveDate {
    let step = |from: NaiveDate| {
        let one = Days::new(1);
        if days < 0 { from.checked_sub_days(one) } else { from.checked_add_days(one) }
    };
    let mut left = days.unsigned_abs();
    let mut day = date;
    while left > 0 {
        let Some(next) = step(day) else { break };
        day = next;
        left -= u32::from(is_banking_day(day));
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_fed_closes_on_these_days() {
        let expected = [
            "2026-01-01 2026-01-19 2026-02-16 2026-05-25 2026-06-19 2026-09-07 2026-10-12 2026-11-11 2026-11-26 2026-12-25",
            "2027-01-01 2027-01-18 2027-02-15 2027-05-31 2027-07-05 2027-09-06 2027-10-11 2027-11-11 2027-11-25",
            "2028-01-17 2028-02-21 2028-05-29 2028-06-19 2028-07-04 2028-09-04 2028-10-09 2028-11-23 2028-12-25",
        ];
        for (year, dates) in (2026..).zip(expected) {
            let holidays: Vec<_> = federal_holidays(year).iter().map(ToString::to_string).collect();
            assert_eq!(holidays.join(" "), dates);
        }
    }

    #[test]
    fn banking_days_step_over_weekends_and_holidays_both_ways() {
        assert_eq!(add_banking_days(day("2026-11-30"), -3), day("2026-11-24"));
        assert_eq!(add_banking_days(day("2026-11-24"), 3), day("2026-11-30"));
        assert_eq!(add_banking_days(day("2026-11-28"), 0), day("2026-11-28"));
        assert_eq!(banking_day_on_or_after(day("2026-11-26")), day("2026-11-27"));
        assert_eq!(banking_day_on_or_after(day("2026-11-27")), day("2026-11-27"));
    }
}
