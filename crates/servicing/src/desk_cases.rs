//! A case about a line, in which the desk works on something: the one of its kind that is open, or a new one.

use chrono::NaiveDate;
use identity::CaseId;
use serde_json::json;
use sqlx::PgConnection;
use store::{
    cases::{self, CaseRow, CaseStatus},
    credit_lines::CreditLineRow,
};

use crate::{Authorised, Refusal, Servicing, ServicingError, reference::reference, work::Trail};

impl Servicing {
    /// Opens a case, or adds its words to the one of its kind that is open; answers that one, and whether it is new.
    pub(crate) async fn open_or_join(
        &self,
        conn: &mut PgConnection,
        row: &CaseRow,
    ) -> Result<(CaseRow, bool), ServicingError> {
        if cases::insert(conn, row).await? {
            return Ok((row.clone(), true));
        }
        let missing = || Refusal::not_found("case");
        let standing =
            cases::find_open(conn, row.customer_id, &row.kind).await?.ok_or_else(missing)?;
        cases::add_matter(conn, standing.id, &row.words, self.now()).await?;
        Ok((standing, false))
    }

    pub(crate) async fn open_line_case(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        line: &CreditLineRow,
        (kind, due_on, words): (&str, NaiveDate, &str),
    ) -> Result<CaseRow, ServicingError> {
        let now = self.now();
        let customer_id = line.customer_id;
        let id = CaseId::mint(now);
        let row = CaseRow {
            id,
            reference: reference("CAS", id.as_uuid()),
            customer_id,
            credit_line_id: Some(line.id),
            conversation_id: None,
            kind: kind.to_owned(),
            words: words.to_owned(),
            status: CaseStatus::Open,
            opened_by: permit.actor,
            opened_at: now,
            due_on,
            note: None,
            closed_by: None,
            closed_at: None,
        };
        let (standing, fresh) = self.open_or_join(conn, &row).await?;
        let payload = json!({
            "case_id": standing.id, "reference": standing.reference, "kind": standing.kind, "customer_id": customer_id,
            "credit_line_id": line.id, "words": words, "due_on": standing.due_on, "authorised": permit,
        });
        let leaf = if fresh { "case.opened" } else { "case.repeated" };
        self.trail(conn, Trail::stream(None, Some(line.id)), leaf, payload).await?;
        Ok(standing)
    }
}
