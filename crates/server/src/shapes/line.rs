//! The credit line, as JSON.

use chrono::{DateTime, NaiveDate, Utc};
use credit::{Derivation, LineStatus, Statement};
use identity::{BankAccountId, CreditLineId, DecisionId, DrawId, PaymentId};
use serde::Serialize;
use servicing::{
    decisions::DecisionView,
    draws::DrawView,
    flags::{StandingFlag, flag_word},
    payments::PaymentView,
    positions::PositionView,
};
use utoipa::ToSchema;

/// The line as it stands now.
#[derive(Serialize, ToSchema)]
pub(crate) struct Position {
    as_of: DateTime<Utc>,
    credit_line: CreditLine,
    principal_balance_cents: i64,
    billed_interest_cents: i64,
    /// Of the open cycle, through yesterday.
    accrued_interest_cents: i64,
    fees_cents: i64,
    /// What we owe the customer.
    credit_balance_cents: i64,
    total_owed_cents: i64,
    available_credit_cents: i64,
    /// What is left to pay of the last statement's balance.
    statement_balance_cents: i64,
    minimum_due_cents: i64,
    due_on: Option<NaiveDate>,
    past_due_cents: i64,
    days_past_due: u32,
    flags: Vec<Flag>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CreditLine {
    #[schema(value_type = uuid::Uuid)]
    id: CreditLineId,
    product: String,
    #[schema(value_type = String)]
    status: LineStatus,
    credit_limit_cents: i64,
    apr_ppm: u32,
    opened_on: NaiveDate,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Flag {
    kind: String,
    raised_on: NaiveDate,
}

impl From<PositionView> for Position {
    fn from(view: PositionView) -> Self {
        let position = view.position;
        Self {
            as_of: view.as_of,
            credit_line: CreditLine {
                id: view.credit_line_id,
                product: position.terms.product.name.clone(),
                status: position.status,
                credit_limit_cents: position.credit_limit.get(),
                apr_ppm: position.apr.ppm(),
                opened_on: position.opened_on,
            },
            principal_balance_cents: position.principal_balance.get(),
            billed_interest_cents: position.billed_interest.get(),
            accrued_interest_cents: position.accrued_interest.get(),
            fees_cents: position.all_fees().get(),
            credit_balance_cents: position.credit_balance.get(),
            total_owed_cents: position.total_owed.get(),
            available_credit_cents: position.available_credit.get(),
            statement_balance_cents: view.statement_balance_left.get(),
            minimum_due_cents: position.minimum_due.get(),
            due_on: position.due_on,
            past_due_cents: position.past_due.get(),
            days_past_due: position.days_past_due,
            flags: view.flags.into_iter().map(Flag::from).collect(),
        }
    }
}

/// A flag as staff see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeskFlag {
    kind: String,
    raised_on: NaiveDate,
    /// Who or what raised it, in a few words.
    source: String,
}

impl From<StandingFlag> for DeskFlag {
    fn from(flag: StandingFlag) -> Self {
        Self { kind: flag_word(flag.kind), raised_on: flag.raised_on, source: flag.source }
    }
}

impl From<StandingFlag> for Flag {
    fn from(flag: StandingFlag) -> Self {
        Self { kind: flag_word(flag.kind), raised_on: flag.raised_on }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct StatementSummary {
    number: u32,
    opened_on: NaiveDate,
    closed_on: NaiveDate,
    due_on: NaiveDate,
    new_balance_cents: i64,
    minimum_due_cents: i64,
}

impl From<&Statement> for StatementSummary {
    fn from(statement: &Statement) -> Self {
        Self {
            number: statement.number,
            opened_on: statement.opened_on,
            closed_on: statement.closed_on,
            due_on: statement.due_on,
            new_balance_cents: statement.new_balance.get(),
            minimum_due_cents: statement.minimum_due.get(),
        }
    }
}

/// A figure and where it comes from.
#[derive(Serialize, ToSchema)]
pub(crate) struct Trace {
    figure: &'static str,
    /// The figure as it is printed.
    text: String,
    /// `{rule, label, value, inputs: [derivation]}`.
    #[schema(value_type = Object)]
    derivation: Derivation,
}

impl Trace {
    pub(crate) fn of(figure: &'static str, derivation: Derivation) -> Self {
        Self { figure, text: derivation.value.text(), derivation }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PayoffQuote {
    on: NaiveDate,
    payoff_cents: i64,
    /// What each further day costs: dollars with four decimals.
    per_diem: String,
    good_through_on: NaiveDate,
    parts: Vec<Part>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Part {
    label: &'static str,
    amount_cents: i64,
}

impl From<credit::PayoffQuote> for PayoffQuote {
    fn from(quote: credit::PayoffQuote) -> Self {
        let parts = [
            ("principal", quote.principal),
            ("billed interest", quote.billed_interest),
            ("fees", quote.fees),
            ("accrued interest", quote.accrued_interest),
            ("credit balance", -quote.credit_balance),
        ];
        Self {
            on: quote.on,
            payoff_cents: quote.payoff.get(),
            per_diem: quote.per_diem,
            good_through_on: quote.good_through_on,
            parts: parts
                .into_iter()
                .map(|(label, amount)| Part { label, amount_cents: amount.get() })
                .collect(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct BankAccount {
    #[schema(value_type = uuid::Uuid)]
    id: BankAccountId,
    kind: &'static str,
    /// The last four digits; the number itself is shown nowhere.
    ending: String,
    bank_name: String,
    status: &'static str,
}

impl From<store::bank_accounts::BankAccount> for BankAccount {
    fn from(account: store::bank_accounts::BankAccount) -> Self {
        Self {
            id: account.id,
            kind: account.kind.as_str(),
            ending: account.ending,
            bank_name: account.bank_name,
            status: account.status.as_str(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Payment {
    #[schema(value_type = uuid::Uuid)]
    id: PaymentId,
    status: &'static str,
    amount_cents: i64,
    /// The day it is credited for.
    on: NaiveDate,
    bank_account: BankAccountOf,
    reference: String,
    return_code: Option<String>,
    /// It came back and is to be tried once more, on this day at the earliest.
    retry_on: Option<NaiveDate>,
    /// The payment that came back, where this is its second try.
    #[schema(value_type = Option<uuid::Uuid>)]
    retry_of: Option<PaymentId>,
    /// Taken back as our own mistake, whatever became of the debit: on the line it never was.
    reversed: bool,
}

/// Which bank account a payment comes from, or a draw goes to.
#[derive(Serialize, ToSchema)]
pub(crate) struct BankAccountOf {
    #[schema(value_type = uuid::Uuid)]
    id: BankAccountId,
    ending: String,
}

impl From<PaymentView> for Payment {
    fn from(view: PaymentView) -> Self {
        Self {
            id: view.payment.id,
            status: view.payment.status.as_str(),
            amount_cents: view.payment.amount.get(),
            on: view.payment.authorised_on,
            bank_account: BankAccountOf {
                id: view.bank_account.id,
                ending: view.bank_account.ending,
            },
            reference: view.payment.reference,
            return_code: view.payment.return_code,
            retry_on: view.payment.retry_on,
            retry_of: view.payment.retry_of,
            reversed: view.reversed,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Draw {
    #[schema(value_type = uuid::Uuid)]
    id: DrawId,
    status: &'static str,
    amount_cents: i64,
    fee_cents: i64,
    rail: &'static str,
    /// The day the money is to be there.
    available_on: NaiveDate,
    /// The day it was there, from which it bears interest.
    drawn_on: Option<NaiveDate>,
    bank_account: BankAccountOf,
    reference: String,
    return_code: Option<String>,
    /// Why the bank refused it, or why it was given up.
    refusal: Option<String>,
}

impl From<DrawView> for Draw {
    fn from(view: DrawView) -> Self {
        Self {
            id: view.draw.id,
            status: view.draw.status.as_str(),
            amount_cents: view.draw.amount.get(),
            fee_cents: view.draw.fee.get(),
            rail: view.draw.rail.as_str(),
            available_on: view.draw.available_on,
            drawn_on: view.draw.drawn_on,
            bank_account: BankAccountOf {
                id: view.bank_account.id,
                ending: view.bank_account.ending,
            },
            reference: view.draw.reference,
            return_code: view.draw.return_code,
            refusal: view.draw.refusal,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Decision {
    #[schema(value_type = uuid::Uuid)]
    id: DecisionId,
    outcome: &'static str,
    decided_on: NaiveDate,
    /// At most four, the weightiest first, byte for byte as the notice has them.
    reasons: Vec<Reason>,
    notice_url: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Reason {
    code: String,
    text: String,
}

impl From<DecisionView> for Decision {
    fn from(view: DecisionView) -> Self {
        Self {
            notice_url: format!("/v1/decisions/{}/notice", view.id),
            id: view.id,
            outcome: view.outcome.as_str(),
            decided_on: view.decided_on,
            reasons: view
                .reasons
                .into_iter()
                .map(|reason| Reason { code: reason.code, text: reason.text })
                .collect(),
        }
    }
}
