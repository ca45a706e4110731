//! What the bank says afterwards: what settled, and what came back.

use chrono::NaiveDate;
use credit::{FlagKind, LineEventBody};
use identity::chain;
use money::Cents;
use nacha::{File, ReturnCode};
use rails::{EntryState, EntryStatus, ReturnFile, ReturnFlag, ReturnRule, ReturnRules};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    bank_accounts,
    credit_lines::CreditLineRow,
    draws,
    payments::{self, PaymentRow, PaymentStatus},
    rail_files, revocations,
};

use super::{
    Of, RunReport, Undone,
    file::{Entry, find_entry},
    matching::Asked,
};
use crate::{
    Caller, Servicing, ServicingError, UseCase, authorise, cash::Way, reversals::reversed,
    work::Trail,
};

/// Name of the bank's list of returns among the cursors.
const RETURNS: &str = "bank_returns";

impl Servicing {
    /// Marks as settled what the bank says has settled.
    pub(super) async fn read_settlements(
        &self,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let mut keys = payments::files_to_settle(&mut conn, self.today()).await?;
        keys.extend(draws::files_to_settle(&mut conn, self.today()).await?);
        drop(conn);
        for key in keys {
            let status = match self.bank.find_file(&key).await {
                Ok(Some(status)) => status,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(file.key = %key, error = %error, "the bank could not say what settled of file {key}");
                    report.unreached += 1;
                    continue;
                }
            };
            for entry in status.entries {
                if let Err(error) = self.read_entry(&key, &entry, report).await {
                    let trace = entry.trace.to_string();
                    log_failure(&trace, &error);
                    self.entry_undone(Of::Trace(&trace, self.today()), &error, report).await;
                }
            }
        }
        Ok(())
    }

    /// Works off what the bank says of an entry of a file; nothing where its number is that of an entry of a later one.
    async fn read_entry(
        &self,
        key: &str,
        entry: &EntryStatus,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        let trace = entry.trace.to_string();
        let mut conn = self.store.app().acquire().await?;
        let sent = find_entry(&mut conn, &trace, self.today()).await?;
        drop(conn);
        if sent.as_ref().is_some_and(|sent| sent.file_key() != Some(key)) {
            return Ok(());
        }
        match (entry.state, entry.return_code) {
            (EntryState::Pending, _) => {}
            (EntryState::Settled, _) => match sent {
                Some(Entry::Draw(draw)) => {
                    let done = self.settle_draw(draw.id, entry.settled_on).await?;
                    report.draws_settled += u32::from(done);
                }
                Some(Entry::Payment(payment)) => {
                    let done = self.settle_one(&payment, &trace, entry.settled_on).await?;
                    report.settled += u32::from(done);
                }
                None => {}
            },
            (EntryState::Returned, _) if self.at_the_desk(sent.as_ref(), &trace).await? => {}
            // Its place in the bank's list of returns was passed, or never came.
            (EntryState::Returned, Some(code)) => {
                let on = (self.today(), entry.settled_on);
                self.return_one(&trace, code, on, report).await?;
            }
            (EntryState::Returned, None) => {
                self.unread(&trace, "without a code", self.today()).await?;
            }
        }
        Ok(())
    }

    /// The money of a payment is there since a day; where the bank does not say, since the day it was to be, and in the books by today.
    async fn settle_one(
        &self,
        found: &PaymentRow,
        trace: &str,
        settled_on: Option<NaiveDate>,
    ) -> Result<bool, ServicingError> {
        let mut tx = self.store.app().begin().await?;
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
        payment.settle_on = self.bank_day(settled_on).or(payment.settle_on);
        payment.changed_at = self.now();
        payments::update(&mut tx, &payment).await?;
        // What is known of a line is never dated ahead of today.
        let today = self.today();
        let on = settled_on.unwrap_or(today).min(today).max(payment.authorised_on);
        let moved = self.moved(Way::PaymentSettled, payment.amount, payment.received_seq, on)?;
        self.post_cash(&mut tx, payment.credit_line_id, &[moved]).await?;
        let payload = json!({
            "payment_id": payment.id, "reference": payment.reference, "amount_cents": payment.amount,
            "trace_number": trace, "settled_on": on,
        });
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
                report.unreached += 1;
                return Ok(());
            }
        };
        let (mut whole, mut asked) = (true, Asked::default());
        for file in files {
            whole = self.read_return_file(&file, &mut asked, report).await && whole;
            if whole {
                let mut conn = self.store.app().acquire().await?;
                rail_files::set_cursor(&mut conn, RETURNS, &file.sequence.to_string()).await?;
            }
        }
        Ok(())
    }

    /// Works off one file of returns; `false` where something in it is left to do.
    async fn read_return_file(
        &self,
        file: &ReturnFile,
        asked: &mut Asked,
        report: &mut RunReport,
    ) -> bool {
        let (parsed, unread) = match File::parse_apart(&file.contents) {
            Ok(parsed) => parsed,
            Err(error) => {
                let (cause, sequence) = (chain(&error), file.sequence);
                tracing::error!(returns = sequence, error = %cause, "returns {sequence} cannot be read: {cause}");
                let undone = self.unreadable(file, &cause).await.unwrap_or_else(|error| {
                    log_failure(&format!("returns {sequence}"), &error);
                    Undone::Again
                });
                report.count(undone);
                return false;
            }
        };
        let mut failed = Vec::new();
        for batch in &parsed.batches {
            for entry in &batch.entries {
                let (trace, done) = self.read_addenda(batch, entry, asked, report).await;
                failed.extend(done.err().map(|error| (trace, batch.effective_on, error)));
            }
        }
        for entry in &unread {
            let (trace, done) = self.read_unread(entry).await;
            failed.extend(done.err().map(|error| (trace, self.today(), error)));
        }
        for (trace, on, error) in &failed {
            log_failure(trace, error);
            self.entry_undone(Of::Trace(trace, *on), error, report).await;
        }
        failed.is_empty()
    }

    /// What came back was with the bank, whatever we knew of its file: a payment is credited before it is taken back.
    async fn credit_returned(&self, payment: &PaymentRow) -> Result<(), ServicingError> {
        if let (PaymentStatus::Pending, Some(key)) = (payment.status, &payment.file_key) {
            self.accept(key).await?;
            self.credit_one(payment.id).await?;
        }
        Ok(())
    }

    /// The bank's own day of settlement: what a return is late by is counted from it. Nothing is dated ahead of today.
    fn bank_day(&self, settled_on: Option<NaiveDate>) -> Option<NaiveDate> {
        settled_on.map(|on| on.min(self.today()))
    }

    /// Undoes what came back on a day and, by the bank's word, was there since another, and does what its code asks for.
    pub(super) async fn return_one(
        &self,
        trace: &str,
        code: ReturnCode,
        (returned_on, settled_on): (NaiveDate, Option<NaiveDate>),
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let sent = find_entry(&mut conn, trace, returned_on).await?;
        drop(conn);
        match sent {
            Some(Entry::Payment(payment)) => {
                self.credit_returned(&payment).await?;
                let on = (returned_on, settled_on);
                let done = self.return_payment(&payment, code, on).await?;
                report.returned += u32::from(done);
            }
            Some(Entry::Draw(draw)) => {
                if let Some(key) = draw.file_key.as_deref() {
                    self.accept(key).await?;
                }
                let on = (returned_on, settled_on);
                let done = self.return_draw(draw.id, code, on).await?;
                report.draws_refused += u32::from(done);
            }
            None => self.returned_unmatched(trace, code, returned_on).await?,
        }
        Ok(())
    }

    async fn return_payment(
        &self,
        found: &PaymentRow,
        code: ReturnCode,
        (returned_on, settled_on): (NaiveDate, Option<NaiveDate>),
    ) -> Result<bool, ServicingError> {
        let (now, rules) = (self.now(), ReturnRules::embedded()?);
        let rule = rules.of(code);
        let mut tx = self.store.app().begin().await?;
        let mut line = self.hold_and_load(&mut tx, found.credit_line_id).await?;
        let Some(mut payment) = payments::find_for_update(&mut tx, found.id).await? else {
            return Ok(false);
        };
        if payment.status == PaymentStatus::Returned {
            let again = self.returned_again(&mut tx, &line.row, &payment, (code, returned_on));
            if again.await? {
                tx.commit().await?;
            }
            return Ok(false);
        }
        if !matches!(payment.status, PaymentStatus::Released | PaymentStatus::Settled) {
            return Ok(false);
        }
        // What is known of a line is never dated ahead of today.
        let effective_on = returned_on.min(self.today()).max(payment.authorised_on);
        let ours = reversed(&line, payment.id);
        let fee = credit::returned_payment_fee(&line.position(effective_on)?);
        let fee = if ours { Cents::ZERO } else { fee };
        let body =
            LineEventBody::PaymentReturned { payment: payment.id, code: code.to_string(), fee };
        let seq = self.post(&mut tx, &mut line, effective_on, body).await?;
        if payment.status == PaymentStatus::Settled {
            let of = payment.received_seq;
            let moved = self.moved(Way::PaymentSentBack, payment.amount, of, effective_on)?;
            self.post_cash(&mut tx, payment.credit_line_id, &[moved]).await?;
        }
        payment.status = PaymentStatus::Returned;
        payment.settle_on = self.bank_day(settled_on).or(payment.settle_on);
        payment.return_code = Some(code.to_string());
        payment.returned_on = Some(effective_on);
        if !ours {
            payment.retry_on = self.plan_retry(&mut tx, &payment, rule, effective_on).await?;
        }
        payment.changed_at = now;
        payments::update(&mut tx, &payment).await?;
        let late = payment.settle_on.is_some_and(|on| rules.late(code, on, returned_on));
        let payload = json!({
            "payment_id": payment.id, "reference": payment.reference, "return_code": payment.return_code,
            "returned_on": effective_on, "event_seq": seq, "action": rule.action, "retry_on": payment.retry_on,
            "late": late,
        });
        let stream = Trail::stream(None, Some(payment.credit_line_id));
        self.trail(&mut tx, stream, "payment.returned", payload).await?;
        let words = format!("Payment {} came back with {code}.", payment.reference);
        self.act_on_return(&mut tx, &line.row, &payment, (rule, words)).await?;
        if late {
            let words = format!(
                "Payment {} came back with {code} later than the bank may send it back.",
                payment.reference
            );
            self.open_desk_case(&mut tx, &payment, "operations", words).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// What a code asks for beside undoing the payment: of the account, of leave to debit, of the line and of a person.
    pub(super) async fn act_on_return(
        &self,
        conn: &mut PgConnection,
        line: &CreditLineRow,
        payment: &PaymentRow,
        (rule, words): (&ReturnRule, String),
    ) -> Result<(), ServicingError> {
        if rule.disables_account {
            bank_accounts::disable(conn, payment.bank_account_id).await?;
        }
        let source = format!("return of {}", payment.reference);
        self.flag_after_return(conn, line, rule, &source).await?;
        if rule.revokes {
            revocations::insert(conn, payment.customer_id, self.now(), &source).await?;
        }
        if let Some(kind) = &rule.desk {
            self.open_desk_case(conn, payment, kind, words).await?;
        }
        Ok(())
    }

    pub(super) async fn flag_after_return(
        &self,
        conn: &mut PgConnection,
        line: &CreditLineRow,
        rule: &ReturnRule,
        source: &str,
    ) -> Result<(), ServicingError> {
        let flag = match rule.flag {
            Some(ReturnFlag::Deceased) => FlagKind::Deceased,
            Some(ReturnFlag::Fraud) => FlagKind::Fraud,
            None => return Ok(()),
        };
        let (customer, now) = (line.customer_id, self.now());
        let permit = authorise(Caller::system(), UseCase::Protect, Some(customer), now)?;
        self.raise_in(conn, permit, customer, Some(line), (flag, source)).await?;
        Ok(())
    }
}

fn log_failure(trace: &str, error: &ServicingError) {
    let cause = chain(error);
    tracing::error!(trace_number = %trace, error = %cause, "could not work off the answer about {trace}: {cause}");
}
