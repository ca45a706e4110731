//! What the types of a scenario do not rule out: days that cannot be, and what would be passed over in silence.

use std::{collections::BTreeSet, ops::Range};

use chrono::{Datelike, NaiveDate};

use super::{
    Body, DatedEvent,
    brought::BroughtForwardFile,
    file::{FIRST_YEAR, LAST_YEAR, LineFile, MOST_DAYS, Reader},
};
use crate::{LineEventBody, Terms, TextError, product::is_state};

/// Two values of one thing from one day on, learned on one day: nothing says which of them counts.
pub(super) fn check_changes(events: &[DatedEvent]) -> Result<(), TextError> {
    let mut seen = BTreeSet::new();
    for event in events {
        let Body::Is(body) = &event.body else { continue };
        for changed in changed_by(body) {
            if seen.insert((changed.clone(), event.on, event.recorded_on)) {
                continue;
            }
            let message = format!(
                "two {} from {} on, and nothing says which counts: leave one out, or give the later word of them another `recorded_on`",
                changed.0, event.on
            );
            return Err(TextError { line: event.line, column: event.column, message });
        }
    }
    Ok(())
}

/// What an event gives another value, in words and by name.
fn changed_by(body: &LineEventBody) -> Vec<(&'static str, String)> {
    let of_feature = |feature: &Option<String>| feature.clone().unwrap_or_default();
    match body {
        LineEventBody::RateChanged { feature, .. } => vec![("rates", of_feature(feature))],
        LineEventBody::IndexChanged { feature, .. } => {
            vec![("values of an index", of_feature(feature))]
        }
        LineEventBody::LimitChanged { .. } => vec![("limits", String::new())],
        LineEventBody::DrawCorrected { draw, .. } => {
            vec![("corrections of one draw", draw.to_string())]
        }
        LineEventBody::TermsChanged { changes, .. } => {
            let mut paths = Vec::new();
            leaves(changes, "", &mut paths);
            paths.into_iter().map(|path| ("changes of one term", path)).collect()
        }
        _ => Vec::new(),
    }
}

/// The keys of terms, each with those that it lies in.
fn leaves(
    table: &serde_json::Map<String, serde_json::Value>,
    within: &str,
    into: &mut Vec<String>,
) {
    for (key, value) in table {
        let path = format!("{within}.{key}");
        match value.as_object() {
            Some(inner) => leaves(inner, &path, into),
            None => into.push(path),
        }
    }
}

impl Reader<'_> {
    pub(super) fn check_days(&self, line: &LineFile, span: &Range<usize>) -> Result<(), TextError> {
        let refuse = |message: &str| Err(self.error(span.clone(), message));
        let years = FIRST_YEAR..=LAST_YEAR;
        let listed = [&line.closes_on, &line.due_on];
        let mut days = listed.into_iter().flatten().chain([&line.opened_on, &self.as_of]);
        if !days.all(|day| years.contains(&day.year())) {
            return refuse("a date lies outside the years 1970 to 2199");
        }
        if self.as_of < line.opened_on {
            return refuse("`as_of` lies before the line opens");
        }
        if (self.as_of - line.opened_on).num_days() > MOST_DAYS {
            return refuse("`as_of` lies more than 20,000 days after the line opens");
        }
        if !listed.iter().all(|days| days.is_sorted_by(|one, next| one < next)) {
            return refuse("`closes_on` and `due_on` must be in order, without a day twice");
        }
        let brought = line.brought_forward.as_ref();
        if let Some(message) = brought.and_then(|given| self.wrong_with(given, line.opened_on)) {
            return refuse(message);
        }
        if line.credit_limit.is_negative() {
            return refuse("`credit_limit` must not be negative");
        }
        if !line.state.as_deref().is_none_or(is_state) {
            return refuse("`state` must be the two letters of a state or territory, such as NY");
        }
        Ok(())
    }

    /// What speaks against a balance that comes in with a line whose books begin on `begins_on`.
    fn wrong_with(&self, given: &BroughtForwardFile, begins_on: NaiveDate) -> Option<&'static str> {
        let on = given.on.unwrap_or(begins_on);
        let opened_on = given.opened_on;
        let years = FIRST_YEAR..=LAST_YEAR;
        let cases = [
            (on < begins_on, "`brought_forward` lies before the line opens"),
            (on > self.as_of, "`brought_forward` lies after `as_of`"),
            (given.has_negative(), "`brought_forward` has an amount below zero"),
            (
                opened_on.is_some_and(|opened_on| opened_on > begins_on),
                "`brought_forward.opened_on`, when another lender opened the line, lies after its first day here",
            ),
            (
                opened_on.is_some_and(|opened_on| !years.contains(&opened_on.year())),
                "a date lies outside the years 1970 to 2199",
            ),
            (
                opened_on.is_some() && on != begins_on,
                "`brought_forward.opened_on` needs `brought_forward` on the first day of the line",
            ),
        ];
        let wrong = cases.iter().find(|(wrong, _)| *wrong).map(|(_, message)| *message);
        wrong.or_else(|| given.balances().would_drop())
    }

    /// Closing and due dates that no cycle would have. What comes after a change of the closing day is that change's.
    pub(super) fn check_schedule(
        &self,
        line: &LineFile,
        (terms, events): (&Terms, &[DatedEvent]),
        span: &Range<usize>,
    ) -> Result<(), TextError> {
        let (cycles, opened_on) = (&terms.cycles, line.opened_on);
        if let Some(early) = cycles.closes_on.first().filter(|day| **day < opened_on) {
            let message = format!("`closes_on` has {early}, before the line opens on {opened_on}");
            return Err(self.error(span.clone(), message));
        }
        let changes =
            |one: &&DatedEvent| matches!(one.body, Body::Is(LineEventBody::CyclesChanged { .. }));
        let changed_on = events.iter().filter(changes).map(|one| one.on).min();
        let dates = &terms.product.dates;
        // What comes in with the line is the balance of a statement before.
        let before = line.brought_forward.as_ref().map(|given| given.on.unwrap_or(opened_on));
        let before = before.and_then(|on| on.pred_opt());
        let mut asked: BTreeSet<NaiveDate> =
            before.map(|closed_on| cycles.due_on(closed_on, dates)).into_iter().collect();
        let mut starts_on = opened_on;
        while cycles.due_on.last().is_some_and(|last| starts_on <= *last) {
            let closed_on = cycles.close_of(starts_on);
            asked.insert(cycles.due_on(closed_on, dates));
            let Some(next) = closed_on.succ_opt() else { break };
            starts_on = next;
        }
        let unheard = |due: &&NaiveDate| {
            !asked.contains(due) && changed_on.is_none_or(|changed_on| **due < changed_on)
        };
        match cycles.due_on.iter().find(unheard) {
            Some(due) => {
                let message = format!(
                    "`due_on` has {due}, when no statement falls due: a due date lies after a close, not after the next one, and alone between the two"
                );
                Err(self.error(span.clone(), message))
            }
            None => Ok(()),
        }
    }

    /// Principal of a feature that the product does not have.
    pub(super) fn check_brought(
        &self,
        line: &LineFile,
        terms: &Terms,
        span: &Range<usize>,
    ) -> Result<(), TextError> {
        let Some(brought) = &line.brought_forward else { return Ok(()) };
        let features = &terms.product.features;
        let has = |name: &str| name.is_empty() || features.iter().any(|one| one.name == name);
        let given = brought.balances().principal;
        let Some(unknown) = given.iter().find(|part| !has(&part.feature)) else { return Ok(()) };
        let names: Vec<&str> = features.iter().map(|one| one.name.as_str()).collect();
        let message = format!(
            "`brought_forward.principal` names `{}`, which is no feature of {}: there is {}",
            unknown.feature,
            terms.product.name,
            names.join(", ")
        );
        let place = self.place_of(span, &message).unwrap_or_else(|| line.product.span());
        Err(self.error(place, message))
    }

    /// An index without a value for the first day of the line.
    pub(super) fn check_index(
        &self,
        line: &LineFile,
        terms: &Terms,
        span: &Range<usize>,
    ) -> Result<(), TextError> {
        for feature in &terms.product.features {
            let first = feature.variable.as_ref().and_then(|variable| variable.index.first());
            let Some(first) = first.filter(|first| first.from > line.opened_on) else { continue };
            let (name, from, opened_on) = (&feature.name, first.from, line.opened_on);
            let message = format!(
                "the `index` of {name} begins on {from}, after the line opens on {opened_on}: state its value of that day"
            );
            let place = self.place_of(span, &message).unwrap_or_else(|| line.product.span());
            return Err(self.error(place, message));
        }
        Ok(())
    }
}
