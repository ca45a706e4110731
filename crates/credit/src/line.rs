//! A credit line as an aggregate: its events, and the one way to add to them.
//!
//! Invariants: events are only ever added; each comes with its balanced posting; `settle` brings what was posted in step with what
//! replay says, so that running it twice posts nothing the second time. What is absent: storage, time and permission.

use chrono::{DateTime, Days, NaiveDate, Utc};
use identity::CreditLineId;
use ledger::{AccountCode, Chart, Posting, TrialBalance};
use money::Cents;

use crate::{
    Accrual, Buckets, Charge, CreditError, CycleRecord, Issuer, LineEvent, LineEventBody,
    PendingCharge, Position, Replayed, Snapshot, Statement, Terms,
    draws::DrawFacts,
    event::FeeKind,
    postings::{Context, changes, posting_of},
    replay::replay_from,
    versions::Versions,
};

#[derive(Clone, Debug)]
pub struct CreditLine {
    id: CreditLineId,
    chart: Chart,
    events: Vec<LineEvent>,
    snapshots: Vec<Snapshot>,
    /// The day on which the last event was posted.
    posted_on: NaiveDate,
    posted: Buckets,
    issuer: Option<Issuer>,
}

/// An event that was added, with what it posts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub event: LineEvent,
    /// `None` where the books do not move.
    pub posting: Option<Posting>,
}

impl CreditLine {
    /// Opens a line. The event posts nothing.
    pub fn open(
        id: CreditLineId,
        terms: Terms,
        opened_on: NaiveDate,
        recorded_at: DateTime<Utc>,
    ) -> Result<(Self, Recorded), CreditError> {
        let body = LineEventBody::Opened { terms: Box::new(terms) };
        let event = LineEvent { seq: 1, effective_on: opened_on, recorded_at, body };
        let line = Self::from_history(id, vec![event.clone()], Vec::new())?;
        Ok((line, Recorded { event, posting: None }))
    }

    /// The line as it was stored: its events in order of `seq`, and any snapshots of it.
    pub fn from_history(
        id: CreditLineId,
        events: Vec<LineEvent>,
        snapshots: Vec<Snapshot>,
    ) -> Result<Self, CreditError> {
        let first = events.first().ok_or(CreditError::NotOpened)?;
        let LineEventBody::Opened { terms } = &first.body else {
            return Err(CreditError::NotOpened);
        };
        let zone = terms.product.dates.zone;
        let booked = events.iter().rposition(|event| posts(&event.body)).unwrap_or_default();
        let booked = events.get(..=booked).unwrap_or_default();
        let posted_on = booked
            .iter()
            .map(|event| event.effective_on.max(calendar::local_date(event.recorded_at, zone)))
            .max()
            .unwrap_or(first.effective_on);
        let chart = Chart::embedded()?;
        let Replayed { position, snapshots: newer } = replay_from(&snapshots, booked, posted_on)?;
        let posted = position.posted;
        let mut line = Self { id, chart, events, snapshots, posted_on, posted, issuer: None };
        line.keep(newer);
        Ok(line)
    }

    /// One snapshot per day, the latest made.
    fn keep(&mut self, newer: Vec<Snapshot>) {
        for snapshot in newer {
            self.snapshots.retain(|known| known.through != snapshot.through);
            self.snapshots.push(snapshot);
        }
    }

    /// Statements from now on name this issuer.
    pub fn issued_by(&mut self, issuer: Issuer) {
        self.issuer = Some(issuer);
    }

    /// The terms as they were copied from the product when the line opened.
    pub fn opened_with(&self) -> Result<&Terms, CreditError> {
        match self.events.first().map(|event| &event.body) {
            Some(LineEventBody::Opened { terms }) => Ok(terms),
            _ => Err(CreditError::NotOpened),
        }
    }

    #[must_use]
    pub const fn id(&self) -> CreditLineId {
        self.id
    }

    #[must_use]
    pub fn events(&self) -> &[LineEvent] {
        &self.events
    }

    /// One per closed cycle; those that `record` added stand at the end.
    #[must_use]
    pub fn snapshots(&self) -> &[Snapshot] {
        &self.snapshots
    }

    /// What the ledger shows for the line.
    #[must_use]
    pub const fn posted(&self) -> &Buckets {
        &self.posted
    }

    /// Control accounts on which the books differ from the line, with the difference (books less line).
    pub fn untied(&self, books: &TrialBalance) -> Result<Vec<(AccountCode, Cents)>, CreditError> {
        let mut untied = Vec::new();
        for (name, expected) in changes(&Buckets::default(), &self.posted) {
            let account = self.chart.account(name)?.code;
            let difference = books.line(self.id, account).net() - expected;
            if !difference.is_zero() {
                untied.push((account, difference));
            }
        }
        Ok(untied)
    }

    /// See `replay`.
    pub fn position(&self, on: NaiveDate) -> Result<Position, CreditError> {
        replay_from(&self.snapshots, &self.events, on).map(|replayed| replayed.position)
    }

    /// The interest-bearing principal of the days that no statement has billed, as known on the day `on`.
    pub fn accrual(&self, on: NaiveDate) -> Result<Accrual, CreditError> {
        Accrual::of(&self.snapshots, &self.events, on)
    }

    /// Adds one event. Nothing changes where it is refused.
    pub fn record(
        &mut self,
        body: LineEventBody,
        effective_on: NaiveDate,
        recorded_at: DateTime<Utc>,
    ) -> Result<Recorded, CreditError> {
        let seq = self.events.last().map_or(1, |event| event.seq + 1);
        let referred = self.referred(&body);
        let event = LineEvent { seq, effective_on, recorded_at, body };
        self.events.push(event.clone());
        match self.post(&event, referred) {
            Ok(posting) => Ok(Recorded { event, posting }),
            Err(error) => {
                self.events.pop();
                Err(error)
            }
        }
    }

    fn post(
        &mut self,
        event: &LineEvent,
        referred: Context,
    ) -> Result<Option<Posting>, CreditError> {
        self.check_notice(event)?;
        let zone = self.zone();
        let recorded_on = calendar::local_date(event.recorded_at, zone);
        let on = self.posted_on.max(event.effective_on).max(recorded_on);
        let replayed = replay_from(&self.snapshots, &self.events, on)?;
        if !posts(&event.body) {
            return Ok(None);
        }
        let after = replayed.position.posted;
        let posting =
            posting_of(&self.chart, self.id, &event.body, (&self.posted, &after), referred)?;
        self.posted = after;
        self.posted_on = on;
        self.keep(replayed.snapshots);
        Ok(posting)
    }

    /// Posts all that is due by the start of the day `on`: statements of cycles that closed before it, fees that the terms
    /// impose, and adjustments of closed cycles. Idempotent. A statement is sent on the day on which it is recorded, however long
    /// ago its cycle closed: lateness waits for that (V48).
    pub fn settle(
        &mut self,
        on: NaiveDate,
        recorded_at: DateTime<Utc>,
    ) -> Result<Vec<Recorded>, CreditError> {
        self.settle_and_look(on, recorded_at).map(|(recorded, _)| recorded)
    }

    /// The same, and the line as it stands then.
    pub fn settle_and_look(
        &mut self,
        on: NaiveDate,
        recorded_at: DateTime<Utc>,
    ) -> Result<(Vec<Recorded>, Position), CreditError> {
        let mut recorded = Vec::new();
        loop {
            let position = self.position(on)?;
            let issued_on = calendar::local_date(recorded_at, self.zone()).max(on);
            let Some((effective_on, body)) = self.next_due(&position, issued_on)? else {
                return Ok((recorded, position));
            };
            recorded.push(self.record(body, effective_on, recorded_at)?);
        }
    }

    /// The earliest thing due: a charge to post or correct before the statement of the same day.
    fn next_due(
        &self,
        position: &Position,
        issued_on: NaiveDate,
    ) -> Result<Option<(NaiveDate, LineEventBody)>, CreditError> {
        let statement = position
            .cycles
            .iter()
            .find(|record| position.statements_due.first() == Some(&record.number));
        let charge = position
            .pending
            .iter()
            .filter(|pending| {
                !pending.first
                    || !matches!(pending.charge, Charge::Interest { .. })
                    || !pending
                        .charge
                        .cycle()
                        .is_some_and(|of| position.statements_due.contains(&of))
            })
            .min_by_key(|pending| (pending.on, pending.charge.clone()));
        Ok(match (charge, statement) {
            (Some(charge), Some(record)) if charge.on <= record.closes_on => {
                Some((charge.on, posting_body(charge)))
            }
            (_, Some(record)) => {
                let terms = self.closed_with(record)?;
                let statement = Statement::of((record, &terms), position, &self.events, issued_on);
                let statement = Box::new(Statement { issuer: self.issuer.clone(), ..statement });
                Some((record.closes_on, LineEventBody::StatementIssued { statement }))
            }
            (Some(charge), None) => Some((charge.on, posting_body(charge))),
            (None, None) => None,
        })
    }

    /// The terms that a cycle closed with.
    pub(crate) fn closed_with(&self, record: &CycleRecord) -> Result<Terms, CreditError> {
        let versions = Versions::of(self.opening_terms()?, &self.events)?;
        Ok(versions.on(record.closes_on, record.starts_on).clone())
    }

    /// The close of the cycle in which a day lies, by all schedules known now: one that begins within a cycle ends it anew.
    pub fn close_of(&self, day: NaiveDate) -> Result<NaiveDate, CreditError> {
        let mut changes: Vec<_> = self
            .events
            .iter()
            .filter_map(|event| match &event.body {
                LineEventBody::CyclesChanged { cycles } => Some((event.effective_on, cycles)),
                _ => None,
            })
            .collect();
        changes.sort_by_key(|(from, cycles)| (*from, cycles.close_day));
        let mut close = self.opening_terms()?.cycles.close_of(day);
        for (from, cycles) in changes {
            if from <= close {
                close = cycles.close_of(day.max(from));
            }
        }
        Ok(close)
    }

    /// What a return, reversal, refusal or correction takes back, by the events before it.
    fn referred(&self, body: &LineEventBody) -> Context {
        let mut context = Context::default();
        if let LineEventBody::PaymentReturned { payment: wanted, .. }
        | LineEventBody::PaymentReversed { payment: wanted, .. } = body
        {
            for event in &self.events {
                match &event.body {
                    LineEventBody::PaymentReceived { payment, amount } if wanted == payment => {
                        context.referred_amount = *amount;
                    }
                    // A payment is undone once.
                    LineEventBody::PaymentReturned { payment, .. }
                    | LineEventBody::PaymentReversed { payment, .. }
                        if wanted == payment =>
                    {
                        context.referred_amount = Cents::ZERO;
                    }
                    _ => {}
                }
            }
            return context;
        }
        let draws = DrawFacts::of(&self.events);
        let change = draws.change_by(body);
        context.of_draw = draws.corrected_by(body).is_some();
        (context.referred_amount, context.referred_fee) = (change.amount, change.fee);
        context
    }

    /// A change of terms needs its notice, or a reason why it needs none (12 CFR 1026.9(c)). How long the notice is, the terms say
    /// that are in force on the day it is given.
    fn check_notice(&self, event: &LineEvent) -> Result<(), CreditError> {
        let (seq, effective_on) = (event.seq, event.effective_on);
        let notice = match &event.body {
            LineEventBody::TermsChanged { changes, .. } if changes.is_empty() => {
                return Err(CreditError::ChangesNothing { seq });
            }
            LineEventBody::TermsChanged { notice, .. }
            | LineEventBody::RateChanged { notice: Some(notice), .. } => *notice,
            _ => return Ok(()),
        };
        if notice.exception.is_some() {
            return Ok(());
        }
        let given_on = notice.given_on.ok_or(CreditError::NoNotice { seq })?;
        let known = self.events.partition_point(|known| known.seq < seq);
        let before = self.events.get(..known).unwrap_or_default();
        let versions = Versions::of(self.opening_terms()?, before)?;
        let dates = &versions.on(given_on, given_on).product.dates;
        let days = Days::new(dates.change_notice_days.into());
        let earliest = given_on.checked_add_days(days).unwrap_or(NaiveDate::MAX);
        if effective_on < earliest {
            return Err(CreditError::NoticeTooLate { seq, effective_on, earliest });
        }
        Ok(())
    }

    fn opening_terms(&self) -> Result<&Terms, CreditError> {
        match self.events.first().map(|event| &event.body) {
            Some(LineEventBody::Opened { terms }) => Ok(terms),
            _ => Err(CreditError::NotOpened),
        }
    }

    pub(crate) fn zone(&self) -> calendar::Tz {
        self.opening_terms()
            .map_or(calendar::Tz::America__Los_Angeles, |terms| terms.product.dates.zone)
    }
}

/// Flags are raised where nothing may post; what they change is posted with the next event.
const fn posts(body: &LineEventBody) -> bool {
    !matches!(body, LineEventBody::FlagRaised { .. } | LineEventBody::FlagCleared { .. })
}

/// A fee of the terms that is posted for the first time, or the correction of what was posted.
fn posting_body(pending: &PendingCharge) -> LineEventBody {
    let assessed = |fee: FeeKind, cycle: u32| LineEventBody::FeeAssessed {
        fee,
        cycle: Some(cycle),
        amount: pending.amount,
    };
    match &pending.charge {
        Charge::LateFee { cycle } if pending.first => assessed(FeeKind::Late, *cycle),
        Charge::PlanFee { cycle } if pending.first => assessed(FeeKind::Plan, *cycle),
        Charge::OverLimitFee { cycle } if pending.first => assessed(FeeKind::OverLimit, *cycle),
        charge => LineEventBody::Adjusted { charge: charge.clone(), amount: pending.amount },
    }
}
