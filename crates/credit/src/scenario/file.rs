//! The text of a scenario: what may stand in it, and what is wrong with it.

use std::{collections::BTreeMap, ops::Range};

use chrono::{Datelike, NaiveDate};
use money::{Apr, Cents};
use serde::Deserialize;
use toml::Spanned;

use super::{
    DatedEvent, Scenario, ScenarioLine, ScenarioWhatIf,
    events::{EventFile, Names},
};
use crate::{
    BroughtForward, CycleSchedule, FeatureAmount, Product, ProductCatalog, Terms, TextError,
    catalog::json_table,
    product::DateTerms,
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
    #[serde(default, with = "dates")]
    due_on: Vec<NaiveDate>,
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
    past_due: Cents,
    #[serde(default, with = "date_opt")]
    past_due_since: Option<NaiveDate>,
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
const FIRST_YEAR: i32 = 1970;
const LAST_YEAR: i32 = 2199;
const MOST_DAYS: i64 = 20_000;

pub(super) fn parse(text: &str, catalog: &ProductCatalog) -> Result<Scenario, TextError> {
    let normal = as_list(text);
    let file: File = toml::from_str(&normal).map_err(|error| TextError::of(&normal, &error))?;
    let raw: toml::Table =
        toml::from_str(&normal).map_err(|error| TextError::of(&normal, &error))?;
    let reader = Reader { text: &normal, as_of: file.as_of, raw: &raw };
    let catalog = reader.products(&file.product, catalog)?;
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
    let single = |line: &str| {
        let inner = line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']'));
        inner.is_some_and(|(name, _)| name.trim() == "line")
    };
    if !text.lines().any(single) {
        return text.to_owned();
    }
    let lines = text.lines().map(|line| match line.split_once(']') {
        Some((_, rest)) if single(line) => format!("[[line]]{rest}"),
        _ => line.to_owned(),
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

    /// The catalogue with the products of the file, which may be based on one another in any order.
    fn products(
        &self,
        given: &[Spanned<Product>],
        catalog: &ProductCatalog,
    ) -> Result<ProductCatalog, TextError> {
        let mut catalog = catalog.clone();
        let mut waiting: Vec<_> = given.iter().enumerate().collect();
        while !waiting.is_empty() {
            let later = |product: &Product| {
                let base = product.based_on.as_ref();
                base.is_some_and(|base| {
                    waiting.iter().any(|(_, other)| {
                        other.get_ref().name == *base && other.get_ref().name != product.name
                    })
                })
            };
            let ready = waiting.iter().position(|(_, product)| !later(product.get_ref()));
            let (at, product) = waiting.remove(ready.unwrap_or_default());
            let resolved = catalog.resolve(product.get_ref(), &self.table("product", at));
            catalog.insert(resolved.map_err(|message| self.error(product.span(), message))?);
        }
        Ok(catalog)
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
        let terms = self.terms(at, &line, line.apr, catalog)?;
        let brought_forward = line.brought_forward.as_ref().map(|given| {
            let on = given.on.unwrap_or(line.opened_on);
            (on, given.balances())
        });
        self.check_days(&line, &span)?;
        let dates = terms.product.dates;
        let mut names = Names::default();
        let events = self.events(&line.events, (line.opened_on, &dates), &mut names)?;
        let payoffs = self.payoffs(&line.quotes, line.opened_on)?;
        let what_ifs = line
            .what_ifs
            .iter()
            .map(|what_if| self.what_if(what_if, (at, &line, catalog), &events, &names))
            .collect::<Result<Vec<_>, TextError>>()?;
        let name = if line.name.is_empty() { format!("line {}", at + 1) } else { line.name };
        let opened_on = line.opened_on;
        Ok(ScenarioLine { name, terms, opened_on, brought_forward, events, payoffs, what_ifs })
    }

    fn check_days(&self, line: &LineFile, span: &Range<usize>) -> Result<(), TextError> {
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
        if brought.and_then(|given| given.on).is_some_and(|on| on < line.opened_on) {
            return refuse("`brought_forward` lies before the line opens");
        }
        if brought.and_then(|given| given.on).is_some_and(|on| on > self.as_of) {
            return refuse("`brought_forward` lies after `as_of`");
        }
        if brought.is_some_and(BroughtForwardFile::has_negative) {
            return refuse("`brought_forward` has an amount below zero");
        }
        if let Some(message) = brought.and_then(|given| given.balances().would_drop()) {
            return refuse(message);
        }
        if line.credit_limit.is_negative() {
            return refuse("`credit_limit` must not be negative");
        }
        let letters = |state: &String| {
            state.len() == 2 && state.bytes().all(|byte| byte.is_ascii_alphabetic())
        };
        if !line.state.as_ref().is_none_or(letters) {
            return refuse("`state` must be two letters, such as NY");
        }
        Ok(())
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
                    return Err(self.error(quote.span(), "the quote lies before the line opens"));
                }
                if (*on - opened_on).num_days() > MOST_DAYS {
                    return Err(self.error(quote.span(), "the quote lies too far ahead"));
                }
                Ok(*on)
            })
            .collect()
    }

    fn what_if(
        &self,
        what_if: &WhatIfFile,
        (at, line, catalog): (usize, &LineFile, &ProductCatalog),
        events: &[DatedEvent],
        names: &Names,
    ) -> Result<ScenarioWhatIf, TextError> {
        for id in &what_if.without {
            if !events.iter().any(|event| event.id.as_ref() == Some(id.get_ref())) {
                let message = format!("no event of the line has the id `{}`", id.get_ref());
                return Err(self.error(id.span(), message));
            }
        }
        let apr = what_if.apr.unwrap_or(line.apr);
        let terms = self.terms(at, line, apr, catalog)?;
        let as_of = what_if.as_of.unwrap_or(self.as_of);
        if as_of < line.opened_on || (as_of - line.opened_on).num_days() > MOST_DAYS {
            let message =
                format!("what-if `{}` is asked on a day that is no day of the line", what_if.name);
            return Err(self.error(0..0, message));
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

    fn terms(
        &self,
        at: usize,
        line: &LineFile,
        apr: Apr,
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
                    .with(&said.map(json_table).unwrap_or_default())
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
        let mut terms = Terms::open(&product, line.credit_limit, apr, close_day);
        let (closes_on, due_on) = (line.closes_on.clone(), line.due_on.clone());
        terms.cycles = CycleSchedule { close_day, closes_on, due_on };
        terms.covered_borrower = line.covered_borrower;
        Ok(match &line.state {
            Some(state) => terms.in_state(state, line.opened_on),
            None => terms,
        })
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
                let place = self.error(event.span(), "");
                let on = given
                    .effective_on(dates)
                    .map_err(|message| self.error(event.span(), message))?;
                let recorded_on = given.recorded_on.unwrap_or(on);
                if on < opened_on {
                    return Err(self.error(event.span(), "the event lies before the line opens"));
                }
                if (recorded_on.max(on) - opened_on).num_days() > MOST_DAYS {
                    return Err(self.error(event.span(), "the event lies too far ahead"));
                }
                if recorded_on < on {
                    let message = "`recorded_on` lies before the event takes effect";
                    return Err(self.error(event.span(), message));
                }
                let body =
                    given.body(names).map_err(|message| self.error(event.span(), message))?;
                let (line, column) = (place.line, place.column);
                let (id, refers_to) = (given.id().cloned(), given.refers_to().cloned());
                Ok(DatedEvent { on, recorded_on, body, line, column, id, refers_to })
            })
            .collect()
    }
}

impl BroughtForwardFile {
    fn has_negative(&self) -> bool {
        let given = self.balances();
        let principal = given.principal.iter().map(|part| part.amount);
        principal
            .chain([given.billed_interest, given.fees, given.penalty_fees, given.credit_balance])
            .chain([given.minimum_unpaid, given.past_due])
            .chain([given.interest_this_year, given.fees_this_year])
            .any(Cents::is_negative)
    }

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
            past_due: self.past_due,
            past_due_since: self.past_due_since,
            interest_this_year: self.interest_this_year,
            fees_this_year: self.fees_this_year,
            grace_lost: self.grace_lost,
        }
    }
}
