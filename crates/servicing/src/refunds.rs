//! Refunds of a credit balance (12 CFR 1026.11(a)): asked for, or in good faith after six months; sent on the instant rail.
//!
//! Invariants: one is underway on a line at a time; the line is charged when the bank has sent the money, and by what was asked for;
//! what is to be sent is marked before the bank is asked, under an id of its own, so that asking twice sends once. A payment that
//! may still come back is waited for, as long as the seven banking days allow. What goes back unasked is found by the day that stands
//! with its line, tried a few times, and then left to a person (`cheques`); while that person's case is open nobody asks for it as well.

mod account;
mod reserve;

use calendar::add_banking_days;
use chrono::{Days, Duration, NaiveDate};
use credit::{FlagKind, LineEventBody};
use identity::{BankAccountId, CreditLineId, CustomerId, RefundId, chain};
use money::Cents;
use rails::{RailError, TransferState, TransferStatus};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    bank_accounts::{self, BankAccountStatus},
    cases,
    intents::ReceiptRow,
    payments::{self, PaymentStatus},
    refunds::{self, RefundCause, RefundRow, RefundStatus},
};

use crate::{
    Authorised, Caller, Key, Level, Refusal, RefusalCode, Servicing, ServicingError, UseCase,
    authorise,
    disclosures::refuse_model,
    flags,
    lines::Line,
    payments::own_bank_account,
    reference::reference,
    release::{Push, RunReport, Sending, kept},
    words::{bank_account_text, date_text, shown},
    work::{Begun, Trail, with},
};

use account::refund_account;
pub(crate) use reserve::needed_by_draws;

/// Banking days within which what was asked for is paid.
const WITHIN_BANKING_DAYS: i32 = 7;

/// Banking days after which a settled payment is taken to stay settled.
const FINAL_AFTER_BANKING_DAYS: i32 = 3;

/// A bank account younger than this needs a step-up.
const NEW_ACCOUNT: Duration = Duration::days(7);

/// A credit balance above this, unmoved for six months, is refunded without being asked for.
pub(crate) const LEAST_IN_GOOD_FAITH: Cents = Cents::new(100);

/// So often such a refund is tried, so many days apart, before a person sends a cheque.
const TRIES_MAX: i16 = 3;
const TRIED_AGAIN_AFTER: Days = Days::new(7);

/// The desk's case of what cannot be sent back by itself.
pub(crate) const DESK_CASE: &str = "refund_by_cheque";

/// Why a refund ends that has nothing to send any more...
pub(crate) const CREDIT_BALANCE_USED: &str = "credit_balance_used";
/// ...and one that the bank never had in time, or was told not to take any more. It can be asked for anew.
pub(crate) const TIMED_OUT: &str = "timed_out";

fn transfer_id(id: RefundId) -> String {
    format!("refund-{id}")
}

impl Servicing {
    /// Asks for all that the lender owes on the line.
    pub async fn request_refund(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        bank_account_id: BankAccountId,
        key: &Key,
    ) -> Result<ReceiptRow, ServicingError> {
        let now = self.now();
        let permit = authorise(caller, UseCase::MoveMoney, Some(customer_id), now)?;
        let request = ("request_refund", customer_id, bank_account_id);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let line = self.hold_own_line(work.conn(), customer_id).await?;
        self.sending_allowed(work.conn(), customer_id).await?;
        let account = own_bank_account(work.conn(), customer_id, bank_account_id).await?;
        if now - account.added_at < NEW_ACCOUNT && caller.level < Level::L3 {
            return Err(Refusal::level_too_low(caller.level, Level::L3).into());
        }
        let position = line.position(self.today())?;
        let amount = position.credit_balance;
        if !amount.is_positive() {
            let sentence = "There is no credit balance on this line.";
            return Err(Refusal::new(RefusalCode::NoCreditBalance, sentence).into());
        }
        if needed_by_draws(&position, amount) {
            let sentence = "A draw that is on its way uses this credit balance.";
            return Err(Refusal::new(RefusalCode::NoCreditBalance, sentence).into());
        }
        let underway = refunds::list_of_line(work.conn(), line.row.id).await?;
        if underway.iter().any(|one| underway_still(one.status)) {
            let sentence = "A refund of the credit balance is underway already.";
            return Err(Refusal::new(RefusalCode::NoCreditBalance, sentence).into());
        }
        if cases::find_open(work.conn(), customer_id, DESK_CASE).await?.is_some() {
            // What goes by cheque does not go to the bank as well.
            let sentence = "A person is sending this credit balance back by cheque.";
            return Err(Refusal::new(RefusalCode::NotAllowed, sentence).into());
        }
        let of = (line.row.id, customer_id, account.id);
        let row = self.ask_refund(work.conn(), permit, of, (amount, RefundCause::Asked)).await?;
        let (to, by) = (bank_account_text(&account), date_text(row.pay_by));
        let text = format!("Your credit balance of {amount} will be sent to your {to} by {by}.");
        let fields = vec![
            shown("amount", "amount", amount.to_string()),
            shown("bank_account", "to", to),
            shown("pay_by", "by", by),
            shown("refund", "refund", row.reference),
        ];
        let of = (customer_id, line.row.id);
        let receipt =
            self.keep_receipt(work.conn(), of, ("refund_requested", text), fields).await?;
        work.finish(receipt).await
    }

    /// The refunds of the customer's line, newest first.
    pub async fn list_refunds(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Vec<RefundRow>, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        refuse_model(caller)?;
        let mut conn = self.store.app().acquire().await?;
        let line = self.line_of(&mut conn, customer_id).await?;
        Ok(refunds::list_of_line(&mut conn, line.row.id).await?)
    }

    /// Sends what is asked for, and once a day finds what is to be refunded in good faith.
    pub async fn run_refunds(&self, caller: Caller) -> Result<RunReport, ServicingError> {
        authorise(caller, UseCase::Operate, None, self.now())?;
        self.refund_in_good_faith().await?;
        let mut conn = self.store.app().acquire().await?;
        let underway = refunds::list_underway(&mut conn).await?;
        drop(conn);
        let mut report = RunReport::default();
        for refund in underway {
            match self.work_off_refund(&refund, &mut report).await {
                Ok(done) => report.refunded += u32::from(done),
                Err(error) => {
                    let (id, cause) = (refund.id, chain(&error));
                    tracing::error!(refund.id = %id, error = %cause, "could not work off refund {id}: {cause}");
                    report.count(self.undone(&refund, &refund.reference, &error).await);
                }
            }
        }
        Ok(report)
    }

    /// Refuses where a flag that stands forbids to send money to whoever asks for it.
    pub(crate) async fn sending_allowed(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
    ) -> Result<(), ServicingError> {
        let standing = flags::standing(conn, customer_id).await?;
        let stops =
            |kind| matches!(kind, FlagKind::Fraud | FlagKind::IdentityTheft | FlagKind::Deceased);
        if standing.iter().any(|flag| stops(flag.kind)) {
            let sentence = "No money can be sent for this line before a person has looked at it.";
            return Err(Refusal::new(RefusalCode::NotAllowed, sentence).into());
        }
        Ok(())
    }

    async fn ask_refund(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        (credit_line_id, customer_id, bank_account_id): (CreditLineId, CustomerId, BankAccountId),
        (amount, cause): (Cents, RefundCause),
    ) -> Result<RefundRow, ServicingError> {
        let now = self.now();
        let id = RefundId::mint(now);
        let row = RefundRow {
            id,
            credit_line_id,
            customer_id,
            bank_account_id,
            reference: reference("RFD", id.as_uuid()),
            amount,
            cause,
            status: RefundStatus::Requested,
            requested_at: now,
            pay_by: add_banking_days(self.today(), WITHIN_BANKING_DAYS),
            handed_at: None,
            event_seq: None,
            refusal: None,
            changed_at: now,
        };
        refunds::insert(conn, &row).await?;
        let mut payload = told(&row);
        payload = with(payload, "authorised", json!(permit));
        let stream = Trail::stream(None, Some(credit_line_id));
        self.trail(conn, stream, "refund.requested", payload).await?;
        Ok(row)
    }

    async fn work_off_refund(
        &self,
        refund: &RefundRow,
        report: &mut RunReport,
    ) -> Result<bool, ServicingError> {
        let Some((refund, push)) = self.hand_over_refund(refund).await? else { return Ok(false) };
        let sending = Sending {
            id: transfer_id(refund.id),
            customer_id: refund.customer_id,
            bank_account_id: refund.bank_account_id,
            amount: refund.amount,
            reference: &refund.reference,
            asked_at: refund.requested_at,
            handed_at: refund.handed_at,
        };
        match self.ask_bank(&sending, push).await {
            Ok(status) => self.take_refund_answer(&refund, &status).await,
            Err(ServicingError::Rail(RailError::Refused { reason })) => {
                self.end_refund(&refund, Err(kept(&reason))).await
            }
            Err(ServicingError::Rail(
                error @ (RailError::NotSent { .. }
                | RailError::Unknown { .. }
                | RailError::Unreadable { .. }),
            )) => {
                tracing::warn!(refund.id = %refund.id, error = %error, "it is not known what the bank did with refund {}", refund.id);
                report.unreached += 1;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Marks a refund as handed to the bank, before it is; nothing where it has to wait or has come to an end.
    async fn hand_over_refund(
        &self,
        unheld: &RefundRow,
    ) -> Result<Option<(RefundRow, Push)>, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let line = self.hold_and_load(&mut tx, unheld.credit_line_id).await?;
        let Some(mut refund) = refunds::find_for_update(&mut tx, unheld.id).await? else {
            return Ok(None);
        };
        let flagged = match self.sending_allowed(&mut tx, refund.customer_id).await {
            Ok(()) => false,
            Err(ServicingError::Refused(_)) => true,
            Err(error) => return Err(error),
        };
        let against = self.refund_overtaken(&mut tx, &line, &refund).await?;
        match refund.status {
            RefundStatus::Pending if flagged || against.is_some() => {
                return Ok(Some((refund, Push::Never)));
            }
            RefundStatus::Pending => return Ok(Some((refund, Push::Again))),
            RefundStatus::Requested if flagged => return Ok(None),
            RefundStatus::Requested => {}
            RefundStatus::Sent | RefundStatus::Refused => return Ok(None),
        }
        if self.today() < refund.pay_by && self.may_come_back(&mut tx, line.row.id).await? {
            return Ok(None);
        }
        let now = self.now();
        refund.changed_at = now;
        let ended = against.is_some();
        let kind = if let Some(why) = against {
            refund.status = RefundStatus::Refused;
            refund.refusal = Some(why.to_owned());
            "refund.refused"
        } else {
            refund.status = RefundStatus::Pending;
            refund.handed_at = Some(now);
            "refund.handed_over"
        };
        refunds::update(&mut tx, &refund).await?;
        let stream = Trail::stream(None, Some(refund.credit_line_id));
        self.trail(&mut tx, stream, kind, told(&refund)).await?;
        if ended {
            self.leave_what_was_asked_for(&mut tx, &line, &refund).await?;
        }
        tx.commit().await?;
        Ok((!ended).then_some((refund, Push::First)))
    }

    /// What has come between a refund and the request for it.
    async fn refund_overtaken(
        &self,
        conn: &mut PgConnection,
        line: &Line,
        refund: &RefundRow,
    ) -> Result<Option<&'static str>, ServicingError> {
        let position = line.position(self.today())?;
        if position.credit_balance < refund.amount || needed_by_draws(&position, refund.amount) {
            // It was drawn meanwhile, or is about to be, or the payment that made it came back.
            return Ok(Some(CREDIT_BALANCE_USED));
        }
        let account = bank_accounts::find(conn, refund.bank_account_id).await?;
        let usable = account.is_some_and(|account| account.status != BankAccountStatus::Disabled);
        Ok((!usable).then_some("bank_account_disabled"))
    }

    /// Whether a payment of the line is so young that it may still come back.
    pub(crate) async fn may_come_back(
        &self,
        conn: &mut PgConnection,
        line: CreditLineId,
    ) -> Result<bool, ServicingError> {
        let final_through = add_banking_days(self.today(), -FINAL_AFTER_BANKING_DAYS);
        let young = |on: Option<NaiveDate>| on.is_some_and(|on| on > final_through);
        let payments = payments::list_of_line(conn, line).await?;
        Ok(payments.iter().any(|payment| match payment.status {
            PaymentStatus::Pending | PaymentStatus::Released => true,
            PaymentStatus::Settled => young(payment.settle_on),
            _ => false,
        }))
    }

    async fn take_refund_answer(
        &self,
        refund: &RefundRow,
        status: &TransferStatus,
    ) -> Result<bool, ServicingError> {
        match status.state {
            TransferState::Pending => Ok(false),
            TransferState::Completed => {
                let on = status.completed_on.unwrap_or_else(|| self.today());
                self.end_refund(refund, Ok(on)).await
            }
            TransferState::Refused | TransferState::Void => {
                let reason = match status.state {
                    TransferState::Void => TIMED_OUT,
                    _ => status.reason.as_deref().unwrap_or("refused by the bank"),
                };
                self.end_refund(refund, Err(kept(reason))).await
            }
        }
    }

    /// Charges the line with what was sent on a day, or records why nothing was; `true` where it was sent.
    async fn end_refund(
        &self,
        unheld: &RefundRow,
        outcome: Result<NaiveDate, String>,
    ) -> Result<bool, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let mut line = self.hold_and_load(&mut tx, unheld.credit_line_id).await?;
        let found = refunds::find_for_update(&mut tx, unheld.id).await?;
        let Some(mut refund) = found.filter(|row| row.status == RefundStatus::Pending) else {
            return Ok(false);
        };
        let sent = outcome.is_ok();
        match outcome {
            Ok(on) => {
                // What is known of a line is never dated ahead of today.
                let on = on.min(self.today());
                let body = LineEventBody::CreditBalanceRefunded { amount: refund.amount };
                let seq = self.post(&mut tx, &mut line, on, body).await?;
                refund.event_seq = Some(i64::try_from(seq).unwrap_or(i64::MAX));
                refund.status = RefundStatus::Sent;
            }
            Err(why) => {
                refund.refusal = Some(why);
                refund.status = RefundStatus::Refused;
            }
        }
        refund.changed_at = self.now();
        refunds::update(&mut tx, &refund).await?;
        let kind = if sent { "refund.sent" } else { "refund.refused" };
        let stream = Trail::stream(None, Some(refund.credit_line_id));
        self.trail(&mut tx, stream, kind, told(&refund)).await?;
        if !sent {
            self.leave_what_was_asked_for(&mut tx, &line, &refund).await?;
        }
        tx.commit().await?;
        Ok(sent)
    }

    /// Once a day: what has stood for six months is refunded without being asked for (12 CFR 1026.11(a)(3)). A line that cannot be
    /// worked out keeps no other from it, and is looked at again on the next day.
    async fn refund_in_good_faith(&self) -> Result<(), ServicingError> {
        let today = self.today();
        let mut conn = self.store.app().acquire().await?;
        if !refunds::begin_day(&mut conn, today).await? {
            return Ok(());
        }
        let lines = refunds::lines_to_refund(&mut conn, today).await?;
        drop(conn);
        for id in lines {
            if let Err(error) = self.refund_line(id).await {
                let cause = chain(&error);
                tracing::error!(credit_line.id = %id, error = %cause, "could not refund the credit balance of line {id}: {cause}");
            }
        }
        Ok(())
    }

    /// To the account that was used last, else to the only one there is. Where there is none, or the bank said no too often, a
    /// person sends a cheque.
    async fn refund_line(&self, id: CreditLineId) -> Result<(), ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let conn = &mut *tx;
        let line = self.hold_and_load(conn, id).await?;
        let customer_id = line.row.customer_id;
        let earlier = refunds::list_of_line(conn, id).await?;
        let amount = line.position(self.today())?.credit_balance;
        if !amount.is_positive() || earlier.iter().any(|one| underway_still(one.status)) {
            return Ok(());
        }
        let today = self.today();
        let look_again_on = today.checked_add_days(TRIED_AGAIN_AFTER).unwrap_or(today);
        let tries = refunds::count_try(conn, id, look_again_on).await?;
        let account = refund_account(conn, id, customer_id).await?;
        match account {
            Some(account) if tries <= TRIES_MAX => {
                let permit = authorise(Caller::system(), UseCase::Operate, None, self.now())?;
                let of = (id, customer_id, account);
                self.ask_refund(conn, permit, of, (amount, RefundCause::SixMonths)).await?;
            }
            Some(_) => {
                self.leave_refund_to_a_person(conn, &line, "it could not be sent").await?;
            }
            None => {
                let why = "there is no bank account for it to go to";
                self.leave_refund_to_a_person(conn, &line, why).await?;
            }
        }
        Ok(tx.commit().await?)
    }

    /// What the customer asked for is owed within seven banking days though the bank said no (12 CFR 1026.11(a)(2)): a person sends it,
    /// unless it has been used or was never refused.
    async fn leave_what_was_asked_for(
        &self,
        conn: &mut PgConnection,
        line: &Line,
        refund: &RefundRow,
    ) -> Result<(), ServicingError> {
        let done = matches!(refund.refusal.as_deref(), Some(CREDIT_BALANCE_USED | TIMED_OUT));
        if refund.cause != RefundCause::Asked || done {
            return Ok(());
        }
        self.leave_refund_to_a_person(conn, line, "the bank would not take it").await
    }

    async fn leave_refund_to_a_person(
        &self,
        conn: &mut PgConnection,
        line: &Line,
        why: &str,
    ) -> Result<(), ServicingError> {
        refunds::leave_to_a_person(conn, line.row.id).await?;
        let (id, customer) = (line.row.id, line.row.customer_id);
        tracing::error!(credit_line.id = %id, "the credit balance of line {id} is left to a person: {why}");
        let permit = authorise(Caller::system(), UseCase::Protect, Some(customer), self.now())?;
        // How much it is by then, the line says.
        let words =
            format!("The credit balance of the line is to go back, and {why}: send a cheque.");
        let of = (DESK_CASE, add_banking_days(self.today(), 1), words.as_str());
        self.open_line_case(conn, permit, &line.row, of).await?;
        Ok(())
    }
}

pub(crate) const fn underway_still(status: RefundStatus) -> bool {
    matches!(status, RefundStatus::Requested | RefundStatus::Pending)
}

/// What the outside world is told of a refund.
fn told(refund: &RefundRow) -> serde_json::Value {
    json!({
        "refund_id": refund.id, "reference": refund.reference, "customer_id": refund.customer_id,
        "credit_line_id": refund.credit_line_id, "amount_cents": refund.amount, "cause": refund.cause,
        "bank_account_id": refund.bank_account_id, "pay_by": refund.pay_by, "status": refund.status,
        "event_seq": refund.event_seq, "why": refund.refusal,
    })
}
