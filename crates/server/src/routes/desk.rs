//! The representatives' desk.

use std::collections::HashMap;

use axum::{Json, extract::State};
use credit::FlagKind;
use identity::{CaseId, ConversationId, CustomerId, RepresentativeId};
use serde::Deserialize;
use serde_json::{Value, json};
use servicing::{
    Caller,
    cases::offered,
    conversations::ConversationView,
    flags::{flag_word, parse_flag},
};
use store::{cases::CaseStatus, customers::Customer};
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiError, App,
    extract::{Body, IdempotencyKey, Path, Query},
    session::SignedIn,
    shapes::{
        Case, Conversation, DeskConversation, DeskCustomer, DeskFlag, Items, ListedCustomer,
        QueueItem,
    },
};

pub(crate) fn person(customer: &Customer) -> Value {
    json!({ "id": customer.id, "name": customer.name, "state": customer.state, "language": customer.language })
}

/// What waits: hand-offs first, then cases.
#[utoipa::path(get, path = "/v1/desk/queue", responses((status = 200, body = Items<QueueItem>)), tag = "desk")]
pub(crate) async fn queue(
    State(app): State<App>,
    SignedIn(session): SignedIn,
) -> Result<Json<Items<QueueItem>>, ApiError> {
    let caller = session.caller();
    let queue = app.servicing.queue(caller).await?;
    let people: HashMap<CustomerId, Value> = app
        .servicing
        .list_customers(caller)
        .await?
        .iter()
        .map(|customer| (customer.id, person(customer)))
        .collect();
    let named = |id: CustomerId| people.get(&id).cloned().unwrap_or(Value::Null);
    let staff = app.staff_names().await?;
    let hand_offs = queue.hand_offs.into_iter().map(|row| QueueItem {
        kind: "hand_off",
        id: row.id.to_string(),
        reference: row.reference,
        conversation_id: Some(row.conversation_id),
        customer: named(row.customer_id),
        reason: row.reason,
        opened_at: row.opened_at,
        due_on: None,
        status: row.status.to_string(),
        claimed_by: row.claimed_by.and_then(|id| staff.get(&id).cloned()),
        flag: None,
    });
    let cases = queue.cases.into_iter().map(|(row, flag)| QueueItem {
        kind: "case",
        id: row.id.to_string(),
        reference: row.reference,
        conversation_id: row.conversation_id,
        customer: named(row.customer_id),
        reason: row.kind,
        opened_at: row.opened_at,
        due_on: Some(row.due_on),
        status: row.status.to_string(),
        claimed_by: None,
        flag: flag.map(flag_word),
    });
    Ok(Json(hand_offs.chain(cases).collect()))
}

/// A conversation with the customer's position, flags and cases, and the evidence beside each message.
#[utoipa::path(get, path = "/v1/desk/conversations/{id}", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = DeskConversation)), tag = "desk")]
pub(crate) async fn conversation(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<ConversationId>,
) -> Result<Json<DeskConversation>, ApiError> {
    let caller = session.caller();
    let view = app.servicing.conversation(caller, id, 0).await?;
    Ok(Json(with_customer(&app, caller, view).await?))
}

/// A conversation with everything staff want to see beside it.
pub(crate) async fn with_customer(
    app: &App,
    caller: Caller,
    view: ConversationView,
) -> Result<DeskConversation, ApiError> {
    let customer = of_customer(app, caller, view.conversation.customer_id).await?;
    let staff = app.staff_names().await?;
    let leaves = leaves_of(app, view.conversation.id).await?;
    let claimed_by_id = view.hand_off.as_ref().and_then(|hand_off| hand_off.claimed_by);
    let mut conversation = Conversation::of(view, &staff, true);
    conversation.mark_leaves(&leaves);
    Ok(DeskConversation { conversation, claimed_by_id, customer })
}

/// What staff see of a customer.
async fn of_customer(app: &App, caller: Caller, id: CustomerId) -> Result<DeskCustomer, ApiError> {
    let customer = app.servicing.customer(caller, id).await?;
    let position = match app.servicing.position(caller, id).await {
        Ok(position) => Some(position.into()),
        Err(error) if error.refusal().is_some() => None,
        Err(error) => return Err(error.into()),
    };
    let flags = app.servicing.standing_flags(caller, id).await?;
    let cases = app.servicing.list_cases(caller, id).await?;
    let kinds: Vec<FlagKind> = flags.iter().map(|flag| flag.kind).collect();
    let open_cases = cases
        .iter()
        .filter(|case| case.status == CaseStatus::Open)
        .map(|case| Case::with_flag(case.clone(), offered(case, &cases, &kinds)))
        .collect();
    let conversations = app.servicing.list_conversations(caller, id).await?;
    Ok(DeskCustomer {
        customer: person(&customer),
        position,
        flags: flags.into_iter().map(DeskFlag::from).collect(),
        open_cases,
        latest_conversation_id: conversations.first().map(|conversation| conversation.id),
    })
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomerQuery {
    /// A part of the name; without it those on whom a flag stands or of whom a case is open.
    q: Option<String>,
}

/// Customers, 50 at most: found by a part of the name, or those on whom a flag stands or of whom a case is open, newest first.
#[utoipa::path(get, path = "/v1/desk/customers", params(CustomerQuery), responses((status = 200, body = Items<ListedCustomer>)), tag = "desk")]
pub(crate) async fn customers(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Query(query): Query<CustomerQuery>,
) -> Result<Json<Items<ListedCustomer>>, ApiError> {
    let words = query.q.as_deref().map(str::trim).filter(|words| !words.is_empty());
    let found = app.servicing.find_customers(session.caller(), words).await?;
    let listed = found.into_iter().map(|listed| ListedCustomer {
        customer: person(&listed.customer),
        flags: listed.flags.into_iter().map(flag_word).collect(),
    });
    Ok(Json(listed.collect()))
}

/// A customer's position, flags and open cases, with or without a conversation.
#[utoipa::path(get, path = "/v1/desk/customers/{id}", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = DeskCustomer)), tag = "desk")]
pub(crate) async fn customer(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CustomerId>,
) -> Result<Json<DeskCustomer>, ApiError> {
    Ok(Json(of_customer(&app, session.caller(), id).await?))
}

/// The leaves of a conversation, in order.
async fn leaves_of(app: &App, id: ConversationId) -> Result<Vec<audit::Recorded>, ApiError> {
    let pool = app.servicing.store().audit();
    let mut conn = pool.acquire().await.map_err(|error| ApiError::broken(&error))?;
    let read = audit::read(&mut conn, audit::Stream::Conversation(id)).await;
    read.map_err(|error| ApiError::broken(&error))
}

/// Takes the conversation over.
#[utoipa::path(post, path = "/v1/desk/conversations/{id}/claim", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = DeskConversation)), tag = "desk")]
pub(crate) async fn claim(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<ConversationId>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Json<DeskConversation>, ApiError> {
    app.servicing.claim(session.caller(), id, &key).await?;
    conversation(State(app), SignedIn(session), Path(id)).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakingOver {
    /// Who has the conversation, as `claimed_by_id` says.
    #[schema(value_type = uuid::Uuid)]
    from: RepresentativeId,
}

/// Takes the conversation over from the representative who has it and went away. It is recorded with both names.
#[utoipa::path(post, path = "/v1/desk/conversations/{id}/take-over", params(("id" = uuid::Uuid, Path)), request_body = TakingOver, responses((status = 200, body = DeskConversation)), tag = "desk")]
pub(crate) async fn take_over(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<ConversationId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(taking): Body<TakingOver>,
) -> Result<Json<DeskConversation>, ApiError> {
    app.servicing.take_over(session.caller(), id, taking.from, &key).await?;
    conversation(State(app), SignedIn(session), Path(id)).await
}

/// Gives the conversation back to the assistant.
#[utoipa::path(post, path = "/v1/desk/conversations/{id}/release", params(("id" = uuid::Uuid, Path)), responses((status = 200, body = DeskConversation)), tag = "desk")]
pub(crate) async fn release(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<ConversationId>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Json<DeskConversation>, ApiError> {
    app.servicing.release(session.caller(), id, &key).await?;
    conversation(State(app), SignedIn(session), Path(id)).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    text: String,
}

/// Answers the customer.
#[utoipa::path(post, path = "/v1/desk/conversations/{id}/reply", params(("id" = uuid::Uuid, Path)), request_body = Reply, responses((status = 200, body = DeskConversation)), tag = "desk")]
pub(crate) async fn reply(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<ConversationId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(reply): Body<Reply>,
) -> Result<Json<DeskConversation>, ApiError> {
    app.servicing.reply(session.caller(), id, &reply.text, &key).await?;
    conversation(State(app), SignedIn(session), Path(id)).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Closing {
    note: String,
    /// Whether the flag goes with it that the case names as `flag`.
    #[serde(default)]
    clear_flag: bool,
}

/// Closes a case with a note of what was done, and clears its flag where that is asked for.
#[utoipa::path(post, path = "/v1/desk/cases/{id}/close", params(("id" = uuid::Uuid, Path)), request_body = Closing, responses((status = 200, body = Case)), tag = "desk")]
pub(crate) async fn close_case(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path(id): Path<CaseId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(closing): Body<Closing>,
) -> Result<Json<Case>, ApiError> {
    let closing = servicing::Closing { note: &closing.note, clear_flag: closing.clear_flag };
    let case = app.servicing.close_case(session.caller(), id, closing, &key).await?;
    Ok(Json(case.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clearing {
    /// What was found, for the record.
    note: String,
}

/// Clears a flag that stands on a customer; answers those that still stand.
#[utoipa::path(post, path = "/v1/desk/customers/{id}/flags/{flag}/clear", params(("id" = uuid::Uuid, Path), ("flag" = String, Path)), request_body = Clearing, responses((status = 200, body = Items<DeskFlag>)), tag = "desk")]
pub(crate) async fn clear_flag(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    Path((id, flag)): Path<(CustomerId, String)>,
    IdempotencyKey(key): IdempotencyKey,
    Body(clearing): Body<Clearing>,
) -> Result<Json<Items<DeskFlag>>, ApiError> {
    let flag = parse_flag(&flag).map_err(|refusal| ApiError::from(&refusal))?;
    let left = app.servicing.clear_flag(session.caller(), id, flag, &clearing.note, &key).await?;
    Ok(Json(left.into_iter().map(DeskFlag::from).collect()))
}
