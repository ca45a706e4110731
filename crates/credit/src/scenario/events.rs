//! The events of a scenario, as a file writes them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveTime};
use identity::{AutopayId, CaseId, DrawId, PaymentId};
use money::{Apr, Cents};
use serde::Deserialize;
use uuid::Uuid;

use super::Body;
use crate::{
    AppliesTo, ChangeNotice, CycleSchedule, Disputed, FeeKind, FlagKind, LineEventBody,
    NoticeException,
    catalog::json_table,
    product::DateTerms,
    units::{date, date_opt, dollars_opt, parse_amount, percent_opt},
};

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Draw,
    DrawHeld,
    DrawSettled,
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
    AutopayDiscount,
    AutopayDiscountEnded,
    IndexChange,
    TermsChange,
    Dispute,
    DisputeResolved,
    LimitChange,
    CycleChange,
    Flag,
    FlagCleared,
    StatementSent,
    StatementNotSent,
    Close,
}

/// Every key that an event can have; which of them it needs depends on its kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventFile {
    kind: Kind,
    #[serde(with = "date")]
    pub(super) on: NaiveDate,
    #[serde(default, with = "date_opt")]
    pub(super) recorded_on: Option<NaiveDate>,
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
    /// Last day of a hold.
    #[serde(default, with = "date_opt")]
    expires_on: Option<NaiveDate>,
    /// When notice of a change of terms was given...
    #[serde(default, with = "date_opt")]
    notice_on: Option<NaiveDate>,
    /// ...or why none was needed.
    exception: Option<NoticeException>,
    /// What a product file would say of the changed terms.
    terms: Option<toml::Table>,
    dispute: Option<String>,
    autopay: Option<String>,
    /// By its number.
    statement: Option<u32>,
    /// How much of a dispute was our error.
    #[serde(default, with = "dollars_opt")]
    error: Option<Cents>,
}

/// The amount of a fee, or its kind where the event is a fee.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
struct FeeFile(String);

/// Draws and payments by the names that a file gives them.
#[derive(Clone, Default)]
pub(super) struct Names {
    given: u128,
    /// An id names one thing of the file: a what-if leaves out by it.
    taken: BTreeMap<String, &'static str>,
    draws: BTreeMap<String, DrawId>,
    payments: BTreeMap<String, (PaymentId, NaiveDate)>,
    /// Returned or reversed.
    undone: BTreeSet<PaymentId>,
    refused: BTreeSet<DrawId>,
    /// With what is disputed.
    disputes: BTreeMap<String, (CaseId, Cents)>,
    autopays: BTreeMap<String, AutopayId>,
    ended: BTreeSet<AutopayId>,
}

impl Names {
    /// The same file gives the same ids.
    fn next(&mut self) -> Uuid {
        self.given += 1;
        Uuid::from_u128(self.given)
    }

    /// The name by which a file speaks of something new.
    fn name(
        &mut self,
        what: &'static str,
        id: Option<&String>,
        own: &str,
    ) -> Result<String, String> {
        let name = id.cloned().unwrap_or_else(|| own.to_owned());
        match self.taken.insert(name.clone(), what) {
            None => Ok(name),
            Some(other) if other == what => Err(format!("two {what}s have the id `{name}`")),
            Some(other) => Err(format!("a {other} and a {what} have the id `{name}`")),
        }
    }

    fn new_draw(&mut self, id: Option<&String>) -> Result<DrawId, String> {
        let draw = DrawId::from_uuid(self.next());
        let name = self.name("draw", id, &draw.to_string())?;
        self.draws.insert(name, draw);
        Ok(draw)
    }

    fn new_payment(&mut self, id: Option<&String>, on: NaiveDate) -> Result<PaymentId, String> {
        let payment = PaymentId::from_uuid(self.next());
        let name = self.name("payment", id, &payment.to_string())?;
        self.payments.insert(name, (payment, on));
        Ok(payment)
    }

    fn new_dispute(&mut self, id: Option<&String>, amount: Cents) -> Result<CaseId, String> {
        let dispute = CaseId::from_uuid(self.next());
        let name = self.name("dispute", id, &dispute.to_string())?;
        self.disputes.insert(name, (dispute, amount));
        Ok(dispute)
    }

    fn new_autopay(&mut self, id: Option<&String>) -> Result<AutopayId, String> {
        let autopay = AutopayId::from_uuid(self.next());
        let name = self.name("discount", id, &autopay.to_string())?;
        self.autopays.insert(name, autopay);
        Ok(autopay)
    }

    /// A discount that ends: once.
    fn ended_autopay(&mut self, id: Option<&String>) -> Result<AutopayId, String> {
        let id = needed(id, "autopay")?;
        let found = self.autopays.get(id).copied();
        let autopay = found.ok_or_else(|| format!("no earlier discount has the id `{id}`"))?;
        if !self.ended.insert(autopay) {
            return Err(format!("discount `{id}` has ended already"));
        }
        Ok(autopay)
    }

    /// A dispute of which so much was our error.
    fn dispute(&self, id: Option<&String>, error: Cents) -> Result<CaseId, String> {
        let id = needed(id, "dispute")?;
        let found = self.disputes.get(id).copied();
        let (dispute, amount) =
            found.ok_or_else(|| format!("no earlier dispute has the id `{id}`"))?;
        if error.is_negative() {
            return Err("`error` must not be negative".to_owned());
        }
        if error > amount {
            return Err(format!("`error` is more than the {amount} that is disputed"));
        }
        Ok(dispute)
    }

    fn draw(&self, id: Option<&String>) -> Result<DrawId, String> {
        let id = needed(id, "draw")?;
        self.draws.get(id).copied().ok_or_else(|| format!("no earlier draw has the id `{id}`"))
    }

    /// A draw that never happened: once.
    fn refused_draw(&mut self, id: Option<&String>) -> Result<DrawId, String> {
        let draw = self.draw(id)?;
        if self.refused.insert(draw) {
            return Ok(draw);
        }
        Err(format!("draw `{}` was refused already", id.map_or("", String::as_str)))
    }

    /// A payment that comes back, or is taken back, on a day: once, and not before it was made.
    fn undone_payment(&mut self, id: Option<&String>, on: NaiveDate) -> Result<PaymentId, String> {
        let id = needed(id, "payment")?;
        let found = self.payments.get(id).copied();
        let (payment, paid_on) =
            found.ok_or_else(|| format!("no earlier payment has the id `{id}`"))?;
        if on < paid_on {
            return Err(format!("payment `{id}` was made later, on {paid_on}"));
        }
        if !self.undone.insert(payment) {
            return Err(format!("payment `{id}` has come back already"));
        }
        Ok(payment)
    }
}

fn needed<T>(value: Option<T>, key: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("this kind of event needs `{key}`"))
}

impl EventFile {
    /// The day for which the event counts: of a payment with a time, the product says which.
    pub(super) fn effective_on(&self, dates: &DateTerms) -> Result<NaiveDate, String> {
        let Some(at) = &self.at else { return Ok(self.on) };
        let at = NaiveTime::parse_from_str(at, "%H:%M")
            .or_else(|_| NaiveTime::parse_from_str(at, "%H:%M:%S"))
            .map_err(|_| format!("`{at}` is not a time such as 17:00"))?;
        if !matches!(self.kind, Kind::Payment) {
            return Err("only a payment has a time".to_owned());
        }
        Ok(dates.credited_on(self.on, at))
    }

    /// A key that means nothing for the kind.
    fn unused(&self) -> Option<&'static str> {
        let given = [
            ("id", self.id.is_some()),
            ("amount", self.amount.is_some()),
            ("feature", self.feature.is_some()),
            ("fee", self.fee.is_some()),
            ("draw", self.draw.is_some()),
            ("payment", self.payment.is_some()),
            ("code", self.code.is_some()),
            ("apr", self.apr.is_some()),
            ("applies_to", self.applies_to.is_some()),
            ("through", self.through.is_some()),
            ("close_day", self.close_day.is_some()),
            ("flag", self.flag.is_some()),
            ("expires_on", self.expires_on.is_some()),
            ("notice_on", self.notice_on.is_some()),
            ("exception", self.exception.is_some()),
            ("terms", self.terms.is_some()),
            ("dispute", self.dispute.is_some()),
            ("autopay", self.autopay.is_some()),
            ("error", self.error.is_some()),
            ("statement", self.statement.is_some()),
        ];
        let used: &[&str] = match self.kind {
            Kind::Draw => &["id", "amount", "feature", "fee", "draw"],
            Kind::DrawHeld => &["id", "amount", "expires_on"],
            Kind::DrawSettled | Kind::DrawRefused => &["draw"],
            Kind::DrawCorrected => &["draw", "amount", "fee"],
            Kind::Payment => &["id", "amount"],
            Kind::PaymentReturned => &["payment", "code", "fee"],
            Kind::PaymentReversed => &["payment"],
            Kind::Credit => &["amount", "feature"],
            Kind::Refund | Kind::LimitChange => &["amount"],
            Kind::Fee | Kind::FeeWaived => &["fee", "amount"],
            Kind::RateChange => &["feature", "apr", "applies_to", "notice_on", "exception"],
            Kind::RateCap => &["apr", "through"],
            Kind::AutopayDiscount => &["id"],
            Kind::AutopayDiscountEnded => &["autopay"],
            Kind::IndexChange => &["feature", "apr"],
            Kind::TermsChange => &["terms", "notice_on", "exception"],
            Kind::Dispute => &["id", "amount", "draw", "fee"],
            Kind::DisputeResolved => &["dispute", "error"],
            Kind::CycleChange => &["close_day"],
            Kind::Flag | Kind::FlagCleared => &["flag"],
            Kind::StatementSent | Kind::StatementNotSent => &["statement"],
            Kind::Close => &[],
        };
        given.iter().find(|(key, is)| *is && !used.contains(key)).map(|(key, _)| *key)
    }

    /// The id that a file gives the event.
    pub(super) fn id(&self) -> Option<&String> {
        self.id.as_ref()
    }

    /// The draw, payment, dispute or discount that the event is about.
    pub(super) fn refers_to(&self) -> Option<&String> {
        let other = self.dispute.as_ref().or(self.autopay.as_ref());
        self.draw.as_ref().or(self.payment.as_ref()).or(other)
    }

    pub(super) fn body(&self, names: &mut Names) -> Result<Body, String> {
        let amount = || self.positive_amount();
        if let Some(key) = self.unused() {
            return Err(format!("`{key}` means nothing for this kind of event"));
        }
        let reason = self.reason.clone();
        Ok(Body::Is(match self.kind {
            Kind::Draw => return self.draw(names, amount()?),
            Kind::PaymentReturned => return self.payment_returned(names),
            Kind::DrawHeld => {
                let (draw, amount) = (names.new_draw(self.id.as_ref())?, amount()?);
                let expires_on = self.expires_on;
                if expires_on.is_some_and(|last| last < self.on) {
                    return Err("`expires_on` lies before the hold begins".to_owned());
                }
                LineEventBody::DrawHeld { draw, amount, expires_on }
            }
            Kind::DrawSettled => {
                LineEventBody::DrawSettled { draw: names.draw(self.draw.as_ref())? }
            }
            Kind::DrawRefused => {
                LineEventBody::DrawRefused { draw: names.refused_draw(self.draw.as_ref())?, reason }
            }
            Kind::DrawCorrected => {
                let (draw, fee) = (names.draw(self.draw.as_ref())?, self.fee_amount()?);
                let (amount, by_terms) = (amount()?, fee.is_none());
                let body = LineEventBody::DrawCorrected { draw, amount, fee, by_terms };
                return Ok(if fee.is_some() { Body::Is(body) } else { Body::Corrected(body) });
            }
            Kind::Payment => {
                let payment = names.new_payment(self.id.as_ref(), self.on)?;
                LineEventBody::PaymentReceived { payment, amount: amount()? }
            }
            Kind::PaymentReversed => {
                let payment = names.undone_payment(self.payment.as_ref(), self.on)?;
                LineEventBody::PaymentReversed { payment, reason }
            }
            Kind::Credit => {
                let feature = self.feature.clone();
                LineEventBody::CreditGranted { amount: amount()?, reason, feature }
            }
            Kind::Refund => LineEventBody::CreditBalanceRefunded { amount: amount()? },
            Kind::Fee => {
                let (fee, amount) = (self.fee_kind()?, amount()?);
                LineEventBody::FeeAssessed { fee, cycle: None, amount }
            }
            Kind::FeeWaived => {
                LineEventBody::FeeWaived { fee: self.fee_kind()?, amount: amount()?, reason }
            }
            _ => return self.body_of_terms(names).map(Body::Is),
        }))
    }

    /// Rates, limits, dates, flags, terms, disputes.
    fn body_of_terms(&self, names: &mut Names) -> Result<LineEventBody, String> {
        let reason = self.reason.clone();
        let amount = || self.positive_amount();
        Ok(match self.kind {
            Kind::RateChange => LineEventBody::RateChanged {
                feature: self.feature.clone(),
                apr: needed(self.apr, "apr")?,
                applies_to: needed(self.applies_to, "applies_to")?,
                notice: (self.notice_on.is_some() || self.exception.is_some())
                    .then(|| self.notice()),
            },
            Kind::IndexChange => LineEventBody::IndexChanged {
                feature: self.feature.clone(),
                index: needed(self.apr, "apr")?,
            },
            Kind::TermsChange => {
                let changes = json_table(needed(self.terms.as_ref(), "terms")?);
                if changes.is_empty() {
                    return Err("`terms` is empty: it changes no term".to_owned());
                }
                LineEventBody::TermsChanged { changes, notice: self.notice() }
            }
            Kind::Dispute => {
                let amount = amount()?;
                let dispute = names.new_dispute(self.id.as_ref(), amount)?;
                LineEventBody::DisputeOpened { dispute, subject: self.disputed(names)?, amount }
            }
            Kind::DisputeResolved => {
                let error = self.error.unwrap_or_default();
                let dispute = names.dispute(self.dispute.as_ref(), error)?;
                LineEventBody::DisputeResolved { dispute, error, reason }
            }
            Kind::RateCap => {
                let (apr, through) = (needed(self.apr, "apr")?, self.through);
                if through.is_some_and(|last| last < self.on) {
                    return Err("`through` lies before the cap begins".to_owned());
                }
                LineEventBody::RateCapped { apr, through, reason }
            }
            Kind::AutopayDiscount => LineEventBody::AutopayDiscountBegan {
                autopay: names.new_autopay(self.id.as_ref())?,
            },
            Kind::AutopayDiscountEnded => LineEventBody::AutopayDiscountEnded {
                autopay: names.ended_autopay(self.autopay.as_ref())?,
            },
            Kind::LimitChange => LineEventBody::LimitChanged { credit_limit: amount()?, reason },
            Kind::CycleChange => LineEventBody::CyclesChanged {
                cycles: CycleSchedule::monthly(match needed(self.close_day, "close_day")? {
                    day @ 1..=31 => day,
                    _ => return Err("`close_day` must be from 1 to 31".to_owned()),
                }),
            },
            Kind::Flag => {
                LineEventBody::FlagRaised { flag: needed(self.flag, "flag")?, note: reason }
            }
            Kind::FlagCleared => {
                LineEventBody::FlagCleared { flag: needed(self.flag, "flag")?, note: reason }
            }
            Kind::StatementSent => {
                LineEventBody::StatementSent { cycle: needed(self.statement, "statement")? }
            }
            Kind::StatementNotSent => {
                LineEventBody::StatementNotSent { cycle: needed(self.statement, "statement")? }
            }
            Kind::Close => LineEventBody::LineClosed { reason },
            _ => return Err("this kind of event is not known".to_owned()),
        })
    }

    fn positive_amount(&self) -> Result<Cents, String> {
        let amount = needed(self.amount, "amount")?;
        if amount.is_positive() { Ok(amount) } else { Err("`amount` must be positive".into()) }
    }

    const fn notice(&self) -> ChangeNotice {
        ChangeNotice { given_on: self.notice_on, exception: self.exception }
    }

    fn disputed(&self, names: &Names) -> Result<Disputed, String> {
        Ok(match (&self.draw, &self.fee) {
            (Some(_), Some(_)) => {
                return Err(
                    "a dispute names a `draw` or a `fee`: each is disputed by itself".to_owned()
                );
            }
            (Some(_), None) => Disputed::Draw { draw: names.draw(self.draw.as_ref())? },
            (None, Some(_)) => Disputed::Fee { fee: self.fee_kind()? },
            (None, None) => Disputed::Other,
        })
    }

    /// A draw of its own, or one that was held before.
    fn draw(&self, names: &mut Names, amount: Cents) -> Result<Body, String> {
        let draw = match &self.draw {
            Some(_) => names.draw(self.draw.as_ref())?,
            None => names.new_draw(self.id.as_ref())?,
        };
        let feature = self.feature.clone();
        let fee = self.fee_amount()?;
        let by_terms = fee.is_none();
        let body = LineEventBody::Drew {
            draw,
            feature,
            amount,
            fee: fee.unwrap_or(Cents::ZERO),
            by_terms,
        };
        Ok(if fee.is_some() { Body::Is(body) } else { Body::Draw(body) })
    }

    fn payment_returned(&self, names: &mut Names) -> Result<Body, String> {
        let payment = names.undone_payment(self.payment.as_ref(), self.on)?;
        let code = self.code.clone().unwrap_or_else(|| "R01".to_owned());
        let fee = self.fee_amount()?;
        let body =
            LineEventBody::PaymentReturned { payment, code, fee: fee.unwrap_or(Cents::ZERO) };
        Ok(if fee.is_some() { Body::Is(body) } else { Body::Return(body) })
    }

    fn fee_amount(&self) -> Result<Option<Cents>, String> {
        let Some(FeeFile(text)) = &self.fee else { return Ok(None) };
        let amount = parse_amount(text)?;
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
