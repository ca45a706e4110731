//! The HTTP interface: REST under `/v1`, the chat stream, its description, metrics and the pages.
//!
//! Invariants: a route below `/v1` is closed unless it stands in the open group of [`router`]; every answer that is no
//! success is problem+json; signing in without proof exists in sandbox mode alone. What is absent: rules. Each handler asks
//! one use case and gives its answer a form.

mod assets;
pub mod auth;
mod clock;
mod error;
mod extract;
mod metrics;
mod query;
mod routes;
mod session;
mod shapes;

use std::{ops::Deref, path::PathBuf, sync::Arc};

use assistant::Assistant;
use axum::Router;
use knowledge::Knowledge;
use serde::Serialize;
use servicing::Servicing;

pub use clock::SandboxClock;
pub use error::{ApiError, Problem};
pub use metrics::Metrics;
pub use routes::{openapi, router};

/// Whether this is the real thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Invented customers, a simulated bank, and sign-in without proof. Says so on every page.
    Sandbox,
    Live,
}

/// The model behind the assistant, as a person is told of it.
#[derive(Clone, Debug)]
pub struct ModelName {
    pub name: String,
    /// Whether it is the built-in stand-in.
    pub stand_in: bool,
}

/// Everything a request may need. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What [`App`] is made of.
pub struct Parts {
    pub mode: Mode,
    pub auth: Arc<dyn auth::Auth>,
    pub servicing: Servicing,
    pub assistant: Assistant,
    pub knowledge: Arc<Knowledge>,
    pub log: Arc<audit::Log>,
    pub model: ModelName,
    /// In a sandbox, the clock that can be moved.
    pub sandbox_clock: Option<SandboxClock>,
    /// Where the gate leaves its runs.
    pub runs: PathBuf,
    /// The project's folder of prompts, for the page that compares working and promoted ones.
    pub root: PathBuf,
    /// Whose verdicts count.
    pub trusted: prompts::TrustedKeys,
    pub metrics: Metrics,
}

impl App {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Our staff by id.
    async fn staff_names(&self) -> Result<shapes::StaffNames, ApiError> {
        let staff = self.servicing.list_representatives().await?;
        Ok(staff.into_iter().map(|staff| (staff.id, staff.name)).collect())
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The whole service: the interface and the pages.
pub fn service(app: App) -> Router {
    router(app).fallback(axum::routing::get(assets::page))
}
