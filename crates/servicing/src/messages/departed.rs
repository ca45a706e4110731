//! When a statement really left: told to its line where that is not the day which the statement names.
//!
//! Invariant: in the transaction that records the delivery, and once. What the statement asks for is late by that day (12 CFR
//! 1026.5(b)(2)(ii)); while it has left to nobody, none of it is.

use calendar::local_date;
use chrono::NaiveDate;
use credit::{LineEventBody, statement_left_on};
use serde_json::json;
use sqlx::PgConnection;
use store::{outbound::OutboundRow, outbox};

use crate::{Servicing, ServicingError, statements, work::Trail};

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
        self.tell_line(conn, message, (today, true)).await
    }

    /// Of a statement: by the end of a day no copy of it had left that did not come back.
    pub(super) async fn statement_not_left(
        &self,
        conn: &mut PgConnection,
        message: &OutboundRow,
        by: NaiveDate,
    ) -> Result<(), ServicingError> {
        self.tell_line(conn, message, (by, false)).await
    }

    async fn tell_line(
        &self,
        conn: &mut PgConnection,
        message: &OutboundRow,
        (on, left): (NaiveDate, bool),
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
}
