//! A line in hand: loaded, looked at, added to.
//!
//! Invariants: a line is added to only while its head is held; each event arrives with its posting, and what it makes
//! due (statements of closed cycles, fees of the terms, adjustments) is posted with it. What is absent: the rules, which
//! are `credit`'s.

use std::{collections::BTreeMap, mem};

use calendar::Tz;
use chrono::{DateTime, NaiveDate, Utc};
use credit::{
    Accrual, CreditLine, LineEvent, LineEventBody, PayoffQuote, Position, Recorded, Renewed,
    Snapshot, Standing, Step, Terms,
};
use identity::{CreditLineId, CustomerId, PostingId};
use money::Cents;
use serde_json::json;
use sqlx::PgConnection;
use store::{
    accruals,
    credit_lines::{self, CreditLineRow, Settled, UnreadLine, WholeLine},
    line_events::{self, Continuation, StoredSnapshot},
    postings::{self, NewPosting},
};

use crate::{
    Lender, Refusal, RefusalCode, Servicing, ServicingError,
    refunds::LEAST_IN_GOOD_FAITH,
    work::{Mark, Trail},
};

/// A line with its history.
pub(crate) struct Line {
    pub(crate) row: CreditLineRow,
    /// As copied from the product at opening; those in force on a day are the position's.
    pub(crate) opening_terms: Terms,
    history: CreditLine,
    /// The event up to which it is stored.
    stored_seq: u64,
    stored_snapshots: usize,
    /// What the sum of accruals was told of it.
    told: Told,
}

/// How much of a line the sum of accruals knows.
#[derive(Clone, Copy, Debug)]
struct Told {
    /// The event up to which it was told.
    seq: u64,
    /// Nothing of what it was told lies before this day.
    since: NaiveDate,
}

impl Line {
    fn of(whole: WholeLine<Snapshot>) -> Result<Self, ServicingError> {
        let WholeLine { row, events, snapshot } = whole;
        let snapshots: Vec<_> = snapshot.into_iter().map(|stored| stored.body).collect();
        let stored_snapshots = snapshots.len();
        let stored_seq = events.last().map_or(0, |event| event.seq);
        let told = Told { seq: stored_seq, since: first_unbilled(&events, row.opened_on) };
        let history =
            CreditLine::from_history(row.id, events, snapshots).map_err(ServicingError::engine)?;
        let opening_terms = history.opened_with().map_err(ServicingError::engine)?.clone();
        Ok(Self { row, opening_terms, history, stored_seq, stored_snapshots, told })
    }

    /// As [`Line::of`], of a line that is not yet read.
    pub(crate) fn read(unread: UnreadLine) -> Result<Self, ServicingError> {
        Self::of(unread.read()?)
    }

    /// What is due by the start of the day: what it adds to the line, what is told of it, and when to look again. Nothing is
    /// stored yet.
    pub(crate) fn work_out(
        &mut self,
        (on, at): (NaiveDate, DateTime<Utc>),
        lender: &Lender,
    ) -> Result<Due, ServicingError> {
        self.history.issued_by(lender.creditor.issuer());
        let settled = self.history.settle_and_look(on, at).map_err(ServicingError::engine)?;
        let (recorded, position) = settled;
        let mut marks: Vec<Mark> = recorded.iter().map(|one| posted_mark(&one.event)).collect();
        let known = self.row.standing.unwrap_or(Standing::opened(self.row.opened_on));
        let standing = Some(position.standing).filter(|now| *now != known);
        if let Some(now) = standing {
            marks.push(self.standing_mark(known, now));
        }
        let (next, credit) = (position.settles_next_on, position.credit_balance);
        let changed =
            standing.is_some() || self.row.settles_next_on != next || self.row.credit != credit;
        let settled = changed.then_some(Settled {
            id: self.row.id,
            settles_next_on: next,
            standing,
            credit,
            goes_back: credit > LEAST_IN_GOOD_FAITH,
        });
        self.row.settles_next_on = next;
        self.row.standing = standing.or(self.row.standing);
        self.row.credit = credit;
        let told = self.told.seq == self.stored_seq && recorded.is_empty();
        let accrual = if told { None } else { Some(self.history.accrual(on)) };
        let accrual = accrual.transpose().map_err(ServicingError::engine)?;
        Ok(Due { recorded, marks, settled, accrual })
    }

    fn standing_mark(&self, known: Standing, now: Standing) -> Mark {
        let payload = json!({
            "credit_line_id": self.row.id, "customer_id": self.row.customer_id, "from": known, "to": now,
        });
        Mark { kind: STANDING_CHANGED, payload }
    }

    pub(crate) fn events(&self) -> &[LineEvent] {
        self.history.events()
    }

    pub(crate) fn position(&self, on: NaiveDate) -> Result<Position, ServicingError> {
        self.history.position(on).map_err(ServicingError::engine)
    }

    /// What the customer would owe less today if these were recorded, with all that is worked out anew because of them.
    pub(crate) fn would_give_back(
        &self,
        bodies: &[LineEventBody],
        on: NaiveDate,
        at: DateTime<Utc>,
    ) -> Result<Cents, ServicingError> {
        let mut history = self.history.clone();
        let (_, before) = history.settle_and_look(on, at).map_err(ServicingError::engine)?;
        for body in bodies {
            history.record(body.clone(), on, at).map_err(ServicingError::engine)?;
        }
        let (_, after) = history.settle_and_look(on, at).map_err(ServicingError::engine)?;
        Ok((before.total_owed - after.total_owed).or_zero())
    }

    /// The terms in force on a day.
    pub(crate) fn terms_on(&self, on: NaiveDate) -> Result<Terms, ServicingError> {
        Ok(self.position(on)?.terms)
    }

    /// The close of the cycle in which a day lies, by all schedules known now.
    pub(crate) fn close_of(&self, on: NaiveDate) -> Result<NaiveDate, ServicingError> {
        self.history.close_of(on).map_err(ServicingError::engine)
    }

    pub(crate) fn quote_payoff(&self, on: NaiveDate) -> Result<PayoffQuote, ServicingError> {
        credit::quote_payoff(self.events(), on).map_err(ServicingError::engine)
    }

    /// What pays everything off on that day; zero where nothing is owed.
    pub(crate) fn payoff(&self, on: NaiveDate) -> Result<Cents, ServicingError> {
        Ok(self.quote_payoff(on)?.payoff.or_zero())
    }

    /// What is left to pay of the last statement's balance.
    pub(crate) fn statement_balance_left(&self, on: NaiveDate) -> Result<Cents, ServicingError> {
        Ok(statement_balance_left(&self.position(on)?))
    }
}

/// The day after the last that a statement billed.
fn first_unbilled(events: &[LineEvent], opened_on: NaiveDate) -> NaiveDate {
    let billed = events.iter().rev().find_map(|event| match &event.body {
        LineEventBody::StatementIssued { statement } => Some(statement.closed_on),
        _ => None,
    });
    billed.and_then(|on| on.succ_opt()).unwrap_or(opened_on)
}

/// How a line stands with its minimums is no longer what it was when it was last settled.
pub(crate) const STANDING_CHANGED: &str = "line.standing_changed";

/// What settling adds to a line.
pub(crate) struct Due {
    pub(crate) recorded: Vec<Recorded>,
    pub(crate) marks: Vec<Mark>,
    /// Where it changed.
    pub(crate) settled: Option<Settled>,
    /// The days that no statement has billed, where something changed since the sum of accruals was last told of them.
    pub(crate) accrual: Option<Accrual>,
}

/// What is left to pay of the last statement's balance; never more than is owed now and not disputed.
#[must_use]
pub fn statement_balance_left(position: &Position) -> Cents {
    let Some(statement) = &position.last_statement else { return Cents::ZERO };
    let paid: Cents = position
        .allocations
        .iter()
        .filter(|allocation| allocation.effective_on > statement.closed_on)
        .map(|allocation| allocation.amount)
        .sum();
    (statement.new_balance - paid).or_zero().min(position.collectable_balance())
}

impl Servicing {
    /// The customer's line, or a refusal where there is none.
    pub(crate) async fn line_of(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
    ) -> Result<Line, ServicingError> {
        let whole = credit_lines::load_of_customer(conn, customer_id, self.today()).await?;
        Line::of(whole.ok_or_else(|| {
            Refusal::new(RefusalCode::NoCreditLine, "There is no credit line for this customer.")
        })?)
    }

    /// Nobody else adds to the line until this transaction ends.
    pub(crate) async fn hold_line(
        &self,
        conn: &mut PgConnection,
        id: CreditLineId,
    ) -> Result<u64, ServicingError> {
        Ok(line_events::lock(conn, id).await?)
    }

    /// Holds the line, then loads it.
    pub(crate) async fn hold_and_load(
        &self,
        conn: &mut PgConnection,
        id: CreditLineId,
    ) -> Result<Line, ServicingError> {
        self.hold_line(conn, id).await?;
        self.load_line(conn, id).await
    }

    pub(crate) async fn load_line(
        &self,
        conn: &mut PgConnection,
        id: CreditLineId,
    ) -> Result<Line, ServicingError> {
        let whole = credit_lines::load(conn, id, self.today()).await?;
        Line::of(whole.ok_or_else(|| Refusal::not_found("credit line"))?)
    }

    /// Stores the first events of a line that was just opened.
    pub(crate) async fn store_opened(
        &self,
        conn: &mut PgConnection,
        row: CreditLineRow,
        terms: Terms,
        opened_at: DateTime<Utc>,
    ) -> Result<Line, ServicingError> {
        let (history, opened) = CreditLine::open(row.id, terms.clone(), row.opened_on, opened_at)
            .map_err(ServicingError::engine)?;
        let told = Told { seq: 0, since: row.opened_on };
        let (stored_seq, stored_snapshots) = (0, 0);
        let opening_terms = terms;
        let mut line = Line { row, opening_terms, history, stored_seq, stored_snapshots, told };
        self.write(conn, &mut line, &[opened]).await?;
        Ok(line)
    }

    /// Adds an event to a line that is held, with its posting and all that is due by today; answers the event's seq.
    pub(crate) async fn post(
        &self,
        conn: &mut PgConnection,
        line: &mut Line,
        effective_on: NaiveDate,
        body: LineEventBody,
    ) -> Result<u64, ServicingError> {
        let now = self.now();
        let recorded =
            line.history.record(body, effective_on, now).map_err(ServicingError::engine)?;
        let seq = recorded.event.seq;
        self.write(conn, line, &[recorded]).await?;
        self.settle_line(conn, line).await?;
        Ok(seq)
    }

    /// Lays down a history as it was recorded, statements included, in one go; answers what it posted.
    pub(crate) async fn post_history(
        &self,
        conn: &mut PgConnection,
        line: &mut Line,
        events: Vec<(NaiveDate, LineEventBody, DateTime<Utc>)>,
    ) -> Result<Vec<Recorded>, ServicingError> {
        let mut recorded = Vec::with_capacity(events.len());
        for (effective_on, mut body, recorded_at) in events {
            if let LineEventBody::StatementIssued { statement } = &mut body {
                statement.issuer.get_or_insert_with(|| self.lender.creditor.issuer());
            }
            let one = line.history.record(body, effective_on, recorded_at);
            recorded.push(one.map_err(ServicingError::engine)?);
        }
        self.write(conn, line, &recorded).await?;
        Ok(recorded)
    }

    /// Posts what is due by the start of today; answers how much that was.
    pub(crate) async fn settle_line(
        &self,
        conn: &mut PgConnection,
        line: &mut Line,
    ) -> Result<Vec<LineEvent>, ServicingError> {
        let now = self.now();
        let mut due = line.work_out((self.today(), now), &self.lender)?;
        self.write(conn, line, &due.recorded).await?;
        let stream = Trail::stream(None, Some(line.row.id));
        self.trail_all(conn, stream, mem::take(&mut due.marks)).await?;
        credit_lines::set_settled(conn, due.settled.as_slice()).await?;
        tell_accruals(conn, &mut [(line, &due)], now).await?;
        Ok(due.recorded.into_iter().map(|one| one.event).collect())
    }

    async fn write(
        &self,
        conn: &mut PgConnection,
        line: &mut Line,
        recorded: &[Recorded],
    ) -> Result<(), ServicingError> {
        write_all(conn, &mut [(line, recorded)]).await
    }

    /// Adds a mark that posts nothing (a flag), to a line whose history need not be loaded for it.
    pub(crate) async fn append_mark(
        &self,
        conn: &mut PgConnection,
        id: CreditLineId,
        effective_on: NaiveDate,
        body: LineEventBody,
    ) -> Result<u64, ServicingError> {
        let head = line_events::lock(conn, id).await?;
        let event = LineEvent { seq: head + 1, effective_on, recorded_at: self.now(), body };
        line_events::append(conn, id, head, &[event]).await?;
        Ok(head + 1)
    }
}

/// Stores what was added to lines that are held: events, postings with their entries, snapshots. Four statements, whatever the
/// number of lines.
pub(crate) async fn write_all(
    conn: &mut PgConnection,
    batch: &mut [(&mut Line, &[Recorded])],
) -> Result<(), ServicingError> {
    let events: Vec<Vec<LineEvent>> = batch
        .iter()
        .map(|(_, recorded)| recorded.iter().map(|one| one.event.clone()).collect())
        .collect();
    let continuations: Vec<Continuation<'_>> = batch
        .iter()
        .zip(&events)
        .map(|((line, _), events)| Continuation {
            credit_line: line.row.id,
            expected_seq: line.stored_seq,
            events,
        })
        .collect();
    line_events::append_all(conn, &continuations).await?;
    let new: Vec<NewPosting<'_>> =
        batch.iter().flat_map(|(line, recorded)| new_postings(line.row.id, recorded)).collect();
    postings::post(conn, &new).await?;
    let snapshots: Vec<_> =
        batch.iter().flat_map(|(line, recorded)| new_snapshots(line, recorded)).collect();
    let kept: Vec<_> = snapshots.iter().map(|(id, snapshot)| (*id, snapshot)).collect();
    line_events::save_snapshots(conn, &kept).await?;
    for (line, recorded) in batch {
        if let Some(last) = recorded.last() {
            line.stored_snapshots = line.history.snapshots().len();
            line.stored_seq = last.event.seq;
        }
    }
    Ok(())
}

/// Tells the sum of accruals what lines that are held changed of their unbilled interest, once for all of their events. Two
/// statements, whatever the number of lines.
pub(crate) async fn tell_accruals(
    conn: &mut PgConnection,
    batch: &mut [(&mut Line, &Due)],
    at: DateTime<Utc>,
) -> Result<(), ServicingError> {
    let since: Vec<(CreditLineId, NaiveDate)> = batch
        .iter()
        .filter(|(_, due)| due.accrual.is_some())
        .map(|(line, _)| (line.row.id, line.told.since))
        .collect();
    if since.is_empty() {
        return Ok(());
    }
    let mut told: BTreeMap<CreditLineId, Vec<Step>> = BTreeMap::new();
    for (id, step) in accruals::told(conn, &since).await? {
        told.entry(id).or_default().push(step);
    }
    let mut deltas = Vec::new();
    for (line, due) in batch {
        let Some(accrual) = &due.accrual else { continue };
        let id = line.row.id;
        let told = told.remove(&id).unwrap_or_default();
        let renewed = Renewed::by(due.recorded.iter().map(|one| &one.event));
        deltas.extend(accrual.deltas(&told, renewed).into_iter().map(|delta| (id, delta)));
        line.told = Told { seq: line.stored_seq, since: accrual.since };
    }
    Ok(accruals::tell(conn, &deltas, at).await?)
}

fn new_postings(id: CreditLineId, recorded: &[Recorded]) -> impl Iterator<Item = NewPosting<'_>> {
    recorded.iter().filter_map(move |one| {
        Some(NewPosting {
            id: PostingId::mint(one.event.recorded_at),
            posting: one.posting.as_ref()?,
            credit_line: Some(id),
            event_seq: Some(one.event.seq),
            effective_on: one.event.effective_on,
            recorded_at: one.event.recorded_at,
        })
    })
}

/// Those that have seen what is stored by now; later ones are found again.
fn new_snapshots<'a>(
    line: &'a Line,
    recorded: &[Recorded],
) -> impl Iterator<Item = (CreditLineId, StoredSnapshot<&'a Snapshot>)> {
    let seen = recorded.last().map_or(0, |last| last.event.seq);
    line.history
        .snapshots()
        .iter()
        .skip(line.stored_snapshots)
        .filter(move |snapshot| snapshot.seen_seq <= seen)
        .map(|snapshot| {
            let (closed_on, seq) = (snapshot.through, snapshot.seen_seq);
            (line.row.id, StoredSnapshot { closed_on, seq, body: snapshot })
        })
}

fn posted_mark(event: &LineEvent) -> Mark {
    let (kind, body) = match &event.body {
        LineEventBody::StatementIssued { statement } => (
            "statement.issued",
            json!({
                "number": statement.number, "closed_on": statement.closed_on, "due_on": statement.due_on,
                "new_balance_cents": statement.new_balance, "minimum_due_cents": statement.minimum_due,
                "must_be_sent": statement.must_be_sent,
            }),
        ),
        LineEventBody::FeeAssessed { fee, cycle, amount } => {
            ("fee.assessed", json!({"fee": fee, "cycle": cycle, "amount_cents": amount}))
        }
        LineEventBody::Adjusted { charge, amount } => {
            ("charge.adjusted", json!({"charge": charge, "amount_cents": amount}))
        }
        other => ("line.event", json!({"event": other.kind()})),
    };
    let payload = json!({
        "event_seq": event.seq, "effective_on": event.effective_on, "what": body,
    });
    Mark { kind, payload }
}

/// The first instant of a business date at which books are open: used where a history is laid down.
pub(crate) fn noon(on: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let noon = chrono::NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default();
    calendar::instant_of(on, noon, zone)
}
