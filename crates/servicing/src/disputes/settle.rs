//! What is found of a dispute: one person settles it, or asks a second one to where much is given back.
//!
//! Invariants: a dispute is settled once; what the findings of one person give back to a customer stays within a limit, all of them
//! together (`countersign`): the errors, and the interest and fees that go back with them; while a finding waits there is no other.

use credit::LineEventBody;
use identity::CaseId;
use money::Cents;
use serde_json::json;
use sqlx::PgConnection;
use store::{
    autopays,
    cases::{self, CaseStatus},
    countersignatures::{Act, CountersignatureRow},
    disputes::{self, DisputeRow, Resolution},
};

use super::{DisputeSubject, Finding};
use crate::{
    Authorised, Caller, CaseKind, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase,
    authorise,
    conversations::checked_text,
    countersign::Asked,
    lines::Line,
    work::{Begun, Trail, with},
};

impl Servicing {
    /// Settles a dispute, with what the customer is told: an error is taken back with the charges that came of it; what was none
    /// falls due anew. Its case is closed with the last dispute in it. Where more is given back than one person may, the finding
    /// waits for a second one, and the dispute is open until then.
    pub async fn resolve_dispute(
        &self,
        caller: Caller,
        id: CaseId,
        finding: &Finding,
        key: &Key,
    ) -> Result<DisputeRow, ServicingError> {
        let explanation = checked_text(&finding.explanation)?;
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let request = ("resolve_dispute", id, finding);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let unheld = find(work.conn(), id).await?;
        if finding.error.is_negative() || finding.error > unheld.amount {
            let sentence = format!("At most {} was disputed.", unheld.amount);
            return Err(Refusal::new(RefusalCode::AmountTooLarge, sentence).into());
        }
        let mut line = self.hold_and_load(work.conn(), unheld.credit_line_id).await?;
        // Whoever settles it or asks for that holds the line: what is seen now stays so.
        let dispute = find(work.conn(), id).await?;
        if dispute.resolved_at.is_none() && dispute.waiting.is_some() {
            let sentence = "A finding of this dispute waits for a second person.";
            return Err(Refusal::new(RefusalCode::AlreadyClaimed, sentence).into());
        }
        let in_all = self.gives_back(&line, &dispute, finding)?;
        if self.credit_takes_two(work.conn(), dispute.customer_id, in_all).await? {
            let asked = Asked {
                act: Act::CreditDispute { dispute_id: id },
                customer_id: dispute.customer_id,
                credit_line_id: dispute.credit_line_id,
                amount: finding.error,
                in_all,
                reason: explanation,
            };
            self.ask_second(work.conn(), permit, asked).await?;
        } else {
            let found = Finding { explanation: explanation.to_owned(), ..*finding };
            self.settle(work.conn(), permit, &mut line, (&dispute, &found, None)).await?;
        }
        let row = find(work.conn(), id).await?;
        work.finish(row).await
    }

    /// Settles a dispute as one person found and another agreed.
    pub(crate) async fn credit_dispute(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        line: &mut Line,
        (row, id): (&CountersignatureRow, CaseId),
    ) -> Result<(), ServicingError> {
        let dispute = find(conn, id).await?;
        let found = Finding { error: row.amount, explanation: row.reason.clone() };
        self.settle(conn, permit, line, (&dispute, &found, Some(row))).await
    }

    async fn settle(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        line: &mut Line,
        (dispute, found, second): (&DisputeRow, &Finding, Option<&CountersignatureRow>),
    ) -> Result<(), ServicingError> {
        let given_back = self.gives_back(line, dispute, found)?;
        let of = Resolution { error: found.error, given_back, explanation: &found.explanation };
        if !disputes::resolve(conn, dispute.id, of, permit.actor, self.now()).await? {
            let sentence = "This dispute is settled.";
            return Err(Refusal::new(RefusalCode::CaseClosed, sentence).into());
        }
        for body in bodies_of(line, dispute, found)? {
            self.post(conn, line, self.today(), body).await?;
        }
        autopays::look_next_on(conn, line.row.id, self.today()).await?;
        let mut payload = json!({
            "dispute_id": dispute.id, "case_id": dispute.case_id, "customer_id": dispute.customer_id,
            "credit_line_id": dispute.credit_line_id, "amount_cents": dispute.amount, "error_cents": found.error,
            "given_back_cents": given_back, "note": found.explanation, "authorised": permit,
        });
        if let Some(second) = second {
            payload = with(payload, "countersignature_id", json!(second.id));
            payload = with(payload, "asked_by", json!(second.asked_by));
            payload = with(payload, "reason", json!(second.note));
        }
        let stream = Trail::stream(None, Some(dispute.credit_line_id));
        self.trail(conn, stream, "dispute.resolved", payload).await?;
        self.close_dispute_case(conn, permit, (line, dispute), &found.explanation).await
    }

    /// What a finding gives back in all; of a dispute that is settled already, nothing more.
    fn gives_back(
        &self,
        line: &Line,
        dispute: &DisputeRow,
        found: &Finding,
    ) -> Result<Cents, ServicingError> {
        if dispute.resolved_at.is_some() {
            return Ok(Cents::ZERO);
        }
        line.would_give_back(&bodies_of(line, dispute, found)?, self.today(), self.now())
    }

    async fn close_dispute_case(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        (line, row): (&Line, &DisputeRow),
        note: &str,
    ) -> Result<(), ServicingError> {
        let others = disputes::list_of_customer(conn, row.customer_id).await?;
        let waits =
            |other: &DisputeRow| other.case_id == row.case_id && other.resolved_at.is_none();
        if others.iter().any(waits)
            || !cases::close(conn, row.case_id, note, permit.actor, self.now()).await?
        {
            return Ok(());
        }
        let payload = json!({
            "case_id": row.case_id, "note": note, "flag_cleared": CaseKind::Dispute.flag(), "authorised": permit,
        });
        let stream = Trail::stream(None, Some(row.credit_line_id));
        self.trail(conn, stream, "case.closed", payload).await?;
        // Another kind of case may keep the flag: an error on a credit report is disputed too.
        let cases = cases::list_of_customer(conn, row.customer_id).await?;
        let flag = CaseKind::Dispute.flag();
        let kept = cases.iter().any(|case| {
            case.status == CaseStatus::Open
                && CaseKind::parse(&case.kind).and_then(CaseKind::flag) == flag
        });
        if let Some(flag) = flag.filter(|_| !kept) {
            let of = (flag, note);
            self.clear_in(conn, permit, row.customer_id, Some(&line.row), of).await?;
        }
        Ok(())
    }
}

async fn find(conn: &mut PgConnection, id: CaseId) -> Result<DisputeRow, ServicingError> {
    disputes::find(conn, id).await?.ok_or_else(|| Refusal::not_found("dispute").into())
}

fn opened_on_line(line: &Line, id: CaseId) -> bool {
    line.events().iter().any(
        |event| matches!(event.body, LineEventBody::DisputeOpened { dispute, .. } if dispute == id),
    )
}

/// What a finding does to the line.
fn bodies_of(
    line: &Line,
    dispute: &DisputeRow,
    found: &Finding,
) -> Result<Vec<LineEventBody>, ServicingError> {
    let formal = opened_on_line(line, dispute.id);
    let mut bodies = Vec::new();
    if !formal && found.error.is_positive() {
        // It came too late to be held out. An error is taken back all the same, and the rest was never out of what is due.
        let subject: DisputeSubject = serde_json::from_value(dispute.subject.clone())
            .map_err(|source| ServicingError::Stored { what: "dispute", source: Some(source) })?;
        bodies.push(LineEventBody::DisputeOpened {
            dispute: dispute.id,
            subject: subject.into(),
            amount: found.error,
        });
    }
    if formal || found.error.is_positive() {
        bodies.push(LineEventBody::DisputeResolved {
            dispute: dispute.id,
            error: found.error,
            reason: found.explanation.clone(),
        });
    }
    Ok(bodies)
}
