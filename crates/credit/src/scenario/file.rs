//! The text of a scenario: what may stand in it, and what is wrong with it.

use std::{collections::BTreeMap, ops::Range};

use chrono::NaiveDate;
use money::{Apr, Cents};
use serde::Deserialize;
use toml::Spanned;

use super::{
    DatedEvent, Scenario, ScenarioLine, ScenarioWhatIf,
    brought::BroughtForwardFile,
    checks::check_changes,
    events::{EventFile, Names},
    places::{self, Lines},
};
use crate::{
    CycleSchedule, Product, ProductCatalog, Terms, TextError,
    catalog::json_table,
    product::{DateTerms, Feature},
    units::{date, date_opt, dates, dollars, percent, percent_opt},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    #[expect(dead_code, reason = "for the reader of the file")]
    title: String,
    #[serde(with = "date")]
    as_of: NaiveDate,
    #[serde(default)]
    product: Vec<Spanned<Product>>,
    line: Vec<Spanned<LineFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LineFile {
    #[serde(default)]
    name: String,
    pub(super) product: Spanned<String>,
    #[serde(with = "date")]
    pub(super) opened_on: NaiveDate,
    #[serde(default = "default_limit", with = "dollars")]
    pub(super) credit_limit: Cents,
    #[serde(default, with = "percent_opt")]
    apr: Option<Apr>,
    /// Rates by feature.
    #[serde(default)]
    aprs: BTreeMap<String, Percent>,
    close_day: Option<Spanned<u32>>,
    #[serde(default, with = "dates")]
    pub(super) closes_on: Vec<NaiveDate>,
    #[serde(default, with = "dates")]
    pub(super) due_on: Vec<NaiveDate>,
    pub(super) state: Option<String>,
    #[serde(default)]
    covered_borrower: bool,
    /// Terms of the product that differ for this line.
    terms: Option<Spanned<Product>>,
    pub(super) brought_forward: Option<BroughtForwardFile>,
    #[serde(default)]
    events: Vec<Spanned<EventFile>>,
    #[serde(default)]
    quotes: Vec<Spanned<QuoteFile>>,
    #[serde(default)]
    what_ifs: Vec<Spanned<WhatIfFile>>,
}

const fn default_limit() -> Cents {
    Cents::new(500_000)
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Percent(#[serde(with = "percent")] Apr);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuoteFile {
    kind: QuoteKind,
    #[serde(with = "date")]
    on: NaiveDate,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum QuoteKind {
    Payoff,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhatIfFile {
    name: String,
    #[serde(default, with = "date_opt")]
    as_of: Option<NaiveDate>,
    /// Ids of draws and payments of the line that do not happen.
    #[serde(default)]
    without: Vec<Spanned<String>>,
    /// The rate of every feature that states none of its own.
    #[serde(default, with = "percent_opt")]
    apr: Option<Apr>,
    #[serde(default)]
    events: Vec<Spanned<EventFile>>,
    #[serde(default)]
    quotes: Vec<Spanned<QuoteFile>>,
}

/// No scenario is about other days, nor about more of them.
pub(super) const FIRST_YEAR: i32 = 1970;
pub(super) const LAST_YEAR: i32 = 2199;
pub(super) const MOST_DAYS: i64 = 20_000;

pub(super) fn parse(text: &str, catalog: &ProductCatalog) -> Result<Scenario, TextError> {
    let normal = as_list(text)?;
    let file: File = toml::from_str(&normal).map_err(|error| TextError::of(&normal, &error))?;
    let raw: toml::Table =
        toml::from_str(&normal).map_err(|error| TextError::of(&normal, &error))?;
    let lines = Lines::of(&normal);
    let reader = Reader { text: &normal, lines, as_of: file.as_of, raw: &raw };
    let catalog = reader.products(&file.product, catalog)?;
    let spans: Vec<_> = file.line.iter().map(Spanned::span).collect();
    let lines = file
        .line
        .into_iter()
        .enumerate()
        .map(|(at, line)| reader.line(at, line, &catalog))
        .collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() {
        return Err(reader.error(0..0, "a scenario needs at least one [[line]]"));
    }
    for (at, (line, span)) in lines.iter().zip(spans).enumerate() {
        if lines.iter().take(at).any(|earlier| earlier.name == line.name) {
            return Err(reader.error(span, format!("two lines have the `name` {}", line.name)));
        }
    }
    Ok(Scenario { as_of: file.as_of, lines })
}

/// `[line]` means the same as a list of one. Tables of the line keep their names, and every column its place.
fn as_list(text: &str) -> Result<String, TextError> {
    let single = |line: &str| {
        let inner = line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']'));
        inner.is_some_and(|(name, _)| name.trim() == "line")
    };
    let mut found = text.lines().enumerate().filter(|(_, line)| single(line));
    if found.next().is_none() {
        return Ok(text.to_owned());
    }
    if let Some((at, _)) = found.next() {
        let message = "`[line]` stands twice: of several lines each is a `[[line]]`".to_owned();
        return Err(TextError { line: at + 1, column: 1, message });
    }
    let lines = text.lines().map(|line| match line.split_once(']') {
        Some((_, rest)) if single(line) => format!("[[line]]{rest}"),
        _ => line.to_owned(),
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

pub(super) struct Reader<'a> {
    text: &'a str,
    lines: Lines,
    pub(super) as_of: NaiveDate,
    raw: &'a toml::Table,
}

impl Reader<'_> {
    /// At the key that the message names, where it stands in the table at `span`.
    pub(super) fn error(&self, span: Range<usize>, message: impl Into<String>) -> TextError {
        let message = message.into();
        let place = self.place_of(&span, &message).unwrap_or(span);
        TextError::at(self.text, place, message)
    }

    pub(super) fn place_of(&self, span: &Range<usize>, message: &str) -> Option<Range<usize>> {
        places::named(self.text, span, message)
    }

    pub(super) fn table(&self, list: &str, at: usize) -> toml::Table {
        let item = self.raw.get(list).and_then(|list| list.get(at));
        item.and_then(toml::Value::as_table).cloned().unwrap_or_default()
    }

    fn line(
        &self,
        at: usize,
        line: Spanned<LineFile>,
        catalog: &ProductCatalog,
    ) -> Result<ScenarioLine, TextError> {
        let span = line.span();
        let line = line.into_inner();
        let (terms, unused_apr) = self.terms(at, (&line, &span), line.apr, catalog)?;
        let brought_forward = line.brought_forward.as_ref().map(|given| {
            let on = given.on.unwrap_or(line.opened_on);
            (on, given.balances())
        });
        self.check_days(&line, &span)?;
        let dates = terms.product.dates;
        let mut names = Names::default();
        let events = self.events(&line.events, (line.opened_on, &dates), &mut names)?;
        check_changes(&events)?;
        self.check_schedule(&line, (&terms, &events), &span)?;
        self.check_index(&line, &terms, &span)?;
        self.check_brought(&line, &terms, &span)?;
        let payoffs = self.payoffs(&line.quotes, line.opened_on)?;
        let what_ifs = line
            .what_ifs
            .iter()
            .map(|what_if| self.what_if(what_if, (at, &line, catalog), (&terms, &events), &names))
            .collect::<Result<Vec<_>, TextError>>()?;
        for (at, what_if) in line.what_ifs.iter().enumerate() {
            let name = &what_if.get_ref().name;
            if line.what_ifs.iter().take(at).any(|earlier| earlier.get_ref().name == *name) {
                let message = format!("two what-ifs have the `name` {name}");
                return Err(self.error(what_if.span(), message));
            }
        }
        let name = if line.name.is_empty() { format!("line {}", at + 1) } else { line.name };
        let opened_on = line.opened_on;
        Ok(ScenarioLine {
            name,
            terms,
            unused_apr,
            opened_on,
            brought_forward,
            events,
            payoffs,
            what_ifs,
        })
    }

    fn payoffs(
        &self,
        quotes: &[Spanned<QuoteFile>],
        opened_on: NaiveDate,
    ) -> Result<Vec<NaiveDate>, TextError> {
        quotes
            .iter()
            .map(|quote| {
                let QuoteFile { kind: QuoteKind::Payoff, on } = quote.get_ref();
                if *on < opened_on {
                    return Err(
                        self.error(quote.span(), "`on` of the quote lies before the line opens")
                    );
                }
                if (*on - opened_on).num_days() > MOST_DAYS {
                    return Err(self.error(quote.span(), "`on` of the quote lies too far ahead"));
                }
                Ok(*on)
            })
            .collect()
    }

    fn what_if(
        &self,
        given: &Spanned<WhatIfFile>,
        (at, line, catalog): (usize, &LineFile, &ProductCatalog),
        (as_it_is, events): (&Terms, &[DatedEvent]),
        names: &Names,
    ) -> Result<ScenarioWhatIf, TextError> {
        let what_if = given.get_ref();
        for id in &what_if.without {
            if !events.iter().any(|event| event.id.as_ref() == Some(id.get_ref())) {
                let message = format!("no event of the line has the id `{}`", id.get_ref());
                return Err(self.error(id.span(), message));
            }
        }
        let apr = what_if.apr.or(line.apr);
        let (terms, unused_apr) = self.terms(at, (line, &given.span()), apr, catalog)?;
        if what_if.apr.is_some() && unused_apr.is_some() {
            let message = "`apr` is the rate of features that state none of their own, and each one of the line states one";
            return Err(self.error(given.span(), message));
        }
        let as_of = what_if.as_of.unwrap_or(self.as_of);
        if as_of < line.opened_on || (as_of - line.opened_on).num_days() > MOST_DAYS {
            let message = "`as_of` of the what-if is no day of the line";
            return Err(self.error(given.span(), message));
        }
        let asks = what_if.as_of.is_some() || !what_if.quotes.is_empty();
        let other = !what_if.events.is_empty() || !what_if.without.is_empty() || terms != *as_it_is;
        if !asks && !other {
            let message = "the what-if changes nothing: state `events`, `without`, another `apr`, `as_of` or `quotes`";
            return Err(self.error(given.span(), message));
        }
        let dates = terms.product.dates;
        Ok(ScenarioWhatIf {
            name: what_if.name.clone(),
            as_of,
            terms,
            without: what_if.without.iter().map(|id| id.get_ref().clone()).collect(),
            events: self.events(&what_if.events, (line.opened_on, &dates), &mut names.clone())?,
            payoffs: self.payoffs(&what_if.quotes, line.opened_on)?,
        })
    }

    /// The terms that a line opens with; the rate that was stated for it, where no feature has it.
    fn terms(
        &self,
        at: usize,
        (line, span): (&LineFile, &Range<usize>),
        apr: Option<Apr>,
        catalog: &ProductCatalog,
    ) -> Result<(Terms, Option<Apr>), TextError> {
        let name = line.product.get_ref();
        let product = catalog
            .get(name)
            .ok_or_else(|| self.error(line.product.span(), catalog.unknown(name)))?;
        let mut product = match &line.terms {
            None => product.clone(),
            Some(terms) => {
                let table = self.table("line", at);
                let said = table.get("terms").and_then(toml::Value::as_table);
                let with = product.with(&said.map(json_table).unwrap_or_default());
                with.and_then(|with| with.check_as_written().map(|()| with))
                    .map_err(|message| self.error(terms.span(), message))?
            }
        };
        for (feature, apr) in &line.aprs {
            let found = product.features.iter_mut().find(|one| one.name == *feature);
            let Some(found) = found else {
                let message = format!(
                    "`aprs.{feature}` is the rate of a feature that product {name} does not have"
                );
                return Err(self.error(span.clone(), message));
            };
            if found.variable.is_some() {
                let message = format!("`aprs` has a rate for `{feature}`, which follows an index");
                return Err(self.error(span.clone(), message));
            }
            if !found.tiers.is_empty() {
                let message = format!("`aprs` has a rate for `{feature}`, which has `tiers`");
                return Err(self.error(span.clone(), message));
            }
            found.apr = Some(apr.0);
        }
        let none_has_it = !product.features.iter().any(Feature::has_the_line_s_rate);
        let unused_apr = apr.filter(|_| none_has_it);
        let apr = apr.unwrap_or_default();
        let close_day = line.close_day.as_ref().map_or(31, |day| *day.get_ref());
        if let Some(day) = line.close_day.as_ref().filter(|day| !(1..=31).contains(day.get_ref())) {
            return Err(self.error(day.span(), "`close_day` must be from 1 to 31"));
        }
        let mut terms = Terms::open(&product, line.credit_limit, apr, close_day);
        let (closes_on, due_on) = (line.closes_on.clone(), line.due_on.clone());
        terms.cycles = CycleSchedule { close_day, closes_on, due_on };
        terms.covered_borrower = line.covered_borrower;
        let terms = match &line.state {
            Some(state) => {
                let before = line.brought_forward.as_ref().and_then(|given| given.opened_on);
                terms.in_state(state, before.unwrap_or(line.opened_on))
            }
            None => terms,
        };
        Ok((terms, unused_apr))
    }

    fn events(
        &self,
        events: &[Spanned<EventFile>],
        (opened_on, dates): (NaiveDate, &DateTerms),
        names: &mut Names,
    ) -> Result<Vec<DatedEvent>, TextError> {
        events
            .iter()
            .map(|event| {
                let given = event.get_ref();
                let on = given
                    .effective_on(dates)
                    .map_err(|message| self.error(event.span(), message))?;
                let recorded_on = given.recorded_on.unwrap_or(on);
                if on < opened_on {
                    return Err(self.error(event.span(), "`on` lies before the line opens"));
                }
                if (recorded_on.max(on) - opened_on).num_days() > MOST_DAYS {
                    return Err(
                        self.error(event.span(), "`on` or `recorded_on` lies too far ahead")
                    );
                }
                if recorded_on < on {
                    let message = "`recorded_on` lies before the event takes effect";
                    return Err(self.error(event.span(), message));
                }
                let body =
                    given.body(names).map_err(|message| self.error(event.span(), message))?;
                let (line, column) = self.lines.place(self.text, event.span().start);
                let (id, refers_to) = (given.id().cloned(), given.refers_to().cloned());
                Ok(DatedEvent { on, recorded_on, body, line, column, id, refers_to })
            })
            .collect()
    }
}
