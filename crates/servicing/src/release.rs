//! What happens to payments by themselves: files go to the bank, answers come back.
//!
//! A payment goes `scheduled` → `pending` (chosen for a file) → `released` (the bank has the file; the line is credited
//! as of the day the customer chose) → `settled` or `returned`. Each arrow is one transaction per payment or file, so
//! that a process killed anywhere is resumed by the next run.
//!
//! Invariants: a file is recorded before it is sent, under a key of its own; while the bank's answer is unknown its
//! payments stay `pending`; before such a file is sent again the bank is asked for it, and flags and revocations are looked
//! at anew; they are looked at in the transaction that chooses a payment, which holds its line. What is absent: the arithmetic of a payment (`credit`).

mod answers;
mod given_back;
mod retries;

use calendar::{add_banking_days, is_banking_day};
use chrono::NaiveDate;
use credit::LineEventBody;
use identity::{PaymentId, chain};
use money::Cents;
use nacha::TraceNumber;
use rails::{AccountKind, AchTransfer, RailError, ach_file};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use store::{
    bank_accounts::{self, BankAccountKind, BankAccountStatus},
    customers,
    payments::{self, PaymentRow, PaymentStatus},
    rail_files::{self, RailFileRow, RailFileStatus},
};

use crate::{
    Caller, Refusal, Servicing, ServicingError, UseCase, authorise, flags,
    payments::{STRIKES, revoked},
    work::Trail,
};

/// Why a payment is cancelled whose authorisation was taken back.
const REVOKED: &str = "stop_payment";

/// What a payment is that may not be taken: cancelled where the customer revoked it, which is for good.
pub(crate) fn status_of(reason: &str) -> PaymentStatus {
    if reason == REVOKED { PaymentStatus::Cancelled } else { PaymentStatus::HeldBack }
}

/// Payments in one file, at most.
const FILE_ENTRIES_MAX: i64 = 5_000;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunReport {
    pub released: u32,
    /// Not sent, because something forbids taking the money.
    pub held_back: u32,
    /// In files of which the bank's answer is not known.
    pub pending: u32,
    pub settled: u32,
    pub returned: u32,
    /// Came back before, and are scheduled once more.
    pub retried: u32,
    /// Files and entries that could not be worked off; the log says why, and the next run tries again.
    pub failed: u32,
}

impl RunReport {
    pub(crate) fn add(&mut self, other: Self) {
        self.released += other.released;
        self.held_back += other.held_back;
        self.pending += other.pending;
        self.settled += other.settled;
        self.returned += other.returned;
        self.retried += other.retried;
        self.failed += other.failed;
    }
}

impl Servicing {
    /// Sends what is due, reads back what is unknown, credits what the bank has, settles and returns what it says.
    ///
    /// Safe to call at any time and by any number of processes. Where the bank cannot be reached the report says how
    /// much is pending, and the next run goes on from there.
    pub async fn run_payments(&self, caller: Caller) -> Result<RunReport, ServicingError> {
        authorise(caller, UseCase::Operate, None, self.now())?;
        let mut report = RunReport::default();
        self.reconcile_files(&mut report).await?;
        self.make_retries(&mut report).await?;
        if is_banking_day(self.today()) {
            while let Some(key) = self.choose_file(&mut report).await? {
                self.send_or_log(&key, &mut report).await;
            }
        }
        report.released = self.credit_accepted(&mut report).await?;
        // First what the bank lists as returned, each with its own day; then what it says of its files.
        self.read_returns(&mut report).await?;
        self.read_settlements(&mut report).await?;
        let mut conn = self.store.app().acquire().await?;
        for file in rail_files::list_open(&mut conn).await? {
            report.pending += file.entries.unsigned_abs();
        }
        Ok(report)
    }

    /// Asks the bank about every file whose outcome is unknown. One that the bank never had is sent again as it is, or
    /// where that is no longer right, gives its payments back.
    async fn reconcile_files(&self, report: &mut RunReport) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let open = rail_files::list_open(&mut conn).await?;
        drop(conn);
        for file in open {
            let worked_off = match self.bank.find_file(&file.key).await {
                Ok(Some(status)) => self.accept_found(&file.key, &status).await,
                Ok(None) => self.send_or_abandon(&file).await,
                Err(error) => {
                    tracing::warn!(file.key = %file.key, error = %error, "the bank could not say what became of file {}", file.key);
                    continue;
                }
            };
            if let Err(error) = worked_off {
                let cause = chain(&error);
                tracing::error!(file.key = %file.key, error = %cause, "could not work off file {}: {cause}", file.key);
                report.failed += 1;
            }
        }
        Ok(())
    }

    /// Chooses what is due today for a new file; `None` when nothing is.
    async fn choose_file(&self, report: &mut RunReport) -> Result<Option<String>, ServicingError> {
        let (now, today) = (self.now(), self.today());
        let mut tx = self.store.app().begin().await?;
        // Whoever raises a flag or revokes holds the line: what is seen from here on stays so until this is committed.
        let lines = payments::lines_due(&mut tx, today, FILE_ENTRIES_MAX).await?;
        for line in &lines {
            self.hold_line(&mut tx, *line).await?;
        }
        let due = payments::claim_due(&mut tx, today, &lines, FILE_ENTRIES_MAX).await?;
        let mut chosen = Vec::new();
        for payment in due {
            match self.held_back(&mut tx, &payment).await {
                Ok(Some(reason)) => {
                    self.hold_back(&mut tx, payment, &reason).await?;
                    report.held_back += 1;
                }
                Ok(None) => chosen.push(payment),
                // It stays scheduled, and keeps nobody else's from being chosen.
                Err(error) => {
                    let (id, cause) = (payment.id, chain(&error));
                    tracing::error!(payment.id = %id, error = %cause, "could not look at payment {id}: {cause}");
                    report.failed += 1;
                }
            }
        }
        if chosen.is_empty() {
            tx.commit().await?;
            return Ok(None);
        }
        let number = rail_files::next_number(&mut tx).await?;
        let file = RailFileRow {
            key: format!("ach-{}", PaymentId::mint(now)),
            number,
            created_at: now,
            effective_on: today,
            entries: i32::try_from(chosen.len()).unwrap_or(i32::MAX),
            debit: chosen.iter().map(|payment| payment.amount).sum(),
            credit: Cents::ZERO,
            digest: None,
            status: RailFileStatus::Building,
            handed_at: None,
            bank_reference: None,
            refusal: None,
        };
        rail_files::insert(&mut tx, &file).await?;
        for mut payment in chosen {
            let sequence = rail_files::next_entry(&mut tx).await?;
            let trace = TraceNumber::of(&self.originator.routing, sequence.unsigned_abs());
            payment.status = PaymentStatus::Pending;
            payment.file_key = Some(file.key.clone());
            payment.trace_number = Some(trace.to_string());
            payment.changed_at = now;
            payments::update(&mut tx, &payment).await?;
            let payload = json!({
                "payment_id": payment.id, "file_key": file.key, "trace_number": payment.trace_number,
            });
            let stream = Trail::stream(None, Some(payment.credit_line_id));
            self.trail(&mut tx, stream, "payment.chosen_for_file", payload).await?;
        }
        tx.commit().await?;
        Ok(Some(file.key))
    }

    /// Why the money may not be taken now: what holds back any payment, then what stands against a retry only.
    pub(crate) async fn held_back(
        &self,
        conn: &mut PgConnection,
        payment: &PaymentRow,
    ) -> Result<Option<String>, ServicingError> {
        match self.forbidden(conn, payment).await? {
            None => self.retry_overtaken(conn, payment).await,
            reason => Ok(reason),
        }
    }

    /// What forbids to take the money of any payment.
    async fn forbidden(
        &self,
        conn: &mut PgConnection,
        payment: &PaymentRow,
    ) -> Result<Option<String>, ServicingError> {
        let standing = flags::standing(conn, payment.customer_id).await?;
        let stops = |kind| {
            flags::stops_debits(kind) || payment.retry_of.is_some() && flags::stops_retries(kind)
        };
        if let Some(flag) = standing.iter().find(|flag| stops(flag.kind)) {
            return Ok(Some(format!("flag:{}", flags::flag_word(flag.kind))));
        }
        if revoked(conn, payment).await? {
            return Ok(Some(REVOKED.to_owned()));
        }
        let account = bank_accounts::find(conn, payment.bank_account_id)
            .await?
            .ok_or(ServicingError::Stored { what: "bank account", source: None })?;
        if account.status == BankAccountStatus::Disabled {
            return Ok(Some("bank_account_disabled".to_owned()));
        }
        let failures = self.failures(conn, account.id).await?;
        let before_failure = failures.last_at.is_some_and(|failed| payment.authorised_at <= failed);
        if failures.in_row >= STRIKES && before_failure {
            return Ok(Some("two_failed_debits".to_owned()));
        }
        Ok(None)
    }

    async fn hold_back(
        &self,
        conn: &mut PgConnection,
        mut payment: PaymentRow,
        reason: &str,
    ) -> Result<(), ServicingError> {
        payment.status = status_of(reason);
        payment.cancel_reason = Some(reason.to_owned());
        payment.changed_at = self.now();
        payments::update(conn, &payment).await?;
        let payload = json!({
            "payment_id": payment.id, "reference": payment.reference, "status": payment.status, "why": reason,
        });
        let stream = Trail::stream(None, Some(payment.credit_line_id));
        self.trail(conn, stream, "payment.held_back", payload).await
    }

    /// Writes a file and hands it to the bank. What the bank does is recorded; an unknown outcome leaves it pending.
    async fn send(&self, key: &str) -> Result<(), ServicingError> {
        let Some(contents) = self.write_file(key).await? else { return Ok(()) };
        match self.bank.submit(key, &contents).await {
            Ok(()) => self.accept(key).await,
            Err(RailError::Refused { reason }) => {
                tracing::error!(file.key = %key, "the bank refused file {key}: {reason}");
                self.give_back(key, RailFileStatus::Refused, &reason).await
            }
            Err(error) => {
                tracing::warn!(file.key = %key, error = %error, "it is not known whether the bank has file {key}");
                Ok(())
            }
        }
    }

    /// The text of a file, from its rows; the same text each time, which its digest makes sure of. `None` where the file
    /// is no longer to be sent.
    async fn write_file(&self, key: &str) -> Result<Option<String>, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let mut file = rail_files::find_for_update(&mut tx, key)
            .await?
            .ok_or(ServicingError::Stored { what: "rail file", source: None })?;
        if !matches!(file.status, RailFileStatus::Building | RailFileStatus::Pending) {
            return Ok(None);
        }
        let entries = payments::list_of_file(&mut tx, key).await?;
        let contents = self.text_of(&mut tx, &file, &entries).await?;
        let digest = Sha256::digest(contents.as_bytes()).to_vec();
        match &file.digest {
            Some(before) if *before != digest => {
                return Err(ServicingError::Stored { what: "rail file", source: None });
            }
            _ => file.digest = Some(digest),
        }
        file.status = RailFileStatus::Pending;
        file.handed_at = Some(self.now());
        rail_files::update(&mut tx, &file, self.now()).await?;
        tx.commit().await?;
        Ok(Some(contents))
    }

    async fn text_of(
        &self,
        conn: &mut PgConnection,
        file: &RailFileRow,
        entries: &[PaymentRow],
    ) -> Result<String, ServicingError> {
        let transfers = self.transfers(conn, entries, file.effective_on).await?;
        let created_at = file.created_at.with_timezone(&self.zone).naive_local();
        let number = file.number.unsigned_abs();
        let text = ach_file(&self.originator, number, created_at, &transfers).write();
        Ok(text.map_err(RailError::from)?)
    }

    async fn transfers(
        &self,
        conn: &mut PgConnection,
        entries: &[PaymentRow],
        effective_on: NaiveDate,
    ) -> Result<Vec<AchTransfer>, ServicingError> {
        let stored = |what| ServicingError::Stored { what, source: None };
        let ids: Vec<_> = entries.iter().map(|payment| payment.bank_account_id).collect();
        // Account numbers are opened under the role of the rails, and go nowhere but into the file.
        let mut sealed = self.store.rails().acquire().await?;
        let numbers = bank_accounts::numbers(&mut sealed, &ids).await?;
        drop(sealed);
        let mut transfers = Vec::with_capacity(entries.len());
        for payment in entries {
            let account = bank_accounts::find(conn, payment.bank_account_id)
                .await?
                .ok_or(stored("bank account"))?;
            let number = numbers
                .iter()
                .find(|number| number.bank_account_id == payment.bank_account_id)
                .ok_or(stored("bank account number"))?;
            let customer =
                customers::find(conn, payment.customer_id).await?.ok_or(stored("customer"))?;
            let trace: u64 = payment
                .trace_number
                .as_deref()
                .and_then(|trace| trace.parse().ok())
                .ok_or(stored("trace number"))?;
            transfers.push(AchTransfer {
                debit: true,
                retry: payment.retry_of.is_some(),
                kind: match account.kind {
                    BankAccountKind::Checking => AccountKind::Checking,
                    BankAccountKind::Savings => AccountKind::Savings,
                },
                routing: number.routing_number.parse().map_err(|_| stored("routing number"))?,
                account_number: number.account_number.clone(),
                amount: payment.amount,
                reference: payment.reference.clone(),
                name: customer.name,
                effective_on,
                sequence: u32::try_from(trace % 10_000_000).unwrap_or_default(),
            });
        }
        Ok(transfers)
    }

    /// Credits the payments of files that the bank has.
    async fn credit_accepted(&self, report: &mut RunReport) -> Result<u32, ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let ids = payments::list_accepted(&mut conn).await?;
        drop(conn);
        let mut credited = 0;
        for id in ids {
            match self.credit_one(id).await {
                Ok(done) => credited += u32::from(done),
                // It stays pending, and the next run tries again; the others are credited.
                Err(error) => {
                    let cause = chain(&error);
                    tracing::error!(payment.id = %id, error = %cause, "could not credit payment {id}: {cause}");
                    report.failed += 1;
                }
            }
        }
        Ok(credited)
    }

    async fn credit_one(&self, id: PaymentId) -> Result<bool, ServicingError> {
        let (now, today) = (self.now(), self.today());
        let mut tx = self.store.app().begin().await?;
        let line_id = payments::find(&mut tx, id)
            .await?
            .ok_or_else(|| Refusal::not_found("payment"))?
            .credit_line_id;
        let mut line = self.hold_and_load(&mut tx, line_id).await?;
        let mut payment = payments::find_for_update(&mut tx, id)
            .await?
            .ok_or_else(|| Refusal::not_found("payment"))?;
        if payment.status != PaymentStatus::Pending {
            return Ok(false);
        }
        let body = LineEventBody::PaymentReceived { payment: id, amount: payment.amount };
        let seq = self.post(&mut tx, &mut line, payment.authorised_on, body).await?;
        payment.status = PaymentStatus::Released;
        payment.received_seq = Some(i64::try_from(seq).unwrap_or(i64::MAX));
        payment.settle_on = Some(add_banking_days(today, 1));
        payment.changed_at = now;
        payments::update(&mut tx, &payment).await?;
        let payload = json!({
            "payment_id": id, "reference": payment.reference, "amount_cents": payment.amount,
            "effective_on": payment.authorised_on, "file_key": payment.file_key, "event_seq": seq,
        });
        self.trail(&mut tx, Trail::stream(None, Some(line_id)), "payment.credited", payload)
            .await?;
        tx.commit().await?;
        Ok(true)
    }
}
