//! The dates that Regulation B attaches to a decision (12 CFR 1002.9 and 1002.12).

use chrono::{Days, Months, NaiveDate};

/// When what is due, or over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// Notice of the action taken: 30 days after the application was complete.
    pub notice_due_on: NaiveDate,
    /// Notice after a counteroffer that was neither accepted nor used: 90 days after it was told.
    pub counteroffer_notice_due_on: NaiveDate,
    /// The applicant may ask for the reasons until 60 days after the notice.
    pub reasons_until: NaiveDate,
    /// The records must be kept until 25 months after the notice.
    pub legal_minimum_until: NaiveDate,
}

impl Clocks {
    /// For an application that became complete and a notice sent on these days.
    pub fn of(completed_on: NaiveDate, noticed_on: NaiveDate) -> Self {
        Self {
            notice_due_on: completed_on + Days::new(30),
            counteroffer_notice_due_on: noticed_on + Days::new(90),
            reasons_until: noticed_on + Days::new(60),
            legal_minimum_until: noticed_on + Months::new(25),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_of_vector_37() {
        let day = |text: &str| text.parse().unwrap();
        assert_eq!(
            Clocks::of(day("2026-03-02"), day("2026-03-10")),
            Clocks {
                notice_due_on: day("2026-04-01"),
                counteroffer_notice_due_on: day("2026-06-08"),
                reasons_until: day("2026-05-09"),
                legal_minimum_until: day("2028-04-10"),
            }
        );
    }
}
