//! From what happened to the words: which events of the outbox a customer is told of, and with which figures.

mod contact;
mod event;
mod moves;
mod notices;
mod terms;

use audit::Stream;
use chrono::{NaiveDate, TimeDelta};
use documents::{
    MessageClass, MessageKind, MessageRecord, Party, Tongue, Value, Values, render_message,
};
use identity::{BankAccountId, CaseId, CreditLineId, CustomerId, DecisionId, OutboundId, chain};
use money::{Apr, Cents};
use serde::de::DeserializeOwned;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use store::{
    StoreError,
    bank_accounts::{self, BankAccountKind},
    cases, credit_lines,
    customers::{self, Customer, Language},
    decisions::{self, Outcome},
    outbound::{self, OutboundRow, OutboundState, Recipient},
    outbox::{self, OutboxEvent},
};

use self::event::Event;
pub(crate) use self::terms::{can_be_told, told_on_statements};
use super::{MessageReport, Why};
use crate::{CaseKind, Servicing, ServicingError};

/// The consumer of the outbox.
const CONSUMER: &str = "messages";
/// Events looked at in one transaction.
const EVENTS_AT_ONCE: u32 = 200;

/// What happened longer ago is no news any more: it is recorded and not sent, or printed where the law has us give it.
const NEWS_FOR_DAYS: i64 = 14;

/// What is to be said to whom.
struct Draft {
    kind: MessageKind,
    customer_id: CustomerId,
    credit_line_id: Option<CreditLineId>,
    values: Values,
    statement: Option<i64>,
    decision_id: Option<DecisionId>,
    /// Where to; at the customer's address where it is empty.
    to: Vec<To>,
}

/// Somebody who is told.
#[derive(Clone, Debug)]
struct To {
    recipient: Recipient,
    address: String,
    /// Where paper of it goes, if not to the customer's newest street.
    street: Option<Vec<String>>,
}

/// What goes with it.
#[derive(Default)]
struct With {
    statement: Option<i64>,
    decision_id: Option<DecisionId>,
    to: Vec<To>,
}

/// An event, read.
struct Told<'a> {
    event: &'a OutboxEvent,
    line: Option<CreditLineId>,
}

impl Told<'_> {
    /// A field of the payload, or of what stands within it.
    fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let payload = &self.event.payload;
        let found = payload.get(name).or_else(|| payload.get("what")?.get(name))?;
        serde_json::from_value(found.clone()).ok()
    }

    fn need<T: DeserializeOwned>(&self, name: &str) -> Result<T, ServicingError> {
        self.get(name).ok_or(ServicingError::Stored { what: "event of the outbox", source: None })
    }

    fn money(&self, name: &str) -> Value {
        self.get::<Cents>(name).map_or(Value::Nothing, Value::Money)
    }

    fn date(&self, name: &str) -> Value {
        self.get(name).map_or(Value::Nothing, Value::Date)
    }

    /// A rate without its sign: `23.50`.
    fn points(&self, name: &str) -> Value {
        let points = |apr: Apr| apr.to_string().trim_end_matches('%').to_owned();
        self.get(name).map_or(Value::Nothing, |apr| Value::Text(points(apr)))
    }
}

fn values<const N: usize>(values: [(&str, Value); N]) -> Values {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn tongue(language: Language) -> Tongue {
    match language {
        Language::English => Tongue::English,
        Language::Spanish => Tongue::Spanish,
    }
}

impl Servicing {
    /// Writes a message for each cause that has none yet.
    pub(super) async fn write_messages(
        &self,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        loop {
            let mut tx = self.store.app().begin().await?;
            let from = outbox::cursor(&mut tx, CONSUMER).await?;
            let events = outbox::read_after(&mut tx, from, EVENTS_AT_ONCE).await?;
            let Some(last) = events.last() else { return Ok(()) };
            let mut unwritten = Vec::new();
            for event in &events {
                if !self.write_of(&mut tx, event, report).await? {
                    unwritten.push(event);
                }
            }
            // On the stream of nobody at the end: whoever holds a line and then it is never waited for.
            for event in unwritten {
                let payload = json!({"cause": event.position, "of": event.kind});
                self.trail(&mut tx, Stream::System, "mail.not_written", payload).await?;
            }
            outbox::advance(&mut tx, CONSUMER, last.position).await?;
            tx.commit().await?;
        }
    }

    /// One event that cannot be told of must not keep the others from being told of: it is passed over (`false`).
    async fn write_of(
        &self,
        conn: &mut PgConnection,
        event: &OutboxEvent,
        report: &mut MessageReport,
    ) -> Result<bool, ServicingError> {
        let mut within = conn.begin().await?;
        match self.try_to_write(&mut within, event).await {
            Ok(written) => {
                within.commit().await?;
                report.messages_written += written;
                Ok(true)
            }
            // The database is away or another was faster: all of it again. What it will never take is passed over.
            Err(ServicingError::Store(broken @ StoreError::Sql(_)))
                if broken.constraint().is_none() =>
            {
                Err(broken.into())
            }
            Err(error) => {
                within.rollback().await?;
                let cause = chain(&error);
                tracing::error!(
                    outbox.position = event.position,
                    error = %cause,
                    "no message could be written of event {} ({}): {cause}", event.position, event.kind
                );
                report.messages_failed += 1;
                Ok(false)
            }
        }
    }

    async fn try_to_write(
        &self,
        conn: &mut PgConnection,
        event: &OutboxEvent,
    ) -> Result<u32, ServicingError> {
        let Some(draft) = self.draft(conn, event).await? else { return Ok(0) };
        let Some(customer) = customers::find(conn, draft.customer_id).await? else { return Ok(0) };
        let to = match draft.to.as_slice() {
            [] => {
                let address = customer.email.clone();
                vec![To { recipient: Recipient::Customer, address, street: None }]
            }
            to => to.to_vec(),
        };
        let stale = self.now() - event.recorded_at > TimeDelta::days(NEWS_FOR_DAYS);
        let mut written = 0;
        for to in to {
            let mut row = self.written(&draft, &customer, event.position, to)?;
            if stale {
                row.why = Some(Why::Stale.word());
            }
            // Of what the law requires delivery decides, and puts it on paper.
            let dropped = stale && draft.kind.class() != MessageClass::Legal;
            if dropped {
                (row.state, row.next_at) = (OutboundState::NotSent, None);
            }
            let new = outbound::insert(conn, &row).await?;
            if new && dropped {
                self.trail_message(conn, &row, "mail.not_sent", json!({})).await?;
            }
            written += u32::from(new);
        }
        Ok(written)
    }

    fn written(
        &self,
        draft: &Draft,
        customer: &Customer,
        cause: u64,
        at: To,
    ) -> Result<OutboundRow, ServicingError> {
        let now = self.now();
        let to = Party { name: customer.name.clone(), address: Vec::new() };
        let record = MessageRecord {
            kind: draft.kind,
            tongue: tongue(customer.language),
            to: &to,
            written_on: self.today(),
            values: &draft.values,
        };
        let message =
            render_message(&record, &self.lender.creditor).map_err(ServicingError::engine)?;
        let said = serde_json::to_value(&draft.values)
            .map_err(|source| ServicingError::Stored { what: "message", source: Some(source) })?;
        Ok(OutboundRow {
            id: OutboundId::mint(now),
            customer_id: customer.id,
            credit_line_id: draft.credit_line_id,
            cause,
            recipient: at.recipient,
            address: at.address,
            street: at.street,
            kind: draft.kind.as_str().to_owned(),
            class: draft.kind.class().as_str().to_owned(),
            language: customer.language.as_str().to_owned(),
            template: message.template.to_owned(),
            subject: message.subject,
            body: message.text,
            html: message.html,
            digest: message.digest.to_vec(),
            statement: draft.statement,
            decision_id: draft.decision_id,
            said,
            state: OutboundState::Waiting,
            why: None,
            code: None,
            next_at: Some(now),
            attempts: 0,
            written_at: now,
            changed_at: now,
            sent_at: None,
        })
    }

    /// What a customer is told of an event; nothing of most.
    async fn draft(
        &self,
        conn: &mut PgConnection,
        event: &OutboxEvent,
    ) -> Result<Option<Draft>, ServicingError> {
        let line = match event.stream.parse() {
            Ok(Stream::CreditLine(id)) => Some(id),
            _ => None,
        };
        let told = Told { event, line };
        let Some(of) = Event::parse(&event.kind) else { return Ok(None) };
        let drafted = match of {
            Event::StatementIssued => match notices::statement(&told)? {
                Some(sent) => sent,
                None => return Ok(None),
            },
            Event::PaymentScheduled
            | Event::PaymentCredited
            | Event::PaymentReturned
            | Event::PaymentReversed
            | Event::PaymentHeldBack => {
                return moves::payment(conn, &told).await;
            }
            Event::DrawReleased | Event::DrawMade | Event::DrawRefused | Event::DrawVoided => {
                return moves::draw(conn, &told).await;
            }
            Event::AutopayEnrolled => autopay(conn, MessageKind::AutopayEnrolled, &told).await?,
            Event::AutopayChanged => autopay(conn, MessageKind::AutopayChanged, &told).await?,
            Event::AutopayCancelled => autopay(conn, MessageKind::AutopayCancelled, &told).await?,
            Event::AutopayNotice => autopay(conn, MessageKind::AutopayNotice, &told).await?,
            Event::AutopayNotMade => autopay(conn, MessageKind::PaymentNotMade, &told).await?,
            Event::TermsChanged => self.terms(conn, &told).await?,
            Event::DisputeResolved => notices::dispute(conn, &told).await?,
            Event::RefundSent => refund(conn, &told, self.today()).await?,
            Event::RefundRefused => match notices::refund_not_sent(&told)? {
                Some(not_sent) => not_sent,
                None => return Ok(None),
            },
            Event::ChequeSent => notices::cheque(MessageKind::RefundCheque, &told)?,
            Event::ChequeVoided => notices::cheque(MessageKind::RefundChequeVoid, &told)?,
            Event::ContactChanged => contact::changed(conn, &told, self.today()).await?,
            Event::ConsentWithdrawn => {
                let said = values([("on", Value::Date(self.today()))]);
                (MessageKind::ConsentWithdrawn, said, With::default())
            }
            Event::DecisionRecorded => match decision(conn, &told).await? {
                Some(adverse) => adverse,
                None => return Ok(None),
            },
            Event::CaseOpened => match case(conn, &told).await? {
                Some(acknowledged) => acknowledged,
                None => return Ok(None),
            },
        };
        let (kind, values, with) = drafted;
        if !of.messages().contains(&kind) {
            return Err(ServicingError::Stored { what: "event of the outbox", source: None });
        }
        let Some(customer_id) = customer_of(conn, &told).await? else { return Ok(None) };
        let With { statement, decision_id, to } = with;
        let credit_line_id = told.get("credit_line_id").or(line);
        Ok(Some(Draft { kind, customer_id, credit_line_id, values, statement, decision_id, to }))
    }
}

type Drafted = (MessageKind, Values, With);

/// Whom an event is about: named in it, or whoever has the line.
async fn customer_of(
    conn: &mut PgConnection,
    told: &Told<'_>,
) -> Result<Option<CustomerId>, ServicingError> {
    if let Some(id) = told.get("customer_id") {
        return Ok(Some(id));
    }
    match told.line {
        Some(line) => Ok(credit_lines::find_owner(conn, line).await?),
        None => Ok(None),
    }
}

async fn account(
    conn: &mut PgConnection,
    id: Option<BankAccountId>,
) -> Result<Value, ServicingError> {
    let found = match id {
        Some(id) => bank_accounts::find(conn, id).await?,
        None => None,
    };
    Ok(found.map_or(Value::Nothing, |account| Value::Account {
        savings: account.kind == BankAccountKind::Savings,
        ending: account.ending,
    }))
}

async fn autopay(
    conn: &mut PgConnection,
    kind: MessageKind,
    told: &Told<'_>,
) -> Result<Drafted, ServicingError> {
    let account = account(conn, told.get("bank_account_id")).await?;
    let said = values([
        ("amount", told.money("amount_cents")),
        ("account", account),
        ("on", told.date("on")),
        ("by_hand", Value::Flag(false)),
        ("apr", told.points("apr_ppm")),
        ("discount", told.points("autopay_discount_ppm")),
    ]);
    Ok((kind, said, With::default()))
}

async fn refund(
    conn: &mut PgConnection,
    told: &Told<'_>,
    today: NaiveDate,
) -> Result<Drafted, ServicingError> {
    let said = values([
        ("amount", told.money("amount_cents")),
        ("account", account(conn, told.get("bank_account_id")).await?),
        ("on", Value::Date(told.get("on").unwrap_or(today))),
    ]);
    Ok((MessageKind::CreditRefund, said, With::default()))
}

async fn decision(
    conn: &mut PgConnection,
    told: &Told<'_>,
) -> Result<Option<Drafted>, ServicingError> {
    let id: DecisionId = told.need("decision_id")?;
    let Some(decision) = decisions::find(conn, id).await? else { return Ok(None) };
    if decision.outcome == Outcome::Approved {
        return Ok(None);
    }
    let said = values([
        ("on", Value::Date(decision.decided_on)),
        ("reference", Value::Text(id.to_string())),
    ]);
    let with = With { decision_id: Some(id), ..With::default() };
    Ok(Some((MessageKind::AdverseAction, said, with)))
}

/// That we have what the customer asked for. To somebody in danger or in mourning a person speaks; who wants no contact was
/// told once, where they said so.
async fn case(conn: &mut PgConnection, told: &Told<'_>) -> Result<Option<Drafted>, ServicingError> {
    let Some(kind) = told.get::<String>("kind").and_then(|word| CaseKind::parse(&word)) else {
        return Ok(None);
    };
    if matches!(kind, CaseKind::Crisis | CaseKind::Death | CaseKind::CeaseContact) {
        return Ok(None);
    }
    let id: CaseId = told.need("case_id")?;
    let Some(case) = cases::find(conn, id).await? else { return Ok(None) };
    let customer = customers::find(conn, case.customer_id).await?;
    let language = customer.map_or(Language::English, |customer| customer.language);
    let said = values([
        ("promise", Value::Text(kind.promise(language).to_owned())),
        ("reference", Value::Text(case.reference)),
        ("due_on", Value::Date(case.due_on)),
    ]);
    let message = match kind {
        CaseKind::Dispute | CaseKind::CreditReportError => MessageKind::DisputeAcknowledged,
        _ => MessageKind::CaseAcknowledged,
    };
    Ok(Some((message, said, With::default())))
}
