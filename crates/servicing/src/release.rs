//! What happens to payments and draws by themselves: files go to the bank, answers come back. Draws have their own way, in
//! `outgoing` and `instant`; files, answers and what is given back are the same for both.
//!
//! A payment goes `scheduled` → `pending` (chosen for a file) → `released` (the bank has the file; the line is credited
//! as of the day the customer chose) → `settled` or `returned`. The first arrow is one transaction for a few payments (`choose`), each
//! other one per payment or file, so that a process killed anywhere is resumed by the next run.
//!
//! Invariants: a file is recorded before it is sent, under a key of its own; while the bank's answer is unknown its
//! payments stay `pending`; before such a file is sent again the bank is asked for it, and flags and revocations are looked
//! at anew, as they are in a file that a killed run has not finished; they are looked at in the transaction that chooses a payment,
//! which holds its line. What is absent: the arithmetic of a payment (`credit`).

mod again;
mod answers;
mod changes;
mod choose;
mod file;
mod given_back;
mod instant;
mod late;
mod matching;
mod outgoing;
mod rates;
mod retries;
mod set_aside;
mod undone;
mod unread;

use std::collections::BTreeSet;

use calendar::add_banking_days;
use credit::LineEventBody;
use identity::{BankAccountId, PaymentId, chain};
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use store::{
    autopays,
    bank_accounts::{self, BankAccountStatus},
    draws,
    payments::{self, PaymentRow, PaymentStatus},
    rail_files,
};

use choose::Kind;
pub(crate) use instant::{Push, Sending};
pub use rates::{ReturnRate, ReturnRates};
use undone::Of;
pub(crate) use undone::{Undone, is_of_what_is_stored};

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

/// The bank's reason as we keep it: it may repeat what we sent, and a number is kept nowhere.
pub(crate) fn kept(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_numeric() && !c.is_control()).take(80).collect()
}

/// With what the note begins of an entry whose return under this number is the desk's, and undoes nothing. In another file it has
/// another number.
fn at_desk(trace: &str) -> String {
    format!("desk:{trace}")
}

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
    /// Made out of leave to debit for each statement.
    pub autopaid: u32,
    /// Credit balances that went back to their customers.
    pub refunded: u32,
    /// Draws that the bank has, whose money is there, and that came to nothing.
    pub draws_sent: u32,
    pub draws_settled: u32,
    pub draws_refused: u32,
    /// Bank accounts that were corrected as their bank told us.
    pub corrected: u32,
    /// Files and entries that could not be worked off; the log says why, and the next run tries again.
    pub failed: u32,
    /// The same, where a case of the desk stands open for it.
    pub with_the_desk: u32,
    /// Times that the bank could not be reached or did not say; the next run asks again.
    pub unreached: u32,
}

impl RunReport {
    /// Nothing is left that another run could do and no person has in hand.
    #[must_use]
    pub const fn whole(&self) -> bool {
        self.failed == 0 && self.unreached == 0
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.released += other.released;
        self.held_back += other.held_back;
        self.pending += other.pending;
        self.settled += other.settled;
        self.returned += other.returned;
        self.retried += other.retried;
        self.autopaid += other.autopaid;
        self.refunded += other.refunded;
        self.draws_sent += other.draws_sent;
        self.draws_settled += other.draws_settled;
        self.draws_refused += other.draws_refused;
        self.corrected += other.corrected;
        self.failed += other.failed;
        self.with_the_desk += other.with_the_desk;
        self.unreached += other.unreached;
    }
}

impl Servicing {
    /// Reads back what is unknown and what the bank has said since, then sends what is due and credits what the bank has.
    ///
    /// Safe to call at any time and by any number of processes. Where the bank cannot be reached the report says how
    /// much is pending, and the next run goes on from there.
    pub async fn run_payments(&self, caller: Caller) -> Result<RunReport, ServicingError> {
        authorise(caller, UseCase::Operate, None, self.now())?;
        let (mut report, mut apart) = (RunReport::default(), BTreeSet::new());
        self.reconcile_files(&mut apart, &mut report).await?;
        self.look_for_late(&mut report).await?;
        // Before anything leaves: an account that is closed, or an authorisation that was revoked, stops what is due today.
        // First what the bank lists as returned, each with its own day; then what it says of its files.
        self.read_returns(&mut report).await?;
        self.read_settlements(&mut report).await?;
        self.give_up_waiting(&mut report).await?;
        self.work_off_instants(&mut report).await?;
        self.make_retries(&mut report).await?;
        self.plan_payments(caller, &mut report).await;
        for kind in [Kind::Payments, Kind::Draws] {
            self.send_due(kind, &mut apart, &mut report).await;
        }
        self.credit_accepted(&mut report).await?;
        self.release_draws(&mut report).await?;
        self.tell_of_overdue(&mut report).await?;
        self.raise_alarms().await?;
        let mut conn = self.store.app().acquire().await?;
        for file in rail_files::list_open(&mut conn).await? {
            report.pending += file.entries.unsigned_abs();
        }
        let instant = draws::list_instant_open(&mut conn).await?.len();
        report.pending += u32::try_from(instant).unwrap_or(u32::MAX);
        Ok(report)
    }

    /// What automatic payments and refunds make due today. What is the matter with them keeps no file from leaving.
    async fn plan_payments(&self, caller: Caller, report: &mut RunReport) {
        match self.run_autopay(caller).await {
            Ok(autopay) => report.add(autopay),
            Err(error) => log_unchosen("automatic payments", &error, report),
        }
        match self.run_refunds(caller).await {
            Ok(refunds) => report.add(refunds),
            Err(error) => log_unchosen("refunds", &error, report),
        }
    }

    /// Asks the bank about every file whose outcome is unknown. One that the bank never had is sent again as it is, or
    /// where that is no longer right, gives its payments back.
    async fn reconcile_files(
        &self,
        apart: &mut BTreeSet<BankAccountId>,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let open = rail_files::list_open(&mut conn).await?;
        drop(conn);
        for file in open {
            let worked_off = match self.bank.find_file(&file.key).await {
                Ok(Some(status)) => self.accept_found(&file.key, &status).await,
                Ok(None) => self.send_or_abandon(&file, apart, report).await,
                Err(error) => {
                    tracing::warn!(file.key = %file.key, error = %error, "the bank could not say what became of file {}", file.key);
                    report.unreached += 1;
                    continue;
                }
            };
            if let Err(error) = worked_off {
                log_file(&file.key, &error, report);
            }
        }
        Ok(())
    }

    /// Holds a payment back, or gives it to be chosen.
    async fn hold_back_or_choose(
        &self,
        conn: &mut PgConnection,
        payment: PaymentRow,
    ) -> Result<Option<PaymentRow>, ServicingError> {
        let Some(reason) = self.held_back(conn, &payment).await? else { return Ok(Some(payment)) };
        self.hold_back(conn, payment, &reason).await?;
        Ok(None)
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
    pub(crate) async fn forbidden(
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
        if autopays::taken_back(conn, payment.retry_of.unwrap_or(payment.id)).await? {
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

    /// Credits the payments of files that the bank has.
    async fn credit_accepted(&self, report: &mut RunReport) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let ids = payments::list_accepted(&mut conn).await?;
        drop(conn);
        for id in ids {
            match self.credit_one(id).await {
                Ok(done) => report.released += u32::from(done),
                // It stays pending, and the next run tries again; the others are credited.
                Err(error) => {
                    let cause = chain(&error);
                    tracing::error!(payment.id = %id, error = %cause, "could not credit payment {id}: {cause}");
                    self.entry_undone(Of::Payment(id), &error, report).await;
                }
            }
        }
        Ok(())
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

fn log_file(key: &str, error: &ServicingError, report: &mut RunReport) {
    let cause = chain(error);
    tracing::error!(file.key = %key, error = %cause, "could not work off file {key}: {cause}");
    report.failed += 1;
}

fn log_unchosen(what: &str, error: &ServicingError, report: &mut RunReport) {
    let cause = chain(error);
    tracing::error!(error = %cause, "could not choose the {what} that are due: {cause}");
    report.failed += 1;
}
