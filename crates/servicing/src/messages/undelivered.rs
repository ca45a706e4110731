//! What reached nobody by any way: it is on record, and a person is to see to it.
//!
//! Invariant: of a statement that was sent by no way, withheld or for want of an address, nothing is late, and it costs no late fee,
//! until one is sent that asks for it again (12 CFR 1026.5(b)(2)(ii)(B); the rule book's 1.5). One whose letter came back was mailed,
//! which is all that the law asks. What is withheld needs no person to see to it.

use identity::{CaseId, CustomerId, OutboundId};
use serde_json::{Value, json};
use sqlx::PgConnection;
use store::{
    cases::{CaseRow, CaseStatus},
    outbound::{self, OutboundRow, OutboundState},
};

use super::{MessageReport, Why};
use crate::{
    Caller, Servicing, ServicingError, UseCase, authorise, reference::reference, work::Trail,
};

/// One of these is open for a customer at a time.
const KIND: &str = "undeliverable";

/// What whoever finds the customer has to do besides.
const AND_THEN: &str = "Find out an address, and keep it. If a statement was not sent, nothing of it is late and it costs no late \
                        fee: what it asks for falls due with the next statement that is sent.";

impl Servicing {
    /// Paper is owed and there is no street to send it to.
    pub(super) async fn nowhere_to_send(
        &self,
        conn: &mut PgConnection,
        mut message: OutboundRow,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        let more = json!({"paper": "no_postal_address"});
        self.not_sent(conn, &mut message, more, report).await?;
        let words = format!(
            "The message `{}` of {} could not be sent: e-mail does not do, and no mailing address is known.",
            message.kind,
            message.written_at.date_naive()
        );
        self.open_undeliverable(conn, &message, words).await?;
        self.statement_not_left(conn, &message, self.today()).await
    }

    /// Something stands against a message by any way. What a statement asks for then waits for one that is sent.
    pub(super) async fn withhold(
        &self,
        conn: &mut PgConnection,
        mut message: OutboundRow,
        why: Why,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        message.why = Some(why.word());
        message.next_at = None;
        self.not_sent(conn, &mut message, json!({}), report).await?;
        self.statement_not_left(conn, &message, self.today()).await
    }

    /// Records that a message goes to nobody, with `more` in its leaf.
    async fn not_sent(
        &self,
        conn: &mut PgConnection,
        message: &mut OutboundRow,
        more: Value,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        self.hold_line_of_statement(conn, message).await?;
        message.state = OutboundState::NotSent;
        outbound::update(conn, message).await?;
        report.messages_not_sent += 1;
        self.trail_message(conn, message, "mail.not_sent", more).await
    }

    /// Holds the line of whose statement a message is, before its stream is written to: as everybody does who may add to it.
    pub(super) async fn hold_line_of_statement(
        &self,
        conn: &mut PgConnection,
        message: &OutboundRow,
    ) -> Result<(), ServicingError> {
        if let (Some(_), Some(line)) = (message.statement, message.credit_line_id) {
            self.hold_line(conn, line).await?;
        }
        Ok(())
    }

    /// The post brought a letter back: what it said is not delivered.
    pub(super) async fn letter_came_back(
        &self,
        id: OutboundId,
        code: &str,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let letter = outbound::find_letter(&mut conn, id).await?;
        drop(conn);
        // It was printed, though the printer's answer may have been lost.
        if let Some(letter) = letter {
            self.printed(&letter, report).await?;
        }
        let mut tx = self.store.app().begin().await?;
        let Some(mut message) = outbound::find_for_update(&mut tx, id).await? else {
            return Ok(());
        };
        if message.state != OutboundState::OnPaper {
            return Ok(());
        }
        message.state = OutboundState::NotSent;
        message.why = Some("letter_came_back".to_owned());
        message.code = Some(code.to_owned());
        message.changed_at = self.now();
        outbound::update(&mut tx, &message).await?;
        report.messages_bounced += 1;
        report.messages_not_sent += 1;
        self.trail_message(&mut tx, &message, "mail.letter_returned", json!({})).await?;
        let words = format!("The letter of the message `{}` came back.", message.kind);
        self.open_undeliverable(&mut tx, &message, words).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives the desk a customer to be found; also one who has no line.
    async fn open_undeliverable(
        &self,
        conn: &mut PgConnection,
        message: &OutboundRow,
        words: String,
    ) -> Result<(), ServicingError> {
        let (now, customer_id): (_, CustomerId) = (self.now(), message.customer_id);
        let permit = authorise(Caller::system(), UseCase::Protect, Some(customer_id), now)?;
        let id = CaseId::mint(now);
        let row = CaseRow {
            id,
            reference: reference("CAS", id.as_uuid()),
            customer_id,
            credit_line_id: message.credit_line_id,
            conversation_id: None,
            kind: KIND.to_owned(),
            words: format!("{words} {AND_THEN}"),
            status: CaseStatus::Open,
            opened_by: Caller::system().actor,
            opened_at: now,
            due_on: calendar::add_banking_days(self.today(), 1),
            note: None,
            closed_by: None,
            closed_at: None,
        };
        let (standing, fresh) = self.open_or_join(conn, &row).await?;
        let payload = json!({
            "case_id": standing.id, "kind": KIND, "customer_id": customer_id,
            "credit_line_id": message.credit_line_id, "message_id": message.id, "words": row.words,
            "due_on": row.due_on, "authorised": permit,
        });
        let leaf = if fresh { "case.opened" } else { "case.repeated" };
        self.trail(conn, Trail::stream(None, message.credit_line_id), leaf, payload).await
    }
}
