//! What this server is and what it serves.

use axum::{Json, extract::State, http::header, response::IntoResponse};
use chrono::{DateTime, NaiveDate, Utc};
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
    model: ModelShape,
    /// `{digest, prompt, model, corpus, embedder, guards}`.
    #[schema(value_type = Option<Object>)]
    served_configuration: Option<Value>,
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
        attested: release.is_some_and(|release| release.attested),
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
