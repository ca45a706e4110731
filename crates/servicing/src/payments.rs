//! Payments as the customer sees them: resolved, scheduled, cancelled, listed. What the bank does is in `release`.
//!
//! Rules (docs/payments.md): cut-off 17:00 local, then the next calendar day (12 CFR 1026.10); cancelled any time before the
//! file leaves (12 CFR 1005.10(c) asks for three business days); never debited early, and on a day that is no banking day the
//! bank is asked on the next one, with the customer credited as of the day they chose; two failed debits in a row
//! (12 CFR 1041.8); flags.

mod checks;

use calendar::{add_banking_days, banking_day_on_or_after};
use chrono::{DateTime, NaiveDate, Utc};
use credit::product::DateTerms;
use identity::{BankAccountId, CreditLineId, CustomerId, IntentId, PaymentId, ReceiptId};
use money::Cents;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    bank_accounts::{self, BankAccount},
    intents::{self, ReceiptRow, ShownField},
    payments::{self, AmountKind, Failures, PaymentRow, PaymentStatus},
};

use checks::{cancellable, check_day, choose_bank_account, resolve_amount, view};
pub(crate) use checks::{check_amount, own_bank_account, revoked};

use crate::{
    Authorised, Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    flags::debits_allowed,
    lines::Line,
    reference::reference,
    release::status_of,
    reversals::reversed,
    words::{bank_account_text, date_text, shown},
    work::{Begun, Trail},
};

/// Debits returned one after another, at which only a payment authorised afterwards is tried (12 CFR 1041.8).
pub(crate) const STRIKES: i64 = 2;

/// Banking days after which a settled debit is taken to stay settled.
const FINAL_AFTER_BANKING_DAYS: i32 = 3;

/// How much the customer wants to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AmountAsk {
    Exact {
        cents: Cents,
    },
    /// What is still due of the minimum.
    Minimum,
    /// What is left of the last statement's balance.
    Statement,
    /// Everything, as of the day of the payment.
    Payoff,
}

/// From which bank account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BankAccountAsk {
    Id(BankAccountId),
    /// As people name it: its kind, its last four digits, or its bank.
    Named(String),
    /// The one there is, or the one checking account among several.
    Only,
}

/// A payment as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentAsk {
    pub amount: AmountAsk,
    pub on: NaiveDate,
    pub from: BankAccountAsk,
}

/// A payment resolved against today's state: exactly what would be scheduled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedPayment {
    pub credit_line_id: CreditLineId,
    pub bank_account_id: BankAccountId,
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
    pub amount_kind: AmountKind,
    /// The day the customer is credited for.
    pub on: NaiveDate,
    /// The banking day on which the bank is asked.
    pub debit_on: NaiveDate,
}

/// A payment that would be cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedCancellation {
    pub credit_line_id: CreditLineId,
    pub payment_id: PaymentId,
}

/// A resolved payment with what a person wants to see before agreeing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PaymentPreview {
    pub payment: ResolvedPayment,
    pub bank_account: BankAccount,
    pub total_owed: Cents,
    /// What is owed today less this payment.
    pub total_owed_after: Cents,
    /// What is still due of the minimum, and by when.
    pub minimum_due: Cents,
    pub due_on: Option<NaiveDate>,
}

/// A payment with the bank account it comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PaymentView {
    #[serde(flatten)]
    pub payment: PaymentRow,
    pub bank_account: BankAccount,
    /// Taken back as our own mistake: on the line it never was.
    pub reversed: bool,
}

impl Servicing {
    /// What a payment would be, if it were scheduled now.
    pub async fn preview_payment(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        ask: &PaymentAsk,
    ) -> Result<PaymentPreview, ServicingError> {
        let now = self.now();
        authorise(caller, UseCase::Read, Some(customer_id), now)?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let payment = self.resolve_payment(&mut conn, customer_id, ask, now).await?;
        let (line, bank_account) =
            self.check_payment(&mut conn, customer_id, &payment, now).await?;
        let today = line.position(self.today())?;
        Ok(PaymentPreview {
            bank_account,
            total_owed: today.total_owed,
            total_owed_after: (today.total_owed - payment.amount).or_zero(),
            minimum_due: today.minimum_due,
            due_on: today.due_on,
            payment,
        })
    }

    /// Schedules a payment that a signed-in customer asks for directly.
    pub async fn schedule_payment(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        ask: &PaymentAsk,
        key: &Key,
    ) -> Result<ReceiptRow, ServicingError> {
        let now = self.now();
        let permit = authorise(caller, UseCase::MoveMoney, Some(customer_id), now)?;
        let request = ("schedule_payment", customer_id, ask);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let payment = self.resolve_payment(work.conn(), customer_id, ask, now).await?;
        let receipt = self.schedule_in(work.conn(), permit, customer_id, &payment, None).await?;
        work.finish(receipt).await
    }

    /// What cancelling a payment would cancel, if it still can be.
    pub async fn preview_cancellation(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        payment_id: PaymentId,
    ) -> Result<(ResolvedCancellation, PaymentView), ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let payment = self.check_cancellation(&mut conn, customer_id, payment_id).await?;
        let resolved =
            ResolvedCancellation { credit_line_id: payment.credit_line_id, payment_id: payment.id };
        Ok((resolved, view(&mut conn, payment).await?))
    }

    /// Cancels a scheduled payment that a signed-in customer no longer wants.
    pub async fn cancel_payment(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        payment_id: PaymentId,
        key: &Key,
    ) -> Result<ReceiptRow, ServicingError> {
        let permit = authorise(caller, UseCase::MoveMoney, Some(customer_id), self.now())?;
        let request = ("cancel_payment", customer_id, payment_id);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let by = (None, "customer");
        let receipt = self.cancel_in(work.conn(), permit, customer_id, payment_id, by).await?;
        work.finish(receipt).await
    }

    /// The customer's payments, newest first. One that was revoked is shown as cancelled, and one that something forbids to
    /// take, as things stand, as held back; no retry is foretold that would not be made.
    pub async fn list_payments(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Vec<PaymentView>, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let line = self.line_of(&mut conn, customer_id).await?;
        let mut views = Vec::new();
        for mut payment in payments::list_of_line(&mut conn, line.row.id).await? {
            if payment.status == PaymentStatus::Scheduled
                && let Some(reason) = self.held_back(&mut conn, &payment).await?
            {
                payment.status = status_of(&reason);
                payment.cancel_reason = Some(reason);
            }
            if let Some(retry_on) = payment.retry_on {
                let retry = self.retry_of(&payment, retry_on.max(self.today()));
                if self.held_back(&mut conn, &retry).await?.is_some() {
                    payment.retry_on = None;
                }
            }
            let reversed = reversed(&line, payment.id);
            views.push(PaymentView { reversed, ..view(&mut conn, payment).await? });
        }
        Ok(views)
    }

    /// The customer's bank accounts, by ending only.
    pub async fn list_bank_accounts(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Vec<BankAccount>, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        Ok(bank_accounts::list_of_customer(&mut conn, customer_id).await?)
    }

    /// How the line dates payments, and the first day for which one completed at `at` can be credited.
    fn dating(
        &self,
        line: &Line,
        at: DateTime<Utc>,
    ) -> Result<(DateTerms, NaiveDate), ServicingError> {
        let local = at.with_timezone(&self.zone).naive_local();
        let dates = line.terms_on(local.date())?.product.dates;
        Ok((dates, dates.credited_on(local.date(), local.time())))
    }

    async fn resolve_payment(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
        ask: &PaymentAsk,
        at: DateTime<Utc>,
    ) -> Result<ResolvedPayment, ServicingError> {
        let line = self.line_of(conn, customer_id).await?;
        let accounts = bank_accounts::list_of_customer(conn, customer_id).await?;
        let bank_account_id = choose_bank_account(&accounts, &ask.from)?.id;
        // Today, asked for after the cut-off, is tomorrow; the sheet shows the day that counts.
        check_day(ask.on, self.today())?;
        let (dates, first_on) = self.dating(&line, at)?;
        let on = if ask.on == self.today() { first_on } else { dates.counts_on(ask.on) };
        let (amount, amount_kind) = resolve_amount(&line, ask.amount, on)?;
        let debit_on = banking_day_on_or_after(on);
        let credit_line_id = line.row.id;
        Ok(ResolvedPayment { credit_line_id, bank_account_id, amount, amount_kind, on, debit_on })
    }

    /// Whether this very payment can be scheduled now; answers the line and the bank account.
    pub(crate) async fn check_payment(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
        payment: &ResolvedPayment,
        at: DateTime<Utc>,
    ) -> Result<(Line, BankAccount), ServicingError> {
        let line = self.line_of(conn, customer_id).await?;
        if line.row.id != payment.credit_line_id {
            return Err(Refusal::not_found("credit line").into());
        }
        debits_allowed(conn, customer_id).await?;
        let account = own_bank_account(conn, customer_id, payment.bank_account_id).await?;
        if self.failures(conn, account.id).await?.in_row >= STRIKES {
            self.one_payment_after_strikes(conn, &line, &account).await?;
        }
        check_amount(payment.amount)?;
        check_day(payment.on, self.today())?;
        let (dates, first_on) = self.dating(&line, at)?;
        if payment.on < first_on
            || payment.on != dates.counts_on(payment.on)
            || payment.debit_on != banking_day_on_or_after(payment.on)
        {
            return Err(Refusal::new(
                RefusalCode::DateInPast,
                format!("It is too late to be credited for {}.", date_text(payment.on)),
            )
            .into());
        }
        let payoff = line.payoff(payment.on)?;
        let scheduled = self.scheduled_total(conn, line.row.id).await?;
        if payment.amount + scheduled > payoff {
            let sentence = if scheduled.is_zero() {
                format!(
                    "{} is more than the {payoff} that pays everything off on {}.",
                    payment.amount,
                    date_text(payment.on)
                )
            } else {
                format!(
                    "With {scheduled} scheduled already, {} is more than the {payoff} that pays everything off on {}.",
                    payment.amount,
                    date_text(payment.on)
                )
            };
            return Err(Refusal::new(RefusalCode::AmountOverPayoff, sentence).into());
        }
        Ok((line, account))
    }

    /// The debits of a bank account that came back one after another, as far as is known today.
    pub(crate) async fn failures(
        &self,
        conn: &mut PgConnection,
        bank_account_id: BankAccountId,
    ) -> Result<Failures, ServicingError> {
        let final_through = add_banking_days(self.today(), -FINAL_AFTER_BANKING_DAYS);
        Ok(payments::failures(conn, bank_account_id, final_through).await?)
    }

    /// Schedules a resolved payment in the caller's transaction.
    pub(crate) async fn schedule_in(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        customer_id: CustomerId,
        payment: &ResolvedPayment,
        intent_id: Option<IntentId>,
    ) -> Result<ReceiptRow, ServicingError> {
        self.hold_line(conn, payment.credit_line_id).await?;
        let now = self.now();
        let (_, account) = self.check_payment(conn, customer_id, payment, now).await?;
        let id = PaymentId::mint(now);
        let row = PaymentRow {
            id,
            credit_line_id: payment.credit_line_id,
            customer_id,
            bank_account_id: account.id,
            reference: reference("PAY", id.as_uuid()),
            amount: payment.amount,
            amount_kind: payment.amount_kind,
            authorised_on: payment.on,
            debit_on: payment.debit_on,
            status: PaymentStatus::Scheduled,
            file_key: None,
            trace_number: None,
            received_seq: None,
            settle_on: None,
            return_code: None,
            returned_on: None,
            retry_on: None,
            retry_of: None,
            cancel_reason: None,
            refusals: 0,
            authorised_at: now,
            changed_at: now,
        };
        payments::insert(conn, &row).await?;
        let payload = json!({
            "payment_id": id, "reference": row.reference, "amount_cents": row.amount, "amount_kind": row.amount_kind,
            "on": row.authorised_on, "debit_on": row.debit_on, "bank_account_id": account.id,
            "intent_id": intent_id, "authorised": permit,
        });
        let stream = Trail::stream(None, Some(row.credit_line_id));
        self.trail(conn, stream, "payment.scheduled", payload).await?;
        let mut fields = vec![
            shown("amount", "amount", row.amount.to_string()),
            shown("bank_account", "from", bank_account_text(&account)),
            shown("on", "credited on", date_text(row.authorised_on)),
        ];
        if row.debit_on != row.authorised_on {
            fields.push(shown("debit_on", "taken on", date_text(row.debit_on)));
        }
        let text = format!(
            "Your payment of {} from your {} is scheduled for {}.",
            row.amount,
            bank_account_text(&account),
            date_text(row.authorised_on)
        );
        self.receipt_in(conn, &row, intent_id, ("payment_scheduled", text), fields).await
    }

    /// Whether this customer's payment can still be cancelled.
    pub(crate) async fn check_cancellation(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
        payment_id: PaymentId,
    ) -> Result<PaymentRow, ServicingError> {
        let payment = payments::find(conn, payment_id)
            .await?
            .filter(|payment| payment.customer_id == customer_id)
            .ok_or_else(|| Refusal::not_found("payment"))?;
        cancellable(&payment)?;
        Ok(payment)
    }

    /// Cancels a payment in the caller's transaction.
    pub(crate) async fn cancel_in(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        customer_id: CustomerId,
        payment_id: PaymentId,
        (intent_id, reason): (Option<IntentId>, &str),
    ) -> Result<ReceiptRow, ServicingError> {
        let unheld = self.check_cancellation(conn, customer_id, payment_id).await?;
        self.hold_line(conn, unheld.credit_line_id).await?;
        let mut payment = payments::find_for_update(conn, payment_id)
            .await?
            .ok_or_else(|| Refusal::not_found("payment"))?;
        cancellable(&payment)?;
        payment.status = PaymentStatus::Cancelled;
        payment.cancel_reason = Some(reason.to_owned());
        payment.changed_at = self.now();
        payments::update(conn, &payment).await?;
        let payload = json!({
            "payment_id": payment.id, "reference": payment.reference, "intent_id": intent_id, "authorised": permit,
        });
        let stream = Trail::stream(None, Some(payment.credit_line_id));
        self.trail(conn, stream, "payment.cancelled", payload).await?;
        let fields = vec![
            shown("amount", "amount", payment.amount.to_string()),
            shown("on", "was scheduled for", date_text(payment.authorised_on)),
            shown("payment", "payment", payment.reference.clone()),
        ];
        let text = format!(
            "Your payment of {} scheduled for {} is cancelled. Nothing will be taken for it.",
            payment.amount,
            date_text(payment.authorised_on)
        );
        self.receipt_in(conn, &payment, intent_id, ("payment_cancelled", text), fields).await
    }

    async fn receipt_in(
        &self,
        conn: &mut PgConnection,
        payment: &PaymentRow,
        intent_id: Option<IntentId>,
        (kind, text): (&str, String),
        mut fields: Vec<ShownField>,
    ) -> Result<ReceiptRow, ServicingError> {
        let now = self.now();
        let id = ReceiptId::mint(now);
        let reference = reference("RCT", id.as_uuid());
        if kind == "payment_scheduled" {
            fields.push(shown("payment", "payment", payment.reference.clone()));
        }
        let receipt = ReceiptRow {
            id,
            customer_id: payment.customer_id,
            credit_line_id: Some(payment.credit_line_id),
            intent_id,
            kind: kind.to_owned(),
            reference,
            text,
            fields,
            at: now,
        };
        intents::insert_receipt(conn, &receipt).await?;
        Ok(receipt)
    }
}
