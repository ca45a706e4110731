//! What the bank says afterwards: what settled, and what came back.

use chrono::NaiveDate;
use credit::{FlagKind, LineEventBody};
use identity::chain;
use nacha::{Addenda, File, ReturnCode};
use rails::{EntryState, ReturnAction, ReturnFile, return_action};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    bank_accounts,
    credit_lines::CreditLineRow,
    payments::{self, PaymentRow, PaymentStatus},
    rail_files, revocations,
};

use super::RunReport;
use crate::{Caller, Servicing, ServicingError, UseCase, authorise, work::Trail};

/// Name of the bank's list of returns among the cursors.
const RETURNS: &str = "bank_returns";

impl Servicing {
    /// Marks as settled what the bank says has settled.
    pub(super) async fn read_settlements(
        &self,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let keys = payments::files_to_settle(&mut conn, self.today()).await?;
        drop(conn);
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
                let trace = entry.trace.to_string();
                let done = match (entry.state, entry.return_code) {
                    (EntryState::Pending, _) => continue,
                    (EntryState::Settled, _) => {
                        self.settle_one(&trace).await.map(|done| report.settled += u32::from(done))
                    }
                    // Its place in the bank's list of returns was passed, or never came.
                    (EntryState::Returned, Some(code)) => self
                        .return_one(&trace, code, self.today())
                        .await
                        .map(|done| report.returned += u32::from(done)),
                    (EntryState::Returned, None) => {
                        tracing::error!(trace_number = %trace, "entry {trace} came back without a reason");
                        report.failed += 1;
                        continue;
                    }
                };
                if let Err(error) = done {
                    log_failure(&trace, &error);
                    report.failed += 1;
                }
            }
        }
        Ok(())
    }

    async fn settle_one(&self, trace: &str) -> Result<bool, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let Some(found) = payments::find_by_trace(&mut tx, trace).await? else { return Ok(false) };
        if found.status != PaymentStatus::Released {
            return Ok(false);
        }
        self.hold_line(&mut tx, found.credit_line_id).await?;
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

    /// Reads what came back since last time, a file at a time. The list is passed up to the first file that could not be
    /// worked off whole, which is read again next time; an entry that was worked off before is passed over.
    pub(super) async fn read_returns(&self, report: &mut RunReport) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let cursor = rail_files::cursor(&mut conn, RETURNS).await?;
        drop(conn);
        let after = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let files = match self.bank.returns_after(after).await {
            Ok(files) => files,
            Err(error) => {
                tracing::warn!(error = %error, "the bank could not say what came back");
                return Ok(());
            }
        };
        let mut whole = true;
        for file in files {
            whole = self.read_return_file(&file, report).await && whole;
            if whole {
                let mut conn = self.store.app().acquire().await?;
                rail_files::set_cursor(&mut conn, RETURNS, &file.sequence.to_string()).await?;
            }
        }
        Ok(())
    }

    /// Works off one file of returns; `false` where something in it is left to do.
    async fn read_return_file(&self, file: &ReturnFile, report: &mut RunReport) -> bool {
        let parsed = match File::parse(&file.contents) {
            Ok(parsed) => parsed,
            Err(error) => {
                let (cause, sequence) = (chain(&error), file.sequence);
                tracing::error!(returns = sequence, error = %cause, "returns {sequence} cannot be read: {cause}");
                report.failed += 1;
                return false;
            }
        };
        let mut whole = true;
        for batch in &parsed.batches {
            for entry in &batch.entries {
                let Some(Addenda::Return { code, original_trace, .. }) = &entry.addenda else {
                    continue;
                };
                let trace = original_trace.to_string();
                match self.return_one(&trace, *code, batch.effective_on).await {
                    Ok(one) => report.returned += u32::from(one),
                    Err(error) => {
                        log_failure(&trace, &error);
                        report.failed += 1;
                        whole = false;
                    }
                }
            }
        }
        whole
    }

    /// What came back was with the bank, whatever we knew of its file: it is credited before it is taken back.
    async fn credit_returned(&self, trace: &str) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let found = payments::find_by_trace(&mut conn, trace).await?;
        drop(conn);
        if let Some(PaymentRow {
            id, status: PaymentStatus::Pending, file_key: Some(key), ..
        }) = found
        {
            self.accept(&key).await?;
            self.credit_one(id).await?;
        }
        Ok(())
    }

    /// Undoes a payment that came back, and does what its code asks for.
    async fn return_one(
        &self,
        trace: &str,
        code: ReturnCode,
        returned_on: NaiveDate,
    ) -> Result<bool, ServicingError> {
        let now = self.now();
        self.credit_returned(trace).await?;
        let mut tx = self.store.app().begin().await?;
        let Some(found) = payments::find_by_trace(&mut tx, trace).await? else {
            tracing::error!(trace_number = %trace, "an entry came back that we never sent: {trace}");
            let payload = json!({"trace_number": trace, "return_code": code.to_string(), "returned_on": returned_on});
            self.trail(&mut tx, audit::Stream::System, "return.unknown", payload).await?;
            tx.commit().await?;
            return Ok(false);
        };
        if matches!(found.status, PaymentStatus::Returned) {
            return Ok(false);
        }
        let mut line = self.hold_and_load(&mut tx, found.credit_line_id).await?;
        let Some(mut payment) = payments::find_for_update(&mut tx, found.id).await? else {
            return Ok(false);
        };
        if !matches!(payment.status, PaymentStatus::Released | PaymentStatus::Settled) {
            return Ok(false);
        }
        let action = return_action(code);
        // What is known of a line is never dated ahead of today.
        let effective_on = returned_on.min(self.today()).max(payment.authorised_on);
        let fee = credit::returned_payment_fee(&line.position(effective_on)?);
        let body =
            LineEventBody::PaymentReturned { payment: payment.id, code: code.to_string(), fee };
        let seq = self.post(&mut tx, &mut line, effective_on, body).await?;
        payment.status = PaymentStatus::Returned;
        payment.return_code = Some(code.to_string());
        payment.returned_on = Some(effective_on);
        payment.retry_on = self.plan_retry(&mut tx, &payment, action, effective_on).await?;
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
        if action.revokes() {
            let source = format!("return of {}", payment.reference);
            revocations::insert(&mut tx, payment.customer_id, now, &source).await?;
        }
        if let Some(kind) = action.desk_case() {
            let words = format!("Payment {} came back with {code}.", payment.reference);
            self.open_desk_case(&mut tx, &payment, kind, words).await?;
        }
        tx.commit().await?;
        Ok(true)
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

fn log_failure(trace: &str, error: &ServicingError) {
    let cause = chain(error);
    tracing::error!(trace_number = %trace, error = %cause, "could not work off the answer about {trace}: {cause}");
}
