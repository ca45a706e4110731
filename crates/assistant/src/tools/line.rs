//! Reads of the line: balance, schedule, payoff, transactions, interest.

use calendar::SpokenDate;
use chrono::NaiveDate;
use credit::{Derivation, Value};
use money::Cents;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toolkit::{Answers, Conversation, Findings, Tool, ToolError};

use super::{Means, caller, tool_error};

/// How deep a calculation is shown.
const STEPS_DEEP: usize = 3;
const STEPS_MAX: usize = 24;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

pub(super) struct GetBalance(pub(super) Means);

#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "a balance is always qualified")]
pub(super) struct Balance {
    #[schemars(with = "i64")]
    total_owed: Cents,
    /// Absent unless more was paid than is owed.
    #[schemars(with = "Option<i64>")]
    credit_balance: Option<Cents>,
    #[schemars(with = "i64")]
    principal_balance: Cents,
    #[schemars(with = "i64")]
    billed_interest: Cents,
    #[schemars(with = "i64")]
    accrued_interest: Cents,
    #[schemars(with = "i64")]
    fees: Cents,
    #[schemars(with = "i64")]
    available_credit: Cents,
    #[schemars(with = "i64")]
    credit_limit: Cents,
    /// Parts per million.
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
        let view = self.0.servicing.position(caller(conversation), conversation.customer).await;
        let position = view.map_err(|error| tool_error(&error))?.position;
        Ok(Balance {
            total_owed: position.total_owed.max(Cents::ZERO),
            credit_balance: position.total_owed.is_negative().then(|| -position.total_owed),
            principal_balance: position.principal_balance,
            billed_interest: position.billed_interest,
            accrued_interest: position.accrued_interest,
            fees: position.fees + position.penalty_fees,
            available_credit: position.available_credit,
            credit_limit: position.credit_limit,
            apr: position.apr.ppm(),
            as_of: conversation.today,
        }
        .into())
    }
}

pub(super) struct GetPaymentSchedule(pub(super) Means);

#[derive(Serialize, JsonSchema)]
pub(super) struct Schedule {
    #[schemars(with = "i64")]
    minimum_due: Cents,
    due_on: Option<NaiveDate>,
    /// Absent when nothing is past due.
    #[schemars(with = "Option<i64>")]
    past_due: Option<Cents>,
    days_past_due: Option<u32>,
    #[schemars(with = "Option<i64>")]
    statement_balance: Option<Cents>,
    statement_closed_on: Option<NaiveDate>,
}

impl Tool for GetPaymentSchedule {
    type Args = Nothing;
    const NAME: &'static str = "get_payment_schedule";
}

impl Answers for GetPaymentSchedule {
    type Output = Schedule;

    async fn answer(
        &self,
        conversation: &Conversation,
        _: Nothing,
    ) -> Result<Findings<Schedule>, ToolError> {
        let view = self.0.servicing.position(caller(conversation), conversation.customer).await;
        let position = view.map_err(|error| tool_error(&error))?.position;
        let late = position.past_due.is_positive();
        let paid = !position.minimum_due.is_positive();
        Ok(Schedule {
            minimum_due: position.minimum_due,
            due_on: if paid { Some(position.next_due_on) } else { position.due_on },
            past_due: late.then_some(position.past_due),
            days_past_due: (position.days_past_due > 0).then_some(position.days_past_due),
            statement_balance: position.last_statement.as_ref().map(|last| last.new_balance),
            statement_closed_on: position.last_statement.as_ref().map(|last| last.closed_on),
        }
        .into())
    }
}

pub(super) struct GetPayoffQuote(pub(super) Means);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct QuoteArgs {
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "spoken-date"))]
    on: Option<SpokenDate>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Quote {
    #[schemars(with = "i64")]
    payoff: Cents,
    on: NaiveDate,
    good_through_on: NaiveDate,
    /// Dollars with four decimals.
    per_diem: String,
    #[schemars(with = "i64")]
    principal: Cents,
    #[schemars(with = "i64")]
    interest: Cents,
    #[schemars(with = "i64")]
    fees: Cents,
}

impl Tool for GetPayoffQuote {
    type Args = QuoteArgs;
    const NAME: &'static str = "get_payoff_quote";
}

impl Answers for GetPayoffQuote {
    type Output = Quote;

    async fn answer(
        &self,
        conversation: &Conversation,
        args: QuoteArgs,
    ) -> Result<Findings<Quote>, ToolError> {
        let on = match &args.on {
            Some(spoken) => resolve(spoken, conversation)?,
            None => conversation.today,
        };
        let quote =
            self.0.servicing.payoff_quote(caller(conversation), conversation.customer, on).await;
        let quote = quote.map_err(|error| tool_error(&error))?;
        Ok(Quote {
            payoff: quote.payoff,
            on: quote.on,
            good_through_on: quote.good_through_on,
            per_diem: format!("${}", quote.per_diem.trim_start_matches('$')),
            principal: quote.principal,
            interest: quote.billed_interest + quote.accrued_interest,
            fees: quote.fees,
        }
        .into())
    }
}

/// The day that was said, seen from today.
pub(super) fn resolve(
    spoken: &SpokenDate,
    conversation: &Conversation,
) -> Result<NaiveDate, ToolError> {
    spoken.resolve(conversation.today).map_err(|_| {
        ToolError::refused("The day is not clear. Name it, such as the day of the month.")
    })
}

pub(super) struct GetTransactions(pub(super) Means);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TransactionsArgs {
    #[serde(default)]
    limit: Option<u8>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Transactions {
    transactions: Vec<Item>,
}

#[derive(Serialize, JsonSchema)]
struct Item {
    on: NaiveDate,
    description: String,
    #[schemars(with = "i64")]
    amount: Cents,
}

impl Tool for GetTransactions {
    type Args = TransactionsArgs;
    const NAME: &'static str = "get_transactions";
}

impl Answers for GetTransactions {
    type Output = Transactions;

    async fn answer(
        &self,
        conversation: &Conversation,
        args: TransactionsArgs,
    ) -> Result<Findings<Transactions>, ToolError> {
        let limit = usize::from(args.limit.unwrap_or(10).clamp(1, 20));
        let page = self
            .0
            .servicing
            .transactions(caller(conversation), conversation.customer, None, limit)
            .await
            .map_err(|error| tool_error(&error))?;
        let transactions = page
            .items
            .into_iter()
            .map(|item| Item {
                on: item.effective_on,
                description: item.description,
                amount: item.amount,
            })
            .collect();
        Ok(Transactions { transactions }.into())
    }
}

pub(super) struct GetInterestTrace(pub(super) Means);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TraceArgs {
    #[serde(default)]
    statement: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Trace {
    #[schemars(with = "i64")]
    interest: Cents,
    statement: u32,
    from: NaiveDate,
    through: NaiveDate,
    days: u32,
    #[schemars(with = "Option<i64>")]
    average_balance: Option<Cents>,
    apr: Option<u32>,
    steps: Vec<Step>,
}

#[derive(Serialize, JsonSchema)]
struct Step {
    step: String,
}

impl Tool for GetInterestTrace {
    type Args = TraceArgs;
    const NAME: &'static str = "get_interest_trace";
}

impl Answers for GetInterestTrace {
    type Output = Trace;

    async fn answer(
        &self,
        conversation: &Conversation,
        args: TraceArgs,
    ) -> Result<Findings<Trace>, ToolError> {
        let (servicing, who) = (&self.0.servicing, caller(conversation));
        let customer = conversation.customer;
        let statements =
            servicing.statements(who, customer).await.map_err(|error| tool_error(&error))?;
        let statement = statements
            .into_iter()
            .find(|statement| args.statement.is_none_or(|number| number == statement.number))
            .ok_or_else(|| ToolError::refused("There is no such statement yet."))?;
        let derivation = servicing
            .trace(who, customer, "interest", Some(statement.number))
            .await
            .map_err(|error| tool_error(&error))?;
        let mut steps = Vec::new();
        if !statement.interest_total.is_zero() {
            step_lines(&derivation, 0, &mut steps);
        }
        let single = match statement.interest.as_slice() {
            [line] => Some(line),
            _ => None,
        };
        Ok(Trace {
            interest: statement.interest_total,
            statement: statement.number,
            from: statement.opened_on,
            through: statement.closed_on,
            days: statement.days,
            average_balance: single.map(|line| line.average_balance),
            apr: single.map(|line| line.apr.ppm()),
            steps,
        }
        .into())
    }
}

/// The derivation as lines: a figure, then what it was made from, one step to the right.
fn step_lines(derivation: &Derivation, depth: usize, steps: &mut Vec<Step>) {
    if depth > STEPS_DEEP || steps.len() >= STEPS_MAX {
        return;
    }
    let value = match &derivation.value {
        Value::Cents(amount) => amount.to_string(),
        Value::AprPpm(apr) => apr.to_string(),
        Value::Date(date) => date.format("%B %-d, %Y").to_string(),
        Value::Count(count) => count.to_string(),
        Value::Text(text) => text.clone(),
    };
    let indent = "  ".repeat(depth);
    steps.push(Step { step: format!("{indent}{}: {value}", derivation.label) });
    for input in &derivation.inputs {
        step_lines(input, depth + 1, steps);
    }
}
