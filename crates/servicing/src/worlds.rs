//! Worlds: a customer with a line and a history, laid down from a scenario through the real engine, store and ledger. The
//! fixture of tests and evals, and the making of the sandbox portfolio.
//!
//! Invariants: every id is drawn from the seed, so that the same scenario and seed give the same world; each event posts
//! as it would have posted on its day; payments and draws of the history have their rows, and their money has moved (`cash`).
//! What is absent: the bank, which never hears of a history.

use std::collections::BTreeMap;

use calendar::{add_banking_days, banking_day_on_or_after, local_date};
use chrono::{DateTime, NaiveDate, Utc};
use credit::{
    FlagKind, LineEvent, LineEventBody,
    scenario::{LineReport, Scenario},
};
use identity::{BankAccountId, ConsentId, CreditLineId, CustomerId, DrawId, PaymentId};
use money::Cents;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use store::{
    documents::Consent,
    draws::{self, DrawRail, DrawRow, DrawStatus},
    flags::{self, Flag},
    payments::{self, AmountKind, PaymentRow, PaymentStatus},
};
use uuid::{Builder, Uuid};

use crate::{
    Caller, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    cash::moved_in,
    flags::flag_word,
    lines::Line,
    originate::{NewBankAccount, NewCustomer, Opening},
    reference::reference,
    work::Trail,
};

/// Who the world is about.
#[derive(Clone)]
pub struct Person {
    pub customer: NewCustomer,
    /// The first one is where draws went and payments came from.
    pub bank_accounts: Vec<NewBankAccount>,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    pub customer_id: CustomerId,
    /// None where the scenario is that of an applicant.
    pub credit_line_id: Option<CreditLineId>,
    pub bank_account_ids: Vec<BankAccountId>,
    /// The payments of the history, by the order of their events.
    pub payment_ids: Vec<PaymentId>,
}

/// Draws ids: a version 7 UUID of the given instant whose random bits come from seed and name.
struct Ids<'a> {
    seed: &'a str,
}

impl Ids<'_> {
    fn draw(&self, name: &str, at: DateTime<Utc>) -> Uuid {
        let digest = Sha256::digest(format!("{}\n{name}", self.seed));
        let mut bits = [0_u8; 10];
        for (bit, byte) in bits.iter_mut().zip(digest) {
            *bit = byte;
        }
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
        Builder::from_unix_timestamp_millis(millis, &bits).into_uuid()
    }
}

impl Servicing {
    /// Makes a customer with bank accounts and, where a scenario of one line is given, lives its history up to now. Today
    /// must not lie before the scenario's last day.
    pub async fn load_world(
        &self,
        caller: Caller,
        scenario: Option<&Scenario>,
        person: Person,
        seed: &str,
    ) -> Result<World, ServicingError> {
        let now = self.now();
        let permit = authorise(caller, UseCase::Originate, None, now)?;
        let history = scenario.map(history).transpose()?;
        if history.as_ref().is_some_and(|line| line.position.on > self.today()) {
            return Err(Refusal::new(
                RefusalCode::DateInPast,
                "A history cannot reach beyond today.",
            )
            .into());
        }
        let ids = Ids { seed };
        let born = history.as_ref().map_or(now, |line| self.noon(line.opened_on));
        let customer_id = CustomerId::from_uuid(ids.draw("customer", born));
        let mut tx = self.store.app().begin().await?;
        self.add_customer_in(&mut tx, permit, customer_id, person.customer).await?;
        let consent = Consent {
            id: ConsentId::from_uuid(ids.draw("consent", born)),
            customer_id,
            version: "electronic-records 1".to_owned(),
            evidence: "opened a sample record in the app".to_owned(),
            given_at: born,
        };
        self.record_consent_in(&mut tx, permit, &consent).await?;
        let mut bank_account_ids = Vec::new();
        for (n, account) in person.bank_accounts.iter().enumerate() {
            let id = BankAccountId::from_uuid(ids.draw(&format!("bank account {n}"), born));
            // As old as the line: the history may have drawn to it.
            self.add_bank_account_in(&mut tx, permit, customer_id, (id, born), account).await?;
            bank_account_ids.push(id);
        }
        let mut world =
            World { customer_id, credit_line_id: None, bank_account_ids, payment_ids: Vec::new() };
        if let Some(history) = &history {
            let id = CreditLineId::from_uuid(ids.draw("credit line", born));
            world.credit_line_id = Some(id);
            let terms = history.position.terms.clone();
            let terms = opening_terms(&history.events).unwrap_or(terms);
            let opening = Opening { customer_id, decision_id: None, terms };
            let mut line =
                self.open_line_in(&mut tx, permit, id, opening, history.opened_on).await?;
            self.lay_down(&mut tx, &mut line, history, &ids, &mut world).await?;
            self.settle_line(&mut tx, &mut line).await?;
        }
        tx.commit().await?;
        Ok(world)
    }

    fn noon(&self, on: NaiveDate) -> DateTime<Utc> {
        crate::lines::noon(on, self.zone)
    }

    async fn lay_down(
        &self,
        conn: &mut PgConnection,
        line: &mut Line,
        history: &LineReport,
        ids: &Ids<'_>,
        world: &mut World,
    ) -> Result<(), ServicingError> {
        let mut renamed = Renamed::default();
        let mut events = Vec::new();
        for event in history.events.iter().skip(1) {
            let body = renamed.body(&event.body, ids, event.recorded_at);
            events.push((event.effective_on, body, event.recorded_at));
        }
        let recorded = self.post_history(conn, line, events).await?;
        let mut moved = moved_in(&recorded, |on| settles_on(on).min(self.today()))?;
        for one in &mut moved {
            one.recorded_at = one.recorded_at.max(self.noon(one.on)).min(self.now());
        }
        self.post_cash(conn, line.row.id, &moved).await?;
        let flags = self.flags_of(conn, line, world.customer_id).await?;
        if let Some(from) = world.bank_account_ids.first() {
            world.payment_ids = self.payments_of(conn, line, world.customer_id, *from).await?;
            self.draws_of(conn, line, world.customer_id, *from).await?;
        }
        let payload = json!({
            "customer_id": world.customer_id, "events": line.events().len(), "flags": flags,
            "through": history.position.on,
        });
        self.trail(conn, Trail::stream(None, Some(line.row.id)), "line.history_loaded", payload)
            .await
    }

    /// The flags that stand at the end of the history.
    async fn flags_of(
        &self,
        conn: &mut PgConnection,
        line: &Line,
        customer_id: CustomerId,
    ) -> Result<u32, ServicingError> {
        let mut standing: BTreeMap<FlagKind, &LineEvent> = BTreeMap::new();
        for event in line.events() {
            match &event.body {
                LineEventBody::FlagRaised { flag, .. } => {
                    standing.entry(*flag).or_insert(event);
                }
                LineEventBody::FlagCleared { flag, .. } => {
                    standing.remove(flag);
                }
                _ => {}
            }
        }
        let mut count = 0;
        for (kind, event) in standing {
            let flag = Flag {
                customer_id,
                credit_line_id: Some(line.row.id),
                kind: flag_word(kind),
                raised_on: event.effective_on,
                raised_at: event.recorded_at,
                source: "history".to_owned(),
            };
            count += u32::from(flags::raise(conn, &flag).await?);
        }
        Ok(count)
    }

    /// The rows of the payments of the history.
    async fn payments_of(
        &self,
        conn: &mut PgConnection,
        line: &Line,
        customer_id: CustomerId,
        from: BankAccountId,
    ) -> Result<Vec<PaymentId>, ServicingError> {
        let mut made = Vec::new();
        for event in line.events() {
            let LineEventBody::PaymentReceived { payment: id, amount } = event.body else {
                continue;
            };
            let undone = line.events().iter().find_map(|event| match &event.body {
                LineEventBody::PaymentReturned { payment, code, .. } if *payment == id => {
                    Some((event, code.clone()))
                }
                _ => None,
            });
            let row =
                self.payment_row(line, (customer_id, from), event, (id, amount), undone.as_ref());
            payments::insert_past(conn, &row).await?;
            made.push(id);
        }
        Ok(made)
    }

    fn payment_row(
        &self,
        line: &Line,
        (customer_id, from): (CustomerId, BankAccountId),
        received: &LineEvent,
        (id, amount): (PaymentId, Cents),
        undone: Option<&(&LineEvent, String)>,
    ) -> PaymentRow {
        let debit_on = banking_day_on_or_after(received.effective_on);
        let settle_on = settles_on(received.effective_on);
        let status = match undone {
            Some(_) => PaymentStatus::Returned,
            None => PaymentStatus::Settled,
        };
        let changed_at = undone
            .as_ref()
            .map_or_else(|| self.noon(settle_on).min(self.now()), |(event, _)| event.recorded_at);
        PaymentRow {
            id,
            credit_line_id: line.row.id,
            customer_id,
            bank_account_id: from,
            reference: reference("PAY", id.as_uuid()),
            amount,
            amount_kind: AmountKind::Exact,
            authorised_on: received.effective_on,
            debit_on,
            status,
            file_key: None,
            trace_number: None,
            received_seq: Some(i64::try_from(received.seq).unwrap_or(i64::MAX)),
            settle_on: Some(settle_on),
            return_code: undone.map(|(_, code)| code.clone()),
            returned_on: undone.as_ref().map(|(event, _)| local_date(event.recorded_at, self.zone)),
            retry_on: None,
            retry_of: None,
            cancel_reason: None,
            refusals: 0,
            authorised_at: received.recorded_at,
            changed_at,
        }
    }

    async fn draws_of(
        &self,
        conn: &mut PgConnection,
        line: &Line,
        customer_id: CustomerId,
        to: BankAccountId,
    ) -> Result<(), ServicingError> {
        for event in line.events() {
            let LineEventBody::Drew { draw: id, amount, fee, .. } = event.body else { continue };
            let refused = line.events().iter().find_map(|later| match &later.body {
                LineEventBody::DrawRefused { draw, reason } if *draw == id => Some(reason.clone()),
                _ => None,
            });
            let status = match refused {
                Some(_) => DrawStatus::Refused,
                None => DrawStatus::Settled,
            };
            let on = event.effective_on;
            let row = DrawRow {
                id,
                credit_line_id: line.row.id,
                customer_id,
                bank_account_id: to,
                reference: reference("DRW", id.as_uuid()),
                amount,
                fee,
                rail: DrawRail::Instant,
                status,
                review: None,
                held_on: on,
                leaves_on: on,
                available_on: on,
                file_key: None,
                trace_number: None,
                handed_at: None,
                drawn_on: Some(on),
                drew_seq: Some(i64::try_from(event.seq).unwrap_or(i64::MAX)),
                return_code: None,
                refusal: refused,
                refusals: 0,
                held_at: event.recorded_at,
                changed_at: event.recorded_at,
            };
            draws::insert(conn, &row).await?;
        }
        Ok(())
    }
}

/// The day on which the money of a payment for a day is there.
fn settles_on(on: NaiveDate) -> NaiveDate {
    add_banking_days(banking_day_on_or_after(on), 1)
}

/// The one line of a scenario, lived to its last day.
fn history(scenario: &Scenario) -> Result<LineReport, ServicingError> {
    let report = credit::scenario::run(scenario).map_err(ServicingError::engine)?;
    let mut lines = report.lines;
    match (lines.pop(), lines.is_empty()) {
        (Some(line), true) => Ok(line),
        _ => Err(Refusal::new(
            RefusalCode::NotAllowed,
            "A world is made of a scenario with exactly one line.",
        )
        .into()),
    }
}

fn opening_terms(events: &[LineEvent]) -> Option<credit::Terms> {
    match events.first().map(|event| &event.body) {
        Some(LineEventBody::Opened { terms }) => Some(terms.as_ref().clone()),
        _ => None,
    }
}

/// Ids of a scenario, which repeat from one scenario to the next, and what they become in a world.
#[derive(Default)]
struct Renamed {
    payments: BTreeMap<PaymentId, PaymentId>,
    draws: BTreeMap<DrawId, DrawId>,
}

impl Renamed {
    fn payment(&mut self, id: PaymentId, ids: &Ids<'_>, at: DateTime<Utc>) -> PaymentId {
        let name = format!("payment {}", self.payments.len());
        *self.payments.entry(id).or_insert_with(|| PaymentId::from_uuid(ids.draw(&name, at)))
    }

    fn draw(&mut self, id: DrawId, ids: &Ids<'_>, at: DateTime<Utc>) -> DrawId {
        let name = format!("draw {}", self.draws.len());
        *self.draws.entry(id).or_insert_with(|| DrawId::from_uuid(ids.draw(&name, at)))
    }

    fn body(&mut self, body: &LineEventBody, ids: &Ids<'_>, at: DateTime<Utc>) -> LineEventBody {
        let mut body = body.clone();
        match &mut body {
            LineEventBody::PaymentReceived { payment, .. }
            | LineEventBody::PaymentReturned { payment, .. }
            | LineEventBody::PaymentReversed { payment, .. } => {
                *payment = self.payment(*payment, ids, at);
            }
            LineEventBody::Drew { draw, .. }
            | LineEventBody::DrawHeld { draw, .. }
            | LineEventBody::DrawSettled { draw }
            | LineEventBody::DrawRefused { draw, .. }
            | LineEventBody::DrawCorrected { draw, .. } => *draw = self.draw(*draw, ids, at),
            _ => {}
        }
        body
    }
}
