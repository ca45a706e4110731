//! Time as the business reckons it: the injected clock, local dates, cut-offs, banking days and dates as people say them.
//!
//! Invariants: the wall clock is read in `Clock` and nowhere else; a business date is a local date in one IANA zone, and a
//! day of 23 or 25 hours is one day. What is absent: billing rules (`credit`).

mod banking;
mod clock;
mod local;
mod months;
mod spoken;

pub use banking::{add_banking_days, banking_day_on_or_after, federal_holidays, is_banking_day};
pub use clock::{Clock, Hand};
pub use local::{effective_on, instant_of, local_date};
pub use months::{add_months, last_day_of_month, month_named, spanish_date};
pub use spoken::{SpokenDate, SpokenDateError};

/// An IANA time zone.
pub use chrono_tz::Tz;
