//! The books, to be looked at.

use axum::{Json, extract::State};
use chrono::{DateTime, NaiveDate, Utc};
use ledger::Side;
use serde::{Deserialize, Serialize};
use servicing::periods::{AccountBalance as Account, TrialBalance as Balance};
use store::periods::{AsOf, ByDate};
use utoipa::{IntoParams, ToSchema};

use crate::{ApiError, App, extract::Query, session::SignedIn};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrialBalanceQuery {
    /// With all of this day; today without it.
    as_of: Option<NaiveDate>,
    /// `booked` (the accounting date) without it, or `value`.
    #[param(value_type = Option<String>)]
    by: Option<By>,
    /// As it was known at this instant; as it is known now without it.
    known_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    #[default]
    Booked,
    Value,
}

/// What every account came to.
#[derive(Serialize, ToSchema)]
pub(crate) struct TrialBalance {
    as_of: NaiveDate,
    known_at: Option<DateTime<Utc>>,
    /// The closed month that the balances begin with, by its first day.
    brought_forward_from: Option<NaiveDate>,
    accounts: Vec<AccountBalance>,
    debits_cents: i64,
    credits_cents: i64,
    adds_up: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AccountBalance {
    code: String,
    name: String,
    title: String,
    /// `debit` or `credit`: the side on which the account grows, and on which its balances are stated.
    side: &'static str,
    brought_forward_cents: i64,
    /// Since then.
    debits_cents: i64,
    credits_cents: i64,
    balance_cents: i64,
}

impl From<Account> for AccountBalance {
    fn from(account: Account) -> Self {
        Self {
            code: account.code,
            name: account.name,
            title: account.title,
            side: match account.side {
                Side::Debit => "debit",
                Side::Credit => "credit",
            },
            brought_forward_cents: account.brought_forward.get(),
            debits_cents: account.debits.get(),
            credits_cents: account.credits.get(),
            balance_cents: account.balance.get(),
        }
    }
}

impl From<Balance> for TrialBalance {
    fn from(balance: Balance) -> Self {
        Self {
            as_of: balance.as_of,
            known_at: balance.known_at,
            brought_forward_from: balance.brought_forward_from,
            accounts: balance.accounts.into_iter().map(AccountBalance::from).collect(),
            debits_cents: balance.debits.get(),
            credits_cents: balance.credits.get(),
            adds_up: balance.debits == balance.credits,
        }
    }
}

/// The trial balance: by either date, and as it was known at any instant.
#[utoipa::path(get, path = "/v1/ledger/trial-balance", params(TrialBalanceQuery), responses((status = 200, body = TrialBalance)), tag = "ledger")]
pub(crate) async fn trial_balance(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Query(query): Query<TrialBalanceQuery>,
) -> Result<Json<TrialBalance>, ApiError> {
    let by = match query.by.unwrap_or_default() {
        By::Booked => ByDate::Booked,
        By::Value => ByDate::Value,
    };
    let on = query.as_of.unwrap_or_else(|| app.servicing.today());
    let as_of = AsOf { on, by, known_at: query.known_at };
    Ok(Json(app.servicing.trial_balance(session.caller(), as_of).await?.into()))
}
