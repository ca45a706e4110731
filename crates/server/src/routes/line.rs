//! The customer's line: position, transactions, statements, traces, quotes.

use axum::{Json, extract::State};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use servicing::disputes::DisputeSubject;
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiError, App,
    extract::{Path, Query},
    session::CustomerOf,
    shapes::{Page, PayoffQuote, Position, Trace},
};

/// The line as it stands now.
#[utoipa::path(get, path = "/v1/position", responses((status = 200, body = Position)), tag = "line")]
pub(crate) async fn position(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
) -> Result<Json<Position>, ApiError> {
    let view = app.servicing.position(caller, customer).await?;
    Ok(Json(view.into()))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    pub(super) cursor: Option<String>,
    #[serde(default = "page_size")]
    pub(super) limit: usize,
}

const fn page_size() -> usize {
    50
}

/// What happened, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct TransactionShape {
    id: String,
    kind: &'static str,
    effective_on: NaiveDate,
    recorded_at: chrono::DateTime<chrono::Utc>,
    description: String,
    amount_cents: i64,
    /// As what `POST /v1/disputes` names it, where it can be disputed by itself.
    #[schema(value_type = Option<Object>)]
    subject: Option<DisputeSubject>,
}

/// What happened on the line, newest first.
#[utoipa::path(get, path = "/v1/transactions", params(PageQuery), responses((status = 200, body = Page<TransactionShape>)), tag = "line")]
pub(crate) async fn transactions(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TransactionShape>>, ApiError> {
    let page =
        app.servicing.transactions(caller, customer, query.cursor.as_deref(), query.limit).await?;
    let items = page
        .items
        .into_iter()
        .map(|item| TransactionShape {
            id: item.id,
            kind: item.kind,
            effective_on: item.effective_on,
            recorded_at: item.recorded_at,
            description: item.description,
            amount_cents: item.amount.get(),
            subject: item.subject,
        })
        .collect();
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

/// One statement as it was issued, with the derivation of its new balance.
#[utoipa::path(get, path = "/v1/statements/{number}", params(("number" = u32, Path)), responses((status = 200, body = Object)), tag = "line")]
pub(crate) async fn statement(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    Path(number): Path<u32>,
) -> Result<Json<servicing::positions::StatementView>, ApiError> {
    Ok(Json(app.servicing.statement(caller, customer, number).await?))
}

/// A figure that can be traced.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    Interest,
    MinimumDue,
    AccruedInterest,
    TotalOwed,
    LateFee,
    Payoff,
}

impl Figure {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Interest => "interest",
            Self::MinimumDue => "minimum_due",
            Self::AccruedInterest => "accrued_interest",
            Self::TotalOwed => "total_owed",
            Self::LateFee => "late_fee",
            Self::Payoff => "payoff",
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct TraceQuery {
    #[param(inline)]
    figure: Figure,
    /// The number of a statement; the last one where it is left out.
    statement: Option<u32>,
}

/// Where a figure comes from.
#[utoipa::path(get, path = "/v1/trace", params(TraceQuery), responses((status = 200, body = Trace)), tag = "line")]
pub(crate) async fn trace(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    Query(query): Query<TraceQuery>,
) -> Result<Json<Trace>, ApiError> {
    let figure = query.figure.as_str();
    let derivation = app.servicing.trace(caller, customer, figure, query.statement).await?;
    Ok(Json(Trace::of(figure, derivation)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnQuery {
    on: NaiveDate,
}

/// What pays everything off on a day.
#[utoipa::path(get, path = "/v1/quotes/payoff", params(OnQuery), responses((status = 200, body = PayoffQuote)), tag = "line")]
pub(crate) async fn payoff(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    Query(query): Query<OnQuery>,
) -> Result<Json<PayoffQuote>, ApiError> {
    let quote = app.servicing.payoff_quote(caller, customer, query.on).await?;
    Ok(Json(quote.into()))
}
