//! Messages: what customers are told by e-mail or letter of what happened to them.
//!
//! They are written from the outbox (`write`), one for each cause and recipient, and delivered under one lock (`deliver`):
//! before each attempt [`may_contact`] decides from what stands at that moment. A message that was handed over and of which
//! the answer was lost stays `sending`: it is asked about before it goes out again, under the same id. What went out, what
//! came back and what was not sent is a leaf.
//!
//! What is absent: deciding what to tell of (the use cases do), and anything that a model may call.

mod contact;
mod deliver;
mod departed;
mod paper;
mod patience;
mod undelivered;
mod way;
mod write;
mod zones;

use audit::Stream;
use identity::{CustomerId, OutboundId, chain};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use store::outbound::{self, LetterRow, OutboundRow};

pub(crate) use patience::Patience;
pub(crate) use write::{can_be_told, told_on_statements};

pub use contact::{Agreement, Contact, Way, Why, may_contact};
pub use zones::zones_of;

use crate::{
    Caller, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    disclosures::{GivenDocument, refuse_model},
    jobs::JobReport,
    ports::Post,
    work::Trail,
};

/// The longest page of messages.
const MESSAGES_MAX: usize = 200;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MessageReport {
    pub messages_written: u32,
    pub messages_sent: u32,
    /// Put off by the mail server, or not reached.
    pub messages_put_off: u32,
    pub messages_bounced: u32,
    pub messages_on_paper: u32,
    pub messages_not_sent: u32,
    /// Handed over, and the answer was lost.
    pub messages_unknown: u32,
    pub letters_printed: u32,
    /// What could not be written or worked off; the log says why.
    pub messages_failed: u32,
}

impl MessageReport {
    /// Adds what another run did.
    pub fn add(&mut self, other: Self) {
        self.messages_written += other.messages_written;
        self.messages_sent += other.messages_sent;
        self.messages_put_off += other.messages_put_off;
        self.messages_bounced += other.messages_bounced;
        self.messages_on_paper += other.messages_on_paper;
        self.messages_not_sent += other.messages_not_sent;
        self.messages_unknown += other.messages_unknown;
        self.letters_printed += other.letters_printed;
        self.messages_failed += other.messages_failed;
    }
}

/// One page, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Messages {
    pub items: Vec<OutboundRow>,
    pub next_cursor: Option<String>,
}

impl Servicing {
    /// Writes what there is to tell, and delivers what may be delivered now. Where there is no post nothing is done.
    pub async fn run_messages(&self, caller: Caller) -> Result<MessageReport, ServicingError> {
        authorise(caller, UseCase::Operate, None, self.now())?;
        let mut report = MessageReport::default();
        let Some(post) = self.post.clone() else { return Ok(report) };
        self.tell_departures(&mut report).await?;
        while self.number_outbox().await? > 0 {}
        self.write_messages(&mut report).await?;
        self.read_bounces(post.as_ref(), &mut report).await?;
        // Held by this transaction and by nothing else: a process that dies lets go of it.
        let mut alone = self.store.app().begin().await?;
        let done = if outbound::try_deliver(&mut alone).await? {
            self.mail_and_print(post.as_ref(), &mut alone, &mut report).await
        } else {
            Ok(())
        };
        alone.rollback().await?;
        done.map(|()| report)
    }

    /// To the mail server, and to the printer.
    async fn mail_and_print(
        &self,
        post: &dyn Post,
        alone: &mut PgConnection,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        self.deliver_messages(post, alone, report).await?;
        self.print_letters(post, alone, report).await
    }

    /// The same among the day's work, which it must not hold up.
    pub(crate) async fn messages_of_jobs(&self, report: &mut JobReport) {
        match self.run_messages(Caller::system()).await {
            Ok(messages) => report.messages.add(messages),
            Err(error) => {
                let cause = chain(&error);
                tracing::error!(error = %cause, "messages could not be worked off: {cause}");
                report.failed += 1;
            }
        }
    }

    /// The customer's messages, newest first, from `cursor` on.
    pub async fn list_messages(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Messages, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        refuse_model(caller)?;
        if !(1..=MESSAGES_MAX).contains(&limit) {
            let sentence = format!("A page of {limit} messages cannot be given.");
            return Err(Refusal::new(RefusalCode::LimitInvalid, sentence).into());
        }
        let before: Option<OutboundId> = match cursor {
            Some(text) => Some(text.parse().map_err(|_| Refusal::cursor_invalid())?),
            None => None,
        };
        let mut conn = self.store.app().acquire().await?;
        let rows = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let mut items = outbound::list_of_customer(&mut conn, customer_id, before, rows).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| more).map(|last| last.id.to_string());
        Ok(Messages { items, next_cursor })
    }

    /// One message, as it was written.
    pub async fn message(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        id: OutboundId,
    ) -> Result<OutboundRow, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        refuse_model(caller)?;
        let mut conn = self.store.app().acquire().await?;
        let found = outbound::find(&mut conn, id).await?;
        let own = found.filter(|message| message.customer_id == customer_id);
        Ok(own.ok_or_else(|| Refusal::not_found("message"))?)
    }

    /// The letter that a message became, byte for byte.
    pub async fn letter(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        id: OutboundId,
    ) -> Result<GivenDocument, ServicingError> {
        self.message(caller, customer_id, id).await?;
        let mut conn = self.store.app().acquire().await?;
        let letter: Option<LetterRow> = outbound::find_letter(&mut conn, id).await?;
        letter.ok_or_else(|| Refusal::not_found("letter"))?.kept.try_into()
    }

    /// Records what became of a message: never its words, nor the address.
    async fn trail_message(
        &self,
        conn: &mut PgConnection,
        message: &OutboundRow,
        kind: &str,
        more: Value,
    ) -> Result<(), ServicingError> {
        let mut payload = json!({
            "message_id": message.id, "cause": message.cause, "recipient": message.recipient,
            "customer_id": message.customer_id, "credit_line_id": message.credit_line_id,
            "message": message.kind, "template": message.template, "language": message.language,
            "digest": hex::encode(&message.digest), "attempts": message.attempts, "why": message.why,
            "code": message.code,
        });
        if let (Value::Object(payload), Value::Object(more)) = (&mut payload, more) {
            payload.extend(more);
        }
        let stream: Stream = Trail::stream(None, message.credit_line_id);
        self.trail(conn, stream, kind, payload).await
    }
}
