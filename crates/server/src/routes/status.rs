//! What this server is and what it serves.

use assistant::Release;
use axum::{Json, extract::State, http::header, response::IntoResponse};
use chrono::{DateTime, NaiveDate, Utc};
use prompts::{Difference, Reason, Unattested};
use serde::Serialize;
use serde_json::{Value, json};
use servicing::Caller;
use utoipa::ToSchema;

use crate::{ApiError, App, Mode};

#[derive(Serialize, ToSchema)]
pub(crate) struct Status {
    #[schema(value_type = String)]
    mode: Mode,
    version: &'static str,
    now: DateTime<Utc>,
    today: NaiveDate,
    /// `system`, or `manual` in a sandbox.
    clock: &'static str,
    zone: String,
    /// Whether the assistant answers at all.
    released: bool,
    /// Whether what it serves has passed the gate.
    attested: bool,
    /// Why not; absent where it has.
    unattested: Option<UnattestedShape>,
    model: ModelShape,
    /// `{digest, prompt, model, corpus, embedder, guards}`.
    #[schema(value_type = Option<Object>)]
    served_configuration: Option<Value>,
}

/// Why no trusted verdict stands behind what is served.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnattestedShape {
    /// `nothing_promoted`, `no_verdict`, `untrusted`, `not_passed` or `differs`.
    #[schema(value_type = String)]
    reason: Reason,
    /// The same in words.
    text: String,
    /// Under `differs`: each part that is not the one the promoted verdict is about.
    differences: Vec<DifferenceShape>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DifferenceShape {
    /// `prompt`, `model`, `corpus`, `embedder` or `guards`.
    part: &'static str,
    served: String,
    judged: String,
}

impl From<&Unattested> for UnattestedShape {
    fn from(why: &Unattested) -> Self {
        let shape = |difference: &Difference| DifferenceShape {
            part: difference.part,
            served: difference.served.clone(),
            judged: difference.judged.clone(),
        };
        Self {
            reason: why.reason,
            text: why.to_string(),
            differences: why.differences.iter().map(shape).collect(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ModelShape {
    name: String,
    /// Whether it is the built-in stand-in and no language model.
    stand_in: bool,
}

/// What this server is and what it serves.
#[utoipa::path(get, path = "/v1/status", responses((status = 200, body = Status)), tag = "open")]
pub(crate) async fn status(State(app): State<App>) -> Json<Status> {
    let release = app.assistant.release();
    Json(Status {
        mode: app.mode,
        version: env!("CARGO_PKG_VERSION"),
        now: app.servicing.now(),
        today: app.servicing.today(),
        clock: if app.sandbox_clock.is_some() { "manual" } else { "system" },
        zone: app.servicing.zone().to_string(),
        released: release.is_some(),
        attested: release.is_some_and(Release::attested),
        unattested: app.assistant.unattested().map(UnattestedShape::from),
        model: ModelShape { name: app.model.name.clone(), stand_in: app.model.stand_in },
        served_configuration: release.map(|release| configuration(&release.configuration)),
    })
}

fn configuration(served: &prompts::ServedConfiguration) -> Value {
    json!({
        "digest": served.digest(), "prompt": served.prompt, "model": served.model, "corpus": served.corpus,
        "embedder": served.embedder, "guards": served.guards,
    })
}

pub(crate) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match app.servicing.return_rates(Caller::system()).await {
        Ok(rates) => app.metrics.returns(&rates),
        // The counters of this process are told whatever the database does.
        Err(error) => tracing::warn!(error = %error, "the shares of returns could not be counted"),
    }
    ([(header::CONTENT_TYPE, kind)], app.metrics.text())
}

/// Whether the database answers.
pub(crate) async fn healthz(State(app): State<App>) -> Result<&'static str, ApiError> {
    let conn = app.servicing.store().app().acquire().await;
    conn.map(|_| "ok\n").map_err(|error| ApiError::broken(&error))
}
