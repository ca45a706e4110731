//! Closing dates and banking days.

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// When the cycles of a line close. The first cycle begins on the day the line is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cycle {
    pub first_close: NaiveDate,
    /// Day of the month of the later closes; in a shorter month its last day. 31 is the month's end.
    pub day: u32,
}

impl Cycle {
    /// The closes from the first up to and with `through`.
    pub fn closes(self, through: NaiveDate) -> Vec<NaiveDate> {
        let mut closes = Vec::new();
        let mut close = self.first_close;
        while close <= through {
            closes.push(close);
            close = self.in_month_after(close);
        }
        closes
    }

    /// The first of its dates on or after `date`.
    pub(crate) fn next_on(self, date: NaiveDate) -> NaiveDate {
        let mut day = date;
        while day.day() != self.day
            && !(day.day() < self.day && later(day, 1).month() != day.month())
        {
            day = later(day, 1);
        }
        day
    }

    pub(crate) fn in_month_after(self, date: NaiveDate) -> NaiveDate {
        let (year, month) =
            if date.month() == 12 { (date.year() + 1, 1) } else { (date.year(), date.month() + 1) };
        (1..=self.day)
            .rev()
            .find_map(|day| NaiveDate::from_ymd_opt(year, month, day))
            .unwrap_or(NaiveDate::MAX)
    }
}

/// Monday to Friday, and no holiday of the Federal Reserve.
pub fn is_banking_day(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun) && !is_holiday(date)
}

pub fn banking_day_on_or_after(date: NaiveDate) -> NaiveDate {
    let mut day = date;
    while !is_banking_day(day) {
        day = later(day, 1);
    }
    day
}

/// The `count`-th banking day after `date`, which itself does not count.
pub(crate) fn banking_days_after(date: NaiveDate, count: u32) -> NaiveDate {
    (0..count).fold(date, |day, _| banking_day_on_or_after(later(day, 1)))
}

pub(crate) fn later(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
}

pub(crate) fn day_before(date: NaiveDate) -> NaiveDate {
    date.checked_sub_days(Days::new(1)).unwrap_or(NaiveDate::MIN)
}

/// A holiday on a Sunday is kept on the Monday; one on a Saturday closes no weekday.
fn is_holiday(date: NaiveDate) -> bool {
    let fixed = |day: NaiveDate| {
        matches!((day.month(), day.day()), (1, 1) | (6, 19) | (7, 4) | (11, 11) | (12, 25))
    };
    let moved_here = date.weekday() == Weekday::Mon && fixed(day_before(date));
    fixed(date) || moved_here || is_floating_holiday(date)
}

fn is_floating_holiday(date: NaiveDate) -> bool {
    let nth = (date.day() - 1) / 7 + 1;
    let last = later(date, 7).month() != date.month();
    match (date.month(), date.weekday()) {
        (1 | 2, Weekday::Mon) => nth == 3,
        (5, Weekday::Mon) => last,
        (9, Weekday::Mon) => nth == 1,
        (10, Weekday::Mon) => nth == 2,
        (11, Weekday::Thu) => nth == 4,
        _ => false,
    }
}
