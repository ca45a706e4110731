//! Applications, and what was decided on them: the record from which reasons are told, byte for byte.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{ApplicationId, CustomerId, DecisionId};
use money::Cents;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use crate::StoreError;

text_enum! {
    Outcome {
        Approved = "approved",
        Declined = "declined",
        Counteroffered = "counteroffered",
        Incomplete = "incomplete",
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Application {
    pub id: ApplicationId,
    pub customer_id: CustomerId,
    pub product: String,
    pub requested_limit: Cents,
    pub inputs: Value,
    /// SHA-256 of the inputs as canonical JSON.
    pub inputs_digest: Vec<u8>,
    pub completed_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    pub id: DecisionId,
    pub application_id: ApplicationId,
    pub customer_id: CustomerId,
    pub outcome: Outcome,
    pub decided_on: NaiveDate,
    pub decided_at: DateTime<Utc>,
    pub model: String,
    pub policy: String,
    pub inputs_digest: Vec<u8>,
    pub contributions: Value,
    /// `[{code, text}]`, at most four, the weightiest first.
    pub reasons: Value,
    /// What is offered, where something is.
    pub terms: Option<Value>,
    /// The notice as it was sent.
    #[serde(skip)]
    pub notice: Vec<u8>,
    pub notice_digest: Vec<u8>,
    pub legal_minimum_until: NaiveDate,
}

macro_rules! select_decisions {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, application_id, customer_id, outcome AS "outcome: Outcome", decided_on, decided_at, model,
                      policy, inputs_digest, contributions, reasons, terms, notice, notice_digest, legal_minimum_until
               FROM decisions "# + $tail
            $(, $arg)*
        )
        .map(|row| Decision {
            id: DecisionId::from_uuid(row.id),
            application_id: ApplicationId::from_uuid(row.application_id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            outcome: row.outcome,
            decided_on: row.decided_on,
            decided_at: row.decided_at,
            model: row.model,
            policy: row.policy,
            inputs_digest: row.inputs_digest,
            contributions: row.contributions,
            reasons: row.reasons,
            terms: row.terms,
            notice: row.notice,
            notice_digest: row.notice_digest,
            legal_minimum_until: row.legal_minimum_until,
        })
    };
}

pub async fn insert_application(
    conn: &mut PgConnection,
    application: &Application,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO applications (id, customer_id, product, requested_limit_cents, inputs, inputs_digest, completed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        application.id.as_uuid(),
        application.customer_id.as_uuid(),
        application.product,
        application.requested_limit.get(),
        application.inputs,
        application.inputs_digest,
        application.completed_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert(conn: &mut PgConnection, decision: &Decision) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO decisions (id, application_id, customer_id, outcome, decided_on, decided_at, model, policy,
                                inputs_digest, contributions, reasons, terms, notice, notice_digest,
                                legal_minimum_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        decision.id.as_uuid(),
        decision.application_id.as_uuid(),
        decision.customer_id.as_uuid(),
        decision.outcome.as_str(),
        decision.decided_on,
        decision.decided_at,
        decision.model,
        decision.policy,
        decision.inputs_digest,
        decision.contributions,
        decision.reasons,
        decision.terms,
        decision.notice,
        decision.notice_digest,
        decision.legal_minimum_until,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find(conn: &mut PgConnection, id: DecisionId) -> Result<Option<Decision>, StoreError> {
    Ok(select_decisions!("WHERE id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

/// The customer's newest decision.
pub async fn find_latest(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Option<Decision>, StoreError> {
    Ok(select_decisions!(
        "WHERE customer_id = $1 ORDER BY decided_at DESC, id DESC LIMIT 1",
        customer_id.as_uuid()
    )
    .fetch_optional(conn)
    .await?)
}
