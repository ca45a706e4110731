//! Payments as the customer sees them: resolved, scheduled, cancelled, listed. What the bank does is in `release`.
//!
//! Rules: SPEC §1.5 (cut-off 17:00 local, then the next calendar day), §3.1 (cancelled any time before the file leaves),
//! §3.2 (never debited early; on a day that is no banking day the bank is asked on the next one, and the customer is
//! credited as of the day they chose), §3.3 (two failed debits in a row), §3.6 (flags).

use calendar::{add_banking_days, banking_day_on_or_after, effective_on};
use chrono::{DateTime, Days, NaiveDate, Utc};
use identity::{BankAccountId, CreditLineId, CustomerId, IntentId, PaymentId, ReceiptId};
use money::Cents;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    bank_accounts::{self, BankAccount, BankAccountStatus},
    cases,
    intents::{self, ReceiptRow, ShownField},
    payments::{self, AmountKind, Failures, PaymentRow, PaymentStatus},
};

use crate::{
    Authorised, Caller, CaseKind, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase,
    authorise,
    flags::debits_allowed,
    lines::Line,
    reference::reference,
    words::{bank_account_text, date_text, shown},
    work::{Begun, Trail},
};

/// Beyond this no consumer line goes: a slip of the finger.
const AMOUNT_MAX: Cents = Cents::new(100_000_000);

/// How far ahead a payment can be scheduled.
const AHEAD_DAYS_MAX: u64 = 365;

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
    /// The only one there is.
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
        let receipt = self.cancel_in(work.conn(), permit, customer_id, payment_id, None).await?;
        work.finish(receipt).await
    }

    /// The customer's payments, newest first. One that a stop-payment case holds back is shown as cancelled.
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
            if payment.status == PaymentStatus::Scheduled && revoked(&mut conn, &payment).await? {
                payment.status = PaymentStatus::Cancelled;
                payment.cancel_reason = Some(CaseKind::StopPayment.as_str().to_owned());
            }
            views.push(view(&mut conn, payment).await?);
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

    /// The first day for which a payment completed at `at` can be credited.
    fn first_day(&self, line: &Line, at: DateTime<Utc>) -> NaiveDate {
        effective_on(at, line.terms.product.dates.cut_off, self.zone)
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
        let on = if ask.on == self.today() { self.first_day(&line, at) } else { ask.on };
        check_day(on, self.today())?;
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
        if payment.on < self.first_day(&line, at)
            || payment.debit_on != banking_day_on_or_after(payment.on)
        {
            return Err(Refusal::new(
                RefusalCode::DateInPast,
                format!("It is too late to be credited for {}.", date_text(payment.on)),
            )
            .into());
        }
        let payoff = line.payoff(payment.on)?;
        let scheduled = payments::scheduled_total(conn, line.row.id).await?;
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

    /// After two failed debits in a row, one payment authorised since then may be tried, and no second beside it.
    async fn one_payment_after_strikes(
        &self,
        conn: &mut PgConnection,
        line: &Line,
        account: &BankAccount,
    ) -> Result<(), ServicingError> {
        let underway = payments::list_of_line(conn, line.row.id).await?.iter().any(|payment| {
            payment.bank_account_id == account.id
                && matches!(
                    payment.status,
                    PaymentStatus::Scheduled | PaymentStatus::Pending | PaymentStatus::Released
                )
        });
        if underway {
            return Err(Refusal::new(
                RefusalCode::BankAccountDisabled,
                "The last two payments from this bank account came back, so only one can be tried at a time.",
            )
            .into());
        }
        Ok(())
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
        self.receipt_in(conn, &row, intent_id, "payment_scheduled", text, fields).await
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
        intent_id: Option<IntentId>,
    ) -> Result<ReceiptRow, ServicingError> {
        let mut payment = payments::find_for_update(conn, payment_id)
            .await?
            .filter(|payment| payment.customer_id == customer_id)
            .ok_or_else(|| Refusal::not_found("payment"))?;
        cancellable(&payment)?;
        payment.status = PaymentStatus::Cancelled;
        payment.cancel_reason = Some("customer".to_owned());
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
        self.receipt_in(conn, &payment, intent_id, "payment_cancelled", text, fields).await
    }

    async fn receipt_in(
        &self,
        conn: &mut PgConnection,
        payment: &PaymentRow,
        intent_id: Option<IntentId>,
        kind: &str,
        text: String,
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

/// Whether the customer revoked the authorisation of a payment after giving it.
pub(crate) async fn revoked(
    conn: &mut PgConnection,
    payment: &PaymentRow,
) -> Result<bool, ServicingError> {
    let case = cases::find_open(conn, payment.customer_id, CaseKind::StopPayment.as_str()).await?;
    Ok(case.is_some_and(|case| payment.authorised_at <= case.opened_at))
}

async fn view(conn: &mut PgConnection, payment: PaymentRow) -> Result<PaymentView, ServicingError> {
    let bank_account = bank_accounts::find(conn, payment.bank_account_id)
        .await?
        .ok_or(ServicingError::Stored { what: "bank account", source: None })?;
    Ok(PaymentView { payment, bank_account })
}

pub(crate) async fn own_bank_account(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    id: BankAccountId,
) -> Result<BankAccount, ServicingError> {
    let account = bank_accounts::find(conn, id)
        .await?
        .filter(|account| account.customer_id == customer_id)
        .ok_or_else(unknown_bank_account)?;
    if account.status == BankAccountStatus::Disabled {
        return Err(Refusal::new(
            RefusalCode::BankAccountDisabled,
            format!("Your {} can no longer be used.", bank_account_text(&account)),
        )
        .into());
    }
    Ok(account)
}

fn unknown_bank_account() -> Refusal {
    Refusal::new(RefusalCode::BankAccountUnknown, "There is no such bank account on file.")
}

/// The one account that is meant, of those that can be used.
fn choose_bank_account<'a>(
    accounts: &'a [BankAccount],
    ask: &BankAccountAsk,
) -> Result<&'a BankAccount, Refusal> {
    let usable = |account: &&BankAccount| account.status == BankAccountStatus::Verified;
    let found: Vec<&BankAccount> = match ask {
        // Whether it can be used is said when the payment is checked.
        BankAccountAsk::Id(id) => accounts.iter().filter(|account| account.id == *id).collect(),
        BankAccountAsk::Named(name) => {
            let name = name.to_lowercase();
            accounts.iter().filter(usable).filter(|account| named(account, &name)).collect()
        }
        BankAccountAsk::Only => accounts.iter().filter(usable).collect(),
    };
    match found.as_slice() {
        [] => Err(unknown_bank_account()),
        [account] => Ok(account),
        several => {
            let texts: Vec<_> = several.iter().map(|account| bank_account_text(account)).collect();
            Err(Refusal::new(
                RefusalCode::BankAccountAmbiguous,
                format!("There is more than one such bank account: {}.", texts.join(", ")),
            ))
        }
    }
}

/// Whether the words, in lower case, name this account: each of its kind, ending and bank that is mentioned fits.
fn named(account: &BankAccount, words: &str) -> bool {
    let digits: String = words.chars().filter(char::is_ascii_digit).collect();
    let ending_fits = digits.is_empty() || digits.ends_with(&account.ending);
    let mentioned = |any: &[&str]| any.iter().any(|word| words.contains(word));
    let checking = mentioned(&["check", "corriente", "cheques"]);
    let savings = mentioned(&["saving", "ahorro"]);
    let kind_fits = match account.kind {
        bank_accounts::BankAccountKind::Checking => checking || !savings,
        bank_accounts::BankAccountKind::Savings => savings || !checking,
    };
    let bank = mentioned(&[account.bank_name.to_lowercase().as_str()]);
    ending_fits && kind_fits && (!digits.is_empty() || checking || savings || bank)
}

fn resolve_amount(
    line: &Line,
    ask: AmountAsk,
    on: NaiveDate,
) -> Result<(Cents, AmountKind), ServicingError> {
    let nothing = |what: &str| {
        ServicingError::from(Refusal::new(
            RefusalCode::NothingDue,
            format!("There is nothing left to pay of the {what}."),
        ))
    };
    let (amount, kind, what) = match ask {
        AmountAsk::Exact { cents } => {
            check_amount(cents)?;
            return Ok((cents, AmountKind::Exact));
        }
        AmountAsk::Minimum => (line.position(on)?.minimum_due, AmountKind::Minimum, "minimum"),
        AmountAsk::Statement => {
            (line.statement_balance_left(on)?, AmountKind::Statement, "statement balance")
        }
        AmountAsk::Payoff => (line.payoff(on)?, AmountKind::Payoff, "balance"),
    };
    if amount.is_positive() { Ok((amount, kind)) } else { Err(nothing(what)) }
}

fn check_amount(amount: Cents) -> Result<(), Refusal> {
    if !amount.is_positive() {
        return Err(Refusal::new(
            RefusalCode::AmountNotPositive,
            format!("{amount} is not an amount that can be paid."),
        ));
    }
    if amount > AMOUNT_MAX {
        return Err(Refusal::new(
            RefusalCode::AmountTooLarge,
            format!("{amount} is more than can be paid at once."),
        ));
    }
    Ok(())
}

fn check_day(on: NaiveDate, today: NaiveDate) -> Result<(), Refusal> {
    if on < today {
        return Err(Refusal::new(
            RefusalCode::DateInPast,
            format!("{} has passed.", date_text(on)),
        ));
    }
    if today.checked_add_days(Days::new(AHEAD_DAYS_MAX)).is_none_or(|last| on > last) {
        return Err(Refusal::new(
            RefusalCode::DateTooFar,
            format!("{} is too far ahead.", date_text(on)),
        ));
    }
    Ok(())
}

fn cancellable(payment: &PaymentRow) -> Result<(), Refusal> {
    let sentence = match payment.status {
        PaymentStatus::Scheduled => return Ok(()),
        PaymentStatus::Pending | PaymentStatus::Released => "This payment has gone to the bank.",
        PaymentStatus::Settled => "This payment was made.",
        PaymentStatus::Returned => "This payment came back from the bank.",
        PaymentStatus::Cancelled => "This payment is cancelled already.",
    };
    Err(Refusal::new(RefusalCode::CannotCancel, sentence))
}

#[cfg(test)]
mod tests;
