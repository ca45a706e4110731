//! The fast level: no database, no bank; a random life lived through the engine and judged by the oracle.

use std::fmt;

use chrono::NaiveDate;
use serde::Serialize;

use crate::{
    history::{History, Kind},
    judge::Judge,
    life,
    living::Living,
    shrink::shrink,
};

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
    /// Lives of a card of which the oracle knew all.
    pub plain_cards: u64,
}

/// Lives one seed for so many days; the engine is compared with the oracle and with itself every so many of them.
pub fn run(seed: u64, days: u64, every: u64) -> Result<Lived, Box<Failure>> {
    let failed = |why: String, (history, why_small): (History, String)| {
        Err(Box::new(Failure { seed, days, why, why_small, history }))
    };
    let (history, error) = match life::live(seed, days) {
        Ok(lived) => lived,
        Err(error) => {
            let why = format!("{error:#}");
            return failed(why.clone(), (History::none(), why));
        }
    };
    let mut statements = 0;
    for history in [history.clone(), history.reordered(seed)] {
        match judged(&history, every) {
            Ok(issued) => statements += issued,
            Err(why) => {
                return failed(why, shrink(&history, |smaller| judged(smaller, every).err()));
            }
        }
    }
    if history.agreed.kind == Kind::Card
        && let Err(why) = same_in_any_order(&history, seed)
    {
        return failed(why, shrink(&history, |smaller| same_in_any_order(smaller, seed).err()));
    }
    if let Some(error) = error {
        let why = format!("{error:#}");
        return failed(why.clone(), (history, why));
    }
    let judged_card = history.agreed.kind == Kind::Card
        && Judge::of(&history.agreed, &history.happenings).is_ok_and(|judge| judge.is_some());
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Ok(Lived {
        days,
        happenings: count(history.happenings.len()),
        statements: count(statements),
        plain_cards: judged_card.into(),
    })
}

/// Where nothing rests on what was printed (a mark stays late fees), the same facts come to the same line whenever they are learned.
fn same_in_any_order(history: &History, seed: u64) -> Result<(), String> {
    let told = |error: anyhow::Error| format!("{error:#}");
    let stayed = history.with_late_fees_stayed();
    let end = |history: &History| -> anyhow::Result<credit::Position> {
        let living = Living::of(history)?;
        living.position(history.through)
    };
    let (first, other) =
        (end(&stayed.in_time()).map_err(told)?, end(&stayed.reordered(seed)).map_err(told)?);
    let figures = |position: &credit::Position| {
        let interest = |cycle: &credit::CycleRecord| -> Vec<_> {
            cycle.interest.iter().map(|line| (line.feature.clone(), line.amount)).collect()
        };
        let cycles: Vec<_> = position.cycles.iter().map(interest).collect();
        let owed = (position.principal_balance, position.billed_interest, position.fees);
        let rest = (position.penalty_fees, position.credit_balance, position.total_owed);
        (cycles, owed, rest)
    };
    if figures(&first) == figures(&other) {
        return Ok(());
    }
    Err(format!(
        "another order comes to another line: {:?}; {:?}",
        figures(&first),
        figures(&other)
    ))
}

/// Lives a history again, and looks at it at the end of every so many days and of the last one. How many statements there were.
fn judged(history: &History, every: u64) -> Result<usize, String> {
    let told = |error: anyhow::Error| format!("{error:#}");
    let mut living = Living::open(&history.agreed).map_err(told)?;
    let mut judge = Judge::of(&history.agreed, &history.happenings).map_err(told)?;
    let mut happenings = history.happenings.iter().peekable();
    for (count, today) in (1..).zip(history.agreed.opened_on.iter_days()) {
        while let Some(happening) = happenings.next_if(|one| one.learned_on <= today) {
            living.learn(happening).map_err(told)?;
        }
        let last = today >= history.through;
        if last || count % every.max(1) == 0 {
            living.settle_to(today).map_err(told)?;
            living.check(today).map_err(told)?;
            let compared = match &mut judge {
                Some(judge) => judge.compare(&living.line, today).map_err(told)?,
                None => true,
            };
            if last && compared {
                break;
            }
        }
    }
    Ok(living.statements().count())
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
        write!(f, "of seed {seed} and {days} days")
    }
}
