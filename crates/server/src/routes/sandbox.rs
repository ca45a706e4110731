//! What exists in the sandbox alone: signing in as anybody, and moving the clock.

use std::collections::HashMap;

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, Utc};
use identity::CreditLineId;
use serde::{Deserialize, Serialize};
use servicing::{Caller, JobReport, Level, sessions::SESSION_LASTS};
use store::sessions::SessionRole;
use utoipa::ToSchema;

use super::session::{ActorShape, cookie};
use crate::{
    ApiError, App,
    auth::{self, Claim},
    extract::Body,
};

#[derive(Serialize, ToSchema)]
pub(crate) struct People {
    customers: Vec<PersonShape>,
    staff: Vec<StaffShape>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PersonShape {
    id: String,
    name: String,
    archetype: Option<String>,
    summary: Option<String>,
    #[schema(value_type = Option<uuid::Uuid>)]
    credit_line_id: Option<CreditLineId>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct StaffShape {
    id: String,
    name: String,
    role: &'static str,
}

/// Everybody one can sign in as.
#[utoipa::path(get, path = "/v1/sandbox/people", responses((status = 200, body = People)), tag = "sandbox")]
pub(crate) async fn people(State(app): State<App>) -> Result<Json<People>, ApiError> {
    let owners = app.servicing.list_line_owners(Caller::system()).await?;
    let lines: HashMap<_, _> = owners.into_iter().collect();
    let customers = app
        .servicing
        .list_customers(Caller::system())
        .await?
        .into_iter()
        .map(|customer| PersonShape {
            credit_line_id: lines.get(&customer.id).copied(),
            id: customer.id.to_string(),
            name: customer.name,
            archetype: customer.archetype,
            summary: customer.summary,
        })
        .collect();
    let staff = app
        .servicing
        .list_representatives()
        .await?
        .into_iter()
        .map(|staff| StaffShape {
            id: staff.id.to_string(),
            name: staff.name,
            role: staff.role.as_str(),
        })
        .collect();
    Ok(Json(People { customers, staff }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    #[schema(value_type = String)]
    role: SessionRole,
    id: uuid::Uuid,
    /// `L0` to `L3`; `L2` where it is left out.
    #[serde(default = "second_factor")]
    #[schema(value_type = Option<String>)]
    level: Level,
}

const fn second_factor() -> Level {
    Level::L2
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SignedInShape {
    /// For scripts: `Authorization: Bearer <token>`. The pages use the cookie.
    token: String,
    actor: ActorShape,
    #[schema(value_type = String)]
    level: Level,
}

/// Signs in without a password. Outside a sandbox it is refused, with the reason.
#[utoipa::path(post, path = "/v1/sandbox/sign-in", request_body = SignIn, responses((status = 200, body = SignedInShape)), tag = "sandbox")]
pub(crate) async fn sign_in(
    State(app): State<App>,
    Body(who): Body<SignIn>,
) -> Result<Response, ApiError> {
    let claim = Claim { role: who.role, id: who.id, level: who.level, proof: None };
    let (token, session) = auth::sign_in(&app, &claim).await?;
    let seconds = u32::try_from(SESSION_LASTS.num_seconds()).unwrap_or_default();
    let cookie = cookie(app.mode, &token, seconds);
    let body = Json(SignedInShape { token, actor: (&session).into(), level: session.level });
    Ok(([(header::SET_COOKIE, cookie)], body).into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveClock {
    advance_days: Option<u32>,
    to: Option<NaiveDate>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Moved {
    now: DateTime<Utc>,
    today: NaiveDate,
    #[schema(value_type = Object)]
    ran: JobReport,
}

/// Moves the clock forward, day by day, doing each day's work.
#[utoipa::path(post, path = "/v1/sandbox/clock", request_body = MoveClock, responses((status = 200, body = Moved)), tag = "sandbox")]
pub(crate) async fn clock(
    State(app): State<App>,
    Body(by): Body<MoveClock>,
) -> Result<Json<Moved>, ApiError> {
    let clock = app.sandbox_clock.as_ref().ok_or_else(|| ApiError::not_found("manual clock"))?;
    let today = app.servicing.today();
    let to = match (by.to, by.advance_days) {
        (Some(to), None) => to,
        (None, Some(days)) => today
            .checked_add_days(chrono::Days::new(u64::from(days)))
            .ok_or_else(|| clock_error(CLOCK_LIMITS))?,
        _ => return Err(clock_error("Name either `to` or `advance_days`.")),
    };
    if to < today || (to - today).num_days() > 400 {
        return Err(clock_error(CLOCK_LIMITS));
    }
    let ran = clock.advance_to(&app.servicing, to).await?;
    Ok(Json(Moved { now: app.servicing.now(), today: app.servicing.today(), ran }))
}

const CLOCK_LIMITS: &str = "The clock moves forward only, by 400 days at most.";

fn clock_error(detail: &str) -> ApiError {
    ApiError::new(axum::http::StatusCode::BAD_REQUEST, "clock_invalid", detail)
}
