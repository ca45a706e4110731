//! Reads of the credit line.

use calendar::SpokenDate;
use chrono::NaiveDate;
use money::Cents;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use servicing::Servicing;
use toolkit::{Answers, Conversation, Findings, Tool, ToolError};

use super::{caller, failed};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Amounts that say nothing when they are zero are left out.
fn unless_zero(amount: Cents) -> Option<i64> {
    Some(amount.get()).filter(|cents| *cents != 0)
}

pub(super) struct GetBalance(pub(super) Servicing);

#[derive(Serialize, JsonSchema)]
pub(super) struct Balance {
    total_owed: i64,
    principal_balance: i64,
    billed_interest: i64,
    accrued_interest: i64,
    fees: Option<i64>,
    credit_balance: Option<i64>,
    available_credit: i64,
    held_credit: Option<i64>,
    credit_limit: i64,
    statement_balance: i64,
    apr: u32,
    as_of: NaiveDate,
}

impl Tool for GetBalance {
    type Args = Nothing;
    const NAME: &'static str = "get_balance";
}

impl Answers for GetBalance {
    type Output = Balance;

    async fn answer(
        &self,
        conversation: &Conversation,
        _: Nothing,
    ) -> Result<Findings<Balance>, ToolError> {
        let view =
            self.0.position(caller(conversation), conversation.customer).await.map_err(failed)?;
        let position = view.position;
        Ok(Balance {
            total_owed: position.total_owed.get(),
            principal_balance: position.principal_balance.get(),
            billed_interest: position.billed_interest.get(),
            accrued_interest: position.accrued_interest.get(),
            fees: unless_zero(position.all_fees()),
            credit_balance: unless_zero(position.credit_balance),
            available_credit: position.available_credit.get(),
            held_credit: unless_zero(position.held_credit),
            credit_limit: position.credit_limit.get(),
            statement_balance: view.statement_balance_left.get(),
            apr: position.apr.ppm(),
            as_of: conversation.today,
        }
        .into())
    }
}

pub(super) struct GetPaymentSchedule(pub(super) Servicing);

#[derive(Serialize, JsonSchema)]
pub(super) struct PaymentSchedule {
    minimum_due: i64,
    due_on: Option<NaiveDate>,
    past_due: Option<i64>,
    days_past_due: Option<u32>,
    statement_balance: i64,
    next_statement_on: NaiveDate,
    next_due_on: NaiveDate,
    scheduled: Vec<ScheduledPayment>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ScheduledPayment {
    amount: i64,
    on: NaiveDate,
}

impl Tool for GetPaymentSchedule {
    type Args = Nothing;
    const NAME: &'static str = "get_payment_schedule";
}

impl Answers for GetPaymentSchedule {
    type Output = PaymentSchedule;

    async fn answer(
        &self,
        conversation: &Conversation,
        _: Nothing,
    ) -> Result<Findings<PaymentSchedule>, ToolError> {
        let caller = caller(conversation);
        let customer = conversation.customer;
        let view = self.0.position(caller, customer).await.map_err(failed)?;
        let payments = self.0.list_payments(caller, customer).await.map_err(failed)?;
        let position = view.position;
        Ok(PaymentSchedule {
            minimum_due: position.minimum_due.get(),
            due_on: position.due_on,
            past_due: unless_zero(position.past_due),
            days_past_due: Some(position.days_past_due).filter(|days| *days > 0),
            statement_balance: view.statement_balance_left.get(),
            next_statement_on: position.cycle.closes_on,
            next_due_on: position.next_due_on,
            scheduled: payments
                .iter()
                .filter(|view| view.payment.status.as_str() == "scheduled")
                .map(|view| ScheduledPayment {
                    amount: view.payment.amount.get(),
                    on: view.payment.authorised_on,
                })
                .collect(),
        }
        .into())
    }
}

pub(super) struct GetPayoffQuote(pub(super) Servicing);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PayoffDay {
    on: Option<SpokenDate>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Payoff {
    payoff: i64,
    on: NaiveDate,
    good_through_on: NaiveDate,
    per_diem: String,
    principal: i64,
    billed_interest: i64,
    accrued_interest: i64,
    fees: Option<i64>,
    credit_balance: Option<i64>,
}

impl Tool for GetPayoffQuote {
    type Args = PayoffDay;
    const NAME: &'static str = "get_payoff_quote";
}

impl Answers for GetPayoffQuote {
    type Output = Payoff;

    async fn answer(
        &self,
        conversation: &Conversation,
        args: PayoffDay,
    ) -> Result<Findings<Payoff>, ToolError> {
        let on = match args.on {
            Some(spoken) => spoken
                .resolve(conversation.today)
                .map_err(|error| ToolError::refused(format!("{error}.")))?,
            None => conversation.today,
        };
        let quote = self
            .0
            .payoff_quote(caller(conversation), conversation.customer, on)
            .await
            .map_err(failed)?;
        Ok(Payoff {
            payoff: quote.payoff.get(),
            on: quote.on,
            good_through_on: quote.good_through_on,
            per_diem: format!("${}", quote.per_diem.trim_start_matches('$')),
            principal: quote.principal.get(),
            billed_interest: quote.billed_interest.get(),
            accrued_interest: quote.accrued_interest.get(),
            fees: unless_zero(quote.fees),
            credit_balance: unless_zero(quote.credit_balance),
        }
        .into())
    }
}

pub(super) struct GetTransactions(pub(super) Servicing);

const TRANSACTIONS_MAX: usize = 10;

#[derive(Serialize, JsonSchema)]
pub(super) struct Transactions {
    transactions: Vec<Transaction>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Transaction {
    effective_on: NaiveDate,
    description: String,
    amount: i64,
}

impl Tool for GetTransactions {
    type Args = Nothing;
    const NAME: &'static str = "get_transactions";
}

impl Answers for GetTransactions {
    type Output = Transactions;

    async fn answer(
        &self,
        conversation: &Conversation,
        _: Nothing,
    ) -> Result<Findings<Transactions>, ToolError> {
        let page = self
            .0
            .transactions(caller(conversation), conversation.customer, None, TRANSACTIONS_MAX)
            .await
            .map_err(failed)?;
        let transactions = page
            .items
            .into_iter()
            .take(TRANSACTIONS_MAX)
            .map(|item| Transaction {
                effective_on: item.effective_on,
                description: item.description,
                amount: item.amount.get(),
            })
            .collect();
        Ok(Transactions { transactions }.into())
    }
}

pub(super) struct GetInterestTrace(pub(super) Servicing);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhichStatement {
    statement: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct InterestTrace {
    interest: i64,
    cycle_starts_on: NaiveDate,
    cycle_ends_on: NaiveDate,
    days: u32,
    statement: u32,
    interest_this_year: i64,
    lines: Vec<InterestLine>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct InterestLine {
    average_daily_balance: i64,
    apr: u32,
    days: u32,
    amount: i64,
}

impl Tool for GetInterestTrace {
    type Args = WhichStatement;
    const NAME: &'static str = "get_interest_trace";
}

impl Answers for GetInterestTrace {
    type Output = InterestTrace;

    async fn answer(
        &self,
        conversation: &Conversation,
        args: WhichStatement,
    ) -> Result<Findings<InterestTrace>, ToolError> {
        let statements =
            self.0.statements(caller(conversation), conversation.customer).await.map_err(failed)?;
        let wanted = |number: u32| args.statement.is_none_or(|wanted| wanted == number);
        let statement =
            statements.into_iter().find(|statement| wanted(statement.number)).ok_or_else(|| {
                ToolError::refused(
                    "There is no statement yet: interest is billed when the first cycle closes.",
                )
            })?;
        Ok(InterestTrace {
            interest: statement.interest_total.get(),
            cycle_starts_on: statement.opened_on,
            cycle_ends_on: statement.closed_on,
            days: statement.days,
            statement: statement.number,
            interest_this_year: statement.interest_this_year.get(),
            lines: statement
                .interest
                .iter()
                .map(|line| InterestLine {
                    average_daily_balance: line.average_balance.get(),
                    apr: line.apr.ppm(),
                    days: line.days,
                    amount: line.amount.get(),
                })
                .collect(),
        }
        .into())
    }
}
