//! What happens to draws by themselves: into a file or to the bank at once, made available, refused.
//!
//! A draw goes `held` → `pending` (chosen for a file, or asked of the bank) → `released` (the bank has the file) → `settled`
//! (the money is there: the line is charged from that day) or `refused`; a draw that never left is `voided`. Each arrow is one
//! transaction that holds the line.
//!
//! Invariants: a draw is charged once, and only when the bank says that the money is there; whatever is undone is taken never to
//! have happened, interest included; one whose outcome is not known is neither.

use calendar::add_banking_days;
use chrono::NaiveDate;
use credit::{LineEventBody, LineStatus};
use identity::{CaseId, DrawId, chain};
use money::Cents;
use nacha::ReturnCode;
use rails::{DrawRails, ReturnRules};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    bank_accounts::{self, BankAccountStatus},
    cases::{self, CaseRow, CaseStatus},
    draws::{self, DrawRow, DrawStatus},
};

use super::{FILE_ENTRIES_MAX, RunReport};
use crate::{
    Caller, Refusal, Servicing, ServicingError, UseCase, authorise, flags, lines::Line,
    reference::reference, work::Trail,
};

/// Why a hold is given up that nothing has taken up.
const TIMED_OUT: &str = "timed_out";

impl Servicing {
    /// Chooses the held draws that today's file is to take up; `None` when there are none.
    pub(super) async fn choose_draws(
        &self,
        report: &mut RunReport,
    ) -> Result<Option<String>, ServicingError> {
        let (now, today) = (self.now(), self.today());
        let standard = DrawRails::embedded()?.standard;
        let mut tx = self.store.app().begin().await?;
        let lines = draws::lines_due(&mut tx, today, FILE_ENTRIES_MAX).await?;
        for line in &lines {
            self.hold_line(&mut tx, *line).await?;
        }
        let mut chosen = Vec::new();
        for draw in draws::claim_due(&mut tx, today, &lines, FILE_ENTRIES_MAX).await? {
            let why_not = if standard.last_on(draw.leaves_on) < today {
                Ok(Some(TIMED_OUT.to_owned()))
            } else {
                self.draw_forbidden(&mut tx, &draw).await
            };
            match why_not {
                Ok(Some(why)) => {
                    let mut line = self.load_line(&mut tx, draw.credit_line_id).await?;
                    self.undo_draw(&mut tx, &mut line, draw, DrawStatus::Voided, &why).await?;
                    report.draws_refused += 1;
                }
                Ok(None) => chosen.push(draw),
                // It stays held, and keeps nobody else's from being chosen.
                Err(error) => {
                    let (id, cause) = (draw.id, chain(&error));
                    tracing::error!(draw.id = %id, error = %cause, "could not look at draw {id}: {cause}");
                    report.failed += 1;
                }
            }
        }
        if chosen.is_empty() {
            tx.commit().await?;
            return Ok(None);
        }
        let credit = chosen.iter().map(|draw| draw.amount).sum();
        let key = self.new_file(&mut tx, chosen.len(), (Cents::ZERO, credit)).await?;
        for mut draw in chosen {
            draw.status = DrawStatus::Pending;
            draw.available_on = standard.available_on(today);
            draw.file_key = Some(key.clone());
            draw.trace_number = Some(self.next_trace(&mut tx).await?);
            draw.changed_at = now;
            draws::update(&mut tx, &draw).await?;
            let payload = json!({
                "draw_id": draw.id, "reference": draw.reference, "file_key": key, "trace_number": draw.trace_number,
                "available_on": draw.available_on,
            });
            let stream = Trail::stream(None, Some(draw.credit_line_id));
            self.trail(&mut tx, stream, "draw.chosen_for_file", payload).await?;
        }
        tx.commit().await?;
        Ok(Some(key))
    }

    /// What has come between a draw and its leaving.
    pub(super) async fn draw_forbidden(
        &self,
        conn: &mut PgConnection,
        draw: &DrawRow,
    ) -> Result<Option<String>, ServicingError> {
        let standing = flags::standing(conn, draw.customer_id).await?;
        if let Some(flag) = standing.iter().find(|flag| flags::stops_draws(flag.kind)) {
            return Ok(Some(format!("flag:{}", flags::flag_word(flag.kind))));
        }
        let account = bank_accounts::find(conn, draw.bank_account_id)
            .await?
            .ok_or(ServicingError::Stored { what: "bank account", source: None })?;
        if account.status == BankAccountStatus::Disabled {
            return Ok(Some("bank_account_disabled".to_owned()));
        }
        let position = self.load_line(conn, draw.credit_line_id).await?.position(self.today())?;
        Ok(match position.status {
            LineStatus::Open => None,
            LineStatus::Frozen => Some("line_frozen".to_owned()),
            LineStatus::Closed => Some("line_closed".to_owned()),
        })
    }

    /// Marks the draws of files that the bank has.
    pub(super) async fn release_draws(&self, report: &mut RunReport) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let ids = draws::list_accepted(&mut conn).await?;
        drop(conn);
        for id in ids {
            match self.release_draw(id).await {
                Ok(done) => report.draws_sent += u32::from(done),
                Err(error) => {
                    let cause = chain(&error);
                    tracing::error!(draw.id = %id, error = %cause, "could not release draw {id}: {cause}");
                    report.failed += 1;
                }
            }
        }
        Ok(())
    }

    async fn release_draw(&self, id: DrawId) -> Result<bool, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let (_, mut draw) = self.hold_draw(&mut tx, id).await?;
        if draw.status != DrawStatus::Pending {
            return Ok(false);
        }
        draw.status = DrawStatus::Released;
        draw.changed_at = self.now();
        draws::update(&mut tx, &draw).await?;
        let payload = json!({
            "draw_id": id, "reference": draw.reference, "amount_cents": draw.amount, "file_key": draw.file_key,
            "available_on": draw.available_on,
        });
        let stream = Trail::stream(None, Some(draw.credit_line_id));
        self.trail(&mut tx, stream, "draw.released", payload).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Holds a draw's line, then the draw.
    pub(super) async fn hold_draw(
        &self,
        conn: &mut PgConnection,
        id: DrawId,
    ) -> Result<(Line, DrawRow), ServicingError> {
        let missing = || Refusal::not_found("draw");
        let unheld = draws::find(conn, id).await?.ok_or_else(missing)?;
        let line = self.hold_and_load(conn, unheld.credit_line_id).await?;
        let draw = draws::find_for_update(conn, id).await?.ok_or_else(missing)?;
        Ok((line, draw))
    }

    /// The bank says that the money is there since a day: from then on it is owed.
    pub(super) async fn settle_draw(
        &self,
        id: DrawId,
        settled_on: Option<NaiveDate>,
    ) -> Result<bool, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let (mut line, mut draw) = self.hold_draw(&mut tx, id).await?;
        if !matches!(draw.status, DrawStatus::Pending | DrawStatus::Released) {
            return Ok(false);
        }
        // What is known of a line is never dated ahead of today.
        let on = settled_on.unwrap_or(draw.available_on).min(self.today()).max(draw.held_on);
        let body =
            LineEventBody::Drew { draw: id, feature: None, amount: draw.amount, fee: draw.fee };
        let seq = self.post(&mut tx, &mut line, on, body).await?;
        draw.status = DrawStatus::Settled;
        draw.drawn_on = Some(on);
        draw.drew_seq = Some(i64::try_from(seq).unwrap_or(i64::MAX));
        draw.changed_at = self.now();
        draws::update(&mut tx, &draw).await?;
        let stream = Trail::stream(None, Some(draw.credit_line_id));
        let payload = json!({
            "draw_id": id, "reference": draw.reference, "amount_cents": draw.amount, "fee_cents": draw.fee,
            "effective_on": on, "event_seq": seq,
        });
        self.trail(&mut tx, stream, "draw.made", payload).await?;
        let body = LineEventBody::DrawSettled { draw: id };
        let seq = self.post(&mut tx, &mut line, on, body).await?;
        let payload = json!({
            "draw_id": id, "reference": draw.reference, "trace_number": draw.trace_number, "settled_on": on,
            "event_seq": seq,
        });
        self.trail(&mut tx, stream, "draw.settled", payload).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The bank says no to a draw, whole, before anything came of it.
    pub(super) async fn refuse_draw(
        &self,
        id: DrawId,
        status: DrawStatus,
        why: &str,
    ) -> Result<bool, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let (mut line, draw) = self.hold_draw(&mut tx, id).await?;
        if !matches!(draw.status, DrawStatus::Held | DrawStatus::Pending) {
            return Ok(false);
        }
        self.undo_draw(&mut tx, &mut line, draw, status, why).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// A draw that came back from its file: it never happened, and its code asks for more.
    pub(super) async fn return_draw(
        &self,
        id: DrawId,
        code: ReturnCode,
    ) -> Result<bool, ServicingError> {
        let rule = ReturnRules::embedded()?.of(code);
        let mut tx = self.store.app().begin().await?;
        let (mut line, mut draw) = self.hold_draw(&mut tx, id).await?;
        if !matches!(draw.status, DrawStatus::Pending | DrawStatus::Released | DrawStatus::Settled)
        {
            return Ok(false);
        }
        draw.return_code = Some(code.to_string());
        let why = code.to_string();
        let draw = self.undo_draw(&mut tx, &mut line, draw, DrawStatus::Refused, &why).await?;
        if rule.disables_account {
            bank_accounts::disable(&mut tx, draw.bank_account_id).await?;
        }
        let source = format!("return of {}", draw.reference);
        self.flag_after_return(&mut tx, &line.row, rule, &source).await?;
        if let Some(kind) = &rule.desk {
            let words = format!("Draw {} came back with {code}.", draw.reference);
            self.open_draw_case(&mut tx, &draw, kind, words).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Takes a draw back, whatever had become of it: refused by the bank, or given up by the customer or by us.
    pub(crate) async fn undo_draw(
        &self,
        conn: &mut PgConnection,
        line: &mut Line,
        mut draw: DrawRow,
        status: DrawStatus,
        why: &str,
    ) -> Result<DrawRow, ServicingError> {
        let body = LineEventBody::DrawRefused { draw: draw.id, reason: why.to_owned() };
        let seq = self.post(conn, line, self.today(), body).await?;
        draw.status = status;
        draw.refusal = Some(why.to_owned());
        draw.changed_at = self.now();
        draws::update(conn, &draw).await?;
        let payload = json!({
            "draw_id": draw.id, "reference": draw.reference, "amount_cents": draw.amount, "why": why,
            "return_code": draw.return_code, "event_seq": seq,
        });
        let kind = if status == DrawStatus::Refused { "draw.refused" } else { "draw.voided" };
        self.trail(conn, Trail::stream(None, Some(draw.credit_line_id)), kind, payload).await?;
        Ok(draw)
    }

    /// Tells the desk of a draw.
    pub(super) async fn open_draw_case(
        &self,
        conn: &mut PgConnection,
        draw: &DrawRow,
        kind: &str,
        words: String,
    ) -> Result<(), ServicingError> {
        let now = self.now();
        let permit = authorise(Caller::system(), UseCase::Protect, Some(draw.customer_id), now)?;
        let id = CaseId::mint(now);
        let row = CaseRow {
            id,
            reference: reference("CAS", id.as_uuid()),
            customer_id: draw.customer_id,
            credit_line_id: Some(draw.credit_line_id),
            conversation_id: None,
            kind: kind.to_owned(),
            words,
            status: CaseStatus::Open,
            opened_by: Caller::system().actor,
            opened_at: now,
            due_on: add_banking_days(self.today(), 1),
            note: None,
            closed_by: None,
            closed_at: None,
        };
        let fresh = cases::insert(conn, &row).await?;
        let payload = json!({
            "case_id": fresh.then_some(id), "kind": kind, "customer_id": row.customer_id,
            "credit_line_id": row.credit_line_id, "draw_id": draw.id, "words": row.words, "due_on": row.due_on,
            "authorised": permit,
        });
        let stream = Trail::stream(None, row.credit_line_id);
        let leaf = if fresh { "case.opened" } else { "case.repeated" };
        self.trail(conn, stream, leaf, payload).await
    }
}
