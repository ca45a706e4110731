//! Automatic payments: leave to debit for each statement, signed once (12 CFR 1005.10(b)), changed, skipped, taken back.
//!
//! Invariants: one leave stands on a line at a time; what is stored is what was shown, byte for byte; taking it back counts at once
//! and stops whatever has not gone to the bank; it is never a condition of credit. What happens by itself is in `run`, how much is
//! taken in `amount`.

mod amount;
mod discount;
mod end;
mod run;

use chrono::NaiveDate;
use documents::{AutopayAmount as Signed, AutopayRecord, Rendered, autopay_document};
use identity::{AutopayId, BankAccountId, CustomerId};
use money::Cents;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    autopays::{self, AutopayRow, DebitRow, DebitStatus},
    bank_accounts::{self, BankAccount},
    credit_lines, customers,
    intents::ReceiptRow,
    payments::AmountKind,
};

use crate::{
    Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    disclosures::{GivenDocument, addressee, line_reference, no_line, refuse_model, to_keep},
    flags::debits_allowed,
    lines::Line,
    payments::{check_amount, own_bank_account},
    words::{bank_account_text, date_text, shown},
    work::{Begun, Trail, with},
};

/// A debit whose amount varies is told at least so many days ahead (12 CFR 1005.10(d)(1)).
pub const NOTICE_DAYS: u32 = 10;

/// The newest debits, which are shown; more are never underway at once.
const DEBITS_AT_ONCE: i64 = 6;

/// How leave to debit ends by the customer's own word.
pub(crate) const BY_CUSTOMER: &str = "customer";

/// How much is taken for each statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AutopayAmount {
    Minimum,
    Statement,
    Fixed { cents: Cents },
}

/// Automatic payments as they are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutopayAsk {
    pub amount: AutopayAmount,
    pub bank_account_id: BankAccountId,
}

/// What would be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutopayOffer {
    pub bank_account: BankAccount,
    /// The authorisation; its digest is what signing names.
    pub document: GivenDocument,
    /// The day of the first debit, where it is for a statement that has been issued.
    pub first_on: Option<NaiveDate>,
}

/// Automatic payments as they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutopayView {
    pub standing: Option<(AutopayRow, BankAccount)>,
    /// Why the last one ended, where none stands.
    pub ended: Option<AutopayRow>,
    /// Newest statement first.
    pub debits: Vec<DebitRow>,
}

impl AutopayAmount {
    const fn kind(self) -> AmountKind {
        match self {
            Self::Minimum => AmountKind::Minimum,
            Self::Statement => AmountKind::Statement,
            Self::Fixed { .. } => AmountKind::Exact,
        }
    }

    const fn fixed(self) -> Option<Cents> {
        match self {
            Self::Fixed { cents } => Some(cents),
            Self::Minimum | Self::Statement => None,
        }
    }

    const fn signed(self) -> Signed {
        match self {
            Self::Minimum => Signed::Minimum,
            Self::Statement => Signed::StatementBalance,
            Self::Fixed { cents } => Signed::Fixed(cents),
        }
    }

    fn text(self) -> String {
        match self {
            Self::Minimum => "the minimum due".to_owned(),
            Self::Statement => "the statement balance".to_owned(),
            Self::Fixed { cents } => cents.to_string(),
        }
    }
}

impl Servicing {
    /// What the customer would sign, if they signed it now.
    pub async fn offer_autopay(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        ask: AutopayAsk,
    ) -> Result<AutopayOffer, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        refuse_model(caller)?;
        let mut conn = self.store.app().acquire().await?;
        let line = self.line_of(&mut conn, customer_id).await?;
        let (bank_account, rendered) =
            self.check_autopay(&mut conn, &line, customer_id, ask).await?;
        let debits = autopays::list_debits(&mut conn, line.row.id, 1).await?;
        let first_on = run::first_debit(&line.position(self.today())?, &debits);
        let document = to_keep(rendered, self.now()).try_into()?;
        Ok(AutopayOffer { bank_account, document, first_on })
    }

    /// Enrols, or changes what stands: the customer signs the authorisation whose digest they were shown.
    pub async fn set_autopay(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        ask: AutopayAsk,
        digest: &str,
        key: &Key,
    ) -> Result<ReceiptRow, ServicingError> {
        let permit = authorise(caller, UseCase::MoveMoney, Some(customer_id), self.now())?;
        let request = ("set_autopay", customer_id, ask, digest);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let mut line = self.hold_own_line(work.conn(), customer_id).await?;
        let (account, rendered) = self.check_autopay(work.conn(), &line, customer_id, ask).await?;
        if rendered.digest_hex() != digest {
            let sentence = "The authorization reads differently now than when it was shown.";
            return Err(Refusal::new(RefusalCode::IntentChanged, sentence).into());
        }
        let changes = self.end_before(work.conn(), permit, &mut line).await?;
        let autopay = self.sign(work.conn(), &line, ask, rendered).await?;
        self.begin_discount(work.conn(), &mut line, autopay.id).await?;
        let kind = if changes { "autopay.changed" } else { "autopay.enrolled" };
        let amount = ask.amount.fixed();
        let mut payload = told(&autopay, &account, None, amount);
        payload = line.with_rate(payload, self.today())?;
        payload = with(payload, "digest", json!(digest));
        payload = with(payload, "authorised", json!(permit));
        let stream = Trail::stream(None, Some(line.row.id));
        self.trail(work.conn(), stream, kind, payload).await?;
        self.look_at_autopay(work.conn(), &mut line, &autopay).await?;
        let receipt = self.enrolled(work.conn(), (&line, &autopay, &account), ask, changes).await?;
        work.finish(receipt).await
    }

    /// Leaves out the debit of the statement that is due next.
    pub async fn skip_autopay(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        key: &Key,
    ) -> Result<ReceiptRow, ServicingError> {
        let permit = authorise(caller, UseCase::MoveMoney, Some(customer_id), self.now())?;
        let mut work = match self.begin(permit, key, &("skip_autopay", customer_id)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let line = self.hold_own_line(work.conn(), customer_id).await?;
        let id = line.row.id;
        let autopay = autopays::find_standing(work.conn(), id).await?.ok_or_else(no_autopay)?;
        let mut debit = self.open_debit(work.conn(), &autopay).await?.ok_or_else(|| {
            let sentence = "No automatic payment is planned that could be skipped.";
            Refusal::new(RefusalCode::NothingDue, sentence)
        })?;
        self.call_back(work.conn(), permit, &debit, "customer").await?;
        (debit.status, debit.payment_id) = (DebitStatus::Skipped, None);
        debit.changed_at = self.now();
        autopays::update_debit(work.conn(), &debit).await?;
        let account = self.account_of(work.conn(), &autopay).await?;
        let mut payload = told(&autopay, &account, Some(&debit), None);
        payload = with(payload, "authorised", json!(permit));
        self.trail(work.conn(), Trail::stream(None, Some(id)), "autopay.skipped", payload).await?;
        autopays::look_next_on(work.conn(), id, self.today()).await?;
        let minimum = line.position(self.today())?.minimum_due;
        let due = date_text(debit.pays_on);
        let still = if minimum.is_positive() {
            format!(" The minimum of {minimum} is still due on {due}.")
        } else {
            String::new()
        };
        let text = format!("The automatic payment of {due} is skipped.{still}");
        let fields = vec![shown("on", "skipped", due)];
        let of = (customer_id, id);
        let receipt = self.keep_receipt(work.conn(), of, ("autopay_skipped", text), fields).await?;
        work.finish(receipt).await
    }

    /// Takes the leave back (12 CFR 1005.10(c)): from now on nothing is taken under it that has not gone to the bank.
    pub async fn cancel_autopay(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        key: &Key,
    ) -> Result<ReceiptRow, ServicingError> {
        // As a right: whoever is known by a channel of theirs may say stop.
        let permit = authorise(caller, UseCase::Protect, Some(customer_id), self.now())?;
        refuse_model(caller)?;
        let mut work = match self.begin(permit, key, &("cancel_autopay", customer_id)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        // The line is held, and not worked out: a history that cannot be read is no reason to go on taking money.
        let line = self.hold_line_of(work.conn(), customer_id).await?.ok_or_else(no_line)?;
        let autopay =
            autopays::find_standing(work.conn(), line.id).await?.ok_or_else(no_autopay)?;
        let gone = self.revoke_autopay(work.conn(), permit, &autopay).await?;
        let mut text =
            "Your automatic payments are cancelled. Nothing more will be taken under them."
                .to_owned();
        if gone {
            text.push_str(" One payment has gone to the bank already and cannot be called back.");
        }
        let of = (customer_id, line.id);
        let receipt =
            self.keep_receipt(work.conn(), of, ("autopay_cancelled", text), Vec::new()).await?;
        work.finish(receipt).await
    }

    /// Automatic payments as they stand, and what became of the last statements.
    pub async fn autopay(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<AutopayView, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        refuse_model(caller)?;
        let mut conn = self.store.app().acquire().await?;
        let line = credit_lines::find_of_customer(&mut conn, customer_id).await?;
        let line = line.ok_or_else(no_line)?;
        let mut all = autopays::list_of_line(&mut conn, line.id).await?.into_iter();
        let debits = autopays::list_debits(&mut conn, line.id, DEBITS_AT_ONCE).await?;
        let Some(mut newest) = all.next() else {
            return Ok(AutopayView { standing: None, ended: None, debits });
        };
        if newest.ended_at.is_none()
            && let Some((reason, _)) = self.ends_by_itself(&mut conn, &newest).await?
        {
            // As it will be recorded when it is looked at next.
            (newest.ended_at, newest.end_reason) = (Some(self.now()), Some(reason.to_owned()));
        }
        if newest.ended_at.is_some() {
            return Ok(AutopayView { standing: None, ended: Some(newest), debits });
        }
        let account = self.account_of(&mut conn, &newest).await?;
        Ok(AutopayView { standing: Some((newest, account)), ended: None, debits })
    }

    /// What was signed, byte for byte.
    pub async fn autopay_document(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        id: AutopayId,
    ) -> Result<GivenDocument, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        refuse_model(caller)?;
        let mut conn = self.store.app().acquire().await?;
        let kept = autopays::find_document(&mut conn, customer_id, id).await?;
        kept.ok_or_else(|| Refusal::not_found("authorization"))?.try_into()
    }

    /// The customer's line, held and loaded.
    pub(crate) async fn hold_own_line(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
    ) -> Result<Line, ServicingError> {
        let row = self.hold_line_of(conn, customer_id).await?.ok_or_else(no_line)?;
        self.load_line(conn, row.id).await
    }

    /// Whether this could be signed now; answers the account and the authorisation.
    async fn check_autopay(
        &self,
        conn: &mut PgConnection,
        line: &Line,
        customer_id: CustomerId,
        ask: AutopayAsk,
    ) -> Result<(BankAccount, Rendered), ServicingError> {
        debits_allowed(conn, customer_id).await?;
        if let AutopayAmount::Fixed { cents } = ask.amount {
            check_amount(cents)?;
        }
        let account = own_bank_account(conn, customer_id, ask.bank_account_id).await?;
        let customer = customers::find(conn, customer_id)
            .await?
            .ok_or_else(|| Refusal::not_found("customer"))?;
        let from = format!("{} at {}", bank_account_text(&account), account.bank_name);
        let record = AutopayRecord {
            customer: &addressee(&customer),
            line_reference: &line_reference(line.row.id),
            amount: ask.amount.signed(),
            bank_account: &from,
            signed_on: self.today(),
            notice_days: NOTICE_DAYS,
            discount: line.autopay_discount(),
        };
        let rendered = autopay_document(&record, &self.lender.creditor)
            .html()
            .map_err(ServicingError::engine)?;
        Ok((account, rendered))
    }

    /// Stores what was signed, and puts what is planned under it.
    async fn sign(
        &self,
        conn: &mut PgConnection,
        line: &Line,
        ask: AutopayAsk,
        rendered: Rendered,
    ) -> Result<AutopayRow, ServicingError> {
        let (now, today) = (self.now(), self.today());
        let autopay = AutopayRow {
            id: AutopayId::mint(now),
            credit_line_id: line.row.id,
            customer_id: line.row.customer_id,
            bank_account_id: ask.bank_account_id,
            amount_kind: ask.amount.kind(),
            amount: ask.amount.fixed(),
            authorised_at: now,
            looks_next_on: today,
            ended_at: None,
            end_reason: None,
        };
        autopays::insert(conn, &autopay, &to_keep(rendered, now)).await?;
        for mut debit in autopays::list_debits(conn, line.row.id, DEBITS_AT_ONCE).await? {
            if debit.status != DebitStatus::Planned {
                continue;
            }
            debit.autopay_id = autopay.id;
            if run::in_time_for_notice(debit.pays_on, today) {
                (debit.noticed_at, debit.noticed) = (None, None);
            }
            debit.changed_at = now;
            autopays::update_debit(conn, &debit).await?;
        }
        Ok(autopay)
    }

    async fn enrolled(
        &self,
        conn: &mut PgConnection,
        (line, autopay, account): (&Line, &AutopayRow, &BankAccount),
        ask: AutopayAsk,
        changes: bool,
    ) -> Result<ReceiptRow, ServicingError> {
        let next = self.open_debit(conn, autopay).await?;
        let from = bank_account_text(account);
        let first = match &next {
            Some(debit) => format!("The next one is on {}.", date_text(debit.pays_on)),
            None => {
                "The first one is for your next statement; until then, pay by yourself what is due."
                    .to_owned()
            }
        };
        let verb = if changes { "changed" } else { "set up" };
        let text = format!(
            "Automatic payments of {} from your {from} are {verb}. {first}",
            ask.amount.text()
        );
        let mut fields =
            vec![shown("amount", "amount", ask.amount.text()), shown("bank_account", "from", from)];
        if let Some(debit) = next {
            fields.push(shown("on", "next on", date_text(debit.pays_on)));
        }
        let kind = if changes { "autopay_changed" } else { "autopay_enrolled" };
        let of = (line.row.customer_id, line.row.id);
        self.keep_receipt(conn, of, (kind, text), fields).await
    }

    async fn account_of(
        &self,
        conn: &mut PgConnection,
        autopay: &AutopayRow,
    ) -> Result<BankAccount, ServicingError> {
        bank_accounts::find(conn, autopay.bank_account_id)
            .await?
            .ok_or(ServicingError::Stored { what: "bank account", source: None })
    }
}

/// What the outside world is told of automatic payments.
fn told(
    autopay: &AutopayRow,
    account: &BankAccount,
    debit: Option<&DebitRow>,
    amount: Option<Cents>,
) -> serde_json::Value {
    json!({
        "autopay_id": autopay.id, "customer_id": autopay.customer_id, "credit_line_id": autopay.credit_line_id,
        "amount_kind": autopay.amount_kind, "amount_cents": amount, "on": debit.map(|debit| debit.pays_on),
        "bank_account_id": account.id, "bank_account_ending": account.ending,
        "statement_number": debit.map(|debit| debit.statement_number),
    })
}

fn no_autopay() -> Refusal {
    Refusal::not_found("automatic payment")
}
