//! The customer's own hand: the due day, the limit, a credit balance, disputes; and what staff do about them.

use axum::{Json, extract::State};
use chrono::NaiveDate;
use credit::{FeeKind, NoticeException};
use identity::{BankAccountId, CaseId, CustomerId, DrawId};
use money::Cents;
use serde::Deserialize;
use serde_json::{Map, Value};
use servicing::{
    disputes::{DisputeSubject, Finding, NewDispute},
    staff_changes::{NewTerms, ServicePeriod},
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiError, App,
    extract::{Body, IdempotencyKey, Path, Query},
    session::{CustomerOf, SignedIn},
    shapes::{DeskDispute, Dispute, DueDay, Forgiven, Items, Receipt, Refund, TermsChange},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct DayQuery {
    /// From 1 to 28.
    day: u32,
}

/// What another due day would mean.
#[utoipa::path(get, path = "/v1/due-day", params(DayQuery), responses((status = 200, body = DueDay)), tag = "line")]
pub(crate) async fn due_day(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    Query(query): Query<DayQuery>,
) -> Result<Json<DueDay>, ApiError> {
    Ok(Json(app.servicing.preview_due_day(caller, customer, query.day).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDueDay {
    /// From 1 to 28.
    day: u32,
}

/// Chooses another due day: once in twelve months.
#[utoipa::path(post, path = "/v1/due-day", request_body = NewDueDay, responses((status = 200, body = Receipt)), tag = "line")]
pub(crate) async fn change_due_day(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    IdempotencyKey(key): IdempotencyKey,
    Body(new): Body<NewDueDay>,
) -> Result<Json<Receipt>, ApiError> {
    Ok(Json(app.servicing.change_due_day(caller, customer, new.day, &key).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLimit {
    credit_limit_cents: i64,
}

/// Lowers the credit limit. Needs a step-up (L3).
#[utoipa::path(post, path = "/v1/limit", request_body = NewLimit, responses((status = 200, body = Receipt)), tag = "line")]
pub(crate) async fn lower_limit(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    IdempotencyKey(key): IdempotencyKey,
    Body(new): Body<NewLimit>,
) -> Result<Json<Receipt>, ApiError> {
    let to = Cents::new(new.credit_limit_cents);
    Ok(Json(app.servicing.lower_limit(caller, customer, to, &key).await?.into()))
}

/// The refunds of a credit balance, newest first.
#[utoipa::path(get, path = "/v1/refunds", responses((status = 200, body = Items<Refund>)), tag = "line")]
pub(crate) async fn refunds(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
) -> Result<Json<Items<Refund>>, ApiError> {
    let refunds = app.servicing.list_refunds(caller, customer).await?;
    Ok(Json(refunds.into_iter().map(Refund::from).collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRefund {
    #[schema(value_type = uuid::Uuid)]
    bank_account_id: BankAccountId,
}

/// Asks for the whole credit balance: sent within seven banking days.
#[utoipa::path(post, path = "/v1/refunds", request_body = NewRefund, responses((status = 200, body = Receipt)), tag = "line")]
pub(crate) async fn request_refund(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    IdempotencyKey(key): IdempotencyKey,
    Body(new): Body<NewRefund>,
) -> Result<Json<Receipt>, ApiError> {
    let receipt = app.servicing.request_refund(caller, customer, new.bank_account_id, &key).await?;
    Ok(Json(receipt.into()))
}

/// The customer's disputes, newest first.
#[utoipa::path(get, path = "/v1/disputes", responses((status = 200, body = Items<Dispute>)), tag = "disputes")]
pub(crate) async fn disputes(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
) -> Result<Json<Items<Dispute>>, ApiError> {
    let disputes = app.servicing.list_disputes(caller, customer).await?;
    Ok(Json(disputes.into_iter().map(Dispute::from).collect()))
}

/// A billing-error notice, in writing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DisputeNotice {
    subject: Subject,
    /// How much of what was billed is wrong.
    amount_cents: i64,
    words: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Subject {
    Draw {
        #[schema(value_type = uuid::Uuid)]
        draw_id: DrawId,
    },
    Fee {
        /// `draw`, `plan`, `late`, `returned_payment`, `over_limit` or `other`.
        #[schema(value_type = String)]
        fee: FeeKind,
    },
    Other,
}

impl From<DisputeNotice> for NewDispute {
    fn from(notice: DisputeNotice) -> Self {
        Self {
            subject: match notice.subject {
                Subject::Draw { draw_id } => DisputeSubject::Draw { draw_id },
                Subject::Fee { fee } => DisputeSubject::Fee { fee },
                Subject::Other => DisputeSubject::Other,
            },
            amount: Cents::new(notice.amount_cents),
            words: notice.words,
        }
    }
}

/// Says that a statement is wrong. It counts as written notice; what is disputed need not be paid meanwhile.
#[utoipa::path(post, path = "/v1/disputes", request_body = DisputeNotice, responses((status = 200, body = Dispute)), tag = "disputes")]
pub(crate) async fn dispute(
    State(app): State<App>,
    CustomerOf { id: customer, caller }: CustomerOf,
    IdempotencyKey(key): IdempotencyKey,
    Body(notice): Body<DisputeNotice>,
) -> Result<Json<Dispute>, ApiError> {
    let new = notice.into();
    Ok(Json(app.servicing.open_dispute(caller, customer, &new, &key).await?.into()))
}

/// The disputes that wait for a finding, the most urgent first.
#[utoipa::path(get, path = "/v1/desk/disputes", responses((status = 200, body = Items<DeskDispute>)), tag = "desk")]
pub(crate) async fn desk_disputes(
    State(app): State<App>,
    SignedIn(session): SignedIn,
) -> Result<Json<Items<DeskDispute>>, ApiError> {
    let disputes = app.servicing.open_disputes(session.caller()).await?;
    Ok(Json(disputes.into_iter().map(DeskDispute::from).collect()))
}

/// A customer's disputes, newest first.
#[utoipa::path(get, path = "/v1/desk/customers/{id}/disputes", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Items<DeskDispute>)), tag = "desk")]
pub(crate) async fn disputes_of(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
) -> Result<Json<Items<DeskDispute>>, ApiError> {
    let disputes = app.servicing.list_disputes(session.caller(), id).await?;
    Ok(Json(disputes.into_iter().map(DeskDispute::from).collect()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFinding {
    /// How much of it was our error; 0 where there was none.
    error_cents: i64,
    /// Told to the customer.
    explanation: String,
}

/// Settles a dispute, with the explanation for the customer; one that gives back more than one person may waits for a second one.
#[utoipa::path(post, path = "/v1/desk/disputes/{id}/resolve", params(("id" = uuid::Uuid, Path)), request_body = NewFinding, responses((status = 200, body = DeskDispute)), tag = "desk")]
pub(crate) async fn resolve(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CaseId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(found): Body<NewFinding>,
) -> Result<Json<DeskDispute>, ApiError> {
    let finding = Finding { error: Cents::new(found.error_cents), explanation: found.explanation };
    let dispute = app.servicing.resolve_dispute(session.caller(), id, &finding, &key).await?;
    Ok(Json(dispute.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeInTerms {
    /// What a product file would say of them.
    #[schema(value_type = Object)]
    changes: Map<String, Value>,
    effective_on: NaiveDate,
    /// Why no notice is needed: `consumer_favourable`, `agreed`, `line_suspension` or `index`.
    #[schema(value_type = Option<String>)]
    exception: Option<NoticeException>,
    note: String,
}

/// Changes the terms of a customer's line from a day on, 45 days ahead unless an exception is named.
#[utoipa::path(post, path = "/v1/desk/customers/{id}/terms", params(("id" = uuid::Uuid, Path)), request_body = ChangeInTerms, responses((status = 200, body = TermsChange)), tag = "desk")]
pub(crate) async fn change_terms(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(change): Body<ChangeInTerms>,
) -> Result<Json<TermsChange>, ApiError> {
    let new = NewTerms {
        changes: change.changes,
        effective_on: change.effective_on,
        exception: change.exception,
        note: change.note,
    };
    Ok(Json(app.servicing.change_terms(session.caller(), id, &new, &key).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewServicePeriod {
    from: NaiveDate,
    /// Its last day, where that is known.
    through: Option<NaiveDate>,
    note: String,
}

/// Records a period of service in the armed forces: six percent from its first day, the rest forgiven (50 USC 3937).
#[utoipa::path(post, path = "/v1/desk/customers/{id}/service", params(("id" = uuid::Uuid, Path)), request_body = NewServicePeriod, responses((status = 200, body = Forgiven)), tag = "desk")]
pub(crate) async fn record_service(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(period): Body<NewServicePeriod>,
) -> Result<Json<Forgiven>, ApiError> {
    let period = ServicePeriod { from: period.from, through: period.through, note: period.note };
    Ok(Json(app.servicing.record_service(session.caller(), id, &period, &key).await?.into()))
}
