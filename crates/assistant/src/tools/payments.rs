//! Payments: listed, and proposed to be scheduled or cancelled.

use calendar::SpokenDate;
use chrono::NaiveDate;
use identity::PaymentId;
use money::Cents;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use servicing::{
    Action, BankAccountAsk, PaymentAsk, payments::PaymentView, words::bank_account_text,
};
use store::payments::PaymentStatus;
use toolkit::{
    Answers, Conversation, Effect, Findings, Proposal, Proposes, Tool, ToolError, ToolErrorKind,
};

use super::{
    Amount, Means,
    amount::cents,
    caller,
    line::{Nothing, resolve},
    tool_error,
};

const LISTED_MAX: usize = 12;

pub(super) struct ListPayments(pub(super) Means);

#[derive(Serialize, JsonSchema)]
pub(super) struct Payments {
    payments: Vec<Listed>,
}

#[derive(Serialize, JsonSchema)]
struct Listed {
    #[schemars(with = "i64")]
    amount: Cents,
    on: NaiveDate,
    bank_account: String,
    status: String,
    reference: String,
    /// The first day on which a payment that came back may be tried once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_on: Option<NaiveDate>,
    /// The reference of the payment that this one tries again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retries: Option<String>,
}

impl Tool for ListPayments {
    type Args = Nothing;
    const NAME: &'static str = "list_payments";
}

impl Answers for ListPayments {
    type Output = Payments;

    async fn answer(
        &self,
        conversation: &Conversation,
        _: Nothing,
    ) -> Result<Findings<Payments>, ToolError> {
        let payments = listed(&self.0, conversation).await?;
        let reference_of = |id: PaymentId| {
            let payment = payments.iter().map(|view| &view.payment).find(|one| one.id == id)?;
            Some(payment.reference.clone())
        };
        let payments = payments.iter().take(LISTED_MAX).map(|view| Listed {
            amount: view.payment.amount,
            on: view.payment.authorised_on,
            bank_account: bank_account_text(&view.bank_account),
            status: view.payment.status.as_str().to_owned(),
            reference: view.payment.reference.clone(),
            retry_on: view.payment.retry_on,
            retries: view.payment.retry_of.and_then(reference_of),
        });
        Ok(Payments { payments: payments.collect() }.into())
    }
}

async fn listed(means: &Means, conversation: &Conversation) -> Result<Vec<PaymentView>, ToolError> {
    let payments = means.servicing.list_payments(caller(conversation), conversation.customer).await;
    payments.map_err(|error| tool_error(&error))
}

pub(super) struct SchedulePayment(pub(super) Means);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleArgs {
    amount: Amount,
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "spoken-date"))]
    on: Option<SpokenDate>,
    #[serde(default)]
    #[schemars(extend("format" = "bank-account"))]
    from: Option<String>,
}

impl Tool for SchedulePayment {
    type Args = ScheduleArgs;
    const NAME: &'static str = "schedule_payment";
}

impl Proposes for SchedulePayment {
    async fn propose(
        &self,
        conversation: &Conversation,
        args: ScheduleArgs,
    ) -> Result<Proposal, ToolError> {
        let on = match &args.on {
            Some(spoken) => resolve(spoken, conversation)?,
            None => conversation.today,
        };
        let from = args.from.map_or(BankAccountAsk::Only, BankAccountAsk::Named);
        let ask = PaymentAsk { amount: args.amount.ask()?, on, from };
        let preview = self
            .0
            .servicing
            .preview_payment(caller(conversation), conversation.customer, &ask)
            .await
            .map_err(|error| tool_error(&error))?;
        let shown = json!({
            "amount": preview.payment.amount,
            "on": preview.payment.on,
            "debit_on": preview.payment.debit_on,
            "bank_account": bank_account_text(&preview.bank_account),
            "total_owed_after": preview.total_owed_after,
        });
        Ok(Proposal {
            effect: Effect::MovesMoney(preview.payment.amount),
            arguments: stored(&Action::SchedulePayment(preview.payment))?,
            shown,
            subject: "payment".to_owned(),
        })
    }
}

pub(super) struct CancelPayment(pub(super) Means);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelArgs {
    #[serde(default)]
    #[schemars(extend("format" = "reference"))]
    payment: Option<String>,
    #[serde(default)]
    #[schemars(extend("format" = "amount"))]
    amount: Option<String>,
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "spoken-date"))]
    on: Option<SpokenDate>,
}

impl Tool for CancelPayment {
    type Args = CancelArgs;
    const NAME: &'static str = "cancel_payment";
}

impl Proposes for CancelPayment {
    async fn propose(
        &self,
        conversation: &Conversation,
        args: CancelArgs,
    ) -> Result<Proposal, ToolError> {
        let payment = self.meant(conversation, &args).await?;
        let (cancellation, view) = self
            .0
            .servicing
            .preview_cancellation(caller(conversation), conversation.customer, payment.payment.id)
            .await
            .map_err(|error| tool_error(&error))?;
        let shown = json!({
            "amount": view.payment.amount,
            "on": view.payment.authorised_on,
            "reference": view.payment.reference,
            "bank_account": bank_account_text(&view.bank_account),
        });
        Ok(Proposal {
            effect: Effect::Writes,
            arguments: stored(&Action::CancelPayment(cancellation))?,
            shown,
            subject: "cancellation".to_owned(),
        })
    }
}

impl CancelPayment {
    /// The one payment that fits what was said.
    async fn meant(
        &self,
        conversation: &Conversation,
        args: &CancelArgs,
    ) -> Result<PaymentView, ToolError> {
        let on = args.on.as_ref().map(|spoken| resolve(spoken, conversation)).transpose()?;
        let amount = args.amount.as_deref().map(cents).transpose()?;
        let payments = listed(&self.0, conversation).await?;
        let fits = |view: &PaymentView| {
            let payment = &view.payment;
            args.payment.as_ref().is_none_or(|said| said.eq_ignore_ascii_case(&payment.reference))
                && on.is_none_or(|on| on == payment.authorised_on)
                && amount.is_none_or(|amount| amount == payment.amount)
        };
        let mut scheduled: Vec<PaymentView> = payments
            .into_iter()
            .filter(|view| view.payment.status == PaymentStatus::Scheduled && fits(view))
            .collect();
        match (scheduled.pop(), scheduled.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(_), false) => Err(ToolError::refused(
                "More than one scheduled payment fits. Say which one, by its reference, its amount or its day.",
            )),
            (None, _) => Err(ToolError::refused("No scheduled payment fits that.")),
        }
    }
}

fn stored(action: &Action) -> Result<serde_json::Value, ToolError> {
    serde_json::to_value(action)
        .map_err(|error| ToolError::new(ToolErrorKind::Unavailable, error.to_string()))
}
