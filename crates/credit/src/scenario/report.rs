//! What a scenario comes to, for machines.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use money::{Apr, Cents};
use serde::{Serialize, Serializer};

use crate::{
    Derivation, LineEvent, PayoffQuote, Position, Recorded, Segment, Statement, figures, rate,
};

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub as_of: NaiveDate,
    pub lines: Vec<LineReport>,
}

#[derive(Clone, Debug, Serialize)]
pub struct LineReport {
    pub name: String,
    pub product: String,
    /// The first day of its books; that of `position` is earlier where it came in from another lender.
    pub opened_on: NaiveDate,
    /// What was left out, and what was taken as a fact although the product or the law would not have it so.
    pub notes: Vec<String>,
    /// On the day of the report, before it ends. Its `cycles` are what closed cycles come to with all that is known by then.
    pub position: Position,
    /// As issued.
    pub statements: Vec<Statement>,
    /// By all that is known at the end; the open cycle through the day before.
    pub daily_balances: Vec<DailyBalance>,
    /// In the order in which they were recorded, what the engine posted included.
    pub events: Vec<LineEvent>,
    #[serde(serialize_with = "postings")]
    pub postings: Vec<Recorded>,
    pub quotes: Vec<NamedQuote>,
    pub what_ifs: Vec<WhatIf>,
    /// By the name that `explain` takes.
    pub derivations: BTreeMap<String, Derivation>,
}

/// The balance that bears interest at the end of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DailyBalance {
    pub on: NaiveDate,
    pub cycle: u32,
    pub feature: String,
    #[serde(rename = "balance_cents")]
    pub balance: Cents,
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    /// Of the day, in dollars, not rounded to cents.
    pub interest: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct NamedQuote {
    pub kind: &'static str,
    #[serde(flatten)]
    pub quote: PayoffQuote,
}

/// The line with some further events, and without.
#[derive(Clone, Debug, Serialize)]
pub struct WhatIf {
    pub name: String,
    pub on: NaiveDate,
    pub without: Compared,
    pub with: Compared,
    pub payoffs: Vec<ComparedPayoff>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ComparedPayoff {
    pub on: NaiveDate,
    pub without_cents: Cents,
    pub with_cents: Cents,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    pub total_owed_cents: Cents,
    pub principal_balance_cents: Cents,
    pub billed_interest_cents: Cents,
    pub accrued_interest_cents: Cents,
    /// Without penalties, as everywhere in a report but in a payoff quote.
    pub fees_cents: Cents,
    pub penalty_fees_cents: Cents,
    pub minimum_due_cents: Cents,
    pub past_due_cents: Cents,
    pub days_past_due: u32,
    pub available_credit_cents: Cents,
    /// Interest of all closed cycles.
    pub interest_charged_cents: Cents,
}

impl Compared {
    pub(super) fn of(position: &Position) -> Self {
        let lines = position.cycles.iter().flat_map(|record| &record.interest);
        Self {
            total_owed_cents: position.total_owed,
            principal_balance_cents: position.principal_balance,
            billed_interest_cents: position.billed_interest,
            accrued_interest_cents: position.accrued_interest,
            fees_cents: position.fees,
            penalty_fees_cents: position.penalty_fees,
            minimum_due_cents: position.minimum_due,
            past_due_cents: position.past_due,
            days_past_due: position.days_past_due,
            available_credit_cents: position.available_credit,
            interest_charged_cents: lines.map(|line| line.amount).sum(),
        }
    }
}

impl Report {
    pub(super) const fn of(as_of: NaiveDate, lines: Vec<LineReport>) -> Self {
        Self { as_of, lines }
    }

    /// The derivation of a figure, by a name of `figures` or `daily_balance.DATE.FEATURE`, with the name of its line before it
    /// (`NAME/FIGURE`) where there are several. A name may have a `/` in it.
    #[must_use]
    pub fn explain(&self, figure: &str) -> Option<Derivation> {
        let of_line = |line: &LineReport| {
            let rest = figure.strip_prefix(line.name.as_str())?.strip_prefix('/')?;
            line.explain(rest)
        };
        let named = self.lines.iter().find_map(of_line);
        named.or_else(|| match self.lines.as_slice() {
            [only] => only.explain(figure),
            _ => None,
        })
    }

    /// A figure that was named without its line, of each of several that has it.
    #[must_use]
    pub fn of_each_line(&self, figure: &str) -> Vec<String> {
        let having = self.lines.iter().filter(|line| line.explain(figure).is_some());
        having.map(|line| format!("{}/{figure}", line.name)).collect()
    }

    /// Every figure that `explain` knows, with the name of its line before it where there are several.
    #[must_use]
    pub fn figures(&self) -> Vec<String> {
        let several = self.lines.len() > 1;
        let named = |line: &LineReport, figure: &String| {
            if several { format!("{}/{figure}", line.name) } else { figure.clone() }
        };
        self.lines
            .iter()
            .flat_map(|line| line.derivations.keys().map(move |figure| named(line, figure)))
            .collect()
    }
}

impl LineReport {
    fn explain(&self, figure: &str) -> Option<Derivation> {
        let Some((on, feature)) =
            figure.strip_prefix("daily_balance.").and_then(|day| day.split_once('.'))
        else {
            return self.derivations.get(figure).cloned();
        };
        let wanted = |day: &&DailyBalance| day.on.to_string() == on && day.feature == feature;
        self.daily_balances.iter().find(wanted).map(figures::of_day)
    }
}

/// Each day of each segment, closed cycles first.
pub(super) fn daily_balances(position: &Position) -> Vec<DailyBalance> {
    let mut days = Vec::new();
    for record in &position.cycles {
        for line in &record.interest {
            spread(record.number, &line.feature, &line.segments, &mut days);
        }
    }
    for feature in &position.features {
        spread(position.cycle.number, &feature.name, &feature.segments, &mut days);
    }
    let idle: Vec<String> = position
        .features
        .iter()
        .map(|feature| feature.name.clone())
        .skip(1)
        .filter(|name| days.iter().all(|day| day.feature != *name || day.balance.is_zero()))
        .collect();
    days.retain(|day| !idle.contains(&day.feature));
    days.sort_by_key(|day| day.on);
    days
}

fn spread(cycle: u32, feature: &str, segments: &[Segment], days: &mut Vec<DailyBalance>) {
    for segment in segments {
        let daily = segment.numerator / i128::from(segment.days().max(1));
        let interest = rate::to_dollar_text(daily, 8);
        let dates = segment.from.iter_days().take_while(|on| *on <= segment.through);
        days.extend(dates.map(|on| DailyBalance {
            on,
            cycle,
            feature: feature.to_owned(),
            balance: segment.balance,
            apr: segment.apr,
            interest: interest.clone(),
        }));
    }
}

/// The events that post, with what they post.
fn postings<S: Serializer>(recorded: &[Recorded], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Posted<'a> {
        seq: u64,
        effective_on: NaiveDate,
        #[serde(flatten)]
        posting: &'a ledger::Posting,
    }
    serializer.collect_seq(recorded.iter().filter_map(|one| {
        let posting = one.posting.as_ref()?;
        Some(Posted { seq: one.event.seq, effective_on: one.event.effective_on, posting })
    }))
}
