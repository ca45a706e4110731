//! How many of our debits come back, against the shares at which Nacha looks at a lender (`rails/returns.toml`).

use calendar::{Tz, local_date};
use chrono::{Days, NaiveDate};
use rails::{Alarms, ReturnClass, ReturnRules};
use serde::Serialize;
use serde_json::json;
use store::{
    payments::{self, ReturnCounts},
    rail_files,
};

use super::again::AGAIN;
use crate::{Caller, Servicing, ServicingError, UseCase, authorise};

/// The debits of the last days, and what came back on those days, whenever it was debited: by its class, and one that came back again
/// also by that of its further code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReturnRates {
    pub days: u32,
    pub entries: i64,
    pub unauthorised: ReturnRate,
    pub administrative: ReturnRate,
    pub overall: ReturnRate,
    /// The newest day on which one of them came back, or came back again.
    pub last_on: Option<NaiveDate>,
}

/// One share, and the share at which somebody has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReturnRate {
    pub returns: i64,
    pub ppm: i64,
    pub limit_ppm: u32,
    pub alarm: bool,
}

impl ReturnRates {
    fn of(counts: ReturnCounts, alarms: Alarms, zone: Tz) -> Self {
        let rate = |returns: i64, limit_ppm: u32| {
            let ppm = returns * 1_000_000 / counts.entries.max(1);
            let alarm = counts.entries >= i64::from(alarms.least_entries)
                && returns * 1_000_000 > i64::from(limit_ppm) * counts.entries;
            ReturnRate { returns, ppm, limit_ppm, alarm }
        };
        Self {
            days: alarms.days,
            entries: counts.entries,
            unauthorised: rate(counts.unauthorised, alarms.unauthorised_ppm),
            administrative: rate(counts.administrative, alarms.administrative_ppm),
            overall: rate(counts.returned, alarms.overall_ppm),
            last_on: counts.last_on.max(counts.last_again_at.map(|at| local_date(at, zone))),
        }
    }

    /// The shares by name.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, ReturnRate); 3] {
        [
            ("unauthorised", self.unauthorised),
            ("administrative", self.administrative),
            ("overall", self.overall),
        ]
    }
}

impl Servicing {
    /// How many of our debits came back of late.
    pub async fn return_rates(&self, caller: Caller) -> Result<ReturnRates, ServicingError> {
        authorise(caller, UseCase::Operate, None, self.now())?;
        let rules = ReturnRules::embedded()?;
        let codes = |class| rules.codes_of(class).map(|code| code.to_string()).collect::<Vec<_>>();
        let (today, now, days) = (self.today(), self.now(), Days::new(rules.alarms.days.into()));
        let after = today.checked_sub_days(days).unwrap_or(today);
        let since = now.checked_sub_days(days).unwrap_or(now);
        let mut conn = self.store.app().acquire().await?;
        let counts = payments::count_returns(
            &mut conn,
            (after, since),
            AGAIN,
            &codes(ReturnClass::Unauthorised),
            &codes(ReturnClass::Administrative),
        )
        .await?;
        Ok(ReturnRates::of(counts, rules.alarms, self.zone))
    }

    /// Of each share that is too high somebody is told, in the log and in the record: once for the newest day on which something
    /// came back, by whichever run comes to it first.
    pub(super) async fn raise_alarms(&self) -> Result<(), ServicingError> {
        let rates = self.return_rates(Caller::system()).await?;
        let Some(last_on) = rates.last_on else { return Ok(()) };
        for (name, rate) in rates.named().into_iter().filter(|(_, rate)| rate.alarm) {
            let mut tx = self.store.app().begin().await?;
            let (alarm, day) = (format!("return.alarm {name}"), last_on.to_string());
            if !rail_files::note_once(&mut tx, &alarm, &day, self.now()).await? {
                continue;
            }
            let (returns, entries, days) = (rate.returns, rates.entries, rates.days);
            let payload = json!({"rate": name, "entries": entries, "days": days, "what": rate});
            self.trail(&mut tx, audit::Stream::System, "return.alarm", payload).await?;
            tracing::error!(
                rate = name,
                "{returns} debits came back in {days} days ({name}), and {entries} were made: more than may"
            );
            tx.commit().await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarms(unauthorised: i64, administrative: i64, returned: i64, entries: i64) -> [bool; 3] {
        let (last_on, last_again_at) = (None, None);
        let counts = ReturnCounts {
            entries,
            returned,
            unauthorised,
            administrative,
            last_on,
            last_again_at,
        };
        let rates = ReturnRates::of(counts, ReturnRules::embedded().unwrap().alarms, Tz::UTC);
        rates.named().map(|(_, rate)| rate.alarm)
    }

    #[test]
    fn an_alarm_is_raised_above_half_a_percent_three_percent_and_fifteen_percent() {
        assert_eq!(alarms(5, 30, 150, 1_000), [false, false, false]);
        assert_eq!(alarms(6, 30, 150, 1_000), [true, false, false]);
        assert_eq!(alarms(5, 31, 150, 1_000), [false, true, false]);
        assert_eq!(alarms(5, 30, 151, 1_000), [false, false, true]);
    }

    #[test]
    fn a_handful_of_debits_says_nothing() {
        assert_eq!(alarms(1, 1, 5, 5), [false, false, false]);
        assert_eq!(alarms(0, 0, 0, 0), [false, false, false]);
    }
}
