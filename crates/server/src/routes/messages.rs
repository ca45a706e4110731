//! What a customer was told outside the conversations, and how they are reached.

use axum::{Json, extract::State, response::Response};
use chrono::{DateTime, NaiveTime, Utc};
use identity::{CustomerId, OutboundId};
use serde::{Deserialize, Serialize};
use servicing::{
    Caller, Refusal, RefusalCode,
    contacts::{ContactLimit, ContactView, NewContact},
};
use store::{contacts::ContactLimits, outbound::OutboundRow};
use utoipa::ToSchema;

use crate::{
    ApiError, App,
    extract::{Body, IdempotencyKey, Path, Query},
    routes::{documents::page, line::PageQuery},
    session::{CustomerOf, SignedIn},
    shapes::Page,
};

/// A message in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageLine {
    #[schema(value_type = uuid::Uuid)]
    id: OutboundId,
    /// `payment_scheduled`, `statement_ready`...
    kind: String,
    subject: String,
    language: String,
    /// `waiting`, `sending`, `sent`, `deferred`, `bounced`, `on_paper` or `not_sent`.
    state: String,
    /// Why it waits, went by letter or was not sent, as a stable word.
    why: Option<String>,
    /// `customer`; of a change of address `former_address`, `new_address`, `former_street` and `new_street`.
    recipient: String,
    written_at: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
}

impl From<&OutboundRow> for MessageLine {
    fn from(row: &OutboundRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind.clone(),
            subject: row.subject.clone(),
            language: row.language.clone(),
            state: row.state.as_str().to_owned(),
            why: row.why.clone(),
            recipient: row.recipient.as_str().to_owned(),
            written_at: row.written_at,
            sent_at: row.sent_at,
        }
    }
}

/// A message as it was written.
#[derive(Serialize, ToSchema)]
pub(crate) struct WholeMessage {
    #[serde(flatten)]
    line: MessageLine,
    address: String,
    text: String,
    /// SHA-256 of subject, text and page, in hexadecimal.
    digest: String,
    /// What the mail server said: an enhanced status code.
    code: Option<String>,
}

impl From<OutboundRow> for WholeMessage {
    fn from(row: OutboundRow) -> Self {
        Self {
            line: MessageLine::from(&row),
            digest: hex::encode(&row.digest),
            address: row.address,
            text: row.body,
            code: row.code,
        }
    }
}

/// How the customer is reached.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContactShape {
    email: String,
    phone: String,
    /// Line by line, without the name.
    postal: Option<Vec<String>>,
    /// Since when they agree to electronic records; nothing where they get paper.
    agreed_at: Option<DateTime<Utc>>,
    /// Why they no longer agree: `withdrawn`, or `bounced` where mail came back.
    ended: Option<String>,
    limits: LimitsShape,
}

/// When and by which way the customer must not be asked for money.
#[derive(Serialize, ToSchema)]
pub(crate) struct LimitsShape {
    not_between: Vec<HoursShape>,
    /// The e-mail address is an employer's.
    at_work: bool,
}

/// Hours of the customer's wall clock, `12:00:00`.
#[derive(Serialize, ToSchema)]
pub(crate) struct HoursShape {
    #[schema(value_type = String)]
    from: NaiveTime,
    #[schema(value_type = String)]
    until: NaiveTime,
}

impl From<ContactLimits> for LimitsShape {
    fn from(limits: ContactLimits) -> Self {
        let hours = limits.hours.into_iter();
        let not_between = hours.map(|(from, until)| HoursShape { from, until }).collect();
        Self { not_between, at_work: limits.at_work }
    }
}

impl From<ContactView> for ContactShape {
    fn from(view: ContactView) -> Self {
        Self {
            email: view.email,
            phone: view.phone,
            postal: view.postal,
            agreed_at: view.agreed_at,
            ended: view.ended.map(|end| end.as_str().to_owned()),
            limits: view.limits.into(),
        }
    }
}

/// How the customer wants to be reached; what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedContact {
    email: Option<String>,
    phone: Option<String>,
    postal: Option<Vec<String>>,
}

/// Whether the customer agrees to electronic records from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Agreement {
    agree: bool,
}

/// Hours of the customer's wall clock (`12:00`), or that the e-mail address is an employer's.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLimit {
    not_from: Option<String>,
    not_until: Option<String>,
    #[serde(default)]
    at_work: bool,
}

impl NewLimit {
    fn read(&self) -> Result<ContactLimit, ApiError> {
        let invalid = || {
            let sentence = "Name `not_from` and `not_until` as hours of the day, or `at_work`.";
            ApiError::from(&Refusal::new(RefusalCode::TextInvalid, sentence))
        };
        let hour = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| invalid());
        match (&self.not_from, &self.not_until, self.at_work) {
            (Some(from), Some(until), false) => {
                Ok(ContactLimit::NotBetween { from: hour(from)?, until: hour(until)? })
            }
            (None, None, true) => Ok(ContactLimit::AtWork),
            _ => Err(invalid()),
        }
    }
}

async fn list(
    app: &App,
    caller: Caller,
    id: CustomerId,
    query: &PageQuery,
) -> Result<Json<Page<MessageLine>>, ApiError> {
    let cursor = query.cursor.as_deref();
    let page = app.servicing.list_messages(caller, id, cursor, query.limit).await?;
    let items = page.items.iter().map(MessageLine::from).collect();
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

/// What the customer was told by e-mail or letter, newest first.
#[utoipa::path(get, path = "/v1/messages", params(PageQuery), responses((status = 200, body = Page<MessageLine>)), tag = "messages")]
pub(crate) async fn messages(
    State(app): State<App>,
    CustomerOf { id, caller }: CustomerOf,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<MessageLine>>, ApiError> {
    list(&app, caller, id, &query).await
}

/// One message, as it was written.
#[utoipa::path(get, path = "/v1/messages/{id}", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = WholeMessage)), tag = "messages")]
pub(crate) async fn message(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    Path(id): Path<OutboundId>,
) -> Result<Json<WholeMessage>, ApiError> {
    Ok(Json(app.servicing.message(caller, customer, id).await?.into()))
}

/// The letter that a message became.
#[utoipa::path(get, path = "/v1/messages/{id}/letter", params(("id" = uuid::Uuid, Path)), responses((status = 200, content_type = "application/pdf"), (status = 200, content_type = "text/html")), tag = "messages")]
pub(crate) async fn letter(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    Path(id): Path<OutboundId>,
) -> Result<Response, ApiError> {
    let letter = app.servicing.letter(caller, customer, id).await?;
    Ok(page(&letter.media_type, letter.bytes))
}

/// What a customer was told by e-mail or letter, newest first.
#[utoipa::path(get, path = "/v1/desk/customers/{id}/messages", params(("id" = uuid::Uuid, Path), PageQuery), responses((status = 200, body = Page<MessageLine>)), tag = "desk")]
pub(crate) async fn desk_messages(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<MessageLine>>, ApiError> {
    list(&app, session.caller(), id, &query).await
}

/// How the customer is reached, and whether they agree to electronic records.
#[utoipa::path(get, path = "/v1/contact", responses((status = 200, body = ContactShape)), tag = "messages")]
pub(crate) async fn contact(
    State(app): State<App>,
    CustomerOf { id, caller }: CustomerOf,
) -> Result<Json<ContactShape>, ApiError> {
    Ok(Json(app.servicing.contact(caller, id).await?.into()))
}

/// Changes how the customer is reached: at level L3. The address before and the one after are told.
#[utoipa::path(post, path = "/v1/contact", request_body = ChangedContact, responses((status = 200, body = ContactShape)), tag = "messages")]
pub(crate) async fn change_contact(
    State(app): State<App>,
    CustomerOf { id, caller }: CustomerOf,
    IdempotencyKey(key): IdempotencyKey,
    Body(ChangedContact { email, phone, postal }): Body<ChangedContact>,
) -> Result<Json<ContactShape>, ApiError> {
    let new = NewContact { email, phone, postal };
    Ok(Json(app.servicing.change_contact(caller, id, &new, &key).await?.into()))
}

/// Agrees to electronic records, or takes that back: then everything comes on paper.
#[utoipa::path(post, path = "/v1/contact/electronic-records", request_body = Agreement, responses((status = 200, body = ContactShape)), tag = "messages")]
pub(crate) async fn agree(
    State(app): State<App>,
    CustomerOf { id, caller }: CustomerOf,
    IdempotencyKey(key): IdempotencyKey,
    Body(Agreement { agree }): Body<Agreement>,
) -> Result<Json<ContactShape>, ApiError> {
    let view = if agree {
        app.servicing.give_consent(caller, id, &key).await?
    } else {
        app.servicing.withdraw_consent(caller, id, &key).await?
    };
    Ok(Json(view.into()))
}

/// Says when the customer must not be asked for money, or that their e-mail address is an employer's. One mention is enough.
#[utoipa::path(post, path = "/v1/contact/limits", request_body = NewLimit, responses((status = 200, body = LimitsShape)), tag = "messages")]
pub(crate) async fn limit(
    State(app): State<App>,
    CustomerOf { id, caller }: CustomerOf,
    IdempotencyKey(key): IdempotencyKey,
    Body(limit): Body<NewLimit>,
) -> Result<Json<LimitsShape>, ApiError> {
    Ok(Json(app.servicing.limit_contact(caller, id, limit.read()?, &key).await?.into()))
}

/// How a customer is reached, and whether they agree to electronic records.
#[utoipa::path(get, path = "/v1/desk/customers/{id}/contact", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = ContactShape)), tag = "desk")]
pub(crate) async fn desk_contact(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
) -> Result<Json<ContactShape>, ApiError> {
    Ok(Json(app.servicing.contact(session.caller(), id).await?.into()))
}

/// Records what a customer told us by telephone or letter of being asked for money.
#[utoipa::path(post, path = "/v1/desk/customers/{id}/contact/limits", params(("id" = uuid::Uuid, Path)), request_body = NewLimit, responses((status = 200, body = LimitsShape)), tag = "desk")]
pub(crate) async fn desk_limit(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(limit): Body<NewLimit>,
) -> Result<Json<LimitsShape>, ApiError> {
    let limits = app.servicing.limit_contact(session.caller(), id, limit.read()?, &key).await?;
    Ok(Json(limits.into()))
}

/// Takes a customer's agreement to electronic records back, as they asked by telephone or letter. Only the customer can give it.
#[utoipa::path(post, path = "/v1/desk/customers/{id}/contact/paper", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = ContactShape)), tag = "desk")]
pub(crate) async fn desk_paper(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Json<ContactShape>, ApiError> {
    Ok(Json(app.servicing.withdraw_consent(session.caller(), id, &key).await?.into()))
}
