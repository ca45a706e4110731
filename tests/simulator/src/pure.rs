//! The fast level: no database, no bank; a random life lived through the engine and judged by the oracle.

use std::fmt;

use chrono::NaiveDate;
use serde::Serialize;

use crate::{history::History, judge, life, living::Living, shrink::shrink};

/// A seed at which something is wrong, with the smallest history found that shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    pub seed: u64,
    pub days: u64,
    pub why: String,
    /// Of the smaller history.
    pub why_small: String,
    pub history: History,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lived {
    pub days: u64,
    pub happenings: u64,
    pub statements: u64,
}

/// Lives one seed for so many days.
pub fn run(seed: u64, days: u64) -> Result<Lived, Box<Failure>> {
    let (history, living) = match life::live(seed, days) {
        Ok(lived) => lived,
        Err(error) => {
            let history = History::none();
            let why = format!("{error:#}");
            return Err(Box::new(Failure { seed, days, why_small: why.clone(), why, history }));
        }
    };
    let history = history.past_a_close();
    if let Err(why) = judged(&history, living) {
        let (history, why_small) = shrink(&history, |smaller| {
            let smaller = smaller.past_a_close();
            // One that the engine does not take is another matter.
            judged(&smaller, Living::of(&smaller).ok()?).err()
        });
        return Err(Box::new(Failure { seed, days, why, why_small, history }));
    }
    let statements = history.closes().count();
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Ok(Lived { days, happenings: count(history.happenings.len()), statements: count(statements) })
}

fn judged(history: &History, mut living: Living) -> Result<(), String> {
    let told = |error: anyhow::Error| format!("{error:#}");
    living.settle_to(history.through).map_err(told)?;
    living.check(history.through).map_err(told)?;
    judge::agree(history, &living.line).map_err(told)
}

impl History {
    /// Of a line that came to nothing.
    fn none() -> Self {
        let opened_on = NaiveDate::default();
        Self {
            agreed: crate::history::Agreed::nothing(opened_on),
            through: opened_on,
            happenings: Vec::new(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, days, why, why_small, history } = self;
        writeln!(f, "{why}")?;
        writeln!(f, "smaller: {why_small}")?;
        let agreed = history.agreed;
        writeln!(
            f,
            "  {} at {} with {}, opened {}, closes on the {}., lived to {}",
            agreed.kind.name(),
            agreed.apr,
            agreed.credit_limit,
            agreed.opened_on,
            agreed.close_day,
            history.through,
        )?;
        for one in &history.happenings {
            writeln!(f, "  learned {} of {}: {:?}", one.learned_on, one.effective_on, one.what)?;
        }
        write!(f, "again: cargo run -p simulator -- --seed {seed} --days {days}")
    }
}
