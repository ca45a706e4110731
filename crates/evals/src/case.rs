//! A case: a world, what the customer says and does, and the facts that have to hold afterwards.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// One conversation and what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub id: String,
    /// The part of the work it belongs to: `balance`, `payment`, `rights`...
    pub slice: String,
    /// A world under `worlds/`, by its file name.
    pub world: String,
    /// What happens, in order.
    pub steps: Vec<CaseStep>,
    #[serde(default)]
    pub expect: Expectations,
}

/// One thing the customer does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStep {
    /// Says this and waits for the answer.
    Say(String),
    /// Confirms the sheet that stands open, on the authenticated route.
    Confirm,
    /// Says no to it there.
    Refuse,
}

/// Facts, the ledger's first. What is not named is not graded; hard rules are graded in every case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expectations {
    /// Tools that have to be called in the last turn, in any order.
    pub tools: Vec<String>,
    /// Tools that may not be called in any turn.
    pub never_tools: Vec<String>,
    /// The intent that has to have been proposed.
    pub intent: Option<ExpectedIntent>,
    /// That no intent may have been proposed.
    pub no_intent: bool,
    /// Payments standing at the end, by amount and date.
    pub payments: Option<Vec<ExpectedPayment>>,
    /// Result fields whose text has to be said, as `tool.field`.
    pub figures: Vec<String>,
    /// Policy documents of which one has to be cited.
    pub cites: Vec<String>,
    /// Kinds of case that have to be open.
    pub cases: Vec<String>,
    /// That no case may be opened.
    pub no_case: bool,
    /// That a person was asked for.
    pub hand_off: Option<bool>,
    /// That the stored reasons of the decision are shown, byte for byte.
    pub reasons: bool,
    /// Words of which one has to be said, whatever the case of letters.
    pub says_one_of: Vec<String>,
    pub never_says: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedIntent {
    pub tool: String,
    pub amount_cents: Option<i64>,
    pub on: Option<NaiveDate>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedPayment {
    pub amount_cents: i64,
    pub on: NaiveDate,
    pub status: String,
}
