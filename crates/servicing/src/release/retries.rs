//! The one retry of a debit that came back for want of funds (docs/payments.md, "Coming back").
//!
//! The return's own transaction enqueues a job for the first day on which the retry may be made. A run takes the job and, in
//! the transaction that completes it, schedules a payment of the same amount for the next banking day, or records why it
//! is not made. Until it leaves, the customer sees it among their payments and can cancel it as any other.
//!
//! Invariants: a payment is tried again once at most, and a retry never. A retry is authorised by what the customer said
//! of the first payment: whatever was revoked since, and two failed debits, stand against both. What is looked at here is
//! looked at anew when the retry is chosen for a file.

use calendar::{add_banking_days, instant_of};
use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use identity::{JobId, PaymentId, chain};
use rails::ReturnRule;
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use store::{
    Tx, autopays,
    jobs::{self, AfterFailure, Job, NewJob},
    payments::{self, PaymentRow, PaymentStatus},
};

use super::RunReport;
use crate::{
    Caller, Servicing, ServicingError, UseCase, authorise, flags, reference::reference, work::Trail,
};

/// The kind of these jobs. The key is the payment's id, so each payment has one such job for ever.
const RETRY_PAYMENT: &str = "retry_payment";

/// The retry of a failed debit is at least so many days after its return: our own choice.
const RETRY_AFTER: Days = Days::new(5);

/// And at most so many days after the first was to settle (Nacha's rule for reinitiated entries).
const RETRY_WITHIN: Days = Days::new(180);

/// A job that failed is tried again after so long, and after so many failures left to a person.
const FAILED_AGAIN_AFTER: TimeDelta = TimeDelta::hours(1);
const FAILURES_MAX: u32 = 5;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RetryPayment {
    payment_id: PaymentId,
}

impl Servicing {
    /// Enqueues the one retry of a payment that came back, where there may be one: only for want of funds, never of a retry,
    /// never while a flag that stops it stands. Answers the first day on which it may be made.
    pub(super) async fn plan_retry(
        &self,
        conn: &mut PgConnection,
        payment: &PaymentRow,
        rule: &ReturnRule,
        returned_on: NaiveDate,
    ) -> Result<Option<NaiveDate>, ServicingError> {
        let standing = flags::standing(conn, payment.customer_id).await?;
        let stopped = standing.iter().any(|flag| flags::stops_retries(flag.kind));
        if !rule.retry || payment.retry_of.is_some() || stopped {
            return Ok(None);
        }
        let Some(retry_on) = returned_on.checked_add_days(RETRY_AFTER) else { return Ok(None) };
        let now = self.now();
        let job = NewJob {
            id: JobId::mint(now),
            kind: RETRY_PAYMENT,
            key: Some(&payment.id.to_string()),
            payload: &json!({"payment_id": payment.id}),
            run_at: instant_of(retry_on, NaiveTime::MIN, self.zone),
            recorded_at: now,
        };
        jobs::enqueue(conn, &job).await?;
        Ok(Some(retry_on))
    }

    /// Makes the retries whose day has come.
    pub(super) async fn make_retries(&self, report: &mut RunReport) -> Result<(), ServicingError> {
        loop {
            let mut tx = self.store.app().begin().await?;
            let Some(job) = jobs::take(&mut tx, &[RETRY_PAYMENT], self.now()).await? else {
                return Ok(());
            };
            match self.make_retry(tx, &job).await {
                Ok(made) => report.retried += u32::from(made),
                Err(error) => {
                    report.failed += 1;
                    if !self.put_off_or_log(&job, &error).await {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Does a job in the transaction that took it; `false` where the payment is not tried again.
    async fn make_retry(&self, mut tx: Tx<'_>, job: &Job) -> Result<bool, ServicingError> {
        let stored = ServicingError::Stored { what: "payment of a retry", source: None };
        let id = payment_of(job)?;
        let Some(unheld) = payments::find(&mut tx, id).await? else { return Err(stored) };
        self.hold_line(&mut tx, unheld.credit_line_id).await?;
        let Some(mut returned) = payments::find_for_update(&mut tx, id).await? else {
            return Err(stored);
        };
        let retry = self.retry_of(&returned, self.today());
        let why_not = self.held_back(&mut tx, &retry).await?;
        // Nothing is left to come. Since when it has been returned stays: the count of failed debits goes by that.
        returned.retry_on = None;
        payments::update(&mut tx, &returned).await?;
        let stream = Trail::stream(None, Some(retry.credit_line_id));
        if let Some(why) = &why_not {
            let payload = json!({
                "payment_id": returned.id, "reference": returned.reference, "why": why,
            });
            self.trail(&mut tx, stream, "payment.not_retried", payload).await?;
        } else {
            let permit = authorise(Caller::system(), UseCase::Operate, None, self.now())?;
            payments::insert(&mut tx, &retry).await?;
            let payload = json!({
                "payment_id": retry.id, "reference": retry.reference, "retry_of": retry.retry_of,
                "amount_cents": retry.amount, "amount_kind": retry.amount_kind, "on": retry.authorised_on,
                "debit_on": retry.debit_on, "bank_account_id": retry.bank_account_id, "authorised": permit,
            });
            self.trail(&mut tx, stream, "payment.scheduled", payload).await?;
        }
        jobs::complete(&mut tx, job.id, self.now()).await?;
        tx.commit().await?;
        Ok(why_not.is_none())
    }

    /// The same amount from the same account, on the next banking day after `made_on`.
    pub(crate) fn retry_of(&self, returned: &PaymentRow, made_on: NaiveDate) -> PaymentRow {
        let now = self.now();
        let id = PaymentId::mint(now);
        let on = add_banking_days(made_on, 1);
        PaymentRow {
            id,
            reference: reference("PAY", id.as_uuid()),
            authorised_on: on,
            debit_on: on,
            status: PaymentStatus::Scheduled,
            file_key: None,
            trace_number: None,
            received_seq: None,
            settle_on: None,
            return_code: None,
            returned_on: None,
            retry_on: None,
            retry_of: Some(returned.id),
            cancel_reason: None,
            refusals: 0,
            changed_at: now,
            ..returned.clone()
        }
    }

    /// What has come between a retry and the payment that came back; nothing where the payment is no retry.
    ///
    /// Asked when the retry is foretold, when it is scheduled and when it is chosen for a file, under the held line: what
    /// the customer does meanwhile counts.
    pub(super) async fn retry_overtaken(
        &self,
        conn: &mut PgConnection,
        retry: &PaymentRow,
    ) -> Result<Option<String>, ServicingError> {
        let Some(first) = retry.retry_of else { return Ok(None) };
        let stored = || ServicingError::Stored { what: "payment of a retry", source: None };
        let mut others = payments::list_of_line(conn, retry.credit_line_id).await?;
        let returned = others.iter().find(|other| other.id == first).cloned().ok_or_else(stored)?;
        if let Some(why) = self.retry_disowned(conn, &returned).await? {
            return Ok(Some(why));
        }
        let returned_on = returned.returned_on.ok_or_else(stored)?;
        let on = retry.authorised_on.max(self.today());
        let last = returned.settle_on.and_then(|settled| settled.checked_add_days(RETRY_WITHIN));
        if last.is_some_and(|last| on > last) {
            return Ok(Some("too_late".to_owned()));
        }
        // Who has paid, or arranged to, since it came back does not want to pay twice; we may have read of the return later
        // than that.
        let since = instant_of(returned_on, NaiveTime::MIN, self.zone);
        let itself = others.iter().position(|other| other.id == retry.id);
        let itself = itself.map(|at| others.swap_remove(at));
        let paid = |other: &PaymentRow| {
            other.authorised_at >= since
                && matches!(
                    other.status,
                    PaymentStatus::Scheduled
                        | PaymentStatus::Pending
                        | PaymentStatus::Released
                        | PaymentStatus::Settled
                )
        };
        // Leave to debit was given before; what is made under it since is paid all the same.
        if others.iter().any(paid)
            || autopays::paid_since(conn, retry.credit_line_id, since).await?
        {
            return Ok(Some("paid_since".to_owned()));
        }
        let mut taken = self.scheduled_total(conn, retry.credit_line_id).await?;
        let counted = |row: &PaymentRow| {
            matches!(row.status, PaymentStatus::Scheduled | PaymentStatus::Pending)
        };
        if !itself.is_some_and(|row| counted(&row)) {
            taken += retry.amount;
        }
        let line = self.load_line(conn, retry.credit_line_id).await?;
        if taken > line.payoff(on)? {
            return Ok(Some("amount_over_payoff".to_owned()));
        }
        Ok(None)
    }

    /// Puts a failed job off; `false` where it is still the next to be taken, which is for the next run.
    async fn put_off_or_log(&self, job: &Job, error: &ServicingError) -> bool {
        let Err(error) = self.put_off(job, error).await else { return true };
        let cause = chain(&error);
        tracing::error!(job.id = %job.id, error = %cause, "could not put off job {}: {cause}", job.id);
        // Without what goes with giving it up it is not given up: it comes again, after the others.
        let later = AfterFailure::RetryAt(self.now() + FAILED_AGAIN_AFTER);
        let Ok(mut conn) = self.store.app().acquire().await else { return false };
        jobs::fail(&mut conn, job.id, &cause, later, self.now()).await.is_ok()
    }

    /// Records that a job failed, for later or for the desk; its transaction left nothing.
    async fn put_off(&self, job: &Job, error: &ServicingError) -> Result<(), ServicingError> {
        let cause = chain(error);
        tracing::error!(job.id = %job.id, error = %cause, "could not make the retry of job {}: {cause}", job.id);
        let now = self.now();
        let given_up = job.attempts + 1 >= FAILURES_MAX;
        let later = AfterFailure::RetryAt(now + FAILED_AGAIN_AFTER);
        let then = if given_up { AfterFailure::GiveUp } else { later };
        let mut tx = self.store.app().begin().await?;
        // Whoever has finished it meanwhile has said what came of it.
        let failed = jobs::fail(&mut tx, job.id, &cause, then, now).await?;
        if failed
            && given_up
            && let Ok(id) = payment_of(job)
            && let Some(mut payment) = payments::find_for_update(&mut tx, id).await?
        {
            payment.retry_on = None;
            payments::update(&mut tx, &payment).await?;
            let words = format!("Payment {} could not be tried again: {cause}.", payment.reference);
            self.open_desk_case(&mut tx, &payment, "operations", words).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

fn payment_of(job: &Job) -> Result<PaymentId, ServicingError> {
    serde_json::from_value::<RetryPayment>(job.payload.clone())
        .map(|job| job.payment_id)
        .map_err(|source| ServicingError::Stored { what: "job", source: Some(source) })
}
