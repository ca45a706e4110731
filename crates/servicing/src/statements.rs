//! Statements as documents: listed, and opened as they were first opened.
//!
//! Invariants: a statement's data is fixed when it is issued, its bytes when it is first opened, in both forms at once and in the
//! transaction of their leaf; whoever opens it later gets those bytes, whatever templates have become.

use credit::{ChangeInTerms, LineEvent, LineEventBody, Statement};
use documents::{StatementRecord, statement_document};
use identity::{CreditLineId, CustomerId};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    credit_lines, customers,
    documents::{self as kept, Format, Kept, StatementDocument},
};

use crate::{
    Authorised, Caller, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    disclosures::{GivenDocument, addressee, line_reference, no_line, refuse_model, to_keep},
    lines::Line,
    messages::told_on_statements,
    positions::read_cursor,
    work::Trail,
};

/// The longest page of statements.
const STATEMENTS_MAX: usize = 200;

/// One page, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statements {
    pub items: Vec<Statement>,
    pub next_cursor: Option<String>,
}

impl Servicing {
    /// The statements issued so far, newest first, from `cursor` on.
    pub async fn list_statements(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Statements, ServicingError> {
        if !(1..=STATEMENTS_MAX).contains(&limit) {
            let sentence = format!("A page of {limit} statements cannot be given.");
            return Err(Refusal::new(RefusalCode::LimitInvalid, sentence).into());
        }
        let before = cursor.map_or(Ok(u64::MAX), read_cursor)?;
        let all = self.statements(caller, customer_id).await?;
        let mut older =
            all.into_iter().filter(|statement| u64::from(statement.number) < before).peekable();
        let items: Vec<Statement> = older.by_ref().take(limit).collect();
        let more = older.peek().is_some();
        let next_cursor = items.last().filter(|_| more).map(|last| last.number.to_string());
        Ok(Statements { items, next_cursor })
    }

    /// A statement in one of its forms: made at the first view of either, and the same bytes ever after.
    pub async fn statement_document(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        number: u32,
        format: Format,
    ) -> Result<GivenDocument, ServicingError> {
        let permit = authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        refuse_model(caller)?;
        let mut tx = self.store.app().begin().await?;
        let row = credit_lines::find_of_customer(&mut tx, customer_id).await?;
        let row = row.ok_or_else(no_line)?;
        let kept = self.statement_in(&mut tx, permit, row.id, number, format).await?;
        tx.commit().await?;
        kept.try_into()
    }

    /// A statement as it is kept; at the first view it is made, in the caller's transaction.
    pub(crate) async fn statement_in(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        id: CreditLineId,
        number: u32,
        format: Format,
    ) -> Result<Kept, ServicingError> {
        if let Some(kept) = kept::find_statement(conn, id, number, format).await? {
            return Ok(kept);
        }
        let line = self.load_line(conn, id).await?;
        self.keep_statement(conn, permit, &line, number).await?;
        let kept = kept::find_statement(conn, id, number, format).await?;
        Ok(kept.ok_or_else(|| Refusal::not_found("statement"))?)
    }

    /// Makes both forms and keeps them with their leaf, unless somebody else has done so in this very moment.
    async fn keep_statement(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        line: &Line,
        number: u32,
    ) -> Result<(), ServicingError> {
        let Some((event_seq, statement)) = find(line.events(), number) else {
            return Err(Refusal::not_found("statement").into());
        };
        let customer = customers::find(conn, line.row.customer_id)
            .await?
            .ok_or_else(|| Refusal::not_found("customer"))?;
        let words = |change: &ChangeInTerms| {
            told_on_statements(&change.terms).unwrap_or_else(|| change.what.join(", "))
        };
        let changes: Vec<String> = statement.changes_in_terms.iter().map(words).collect();
        let record = StatementRecord {
            customer: &addressee(&customer),
            line_reference: &line_reference(line.row.id),
            terms: &line.terms_on(statement.closed_on)?,
            statement,
            changes: &changes,
        };
        let document =
            statement_document(&record, &self.lender.creditor).map_err(ServicingError::engine)?;
        let html = document.html().map_err(ServicingError::engine)?;
        let pdf = document.pdf().map_err(ServicingError::engine)?;
        let payload = json!({
            "number": number, "event_seq": event_seq, "template": html.template,
            "html_digest": html.digest_hex(), "pdf_digest": pdf.digest_hex(), "authorised": permit,
        });
        let mut first = true;
        for (format, rendered) in [(Format::Html, html), (Format::Pdf, pdf)] {
            let document = StatementDocument {
                credit_line_id: line.row.id,
                number,
                format,
                event_seq,
                kept: to_keep(rendered, self.now()),
            };
            first &= kept::insert_statement(conn, &document).await?;
        }
        if first {
            let stream = Trail::stream(None, Some(line.row.id));
            self.trail(conn, stream, "statement.rendered", payload).await?;
        }
        Ok(())
    }
}

/// The statement of that number, and the event that issued it.
pub(crate) fn find(events: &[LineEvent], number: u32) -> Option<(u64, &Statement)> {
    events.iter().find_map(|event| match &event.body {
        LineEventBody::StatementIssued { statement } if statement.number == number => {
            Some((event.seq, statement.as_ref()))
        }
        _ => None,
    })
}
