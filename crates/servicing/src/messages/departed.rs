//! When a statement really left: told to its line where that is not the day which the statement names.
//!
//! Invariants: in the transaction that records the delivery, and once; of a line that cannot be worked out then, by a job as of that
//! day, so that what is the matter with a line keeps no delivery from being recorded. What the statement asks for is late by that day
//! (12 CFR 1026.5(b)(2)(ii)); while it has left to nobody, withheld because nobody may be asked for money (12 CFR 1026.5(b)(2)(i)) or
//! undeliverable, none of it is.

use calendar::local_date;
use chrono::NaiveDate;
use credit::{LineEventBody, statement_left_on};
use identity::{JobId, OutboundId, chain};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use store::{
    Tx,
    jobs::{self, Job, NewJob},
    outbound::{self, OutboundRow},
    outbox,
};

use super::MessageReport;
use crate::{
    Servicing, ServicingError, cases::About, release::is_of_what_is_stored, statements,
    words::date_text, work::Trail,
};

/// The kind of the jobs that tell a line of a departure of which it could not be told at once.
const TELL_DEPARTURE: &str = "tell_statement_departure";

/// What is known of a message with a statement.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Departure {
    message_id: OutboundId,
    on: NaiveDate,
    /// Whether a copy left on that day, or by its end none had.
    left: bool,
}

impl Servicing {
    /// Of a statement: a copy of it left today, by mail or by the printer.
    pub(super) async fn statement_left(
        &self,
        conn: &mut PgConnection,
        message: &OutboundRow,
    ) -> Result<(), ServicingError> {
        let today = self.today();
        // Nearly all leave on the day on which they are issued, which is the day they name.
        let cause = match message.statement {
            Some(_) => outbox::find(conn, message.cause).await?,
            None => return Ok(()),
        };
        if cause.is_some_and(|issued| local_date(issued.recorded_at, self.zone) >= today) {
            return Ok(());
        }
        let departure = Departure { message_id: message.id, on: today, left: true };
        self.tell_line(conn, message, departure).await
    }

    /// Of a statement: by the end of a day no copy of it had left that did not come back.
    pub(super) async fn statement_not_left(
        &self,
        conn: &mut PgConnection,
        message: &OutboundRow,
        by: NaiveDate,
    ) -> Result<(), ServicingError> {
        let departure = Departure { message_id: message.id, on: by, left: false };
        self.tell_line(conn, message, departure).await
    }

    /// Now, or by a job where the line cannot be worked out.
    async fn tell_line(
        &self,
        conn: &mut PgConnection,
        message: &OutboundRow,
        departure: Departure,
    ) -> Result<(), ServicingError> {
        // Held outside of what may be undone.
        self.hold_line_of_statement(conn, message).await?;
        let mut within = conn.begin().await?;
        match self.tell_line_now(&mut within, message, departure).await {
            Ok(()) => Ok(within.commit().await?),
            Err(error) if is_of_what_is_stored(&error) => {
                within.rollback().await?;
                self.tell_line_later(conn, message, departure, &error).await
            }
            Err(error) => Err(error),
        }
    }

    async fn tell_line_now(
        &self,
        conn: &mut PgConnection,
        message: &OutboundRow,
        Departure { on, left, .. }: Departure,
    ) -> Result<(), ServicingError> {
        let number = message.statement.and_then(|number| u32::try_from(number).ok());
        let (Some(cycle), Some(id)) = (number, message.credit_line_id) else { return Ok(()) };
        let mut line = self.hold_and_load(conn, id).await?;
        let Some((_, statement)) = statements::find(line.events(), cycle) else { return Ok(()) };
        let known = statement_left_on(line.events(), statement);
        let told = known == left.then_some(on);
        if told || on < statement.sent_on {
            return Ok(());
        }
        let (body, kind) = if left {
            (LineEventBody::StatementSent { cycle }, "statement.sent")
        } else {
            (LineEventBody::StatementNotSent { cycle }, "statement.not_sent")
        };
        let named = statement.sent_on;
        let seq = self.post(conn, &mut line, on, body).await?;
        let payload = json!({
            "number": cycle, "event_seq": seq, "on": on, "issued_as_sent_on": named, "message_id": message.id,
            "customer_id": message.customer_id, "credit_line_id": id,
        });
        self.trail(conn, Trail::stream(None, Some(id)), kind, payload).await
    }

    async fn tell_line_later(
        &self,
        conn: &mut PgConnection,
        message: &OutboundRow,
        departure: Departure,
        error: &ServicingError,
    ) -> Result<(), ServicingError> {
        let Departure { on, left, .. } = departure;
        let (now, cause) = (self.now(), chain(error));
        let id = message.id;
        tracing::error!(message.id = %id, error = %cause, "could not tell the line when its statement left by message {id}: {cause}");
        let job = NewJob {
            id: JobId::mint(now),
            kind: TELL_DEPARTURE,
            key: Some(&format!("{id} {on} {left}")),
            payload: &json!(departure),
            run_at: now,
            recorded_at: now,
        };
        jobs::enqueue(conn, &job).await?;
        let what = if left { "left on" } else { "had not left by the end of" };
        let why = format!(
            "the statement {what} {}, which cannot be recorded with its line ({cause})",
            date_text(on)
        );
        match About::message(message) {
            Some(about) => self.tell_of_undone(conn, about, &name_of(id), &why).await,
            None => Ok(()),
        }
    }
}

impl Servicing {
    /// Tells the lines of what they could not be told when it happened.
    pub(super) async fn tell_departures(
        &self,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        loop {
            let mut tx = self.store.app().begin().await?;
            let Some(job) = jobs::take(&mut tx, &[TELL_DEPARTURE], self.now()).await? else {
                return Ok(());
            };
            let Err(error) = self.tell_departure_of(tx, &job).await else { continue };
            report.messages_failed += 1;
            self.departure_untold(&job, &error).await;
            if !self.put_off_job(job.id, &error).await {
                return Ok(());
            }
        }
    }

    async fn tell_departure_of(&self, mut tx: Tx<'_>, job: &Job) -> Result<(), ServicingError> {
        let departure = read(job)?;
        let message = outbound::find(&mut tx, departure.message_id).await?;
        let message = message.ok_or(ServicingError::Stored { what: "message", source: None })?;
        self.tell_line_now(&mut tx, &message, departure).await?;
        jobs::complete(&mut tx, job.id, self.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The case of the desk stands open as long as it cannot be told.
    async fn departure_untold(&self, job: &Job, error: &ServicingError) {
        if let Ok(Departure { message_id: id, .. }) = read(job) {
            self.message_undone(id, &name_of(id), error).await;
        }
    }

    /// What of a message of a line cannot be worked off, under this name: the desk's, where the line or the message is to blame.
    pub(super) async fn message_undone(&self, id: OutboundId, name: &str, error: &ServicingError) {
        let about = async {
            let mut conn = self.store.app().acquire().await?;
            let message = outbound::find(&mut conn, id).await?;
            Ok::<_, ServicingError>(message.as_ref().and_then(About::message))
        };
        if let Ok(Some(about)) = about.await {
            self.undone(about, name, error).await;
        }
    }
}

fn read(job: &Job) -> Result<Departure, ServicingError> {
    serde_json::from_value(job.payload.clone())
        .map_err(|source| ServicingError::Stored { what: "job", source: Some(source) })
}

/// Under which the desk is told of when a message left.
fn name_of(id: OutboundId) -> String {
    format!("Message {id}")
}
