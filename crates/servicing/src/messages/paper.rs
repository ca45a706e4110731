//! Messages on paper: the statement, the notice or a letter, queued for the printer with its digest.

use documents::{MessageKind, MessageRecord, Party, Tongue, letter_document};
use identity::{OutboundId, chain};
use rails::{Printing, RailError};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    contacts, customers, decisions,
    documents::{Format, Kept},
    outbound::{self, LetterRow, OutboundRow, OutboundState},
};

use super::{MessageReport, Way, Why};
use crate::{
    Caller, Refusal, Servicing, ServicingError, UseCase, authorise, disclosures::to_keep,
    ports::Post,
};

/// Letters handed to the printer in one run.
const LETTERS_AT_ONCE: i64 = 200;

impl Servicing {
    /// Puts a message on paper, with the reason; where we know no address to send paper to, it is not sent.
    pub(super) async fn put_on_paper(
        &self,
        conn: &mut PgConnection,
        mut message: OutboundRow,
        why: &str,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        let now = self.now();
        message.why = Some(why.to_owned());
        message.next_at = None;
        message.changed_at = now;
        // What is for a former address must not follow whoever changed it to the new one.
        let lines = match &message.street {
            Some(street) => Some(street.clone()).filter(|lines| !lines.is_empty()),
            None => contacts::find_postal_address(conn, message.customer_id).await?,
        };
        let Some(lines) = lines else {
            return self.nowhere_to_send(conn, message, report).await;
        };
        let customer = customers::find(conn, message.customer_id)
            .await?
            .ok_or_else(|| Refusal::not_found("customer"))?;
        let to = Party { name: customer.name, address: lines };
        let kept = self.on_paper(conn, &message, &to).await?;
        let mut address = vec![to.name];
        address.extend(to.address);
        let digest = hex::encode(&kept.digest);
        let letter = LetterRow { message_id: message.id, address, kept, printed_at: None };
        outbound::insert_letter(conn, &letter).await?;
        message.state = OutboundState::OnPaper;
        outbound::update(conn, &message).await?;
        report.messages_on_paper += 1;
        self.trail_message(conn, &message, "mail.on_paper", json!({"letter_digest": digest})).await
    }

    /// What is printed: the document itself where one goes with the message.
    async fn on_paper(
        &self,
        conn: &mut PgConnection,
        message: &OutboundRow,
        to: &Party,
    ) -> Result<Kept, ServicingError> {
        let (now, system) = (self.now(), Caller::system());
        let number = message.statement.and_then(|number| u32::try_from(number).ok());
        if let (Some(number), Some(line)) = (number, message.credit_line_id) {
            let permit = authorise(system, UseCase::Operate, Some(message.customer_id), now)?;
            return self.statement_in(conn, permit, line, number, Format::Pdf).await;
        }
        if let Some(id) = message.decision_id {
            let decision =
                decisions::find(conn, id).await?.ok_or_else(|| Refusal::not_found("decision"))?;
            return Ok(Kept {
                template: message.template.clone(),
                media_type: "text/html; charset=utf-8".to_owned(),
                bytes: decision.notice,
                digest: decision.notice_digest,
                rendered_at: now,
            });
        }
        let stored = |source| ServicingError::Stored { what: "message", source };
        let values =
            serde_json::from_value(message.said.clone()).map_err(|source| stored(Some(source)))?;
        let record = MessageRecord {
            kind: MessageKind::parse(&message.kind).ok_or(stored(None))?,
            tongue: if message.language == "es" { Tongue::Spanish } else { Tongue::English },
            to,
            written_on: self.today(),
            values: &values,
        };
        let document =
            letter_document(&record, &self.lender.creditor).map_err(ServicingError::engine)?;
        Ok(to_keep(document.pdf().map_err(ServicingError::engine)?, now))
    }

    /// Hands what is queued to the printer, unless a flag stands against it by now. One that could not be handed over stays queued, behind the others.
    pub(super) async fn print_letters(
        &self,
        post: &dyn Post,
        alone: &mut PgConnection,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        let letters = outbound::list_unprinted(alone, LETTERS_AT_ONCE).await?;
        for letter in letters {
            let id = letter.message_id;
            match self.still_allowed(post, &letter, report).await {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) => {
                    tracing::error!(message.id = %id, error = %chain(&error), "whether letter {id} may still go could not be found out");
                    self.put_letter_off(id, report).await?;
                    continue;
                }
            }
            let kept = &letter.kept;
            let printing = Printing {
                id: &id.to_string(),
                to: &letter.address,
                media_type: &kept.media_type,
                bytes: &kept.bytes,
            };
            if let Err(error) = post.print(&printing).await {
                tracing::warn!(message.id = %id, error = %chain(&error), "letter {id} could not be printed yet");
                // Without a printer there is nothing to be tried; one letter that is refused holds up no other.
                if matches!(error, RailError::NotSent { .. }) {
                    report.messages_failed += 1;
                    return Ok(());
                }
                self.put_letter_off(id, report).await?;
                continue;
            }
            match self.printed(&letter, report).await {
                Ok(()) => {}
                // It is handed over again under its id, and holds up no other.
                Err(error) => {
                    tracing::error!(message.id = %id, error = %chain(&error), "that letter {id} was printed could not be recorded");
                    report.messages_failed += 1;
                }
            }
        }
        Ok(())
    }

    /// Whether nothing stands against a queued letter; one against which a flag was raised since, or whose news was given up, is
    /// withheld as mail is, unless the printer has it from a run that could not record it.
    async fn still_allowed(
        &self,
        post: &dyn Post,
        letter: &LetterRow,
        report: &mut MessageReport,
    ) -> Result<bool, ServicingError> {
        let id = letter.message_id;
        let mut tx = self.store.app().begin().await?;
        let Some(mut message) = outbound::find_for_update(&mut tx, id).await? else {
            return Ok(false);
        };
        if message.state != OutboundState::OnPaper {
            return Ok(false);
        }
        let way = self.way(&mut tx, &mut message.clone()).await?;
        let Way::Never(why @ (Why::Flag(_) | Why::Overtaken)) = way else {
            return Ok(true);
        };
        if post.has_letter(&id.to_string()).await? {
            tx.rollback().await?;
            self.printed(letter, report).await?;
            return Ok(false);
        }
        message.changed_at = self.now();
        self.withhold(&mut tx, message, why, report).await?;
        tx.commit().await?;
        Ok(false)
    }

    /// Behind the others, to be tried again.
    async fn put_letter_off(
        &self,
        id: OutboundId,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        report.messages_failed += 1;
        let mut conn = self.store.app().acquire().await?;
        Ok(outbound::put_letter_off(&mut conn, id, self.now()).await?)
    }

    /// The printer has a letter; recorded once.
    pub(super) async fn printed(
        &self,
        letter: &LetterRow,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        let id = letter.message_id;
        let mut tx = self.store.app().begin().await?;
        if !outbound::mark_printed(&mut tx, id, self.now()).await? {
            return Ok(());
        }
        if let Some(message) = outbound::find(&mut tx, id).await? {
            self.statement_left(&mut tx, &message).await?;
            let more = json!({"letter_digest": hex::encode(&letter.kept.digest)});
            self.trail_message(&mut tx, &message, "mail.printed", more).await?;
        }
        tx.commit().await?;
        report.letters_printed += 1;
        Ok(())
    }
}
