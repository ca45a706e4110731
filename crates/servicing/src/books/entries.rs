//! One credit line from its events to the general ledger: its postings with their entries, what they come to by account, and
//! whether that is what its history comes to.
//!
//! At most three statements of one snapshot (which line, its events, its postings), under the role that reads the record. What is absent:
//! interest that runs. It is posted for all lines together, and no entry of it names one.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use credit::{Charge, LineEvent, LineEventBody};
use identity::{CreditLineId, CustomerId, PostingId};
use ledger::{AccountCode, Chart, Entry, Side};
use money::Cents;
use serde::Serialize;
use store::{
    Tx, boarding, credit_lines,
    entries::{self, BookedPosting},
    line_events,
    periods::{AccountMovement, ByDate, Sums},
};

use super::{Difference, lines, name};
use crate::{
    Caller, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    periods::AccountBalance, reference::reference,
};

/// Which line is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhichLine {
    Id(CreditLineId),
    /// The customer's newest.
    OfCustomer(CustomerId),
    /// The one that came from another lender under this reference.
    Boarded {
        portfolio: String,
        reference: String,
    },
}

/// Which of its postings, by one of their dates; both days belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    pub by: ByDate,
    pub from: Option<NaiveDate>,
    pub through: Option<NaiveDate>,
}

/// A line's postings, in the order of their value dates, and what they come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineEntries {
    pub credit_line: CreditLineId,
    pub from: Option<NaiveDate>,
    pub through: Option<NaiveDate>,
    /// Those of the days asked for.
    pub postings: Vec<LinePosting>,
    /// Of the line's postings alone: what they came to before the first day asked for, what moved, and the balance on the last.
    pub accounts: Vec<AccountBalance>,
    /// Of all days: what the control accounts were held against its history for.
    pub postings_in_all: usize,
    pub events_replayed: usize,
    /// All of its entries come to what replaying its events comes to.
    pub ok: bool,
    pub differences: Vec<Difference>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinePosting {
    pub id: PostingId,
    pub kind: String,
    /// What it was posted for: nothing where the books name no event of the line.
    pub event: Option<EventPosted>,
    /// The value date.
    pub effective_on: NaiveDate,
    /// The accounting date.
    pub booked_on: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    /// Debits first.
    pub entries: Vec<LineEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventPosted {
    pub seq: u64,
    pub kind: &'static str,
    /// The number of the statement, the reference of the payment or draw, which charge.
    pub reference: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineEntry {
    pub code: String,
    pub name: String,
    #[serde(rename = "debit_cents")]
    pub debit: Cents,
    #[serde(rename = "credit_cents")]
    pub credit: Cents,
}

impl Servicing {
    /// The entries of one line, and whether all of them come to what its history comes to.
    ///
    /// # Errors
    /// A refusal where there is no such line.
    pub async fn line_entries(
        &self,
        caller: Caller,
        which: &WhichLine,
        days: Days,
    ) -> Result<LineEntries, ServicingError> {
        authorise(caller, UseCase::Oversee, None, self.now())?;
        let chart = Chart::embedded().map_err(ServicingError::engine)?;
        let mut tx = self
            .store
            .audit()
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let id = find(&mut tx, which).await?.ok_or_else(|| unknown(which))?;
        let events = line_events::load(&mut tx, id).await?;
        let postings = entries::of_line(&mut tx, id).await?;
        tx.rollback().await?;
        if events.is_empty() && postings.is_empty() {
            return Err(unknown(which).into());
        }
        LineEntries::of(&chart, id, days, events, &postings)
    }
}

async fn find(tx: &mut Tx<'_>, which: &WhichLine) -> Result<Option<CreditLineId>, ServicingError> {
    Ok(match which {
        WhichLine::Id(id) => Some(*id),
        WhichLine::OfCustomer(customer) => {
            credit_lines::find_of_customer(tx, *customer).await?.map(|row| row.id)
        }
        WhichLine::Boarded { portfolio, reference } => {
            boarding::find_line(tx, portfolio, reference).await?
        }
    })
}

fn unknown(which: &WhichLine) -> Refusal {
    let sentence = match which {
        WhichLine::Id(id) => format!("There is no credit line {id}."),
        WhichLine::OfCustomer(customer) => format!("Customer {customer} has no credit line."),
        WhichLine::Boarded { portfolio, reference } => {
            format!("No line of portfolio {portfolio} was boarded under reference {reference}.")
        }
    };
    Refusal::new(RefusalCode::NotFound, sentence)
}

impl Days {
    const fn of(self, posting: &BookedPosting) -> NaiveDate {
        match self.by {
            ByDate::Booked => posting.booked_on,
            ByDate::Value => posting.effective_on,
        }
    }

    fn before(self, posting: &BookedPosting) -> bool {
        self.from.is_some_and(|from| self.of(posting) < from)
    }

    fn after(self, posting: &BookedPosting) -> bool {
        self.through.is_some_and(|through| self.of(posting) > through)
    }
}

impl LineEntries {
    fn of(
        chart: &Chart,
        id: CreditLineId,
        days: Days,
        events: Vec<LineEvent>,
        postings: &[BookedPosting],
    ) -> Result<Self, ServicingError> {
        let accounts = moved(id, days, postings);
        let shown = postings.iter().filter(|one| !days.before(one) && !days.after(one));
        let mut shown: Vec<_> = shown.map(|one| LinePosting::of(chart, &events, one)).collect();
        shown.sort_by_key(LinePosting::place);
        let events_replayed = events.len();
        let differences = lines::differ(chart, id, events, &booked(id, postings))?;
        Ok(Self {
            credit_line: id,
            from: days.from,
            through: days.through,
            postings: shown,
            accounts: accounts.into_iter().map(|one| AccountBalance::of(chart, one)).collect(),
            postings_in_all: postings.len(),
            events_replayed,
            ok: differences.is_empty(),
            differences,
        })
    }
}

/// What the line's entries on control accounts come to, as debits.
fn booked(id: CreditLineId, postings: &[BookedPosting]) -> BTreeMap<AccountCode, Cents> {
    let mut booked = BTreeMap::new();
    for entry in postings.iter().flat_map(|one| &one.entries) {
        if entry.credit_line == Some(id) {
            *booked.entry(entry.account).or_default() += entry.signed();
        }
    }
    booked
}

/// What moved on every account by the line's postings, but for entries in the name of another line. Where nothing was left and
/// nothing moved, nothing is said.
fn moved(id: CreditLineId, days: Days, postings: &[BookedPosting]) -> Vec<AccountMovement> {
    let mut accounts: BTreeMap<AccountCode, (Sums, Sums)> = BTreeMap::new();
    for posting in postings.iter().filter(|one| !days.after(one)) {
        let own = |entry: &&Entry| entry.credit_line.is_none_or(|line| line == id);
        for entry in posting.entries.iter().filter(own) {
            let (before, within) = accounts.entry(entry.account).or_default();
            let sums = if days.before(posting) { before } else { within };
            match entry.side {
                Side::Debit => sums.debits += entry.amount,
                Side::Credit => sums.credits += entry.amount,
            }
        }
    }
    let account =
        |(account, (brought_forward, moved))| AccountMovement { account, brought_forward, moved };
    let still = |one: &AccountMovement| {
        one.brought_forward.debits == one.brought_forward.credits && one.moved == Sums::default()
    };
    accounts.into_iter().map(account).filter(|one| !still(one)).collect()
}

impl LinePosting {
    /// By value date, then as it was recorded: an event's own posting before that of the cash it moved.
    fn place(&self) -> (NaiveDate, DateTime<Utc>, Option<u64>, bool) {
        let seq = self.event.as_ref().map(|event| event.seq);
        let own = self.event.as_ref().is_some_and(|event| event.kind == self.kind);
        (self.effective_on, self.recorded_at, seq, !own)
    }

    fn of(chart: &Chart, events: &[LineEvent], posting: &BookedPosting) -> Self {
        let mut entries: Vec<&Entry> = posting.entries.iter().collect();
        entries.sort_by_key(|entry| entry.side == Side::Credit);
        let event = posting.event_seq.and_then(|seq| events.iter().find(|one| one.seq == seq));
        let entry = |entry: &Entry| {
            let (debit, credit) = match entry.side {
                Side::Debit => (entry.amount, Cents::ZERO),
                Side::Credit => (Cents::ZERO, entry.amount),
            };
            LineEntry {
                code: entry.account.to_string(),
                name: name(chart, entry.account),
                debit,
                credit,
            }
        };
        Self {
            id: posting.id,
            kind: posting.kind.clone(),
            event: event.map(|event| EventPosted {
                seq: event.seq,
                kind: event.body.kind(),
                reference: reference_of(&event.body),
            }),
            effective_on: posting.effective_on,
            booked_on: posting.booked_on,
            recorded_at: posting.recorded_at,
            entries: entries.into_iter().map(entry).collect(),
        }
    }
}

/// By what a person finds what the event tells of.
fn reference_of(body: &LineEventBody) -> Option<String> {
    Some(match body {
        LineEventBody::StatementIssued { statement } => format!("statement {}", statement.number),
        LineEventBody::PaymentReceived { payment, .. }
        | LineEventBody::PaymentReturned { payment, .. }
        | LineEventBody::PaymentReversed { payment, .. } => reference("PAY", payment.as_uuid()),
        LineEventBody::Drew { draw, .. }
        | LineEventBody::DrawRefused { draw, .. }
        | LineEventBody::DrawCorrected { draw, .. } => reference("DRW", draw.as_uuid()),
        LineEventBody::FeeAssessed { fee, cycle: Some(cycle), .. } => {
            format!("{} of statement {cycle}", fee.label())
        }
        LineEventBody::FeeAssessed { fee, .. } | LineEventBody::FeeWaived { fee, .. } => {
            fee.label().to_owned()
        }
        LineEventBody::Adjusted { charge, .. } => charged(charge),
        _ => return None,
    })
}

fn charged(charge: &Charge) -> String {
    match charge {
        Charge::Interest { cycle, feature } => {
            format!("interest on {feature} of statement {cycle}")
        }
        Charge::LateFee { cycle } => format!("late fee of statement {cycle}"),
        Charge::PlanFee { cycle } => format!("plan fee of statement {cycle}"),
        Charge::OverLimitFee { cycle } => format!("over-limit fee of statement {cycle}"),
        Charge::MilitaryWaiver { cycle } => format!("fees of statement {cycle}"),
        Charge::DrawFee { draw } => format!("fee of {}", reference("DRW", draw.as_uuid())),
        Charge::Waiver { fee, .. } => format!("waiver of a {}", fee.label()),
    }
}
