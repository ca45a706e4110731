//! The rails of a draw, as `rails/draws.toml` has them: when the money leaves, and from when it is available.

use std::sync::LazyLock;

use calendar::{Tz, add_banking_days, banking_day_on_or_after, effective_on};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use money::Cents;
use serde::Deserialize;

use crate::RailError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawRails {
    pub standard: StandardRail,
    pub instant: InstantRail,
    pub second_look: SecondLook,
}

/// An ACH credit in the next file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardRail {
    cut_off: NaiveTime,
    available_after_banking_days: i32,
    gives_up_after_banking_days: i32,
}

/// The bank's request and response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstantRail {
    gives_up_after_minutes: i64,
    leaves_within_minutes: i64,
}

/// When a person looks at a draw before it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondLook {
    account_days: i64,
    amount_cents: i64,
    contact_days: i64,
}

impl DrawRails {
    /// The rails that are compiled in.
    ///
    /// # Errors
    /// The file does not parse.
    pub fn embedded() -> Result<&'static Self, RailError> {
        static RAILS: LazyLock<Result<DrawRails, String>> = LazyLock::new(|| {
            toml::from_str(include_str!("../../../rails/draws.toml"))
                .map_err(|error| error.to_string())
        });
        RAILS.as_ref().map_err(|reason| RailError::Rules { reason: reason.clone() })
    }
}

impl StandardRail {
    /// The day of the file that takes up a draw asked for at `at`.
    #[must_use]
    pub fn leaves_on(&self, at: DateTime<Utc>, zone: Tz) -> NaiveDate {
        banking_day_on_or_after(effective_on(at, self.cut_off, zone))
    }

    /// The day the money of a day's file is made available.
    #[must_use]
    pub fn available_on(&self, leaves_on: NaiveDate) -> NaiveDate {
        add_banking_days(leaves_on, self.available_after_banking_days)
    }

    /// The last day on which a draw that was to leave may still do so.
    #[must_use]
    pub fn last_on(&self, leaves_on: NaiveDate) -> NaiveDate {
        add_banking_days(leaves_on, self.gives_up_after_banking_days)
    }
}

impl InstantRail {
    /// How long a transfer may go unknown at the bank.
    #[must_use]
    pub const fn patience(&self) -> TimeDelta {
        TimeDelta::minutes(self.gives_up_after_minutes)
    }

    /// How old a draw may be that is handed to the bank.
    #[must_use]
    pub const fn leaves_within(&self) -> TimeDelta {
        TimeDelta::minutes(self.leaves_within_minutes)
    }
}

impl SecondLook {
    /// Whether draws that come to `total` now wait for a person, to an account that was added at `added_at`.
    #[must_use]
    pub fn wanted(&self, total: Cents, added_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        total.get() >= self.amount_cents && now - added_at < TimeDelta::days(self.account_days)
    }

    /// Whether draws that come to `total` since the customer's address was changed wait for a person.
    #[must_use]
    pub fn wanted_after_change(
        &self,
        total: Cents,
        changed_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> bool {
        total.get() >= self.amount_cents && now - changed_at < TimeDelta::days(self.contact_days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_looks_at_a_large_draw_to_an_account_of_less_than_a_week() {
        let look = DrawRails::embedded().unwrap().second_look;
        let added = "2026-11-20T20:00:00Z".parse().unwrap();
        let wanted = |cents, now: &str| look.wanted(Cents::new(cents), added, now.parse().unwrap());
        assert!(wanted(150_000, "2026-11-20T20:00:00Z"));
        assert!(wanted(150_000, "2026-11-27T19:59:59Z"));
        assert!(!wanted(150_000, "2026-11-27T20:00:00Z"));
        assert!(!wanted(149_999, "2026-11-20T20:00:00Z"));
        let moved = |cents, now: &str| {
            look.wanted_after_change(Cents::new(cents), added, now.parse().unwrap())
        };
        assert!(moved(150_000, "2026-12-20T19:59:59Z"));
        assert!(!moved(150_000, "2026-12-20T20:00:00Z"));
        assert!(!moved(149_999, "2026-11-24T20:00:00Z"));
    }

    #[test]
    fn a_draw_after_the_cut_off_or_on_a_holiday_leaves_with_the_next_file() {
        let standard = DrawRails::embedded().unwrap().standard;
        let zone = Tz::America__Los_Angeles;
        let cases = [
            // Wednesday before Thanksgiving, at noon and after five.
            ("2026-11-25T20:00:00Z", "2026-11-25", "2026-11-27"),
            ("2026-11-26T01:00:01Z", "2026-11-27", "2026-11-30"),
            ("2026-11-28T20:00:00Z", "2026-11-30", "2026-12-01"),
        ];
        for (at, leaves_on, available_on) in cases {
            let leaves = standard.leaves_on(at.parse().unwrap(), zone);
            assert_eq!(leaves, leaves_on.parse().unwrap(), "{at}");
            assert_eq!(standard.available_on(leaves), available_on.parse().unwrap(), "{at}");
        }
    }
}
