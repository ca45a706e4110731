//! Which route needs whom.

mod audit;
mod autopay;
mod cheques;
mod conversations;
mod countersign;
mod decisions;
mod desk;
mod desk_draws;
mod documents;
mod draws;
mod evals;
mod ledger;
mod line;
mod messages;
mod passages;
mod payments;
mod sandbox;
mod service;
mod session;
mod status;

use std::{any::Any, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::get,
};
use store::sessions::SessionRole;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    ApiError, App, Mode,
    query::{self, Declared},
    session::require,
};

/// No request is larger: nothing is uploaded here.
const BODY_BYTES_MAX: usize = 64 * 1024;

#[derive(OpenApi)]
#[openapi(info(
    title = "Plumbline",
    description = "Servicing of a consumer revolving line of credit. Amounts are integer cents, rates parts per million."
))]
struct Api;

const EVERYBODY: &[SessionRole] = SessionRole::ALL;
const CUSTOMER: &[SessionRole] = &[SessionRole::Customer];
const DESK: &[SessionRole] = &[SessionRole::Representative];
const DESK_READERS: &[SessionRole] = &[SessionRole::Representative, SessionRole::Compliance];
const COMPLIANCE: &[SessionRole] = &[SessionRole::Compliance];
const ENGINEER: &[SessionRole] = &[SessionRole::Engineer, SessionRole::Compliance];

fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(status::status))
        .routes(routes!(passages::passage))
        .routes(routes!(sandbox::sign_in))
        .routes(routes!(session::session))
}

fn sandbox_only() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sandbox::people)).routes(routes!(sandbox::clock))
}

fn everybody() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(session::sign_out))
}

fn customer() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(line::position))
        .routes(routes!(line::transactions))
        .routes(routes!(documents::statements))
        .routes(routes!(line::statement))
        .routes(routes!(documents::statement))
        .routes(routes!(documents::opening_record))
        .routes(routes!(line::trace))
        .routes(routes!(line::payoff))
        .routes(routes!(payments::bank_accounts))
        .routes(routes!(payments::payments, payments::schedule))
        .routes(routes!(payments::cancel))
        .routes(routes!(draws::draws, draws::draw))
        .routes(routes!(draws::cancel))
        .routes(routes!(autopay::autopay, autopay::set))
        .routes(routes!(autopay::offer))
        .routes(routes!(autopay::skip))
        .routes(routes!(autopay::cancel))
        .routes(routes!(autopay::authorization))
        .routes(routes!(service::due_day, service::change_due_day))
        .routes(routes!(service::lower_limit))
        .routes(routes!(service::refunds, service::request_refund))
        .routes(routes!(service::disputes, service::dispute))
        .routes(routes!(payments::intent))
        .routes(routes!(payments::confirm))
        .routes(routes!(payments::refuse))
        .routes(routes!(messages::messages))
        .routes(routes!(messages::message))
        .routes(routes!(messages::letter))
        .routes(routes!(messages::contact, messages::change_contact))
        .routes(routes!(messages::agree))
        .routes(routes!(messages::limit))
        .routes(routes!(decisions::decision))
        .routes(routes!(decisions::notice))
        .routes(routes!(conversations::list, conversations::start))
        .routes(routes!(conversations::conversation))
        .routes(routes!(conversations::say))
        .routes(routes!(conversations::hand_off))
}

fn desk_readers() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(desk::queue))
        .routes(routes!(desk::conversation))
        .routes(routes!(desk::customers))
        .routes(routes!(desk::customer))
        .routes(routes!(desk_draws::waiting))
        .routes(routes!(documents::desk_statements))
        .routes(routes!(documents::desk_statement))
        .routes(routes!(documents::desk_opening_record))
        .routes(routes!(autopay::desk_autopay))
        .routes(routes!(service::desk_disputes))
        .routes(routes!(service::disputes_of))
        .routes(routes!(countersign::waiting))
        .routes(routes!(countersign::payments_of))
        .routes(routes!(cheques::cheques_of))
        .routes(routes!(ledger::trial_balance))
        .routes(routes!(messages::desk_messages))
        .routes(routes!(messages::desk_contact))
}

fn desk() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(desk::claim))
        .routes(routes!(desk::take_over))
        .routes(routes!(desk::release))
        .routes(routes!(desk::reply))
        .routes(routes!(desk::close_case))
        .routes(routes!(desk::clear_flag))
        .routes(routes!(autopay::desk_cancel))
        .routes(routes!(messages::desk_limit))
        .routes(routes!(messages::desk_paper))
        .routes(routes!(service::resolve))
        .routes(routes!(service::change_terms))
        .routes(routes!(service::record_service))
        .routes(routes!(countersign::ask_reversal))
        .routes(routes!(countersign::decide))
        .routes(routes!(cheques::send))
        .routes(routes!(cheques::void))
        .routes(routes!(desk_draws::look))
}

fn compliance() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(audit::conversations))
        .routes(routes!(audit::conversation))
        .routes(routes!(audit::verification))
        .routes(routes!(audit::bundle))
}

fn engineer() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(evals::runs))
        .routes(routes!(evals::run))
        .routes(routes!(evals::prompts))
}

/// The description of the interface.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let groups = [
        open(),
        sandbox_only(),
        everybody(),
        customer(),
        desk_readers(),
        desk(),
        compliance(),
        engineer(),
    ];
    groups
        .into_iter()
        .fold(OpenApiRouter::with_openapi(Api::openapi()), OpenApiRouter::merge)
        .into_openapi()
}

/// The routes, each group behind its own door.
pub fn router(app: App) -> Router {
    let behind = |group: OpenApiRouter<App>, roles: &'static [SessionRole]| {
        let (router, _) = group.split_for_parts();
        router.route_layer(from_fn_with_state((app.clone(), roles), require))
    };
    let plain = |group: OpenApiRouter<App>| group.split_for_parts().0;
    let mut routes = Router::new()
        .merge(plain(open()))
        .merge(behind(everybody(), EVERYBODY))
        .merge(behind(customer(), CUSTOMER))
        .merge(behind(desk_readers(), DESK_READERS))
        .merge(behind(desk(), DESK))
        .merge(behind(compliance(), COMPLIANCE))
        .merge(behind(engineer(), ENGINEER))
        .route("/metrics", get(status::metrics))
        .route("/healthz", get(status::healthz))
        .route("/openapi.json", get(|| async { axum::Json(openapi()) }))
        .route("/v1/{*rest}", get(unknown).post(unknown));
    if app.mode == Mode::Sandbox {
        routes = routes.merge(plain(sandbox_only()));
    }
    routes
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Declared::of(&openapi()), query::check))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(keep_nothing))
        .layer(from_fn_with_state(app.clone(), count))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(app)
}

async fn unknown() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "not_found", "There is no such route.")
}

async fn wrong_method() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This route takes another method; GET /openapi.json lists them.",
    )
}

/// A handler that panicked is answered like anything else that broke.
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let said = match panic.downcast::<String>() {
        Ok(said) => *said,
        Err(panic) => panic
            .downcast::<&str>()
            .map_or_else(|_| "something that is no text".to_owned(), |said| (*said).to_owned()),
    };
    ApiError::panicked(&said).into_response()
}

async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    app.metrics.answered(response.status().is_server_error());
    response
}

/// What the interface answers is somebody's own: no cache keeps it, the browser's included.
async fn keep_nothing(request: Request, next: Next) -> Response {
    let of_somebody = request.uri().path().starts_with("/v1/");
    let mut response = next.run(request).await;
    if of_somebody {
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    }
    response
}

/// How often a silent stream says that it lives.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt as _;

    use super::*;

    async fn breaks() -> &'static str {
        panic!("the customer's number is 000-00-0000")
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_with_a_reference_and_tells_nothing() {
        let routes: Router =
            Router::new().route("/", get(breaks)).layer(CatchPanicLayer::custom(panicked));
        let answer = routes.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
        let body = axum::body::to_bytes(answer.into_body(), BODY_BYTES_MAX).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&problem["code"], &problem["status"]), (&"internal".into(), &500.into()));
        let reference = problem["reference"].as_str().unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(reference), "{problem}");
        assert!(!problem.to_string().contains("000-00"), "{problem}");
    }
}
