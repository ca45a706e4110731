//! The text of a scenario: what may stand in it, and what is wrong with it.

use std::{collections::BTreeMap, ops::Range};

use chrono::{NaiveDate, NaiveTime};
use identity::{DrawId, PaymentId};
use money::{Apr, Cents};
use serde::Deserialize;
use toml::Spanned;
use uuid::Uuid;

use super::{Body, DatedEvent, Scenario, ScenarioLine, ScenarioWhatIf};
use crate::{
    AppliesTo, BroughtForward, CycleSchedule, FeatureAmount, FeeKind, FlagKind, LineEventBody,
    Product, ProductCatalog, Terms, TextError,
    units::{date, date_opt, dates, dollars, dollars_opt, percent, percent_opt},
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

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Draw,
    DrawRefused,
    DrawCorrected,
    Payment,
    PaymentReturned,
    PaymentReversed,
    Credit,
    Refund,
    Fee,
    FeeWaived,
    RateChange,
    RateCap,
    LimitChange,
    CycleChange,
    Flag,
    FlagCleared,
    Close,
}

/// Every key that an event can have; which of them it needs depends on its kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventFile {
    kind: Kind,
    #[serde(with = "date")]
    on: NaiveDate,
    #[serde(default, with = "date_opt")]
    recorded_on: Option<NaiveDate>,
    /// Wall-clock time of a payment, for the product's cut-off.
    at: Option<String>,
    id: Option<String>,
    #[serde(default, with = "dollars_opt")]
    amount: Option<Cents>,
    feature: Option<String>,
    #[serde(default)]
    fee: Option<FeeFile>,
    draw: Option<String>,
    payment: Option<String>,
    code: Option<String>,
    #[serde(default)]
    reason: String,
    #[serde(default, with = "percent_opt")]
    apr: Option<Apr>,
    applies_to: Option<AppliesTo>,
    #[serde(default, with = "date_opt")]
    through: Option<NaiveDate>,
    close_day: Option<u32>,
    flag: Option<FlagKind>,
}

/// The amount of a fee, or its kind where the event is a fee.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
struct FeeFile(String);

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

/// Draws and payments by the names that a file gives them.
#[derive(Clone, Default)]
struct Names {
    given: u128,
    draws: BTreeMap<String, DrawId>,
    payments: BTreeMap<String, PaymentId>,
}

impl Names {
    /// The same file gives the same ids.
    fn next(&mut self) -> Uuid {
        self.given += 1;
        Uuid::from_u128(self.given)
    }

    fn new_draw(&mut self, id: Option<&String>) -> Result<DrawId, String> {
        let draw = DrawId::from_uuid(self.next());
        let name = id.cloned().unwrap_or_else(|| draw.to_string());
        match self.draws.insert(name.clone(), draw) {
            None => Ok(draw),
            Some(_) => Err(format!("two draws have the id `{name}`")),
        }
    }

    fn new_payment(&mut self, id: Option<&String>) -> Result<PaymentId, String> {
        let payment = PaymentId::from_uuid(self.next());
        let name = id.cloned().unwrap_or_else(|| payment.to_string());
        match self.payments.insert(name.clone(), payment) {
            None => Ok(payment),
            Some(_) => Err(format!("two payments have the id `{name}`")),
        }
    }

    fn draw(&self, id: Option<&String>) -> Result<DrawId, String> {
        let id = needed(id, "draw")?;
        self.draws.get(id).copied().ok_or_else(|| format!("no earlier draw has the id `{id}`"))
    }

    fn payment(&self, id: Option<&String>) -> Result<PaymentId, String> {
        let id = needed(id, "payment")?;
        let found = self.payments.get(id).copied();
        found.ok_or_else(|| format!("no earlier payment has the id `{id}`"))
    }
}

fn needed<T>(value: Option<T>, key: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("this kind of event needs `{key}`"))
}

impl EventFile {
    /// A payment completed after the cut-off counts for the next calendar day.
    fn effective_on(&self, cut_off: NaiveTime) -> Result<NaiveDate, String> {
        let Some(at) = &self.at else { return Ok(self.on) };
        let at = NaiveTime::parse_from_str(at, "%H:%M")
            .or_else(|_| NaiveTime::parse_from_str(at, "%H:%M:%S"))
            .map_err(|_| format!("`{at}` is not a time such as 17:00"))?;
        if !matches!(self.kind, Kind::Payment) {
            return Err("only a payment has a time".to_owned());
        }
        let next = self.on.succ_opt().unwrap_or(self.on);
        Ok(if at > cut_off { next } else { self.on })
    }

    fn body(&self, names: &mut Names) -> Result<Body, String> {
        let amount = || -> Result<Cents, String> {
            let amount = needed(self.amount, "amount")?;
            if amount.is_positive() { Ok(amount) } else { Err("`amount` must be positive".into()) }
        };
        let reason = self.reason.clone();
        Ok(Body::Is(match self.kind {
            Kind::Draw => return self.draw(names, amount()?),
            Kind::PaymentReturned => return self.payment_returned(names),
            Kind::DrawRefused => {
                LineEventBody::DrawRefused { draw: names.draw(self.draw.as_ref())?, reason }
            }
            Kind::DrawCorrected => {
                let draw = names.draw(self.draw.as_ref())?;
                LineEventBody::DrawCorrected { draw, amount: amount()? }
            }
            Kind::Payment => {
                let payment = names.new_payment(self.id.as_ref())?;
                LineEventBody::PaymentReceived { payment, amount: amount()? }
            }
            Kind::PaymentReversed => {
                let payment = names.payment(self.payment.as_ref())?;
                LineEventBody::PaymentReversed { payment, reason }
            }
            Kind::Credit => LineEventBody::CreditGranted { amount: amount()?, reason },
            Kind::Refund => LineEventBody::CreditBalanceRefunded { amount: amount()? },
            Kind::Fee => {
                let (fee, amount) = (self.fee_kind()?, amount()?);
                LineEventBody::FeeAssessed { fee, cycle: None, amount }
            }
            Kind::FeeWaived => {
                LineEventBody::FeeWaived { fee: self.fee_kind()?, amount: amount()?, reason }
            }
            Kind::RateChange => LineEventBody::RateChanged {
                feature: self.feature.clone(),
                apr: needed(self.apr, "apr")?,
                applies_to: needed(self.applies_to, "applies_to")?,
            },
            Kind::RateCap => LineEventBody::RateCapped {
                apr: needed(self.apr, "apr")?,
                through: self.through,
                reason,
            },
            Kind::LimitChange => LineEventBody::LimitChanged { credit_limit: amount()?, reason },
            Kind::CycleChange => LineEventBody::CyclesChanged {
                cycles: CycleSchedule::monthly(needed(self.close_day, "close_day")?),
            },
            Kind::Flag => {
                LineEventBody::FlagRaised { flag: needed(self.flag, "flag")?, note: reason }
            }
            Kind::FlagCleared => {
                LineEventBody::FlagCleared { flag: needed(self.flag, "flag")?, note: reason }
            }
            Kind::Close => LineEventBody::LineClosed { reason },
        }))
    }

    fn draw(&self, names: &mut Names, amount: Cents) -> Result<Body, String> {
        let draw = names.new_draw(self.id.as_ref())?;
        let feature = self.feature.clone();
        let fee = self.fee_amount()?;
        let body = LineEventBody::Drew { draw, feature, amount, fee: fee.unwrap_or(Cents::ZERO) };
        Ok(if fee.is_some() { Body::Is(body) } else { Body::Draw(body) })
    }

    fn payment_returned(&self, names: &Names) -> Result<Body, String> {
        let payment = names.payment(self.payment.as_ref())?;
        let code = self.code.clone().unwrap_or_else(|| "R01".to_owned());
        let fee = self.fee_amount()?;
        let body =
            LineEventBody::PaymentReturned { payment, code, fee: fee.unwrap_or(Cents::ZERO) };
        Ok(if fee.is_some() { Body::Is(body) } else { Body::Return(body) })
    }

    fn fee_amount(&self) -> Result<Option<Cents>, String> {
        let Some(FeeFile(text)) = &self.fee else { return Ok(None) };
        let amount = Cents::parse_dollars(text).map_err(|error| error.to_string())?;
        if amount.is_negative() {
            Err("`fee` must not be negative".into())
        } else {
            Ok(Some(amount))
        }
    }

    fn fee_kind(&self) -> Result<FeeKind, String> {
        let FeeFile(text) = needed(self.fee.clone(), "fee")?;
        serde_json::from_value(text.clone().into()).map_err(|_| {
            format!(
                "`{text}` is no kind of fee; there are draw, plan, late, returned_payment, over_limit and other"
            )
        })
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
