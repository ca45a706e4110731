//! What happens to draws by themselves: into a file or to the bank at once, made available, refused.
//!
//! A draw goes `held` → `pending` (chosen for a file, or asked of the bank) → `released` (the bank has the file) → `settled`
//! (the money is there: the line is charged from that day) or `refused`; a draw that never left is `voided`. Each arrow is one
//! transaction that holds the line, the one into a file with a few more (`choose`).
//!
//! Invariants: a draw is charged once, and only when the bank says that the money is there, with which cash is charged too; whatever is undone is taken never to
//! have happened, interest included; one whose outcome is not known is neither.

use chrono::NaiveDate;
use credit::{LineEventBody, LineStatus};
use identity::{DrawId, chain};
use nacha::ReturnCode;
use rails::{DrawRails, ReturnRules};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    bank_accounts::{self, BankAccountStatus},
    draws::{self, DrawRow, DrawStatus},
    rail_files,
};

use super::{Of, RunReport};
use crate::{
    Refusal, Servicing, ServicingError,
    cash::{Moved, Way},
    flags,
    lines::Line,
    work::Trail,
};

/// Why a hold is given up that nothing has taken up.
const TIMED_OUT: &str = "timed_out";

impl Servicing {
    /// Gives a draw up that may not leave, or gives it to be chosen.
    pub(super) async fn void_or_choose(
        &self,
        conn: &mut PgConnection,
        draw: DrawRow,
    ) -> Result<Option<DrawRow>, ServicingError> {
        let late = DrawRails::embedded()?.standard.last_on(draw.leaves_on) < self.today();
        let why_not = if late {
            Some(TIMED_OUT.to_owned())
        } else {
            self.draw_forbidden(conn, &draw).await?
        };
        let Some(why) = why_not else { return Ok(Some(draw)) };
        let mut line = self.load_line(conn, draw.credit_line_id).await?;
        self.undo_draw(conn, &mut line, draw, DrawStatus::Voided, &why).await?;
        Ok(None)
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
            LineStatus::Open if position.lateness_stops_draws() => Some("line_past_due".to_owned()),
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
                    self.entry_undone(Of::Draw(id), &error, report).await;
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
        self.mark_released(&mut tx, &mut draw).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub(super) async fn mark_released(
        &self,
        conn: &mut PgConnection,
        draw: &mut DrawRow,
    ) -> Result<(), ServicingError> {
        draw.status = DrawStatus::Released;
        draw.changed_at = self.now();
        draws::update(conn, draw).await?;
        let payload = json!({
            "draw_id": draw.id, "reference": draw.reference, "amount_cents": draw.amount, "file_key": draw.file_key,
            "available_on": draw.available_on,
        });
        let stream = Trail::stream(None, Some(draw.credit_line_id));
        self.trail(conn, stream, "draw.released", payload).await
    }

    /// Holds a draw's line, then the draw.
    pub(crate) async fn hold_draw(
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
        // Held, where the bank has what we never marked as handed over: it is owed all the same.
        let open =
            matches!(draw.status, DrawStatus::Held | DrawStatus::Pending | DrawStatus::Released);
        if !open {
            return Ok(false);
        }
        // What is known of a line is never dated ahead of today.
        let on = settled_on.unwrap_or(draw.available_on).min(self.today()).max(draw.held_on);
        let (amount, fee) = (draw.amount, draw.fee);
        let body = LineEventBody::Drew { draw: id, feature: None, amount, fee, by_terms: true };
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
        let moved = self.moved(Way::DrawSettled, draw.amount, draw.drew_seq, on)?;
        self.post_cash(&mut tx, draw.credit_line_id, &[moved]).await?;
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
        (returned_on, settled_on): (NaiveDate, Option<NaiveDate>),
    ) -> Result<bool, ServicingError> {
        let rules = ReturnRules::embedded()?;
        let rule = rules.of(code);
        let mut tx = self.store.app().begin().await?;
        let (mut line, mut draw) = self.hold_draw(&mut tx, id).await?;
        let why = code.to_string();
        if !matches!(draw.status, DrawStatus::Pending | DrawStatus::Released | DrawStatus::Settled)
        {
            // The same return, read before, says nothing new.
            let now = self.now();
            if draw.return_code.as_deref() != Some(&why)
                && rail_files::note_once(&mut tx, &draw.reference, &why, now).await?
            {
                self.tell_of_return(&mut tx, &draw, code, "although it had come to nothing")
                    .await?;
                tx.commit().await?;
            }
            return Ok(false);
        }
        let there_on = draw.drawn_on.or(settled_on).unwrap_or(draw.available_on);
        let late = rules.late(code, there_on, returned_on);
        draw.return_code = Some(why.clone());
        if draw.status == DrawStatus::Settled {
            self.money_is_back(&mut tx, &line, &draw, returned_on).await?;
        }
        let draw = self.undo_draw(&mut tx, &mut line, draw, DrawStatus::Refused, &why).await?;
        if rule.disables_account {
            bank_accounts::disable(&mut tx, draw.bank_account_id).await?;
        }
        let source = format!("return of {}", draw.reference);
        self.flag_after_return(&mut tx, &line.row, rule, &source).await?;
        if let Some(kind) = &rule.desk {
            let words = format!("Draw {} came back with {code}.", draw.reference);
            self.open_desk_case(&mut tx, &draw, kind, words).await?;
        }
        if late {
            self.tell_of_return(&mut tx, &draw, code, "later than the bank may send it back")
                .await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// What was sent is with us again. Of a draw that was found an error before, that much was no longer in transit.
    async fn money_is_back(
        &self,
        conn: &mut PgConnection,
        line: &Line,
        draw: &DrawRow,
        returned_on: NaiveDate,
    ) -> Result<(), ServicingError> {
        let on = returned_on.min(self.today()).max(draw.drawn_on.unwrap_or(draw.held_on));
        let moved = self.moved(Way::DrawSentBack, draw.amount, draw.drew_seq, on)?;
        let borne = draw.amount - credit::drawn(line.events(), draw.id);
        self.post_cash(conn, draw.credit_line_id, &[Moved { borne, ..moved }]).await
    }

    async fn tell_of_return(
        &self,
        conn: &mut PgConnection,
        draw: &DrawRow,
        code: ReturnCode,
        how: &str,
    ) -> Result<(), ServicingError> {
        let words = format!("Draw {} came back with {code} {how}.", draw.reference);
        self.open_desk_case(conn, draw, "operations", words).await
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
}
