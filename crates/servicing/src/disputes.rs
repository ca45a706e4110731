//! Disputes: a billing-error notice (12 CFR 1026.13) from the customer's written word to the desk's finding.
//!
//! Invariants: a notice on the page is a written one; one that comes within sixty days of the first statement that shows the error
//! takes the disputed amount out of what must be paid, what is late and what is debited, until it is settled; one that comes later
//! is looked into all the same. What it does to the line is the engine's to say. What is absent: the finding (`settle`).

mod settle;

use calendar::local_date;
use chrono::NaiveDate;
use credit::{
    DisputeClocks, Disputed, FeeKind, LineEvent, LineEventBody, Statement, statement_left_on,
};
use identity::{CaseId, CustomerId, DrawId};
use money::Cents;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    autopays,
    disputes::{self, DisputeRow},
};

use crate::{
    Caller, CaseKind, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    conversations::checked_text,
    disclosures::refuse_model,
    lines::Line,
    work::{Begun, Trail},
};

/// Disputes in one list.
const LISTED_MAX: i64 = 200;

/// What is said to be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DisputeSubject {
    /// A draw that was not made, or not for this amount.
    Draw {
        draw_id: DrawId,
    },
    Fee {
        fee: FeeKind,
    },
    /// A payment that was not credited, a computation, or what cannot be named.
    Other,
}

/// A notice as the customer writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewDispute {
    pub subject: DisputeSubject,
    /// How much of what was billed is wrong.
    pub amount: Cents,
    pub words: String,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much of it was our error; zero where there was none.
    pub error: Cents,
    /// Told to the customer.
    pub explanation: String,
}

impl From<DisputeSubject> for Disputed {
    fn from(subject: DisputeSubject) -> Self {
        match subject {
            DisputeSubject::Draw { draw_id } => Self::Draw { draw: draw_id },
            DisputeSubject::Fee { fee } => Self::Fee { fee },
            DisputeSubject::Other => Self::Other,
        }
    }
}

impl Servicing {
    /// Takes a billing-error notice: recorded, its case and clocks begun, and what is disputed held out.
    pub async fn open_dispute(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        new: &NewDispute,
        key: &Key,
    ) -> Result<DisputeRow, ServicingError> {
        checked_text(&new.words)?;
        let permit = authorise(caller, UseCase::Protect, Some(customer_id), self.now())?;
        refuse_model(caller)?;
        // The text is accepted at a known channel; which draw or fee it is about is the customer's own data.
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let request = ("open_dispute", customer_id, new);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let mut line = self.hold_own_line(work.conn(), customer_id).await?;
        let today = self.today();
        let earlier = disputes::list_of_customer(work.conn(), customer_id).await?;
        let in_dispute = |since| self.in_dispute(&earlier, new, since);
        let shown_by = check_subject(&line, new, today, &in_dispute)?;
        let kind = CaseKind::Dispute;
        let of = (kind.as_str(), kind.due_on(today), new.words.as_str());
        let case = self.open_line_case(work.conn(), permit, &line.row, of).await?;
        let clocks = DisputeClocks::of(today, |day| line.close_of(day))?;
        let row = DisputeRow {
            id: CaseId::mint(self.now()),
            case_id: case.id,
            customer_id,
            credit_line_id: line.row.id,
            subject: json!(new.subject),
            amount: new.amount,
            words: new.words.clone(),
            statement_number: shown_by.as_ref().map(|statement| i64::from(statement.number)),
            received_at: self.now(),
            acknowledge_by: clocks.acknowledge_by,
            resolve_by: clocks.resolve_by,
            resolved_at: None,
            resolved_by: None,
            error: None,
            explanation: None,
            waiting: None,
        };
        disputes::insert(work.conn(), &row).await?;
        let formal = self.formal(&line, shown_by.as_ref());
        if formal {
            let body = LineEventBody::DisputeOpened {
                dispute: row.id,
                subject: new.subject.into(),
                amount: new.amount,
            };
            self.post(work.conn(), &mut line, today, body).await?;
        }
        let source = format!("case {}", case.reference);
        if let Some(flag) = kind.flag() {
            let of = Some(&line.row);
            self.raise_in(work.conn(), permit, customer_id, of, (flag, &source)).await?;
        }
        autopays::look_next_on(work.conn(), line.row.id, today).await?;
        let payload = json!({
            "dispute_id": row.id, "case_id": case.id, "reference": case.reference, "customer_id": customer_id,
            "credit_line_id": line.row.id, "subject": new.subject, "amount_cents": new.amount, "words": new.words,
            "statement_number": row.statement_number, "formal": formal, "acknowledge_by": row.acknowledge_by,
            "resolve_by": row.resolve_by, "authorised": permit,
        });
        let stream = Trail::stream(None, Some(line.row.id));
        self.trail(work.conn(), stream, "dispute.opened", payload).await?;
        work.finish(row).await
    }

    /// The customer's disputes, newest first.
    pub async fn list_disputes(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Vec<DisputeRow>, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        refuse_model(caller)?;
        let mut conn = self.store.app().acquire().await?;
        Ok(disputes::list_of_customer(&mut conn, customer_id).await?)
    }

    /// The disputes that wait for a finding, the most urgent first.
    pub async fn open_disputes(&self, caller: Caller) -> Result<Vec<DisputeRow>, ServicingError> {
        authorise(caller, UseCase::Oversee, None, self.now())?;
        let mut conn = self.store.app().acquire().await?;
        Ok(disputes::list_open(&mut conn, LISTED_MAX).await?)
    }

    /// How much of the same is disputed already or was found to be an error, in notices that came since a day.
    fn in_dispute(&self, earlier: &[DisputeRow], new: &NewDispute, since: NaiveDate) -> Cents {
        let subject = json!(new.subject);
        earlier
            .iter()
            .filter(|row| row.subject == subject)
            .filter(|row| local_date(row.received_at, self.zone) >= since)
            .map(|row| row.error.unwrap_or(row.amount))
            .sum()
    }

    /// Whether a notice that comes now comes in time.
    fn formal(&self, line: &Line, shown_by: Option<&Statement>) -> bool {
        // What no statement shows yet, and what one shows that never left, has not begun its sixty days.
        let left_on = shown_by.and_then(|statement| statement_left_on(line.events(), statement));
        left_on.is_none_or(|left_on| self.today() <= DisputeClocks::notice_by(left_on))
    }
}

/// The charge that a notice of a draw or a fee is about, with how much was charged. A fee is named by its kind: the newest one.
pub(crate) fn newest_charge(
    events: &[LineEvent],
    subject: DisputeSubject,
) -> Option<(&LineEvent, Cents)> {
    let charged = events.iter().filter_map(|event| match (subject, &event.body) {
        (DisputeSubject::Draw { draw_id }, LineEventBody::Drew { draw, amount, fee, .. })
            if *draw == draw_id =>
        {
            Some((event, *amount + *fee))
        }
        (DisputeSubject::Fee { fee }, LineEventBody::FeeAssessed { fee: of, amount, .. })
            if *of == fee =>
        {
            Some((event, *amount))
        }
        _ => None,
    });
    charged.max_by_key(|(event, _)| event.effective_on)
}

/// Whether what is disputed is on the line at all, and not in dispute already; answers the first statement that shows it.
fn check_subject(
    line: &Line,
    new: &NewDispute,
    today: NaiveDate,
    in_dispute: &dyn Fn(NaiveDate) -> Cents,
) -> Result<Option<Statement>, ServicingError> {
    let refused = |code, sentence: String| Err(Refusal::new(code, sentence).into());
    if !new.amount.is_positive() {
        return refused(RefusalCode::AmountNotPositive, format!("{} is no amount.", new.amount));
    }
    let statements = line.events().iter().filter_map(|event| match &event.body {
        LineEventBody::StatementIssued { statement } => Some(statement.as_ref()),
        _ => None,
    });
    if new.subject == DisputeSubject::Other {
        // The newest one: the customer names no other.
        let newest = statements.max_by_key(|statement| statement.number);
        let billed = match newest {
            Some(statement) => statement.new_balance,
            None => line.position(today)?.credit_limit,
        };
        let since = newest.map_or(line.row.opened_on, |statement| statement.closed_on);
        let most = (billed - in_dispute(since)).or_zero();
        return if new.amount > most {
            refused(RefusalCode::AmountTooLarge, format!("No more than {most} was billed."))
        } else {
            Ok(newest.cloned())
        };
    }
    let Some((charge, amount)) = newest_charge(line.events(), new.subject) else {
        return Err(Refusal::not_found("draw or fee").into());
    };
    let charged_on = charge.effective_on;
    let most = (amount - in_dispute(charged_on)).or_zero();
    if new.amount > most {
        return refused(RefusalCode::AmountTooLarge, format!("No more than {most} was charged."));
    }
    let mut shows: Vec<_> =
        statements.filter(|statement| statement.closed_on >= charged_on).collect();
    shows.sort_by_key(|statement| statement.number);
    Ok(shows.first().copied().cloned())
}
