//! The customer's own hand: money to their bank account.

use axum::{Json, extract::State};
use identity::{BankAccountId, DrawId};
use money::Cents;
use serde::Deserialize;
use servicing::DrawAsk;
use store::draws::DrawRail;
use utoipa::ToSchema;

use crate::{
    ApiError, App,
    extract::{Body, IdempotencyKey, Path},
    session::CustomerOf,
    shapes::{Draw, Items, Receipt},
};

/// The draws of the line, newest first.
#[utoipa::path(get, path = "/v1/draws", responses((status = 200, body = Items<Draw>)), tag = "draws")]
pub(crate) async fn draws(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
) -> Result<Json<Items<Draw>>, ApiError> {
    let draws = app.servicing.list_draws(caller, customer).await?;
    Ok(Json(draws.into_iter().map(Draw::from).collect()))
}

/// A draw to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDraw {
    amount_cents: i64,
    #[schema(value_type = uuid::Uuid)]
    bank_account_id: BankAccountId,
    #[serde(default)]
    rail: NewRail,
}

#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum NewRail {
    /// In the next file to the bank.
    #[default]
    Standard,
    /// At once, at any hour.
    Instant,
}

impl From<NewDraw> for DrawAsk {
    fn from(draw: NewDraw) -> Self {
        Self {
            amount: Cents::new(draw.amount_cents),
            bank_account_id: draw.bank_account_id,
            rail: match draw.rail {
                NewRail::Standard => DrawRail::Standard,
                NewRail::Instant => DrawRail::Instant,
            },
        }
    }
}

/// Holds a draw and sends it on its way. The signed-in customer's own request is the permission.
#[utoipa::path(post, path = "/v1/draws", request_body = NewDraw, responses((status = 200, body = Receipt)), tag = "draws")]
pub(crate) async fn draw(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    IdempotencyKey(key): IdempotencyKey,
    Body(draw): Body<NewDraw>,
) -> Result<Json<Receipt>, ApiError> {
    Ok(Json(app.servicing.draw(caller, customer, draw.into(), &key).await?.into()))
}

/// Gives up a draw that has not left.
#[utoipa::path(post, path = "/v1/draws/{id}/cancel", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Receipt)), tag = "draws")]
pub(crate) async fn cancel(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    Path(id): Path<DrawId>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Json<Receipt>, ApiError> {
    Ok(Json(app.servicing.cancel_draw(caller, customer, id, &key).await?.into()))
}
