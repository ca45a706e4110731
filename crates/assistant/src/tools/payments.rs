//! Payments: what there are, and proposals to schedule or cancel one.

use calendar::SpokenDate;
use chrono::NaiveDate;
use money::Cents;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use servicing::{
    Servicing,
    intents::Action,
    payments::{AmountAsk, BankAccountAsk, PaymentAsk, PaymentView},
    words::bank_account_text,
};
use toolkit::{
    Answers, Conversation, Effect, Findings, Proposal, Proposes, Tool, ToolError, ToolErrorKind,
    reading::{self, Reading},
};

use super::{caller, failed, line::Nothing};

pub(super) struct ListPayments(pub(super) Servicing);

const PAYMENTS_MAX: usize = 10;

#[derive(Serialize, JsonSchema)]
pub(super) struct Payments {
    payments: Vec<Payment>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Payment {
    reference: String,
    amount: i64,
    on: NaiveDate,
    bank_account: String,
    status: String,
    return_code: Option<String>,
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
        let views = list(&self.0, conversation).await?;
        let payments = views
            .into_iter()
            .take(PAYMENTS_MAX)
            .map(|view| Payment {
                bank_account: bank_account_text(&view.bank_account),
                reference: view.payment.reference,
                amount: view.payment.amount.get(),
                on: view.payment.authorised_on,
                status: view.payment.status.to_string(),
                return_code: view.payment.return_code,
            })
            .collect();
        Ok(Payments { payments }.into())
    }
}

async fn list(
    servicing: &Servicing,
    conversation: &Conversation,
) -> Result<Vec<PaymentView>, ToolError> {
    servicing.list_payments(caller(conversation), conversation.customer).await.map_err(failed)
}

pub(super) struct SchedulePayment(pub(super) Servicing);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PaymentWish {
    amount: Amount,
    on: SpokenDate,
    /// Which bank account, as the person named it.
    from: Option<String>,
}

/// An amount in the person's words, or one that the engine resolves.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Amount {
    kind: AmountKind,
    /// For `exact` alone: the amount as it was said.
    #[schemars(extend("format" = "amount"))]
    value: Option<String>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum AmountKind {
    Exact,
    Minimum,
    Statement,
    Payoff,
}

impl Amount {
    fn ask(&self) -> Result<AmountAsk, ToolError> {
        match (self.kind, self.value.as_deref()) {
            (AmountKind::Exact, Some(said)) => Ok(AmountAsk::Exact { cents: cents(said)? }),
            (AmountKind::Exact, None) => {
                Err(ToolError::new(ToolErrorKind::InvalidArgs, "an exact amount needs its value"))
            }
            (AmountKind::Minimum, _) => Ok(AmountAsk::Minimum),
            (AmountKind::Statement, _) => Ok(AmountAsk::Statement),
            (AmountKind::Payoff, _) => Ok(AmountAsk::Payoff),
        }
    }
}

/// Reads "$50", "50.00" or "fifty dollars": exactly one amount.
fn cents(said: &str) -> Result<Cents, ToolError> {
    if let Ok(amount) = Cents::parse_dollars(said) {
        return Ok(amount);
    }
    let unclear =
        || ToolError::refused(format!("\"{said}\" is not one amount of dollars and cents."));
    let figures = reading::figures(said);
    let [figure] = figures.as_slice() else { return Err(unclear()) };
    match &figure.value {
        Reading::Money(amount) => Ok(*amount),
        Reading::Number(micros) if micros % 10_000 == 0 => {
            i64::try_from(micros / 10_000).map(Cents::new).map_err(|_| unclear())
        }
        _ => Err(unclear()),
    }
}

impl Tool for SchedulePayment {
    type Args = PaymentWish;
    const NAME: &'static str = "schedule_payment";
}

impl Proposes for SchedulePayment {
    async fn propose(
        &self,
        conversation: &Conversation,
        args: PaymentWish,
    ) -> Result<Proposal, ToolError> {
        let on = args
            .on
            .resolve(conversation.today)
            .map_err(|error| ToolError::refused(format!("{error}.")))?;
        let ask = PaymentAsk {
            amount: args.amount.ask()?,
            on,
            from: args.from.map_or(BankAccountAsk::Only, BankAccountAsk::Named),
        };
        let preview = self
            .0
            .preview_payment(caller(conversation), conversation.customer, &ask)
            .await
            .map_err(failed)?;
        let payment = preview.payment;
        let shown = json!({
            "amount": payment.amount,
            "bank_account": bank_account_text(&preview.bank_account),
            "on": payment.on,
            "debit_on": Some(payment.debit_on).filter(|debit_on| *debit_on != payment.on),
            "total_owed": preview.total_owed,
            "total_owed_after": preview.total_owed_after,
            "minimum_due": preview.minimum_due,
            "due_on": preview.due_on,
        });
        let amount = payment.amount;
        Ok(Proposal {
            effect: Effect::MovesMoney(amount),
            arguments: arguments(Action::SchedulePayment(payment))?,
            shown,
            subject: "schedule_payment".to_owned(),
        })
    }
}

fn arguments(action: Action) -> Result<serde_json::Value, ToolError> {
    serde_json::to_value(action)
        .map_err(|error| ToolError::new(ToolErrorKind::Unavailable, error.to_string()))
}

pub(super) struct CancelPayment(pub(super) Servicing);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhichPayment {
    /// Its reference, its amount or its day, as the person named it.
    payment: Option<String>,
}

impl Tool for CancelPayment {
    type Args = WhichPayment;
    const NAME: &'static str = "cancel_payment";
}

impl Proposes for CancelPayment {
    async fn propose(
        &self,
        conversation: &Conversation,
        args: WhichPayment,
    ) -> Result<Proposal, ToolError> {
        let scheduled: Vec<PaymentView> = list(&self.0, conversation)
            .await?
            .into_iter()
            .filter(|view| view.payment.status.as_str() == "scheduled")
            .collect();
        let chosen = choose(scheduled, args.payment.as_deref(), conversation.today)?;
        let cancellation = self
            .0
            .preview_cancellation(caller(conversation), conversation.customer, chosen.payment.id)
            .await
            .map_err(failed)?;
        let shown = json!({
            "amount": chosen.payment.amount,
            "on": chosen.payment.authorised_on,
            "bank_account": bank_account_text(&chosen.bank_account),
            "reference": chosen.payment.reference,
        });
        Ok(Proposal {
            effect: Effect::Writes,
            arguments: arguments(Action::CancelPayment(cancellation))?,
            shown,
            subject: format!("cancel_payment:{}", chosen.payment.id),
        })
    }
}

/// The one scheduled payment that was meant.
fn choose(
    mut scheduled: Vec<PaymentView>,
    said: Option<&str>,
    today: NaiveDate,
) -> Result<PaymentView, ToolError> {
    if scheduled.is_empty() {
        return Err(ToolError::refused("There is no scheduled payment that could be cancelled."));
    }
    if scheduled.len() > 1
        && let Some(said) = said
    {
        let amounts = reading::figures(said);
        let days = reading::spoken_dates(said, today);
        scheduled.retain(|view| {
            said.to_uppercase().contains(&view.payment.reference)
                || amounts.iter().any(|figure| figure.value.is_amount(view.payment.amount))
                || days.contains(&view.payment.authorised_on)
        });
    }
    match <[PaymentView; 1]>::try_from(scheduled) {
        Ok([one]) => Ok(one),
        Err(several) if several.is_empty() => Err(ToolError::refused(
            "No scheduled payment fits that. Name its amount, day or reference.",
        )),
        Err(_) => Err(ToolError::refused(
            "There is more than one scheduled payment. Name its amount, day or reference.",
        )),
    }
}
