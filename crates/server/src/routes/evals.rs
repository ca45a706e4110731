//! Eval runs and prompts, read from the folders the gate writes.

use std::path::Path as FilePath;

use assistant::PROMPT;
use axum::{Json, extract::State};
use prompts::{Bundle, Lock};
use serde_json::{Value, json};

use crate::{ApiError, App, extract::Path, shapes::Items};

fn read(path: &FilePath) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// The runs of the gate on this machine, newest first, without their cases.
#[utoipa::path(get, path = "/v1/evals/runs", responses((status = 200, body = Items<Object>)), tag = "evals")]
pub(crate) async fn runs(State(app): State<App>) -> Json<Items<Value>> {
    let mut runs: Vec<Value> = std::fs::read_dir(&app.runs)
        .into_iter()
        .flatten()
        .filter_map(|entry| read(&entry.ok()?.path().join("report.json")))
        .map(without_cases)
        .collect();
    runs.sort_by(|a, b| b["ended_at"].as_str().cmp(&a["ended_at"].as_str()));
    Json(Items { items: runs })
}

fn without_cases(mut run: Value) -> Value {
    if let Some(fields) = run.as_object_mut() {
        fields.remove("cases");
    }
    run
}

/// One run with its cases, intervals and verdict.
#[utoipa::path(get, path = "/v1/evals/runs/{id}", params(("id" = String, Path)), responses((status = 200, body = Object)), tag = "evals")]
pub(crate) async fn run(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let report = plain.then(|| read(&app.runs.join(&id).join("report.json"))).flatten();
    report.map(Json).ok_or_else(|| ApiError::not_found("eval run"))
}

/// What is promoted, and what stands in the working tree.
#[utoipa::path(get, path = "/v1/prompts", responses((status = 200, body = Object)), tag = "evals")]
pub(crate) async fn prompts(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let failed = |error: prompts::PromptError| ApiError::broken(&error);
    let lock = Lock::load(&app.root).map_err(failed)?;
    let promoted = lock.find(PROMPT);
    let working = Bundle::from_working_tree(&app.root, PROMPT).map_err(failed)?.digest();
    let named = |digest: &prompts::Digest| json!([{ "name": PROMPT, "digest": digest }]);
    let envelope = match promoted {
        Some(promoted) => promoted.envelope(&app.root).map_err(failed)?,
        None => None,
    };
    let verdict = envelope.and_then(|envelope| envelope.verify(&app.trusted).ok());
    Ok(Json(json!({
        "promoted": promoted.map(|promoted| json!({
            "digest": promoted.digest,
            "promoted_at": verdict.as_ref().map(|verdict| verdict.decided_at),
            "model": verdict.as_ref().map(|verdict| verdict.configuration.model.clone()),
            "prompts": named(&promoted.digest),
        })),
        "working": {
            "digest": working,
            "differs": promoted.is_none_or(|promoted| promoted.digest != working),
            "prompts": named(&working),
        },
    })))
}
