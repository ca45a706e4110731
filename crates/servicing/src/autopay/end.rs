//! The end of leave to debit, whoever brings it about, and the debits that are still to come.
//!
//! Invariant: whoever takes leave back is never told that it cannot be (12 CFR 1005.10(c)): the engine has no say in it.

use chrono::{Days, NaiveDate};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use store::{
    autopays::{self, AutopayRow, DebitRow, DebitStatus},
    payments::{self, PaymentStatus},
};

use super::{BY_CUSTOMER, DEBITS_AT_ONCE, told};
use crate::{
    Authorised, Refusal, Servicing, ServicingError,
    lines::Line,
    work::{Trail, with},
};

/// What ended with leave to debit.
#[derive(Default)]
struct Ended {
    /// The debit that was planned next.
    planned: Option<DebitRow>,
    /// Whether a payment of it has gone to the bank.
    at_the_bank: bool,
}

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

    /// Ends leave to debit of a line that is held, with what is planned under it and its discount. The day is the last one of the
    /// leave.
    pub(super) async fn end_autopay(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        (line, autopay): (&mut Line, &AutopayRow),
        end: (&str, NaiveDate),
    ) -> Result<(), ServicingError> {
        let Some(ended) = self.end_leave(conn, permit, autopay, end.0).await? else {
            return Ok(());
        };
        self.end_discount(conn, line, autopay.id, end.1).await?;
        self.tell_of_end(conn, permit, (Some(line), autopay), end, &ended).await
    }

    /// Ends leave to debit by the customer's own word, of a line that is held, whether or not it can be worked out: what ends with
    /// it, ends when it can. `true` where a payment of it is at the bank.
    pub(super) async fn revoke_autopay(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        autopay: &AutopayRow,
    ) -> Result<bool, ServicingError> {
        let end = (BY_CUSTOMER, self.today());
        let Some(ended) = self.end_leave(conn, permit, autopay, end.0).await? else {
            return Ok(false);
        };
        let mut within = conn.begin().await?;
        let line = match self.end_discount_now(&mut within, autopay, end.1).await {
            Ok(line) => {
                within.commit().await?;
                Some(line)
            }
            Err(error) => {
                within.rollback().await?;
                self.end_discount_later(conn, autopay, end.1, &error).await?;
                None
            }
        };
        self.tell_of_end(conn, permit, (line.as_ref(), autopay), end, &ended).await?;
        Ok(ended.at_the_bank)
    }

    /// Ends the leave itself and what is planned under it; nothing where it has ended.
    async fn end_leave(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        autopay: &AutopayRow,
        reason: &str,
    ) -> Result<Option<Ended>, ServicingError> {
        let now = self.now();
        if !autopays::end(conn, autopay.id, reason, now).await? {
            return Ok(None);
        }
        let debits = autopays::list_debits(conn, autopay.credit_line_id, DEBITS_AT_ONCE).await?;
        let mut ended = Ended::default();
        for mut debit in debits {
            match debit.status {
                DebitStatus::Planned => {
                    debit.status = DebitStatus::NotMade;
                    debit.why = Some(reason.to_owned());
                    debit.changed_at = now;
                    autopays::update_debit(conn, &debit).await?;
                    ended.planned = Some(debit);
                }
                DebitStatus::Made => match self.call_back(conn, permit, &debit, reason).await {
                    Ok(()) => {}
                    Err(ServicingError::Refused(_)) => {
                        ended.at_the_bank |= self.at_the_bank(conn, &debit).await?;
                    }
                    Err(error) => return Err(error),
                },
                _ => {}
            }
        }
        Ok(Some(ended))
    }

    /// Tells of the end, with the rate that counts then, where the line can be worked out.
    async fn tell_of_end(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        (line, autopay): (Option<&Line>, &AutopayRow),
        (reason, ended_on): (&str, NaiveDate),
        ended: &Ended,
    ) -> Result<(), ServicingError> {
        let after = ended_on.max(self.today()).checked_add_days(Days::new(1)).unwrap_or(ended_on);
        let account = self.account_of(conn, autopay).await?;
        let mut payload = told(autopay, &account, ended.planned.as_ref(), None);
        if let Some(line) = line {
            payload = line.with_rate(payload, after)?;
        }
        payload = with(payload, "why", json!(reason));
        payload = with(payload, "authorised", json!(permit));
        let stream = Trail::stream(None, Some(autopay.credit_line_id));
        self.trail(conn, stream, "autopay.cancelled", payload).await
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
