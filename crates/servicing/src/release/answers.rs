//! What the bank says afterwards: what settled, and what came back.

use chrono::NaiveDate;
use credit::{FlagKind, LineEventBody};
use nacha::{Addenda, File, ReturnCode};
use rails::{EntryState, RailError, ReturnAction, return_action};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    bank_accounts,
    credit_lines::CreditLineRow,
    payments::{self, PaymentRow, PaymentStatus},
    rail_files,
};

use crate::{Caller, Servicing, ServicingError, UseCase, authorise, flags, work::Trail};

/// Name of the bank's list of returns among the cursors.
const RETURNS: &str = "bank_returns";

/// The retry of a failed debit is at least so many days after its return (SPEC §3.3).
const RETRY_AFTER_DAYS: u64 = 5;

impl Servicing {
    /// Marks as settled what the bank says has settled.
    pub(super) async fn read_settlements(&self) -> Result<u32, ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let keys = payments::files_to_settle(&mut conn, self.today()).await?;
        drop(conn);
        let mut settled = 0;
        for key in keys {
            let status = match self.bank.find_file(&key).await {
                Ok(Some(status)) => status,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(file.key = %key, error = %error, "the bank could not say what settled of file {key}");
                    continue;
                }
            };
            for entry in status.entries {
                // One that came back has settled first; the return itself is read from the bank's list of returns.
                if entry.state == EntryState::Settled {
                    settled += u32::from(self.settle_one(&entry.trace.to_string()).await?);
                }
            }
        }
        Ok(settled)
    }

    async fn settle_one(&self, trace: &str) -> Result<bool, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let Some(found) = payments::find_by_trace(&mut tx, trace).await? else { return Ok(false) };
        let Some(mut payment) = payments::find_for_update(&mut tx, found.id).await? else {
            return Ok(false);
        };
        if payment.status != PaymentStatus::Released {
            return Ok(false);
        }
        payment.status = PaymentStatus::Settled;
        payment.changed_at = self.now();
        payments::update(&mut tx, &payment).await?;
        let payload = json!({"payment_id": payment.id, "reference": payment.reference, "trace_number": trace});
        let stream = Trail::stream(None, Some(payment.credit_line_id));
        self.trail(&mut tx, stream, "payment.settled", payload).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Reads what came back since last time, a file at a time.
    pub(super) async fn read_returns(&self) -> Result<u32, ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let cursor = rail_files::cursor(&mut conn, RETURNS).await?;
        drop(conn);
        let after = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let files = match self.bank.returns_after(after).await {
            Ok(files) => files,
            Err(error) => {
                tracing::warn!(error = %error, "the bank could not say what came back");
                return Ok(0);
            }
        };
        let mut returned = 0;
        for file in files {
            let parsed = File::parse(&file.contents).map_err(RailError::from)?;
            for batch in &parsed.batches {
                for entry in &batch.entries {
                    let Some(Addenda::Return { code, original_trace, .. }) = &entry.addenda else {
                        continue;
                    };
                    let trace = original_trace.to_string();
                    let one = self.return_one(&trace, *code, batch.effective_on).await?;
                    returned += u32::from(one);
                }
            }
            let mut conn = self.store.app().acquire().await?;
            rail_files::set_cursor(&mut conn, RETURNS, &file.sequence.to_string()).await?;
        }
        Ok(returned)
    }

    /// Undoes a payment that came back, and does what its code asks for.
    async fn return_one(
        &self,
        trace: &str,
        code: ReturnCode,
        returned_on: NaiveDate,
    ) -> Result<bool, ServicingError> {
        let now = self.now();
        let mut tx = self.store.app().begin().await?;
        let Some(found) = payments::find_by_trace(&mut tx, trace).await? else {
            tracing::error!(trace_number = %trace, "an entry came back that we never sent: {trace}");
            return Ok(false);
        };
        let mut line = self.hold_and_load(&mut tx, found.credit_line_id).await?;
        let Some(mut payment) = payments::find_for_update(&mut tx, found.id).await? else {
            return Ok(false);
        };
        if !matches!(payment.status, PaymentStatus::Released | PaymentStatus::Settled) {
            return Ok(false);
        }
        let action = return_action(code);
        let fee = line.terms.product.fees.returned_payment;
        let body =
            LineEventBody::PaymentReturned { payment: payment.id, code: code.to_string(), fee };
        // What is known of a line is never dated ahead of today.
        let effective_on = returned_on.min(self.today()).max(payment.authorised_on);
        let seq = self.post(&mut tx, &mut line, effective_on, body).await?;
        payment.status = PaymentStatus::Returned;
        payment.return_code = Some(code.to_string());
        payment.returned_on = Some(effective_on);
        payment.retry_on = self.retry_on(&mut tx, &payment, action, effective_on).await?;
        payment.changed_at = now;
        payments::update(&mut tx, &payment).await?;
        if action.disables_account() {
            bank_accounts::disable(&mut tx, payment.bank_account_id).await?;
        }
        let payload = json!({
            "payment_id": payment.id, "reference": payment.reference, "return_code": payment.return_code,
            "returned_on": effective_on, "event_seq": seq, "action": action, "retry_on": payment.retry_on,
        });
        let stream = Trail::stream(None, Some(payment.credit_line_id));
        self.trail(&mut tx, stream, "payment.returned", payload).await?;
        self.flag_after_return(&mut tx, &payment, &line.row, action).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The first day of the one retry, where there may be one: only for want of funds, never of a retry, never while
    /// hardship or a flag that stops debits stands.
    async fn retry_on(
        &self,
        conn: &mut PgConnection,
        payment: &PaymentRow,
        action: ReturnAction,
        returned_on: NaiveDate,
    ) -> Result<Option<NaiveDate>, ServicingError> {
        let standing = flags::standing(conn, payment.customer_id).await?;
        let stopped = standing
            .iter()
            .any(|flag| flags::stops_debits(flag.kind) || flag.kind == FlagKind::Hardship);
        let may = action.may_retry() && payment.retry_of.is_none() && !stopped;
        let day = returned_on.checked_add_days(chrono::Days::new(RETRY_AFTER_DAYS));
        Ok(day.filter(|_| may))
    }

    async fn flag_after_return(
        &self,
        conn: &mut PgConnection,
        payment: &PaymentRow,
        line: &CreditLineRow,
        action: ReturnAction,
    ) -> Result<(), ServicingError> {
        let flag = match action {
            ReturnAction::FlagDeceased => FlagKind::Deceased,
            ReturnAction::StopAndInvestigateFraud => FlagKind::Fraud,
            _ => return Ok(()),
        };
        let now = self.now();
        let permit = authorise(Caller::system(), UseCase::Protect, Some(payment.customer_id), now)?;
        let source = format!("return of {}", payment.reference);
        self.raise_in(conn, permit, payment.customer_id, Some(line), (flag, &source)).await?;
        Ok(())
    }
}
