//! Scenario files: lines with their terms and dated events in, every figure with its derivation out.
//!
//! Invariants: a scenario is lived day by day as a servicer would live it (what is learned late is learned late), with the same
//! engine; the report of a scenario is a function of its text and the catalogue. What is absent: reading files. The format is
//! described in `docs/scenario.md`.

mod brought;
mod checks;
mod events;
mod facts;
mod file;
mod live;
mod notes;
mod places;
mod products;
mod report;
mod text;

pub use report::{Compared, ComparedPayoff, DailyBalance, LineReport, NamedQuote, Report, WhatIf};

use chrono::NaiveDate;
use money::Apr;

use crate::{BroughtForward, CreditError, LineEventBody, ProductCatalog, Terms, TextError};

/// A scenario that has been read and checked.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub(crate) as_of: NaiveDate,
    pub(crate) lines: Vec<ScenarioLine>,
}

#[derive(Clone, Debug)]
pub(crate) struct ScenarioLine {
    pub(crate) name: String,
    pub(crate) terms: Terms,
    /// A rate that the file states for the line and no feature has.
    pub(crate) unused_apr: Option<Apr>,
    pub(crate) opened_on: NaiveDate,
    pub(crate) brought_forward: Option<(NaiveDate, BroughtForward)>,
    pub(crate) events: Vec<DatedEvent>,
    pub(crate) payoffs: Vec<NaiveDate>,
    pub(crate) what_ifs: Vec<ScenarioWhatIf>,
}

#[derive(Clone, Debug)]
pub(crate) struct DatedEvent {
    pub(crate) on: NaiveDate,
    pub(crate) recorded_on: NaiveDate,
    pub(crate) body: Body,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) id: Option<String>,
    /// The id of the event that it is about.
    pub(crate) refers_to: Option<String>,
}

/// What happens: an event as it stands, or one that needs the position of the day to be complete.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Is(LineEventBody),
    /// Whose fee is what the product asks for of the right amount.
    Corrected(LineEventBody),
    /// A draw whose fee is the product's.
    Draw(LineEventBody),
    /// A returned payment whose fee is the product's.
    Return(LineEventBody),
}

#[derive(Clone, Debug)]
pub(crate) struct ScenarioWhatIf {
    pub(crate) name: String,
    pub(crate) as_of: NaiveDate,
    pub(crate) terms: Terms,
    pub(crate) without: Vec<String>,
    pub(crate) events: Vec<DatedEvent>,
    pub(crate) payoffs: Vec<NaiveDate>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("line {line}, column {column}: the engine refuses this event: {source}")]
    Event { line: usize, column: usize, source: CreditError },
    #[error("the engine refuses credit line `{name}`: {source}")]
    Line { name: String, source: CreditError },
}

/// Reads a scenario. Errors name the line and the column.
pub fn parse(text: &str, catalog: &ProductCatalog) -> Result<Scenario, ScenarioError> {
    file::parse(text, catalog).map_err(ScenarioError::from)
}

/// Lives a scenario.
pub fn run(scenario: &Scenario) -> Result<Report, ScenarioError> {
    let lines = scenario
        .lines
        .iter()
        .map(|line| live::run(line, scenario.as_of))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Report::of(scenario.as_of, lines))
}
