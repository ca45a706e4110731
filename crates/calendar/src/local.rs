//! Instants and local dates.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// The date on the wall calendar of `zone` at `instant`.
#[must_use]
pub fn local_date(instant: DateTime<Utc>, zone: Tz) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

/// The date on which something completed at `instant` counts: that day up to and including the cut-off by the wall clock,
/// else the next calendar day (12 CFR 1026.10; docs/payments.md).
#[must_use]
pub fn effective_on(instant: DateTime<Utc>, cutoff: NaiveTime, zone: Tz) -> NaiveDate {
    let local = instant.with_timezone(&zone).naive_local();
    if local.time() <= cutoff {
        local.date()
    } else {
        local.date().succ_opt().unwrap_or(NaiveDate::MAX)
    }
}

/// The instant at which the wall clock of `zone` shows `time` on `date`; the earlier one where it shows it twice, the
/// first one after the gap where it never does.
#[must_use]
pub fn instant_of(date: NaiveDate, time: NaiveTime, zone: Tz) -> DateTime<Utc> {
    let mut wall = date.and_time(time);
    loop {
        if let Some(instant) = zone.from_local_datetime(&wall).earliest() {
            return instant.with_timezone(&Utc);
        }
        wall += chrono::TimeDelta::minutes(15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::America::Los_Angeles;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn cutoff() -> NaiveTime {
        NaiveTime::from_hms_opt(17, 0, 0).unwrap()
    }

    #[test]
    fn five_o_clock_is_wall_clock_on_both_sides_of_a_time_change() {
        for (instant, date) in
            [("2026-11-02T01:00:00Z", "2026-11-01"), ("2027-03-15T00:00:00Z", "2027-03-14")]
        {
            assert_eq!(effective_on(utc(instant), cutoff(), ZONE), date.parse().unwrap());
            let expected = utc(instant);
            assert_eq!(instant_of(date.parse().unwrap(), cutoff(), ZONE), expected);
        }
    }

    #[test]
    fn a_second_past_the_cut_off_counts_on_the_next_calendar_day() {
        let friday = utc("2026-11-21T01:00:01Z");
        let saturday: NaiveDate = "2026-11-21".parse().unwrap();
        assert_eq!(effective_on(friday, cutoff(), ZONE), saturday);
        assert_eq!(local_date(friday, ZONE), "2026-11-20".parse().unwrap());
    }

    #[test]
    fn an_hour_that_never_was_is_read_as_the_first_after_it() {
        let half_past_two = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        let instant = instant_of("2027-03-14".parse().unwrap(), half_past_two, ZONE);
        assert_eq!(instant, utc("2027-03-14T10:00:00Z"));
    }
}
