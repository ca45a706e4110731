//! The text of a scenario: what may stand in it, and what is wrong with it.

use std::{collections::BTreeMap, ops::Range};

use chrono::{NaiveDate, NaiveTime};
use money::{Apr, Cents};
use serde::Deserialize;
use toml::Spanned;

use super::{
    DatedEvent, Scenario, ScenarioLine, ScenarioWhatIf,
    events::{EventFile, Names},
};
use crate::{
    BroughtForward, CycleSchedule, FeatureAmount, Product, ProductCatalog, Terms, TextError,
    units::{date, date_opt, dates, dollars, percent},
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
struct LineFile {
    #[serde(default)]
    name: String,
    product: Spanned<String>,
    #[serde(with = "date")]
    opened_on: NaiveDate,
    #[serde(default = "default_limit", with = "dollars")]
    credit_limit: Cents,
    #[serde(default, with = "percent")]
    apr: Apr,
    /// Rates by feature.
    #[serde(default)]
    aprs: BTreeMap<String, Percent>,
    close_day: Option<Spanned<u32>>,
    #[serde(default, with = "dates")]
    closes_on: Vec<NaiveDate>,
    state: Option<String>,
    #[serde(default)]
    covered_borrower: bool,
    /// Terms of the product that differ for this line.
    terms: Option<Spanned<Product>>,
    brought_forward: Option<BroughtForwardFile>,
    #[serde(default)]
    events: Vec<Spanned<EventFile>>,
    #[serde(default)]
    quotes: Vec<Spanned<QuoteFile>>,
    #[serde(default)]
    what_ifs: Vec<WhatIfFile>,
}

const fn default_limit() -> Cents {
    Cents::new(500_000)
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Percent(#[serde(with = "percent")] Apr);

#[derive(Deserialize)]
#[serde(transparent)]
struct Dollars(#[serde(with = "dollars")] Cents);

/// Principal: one amount, or one by feature.
#[derive(Deserialize)]
#[serde(untagged)]
enum PrincipalFile {
    One(Dollars),
    ByFeature(BTreeMap<String, Dollars>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BroughtForwardFile {
    #[serde(default, with = "date_opt")]
    on: Option<NaiveDate>,
    principal: Option<PrincipalFile>,
    #[serde(default, with = "dollars")]
    billed_interest: Cents,
    #[serde(default, with = "dollars")]
    fees: Cents,
    #[serde(default, with = "dollars")]
    penalty_fees: Cents,
    #[serde(default, with = "dollars")]
    credit_balance: Cents,
    #[serde(default, with = "dollars")]
    minimum_unpaid: Cents,
    #[serde(default, with = "date_opt")]
    due_on: Option<NaiveDate>,
    #[serde(default, with = "dollars")]
    interest_this_year: Cents,
    #[serde(default, with = "dollars")]
    fees_this_year: Cents,
    #[serde(default)]
    grace_lost: bool,
}

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
    #[serde(default)]
    events: Vec<Spanned<EventFile>>,
}

pub(super) fn parse(text: &str, catalog: &ProductCatalog) -> Result<Scenario, TextError> {
    let normal = as_list(text);
    let file: File = toml::from_str(&normal).map_err(|error| TextError::of(&normal, &error))?;
    let raw: toml::Table =
        toml::from_str(&normal).map_err(|error| TextError::of(&normal, &error))?;
    let reader = Reader { text: &normal, as_of: file.as_of, raw: &raw };
    let mut catalog = catalog.clone();
    for (at, product) in file.product.iter().enumerate() {
        let table = reader.table("product", at);
        let resolved = catalog.resolve(product.get_ref(), &table);
        catalog.insert(resolved.map_err(|message| reader.error(product.span(), message))?);
    }
    let lines = file
        .line
        .into_iter()
        .enumerate()
        .map(|(at, line)| reader.line(at, line, &catalog))
        .collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() {
        return Err(reader.error(0..0, "a scenario needs at least one [[line]]"));
    }
    for (at, line) in lines.iter().enumerate() {
        if lines.iter().take(at).any(|earlier| earlier.name == line.name) {
            return Err(reader.error(0..0, format!("two lines are named `{}`", line.name)));
        }
    }
    Ok(Scenario { as_of: file.as_of, lines })
}

/// `[line]` means the same as a list of one. Tables of the line keep their names, and every column its place.
fn as_list(text: &str) -> String {
    let single = |line: &str| line.trim_end() == "[line]" || line.starts_with("[line] ");
    if !text.lines().any(single) {
        return text.to_owned();
    }
    let lines = text.lines().map(|line| {
        if single(line) { line.replacen("[line]", "[[line]]", 1) } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

struct Reader<'a> {
    text: &'a str,
    as_of: NaiveDate,
    raw: &'a toml::Table,
}

impl Reader<'_> {
    fn error(&self, span: Range<usize>, message: impl Into<String>) -> TextError {
        TextError::at(self.text, span, message)
    }

    fn table(&self, list: &str, at: usize) -> toml::Table {
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
        let terms = self.terms(at, &line, catalog)?;
        let brought_forward = line.brought_forward.as_ref().map(|given| {
            let on = given.on.unwrap_or(line.opened_on);
            (on, given.balances())
        });
        let mut names = Names::default();
        let cut_off = terms.product.dates.cut_off;
        let events = self.events(&line.events, (line.opened_on, cut_off), &mut names)?;
        let what_ifs = line
            .what_ifs
            .iter()
            .map(|what_if| {
                Ok(ScenarioWhatIf {
                    name: what_if.name.clone(),
                    as_of: what_if.as_of.unwrap_or(self.as_of),
                    events: self.events(
                        &what_if.events,
                        (line.opened_on, cut_off),
                        &mut names.clone(),
                    )?,
                })
            })
            .collect::<Result<Vec<_>, TextError>>()?;
        if self.as_of < line.opened_on {
            return Err(self.error(span, "`as_of` lies before the line opens"));
        }
        let payoffs = line
            .quotes
            .iter()
            .map(|quote| {
                let QuoteFile { kind: QuoteKind::Payoff, on } = quote.get_ref();
                if *on < line.opened_on {
                    return Err(self.error(quote.span(), "the quote lies before the line opens"));
                }
                Ok(*on)
            })
            .collect::<Result<Vec<_>, TextError>>()?;
        let name = if line.name.is_empty() { format!("line {}", at + 1) } else { line.name };
        let opened_on = line.opened_on;
        Ok(ScenarioLine { name, terms, opened_on, brought_forward, events, payoffs, what_ifs })
    }

    fn terms(
        &self,
        at: usize,
        line: &LineFile,
        catalog: &ProductCatalog,
    ) -> Result<Terms, TextError> {
        let name = line.product.get_ref();
        let product = catalog
            .get(name)
            .ok_or_else(|| self.error(line.product.span(), catalog.unknown(name)))?;
        let mut product = match &line.terms {
            None => product.clone(),
            Some(terms) => {
                let table = self.table("line", at);
                let said = table.get("terms").and_then(toml::Value::as_table);
                product
                    .with(said.unwrap_or(&toml::Table::new()))
                    .map_err(|message| self.error(terms.span(), message))?
            }
        };
        for (feature, apr) in &line.aprs {
            let found = product.features.iter_mut().find(|one| one.name == *feature);
            let Some(found) = found else {
                let message = format!("product `{name}` has no feature `{feature}`");
                return Err(self.error(line.product.span(), message));
            };
            found.apr = Some(apr.0);
        }
        let close_day = line.close_day.as_ref().map_or(31, |day| *day.get_ref());
        if let Some(day) = line.close_day.as_ref().filter(|day| !(1..=31).contains(day.get_ref())) {
            return Err(self.error(day.span(), "`close_day` must be from 1 to 31"));
        }
        let mut terms = Terms::open(&product, line.credit_limit, line.apr, close_day);
        terms.cycles = CycleSchedule { close_day, closes_on: line.closes_on.clone() };
        terms.covered_borrower = line.covered_borrower;
        Ok(match &line.state {
            Some(state) => terms.in_state(state, line.opened_on),
            None => terms,
        })
    }

    fn events(
        &self,
        events: &[Spanned<EventFile>],
        (opened_on, cut_off): (NaiveDate, NaiveTime),
        names: &mut Names,
    ) -> Result<Vec<DatedEvent>, TextError> {
        events
            .iter()
            .map(|event| {
                let given = event.get_ref();
                let place = self.error(event.span(), "");
                let on = given
                    .effective_on(cut_off)
                    .map_err(|message| self.error(event.span(), message))?;
                let recorded_on = given.recorded_on.unwrap_or(on);
                if on < opened_on {
                    return Err(self.error(event.span(), "the event lies before the line opens"));
                }
                if recorded_on < on {
                    let message = "`recorded_on` lies before the event takes effect";
                    return Err(self.error(event.span(), message));
                }
                let body =
                    given.body(names).map_err(|message| self.error(event.span(), message))?;
                let (line, column) = (place.line, place.column);
                Ok(DatedEvent { on, recorded_on, body, line, column })
            })
            .collect()
    }
}

impl BroughtForwardFile {
    fn balances(&self) -> BroughtForward {
        let principal = match &self.principal {
            None => Vec::new(),
            Some(PrincipalFile::One(amount)) => {
                vec![FeatureAmount { feature: String::new(), amount: amount.0 }]
            }
            Some(PrincipalFile::ByFeature(amounts)) => amounts
                .iter()
                .map(|(feature, amount)| FeatureAmount {
                    feature: feature.clone(),
                    amount: amount.0,
                })
                .collect(),
        };
        BroughtForward {
            principal,
            billed_interest: self.billed_interest,
            fees: self.fees,
            penalty_fees: self.penalty_fees,
            credit_balance: self.credit_balance,
            minimum_unpaid: self.minimum_unpaid,
            due_on: self.due_on,
            interest_this_year: self.interest_this_year,
            fees_this_year: self.fees_this_year,
            grace_lost: self.grace_lost,
        }
    }
}
