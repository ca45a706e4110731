//! Cases: a right that the customer invoked becomes a record in the same turn, with the flag that goes with it and the
//! day by which it must be answered.
//!
//! Invariants: opening is safe to repeat (one open case of a kind for a customer); it asks for no confirmation; what it
//! raises only ever stops us from doing something. What is absent: recognising the words (`assistant`).

mod kind;

use identity::{CaseId, ConversationId, CustomerId};
use serde::Serialize;
use serde_json::json;
use store::{
    cases::{self, CaseRow, CaseStatus},
    credit_lines,
};

pub use kind::CaseKind;

use crate::{
    Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    conversations::checked_text,
    reference::reference,
    work::{Begun, Trail},
};

/// A case to be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewCase {
    pub customer_id: CustomerId,
    pub conversation_id: Option<ConversationId>,
    pub kind: CaseKind,
    /// What the customer said, as they said it.
    pub words: String,
}

impl Servicing {
    /// Opens a case and raises its flag, in one transaction. Where one of the kind is open already, that one is
    /// answered, and nothing is written.
    pub async fn open_case(
        &self,
        caller: Caller,
        case: NewCase,
    ) -> Result<CaseRow, ServicingError> {
        let now = self.now();
        let permit = authorise(caller, UseCase::Protect, Some(case.customer_id), now)?;
        let mut tx = self.pool_for(caller).begin().await?;
        if let Some(standing) =
            cases::find_open(&mut tx, case.customer_id, case.kind.as_str()).await?
        {
            return Ok(standing);
        }
        let line = credit_lines::find_of_customer(&mut tx, case.customer_id).await?;
        if let Some(line) = &line {
            self.hold_line(&mut tx, line.id).await?;
        }
        let id = CaseId::mint(now);
        let today = self.today();
        let row = CaseRow {
            id,
            reference: reference("CAS", id.as_uuid()),
            customer_id: case.customer_id,
            credit_line_id: line.as_ref().map(|line| line.id),
            conversation_id: case.conversation_id,
            kind: case.kind.as_str().to_owned(),
            words: case.words,
            status: CaseStatus::Open,
            opened_by: caller.actor,
            opened_at: now,
            due_on: case.kind.due_on(today),
            note: None,
            closed_by: None,
            closed_at: None,
        };
        if !cases::insert(&mut tx, &row).await? {
            // Somebody opened it between our look and our insert, which waited for them.
            let standing = cases::find_open(&mut tx, row.customer_id, &row.kind).await?;
            return standing.ok_or_else(|| Refusal::not_found("case").into());
        }
        let stream = Trail::stream(row.conversation_id, row.credit_line_id);
        let payload = json!({
            "case_id": row.id, "reference": row.reference, "kind": row.kind, "customer_id": row.customer_id,
            "words": row.words, "due_on": row.due_on, "authorised": permit,
        });
        self.trail(&mut tx, stream, "case.opened", payload).await?;
        if let Some(flag) = case.kind.flag() {
            let source = format!("case {}", row.reference);
            self.raise_in(&mut tx, permit, row.customer_id, line.as_ref(), (flag, &source)).await?;
        }
        tx.commit().await?;
        Ok(row)
    }

    /// Closes a case. Its flag stays until it is cleared.
    pub async fn close_case(
        &self,
        caller: Caller,
        id: CaseId,
        note: &str,
        key: &Key,
    ) -> Result<CaseRow, ServicingError> {
        let note = checked_text(note)?;
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let mut work = match self.begin(permit, key, &("close_case", id, note)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let closed = cases::close(work.conn(), id, note, caller.actor, self.now()).await?;
        let row = cases::find(work.conn(), id).await?.ok_or_else(|| Refusal::not_found("case"))?;
        if !closed {
            return Err(Refusal::new(RefusalCode::CaseClosed, "This case is closed.").into());
        }
        let stream = Trail::stream(row.conversation_id, row.credit_line_id);
        let payload =
            json!({"case_id": id, "reference": row.reference, "note": note, "authorised": permit});
        self.trail(work.conn(), stream, "case.closed", payload).await?;
        work.finish(row).await
    }

    /// The customer's cases, oldest first.
    pub async fn list_cases(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Vec<CaseRow>, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        Ok(cases::list_of_customer(&mut conn, customer_id).await?)
    }
}
