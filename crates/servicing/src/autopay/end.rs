//! The end of leave to debit, whoever brings it about, and the debits that are still to come.

use chrono::{Days, NaiveDate};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    autopays::{self, AutopayRow, DebitRow, DebitStatus},
    payments::{self, PaymentStatus},
};

use super::{DEBITS_AT_ONCE, told};
use crate::{
    Authorised, Refusal, Servicing, ServicingError,
    lines::Line,
    work::{Trail, with},
};

impl Servicing {
    /// Makes room for another leave to debit; `true` where one stood that the other changes.
    pub(super) async fn end_before(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        line: &mut Line,
    ) -> Result<bool, ServicingError> {
        let standing = autopays::find_standing(conn, line.row.id).await?;
        let Some(before) = standing else { return Ok(false) };
        if let Some(end) = self.ends_by_itself(conn, &before).await? {
            self.end_autopay(conn, permit, (line, &before), end).await?;
            return Ok(false);
        }
        autopays::end(conn, before.id, "replaced", self.now()).await?;
        // No day is without the discount: that of the other begins today.
        self.end_discount(conn, line, before.id, self.today()).await?;
        Ok(true)
    }

    /// Ends leave to debit of a line that is held, with what is planned under it and its discount; `true` where a payment of it
    /// is at the bank. The day is the last one of the leave.
    pub(super) async fn end_autopay(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        (line, autopay): (&mut Line, &AutopayRow),
        (reason, ended_on): (&str, NaiveDate),
    ) -> Result<bool, ServicingError> {
        let now = self.now();
        if !autopays::end(conn, autopay.id, reason, now).await? {
            return Ok(false);
        }
        let debits = autopays::list_debits(conn, autopay.credit_line_id, DEBITS_AT_ONCE).await?;
        let mut gone = false;
        let mut of = None;
        for mut debit in debits {
            match debit.status {
                DebitStatus::Planned => {
                    debit.status = DebitStatus::NotMade;
                    debit.why = Some(reason.to_owned());
                    debit.changed_at = now;
                    autopays::update_debit(conn, &debit).await?;
                    of = Some(debit);
                }
                DebitStatus::Made => match self.call_back(conn, permit, &debit, reason).await {
                    Ok(()) => {}
                    Err(ServicingError::Refused(_)) => {
                        gone |= self.at_the_bank(conn, &debit).await?;
                    }
                    Err(error) => return Err(error),
                },
                _ => {}
            }
        }
        self.end_discount(conn, line, autopay.id, ended_on).await?;
        let after = ended_on.max(self.today()).checked_add_days(Days::new(1)).unwrap_or(ended_on);
        let account = self.account_of(conn, autopay).await?;
        let mut payload = told(autopay, &account, of.as_ref(), None);
        payload = line.with_rate(payload, after)?;
        payload = with(payload, "why", json!(reason));
        payload = with(payload, "authorised", json!(permit));
        let stream = Trail::stream(None, Some(autopay.credit_line_id));
        self.trail(conn, stream, "autopay.cancelled", payload).await?;
        Ok(gone)
    }

    /// Cancels the payment of a debit that was made and has not left; refuses where it has. Nothing where none was made.
    pub(super) async fn call_back(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        debit: &DebitRow,
        reason: &str,
    ) -> Result<(), ServicingError> {
        let Some(id) = debit.payment_id else { return Ok(()) };
        let payment = payments::find(conn, id).await?;
        let payment = payment.ok_or_else(|| Refusal::not_found("payment"))?;
        self.cancel_in(conn, permit, payment.customer_id, id, (None, reason)).await?;
        Ok(())
    }

    async fn at_the_bank(
        &self,
        conn: &mut PgConnection,
        debit: &DebitRow,
    ) -> Result<bool, ServicingError> {
        let Some(id) = debit.payment_id else { return Ok(false) };
        let payment = payments::find(conn, id).await?;
        Ok(payment.is_some_and(|payment| {
            matches!(payment.status, PaymentStatus::Pending | PaymentStatus::Released)
        }))
    }

    /// The next debit that is still to come: planned, or made into a payment that has not left.
    pub(super) async fn open_debit(
        &self,
        conn: &mut PgConnection,
        autopay: &AutopayRow,
    ) -> Result<Option<DebitRow>, ServicingError> {
        let debits = autopays::list_debits(conn, autopay.credit_line_id, DEBITS_AT_ONCE).await?;
        // The one that comes first.
        for debit in debits.into_iter().rev() {
            let open = match (debit.status, debit.payment_id) {
                (DebitStatus::Planned, _) => true,
                (DebitStatus::Made, Some(id)) => payments::find(conn, id)
                    .await?
                    .is_some_and(|payment| payment.status == PaymentStatus::Scheduled),
                _ => false,
            };
            if open {
                return Ok(Some(debit));
            }
        }
        Ok(None)
    }
}
