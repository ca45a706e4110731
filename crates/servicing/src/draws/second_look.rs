//! A second look at draws that could be a thief's: much money to a bank account that is new, or after the
//! customer's address was changed (rule book 3.8 and C59).
//!
//! Invariants: what waits for it does not leave, on either rail, and can be given up by its customer all the while; what a
//! person lets go is sent as any other, with flags and the line looked at again; what nobody looks at in time is given up.

use identity::{CustomerId, DrawId};
use rails::DrawRails;
use serde_json::json;
use sqlx::PgConnection;
use store::{
    bank_accounts::{self, BankAccount},
    contacts, credit_lines,
    draws::{self, DrawReview, DrawRow, DrawStatus},
};

use super::ResolvedDraw;
use crate::{
    Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    conversations::checked_text,
    work::{Begun, Trail},
};

/// Why a draw is given up that a person did not let go.
const NOT_LET_GO: &str = "second_look";

/// What a person of ours makes of a draw that waits.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Whether it leaves, or is given up.
    pub let_go: bool,
    /// What was looked at.
    pub note: &'a str,
}

impl Servicing {
    /// Whether a draw is to wait for a person.
    pub(super) async fn second_look(
        &self,
        conn: &mut PgConnection,
        draw: &ResolvedDraw,
        to: &BankAccount,
    ) -> Result<Option<DrawReview>, ServicingError> {
        let (look, now) = (DrawRails::embedded()?.second_look, self.now());
        let total = draws::total_to_account(conn, to.id).await? + draw.amount;
        let mut wanted = look.wanted(total, to.added_at, now);
        let changed_at = contacts::last_change(conn, to.customer_id).await?;
        if let Some(changed_at) = changed_at.filter(|_| !wanted) {
            let since = draws::total_since(conn, draw.credit_line_id, changed_at).await?;
            wanted = look.wanted_after_change(since + draw.amount, changed_at, now);
        }
        Ok(wanted.then_some(DrawReview::Waiting))
    }

    pub(super) async fn ask_for_second_look(
        &self,
        conn: &mut PgConnection,
        draw: &DrawRow,
    ) -> Result<(), ServicingError> {
        let words = format!(
            "Draw {} of {} goes to a bank account that was added lately, or follows on a change of address: see that it is the customer who asks.",
            draw.reference, draw.amount
        );
        self.open_desk_case(conn, draw, "draw_review", words).await
    }

    /// Has a person look at what was to leave when the address was changed: no change of address and draw on one day. The caller
    /// holds the line.
    pub(crate) async fn look_at_held(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
    ) -> Result<(), ServicingError> {
        let Some(line) = credit_lines::find_of_customer(conn, customer_id).await? else {
            return Ok(());
        };
        for mut draw in draws::list_of_line(conn, line.id).await? {
            if draw.status == DrawStatus::Held && draw.review.is_none() {
                (draw.review, draw.changed_at) = (Some(DrawReview::Waiting), self.now());
                draws::update(conn, &draw).await?;
                self.ask_for_second_look(conn, &draw).await?;
            }
        }
        Ok(())
    }

    /// The draws that wait for a person, oldest first, each with the bank account it goes to.
    pub async fn draws_to_look_at(
        &self,
        caller: Caller,
    ) -> Result<Vec<(DrawRow, BankAccount)>, ServicingError> {
        authorise(caller, UseCase::Oversee, None, self.now())?;
        let mut conn = self.store.app().acquire().await?;
        let mut waiting = Vec::new();
        for draw in draws::list_waiting(&mut conn).await? {
            let to = bank_accounts::find(&mut conn, draw.bank_account_id).await?;
            let unknown = ServicingError::Stored { what: "bank account", source: None };
            waiting.push((draw, to.ok_or(unknown)?));
        }
        Ok(waiting)
    }

    /// A person lets a draw go that waited, or gives it up.
    pub async fn look_at_draw(
        &self,
        caller: Caller,
        draw_id: DrawId,
        Look { let_go, note }: Look<'_>,
        key: &Key,
    ) -> Result<(), ServicingError> {
        let note = checked_text(note)?;
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let request = ("look_at_draw", draw_id, let_go, note);
        let mut work = match self.begin::<bool>(permit, key, &request).await? {
            Begun::Before(_) => return Ok(()),
            Begun::Now(work) => work,
        };
        let (mut line, mut draw) = self.hold_draw(work.conn(), draw_id).await?;
        let waits = matches!(draw.review, Some(DrawReview::Waiting | DrawReview::SetAside));
        if draw.status != DrawStatus::Held || !waits {
            return Err(Refusal::new(RefusalCode::CaseClosed, "This draw waits for nobody.").into());
        }
        let stream = Trail::stream(None, Some(draw.credit_line_id));
        let payload = json!({
            "draw_id": draw_id, "reference": draw.reference, "let_go": let_go, "note": note, "authorised": permit,
        });
        self.trail(work.conn(), stream, "draw.looked_at", payload).await?;
        let (rail, credit_line_id) = (draw.rail, draw.credit_line_id);
        if let_go {
            let (leaves_on, available_on) = self.days_of(rail, self.now())?;
            draw.review = Some(DrawReview::Passed);
            (draw.leaves_on, draw.available_on) = (leaves_on, available_on);
            draw.changed_at = self.now();
            draws::update(work.conn(), &draw).await?;
        } else {
            self.undo_draw(work.conn(), &mut line, draw, DrawStatus::Voided, NOT_LET_GO).await?;
        }
        work.finish(let_go).await?;
        if let_go {
            self.send_at_once(rail, credit_line_id).await;
        }
        Ok(())
    }

    /// Gives up a draw at which nobody looked in time; `false` where somebody did, or where it may have been paid.
    pub(crate) async fn give_up_unseen(&self, draw_id: DrawId) -> Result<bool, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let (mut line, draw) = self.hold_draw(&mut tx, draw_id).await?;
        let waits = draw.status == DrawStatus::Held && draw.review == Some(DrawReview::Waiting);
        let last_on = DrawRails::embedded()?.standard.last_on(draw.leaves_on);
        if !waits || last_on >= self.today() {
            return Ok(false);
        }
        self.undo_draw(&mut tx, &mut line, draw, DrawStatus::Voided, "timed_out").await?;
        tx.commit().await?;
        Ok(true)
    }
}
