//! What each return code asks of us, as `rails/returns.toml` has it (docs/payments.md, "Coming back").

use std::{collections::BTreeMap, sync::LazyLock};

use calendar::add_banking_days;
use chrono::{Days, NaiveDate};
use nacha::ReturnCode;
use serde::Deserialize;

use crate::RailError;

/// The rules of all codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnRules {
    pub alarms: Alarms,
    usual_banking_days: i32,
    otherwise: ReturnRule,
    rows: BTreeMap<ReturnCode, ReturnRule>,
}

/// Shares of the entries sent, at which somebody has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarms {
    pub days: u32,
    pub unauthorised_ppm: u32,
    pub administrative_ppm: u32,
    pub overall_ppm: u32,
    pub least_entries: u32,
}

/// What an entry that came back calls for, beside undoing its payment or draw.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnRule {
    #[serde(default)]
    codes: Vec<ReturnCode>,
    pub meaning: String,
    /// The word under which it is recorded.
    pub action: String,
    /// The same payment may be tried once more.
    #[serde(default)]
    pub retry: bool,
    #[serde(default)]
    pub disables_account: bool,
    /// Nothing authorised before is taken.
    #[serde(default)]
    pub revokes: bool,
    pub flag: Option<ReturnFlag>,
    /// The kind of case in which a person of ours looks into it.
    pub desk: Option<String>,
    #[serde(default)]
    pub class: ReturnClass,
    within_days: Option<u64>,
}

/// What is raised on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnFlag {
    Deceased,
    Fraud,
}

/// As what Nacha counts a return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnClass {
    Unauthorised,
    Administrative,
    #[default]
    Other,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    usual_banking_days: i32,
    alarms: Alarms,
    otherwise: ReturnRule,
    returns: Vec<ReturnRule>,
}

impl ReturnRules {
    /// The rules that are compiled in.
    ///
    /// # Errors
    /// The file does not parse, or gives a code two rows.
    pub fn embedded() -> Result<&'static Self, RailError> {
        static RULES: LazyLock<Result<ReturnRules, String>> =
            LazyLock::new(|| ReturnRules::parse(include_str!("../../../rails/returns.toml")));
        RULES.as_ref().map_err(|reason| RailError::Rules { reason: reason.clone() })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut rows = BTreeMap::new();
        for rule in file.returns {
            for code in &rule.codes {
                if rows.insert(*code, rule.clone()).is_some() {
                    return Err(format!("{code} has two rows"));
                }
            }
        }
        let File { usual_banking_days, alarms, otherwise, .. } = file;
        Ok(Self { alarms, usual_banking_days, otherwise, rows })
    }

    /// The rule of a code.
    #[must_use]
    pub fn of(&self, code: ReturnCode) -> &ReturnRule {
        self.rows.get(&code).unwrap_or(&self.otherwise)
    }

    /// The codes that Nacha counts in a class.
    pub fn codes_of(&self, class: ReturnClass) -> impl Iterator<Item = ReturnCode> {
        self.rows.iter().filter(move |(_, rule)| rule.class == class).map(|(code, _)| *code)
    }

    /// Whether an entry that settled on a day came back too late.
    #[must_use]
    pub fn late(&self, code: ReturnCode, settled_on: NaiveDate, returned_on: NaiveDate) -> bool {
        let last = match self.of(code).within_days {
            Some(days) => settled_on.checked_add_days(Days::new(days)),
            None => Some(add_banking_days(settled_on, self.usual_banking_days)),
        };
        last.is_some_and(|last| returned_on > last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(number: u8) -> ReturnCode {
        ReturnCode::new(number).unwrap()
    }

    fn where_true(rule: impl Fn(&ReturnRule) -> bool) -> Vec<u8> {
        let rules = ReturnRules::embedded().unwrap();
        (1..=85).filter(|number| rule(rules.of(code(*number)))).collect()
    }

    #[test]
    fn only_lack_of_funds_may_be_tried_again() {
        assert_eq!(where_true(|rule| rule.retry), [1, 9]);
    }

    #[test]
    fn an_account_the_customer_disowns_is_not_used_again() {
        let disabled = where_true(|rule| rule.disables_account);
        assert_eq!(disabled, [2, 3, 4, 5, 7, 10, 12, 14, 15, 16, 20, 29, 80, 81, 82, 83, 84, 85]);
        assert_eq!(where_true(|rule| rule.revokes), [5, 7, 29]);
    }

    #[test]
    fn each_code_that_a_person_must_look_into_names_the_desk() {
        let desk = |number: u8| ReturnRules::embedded().unwrap().of(code(number)).desk.as_deref();
        assert_eq!(desk(17), Some("fraud_review"));
        assert_eq!(desk(10), Some("fraud_review"));
        assert_eq!(desk(11), Some("billing"));
        assert_eq!(desk(16), Some("compliance"));
        for number in [5, 13, 23, 24, 29, 44, 61, 70, 85] {
            assert_eq!(desk(number), Some("operations"), "R{number:02}");
        }
        for number in [1, 2, 7, 8, 9, 14, 31] {
            assert_eq!(desk(number), None, "R{number:02}");
        }
    }

    #[test]
    fn what_nacha_counts_as_unauthorised_and_administrative() {
        let numbers = |class| {
            let codes = ReturnRules::embedded().unwrap().codes_of(class);
            codes.map(ReturnCode::number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(ReturnClass::Unauthorised), [5, 7, 10, 11, 29, 51, 53]);
        assert_eq!(numbers(ReturnClass::Administrative), [2, 3, 4]);
    }

    #[test]
    fn most_codes_come_within_two_banking_days_and_the_disowned_ones_within_sixty() {
        let rules = ReturnRules::embedded().unwrap();
        let day = |text: &str| text.parse().unwrap();
        // The Monday before Thanksgiving.
        let settled = day("2026-11-23");
        assert!(!rules.late(code(1), settled, day("2026-11-25")));
        assert!(rules.late(code(1), settled, day("2026-11-27")));
        assert!(!rules.late(code(10), settled, day("2027-01-22")));
        assert!(rules.late(code(10), settled, day("2027-01-23")));
    }

    #[test]
    fn a_code_with_two_rows_is_no_set_of_rules() {
        let text = include_str!("../../../rails/returns.toml");
        let twice = text.replace("codes = [\"R08\"]", "codes = [\"R08\", \"R01\"]");
        assert_eq!(ReturnRules::parse(&twice), Err("R01 has two rows".to_owned()));
    }
}
