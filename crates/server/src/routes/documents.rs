//! Statements and the account-opening record, as the customer and staff open them: stored bytes, passed on as they are.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use identity::CustomerId;
use servicing::{Caller, disclosures::GivenDocument};
use store::documents::Format;
use utoipa::ToSchema;

use crate::{
    ApiError, App,
    extract::{Path, Query},
    routes::line::PageQuery,
    session::{CustomerOf, SignedIn},
    shapes::{Page, StatementSummary},
};

/// The form of a document, at the end of its address.
#[derive(Clone, Copy, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    Html,
    Pdf,
}

impl From<Form> for Format {
    fn from(form: Form) -> Self {
        match form {
            Form::Html => Self::Html,
            Form::Pdf => Self::Pdf,
        }
    }
}

/// A stored page. It runs nothing, loads nothing and can reach nothing of ours.
pub(super) fn page(media_type: &str, bytes: Vec<u8>) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    // A media type that is no header came out of nothing that we store.
    let media_type = HeaderValue::from_str(media_type)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A document: a page to be read, or a file to be kept.
fn given(document: GivenDocument, name: &str, form: Form) -> Response {
    let mut response = page(&document.media_type, document.bytes);
    let headers = response.headers_mut();
    if let Ok(digest) = HeaderValue::from_str(&format!("\"sha256-{}\"", document.digest)) {
        headers.insert(header::ETAG, digest);
    }
    let disposition = match form {
        Form::Html => format!("inline; filename=\"{name}.html\""),
        Form::Pdf => format!("attachment; filename=\"{name}.pdf\""),
    };
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

async fn list(
    app: &App,
    caller: Caller,
    customer: CustomerId,
    query: &PageQuery,
) -> Result<Json<Page<StatementSummary>>, ApiError> {
    let cursor = query.cursor.as_deref();
    let page = app.servicing.list_statements(caller, customer, cursor, query.limit).await?;
    let items = page.items.iter().map(StatementSummary::from).collect();
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

async fn opened(
    app: &App,
    caller: Caller,
    customer: CustomerId,
    number: u32,
    form: Form,
) -> Result<Response, ApiError> {
    let document = app.servicing.statement_document(caller, customer, number, form.into()).await?;
    Ok(given(document, &format!("statement-{number}"), form))
}

async fn opening(app: &App, caller: Caller, customer: CustomerId) -> Result<Response, ApiError> {
    let record = app.servicing.opening_record(caller, customer).await?;
    Ok(given(record.document, "terms-of-your-line", Form::Html))
}

/// The statements issued so far, newest first.
#[utoipa::path(get, path = "/v1/statements", params(PageQuery), responses((status = 200, body = Page<StatementSummary>)), tag = "line")]
pub(crate) async fn statements(
    State(app): State<App>,
    CustomerOf { id, caller }: CustomerOf,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<StatementSummary>>, ApiError> {
    list(&app, caller, id, &query).await
}

/// A statement as a page or a PDF: the same bytes at every view.
#[utoipa::path(get, path = "/v1/statements/{number}/{form}", params(("number" = u32, Path), ("form" = inline(Form), Path)), responses((status = 200, content_type = "text/html"), (status = 200, content_type = "application/pdf")), tag = "line")]
pub(crate) async fn statement(
    State(app): State<App>,
    CustomerOf { id, caller }: CustomerOf,
    Path((number, form)): Path<(u32, Form)>,
) -> Result<Response, ApiError> {
    opened(&app, caller, id, number, form).await
}

/// The account-opening record, as it was given.
#[utoipa::path(get, path = "/v1/opening-record", responses((status = 200, content_type = "text/html")), tag = "line")]
pub(crate) async fn opening_record(
    State(app): State<App>,
    CustomerOf { id, caller }: CustomerOf,
) -> Result<Response, ApiError> {
    opening(&app, caller, id).await
}

/// The statements of a customer.
#[utoipa::path(get, path = "/v1/desk/customers/{id}/statements", params(("id" = uuid::Uuid, Path), PageQuery), responses((status = 200, body = Page<StatementSummary>)), tag = "desk")]
pub(crate) async fn desk_statements(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<StatementSummary>>, ApiError> {
    list(&app, session.caller(), id, &query).await
}

/// A statement of a customer, as the customer gets it.
#[utoipa::path(get, path = "/v1/desk/customers/{id}/statements/{number}/{form}", params(("id" = uuid::Uuid, Path), ("number" = u32, Path), ("form" = inline(Form), Path)), responses((status = 200, content_type = "text/html"), (status = 200, content_type = "application/pdf")), tag = "desk")]
pub(crate) async fn desk_statement(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path((id, number, form)): Path<(CustomerId, u32, Form)>,
) -> Result<Response, ApiError> {
    opened(&app, session.caller(), id, number, form).await
}

/// The account-opening record of a customer's line, as it was given.
#[utoipa::path(get, path = "/v1/desk/customers/{id}/opening-record", params(("id" = uuid::Uuid, Path)), responses((status = 200, content_type = "text/html")), tag = "desk")]
pub(crate) async fn desk_opening_record(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
) -> Result<Response, ApiError> {
    opening(&app, session.caller(), id).await
}
