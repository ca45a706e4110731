//! The instant rail, for draws and for refunds of a credit balance: one request to the bank, one answer, and reading back where
//! no answer came.
//!
//! Invariants: what is sent is marked as handed over before the bank is asked, under an id of its own, so that asking twice sends
//! once; where the bank has never heard of it for a while, it is asked to forget the id before the hold is given up; so it is of a draw
//! that was held and never handed over, once it is too old to leave.

use chrono::{DateTime, Utc};
use identity::{BankAccountId, CreditLineId, CustomerId, DrawId, chain};
use money::Cents;
use rails::{DrawRails, InstantTransfer, RailError, TransferState, TransferStatus};
use serde_json::json;
use store::{
    customers,
    draws::{self, DrawRail, DrawReview, DrawRow, DrawStatus},
};

use super::{Of, RunReport, kept};
use crate::{Servicing, ServicingError, work::Trail};

/// Under which the bank knows the transfer of a draw.
fn transfer_id(draw: &DrawRow) -> String {
    format!("draw-{}", draw.id)
}

/// What is sent to a customer's bank account.
pub(crate) struct Sending<'a> {
    /// Under which the bank knows it.
    pub(crate) id: String,
    pub(crate) customer_id: CustomerId,
    pub(crate) bank_account_id: BankAccountId,
    pub(crate) amount: Cents,
    pub(crate) reference: &'a str,
    /// When it was asked for, and when it was marked as handed to the bank.
    pub(crate) asked_at: DateTime<Utc>,
    pub(crate) handed_at: Option<DateTime<Utc>>,
}

/// How it stands to being sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Push {
    First,
    /// It was sent, and the outcome is not known.
    Again,
    /// As before, and meanwhile something stands against it: what the bank does not have, it is told never to take.
    Never,
}

impl Servicing {
    /// Sends a draw that was just held, where its rail is the instant one. What goes wrong is for the next run.
    pub(crate) async fn send_at_once(&self, rail: DrawRail, line: CreditLineId) {
        if rail != DrawRail::Instant {
            return;
        }
        let sent = async {
            let mut conn = self.store.app().acquire().await?;
            let of_line = draws::list_of_line(&mut conn, line).await?;
            drop(conn);
            let waiting =
                |one: &&DrawRow| one.rail == DrawRail::Instant && one.status == DrawStatus::Held;
            for one in of_line.iter().filter(waiting) {
                self.work_off_instant(one.id, &mut RunReport::default()).await?;
            }
            Ok::<_, ServicingError>(())
        };
        if let Err(error) = sent.await {
            let cause = chain(&error);
            tracing::error!(credit_line.id = %line, error = %cause, "could not send the draws of line {line}: {cause}");
        }
    }

    /// Works off every draw on the instant rail that is not decided.
    pub(super) async fn work_off_instants(
        &self,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let ids = draws::list_instant_open(&mut conn).await?;
        drop(conn);
        for id in ids {
            if let Err(error) = self.work_off_instant(id, report).await {
                let cause = chain(&error);
                tracing::error!(draw.id = %id, error = %cause, "could not work off draw {id}: {cause}");
                self.entry_undone(Of::Draw(id), &error, report).await;
            }
        }
        Ok(())
    }

    async fn work_off_instant(
        &self,
        id: DrawId,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        let Some((draw, push)) = self.hand_over(id, report).await? else { return Ok(()) };
        let sending = Sending {
            id: transfer_id(&draw),
            customer_id: draw.customer_id,
            bank_account_id: draw.bank_account_id,
            amount: draw.amount,
            reference: &draw.reference,
            asked_at: draw.held_at,
            handed_at: draw.handed_at,
        };
        match self.ask_bank(&sending, push).await {
            Ok(status) => self.take_answer(&draw, &status, report).await,
            Err(ServicingError::Rail(RailError::Refused { reason })) => {
                let done = self.refuse_draw(id, DrawStatus::Refused, &kept(&reason)).await?;
                report.draws_refused += u32::from(done);
                Ok(())
            }
            Err(ServicingError::Rail(
                error @ (RailError::NotSent { .. }
                | RailError::Unknown { .. }
                | RailError::Unreadable { .. }),
            )) => {
                tracing::warn!(draw.id = %id, error = %error, "it is not known what the bank did with draw {id}");
                report.unreached += 1;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Marks a draw as handed to the bank, before it is. `None` where there is nothing to ask the bank for.
    async fn hand_over(
        &self,
        id: DrawId,
        report: &mut RunReport,
    ) -> Result<Option<(DrawRow, Push)>, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let (mut line, mut draw) = self.hold_draw(&mut tx, id).await?;
        let against = self.draw_forbidden(&mut tx, &draw).await?;
        match draw.status {
            DrawStatus::Pending if against.is_some() => return Ok(Some((draw, Push::Never))),
            DrawStatus::Pending => return Ok(Some((draw, Push::Again))),
            DrawStatus::Held if matches!(draw.review, None | Some(DrawReview::Passed)) => {}
            _ => return Ok(None),
        }
        if let Some(why) = against {
            self.undo_draw(&mut tx, &mut line, draw, DrawStatus::Voided, &why).await?;
            tx.commit().await?;
            report.draws_refused += 1;
            return Ok(None);
        }
        // Who asked for it so long ago does not count on it any more. It stays held until the bank has agreed to forget it.
        if self.now() - draw.changed_at > DrawRails::embedded()?.instant.leaves_within() {
            return Ok(Some((draw, Push::Never)));
        }
        draw.status = DrawStatus::Pending;
        draw.handed_at = Some(self.now());
        draw.changed_at = self.now();
        draws::update(&mut tx, &draw).await?;
        let payload = json!({
            "draw_id": id, "reference": draw.reference, "amount_cents": draw.amount, "transfer_id": transfer_id(&draw),
        });
        let stream = Trail::stream(None, Some(draw.credit_line_id));
        self.trail(&mut tx, stream, "draw.handed_over", payload).await?;
        tx.commit().await?;
        Ok(Some((draw, Push::First)))
    }

    /// The bank's word on what was handed over.
    pub(crate) async fn ask_bank(
        &self,
        sending: &Sending<'_>,
        push: Push,
    ) -> Result<TransferStatus, ServicingError> {
        let id = sending.id.as_str();
        if push != Push::First {
            if let Some(status) = self.bank.find_transfer(id).await? {
                return Ok(status);
            }
            let patience = DrawRails::embedded()?.instant.patience();
            let waited = sending.handed_at.is_none_or(|handed| self.now() - handed >= patience);
            if waited || push == Push::Never {
                return Ok(self.bank.void_transfer(id).await?);
            }
        }
        let transfer = self.transfer_of(sending).await?;
        match self.bank.push(id, &transfer).await {
            // It may be refused only because it has arrived meanwhile, sent by another run.
            Err(refused @ RailError::Refused { .. }) => self.read_back_refused(id, refused).await,
            answer => Ok(answer?),
        }
    }

    /// What became of a transfer that was refused when it was sent again: as the bank has it, or else refused for good.
    async fn read_back_refused(
        &self,
        id: &str,
        refused: RailError,
    ) -> Result<TransferStatus, ServicingError> {
        if let Some(status) = self.bank.find_transfer(id).await? {
            return Ok(status);
        }
        let status = self.bank.void_transfer(id).await?;
        if status.state == TransferState::Void { Err(refused.into()) } else { Ok(status) }
    }

    async fn transfer_of(&self, sending: &Sending<'_>) -> Result<InstantTransfer, ServicingError> {
        let account = sending.bank_account_id;
        let of = [(account, sending.customer_id)].into();
        let handed_at = sending.handed_at.unwrap_or(sending.asked_at);
        let mut opened = self.open_numbers(&of, handed_at).await?;
        let details = opened
            .remove(&account)
            .ok_or(ServicingError::Stored { what: "bank account number", source: None })??;
        let mut conn = self.store.app().acquire().await?;
        let customer = customers::find(&mut conn, sending.customer_id)
            .await?
            .ok_or(ServicingError::Stored { what: "customer", source: None })?;
        Ok(InstantTransfer {
            kind: details.kind,
            routing_number: details.routing_number,
            account_number: details.account_number,
            amount: sending.amount,
            reference: sending.reference.to_owned(),
            name: customer.name,
        })
    }

    async fn take_answer(
        &self,
        draw: &DrawRow,
        status: &TransferStatus,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        match status.state {
            TransferState::Pending => {}
            TransferState::Completed => {
                let done = self.settle_draw(draw.id, status.completed_on).await?;
                report.draws_sent += u32::from(done);
                report.draws_settled += u32::from(done);
            }
            TransferState::Refused => {
                let why = kept(status.reason.as_deref().unwrap_or("refused by the bank"));
                let done = self.refuse_draw(draw.id, DrawStatus::Refused, &why).await?;
                report.draws_refused += u32::from(done);
            }
            TransferState::Void => {
                let done = self.refuse_draw(draw.id, DrawStatus::Voided, "timed_out").await?;
                report.draws_refused += u32::from(done);
            }
        }
        Ok(())
    }
}
